"""The plugin in the master, as the engine and the follower call it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from bridge.buildbot import errors
from bridge.buildbot.answers import Changes, States
from bridge.core.order import Order
from bridge.core.request import RequestState
from bridge.core.run import RequestId, RunKey
from tests.simulation.buildbot import Master, Request
from tests.simulation.fabric import Fabric, Machine
from tests.simulation.shown import Shown
from tests.simulation.watch import Watch

_PROPERTIES: Mapping[str, tuple[object, str]] = {"buildername": ("plain", "Builder")}


class Builds(Shown):
    """The engine's port over a master, and the stream of its changes."""

    def __init__(self, master: Master, machine: Machine, fabric: Fabric, watch: Watch) -> None:
        super().__init__(master, self._call)
        self._machine, self._fabric, self._watch = machine, fabric, watch

    def _call(self, name: str, effect: Callable[[], Any]) -> Awaitable[Any]:
        def answered() -> Any:
            if not self._master.up:
                raise errors.Unavailable("connection refused")
            return effect()

        return self._fabric.call(self._machine, "buildbot", name, answered)

    async def submit(self, key: RunKey, order: Order) -> RequestId:
        return await self._call("submit", lambda: self._submit(str(key), order))

    def _submit(self, key: str, order: Order) -> RequestId:
        master = self._master
        request = master.request_of(key)
        if request is not None:
            if request.builder != order.builder:
                raise errors.Conflict(f"run {key} has build request {request.id} already")
            return RequestId(request.id)
        if master.stopping:
            raise errors.Unavailable("the master is stopping", retry_after=5)
        if order.builder not in master.builders:
            raise errors.UnknownBuilder(f"unknown builder: {order.builder!r}")
        if master.pending(order.builder) >= master.cap:
            raise errors.QueueFull("too many pending requests", retry_after=15)
        self._watch.submitted(key)
        return RequestId(master.submit(key, order.builder, order.priority).id)

    async def find(self, key: RunKey) -> RequestState | None:
        return await self._call("find", lambda: self._state(self._master.request_of(str(key))))

    def _state(self, request: Request | None) -> RequestState | None:
        return None if request is None else self._master.state(request)

    async def state(self, request: RequestId) -> RequestState | None:
        return await self._call("state", lambda: self._state(self._shown(request)))

    def _shown(self, number: int) -> Request | None:
        request = self._master.requests.get(number)
        hidden = self._master.hidden_until > self._fabric.loop.now
        return None if request is None or request.rebuilt or hidden else request

    async def states(self, requests: Collection[RequestId]) -> States:
        return await self._call("states", lambda: self._states(list(requests)))

    def _states(self, numbers: list[RequestId]) -> States:
        master = self._master
        found = {number: self._shown(number) for number in numbers}
        states = tuple(master.state(request) for request in found.values() if request is not None)
        missing = tuple(number for number, request in found.items() if request is None)
        return States(master.epoch, master.seq, states, missing)

    async def cancel(self, key: RunKey, reason: str) -> RequestState | None:
        return await self._call("cancel", lambda: self._cancel(str(key)))

    def _cancel(self, key: str) -> RequestState | None:
        request = self._master.request_of(key)
        if request is None:
            return None
        if not request.complete:
            self._watch.cancel_asked(key)
            self._master.cancel(request)
        return self._master.state(request)

    async def set_priority(self, key: RunKey, priority: int) -> None:
        await self._call("set_priority", lambda: self._prioritise(str(key), priority))

    def _prioritise(self, key: str, priority: int) -> None:
        request = self._master.request_of(key)
        if request is None:
            raise errors.NotFound(key)
        if not request.claimed:
            request.priority, request.known = priority, None

    async def properties(self, build_id: int) -> Mapping[str, tuple[object, str]]:
        return await self._call("properties", lambda: self._properties(build_id))

    def _properties(self, build_id: int) -> Mapping[str, tuple[object, str]]:
        if not any(build.id == build_id for request in self._master.ours() for build in request.builds):
            raise errors.NotFound(f"build {build_id}")
        return _PROPERTIES

    async def strangers(self, completed_since: datetime) -> AsyncIterator[list[RequestState]]:
        yield await self._call("requests", lambda: [self._master.state(r) for r in self._master.ours() if not r.complete])
        yield await self._call("requests", lambda: self._completed(completed_since))

    def _completed(self, since: datetime) -> list[RequestState]:
        states = (self._master.state(request) for request in self._master.ours() if request.complete)
        return [state for state in states if state.complete_at is not None and state.complete_at >= since]

    async def build_url(self, state: RequestState) -> str | None:
        newest = state.newest
        return None if newest is None else f"https://buildbot.example/#/builders/{newest.builder_id}/builds/{newest.number}"

    async def changes(self, epoch: str | None, after: int, wait: float) -> Changes:
        """The plugin's long poll: an answer with changes, an empty one after `wait` seconds, or word of a gap."""
        ends = self._fabric.loop.now + wait
        while True:
            news = await self._call("changes", lambda: self._changes(epoch, after, ends))
            if isinstance(news, Changes):
                return news
            await news

    def _changes(self, epoch: str | None, after: int, ends: float) -> "Changes | asyncio.Future[None]":
        master = self._master
        if epoch != master.epoch or (master.ring and after < master.ring[0][0] - 1):
            return Changes(master.epoch, master.seq, resync=True, changes=())
        news = [(seq, change) for seq, change in master.ring if seq > after]
        left = ends - self._fabric.loop.now
        if news or left <= 0:
            return Changes(master.epoch, news[-1][0] if news else after, resync=False, changes=tuple(c for _, c in news))
        return self._news(left)

    def _news(self, seconds: float) -> "asyncio.Future[None]":
        """Done at the next change, or when the wait is over."""
        loop = self._fabric.loop
        woken: asyncio.Future[None] = loop.create_future()

        def wake() -> None:
            if not woken.done():
                woken.set_result(None)

        self._master.wait(wake)
        loop.later(seconds, wake)
        return woken
