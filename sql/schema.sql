-- The schema that the migrations add up to, for reading; a test keeps it equal to them.
-- One row per run; the row is the truth, and its own outbox.
CREATE TABLE runs (
    task_id            text        NOT NULL,
    run_id             integer     NOT NULL CHECK (run_id >= 0),
    pool               text        NOT NULL,
    phase              text        NOT NULL,
    version            bigint      NOT NULL DEFAULT 1,
    -- when something is owed, and until when it was last looked at
    due_at             timestamptz,
    look_at            timestamptz NOT NULL,
    not_before         timestamptz NOT NULL,
    attempts           integer     NOT NULL DEFAULT 0,
    -- who acts for the run now, and who has its credentials in memory
    lease_owner        text,
    lease_until        timestamptz,
    holder             text,
    -- what Taskcluster says of the task
    task_group_id      text,
    scheduler_id       text,
    project_id         text,
    priority           text,
    scheduled          timestamptz,
    deadline           timestamptz,
    expires            timestamptz,
    builder            text,
    -- what a phase knows
    held               text,
    asked              boolean,
    request_id         bigint,
    request_run        integer,
    build_id           bigint,
    after_build        bigint,
    told_priority      text,
    worker_group       text,
    worker_id          text,
    taken_until        timestamptz,
    reclaim_at         timestamptz,
    verdict            text,
    verdict_why        text,
    verdict_results    integer,
    since              timestamptz,
    reason             text,
    cancels            integer,
    over               boolean,
    outcome            text,
    -- reads that did not find what they looked for
    missing_since      timestamptz,
    missing_reads      integer     NOT NULL DEFAULT 0,
    absent_since       timestamptz,
    created_at         timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (task_id, run_id),

    CONSTRAINT phase_known CHECK (phase IN
        ('wanted', 'queued', 'building', 'reporting', 'refused', 'stopping', 'settled')),
    CONSTRAINT due_unless_settled CHECK ((phase = 'settled') = (due_at IS NULL)),
    CONSTRAINT facts_together CHECK (num_nulls(task_group_id, scheduler_id, project_id, priority, scheduled, deadline,
                                               expires) IN (0, 7)),
    CONSTRAINT request_whole CHECK ((request_id IS NULL) = (request_run IS NULL)),
    CONSTRAINT worker_whole CHECK ((worker_group IS NULL) = (worker_id IS NULL)),
    CONSTRAINT claim_whole CHECK ((taken_until IS NULL) = (reclaim_at IS NULL)),
    CONSTRAINT verdict_whole CHECK ((verdict IS NULL) = (verdict_why IS NULL)
                                    AND (verdict IS NOT NULL OR verdict_results IS NULL)),
    CONSTRAINT lease_whole CHECK ((lease_owner IS NULL) = (lease_until IS NULL)),
    CONSTRAINT request_by_phase CHECK (CASE
        WHEN phase IN ('wanted', 'refused') THEN request_id IS NULL
        WHEN phase IN ('queued', 'building', 'reporting') THEN request_id IS NOT NULL
        ELSE true END),
    CONSTRAINT build_by_phase CHECK (CASE
        WHEN phase IN ('wanted', 'queued', 'refused') THEN build_id IS NULL
        WHEN phase = 'building' THEN build_id IS NOT NULL
        ELSE true END),
    CONSTRAINT worker_by_phase CHECK (CASE
        WHEN phase IN ('building', 'reporting', 'refused') THEN worker_id IS NOT NULL
        WHEN phase IN ('wanted', 'settled') THEN worker_id IS NULL
        ELSE true END),
    CONSTRAINT claim_by_phase CHECK (taken_until IS NULL OR phase IN ('queued', 'building', 'reporting', 'refused')),
    CONSTRAINT verdict_by_phase CHECK ((phase = 'reporting') = (verdict IS NOT NULL)),
    CONSTRAINT since_by_phase CHECK ((phase IN ('reporting', 'stopping')) = (since IS NOT NULL)),
    CONSTRAINT reason_by_phase CHECK ((phase IN ('refused', 'stopping')) = (reason IS NOT NULL)),
    CONSTRAINT stop_by_phase CHECK ((phase = 'stopping') = (cancels IS NOT NULL)
                                    AND (phase = 'stopping') = (over IS NOT NULL)),
    CONSTRAINT wanted_by_phase CHECK ((phase = 'wanted') = (asked IS NOT NULL) AND (held IS NULL OR phase = 'wanted')),
    CONSTRAINT queued_by_phase CHECK ((after_build IS NULL AND told_priority IS NULL) OR phase = 'queued'),
    CONSTRAINT outcome_by_phase CHECK ((phase = 'settled') = (outcome IS NOT NULL)),
    CONSTRAINT hands_by_phase CHECK (phase <> 'settled' OR num_nonnulls(lease_owner, holder) = 0)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
        autovacuum_analyze_scale_factor = 0.02);

-- What is due: claims that end soon by their end, all else by when it fell due. These two move with every save, and when
-- a process that ends leaves its runs to others; not when a lease is taken or given back.
CREATE INDEX runs_near ON runs (taken_until, due_at, holder) WHERE taken_until IS NOT NULL;
CREATE INDEX runs_due ON runs (due_at, holder) WHERE phase <> 'settled';
CREATE INDEX runs_open ON runs (task_id, run_id) WHERE phase <> 'settled';
CREATE INDEX runs_request ON runs (request_id) WHERE request_id IS NOT NULL AND phase <> 'settled';
CREATE INDEX runs_settled ON runs (coalesce(deadline, updated_at)) WHERE phase = 'settled';

-- Every change of phase, for people to read.
CREATE TABLE transitions (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task_id     text        NOT NULL,
    run_id      integer     NOT NULL,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    from_phase  text,
    to_phase    text        NOT NULL,
    because     text        NOT NULL,
    who         text        NOT NULL,
    cause       jsonb
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
CREATE INDEX transitions_run ON transitions (task_id, run_id, id);
-- Processes that serve this database, and the identity each was configured with.
CREATE TABLE replicas (
    name        text        PRIMARY KEY,
    service     text        NOT NULL,
    version     text        NOT NULL,
    fingerprint text        NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT now(),
    seen_at     timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
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

-- What people look for: runs in the order in which they came, those of a task group, of a build request, of a build. All
-- these columns change in saves alone, which make a new version of the row in any case: taking and giving back leases stays
-- as cheap as it was.
CREATE INDEX runs_listed_open ON runs (created_at, task_id, run_id) WHERE phase <> 'settled';
CREATE INDEX runs_listed_settled ON runs (created_at, task_id, run_id) WHERE phase = 'settled';
CREATE INDEX runs_group ON runs (task_group_id, created_at, task_id, run_id) WHERE task_group_id IS NOT NULL;
CREATE INDEX runs_request_settled ON runs (request_id) WHERE request_id IS NOT NULL AND phase = 'settled';
CREATE INDEX runs_build ON runs (build_id) WHERE build_id IS NOT NULL;
CREATE INDEX transitions_told ON transitions (at) INCLUDE (task_id, run_id, to_phase)
    WHERE to_phase IN ('building', 'settled');

-- What each sweep of each process came to, the last time.
CREATE TABLE sweeps (
    replica     text        NOT NULL,
    name        text        NOT NULL,
    began_at    timestamptz NOT NULL,
    ended_at    timestamptz NOT NULL,
    found       integer     NOT NULL,
    fault       text,
    PRIMARY KEY (replica, name)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);

-- How late the bridge was, minute by minute; whoever comes first in a minute writes it.
CREATE TABLE samples (
    at              timestamptz PRIMARY KEY,
    unsettled       bigint      NOT NULL,
    held            bigint      NOT NULL,
    oldest_due      float8,
    claim_margin    float8
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

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
