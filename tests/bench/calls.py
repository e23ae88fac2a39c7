"""Calls, statements and messages of a task, exactly, where nothing goes wrong."""

from collections import Counter

from tests.bench import statements
from tests.bench.house import House, opened
from tests.bench.report import Part

EACH_TASKCLUSTER = {"queue.claimTask": 1, "queue.createArtifact": 5, "s3.put": 3, "queue.reportCompleted": 1}
EACH_BUILDBOT = {
    "PUT runs/{task}/{run}": 1,
    "GET builds/{build}/properties": 1,
    "GET builds/{build}/steps": 1,
    "GET builds/{build}/logs/{log}": 1,
    "GET builds/{build}/outputs": 1,
}
"""What one task needs, whatever else there is: a build of one step with one log that gives no files away."""
SHARED_TASKCLUSTER = ("queue.tasks", "queue.statuses", "queue.listPendingTasks")
SHARED_BUILDBOT = ("POST states", "GET changes", "GET requests", "GET version")
"""What many tasks share."""
SOME = 0.1
"""Statements of a task that collisions may cost, of any kind."""
SERVICES = 3
"""Each asks for Buildbot's address once."""
EACH_STATEMENT = {"BEGIN": 0, "task_rows": 0, "save": 6, "COMMIT": 0, "lease": 3, "release": 2}
"""Six changes, each one statement since the row is in hand, and a lease for each of: submit, claim, report; the last is given back
with the run's last change. On a busy machine the loop that looks for what is due may come first, so only a single task's are exact."""


async def measure(*, quick: bool) -> list[Part]:
    """1, 50 and 5,000 tasks; 200 in place of 5,000 when it must be quick."""
    async with opened("calls") as house:
        await statements.begin(house)
        parts = [await _counted(house, count) for count in ((1, 50, 200) if quick else (1, 50, 5000))]
    return [*parts]


async def _counted(house: House, count: int) -> Part:
    await _reset(house)
    await house.tasks(count)
    await house.until_rows(count, "phase IN ('queued', 'building')")
    await house.tell_ledger(start=True)
    await house.until_rows(count, "phase = 'building' AND taken_until IS NOT NULL")
    await house.tell_ledger(finish=True)
    await house.eventually(house.nothing_unsettled, "all runs settled", 600)
    return await _told(house, count)


async def _reset(house: House) -> None:
    await house.tell_ledger(held=True, seconds=None, reset=True)
    await house.control("POST", "counters/reset")
    await statements.reset(house)


async def _told(house: House, count: int) -> Part:
    part = Part("calls", f"Calls of {count:,} tasks", "held in Buildbot until all wait, started and ended together")
    told = await house.control("GET", "counters")
    theirs, ledger = Counter(told["calls"]), Counter(await house.ledger_says())
    for kinds, found in ((EACH_TASKCLUSTER, theirs), (EACH_BUILDBOT, ledger)):
        for kind, each in kinds.items():
            part.add(kind, found[kind], "calls", exact=each * count, note=f"{each} a task")
    for shared, found in ((SHARED_TASKCLUSTER, theirs), (SHARED_BUILDBOT, ledger)):
        for kind in shared:
            bound = SERVICES if kind == "GET version" else None
            part.add(kind, found[kind], "calls", bound=bound, note="shared")
    made = {*EACH_TASKCLUSTER, *SHARED_TASKCLUSTER, "queue.createTask"}
    part.add("all other calls", sum(n for kind, n in theirs.items() if kind not in made), "calls", exact=0)
    for name, calls in (await statements.counted(house)).items():
        exact = EACH_STATEMENT.get(name) if count == 1 else None
        most = 1.5 * EACH_STATEMENT[name] + SOME if name in EACH_STATEMENT and count > 1 else None
        part.add(f"SQL: {name}", calls / count, "a task", exact=exact, bound=most)
    return part
