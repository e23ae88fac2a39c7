"""What survives when the master stops, gracefully or not, and what the plugin says about it afterwards."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from bridge.buildbot.client import Buildbot
from bridge.buildbot.errors import Unavailable
from tests.integration.buildbot.polling import until
from tests.integration.buildbot.run import Task
from tests.sandbox.buildbot import BUILDERS, BuildbotSandbox

NewTask = Callable[[], Task]


@pytest.fixture(autouse=True)
async def _repaired(master: BuildbotSandbox) -> AsyncIterator[None]:
    yield
    for name in master.worker_names:
        await master.await_worker(name)


async def test_a_graceful_stop_is_told_from_a_persons_cancel_and_leaves_pending_requests_alone(
    task: NewTask, master: BuildbotSandbox
) -> None:
    running, stopping, beginning, waiting = task(), task(), task(), task()
    await running.submit("sleep")
    await stopping.submit("slow-to-stop")
    await beginning.submit("slow-to-begin")
    await waiting.submit("parked")
    await running.building()
    for each in (stopping, beginning):
        build = (await each.building()).newest
        assert build is not None
        await master.control(f"builds/{build.build_id}", "stop", reason="a person")

    await master.stop()
    await master.start()

    state = await running.state()
    assert (state.complete, state.results, state.master_shutdown) == (True, 6, True)
    assert [build.interrupted for build in state.builds] == ["master-shutdown"]
    data = (await master.rest(f"builds/{state.builds[0].build_id}/data"))["build_data"]
    assert [each["name"] for each in data] == ["taskcluster"], "the mark was written while the master went down"
    for each in (stopping, beginning):
        by_person = await each.state()
        assert (by_person.results, by_person.master_shutdown) == (6, False), "the person's stop came first"
    assert not (await waiting.state()).complete
    assert not (await waiting.submit("parked")).created
    assert not (await running.submit("sleep")).created, "the request is complete, and still the run's only one"


async def test_without_the_mark_the_log_of_the_interrupted_step_tells_the_same(
    task: NewTask, master: BuildbotSandbox
) -> None:
    run = task()
    await run.submit("sleep")
    await run.building()
    standard = BUILDERS.read_text()
    assert await master.reconfig(standard + "BRIDGE = None\n") == "complete"
    assert (await master.plugin("GET", "version"))[1]["error"]["code"] == "NotReady"
    await master.stop()
    master.master_config = standard
    await master.start()
    state = await run.state()
    assert state.master_shutdown
    assert (await master.rest(f"builds/{state.builds[0].build_id}/data"))["build_data"] == []


async def test_a_killed_master_builds_the_request_again_without_a_word(
    task: NewTask, master: BuildbotSandbox, buildbot: Buildbot
) -> None:
    running, waiting = task(), task()
    request = (await running.submit("sleep", seconds=1)).request_id
    await running.building()
    await waiting.submit("parked")
    before = await buildbot.states([])

    await master.kill()
    with pytest.raises(Unavailable):
        await buildbot.version()
    await master.start()

    assert (await buildbot.changes(before.epoch, before.seq, 0)).resync
    state = await until(running.state, lambda state: state.complete)
    assert state.request_id == request
    assert [build.results for build in state.builds] == [5, 0]
    assert not state.master_shutdown
    assert not (await waiting.state()).complete


async def test_submissions_around_a_killed_master_make_one_request(task: NewTask, master: BuildbotSandbox) -> None:
    runs = [task() for _ in range(5)]
    calls = [asyncio.ensure_future(run.submit("parked")) for run in runs * 4]
    await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
    await master.kill()
    early = await asyncio.gather(*calls, return_exceptions=True)
    await master.start()
    late = await asyncio.gather(*(run.submit("parked") for run in runs * 4))
    for run, answer in zip(runs * 4, early, strict=True):
        known = await run.submit("parked")
        assert isinstance(answer, Unavailable) or answer.request_id == known.request_id  # type: ignore[union-attr]
    assert len({answer.request_id for answer in late}) == 5
    buildsets = (await master.rest("buildsets?complete=0&field=external_idstring&field=complete"))["buildsets"]
    ours = [each["external_idstring"] for each in buildsets if each["external_idstring"] in {run.key for run in runs}]
    assert sorted(ours) == sorted(run.key for run in runs)
