"""One Buildbot as the engine wants it: builds on request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime

from bridge.buildbot.answers import States
from bridge.buildbot.client import MAX_IDS, Buildbot
from bridge.buildbot.errors import NotFound
from bridge.coalesce import Coalescer
from bridge.core.order import Order
from bridge.core.record import BuildRecord, LogPiece, Output
from bridge.core.request import RequestState
from bridge.core.run import RequestId, RunKey
from bridge.flights import Flights


class BuildbotBuilds:
    """Requests builds of one master and reads what became of them; concurrent reads share calls.

    Buildbot's web address, for links, is asked of the plugin once.
    """

    def __init__(self, client: Buildbot) -> None:
        self._client = client
        self._reads: Coalescer[RequestId, RequestState] = Coalescer(self._found, most=MAX_IDS)
        self._web: str | None = None
        self._asking = Flights()

    async def submit(self, key: RunKey, order: Order) -> RequestId:
        """Request a build under the run's key, or learn which request that key has."""
        answer = await self._client.submit(
            key.task_id,
            key.run_id,
            builder=order.builder,
            properties=order.properties,
            sourcestamps=order.sourcestamps,
            priority=order.priority,
            reason=order.reason,
            not_before=order.not_before,
        )
        return RequestId(answer.request_id)

    async def find(self, key: RunKey) -> RequestState | None:
        """Read the request that was made under this key."""
        return await self._client.find(key.task_id, key.run_id)

    async def state(self, request: RequestId) -> RequestState | None:
        """Read one request's state; concurrent calls share a call of the plugin."""
        return await self._reads.get(request)

    async def states(self, requests: Collection[RequestId]) -> States:
        """Read many states."""
        return await self._client.states(list(requests))

    async def _found(self, requests: Sequence[RequestId]) -> Mapping[RequestId, RequestState]:
        answer = await self._client.states(requests)
        return {RequestId(state.request_id): state for state in answer.states}

    async def cancel(self, key: RunKey, reason: str) -> RequestState | None:
        """Ask for the cancel of the request made under this key."""
        return await self._client.cancel(key.task_id, key.run_id, reason)

    async def set_priority(self, key: RunKey, priority: int) -> None:
        """Change the priority of the waiting request made under this key; raises NotFound."""
        if await self._client.set_priority(key.task_id, key.run_id, priority) is None:
            raise NotFound(f"Buildbot has no request for run {key}")

    async def properties(self, build_id: int) -> Mapping[str, tuple[object, str]]:
        """Read a build's properties: name to (value, source)."""
        return await self._client.properties(build_id)

    async def strangers(self, completed_since: datetime) -> AsyncIterator[list[RequestState]]:
        """Read all requests that carry keys of ours: the open ones, then those completed since."""
        async for page in self._client.requests():
            yield list(page)
        async for page in self._client.requests(completed_since=completed_since):
            yield list(page)

    async def build_url(self, state: RequestState) -> str | None:
        """The page of the request's newest build, for people; None while there is none."""
        if state.newest is None:
            return None
        if self._web is None:  # those who come while it is asked wait for that answer, and for that fault: not in a row
            self._web = await self._asking.get("web", self._address)
        return f"{self._web}/#/builders/{state.newest.builder_id}/builds/{state.newest.number}"

    async def _address(self) -> str:
        return (await self._client.version()).buildbot_url.rstrip("/")

    async def record(self, build_id: int) -> BuildRecord:
        """Read a build with its steps; raises NotFound once Buildbot has pruned it."""
        return await self._client.of_build.record(build_id)

    async def log_piece(self, build_id: int, log_id: int, first_line: int) -> LogPiece:
        """Read some lines of a log, about half a megabyte at most."""
        return await self._client.of_build.log_piece(build_id, log_id, first_line)

    async def outputs(self, build_id: int) -> tuple[Output, ...]:
        """Which files the build gave away, by rising number."""
        return await self._client.of_build.outputs(build_id)

    def output(self, build_id: int, number: int) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open one of them for reading; faults may come with any chunk."""
        return self._client.of_build.output(build_id, number)

    async def release(self, build_id: int) -> None:
        """Let Buildbot forget the files that the build gave away."""
        await self._client.of_build.release(build_id)
