"""PostgreSQL with the rows of the crowd, the crowd's server, and processes that do one duty each."""

import json
import os
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from bridge.store.migrate import migrate
from tests.bench.crowd import rows
from tests.bench.house import Counting
from tests.sandbox.postgres import create_database
from tests.sandbox.process import Child, became_true, scratch
from tests.sandbox.stack import PATIENCE, ROOT, toml

TOKEN = "a-token-of-the-crowd-that-is-long-enough"


@dataclass(slots=True)
class Crowded:
    """A crowd of `count` runs. `work` has a duty done by a process of its own."""

    directory: Path
    dsn: str
    postgres: Counting
    url: str
    http: aiohttp.ClientSession
    connection: asyncpg.Connection
    began: datetime
    count: int = 0

    async def grow(self, count: int) -> None:
        """Have so many runs in flight."""
        await rows.grow(self.connection, self.count, count, self.began)
        self.count = count

    async def work(self, duty: str, name: str = "bench", **settings: Any) -> dict[str, float]:
        """Do one duty: seconds of CPU, MiB before it and at the peak, and seconds of CPU that PostgreSQL spent."""
        config = self.directory / f"{name}.toml"
        config.write_text(toml(self._settings(settings)))
        config.chmod(0o600)
        env = {**os.environ, "BBB_CONFIG": str(config), "PYTHONPATH": str(ROOT)}
        return await self._ended(duty, [sys.executable, "-m", "tests.bench.crowd.work", duty, name], env)

    async def rival(self, name: str) -> dict[str, float]:
        """Have a rival do its turn."""
        command = [sys.executable, "-m", f"tests.bench.rivals.{name}", self.url, self.dsn]
        return await self._ended(name, command, {**os.environ, "PYTHONPATH": str(ROOT)})

    async def _ended(self, name: str, command: list[str], env: dict[str, str]) -> dict[str, float]:
        child = Child(command, env=env, log=self.directory / f"{name}-{time.monotonic_ns()}.log", account=None)
        if not await child.ended(900) or child.status:
            await child.kill()
            raise child.failure(f"{name} failed")
        return json.loads(child.log.splitlines()[-1])

    async def told(self) -> dict[str, Any]:
        """What the server was asked since the last time."""
        async with self.http.get(f"{self.url}/control/renewed") as answer:
            return await answer.json()

    def _settings(self, more: dict[str, Any]) -> dict[str, Any]:
        return {
            "worker_group": "buildbot",
            "taskcluster": {
                "root_url": self.url,
                "client_id": "bridge",
                "access_token": "k" * 24,
                "calls_per_second": 1000,
                **more,
            },
            "pulse": {"enabled": False},
            "database": {"dsn": self.dsn},
            "web": {"port": 0},
            "buildbots": {"main": {"url": self.url, "token": TOKEN, "calls_per_second": 1000}},
            "pools": {"demo": {"task_queue": "proj-demo/buildbot", "buildbot": "main", "builders": ["*"]}},
        }

    async def server_time(self, statement: str) -> float:
        """Seconds that PostgreSQL itself says it spent on statements that begin with these words, since the last reset."""
        query = "SELECT coalesce(sum(total_exec_time), 0) / 1000 FROM pg_stat_statements WHERE query LIKE $1"
        return float(await self.connection.fetchval(query, f"{statement}%"))


@asynccontextmanager
async def crowded() -> AsyncIterator[Crowded]:
    """A crowd of nobody yet."""
    began = datetime.now(UTC).replace(microsecond=0)
    with scratch("bench-crowd") as directory:
        async with Counting(directory / "postgres") as postgres, aiohttp.ClientSession() as http:
            dsn = await create_database(postgres.dsn(), "bridge")
            await migrate(dsn)
            connection = await asyncpg.connect(dsn)
            await connection.execute("CREATE EXTENSION pg_stat_statements")
            child = await _server(directory, began)
            try:
                url = re.search(r"http://[^\"]+", child.log)
                assert url is not None
                yield Crowded(directory, dsn, postgres, url[0], http, connection, began)
            finally:
                await child.kill()
                await connection.close()


async def _server(directory: Path, began: datetime) -> Child:
    command = [sys.executable, "-m", "tests.bench.crowd.server", str(int(began.timestamp()))]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = Child(command, env=env, log=directory / "server.log", account=None)
    if not await became_true(lambda: "url" in child.log or not child.alive, PATIENCE) or not child.alive:
        raise child.failure("the crowd's server did not start")
    return child
