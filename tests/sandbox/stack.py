"""Everything at once: PostgreSQL, RabbitMQ, the queue double, Buildbot, and the services as processes of their own."""

import asyncio
import contextlib
import json
import os
import re
import secrets
import signal
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import slugid
import taskcluster.aio

from tests.sandbox.buildbot import BuildbotSandbox
from tests.sandbox.postgres import PrivatePostgres
from tests.sandbox.process import Child, became_true
from tests.sandbox.proxy import Proxy
from tests.sandbox.rabbitmq import PrivateRabbit

QUEUE = "proj-demo/buildbot"
GROUP = "buildbot"
NATIVE = "native"
"""Client and worker group of the worker for tasks that are no bridged ones, where a stack has one."""
SERVICES = ("taskcluster-listener", "buildbot-listener", "reflector")
ROOT = Path(__file__).parents[2]
REQUESTS = """
SELECT r.id AS buildrequestid, s.external_idstring AS key, s.id AS buildsetid, s.reason, r.priority, r.submitted_at,
    r.complete, r.complete_at, r.results
FROM buildrequests r JOIN buildsets s ON s.id = r.buildsetid
WHERE s.external_idstring IS NOT NULL AND s.rebuilt_buildid IS NULL ORDER BY r.id
"""
BUILDS = "SELECT id AS buildid, number, buildrequestid, started_at, complete_at, results FROM builds ORDER BY id"
PATIENCE = 60.0
POLL = 0.1
Say = Callable[[str], None]
"""Hears what is ready, as soon as it is."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a stack is laid out. `periods` are the double's; `settings` is merged over the services' settings.

    `proxied`: the services reach Buildbot through `Stack.proxy`.
    """

    master_config: str | None = None
    workers: int = 2
    buildbot_on_postgres: bool = False
    durable: bool = False
    proxied: bool = False
    periods: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


class Stack:
    """The whole house in one directory. Servers and services can be stopped, killed and started again one by one."""

    def __init__(self, directory: Path, plan: Plan | None = None, say: Say = lambda _: None) -> None:
        self.directory = directory
        self._say = say
        self.plan = plan or Plan()
        self.postgres = PrivatePostgres(directory / "postgres", durable=self.plan.durable)
        self.rabbit = PrivateRabbit(directory / "rabbit")
        self.services: dict[str, Child] = {}
        self.command: Sequence[str] = (sys.executable, "-m", "bridge.cli")
        """What `bbb` is here, from the next start on."""
        self.environment: dict[str, Mapping[str, str]] = {}
        """Variables for single services, by name, from their next start on."""
        self.proxy = Proxy()
        self.key = secrets.token_urlsafe(24)
        self.root_url = ""
        self._exits = AsyncExitStack()
        self._double: Child | None = None

    async def __aenter__(self) -> Self:
        try:
            await self._open()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.gather(*(child.kill() for child in self.services.values()))
        if self._double is not None:
            await self._double.kill()
        await self._exits.aclose()

    async def _open(self) -> None:
        """Start the servers side by side: each waits for its own start, and two cores have time for that."""
        # Both come to their end, even when one fails: what the other has started is then known, and can be ended.
        started = await asyncio.gather(self._postgres_and_buildbot(), self._rabbit_and_double(), return_exceptions=True)
        for error in started:
            if error is not None:
                raise error
        self.http = await self._exits.enter_async_context(aiohttp.ClientSession())
        credentials = {"clientId": "admin", "accessToken": self.key}
        self.queue = taskcluster.aio.Queue({"rootUrl": self.root_url, "credentials": credentials}, session=self.http)
        self._write_settings()
        await self.bbb("migrate")
        self._say("the bridge's database, migrated")

    async def _postgres_and_buildbot(self) -> None:
        from tests.sandbox.postgres import create_database

        await self._exits.enter_async_context(self.postgres)
        self._say("PostgreSQL")
        self.dsn = await create_database(self.postgres.dsn(), "bridge")
        database = None
        if self.plan.buildbot_on_postgres:
            dsn = await create_database(self.postgres.dsn(), "buildbot")
            database = re.sub(r"^postgres(ql)?://", "postgresql+psycopg2://", dsn)
        self.buildbot = BuildbotSandbox(
            self.directory / "buildbot",
            database_url=database,
            master_config=self.plan.master_config,
            workers=self.plan.workers,
        )
        await self._exits.enter_async_context(self.buildbot)
        await self._exits.enter_async_context(self.proxy)
        self.proxy.target = self.buildbot.url
        self._say(f"Buildbot with the bridge's plugin and {self.plan.workers} workers")

    async def _rabbit_and_double(self) -> None:
        await self._exits.enter_async_context(self.rabbit)
        self._say("RabbitMQ, which stands for Pulse")
        config = self.directory / "double.json"
        clients = {
            "admin": {"accessToken": self.key, "scopes": ["*"]},
            "bridge": {"accessToken": self.key, "scopes": self.scopes()},
        }
        config.write_text(json.dumps({"clients": clients, "periods": dict(self.plan.periods)}))
        command = [sys.executable, "-m", "tests.doubles.taskcluster", "--amqp", self.rabbit.url, "--config", str(config)]
        # It is killed in the end, and leaves what it keeps.
        self._double = self._python("double", command, {"TMPDIR": str(self.directory)})
        if not await became_true(lambda: "rootUrl" in self._double_log() or not self._alive(), PATIENCE):
            raise self._double.failure("the queue double did not start")
        line = next((line for line in self._double_log().splitlines() if "rootUrl" in line), None)
        if line is None:
            raise self._double.failure("the queue double did not start")
        self.root_url = json.loads(line)["rootUrl"]
        self._say("a double of Taskcluster's queue")

    def _double_log(self) -> str:
        return self._double.log if self._double else ""

    def _alive(self) -> bool:
        return self._double is not None and self._double.alive

    @property
    def pids(self) -> dict[str, int]:
        """Processes that are measured: the services by name, Buildbot's master, the queue double."""
        services = {name: child.pid for name, child in self.services.items()}
        return services | {"Buildbot": self.buildbot.pid} | ({"the queue double": self._double.pid} if self._double else {})

    def scopes(self) -> list[str]:
        """What the bridge's own client may do: claim, list, read, and carry a cancel over; no more."""
        return [
            f"queue:claim-task:{QUEUE}",
            f"queue:worker-id:{GROUP}/*",
            f"queue:pending-list:{QUEUE}",
            "queue:status:*",
            "queue:get-task:*",
            "auth:expand-scopes",
            "queue:cancel-task:demo/*",
            "queue:cancel-task:demo-level-3/*",
        ]

    def _python(self, name: str, command: list[str], env: Mapping[str, str] | None = None) -> Child:
        # The log's directory is where a child starts; the project's own packages are found from anywhere.
        env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **(env or {})}
        return Child(command, env=env, log=self.directory / f"{name}.log", account=None, last="TERM")

    # --- the services

    def _write_settings(self) -> None:
        self.config = self.directory / "bridge.toml"
        for name, secret in {"key": self.key, "token": self.buildbot.token, "pulse": self.rabbit.pulse_url}.items():
            path = self.directory / f"secret-{name}"
            path.touch(mode=0o600)
            path.write_text(secret)
        self.configure({})

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Write the services' settings: those of the plan with these over them. Services read them when they start."""
        self.config.write_text(toml(_merged(_merged(self.settings(), self.plan.settings), settings)))

    def settings(self) -> dict[str, Any]:
        """The least that the services need for this stack."""
        secret = str(self.directory / "secret-")
        buildbot = self.proxy.url if self.plan.proxied else self.buildbot.url
        return {
            "worker_group": GROUP,
            "taskcluster": {"root_url": self.root_url, "client_id": "bridge", "access_token_file": f"{secret}key"},
            "pulse": {"url_file": f"{secret}pulse"},
            "database": {"dsn": self.dsn},
            "web": {"port": 0},
            "log": {"format": "json"},
            "buildbots": {"main": {"url": buildbot, "token_file": f"{secret}token"}},
            "pools": {"demo": {"task_queue": QUEUE, "buildbot": "main", "builders": ["*"]}},
        }

    async def bbb(self, *arguments: str, within: float = PATIENCE) -> str:
        """Run `bbb` to its end and give what it printed; an exit status other than 0 is an error."""
        status, said = await self.bbb_says(*arguments, within=within)
        if status:
            raise AssertionError(f"bbb {' '.join(arguments)} failed ({status}):\n{said}")
        return said

    async def bbb_says(self, *arguments: str, within: float = PATIENCE) -> tuple[int, str]:
        """Run `bbb` to its end: exit status, and what it printed."""
        child = self._bbb(f"bbb-{arguments[0]}", *arguments)
        if not await child.ended(within) or child.status is None:
            await child.kill()
            raise child.failure(f"bbb {' '.join(arguments)} did not end")
        return child.status, child.log

    def _bbb(self, name: str, *arguments: str) -> Child:
        return self._python(
            name, [*self.command, *arguments], {"BBB_CONFIG": str(self.config), **self.environment.get(name, {})}
        )

    async def start_services(self, *names: str) -> None:
        """Start these services, or all, unless they run, each as a process; returns when all are ready.

        `reflector.2` is a second reflector, `reflector.dry` one that only says what it would do.
        """
        missing = [name for name in names or SERVICES if name not in self.services]
        for name in missing:
            service, _, which = name.partition(".")
            self.services[name] = self._bbb(name, service, *(["--dry-run"] if which == "dry" else []))
        await asyncio.gather(*(self._ready(name) for name in missing))

    async def _ready(self, name: str) -> None:
        child = self.services[name]
        end = time.monotonic() + PATIENCE
        while not await self._is_ready(name):
            if time.monotonic() > end or not child.alive:
                raise child.failure(f"{name} is not ready")
            await asyncio.sleep(POLL)
        self._say(f"the {name}")

    async def _is_ready(self, name: str) -> bool:
        address = self.address(name)
        if address is None:
            return False
        try:
            async with self.http.get(f"{address}/readyz", timeout=aiohttp.ClientTimeout(total=5)) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    def address(self, name: str) -> str | None:
        """The service's own web address, read from its log; None until it listens."""
        lines = (line for line in self.services[name].log.splitlines() if "web_listening" in line)
        return next((json.loads(line)["url"] for line in lines), None)

    async def stop_service(self, name: str) -> int | None:
        """SIGTERM, and the exit status."""
        child = self.services.pop(name)
        child.tell(signal.SIGTERM)
        if not await child.ended(20):
            raise child.failure(f"{name} did not stop")
        return child.status

    async def stop_services(self) -> dict[str, int | None]:
        """SIGTERM to all services at once, and their exit statuses."""
        names = list(self.services)
        statuses = await asyncio.gather(*(self.stop_service(name) for name in names))
        return dict(zip(names, statuses, strict=True))

    async def kill_service(self, name: str) -> None:
        """SIGKILL."""
        await self.services.pop(name).kill()

    # --- tasks

    async def create(self, builder: str, **more: Any) -> str:
        """Create a task for a builder and give its id. `deadline` is in seconds from now; the rest is the definition's."""
        task_id = more.pop("task_id", None) or slugid.nice()
        await self.queue.createTask(task_id, self.definition(builder, **more))
        return task_id

    def definition(self, builder: str, **more: Any) -> dict[str, Any]:
        now = datetime.now(UTC)
        payload = more.pop("payload", None) or {"buildername": builder, "properties": more.pop("properties", {})}
        deadline = now + timedelta(seconds=more.pop("deadline", 3600))
        return {
            "taskQueueId": QUEUE,
            "schedulerId": "demo",
            "created": now.isoformat(),
            "deadline": deadline.isoformat(),
            "scopes": [f"buildbot-bridge:builder-name:{builder}"],
            "payload": payload,
            "metadata": {
                "name": more.pop("name", builder),
                "description": "A task of the Buildbot Bridge's own tests.",
                "owner": "bridge@example.com",
                "source": "https://example.com/bridge",
            },
            **more,
        }

    async def status(self, task_id: str) -> dict[str, Any]:
        """The task's status."""
        return (await self.queue.status(task_id))["status"]

    async def until(self, task_id: str, state: str, *, run: int = 0, within: float = PATIENCE) -> dict[str, Any]:
        """Wait until a run of the task is in a state, and give the run."""

        async def there() -> dict[str, Any] | None:
            runs = (await self.status(task_id))["runs"]
            return runs[run] if len(runs) > run and runs[run]["state"] == state else None

        return await self.eventually(there, f"run {run} of {task_id} {state}", within)

    async def eventually(self, look: Callable[[], Awaitable[Any]], what: str, within: float = PATIENCE) -> Any:
        """Wait until `look` gives something true, and give that."""
        end = time.monotonic() + within
        while not (found := await look()):
            if time.monotonic() > end:
                raise AssertionError(f"not within {within} s: {what}")
            await asyncio.sleep(POLL)
        return found

    async def control(self, method: str, path: str, **body: Any) -> Any:
        """A switch or a window of the queue double; paths are below `/control/`."""
        url = f"{self.root_url}/control/{path}"
        async with self.http.request(method, url, json=body or None) as answer:
            text = await answer.text()
            assert answer.status < 300, f"{method} {path}: {answer.status} {text}"
            return json.loads(text) if text else None

    async def artifact(self, task_id: str, run: int, name: str) -> str:
        """The text of an artifact."""
        async with self.http.get(f"{self.root_url}/api/queue/v1/task/{task_id}/runs/{run}/artifacts/{name}") as answer:
            assert answer.status == 200, f"{name}: {answer.status} {await answer.text()}"
            return await answer.text()

    async def rows(self, query: str = "SELECT * FROM runs ORDER BY created_at, run_id", *args: object) -> list[Any]:
        """What the bridge's database says."""
        import asyncpg

        connection = await asyncpg.connect(self.dsn)
        try:
            return list(await connection.fetch(query, *args))
        finally:
            await connection.close()

    async def settled(self, *task_ids: str, within: float = PATIENCE) -> None:
        """Wait until nothing is owed for these tasks."""

        left: list[str] = []

        async def there() -> bool:
            rows = await self.rows("SELECT * FROM runs WHERE task_id = ANY ($1::text[])", list(task_ids))
            left[:] = [str(dict(row)) for row in rows if row["phase"] != "settled"]
            return {row["task_id"] for row in rows} >= set(task_ids) and not left

        try:
            await self.eventually(there, "all runs settled", within)
        except AssertionError as error:
            raise AssertionError(f"{error}; left: {left}") from error

    async def requests(self, task_id: str) -> list[dict[str, Any]]:
        """Buildbot's build requests that carry one of the task's keys, rebuilds left out; each with `key` and its `builds`."""
        return (await self.requests_of([task_id])).get(task_id, [])

    async def requests_of(self, task_ids: Collection[str]) -> dict[str, list[dict[str, Any]]]:
        """The same for many tasks, from the master's tables: its REST interface cuts long answers short (issue 9065)."""
        return await asyncio.to_thread(_requests, self.buildbot.directory / "master" / "state.sqlite", set(task_ids))


def by_the_bridge(call: Mapping[str, Any]) -> bool:
    """Whether an entry of the double's journal may be a bridge's: not the administrator's, nor native workers' or their tasks'."""
    client = call["client"] or ""
    return client not in ("admin", NATIVE) and f"/on/{NATIVE}/" not in client


def _requests(database: Path, task_ids: set[str]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)) as tables:
        tables.row_factory = sqlite3.Row
        builds: dict[int, list[dict[str, Any]]] = {}
        for build in tables.execute(BUILDS):
            builds.setdefault(build["buildrequestid"], []).append(dict(build))
        for row in tables.execute(REQUESTS):
            task_id = row["key"].partition("/")[0]
            if task_id in task_ids:
                request = {**dict(row), "complete": bool(row["complete"]), "builds": builds.get(row["buildrequestid"], [])}
                found.setdefault(task_id, []).append(request)
    return found


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for name, value in above.items():
        both = isinstance(value, Mapping) and isinstance(below.get(name), Mapping)
        merged[name] = _merged(below[name], value) if both else value
    return merged


def toml(table: Mapping[str, Any], path: tuple[str, ...] = ()) -> str:
    """The table as TOML; strings, numbers, booleans, lists and tables are all that settings have."""
    plain = [f"{json.dumps(name)} = {json.dumps(value)}" for name, value in table.items() if not isinstance(value, Mapping)]
    header = [f"[{'.'.join(json.dumps(part) for part in path)}]"] if path else []
    nested = [toml(value, (*path, name)) for name, value in table.items() if isinstance(value, Mapping)]
    return "\n".join([*header, *plain, "", *nested])
