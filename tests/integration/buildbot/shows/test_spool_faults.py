"""Whatever happens while files are on their way into the spool, each is listed whole or not at all."""

import os
import secrets
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from bridge.buildbot.builds import BuildbotBuilds
from bridge.core.request import BuildState
from tests.integration.buildbot.polling import until
from tests.integration.buildbot.run import Task
from tests.integration.buildbot.shows.giving import contents, gave, spool, spooled, step
from tests.sandbox.buildbot import BuildbotSandbox

NewTask = Callable[[], Task]
Configure = Callable[[str], Awaitable[None]]
# Of no blocks on the worker's disk, and long on its way.
HUGE = "truncate -s 8G huge"
DAY = 86_400


@pytest.fixture
async def configure(master: BuildbotSandbox) -> AsyncIterator[Configure]:
    """Reconfigures the master with some lines more, and puts it right again."""
    before = master.master_config
    assert before is not None

    async def with_lines(lines: str) -> None:
        assert await master.reconfig(f"{before}\n{lines}\n") == "complete"

    yield with_lines
    assert await master.reconfig(before) == "complete"


@pytest.fixture
async def _repaired(master: BuildbotSandbox) -> AsyncIterator[None]:
    yield
    for name in master.worker_names:
        await master.await_worker(name)


def huge_once(signs: Path) -> str:
    """A script whose first build makes a file that does not come to its end within a test."""
    sign = signs / secrets.token_hex(4)
    return f"echo small > huge; echo s > other; if mkdir {sign}; then {HUGE}; fi"


async def on_its_way(run: Task, master: BuildbotSandbox) -> BuildState:
    """The run's build, when some of its file is in the spool."""
    before = spooled(master)

    async def came() -> int:
        return spooled(master) - before

    await until(came, lambda size: size > 1 << 20)
    build = (await run.state()).newest
    assert build is not None
    return build


def files(master: BuildbotSandbox, build: BuildState) -> set[str]:
    return {each.name for each in (spool(master) / str(build.build_id)).glob("*")}


@pytest.mark.usefixtures("_repaired")
async def test_a_worker_that_dies_leaves_nothing_and_its_build_is_retried(
    task: NewTask, builds: BuildbotBuilds, master: BuildbotSandbox, signs: Path
) -> None:
    run = task()
    await run.submit("gives", script=huge_once(signs), source="*")
    first = await on_its_way(run, master)
    await master.kill_worker(first.worker)
    state = await run.completed()
    await master.start_worker(first.worker)
    assert [build.results for build in state.builds] == [5, 0]
    assert ((await step(builds, first))[0].results, await builds.outputs(first.build_id)) == (5, ())
    assert files(master, first) == set()
    assert set(await contents(builds, state.builds[1])) == {"public/build/huge", "public/build/other"}


@pytest.mark.usefixtures("_repaired")
async def test_a_master_that_is_killed_leaves_nothing_listed(
    task: NewTask, builds: BuildbotBuilds, master: BuildbotSandbox, signs: Path
) -> None:
    kept = await gave(task(), script="echo k > kept", source="kept")
    run = task()
    await run.submit("gives", script=huge_once(signs), source="*")
    first = await on_its_way(run, master)
    await master.kill()
    await master.start()
    assert await contents(builds, kept) == {"public/build/kept": b"k\n"}, "what was listed before is there"
    assert await builds.outputs(first.build_id) == ()
    state = await run.completed()
    assert [build.results for build in state.builds] == [5, 0]
    assert set(await contents(builds, state.builds[1])) == {"public/build/huge", "public/build/other"}
    await builds.release(first.build_id)
    assert files(master, first) == set()


async def test_a_build_that_a_person_stops_leaves_nothing(
    task: NewTask, builds: BuildbotBuilds, master: BuildbotSandbox, signs: Path
) -> None:
    run = task()
    await run.submit("gives", script=huge_once(signs), source="*")
    build = await on_its_way(run, master)
    await master.control(f"builds/{build.build_id}", "stop", reason="a person")
    assert (await run.completed()).results == 6
    assert await builds.outputs(build.build_id) == ()
    assert files(master, build) == set()


async def test_a_full_spool_fails_the_step_and_keeps_nothing_of_it(
    task: NewTask, builds: BuildbotBuilds, master: BuildbotSandbox, configure: Configure
) -> None:
    kept = await gave(task(), script="head -c 300000 /dev/zero > kept", source="kept")
    await configure(f"BRIDGE['spool_bytes'] = {spooled(master) + 1_000_000}")
    build = await gave(task(), script=f"echo a > a; {HUGE}", source="*")
    given, said = await step(builds, build)
    assert (given.results, build.results) == (2, 2)
    assert "the spool of the Buildbot master is full" in said
    assert (await builds.outputs(build.build_id), files(master, build)) == ((), set())
    fits = await gave(task(), script="head -c 900000 /dev/zero > fits", source="fits")
    assert set(await contents(builds, fits)) == {"public/build/fits"}
    last = await gave(task(), script="head -c 300000 /dev/zero > last", source="last")
    assert last.results == 2
    await builds.release(kept.build_id)
    again = await gave(task(), script="head -c 300000 /dev/zero > last", source="last")
    assert set(await contents(builds, again)) == {"public/build/last"}, "what was released is room again"


async def test_what_nobody_comes_for_is_removed_after_some_days(
    task: NewTask, builds: BuildbotBuilds, master: BuildbotSandbox, configure: Configure
) -> None:
    old, over, kept = [await gave(task(), script="echo 1 > one", source="one") for _ in range(3)]
    stray = spool(master) / "2147483647"
    stray.mkdir()
    (stray / "1").write_bytes(b"of a build that Buildbot has pruned")
    with sqlite3.connect(master.directory / "master" / "state.sqlite", timeout=30) as database:
        ids = (old.build_id, over.build_id)
        database.execute(f"UPDATE builds SET complete_at = complete_at - {10 * DAY} WHERE id IN (?, ?)", ids)
    database.close()
    for each in (old, kept):
        _touch(spool(master) / str(each.build_id))
    _touch(stray)
    await configure("BRIDGE['spool_days'] = 9")

    async def left() -> set[str]:
        return {each.name for each in spool(master).iterdir()}

    await until(left, lambda left: not {str(old.build_id), stray.name} & left)
    for each in (over, kept):
        assert set(await contents(builds, each)) == {"public/build/one"}, "young by its files, or by the end of its build"
    assert await builds.outputs(old.build_id) == ()


def _touch(path: Path) -> None:
    long_ago = time.time() - 10 * DAY
    os.utime(path, (long_ago, long_ago))
