"""Two bridges, each with a database and a task queue of its own, on one Taskcluster and one Buildbot (A-10)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from tests.acceptance.scene import Scene, cancel_all
from tests.sandbox.postgres import create_database
from tests.sandbox.stack import Stack, toml

OTHER_QUEUE, OTHER_GROUP = "proj-demo/neighbour", "neighbour"
SWEEP = "/requests"
"""The plugin's list of all requests with keys of any bridge, which the sweep for strangers reads."""


@dataclass
class Neighbour:
    """The second bridge, all in one process; it leaves builder `parked` alone."""

    stack: Stack
    dsn: str

    async def held(self, task: str) -> str | None:
        """What its row of a task waits for."""
        connection = await asyncpg.connect(self.dsn)
        try:
            return await connection.fetchval("SELECT held FROM runs WHERE task_id = $1", task)
        finally:
            await connection.close()

    async def knows(self, *tasks: str) -> int:
        """How many of these tasks have rows in its database."""
        connection = await asyncpg.connect(self.dsn)
        try:
            return await connection.fetchval("SELECT count(*) FROM runs WHERE task_id = ANY ($1::text[])", list(tasks))
        finally:
            await connection.close()


@pytest.fixture
async def neighbour(calm: Stack) -> AsyncIterator[Neighbour]:
    await calm.stop_services()
    calm.configure({})
    await calm.start_services()
    dsn = await create_database(calm.postgres.dsn(), "neighbour")
    settings = calm.directory / "neighbour.toml"
    settings.write_text(toml(_settings(calm, dsn)))
    for name in ("all.neighbour", "bbb-migrate"):
        calm.environment[name] = {"BBB_CONFIG": str(settings)}
    await calm.bbb("migrate")
    del calm.environment["bbb-migrate"]
    await calm.start_services("all.neighbour")
    yield Neighbour(calm, dsn)
    await cancel_all(calm)
    await calm.stop_service("all.neighbour")


def _settings(stack: Stack, dsn: str) -> dict[str, Any]:
    pool = {"task_queue": OTHER_QUEUE, "buildbot": "main", "builders": ["*"], "left_alone": ["parked"]}
    return {
        **stack.settings(),
        "worker_group": OTHER_GROUP,
        "taskcluster": {"root_url": stack.root_url, "client_id": "admin", "access_token": stack.key},
        "pulse": {"url": stack.rabbit.pulse_url, "queue_name": "neighbour"},
        "database": {"dsn": dsn},
        "pools": {"neighbour": pool},
    }


async def test_a_10_neither_touches_what_is_the_others(neighbour: Neighbour, scene: Scene) -> None:
    """Both see all requests in Buildbot, open and complete; what is left alone by one stays pending, with the reason."""
    stack, theirs = scene.stack, Scene(scene.stack)
    (ours,), queued = await scene.running("gate"), await scene.task("parked")
    (running,) = await theirs.running("gate", taskQueueId=OTHER_QUEUE)
    alone = await theirs.task("parked", taskQueueId=OTHER_QUEUE)
    await scene.request(queued)
    await stack.eventually(lambda: neighbour.held(alone), "the neighbour's run is left alone")
    await _sweeps(stack)
    assert not (await scene.request(queued))["complete"]
    assert await theirs.requests(alone) == []
    assert [(await stack.status(task))["state"] for task in (ours, running, queued, alone)] == [
        *("running", "running", "pending", "pending")
    ]
    assert (await theirs.run(running, "running"))["workerGroup"] == OTHER_GROUP
    assert "left alone" in str(await neighbour.held(alone))
    await scene.let(ours)
    await theirs.let(running, 2)
    await stack.queue.cancelTask(queued)
    await scene.run(ours, "completed")
    await theirs.run(running, "failed")
    await scene.over()
    assert await neighbour.knows(ours, queued) == 0
    assert [await scene.row(task) for task in theirs.tasks] == [None, None]


async def _sweeps(stack: Stack) -> None:
    """Both look for strangers, for all that is there now, twice."""
    before = _swept(stack)

    async def swept() -> bool:
        return _swept(stack) >= before + 5  # of five, each has made two: their period is the same

    await stack.eventually(swept, "both bridges have looked for strangers twice")


def _swept(stack: Stack) -> int:
    return len([call for call in stack.proxy.calls if call.path.endswith(SWEEP) and call.status == 200])
