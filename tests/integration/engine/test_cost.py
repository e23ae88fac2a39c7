"""What a task costs in calls, counted at both sides."""

import asyncio

from bridge.core.run import RunKey
from tests.integration.engine.house import House

MANY = 50


async def _calls_per_task(house: House, tasks: list[str]) -> list[dict[str, int]]:
    counted = [(await house.control("GET", f"counters/{task}"))["calls"] for task in tasks]
    return [{api: n for api, n in calls.items() if api != "queue.createTask"} for calls in counted]


async def test_fifty_tasks_cost_exactly_what_the_model_says(house: House) -> None:
    # O-01: one submit, one claim, one report; artifacts' own calls; nothing else that names a single task
    tasks = [await house.create("success") for _ in range(MANY)]
    await house.control("POST", "counters/reset")
    hints = [RunKey(task, 0) for task in tasks]
    await house.sweeps.wanted(hints, house.pool)  # as 50 messages
    await house.crew.wake(hints)
    await house.crew.idle()
    async with asyncio.timeout(120):
        while (await house.buildbot.rest("buildrequests?complete=0&limit=1"))["buildrequests"]:
            await asyncio.sleep(0.5)
    await house.crew.wake(await house.sweeps.states([house.pool]))
    await house.crew.idle()
    await house.paid()  # who found no turn for its artifacts within a second was put off, as it happens on a busy machine
    assert {(await house.status(task))["state"] for task in tasks} == {"completed"}
    once = {"queue.claimTask": 1, "queue.reportCompleted": 1, "queue.createArtifact": 5, "s3.put": 3}
    assert await _calls_per_task(house, tasks) == [once] * MANY
    calls = (await house.control("GET", "counters"))["calls"]
    # How many callers share a batch depends on when each comes, so on the machine's load; there are batches.
    assert calls["queue.statuses"] <= MANY / 2
    assert calls["queue.tasks"] <= MANY / 2
    assert set(calls) == {*once, "queue.statuses", "queue.tasks"}
    count = {action: len(house.plugin_calls(action)) for action in ("submit", "properties", "version", "find", "cancel")}
    assert count == {"submit": MANY, "properties": MANY, "version": 1, "find": 0, "cancel": 0}
    assert {action: len(house.plugin_calls(action)) for action in ("steps", "outputs")} == {"steps": MANY, "outputs": MANY}
    reads = 2 * MANY  # when its build is over, and before its report
    assert len(house.plugin_calls("states")) <= reads / 2


async def test_found_by_the_sweep_a_task_needs_no_read_of_its_definition(house: House) -> None:
    # O-01: the list of pending tasks brings the definitions along
    tasks = [await house.create("parked") for _ in range(10)]
    await house.control("POST", "counters/reset")
    await house.crew.wake(await house.sweeps.pending(house.pool))
    await house.crew.idle()
    calls = (await house.control("GET", "counters"))["calls"]
    assert calls["queue.listPendingTasks"] == 1
    assert calls["queue.statuses"] < len(tasks)
    assert set(calls) == {"queue.listPendingTasks", "queue.statuses"}
    assert len(house.plugin_calls("submit")) == len(tasks)


async def test_at_rest_a_turn_of_all_sweeps_costs_one_call_each(house: House) -> None:
    # B-17, hazard 8: never a poll per task
    tasks = [await house.create("parked") for _ in range(20)]
    for task in tasks:
        await house.until_phase(task, "Queued")
    await house.turn()
    await house.control("POST", "counters/reset")
    seen = len(house.plugin)
    await house.turn()
    assert (await house.control("GET", "counters"))["calls"] == {"queue.listPendingTasks": 1, "queue.statuses": 1}
    assert [call.path.rsplit("/", 1)[-1] for call in house.plugin[seen:]] == ["states"]
