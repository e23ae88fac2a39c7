"""A pool is added while the services run, and dropped while it still has runs; a contradiction is refused (M-05)."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from tests.acceptance.scene import Scene, cancel_all
from tests.sandbox.process import ServerDiedError
from tests.sandbox.stack import Stack, toml

POOL = {"task_queue": "proj-demo/more", "buildbot": "main", "builders": ["*"]}
SEEN = 60
"""Seconds; a process looks every 20 s at who serves what."""


@pytest.fixture
async def served(calm: Stack) -> AsyncIterator[Scene]:
    """Services that know of the one pool of always."""
    await calm.stop_services()
    calm.configure({})
    await calm.start_services()
    yield Scene(calm)
    await cancel_all(calm)


def _other(stack: Stack, name: str, settings: Mapping[str, Any]) -> str:
    """The name of a process that has settings of its own, and a client that may serve any queue."""
    path = stack.directory / f"{name}.toml"
    client = {"root_url": stack.root_url, "client_id": "admin", "access_token": stack.key}
    pulse = {"url": stack.rabbit.pulse_url, "queue_name": name}
    path.write_text(toml({**stack.settings(), "taskcluster": client, "pulse": pulse, **settings}))
    stack.environment[f"all.{name}"] = {"BBB_CONFIG": str(path)}
    return f"all.{name}"


async def test_m_05_one_that_means_something_else_by_a_pool_refuses_to_start(served: Scene) -> None:
    """It says which setting differs, and the others do not mind."""
    stack = served.stack
    settings = stack.settings()
    second = {"demo": {**settings["pools"]["demo"], "buildbot": "second"}}
    buildbots = {**settings["buildbots"], "second": settings["buildbots"]["main"]}
    name = _other(stack, "second", {"pools": second, "buildbots": buildbots})
    with pytest.raises(ServerDiedError, match="is not ready") as refused:
        await stack.start_services(name)
    child = stack.services.pop(name)
    assert await child.ended(20)
    assert child.status == 1
    assert "pools.demo.buildbot is second here and main there" in str(refused.value)
    await served.run(await served.task("success"), "completed")
    await served.over()


async def test_m_05_a_pool_comes_and_goes(served: Scene) -> None:
    """One process has it first; when nobody has it any more its runs are left, and everybody says so."""
    stack, pools = served.stack, {**served.stack.settings()["pools"], "more": POOL}
    wider = _other(stack, "wider", {"pools": pools})
    await stack.start_services(wider)
    await served.run(await served.task("success", taskQueueId=POOL["task_queue"]), "completed")
    await served.run(await served.task("success"), "completed")
    left = await served.task("parked", taskQueueId=POOL["task_queue"])
    await served.request(left)
    await served.phase(left, "queued")
    assert await stack.stop_service(wider) == 0
    await stack.queue.cancelTask(left)
    await stack.eventually(lambda: _unserved(served), "the services tell of the pool", SEEN)
    assert served.logged('"alarm"', "pool_unserved", "nobody serves pool more, which has 1 unsettled")
    assert "nobody serves pool more" in await stack.bbb("status")
    _, said = await stack.bbb_says("doctor")
    assert "pool more" in said
    assert not (await served.request(left))["complete"]
    await stack.start_services(wider)
    await served.over()
    assert "nobody serves" not in await stack.bbb("status")
    assert await stack.stop_service(wider) == 0


async def _unserved(scene: Scene) -> bool:
    """All three have seen it."""
    return await scene.metric("unserved_runs", pool="more") == len(scene.stack.services)
