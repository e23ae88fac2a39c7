"""The network between a process and everything else: every call of a port passes here, and here it can go wrong."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

from bridge.core import faults
from tests.simulation.faults import Kind
from tests.simulation.loop import VirtualLoop

EPOCH = 1_767_225_600  # 2026-01-01: when every schedule starts, in seconds since 1970
GIVE_UP = 30.0  # seconds until a caller believes that no answer comes
Effect = Callable[[], Any]


class Machine:
    """A process as the network sees it: alive or dead, running or stopped, with a clock that may be wrong."""

    __slots__ = ("crashed", "dead", "name", "skew", "stopped_from", "stopped_until")

    def __init__(self, name: str, skew: float, crashed: Callable[[], None]) -> None:
        self.name, self.skew, self.crashed = name, skew, crashed
        self.dead = False
        self.stopped_from = self.stopped_until = 0.0

    def stop(self, now: float, until: float) -> None:
        """Have the process stand still until then."""
        if self.stopped_until <= now:
            self.stopped_from = now
        self.stopped_until = until

    def stood(self, at: float) -> bool:
        """Whether the process stood still at a moment that is no further back than its last stop."""
        return self.stopped_from <= at < self.stopped_until


@dataclass(slots=True)
class Step:
    """One call: whose, to which side, and whether its answer had anything in it."""

    machine: str
    side: str
    name: str
    found: bool = True


class Plan:
    """Says what goes wrong at which call. This one: nothing."""

    ends = math.inf
    """The number of the call from which on nothing goes wrong; it is not asked about those."""

    def at(self, number: int, machine: Machine, side: str, name: str) -> Kind | None:
        """The fault of call `number`, counted from 0."""
        return None


class Fabric:
    """Takes virtual time for each call, has its effect happen, and brings the answer back, unless the plan says otherwise."""

    def __init__(self, loop: VirtualLoop, random: Random, plan: Plan, strike: Callable[[Kind], None]) -> None:
        self.loop, self.plan, self.strike = loop, plan, strike
        self._random = random.random
        self.calls = 0
        self.idle = 0
        """Those of the calls that found nothing and were not waited for (`tests.simulation.idle`)."""
        self.faulted: dict[str, int] = {}
        self.trace: list[Step] | None = None
        """Each call, where somebody wants to know."""

    def moment(self) -> datetime:
        """True time."""
        return datetime.fromtimestamp(EPOCH + self.loop.now, UTC)

    def call(self, machine: Machine, side: str, name: str, effect: Effect) -> "asyncio.Future[Any]":
        """Send a call. The future gives what the effect gave, or raises what it raised; a dead caller hears nothing."""
        if machine.dead:
            raise asyncio.CancelledError
        if self.trace is not None:
            effect = self._traced(Step(machine.name, side, name), effect)
        future = self.loop.create_future()
        self.carry(self.fate(machine, side, name), machine, effect, future)
        return future

    def fate(self, machine: Machine, side: str, name: str) -> Kind | None:
        """Count a call, and say what goes wrong with it."""
        number = self.calls
        self.calls = number + 1
        return self.plan.at(number, machine, side, name) if number < self.plan.ends else None

    def carry(self, kind: Kind | None, machine: Machine, effect: Effect, future: "asyncio.Future[Any]") -> None:
        """Take a call to the other side and its answer back, with what goes wrong with it."""
        loop = self.loop
        if kind is not None:
            self._faulty(kind, machine, effect, future)
        elif machine.stopped_until > loop.now:
            loop.later(machine.stopped_until - loop.now, self.act, machine, effect, future, 0.002)
        else:
            there, back = self.way()
            loop.later(there, self.act, machine, effect, future, back)

    def way(self) -> tuple[float, float]:
        """How many seconds a call takes, there and back."""
        late = self._random()
        return 0.001 + 0.008 * late, 0.001 + 0.004 * late

    def _traced(self, step: "Step", effect: Effect) -> Effect:
        """The effect, that tells besides whether it found anything."""
        assert self.trace is not None
        self.trace.append(step)

        def traced() -> Any:
            result = effect()
            step.found = bool(result)
            return result

        return traced

    def act(self, machine: Machine, effect: Effect, future: "asyncio.Future[Any]", back: float) -> None:
        """The call arrives. What was sent arrives even where the caller is dead or has given up."""
        try:
            result = effect()
        except faults.Fault as fault:
            self.loop.later(back, self.answer, machine, future, None, fault)
        else:
            self.loop.later(back, self.answer, machine, future, result, None)

    def answer(self, machine: Machine, future: "asyncio.Future[Any]", result: Any, fault: Exception | None) -> None:
        if machine.stopped_until > self.loop.now:
            self.loop.later(machine.stopped_until - self.loop.now, self.answer, machine, future, result, fault)
        elif not future.done():
            if fault is None:
                future.set_result(result)
            else:
                future.set_exception(fault)

    def _fail(self, machine: Machine, future: "asyncio.Future[Any]", fault: Exception, after: float) -> None:
        self.loop.later(after, self.answer, machine, future, None, fault)

    def _faulty(self, kind: Kind, machine: Machine, effect: Effect, future: "asyncio.Future[Any]") -> None:
        self.faulted[kind.value] = self.faulted.get(kind.value, 0) + 1
        later, act = self.loop.later, self.act
        match kind:
            case Kind.CRASH_BEFORE:
                machine.crashed()
                later(0.0, future.cancel)
            case Kind.CRASH_AFTER:
                later(0.003, self._act_and_die, machine, effect, future)
            case Kind.REFUSED:
                self._fail(machine, future, faults.Unavailable("503"), 0.005)
            case Kind.THROTTLED:
                self._fail(machine, future, faults.Unavailable("429", retry_after=5.0), 0.005)
            case Kind.CONFLICT:
                self._fail(machine, future, faults.Conflicting("409"), 0.005)
            case Kind.NOT_ALLOWED:
                self._fail(machine, future, faults.NotAllowed("403"), 0.005)
            case Kind.MISSING:
                self._fail(machine, future, faults.Missing("404"), 0.005)
            case Kind.LOST_REPLY:
                later(0.003, act, machine, effect, _nobody(self.loop), 0.0)
                self._fail(machine, future, faults.Unavailable("connection reset"), 0.006)
            case Kind.CONFLICT_AFTER:
                later(0.003, act, machine, effect, _nobody(self.loop), 0.0)
                self._fail(machine, future, faults.Conflicting("409, and yet it was done"), 0.006)
            case Kind.TIMEOUT:
                self._fail(machine, future, faults.Unavailable("no answer"), GIVE_UP)
            case Kind.TIMEOUT_AFTER:
                later(0.003, act, machine, effect, _nobody(self.loop), 0.0)
                self._fail(machine, future, faults.Unavailable("no answer"), GIVE_UP)
            case Kind.LATE_EFFECT:
                later(GIVE_UP + 40 * self._random(), act, machine, effect, _nobody(self.loop), 0.0)
                self._fail(machine, future, faults.Unavailable("no answer"), GIVE_UP)
            case Kind.DELAY:
                later(18.0, act, machine, effect, future, 0.003)
            case Kind.SLOW_REPLY:
                later(0.003, act, machine, effect, future, 25.0)
            case Kind.PAUSE:
                machine.stop(self.loop.now, self.loop.now + 50.0)
                later(50.0, act, machine, effect, future, 0.003)
            case Kind.PAUSE_AFTER:
                later(0.002, act, machine, effect, future, 0.003)
                machine.stop(self.loop.now, self.loop.now + 50.0)
            case _:
                self.strike(kind)
                later(0.004, act, machine, effect, future, 0.003)

    def _act_and_die(self, machine: Machine, effect: Effect, future: "asyncio.Future[Any]") -> None:
        self.act(machine, effect, future, 0.0)
        if not machine.dead:
            machine.crashed()


def _nobody(loop: VirtualLoop) -> "asyncio.Future[Any]":
    """Where an answer goes that nobody hears."""
    future = loop.create_future()
    future.cancel()
    return future
