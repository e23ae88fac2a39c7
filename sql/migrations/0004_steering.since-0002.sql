-- Orders of operators that hold runs back, and a record of all that operators did.
CREATE TABLE stops (
    kind     text        NOT NULL CHECK (kind IN ('paused', 'denied', 'draining')),
    pool     text        NOT NULL, -- empty: all pools
    builders text        NOT NULL,
    who      text        NOT NULL,
    why      text        NOT NULL,
    at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, pool, builders)
);

CREATE TABLE audit (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       timestamptz NOT NULL DEFAULT now(),
    who      text        NOT NULL,
    verb     text        NOT NULL,
    target   text        NOT NULL,
    why      text        NOT NULL,
    outcome  text        NOT NULL
);
CREATE INDEX audit_target ON audit (target, id);
