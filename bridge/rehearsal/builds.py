"""Buildbot for a rehearsal: read as it is, and never told anything."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime

from bridge.core.order import Order
from bridge.core.record import BuildRecord, LogPiece, Output
from bridge.core.request import RequestState
from bridge.core.run import RequestId, RunId, RunKey, TaskId
from bridge.engine import ports
from bridge.rehearsal.plan import Plan


@dataclass(frozen=True, slots=True)
class Builds:
    """Reads by the real port; what has an effect is noted, and answered by what the real services do."""

    real: ports.Builds
    plan: Plan

    async def submit(self, key: RunKey, order: Order) -> RequestId:
        """Note it; the request that the real services have made under the same key."""
        self.plan.note(key, "submit", order.builder)
        state = await self.plan.seen(lambda: self.real.find(key), "a build request")
        return RequestId(state.request_id)

    async def cancel(self, key: RunKey, reason: str) -> RequestState | None:
        """Note it; the request as it is."""
        self.plan.note(key, "cancel", reason)
        return await self.real.find(key)

    async def set_priority(self, key: RunKey, priority: int) -> None:
        """Note it."""
        self.plan.note(key, "priority", str(priority))

    async def release(self, build_id: int) -> None:
        """Note it; it is of a build, not of a run."""
        self.plan.note(RunKey(TaskId("-"), RunId(0)), "release", f"build {build_id}")

    async def find(self, key: RunKey) -> RequestState | None:
        return await self.real.find(key)

    async def state(self, request: RequestId) -> RequestState | None:
        return await self.real.state(request)

    async def states(self, requests: Collection[RequestId]) -> ports.Read:
        return await self.real.states(requests)

    async def properties(self, build_id: int) -> ports.Properties:
        return await self.real.properties(build_id)

    def strangers(self, completed_since: datetime) -> AsyncIterator[list[RequestState]]:
        return self.real.strangers(completed_since)

    async def build_url(self, state: RequestState) -> str | None:
        return await self.real.build_url(state)

    async def record(self, build_id: int) -> BuildRecord:
        return await self.real.record(build_id)

    async def log_piece(self, build_id: int, log_id: int, first_line: int) -> LogPiece:
        return await self.real.log_piece(build_id, log_id, first_line)

    async def outputs(self, build_id: int) -> tuple[Output, ...]:
        return await self.real.outputs(build_id)

    def output(self, build_id: int, number: int) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        return self.real.output(build_id, number)
