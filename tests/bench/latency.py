"""How much later things happen because of the bridge: against a script that makes the same calls, at the same pace."""

import asyncio
import time
from collections.abc import Mapping

import slugid

from tests.bench import meter
from tests.bench.house import BUILDER, House, opened
from tests.bench.report import Part
from tests.bench.samples import quantile
from tests.sandbox.stack import QUEUE

PACE = 20
"""Tasks a second."""
LASTS = 0.5
STEPS = ("pending → request", "build start → claim", "build end → resolved")
BARE = "proj-bench/bare"
ROUNDS = 3
Delays = dict[str, list[float]]


async def measure(*, quick: bool) -> list[Part]:
    """The services and the bare script in turns of some seconds. Nothing of this is judged: the clock on the wall is nobody's."""
    seconds = 5 if quick else 20
    part = Part("latency", f"Delays at {PACE} tasks a second", f"{ROUNDS} turns of {seconds} s each; load {meter.load()}")
    async with opened("latency") as house:
        await house.tell_ledger(seconds=LASTS)
        await house.rival("bare", BARE, seconds=LASTS)
        ours: Delays = {step: [] for step in STEPS}
        theirs: Delays = {step: [] for step in STEPS}
        await _turn(house, QUEUE, 2)  # connections are made, modules loaded
        for _ in range(ROUNDS):
            for queue, delays in ((QUEUE, ours), (BARE, theirs)):
                tasks = await _turn(house, queue, seconds)
                times = await house.ledger_says("times") if queue == QUEUE else await house.rival_says("times")
                await _noted(house, tasks, times, delays)
    for step in STEPS:
        _told(part, step, ours[step], theirs[step])
    return [part]


async def _turn(house: House, queue: str, seconds: int) -> list[str]:
    """Create tasks at an even pace, and wait until all are resolved."""
    before, began = await house.completed(), time.monotonic()
    tasks = [slugid.nice() for _ in range(PACE * seconds)]
    async with asyncio.TaskGroup() as group:
        for number, task in enumerate(tasks):
            await asyncio.sleep(max(0.0, began + number / PACE - time.monotonic()))
            group.create_task(house.queue.createTask(task, {**house.definition(BUILDER), "taskQueueId": queue}))
    await house.until_completed(len(tasks), before)
    await house.eventually(house.nothing_unsettled, "nothing unsettled")
    return tasks


async def _noted(house: House, tasks: list[str], times: Mapping[str, list[float]], delays: Delays) -> None:
    seen = await _history(house)
    for task in tasks:
        submitted, started, ended = times[f"{task}/0"]
        at = seen[task]
        for step, later, earlier in zip(
            STEPS, (submitted, at["running"], at["completed"]), (at["pending"], started, ended), strict=True
        ):
            delays[step].append(1000 * (later - earlier))


async def _history(house: House) -> dict[str, dict[str, float]]:
    """By task, when each state came, in seconds since 1970."""
    found: dict[str, dict[str, float]] = {}
    since = 0
    while (page := await house.control("GET", f"history?since={since}"))["transitions"]:
        for change in page["transitions"]:
            found.setdefault(change["taskId"], {})[change["state"]] = change["unix"]
        since = page["next"]
    return found


def _told(part: Part, step: str, ours: list[float], theirs: list[float]) -> None:
    for share in (0.5, 0.99):
        name = f"{step}, p{share * 100:.0f}"
        with_bridge, bare = quantile(ours, share), quantile(theirs, share)
        goal = {0.5: 10.0, 0.99: 100.0}[share]
        part.add(name, with_bridge, "ms", note=f"bare script {bare:.0f} ms")
        part.add(f"{name}, added", with_bridge - bare, "ms", goal=goal)
    part.plots[step] = _plot(ours, theirs)


def _plot(ours: list[float], theirs: list[float]) -> list[str]:
    """Both distributions by powers of two, as lines of text."""
    edges = [2**power for power in range(17)]
    lines: list[str] = []
    for low, high in zip([0, *edges], edges, strict=False):
        shares = [sum(low <= value < high for value in values) / len(values) for values in (ours, theirs)]
        if any(shares):
            lines.append(f"{low:5} to {high:5} ms  {'#' * round(40 * shares[0]):40}  {'o' * round(40 * shares[1]):40}")
    return lines
