"""The whole bridge away for longer than a claim lasts (T-05, T-19, T-20, T-21)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from tests.acceptance.conftest import PERIODS
from tests.acceptance.scene import Scene, cancel_all
from tests.sandbox.stack import Stack


@dataclass
class Away:
    """What was made before and during the outage; the bridge is back."""

    scene: Scene
    running: str
    last_try: str
    over: str
    too_late: str


@pytest.fixture(scope="module")
async def away(calm: Stack) -> AsyncIterator[Away]:
    """The outage, from the last claim to the first moment after it."""
    scene = Scene(calm)
    await calm.stop_services()
    calm.configure({})
    await calm.start_services()
    await calm.control("POST", "periods", claimSeconds=12)
    running, over = await scene.running("gate", "gate")
    (last_try,) = await scene.running("gate", retries=0)
    for service in list(calm.services):
        await calm.kill_service(service)
    too_late = await scene.task("gate")
    await calm.queue.cancelTask(too_late)
    await scene.let(over)
    for task in (running, over, last_try):
        assert (await scene.run(task, "exception"))["reasonResolved"] == "claim-expired"
    await calm.control("POST", "periods", **PERIODS)
    await calm.start_services()
    yield Away(scene, running, last_try, over, too_late)
    await cancel_all(calm)


async def test_t_05_cancelled_before_it_is_seen(away: Away) -> None:
    """Both messages wait in the queue when the bridge comes, and then come again in the wrong order: no request, no revival."""
    scene, task = away.scene, away.too_late
    for _ in range(2):
        await scene.stack.control("POST", "messages/republish", taskId=task)
    await scene.over(task)
    assert await scene.requests(task) == []
    assert await scene.calls(task, "queue.claimTask") == []


async def test_t_19_claim_expired_and_the_build_adopted(away: Away) -> None:
    """The next run takes the running build over: an outage of the bridge costs nobody a build."""
    scene, task = away.scene, away.running
    run = await scene.run(task, "running", 1)
    assert run["reasonCreated"] == "retry"
    await scene.let(task)
    await scene.run(task, "completed", 1)
    await scene.over(task)
    assert [build["results"] for build in await scene.builds(task)] == [0]
    assert await scene.requests(task, 1) == []
    assert await scene.metric("lost_claims_total") >= 1


async def test_t_20_claim_expired_with_no_retry_left(away: Away) -> None:
    """The build is stopped, nothing is reported."""
    scene, task = away.scene, away.last_try
    assert (await scene.request(task, complete=True))["results"] == 6
    await scene.over(task)
    assert len((await scene.stack.status(task))["runs"]) == 1
    assert await scene.calls(task, "queue.reportException", "queue.reportCompleted") == []


async def test_t_21_claim_expired_and_the_build_finished(away: Away) -> None:
    """The next run takes the result that nobody had reported."""
    scene, task = away.scene, away.over
    await scene.run(task, "completed", 1)
    await scene.over(task)
    assert [build["results"] for build in await scene.builds(task)] == [0]
    assert await scene.requests(task, 1) == []


async def test_t_09_cancel_message_lost(away: Away) -> None:
    """A sweep finds what no message told: cancelled while queued, and while running."""
    scene = Scene(away.scene.stack)
    (running,) = await scene.running("gate")
    queued = await scene.task("parked")
    await scene.request(queued)
    await scene.stack.control("POST", "messages/lose", exchange="task-exception", seconds=3600)
    try:
        for task in (running, queued):
            await scene.stack.queue.cancelTask(task)
            assert (await scene.request(task, complete=True))["results"] == 6
    finally:
        await scene.stack.control("POST", "messages/lose", exchange="task-exception", seconds=0)
    await scene.over()
    assert (await scene.stack.control("GET", "counters"))["lostMessages"] >= 2
    assert await scene.metric("found_by_sweep_total", kind="statuses") >= 2
