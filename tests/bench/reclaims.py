"""Renewals: earliest end first, none late, what each costs, and how two replicas share them."""

import asyncio
from datetime import timedelta
from typing import Any

from tests.bench import meter
from tests.bench.crowd import rows
from tests.bench.crowd.house import Crowded, crowded
from tests.bench.report import Part

RATE = 250
"""Renewals a second of 100,000 runs whose claims of 20 minutes are renewed after a third of them."""
AT_ONCE = 128
"""How far from its turn a renewal may come: as many are leased at once, and done in any order."""


async def measure(*, quick: bool) -> list[Part]:
    """Some of the claims of 100,000 runs due at once, of 10,000 when it must be quick: by one replica, then by two."""
    runs, due = (10_000, 1_000) if quick else (100_000, 10_000)
    part = Part("reclaims", f"{due:,} renewals due at once, of {runs:,} runs in flight", f"load {meter.load()}")
    async with crowded() as house:
        await house.grow(runs)
        await _alone(house, part, due)
        await _together(house, part, due)
    return [part]


async def _alone(house: Crowded, part: Part, due: int) -> None:
    await _due(house, due)
    await house.connection.execute("SELECT pg_stat_statements_reset()")
    told = await house.work("reclaims")
    server = await house.told()
    part.add("renewed", server["calls"].get("reclaim", 0), "calls", exact=due)
    part.add(
        "farthest from its turn", _displaced(server["renewed"], due), "places", bound=AT_ONCE, note="earliest end first"
    )
    part.add(
        "CPU of a renewal by a process without the credentials", told["cpu"] / due * 1000, "ms", note="it claims again first"
    )
    part.add(f"of one core at {RATE} renewals a second", told["cpu"] / due * RATE * 100, "%")
    for name, words in (("finding what is due", "-- Lease what is due"), ("all statements", "-- ")):
        spent = await house.server_time(words)
        part.add(f"PostgreSQL: {name}", spent / due * 1000, "ms a renewal")
    part.add("resident", told["peak"], "MiB", bound=128)


async def _due(house: Crowded, due: int) -> None:
    await rows.make_due(house.connection, due, timedelta(milliseconds=10))
    await house.told()


def _displaced(renewed: list[Any], due: int) -> int:
    """The crowd's n-th run has the end of its claim at place n * 7919 modulo their number."""
    return max(abs(place - number * 7919 % due) for place, (number, _) in enumerate(renewed))


async def _together(house: Crowded, part: Part, due: int) -> None:
    await _due(house, due)
    await house.connection.execute("UPDATE runs SET holder = NULL WHERE holder IS NOT NULL")
    one, two = await asyncio.gather(house.work("reclaims", "one"), house.work("reclaims", "two"))
    server = await house.told()
    part.add("renewed by two replicas together", server["calls"].get("reclaim", 0), "calls", exact=due)
    more = max(one["cpu"], two["cpu"]) / (one["cpu"] + two["cpu"])
    part.add("share of the busier one", 100 * more, "% of both", goal=60, bound=75)
