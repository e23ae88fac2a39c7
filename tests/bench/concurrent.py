"""Many builds at once: the bridge against a polling worker for each, and against a loop over rows without batches."""

import asyncio

from tests.bench import meter
from tests.bench.crowd.house import crowded
from tests.bench.house import House, opened
from tests.bench.report import Part

BUILDS = 1000
WRAPPERS = 5
QUEUE = "proj-bench/wrapper"
PERIOD = 400.0
"""Seconds from one renewal of a claim to the next, for both."""
POLLS = 60 / 10
"""Of a wrapper, a minute."""
ROWS = 1000


async def measure(*, quick: bool) -> list[Part]:
    """A minute of a thousand builds, 100 when it must be quick."""
    builds, seconds = (100, 60.0) if quick else (BUILDS, 180.0)
    part = Part(
        "concurrent",
        f"{builds:,} builds at once, watched for {seconds:.0f} s",
        f"load {meter.load()}; {WRAPPERS} wrappers stand for one each",
    )
    async with opened("concurrent") as house:
        await _compared(house, part, builds, seconds)
    await _serial(part)
    return [part]


async def _compared(house: House, part: Part, builds: int, seconds: float) -> None:
    await house.tell_ledger(seconds=None)
    await house.tasks(builds)
    await house.until_rows(builds, "phase = 'building' AND taken_until IS NOT NULL")
    wrappers = [await house.rival("wrapper", QUEUE) for _ in range(WRAPPERS)]
    await house.tasks_of(QUEUE, WRAPPERS)
    await asyncio.sleep(10)
    await house.control("POST", "counters/reset")
    await house.tell_ledger(reset=True)
    began = [meter.cpu([each.pid for each in wrappers]), house.cpu()]
    await asyncio.sleep(seconds)
    theirs, ours = meter.cpu([each.pid for each in wrappers]) - began[0], house.cpu() - began[1]
    minutes = seconds / 60
    calls = (await house.control("GET", "counters"))["calls"]
    asked = sum(calls.values()) - calls.get("queue.claimWork", 0) + sum((await house.ledger_says()).values())
    renewals = builds / PERIOD * 60
    one = sum(meter.memory(each.pid).own for each in wrappers) / WRAPPERS
    three = sum(meter.memory(pid).own for pid in house.service_pids())
    part.add("memory of all services", three, "MiB", note="what no other process shares")
    part.add("memory of a wrapper", one, "MiB")
    part.add(
        "memory: services ÷ wrappers", three / (one * builds), "×", goal=0.01 * BUILDS / builds, bound=0.02 * BUILDS / builds
    )
    part.add("reads of the services", asked / minutes, "calls a minute", note="renewals not among them")
    part.add("reads of the wrappers", POLLS * builds, "calls a minute", note="one look in ten seconds each")
    part.add(
        "reads: services ÷ wrappers",
        asked / minutes / (POLLS * builds),
        "×",
        goal=0.01 * BUILDS / builds,
        bound=0.02 * BUILDS / builds,
    )
    all_ours, all_theirs = asked / minutes + renewals, POLLS * builds + renewals
    part.add(
        "all requests: services ÷ wrappers", all_ours / all_theirs, "×", goal=0.01, note="with renewals, which both need"
    )
    part.add("CPU: services ÷ wrappers", ours / (theirs / WRAPPERS * builds), "×")


async def _serial(part: Part) -> None:
    """A minute of runs in flight: one turn of the loop, against one of statuses and two of states."""
    async with crowded() as house:
        await house.grow(ROWS)
        theirs = await house.rival("serial")
        ours = [await house.work(duty) for duty in ("statuses", "states", "states")]
    each = sum(told["cpu"] for told in ours) / ROWS
    part.add("a run-minute of the sweeps", each * 1e6, "µs CPU")
    part.add("a run-minute of a loop without batches", theirs["cpu"] / ROWS * 1e6, "µs CPU")
    part.add("CPU: sweeps ÷ loop", each / (theirs["cpu"] / ROWS), "×", goal=0.1, bound=0.5)
