"""Many runs at once, one line of work per run: who settles what, and how many at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from bridge.core.run import Run, RunKey
from bridge.engine.engine import Engine


@dataclass(slots=True)
class Crew:
    """Settles runs, `size` at once. A run that is being settled and is woken again is settled once more after that.

    Beyond `backlog` runs are not taken on: their rows are due in the database, where whoever has room finds them.
    """

    engine: Engine
    size: int = 64
    backlog: int = 4096
    _waiting: dict[RunKey, Run | None] = field(default_factory=dict)
    _busy: set[RunKey] = field(default_factory=set)
    _again: set[RunKey] = field(default_factory=set)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def wake(self, keys: Iterable[RunKey]) -> None:
        """Settle these runs soon; their leases are taken then."""
        await self._add(dict.fromkeys(keys))

    async def take(self, leased: Iterable[Run]) -> None:
        """Settle these runs, whose leases this process holds already."""
        await self._add({run.key: run for run in leased})

    async def room(self) -> int:
        """Wait until a run could be started at once; how many could."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._free() > 0)
            return self._free()

    async def idle(self) -> None:
        """Wait until nothing waits and nobody works."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._waiting and not self._busy)

    async def work(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                key, leased = await self._next()
                group.create_task(self._settle(key, leased), name=f"settle {key}")

    def _free(self) -> int:
        return self.size - len(self._busy) - len(self._waiting)

    async def _add(self, runs: dict[RunKey, Run | None]) -> None:
        async with self._changed:
            for key, leased in runs.items():
                if key in self._busy:
                    self._again.add(key)
                elif leased is not None or key in self._waiting or len(self._waiting) < self.backlog:
                    self._waiting[key] = leased or self._waiting.get(key)
            self._changed.notify_all()

    async def _next(self) -> tuple[RunKey, Run | None]:
        async with self._changed:
            await self._changed.wait_for(lambda: bool(self._waiting) and len(self._busy) < self.size)
            key = next(iter(self._waiting))
            self._busy.add(key)
            return key, self._waiting.pop(key)

    async def _settle(self, key: RunKey, leased: Run | None) -> None:
        heirs: list[RunKey] = []
        try:
            heirs = await self.engine.attend(key, leased)
        finally:
            async with self._changed:
                self._busy.discard(key)
                if key in self._again:
                    self._again.discard(key)
                    self._waiting[key] = None
                self._waiting.update({heir: None for heir in heirs if heir not in self._busy})
                self._changed.notify_all()
