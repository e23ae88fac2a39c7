"""What people, actions and clocks do in Taskcluster: reruns, cancels, priorities, deadlines, expired claims."""

import asyncio
from typing import Any

import pytest
import slugid
import taskcluster.aio

from bridge.core.run import RunKey
from tests.integration.engine.house import QUEUE, House

LOG = "public/logs/live.log"


async def _worker(house: House, name: str, *scopes: str) -> Any:
    """A client that is not the bridge's."""
    await house.control("PUT", "clients", {name: {"accessToken": "key", "scopes": scopes or ["*"]}})
    credentials = {"clientId": name, "accessToken": "key"}
    return taskcluster.aio.Queue({"rootUrl": house.double.root_url, "credentials": credentials}, session=house.http)


async def _both_heard(house: House, task: str, *runs: int) -> None:
    """A message named these runs."""
    await house.crew.wake(await house.sweeps.hinted([RunKey(task, run) for run in runs]))  # type: ignore[arg-type]
    await house.crew.idle()


async def test_retriggered_tasks_are_built_apart(house: House) -> None:
    # T-01
    tasks = [await house.create("echo", properties={"same": True}) for _ in range(3)]
    for task in tasks:
        await house.until(task, "completed")
        await house.settled(task)
    assert len({await house.request_id(task) for task in tasks}) == 3


@pytest.mark.parametrize(("builder", "state"), [("failure", "failed"), ("success", "completed")])
async def test_a_rerun_gets_a_request_of_its_own(house: House, builder: str, state: str) -> None:
    # T-02, T-03: and late duplicates of the first run's messages change nothing
    task = await house.create(builder)
    await house.until(task, state)
    await house.settled(task)
    before = await house.artifacts(task)
    await house.admin.rerunTask(task)
    await _both_heard(house, task, 0, 0, 1)
    await house.until(task, state, run=1)
    await _both_heard(house, task, 0, 1)
    await house.settled(task)
    assert await house.requests(task) == [f"{task}/0", f"{task}/1"]
    assert await house.artifacts(task) == before
    assert len((await house.status(task))["runs"]) == 2


async def test_a_cancel_and_a_rerun_within_a_second_never_mix_two_builds(house: House) -> None:
    # T-04
    task = await house.create("slow-to-stop")
    await house.until(task, "running")
    await house.at_work(task)
    await house.admin.cancelTask(task)
    await house.admin.rerunTask(task)
    await house.until(task, "running", run=1)
    assert len(await house.requests(task)) == 2
    await house.until_phase(task, "Settled")
    assert (await house.request(task))["results"] == 6
    runs = (await house.status(task))["runs"]
    assert (runs[0]["reasonResolved"], runs[1]["state"]) == ("canceled", "running")
    assert await house.calls(api="queue.cancelTask") == []
    await house.admin.cancelTask(task)
    await house.settled(task)


async def test_a_task_cancelled_before_it_was_seen_makes_no_request(house: House) -> None:
    # T-05: only the late task-pending is heard, or the exception first
    task = await house.create("echo")
    await house.admin.cancelTask(task)
    await _both_heard(house, task, 0)
    assert await house.rows(task) == {}
    await house.sweeps.wanted([RunKey(task, 0)], house.pool)  # type: ignore[arg-type]
    await house.settled(task)
    await _both_heard(house, task, 0)
    assert await house.requests(task) == []
    assert await house.phase(task) == "Settled"


async def test_a_cancel_during_the_submit_ends_the_request_that_came_of_it(house: House) -> None:
    # T-06: the cancel comes between the status read and the submit
    task = await house.create("parked")
    await house.sweeps.pending(house.pool)
    fault = await house.fault("queue.statuses", "delay", seconds=1.0)  # the answer is that of before, and comes late
    paying = asyncio.create_task(house.one.pay())
    while not await house.hits(fault["id"]):
        await asyncio.sleep(0.01)
    await house.admin.cancelTask(task)
    await paying
    await house.settled(task)
    for key in await house.requests(task):
        assert (await house.request(task, int(key[-1])))["complete"]


async def test_a_cancel_while_queued_ends_the_request_unbuilt(house: House) -> None:
    # T-07, T-09: no message is ever heard
    task = await house.create("parked")
    await house.until_phase(task, "Queued")
    await house.admin.cancelTask(task)
    await house.settled(task, within=20)
    request = await house.request(task)
    assert (request["complete"], request["results"]) == (True, 6)
    assert await house.builds(task) == []


async def test_a_cancel_while_running_stops_the_build_and_keeps_its_log(house: House) -> None:
    # T-08
    task = await house.create("sleep", properties={"seconds": 60})
    await house.until(task, "running")
    await house.at_work(task)
    await house.admin.cancelTask(task)
    await house.settled(task)
    assert (await house.request(task))["results"] == 6
    assert {LOG, "public/properties.json"} <= set(await house.artifacts(task))
    assert "The build was stopped" in await house.text(task, 0, LOG)
    apis = {call["api"] for call in await house.calls(task)}
    assert not apis & {"queue.cancelTask", "queue.reportException", "queue.reportFailed", "queue.reportCompleted"}


async def test_a_refused_renewal_tells_of_a_cancel_that_no_message_told_of(house: House) -> None:
    # T-09: no sweep runs here; the 409 of the reclaim leads to the read
    await house.control("POST", "periods", {"claimSeconds": 6})
    task = await house.create("sleep", properties={"seconds": 60})
    await house.until(task, "running")
    await house.admin.cancelTask(task)
    async with asyncio.timeout(20):
        while await house.phase(task) == "Building":
            await house.one.pay()
            await asyncio.sleep(0.1)
    await house.settled(task)
    assert any("reclaimTask" in fault for fault in house.told.faults)


async def test_fifty_tasks_cancelled_at_once_end_all_their_requests(house: House) -> None:
    # T-11
    group = slugid.nice()
    parked = [await house.create("parked", taskGroupId=group) for _ in range(44)]
    refused = [await house.create("echo", scope=False) for _ in range(3)]
    finished = [await house.create("success") for _ in range(3)]
    bystander = await house.create("parked")
    for task in finished:
        await house.until(task, "completed")
    for task in refused:
        await house.until(task, "exception")
    for task in [*parked, bystander]:
        await house.until_phase(task, "Queued")
    for task in [*parked, *refused, *finished]:
        await house.admin.cancelTask(task)
    await house.all_settled([*parked, *refused, *finished])
    assert {(await house.request(task))["results"] for task in parked} == {6}
    assert {(await house.status(task))["state"] for task in finished} == {"completed"}
    assert not (await house.request(bystander))["complete"]
    assert len(house.plugin_calls("cancel")) <= 2 * len(parked)


async def test_priorities_are_buildbots_order_and_old_tasks_are_not_backdated(house: House) -> None:
    # T-13
    names = ["highest", "very-high", "high", "medium", "low", "very-low", "lowest", "normal"]
    tasks = {name: await house.create("parked", priority=name) for name in names}
    for task in tasks.values():
        await house.until_phase(task, "Queued")
    found = {name: await house.request(task) for name, task in tasks.items()}
    assert [found[name]["priority"] for name in names] == [6, 5, 4, 3, 2, 1, 0, 0]
    scheduled = (await house.status(tasks["high"]))["runs"][0]["scheduled"]
    assert f"{scheduled}" and found["high"]["submitted_at"] >= house.double.now() / 1e6 - 120


@pytest.mark.parametrize("whole_group", [False, True])
async def test_a_new_priority_reaches_the_queued_request(house: House, whole_group: bool) -> None:
    # T-14, with the messages lost
    task = await house.create("parked", priority="low")
    running = await house.create("sleep", priority="low", properties={"seconds": 2})
    await house.until_phase(task, "Queued")
    await house.until(running, "running")
    if whole_group:
        await house.admin.changeTaskGroupPriority((await house.status(task))["taskGroupId"], {"newPriority": "very-high"})
    else:
        await house.admin.changeTaskPriority(task, {"newPriority": "very-high"})
    await house.admin.changeTaskPriority(running, {"newPriority": "highest"})

    async def told() -> bool:
        return bool((await house.request(task))["priority"] == 5)

    await house.wait(told)
    await house.settled(running)
    assert len(house.plugin_calls("priority", task)) == 1
    assert house.plugin_calls("priority", running) == []


async def test_a_deadline_while_held_back_leaves_nothing_behind(house: House) -> None:
    # T-15
    for _ in range(2):
        await house.until_phase(await house.create("small-queue"), "Queued")
    task = await house.create("small-queue", deadline=2)
    await house.until(task, "exception")
    await house.settled(task)
    assert await house.requests(task) == []


async def test_a_deadline_of_a_waiting_retry_cancels_the_adopted_request(house: House) -> None:
    # T-15
    task = await house.create("sleep", deadline=9, properties={"seconds": 30})
    first = await house.until(task, "running")
    await house.at_work(task)
    try:
        for name in house.buildbot.worker_names:
            await house.buildbot.kill_worker(name)
        await house.until(task, "pending", run=1)
        run = await house.until(task, "exception", run=1)
    finally:
        for name in house.buildbot.worker_names:
            await house.buildbot.start_worker(name)
    assert (first["workerGroup"], run["reasonResolved"]) == ("bridge", "deadline-exceeded")
    await house.settled(task)
    assert (await house.request(task))["complete"]


async def test_a_deadline_while_running_stops_the_build_after_the_queue_acted(house: House) -> None:
    # T-16
    task = await house.create("sleep", deadline=4, properties={"seconds": 60})
    await house.until(task, "running")
    await house.at_work(task)
    await house.until(task, "exception")
    await house.settled(task)
    assert (await house.request(task))["results"] == 6
    assert LOG in await house.artifacts(task)
    assert await house.calls(api="queue.cancelTask") == []


async def test_a_build_that_ends_between_deadline_and_resolver_still_counts(house: House) -> None:
    # T-17
    await house.control("POST", "periods", {"deadlineDelaySeconds": 60})
    task = await house.create("sleep", deadline=4, properties={"seconds": 5})
    await house.until(task, "running")
    await house.until(task, "completed", within=20)
    await house.settled(task)
    assert house.plugin_calls("cancel", task) == []


async def test_a_deadline_after_the_end_is_nothing(house: House) -> None:
    # T-18
    task = await house.create("success", deadline=3)
    await house.until(task, "completed")
    await house.settled(task)
    calls = len(await house.calls(task))
    await house.control("POST", "clock", {"advanceSeconds": 10})
    for _ in range(5):
        await house.turn()
    assert len(await house.calls(task)) == calls


@pytest.mark.parametrize("finished", [False, True])
async def test_an_outage_longer_than_the_claim_costs_no_build(house: House, finished: bool) -> None:
    # T-19, T-21
    await house.control("POST", "periods", {"claimSeconds": 3})
    task = await house.create("sleep", properties={"seconds": 3 if finished else 8})
    await house.until(task, "running")
    await house.at_work(task)
    await house.lapse(task)  # nobody renews
    if finished:
        await house.wait_for_buildbot(task)
    await house.restart("after-the-outage")
    run = await house.until(task, "completed", run=1)
    assert run["reasonCreated"] == "retry"
    await house.settled(task)
    assert len(await house.builds(task)) == 1
    assert await house.requests(task) == [f"{task}/0"]


async def test_an_expired_claim_without_retries_stops_the_build(house: House) -> None:
    # T-20
    await house.control("POST", "periods", {"claimSeconds": 3})
    task = await house.create("sleep", retries=0, properties={"seconds": 60})
    await house.until(task, "running")
    await house.at_work(task)
    await house.lapse(task)
    await house.settled(task)
    status = await house.status(task)
    assert [run["reasonResolved"] for run in status["runs"]] == ["claim-expired"]
    assert (await house.request(task))["results"] == 6


async def test_a_retry_with_no_retries_left_ends_the_request(house: House) -> None:
    # T-22
    task = await house.create("sleep", retries=0, properties={"seconds": 30})
    first = await house.until(task, "running")
    await house.at_work(task)
    await house.buildbot.kill_worker(first["workerId"])
    run = await house.until(task, "exception")
    await house.buildbot.start_worker(first["workerId"])
    assert run["reasonResolved"] == "intermittent-task"
    await house.settled(task)
    assert len((await house.status(task))["runs"]) == 1
    assert (await house.request(task))["results"] == 6


@pytest.mark.parametrize("ended", [False, True])
async def test_a_quarantined_worker_is_named_and_waited_for(house: House, ended: bool) -> None:
    # T-23
    for name in house.buildbot.worker_names:
        await house.control("POST", "quarantine", {"workerGroup": "bridge", "workerId": name})
    task = await house.create("sleep", properties={"seconds": 2 if ended else 12})
    await house.at_work(task)

    async def rang() -> bool:
        return any(what == "claim_refused" and "worker-" in detail for what, detail in house.told.alarms)

    await house.wait(rang)
    if ended:
        await house.wait_for_buildbot(task)
        await house.until_phase(task, "Reporting")
    assert (await house.status(task))["state"] == "pending"
    for name in house.buildbot.worker_names:
        gone = {"workerGroup": "bridge", "workerId": name, "quarantined": False}
        await house.control("POST", "quarantine", gone)
    await house.until(task, "completed", within=60)
    await house.settled(task)
    assert house.plugin_calls("cancel", task) == []


async def test_a_run_claimed_by_a_foreign_worker_is_left_to_it(house: House) -> None:
    # T-24
    stranger = await _worker(house, "stranger")
    task = await house.create("parked")
    await house.until_phase(task, "Queued")
    await stranger.claimTask(task, "0", {"workerGroup": "elsewhere", "workerId": "w"})
    await house.settled(task)
    assert (await house.request(task))["results"] == 6
    assert (await house.status(task))["runs"][0]["state"] == "running"
    assert house.told.rang("foreign_claim")


@pytest.mark.parametrize("how", ["reportCompleted", "cancelTask"])
async def test_a_run_resolved_by_somebody_else_is_not_overwritten(house: House, how: str) -> None:
    # T-24
    task = await house.create("sleep", properties={"seconds": 60})
    await house.until(task, "running")
    await (house.admin.cancelTask(task) if how == "cancelTask" else house.admin.reportCompleted(task, "0"))
    await house.settled(task)
    assert (await house.request(task))["results"] == 6
    apis = {call["api"] for call in await house.calls(task)}
    assert not apis & {"queue.cancelTask", "queue.reportException", "queue.reportFailed", "queue.reportCompleted"}


@pytest.mark.parametrize("builder", ["parked", "sleep"])
async def test_a_task_that_vanished_is_believed_gone_after_two_looks(house: House, builder: str) -> None:
    # T-25
    task, other = await house.create(builder), await house.create("parked")
    await house.until_phase(task, "Queued" if builder == "parked" else "Building")
    house.double.site.ledger.tasks.pop(task)  # it expired
    house.double.site.ledger.pending[QUEUE].clear()
    started = house.engine.clock.now()
    await house.settled(task, within=60)
    assert (house.engine.clock.now() - started).total_seconds() > 4  # two looks some seconds apart
    assert (await house.request(task))["results"] == 6
    assert await house.phase(other) != "Settled"


async def test_a_single_404_ends_nothing(house: House) -> None:
    # T-25
    task = await house.create("parked")
    await house.until_phase(task, "Queued")
    await house.fault("queue.statuses", count=1)
    await house.fault("queue.status", status=404, code="ResourceNotFound", taskId=task, count=1)
    hidden = house.double.site.ledger.tasks.pop(task)
    await _both_heard(house, task, 0)
    house.double.site.ledger.tasks[task] = hidden
    for _ in range(70):
        await house.turn()
        await asyncio.sleep(0.1)
    assert await house.phase(task) == "Queued"
    assert house.plugin_calls("cancel", task) == []
