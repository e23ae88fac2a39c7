"""The Buildbot listener: follows every Buildbot's changes, has runs claimed as builds start and resolved as they end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from bridge.assembly import House
from bridge.buildbot.watch import Changed, Listed, Trouble, watch, worth_reading
from bridge.core import faults
from bridge.core.run import RequestId
from bridge.keeping import kept
from bridge.metrics import Metrics
from bridge.service import Frame, Heartbeat, Loops
from bridge.settings import Settings
from listeners.livelog import show


async def run(frame: Frame, settings: Settings) -> None:
    """Follow all Buildbots until cancelled."""
    async with kept(frame, settings, foreign=False) as (house, loops):
        follow(house, loops, frame.metrics)
        if not frame.dry:
            show(house, loops, frame.metrics)


def follow(house: House, loops: Loops, metrics: Metrics) -> None:
    """Start a loop for each Buildbot."""
    for name in house.buildbots:
        loops.start(f"changes of {name}", Follower(house, metrics, name).follow, silence=None)


@dataclass(frozen=True, slots=True)
class Follower:
    """Follows one Buildbot. A change decides nothing: the state of its request is read."""

    house: House
    metrics: Metrics
    name: str

    async def follow(self, _heart: Heartbeat) -> None:
        """Follow until cancelled."""
        section = self.house.settings.buildbots[self.name]
        async for batch in watch(self.house.buildbots[self.name], self._trouble, wait=section.changes_wait):
            self.metrics.watch_connected(self.name, connected=True)
            match batch:
                case Changed(changes=changes):
                    for change in changes:
                        self.metrics.late("change", (self.house.clock.now() - change.at).total_seconds())
                    if requests := worth_reading(changes):
                        await self._heard("change", partial(self._changed, requests))
                case Listed():
                    await self._heard("list", self._listed)

    async def _changed(self, requests: frozenset[int]) -> None:
        pools = self.house.pools_of(self.name)
        moved = await self.house.sweeps.changed([RequestId(request) for request in sorted(requests)], pools)
        await self.house.crew.wake(moved)

    async def _listed(self) -> None:
        await self.house.crew.wake(await self.house.sweeps.states(self.house.pools_of(self.name)))

    async def _heard(self, kind: str, act: Callable[[], Awaitable[None]]) -> None:
        """What cannot be stored or read now, a sweep of the reflector will find."""
        try:
            await act()
            self.metrics.heard(kind, "stored")
        except faults.Fault as fault:
            self.metrics.heard(kind, "lost")
            self.house.engine.observer.away(f"changes of {self.name}", fault)

    def _trouble(self, trouble: Trouble) -> None:
        self.metrics.watch_connected(self.name, connected=False)
        self.house.engine.observer.away(f"buildbot {self.name}", trouble.fault)
