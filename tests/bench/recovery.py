"""After a long outage of the bridge: claims that can be saved are, the backlog goes at the rate limit, and never above it."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.bench import meter
from tests.bench.house import House, opened
from tests.bench.report import Part

CALLS = 2
"""Of a renewal by a process that has no credentials: it claims again, then renews."""
GRACE = 3.0
"""Seconds from when the services are ready until their loops have looked for what is due."""
SLACK = 1.1


@dataclass(frozen=True, slots=True)
class Plan:
    """A day in small: the proportions of 10,000 runs, claims of 20 minutes, an outage of 20 minutes and 200 calls a second."""

    runs: int
    rate: int
    claim: float
    outage: float


FULL = Plan(1000, 40, 300.0, 200.0)
QUICK = Plan(150, 15, 120.0, 75.0)


async def measure(*, quick: bool) -> list[Part]:
    """As many runs wait as run; builds go on meanwhile."""
    plan = QUICK if quick else FULL
    part = Part(
        "recovery",
        f"{plan.outage:.0f} s without any service",
        f"{plan.runs:,} run, {plan.runs:,} wait; {plan.rate} calls a second; claims of {plan.claim:.0f} s; load {meter.load()}",
    )
    settings = {"taskcluster": {"calls_per_second": plan.rate}, "buildbots": {"main": {"calls_per_second": plan.rate}}}
    async with opened("recovery", settings) as house:
        await house.control("POST", "periods", claimSeconds=plan.claim, pollSeconds=1)
        await house.tell_ledger(seconds=None)
        await house.tasks(plan.runs)
        await house.until_rows(plan.runs, "phase = 'building' AND taken_until IS NOT NULL")
        await house.stop_services()
        await house.tell_ledger(held=True)
        waiting = await house.tasks(plan.runs)
        await asyncio.sleep(plan.outage)
        await _recovered(house, part, plan, waiting)
    return [part]


async def _recovered(house: House, part: Part, plan: Plan, waiting: list[str]) -> None:
    await house.control("POST", "counters/reset")
    await house.start_services()
    began = time.time()
    running = await _ends(house)
    await house.until_rows(len(waiting), "phase IN ('queued', 'building') AND taken_until IS NULL", within=900)
    await house.until_rows(len(running), f"taken_until > now() + interval '{plan.claim / 2} seconds'", within=900)
    lasted = time.time() - began
    calls = [entry for entry in await _journal(house) if entry["unix"] >= began]
    renewals = sum(entry["api"] in ("queue.claimTask", "queue.reclaimTask") for entry in calls)
    expired = await _expired(house)
    needless = [
        task for place, (end, task) in enumerate(running) if task in expired and _could_be_saved(place, end - began, plan)
    ]
    part.add("claims at the end of the outage", len(running), "claims")
    part.add(
        "claims that expired",
        len(expired),
        "claims",
        note="of which none could have been renewed in time" if not needless else "",
    )
    part.add("claims that expired and need not have", len(needless), "claims", exact=0)
    part.add("renewals and claims", renewals, "calls")
    part.add("all calls", len(calls), "calls")
    most = max(Counter(int(entry["unix"]) for entry in calls).values())
    part.add(
        "most calls in one second",
        most,
        "calls",
        bound=3 * plan.rate * SLACK,
        note=f"three services, {plan.rate} each, and a tenth of a second's burst",
    )
    part.add(
        "time ÷ calls at the limit of one service",
        lasted / (len(calls) / plan.rate),
        "×",
        goal=SLACK,
        note=f"{lasted:.0f} s by the clock",
    )


def _could_be_saved(place: int, left: float, plan: Plan) -> bool:
    return left > GRACE + SLACK * CALLS * (place + 1) / plan.rate


async def _ends(house: House) -> list[tuple[float, str]]:
    """The claims by their ends, in seconds since 1970, the earliest first."""
    rows = await house.rows("SELECT task_id, taken_until FROM runs WHERE taken_until IS NOT NULL AND phase <> 'settled'")
    now = datetime.now(UTC)
    return sorted((row["taken_until"].timestamp(), row["task_id"]) for row in rows if row["taken_until"] > now)


async def _journal(house: House) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    since = 0
    while (page := await house.control("GET", f"journal?since={since}"))["entries"]:
        entries += [each for each in page["entries"] if each["client"] != "admin"]
        since = page["next"]
    return entries


async def _expired(house: House) -> set[str]:
    found: set[str] = set()
    since = 0
    while (page := await house.control("GET", f"history?since={since}"))["transitions"]:
        found |= {each["taskId"] for each in page["transitions"] if each["reason"] == "claim-expired"}
        since = page["next"]
    return found
