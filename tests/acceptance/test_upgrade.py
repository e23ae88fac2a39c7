"""A rolling upgrade over a migration, with tasks on their way all the time (M-05, 16.3).

The old version is this project as it stands. The new one is a copy of it under a higher version, which brings one migration
more, of the kind that a next version brings: it only adds, and says since when it may be applied. In the end the new version is
rolled back, and what it wrote is served by the old one.
"""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from pathlib import Path

import pytest

from bridge.store.migrate import migrations
from tests.acceptance.conftest import PERIODS
from tests.acceptance.scene import Scene, all_settled, cancel_all
from tests.sandbox.postgres import create_database
from tests.sandbox.stack import ROOT, SERVICES, Stack

NEW = "99.0"
METADATA = f"Metadata-Version: 2.1\nName: buildbot-bridge\nVersion: {NEW}\n"
MIGRATION = """
ALTER TABLE runs ADD COLUMN note text;
ALTER TABLE runs DROP CONSTRAINT phase_known;
ALTER TABLE runs ADD CONSTRAINT phase_known CHECK (phase IN
    ('wanted', 'queued', 'building', 'reporting', 'refused', 'stopping', 'settled', 'paused'));
ALTER TABLE replicas ADD COLUMN region text NOT NULL DEFAULT 'here';
CREATE TABLE notes (id bigint PRIMARY KEY, note text NOT NULL);
CREATE INDEX runs_pool ON runs (pool) WHERE phase <> 'settled';
"""
PAUSE = """
UPDATE runs SET phase = 'paused', told_priority = NULL, due_at = now(), note = 'wait', version = version + 1
WHERE task_id = $1 RETURNING version
"""
RESUME = "UPDATE runs SET phase = 'queued', note = NULL, version = version + 1 WHERE phase = 'paused'"
PAUSE_BETWEEN = 0.6  # seconds between two tasks
AHEAD = 6  # tasks that may be under way
ENDS = {"success": "completed", "failure": "failed", "no-such-builder": "exception"}


def next_version(directory: Path) -> Path:
    """The project's packages with a migration more, under a higher version; where they are."""
    for package in ("bridge", "listeners", "reflector", "sql"):
        shutil.copytree(ROOT / package, directory / package, ignore=shutil.ignore_patterns("__pycache__"))
    newest = int(migrations()[-1].number)
    (directory / "sql" / "migrations" / f"{newest + 1:04}_next.since-{newest:04}.sql").write_text(MIGRATION)
    (directory / "bridge" / "master" / "VERSION").write_text(f"{NEW}\n")
    (directory / f"buildbot_bridge-{NEW}.dist-info").mkdir()
    (directory / f"buildbot_bridge-{NEW}.dist-info" / "METADATA").write_text(METADATA)
    return directory


@asynccontextmanager
async def own_database(stack: Stack) -> AsyncIterator[None]:
    """A database at the schema of the old version, while this lasts."""
    shared = stack.dsn
    stack.dsn = await create_database(stack.postgres.dsn(), "upgrade")
    stack.configure({})
    await stack.bbb("migrate")
    yield
    stack.dsn = shared
    stack.configure({})


@pytest.fixture
async def old(rough: Stack) -> AsyncIterator[Scene]:
    """The old version's services, on a database of their own."""
    await rough.stop_services()
    await rough.control("POST", "periods", **PERIODS)
    before = dict(rough.environment)
    rough.environment.clear()
    async with own_database(rough):
        await rough.start_services()
        yield Scene(rough)
        await cancel_all(rough)
        await rough.rows(RESUME)
        await all_settled(rough)
        await rough.stop_services()
    rough.environment.update(before)


async def test_m_05_old_and_new_side_by_side_lose_nothing(old: Scene, tmp_path: Path) -> None:
    """Migrated while the old version works, then replaced service by service, and rolled back the same way."""
    stack = old.stack
    new = {"PYTHONPATH": str(next_version(tmp_path))}
    running, queued = await old.running("gate", "gate"), await old.task("parked")
    await old.request(queued)
    async with _flow(old) as flow:
        stack.environment["bbb-migrate"] = new
        assert "_next.since-" in await stack.bbb("migrate")
        await _paused_by_a_newer_version(old)
        await _killed_and_started_again(stack, "reflector")
        await _replaced(stack, SERVICES[0], new)
        assert await old.metric("info", version=NEW) == 1
        await stack.queue.cancelTask(queued)
        await old.let(running[0], 2)
        await old.run(running[0], "failed")
        for service in SERVICES[1:]:
            await _replaced(stack, service, new)
        assert await old.metric("info", version=NEW) == len(stack.services)
        await flow.goes_on()
        for service in SERVICES:
            await _rolled_back(stack, service)
        assert await old.metric("info", version=NEW) == 0
        await old.let(running[1])
        await old.run(running[1], "completed")
        await flow.goes_on()
    await stack.rows(RESUME)
    await flow.ended()
    await old.over()
    assert {len((await stack.status(task))["runs"]) for task in old.tasks} == {1}


async def _killed_and_started_again(stack: Stack, service: str) -> None:
    """The old version, on the newer database: machines fail during an upgrade, too."""
    await stack.kill_service(service)
    await stack.start_services(service)


async def _replaced(stack: Stack, service: str, new: dict[str, str]) -> None:
    """The new one first, beside the old one."""
    stack.environment[f"{service}.new"] = new
    await stack.start_services(f"{service}.new")
    assert await stack.stop_service(service) == 0


async def _rolled_back(stack: Stack, service: str) -> None:
    """The old one again, beside the new one first, on the database of the new one."""
    await stack.start_services(service)
    assert await stack.stop_service(f"{service}.new") == 0


async def _paused_by_a_newer_version(scene: Scene) -> None:
    """A row in a phase that this version does not know: left alone, whatever is heard of its task, which is cancelled."""
    stack, task = scene.stack, await scene.task("parked")
    await scene.request(task)
    await scene.phase(task, "queued")
    (row,) = await stack.rows(PAUSE, task)
    await stack.control("POST", "messages/republish", taskId=task)
    await stack.queue.cancelTask(task)
    await stack.eventually(partial(_swept_since, scene, time.time()), "two sweeps")
    after = await scene.row(task)
    assert after is not None
    assert (after["phase"], after["version"]) == ("paused", row["version"])
    assert not (await scene.request(task))["complete"]
    assert "paused" in await stack.bbb("status")


async def _swept_since(scene: Scene, at: float) -> bool:
    calls = (await scene.stack.control("GET", "journal?api=queue.statuses"))["entries"]
    return len([call for call in calls if call["api"] == "queue.statuses" and call["unix"] > at]) >= 2


@dataclass
class Flow:
    """Tasks that come all the time, but no faster than they are done: where the machine is slow, they do not pile up."""

    scene: Scene
    tasks: dict[str, str] = field(default_factory=dict)

    async def run(self) -> None:
        """Make one after the other, without end."""
        for builder in cycle(ENDS):
            self.tasks[await self.scene.task(builder)] = builder
            if len(self.tasks) > AHEAD:
                before = list(self.tasks)[-AHEAD - 1]
                await self.scene.run(before, ENDS[self.tasks[before]], within=300)
            await asyncio.sleep(PAUSE_BETWEEN)

    async def goes_on(self) -> None:
        """Wait until tasks that are made from now on have ended."""
        last = await self.scene.task("success")
        await self.scene.run(last, "completed")

    async def ended(self) -> None:
        """All of them ended as they should."""
        for task, builder in self.tasks.items():
            await self.scene.run(task, ENDS[builder])


@asynccontextmanager
async def _flow(scene: Scene) -> AsyncIterator[Flow]:
    flow = Flow(scene)
    making = asyncio.create_task(flow.run())
    try:
        yield flow
        assert not making.done(), making
    finally:
        making.cancel()
        await asyncio.wait([making])
