"""Reading both sides: the only evidence for a decision."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from bridge.core import faults
from bridge.core.events import Hinted, RequestMissing, RequestSeen, TaskSeen
from bridge.core.run import Run, RunId, Settled, request_of

if TYPE_CHECKING:
    from bridge.engine.engine import Engine

# Between two reads that find Buildbot without the request; several over minutes make it lost.
MISSING_AGAIN = timedelta(minutes=1)


async def look(engine: Engine, run: Run) -> Mapping[RunId, Run]:
    """Read the task's status and the request's state, each heard as it comes."""
    rows = await task_seen(engine, run)
    run = rows.get(run.key.run_id, run)
    try:
        return await request_seen(engine, run, rows)
    except faults.Unavailable as fault:
        # The first half of the look is heard; the second half is still owed.
        engine.observer.fault(run, "Look", fault)
        at = engine.clock.now()
        return await engine.hear(run.key, Hinted(engine.backoff.until(at, run.attempts + 2, fault.retry_after)))


async def task_seen(engine: Engine, run: Run) -> Mapping[RunId, Run]:
    """Read the task's status and let it move all rows of the task."""
    at = engine.clock.now()
    status = await engine.queue.status(run.key.task_id)
    return await engine.hear(run.key, TaskSeen(at, status, engine.pool_of(run).rules))


async def request_seen(engine: Engine, run: Run, rows: Mapping[RunId, Run]) -> Mapping[RunId, Run]:
    """Read the state of the request that the run holds, if it holds one."""
    request = request_of(run)
    if request is None or isinstance(run.phase, Settled):
        return rows
    pool, at = engine.pool_of(run), engine.clock.now()
    state = await pool.builds.state(request.id)
    if state is None:
        again = at + MISSING_AGAIN
        engine.observer.alarm("request_missing", run.key, f"Buildbot does not know build request {request.id}")
        return await engine.hear(run.key, RequestMissing(at, again, pool.rules))
    return await engine.hear(run.key, RequestSeen(at, state, pool.rules))
