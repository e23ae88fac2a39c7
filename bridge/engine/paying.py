"""The loop that finds rows that owe something, and has them settled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from bridge.core import faults
from bridge.engine.crew import Crew
from bridge.engine.holding import Leased

POLL = 1.0  # seconds between two looks at an empty list of due rows


@dataclass(frozen=True, slots=True)
class Payer:
    """Takes due rows as there is room for them, the earliest claim expiry first.

    `foreign` false: only runs whose credentials this process holds, so that it renews its own claims with no second call.
    `foreign` true: also runs of nobody, and runs that their holder has left overdue, as after a crash.
    """

    crew: Crew
    foreign: bool

    async def pay(self, beat: Callable[[], None]) -> None:
        """Pay until cancelled; calls `beat` at each turn."""
        while True:
            beat()
            if not await self._turn():
                await asyncio.sleep(POLL)

    async def _turn(self) -> bool:
        engine = self.crew.engine
        if not (room := await self.crew.room(POLL)):
            return True  # everybody is busy: the loop lives
        asked_at = engine.clock.now()
        try:
            runs = await engine.runs.due(engine.me, limit=room, foreign=self.foreign)
        except faults.Unavailable as away:
            engine.observer.away("database", away)
            return False
        if runs:
            await self.crew.take([Leased(run, asked_at) for run in runs if run.pool in engine.pools])
        return len(runs) == room
