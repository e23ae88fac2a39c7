"""A proxy in front of a Buildbot master that spoils, holds or counts calls, as networks and other people's proxies do."""

import asyncio
import re
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Literal, Self

import aiohttp
from aiohttp import web

Kind = Literal["hold", "drop", "html", "truncated", "status", "garbage"]
HTML: Final = b"<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"
HOP_BY_HOP: Final = {"connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding", "host"}


@dataclass(slots=True)
class Fault:
    """The next `count` calls whose `METHOD path` matches the expression go wrong; `effect`: they are carried out all the same.

    `hold` gives the true answer, once `released`; without effect the call itself is held.
    """

    pattern: re.Pattern[str]
    kind: Kind
    count: int = 1
    effect: bool = False
    status: int = 500
    hits: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class Passed:
    """One call: when it came, what it was, and the status that its caller saw (None: no answer)."""

    unix: float
    method: str
    path: str
    status: int | None


class Proxy:
    """Listens on a free port of 127.0.0.1 and passes everything on to `target`; `calls` are all calls so far."""

    def __init__(self) -> None:
        self.target = ""
        self.url = ""
        self.calls: list[Passed] = []
        self._faults: list[Fault] = []
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=120), auto_decompress=False)
        application = web.Application(client_max_size=64 * 1024**2)
        application.router.add_route("*", "/{tail:.*}", self._serve)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()
        assert self._runner is not None
        assert self._session is not None
        await self._runner.cleanup()
        await self._session.close()

    def spoil(self, pattern: str, kind: Kind, *, count: int = 1, effect: bool = False, status: int = 500) -> Fault:
        """Switch a fault on."""
        fault = Fault(re.compile(pattern), kind, count, effect, status)
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Switch all faults off, and let go what is held."""
        for fault in self._faults:
            fault.released.set()
        self._faults.clear()

    async def _serve(self, asked: web.Request) -> web.StreamResponse:
        called = f"{asked.method} {asked.path}"
        fault = next((each for each in self._faults if each.count > 0 and each.pattern.search(called)), None)
        if fault is not None:
            fault.count -= 1
            fault.hits += 1
        try:
            answer = await self._answer(asked, fault)
        except (aiohttp.ClientError, TimeoutError):  # the master is away: so it looks from here
            answer = None
        self.calls.append(Passed(time.time(), asked.method, asked.path, answer.status if answer else None))
        if answer is None:
            if asked.transport is not None:
                asked.transport.abort()
            return web.Response()
        if fault is not None and fault.kind == "truncated":
            return await _cut(asked, answer)
        return answer

    async def _answer(self, asked: web.Request, fault: Fault | None) -> web.Response | None:
        body = await asked.read()
        if fault is None or fault.kind == "truncated":
            return await self._passed(asked, body)
        if fault.kind == "hold" and not fault.effect:
            await fault.released.wait()
        true = await self._passed(asked, body) if fault.effect or fault.kind == "hold" else None
        if fault.kind == "hold":
            await fault.released.wait()
            return true
        return _spoiled(fault)

    async def _passed(self, asked: web.Request, body: bytes) -> web.Response:
        assert self._session is not None
        headers = {name: value for name, value in asked.headers.items() if name.lower() not in HOP_BY_HOP}
        address = self.target.rstrip("/") + asked.raw_path
        async with self._session.request(asked.method, address, data=body or None, headers=headers) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)


def _spoiled(fault: Fault) -> web.Response | None:
    match fault.kind:
        case "html":
            return web.Response(status=502, body=HTML, content_type="text/html")
        case "garbage":
            return web.Response(status=200, body=b'{"request_id": "\xff\xfe', content_type="application/json")
        case "status":
            return web.json_response({"error": {"code": "Internal", "message": "spoiled by a test"}}, status=fault.status)
        case _:
            return None


async def _cut(asked: web.Request, answer: web.Response) -> web.StreamResponse:
    """Send half of a body whose length was announced, and end the connection."""
    assert isinstance(answer.body, bytes)
    cut = web.StreamResponse(status=answer.status, headers={**answer.headers, "Content-Length": str(len(answer.body))})
    await cut.prepare(asked)
    await cut.write(answer.body[: len(answer.body) // 2])
    if asked.transport is not None:
        asked.transport.abort()
    return cut
