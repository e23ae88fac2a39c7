"""Every call to Taskcluster goes wrong in every way, before and after its effect; each run ends right all the same."""

import asyncio
from typing import Any

import pytest

from tests.integration.engine.house import KEY, SCOPES, House

WAYS = {
    "500 without effect": {"kind": "status"},
    "500 with effect": {"kind": "status", "effect": True},
    "a proxy's page": {"kind": "html"},
    "dropped before the effect": {"kind": "drop"},
    "dropped after the effect": {"kind": "drop", "effect": True},
}
BUILT = ["queue.tasks", "queue.statuses", "queue.claimTask", "queue.createArtifact", "s3.put", "queue.reportCompleted"]


async def _once_per_way(house: House, api: str, builder: str, **more: Any) -> dict[str, Any]:
    """One task for each way in which the call can go wrong, each twice in a row; all at the same time."""
    tasks = {}
    for way, fault in WAYS.items():
        task = await house.create(builder, **more)
        whole = {} if api in ("queue.tasks", "queue.statuses") else {"taskId": task}
        await house.fault(api, count=2, **whole, **fault)
        tasks[way] = task
    return tasks


@pytest.mark.parametrize("api", BUILT)
async def test_a_build_is_reported_whatever_becomes_of_a_call(house: House, api: str) -> None:
    # F-08, F-11, F-12
    tasks = await _once_per_way(house, api, "success")
    for way, task in tasks.items():
        await house.until(task, "completed")
        assert len((await house.status(task))["runs"]) == 1, way
    for task in tasks.values():
        await house.settled(task)
        assert {"public/logs/live.log", "public/properties.json"} <= set(await house.artifacts(task))
        assert house.plugin_calls("cancel", task) == []


async def test_a_failure_is_told_whatever_becomes_of_the_report(house: House) -> None:
    # F-08, F-12
    tasks = await _once_per_way(house, "queue.reportFailed", "failure")
    for task in tasks.values():
        await house.settled(task)
        (run,) = (await house.status(task))["runs"]
        assert run["reasonResolved"] == "failed"


async def test_an_exception_whose_report_was_answered_500_is_told_once(house: House) -> None:
    # F-12: a repeat could free dependents too early. One task only: Buildbot gives its worker a rest after an exception.
    task = await house.create("exception")
    await house.fault("queue.reportException", taskId=task, effect=True, count=2)
    await house.settled(task, within=60)
    (run,) = (await house.status(task))["runs"]
    assert run["reasonResolved"] == "internal-error"
    assert len(await house.calls(task, "queue.reportException")) == 1


@pytest.mark.parametrize("api", ["queue.claimTask", "queue.createArtifact", "queue.reportException"])
async def test_a_refusal_is_explained_whatever_becomes_of_a_call(house: House, api: str) -> None:
    # F-08
    tasks = await _once_per_way(house, api, "echo", scope=False)
    for task in tasks.values():
        await house.settled(task)
        (run,) = (await house.status(task))["runs"]
        assert run["reasonResolved"] == "malformed-payload"
        assert "scope" in await house.text(task, 0, "public/logs/live.log")


async def test_a_cancel_made_in_buildbot_arrives_whatever_becomes_of_the_call(house: House) -> None:
    # F-08, F-12
    tasks = await _once_per_way(house, "queue.cancelTask", "cancelled")
    for task in tasks.values():
        await house.settled(task)
        (run,) = (await house.status(task))["runs"]
        assert run["reasonResolved"] == "canceled"


@pytest.mark.parametrize("way", WAYS)
async def test_a_claim_lives_through_renewals_that_go_wrong(house: House, way: str) -> None:
    # F-08
    await house.control("POST", "periods", {"claimSeconds": 5})
    task = await house.create("sleep", properties={"seconds": 7})
    fault = await house.fault("queue.reclaimTask", taskId=task, count=2, **WAYS[way])
    await house.until(task, "completed")
    await house.settled(task)
    assert await house.hits(fault["id"]) == 2
    assert len((await house.status(task))["runs"]) == 1


async def test_an_outage_of_the_whole_queue_shorter_than_the_claim_costs_nothing(house: House) -> None:
    # F-08: every call fails for a while; nothing is stopped or resolved for it, and the claim is kept
    await house.control("POST", "periods", {"claimSeconds": 9})
    running = await house.create("sleep", properties={"seconds": 5})
    waiting = await house.create("parked")
    await house.until(running, "running")
    await house.until_phase(waiting, "Queued")
    await house.fault("*", "html", count=100_000)
    end = asyncio.get_running_loop().time() + 3
    while asyncio.get_running_loop().time() < end:
        await house.turn()
    await house.control("DELETE", "faults")
    await house.until(running, "completed")
    await house.settled(running)
    assert len((await house.status(running))["runs"]) == 1
    assert await house.phase(waiting) == "Queued"
    assert house.plugin_calls("cancel") == []


async def test_one_failing_task_delays_no_other(house: House) -> None:
    # F-08, S10
    bad = await house.create("success")
    await house.fault("queue.claimTask", "delay", taskId=bad, seconds=12, count=1000)
    good = [await house.create("success") for _ in range(3)]
    began = asyncio.get_running_loop().time()

    async def over() -> bool:
        return {(await house.status(task))["state"] for task in good} == {"completed"}

    async with asyncio.timeout(30):
        while not await over():
            await house.crew.wake(await house.sweeps.pending(house.pool))
            await house.crew.wake(await house.sweeps.states([house.pool]))
            await house.one.take_due()
            await asyncio.sleep(0.1)
    took = asyncio.get_running_loop().time() - began
    assert took < 12 or (await house.status(bad))["state"] != "completed"
    await house.control("DELETE", "faults")
    await house.settled(bad)


@pytest.mark.parametrize(
    ("api", "builder"),
    [
        ("queue.claimTask", "success"),
        ("queue.reclaimTask", "sleep"),
        ("queue.createArtifact", "success"),
        ("queue.reportCompleted", "success"),
        ("queue.cancelTask", "cancelled"),
    ],
)
@pytest.mark.parametrize("effect", [False, True])
async def test_a_409_is_classified_by_a_read_and_stops_nothing_by_itself(
    house: House, api: str, builder: str, effect: bool
) -> None:
    # F-09
    await house.control("POST", "periods", {"claimSeconds": 6})
    task = await house.create(builder, properties={"seconds": 5})
    fault = await house.fault(api, taskId=task, count=1, status=409, effect=effect)
    await house.settled(task)
    assert await house.hits(fault["id"]) == 1
    (run,) = (await house.status(task))["runs"]
    assert run["reasonResolved"] == ("canceled" if builder == "cancelled" else "completed")
    assert house.plugin_calls("cancel", task) == []


@pytest.mark.parametrize("api", ["queue.claimTask", "queue.reportCompleted", "queue.statuses"])
async def test_a_429_is_waited_for(house: House, api: str) -> None:
    # F-10
    whole = api == "queue.statuses"
    task = await house.create("sleep", properties={"seconds": 3})  # a new phase would try anew at once
    more = {} if whole else {"taskId": task}
    fault = await house.fault(api, count=2, status=429, retryAfter=1, **more)
    await house.settled(task)
    assert await house.hits(fault["id"]) == 2
    calls = [call["unix"] for call in await house.calls(None if whole else task, api)]
    if not whole:
        assert calls[1] - calls[0] >= 1


async def test_a_claim_whose_answer_was_lost_is_ours_for_another_replica_too(house: House) -> None:
    # F-11
    task = await house.create("sleep", properties={"seconds": 3})
    await house.fault("queue.claimTask", "drop", taskId=task, effect=True, count=1)
    await house.until(task, "running")
    await house.restart("another")
    await house.until(task, "completed")
    await house.settled(task)
    workers = {(call["workerGroup"], call["workerId"]) for call in await house.calls(task, "queue.claimTask")}
    assert len(workers) == 1


async def test_after_a_lost_report_a_persons_rerun_is_not_touched(house: House) -> None:
    # F-12: nothing can be read either until the person has pressed the button
    task = await house.create("sleep", properties={"seconds": 2})
    await house.until(task, "running")
    await house.fault("queue.reportCompleted", "drop", taskId=task, effect=True, count=1)
    await house.fault("queue.statuses", count=100_000)
    await house.wait_until_called(task, "queue.reportCompleted")
    await house.admin.rerunTask(task)
    await house.control("DELETE", "faults")
    await house.until(task, "completed", run=1)
    await house.settled(task)
    runs = (await house.status(task))["runs"]
    assert [run["reasonResolved"] for run in runs] == ["completed", "completed"]
    assert len(await house.requests(task)) == 2


async def test_after_a_lost_cancel_a_persons_rerun_is_not_cancelled(house: House) -> None:
    # F-12: the read that follows the lost answer comes only after the rerun
    task = await house.create("parked")
    await house.until_phase(task, "Queued")
    await house.fault("queue.cancelTask", "drop", taskId=task, effect=True, count=1)
    await house.buildbot.control(f"buildrequests/{await house.request_id(task)}", "cancel", reason="a person")
    async with asyncio.timeout(30):
        while not await house.calls(task, "queue.cancelTask"):
            await house.crew.wake(await house.sweeps.states([house.pool]))
            await asyncio.sleep(0.02)
    await house.fault("queue.statuses", count=100_000)
    await house.admin.rerunTask(task)
    await house.control("DELETE", "faults")
    await house.until_phase(task, "Queued", run=1)
    for _ in range(10):
        await house.turn()
        await asyncio.sleep(0.1)
    assert (await house.status(task))["runs"][1]["state"] == "pending"
    assert len(await house.calls(task, "queue.cancelTask")) == 1


async def test_revoked_credentials_stop_nothing_and_new_ones_work_without_a_restart(house: House) -> None:
    # F-13: the key is read anew for each call
    key = [KEY]
    await house.restart("rotating", key=lambda: key[0])
    await house.control("POST", "periods", {"claimSeconds": 6})
    running = await house.create("sleep", properties={"seconds": 4})
    waiting = await house.create("parked")
    await house.until(running, "running")
    await house.until_phase(waiting, "Queued")
    await house.control("PUT", "clients", {"bridge": {"accessToken": "a new one", "scopes": SCOPES}})
    late = await house.create("success")
    for _ in range(20):
        await house.turn()
        await asyncio.sleep(0.1)
    assert (await house.status(late))["state"] == "pending"
    assert await house.phase(waiting) == "Queued"
    key[0] = "a new one"
    for task in (running, late):
        await house.until(task, "completed")
        await house.settled(task)
    assert house.plugin_calls("cancel") == []
    assert any("expired" in fault or "Unauthorized" in fault or "Authentication" in fault for fault in house.told.faults)


async def test_missing_scopes_stop_nothing_and_ring(house: House) -> None:
    # F-13: 403 on the claim while the build runs
    fewer = [scope for scope in SCOPES if not scope.startswith("queue:claim-task")]
    task = await house.create("sleep", properties={"seconds": 2})
    await house.control("PUT", "clients", {"bridge": {"accessToken": KEY, "scopes": fewer}})

    async def rang() -> bool:
        return house.told.rang("not_allowed")

    await house.wait(rang)
    await house.wait_for_buildbot(task)
    assert (await house.status(task))["state"] == "pending"
    await house.control("PUT", "clients", {"bridge": {"accessToken": KEY, "scopes": SCOPES}})
    await house.until(task, "completed")
    await house.settled(task)


async def test_refused_run_credentials_are_renewed_by_a_claim(house: House) -> None:
    # F-13
    await house.control("POST", "periods", {"claimSeconds": 6})
    task = await house.create("sleep", properties={"seconds": 5})
    fault = await house.fault("queue.reclaimTask", taskId=task, count=1, status=401)
    await house.until(task, "completed")
    await house.settled(task)
    assert await house.hits(fault["id"]) == 1
    assert len(await house.calls(task, "queue.claimTask")) == 2
