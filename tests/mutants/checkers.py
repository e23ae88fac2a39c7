"""The checkers, each as a search for the first violation. Imported only after a mutant is in: this imports the bridge."""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from random import Random

from tests.model.configs import CONFIGS
from tests.model.search import search
from tests.model.space import Space
from tests.simulation.catalogue import Catalogue, replayed
from tests.simulation.scenarios import CANONICAL
from tests.simulation.services import Coverage

_PATIENCE = 120  # seconds for one schedule, which takes a few hundredths


class _EndlessError(BaseException):
    """The bridge works and works at one instant. No handler of an ordinary exception may swallow it."""


@dataclass(frozen=True, slots=True)
class Kill:
    """Where a violation was found: a schedule or a configuration, after how many schedules or states, and its words."""

    by: str
    where: str
    tries: int
    wrong: str


Tried = tuple[Kill | None, int]
"""What killed the mutant, if anything did, and how many schedules or states that took."""


def canon(first: Sequence[str]) -> Tried:
    """Live the schedules of `first` through, then each canonical scenario without a fault, until one is violated."""
    plain = (f"plain/{scenario.name}" for scenario in CANONICAL)
    return _until_violated(chain(chain.from_iterable(map(_named, first)), plain))


def _named(first: str) -> list[str]:
    """The schedules meant: `single/<scenario>/<call>/<fault>` with the call's name are those of all its calls.

    Numbers of calls change with every change of the bridge, names do not.
    """
    sort, _, rest = first.partition("/")
    scenario, _, rest = rest.partition("/")
    call, _, fault = rest.partition("/")
    if sort != "single" or call.isdigit():
        return [first]
    world = replayed(f"plain/{scenario}").world(Coverage())
    world.fabric.trace = []
    trace = world.run().trace or []
    return [f"single/{scenario}/{number}/{fault}" for number, step in enumerate(trace) if step.name == call]


def simulation(schedules: int, seed: int) -> Tried:
    """Live as many schedules of all sorts through, until one is violated."""
    return _until_violated(_mixed(schedules, seed))


def _mixed(schedules: int, seed: int) -> Iterator[str]:
    """Singles, pairs and random schedules by turns, for one sort may be blind to what another sees."""
    names = list(Catalogue().names(schedules, seed))
    Random(seed).shuffle(names)
    yield from names


def _until_violated(names: Iterable[str]) -> Tried:
    tries = 0
    for name in names:
        tries += 1
        if wrong := _lived(name):
            return Kill("simulation", name, tries, wrong), tries
    return None, tries


def _lived(name: str) -> str | None:
    gc.disable()  # as the simulation itself does
    try:
        with _patience():
            wrong = replayed(name).world(Coverage()).run().violations
    except _EndlessError:
        return f"does not end: {_PATIENCE} s at one instant"
    finally:
        gc.enable()
    return wrong[0] if wrong else None


@contextmanager
def _patience() -> Iterator[None]:
    def ring(*_: object) -> None:
        raise _EndlessError

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(_PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def model(names: Sequence[str], states: int) -> Tried:
    """Search the configurations of these names, or all, until one is violated; `states` in all at most."""
    seen = 0
    chosen = [config for config in CONFIGS if not names or config.name in names]
    for config in chosen:
        try:
            found = search(Space(config), states // len(chosen))
        except AssertionError:  # the mutant does not live as a configuration's story goes: no violation, and no search
            continue
        seen += found.states
        if found.violations:
            return Kill("model", config.name, seen, found.violations[0][-1]), seen
    return None, seen
