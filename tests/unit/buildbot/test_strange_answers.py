"""A web server that is not the plugin, or not well: nothing it says may be taken for the plugin's word."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web
from aiolimiter import AsyncLimiter

from bridge.buildbot.client import Buildbot
from bridge.buildbot.errors import BadRequest, Conflict, NotFound, QueueFull, Unauthorized, Unavailable, UnknownBuilder
from bridge.buildbot.exchange import Exchange
from bridge.buildbot.watch import Batch, Listed, Trouble, watch
from bridge.core import faults

TASK = "RQ6OGWNuRYCLxPGx9t3GZg"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Server:
    """Answers each call with the next of its answers, the last one for ever."""

    answers: list[Handler] = field(default_factory=list)
    calls: list[web.Request] = field(default_factory=list)
    port: int = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        self.calls.append(request)
        handler = self.answers[min(len(self.calls), len(self.answers)) - 1]
        return await handler(request)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    application = web.Application(client_max_size=1 << 24)
    application.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.port = runner.addresses[0][1]
    yield server
    await runner.cleanup()


@pytest.fixture
async def buildbot(server: Server) -> AsyncIterator[Buildbot]:
    async with aiohttp.ClientSession() as session:
        limiter = AsyncLimiter(1000, 1)
        yield Buildbot(Exchange(session, f"http://127.0.0.1:{server.port}/bb/", lambda: "secret", limiter, timeout=0.5))


def says(status: int, body: str | bytes, **headers: str) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        raw = body.encode() if isinstance(body, str) else body
        return web.Response(status=status, body=raw, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return answer


def refuses(status: int, code: str, **headers: str) -> Handler:
    return says(status, json.dumps({"error": {"code": code, "message": "because"}}), **headers)


async def stalls(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(5)
    return web.Response()


async def breaks_off(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"builders": [')
    assert request.transport is not None
    request.transport.close()
    return response


async def hangs_up(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


HTML = "<html><body>502 Bad Gateway</body></html>"


@pytest.mark.parametrize(
    "answer",
    [
        says(200, HTML), says(200, ""), says(200, b'{"builders": ['), says(200, "[]"), says(200, "null"),
        says(200, '{"builders": [{"name": 1}]}'), says(200, b"\xff"), says(204, ""),
        says(502, HTML), says(503, ""), says(500, "{}"), refuses(500, "InternalError"), refuses(503, "NotReady"),
        says(404, HTML), says(404, ""), says(404, '{"error": "not found"}'), refuses(404, "Elsewhere"),
        says(400, HTML), says(409, ""), says(413, HTML), says(429, ""), refuses(405, "MethodNotAllowed"),
        says(302, "", Location="http://127.0.0.1:1/"), says(301, "", Location="/login"),
        stalls, breaks_off, hangs_up,
    ],
)  # fmt: skip
async def test_an_answer_that_is_not_surely_the_plugins_is_no_answer(
    server: Server, buildbot: Buildbot, answer: Handler
) -> None:
    server.answers = [answer]
    started = time.monotonic()
    with pytest.raises(Unavailable):
        await buildbot.builders()
    assert time.monotonic() - started < 4


@pytest.mark.parametrize(
    ("answer", "fault", "family"),
    [
        (refuses(400, "BadRequest"), BadRequest, faults.Unfit),
        (refuses(413, "TooLarge"), BadRequest, faults.Unfit),
        (refuses(401, "Unauthorized"), Unauthorized, faults.NotAllowed),
        (says(403, HTML), Unauthorized, faults.NotAllowed),
        (refuses(404, "UnknownBuilder"), UnknownBuilder, faults.Unfit),
        (refuses(404, "NotFound"), NotFound, faults.Missing),
        (refuses(409, "Conflict"), Conflict, faults.Conflicting),
        (refuses(429, "QueueFull"), QueueFull, faults.Full),
    ],
)
async def test_the_plugins_own_refusals_are_told_apart(
    server: Server, buildbot: Buildbot, answer: Handler, fault: type[Exception], family: type[Exception]
) -> None:
    server.answers = [answer]
    with pytest.raises(fault) as caught:
        await buildbot.properties(1)
    assert isinstance(caught.value, family)
    assert len(server.calls) == 1, "an answer is not asked for again"


async def test_not_found_is_no_answer_where_nothing_was_looked_for(server: Server, buildbot: Buildbot) -> None:
    """An address that leads elsewhere must not make tasks or requests seem gone."""
    server.answers = [refuses(404, "NotFound")]
    moment = datetime(2026, 11, 21, tzinfo=UTC)
    submit = buildbot.submit(TASK, 0, builder="b", properties={}, reason="r", not_before=moment)
    for call in (submit, buildbot.states([7]), anext(buildbot.requests()), buildbot.builders(), buildbot.version()):
        with pytest.raises(Unavailable):
            await call


async def test_a_path_that_the_plugin_does_not_have_is_no_missing_request(server: Server, buildbot: Buildbot) -> None:
    server.answers = [refuses(404, "NoSuchPath")]
    for call in (buildbot.find(TASK, 0), buildbot.cancel(TASK, 0, "r"), buildbot.properties(1)):
        with pytest.raises(Unavailable):
            await call


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("0", 0), ("soon", None), ("-3", None), ("99999", 3600), ("Fri, 31 Dec 1999 23:59:59 GMT", None)],
)
async def test_retry_after_is_carried(server: Server, buildbot: Buildbot, header: str, seconds: float | None) -> None:
    server.answers = [refuses(429, "QueueFull", Retry_After=header), says(503, "", Retry_After=header)]
    with pytest.raises(QueueFull) as full:
        await buildbot.builders()
    with pytest.raises(Unavailable) as unavailable:
        await buildbot.builders()
    assert full.value.retry_after == unavailable.value.retry_after == seconds


async def test_a_broken_connection_is_tried_again_at_once(server: Server, buildbot: Buildbot) -> None:
    server.answers = [hangs_up, breaks_off, says(200, '{"builders": []}')]
    assert await buildbot.builders() == ()
    assert len(server.calls) == 3


async def test_nobody_there_is_unavailable(server: Server) -> None:
    async with aiohttp.ClientSession() as session:
        nobody = Exchange(session, "http://127.0.0.1:1", lambda: "secret", AsyncLimiter(10, 1), timeout=2)
        with pytest.raises(Unavailable, match="version"):
            await Buildbot(nobody).version()


async def test_the_token_is_asked_for_on_each_call_and_sent_only_to_the_given_address(server: Server) -> None:
    tokens = iter(["first", "second"])
    server.answers = [says(302, "", Location="/elsewhere"), says(200, '{"builders": []}')]
    async with aiohttp.ClientSession() as session:
        exchange = Exchange(session, f"http://127.0.0.1:{server.port}", lambda: next(tokens), AsyncLimiter(10, 1), timeout=2)
        with pytest.raises(Unavailable):
            await Buildbot(exchange).builders()
        await Buildbot(exchange).builders()
    assert [call.headers["Authorization"] for call in server.calls] == ["Bearer first", "Bearer second"]
    assert {call.path for call in server.calls} == {"/plugins/taskcluster/v1/builders"}


async def test_texts_that_go_wrong_are_not_repeated_in_errors(server: Server, buildbot: Buildbot) -> None:
    server.answers = [says(200, '{"password": ["hunter2"]}')]
    with pytest.raises(Unavailable) as caught:
        await buildbot.properties(1)
    assert "hunter2" not in str(caught.value)


SUBMITTED = {"created": True, "external_id": f"{TASK}/0", "buildsetid": 1, "buildrequestid": 2, "builder": "b"}


@pytest.mark.parametrize("changes", [{"external_id": f"{TASK}/1"}, {"builder": "c"}])
async def test_a_submission_answered_for_another_is_no_answer(
    server: Server, buildbot: Buildbot, changes: dict[str, object]
) -> None:
    server.answers = [says(201, json.dumps(SUBMITTED | changes)), says(201, json.dumps(SUBMITTED))]
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)

    async def submit() -> int:
        submitted = await buildbot.submit(TASK, 0, builder="b", properties={"x": "\ud800ü"}, reason="r", not_before=long_ago)
        return submitted.request_id

    with pytest.raises(Unavailable, match="answered for"):
        await submit()
    assert await submit() == 2


@pytest.mark.parametrize("ids", [[], [1], [1, 2, 3], [2, 1], [1, 1]])
async def test_a_list_that_does_not_hold_exactly_what_was_asked_is_no_answer(
    server: Server, buildbot: Buildbot, ids: list[int]
) -> None:
    entries = [{"buildrequestid": each, "missing": True} for each in ids]
    server.answers = [says(200, json.dumps({"epoch": "e", "seq": 0, "states": entries}))]
    with pytest.raises(Unavailable, match="exactly"):
        await buildbot.states([1, 2])


async def test_pages_that_do_not_advance_end_with_a_fault(server: Server, buildbot: Buildbot) -> None:
    server.answers = [says(200, json.dumps({"epoch": "e", "seq": 0, "states": [], "next": 5}))]
    with pytest.raises(Unavailable, match="advance"):
        async for _ in buildbot.requests():
            assert len(server.calls) < 3


async def test_the_watch_goes_on_through_every_fault(server: Server, buildbot: Buildbot) -> None:
    quiet = says(200, json.dumps({"epoch": "e", "seq": 3, "resync": True, "changes": []}))
    server.answers = [says(502, HTML), refuses(401, "Unauthorized"), says(200, HTML), quiet]
    troubles: list[Trouble] = []
    batches: list[Batch] = []
    async for batch in watch(buildbot, troubles.append, wait=0.2):
        batches.append(batch)
        break
    assert batches == [Listed("e", "first look")]
    assert [type(trouble.fault) for trouble in troubles] == [Unavailable, Unauthorized, Unavailable]
    assert [trouble.attempt for trouble in troubles] == [1, 2, 3]


async def test_a_master_that_answers_at_once_is_not_asked_in_a_ring(server: Server, buildbot: Buildbot) -> None:
    first = says(200, json.dumps({"epoch": "e", "seq": 3, "resync": True, "changes": []}))
    quiet = says(200, json.dumps({"epoch": "e", "seq": 3, "resync": False, "changes": []}))
    server.answers = [first, quiet]

    async def read() -> None:
        async for _ in watch(buildbot, lambda _: None):
            pass

    task = asyncio.create_task(read())
    await asyncio.wait([task], timeout=1.5)
    task.cancel()
    await asyncio.wait([task])
    assert 2 <= len(server.calls) <= 4
