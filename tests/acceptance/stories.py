"""Scenarios in which nothing of the house is harmed: what people, builds and clocks do. Each plays on any stack.

Most are files that ship with the bridge; `ALSO` is what there is to see on real servers beyond what a file can say. The
others do what no file can say yet. They are played side by side, so each uses tasks of its own and leaves the switches of
the whole queue alone. The claim period is `CLAIM` seconds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from itertools import pairwise
from typing import Any

import slugid

from bridge.scenario import Scenario, library
from tests.acceptance.scene import Scene
from tests.acceptance.stage import Stage, loses_the_bridge, perform

CLAIM = 9.0


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


# --- what files cannot say


async def also_of_success(scene: Scene, stage: Stage) -> None:
    """Claimed under its worker's name, renewed each third of a claim; the build and its log say what they are of."""
    task = stage.ids["build"]
    run = (await scene.stack.status(task))["runs"][0]
    request, (build,) = await scene.request(task), await scene.builds(task)
    assert (run["workerGroup"], run["workerId"][:11]) == ("buildbot", "local-gate-")
    assert (await scene.history(task))[0]["state"] == "pending"
    await _called_as_often_as_it_must_be(scene, task)
    await _told_what_it_is(scene, task, request, build)


async def _called_as_often_as_it_must_be(scene: Scene, task: str) -> None:
    calls = [call for call in await scene.calls(task) if call["api"] != "queue.getArtifact"]  # whoever read the log
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


async def also_of_a_stop(scene: Scene, stage: Stage) -> None:
    """What the build left is attached."""
    assert (await scene.properties(stage.ids["build"]))["taskcluster_task_id"][0] == stage.ids["build"]


async def also_of_a_quarantine(scene: Scene, stage: Stage) -> None:
    """The alarm names the worker."""
    assert scene.logged('"alarm"', "claim_refused", stage.ids["build"], "local-quarantined-0")


ALSO: Mapping[str, Callable[[Scene, Stage], Awaitable[None]]] = {
    "O-01": also_of_success,
    "T-08": also_of_a_stop,
    "T-23": also_of_a_quarantine,
}


# --- what no file can say


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


def from_file(name: str, scenario: Scenario) -> Callable[[Scene], Awaitable[None]]:
    """A scenario file as a story."""

    async def story(scene: Scene) -> None:
        stage = await perform(scene, scenario)
        if (also := ALSO.get(name)) is not None:
            await also(scene, stage)

    story.__name__ = name
    return story


PLAYED = {name: scenario for name, scenario in library().items() if scenario.stack is True}
FILES = [from_file(name, scenario) for name, scenario in PLAYED.items() if not loses_the_bridge(scenario)]
TOLD = [story for name, story in list(globals().items()) if name[:2] in ("o_", "t_", "b_")]
STORIES: list[Callable[[Scene], Awaitable[None]]] = [*FILES, *TOLD]
