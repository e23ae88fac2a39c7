"""How requests and their builds end, as the plugin tells it."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.integration.buildbot.polling import until
from tests.integration.buildbot.run import Task
from tests.sandbox.buildbot import BuildbotSandbox

NewTask = Callable[[], Task]


@pytest.mark.parametrize(
    ("builder", "results"),
    [("success", 0), ("warnings", 1), ("failure", 2), ("exception", 4), ("cancelled", 6)],
)
async def test_a_request_completes_with_the_result_of_its_build(task: NewTask, builder: str, results: int) -> None:
    run = task()
    await run.submit(builder)
    state = await run.completed()
    assert state.results == results
    assert [build.results for build in state.builds] == [results]
    assert state.builds[0].worker == f"local-{builder}"
    assert state.builds[0].interrupted is None
    assert not state.master_shutdown


async def test_a_build_skipped_by_its_own_condition_is_told_from_a_collapsed_request(task: NewTask) -> None:
    run = task()
    version = (await run.buildbot.version()).buildbot_version
    await run.submit("condition-false")
    state = await run.completed()
    expected = 0 if version < "4.3" else 3  # the condition came with 4.3
    assert (state.results, [build.results for build in state.builds]) == (expected, [expected])


async def test_times_are_those_of_the_clock(task: NewTask) -> None:
    run = task()
    before = datetime.now(UTC)
    await run.submit("success", priority=3)
    state = await run.completed()
    build = state.newest
    assert build is not None
    assert build.complete_at is not None
    assert state.complete_at is not None
    assert before.timestamp() - 1 <= state.submitted_at.timestamp() <= build.started_at.timestamp()
    assert build.started_at <= build.complete_at <= state.complete_at <= datetime.now(UTC)
    assert (state.external_id, state.priority) == (run.key, 3)


async def test_a_retry_makes_another_build_of_the_same_request(task: NewTask) -> None:
    run = task()
    submitted = await run.submit("retry-once")
    state = await run.completed()
    assert state.request_id == submitted.request_id
    assert [build.results for build in state.builds] == [5, 0]
    assert state.results == 0


async def test_a_pending_request_that_a_person_cancels_completes_without_a_build(
    task: NewTask, master: BuildbotSandbox
) -> None:
    run = task()
    submitted = await run.submit("parked")
    await master.control(f"buildrequests/{submitted.request_id}", "cancel", reason="a person")
    state = await run.completed()
    assert (state.results, state.builds, state.master_shutdown) == (6, (), False)


async def test_a_running_build_that_a_person_stops_is_not_taken_for_a_master_stop(
    task: NewTask, master: BuildbotSandbox
) -> None:
    run = task()
    await run.submit("sleep")
    build = (await run.building()).newest
    assert build is not None
    await master.control(f"builds/{build.build_id}", "stop", reason="Master Shutdown, says a person")
    state = await run.completed()
    assert (state.results, state.master_shutdown) == (6, False)


async def test_cancel_ends_a_running_build_and_then_answers_with_the_complete_state(task: NewTask) -> None:
    run = task()
    await run.submit("sleep")
    await run.building()
    asked = await run.buildbot.cancel(run.task_id, 0, "not wanted")
    assert asked is not None
    assert not asked.complete
    await run.completed()
    again = await run.buildbot.cancel(run.task_id, 0, "not wanted")
    assert again is not None
    assert (again.complete, again.results) == (True, 6)


async def test_a_cancel_that_meets_a_build_on_its_way_ends_the_request(task: NewTask) -> None:
    # Buildbot's own cancel leaves such a build without a step and without an end, and its worker's place taken.
    run, after = task(), task()
    await run.submit("slow-to-start")
    await until(run.state, lambda state: state.claimed)
    asked = await run.buildbot.cancel(run.task_id, 0, "not wanted")
    assert asked is not None
    assert asked.builds == ()
    assert (await run.completed()).results == 6
    await after.submit("slow-to-start")
    assert (await after.completed()).results == 0


async def test_cancel_of_a_run_that_was_never_submitted_finds_nothing(task: NewTask) -> None:
    run = task()
    assert await run.buildbot.cancel(run.task_id, 0, "nothing there") is None


async def test_a_worker_that_ignores_the_stop_is_waited_for_by_nobody(task: NewTask) -> None:
    run = task()
    await run.submit("stubborn")
    await run.building()
    asked = await run.buildbot.cancel(run.task_id, 0, "not wanted")
    assert asked is not None
    assert (await until(run.state, lambda state: state.complete, within=30)).results == 6


async def test_a_lost_worker_makes_a_retry_and_the_next_build_has_another_worker(
    task: NewTask, master: BuildbotSandbox
) -> None:
    run = task()
    await run.submit("sleep", seconds=1)
    first = (await run.building()).newest
    assert first is not None
    await master.kill_worker(first.worker)
    state = await run.completed()
    await master.start_worker(first.worker)
    assert [build.results for build in state.builds] == [5, 0]
    assert state.builds[1].worker != first.worker


async def test_a_rebuild_is_nobodys_run(task: NewTask, master: BuildbotSandbox) -> None:
    run = task()
    submitted = await run.submit("failure")
    build = (await run.completed()).newest
    assert build is not None
    buildset, requests = await master.control(f"builds/{build.build_id}", "rebuild")
    (rebuilt,) = requests.values()
    copied = (await master.rest(f"buildsets/{buildset}"))["buildsets"][0]
    assert copied["external_idstring"] == run.key

    assert (await run.state()).request_id == submitted.request_id
    assert not (await run.submit("failure")).created
    states = await run.buildbot.states([submitted.request_id, rebuilt])
    assert ([state.request_id for state in states.states], states.missing) == ([submitted.request_id], (rebuilt,))
    pages = [page async for page in run.buildbot.requests(completed_since=datetime(2020, 1, 1, tzinfo=UTC))]
    assert rebuilt not in {state.request_id for page in pages for state in page}
