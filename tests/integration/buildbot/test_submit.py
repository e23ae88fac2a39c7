"""One build request for each run, whatever happens to the calls."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from bridge.buildbot.client import Buildbot
from bridge.buildbot.errors import BadRequest, Conflict, QueueFull, UnknownBuilder
from bridge.core.order import Sourcestamp
from tests.integration.buildbot.polling import until
from tests.integration.buildbot.run import LONG_AGO, Task
from tests.sandbox.buildbot import BUILDERS, BuildbotSandbox

NewTask = Callable[[], Task]


async def test_a_run_submitted_twice_has_one_request(task: NewTask) -> None:
    run = task()
    first, second = await run.submit("parked"), await run.submit("parked")
    assert (first.created, second.created) == (True, False)
    assert first.request_id == second.request_id


async def test_twenty_submissions_at_once_make_one_request(task: NewTask) -> None:
    run = task()
    answers = await asyncio.gather(*(run.submit("parked") for _ in range(20)))
    assert sorted(answer.created for answer in answers) == [False] * 19 + [True]
    assert len({answer.request_id for answer in answers}) == 1


async def test_submissions_of_many_runs_at_once_make_as_many_requests(task: NewTask) -> None:
    answers = await asyncio.gather(*(task().submit("parked") for _ in range(30)))
    assert all(answer.created for answer in answers)
    assert len({answer.request_id for answer in answers}) == 30


async def test_the_next_run_of_a_task_has_a_request_of_its_own(task: NewTask, buildbot: Buildbot) -> None:
    run = task()
    first = await run.submit("parked")
    second = await Task(buildbot, run.task_id, 1).submit("parked")
    assert second.created
    assert second.request_id != first.request_id


@pytest.mark.parametrize("builder", ["no-such-builder", "closed-to-bridge", "*", "PARKED", "parked\n"])
async def test_a_builder_that_is_unknown_or_closed_is_refused_by_name(task: NewTask, builder: str) -> None:
    run = task()
    with pytest.raises(UnknownBuilder, match="builder"):
        await run.submit(builder)
    assert await run.buildbot.find(run.task_id, run.run_id) is None


async def test_the_same_run_on_another_builder_is_a_conflict(task: NewTask) -> None:
    run = task()
    first = await run.submit("parked")
    with pytest.raises(Conflict, match=f"request {first.request_id} on builder 'parked'"):
        await run.submit("collapsing")


async def test_a_full_queue_puts_new_runs_off_and_still_knows_the_old_ones(task: NewTask) -> None:
    held = [task(), task()]
    requests = [await run.submit("small-queue") for run in held]
    with pytest.raises(QueueFull, match="2 pending") as full:
        await task().submit("small-queue")
    assert full.value.retry_after is not None
    assert full.value.retry_after > 0
    again = await held[0].submit("small-queue")
    assert (again.created, again.request_id) == (False, requests[0].request_id)
    await _cancel_all(held)


async def test_a_queue_limit_holds_for_submissions_at_once(task: NewTask) -> None:
    runs = [task() for _ in range(10)]
    answers = await asyncio.gather(*(run.submit("small-queue") for run in runs), return_exceptions=True)
    made = [run for run, answer in zip(runs, answers, strict=True) if not isinstance(answer, QueueFull)]
    assert len(made) == 2
    await _cancel_all(made)


async def _cancel_all(runs: list[Task]) -> None:
    for run in runs:
        await run.buildbot.cancel(run.task_id, run.run_id, "end of test")
        await run.completed()


async def test_properties_keep_their_types_and_get_their_sources(task: NewTask) -> None:
    run = task()
    given: dict[str, Any] = {"word": "grün\n", "number": 7, "none": None, "deep": {"list": [1, 2.5, True, {"x": None}]}}
    await run.submit("echo", **given, taskcluster_group_id="G", taskcluster_task_id="an impostor")
    build = (await run.completed()).newest
    assert build is not None
    found = await run.buildbot.properties(build.build_id)
    assert {name: found[name] for name in given} == {name: (value, "Taskcluster") for name, value in given.items()}
    assert found["taskcluster_task_id"] == (run.task_id, "Scheduler")
    assert found["taskcluster_run_id"] == (0, "Scheduler")
    assert found["taskcluster_group_id"] == ("G", "Scheduler")
    assert found["echo"][0] == "grün\n"


async def test_sourcestamps_reach_the_build(task: NewTask, master: BuildbotSandbox) -> None:
    run = task()
    stamp = Sourcestamp("", "https://example.org/r", "p", "main", "abc")
    submitted = await run.buildbot.submit(
        run.task_id,
        0,
        builder="echo",
        properties={},
        sourcestamps=[stamp],
        reason="because",
        not_before=LONG_AGO,
    )
    buildset = (await master.rest(f"buildsets/{submitted.buildset_id}"))["buildsets"][0]
    stored = buildset["sourcestamps"][0]
    assert buildset["reason"] == "because"
    assert buildset["external_idstring"] == run.key
    assert Sourcestamp(*(stored[name] for name in ("codebase", "repository", "project", "branch", "revision"))) == stamp
    assert (await run.completed()).results == 0


async def test_a_request_that_buildbot_could_not_store_is_refused(task: NewTask) -> None:
    with pytest.raises(BadRequest, match="256"):
        await task().submit("parked", **{"x" * 257: 1})


async def test_default_collapsing_leaves_every_run_and_a_persons_request_alone(
    task: NewTask, master: BuildbotSandbox
) -> None:
    forced = await master.control("forceschedulers/force", "force", builderNames=["parked"], reason="a person")
    runs = [task() for _ in range(8)]
    await asyncio.gather(*(run.submit("parked") for run in runs))
    again = await master.control("forceschedulers/force", "force", builderNames=["parked"], reason="again")
    assert [(await run.state()).complete for run in runs] == [False] * 8
    for buildset in (forced[0], again[0]):
        requests = (await master.rest(f"buildrequests?buildsetid={buildset}"))["buildrequests"]
        # The two of the person may be merged by Buildbot; ours swallow neither of them.
        assert requests[0]["results"] in {-1, 3}
    assert not requests[0]["complete"]


async def test_a_collapse_function_of_the_site_ends_requests_as_skipped_without_a_build(
    task: NewTask, master: BuildbotSandbox
) -> None:
    runs = [task(), task()]
    for run in runs:
        await run.submit("collapsing")
    assert [(await run.state()).complete for run in runs] == [False, False]
    await master.control("forceschedulers/force", "force", builderNames=["collapsing"], reason="a person")
    for run in runs:
        state = await run.completed()
        assert (state.results, state.builds) == (3, ())


async def test_a_builder_removed_by_a_reconfig_is_unknown_and_its_requests_can_be_cancelled(
    task: NewTask, master: BuildbotSandbox
) -> None:
    standard = BUILDERS.read_text()
    added = 'c["builders"] = [\n    local("added-later", End(SUCCESS), canStartBuild=never),'
    more = standard.replace('c["builders"] = [', added)
    epoch = (await task().buildbot.version()).epoch
    try:
        assert await master.reconfig(more) == "complete"
        run = task()
        submitted = await run.submit("added-later")
    finally:
        assert await master.reconfig(standard) == "complete"
    with pytest.raises(UnknownBuilder, match="not configured"):
        await task().submit("added-later")
    assert (await run.submit("added-later")).request_id == submitted.request_id
    await run.buildbot.cancel(run.task_id, 0, "its builder is gone")
    assert (await until(run.state, lambda state: state.complete)).results == 6
    assert (await task().buildbot.version()).epoch == epoch, "a reconfig loses no changes"
