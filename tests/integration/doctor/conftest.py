"""A house in which everything is right: each test spoils one thing. The servers are real, Taskcluster is the double."""

import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from bridge.doctor.examination import examine
from bridge.doctor.finding import Finding, Level
from tests.doubles.taskcluster.server import serving
from tests.doubles.taskcluster.settings import Settings as DoubleSettings
from tests.sandbox.buildbot import BuildbotSandbox
from tests.sandbox.stack import toml

MASTER = """
c['workers'] += [worker.LocalWorker('local'), worker.Worker('absent', 'x')]
c['builders'] = [
    util.BuilderConfig(name=name, workernames=[who], factory=util.BuildFactory())
    for name, who in (('linux64-opt', 'local'), ('linux64-asan', 'local'), ('idle', 'absent'))
]
c['schedulers'] = [schedulers.ForceScheduler(name='by-hand', builderNames=[b.name for b in c['builders']])]
"""
NEEDED = [
    "queue:claim-task:proj-example/linux",
    "queue:worker-id:buildbot/*",
    "queue:pending-list:proj-example/linux",
    "queue:status:*",
    "queue:get-task:*",
    "auth:expand-scopes",
    "queue:cancel-task:scheduler/*",
]
KEY = "canary-key-of-the-client"


@dataclass(slots=True)
class House:
    """Where everything is, and the settings that name it."""

    directory: Path
    settings: dict[str, Any]
    root_url: str
    dsn: str

    def write(self, changes: Mapping[str, Any]) -> Path:
        """The settings file, with changes by dotted names; None takes a setting out."""
        for name, value in changes.items():
            table: dict[str, Any] = self.settings
            *path, last = name.split(".")
            for part in path:
                table = table.setdefault(part, {})
            if value is None:
                del table[last]
            else:
                table[last] = value
        path_of_file = self.directory / "bridge.toml"
        path_of_file.write_text(toml(self.settings))
        return path_of_file

    async def examined(self, **changes: Any) -> dict[str, list[Finding]]:
        """What the doctor finds, by subject; a dot in the name of a setting is written as two underscores."""
        found = await examine(self.write({name.replace("__", "."): value for name, value in changes.items()}))
        said = "\n".join(f"{each.found} {each.remedy}" for each in found)
        assert "canary" not in said, said
        by: dict[str, list[Finding]] = {}
        for finding in found:
            by.setdefault(finding.subject, []).append(finding)
        return by


def wrong(found: dict[str, list[Finding]]) -> dict[str, str]:
    """What is not ok, by subject: level, words and remedy in one text."""
    return {
        subject: "; ".join(f"{each.level.value}: {each.found} → {each.remedy}" for each in bad)
        for subject, findings in found.items()
        if (bad := [each for each in findings if each.level is not Level.OK])
    }


@pytest.fixture(scope="session")
async def master(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BuildbotSandbox]:
    async with BuildbotSandbox(tmp_path_factory.mktemp("doctor"), master_config=MASTER, workers=0) as sandbox:
        yield sandbox


@pytest.fixture
async def role(postgres_dsn: str) -> AsyncIterator[str]:
    """The database's address for a role that is nobody special, with the rights that the bridge needs."""
    name = f"plain_{secrets.token_hex(4)}"
    connection = await asyncpg.connect(postgres_dsn)
    await connection.execute(f"CREATE ROLE {name} LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO {name}")
    where = urlsplit(postgres_dsn)
    yield urlunsplit(where._replace(netloc=f"{name}:canary-database@{where.hostname}:{where.port}"))
    await connection.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")
    await connection.close()


@pytest.fixture
async def scopes() -> list[str]:
    """What the client holds; a test changes it before the house is opened."""
    return list(NEEDED)


@pytest.fixture
async def house(
    tmp_path: Path, amqp_url: str, pulse_url: str, role: str, master: BuildbotSandbox, scopes: list[str]
) -> AsyncIterator[House]:
    known = DoubleSettings.of({"clients": {"bridge": {"accessToken": KEY, "scopes": scopes}}})
    async with serving(known, amqp_url) as server:
        settings = {
            "worker_group": "buildbot",
            "taskcluster": {"root_url": server.root_url, "client_id": "bridge", "access_token": KEY},
            "pulse": {"url": pulse_url, "queue_name": f"doctor-{secrets.token_hex(4)}"},
            "database": {"dsn": role},
            "buildbots": {"main": {"url": master.url, "token": master.token}},
            "pools": {"linux": {"task_queue": "proj-example/linux", "buildbot": "main", "builders": ["linux64-*"]}},
        }
        yield House(tmp_path, settings, server.root_url, role)
