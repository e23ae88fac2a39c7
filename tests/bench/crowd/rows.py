"""The rows of the crowd: running builds whose claims are renewed when the bench says."""

from datetime import datetime, timedelta

import asyncpg

from tests.bench.crowd.names import ROW

DEADLINE = timedelta(days=1)
SEEN = timedelta(seconds=65)
_INSERT = f"""
INSERT INTO runs (task_id, run_id, pool, phase, look_at, not_before, due_at, request_id, request_run, build_id, worker_group,
                  worker_id, taken_until, reclaim_at, deadline, task_group_id, scheduler_id, project_id, priority, scheduled,
                  expires, builder, created_at)
SELECT {ROW}, 0, 'demo', 'building', $2::timestamptz + $3::interval, $2, reclaim, n, 0, n, 'buildbot', 'crowd-1',
       $2::timestamptz + interval '20 minutes' + n % 977 * interval '1 ms', reclaim, $2::timestamptz + $4::interval,
       lpad((n % 1000)::text, 22, 'g'), 'demo', 'none', 'low', $2, $2::timestamptz + interval '30 days', 'crowd', $2
FROM generate_series($5::bigint + 1, $1::bigint) n, LATERAL (SELECT $2::timestamptz + interval '7 minutes' AS reclaim) r
"""
_DUE = """
UPDATE runs SET reclaim_at = now(), due_at = now(), taken_until = now() + interval '2 minutes' + (request_id * 7919 % $1) * $2::interval
WHERE request_id <= $1 AND phase <> 'settled'
"""


async def grow(connection: asyncpg.Connection, there: int, count: int, at: datetime) -> None:
    """Have `count` runs where `there` are, as they were at `at`, and as a database is that has been at work."""
    await connection.execute(_INSERT, count, at, DEADLINE + SEEN, DEADLINE, there, timeout=900)
    await connection.execute("VACUUM ANALYZE runs", timeout=900)


async def make_due(connection: asyncpg.Connection, count: int, apart: timedelta) -> None:
    """Have the first `count` claims due for renewal, each with another end, `apart` from the next, in no order of rows."""
    await connection.execute(_DUE, count, apart, timeout=900)
