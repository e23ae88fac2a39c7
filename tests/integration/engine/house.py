"""A house: one queue double, one Buildbot, one database, and any number of replicas of the engine in this process."""

import asyncio
import contextlib
import random
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import asyncpg
import slugid
import taskcluster.aio
from aiolimiter import AsyncLimiter

from bridge.assembly import Admission
from bridge.buildbot.builds import BuildbotBuilds
from bridge.buildbot.client import Buildbot
from bridge.buildbot.exchange import Exchange
from bridge.core import faults
from bridge.core.order import Policy
from bridge.core.rules import Rules
from bridge.core.run import RequestId, Run, RunKey, Settled, TaskId
from bridge.core.verdict import ResultMap
from bridge.engine.backoff import Backoff
from bridge.engine.crew import Crew
from bridge.engine.engine import Engine
from bridge.engine.holding import Leased
from bridge.engine.pool import Pool
from bridge.engine.strangers import Strangers
from bridge.engine.sweeps import Sweeps
from bridge.published.publisher import Publisher
from bridge.published.redaction import Redactor
from bridge.store import database
from bridge.store.clock import DatabaseClock
from bridge.store.runs import Runs
from bridge.taskcluster.artifacts import Storage, Uploads
from bridge.taskcluster.calls import Calls
from bridge.taskcluster.credentials import Credentials
from bridge.taskcluster.queue import Queue
from tests.doubles.taskcluster import server
from tests.sandbox.buildbot import BuildbotSandbox

QUEUE = "proj-test/buildbot"
KEY = "a-key-of-the-test-house"
SCOPES = (
    f"queue:claim-task:{QUEUE}", "queue:worker-id:bridge/*", f"queue:pending-list:{QUEUE}", "queue:status:*",
    "queue:get-task:*", "auth:expand-scopes", "queue:cancel-task:test/*",
)  # fmt: skip


PUBLISHED = Publisher(Redactor(lambda: [KEY], ("*token*",)), "test")


@dataclass
class Told:
    """An observer that remembers."""

    moves: list[tuple[str, str, str]] = field(default_factory=list)
    alarms: list[tuple[str, str]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    defects: list[Exception] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    def moved(self, before: Run | None, after: Run, because: str) -> None:
        self.moves.append((str(after.key), type(after.phase).__name__, because))
        self._note(f"{after.key} → {type(after.phase).__name__}: {because}")

    def fault(self, run: Run, command: str, fault: Exception) -> None:
        self.faults.append(f"{command}: {fault}")
        self._note(f"{run.key} {command} fault {fault}")

    def defect(self, run: Run, command: str, defect: Exception) -> None:
        self.defects.append(defect)
        self._note(f"{run.key} {command} DEFECT {defect!r}")

    def poison(self, key: RunKey, defect: Exception) -> None:
        self.defects.append(defect)
        self._note(f"{key} POISON {defect!r}")

    def away(self, what: str, fault: Exception) -> None:
        self.faults.append(f"{what}: {fault}")
        self._note(f"{what} away: {fault}")

    def alarm(self, what: str, key: RunKey | None, detail: str) -> None:
        self.alarms.append((what, detail))
        self._note(f"{key} ALARM {what}: {detail}")

    def found(self, kind: str, count: int) -> None:
        return

    def _note(self, text: str) -> None:
        self.log.append(f"{time.time() % 1000:7.3f} {text[:300]}")

    def rang(self, what: str) -> bool:
        return any(name == what for name, _ in self.alarms)


@dataclass(frozen=True)
class PluginCall:
    """One call to the plugin: when it was begun and ended by the queue's clock, and its status (None: no answer)."""

    begun: float
    ended: float
    method: str
    path: str
    status: int | None


@dataclass
class Replica:
    """One process's worth of the bridge."""

    engine: Engine
    sweeps: Sweeps
    strangers: Strangers
    crew: Crew
    told: Told
    pool: Pool
    runs: Runs

    async def turn(self) -> None:
        """One turn of what the services do all the time, without any message."""
        for sweep in (
            lambda: self.sweeps.pending(self.pool),
            self.sweeps.statuses,
            lambda: self.sweeps.states([self.pool]),
        ):
            try:
                await self.crew.wake(await sweep())
            except faults.Fault as fault:
                self.told.away("sweep", fault)
        await self.pay()

    async def pay(self) -> None:
        """Have everything settled that is due now."""
        await self.take_due()
        await self.crew.idle()

    async def take_due(self) -> None:
        """Begin to settle everything that is due now."""
        asked_at = self.engine.clock.now()
        try:
            due = await self.engine.runs.due(self.engine.me, limit=50, foreign=True)
            await self.crew.take([Leased(run, asked_at) for run in due])
        except faults.Fault as fault:
            self.told.away("database", fault)


@dataclass
class House:
    """Everything that a scenario touches; `engine` and the like are the first replica's."""

    one: Replica
    double: server.Server
    buildbot: BuildbotSandbox
    admin: Any
    http: aiohttp.ClientSession
    dsn: str
    stack: contextlib.AsyncExitStack
    opener: "Opener"
    plugin: list[PluginCall]
    replicas: list[Replica] = field(default_factory=list)
    allowed: dict[int, set[str]] = field(default_factory=dict)
    """Resolutions that a test's own result map allows besides the default ones, by Buildbot's result."""

    @property
    def engine(self) -> Engine:
        return self.one.engine

    @property
    def sweeps(self) -> Sweeps:
        return self.one.sweeps

    @property
    def crew(self) -> Crew:
        return self.one.crew

    @property
    def told(self) -> Told:
        return self.one.told

    @property
    def pool(self) -> Pool:
        return self.one.pool

    async def replica(self, me: str, **options: Any) -> Replica:
        """Start one more replica on the same database; it ends with the house."""
        replica = await self.stack.enter_async_context(self.opener.replica(me, **options))
        self.replicas.append(replica)
        return replica

    # --- Taskcluster's side

    async def control(self, method: str, path: str, body: object = None) -> Any:
        """Turn a switch of the double, or look through one of its windows."""
        async with self.http.request(method, f"{self.double.root_url}/control/{path}", json=body) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def fault(self, api: str, kind: str = "status", **more: Any) -> dict[str, Any]:
        return await self.control("POST", "faults", {"api": api, "kind": kind, **more})

    async def hits(self, number: int) -> int:
        listed = (await self.control("GET", "faults"))["faults"]
        return next(each["hits"] for each in listed if each["id"] == number)

    async def calls(self, task_id: TaskId | None = None, api: str | None = None) -> list[dict[str, Any]]:
        """The bridge's calls so far (not the test's own)."""
        asked = [f"{name}={value}" for name, value in (("taskId", task_id), ("api", api)) if value]
        entries = (await self.control("GET", "journal?" + "&".join(asked)))["entries"]
        return [each for each in entries if each["client"] != "admin"]

    async def create(
        self, builder: str, *, scope: bool = True, task_id: str | None = None, properties: object = None, **definition: Any
    ) -> TaskId:
        """Create a pending task for a builder; `deadline` in seconds."""
        now = datetime.now(UTC)
        seconds = definition.pop("deadline", 3600)
        task = {
            "taskQueueId": QUEUE,
            "schedulerId": "test",
            "created": now.isoformat(),
            "deadline": (now + timedelta(seconds=seconds)).isoformat(),
            "scopes": [f"buildbot-bridge:builder-name:{builder}"] if scope else [],
            "payload": {"buildername": builder, "properties": properties or {}},
            "metadata": {"name": builder, "description": "d", "owner": "o@example.com", "source": "https://example.com"},
            **definition,
        }
        task_id = task_id or slugid.nice()
        await self.admin.createTask(task_id, task)
        return TaskId(task_id)

    async def status(self, task_id: TaskId) -> dict[str, Any]:
        return (await self.control("GET", f"tasks/{task_id}"))["status"]

    async def artifacts(self, task_id: TaskId, run: int = 0) -> dict[str, Any]:
        listed = await self.admin.listArtifacts(task_id, str(run))
        return {each["name"]: each for each in listed["artifacts"]}

    async def text(self, task_id: TaskId, run: int, name: str) -> str:
        url = f"{self.double.root_url}/api/queue/v1/task/{task_id}/runs/{run}/artifacts/{name}"
        async with self.http.get(url) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.text()

    # --- Buildbot's side

    def plugin_calls(self, action: str, task_id: str = "") -> list[PluginCall]:
        """The calls to the plugin so far: `submit`, `find`, `cancel`, `priority`, `states`, `requests` or `properties`."""
        return [call for call in self.plugin if _action(call) == action and task_id in call.path]

    async def request_id(self, task_id: TaskId, run: int = 0) -> RequestId:
        """Number of the one request made under the run's key, as Buildbot itself has it."""
        sets = (await self.buildbot.rest(f"buildsets?external_idstring={task_id}/{run}"))["buildsets"]
        (only,) = [each for each in sets if each.get("rebuilt_buildid") is None]
        requests = (await self.buildbot.rest(f"buildrequests?buildsetid={only['bsid']}"))["buildrequests"]
        return RequestId(requests[0]["buildrequestid"])

    async def request(self, task_id: TaskId, run: int = 0) -> dict[str, Any]:
        number = await self.request_id(task_id, run)
        return (await self.buildbot.rest(f"buildrequests/{number}"))["buildrequests"][0]

    async def requests(self, task_id: TaskId) -> list[str]:
        """The keys under which the task has requests, rebuilds not counted."""
        sets = (await self.buildbot.rest("buildsets"))["buildsets"]
        ours = [each for each in sets if (each["external_idstring"] or "").startswith(f"{task_id}/")]
        return [each["external_idstring"] for each in ours if each.get("rebuilt_buildid") is None]

    async def builds(self, task_id: TaskId, run: int = 0) -> list[dict[str, Any]]:
        number = await self.request_id(task_id, run)
        found = (await self.buildbot.rest(f"builds?buildrequestid={number}"))["builds"]
        return sorted(found, key=lambda build: build["buildid"])

    async def at_work(self, task_id: TaskId, run: int = 0, builds: int = 1) -> dict[str, Any]:
        """Wait until the newest of so many builds of the request runs its command."""
        async with asyncio.timeout(30):
            while True:
                with contextlib.suppress(ValueError):  # no request yet
                    found = await self.builds(task_id, run)
                    if len(found) >= builds and await self._stepping(found[-1]):
                        return found[-1]
                await self.turn()
                await asyncio.sleep(0.1)

    async def _stepping(self, build: dict[str, Any]) -> bool:
        steps = (await self.buildbot.rest(f"builds/{build['buildid']}/steps"))["steps"]
        logs = [await self.buildbot.rest(f"steps/{step['stepid']}/logs") for step in steps if step["name"] == "shell"]
        return any(each["logs"] for each in logs)  # the log is opened when the worker has begun the command

    async def properties(self, path: str) -> dict[str, list[Any]]:
        """Properties of a buildset or a build, as Buildbot itself tells them: name to [value, source]."""
        answer = await self.buildbot.rest(f"{path}/properties")
        (listed,) = (value for name, value in answer.items() if name != "meta")
        return listed[0]

    async def force(self, builder: str, **properties: str) -> int:
        """Press the force button as a person does; the number of the person's build request."""
        named = {f"property{number}_name": name for number, name in enumerate(properties, 1)}
        valued = {f"property{number}_value": value for number, value in enumerate(properties.values(), 1)}
        who = {"username": "A Person <person@example.com>", "builderNames": [builder]}
        buildset, _ = await self.buildbot.control("forceschedulers/force", "force", **who, **named, **valued)
        found = (await self.buildbot.rest(f"buildrequests?buildsetid={buildset}"))["buildrequests"]
        return int(found[0]["buildrequestid"])

    def write_buildbot(self, text: str, *args: object) -> None:
        """Change Buildbot's database behind its back."""
        with contextlib.closing(
            sqlite3.connect(self.buildbot.directory / "master" / "state.sqlite", timeout=20)
        ) as database:
            database.execute(text, args)
            database.commit()

    async def wait_until_called(self, task_id: TaskId, api: str) -> None:
        """Turn until the call was made, and not a turn longer."""

        async def made() -> bool:
            return bool(await self.calls(task_id, api))

        await self.wait(made)

    async def lapse(self, task_id: TaskId, run: int = 0) -> None:
        """Wait until the run's claim has expired, while the bridge does nothing."""
        async with asyncio.timeout(30):
            while (await self.status(task_id))["runs"][run]["state"] == "running":
                await asyncio.sleep(0.1)

    async def wait_for_buildbot(self, task_id: TaskId, run: int = 0) -> None:
        """Wait until the request is complete, while the bridge does nothing."""
        async with asyncio.timeout(40):
            while not (await self.request(task_id, run))["complete"]:
                await asyncio.sleep(0.1)

    async def quiet_until_building(self, task_id: TaskId, run: int = 0, builds: int = 1) -> None:
        """Wait until so many builds of the request were started, while the bridge does nothing."""
        async with asyncio.timeout(40):
            while len(await self.builds(task_id, run)) < builds:
                await asyncio.sleep(0.1)

    # --- the bridge's side

    async def turn(self) -> None:
        for replica in self.replicas:
            await replica.turn()

    async def wait(self, true: Callable[[], Awaitable[Any]], within: float = 40) -> Any:
        """Turn until the condition holds; its value."""
        async with asyncio.timeout(within):
            while not (found := await true()):
                await self.turn()
                await asyncio.sleep(0.1)
            return found

    async def until(self, task_id: TaskId, state: str, run: int = 0, within: float = 40) -> dict[str, Any]:
        """Turn until a run is in the state."""

        async def reached() -> dict[str, Any] | None:
            runs = (await self.status(task_id))["runs"]
            return runs[run] if len(runs) > run and runs[run]["state"] == state else None

        return await self.wait(reached, within)

    async def rows(self, task_id: TaskId) -> dict[int, Run]:
        return dict(await self.engine.runs.of_task(task_id))

    async def phase(self, task_id: TaskId, run: int = 0) -> str:
        rows = await self.rows(task_id)
        return type(rows[run].phase).__name__ if run in rows else "none"

    async def until_phase(self, task_id: TaskId, phase: str, run: int = 0, within: float = 40) -> Run:
        async def reached() -> bool:
            return await self.phase(task_id, run) == phase

        await self.wait(reached, within)
        return (await self.rows(task_id))[run]

    async def settled(self, task_id: TaskId, within: float = 40) -> dict[int, Any]:
        """Turn until nothing is owed for the task; its rows."""

        async def over() -> dict[int, Run] | None:
            rows = await self.rows(task_id)
            return rows if rows and all(isinstance(row.phase, Settled) for row in rows.values()) else None

        return await self.wait(over, within)

    async def all_settled(self, tasks: Iterable[TaskId], within: float = 60) -> None:
        async with asyncio.timeout(within):
            for task in tasks:
                await self.settled(task, within)

    async def paid(self, within: float = 60) -> None:
        """Settle whatever falls due, without any sweep, until nothing is owed."""
        async with asyncio.timeout(within):
            while await self.sql("SELECT 1 FROM runs WHERE phase <> 'settled'"):
                await self.one.pay()
                await asyncio.sleep(0.1)

    async def sql(self, text: str, *args: object) -> Any:
        """Change the database behind the bridge's back."""
        connection = await asyncpg.connect(self.dsn)
        try:
            return await connection.fetch(text, *args)
        finally:
            await connection.close()

    async def lose_database(self) -> None:
        """All rows are gone."""
        await self.sql("TRUNCATE runs, transitions")

    async def restart(self, me: str, **options: Any) -> Replica:
        """Every process dies where it stands, and with it the credentials in its memory; a new one starts."""
        self.replicas.clear()
        self.one = await self.replica(me, **options)
        return self.one


@dataclass
class Opener:
    """Makes replicas."""

    dsn: str
    double: server.Server
    buildbot: BuildbotSandbox
    http: aiohttp.ClientSession
    plugin_session: aiohttp.ClientSession
    token: Callable[[], str]

    @contextlib.asynccontextmanager
    async def replica(
        self,
        me: str,
        *,
        policy: Policy | None = None,
        results: ResultMap | None = None,
        grace: timedelta = timedelta(seconds=15),
        upload_limit: timedelta = timedelta(minutes=10),
        key: Callable[[], str] = lambda: KEY,
        plugin_url: str | None = None,
        published: Publisher = PUBLISHED,
        **more: Any,
    ) -> AsyncIterator[Replica]:
        async with database.opened(self.dsn, name=me) as opened:
            told = Told()
            calls = Calls(self.double.root_url, self.http, AsyncLimiter(500, 1), lambda *_: None)
            queue = Queue(calls, lambda: Credentials("bridge", key()), Uploads(calls, Storage.S3))
            url = plugin_url or self.buildbot.url
            exchange = Exchange(self.plugin_session, url, self.token, AsyncLimiter(500, 1), timeout=20)
            rules = Rules("bridge", results=results or ResultMap())
            builds = BuildbotBuilds(Buildbot(exchange))
            pool = Pool(
                "test",
                QUEUE,
                rules,
                policy or Policy(builders=("*",)),
                builds,
                lambda found: found,
                published,
                upload_limit,
                **more,
            )
            runs = Runs(opened, me, ("test",), grace)
            clock = DatabaseClock()
            await clock.ask(opened)
            backoff = Backoff(random.Random(1))
            engine = Engine(me, runs, queue, {"test": pool}, Admission(queue, expand_roles=True), clock, backoff, told)
            crew = Crew(engine)
            work = asyncio.create_task(crew.work())
            try:
                yield Replica(engine, Sweeps(engine), Strangers(engine), crew, told, pool, runs)
            finally:
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)


def traced(calls: list[PluginCall], now: Callable[[], float]) -> aiohttp.TraceConfig:
    """Writes down each call that a session makes."""
    trace = aiohttp.TraceConfig()

    async def begun(_: object, context: Any, params: Any) -> None:
        context.begun = now()

    async def ended(_: object, context: Any, params: Any) -> None:
        calls.append(PluginCall(context.begun, now(), params.method, params.url.path, params.response.status))

    async def failed(_: object, context: Any, params: Any) -> None:
        calls.append(PluginCall(context.begun, now(), params.method, params.url.path, None))

    trace.on_request_start.append(begun)
    trace.on_request_end.append(ended)
    trace.on_request_exception.append(failed)
    return trace


def _action(call: PluginCall) -> str:
    before, last = call.path.rsplit("/", 2)[-2:]
    if not last.isdecimal():
        return last
    if before in ("outputs", "logs"):
        return before.removesuffix("s")
    return {"PUT": "submit", "GET": "find"}[call.method]


def admin(root_url: str, session: aiohttp.ClientSession) -> Any:
    """Somebody who may do everything."""
    return taskcluster.aio.Queue(
        {"rootUrl": root_url, "credentials": {"clientId": "admin", "accessToken": KEY}}, session=session
    )
