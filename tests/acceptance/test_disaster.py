"""Databases that are lost, restored from an old backup, or rolled back, while builds run (F-07, M-02, L9)."""

import contextlib
import shutil
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import PERIODS, SWEEPS
from tests.acceptance.scene import Scene, all_settled, cancel_all
from tests.sandbox import postgres
from tests.sandbox.stack import Stack

SWEPT = SWEEPS["strangers_interval"] + 10.0
"""Seconds for one full sweep, with some for a machine that has other things to do."""


@pytest.fixture
async def struck(rough: Stack) -> AsyncIterator[Scene]:
    """A scene on the stack whose servers are harmed; all services run, and none may crash."""
    await rough.control("POST", "periods", **PERIODS)
    await rough.start_services()
    yield Scene(rough)
    await cancel_all(rough)
    await all_settled(rough)
    assert all(child.alive for child in rough.services.values())


async def drop(stack: Stack) -> None:
    await postgres.drop_database(stack.postgres.dsn(), "bridge")


async def made_anew(stack: Stack) -> None:
    await postgres.create_database(stack.postgres.dsn(), "bridge")
    await stack.bbb("migrate")


async def rows_are_there(scene: Scene, *tasks: str, within: float) -> None:
    """Wait until each of these tasks has a row."""

    async def there() -> bool:
        with contextlib.suppress(OSError):
            found = await scene.stack.rows("SELECT DISTINCT task_id FROM runs WHERE task_id = ANY ($1::text[])", list(tasks))
            return len(found) == len(tasks)
        return False

    await scene.stack.eventually(there, "rows for all tasks", within)


@pytest.mark.parametrize("services", ["killed", "running"])
async def test_f_07_database_dropped_while_builds_run(struck: Scene, services: str) -> None:
    """Within one sweep the rows are there again, from what both sides know; nothing is built twice, nothing is stopped."""
    stack = struck.stack
    running, failing, unwanted = await struck.running("gate", "gate", "gate")
    waiting, left = await struck.task("parked"), await struck.task("parked")
    for task in (waiting, left):
        await struck.request(task)
    processes = list(stack.services.values())
    if services == "killed":
        for name in list(stack.services):
            await stack.kill_service(name)
    await drop(stack)
    await struck.let(failing, 2)
    await struck.request(failing, complete=True)
    await stack.queue.cancelTask(unwanted)
    await stack.queue.cancelTask(left)
    new, refused = await struck.task("success"), await struck.task("no-such-builder")
    await made_anew(stack)
    await stack.start_services()
    await rows_are_there(struck, running, failing, unwanted, waiting, left, new, refused, within=SWEPT)
    await struck.run(new, "completed")
    await struck.run(failing, "failed")
    assert (await struck.run(refused, "exception"))["reasonResolved"] == "malformed-payload"
    for task in (unwanted, left):
        assert (await struck.request(task, complete=True))["results"] == 6
    assert not (await struck.request(waiting))["complete"]
    assert (await stack.status(running))["state"] == "running"
    await struck.let(running)
    await struck.run(running, "completed")
    await stack.queue.cancelTask(waiting)
    assert {len((await stack.status(task))["runs"]) for task in struck.tasks} == {1}
    assert services == "killed" or all(child.alive for child in processes)
    await struck.over()


async def test_tables_that_are_missing_for_a_while_harm_nobody(struck: Scene) -> None:
    """The services say what is missing and what to do, wait for it with the claims that they keep, and go on."""
    stack = struck.stack
    (running,) = await struck.running("gate")
    before = len(struck.logged("bbb migrate"))
    await drop(stack)
    await postgres.create_database(stack.postgres.dsn(), "bridge")

    async def said() -> bool:
        return len(struck.logged("bbb migrate")) > before

    await stack.eventually(said, "the services tell of the missing tables")
    created = await struck.task("success")
    assert await struck.requests(created) == []
    await stack.bbb("migrate")
    await struck.run(created, "completed")
    await struck.let(running)
    await struck.run(running, "completed")
    assert len((await stack.status(running))["runs"]) == 1
    await struck.over()


async def test_an_old_backup_is_restored(struck: Scene) -> None:
    """Rows of long ago claim what is no longer so, and later runs have none: both sides say how it is."""
    stack = struck.stack
    over, going_on, cancelled, rerun = await struck.running("gate", "gate", "gate", "gate")
    started = await struck.task("single")
    await struck.run(started, "running")
    next_one = await struck.task("single")
    await struck.request(next_one)
    await stack.eventually(lambda: _phase(struck, next_one, "queued"), "the row is queued")
    archive = await _dumped(stack)

    await struck.let(over)
    await struck.run(over, "completed")
    await struck.let(rerun, 2)
    await struck.run(rerun, "failed")
    await stack.queue.rerunTask(rerun)
    await struck.run(rerun, "running", 1)
    await stack.queue.cancelTask(cancelled)
    assert (await struck.request(cancelled, complete=True))["results"] == 6
    await struck.let(started)
    await struck.run(next_one, "running")
    (later,) = await struck.running("gate")

    for name in list(stack.services):
        await stack.kill_service(name)
    await _restored(stack, archive)
    await stack.start_services()
    await rows_are_there(struck, later, within=SWEPT)
    for task, run in ((going_on, 0), (next_one, 0), (rerun, 1), (later, 0)):
        assert (await stack.status(task))["runs"][run]["state"] == "running"
        assert not (await struck.request(task, run))["complete"]
        await struck.let(task, run=run)
        await struck.run(task, "completed", run)
    await struck.over()
    resolved = {task: [run["reasonResolved"] for run in (await stack.status(task))["runs"]] for task in struck.tasks}
    assert resolved[rerun] == ["failed", "completed"]
    assert resolved[cancelled] == ["canceled"]
    assert {tuple(ends) for task, ends in resolved.items() if task not in (rerun, cancelled)} == {("completed",)}


async def _phase(scene: Scene, task: str, phase: str) -> bool:
    row = await scene.row(task)
    return row is not None and row["phase"] == phase


async def _dumped(stack: Stack) -> Path:
    archive = stack.directory / f"backup-{time.monotonic_ns()}"
    _program("pg_dump", "--format=custom", f"--file={archive}", stack.dsn)
    return archive


async def _restored(stack: Stack, archive: Path) -> None:
    await drop(stack)
    await postgres.create_database(stack.postgres.dsn(), "bridge")
    _program("pg_restore", "--exit-on-error", f"--dbname={stack.dsn}", str(archive))


def _program(name: str, *arguments: str) -> None:
    done = subprocess.run([postgres.program(name), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{name}: {done.stderr}"


async def test_buildbots_database_is_rolled_back(struck: Scene) -> None:
    """Numbers of requests come a second time, for other requests: nothing of those is claimed, reported or stopped for a run.

    A run whose request is lost so stays as it is until that is certain, which takes ten minutes; a person may cancel it.
    The new holder of the number is served all the same.
    """
    stack, tables = struck.stack, struck.stack.buildbot.directory / "master" / "state.sqlite"
    await stack.buildbot.stop()
    shutil.copy(tables, tables.with_name("old.sqlite"))
    await stack.buildbot.start()
    lost = await struck.task("parked", task_id="zzzzzzzzQzCzzzzzzzzzzg")
    number = (await struck.request(lost))["buildrequestid"]
    await struck.phase(lost, "queued")

    await stack.buildbot.kill()
    shutil.copy(tables.with_name("old.sqlite"), tables)
    await stack.buildbot.start()
    (other,) = await struck.running("gate")
    reused: dict[str, Any] = await struck.request(other)
    assert reused["buildrequestid"] == number
    assert [len(await struck.calls(lost, api)) for api in ("queue.claimTask", "queue.reportException")] == [0, 0]
    assert (await stack.status(lost))["state"] == "pending"

    await stack.queue.cancelTask(lost)
    await struck.phase(lost, "settled")
    assert not (await struck.request(other))["complete"]
    await struck.let(other)
    await struck.run(other, "completed")
    struck.tasks.remove(lost)
    await struck.over()
