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
);

-- How late the bridge was, minute by minute; whoever comes first in a minute writes it.
CREATE TABLE samples (
    at              timestamptz PRIMARY KEY,
    unsettled       bigint      NOT NULL,
    held            bigint      NOT NULL,
    oldest_due      float8,
    claim_margin    float8
);
