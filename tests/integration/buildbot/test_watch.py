"""Following a master: soon, without gaps, and through everything that interrupts it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bridge.buildbot.client import Buildbot
from bridge.buildbot.watch import Batch, Changed, Listed, Trouble, watch
from tests.integration.buildbot.polling import until
from tests.integration.buildbot.run import Task
from tests.sandbox.buildbot import BuildbotSandbox

NewTask = Callable[[], Task]


class Reader:
    """Takes what a watch gives, in the background."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.troubles: list[Trouble] = []

    async def read(self, buildbot: Buildbot) -> None:
        async for batch in watch(buildbot, self.troubles.append):
            self.batches.append(batch)

    def told(self, request: int) -> list[str]:
        changed = (batch for batch in self.batches if isinstance(batch, Changed))
        return [change.event for batch in changed for change in batch.changes if change.request_id == request]

    @property
    def listings(self) -> list[str]:
        return [batch.because for batch in self.batches if isinstance(batch, Listed)]


@asynccontextmanager
async def reading(buildbot: Buildbot) -> AsyncIterator[Reader]:
    reader = Reader()
    task = asyncio.create_task(reader.read(buildbot))
    try:
        yield reader
    finally:
        task.cancel()
        await asyncio.wait([task])


async def seen(condition: Callable[[], bool]) -> None:
    async def read() -> bool:
        return condition()

    await until(read, bool)


async def test_all_events_of_a_build_are_told_in_their_order(task: NewTask, buildbot: Buildbot) -> None:
    async with reading(buildbot) as reader:
        await seen(lambda: reader.listings == ["first look"])
        request = (await task().submit("success")).request_id
        await seen(lambda: "request.completed" in reader.told(request))
    assert reader.told(request) == [
        "request.created", "request.claimed", "build.started", "build.finished", "request.completed",
    ]  # fmt: skip
    assert reader.troubles == []


async def test_a_change_is_told_as_soon_as_it_happens(task: NewTask, buildbot: Buildbot) -> None:
    async with reading(buildbot) as reader:
        await seen(lambda: bool(reader.listings))
        started = time.monotonic()
        request = (await task().submit("parked")).request_id
        await seen(lambda: bool(reader.told(request)))
    assert time.monotonic() - started < 2


async def test_a_retry_and_a_cancel_are_told(task: NewTask, buildbot: Buildbot) -> None:
    async with reading(buildbot) as reader:
        await seen(lambda: bool(reader.listings))
        retried = (await task().submit("retry-once")).request_id
        cancelled = task()
        parked = (await cancelled.submit("parked")).request_id
        await buildbot.cancel(cancelled.task_id, 0, "not wanted")
        await seen(lambda: "request.completed" in reader.told(retried) and "request.completed" in reader.told(parked))
    assert reader.told(retried).count("build.started") == 2
    assert "request.unclaimed" in reader.told(retried)
    assert reader.told(parked) == ["request.created", "request.completed"]


async def test_builds_of_others_are_not_told_and_do_not_end_the_wait(master: BuildbotSandbox, buildbot: Buildbot) -> None:
    here = await buildbot.states([])
    forced = await master.control("forceschedulers/force", "force", builderNames=["success"], reason="a person")
    (foreign,) = forced[1].values()

    async def foreign_is_complete() -> bool:
        return bool((await master.rest(f"buildrequests/{foreign}"))["buildrequests"][0]["complete"])

    await until(foreign_is_complete, bool)
    started = time.monotonic()
    news = await buildbot.changes(here.epoch, here.seq, 1)
    assert time.monotonic() - started >= 1
    assert news.changes == ()
    assert news.seq > here.seq, "the place moves on, so that they are passed over only once"


async def test_changes_of_another_master_process_ask_for_a_list(buildbot: Buildbot) -> None:
    here = await buildbot.states([])
    for epoch, after in [("another", here.seq), (None, 0), (here.epoch, here.seq + 1000)]:
        news = await buildbot.changes(epoch, after, 20)
        assert (news.resync, news.changes, news.epoch) == (True, (), here.epoch)
        assert news.seq >= here.seq


async def test_the_watch_survives_a_stop_and_a_crash_of_the_master(
    task: NewTask, buildbot: Buildbot, master: BuildbotSandbox
) -> None:
    async with reading(buildbot) as reader:
        await seen(lambda: bool(reader.listings))
        await master.stop()
        await master.start()
        await seen(lambda: len(reader.listings) == 2)
        await master.kill()
        await master.start()
        await seen(lambda: len(reader.listings) == 3)
        request = (await task().submit("parked")).request_id
        await seen(lambda: bool(reader.told(request)))
    assert reader.listings[1:] == ["the master was started anew"] * 2
    assert reader.troubles
    assert all(0 <= trouble.pause <= 15 for trouble in reader.troubles)
    for name in master.worker_names:
        await master.await_worker(name)


async def test_the_last_events_before_a_graceful_stop_are_told(
    task: NewTask, buildbot: Buildbot, master: BuildbotSandbox
) -> None:
    run = task()
    request = (await run.submit("sleep")).request_id
    await run.building()
    here = await buildbot.states([])
    waiting = asyncio.ensure_future(buildbot.changes(here.epoch, here.seq, 30))
    await master.stop()
    news = await waiting
    assert request in {change.request_id for change in news.changes}
    await master.start()
    for name in master.worker_names:
        await master.await_worker(name)
