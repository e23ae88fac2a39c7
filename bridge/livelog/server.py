"""The page of a live log: checks the address, finds a place, and writes the transcript for as long as the build goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from aiohttp import web

from bridge.core import faults
from bridge.core.run import RunId, RunKey, TaskId
from bridge.engine.ports import Properties, Redact
from bridge.livelog import address
from bridge.livelog.address import ExpiredAddressError, Grant, WrongAddressError
from bridge.livelog.following import Following
from bridge.livelog.readers import FullError, Places, Reader, SilentError, noticed
from bridge.livelog.refusals import Trouble, refusal
from bridge.livelog.sharing import Shared, Sharing, Watched

_PATH: Final = "/live/{task_id:[A-Za-z0-9_-]{1,64}}/{run_id:[0-9]{1,9}}/{token}"
_HEADERS: Final = {
    "Content-Type": "text/plain; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would collect lines before it passes them on
    "Access-Control-Allow-Origin": "*",  # Taskcluster's pages fetch the log; the address is all that one needs to read it
}
_PREFLIGHT: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "86400",
}
_END_WITHIN: Final = 0.6
"""Seconds for the last line to each reader when the service ends; aiohttp waits twice as long for one that hangs."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the builds of one Buildbot are read, and what makes, from a build's properties, the mask for its log."""

    builds: Watched
    redactor: Callable[[Properties], Redact]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many may read, in all and of one build; the rest in seconds.

    `silence`: how long a reader may take nothing; `poll`: between two looks at a build, at least; `outage`: for how long
    readers wait for a Buildbot that does not answer.
    """

    listeners: int = 100
    per_build: int = 25
    silence: float = 60.0
    poll: float = 1.0
    outage: float = 600.0


@dataclass(frozen=True, slots=True)
class Told:
    """Who counts. `readers` hears how many there are after each change.

    `refused` hears why a reader was turned away, or put out before the end: one of `refusals.REASONS`.
    """

    readers: Callable[[int], None]
    refused: Callable[[str], None]


@dataclass(slots=True)
class LiveLogs:
    """Answers readers. `sources` by the names that grants have for them; `keys` gives the key and older ones still good."""

    sources: Mapping[str, Source]
    keys: Callable[[], Sequence[str]]
    now: Callable[[], datetime]
    told: Told
    bounds: Bounds = Bounds()
    _sharing: Sharing = field(init=False)
    _places: Places = field(init=False)
    _ending: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._sharing = Sharing(self.bounds.poll)
        self._places = Places(self.bounds.listeners, self.bounds.per_build, self.told.readers)

    def routes(self) -> list[web.RouteDef]:
        """All that is answered."""
        return [web.get(_PATH, self.read, allow_head=False), web.head(_PATH, self.look), web.options(_PATH, self.preflight)]

    async def end(self, _app: web.Application) -> None:
        """Send the readers away: each is told so, and is gone when it has taken that."""
        self._ending.set()

    async def forget(self, _app: web.Application) -> None:
        """Give up the calls to Buildbot that nobody waits for any more."""
        await self._sharing.flights.end()

    async def preflight(self, _request: web.Request) -> web.Response:
        """Tell a browser that pages from elsewhere may read the log."""
        return web.Response(status=204, headers=_PREFLIGHT)

    async def look(self, request: web.Request) -> web.Response:
        """Say what a reader would be answered, place or no place."""
        try:
            grant, source = self._granted(request)
            with self._sharing.of(grant, source.builds, source.redactor) as shared:
                await shared.record(grant.build_id)
        except (WrongAddressError, ExpiredAddressError, faults.Fault) as trouble:
            return self._refused(trouble)
        return web.Response(headers=_HEADERS)

    async def read(self, request: web.Request) -> web.StreamResponse:
        """Write the log until the build is over, or the reader leaves or does not read."""
        try:
            grant, source = self._granted(request)
            with self._places.taken(grant.build), self._sharing.of(grant, source.builds, source.redactor) as shared:
                await shared.record(grant.build_id)
                return await self._written(request, shared)
        except (WrongAddressError, ExpiredAddressError, FullError, faults.Fault) as trouble:
            return self._refused(trouble)

    def _granted(self, request: web.Request) -> tuple[Grant, Source]:
        said = request.match_info
        key = RunKey(TaskId(said["task_id"]), RunId(int(said["run_id"])))
        grant = address.verify(self.keys(), key, said["token"], self.now())
        if (source := self.sources.get(grant.source)) is None:
            raise faults.Missing(f"nothing is read under the name {grant.source} here")
        return grant, source

    def _refused(self, trouble: Trouble) -> web.Response:
        no = refusal(trouble)
        self.told.refused(no.reason)
        retry = {} if no.retry_after is None else {"Retry-After": str(no.retry_after)}
        return web.Response(status=no.status, text=no.sentence + "\n", headers={**_HEADERS, **retry})

    async def _written(self, request: web.Request, shared: Shared) -> web.StreamResponse:
        response = web.StreamResponse(headers=_HEADERS)
        await response.prepare(request)
        noticed(request.transport)
        now = self.now if request.query.get("timestamps") == "1" else None
        following = Following(shared, self._ending, self.bounds.outage, now)
        reader = Reader(response, self.bounds.silence)
        try:
            if (early := await following.write_to(reader)) is not None:
                self.told.refused(early.reason)
            await reader.end()
        except SilentError as trouble:
            self.told.refused(refusal(trouble).reason)
            _dropped(request)
        except ConnectionError:
            _dropped(request)
        except asyncio.CancelledError:
            _dropped(request)
            raise
        return response


def _dropped(request: web.Request) -> None:
    """End the connection, and keep nothing for a reader who did not take it."""
    if request.transport is not None:
        request.transport.abort()


@asynccontextmanager
async def serving(logs: LiveLogs, host: str, port: int) -> AsyncIterator[int]:
    """Answer on host and port while inside; the port that was taken, which for 0 is any free one.

    When it is left, no reader is there any more after two seconds.
    """
    app = web.Application()
    app.add_routes(logs.routes())
    app.on_shutdown.append(logs.end)
    app.on_cleanup.append(logs.forget)
    # No log of accesses: the paths open logs. The handler of a reader that leaves is cancelled, even in a build's silence.
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=_END_WITHIN)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        taken: int = runner.addresses[0][1]
        yield taken
    finally:
        await runner.cleanup()
