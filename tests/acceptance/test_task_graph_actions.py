"""taskgraph's own actions on bridged tasks: triggered as a user interface does, carried out by `taskgraph action-callback`."""

from tests.acceptance.graphs import Play
from tests.taskgraph.project import Graph

CANCELLED = 6
TESTS = "demo test linux64"


async def test_tasks_retriggered_at_once_are_built_one_by_one(play: Play, pushed: Graph) -> None:
    """Their payloads are the same, and two of their requests wait side by side: by default Buildbot makes one of two."""
    before = await play.known(pushed)
    play.order(TESTS, "hold")
    await pushed.act("retrigger", pushed.labels["test-linux64-1"], {"times": 3})
    (tasks,) = (await play.added(pushed, before)).values()
    payloads = [(await play.stack.queue.task(task))["payload"] for task in (pushed.labels["test-linux64-1"], *tasks)]
    assert payloads == payloads[:1] * 4
    requests = [await play.scene.request(task) for task in tasks]

    async def first() -> str | None:
        return next((task for task in tasks if play.scene.gate(task)), None)

    held = await play.stack.eventually(first, "one of them at its gate")
    play.recall(TESTS, "hold")
    await play.scene.let(held)
    assert set((await play.resolved(tasks)).values()) == {"completed"}
    assert len({request["buildrequestid"] for request in requests}) == 3
    builds = [build["buildid"] for task in tasks for build in await play.scene.builds(task)]
    assert len(set(builds)) == 3
    await play.over(pushed.group)


async def test_a_task_is_retriggered_with_those_after_it(play: Play, pushed: Graph) -> None:
    """The new ones depend on each other, and name each other to their builds."""
    before = await play.known(pushed)
    await pushed.act("retrigger", pushed.labels["docs-docs"], {"downstream": True})
    added = await play.added(pushed, before)
    assert set(added) == {"docs-docs", "docs-docs-links", "docs-docs-upload"}
    assert set((await play.resolved([task for (task,) in added.values()])).values()) == {"completed"}
    for label in ("docs-docs-links", "docs-docs-upload"):
        (task,) = added[label]
        assert (await play.scene.properties(task))["parent_task_id"][0] == added["docs-docs"][0]
    await play.over(pushed.group)


async def test_a_failed_task_is_rerun(play: Play, pushed: Graph) -> None:
    task = pushed.labels["build-win64"]
    await pushed.act("rerun", task, {})
    run = await play.scene.run(task, "completed", 1)
    assert (run["reasonCreated"], (await play.stack.status(task))["runs"][0]["state"]) == ("rerun", "failed")
    assert (await play.scene.request(task))["buildrequestid"] != (await play.scene.request(task, 1))["buildrequestid"]
    await play.over(pushed.group)


async def test_a_completed_task_is_rerun_by_a_person_and_not_by_the_action(play: Play, pushed: Graph) -> None:
    task = pushed.labels["docs-docs-links"]
    done = await pushed.act("rerun", task, {})
    assert "No need to rerun docs-docs-links: state 'completed'" in done.log
    assert len((await play.stack.status(task))["runs"]) == 1
    await play.stack.queue.rerunTask(task)
    await play.scene.run(task, "completed", 1)
    assert len(await play.scene.requests(task, 1)) == 1
    await play.over(pushed.group)


async def test_a_running_task_is_cancelled_and_its_build_stops(play: Play, pushed: Graph) -> None:
    before = await play.known(pushed)
    play.order("demo docs upload", "hold")
    await pushed.act("retrigger", pushed.labels["docs-docs-upload"], {})
    ((task,),) = (await play.added(pushed, before)).values()
    await play.scene.at_gate(task)
    await play.scene.run(task, "running")
    await pushed.act("cancel", task)
    play.recall("demo docs upload", "hold")
    assert (await play.scene.run(task, "exception"))["reasonResolved"] == "canceled"
    assert (await play.scene.request(task, complete=True))["results"] == CANCELLED
    await play.over(pushed.group)


async def test_a_build_cancelled_in_buildbot_cancels_its_task(play: Play, pushed: Graph) -> None:
    """The bridge's client needs the scope for the graph's schedulerId; what comes after the task stays where it is."""
    before = await play.known(pushed)
    play.order("demo docs", "hold")
    await pushed.act("retrigger", pushed.labels["docs-docs"], {"downstream": True})
    added = await play.added(pushed, before)
    (task,) = added["docs-docs"]
    await play.scene.at_gate(task)
    await play.scene.run(task, "running")
    play.scene.cancelled_by_people.add(f"{task}/0")
    request = (await play.scene.request(task))["buildrequestid"]
    await play.stack.buildbot.control(f"buildrequests/{request}", "cancel", reason="a person's wish")
    play.recall("demo docs", "hold")
    assert (await play.scene.run(task, "exception"))["reasonResolved"] == "canceled"
    await play.over(pushed.group)
    for label in ("docs-docs-links", "docs-docs-upload"):
        (waits,) = added[label]
        assert (await play.stack.status(waits))["state"] == "unscheduled"


async def test_jobs_are_added_with_what_is_missing_above_them(play: Play, pushed: Graph) -> None:
    """A task of a release, which no push has, uses the package that is there."""
    before = await play.known(pushed)
    await pushed.act("add-new-jobs", None, {"tasks": ["release-ship-mirrors"]})
    added = await play.added(pushed, before)
    assert set(added) == {"release-promote-sign", "release-ship-mirrors"}
    (sign,), (mirrors,) = added["release-promote-sign"], added["release-ship-mirrors"]
    assert set((await play.resolved([sign, mirrors])).values()) == {"completed"}
    assert (await play.scene.properties(sign))["package_task_id"][0] == pushed.labels["package-linux64"]
    assert (await play.scene.properties(mirrors))["signed_task_id"][0] == sign
    await play.over(pushed.group)


async def test_cached_tasks_are_rebuilt(play: Play, pushed: Graph) -> None:
    before = await play.known(pushed)
    await pushed.act("rebuild-cached-tasks")
    added = await play.added(pushed, before)
    assert set(added) == {"deps-linux64"}
    assert set((await play.resolved(added["deps-linux64"])).values()) == {"completed"}
    await play.over(pushed.group)


async def test_builders_are_submitted_by_their_names(play: Play, pushed: Graph) -> None:
    before = await play.known(pushed)
    await pushed.act("submit-builders", None, {"builders_graph": {"demo docs": ["demo docs links"]}})
    added = await play.added(pushed, before)
    assert set(added) == {"docs-docs", "docs-docs-links"}
    tasks = [task for each in added.values() for task in each]
    assert set((await play.resolved(tasks)).values()) == {"completed"}
    assert (await play.scene.properties(added["docs-docs-links"][0]))["parent_task_id"][0] == added["docs-docs"][0]
    await play.over(pushed.group)


async def test_all_tasks_of_a_group_are_cancelled_wherever_they_are(play: Play, pushed: Graph) -> None:
    """One stands in its build, one waits for a worker, one for another task."""
    before = await play.known(pushed)
    play.order("demo docs", "hold")
    await pushed.act("submit-builders", None, {"builders_graph": {"demo docs": ["demo docs links"]}})
    await pushed.act("retrigger", pushed.labels["docs-docs"], {})
    added = await play.added(pushed, before)
    (waits,) = added["docs-docs-links"]
    for task in added["docs-docs"]:
        await play.scene.request(task)
    await pushed.act("cancel-all")
    play.recall("demo docs", "hold")
    states = await play.resolved([*added["docs-docs"], waits])
    assert set(states.values()) == {"exception"}
    for task in added["docs-docs"]:
        assert (await play.scene.request(task, complete=True))["results"] == CANCELLED
    assert await play.scene.row(waits) is None
    await play.over(pushed.group)
