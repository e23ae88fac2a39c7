"""A run nobody has used yet, and what the tests do with it."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp
from aiolimiter import AsyncLimiter

from bridge.buildbot.answers import Submitted
from bridge.buildbot.client import Buildbot
from bridge.buildbot.exchange import Exchange
from bridge.core.request import RequestState
from tests.integration.buildbot.polling import until
from tests.sandbox.buildbot import BuildbotSandbox

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def client_of(sandbox: BuildbotSandbox, http: aiohttp.ClientSession) -> Buildbot:
    limiter = AsyncLimiter(1000, 1)
    return Buildbot(Exchange(http, sandbox.url, lambda: sandbox.token, limiter, timeout=30))


@dataclass(frozen=True)
class Task:
    buildbot: Buildbot
    task_id: str
    run_id: int = 0

    @property
    def key(self) -> str:
        return f"{self.task_id}/{self.run_id}"

    async def submit(self, builder: str, *, priority: int = 0, **properties: object) -> Submitted:
        return await self.buildbot.submit(
            self.task_id,
            self.run_id,
            builder=builder,
            properties=properties,
            priority=priority,
            reason="a test",
            not_before=LONG_AGO,
        )

    async def state(self) -> RequestState:
        found = await self.buildbot.find(self.task_id, self.run_id)
        assert found is not None
        return found

    async def completed(self) -> RequestState:
        return await until(self.state, lambda state: state.complete)

    async def building(self) -> RequestState:
        """Wait for the first step: before it, an interruption finds no step that it could cancel."""
        return await until(
            self.state,
            lambda state: state.newest is not None and state.newest.state_string.startswith(("building", "'")),
        )


def new_task(buildbot: Buildbot) -> Task:
    return Task(buildbot, secrets.token_urlsafe(16))
