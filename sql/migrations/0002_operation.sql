-- Processes that serve this database, and the identity each was configured with.
CREATE TABLE replicas (
    name        text        PRIMARY KEY,
    service     text        NOT NULL,
    version     text        NOT NULL,
    fingerprint text        NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT now(),
    seen_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX replicas_seen ON replicas (seen_at);

-- Messages that could not be read: kept for people, bounded in number by the writer.
CREATE TABLE dead_letters (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT now(),
    exchange    text        NOT NULL,
    routing_key text        NOT NULL,
    reason      text        NOT NULL,
    size        bigint      NOT NULL,
    sha256      bytea       NOT NULL,
    body        bytea       NOT NULL CHECK (octet_length(body) <= 65536)
);
