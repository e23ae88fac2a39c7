"""Server-sent events: the changes of phase, to whoever watches."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from bridge.core import faults
from bridge.core.ledger import Change
from bridge.status import asked, shaping
from bridge.status.changes import Changes, LostError
from bridge.web.refusal import Refusal
from bridge.web.shown import Shown

HEARTBEAT: Final = 10.0
_TAKEN_WITHIN: Final = 20.0
_RETRY: Final = 2000  # milliseconds until a browser connects again
_LAST: Final = "Last-Event-ID"


@dataclass(slots=True)
class Stream:
    """Writes changes to watchers, of whom there are at most `most`. `shown` masks secrets."""

    changes: Changes
    most: int
    shown: Shown
    heartbeat: float = HEARTBEAT
    _ending: asyncio.Event = field(default_factory=asyncio.Event)

    async def end(self, _app: web.Application) -> None:
        """Send the watchers away: the process ends."""
        self._ending.set()

    def full(self) -> Refusal | None:
        """Why nobody more may watch; None while there is room."""
        if self.changes.watchers < self.most:
            return None
        mend = "Try again soon, or raise status.watchers."
        return Refusal(503, "TooManyWatchers", "Too many watch at the moment.", mend, {"Retry-After": "10"})

    async def write(self, request: web.Request, which: asked.Events) -> web.StreamResponse:
        """Write until the watcher leaves, takes nothing, or the process ends."""
        with self.changes.watched():
            last, lost = await self._begin(request, which)
            response = web.StreamResponse(
                headers={"Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}
            )
            await response.prepare(request)
            try:
                await _taken(
                    response, f"retry: {_RETRY}\n" + (f"event: reset\nid: {last}\ndata: {{}}\n\n" if lost else "\n")
                )
                await self._follow(response, which, last)
            except (TimeoutError, ConnectionError):
                _dropped(request)
        return response

    async def _begin(self, request: web.Request, which: asked.Events) -> tuple[int, bool]:
        said = request.headers.get(_LAST, "")
        after = int(said) if said.isascii() and said.isdigit() and len(said) < 19 else which.since
        try:
            return await self.changes.begin(after), False
        except LostError as lost:
            return lost.now, True

    async def _follow(self, response: web.StreamResponse, which: asked.Events, last: int) -> None:
        while not self._ending.is_set():
            try:
                new = await self._next(last)
            except faults.Unavailable:
                await _taken(response, ": the database is away\n\n")
                await asyncio.sleep(1)
                continue
            if self._ending.is_set():
                return
            last = new[-1].number if new else last
            told = "".join(self._event(change) for change in new if wanted(which, change))
            # An id without data is remembered by the watcher, and nothing else happens.
            await _taken(response, f"{told}id: {last}\n: alive\n\n")

    async def _next(self, last: int) -> list[Change]:
        """The next changes, none after a heartbeat's time or when the process ends."""
        coming = asyncio.ensure_future(self.changes.after(last, self.heartbeat))
        ending = asyncio.ensure_future(self._ending.wait())
        try:
            await asyncio.wait({coming, ending}, return_when=asyncio.FIRST_COMPLETED)
            return coming.result() if coming.done() else []
        finally:
            for each in (coming, ending):
                each.cancel()
            await asyncio.gather(coming, ending, return_exceptions=True)

    def _event(self, change: Change) -> str:
        data = self.shown.text(shaping.event(change))
        return f"event: transition\nid: {change.number}\ndata: {data}\n\n"


def wanted(which: asked.Events, change: Change) -> bool:
    """Whether the watcher asked for changes like this one."""
    return (
        (not which.pool or change.pool in which.pool)
        and which.task_group_id in (None, change.task_group_id)
        and which.task_id in (None, change.task_id)
    )


async def _taken(response: web.StreamResponse, text: str) -> None:
    async with asyncio.timeout(_TAKEN_WITHIN):
        await response.write(text.encode())


def _dropped(request: web.Request) -> None:
    """End the connection, and keep nothing for a watcher who does not take it."""
    if request.transport is not None:
        request.transport.abort()
