"""Claims: taken when a build has started, renewed while it runs, always under the identity that is in the row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bridge.core import faults
from bridge.core.commands import ClaimRun, Command, ReclaimRun
from bridge.core.events import Claimed, Doubted, TaskMissing
from bridge.core.run import Run, RunId, Worker
from bridge.engine import live

if TYPE_CHECKING:
    from bridge.engine.engine import Engine


_SUSPICIOUS = 3  # refused claims of a run that stays pending: a quarantined worker's are answered 500


async def claim(engine: Engine, run: Run, worker: Worker) -> Mapping[RunId, Run]:
    """Claim the run. Anything but a clear yes is followed by a status read: a 5xx may have taken effect."""
    at = engine.clock.now()
    try:
        until = await engine.queue.claim(run.key, worker, engine.pool_of(run).task_queue_id)
    except faults.Missing:
        return await engine.hear(run.key, TaskMissing(at, engine.backoff.until(at, 4)))
    except (faults.Conflicting, faults.Unavailable) as fault:
        if run.attempts >= _SUSPICIOUS:
            engine.observer.alarm("claim_refused", run.key, f"worker {worker.group}/{worker.id}, quarantined? {fault}")
        return await _doubted(engine, run, ClaimRun(worker), fault)
    return await _claimed(engine, run, Claimed(at, until))


async def reclaim(engine: Engine, run: Run, worker: Worker) -> Mapping[RunId, Run]:
    """Renew the claim with the run's own credentials; a process that has none gets them by claiming again."""
    at = engine.clock.now()
    try:
        if not engine.queue.holds(run.key):
            await engine.queue.claim(run.key, worker, engine.pool_of(run).task_queue_id)
        until = await engine.queue.reclaim(run.key)
    except faults.NotAllowed as fault:
        engine.queue.forget(run.key)  # refused credentials are of no use; claiming again gives new ones
        engine.observer.alarm("not_allowed", run.key, str(fault))
        return await _doubted(engine, run, ReclaimRun(worker), fault)
    except (faults.Conflicting, faults.Unavailable) as fault:
        return await _doubted(engine, run, ReclaimRun(worker), fault)
    return await _claimed(engine, run, Claimed(at, until))


async def _claimed(engine: Engine, run: Run, claimed: Claimed) -> Mapping[RunId, Run]:
    rows = await engine.hear(run.key, claimed, holder=engine.me)
    if run.key.run_id in rows:
        await live.show(engine, rows[run.key.run_id])
    return rows


async def _doubted(engine: Engine, run: Run, tried: Command, fault: faults.Fault) -> Mapping[RunId, Run]:
    engine.observer.fault(run, type(tried).__name__, fault)
    at = engine.clock.now()
    wait = fault.retry_after if isinstance(fault, faults.Unavailable) else None
    return await engine.hear(run.key, Doubted(at, engine.backoff.until(at, run.attempts, wait), tried))
