"""Looks for due rows that find nothing, lived without the payer that makes them: they are four fifths of all calls.

A payer that has found nothing sleeps, and looks again, and what it does in between touches nobody. So after an empty look its
answer is held back, and its next looks are lived here: each is counted, has its fate and its way drawn, and meets the rows
when it arrives. When one of them is struck by a fault, or would find something, the clock is set back to when the payer
would have heard of the last empty one, and it lives on from there: nobody else has anything to do in that time. It makes the
same call at the same moment, and the call has the fate that was drawn. A test holds histories with and without this equal.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

from bridge.core.run import Run
from bridge.engine.paying import POLL
from tests.simulation.fabric import Effect, Fabric, Machine
from tests.simulation.store import Runs, Table

_Sent = Callable[[Effect, "asyncio.Future[Any]"], None]


class IdleRuns(Runs):
    """The engine's port, of which a caller hears of empty looks only when it matters. `clock` is what the payer reads at each."""

    def __init__(self, table: Table, machine: Machine, fabric: Fabric, clock: Callable[[], datetime]) -> None:
        super().__init__(table, machine, fabric)
        self._clock = clock
        self._asks: tuple[str, bool]
        self._effect: Effect
        self._future: asyncio.Future[Any]
        self._alone = False  # whether the caller waits for the answer to an earlier look
        self._heard = 0.0
        self._sent: _Sent | None = None

    async def due(self, me: str, *, limit: int, foreign: bool) -> list[Run]:
        if self._fabric.trace is not None:
            return await super().due(me, limit=limit, foreign=foreign)
        found: list[Run] = await self._asked(me, foreign, lambda: self._due(me, limit, foreign))
        return found

    def _asked(self, me: str, foreign: bool, effect: Effect) -> "asyncio.Future[Any]":
        if self._machine.dead:
            raise asyncio.CancelledError
        self._asks, self._effect, self._future = (me, foreign), effect, self._fabric.loop.create_future()
        sent, self._sent = self._sent, None
        if sent is None:
            self._look()
        else:
            sent(self._effect, self._future)
        return self._future

    def _look(self) -> None:
        """A look is sent: by the payer, or where it would send one."""
        fabric, machine, loop = self._fabric, self._machine, self._fabric.loop
        if self._alone:
            if machine.dead or self._future.done():
                return
            if machine.stood(self._heard):
                self._alone, loop.now = False, self._heard
                return fabric.answer(machine, self._future, [], None)
            self._clock()
        kind = fabric.fate(machine, "database", "due")
        if kind is None and machine.stopped_until <= loop.now:
            there, back = fabric.way()
            loop.later(there, self._arrive, back)
        elif self._alone:
            self._tell(lambda effect, future: fabric.carry(kind, machine, effect, future))
        else:
            fabric.carry(kind, machine, self._effect, self._future)

    def _arrive(self, back: float) -> None:
        fabric, machine, at = self._fabric, self._machine, self._fabric.loop.now
        if self._finds_nothing():
            self._alone, self._heard = True, at + back
            fabric.loop.at(self._heard + POLL, self._look)
        elif self._alone and not self._future.done():
            self._tell(lambda effect, future: fabric.loop.at(at, fabric.act, machine, effect, future, back))
        else:
            fabric.act(machine, self._effect, self._future, back)

    def _finds_nothing(self) -> bool:
        if self._table.away_until > self._fabric.loop.now:
            return False
        return not self._free(*self._asks, self._table.now())

    def _tell(self, sent: _Sent) -> None:
        """Let the payer hear of the last empty look; of the next one, which it makes now, all is drawn already."""
        self._alone, self._sent = False, sent
        self._fabric.loop.now = self._heard
        self._future.set_result([])
