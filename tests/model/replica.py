"""A replica at work: the engine's own coroutines, run from call to call, stopped there, and taken up again at will.

A coroutine cannot be copied, but it can be run again: a replica is what it does, and the answers that it got so far. Two
replicas whose coroutines stand at the same places with the same variables are the same replica, however they came there.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, cast

from bridge.core import commands, faults
from bridge.core.commands import Command
from bridge.core.run import Run, RunId, RunKey
from bridge.core.status import RunState
from bridge.engine.engine import Engine
from bridge.engine.strangers import Strangers
from bridge.engine.sweeps import Sweeps
from tests.model.freezing import WORDS, frozen
from tests.model.ports import Call, Seat


class Memory(NamedTuple):
    """What one process knows: credentials, until when they work; reports whose outcome no row tells yet."""

    credentials: tuple[tuple[RunId, datetime], ...] = ()
    unsure: tuple[RunKey, ...] = ()

    def at(self, now: datetime) -> "Memory":
        """Without what stopped working."""
        return self._replace(credentials=tuple(item for item in self.credentials if now < item[1]))


class Answer(NamedTuple):
    """Whether the call succeeded, its result or its fault, and for a change of rows those that it was decided on."""

    good: bool
    value: Any
    before: Mapping[RunId, Run] | None = None


NOTHING = Memory()


@dataclass(frozen=True, slots=True)
class Work:
    """What a replica does: pays a command that a row owes (`run`, as it was leased), or sweeps."""

    name: str
    run: Run | None = None
    command: Command | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the status read last in this work showed of the task, and whether a mutation was sent since."""

    runs: int = -1
    last: RunState | None = None
    used: bool = False


@dataclass(frozen=True, slots=True)
class Replica:
    """A replica between two effects; `call` is the next one. Without work it is idle, and has only its memory."""

    memory: Memory = NOTHING
    work: Work | None = None
    began: datetime | None = None
    tape: tuple[tuple[Answer, datetime], ...] = ()
    call: Call | None = None
    evidence: Evidence = Evidence()
    defects: tuple[str, ...] = ()


IDLE = Replica()


class Turns:
    """As much of an event loop as coroutines need that do not read: it runs what is ready. Its time stands still."""

    def __init__(self) -> None:
        self.ready: deque[asyncio.Handle] = deque()

    def call_soon(self, callback, *args, context=None):
        handle = asyncio.Handle(callback, args, self.loop, context)
        self.ready.append(handle)
        return handle

    def time(self):
        return 0.0

    def call_at(self, when, callback, *args, context=None):
        """What comes later never comes: no time passes while a replica works."""
        return asyncio.TimerHandle(when, callback, args, self.loop, context)

    def call_later(self, delay, callback, *args, context=None):
        return self.call_at(delay, callback, *args, context=context)

    def _timer_handle_cancelled(self, handle): ...

    def create_future(self):
        return asyncio.Future(loop=self.loop)

    def create_task(self, coro, **_):
        return asyncio.Task(coro, loop=self.loop)

    def get_debug(self):
        return False

    def is_running(self):
        return True

    def call_exception_handler(self, context):
        if "exception" in context:
            raise context["exception"]

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return cast(asyncio.AbstractEventLoop, self)

    def run(self) -> None:
        asyncio._set_running_loop(self.loop)
        try:
            while self.ready:
                self.ready.popleft()._run()
        finally:
            asyncio._set_running_loop(None)


@dataclass
class Performance:
    """One run of a replica's coroutine."""

    turns: Turns
    seat: Seat
    task: "asyncio.Task[Any]"

    @classmethod
    def of(cls, replica: Replica, began: datetime, admitted: bool) -> "Performance":
        """The replica's work, from its beginning to where it stands."""
        assert replica.work is not None
        turns = Turns()
        uploading = isinstance(replica.work.command, commands.Report | commands.Explain | commands.AttachLeftovers)
        seat = Seat(turns.loop, admitted, began, dict(replica.memory.credentials), uploading=uploading)
        seat.known.unsure.update(replica.memory.unsure)
        it = cls(turns, seat, asyncio.Task(_coroutine(seat.engine(), replica.work), loop=turns.loop))
        turns.run()
        for answer, now in replica.tape:
            it.answer(answer, now)
        return it

    def answer(self, answer: Answer, now: datetime) -> None:
        assert self.seat.waiting is not None
        call, future = self.seat.waiting
        self.seat.waiting, self.seat.now = None, now
        if call.decide is not None and answer.before is not None:
            call.decide(answer.before)  # whoever decides remembers on what
        if answer.good:
            future.set_result(answer.value)
        else:
            future.set_exception(type(answer.value)(str(answer.value)))
        self.turns.run()

    @property
    def call(self) -> Call | None:
        return self.seat.waiting[0] if self.seat.waiting else None

    @property
    def over(self) -> bool:
        return self.task.done()

    @property
    def memory(self) -> Memory:
        return Memory(tuple(sorted(self.seat.memory.items())), tuple(sorted(self.seat.known.unsure)))

    def stands(self) -> tuple[Any, ...]:
        """Where the coroutine stands: its frames with their variables, and the call."""
        frames = []
        at: Any = self.task.get_coro()
        while (frame := getattr(at, "cr_frame", None)) is not None:
            variables = tuple((name, frozen(value)) for name, value in frame.f_locals.items() if name not in WORDS)
            frames.append((frame.f_code, frame.f_lasti, variables))
            at = at.cr_await
        return (*frames, frozen(self.call))

    def end(self) -> None:
        """Stop it, wherever it is."""
        if not self.task.done():
            self.task.cancel()
            self.turns.run()
        elif not self.task.cancelled():
            self.task.exception()


async def _coroutine(engine: Engine, work: Work) -> None:
    try:
        match work.name:
            case "pay":
                await engine._paid(work.run, work.command)
            case "statuses":
                await Sweeps(engine).statuses()
            case "states":
                await Sweeps(engine).states(list(engine.pools.values()))
            case "strangers":
                await Strangers(engine).sweep(list(engine.pools.values()))
    except faults.Unavailable:
        return  # the database is away: the row goes on owing
    except faults.Fault:
        if work.name == "pay":
            raise  # only a sweep is given up for a fault of either side
