"""What is told of single builds: taken for the plugin's word only where it surely is, and never cut short in silence."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiolimiter import AsyncLimiter

from bridge.buildbot.builds import BuildbotBuilds
from bridge.buildbot.client import Buildbot
from bridge.buildbot.errors import NotFound, Unauthorized, Unavailable
from bridge.buildbot.exchange import Exchange
from bridge.core.record import LogKind, LogPiece, Output

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
HTML = "<html>502 Bad Gateway</html>"
BYTES = "application/octet-stream"


@asynccontextmanager
async def master(answer: Handler) -> AsyncIterator[BuildbotBuilds]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield BuildbotBuilds(Buildbot(Exchange(session, url, lambda: "secret", AsyncLimiter(1000, 1), timeout=2)))
    finally:
        await runner.cleanup()


def says(status: int, body: str | bytes, content_type: str = "text/plain", **headers: str) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        raw = body.encode() if isinstance(body, str) else body
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, body=raw, headers={"Content-Type": content_type, **named})

    return answer


def refuses(status: int, code: str) -> Handler:
    return says(status, json.dumps({"error": {"code": code, "message": "because"}}))


def cut_short(content_type: str, announced: int, sent: bytes) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        headers = {"Content-Length": str(announced), "Content-Type": content_type, "X-Next-Line": "1", "X-Complete": "true"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        await response.write(sent)
        assert request.transport is not None
        request.transport.close()
        return response

    return answer


async def test_a_piece_of_a_log_is_text_with_its_place() -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(f"{request.method} {request.path_qs} {request.headers['Authorization']}")
        return await says(200, "five\nsix é\n", X_Next_Line="7", X_Complete="false")(request)

    async with master(answer) as builds:
        assert await builds.log_piece(3, 4, 5) == LogPiece("five\nsix é\n", 7, complete=False)
    assert asked == ["GET /plugins/taskcluster/v1/builds/3/logs/4?first=5 Bearer secret"]


async def test_bytes_that_are_no_text_are_replaced_and_lost_lines_passed_over() -> None:
    async with master(says(200, b"\xff\n", X_Next_Line="9", X_Complete="true")) as builds:
        assert await builds.log_piece(3, 4, 5) == LogPiece("\ufffd\n", 9, complete=True)


@pytest.mark.parametrize(
    "answer",
    [
        says(200, HTML, "text/html"), says(200, ""), says(200, "a\n", X_Next_Line="6"), says(200, "a\n", X_Complete="true"),
        says(200, "a\n", X_Next_Line="4", X_Complete="true"), says(200, "a\nb\n", X_Next_Line="6", X_Complete="true"),
        says(200, "a\n", X_Next_Line="six", X_Complete="true"), says(200, "a\n", X_Next_Line="6", X_Complete="yes"),
        says(200, "a\n", X_Next_Line="-6", X_Complete="true"), says(206, "a\n", X_Next_Line="6", X_Complete="true"),
        says(404, HTML), says(302, "", Location="/"), says(503, ""), cut_short("text/plain", 100, b"a\n"),
        refuses(404, "NoSuchPath"), refuses(500, "InternalError"),
    ],
)  # fmt: skip
async def test_what_is_surely_no_piece_of_the_log_is_no_answer(answer: Handler) -> None:
    async with master(answer) as builds:
        with pytest.raises(Unavailable):
            await builds.log_piece(3, 4, 5)


@pytest.mark.parametrize(
    ("answer", "fault"), [(refuses(404, "NotFound"), NotFound), (refuses(401, "Unauthorized"), Unauthorized)]
)
async def test_what_the_plugin_refuses_is_told_by_its_kind(answer: Handler, fault: type[Exception]) -> None:
    async with master(answer) as builds:
        for call in (builds.record(3), builds.log_piece(3, 4, 0), builds.outputs(3), builds.release(3)):
            with pytest.raises(fault):
                await call
        with pytest.raises(fault):
            async with builds.output(3, 1):
                pass


async def test_a_file_comes_in_chunks_to_its_last_byte() -> None:
    content = bytes(range(256)) * 2000
    async with master(says(200, content, BYTES)) as builds, builds.output(3, 1) as chunks:
        assert b"".join([chunk async for chunk in chunks]) == content


@pytest.mark.parametrize("sent", [b"", b"x", b"x" * 99_999])
async def test_a_file_that_breaks_off_is_a_fault_and_not_its_end(sent: bytes) -> None:
    async with master(cut_short(BYTES, 100_000, sent)) as builds, builds.output(3, 1) as chunks:
        with pytest.raises(Unavailable):
            [chunk async for chunk in chunks]


@pytest.mark.parametrize(
    "answer", [says(200, HTML, "text/html"), says(302, "", Location="/"), says(204, ""), says(502, HTML)]
)
async def test_what_is_surely_no_file_is_no_answer(answer: Handler) -> None:
    async with master(answer) as builds:
        with pytest.raises(Unavailable):
            async with builds.output(3, 1):
                pass


async def test_a_fault_of_the_reader_stays_its_own() -> None:
    async with master(says(200, b"x" * 1_000_000, BYTES)) as builds:
        for fault in (aiohttp.ClientConnectionError("of another server"), TimeoutError(), KeyError("x")):
            with pytest.raises(type(fault)):
                async with builds.output(3, 1) as chunks:
                    await anext(chunks)
                    raise fault


async def test_files_are_read_a_few_at_once_and_given_up_ones_give_their_turn_back() -> None:
    open_now, most, four = 0, 0, asyncio.Barrier(4)

    async def read(builds: BuildbotBuilds, *, whole: bool) -> int:
        nonlocal open_now, most
        async with builds.output(3, 1) as chunks:
            open_now += 1
            most = max(most, open_now)
            await asyncio.wait_for(four.wait(), 20)
            size = sum([len(chunk) async for chunk in chunks]) if whole else len(await anext(chunks))
            open_now -= 1
            return size

    async with master(says(200, b"x" * 500_000, BYTES)) as builds:
        sizes = await asyncio.gather(*(read(builds, whole=number % 2 == 0) for number in range(20)))
    assert set(sizes[::2]) == {500_000}
    assert most == 4


STEP = {
    "number": 1, "name": "shell", "started_at": 1795180593, "complete_at": None, "results": None, "state_string": "running",
    "hidden": False, "urls": {"docs": "https://docs.example/"},
    "logs": [{"logid": 5, "name": "stdio", "kind": "stdio", "lines": 3, "complete": False}],
}  # fmt: skip
RECORD = {
    "buildid": 3, "number": 2, "builder": "b", "worker": "w", "external_id": "RQ6OGWNuRYCLxPGx9t3GZg/0",
    "started_at": 1795180593, "complete_at": None, "results": None, "state_string": "building",
    "steps": [STEP, {**STEP, "number": 0, "started_at": None, "logs": [], "urls": {}}], "later": "unknown",
}  # fmt: skip


async def test_a_build_is_told_with_its_steps_in_order() -> None:
    async with master(says(200, json.dumps(RECORD), "application/json")) as builds:
        record = await builds.record(3)
    assert [(step.number, step.started_at is None) for step in record.steps] == [(0, True), (1, False)]
    (log,) = record.steps[1].logs
    assert (log.log_id, log.kind, log.lines, log.complete) == (5, LogKind.STDIO, 3, False)


@pytest.mark.parametrize("results", [None, -1])
async def test_what_is_open_has_no_results_however_buildbot_says_so(results: int | None) -> None:
    told = RECORD | {"results": results, "steps": [STEP | {"results": results}]}
    async with master(says(200, json.dumps(told), "application/json")) as builds:
        record = await builds.record(3)
    assert (record.results, record.steps[0].results) == (None, None)


OUTPUT = {
    "number": 1, "name": "public/build/a b", "content_type": "text/plain", "lifetime": 60, "mandatory": True, "size": 0,
    "sha256": "0" * 64,
}  # fmt: skip


async def test_files_are_told_by_rising_number() -> None:
    answer = json.dumps({"outputs": [{**OUTPUT, "number": 2, "lifetime": None}, OUTPUT]})
    async with master(says(200, answer, "application/json")) as builds:
        first, second = await builds.outputs(3)
    assert first == Output(1, "public/build/a b", "text/plain", 60, mandatory=True, size=0, sha256="0" * 64)
    assert (second.number, second.lifetime) == (2, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""}, {"name": "é"}, {"name": "a\n"}, {"name": "x" * 1025}, {"size": -1}, {"size": "5"}, {"sha256": "0" * 63},
        {"sha256": "G" * 64}, {"lifetime": 0}, {"mandatory": 1}, {"number": None},
    ],
)  # fmt: skip
async def test_what_is_no_description_of_a_file_is_no_answer(wrong: dict[str, object]) -> None:
    async with master(says(200, json.dumps({"outputs": [OUTPUT | wrong]}), "application/json")) as builds:
        with pytest.raises(Unavailable):
            await builds.outputs(3)


@pytest.mark.parametrize(
    "wrong", [{"buildid": 4}, {"steps": None}, {"external_id": 7}, {"started_at": -1}, {"results": "0"}]
)
async def test_what_is_no_build_is_no_answer(wrong: dict[str, object]) -> None:
    async with master(says(200, json.dumps(RECORD | wrong), "application/json")) as builds:
        with pytest.raises(Unavailable):
            await builds.record(3)
