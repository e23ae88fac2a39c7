"""Looks for due rows that find nothing, lived without the payer that makes them: they are four fifths of all calls.

A payer that has found nothing sleeps, and looks again, and what it does in between touches nobody. So after an empty look its
answer is held back, and its next looks are lived here: each is counted, has its fate and its way drawn, and meets the rows
as they are when it arrives. When one of them is struck by a fault, or would find something, the clock is set back to when the payer
would have heard of the last empty one, and it lives on from there: nobody else has anything to do in that time. It makes the
same call at the same moment, and the call has the fate that was drawn. A test holds histories with and without this equal.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

from bridge.core.run import Run
from bridge.engine.paying import POLL
from tests.simulation.fabric import EPOCH, Effect, Fabric, Machine
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
        self._alone = False
        """Whether the caller waits for the answer to an earlier look: it would have heard it at `_heard`."""
        self._heard = 0.0
        self._looked: float | None = None
        self._turn = 0
        self._counting = False  # on the rows staying as they are
        self._flight = 0.0, 0.0, 0.0
        """Of the last look: when it arrives, how long its answer takes, and when the answer before it was heard."""
        self._sent: _Sent | None = None

    async def due(self, me: str, *, limit: int, foreign: bool) -> list[Run]:
        if self._fabric.trace is not None:
            return await super().due(me, limit=limit, foreign=foreign)
        found: list[Run] = await self._asked(me, foreign, lambda: self._due(me, limit, foreign))
        return found

    def read_clock(self) -> None:
        """Read the payer's clock as it did at its last look: what it has told, it never takes back."""
        if self._looked is not None:
            loop = self._fabric.loop
            now, loop.now = loop.now, self._looked
            self._clock()
            loop.now, self._looked = now, None

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
        """Send the payer's look."""
        kind = self._fabric.fate(self._machine, "database", "due")
        if kind is None and self._machine.stopped_until <= self._fabric.loop.now:
            self._send()
        else:
            self._fabric.carry(kind, self._machine, self._effect, self._future)

    def _look_again(self, turn: int) -> None:
        """Send a look when the payer would, unless it was told of the last one since, or is no more."""
        fabric, machine = self._fabric, self._machine
        if turn != self._turn or machine.dead or self._future.done() or self._held_up():
            return
        fabric.idle += 1
        kind = fabric.fate(machine, "database", "due")
        if kind is None and machine.stopped_until <= fabric.loop.now:
            self._send()
        else:
            self._tell(lambda effect, future: fabric.carry(kind, machine, effect, future))

    def _held_up(self) -> bool:
        """Whether the process was stopped before it could hear of the last look: it will when it goes on."""
        machine, heard = self._machine, self._heard
        if machine.stopped_until <= heard or not machine.stood(heard):
            return False
        self._alone, self._fabric.loop.now = False, heard
        self._fabric.answer(machine, self._future, [], None)
        return True

    def _send(self) -> None:
        loop, table = self._fabric.loop, self._table
        there, back = self._fabric.way()
        arrives = loop.now + there
        if self._alone and (table.calm(EPOCH + arrives) or table.away_until > arrives):
            self._flight = arrives, back, self._heard
            if not self._counting:
                self._counting = True
                table.count_on_calm(self._disappointed)
            self._pass(arrives + back)
        else:
            loop.at(arrives, self._arrive, back)

    def _disappointed(self) -> None:
        """Rows change while a look is on its way that was to find nothing: it has to arrive."""
        self._counting = False
        arrives, back, heard = self._flight
        if self._fabric.loop.now < arrives:
            self._heard, self._turn = heard, self._turn + 1
            self._fabric.loop.at(arrives, self._arrive, back)

    def _arrive(self, back: float) -> None:
        fabric, machine, at = self._fabric, self._machine, self._fabric.loop.now
        if machine.stopped_until <= at + back and self._finds_nothing():
            self._alone = True
            self._pass(at + back)
        elif self._alone and not self._future.done():
            self._tell(lambda effect, future: fabric.loop.at(at, fabric.act, machine, effect, future, back))
        else:
            fabric.act(machine, self._effect, self._future, back)

    def _finds_nothing(self) -> bool:
        if self._table.away_until > self._fabric.loop.now:
            return True
        return not self._free(*self._asks, self._table.now())

    def _pass(self, heard: float) -> None:
        """Go on without the payer: what it will have heard by then is that nothing is due."""
        self._looked = self._fabric.loop.now
        self._heard = heard
        self._fabric.loop.at(heard + POLL, self._look_again, self._turn)

    def _tell(self, sent: _Sent) -> None:
        """Let the payer hear of the last empty look; of the next one, which it makes now, all is drawn already."""
        self._alone, self._sent = False, sent
        self._fabric.idle -= 1
        self._fabric.loop.now = self._heard
        self._future.set_result([])
