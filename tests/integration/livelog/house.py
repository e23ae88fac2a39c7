"""A live log that is served over HTTP, of a build in memory, and what its tests ask of it."""

import asyncio
import contextlib
import dataclasses
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import aiohttp

from bridge.core.run import RunId, RunKey, TaskId
from bridge.engine.ports import Properties, Redact
from bridge.livelog.address import Grant, address
from bridge.livelog.server import Bounds, LiveLogs, Source, Told, serving
from bridge.livelog.sharing import Watched
from tests.unit.engine.growing import GrowingBuild

KEY, OTHER_KEY = "k" * 32, "o" * 32
RUN = RunKey(TaskId("fN1SbArXTPSVFNUvaOlinQ"), RunId(0))
GRANT = Grant(RUN, "main", 7, "task/0")
NOW = datetime(2026, 3, 4, 6, 0, 0, tzinfo=UTC)
QUICK = Bounds(poll=0.01)


def canaries_masked(properties: Properties) -> Redact:
    """A canary is a secret, and so is the value of the property `song`."""
    song = str(properties.get("song", ("canary", ""))[0])
    return lambda text: text.replace("canary", "[secret]").replace(song, "[secret]")


@dataclass
class House:
    """`told` holds each number of readers, and each reason of a refusal."""

    build: Watched
    bounds: Bounds = QUICK
    keys: list[str] = field(default_factory=lambda: [KEY])
    readers: list[int] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    now: datetime = NOW
    port: int = 0

    def logs(self) -> LiveLogs:
        sources = {"main": Source(self.build, canaries_masked)}
        told = Told(self.readers.append, self.refused.append)
        return LiveLogs(sources, lambda: self.keys, lambda: self.now, told, self.bounds)

    def url(self, grant: Grant = GRANT, *, key: str = KEY, expires: datetime = NOW + timedelta(hours=1)) -> str:
        return address(f"http://127.0.0.1:{self.port}", key, grant, expires)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["House"]:
        async with serving(self.logs(), "127.0.0.1", 0) as self.port:
            yield self

    async def get(self, url: str | None = None, method: str = "GET") -> tuple[int, str, dict[str, str]]:
        async with aiohttp.ClientSession() as session, session.request(method, url or self.url()) as answer:
            return answer.status, await answer.text(), dict(answer.headers)

    @contextlib.asynccontextmanager
    async def reading(self, url: str | None = None) -> AsyncIterator[aiohttp.StreamReader]:
        """The body, as it comes."""
        async with aiohttp.ClientSession() as session, session.get(url or self.url()) as answer:
            assert answer.status == 200
            yield answer.content

    async def stuck(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A reader who asks for the log and then reads nothing; its machine takes little for it."""
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 256 << 10)
        connection.connect(("127.0.0.1", self.port))  # a listening socket answers at once
        reader, writer = await asyncio.open_connection(sock=connection, limit=1 << 10)
        path = self.url().removeprefix(f"http://127.0.0.1:{self.port}")
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        return reader, writer

    async def left(self, readers: int = 0) -> None:
        await until(lambda: self.readers[-1:] == [readers])


async def until(condition: Callable[[], bool], within: float = 10.0) -> None:
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.005)


def running(*lines: str) -> tuple[GrowingBuild, int]:
    """A build with a step that has written these lines, and the id of its log."""
    build = GrowingBuild(most=1000)
    log = build.log(build.step())
    build.write(log, *lines)
    return build, log


def end(build: GrowingBuild) -> None:
    build.end_step(0)
    build.end()


def other(**changes: object) -> Grant:
    return dataclasses.replace(GRANT, **changes)
