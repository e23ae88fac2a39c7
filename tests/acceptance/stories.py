"""Scenarios in which nothing of the house is harmed: what people, builds and clocks do. Each plays on any stack.

They are played side by side, so each uses tasks of its own and leaves the switches of the whole queue alone. The claim
period is `CLAIM` seconds.
"""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import slugid

from tests.acceptance.scene import Scene

CLAIM = 9.0
INTERMITTENT = "intermittent-task"


async def timely(scene: Scene, builder: str, ready: Callable[[str], Awaitable[bool]]) -> str:
    """A task that was ready before its deadline, which comes soon: on a slow machine a second or third one, with more time."""
    for seconds in (10, 25, 60, 150):
        task = await scene.task(builder, deadline=seconds)

        async def known(task: str = task) -> str | None:
            if (await scene.stack.status(task))["state"] == "exception":
                return "late"
            return "ready" if await ready(task) else None

        if await scene.stack.eventually(known, f"{task} ready, or over", 2 * seconds) == "ready":
            return task
    raise AssertionError(f"no task for {builder} is ready within 150 s")


# --- the original's three


async def o_01_success(scene: Scene) -> None:
    """Pending until the build starts, then claimed under its worker's name, renewed each third of a claim, completed."""
    task = await scene.task("gate", properties={"word": "Grüße", "number": 7, "nested": {"list": [1, None, False]}})
    await scene.run(task, "running")

    async def renewed() -> bool:
        return len(await scene.calls(task, "queue.reclaimTask")) >= 3

    await scene.stack.eventually(renewed, "three reclaims", 3 * CLAIM)
    await scene.let(task)
    run = await scene.run(task, "completed")
    await scene.over()
    request, (build,) = await scene.request(task), await scene.builds(task)
    assert (run["workerGroup"], run["workerId"][:11]) == ("buildbot", "local-gate-")
    assert (await scene.history(task))[0]["state"] == "pending"
    await _called_as_often_as_it_must_be(scene, task)
    await _told_what_it_is(scene, task, request, build)


async def _called_as_often_as_it_must_be(scene: Scene, task: str) -> None:
    calls = await scene.calls(task)
    reclaims = [call["unix"] for call in calls if call["api"] == "queue.reclaimTask"]
    claims = [call for call in calls if call["api"] == "queue.claimTask"]
    assert len(claims) == 1, calls
    assert {call["status"] for call in calls} == {200}, calls
    times = [claims[0]["unix"], *reclaims]
    # A third of the claim, spread by up to a tenth, and then at most two looks (one a second) at what is due.
    assert all(CLAIM / 3 - 0.1 < after - before < CLAIM / 3 * 1.1 + 2.5 for before, after in pairwise(times))
    assert [call["api"] for call in calls].count("queue.reportCompleted") == 1


async def _told_what_it_is(scene: Scene, task: str, request: dict[str, Any], build: dict[str, Any]) -> None:
    properties = await scene.properties(task)
    assert properties["taskcluster_task_id"][0] == task
    assert properties["taskcluster_run_id"][0] == 0
    assert (properties["word"][0], properties["number"][0]) == ("Grüße", 7)
    assert properties["nested"][0] == {"list": [1, None, False]}
    log = await scene.log(task)
    assert f"Build request {request['buildrequestid']}" in log
    assert f"Build {build['number']} (id {build['buildid']}) on worker local-gate-" in log
    assert "The task is completed: the build succeeded." in log
    assert request["reason"] == f"Taskcluster task {task} run 0"


async def o_02_retry_then_success(scene: Scene) -> None:
    """A build that ends RETRY gives the task a new run, which takes the request over and ends as its second build does."""
    (task,) = await scene.running("gate")
    await scene.let(task, 5)
    first = await scene.run(task, "exception")
    await scene.run(task, "running", 1)
    await scene.let(task, build=2)
    second = await scene.run(task, "completed", 1)
    assert (first["reasonResolved"], second["reasonCreated"]) == (INTERMITTENT, "task-retry")
    await scene.over()
    assert (await scene.stack.status(task))["retriesLeft"] == 4
    assert [build["results"] for build in await scene.builds(task)] == [5, 0]
    assert await scene.requests(task, 1) == []


async def o_03_deadline_before_start(scene: Scene) -> None:
    """A request that waits when its task's deadline passes is cancelled, and nothing was ever claimed."""

    async def requested(task: str) -> bool:
        return bool(await scene.requests(task))

    task = await timely(scene, "parked", requested)
    run = await scene.run(task, "exception")
    assert run["reasonResolved"] == "deadline-exceeded"
    request = await scene.request(task, complete=True)
    await scene.over()
    assert request["results"] == 6
    assert await scene.calls(task, "queue.claimTask", "queue.reportException") == []


# --- Taskcluster's actions and clocks


async def t_01_retrigger(scene: Scene) -> None:
    """Two new tasks with the payload of a finished one: two requests, two builds, none merged."""
    first = await scene.task("single", properties={"same": "payload"})
    await scene.let(first)
    await scene.run(first, "completed")
    again = [await scene.task("single", properties={"same": "payload"}) for _ in range(2)]
    for task in again:
        await scene.request(task)
    await asyncio.gather(scene.let(again[0]), scene.let(again[1], 2))  # Buildbot chooses which of them is built first
    await scene.run(again[0], "completed")
    await scene.run(again[1], "failed")
    await scene.over()


async def t_02_rerun_of_failed(scene: Scene) -> None:
    """A rerun gets a request and a verdict of its own; run 0 keeps its artifacts."""
    (task,) = await scene.running("gate")
    await scene.let(task, 2)
    await scene.run(task, "failed")
    await scene.stack.queue.rerunTask(task)
    await scene.let(task, run=1)
    run = await scene.run(task, "completed", 1)
    await scene.over()
    assert run["reasonCreated"] == "rerun"
    assert (await scene.request(task))["buildrequestid"] != (await scene.request(task, 1))["buildrequestid"]
    assert "The task is failed" in await scene.log(task, 0)
    assert "The task is completed" in await scene.log(task, 1)


async def t_03_rerun_of_completed(scene: Scene) -> None:
    """Late duplicates of run 0's messages change nothing in run 1."""
    (task,) = await scene.running("gate")
    await scene.let(task)
    await scene.run(task, "completed")
    await scene.stack.settled(task)
    await scene.stack.queue.rerunTask(task)
    await scene.stack.control("POST", "messages/republish", taskId=task)
    await scene.run(task, "running", 1)
    await scene.stack.control("POST", "messages/republish", taskId=task)
    await scene.let(task, 2, run=1)
    await scene.run(task, "failed", 1)
    await scene.stack.control("POST", "messages/republish", taskId=task)
    await scene.over()
    assert [run["state"] for run in (await scene.stack.status(task))["runs"]] == ["completed", "failed"]


async def t_04_cancel_then_rerun_at_once(scene: Scene) -> None:
    """The old build, which is slow to die, belongs to run 0; run 1 has a request of its own and is not touched by it."""
    (task,) = await scene.running("stubborn")
    await scene.stack.queue.cancelTask(task)
    await scene.stack.queue.rerunTask(task)
    await scene.run(task, "running", 1)
    assert not (await scene.request(task))["complete"]
    await scene.let(task, 2)  # what dies slowly says something in the end
    old = await scene.request(task, complete=True)
    await scene.phase(task, "settled")
    assert (await scene.stack.status(task))["runs"][1]["state"] == "running"
    await scene.let(task, run=1)
    await scene.run(task, "completed", 1)
    await scene.over()
    assert old["results"] == 6
    assert (await scene.stack.status(task))["runs"][0]["reasonResolved"] == "canceled"


async def t_07_cancelled_while_queued(scene: Scene) -> None:
    """The request is cancelled, and no build ran."""
    task = await scene.task("parked")
    await scene.request(task)
    await scene.stack.queue.cancelTask(task)
    request = await scene.request(task, complete=True)
    await scene.over()
    assert request["results"] == 6
    assert await scene.builds(task) == []
    assert await scene.calls(task, "queue.claimTask") == []


async def t_08_cancelled_while_running(scene: Scene) -> None:
    """The build stops; what it left is attached to the cancelled run; nothing is reported."""
    (task,) = await scene.running("gate")
    await scene.stack.queue.cancelTask(task)
    request = await scene.request(task, complete=True)
    await scene.over()
    assert request["results"] == 6
    assert await scene.calls(task, "queue.reportException", "queue.cancelTask") == []
    assert "The build was stopped" in await scene.log(task)
    assert (await scene.properties(task))["taskcluster_task_id"][0] == task


async def t_11_cancel_all(scene: Scene) -> None:
    """An action that cancels every open task of a group, wherever each of them is."""
    group, other = slugid.nice(), await scene.task("parked")
    unfinished = await scene.task("parked", taskGroupId=group)
    tasks = {
        "queued": unfinished,
        "unscheduled": await scene.stack.create("gate", taskGroupId=group, dependencies=[unfinished]),
        "filling": await scene.task("full", taskGroupId=group),
        "running": await scene.task("gate", taskGroupId=group),
        "finished": await scene.task("success", taskGroupId=group),
        "refused": await scene.task("no-such-builder", taskGroupId=group),
    }
    await scene.request(tasks["filling"])
    tasks["held back"] = await scene.task("full", taskGroupId=group)
    await scene.run(tasks["running"], "running")
    await scene.run(tasks["finished"], "completed")
    await scene.run(tasks["refused"], "exception")
    await scene.stack.eventually(lambda: _held(scene, tasks["held back"]), "the second task for a full builder is held back")
    for name in ("queued", "unscheduled", "held back", "filling", "running"):
        await scene.stack.queue.cancelTask(tasks[name])
    for name in ("queued", "filling", "running"):
        assert (await scene.request(tasks[name], complete=True))["results"] == 6
    assert (await scene.phase(other, "queued")) and not (await scene.request(other))["complete"]
    await scene.stack.queue.cancelTask(other)
    await scene.over()
    ends = {name: (await scene.stack.status(task))["runs"][0]["reasonResolved"] for name, task in tasks.items()}
    opened = ("queued", "unscheduled", "filling", "running", "held back")
    assert ends == {**dict.fromkeys(opened, "canceled"), "finished": "completed", "refused": "malformed-payload"}
    assert await scene.requests(tasks["held back"]) == []
    assert await scene.row(tasks["unscheduled"]) is None


async def _held(scene: Scene, task: str) -> bool:
    row = await scene.row(task)
    return row is not None and bool(row["held"])


async def t_12_group_cancel(scene: Scene) -> None:
    """One call for the whole group does the same; tasks that were never scheduled get no row."""
    group = slugid.nice()
    queued = await scene.task("parked", taskGroupId=group)
    (running,) = await scene.running("gate", taskGroupId=group)
    unscheduled = await scene.stack.create("gate", taskGroupId=group, dependencies=[queued])
    await scene.request(queued)
    await scene.stack.queue.sealTaskGroup(group)
    await scene.stack.queue.cancelTaskGroup(group)
    for task in (queued, running):
        assert (await scene.request(task, complete=True))["results"] == 6
    await scene.over()
    assert await scene.row(unscheduled) is None


async def t_15_deadline_while_held_back(scene: Scene) -> None:
    """A run that waits for room is never submitted after its deadline; a retried one's request is cancelled."""
    filling = await scene.task("full-too")
    await scene.request(filling)

    let: set[str] = set()

    async def is_retried(task: str) -> bool:
        if scene.gate(task) is not None and task not in let:
            let.add(task)
            await scene.let(task, 5)
        return len((await scene.stack.status(task))["runs"]) == 2

    held = await timely(scene, "full-too", lambda task: _held(scene, task))
    retried = await timely(scene, "once", is_retried)
    for task, run in ((held, 0), (retried, 1)):
        assert (await scene.run(task, "exception", run))["reasonResolved"] == "deadline-exceeded"
    await scene.request(retried, complete=True)
    await scene.stack.queue.cancelTask(filling)
    await scene.over()
    assert await scene.requests(held) == []
    assert len(await scene.builds(retried)) == 1


async def t_16_deadline_while_running(scene: Scene) -> None:
    """The build is stopped when the queue has acted on the deadline; what it left goes up; nothing is reported."""

    async def runs(task: str) -> bool:
        return (await scene.stack.status(task))["state"] == "running" and scene.gate(task) is not None

    task = await timely(scene, "gate", runs)
    assert (await scene.run(task, "exception"))["reasonResolved"] == "deadline-exceeded"
    request = await scene.request(task, complete=True)
    await scene.over()
    assert request["results"] == 6
    assert await scene.calls(task, "queue.reportException", "queue.cancelTask") == []
    assert "deadline-exceeded" in await scene.log(task)


async def t_18_deadline_after_finish(scene: Scene) -> None:
    """Nothing happens."""

    async def settled(task: str) -> bool:
        return ((await scene.row(task)) or {}).get("phase") == "settled"

    task = await timely(scene, "success", settled)
    before = await scene.calls(task)

    async def passed() -> bool:
        return (await scene.stack.control("POST", "poll"))["time"] > (await scene.stack.status(task))["deadline"]

    await scene.stack.eventually(passed, "the deadline")
    await scene.over()
    assert [c for c in await scene.calls(task) if c["n"] > before[-1]["n"]] == []
    assert (await scene.stack.status(task))["state"] == "completed"


async def t_22_retries_exhausted(scene: Scene) -> None:
    """RETRY with no retry left: the task is an exception, and Buildbot's next build of the request is stopped."""
    (task,) = await scene.running("gate", retries=0)
    await scene.let(task, 5)
    run = await scene.run(task, "exception")
    request = await scene.request(task, complete=True)
    await scene.over()
    assert run["reasonResolved"] == INTERMITTENT
    assert (request["results"], len((await scene.stack.status(task))["runs"])) == (6, 1)


async def t_23_quarantined_worker(scene: Scene) -> None:
    """The build goes on, an alarm names the worker, the claim is tried again; lifted after the end, all is reported."""
    worker = {"workerGroup": "buildbot", "workerId": "local-quarantined-0"}
    await scene.stack.control("POST", "quarantine", **worker)
    try:
        task = await scene.task("quarantined")
        await scene.stack.eventually(lambda: _alarm(scene, task), "an alarm that names the worker")
        await scene.let(task)
        assert (await scene.request(task, complete=True))["results"] == 0
        await scene.phase(task, "reporting")
        assert (await scene.stack.status(task))["state"] == "pending"
    finally:
        await scene.stack.control("POST", "quarantine", **worker, quarantined=False)
    await scene.run(task, "completed")
    await scene.over()


async def _alarm(scene: Scene, task: str) -> bool:
    return bool(scene.logged('"alarm"', "claim_refused", task, "local-quarantined-0"))


# --- Buildbot's results


async def b_01_every_result(scene: Scene) -> None:
    """Every way in which a build can end is told, and none stays open."""
    builders = {
        "success": "completed",
        "warnings": "completed",
        "failure": "failed",
        "exception": "internal-error",
        "condition": "completed",
    }
    tasks = {builder: await scene.task(builder) for builder in builders}
    await scene.stack.settled(*tasks.values())
    runs = {builder: (await scene.stack.status(task))["runs"] for builder, task in tasks.items()}
    assert {builder: [run["reasonResolved"] for run in found] for builder, found in runs.items()} == {
        builder: [word] for builder, word in builders.items()
    }
    await scene.over()


async def b_12_cancelled_in_buildbot_before_start(scene: Scene) -> None:
    """The one that a person cancelled is cancelled in Taskcluster too, the one beside it is not."""
    cancelled, left = await scene.task("parked"), await scene.task("parked")
    request = await scene.request(cancelled)
    await scene.request(left)
    scene.cancelled_by_people.add(f"{cancelled}/0")
    await scene.stack.buildbot.control(f"buildrequests/{request['buildrequestid']}", "cancel", reason="a person")
    assert (await scene.run(cancelled, "exception"))["reasonResolved"] == "canceled"
    assert (await scene.stack.status(left))["state"] == "pending"
    await scene.stack.queue.cancelTask(left)
    await scene.over()
    assert len(await scene.calls(cancelled, "queue.cancelTask")) == 1


async def b_13_cancelled_in_buildbot_while_running(scene: Scene) -> None:
    """Artifacts, one read, one cancelTask."""
    (task,) = await scene.running("gate")
    (build,) = await scene.builds(task)
    scene.cancelled_by_people.add(f"{task}/0")
    await scene.stack.buildbot.control(f"builds/{build['buildid']}", "stop", reason="a person")
    assert (await scene.run(task, "exception"))["reasonResolved"] == "canceled"
    await scene.over()
    assert len(await scene.calls(task, "queue.cancelTask")) == 1
    assert "cancelled in Buildbot" in await scene.log(task)


STORIES = [story for name, story in list(globals().items()) if name[:2] in ("o_", "t_", "b_")]
