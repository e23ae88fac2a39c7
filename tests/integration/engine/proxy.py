"""A reverse proxy before a Buildbot master that can spoil answers, before or after the call had its effect."""

from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import web

from tests.sandbox.process import free_port

PAGE = b"<html><head><title>502</title></head><body>Bad Gateway</body></html>"


@dataclass
class Spoiling:
    method: str
    way: str
    effect: bool
    count: int
    path: str


@dataclass
class Proxy:
    """Serves `url`, hands everything on to `target`, and spoils what it is told to."""

    target: str
    http: aiohttp.ClientSession
    port: int = field(default_factory=free_port)
    spoilings: list[Spoiling] = field(default_factory=list)
    runner: web.AppRunner = field(init=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def spoil(self, method: str, way: str, *, effect: bool, count: int, path: str = "") -> None:
        """Spoil the next `count` answers to calls of a method (`*`: any) whose path ends so."""
        self.spoilings.append(Spoiling(method, way, effect, count, path))

    def heal(self) -> None:
        self.spoilings.clear()

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 << 20)
        app.router.add_route("*", "/{tail:.*}", self._serve)
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", self.port).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.runner.cleanup()

    def _spoiling(self, request: web.Request) -> Spoiling | None:
        for each in self.spoilings:
            if each.count and each.method in ("*", request.method) and request.path.endswith(each.path):
                each.count -= 1
                return each
        return None

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        spoiling = self._spoiling(request)
        status, body, said = 502, PAGE, dict[str, str]()
        if spoiling is None or spoiling.effect:
            headers = {name: request.headers[name] for name in ("Authorization", "Content-Type") if name in request.headers}
            address = self.target.rstrip("/") + request.raw_path
            async with self.http.request(request.method, address, data=await request.read(), headers=headers) as answer:
                status, body = answer.status, await answer.read()
                said = {
                    name: text for name, text in answer.headers.items() if name.lower() in ("content-type", "retry-after")
                }
                said |= {name: text for name, text in answer.headers.items() if name.lower().startswith("x-")}
        if spoiling is None:
            return web.Response(status=status, body=body, headers=said)
        return self._spoiled(request, spoiling, body)

    def _spoiled(self, request: web.Request, spoiling: Spoiling, body: bytes) -> web.StreamResponse:
        match spoiling.way:
            case "html":
                return web.Response(status=502, body=PAGE, content_type="text/html")
            case "older":  # a plugin that does not know the call yet
                error = {"code": "NoSuchPath", "message": "there is no such path"}
                return web.json_response({"error": error}, status=404)
            case "empty":
                return web.Response(status=200, body=b"")
            case "truncated":
                return web.Response(status=200, body=body[: len(body) // 2], content_type="application/json")
            case _:
                assert request.transport is not None
                request.transport.close()
                return web.Response()
