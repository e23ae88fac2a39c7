"""The services as the image has them: a root that cannot be written to, an account without rights, process 1 of a container."""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.acceptance.conftest import PERIODS
from tests.acceptance.scene import Scene, cancel_all
from tests.acceptance.test_upgrade import Flow
from tests.release import engine
from tests.sandbox.process import became_true
from tests.sandbox.stack import SERVICES, Stack

ACCOUNT = 10001
GRACE = 11.0
"""Seconds from SIGTERM to the end, at most."""
REPLICAS = (*SERVICES, *(f"{service}.2" for service in SERVICES))
LABEL = f"bridge.test={os.getpid()}"
pytestmark = pytest.mark.timeout(900)  # the first test may wait for the image to be built


def contained(stack: Stack, image: str) -> tuple[str, ...]:
    """`bbb` in a container that sees the stack's settings and secrets, and its network."""
    secrets = sorted(stack.directory.glob("secret-*"))
    for path in secrets:
        os.chown(path, ACCOUNT, ACCOUNT)
    mounts = [f"--volume={path}:{path}:ro" for path in secrets]
    settings = f"--volume={stack.config}:/etc/bridge/bridge.toml:ro"
    return (*engine.RUN, "--network=host", f"--label={LABEL}", settings, *mounts, image)


@pytest.fixture(scope="module")
def _no_container_stays() -> Iterator[None]:
    """Whatever happens to those who started them."""
    yield
    if left := engine.podman("ps", "--all", "--quiet", f"--filter=label={LABEL}").split():
        engine.podman("rm", "--force", "--time=0", *left)


@pytest.fixture
async def scene(rough: Stack, image: str, _no_container_stays: None) -> AsyncIterator[Scene]:
    """Two replicas of each service, all in containers."""
    await rough.stop_services()
    await rough.control("POST", "periods", **PERIODS)
    as_processes, rough.command = rough.command, contained(rough, image)
    try:
        await rough.start_services(*REPLICAS)
        yield Scene(rough)
        await cancel_all(rough)
        await rough.stop_services()
    finally:
        rough.command = as_processes


async def test_a_rolling_restart_of_all_replicas_under_a_stream_of_tasks_loses_nothing(scene: Scene) -> None:
    """One after the other gets SIGTERM, ends in good order and is started anew; runs and builds are used up by nobody."""
    running = await scene.running("gate", "gate")
    async with asyncio.TaskGroup() as group:
        stream = group.create_task((flow := Flow(scene)).run())
        took = [await _restarted(scene.stack, name) for name in REPLICAS]
        await flow.goes_on()
        stream.cancel()
    for task in running:
        await scene.let(task)
        await scene.run(task, "completed")
    await flow.ended()
    await scene.over()
    assert max(took) < GRACE
    assert len(flow.tasks) > len(REPLICAS)
    assert {len((await scene.stack.status(task))["runs"]) for task in scene.tasks} == {1}


async def _restarted(stack: Stack, name: str) -> float:
    """Seconds from SIGTERM to the end."""
    began = time.monotonic()
    assert await stack.stop_service(name) == 0
    took = time.monotonic() - began
    await stack.start_services(name)
    return took


async def test_every_command_ends_when_it_is_told_to_as_process_1_too(image: str, _no_container_stays: None) -> None:
    """Nothing answers a `bbb migrate`, which would wait for a minute; the kernel ends no process 1 by SIGTERM."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        child = await _migrating(image, silent.getsockname()[1])
        connection, _ = await asyncio.to_thread(silent.accept)
        with connection:
            began = time.monotonic()
            child.terminate()
            assert await asyncio.wait_for(child.wait(), 20) == 128 + 15
            assert time.monotonic() - began < GRACE
    assert await became_true(lambda: not engine.podman("ps", "--quiet", f"--filter=label={LABEL}").strip(), 10)


async def _migrating(image: str, port: int) -> asyncio.subprocess.Process:
    settings = {
        "BBB_CONFIG": "",
        "BBB_WORKER_GROUP": "g",
        "BBB_TASKCLUSTER__ROOT_URL": "https://tc.example.org",
        "BBB_TASKCLUSTER__CLIENT_ID": "c",
        "BBB_TASKCLUSTER__ACCESS_TOKEN": "t",
        "BBB_PULSE__ENABLED": "false",
        "BBB_DATABASE__DSN": f"postgresql://b@127.0.0.1:{port}/b",
        "BBB_BUILDBOTS": '{"main": {"url": "https://b.example.org", "token": "0123456789abcdef"}}',
        "BBB_POOLS": '{"p": {"task_queue": "p/q", "buildbot": "main", "builders": ["*"]}}',
    }
    given = [f"--env={name}={value}" for name, value in settings.items()]
    return await asyncio.create_subprocess_exec(*engine.RUN, "--network=host", f"--label={LABEL}", *given, image, "migrate")
