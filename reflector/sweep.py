"""The reflector's loops: what is due is paid at once, and each sweep has its own period."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from bridge.assembly import House
from bridge.core import faults
from bridge.core.ledger import Swept
from bridge.core.run import RunKey
from bridge.engine.strangers import Strangers
from bridge.service import Heartbeat
from bridge.store.people import People

_RETIRE_AT_ONCE = 500
_LONGEST = 300.0  # seconds for one sweep: its calls have their own limits, many of them take their time


@dataclass(slots=True)
class Result:
    """What a sweep came to: runs that it moved, and what kept it from looking further."""

    moved: list[RunKey] = field(default_factory=list)
    faults: list[faults.Fault] = field(default_factory=list)

    async def add(self, part: Awaitable[Iterable[RunKey]]) -> None:
        """Have a part done; one that cannot be done now does not keep the next from it."""
        try:
            self.moved += await part
        except faults.Fault as fault:
            self.faults.append(fault)


Sweep = Callable[[], Awaitable[Result]]
Part = Callable[[], Awaitable[Iterable[RunKey]]]


@dataclass(frozen=True, slots=True)
class Reflector:
    """The sweeps of one process. Every replica may run them all: what one has repaired is no news to the next.

    `keeps`: whether what they came to is noted for people.
    """

    house: House
    keeps: bool = True

    async def pending(self) -> Result:
        """Pending runs of every pool that no message told of."""
        return await _each(partial(self.house.sweeps.pending, pool) for pool in self.house.engine.pools.values())

    async def statuses(self) -> Result:
        """Statuses of all unsettled runs."""
        return await _each([self.house.sweeps.statuses])

    async def states(self) -> Result:
        """States of all requests, Buildbot by Buildbot."""
        return await _each(partial(self.house.sweeps.states, self.house.pools_of(name)) for name in self._served())

    async def strangers(self) -> Result:
        """Requests with our keys that no row knows."""
        strangers = Strangers(self.house.engine)
        return await _each(partial(strangers.sweep, self.house.pools_of(name)) for name in self._served())

    async def retire(self) -> Result:
        """Settled rows that no late message can name any more."""
        return await _each([self._retired])

    async def _retired(self) -> list[RunKey]:
        age = timedelta(days=self.house.settings.reflector.retention_days)
        gone = _RETIRE_AT_ONCE
        while gone == _RETIRE_AT_ONCE:
            gone = await self.house.engine.runs.retire(age, _RETIRE_AT_ONCE)
        return []

    def _served(self) -> list[str]:
        return [name for name in self.house.buildbots if self.house.pools_of(name)]

    async def every(self, name: str, period: float, sweep: Sweep, heart: Heartbeat) -> None:
        """Sweep now and then at every period, until cancelled; what it moved is settled by the crew."""
        while True:
            heart.grant(_LONGEST)
            began = self.house.clock.now()
            result = await sweep()
            for fault in result.faults:
                self.house.engine.observer.away("sweep", fault)
            await self.house.crew.wake(result.moved)
            await self._noted(Swept(name, self.house.engine.me, began, self.house.clock.now(), *_told(result)))
            await heart.rest(period)

    async def _noted(self, swept: Swept) -> None:
        """Note for people what a sweep came to; it counts all the same where that cannot be noted."""
        if not self.keeps:
            return
        try:
            await People(self.house.database).swept(swept)
        except faults.Unavailable as away:
            self.house.engine.observer.away("database", away)


async def _each(parts: Iterable[Part]) -> Result:
    result = Result()
    for part in parts:
        await result.add(part())
    return result


def _told(result: Result) -> tuple[int, str | None]:
    return len(result.moved), "; ".join(dict.fromkeys(map(str, result.faults)))[:1000] or None
