"""Servers that stop, restart and forget while tasks wait, build and end (F-01, F-02, F-06, F-15, F-16, B-11)."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import aio_pika
import aiohttp
import pytest

from tests.acceptance.conftest import PERIODS
from tests.acceptance.scene import Scene, all_settled, cancel_all
from tests.sandbox.stack import Stack

PULSE_QUEUE = "queue/bridge-pulse/buildbot-bridge"
Act = Callable[[], Awaitable[object]]


@pytest.fixture
async def shaken(rough: Stack) -> AsyncIterator[Scene]:
    """A scene on the stack whose servers are harmed; all services run, and none may crash."""
    await rough.control("POST", "periods", **PERIODS, publishSeconds=1)
    await rough.start_services()
    processes = list(rough.services.values())
    yield Scene(rough)
    await cancel_all(rough)
    assert [child.status for child in processes if not child.alive and child.status] == []
    assert all(child.alive for child in rough.services.values())


async def lives_through(scene: Scene, harm: Act, heal: Act) -> None:
    """While the harm lasts a build ends, a task is cancelled and one is created; another build goes on over it."""
    ended, running = await scene.running("gate", "gate")
    cancelled = await scene.task("parked")
    await scene.request(cancelled)
    await harm()
    try:
        await scene.let(ended, 2)
        with contextlib.suppress(aiohttp.ClientResponseError):  # without its broker the queue cancels, and answers 500
            await scene.stack.queue.cancelTask(cancelled)
        created = await scene.task("gate")
    finally:
        await heal()
    assert (await scene.stack.status(cancelled))["state"] == "exception"
    await scene.run(ended, "failed")
    await scene.run(created, "running")
    await scene.let(running)
    await scene.let(created)
    for task in (running, created):
        await scene.run(task, "completed")
    assert (await scene.request(cancelled, complete=True))["results"] == 6
    assert {len((await scene.stack.status(task))["runs"]) for task in scene.tasks} == {1}
    await scene.over()


async def test_f_01_pulse_queue_deleted(shaken: Scene) -> None:
    """As PulseGuardian deletes it: noticed, declared, bound, swept for; a task of the gap is not lost, though no reflector runs."""
    await shaken.stack.stop_service("reflector")
    gaps = await shaken.metric("queue_gaps_total")
    async with await aio_pika.connect(shaken.stack.rabbit.url, timeout=10) as connection:
        channel = await connection.channel()
        await channel.queue_delete(PULSE_QUEUE, timeout=10)
    of_the_gap = await shaken.task("success")
    await shaken.run(of_the_gap, "completed")
    assert await shaken.metric("queue_gaps_total") == gaps + 1
    heard = await shaken.metric("heard_total", kind="task-pending")
    afterwards = await shaken.task("success")
    await shaken.run(afterwards, "completed")
    assert await shaken.metric("heard_total", kind="task-pending") > heard
    await shaken.over()
    await shaken.stack.start_services()


async def test_f_02_rabbitmq_restarts(shaken: Scene) -> None:
    """The queue's calls answer 500 although they took effect, its messages are lost: nothing is lost or done twice."""
    await lives_through(shaken, shaken.stack.rabbit.stop, shaken.stack.rabbit.start)
    await shaken.stack.eventually(lambda: _hears(shaken), "Pulse is heard again")


async def test_f_06_postgresql_restarts(shaken: Scene) -> None:
    """Stopped without a checkpoint, and started again."""
    postgres = shaken.stack.postgres
    await lives_through(shaken, lambda: postgres.stop("immediate"), postgres.start)


async def test_f_08_taskcluster_answers_with_a_proxys_pages(shaken: Scene) -> None:
    """Nothing is stopped, resolved or refused for it; what it kept from being done is done when it is over."""
    ended, running = await shaken.running("gate", "gate")
    waiting = await shaken.task("parked")
    await shaken.request(waiting)
    await shaken.stack.control("POST", "faults", api="*", kind="html", count=100_000)
    try:
        await shaken.let(ended, 2)
        await shaken.request(ended, complete=True)
        await shaken.stack.eventually(lambda: _warned(shaken, ended), "the fault is logged")
    finally:
        await shaken.stack.control("DELETE", "faults")
    await shaken.run(ended, "failed")
    assert (await shaken.stack.status(running))["state"] == "running"
    assert not (await shaken.request(waiting))["complete"]
    await shaken.let(running)
    await shaken.stack.queue.cancelTask(waiting)
    await shaken.run(running, "completed")
    await shaken.over()


async def _warned(scene: Scene, task: str) -> bool:
    return bool(scene.logged('"warning"', "debt_unpaid", task))


async def test_f_15_master_killed(shaken: Scene) -> None:
    """The build that ran is built again for the task's next run; the request that waited goes on waiting, the same one."""
    (running,) = await shaken.running("gate")
    queued = await shaken.task("parked")
    before = await shaken.request(queued)
    await shaken.stack.buildbot.kill()
    held = await shaken.task("success")
    await shaken.stack.buildbot.start()
    await shaken.stack.buildbot.await_worker()
    assert (await shaken.run(running, "exception"))["reasonResolved"] == "intermittent-task"
    await shaken.run(running, "running", 1)
    await shaken.let(running, build=2)
    await shaken.run(running, "completed", 1)
    await shaken.run(held, "completed")
    after = await shaken.request(queued)
    assert (after["buildrequestid"], after["complete"]) == (before["buildrequestid"], False)
    await shaken.stack.queue.cancelTask(queued)
    await shaken.over()
    assert [build["results"] for build in await shaken.builds(running)] == [5, 0]


async def test_f_16_master_restarted_gracefully(shaken: Scene) -> None:
    """The build that ran is over: worker-shutdown, and a new request for the next run; the one that waited is untouched."""
    (running,) = await shaken.running("gate")
    queued = await shaken.task("parked")
    before = await shaken.request(queued)
    shaken.cancelled_by_people.add(f"{running}/0")  # by the master itself
    await shaken.stack.buildbot.stop()
    await shaken.stack.buildbot.start()
    await shaken.stack.buildbot.await_worker()
    assert (await shaken.run(running, "exception"))["reasonResolved"] == "worker-shutdown"
    await shaken.run(running, "running", 1)
    await shaken.let(running, run=1)
    assert (await shaken.run(running, "completed", 1))["reasonCreated"] == "retry"
    after = await shaken.request(queued)
    assert (after["buildrequestid"], after["complete"]) == (before["buildrequestid"], False)
    await shaken.stack.queue.cancelTask(queued)
    await shaken.over()
    assert await shaken.calls(running, "queue.cancelTask") == []


async def test_t_21_claim_expired_and_the_build_ended_by_a_masters_stop(shaken: Scene) -> None:
    """While nobody looked: that result is not the build's own, so the next run has a request of its own."""
    await shaken.stack.control("POST", "periods", claimSeconds=15)
    (task,) = await shaken.running("gate")
    await shaken.stack.stop_services()
    shaken.cancelled_by_people.add(f"{task}/0")  # by the master itself
    await shaken.stack.buildbot.stop()
    await shaken.stack.buildbot.start()
    assert (await shaken.run(task, "exception"))["reasonResolved"] == "claim-expired"
    await shaken.stack.control("POST", "periods", **PERIODS)
    await shaken.stack.start_services()
    await shaken.run(task, "running", 1)
    await shaken.let(task, run=1)
    assert (await shaken.run(task, "completed", 1))["reasonCreated"] == "retry"
    await shaken.over()
    assert (await shaken.request(task, complete=True))["results"] == 6
    assert await shaken.calls(task, "queue.cancelTask") == []


async def test_b_07_second_build_ends_before_anything_of_the_first_is_heard(shaken: Scene) -> None:
    """Nothing of Buildbot gets through while the first build ends RETRY and the second one well: the run takes that result."""
    (task,) = await shaken.running("gate")
    shaken.stack.proxy.spoil("/(changes|states)$", "hold", count=100_000)
    try:
        await shaken.let(task, 5)
        await shaken.let(task, build=2)
        assert (await shaken.request(task, complete=True))["results"] == 0
    finally:
        shaken.stack.proxy.clear()
    await shaken.run(task, "completed")
    await shaken.over()
    assert len((await shaken.stack.status(task))["runs"]) == 1
    assert [build["results"] for build in await shaken.builds(task)] == [5, 0]


async def test_b_07_second_build_ends_before_the_next_runs_message(shaken: Scene) -> None:
    """The answer to the report has told of run 1; its message, which comes in the end, is no news."""
    (task,) = await shaken.running("gate")
    await shaken.stack.control("POST", "messages/lose", exchange="task-pending", seconds=3600)
    try:
        await shaken.let(task, 5)
        await shaken.let(task, build=2)
        assert (await shaken.run(task, "exception"))["reasonResolved"] == "intermittent-task"
        await shaken.run(task, "completed", 1)
    finally:
        await shaken.stack.control("POST", "messages/lose", exchange="task-pending", seconds=0)
    await shaken.stack.control("POST", "messages/republish", taskId=task)
    await shaken.over()
    assert await shaken.requests(task, 1) == []
    assert [build["results"] for build in await shaken.builds(task)] == [5, 0]


async def test_f_17_builder_removed(shaken: Scene) -> None:
    """A request that waits is cancelled; a build that Buildbot cannot stop is told to again and again, until a restart ends it."""
    (running,), queued = await shaken.running("single"), await shaken.task("single")
    await shaken.request(queued)
    buildbot, config = shaken.stack.buildbot, shaken.stack.buildbot.master_config
    assert config is not None
    assert await buildbot.reconfig(config.replace(SINGLE, "") + ITS_WORKER) == "complete"
    try:
        for task in (running, queued):
            await shaken.stack.queue.cancelTask(task)
        assert (await shaken.request(queued, complete=True))["results"] == 6
        refused = await shaken.task("single")
        assert (await shaken.run(refused, "exception"))["reasonResolved"] == "malformed-payload"
        await shaken.stack.eventually(lambda: _asked_twice(shaken, running), "the build is told to stop a second time")
        assert not (await shaken.request(running))["complete"]
    finally:
        buildbot.master_config = config
        await buildbot.kill()
        await buildbot.start()
        await buildbot.await_worker()
    await shaken.over()
    assert await shaken.builds(queued) == []


SINGLE = '    local("single", gate()),\n'
ITS_WORKER = 'c["workers"].append(worker.LocalWorker("local-single-0"))\n'


async def _asked_twice(scene: Scene, task: str) -> bool:
    row = await scene.row(task)
    return row is not None and (row["cancels"] or 0) >= 2


async def test_b_11_worker_lost(shaken: Scene) -> None:
    """Buildbot builds the request again when a worker is there, and the task's next run takes it over."""
    (task,) = await shaken.running("remote")
    await shaken.stack.buildbot.await_command((await shaken.builds(task))[0]["buildid"])
    await shaken.stack.buildbot.kill_worker()
    assert (await shaken.run(task, "exception"))["reasonResolved"] == "intermittent-task"
    await shaken.stack.buildbot.start_worker()
    await shaken.let(task, build=2)
    await shaken.run(task, "completed", 1)
    await shaken.over()


async def _hears(scene: Scene) -> bool:
    return await scene.metric("pulse_connected") == 1


async def test_nothing_is_left(shaken: Scene) -> None:
    """After all that no run of any test is unsettled, and no row is due that nobody pays."""

    await cancel_all(shaken.stack)
    await all_settled(shaken.stack)
