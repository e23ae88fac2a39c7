"""One duty of a service, done once by production code in a process of its own; says in JSON what it cost.

`python -m tests.bench.crowd.work DUTY NAME` with BBB_CONFIG: `statuses`, `states`, `lookout` (what every service asks of the
database each twenty seconds), `status` (what `bbb status` asks), `reclaims` (renew all that is due). NAME: the process's name in leases.
"""

import asyncio
import json
import resource
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from bridge.assembly import House, opened
from bridge.cli.serving import leave_modules_alone
from bridge.engine.paying import Payer
from bridge.metrics import Metrics
from bridge.settings import load
from bridge.store.people import People
from bridge.telling import Telling

Duty = Callable[[House], Awaitable[int]]


async def statuses(house: House) -> int:
    return len(await house.sweeps.statuses())


async def states(house: House) -> int:
    return len(await house.sweeps.states(house.pools_of("main")))


async def lookout(house: House) -> int:
    people = People(house.database)
    await people.margins()
    return sum((await people.census()).counts.values())


async def status(house: House) -> int:
    people = People(house.database)
    counts = await people.counts()
    await people.overdue()
    await people.held()
    await people.margins()
    return sum(counts.values())


async def reclaims(house: House) -> int:
    """Until nothing is due: nothing of the crowd falls due again meanwhile."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(house.crew.work()), group.create_task(Payer(house.crew, foreign=True).pay(lambda: None))]
        while await house.database.value("SELECT EXISTS (SELECT FROM runs WHERE phase <> 'settled' AND due_at <= now())"):
            await asyncio.sleep(0.5)
        await house.crew.idle()
        for task in tasks:
            task.cancel()
    return 0


DUTIES: dict[str, Duty] = {each.__name__: each for each in (statuses, states, lookout, status, reclaims)}


async def main(duty: str, name: str) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    metrics = Metrics("bench", "0")
    leave_modules_alone()  # as a service does
    async with opened(load(), name, Telling(metrics), metrics.call) as house:
        await house.clock.ask(house.database)
        began, base = _cpu(), _resident()
        moved = await DUTIES[duty](house)
        told = {"cpu": _cpu() - began, "moved": moved, "base": base, "peak": _peak()}
    print(json.dumps(told), flush=True)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _peak() -> float:
    """MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _resident() -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
