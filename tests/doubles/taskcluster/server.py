"""The double as an HTTP server: aiohttp around `Site`, with faults, a journal, and a real broker."""

import asyncio
import contextlib
import json
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aiohttp import web
from yarl import URL

from tests.doubles.taskcluster import control, page, store_calls, transfer
from tests.doubles.taskcluster.api import Answer, Match, Request
from tests.doubles.taskcluster.broker import Broker
from tests.doubles.taskcluster.faults import Fault, Faults
from tests.doubles.taskcluster.instants import SECOND
from tests.doubles.taskcluster.journal import Journal
from tests.doubles.taskcluster.settings import Settings
from tests.doubles.taskcluster.site import Site

LARGEST_UPLOAD = 256 * 1024 * 1024
HTML = "<html><head><title>{0}</title></head><body><center><h1>{0} Bad Gateway</h1></center></body></html>"
TOLD = ("workerGroup", "workerId", "reason", "storageType")  # of a request's body, into the journal


@dataclass(slots=True)
class Server:
    """One running double."""

    settings: Settings
    root_url: str
    amqp_url: str | None = None
    faults: Faults = field(default_factory=Faults)
    journal: Journal = field(default_factory=Journal)
    site: Site = field(init=False)
    broker: Broker = field(init=False)
    folder: Path = field(default_factory=lambda: Path(tempfile.gettempdir()))  # for large uploads
    background: asyncio.Task[None] = field(init=False)  # ends only by an error or a cancel
    ahead: int = 0  # how far the clock was moved by a test

    def __post_init__(self) -> None:
        known = self.settings
        self.site = Site(self.root_url, known.clients, known.roles, known.periods, self.now())
        self.broker = Broker(self.site.ledger, self.amqp_url)

    @property
    def scheme(self) -> str:
        return self.root_url.partition(":")[0]

    def now(self) -> int:
        return time.time_ns() // 1000 + self.ahead

    def application(self) -> web.Application:
        """Build the web application: control and page first, all else is the deployment."""
        app = web.Application(client_max_size=LARGEST_UPLOAD)
        app.add_routes(control.routes(self))
        app.add_routes(page.routes(self))
        app.router.add_route("*", "/{tail:.*}", self.serve)
        return app

    async def run(self, ready: Callable[[], None]) -> None:
        """Run the background processes until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.broker.run(ready))
            group.create_task(self._poll_for_ever())

    async def _poll_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self.site.ledger.periods.poll / SECOND)
            self.site.poll(self.now())
            await self.broker.flush()

    # --- one request

    async def serve(self, asked: web.Request) -> web.StreamResponse:
        started = time.monotonic()
        at = self.now()
        request = _head(asked, self.scheme)
        match = self.site.match(request)
        api, task_id, run_id = _about(request, match)
        fault = self.faults.take(api, task_id, run_id)
        done = given = None
        with contextlib.suppress(transfer.BrokenOff):
            request = await self._with_body(asked, request, fault)
            done = await self._carry_out(request, match, fault)
            given = done if fault is None or fault.kind in ("delay", "stall") else _spoiled(fault)
        self.journal.note(
            at=at,
            api=api,
            client=done.client if done else None,
            task_id=task_id,
            run_id=run_id,
            status=given.status if given else None,
            done=done.status if done else None,
            took=time.monotonic() - started,
            detail=_detail(request, fault),
        )
        if given is None:
            _drop(asked)
            return web.Response()
        return await _written(asked, given)

    async def _with_body(self, asked: web.Request, request: Request, fault: Fault | None) -> Request:
        """Read the body. The store refuses what it can before it takes any of it."""
        if request.method != "PUT" or not store_calls.serves(request.path):
            return replace(request, body=await asked.read())
        if store_calls.refuses(self.site.store, request, self.now()):
            return request
        return await transfer.Intake(self.site.store, self.folder).received(asked, request, fault)

    async def _carry_out(self, request: Request, match: Match | None, fault: Fault | None) -> Answer | None:
        """Do what the request asks unless a fault forbids it, and hold the answer back as long as is due."""
        answer = None
        if fault is not None and not fault.effect and fault.kind != "stall":
            await asyncio.sleep(fault.seconds)
        if fault is None or fault.effect or fault.kind in ("delay", "stall"):
            answer = self.site.handle(request, self.now())
            await self.broker.flush()
            answer = await self._wait_for(request, match, answer)
            await asyncio.sleep(answer.late / SECOND)
        if fault is not None and fault.effect and fault.kind != "stall":
            await asyncio.sleep(fault.seconds)
        return answer

    async def _wait_for(self, request: Request, match: Match | None, answer: Answer) -> Answer:
        while answer.again is not None and match is not None:
            await asyncio.sleep(answer.pause / SECOND)
            answer = self.site.api.resume(match, request, answer, self.now())
            await self.broker.flush()
        return answer


@contextlib.asynccontextmanager
async def serving(
    settings: Settings, amqp_url: str | None = None, *, host: str = "127.0.0.1", port: int = 0, root_url: str | None = None
) -> AsyncIterator[Server]:
    """Run a server for as long as the block lasts; it is ready, and connected to its broker, inside."""
    listener = socket.create_server((host, port))
    folder = tempfile.TemporaryDirectory(prefix="taskcluster-double-", ignore_cleanup_errors=True)
    server = Server(settings, root_url or f"http://{host}:{listener.getsockname()[1]}", amqp_url, folder=Path(folder.name))
    # A client's Content-Encoding is part of what is stored, and no business of the server's.
    runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=1, auto_decompress=False)
    await runner.setup()
    ready = asyncio.Event()
    background = server.background = asyncio.create_task(server.run(ready.set))
    try:
        await web.SockSite(runner, listener).start()
        await _first(ready, background)
        yield server
    finally:
        background.cancel()
        await runner.cleanup()
        with contextlib.suppress(asyncio.CancelledError):
            await background
        folder.cleanup()


async def _first(ready: asyncio.Event, background: asyncio.Task[None]) -> None:
    """Wait until the server is ready; what ends its background processes before that is raised."""
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait({waiting, background}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if background.done():
        background.result()


def _head(asked: web.Request, scheme: str) -> Request:
    """Build a request without its body."""
    path, _, _ = asked.raw_path.partition("?")
    return Request(
        method=asked.method,
        path=path,
        url=f"{scheme}://{asked.host}{asked.raw_path}",
        query=dict(URL(asked.raw_path, encoded=True).query),
        content_type=asked.headers.get("Content-Type"),
        authorization=asked.headers.get("Authorization"),
        chunked=asked.headers.get("Transfer-Encoding") is not None,
        content_encoding=asked.headers.get("Content-Encoding"),
        range=asked.headers.get("Range"),
    )


def _about(request: Request, match: Match | None) -> tuple[str, str | None, int | None]:
    """Name a request for faults and journal: api, task and run."""
    if match is not None:
        run_id = match.params.get("runId", "")
        return match.route.api, match.task_id, int(run_id) if run_id.isdecimal() else None
    if request.path.startswith("/artifact-store/"):
        parts = request.path.split("/")[3:5]
        known = parts if len(parts) == 2 and parts[1].isdecimal() else (None, None)
        return f"s3.{request.method.lower()}", known[0], int(known[1]) if known[1] else None
    return "none", None, None


def _detail(request: Request, fault: Fault | None) -> dict[str, Any]:
    detail: dict[str, Any] = {"path": request.path} | ({} if fault is None else {"fault": fault.kind})
    if not request.body or request.content_type != "application/json" or request.path.startswith("/artifact-store/"):
        return detail
    try:
        body = json.loads(request.body)
    except ValueError:
        return detail
    return detail | ({name: body[name] for name in TOLD if name in body} if isinstance(body, dict) else {})


def _spoiled(fault: Fault) -> Answer | None:
    """Build the answer that a fault gives instead of the true one; None is no answer at all."""
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    if fault.kind in ("drop", "break"):
        return None
    if fault.kind == "html":
        return Answer(fault.status, HTML.format(fault.status).encode(), headers | {"content-type": "text/html"})
    message = f"{fault.error_code}: switched on by a test"
    return Answer(fault.status, {"code": fault.error_code, "message": message, "requestInfo": {}}, headers)


def _drop(asked: web.Request) -> None:
    if asked.transport is not None:
        asked.transport.abort()


async def _written(asked: web.Request, answer: Answer) -> web.StreamResponse:
    if isinstance(answer.body, store_calls.Part):
        return await transfer.send(asked, answer.status, dict(answer.headers), answer.body)
    if answer.body is None or isinstance(answer.body, bytes):
        return web.Response(status=answer.status, body=answer.body, headers=dict(answer.headers))
    body = json.dumps(answer.body).encode()
    headers = {"Content-Type": "application/json; charset=utf-8", **answer.headers}
    return web.Response(status=answer.status, body=body, headers=headers)
