"""The demo of compose.yaml, by its own commands and files, without an engine: what containers would run, runs here.

Names of containers become addresses of this machine; PostgreSQL and RabbitMQ are the tests' own. All else is as it is there.
"""

import asyncio
import os
import re
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from tests.integration.compose.composed import DEMO, DOCKER, command, services
from tests.sandbox.environment import BUILDBOT, ROOT, ensure_environment
from tests.sandbox.process import Child, became_true, free_port

PATIENCE = 90.0
# Seconds, on a quiet machine: 2 for the double, 4 for Buildbot, 3 for the services, 12 for the tasks.


class Demo:
    """Containers as processes."""

    def __init__(self, place: Path, dsn: str, amqp: str) -> None:
        self.place, self.keys = place, place / "keys"
        self.given = {"bridge/database-dsn": dsn, "bridge/pulse-url": amqp, "queue/amqp-url": amqp}
        self.children: dict[str, Child] = {}
        ports = {name: str(free_port()) for name in ("queue", "buildbot", "pb")}
        self.replaced = {
            "queue:8000": f"127.0.0.1:{ports['queue']}",
            "--port 8000": f"--port {ports['queue']}",
            "buildbot:8010": f"127.0.0.1:{ports['buildbot']}",
            "tcp:8010": f"tcp:{ports['buildbot']}",
            "tcp:9989": f"tcp:{ports['pb']}",
            '"buildbot", 9989': f'"127.0.0.1", {ports["pb"]}',
            "/run/keys": str(self.keys),
            "/etc/bridge/": f"{place}/demo/",
            "/demo/": f"{place}/demo/",
        }

    def local(self, text: str) -> str:
        """A text of the containers' as it is on this machine; in one go, for what is put in holds such places itself."""
        return re.sub("|".join(map(re.escape, self.replaced)), lambda found: self.replaced[found[0]], text)

    def prepare(self) -> None:
        """Lay the demo's files as the images hold them, with names of this machine."""
        (self.place / "demo").mkdir()
        for path in (DOCKER / "demo").iterdir():
            if path.is_file():
                (self.place / "demo" / path.name).write_text(self.local(path.read_text()))
        self.keys.mkdir()

    def run(self, name: str, *, programs: Path, extra: Mapping[str, str] | None = None) -> Child:
        """Start what the service's container would."""
        service = services(DEMO)[name]
        folder = self.place / name
        folder.mkdir()
        words = [self.local(word) for word in command(service)]
        if "entrypoint" not in service and service["image"] != "buildbot-bridge-demo-queue" and words[0] != "twistd":
            words = ["bbb", *words]
        inside = {key: self.local(value) for key, value in service.get("environment", {}).items()}
        path = f"{programs}:{os.environ['PATH']}"
        bare = {key: value for key, value in os.environ.items() if not key.startswith(("BBB_", "TASKCLUSTER_"))}
        env = {
            **bare,
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            **inside,
            "TMPDIR": str(folder),
            "PATH": path,
            **(extra or {}),
        }
        child = self.children[name] = Child(["env", *words], env=env, log=folder / "log", account=None, last="TERM")
        return child

    async def ended(self, name: str, child: Child) -> str:
        """Wait until it ends well; what it said."""
        if not await child.ended(PATIENCE) or child.status:
            raise child.failure(f"{name} did not end well")
        return child.log

    async def said(self, name: str, words: str) -> None:
        """Wait until it says so."""
        child = self.children[name]
        if not await became_true(lambda: words in child.log or not child.alive, PATIENCE) or words not in child.log:
            raise child.failure(f"{name} did not say {words}")

    async def close(self) -> None:
        await asyncio.gather(*(child.kill() for child in self.children.values()))


@pytest.fixture
async def demo(tmp_path: Path, empty_dsn: str, amqp_url: str) -> AsyncIterator[Demo]:
    made = Demo(tmp_path, empty_dsn, amqp_url)
    made.prepare()
    try:
        yield made
    finally:
        await made.close()


@pytest.mark.timeout(600)  # each of its steps has a limit of its own
async def test_up_brings_everything_up_and_its_tasks_to_their_ends(demo: Demo) -> None:
    own, masters = Path(sys.executable).parent, await asyncio.to_thread(ensure_environment, BUILDBOT) / "bin"
    # As the image: the working directory holds the demo's files, and there is no account to give them to.
    keys = Child(
        [sys.executable, demo.place / "demo" / "keys.py", demo.keys],
        env=dict(os.environ),
        log=demo.place / "keys.log",
        account=None,
    )
    await demo.ended("keys", keys)
    for name, text in demo.given.items():
        (demo.keys / name).chmod(0o600)
        (demo.keys / name).write_text(text)
    demo.run("queue", programs=own)
    demo.run("buildbot", programs=masters)
    assert "applied 0001" in await demo.ended("migrate", demo.run("migrate", programs=own))
    await demo.said("queue", "rootUrl")
    await demo.said("buildbot", "BuildMaster is running")
    demo.run("worker", programs=masters)
    # One machine has each port once, and the run's broker may hold a queue of that name.
    alone = {
        "BBB_WEB__PORT": "0",
        "BBB_STATUS__PORT": "0",
        "BBB_LIVE_LOG__PORT": "0",
        "BBB_PULSE__QUEUE_NAME": secrets.token_hex(8),
    }
    for name in ("taskcluster-listener", "buildbot-listener", "reflector", "web"):
        demo.run(name, programs=own, extra=alone)
    said = await demo.ended("tasks", demo.run("tasks", programs=own))
    for task in ("compile", "test", "flaky", "package"):
        assert re.search(rf"completed {task}\b", said), said
    doctor = Child(
        [own / "bbb", "doctor"],
        env={**os.environ, "BBB_CONFIG": str(demo.place / "demo" / "bridge.toml")},
        log=demo.place / "doctor.log",
        account=None,
    )
    found = await demo.ended("doctor", doctor)
    assert "more than the bridge needs" not in found
