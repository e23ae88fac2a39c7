"""Bulk reads: named states, pages of requests, builders; and the change of a priority."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from bridge.buildbot.client import Buildbot
from bridge.buildbot.errors import NotFound
from tests.integration.buildbot.polling import until
from tests.integration.buildbot.run import Task
from tests.sandbox.buildbot import BuildbotSandbox

NewTask = Callable[[], Task]


async def test_states_of_named_requests_come_with_those_that_are_missing(
    task: NewTask, buildbot: Buildbot, master: BuildbotSandbox
) -> None:
    ours = [(await task().submit("parked")).request_id for _ in range(3)]
    forced = await master.control("forceschedulers/force", "force", builderNames=["parked"], reason="a person")
    (foreign,) = forced[1].values()
    states = await buildbot.states([*ours, foreign, 2**31 + 5, 999_999_999, -1, 0, ours[0]])
    assert [state.request_id for state in states.states] == ours
    assert set(states.missing) == {foreign, 2**31 + 5, 999_999_999, -1, 0}


async def test_more_ids_than_one_call_takes_are_split(task: NewTask, buildbot: Buildbot) -> None:
    ours = (await task().submit("parked")).request_id
    states = await buildbot.states([*range(1_000_000, 1_010_500), ours])
    assert [state.request_id for state in states.states] == [ours]
    assert len(states.missing) == 10_500


async def test_no_ids_still_tell_the_place_in_the_changes(buildbot: Buildbot) -> None:
    states = await buildbot.states([])
    assert states.epoch == (await buildbot.version()).epoch
    assert (states.states, states.missing) == ((), ())


async def test_pages_list_each_open_request_of_ours_once_and_nothing_else(
    task: NewTask, buildbot: Buildbot, master: BuildbotSandbox
) -> None:
    runs = [task() for _ in range(7)]
    ours = {(await run.submit("parked")).request_id for run in runs}
    forced = await master.control("forceschedulers/force", "force", builderNames=["parked"], reason="a person")
    seen: list[int] = []
    after: int | None = 0
    while after is not None:
        status, page = await master.plugin("GET", f"requests?open=1&after={after}&limit=3")
        assert status == 200
        assert len(page["states"]) <= 3
        seen += [state["buildrequestid"] for state in page["states"]]
        after = page["next"]
    assert seen == sorted(set(seen))
    assert ours <= set(seen)
    assert not set(forced[1].values()) & set(seen)
    by_client = [state.request_id async for page in buildbot.requests() for state in page]
    assert by_client == seen


async def test_completed_requests_are_listed_from_a_time_on(task: NewTask, buildbot: Buildbot) -> None:
    run = task()
    request = (await run.submit("success")).request_id
    state = await run.completed()
    assert state.complete_at is not None

    async def listed(since: datetime) -> list[int]:
        return [each.request_id async for page in buildbot.requests(completed_since=since) for each in page]

    assert request in await listed(state.complete_at)
    assert request not in await listed(state.complete_at + timedelta(seconds=1))
    assert request not in [each.request_id async for page in buildbot.requests() for each in page]


async def test_builders_are_those_open_to_the_bridge_with_their_connected_workers(buildbot: Buildbot) -> None:
    by_name = {each.name: each for each in await buildbot.builders()}
    assert "closed-to-bridge" not in by_name
    assert by_name["sleep"].connected_workers == 2
    assert by_name["success"].connected_workers == 1


async def test_properties_of_a_build_that_is_not_ours_are_not_told(master: BuildbotSandbox, buildbot: Buildbot) -> None:
    forced = await master.control("forceschedulers/force", "force", builderNames=["success"], reason="a person")
    (request,) = forced[1].values()

    async def builds() -> list[dict[str, int]]:
        found: list[dict[str, int]] = (await master.rest(f"builds?buildrequestid={request}"))["builds"]
        return found

    build = (await until(builds, bool))[0]["buildid"]
    with pytest.raises(NotFound):
        await buildbot.properties(build)
    with pytest.raises(NotFound):
        await buildbot.properties(999_999)


async def test_version_tells_who_answers(buildbot: Buildbot, master: BuildbotSandbox) -> None:
    version = await buildbot.version()
    assert version.buildbot_url == master.url
    assert version.buildbot_version[0] == "4"
    assert "sleep" in version.builders
    assert not version.stopping


async def test_a_priority_raised_while_waiting_lets_a_request_overtake(task: NewTask) -> None:
    # Two workers with four builds each, but one build at a time for each pair of worker and builder: two block it.
    blocking = [task(), task()]
    for run in blocking:
        await run.submit("sleep", seconds=60)
        await run.building()
    first, second = task(), task()
    await first.submit("sleep", seconds=0)
    await second.submit("sleep", seconds=0)
    raised = await second.buildbot.set_priority(second.task_id, 0, 5)
    assert raised is not None
    assert raised.priority == 5
    await blocking[0].buildbot.cancel(blocking[0].task_id, 0, "make room")
    one, two = await asyncio.gather(first.completed(), second.completed())
    assert one.newest is not None
    assert two.newest is not None
    assert two.newest.build_id < one.newest.build_id
    unchanged = await blocking[1].buildbot.set_priority(blocking[1].task_id, 0, 9)
    assert unchanged is not None
    assert unchanged.priority == 0, "a request that a build has claimed keeps its priority"
    await blocking[1].buildbot.cancel(blocking[1].task_id, 0, "end of test")
    await blocking[1].completed()
    nobody = task()
    assert await nobody.buildbot.set_priority(nobody.task_id, 0, 1) is None


async def test_ten_thousand_ids_are_read_well_within_a_second_or_two(buildbot: Buildbot) -> None:
    started = time.monotonic()
    states = await buildbot.states(range(1, 10_001))
    assert len(states.states) + len(states.missing) == 10_000
    assert time.monotonic() - started < 5
