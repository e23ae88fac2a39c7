"""CPU and memory of the sweeps and of the status as the runs in flight grow."""

from tests.bench import meter
from tests.bench.crowd.house import Crowded, crowded
from tests.bench.report import Part
from tests.bench.samples import exponent

QUICK = (2_000, 8_000, 24_000)
FULL = (1_000, 10_000, 100_000, 1_000_000)
RECONCILE_AT = 100_000
REPEATS = 3
"""The cheapest counts: what else the machine does only adds."""
Costs = dict[str, list[float]]


async def measure(*, quick: bool) -> list[Part]:
    """2,000 to 24,000 runs when it must be quick, else 1,000 to 1,000,000."""
    sizes = QUICK if quick else FULL
    part = Part(
        "scale",
        "Sweeps of the runs in flight",
        f"load {meter.load()}; CPU of the least of {REPEATS} runs, PostgreSQL's not included",
    )
    async with crowded() as house:
        found = {size: await _at(house, size) for size in sizes}
    for duty in ("statuses", "states"):
        _told(part, duty, {size: costs[duty] for size, costs in found.items()})
    for size, costs in found.items():
        both = min(costs["statuses"]["cpu"]) + min(costs["states"]["cpu"])
        goal = 2.0 if size == RECONCILE_AT else None
        part.add(f"reconcile {size:,} (statuses and states)", both, "s CPU", goal=goal)
        peak = max(*costs["statuses"]["peak"], *costs["states"]["peak"])
        bound = 128 if size <= RECONCILE_AT else 256
        part.add(f"resident at {size:,}", peak, "MiB", bound=bound)
        for duty in ("lookout", "status"):
            part.add(f"{duty} at {size:,}", min(costs[duty]["cpu"]) * 1000, "ms CPU")
            part.add(f"{duty} at {size:,}: PostgreSQL", min(costs[duty]["server"]) * 1000, "ms")
    return [part]


async def _at(house: Crowded, size: int) -> dict[str, Costs]:
    await house.grow(size)
    return {duty: await _repeated(house, duty) for duty in ("statuses", "states", "lookout", "status")}


async def _repeated(house: Crowded, duty: str) -> Costs:
    costs: Costs = {"cpu": [], "peak": [], "server": []}
    once = house.count >= RECONCILE_AT or duty in ("lookout", "status")
    for _ in range(1 if once else REPEATS):
        await house.connection.execute("SELECT pg_stat_statements_reset()")
        told = await house.work(duty)
        assert told["moved"] == (house.count if duty in ("lookout", "status") else 0), (duty, told)
        for name in ("cpu", "peak"):
            costs[name].append(told[name])
        costs["server"].append(await house.server_time("-- "))
    return costs


def _told(part: Part, duty: str, found: dict[int, Costs]) -> None:
    each = {size: min(costs["cpu"]) / size for size, costs in found.items()}
    for size, cost in each.items():
        part.add(f"{duty} of {size:,}", cost * 1e6, "µs a run")
    sizes = list(found)
    slope = exponent(sizes, [min(found[size]["cpu"]) for size in sizes])
    part.add(f"{duty}: power of n", slope, "", goal=1.1, bound=1.2, note="1 is linear")
