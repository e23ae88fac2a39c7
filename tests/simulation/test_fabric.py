"""Each fault does to a call what its name says: whether it took effect, what its caller hears and when."""

import asyncio
from random import Random
from typing import Any

import pytest

from bridge.core import faults
from tests.simulation.catalogue import Faults
from tests.simulation.fabric import Fabric, Machine, Plan
from tests.simulation.faults import WORLD, Kind
from tests.simulation.loop import VirtualLoop

# Fault: whether the effect happens, what the caller hears, and after how many seconds at least.
CASES: dict[Kind, tuple[bool, object, float]] = {
    Kind.CRASH_BEFORE: (False, asyncio.CancelledError, 0.0),
    Kind.CRASH_AFTER: (True, "answer", 0.0),
    Kind.REFUSED: (False, faults.Unavailable, 0.0),
    Kind.THROTTLED: (False, faults.Unavailable, 0.0),
    Kind.CONFLICT: (False, faults.Conflicting, 0.0),
    Kind.NOT_ALLOWED: (False, faults.NotAllowed, 0.0),
    Kind.MISSING: (False, faults.Missing, 0.0),
    Kind.LOST_REPLY: (True, faults.Unavailable, 0.0),
    Kind.CONFLICT_AFTER: (True, faults.Conflicting, 0.0),
    Kind.TIMEOUT: (False, faults.Unavailable, 30.0),
    Kind.TIMEOUT_AFTER: (True, faults.Unavailable, 30.0),
    Kind.LATE_EFFECT: (True, faults.Unavailable, 30.0),
    Kind.DELAY: (True, "answer", 18.0),
    Kind.SLOW_REPLY: (True, "answer", 25.0),
    Kind.PAUSE: (True, "answer", 50.0),
    Kind.PAUSE_AFTER: (True, "answer", 50.0),
}


class _Call:
    """One call, struck by one fault, on an empty world."""

    def __init__(self, kind: Kind | None) -> None:
        self.loop = VirtualLoop()
        self.crashes: list[float] = []
        self.struck: list[Kind] = []
        self.effects: list[float] = []
        self.heard: Any = None
        self.after = 0.0
        plan = Faults({0: kind}) if kind else Plan()
        self.fabric = Fabric(self.loop, Random(1), plan, self.struck.append)
        self.machine = Machine("it", 0.0, lambda: self.crashes.append(self.loop.now))

    def made(self) -> "_Call":
        self.loop.create_task(self._make())
        self.loop.later(200.0, self.loop.stop)
        self.loop.run_forever()
        return self

    def _effect(self) -> str:
        self.effects.append(self.loop.now)
        return "answer"

    async def _make(self) -> None:
        try:
            self.heard = await self.fabric.call(self.machine, "database", "change", self._effect)
        except (faults.Fault, asyncio.CancelledError) as fault:
            self.heard = type(fault)
        self.after = self.loop.now


@pytest.mark.parametrize("kind", CASES)
def test_a_fault_does_what_its_name_says(kind: Kind) -> None:
    done, heard, after = CASES[kind]
    call = _Call(kind).made()
    assert (bool(call.effects), call.heard) == (done, heard)
    assert call.after >= after
    assert len(call.effects) <= 1
    assert bool(call.crashes) == (kind in (Kind.CRASH_BEFORE, Kind.CRASH_AFTER))


def test_a_late_effect_comes_after_its_caller_has_given_up() -> None:
    call = _Call(Kind.LATE_EFFECT).made()
    assert call.effects[0] > call.after


def test_every_fault_is_tried_here_or_strikes_the_world() -> None:
    assert set(CASES) | set(WORLD) == set(Kind)
    assert not set(CASES) & set(WORLD)
    for kind in WORLD:
        call = _Call(kind).made()
        assert (call.struck, call.heard) == ([kind], "answer")


def test_a_dead_machine_can_call_nobody() -> None:
    call = _Call(None)
    call.machine.dead = True
    call.made()
    assert (call.effects, call.heard) == ([], asyncio.CancelledError)
