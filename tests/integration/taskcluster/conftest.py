"""The queue as the engine uses it, in front of the queue double; and a server that answers anything one likes."""

from __future__ import annotations

import contextlib
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
import slugid
import taskcluster.aio
from aiohttp import web
from aiolimiter import AsyncLimiter

from bridge.core.run import RunId, RunKey, TaskId, Worker
from bridge.taskcluster.artifacts import Storage, Uploads
from bridge.taskcluster.calls import Calls
from bridge.taskcluster.credentials import Credentials
from bridge.taskcluster.queue import Queue
from bridge.taskcluster.session import open_session
from tests.doubles.taskcluster.server import Server, serving
from tests.doubles.taskcluster.settings import Settings

POOL = "proj-test/buildbot"
WORKER = Worker("bridge", "linux-1")
SCOPES = [
    f"queue:claim-task:{POOL}",
    "queue:worker-id:bridge/*",
    f"queue:pending-list:{POOL}",
    "queue:status:*",
    "queue:get-task:*",
    "auth:expand-scopes",
    "queue:cancel-task:test/*",
]


@dataclass
class Site:
    """A queue in front of a double, and somebody who makes tasks there."""

    double: Server
    queue: Queue
    admin: Any
    http: aiohttp.ClientSession
    token: list[str]
    told: Counter[tuple[str, str]] = field(default_factory=Counter)
    skews: list[float] = field(default_factory=list)
    clock: list[float] = field(default_factory=lambda: [0.0])

    async def create(self, **changes: Any) -> RunKey:
        """Make a pending task; its run 0."""
        now = datetime.now(UTC)
        task = {
            "taskQueueId": POOL,
            "schedulerId": "test",
            "created": now.isoformat(),
            "deadline": (now + timedelta(hours=1)).isoformat(),
            "scopes": ["buildbot-bridge:builder-name:linux"],
            "payload": {"buildername": "linux", "properties": {"n": 1}},
            "metadata": {"name": "n", "description": "d", "owner": "o@example.com", "source": "https://example.com"},
            **changes,
        }
        task_id = slugid.nice()
        await self.admin.createTask(task_id, task)
        return RunKey(TaskId(task_id), RunId(0))

    async def claimed(self, **changes: Any) -> RunKey:
        key = await self.create(**changes)
        await self.queue.claim(key, WORKER, POOL)
        return key

    def fault(self, api: str, **more: Any) -> None:
        """Have the next call of `api` go wrong."""
        self.double.faults.add({"api": api, **more})

    def calls(self, api: str) -> int:
        return self.double.journal.calls[api]

    async def artifacts(self, key: RunKey) -> dict[str, Any]:
        listed = await self.admin.listArtifacts(key.task_id, str(key.run_id))
        return {each["name"]: each for each in listed["artifacts"]}

    async def content(self, key: RunKey, name: str) -> bytes:
        url = f"{self.double.root_url}/api/queue/v1/task/{key.task_id}/runs/{key.run_id}/artifacts/{name}"
        async with self.http.get(url) as answer:
            assert answer.status == 200
            return await answer.read()


@contextlib.asynccontextmanager
async def site_with(
    *, storage: Storage = Storage.S3, scopes: list[str] = SCOPES, timeout: float = 5.0, silence: float = 20.0
) -> AsyncIterator[Site]:
    token = [secrets.token_hex(16)]
    config = {
        "clients": {
            "bridge": {"accessToken": token[0], "scopes": scopes},
            "admin": {"accessToken": "token of the admin", "scopes": ["*"]},
        },
        "roles": {"builders": ["buildbot-bridge:builder-name:linux"]},
        "periods": {"pollSeconds": 0.1, "publishSeconds": 0.2, "deadlineDelaySeconds": 0.5},
    }
    told: Counter[tuple[str, str]] = Counter()
    skews: list[float] = []
    clock = [datetime.now(UTC).timestamp()]
    async with (
        serving(Settings.of(config)) as double,
        open_session(timeout, skews.append) as session,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http,
    ):
        calls = Calls(double.root_url, session, AsyncLimiter(1000, 1), lambda api, end, _: told.update([(api, end)]))
        uploads = Uploads(calls, storage, silence)
        queue = Queue(calls, lambda: Credentials("bridge", token[0]), uploads, now=lambda: clock[0])
        known = {"clientId": "admin", "accessToken": "token of the admin"}
        admin = taskcluster.aio.Queue({"rootUrl": double.root_url, "credentials": known}, session=http)
        yield Site(double, queue, admin, http, token, told, skews, clock)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with site_with() as opened:
        yield opened


Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


@contextlib.asynccontextmanager
async def answering(answer: Answering, *, storage: Storage = Storage.S3, timeout: float = 2.0) -> AsyncIterator[Queue]:
    """A queue in front of a server that answers every request by `answer`."""
    app = web.Application(client_max_size=64 << 20)
    app.router.add_route("*", "/{tail:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    place = web.TCPSite(runner, "127.0.0.1", 0)
    await place.start()
    host, port = runner.addresses[0][:2]
    try:
        async with open_session(timeout, lambda _: None) as session:
            calls = Calls(f"http://{host}:{port}", session, AsyncLimiter(1000, 1), lambda *_: None)
            yield Queue(calls, lambda: Credentials("bridge", "token"), Uploads(calls, storage))
    finally:
        await runner.cleanup()
