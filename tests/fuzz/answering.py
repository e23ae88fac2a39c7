"""A web server that answers every request with the same status, headers and bytes, whatever they are."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from aiohttp import web
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

_STATUSES = (200,) * 40 + (201, 202, 204, 301, 400, 401, 403, 404, 404, 409, 410, 413, 418, 429, 429, 500, 503)
_HEADERS = (
    ("Retry-After", "7"),
    ("Retry-After", "-3"),
    ("Retry-After", "9" * 400),
    ("Retry-After", "Fri, 31 Dec 1999 23:59:59 GMT"),
    ("Date", "Mon, 99 Foo 0000 99:99:99"),
    ("Date", "Fri, 31 Dec 9999 23:59:59 -2400"),
    ("Content-Type", "application/json; charset=klingon"),
    ("Content-Type", "text/html"),
)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server says."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def replies(bodies: SearchStrategy[bytes]) -> SearchStrategy[Reply]:
    """Replies with these bodies."""
    headers = st.lists(st.sampled_from(_HEADERS), max_size=2, unique_by=lambda header: header[0]).map(tuple)
    return st.builds(Reply, st.sampled_from(_STATUSES), st.just(()) | headers, bodies)


@dataclass
class Server:
    """Says `reply` to everybody; `asked` counts requests."""

    reply: Reply = field(default_factory=lambda: Reply(200, (), b"{}"))
    asked: int = 0
    url: str = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        self.asked += 1
        headers = {"Content-Type": "application/json"} | dict(self.reply.headers)
        return web.Response(status=self.reply.status, headers=headers, body=self.reply.body)


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    """Such a server on a free port."""
    server = Server()
    application = web.Application(client_max_size=1 << 24)
    application.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        server.url = f"http://{host}:{port}"
        yield server
    finally:
        await runner.cleanup()
