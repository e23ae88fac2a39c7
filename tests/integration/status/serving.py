"""`bbb web` in this process, over a database of the test's own; the two sides are away unless a test says otherwise."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bridge.cli.web import run
from bridge.metrics import Metrics
from bridge.service import Frame
from bridge.settings import load
from tests.sandbox.process import free_port
from tests.sandbox.stack import toml

CANARY = "canary-token-of-the-client"


def settings(dsn: str, status: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "worker_group": "buildbot",
        "taskcluster": {"root_url": "http://127.0.0.1:9", "client_id": "c", "access_token": CANARY},
        "pulse": {"enabled": False},
        "database": {"dsn": dsn},
        "buildbots": {"main": {"url": "http://127.0.0.1:9", "token": "canary-bearer-of-buildbot"}},
        "pools": {
            "linux": {"task_queue": "proj/linux", "buildbot": "main", "builders": ["linux64-*"], "left_alone": ["release-*"]}
        },
        "status": {"live_timeout": 3, **status},
    }


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True, slots=True)
class Served:
    """The API and somebody who asks it."""

    url: str
    http: aiohttp.ClientSession

    async def get(self, path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, **query: Any) -> Answer:
        """Ask; whatever the answer, it holds no secret and no traceback, and has the headers that all have."""
        async with self.http.request(method, f"{self.url}/api/v1/{path}", headers=headers, params=query) as answer:
            return await _harmless(answer)

    async def post(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> Answer:
        """Send JSON; likewise."""
        async with self.http.post(f"{self.url}/api/v1/{path}", json=body, headers=headers) as answer:
            return await _harmless(answer)


async def _harmless(answer: aiohttp.ClientResponse) -> Answer:
    text = await answer.text()
    assert "canary" not in text
    assert "Traceback" not in text
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in answer.headers
    return Answer(answer.status, answer.headers, text)


@asynccontextmanager
async def serving(dsn: str, directory: Path, **status: Any) -> AsyncIterator[Served]:
    """Serve with these settings of the section, until the block is left."""
    port = free_port()
    path = directory / "bridge.toml"
    path.write_text(toml(settings(dsn, {"port": port, **status})))
    frame = Frame("web", Metrics("web", "0"))
    task = asyncio.create_task(run(frame, load(path)))
    try:
        async with aiohttp.ClientSession() as http:
            url = f"http://127.0.0.1:{port}"
            async with asyncio.timeout(20):
                while not await _answers(http, url):
                    assert not task.done(), task.exception()
                    await asyncio.sleep(0.05)
            yield Served(url, http)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _answers(http: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with http.get(url):
            return True
    except aiohttp.ClientError:
        return False
