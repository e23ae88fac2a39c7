"""Many runs at once, one line of work per run: who settles what, and how many at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from bridge.core.run import RunKey
from bridge.engine.engine import Engine
from bridge.engine.holding import Leased
from bridge.together import Together


@dataclass(slots=True)
class Crew:
    """Settles runs, `size` at once. A run that is being settled and is woken again is settled once more after that.

    Runs that this process has leased go first: their leases are running, and the database chose them as the most urgent.
    Beyond `backlog` woken runs are not taken on: their rows are due in the database, where whoever has room finds them.
    """

    engine: Engine
    size: int = 64
    backlog: int = 4096
    _leased: dict[RunKey, Leased] = field(default_factory=dict)
    _woken: dict[RunKey, None] = field(default_factory=dict)
    _busy: set[RunKey] = field(default_factory=set)
    _again: set[RunKey] = field(default_factory=set)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def wake(self, keys: Iterable[RunKey]) -> None:
        """Settle these runs soon; their leases are taken then."""
        async with self._changed:
            for key in keys:
                self._wake(key)
            self._changed.notify_all()

    def _wake(self, key: RunKey) -> None:
        if key in self._busy or key in self._leased:  # what is in hand there may be older than what woke it
            self._again.add(key)
        elif len(self._woken) < self.backlog:
            self._woken[key] = None

    async def take(self, leased: Iterable[Leased]) -> None:
        """Settle these runs, whose leases this process holds already."""
        async with self._changed:
            for each in leased:
                if each.run.key in self._busy:
                    self._again.add(each.run.key)
                else:
                    self._woken.pop(each.run.key, None)
                    self._leased[each.run.key] = each
            self._changed.notify_all()

    async def room(self, patience: float) -> int:
        """Wait until a leased run could be started at once, for at most so many seconds; how many could."""
        if (free := self._free()) > 0:
            return free  # nearly always: a timer that nobody needs would be half the cost of a look at the rows
        try:
            async with asyncio.timeout(patience), self._changed:
                await self._changed.wait_for(lambda: self._free() > 0)
        except TimeoutError:
            return 0
        return self._free()

    async def idle(self) -> None:
        """Wait until nothing waits and nobody works."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._leased and not self._woken and not self._busy)

    async def work(self) -> None:
        """Work until cancelled."""
        async with Together() as group:
            while True:
                key, leased = await self._next()
                group.create_task(self._settle(key, leased), name=f"settle {key}")

    def _free(self) -> int:
        return self.size - len(self._busy) - len(self._leased)

    async def _next(self) -> tuple[RunKey, Leased | None]:
        async with self._changed:
            await self._changed.wait_for(lambda: bool(self._leased or self._woken) and len(self._busy) < self.size)
            key = next(iter(self._leased or self._woken))
            self._woken.pop(key, None)
            self._busy.add(key)
            return key, self._leased.pop(key, None)

    async def _settle(self, key: RunKey, leased: Leased | None) -> None:
        heirs: list[RunKey] = []
        try:
            heirs = await self.engine.attend(key, leased)
        finally:
            async with self._changed:
                self._busy.discard(key)
                again = {key} & self._again
                self._again -= again
                in_hand = [heir for heir in heirs if heir in self._busy]  # two at once would each drop the other's lease
                self._again.update(in_hand)
                self._woken.update(dict.fromkeys([*again, *(heir for heir in heirs if heir not in in_hand)]))
                self._changed.notify_all()
