"""What the services cost while nothing happens, and when they start."""

import asyncio
import time

from tests.bench import meter
from tests.bench.house import House, opened
from tests.bench.report import Part

SETTLES = 8.0
"""Seconds after the start in which the first sweeps are made."""


async def measure(*, quick: bool) -> list[Part]:
    """Twenty seconds of nothing when it must be quick, else two."""
    seconds = 20.0 if quick else 120.0
    part = Part("idle", "Services at rest", f"{seconds:.0f} s with the default periods, no task; load {meter.load()}")
    async with opened("idle") as house:
        for name, child in house.services.items():
            part.add(f"{name}: start", meter.cpu([child.pid]), "s CPU", goal=1.5, bound=3.0)
        await asyncio.sleep(SETTLES)
        for name, share in (await _shares(house, seconds)).items():
            part.add(f"{name}: at rest", 100 * share, "% of a core", goal=0.5, bound=1.5)
        for name, child in house.services.items():
            held = meter.memory(child.pid)
            part.add(
                f"{name}: resident",
                held.now,
                "MiB",
                goal=60,
                bound=120,
                note=f"{held.own:.0f} MiB its own, {held.peak:.0f} at its peak",
            )
    return [part]


async def _shares(house: House, seconds: float) -> dict[str, float]:
    """Of a core, by service."""
    before = {name: meter.cpu([child.pid]) for name, child in house.services.items()}
    began = time.monotonic()
    await asyncio.sleep(seconds)
    lasted = time.monotonic() - began
    return {name: (meter.cpu([child.pid]) - before[name]) / lasted for name, child in house.services.items()}
