"""The status API over HTTP: checks who asks and what, has the desk answer, and makes every trouble an error in words."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, get_origin

from aiohttp import web
from aiohttp.typedefs import Middleware
from multidict import MultiMapping

from bridge import logs
from bridge.status import asked
from bridge.status.desk import Desk
from bridge.web import openapi, refusal
from bridge.web.access import Access
from bridge.web.acts import PLACE
from bridge.web.operations import BASE, DOCUMENT, EVENTS, OPERATIONS, Operation
from bridge.web.refusal import Refusal
from bridge.web.shown import Shown, known, tag
from bridge.web.steering import Steering, refused
from bridge.web.stream import Stream

_HEADERS: Final = {
    "Cache-Control": "private, no-cache",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Vary": "Authorization, Cookie",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_LONGEST: Final = 16 << 10  # bytes of a request's line, and of a header
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Api:
    """The API. `release`: the version in its document."""

    desk: Desk
    stream: Stream
    access: Access
    shown: Shown
    release: str
    steering: Steering = field(default_factory=Steering)

    def app(self) -> web.Application:
        """The application, all routes in it."""
        app = web.Application(middlewares=[_shaped, self._guarded])
        for each in OPERATIONS:
            app.router.add_get(f"{BASE}/{each.path}", partial(self._answered, each), allow_head=False)
        app.router.add_get(f"{BASE}/{EVENTS}", self._watched, allow_head=False)
        app.router.add_get(f"{BASE}/{DOCUMENT}", self._documented, allow_head=False)
        app.router.add_routes(self.steering.routes(f"{BASE}/{PLACE}", self.access, self.shown))
        app.on_response_prepare.append(_headed)
        app.on_shutdown.append(self.stream.end)
        return app

    @property
    def _guarded(self) -> Middleware:
        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            if not request.path.startswith(f"{BASE}/"):
                return await handler(request)  # the page, which shows a person how to sign in
            no = self.access.refusal(request.headers, request.remote)
            return refused(no) if no is not None else await handler(request)

        return guard

    async def _answered(self, operation: Operation, request: web.Request) -> web.StreamResponse:
        names = [field.alias or name for name, field in operation.in_query.model_fields.items()]
        try:
            in_path = operation.in_path.model_validate(dict(request.match_info))
            in_query = operation.in_query.model_validate(gathered(request.query, operation.in_query))
            answer = await operation.ask(self.desk, in_path, in_query)
        except Exception as trouble:
            if (no := refusal.of(trouble, names)) is None:
                raise
            return refused(no)
        return _tagged(request, self.shown.text(answer).encode())

    async def _watched(self, request: web.Request) -> web.StreamResponse:
        names = [field.alias or name for name, field in asked.Events.model_fields.items()]
        try:
            which = asked.Events.model_validate(gathered(request.query, asked.Events))
            if (no := self.stream.full()) is None:
                return await self.stream.write(request, which)
        except Exception as trouble:
            if (no := refusal.of(trouble, names)) is None:
                raise
        return refused(no)

    async def _documented(self, request: web.Request) -> web.StreamResponse:
        if request.query:
            return refused(Refusal(400, "InvalidParameter", "The document takes no parameters.", "Leave them out."))
        return _tagged(request, json.dumps(openapi.document(self.release)).encode())


def gathered(query: MultiMapping[str], model: type[asked.Asked]) -> Mapping[str, Any]:
    """What the query says, by name: a list where the model has one, or where somebody said the same thing twice."""
    lists = {field.alias for field in model.model_fields.values() if get_origin(field.annotation) is tuple}
    said = {name: query.getall(name) for name in dict.fromkeys(query)}
    return {name: all_of_it if name in lists or len(all_of_it) > 1 else all_of_it[0] for name, all_of_it in said.items()}


def _tagged(request: web.Request, body: bytes) -> web.Response:
    own = tag(body)
    if known(request.headers.get("If-None-Match"), own):
        return web.Response(status=304, headers={"ETag": own})
    return web.Response(body=body, content_type="application/json", headers={"ETag": own})


@web.middleware
async def _shaped(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Make an error in words of whatever went wrong; a defect is logged, and its text shown to nobody."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        return refused(_of_http(error))
    except Exception:  # noqa: BLE001  the border around one question
        logs.logger().exception("defect", command="status", path=request.path[:200])
        return refused(
            Refusal(500, "Defect", "The bridge met something that nobody expected.", "Report it, with the log of `bbb web`.")
        )


async def _headed(_request: web.Request, response: web.StreamResponse) -> None:
    """Give every answer the headers that all have, unless it has its own."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)


def _of_http(error: web.HTTPException) -> Refusal:
    document = f"{BASE}/{DOCUMENT} names all that can be asked."
    match error:
        case web.HTTPMethodNotAllowed():
            allowed = {"Allow": ", ".join(sorted(error.allowed_methods))}
            return Refusal(405, "MethodNotAllowed", "This cannot be done here.", f"Use {allowed['Allow']}.", allowed)
        case web.HTTPNotFound():
            return Refusal(404, "NotFound", "There is nothing at this address.", document)
        case _:
            return Refusal(error.status, "BadRequest", error.reason, document)


@asynccontextmanager
async def served(app: web.Application, host: str, port: int) -> AsyncIterator[int]:
    """Answer on host and port while inside; the port that was taken, which for 0 is any free one."""
    runner = web.AppRunner(
        app,
        access_log=None,
        handler_cancellation=True,
        shutdown_timeout=2,
        max_line_size=_LONGEST,
        max_field_size=_LONGEST,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        taken: int = runner.addresses[0][1]
        logs.logger().info("web_listening", what="status", url=f"http://{host}:{taken}{BASE}/")
        yield taken
    finally:
        await runner.cleanup()
