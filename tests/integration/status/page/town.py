"""The rows of a bridge in the middle of a day: many runs that are over, some in each phase, services, sweeps, messages."""

from datetime import timedelta

from bridge.core.ledger import Swept
from bridge.core.run import TaskId
from bridge.store.people import People
from bridge.store.replicas import Replica
from bridge.store.runs import Runs
from tests.integration.store.test_replicas import HERE

GROUP = "GroupOfTheTown00000000"
OLD = f"""
INSERT INTO runs (task_id, run_id, pool, phase, look_at, not_before, request_id, request_run, build_id, outcome, task_group_id,
                  scheduler_id, project_id, priority, scheduled, deadline, expires, created_at, updated_at, builder)
SELECT 'Done' || lpad(n::text, 18, '0'), 0, 'linux', 'settled', now(), now(), 1000 + n, 0, 5000 + n,
       CASE WHEN n % 13 = 0 THEN 'resolved as failed' WHEN n % 29 = 0 THEN 'exception; internal-error' ELSE 'resolved as completed' END,
       CASE WHEN n <= 8 THEN '{GROUP}' ELSE lpad((n / 10)::text, 22, 'g') END, 'gecko-level-1', 'gecko', 'low',
       began - interval '40 s' - n % 7 * interval '20 s', began + interval '1 day', began + interval '1 year', began - interval '39 s',
       began + interval '12 min', (ARRAY['linux64-opt', 'linux64-debug', 'linux64-asan', 'linux64-tests'])[1 + n % 4]
FROM generate_series(1, 400) n, LATERAL (SELECT now() - n * interval '210 s' AS began) b
"""
STEPS = """
INSERT INTO transitions (task_id, run_id, at, from_phase, to_phase, because, who)
SELECT r.task_id, r.run_id, r.created_at + s.after, s.f, s.t, s.because, s.who FROM runs r, (VALUES
    (interval '0 s', NULL, 'wanted', 'task is pending', 'taskcluster-listener-1'),
    (interval '2 s', 'wanted', 'queued', 'Buildbot took the request', 'taskcluster-listener-1'),
    (interval '39 s', 'queued', 'building', 'a build of the request began', 'buildbot-listener-1'),
    (interval '12 min', 'building', 'reporting', 'the request is complete: SUCCESS', 'buildbot-listener-1'),
    (interval '12 min 9 s', 'reporting', 'settled', 'Taskcluster has been told', 'reflector-1')) s(after, f, t, because, who)
WHERE r.phase = 'settled'
"""
SAMPLES = """
INSERT INTO samples (at, unsettled, held, oldest_due, claim_margin)
SELECT now() - n * interval '1 min', 20 + n % 9, n % 3, 1.5, 500 + 300 * sin(n / 40.0) FROM generate_series(1, 1440) n
"""
OPEN = f"""
INSERT INTO runs (task_id, run_id, pool, phase, look_at, not_before, due_at, asked, held, request_id, request_run, build_id, worker_group,
                  worker_id, taken_until, reclaim_at, task_group_id, scheduler_id, project_id, priority, scheduled,
                  deadline, expires, created_at, updated_at, builder)
SELECT lpad(n::text, 22, left(phase, 1)), 0, 'linux', phase, now() + interval '1 min', now(), now() + interval '1 min',
       CASE WHEN phase = 'wanted' THEN false END,
       CASE WHEN phase = 'wanted' AND n % 5 = 0 THEN 'builder ''linux64-opt'' has 50 pending requests, the most that it may have' END,
       CASE WHEN phase <> 'wanted' THEN n END, CASE WHEN phase <> 'wanted' THEN 0 END, CASE WHEN phase = 'building' THEN 9000 + n END,
       CASE WHEN phase = 'building' THEN 'buildbot' END, CASE WHEN phase = 'building' THEN 'linux-' || n END,
       CASE WHEN phase = 'building' THEN now() + interval '18 min' END, CASE WHEN phase = 'building' THEN now() + interval '7 min' END,
       '{GROUP}', 'gecko-level-1', 'gecko', 'low', now() - interval '9 min', now() + interval '1 day',
       now() + interval '1 year', now() - interval '9 min', now(), (ARRAY['linux64-opt', 'linux64-debug', 'linux64-asan', 'linux64-tests'])[1 + n % 4]
FROM generate_series(1, 24) n, LATERAL (SELECT (ARRAY['wanted', 'queued', 'building'])[1 + n % 3] AS phase) p
"""
OPEN_STEPS = """
INSERT INTO transitions (task_id, run_id, at, from_phase, to_phase, because, who)
SELECT r.task_id, r.run_id, r.created_at + s.after, s.f, s.t, s.because, 'taskcluster-listener-1' FROM runs r, (VALUES
    (interval '0 s', NULL, 'wanted', 'task is pending'), (interval '2 s', 'wanted', 'queued', 'Buildbot took the request'),
    (interval '90 s', 'queued', 'building', 'a build of the request began')) s(after, f, t, because)
WHERE r.phase = 'building' OR r.phase = 'queued' AND s.t <> 'building' OR r.phase = 'wanted' AND s.t = 'wanted'
"""
BUILDING = TaskId("2".rjust(22, "b"))


async def settle(store: Runs) -> None:
    """Fill an empty database."""
    for statement in (OLD, STEPS, OPEN, OPEN_STEPS, SAMPLES):
        await store.database.fetch(statement)
    for service in ("taskcluster-listener", "buildbot-listener", "reflector"):
        await Replica(f"{service}-1", service, "0.1.0", HERE).register(store.database)
    people = People(store.database)
    now = await store.database.value("SELECT now()")
    for name in ("pending", "statuses", "states", "strangers", "retire"):
        await people.swept(Swept(name, "reflector-1", now - timedelta(seconds=12), now - timedelta(seconds=11), 3, None))
    await people.bury(
        "exchange/taskcluster-queue/v1/task-pending",
        "primary.x",
        "status.runs: Field required",
        b'{"status": {"taskId": "A"}}',
    )
