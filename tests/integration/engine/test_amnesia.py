"""The bridge's database is lost while builds wait, run, retry and end: the rows come back from both sides."""

import asyncio
from collections.abc import Mapping

import pytest
import slugid

from bridge.core import timing
from bridge.core.events import Submitted
from bridge.core.run import Run, RunId, Settled, TaskId, request_of
from bridge.engine.recovering import called_back
from tests.integration.engine.house import House


async def _rebuilt(house: House) -> None:
    """What a new process does first on an empty database, in the order that hurts most: pending runs first."""
    await house.lose_database()
    await house.restart("fresh")
    await house.one.crew.wake(await house.sweeps.pending(house.pool))
    await house.one.crew.idle()
    await house.one.crew.wake(await house.one.strangers.sweep([house.pool]))
    await house.one.crew.idle()


async def test_after_the_loss_of_all_rows_every_run_ends_as_it_would_have(house: House) -> None:
    # F-07: waiting, running, finished and refused runs at the same time
    waiting = await house.create("parked")
    running = await house.create("sleep", properties={"seconds": 6})
    over = await house.create("echo")
    await house.until_phase(waiting, "Queued")
    await house.until(running, "running")
    await house.until(over, "completed")
    await house.settled(over)
    refused = await house.create("echo", scope=False)
    await _rebuilt(house)
    await house.until(refused, "exception")
    await house.until(running, "completed")
    assert await house.phase(waiting) == "Queued"
    await house.admin.cancelTask(waiting)
    for task in (waiting, running, refused):
        await house.settled(task)
    assert await house.phase(over) == "none"
    for task in (waiting, running, over):
        assert await house.requests(task) == [f"{task}/0"]


async def test_a_result_that_was_not_reported_yet_is_not_lost_with_the_rows(house: House) -> None:
    # F-07
    task = await house.create("sleep", properties={"seconds": 2})
    await house.until(task, "running")
    await house.lose_database()
    await house.wait_for_buildbot(task)
    await _rebuilt(house)
    await house.until(task, "completed")
    await house.settled(task)
    assert len((await house.status(task))["runs"]) == 1


@pytest.mark.parametrize("finished", [False, True])
async def test_a_chain_of_adoption_outlives_the_rows(house: House, finished: bool) -> None:
    # F-07, M-02: two hand-overs, then the loss while run 2 is pending; it takes the request of run 0 all the same
    await house.control("POST", "periods", {"claimSeconds": 3})
    task = await house.create("sleep", properties={"seconds": 11})
    await house.until(task, "running")
    await house.at_work(task)
    await house.lapse(task, 0)
    await house.restart("second")
    await house.until(task, "running", run=1)
    await house.lapse(task, 1)
    if finished:
        await house.wait_for_buildbot(task)
    await _rebuilt(house)
    await house.until(task, "completed", run=2)
    await house.settled(task)
    assert await house.requests(task) == [f"{task}/0"]
    assert len(await house.builds(task)) == 1
    assert house.plugin_calls("cancel", task) == []


async def test_a_running_heir_finds_its_predecessors_request_again(house: House) -> None:
    # F-07: run 1 has adopted run 0's request and is claimed when the rows are lost
    await house.control("POST", "periods", {"claimSeconds": 4})
    task = await house.create("sleep", properties={"seconds": 11})
    await house.until(task, "running")
    await house.at_work(task)
    await house.lapse(task, 0)
    await house.restart("second")
    await house.until(task, "running", run=1)
    await _rebuilt(house)
    run = await house.until(task, "completed", run=1)
    assert run["reasonResolved"] == "completed"
    await house.settled(task)
    assert await house.requests(task) == [f"{task}/0"]


async def test_requests_of_runs_that_were_resolved_meanwhile_are_ended(house: House) -> None:
    # F-07, L9: nobody knows the request, and nobody wants it
    task, rerun = await house.create("parked"), await house.create("parked")
    for each in (task, rerun):
        await house.until_phase(each, "Queued")
        await house.admin.cancelTask(each)
    await house.admin.rerunTask(rerun)
    await _rebuilt(house)
    await house.settled(task)

    async def ended() -> bool:
        return bool((await house.request(rerun))["complete"])

    await house.wait(ended)
    assert (await house.request(task))["complete"]
    await house.until_phase(rerun, "Queued", run=1)
    assert not (await house.request(rerun, 1))["complete"]


async def test_a_request_that_was_given_up_for_lost_is_ended_when_it_shows_again(house: House) -> None:
    # L3: Buildbot did not know it for long (a database that was being restored), so the cancelled run was settled without it
    task = await house.create("parked")
    await house.until_phase(task, "Queued")
    at = house.engine.clock.now()

    def given_up(rows: Mapping[RunId, Run]) -> Mapping[RunId, Run]:
        return {RunId(0): timing.enter(rows[RunId(0)], Settled("its request is lost", request_of(rows[RunId(0)])), at)}

    await house.engine.runs.change(TaskId(task), given_up, because="given up")
    await house.admin.cancelTask(task)
    await house.one.strangers.sweep([house.pool])
    assert house.told.rang("stray_request")
    request = await house.request(task)
    assert (request["complete"], request["results"]) == (True, 6)
    house.told.alarms.clear()
    await house.one.strangers.sweep([house.pool])
    assert not house.told.rang("stray_request")


@pytest.mark.parametrize("found", ["from the queue's side", "from Buildbot's side"])
async def test_a_request_that_ended_by_anothers_claim_is_nobodys_wish_after_the_loss_of_all_rows(
    house: House, found: str
) -> None:
    # T-24, S4: the bridge cancels the request of a run that another worker claims; the next run is not told that a person did
    await house.control("POST", "periods", {"claimSeconds": 2})
    task = await house.create("parked")
    await house.until_phase(task, "Queued")
    await house.admin.claimTask(task, "0", {"workerGroup": "elsewhere", "workerId": "theirs"})

    async def ended() -> bool:
        await house.one.turn()
        return bool((await house.request(task))["complete"])

    await house.wait(ended)
    await house.lapse(task, 0)
    if found == "from Buildbot's side":
        await house.lose_database()
        await house.restart("other")
        assert await house.one.strangers.sweep([house.pool]) == []
    await _rebuilt(house)
    await house.until_phase(task, "Queued", run=1)
    assert await house.requests(task) == [f"{task}/0", f"{task}/1"]
    assert (await house.status(task))["state"] == "pending"


@pytest.mark.parametrize(("over", "known", "cancelled"), [(True, False, True), (False, False, False), (True, True, False)])
async def test_a_submit_that_was_under_way_for_too_long_is_taken_back(
    house: House, *, over: bool, known: bool, cancelled: bool
) -> None:
    # L3: the process slept in the middle of the call, and its run was settled meanwhile
    task = await house.create("parked")
    await house.until_phase(task, "Queued")
    (run,) = (await house.engine.rows(TaskId(task))).values()
    request = request_of(run)
    assert request is not None
    if over:
        await house.admin.cancelTask(task)
    settled = timing.enter(run, Settled("the task was canceled", request if known else None), house.engine.clock.now())
    submitted = Submitted(house.engine.clock.now(), request, "parked", "lowest")
    await called_back(house.engine, run, {RunId(0): settled}, submitted)
    assert (await house.request(task))["complete"] is cancelled
    assert house.told.rang("stray_request") is cancelled


async def test_rows_set_back_in_time_catch_up(house: House) -> None:
    # S11: a failover loses the last seconds: the row is Queued again although the run is claimed and its build ended
    task = await house.create("sleep", properties={"seconds": 1})
    await house.until_phase(task, "Queued")
    (row,) = await house.sql("SELECT row_to_json(runs) AS row FROM runs WHERE task_id = $1", task)
    await house.until(task, "running")
    await house.wait_for_buildbot(task)
    await house.sql("DELETE FROM runs WHERE task_id = $1", task)
    await house.sql("INSERT INTO runs SELECT * FROM json_populate_record(NULL::runs, $1)", row["row"])
    await house.restart("fresh")
    await house.until(task, "completed")
    await house.settled(task)


async def test_a_row_set_back_to_before_the_submit_finds_its_request(house: House) -> None:
    # S11, F-14
    task = await house.create("parked")
    await house.sweeps.pending(house.pool)
    (row,) = await house.sql("SELECT row_to_json(runs) AS row FROM runs WHERE task_id = $1", task)
    await house.until_phase(task, "Queued")
    await house.sql("DELETE FROM runs WHERE task_id = $1", task)
    await house.sql("INSERT INTO runs SELECT * FROM json_populate_record(NULL::runs, $1)", row["row"])
    await house.until_phase(task, "Queued")
    for _ in range(3):
        await house.turn()
        await asyncio.sleep(0.1)
    assert await house.requests(task) == [f"{task}/0"]


async def test_requests_of_another_bridge_are_left_alone(house: House) -> None:
    # design decision 8: a task that our Taskcluster does not know is perhaps another's
    body = {"builder": "parked", "properties": {}, "reason": "r", "not_before": 0}
    _, unreadable = await house.buildbot.plugin("PUT", f"runs/{'-' * 22}/0", body)  # no task can have such an id
    status, answer = await house.buildbot.plugin("PUT", f"runs/{slugid.nice()}/0", body)
    assert status == 201
    for _ in range(3):
        await house.one.strangers.sweep([house.pool])
    request = (await house.buildbot.rest(f"buildrequests/{answer['buildrequestid']}"))["buildrequests"][0]
    assert not request["complete"]
    assert house.told.rang("orphan_request")
    for each in (answer, unreadable):
        await house.buildbot.control(f"buildrequests/{each['buildrequestid']}", "cancel", reason="the test is over")
