"""The oldest Buildbot that the plugin works with: a run is built there, shows what it made, and has one request whatever happens."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bridge.buildbot.builds import BuildbotBuilds
from tests.integration.buildbot.run import Task
from tests.integration.buildbot.shows.conftest import CONFIG
from tests.integration.buildbot.shows.giving import contents, gave, step
from tests.sandbox.buildbot import BuildbotSandbox
from tests.sandbox.environment import BUILDBOT_OLDEST

NewTask = Callable[[], Task]


@pytest.fixture(scope="session")
async def master(tmp_path_factory: pytest.TempPathFactory, signs: Path) -> AsyncIterator[BuildbotSandbox]:
    config = f"SIGNS = {str(signs)!r}\n{CONFIG.read_text()}"
    place = tmp_path_factory.mktemp("oldest")
    async with BuildbotSandbox(place, master_config=config, environment=BUILDBOT_OLDEST) as sandbox:
        yield sandbox


async def test_it_is_the_oldest(master: BuildbotSandbox) -> None:
    (version,) = [each for each in BUILDBOT_OLDEST.lock.read_text().splitlines() if each.startswith("buildbot==")]
    assert f"Starting BuildMaster -- buildbot.version: {version.removeprefix('buildbot==').split()[0]}" in master.log


async def test_a_run_is_built_once_and_its_files_and_logs_are_read(task: NewTask, builds: BuildbotBuilds) -> None:
    run = task()
    build = await gave(run, script="echo hello > greeting.txt", source="greeting.txt")
    assert (await run.state()).results == 0
    assert await contents(builds, build) == {"public/build/greeting.txt": b"hello\n"}
    assert (await step(builds, build))[0].results == 0
    assert not (await run.submit("gives")).created


async def test_a_running_build_is_seen_and_cancelled(task: NewTask) -> None:
    run = task()
    await run.submit("slow")
    assert not (await run.building()).complete
    await run.buildbot.cancel(run.task_id, run.run_id, reason="a test")
    state = await run.completed()
    assert state.results == 6


async def test_a_killed_master_still_knows_whose_request_it_has(task: NewTask, master: BuildbotSandbox) -> None:
    run = task()
    for name in master.worker_names:
        await master.kill_worker(name)
    first = await run.submit("talk")
    await master.kill()
    await master.start()
    again = await asyncio.gather(*(run.submit("talk") for _ in range(5)))
    assert {(each.created, each.request_id) for each in again} == {(False, first.request_id)}
    for name in master.worker_names:
        await master.start_worker(name)
    assert (await run.completed()).results == 0
