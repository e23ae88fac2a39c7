"""The reflector's loops: what is due is paid at once, and each sweep has its own period."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from bridge.assembly import House
from bridge.core import faults
from bridge.core.run import RunKey
from bridge.engine.strangers import Strangers
from bridge.service import Heartbeat

Sweep = Callable[[], Awaitable[Iterable[RunKey]]]

_RETIRE_AT_ONCE = 500
_LONGEST = 300.0  # seconds for one sweep: its calls have their own limits, many of them take their time


@dataclass(frozen=True, slots=True)
class Reflector:
    """The sweeps of one process. Every replica may run them all: what one has repaired is no news to the next."""

    house: House

    async def pending(self) -> list[RunKey]:
        """Pending runs of every pool that no message told of."""
        return await self._each(partial(self.house.sweeps.pending, pool) for pool in self.house.engine.pools.values())

    async def statuses(self) -> list[RunKey]:
        """Statuses of all unsettled runs."""
        return await self.house.sweeps.statuses()

    async def states(self) -> list[RunKey]:
        """States of all requests, Buildbot by Buildbot."""
        return await self._each(partial(self.house.sweeps.states, self.house.pools_of(name)) for name in self._served())

    async def strangers(self) -> list[RunKey]:
        """Requests with our keys that no row knows."""
        strangers = Strangers(self.house.engine)
        return await self._each(partial(strangers.sweep, self.house.pools_of(name)) for name in self._served())

    async def retire(self) -> list[RunKey]:
        """Settled rows that no late message can name any more."""
        age = timedelta(days=self.house.settings.reflector.retention_days)
        gone = _RETIRE_AT_ONCE
        while gone == _RETIRE_AT_ONCE:
            gone = await self.house.engine.runs.retire(age, _RETIRE_AT_ONCE)
        return []

    def _served(self) -> list[str]:
        return [name for name in self.house.buildbots if self.house.pools_of(name)]

    async def _each(self, sweeps: Iterable[Sweep]) -> list[RunKey]:
        """One sweep after the other; one that cannot be done now does not keep the next from it."""
        moved: list[RunKey] = []
        for sweep in sweeps:
            try:
                moved += await sweep()
            except faults.Fault as fault:
                self.house.engine.observer.away("sweep", fault)
        return moved

    async def every(self, period: float, sweep: Sweep, heart: Heartbeat) -> None:
        """Sweep now and then at every period, until cancelled; what it moved is settled by the crew."""
        while True:
            heart.grant(_LONGEST)
            try:
                await self.house.crew.wake(await sweep())
            except faults.Fault as fault:
                self.house.engine.observer.away("sweep", fault)
            await heart.rest(period)
