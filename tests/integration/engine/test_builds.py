"""What Buildbot does with a run's request, and what becomes of the run: results, retries, cancels, rebuilds."""

import asyncio
import json
from datetime import datetime
from typing import Any

import pytest

from bridge.core.run import RunKey
from bridge.core.verdict import Resolution, ResultMap
from tests.integration.engine.house import House

RESULTS = [
    ("success", "completed", "completed"),
    ("warnings", "completed", "completed"),
    ("failure", "failed", "failed"),
    ("exception", "exception", "internal-error"),
    ("condition-false", "completed", "completed"),
    ("cancelled", "exception", "canceled"),
]


async def test_a_build_of_several_reclaim_periods_costs_exactly_its_calls(house: House) -> None:
    # O-01
    await house.control("POST", "periods", {"claimSeconds": 6})
    task = await house.create("sleep", properties={"seconds": 7})
    await house.turn()
    assert (await house.status(task))["runs"][0]["state"] == "pending" or await house.builds(task)
    first = await house.until(task, "running")
    started = (await house.builds(task))[0]
    assert first["workerId"] == (await house.buildbot.rest(f"workers/{started['workerid']}"))["workers"][0]["name"]
    await house.until(task, "completed")
    await house.settled(task)
    apis = [call["api"] for call in await house.calls(task)]
    # A claim of 6 s is renewed after a third of it and up to a tenth more, plus what a turn takes on a busy machine.
    run = (await house.status(task))["runs"][0]
    lasted = datetime.fromisoformat(run["resolved"]) - datetime.fromisoformat(run["started"])
    assert lasted.total_seconds() // 3 <= apis.count("queue.reclaimTask") <= lasted.total_seconds() // 2
    assert apis.count("queue.claimTask") == 1
    assert apis.count("queue.reportCompleted") == 1
    assert apis.count("queue.createArtifact") == 5
    assert apis.index("queue.reportCompleted") > max(n for n, api in enumerate(apis) if api == "queue.createArtifact")
    assert len(house.plugin_calls("submit")) == 1
    assert set(apis) == {
        "queue.createArtifact",
        "queue.reclaimTask",
        "queue.claimTask",
        "queue.reportCompleted",
        "s3.put",
    }  # fmt: skip  no read of one task alone


async def test_the_request_carries_the_run_and_a_stable_reason(house: House) -> None:
    # O-01
    task = await house.create("parked")
    await house.until_phase(task, "Queued")
    request = await house.request(task)
    (buildset,) = (await house.buildbot.rest(f"buildsets/{request['buildsetid']}"))["buildsets"]
    assert buildset["reason"] == f"Taskcluster task {task} run 0"
    assert buildset["external_idstring"] == f"{task}/0"
    properties = await house.properties(f"buildsets/{request['buildsetid']}")
    assert properties["taskcluster_task_id"] == [task, "Scheduler"]
    assert properties["taskcluster_run_id"] == [0, "Scheduler"]
    assert (await house.status(task))["runs"][0]["state"] == "pending"


async def test_a_build_that_asks_for_a_retry_goes_on_in_the_next_run(house: House) -> None:
    # O-02, B-07 as far as sweeps can show it: the second build is over before the first one's end is heard of
    task = await house.create("retry-once")
    await house.settled(task)
    status = await house.status(task)
    runs = [(run["state"], run["reasonResolved"]) for run in status["runs"]]
    builds = await house.builds(task)
    assert [build["results"] for build in builds] == [5, 0]
    assert await house.requests(task) == [f"{task}/0"]
    assert runs[-1] == ("completed", "completed")
    assert runs[:-1] in ([], [("exception", "intermittent-task")])
    assert status["retriesLeft"] == 5 - len(runs[:-1])


async def test_a_deadline_before_the_start_cancels_the_request_and_claims_nothing(house: House) -> None:
    # O-03
    task = await house.create("parked", deadline=2)
    await house.until_phase(task, "Queued")
    run = await house.until(task, "exception")
    assert run["reasonResolved"] == "deadline-exceeded"
    await house.settled(task)
    request = await house.request(task)
    assert (request["complete"], request["results"]) == (True, 6)
    assert "queue.claimTask" not in [call["api"] for call in await house.calls(task)]


@pytest.mark.parametrize(("builder", "state", "reason"), RESULTS)
async def test_every_result_of_buildbot_has_its_resolution(house: House, builder: str, state: str, reason: str) -> None:
    # B-01, B-02: RETRY and the collapsed SKIPPED have tests of their own
    task = await house.create(builder)
    run = await house.until(task, state)
    assert run["reasonResolved"] == reason
    await house.settled(task)
    assert "public/logs/live.log" in await house.artifacts(task)


async def test_warnings_are_a_failure_where_the_pool_says_so(house: House) -> None:
    # B-01
    house.allowed[1] = {"failed"}
    await house.restart("strict", results=ResultMap(warnings=Resolution.FAILED))
    task = await house.create("warnings")
    await house.until(task, "failed")
    await house.settled(task)


async def test_a_result_that_nobody_knows_is_an_internal_error(house: House) -> None:
    # B-01
    task = await house.create("parked")
    await house.until_phase(task, "Queued")
    house.write_buildbot("UPDATE buildrequests SET complete = 1, results = 9 WHERE id = ?", await house.request_id(task))
    run = await house.until(task, "exception")
    assert run["reasonResolved"] == "internal-error"
    assert "unexpected result" in await house.text(task, 0, "public/logs/live.log")
    await house.settled(task)


async def test_a_build_skipped_by_its_own_condition_says_so(house: House) -> None:
    # B-02
    task = await house.create("condition-false")
    await house.settled(task)
    assert (await house.status(task))["state"] == "completed"
    assert "skipped by a condition" in await house.text(task, 0, "public/logs/live.log")


async def test_equal_tasks_are_not_merged(house: House) -> None:
    # B-03, T-01: Buildbot's default collapsing compares sourcestamps and properties
    person = await house.force("parked")
    tasks = [await house.create("parked", properties={"same": 1}) for _ in range(8)]
    for task in tasks:
        await house.until_phase(task, "Queued")
    assert [(await house.request(task))["complete"] for task in tasks] == [False] * 8
    assert (await house.buildbot.rest(f"buildrequests/{person}"))["buildrequests"][0]["complete"] is False
    await house.buildbot.control(f"buildrequests/{person}", "cancel", reason="the test is over")


async def test_a_collapsed_request_ends_its_own_run_with_an_explanation(house: House) -> None:
    # B-03: a site's own function merges whatever waits when somebody else's request comes
    first, second = await house.create("collapsing"), await house.create("collapsing")
    for task in (first, second):
        await house.until_phase(task, "Queued")
    person = await house.force("collapsing")
    for task in (first, second):
        run = await house.until(task, "exception")
        assert run["reasonResolved"] == "internal-error"
        assert "merged" in await house.text(task, 0, "public/logs/live.log")
    assert (await house.buildbot.rest(f"buildrequests/{person}"))["buildrequests"][0]["complete"] is False
    await house.buildbot.control(f"buildrequests/{person}", "cancel", reason="the test is over")


async def test_a_start_and_an_end_that_nobody_heard_of_are_found_by_one_look(house: House) -> None:
    # B-04, B-06: the whole build fits between two looks; then claim, artifacts, report, in this order
    task = await house.create("echo")
    await house.sweeps.pending(house.pool)
    await house.crew.wake([RunKey(task, 0)])
    await house.crew.idle()
    await house.wait_for_buildbot(task)
    await house.settled(task)
    apis = [call["api"] for call in await house.calls(task)]
    assert apis[0] == "queue.claimTask"
    assert apis[-1] == "queue.reportCompleted"


async def test_a_finished_build_keeps_its_claim_until_it_is_reported(house: House) -> None:
    # B-06, R-02
    await house.control("POST", "periods", {"claimSeconds": 4})
    task = await house.create("sleep", properties={"seconds": 1})
    await house.until(task, "running")
    await house.fault("queue.reportCompleted", taskId=task, count=1000)
    await house.until_phase(task, "Reporting")
    for _ in range(60):
        await house.turn()
        await asyncio.sleep(0.1)
    assert (await house.status(task))["runs"][0]["state"] == "running"
    await house.control("DELETE", "faults")
    await house.until(task, "completed")
    await house.settled(task)


async def test_a_retried_request_waits_for_a_worker_longer_than_a_claim(house: House) -> None:
    # B-08, B-11
    await house.control("POST", "periods", {"claimSeconds": 3})
    task = await house.create("sleep", properties={"seconds": 2})
    first = await house.until(task, "running")
    await house.at_work(task)
    other = next(name for name in house.buildbot.worker_names if name != first["workerId"])
    await house.buildbot.kill_worker(other)
    await house.buildbot.kill_worker(first["workerId"])
    try:
        await house.until(task, "exception")
        for _ in range(45):
            await house.turn()
            await asyncio.sleep(0.1)
        runs = (await house.status(task))["runs"]
        assert [(run["state"], run.get("reasonResolved")) for run in runs] == [
            ("exception", "intermittent-task"), ("pending", None),
        ]  # fmt: skip
        assert house.plugin_calls("cancel", task) == []
    finally:
        for name in house.buildbot.worker_names:
            await house.buildbot.start_worker(name)
    await house.until(task, "completed", run=1)
    await house.settled(task)
    reclaims = await house.calls(task, "queue.reclaimTask")
    assert all(call["runId"] == 0 or call["status"] == 200 for call in reclaims)


async def test_a_retry_before_the_claim_costs_no_retry(house: House) -> None:
    # B-09: claimTask cannot be reached while the first build lives and dies
    task = await house.create("sleep", properties={"seconds": 6})
    await house.fault("queue.claimTask", taskId=task, count=1000)
    build = await house.at_work(task)
    await house.until_phase(task, "Building")
    worker = (await house.buildbot.rest(f"workers/{build['workerid']}"))["workers"][0]["name"]
    await house.buildbot.kill_worker(worker)
    await house.at_work(task, builds=2)
    await house.control("DELETE", "faults")
    await house.buildbot.start_worker(worker)
    run = await house.until(task, "completed")
    assert run["workerId"] == worker  # the identity that was in the row
    await house.settled(task)
    assert len((await house.status(task))["runs"]) == 1


@pytest.mark.parametrize("complete", [False, True])
async def test_a_retry_noticed_late_is_judged_by_what_is_there_then(house: House, complete: bool) -> None:
    # B-10
    task = await house.create("sleep", properties={"seconds": 4})
    first = await house.until(task, "running")
    await house.at_work(task)
    await house.buildbot.kill_worker(first["workerId"])
    await house.quiet_until_building(task, builds=2)  # the bridge is away meanwhile
    if complete:
        await house.wait_for_buildbot(task)
    await house.buildbot.start_worker(first["workerId"])
    await house.settled(task)
    runs = [run["reasonResolved"] for run in (await house.status(task))["runs"]]
    assert runs == (["completed"] if complete else ["intermittent-task", "completed"])


async def test_of_many_requests_exactly_the_one_cancelled_by_a_person_is_mirrored(house: House) -> None:
    # B-12
    parked = [await house.create("parked") for _ in range(3)]
    starting = [await house.create("echo") for _ in range(4)]
    for task in parked:
        await house.until_phase(task, "Queued")
    number = await house.request_id(parked[1])
    await house.buildbot.control(f"buildrequests/{number}", "cancel", reason="a person")
    run = await house.until(parked[1], "exception")
    assert run["reasonResolved"] == "canceled"
    for task in starting:
        await house.until(task, "completed")
    assert [(await house.status(task))["state"] for task in parked] == ["pending", "exception", "pending"]
    assert [call["taskId"] for call in await house.calls(api="queue.cancelTask")] == [parked[1]]
    await house.settled(parked[1])


async def test_a_build_stopped_by_a_person_cancels_its_task_once(house: House) -> None:
    # B-13
    task = await house.create("sleep", properties={"seconds": 60})
    await house.until(task, "running")
    build = await house.at_work(task)
    await house.buildbot.control(f"builds/{build['buildid']}", "stop", reason="a person")
    run = await house.until(task, "exception")
    assert run["reasonResolved"] == "canceled"
    await house.settled(task)
    assert len(await house.calls(task, "queue.cancelTask")) == 1
    assert "cancelled in Buildbot" in await house.text(task, 0, "public/logs/live.log")


async def test_a_cancel_is_not_mirrored_where_the_pool_says_so(house: House) -> None:
    # B-14
    house.allowed[6] = {"failed", "worker-shutdown"}
    await house.restart("unmirrored", results=ResultMap(cancelled=Resolution.FAILED))
    task = await house.create("cancelled")
    await house.until(task, "failed")
    await house.settled(task)
    assert await house.calls(api="queue.cancelTask") == []


async def test_a_cancel_in_buildbot_of_a_superseded_run_cancels_no_newer_run(house: House) -> None:
    # B-14: between the stop and the look, a person cancels and reruns the task
    task = await house.create("sleep", properties={"seconds": 60})
    await house.until(task, "running")
    build = await house.at_work(task)
    await house.buildbot.control(f"builds/{build['buildid']}", "stop", reason="a person")
    await house.admin.cancelTask(task)
    await house.admin.rerunTask(task)
    await house.until(task, "running", run=1)
    assert await house.calls(api="queue.cancelTask") == []
    await house.at_work(task, run=1)
    await house.admin.cancelTask(task)
    await house.settled(task)


@pytest.mark.parametrize("before", [True, False])
async def test_a_rebuild_by_a_person_is_nobodys_run(house: House, before: bool) -> None:
    # B-15
    task = await house.create("sleep", properties={"seconds": 2})
    await house.until(task, "running")
    build = await house.at_work(task)
    if not before:
        await house.until(task, "completed")
    await house.buildbot.control(f"builds/{build['buildid']}", "rebuild")
    await house.until(task, "completed")
    await house.settled(task)
    status, answer = await house.buildbot.plugin(
        "PUT", f"runs/{task}/0", {"builder": "sleep", "properties": {}, "reason": "again", "not_before": 0}
    )
    assert (status, answer["created"]) == (200, False)
    assert answer["buildrequestid"] == await house.request_id(task)
    for _ in range(10):
        await house.turn()
        await house.one.strangers.sweep([house.pool])
    assert house.plugin_calls("cancel", task) == []
    assert len(await house.calls(task, "queue.claimTask")) == 1


async def test_a_hand_made_request_with_a_runs_properties_decides_nothing(house: House) -> None:
    # B-16
    task = await house.create("parked")
    await house.until_phase(task, "Queued")
    await house.force("failure", taskcluster_task_id=task, taskcluster_run_id="0")
    for _ in range(15):
        await house.turn()
        await asyncio.sleep(0.1)
    assert (await house.status(task))["state"] == "pending"
    assert await house.phase(task) == "Queued"


async def test_a_number_that_names_another_request_counts_as_lost_not_as_a_verdict(house: House) -> None:
    # B-16: after a restore of Buildbot's database the row's number is another run's request
    task, other = await house.create("parked"), await house.create("failure")
    await house.until_phase(task, "Queued")
    await house.until(other, "failed")
    foreign = await house.request_id(other)
    await house.sql("UPDATE runs SET request_id = $1, due_at = now(), look_at = now() WHERE task_id = $2", foreign, task)
    for _ in range(5):
        await house.turn()
    assert (await house.status(task))["state"] == "pending"
    row: Any = (await house.rows(task))[0]
    assert (type(row.phase).__name__, row.missing_reads > 0) == ("Queued", True)
    assert house.plugin_calls("cancel", other) == []


async def test_builds_of_other_people_cost_nothing(house: House) -> None:
    # B-17
    mine = await house.create("parked")
    await house.until_phase(mine, "Queued")
    for _ in range(5):
        await house.force("success")
    before = len(house.plugin)
    await house.turn()
    assert [call.path.rsplit("/", 1)[-1] for call in house.plugin[before:]] == ["states"]
    rows = await house.sql("SELECT count(*) AS n FROM runs")
    assert rows[0]["n"] == 1


async def test_properties_come_back_as_they_were_given(house: House) -> None:
    #
    given = {f"p{number}": number for number in range(200)} | {
        "unicode": "Grüße 🎉", "nested": {"a": [1, {"b": None}]}, "null": None, "false": False, "zero": 0, "long": "x" * 100_000,
        "empty": "", "float": 1.5,
    }  # fmt: skip
    task = await house.create("echo", properties=given, routes=[f"index.r{n}" for n in range(10)])
    await house.settled(task)
    told = json.loads(await house.text(task, 0, "public/properties.json"))
    assert {name: told[name][0] for name in given} == given
    build = (await house.builds(task))[0]
    seen = await house.properties(f"builds/{build['buildid']}")
    assert {name: seen[name][0] for name in given} == given
