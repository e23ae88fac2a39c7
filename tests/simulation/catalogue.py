"""Which schedules there are: every single fault and every pair over the canonical scenarios, and as many random ones as wished.

A schedule has a name that says all of it, so a name replays it:

    single/<scenario>/<call>/<fault>
    pair/<scenario>/<call>/<fault>/<call>/<fault>
    random/<seed>/<number>
    plain/<scenario>

Calls are numbered from 0 in the order in which they are made. Of calls that ask in vain again and again (an empty list of
due rows, changes that do not come, the time) only the first few of each process are struck: the others are like them.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, islice
from random import Random

from tests.simulation.chance import chanced
from tests.simulation.fabric import Machine, Plan, Step
from tests.simulation.faults import Kind, fitting
from tests.simulation.scenarios import CANONICAL, Scenario
from tests.simulation.services import Coverage
from tests.simulation.world import World

_PAIRED = (Kind.CRASH_BEFORE, Kind.CRASH_AFTER, Kind.LOST_REPLY)
_ALIKE = {"due": 2, "changes": 4, "now": 2, "ack": 3}
_BY_NAME = {scenario.name: scenario for scenario in CANONICAL}


class Faults(Plan):
    """These faults at these calls."""

    def __init__(self, kinds: Mapping[int, Kind]) -> None:
        self._kinds = kinds
        self.ends = max(kinds) + 1

    def at(self, number: int, machine: Machine, side: str, name: str) -> Kind | None:
        return self._kinds.get(number)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A scenario and what goes wrong in it."""

    name: str
    scenario: Scenario
    plan: Plan
    seed: str

    def world(self, coverage: Coverage) -> World:
        return World(self.scenario, self.plan, self.seed, coverage)


def replayed(name: str) -> Schedule:
    """The schedule of that name."""
    kind, _, rest = name.partition("/")
    if kind == "random":
        return chance(name)
    scenario = _BY_NAME[rest.split("/")[0]]
    words = rest.split("/")[1:]
    kinds = {int(words[n]): Kind(words[n + 1]) for n in range(0, len(words), 2)}
    return Schedule(name, scenario, Faults(kinds) if kinds else Plan(), scenario.name)


def chance(name: str) -> Schedule:
    """A random schedule."""
    scenario, plan = chanced(name)
    return Schedule(name, scenario, plan, name)


def _worth_striking(trace: list[Step]) -> list[int]:
    """The numbers of calls that are not one more of a kind that asks in vain."""
    seen = Counter[tuple[str, str]]()
    chosen: list[int] = []
    for number, step in enumerate(trace):
        alike = step.name in _ALIKE and not (step.name == "due" and step.found)
        if alike:
            seen[step.machine, step.name] += 1
        if not alike or seen[step.machine, step.name] <= _ALIKE[step.name]:
            chosen.append(number)
    return chosen


@dataclass(frozen=True)
class _Canon:
    """One canonical scenario with the calls of its undisturbed course."""

    scenario: Scenario
    trace: list[Step]

    @cached_property
    def calls(self) -> list[int]:
        return _worth_striking(self.trace)

    @cached_property
    def singles(self) -> list[tuple[int, Kind]]:
        """Every call with every fault that fits it."""
        return [(call, kind) for call in self.calls for kind in fitting(self.trace[call].side, self.trace[call].name)]

    @property
    def pairs(self) -> int:
        count = len(self.calls)
        return count * (count - 1) // 2 * len(_PAIRED) ** 2

    def pair(self, number: int) -> dict[int, Kind]:
        """The pair of that number, all pairs of calls in order with all pairs of a few kinds."""
        number, kinds = divmod(number, len(_PAIRED) ** 2)
        first = 0
        while number >= (left := len(self.calls) - 1 - first):
            number -= left
            first += 1
        one, two = divmod(kinds, len(_PAIRED))
        return {self.calls[first]: _PAIRED[one], self.calls[first + 1 + number]: _PAIRED[two]}


class Catalogue:
    """All schedules; making it runs each canonical scenario once, undisturbed."""

    def __init__(self) -> None:
        self._canons = [_Canon(scenario, _traced(scenario)) for scenario in CANONICAL]
        self._singles = list(accumulate((len(canon.singles) for canon in self._canons), initial=0))
        self._pairs = list(accumulate((canon.pairs for canon in self._canons), initial=0))

    @property
    def scenarios(self) -> list[str]:
        """The canonical scenarios."""
        return [canon.scenario.name for canon in self._canons]

    @property
    def singles(self) -> int:
        """How many single faults there are."""
        return self._singles[-1]

    @property
    def pairs(self) -> int:
        """How many pairs there are."""
        return self._pairs[-1]

    def single(self, number: int) -> str:
        place = bisect_right(self._singles, number) - 1
        canon = self._canons[place]
        call, kind = canon.singles[number - self._singles[place]]
        return f"single/{canon.scenario.name}/{call}/{kind.value}"

    def pair(self, number: int) -> str:
        place = bisect_right(self._pairs, number) - 1
        canon = self._canons[place]
        kinds = canon.pair(number - self._pairs[place])
        return "/".join(["pair", canon.scenario.name, *(f"{call}/{kind.value}" for call, kind in kinds.items())])

    def share(self, count: int) -> tuple[int, int, int]:
        """How many singles, pairs and random schedules `count` schedules are.

        Half of a small number are singles, a quarter each are pairs and random. A number that allows it holds all singles;
        then three quarters of the rest are pairs, until those are all.
        """
        if count < 2 * self.singles:
            return count // 2, count // 4, count - count // 2 - count // 4
        pairs = min(self.pairs, (count - self.singles) * 3 // 4)
        return self.singles, pairs, count - self.singles - pairs

    def names(self, count: int, seed: int, part: int = 1, parts: int = 1) -> Iterator[str]:
        """The names of every `parts`-th of `count` schedules, from number `part` on; `seed` chooses those of which there are more."""
        return islice(self._names(count, seed), part - 1, None, parts)

    def _names(self, count: int, seed: int) -> Iterator[str]:
        singles, pairs, random = self.share(count)
        choice = Random(seed)
        yield from (self.single(number) for number in choice.sample(range(self.singles), singles))
        yield from (self.pair(number) for number in choice.sample(range(self.pairs), pairs))
        yield from (f"random/{seed}/{number}" for number in range(random))


def _traced(scenario: Scenario) -> list[Step]:
    world = World(scenario, Plan(), scenario.name, Coverage())
    world.fabric.trace = []
    return world.run().trace or []
