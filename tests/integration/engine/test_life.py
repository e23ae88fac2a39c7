"""Lives of tasks without a single message: sweeps alone bring each to its right end."""

import json
from typing import Any

import pytest

from tests.integration.engine.house import House
from tests.integration.engine.test_artifacts import ALL


async def test_a_build_that_succeeds_completes_its_task(house: House) -> None:
    task = await house.create("echo", properties={"word": "hällo"})
    run = await house.until(task, "completed")
    assert run["workerGroup"] == "bridge"
    assert run["workerId"] == "local-echo"
    await house.settled(task)
    assert set(await house.artifacts(task)) == ALL
    properties = json.loads(await house.text(task, 0, "public/properties.json"))
    assert properties["echo"][0] == "hällo"
    assert properties["taskcluster_task_id"] == [task, "Scheduler"]
    log = await house.text(task, 0, "public/logs/live.log")
    assert "The task is completed: the build succeeded." in log


@pytest.mark.parametrize(
    ("builder", "state", "reason"),
    [
        ("warnings", "completed", "completed"),
        ("failure", "failed", "failed"),
        ("exception", "exception", "internal-error"),
        ("condition-false", "completed", "completed"),
        ("cancelled", "exception", "canceled"),
    ],
)
async def test_each_result_has_its_resolution(house: House, builder: str, state: str, reason: str) -> None:
    task = await house.create(builder)
    run = await house.until(task, state)
    assert run["reasonResolved"] == reason
    await house.settled(task)


async def test_a_task_without_the_scope_is_refused_with_an_explanation(house: House) -> None:
    task = await house.create("echo", scope=False)
    run = await house.until(task, "exception")
    assert run["reasonResolved"] == "malformed-payload"
    assert run["workerId"] == "buildbot-bridge"
    assert "buildbot-bridge:builder-name:echo" in await house.text(task, 0, "public/logs/live.log")
    await house.settled(task)


async def test_an_unknown_builder_is_refused(house: House) -> None:
    task = await house.create("nowhere")
    await house.until(task, "exception")
    assert "nowhere" in await house.text(task, 0, "public/logs/live.log")


async def test_a_wrong_payload_is_refused(house: House) -> None:
    task = await house.create("echo", payload={"buildername": 7, "colour": "red"})
    await house.until(task, "exception")
    text = await house.text(task, 0, "public/logs/live.log")
    assert "`payload.buildername` must be a string" in text
    assert "`payload.colour` is not known" in text


async def test_a_cancelled_task_stops_its_build(house: House) -> None:
    task = await house.create("sleep", properties={"seconds": 60})
    await house.until(task, "running")
    await house.admin.cancelTask(task)
    rows = await house.settled(task)
    request: Any = rows[0].phase
    state = await house.pool.builds.state(request.request.id)
    assert state is not None
    assert (state.complete, state.results) == (True, 6)
    assert "public/properties.json" in await house.artifacts(task)


async def test_a_cancelled_pending_task_loses_its_request(house: House) -> None:
    task = await house.create("parked")
    await house.turn()
    await house.admin.cancelTask(task)
    rows = await house.settled(task)
    request: Any = rows[0].phase
    state = await house.pool.builds.state(request.request.id)
    assert state is not None
    assert (state.complete, state.results, state.builds) == (True, 6, ())


async def test_a_cancel_in_buildbot_cancels_the_pending_task(house: House) -> None:
    task = await house.create("parked")
    await house.turn()
    (row,) = (await house.engine.runs.of_task(task)).values()
    request: Any = row.phase
    await house.buildbot.control(f"buildrequests/{request.request.id}", "cancel", reason="a person")
    run = await house.until(task, "exception")
    assert run["reasonResolved"] == "canceled"
    await house.settled(task)


async def test_a_retried_build_is_taken_over_by_the_next_run(house: House) -> None:
    task = await house.create("sleep", properties={"seconds": 8})
    first = await house.until(task, "running")
    await house.at_work(task)
    await house.buildbot.kill_worker(first["workerId"])
    ended = await house.until(task, "exception")
    assert ended["reasonResolved"] == "intermittent-task"
    await house.buildbot.start_worker(first["workerId"])
    await house.until(task, "completed", run=1)
    rows = await house.settled(task)
    assert {row.phase.request.id for row in rows.values()} == {rows[0].phase.request.id}
    assert (await house.status(task))["retriesLeft"] == 4


async def test_the_deadline_ends_a_waiting_request(house: House) -> None:
    task = await house.create("parked", deadline=3)
    await house.turn()
    run = await house.until(task, "exception")
    assert run["reasonResolved"] == "deadline-exceeded"
    rows = await house.settled(task)
    assert rows[0].phase.request is not None
