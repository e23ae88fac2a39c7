"""CPU of a task: all services together against programs that make the same calls."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.bench import meter
from tests.bench.house import House, opened
from tests.bench.report import Part, ratio_of
from tests.bench.samples import interval, ratio
from tests.sandbox.process import Child
from tests.sandbox.stack import QUEUE

TASKS = 40
FEW = 4
"""For the rival that works on one task at a time: each takes as long as its build, whatever it costs."""
LASTS = 0.2
"""Seconds of a build."""
WARM = 2
HELD = 5.0
"""Of the ratio to the bare script: what it must not come to again. The goal is far below."""


@dataclass(slots=True)
class Contender:
    """Somebody with a task queue of its own; `spent` are seconds of CPU of a task, one for each window."""

    queue: str
    cpu: Callable[[], float]
    tasks: int
    spent: list[float] = field(default_factory=list)


async def measure(*, quick: bool) -> list[Part]:
    """A B C A B C: the services, the bare script, the stock one."""
    pairs = 15 if quick else 31
    async with opened("cpu") as house:
        await house.tell_ledger(seconds=LASTS)
        contenders = [Contender(QUEUE, house.cpu, TASKS)]
        for name, tasks in (("bare", TASKS), ("stock", FEW)):
            child = await house.rival(name, f"proj-bench/{name}", seconds=LASTS)
            contenders.append(Contender(f"proj-bench/{name}", _cpu_of(child), tasks))
        for turn in range(pairs + WARM):
            for each in contenders:
                spent = await _window(house, each)
                if turn >= WARM:
                    each.spent.append(spent)
    return [_told(*contenders)]


def _cpu_of(child: Child) -> Callable[[], float]:
    return lambda: meter.cpu([child.pid])


async def _window(house: House, contender: Contender) -> float:
    before, began = await house.completed(), contender.cpu()
    await house.tasks_of(contender.queue, contender.tasks)
    await house.until_completed(contender.tasks, before)
    await house.eventually(house.nothing_unsettled, "nothing unsettled")
    return (contender.cpu() - began) / contender.tasks


def _told(ours: Contender, bare: Contender, stock: Contender) -> Part:
    part = Part(
        "cpu",
        "CPU of a task",
        f"{len(ours.spent)} pairs, windows of {TASKS} tasks ({FEW} for the stock script), load {meter.load()}",
    )
    for name, each in (("all three services", ours), ("bare script", bare), ("stock script", stock)):
        found = interval([1000 * spent for spent in each.spent])
        part.add(name, found.middle, "ms a task", low=found.low, high=found.high)
    part.figures.append(ratio_of("services ÷ bare script", ratio(ours.spent, bare.spent), goal=1.5, bound=HELD))
    part.figures.append(ratio_of("services ÷ stock script", ratio(ours.spent, stock.spent), goal=0.6))
    return part
