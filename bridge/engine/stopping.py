"""Ending a build that Taskcluster no longer wants."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from bridge.core import faults
from bridge.core.commands import AttachLeftovers, CancelRequest
from bridge.core.events import Attached, CancelAsked, Deferred, RequestMissing, RequestSeen
from bridge.core.run import Run, RunId, RunKey, Stopping
from bridge.engine import artifacts
from bridge.engine.attaching import Attachment, Patience
from bridge.engine.looking import MISSING_AGAIN
from bridge.engine.outputs import attach_outputs, release
from bridge.engine.uploading import turn

if TYPE_CHECKING:
    from bridge.engine.engine import Engine

_STUCK = 20  # cancels without effect before a person is told


async def cancel_request(engine: Engine, run: Run, command: CancelRequest) -> Mapping[RunId, Run]:
    """Ask for the cancel; it is asked again 10, 20, 30, 30 … seconds later until the request shows complete."""
    pool, at = engine.pool_of(run), engine.clock.now()
    state = await pool.builds.cancel(RunKey(run.key.task_id, command.created_for), f"Taskcluster: {command.because}")
    if state is None:
        return await engine.hear(run.key, RequestMissing(at, at + MISSING_AGAIN, pool.rules))
    if command.asked == _STUCK:
        engine.observer.alarm("stop_stuck", run.key, f"request {state.request_id} goes on after {_STUCK} cancels")
    again = at + timedelta(seconds=min(30, 10 * (command.asked + 1)))
    return await engine.hear(run.key, CancelAsked(at, again), RequestSeen(at, state, pool.rules))


async def attach_leftovers(engine: Engine, run: Run, command: AttachLeftovers) -> Mapping[RunId, Run]:
    """Attach what the stopped build left, as long as the run's credentials are in memory and the queue takes it."""
    at = engine.clock.now()
    if isinstance(run.phase, Stopping) and engine.queue.holds(run.key) and at - run.phase.since < _UPLOADS_TAKEN:
        async with turn(engine) as mine:
            if not mine:
                return await engine.hear(run.key, Deferred(at, engine.backoff.until(at, run.attempts), command))
            await _leftovers(engine, run, command, run.phase.because)
    return await engine.hear(run.key, Attached(engine.clock.now()))


async def _leftovers(engine: Engine, run: Run, command: AttachLeftovers, because: str) -> None:
    this = Attachment(engine, run, Patience())
    try:
        await attach_outputs(this, command.build)
        await artifacts.attach_documents(this, command.build, f"The build was stopped: {because}.")
    except (faults.Conflicting, faults.NotAllowed, faults.Unfit, faults.Missing) as fault:
        engine.observer.fault(run, "attach", fault)
    if run.key in engine.memory.giving:
        await release(engine, run, command.build)


_UPLOADS_TAKEN = timedelta(minutes=20)  # the queue takes uploads for 25 minutes after an exception
