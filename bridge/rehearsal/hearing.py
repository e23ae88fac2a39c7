"""Which runs to look at: what the real services' rows tell, in place of Pulse."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from bridge.core import faults, timing
from bridge.core.events import Hinted
from bridge.core.ledger import Change
from bridge.core.run import Run, RunId, RunKey, Settled, TaskId, Wanted
from bridge.engine import ports
from bridge.engine.crew import Crew
from bridge.rehearsal.rows import Rows

POLL: Final = 0.3
_PAGE: Final = 500
_SEEN: Final = timedelta(seconds=5)
"""A change can come into sight after one with a higher number: what is this old is read again."""
ENDS: Final = ("stopping", "settled")
"""Phases of which Pulse would have brought a message to who listens to it."""


def newborn(key: RunKey, pool: str, now: datetime) -> Run:
    """The row of a pending run of which a message has just told."""
    return Run(key, pool, Wanted(), now + timing.LOOK_SELDOM, now)


class Feed(Protocol):
    """The changes of phase that the real services write."""

    async def changes(self, after: int, limit: int) -> Iterable[Change]:
        """Changes after one that is known, in the order of their numbers; a number left out may still come."""
        ...

    async def newest(self, settled_for: timedelta) -> int:
        """The number of the newest change that is as old as this; 0 if there is none."""
        ...


@dataclass(slots=True)
class Hearing:
    """Takes over rows that are new, and has runs looked at of which a message would have told: of changes to `told` phases.

    `wakes`: whether new rows are settled here, as by who hears of pending runs.
    """

    feed: Feed
    real: ports.Runs
    rows: Rows
    crew: Crew
    told: Collection[str] = ()
    wakes: bool = False

    async def begin(self) -> int:
        """Take over all unsettled rows as they are; the number of the change to go on from."""
        newest = await self.feed.newest(_SEEN)
        async for page in self.real.unsettled():
            self.rows.put(page)
        return newest

    async def hear(self, rest: Callable[[float], Awaitable[None]]) -> None:
        """Hear until cancelled; `rest` is how to wait."""
        last = await self._begun(rest)
        heard = set[int]()
        while True:
            try:
                found = [change for change in await self.feed.changes(last, _PAGE) if change.number not in heard]
                await self._heard(found)
                heard |= {change.number for change in found}
                last = await self._settled(last, heard)
            except faults.Unavailable as away:
                self.crew.engine.observer.away("database", away)
            await rest(POLL)

    async def _begun(self, rest: Callable[[float], Awaitable[None]]) -> int:
        while True:
            try:
                return await self.begin()
            except faults.Unavailable as away:
                self.crew.engine.observer.away("database", away)
            await rest(POLL)

    async def _settled(self, last: int, heard: set[int]) -> int:
        """Up to where nothing new can come any more; what was heard before that is forgotten."""
        upto = min(await self.feed.newest(_SEEN), max(heard, default=last))
        heard -= {number for number in heard if number <= upto}
        return max(last, upto)

    async def _heard(self, changes: Iterable[Change]) -> None:
        woken = list[RunKey]()
        for change in changes:
            key = RunKey(TaskId(change.task_id), RunId(change.step.run_id))
            if self.rows.knows(key):
                woken += await self._ended(key) if change.step.to_phase in self.told else []
            elif (run := await self._born(key, change)) is not None and not isinstance(run.phase, Settled):
                self.rows.put([run])
                woken += [key] if self.wakes else []
        await self.crew.wake(woken)

    async def _born(self, key: RunKey, change: Change) -> Run | None:
        """A row that is new to us: as it begins for who begins it, as it is by now for all others."""
        engine = self.crew.engine
        if change.pool is None or change.pool not in engine.pools:
            return None
        if self.wakes and change.step.from_phase is None and change.step.to_phase == "wanted":
            return newborn(key, change.pool, engine.clock.now())
        return (await self.real.of_task(key.task_id)).get(key.run_id)

    async def _ended(self, key: RunKey) -> list[RunKey]:
        """Something ended, or is to end; our row may not know it yet. What is being done here comes to its end first."""
        engine = self.crew.engine
        await engine.heard(key, Hinted(engine.clock.now()))
        return [key]
