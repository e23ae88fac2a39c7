"""What lasts long, beside what must not wait for it: turns for uploads, and the claim of a run whose upload goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from bridge.core import faults
from bridge.core.commands import ReclaimRun
from bridge.core.debts import debts
from bridge.core.run import Run
from bridge.engine import claiming

if TYPE_CHECKING:
    from bridge.engine.engine import Engine

_TURN_WITHIN: Final = 1.0
"""Seconds for which a run waits for its turn in the place of others; then it is put off."""
_OFTEN: Final = 0.5
_SELDOM: Final = 30.0
"""Seconds between two looks at the row of a run whose upload goes on, at least and at most."""
_AGAIN: Final = 5.0
"""Seconds after a look that failed."""


@asynccontextmanager
async def turn(engine: Engine) -> AsyncIterator[bool]:
    """Take one of the turns while inside; False where all are taken. Else uploads took all hands, and claims would end."""
    turns = engine.memory.turns
    try:
        async with asyncio.timeout(_TURN_WITHIN):
            await turns.acquire()
    except TimeoutError:
        yield False
        return
    try:
        yield True
    finally:
        turns.release()


@asynccontextmanager
async def claim_kept(engine: Engine, run: Run) -> AsyncIterator[None]:
    """Renew the run's claim when that is due while inside: whoever settles the run does nothing else for it meanwhile."""
    keeper = asyncio.create_task(_keep(engine, run), name=f"keep the claim of {run.key}")
    try:
        yield
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)


async def _keep(engine: Engine, run: Run) -> None:
    while True:
        now = engine.clock.now()
        due = min((when for when, owed in debts(run) if isinstance(owed, ReclaimRun)), default=None)
        wait = _SELDOM if due is None else (due - now).total_seconds()
        await asyncio.sleep(min(max(wait, _OFTEN), _SELDOM))
        try:
            run = await _kept(engine, run)
        except faults.Fault as fault:
            engine.observer.fault(run, "ReclaimRun", fault)
            await asyncio.sleep(_AGAIN)
        except Exception as defect:  # noqa: BLE001  it must not end what keeps the claim
            engine.observer.defect(run, "ReclaimRun", defect)
            await asyncio.sleep(_AGAIN)


async def _kept(engine: Engine, run: Run) -> Run:
    """Renew the claim if its row says that it is due; the row as it is then."""
    row = (await engine.rows(run.key.task_id)).get(run.key.run_id, run)
    now = engine.clock.now()
    for when, owed in debts(row):
        if isinstance(owed, ReclaimRun) and when <= now:
            return (await claiming.reclaim(engine, row, owed.worker)).get(run.key.run_id, row)
    return row
