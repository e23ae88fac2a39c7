"""From a written verdict to a resolved run: artifacts first, then one report, then a read if the answer was not clear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from bridge.core import faults
from bridge.core.commands import Explain, Report
from bridge.core.events import Claimed, Deferred, Doubted, Incomplete, TaskSeen
from bridge.core.run import Reporting, Run, RunId
from bridge.core.status import RunState, TaskStatus, is_last, run_in
from bridge.core.verdict import Resolution, Verdict
from bridge.engine import artifacts
from bridge.engine.attaching import Attachment, Patience
from bridge.engine.outputs import attach_outputs, release
from bridge.engine.uploading import claim_kept, turn

if TYPE_CHECKING:
    from bridge.engine.engine import Engine

_DIRECTLY = timedelta(seconds=5)  # from the read to the cancelTask that it allows: a process may be held up in between
_NAMED = 3  # lost artifacts that are told by name in one line
_TRIES = 10  # uploads of an explanation before the run is resolved without it


async def report(engine: Engine, run: Run, command: Report) -> Mapping[RunId, Run]:
    """Carry the verdict out."""
    if command.claimed and (doubt := await _credentials(engine, run, command)) is not None:
        return doubt
    if command.claimed and run.key not in engine.memory.attached:
        async with turn(engine) as mine:
            if not mine:
                at = engine.clock.now()
                return await engine.hear(run.key, Deferred(at, engine.backoff.until(at, run.attempts), command))
            if (doubt := await _attached(engine, run, command)) is not None:
                return doubt
    if command.verdict.resolution is Resolution.CANCELED:
        return await _cancel_task(engine, run, command)
    return await _resolve(engine, run, command, command.verdict.resolution)


async def explain(engine: Engine, run: Run, command: Explain) -> Mapping[RunId, Run]:
    """Say why the task was refused, where its author will look, and resolve it as malformed-payload."""
    if (doubt := await _credentials(engine, run, command)) is not None:
        return doubt
    try:
        await artifacts.attach_explanation(engine, run, command.reason.rstrip("\n") + "\n")
    except faults.Conflicting as fault:
        return await _doubted(engine, run, command, fault)
    except faults.Unavailable:
        if run.attempts < _TRIES:
            raise
    return await _resolve(engine, run, command, None)


async def _credentials(engine: Engine, run: Run, command: Report | Explain) -> Mapping[RunId, Run] | None:
    """Make sure that this process can act for the run; the rows if it cannot, after a doubt was heard."""
    if engine.queue.holds(run.key):
        return None
    at = engine.clock.now()
    try:
        until = await engine.queue.claim(run.key, command.worker, engine.pool_of(run).task_queue_id)
    except (faults.Conflicting, faults.Unavailable) as fault:
        return await _doubted(engine, run, command, fault)
    await engine.hear(run.key, Claimed(at, until), holder=engine.me)
    return None


async def _attached(engine: Engine, run: Run, command: Report) -> Mapping[RunId, Run] | None:
    """Attach the artifacts, once; the rows if there is something to hear before the report. No verdict is lost for them."""
    this = Attachment(engine, run, _patience(engine, run, command.verdict))
    try:
        async with claim_kept(engine, run):
            if command.build is not None:
                await attach_outputs(this, command.build)
            if this.lost and command.verdict.resolution is Resolution.COMPLETED:
                return await engine.hear(run.key, Incomplete(engine.clock.now(), _lacking(this.lost)))
            documents = artifacts.attach_documents(this, command.build, ending(command.verdict))
            await this.part("what is told about the build", documents)
    except faults.Conflicting as fault:
        return await _doubted(engine, run, command, fault)
    engine.memory.attached.add(run.key)
    return None


def _patience(engine: Engine, run: Run, verdict: Verdict) -> Patience:
    """It ends with the pool's limits, counted from the verdict: so it is the same for whoever goes on.

    Nobody takes an exception for a success, and its run's successor waits: for it nothing is waited for longer.
    """
    since = run.phase.since if isinstance(run.phase, Reporting) else engine.clock.now()
    waited, pool = engine.clock.now() - since, engine.pool_of(run)
    told = verdict.resolution in (Resolution.COMPLETED, Resolution.FAILED)
    mandatory_limit = pool.mandatory_limit if told else min(pool.mandatory_limit, pool.upload_limit)
    return Patience(waited > pool.upload_limit, waited > mandatory_limit)


def _lacking(lost: Sequence[str]) -> str:
    """What the task lacks, for people."""
    more = f" and {len(lost) - _NAMED} more" if len(lost) > _NAMED else ""
    return f"the task must carry {', '.join(sorted(lost)[:_NAMED])}{more}, and it could not be stored"


async def _resolve(
    engine: Engine, run: Run, command: Report | Explain, resolution: Resolution | None
) -> Mapping[RunId, Run]:
    if run.key in engine.memory.unsure and not _unchanged(run, rows := await _read(engine, run)):
        return rows
    at = engine.clock.now()
    engine.memory.unsure.add(run.key)  # until a row tells how it went
    try:
        status = await engine.queue.resolve(run.key, resolution)
    except (faults.Conflicting, faults.Unavailable, faults.NotAllowed, faults.Missing) as fault:
        _drop_refused(engine, run, fault)
        return await _doubted(engine, run, command, fault)
    # Should this not come to be stored, the report is not simply made again: claiming for it is refused, and then read.
    engine.queue.forget(run.key)
    gave = run.key in engine.memory.giving
    rows = await engine.hear(run.key, TaskSeen(at, status, engine.pool_of(run).rules))
    engine.memory.unsure.discard(run.key)
    if gave and isinstance(run.phase, Reporting):
        await release(engine, run, run.phase.build)
    return rows


def _unchanged(run: Run, rows: Mapping[RunId, Run]) -> bool:
    return run.key.run_id in rows and type(rows[run.key.run_id].phase) is type(run.phase)


async def _read(engine: Engine, run: Run) -> Mapping[RunId, Run]:
    """A report's outcome came to no row: it is read before the report is made again, which may not be the same twice."""
    at = engine.clock.now()
    status = await engine.queue.status(run.key.task_id)
    rows = await engine.hear(run.key, TaskSeen(at, status, engine.pool_of(run).rules))
    engine.memory.unsure.discard(run.key)
    return rows


def _drop_refused(engine: Engine, run: Run, fault: faults.Fault) -> None:
    """Credentials that the queue does not accept any more are of no use; claiming again gives new ones."""
    if isinstance(fault, faults.NotAllowed):
        engine.queue.forget(run.key)


async def _cancel_task(engine: Engine, run: Run, command: Report) -> Mapping[RunId, Run]:
    """Mirror a cancel made in Buildbot: one call, directly after a read that shows this very run last and unresolved."""
    at = engine.clock.now()
    status = await engine.queue.status(run.key.task_id)
    rows = await engine.hear(run.key, TaskSeen(at, status, engine.pool_of(run).rules))
    if not isinstance(rows.get(run.key.run_id, run).phase, Reporting):
        return rows
    stale = engine.clock.now() - at > _DIRECTLY
    if stale or not may_cancel(status, run) or at >= status.deadline:
        return await engine.hear(run.key, Doubted(at, engine.backoff.until(at, run.attempts + 4), command))
    try:
        after = await engine.queue.cancel_task(run.key.task_id)
    except (faults.Conflicting, faults.Unavailable, faults.Missing) as fault:
        return await _doubted(engine, run, command, fault)
    return await engine.hear(run.key, TaskSeen(at, after, engine.pool_of(run).rules))


def may_cancel(status: TaskStatus, run: Run) -> bool:
    """Whether cancelTask would cancel exactly this run: it is the last one, and pending or running."""
    seen = run_in(status, run.key.run_id)
    open_states = (RunState.PENDING, RunState.RUNNING)
    return seen is not None and is_last(status, run.key.run_id) and seen.state in open_states


async def _doubted(engine: Engine, run: Run, tried: Report | Explain, fault: faults.Fault) -> Mapping[RunId, Run]:
    engine.observer.fault(run, type(tried).__name__, fault)
    at = engine.clock.now()
    wait = fault.retry_after if isinstance(fault, faults.Unavailable) else None
    rows = await engine.hear(run.key, Doubted(at, engine.backoff.until(at, run.attempts, wait), tried))
    engine.memory.unsure.discard(run.key)  # the row says now that a read comes first
    return rows


def ending(verdict: Verdict) -> str:
    """The last line of a run's log."""
    told = {
        Resolution.COMPLETED: "The task is completed",
        Resolution.FAILED: "The task is failed",
        Resolution.CANCELED: "The task is cancelled",
        Resolution.INTERMITTENT_TASK: "The run is reported as intermittent-task; the next run takes the build request over",
        Resolution.WORKER_SHUTDOWN: "The run is reported as worker-shutdown; the task's next run gets a new build",
        Resolution.INTERNAL_ERROR: "The task is resolved as internal-error",
        Resolution.RESOURCE_UNAVAILABLE: "The task is resolved as resource-unavailable",
    }
    return f"{told[verdict.resolution]}: {verdict.why}."
