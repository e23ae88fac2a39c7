"""The ledger as an HTTP server, with the plugin's paths and some switches of its own under /control/."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable

from aiohttp import web

from tests.bench.ledger.book import EPOCH, WORKER, Book, Entry, Json

PLUGIN = "/plugins/taskcluster/v1"
GATHER = 0.02
"""Seconds for which the plugin gathers changes before it answers a long poll."""
LINES = [f"line {number} of what a build says, about as long as they are in real life" for number in range(40)]
PROPERTIES = {f"property_{number}": [f"value {number}", "Taskcluster"] for number in range(12)}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Ledger:
    """One server. `seconds`: how long builds last, None: until they are told to end; `held`: none starts by itself."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.book = Book()
        self.calls: Counter[str] = Counter()
        self.seconds: float | None = 0.0
        self.held = False
        self._news = asyncio.Event()

    def application(self) -> web.Application:
        app = web.Application(client_max_size=1 << 24, middlewares=[self._counted])
        for method, path, handler in (
            ("PUT", "runs/{task}/{run}", self.submit),
            ("GET", "runs/{task}/{run}", self.find),
            ("POST", "runs/{task}/{run}/cancel", self.cancel),
            ("POST", "states", self.states),
            ("GET", "requests", self.requests),
            ("GET", "changes", self.changes),
            ("GET", "builders", self.builders),
            ("GET", "builds/{build}/properties", self.properties),
            ("GET", "builds/{build}/steps", self.steps),
            ("GET", "builds/{build}/logs/{log}", self.log),
            ("GET", "builds/{build}/outputs", self.outputs),
            ("GET", "version", self.version),
        ):
            app.router.add_route(method, f"{PLUGIN}/{path}", handler)
        app.router.add_get("/control/counters", self.counters)
        app.router.add_post("/control/set", self.set)
        app.router.add_get("/control/times", self.times)
        return app

    @web.middleware
    async def _counted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(PLUGIN):
            if request.headers.get("Authorization") != f"Bearer {self.token}":
                raise web.HTTPUnauthorized
            resource = request.match_info.route.resource
            self.calls[f"{request.method} {resource.canonical.removeprefix(PLUGIN + '/') if resource else 'none'}"] += 1
        return await handler(request)

    # --- the plugin's calls

    async def submit(self, request: web.Request) -> web.Response:
        entry, created = self.book.submit(_key(request), await request.json(), time.time())
        if created:
            self._tell()
            if not self.held:
                self._start(entry)
        answer = {"created": created, "external_id": entry.key, "buildsetid": entry.id, "buildrequestid": entry.id}
        return web.json_response({**answer, "builder": entry.builder}, status=201 if created else 200)

    async def find(self, request: web.Request) -> web.Response:
        return web.json_response(self._entry(request).state())

    async def cancel(self, request: web.Request) -> web.Response:
        entry = self._entry(request)
        self.book.cancel(entry, time.time())
        self._tell()
        return web.json_response(entry.state(), status=202)

    async def states(self, request: web.Request) -> web.Response:
        here = {"epoch": EPOCH, "seq": self.book.seq}
        return web.json_response(here | {"states": self.book.states((await request.json())["buildrequestids"])})

    async def requests(self, request: web.Request) -> web.Response:
        query = request.query
        found, onward = self.book.page(int(query["after"]), int(query["limit"]), is_open="open" in query)
        return web.json_response({"epoch": EPOCH, "seq": self.book.seq, "states": found, "next": onward})

    async def changes(self, request: web.Request) -> web.Response:
        query = request.query
        after, end = int(query["after"]), time.monotonic() + int(query["wait"])
        if query.get("epoch") != EPOCH:
            return web.json_response({"epoch": EPOCH, "seq": self.book.seq, "resync": True, "changes": []})
        while self.book.seq <= after and (left := end - time.monotonic()) > 0:
            await self._more(left)
        news = self.book.since(after)
        return web.json_response(
            {"epoch": EPOCH, "seq": news[-1]["seq"] if news else after, "resync": False, "changes": news}
        )

    async def _more(self, seconds: float) -> None:
        news = self._news
        try:
            async with asyncio.timeout(seconds):
                await news.wait()
        except TimeoutError:
            return
        await asyncio.sleep(GATHER)

    async def builders(self, _: web.Request) -> web.Response:
        return web.json_response({"builders": [{"name": "ledger", "builderid": 1, "connected_workers": 1}]})

    async def properties(self, request: web.Request) -> web.Response:
        entry = self.book.entries[int(request.match_info["build"])]
        task, run = entry.key.split("/")
        ours = {"taskcluster_task_id": [task, "Scheduler"], "taskcluster_run_id": [int(run), "Scheduler"]}
        return web.json_response(PROPERTIES | ours)

    async def steps(self, request: web.Request) -> web.Response:
        entry = self.book.entries[int(request.match_info["build"])]
        build = entry.build()
        times = {name: build[name] for name in ("started_at", "complete_at", "results", "state_string")}
        log = {"logid": entry.id, "name": "stdio", "kind": "text", "lines": len(LINES), "complete": True}
        step = {"number": 0, "name": "compile", **times, "hidden": False, "urls": {}, "logs": [log]}
        about = {
            "buildid": entry.id,
            "number": entry.id,
            "builder": entry.builder,
            "worker": WORKER,
            "external_id": entry.key,
        }
        return web.json_response({**about, **times, "steps": [step]})

    async def log(self, request: web.Request) -> web.Response:
        first = int(request.query.get("first", 0))
        text = "".join(f"{line}\n" for line in LINES[first:])
        return web.Response(text=text, headers={"X-Next-Line": str(len(LINES)), "X-Complete": "true"})

    async def outputs(self, _: web.Request) -> web.Response:
        return web.json_response({"outputs": []})

    async def version(self, request: web.Request) -> web.Response:
        page = f"http://{request.host}/"
        about = {"version": "1", "buildbot_version": "ledger", "buildbot_url": page, "epoch": EPOCH}
        return web.json_response({**about, "builders": ["*"], "stopping": False})

    # --- switches and windows

    async def counters(self, _: web.Request) -> web.Response:
        return web.json_response(dict(self.calls))

    async def set(self, request: web.Request) -> web.Response:
        """Of `seconds`, `held`, `start`, `finish`, `reset`, what is there."""
        asked = await request.json()
        self.seconds = asked.get("seconds", self.seconds)
        self.held = asked.get("held", self.held)
        if asked.get("reset"):
            self.calls.clear()
        if asked.get("start"):
            for entry in list(self.book.waiting()):
                self._start(entry)
        if asked.get("finish"):
            for entry in list(self.book.running()):
                self._finish(entry)
        return web.json_response({})

    async def times(self, _: web.Request) -> web.Response:
        """By key: when its request came, its build started, and ended."""
        return web.json_response(
            {each.key: [each.submitted, each.started, each.ended] for each in self.book.entries.values()}
        )

    def _start(self, entry: Entry) -> None:
        self.book.start(entry, time.time())
        self._tell()
        if self.seconds is not None:
            asyncio.get_running_loop().call_later(self.seconds, self._finish, entry)

    def _finish(self, entry: Entry) -> None:
        if entry.ended is None:
            self.book.finish(entry, time.time())
            self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    def _entry(self, request: web.Request) -> Entry:
        entry = self.book.by_key.get(_key(request))
        if entry is None:
            body: Json = {"error": {"code": "not_found", "message": "no such request"}}
            raise web.HTTPNotFound(text=json.dumps(body), content_type="application/json")
        return entry


def _key(request: web.Request) -> str:
    return f"{request.match_info['task']}/{request.match_info['run']}"
