"""The servers that are measured against, and the services that are measured, each a process of its own."""

import asyncio
import json
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import asyncpg
import slugid

from tests.bench import meter
from tests.sandbox.postgres import PrivatePostgres, create_database
from tests.sandbox.process import Child, became_true, scratch
from tests.sandbox.stack import PATIENCE, QUEUE, Plan, Stack

AT_ONCE = 16
DEFAULTS: Mapping[str, Any] = {
    "taskcluster": {"calls_per_second": 1000},
    "buildbots": {"main": {"calls_per_second": 1000}},
}
"""The services as they are by default, but for the rates that keep them from loading others: load is wanted here."""
PERIODS = {"pollSeconds": 1, "claimSeconds": 1200, "deadlineDelaySeconds": 60}
BUILDER = "ledger"


class Counting(PrivatePostgres):
    """A server that counts statements."""

    def _settings(self) -> list[str]:
        return [
            *super()._settings(),
            "-c",
            "shared_preload_libraries=pg_stat_statements",
            "-c",
            "pg_stat_statements.max=1000",
        ]


class LedgerProcess:
    """The ledger, where a stack has a Buildbot: address, token, process."""

    def __init__(self, child: Child, token: str) -> None:
        self.child, self.token = child, token
        self.url = ""

    @property
    def pid(self) -> int:
        return self.child.pid

    async def start(self) -> None:
        """Returns when it serves."""
        if (
            not await became_true(lambda: '"url"' in self.child.log or not self.child.alive, PATIENCE)
            or not self.child.alive
        ):
            raise self.child.failure("the ledger did not start")
        self.url = json.loads(self.child.log.splitlines()[0])["url"]

    async def says(self, http: aiohttp.ClientSession, path: str) -> Any:
        """Look through one of its windows."""
        async with http.get(f"{self.url}/control/{path}") as answer:
            return await answer.json()

    async def tell(self, http: aiohttp.ClientSession, **what: Any) -> None:
        """Turn its switches: see `tests.bench.ledger.server.Ledger.set`."""
        async with http.post(f"{self.url}/control/set", json=what) as answer:
            assert answer.status == 200, await answer.text()


class House(Stack):
    """A stack with the ledger for Buildbot and a PostgreSQL that counts. `tasks_of` makes tasks of any task queue."""

    ledger: LedgerProcess
    _ledger_of_rival: LedgerProcess

    async def _postgres_and_buildbot(self) -> None:
        self.postgres = Counting(self.directory / "postgres")
        await self._exits.enter_async_context(self.postgres)
        self.dsn = await create_database(self.postgres.dsn(), "bridge")
        self.rivals: list[Child] = []
        self.ledger = await self._ledger()
        self.buildbot = self.ledger  # type: ignore[assignment]  # what a stack's settings ask of a Buildbot, it has
        await self._exits.enter_async_context(self.proxy)
        self._say("PostgreSQL, and a ledger for Buildbot")

    async def _ledger(self) -> LedgerProcess:
        token = secrets.token_urlsafe(24)
        child = self._python(f"ledger-{token[:6]}", [sys.executable, "-m", "tests.bench.ledger", token])
        self._exits.push_async_callback(child.kill)
        ledger = LedgerProcess(child, token)
        await ledger.start()
        return ledger

    def scopes(self) -> list[str]:
        return ["*"]  # the rivals call with the same client, for task queues of their own

    async def ledger_says(self, path: str = "counters") -> Any:
        return await self.ledger.says(self.http, path)

    async def rival_says(self, path: str) -> Any:
        """What the ledger of the newest rival says."""
        return await self._ledger_of_rival.says(self.http, path)

    async def tell_ledger(self, **what: Any) -> None:
        await self.ledger.tell(self.http, **what)

    async def tasks_of(self, queue: str, count: int) -> list[str]:
        """Create tasks, some at once."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one() -> str:
            task = slugid.nice()
            async with gate:
                await self.queue.createTask(task, {**self.definition(BUILDER), "taskQueueId": queue})
            return task

        return await asyncio.gather(*(one() for _ in range(count)))

    async def tasks(self, count: int) -> list[str]:
        """Create tasks for the bridge."""
        return await self.tasks_of(QUEUE, count)

    async def until_rows(self, count: int, condition: str, within: float = 600) -> None:
        """Wait until so many rows fulfil a condition."""
        connection = await asyncpg.connect(self.dsn)
        try:
            query = f"SELECT count(*) FROM runs WHERE {condition}"

            async def there() -> bool:
                return await connection.fetchval(query) >= count

            await self.eventually(there, f"{count} rows {condition}", within)
        finally:
            await connection.close()

    async def until_completed(self, count: int, before: int = 0, within: float = 600) -> None:
        """Wait until the queue was told so many more verdicts than `before`."""

        async def there() -> bool:
            for rival in self.rivals:
                if not rival.alive:
                    raise rival.failure("a rival ended")
            return await self.completed() - before >= count

        await self.eventually(there, f"{count} verdicts", within)

    async def completed(self) -> int:
        return int((await self.control("GET", "counters"))["calls"].get("queue.reportCompleted", 0))

    async def nothing_unsettled(self) -> bool:
        return int((await self.rows("SELECT count(*) FROM runs WHERE phase <> 'settled'"))[0][0]) == 0

    def service_pids(self) -> list[int]:
        return [child.pid for child in self.services.values()]

    def cpu(self) -> float:
        """Seconds of CPU of all services."""
        return meter.cpu(self.service_pids())

    async def rival(self, name: str, *arguments: str, seconds: float | None = None) -> Child:
        """Start a rival with a ledger of its own, whose builds last `seconds`; returns when it is ready. It ends with the house."""
        ledger = self._ledger_of_rival = await self._ledger()
        await ledger.tell(self.http, seconds=seconds)
        path = self.directory / f"servers-{len(self.rivals)}.json"
        servers = {"root_url": self.root_url, "key": self.key, "amqp": self.rabbit.pulse_url, "buildbot": ledger.url}
        path.write_text(json.dumps(servers | {"token": ledger.token, "dsn": self.dsn}))
        child = self._python(
            f"{name}-{len(self.rivals)}", [sys.executable, "-m", f"tests.bench.rivals.{name}", str(path), *arguments]
        )
        self._exits.push_async_callback(child.kill)
        self.rivals.append(child)
        if not await became_true(lambda: "ready" in child.log or not child.alive, PATIENCE) or not child.alive:
            raise child.failure(f"{name} did not start")
        return child


@asynccontextmanager
async def opened(purpose: str, settings: Mapping[str, Any] | None = None, *, services: bool = True) -> AsyncIterator[House]:
    """A house whose services run, if they shall."""
    with scratch(f"bench-{purpose}") as directory:
        async with House(directory, Plan(periods=PERIODS, settings={**DEFAULTS, **(settings or {})})) as house:
            if services:
                await house.start_services()
            yield house
