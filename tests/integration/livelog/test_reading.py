"""What somebody sees who opens the address of a live log."""

import asyncio
import contextlib

import pytest

from bridge.core import faults
from bridge.core.record import BuildRecord, LogPiece
from bridge.livelog.server import Bounds
from tests.integration.livelog.house import House, end, running, until
from tests.unit.engine.growing import GrowingBuild, finished

HEADERS = {
    "Content-Type": "text/plain; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
    "Access-Control-Allow-Origin": "*",
}


async def test_lines_arrive_while_the_build_goes_on_and_the_page_ends_with_it() -> None:
    build, log = running("one")
    async with House(build).open() as house, house.reading() as body:
        await body.readuntil(b"one\n")
        build.write(log, "two")
        await body.readuntil(b"two\n")
        end(build)
        assert (await body.read()).endswith(b"=== Build 12 ended SUCCESS: all done, after 3 s\n")
        await house.left()
    assert house.readers == [1, 0]
    assert house.refused == []


async def test_the_headers_let_taskclusters_pages_read_it_and_nobody_keep_it() -> None:
    async with House(finished()).open() as house:
        for method in ("GET", "HEAD"):
            status, text, headers = await house.get(method=method)
            assert status == 200
            assert {name: headers[name] for name in HEADERS} == HEADERS
            assert bool(text) == (method == "GET")
        assert headers.get("Content-Encoding") is None
        status, _, headers = await house.get(method="OPTIONS")
        assert status == 204
        assert headers["Access-Control-Allow-Origin"] == "*"
        assert headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
        assert (await house.get(method="POST"))[0] == 405


async def test_the_text_comes_in_chunks_and_to_old_proxies_without() -> None:
    """Some proxies speak HTTP/1.0 to what is behind them, which knows no chunks."""
    async with House(finished()).open() as house:
        path = house.url().split(str(house.port))[1]
        for version, chunked in (("1.1", True), ("1.0", False)):
            reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
            writer.write(f"GET {path} HTTP/{version}\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            assert (b"Transfer-Encoding: chunked" in head) is chunked
            assert body.endswith(b"\n0\r\n\r\n" if chunked else b"after 5 s\n")
            writer.close()


async def test_lines_bear_times_if_asked() -> None:
    build, log = running("old")
    async with House(build).open() as house, house.reading(house.url() + "?timestamps=1") as body:
        await body.readuntil(b"\n                     old\n")
        build.write(log, "new")
        await body.readuntil(b"2026-03-04T06:00:00Z new\n")
        end(build)
        await body.read()


async def test_secrets_are_redacted_and_broken_text_does_not_break_the_page() -> None:
    build, _ = running("the canary sings", "half a pair: \ud83d", "ü€𝄞")
    end(build)
    async with House(build).open() as house:
        _, text, _ = await house.get()
    assert "the [secret] sings\nhalf a pair: ?\nü€𝄞\n" in text


async def test_what_the_builds_properties_say_is_secret_is_masked_from_the_next_step_on() -> None:
    build, log = running("first")
    async with House(build).open() as house, house.reading() as body:
        assert b"first" in await body.readuntil(b"first\n")
        build.properties_now["song"] = ("tra la la", "a step")
        build.write(log, "still this step")
        build.end_step(0)
        later = build.log(build.step("sing"))
        build.write(later, "it sings tra la la")
        assert b"it sings [secret]" in await body.readuntil(b"it sings [secret]\n")
        end(build)
        await body.read()


async def test_what_a_property_hides_is_masked_in_the_same_step_too() -> None:
    build, log = running("first")
    async with House(build).open() as house, house.reading() as body:
        await body.readuntil(b"first\n")
        build.properties_now["song"] = ("tra la la", "a step")
        build.write(log, "it sings tra la la")
        assert await body.readuntil(b"\n") == b"it sings [secret]\n"
        end(build)
        await body.read()


async def test_many_readers_cost_buildbot_what_one_does() -> None:
    build, log = running("first")
    async with House(build, Bounds(poll=0.2, listeners=60, per_build=60)).open() as house:
        began = asyncio.get_running_loop().time()
        readers = [asyncio.create_task(house.get()) for _ in range(50)]
        await house.left(50)
        for number in range(5):
            build.write(log, f"line {number}")
            seen = len(build.calls)
            await until(lambda: len(build.calls) > seen)  # noqa: B023  looked at before the next turn
        end(build)
        texts = {text for _, text, _ in await asyncio.gather(*readers)}
        looks = 2 + (asyncio.get_running_loop().time() - began) / 0.2
    assert len(texts) == 1
    pieces = [call for call in build.calls if call.startswith("log")]
    assert len(pieces) == len(set(pieces))
    assert build.calls.count("record") <= looks


async def test_a_reader_that_leaves_is_noticed_in_the_silence_of_a_build() -> None:
    build, _ = running("quiet")
    async with House(build, Bounds(poll=0.01)).open() as house:
        async with house.reading() as body:
            await body.readuntil(b"quiet\n")
            assert house.readers == [1]
        await house.left()
    assert house.refused == []


class Away(GrowingBuild):
    """A build of a Buildbot that can be made not to answer."""

    fault: faults.Fault | None = None

    async def record(self, build_id: int) -> BuildRecord:
        if self.fault is not None:
            raise self.fault
        return await super().record(build_id)


async def test_a_reader_is_told_when_buildbot_is_away_and_when_that_is_for_long() -> None:
    build = Away()
    log = build.log(build.step())
    build.write(log, "before")
    async with House(build, Bounds(poll=0.01, outage=1.5)).open() as house, house.reading() as body:
        await body.readuntil(b"before\n")
        build.fault = faults.Unavailable("away")
        await body.readuntil(b"[the log goes on when Buildbot answers again]\n")
        build.fault = None
        build.write(log, "after")
        assert await body.readuntil(b"after\n") == b"after\n"
        build.fault = faults.Unavailable("away")
        rest = await body.read()
    assert rest == (
        b"[the log goes on when Buildbot answers again]\n"
        b"[Buildbot does not answer at the moment. Try again in a little while.]\n"
    )
    assert house.refused == ["away"]


@pytest.mark.parametrize(
    ("fault", "said", "reason"),
    [
        (faults.Missing("no build"), b"[Buildbot does not have this build any more.", "missing"),
        (faults.NotAllowed("no"), b"[Buildbot does not let the bridge read this build.]", "closed"),
    ],
)
async def test_a_log_that_ends_early_says_so(fault: faults.Fault, said: bytes, reason: str) -> None:
    build = Away()
    build.write(build.log(build.step()), "before")
    async with House(build).open() as house, house.reading() as body:
        await body.readuntil(b"before\n")
        build.fault = fault
        assert (await body.read()).startswith(said)
    assert house.refused == [reason]


async def test_when_the_service_ends_readers_are_told_and_gone() -> None:
    build, _ = running("one")
    house, service = House(build), contextlib.AsyncExitStack()
    await service.enter_async_context(house.open())
    async with house.reading() as body:
        await body.readuntil(b"one\n")
        began = asyncio.get_running_loop().time()
        leaving = asyncio.create_task(service.aclose())
        assert await body.read() == b"[The bridge stops here. Read again in a moment to go on.]\n"
        await leaving
        assert asyncio.get_running_loop().time() - began < 2
    assert house.refused == ["ending"]


async def test_when_the_service_ends_it_waits_for_no_one_who_does_not_read_nor_for_buildbot() -> None:
    class Hanging(GrowingBuild):
        async def log_piece(self, build_id: int, log_id: int, first_line: int) -> LogPiece:
            if first_line >= 2000:
                await asyncio.sleep(3600)
            return await super().log_piece(build_id, log_id, first_line)

    build = Hanging(most=1000)
    log = build.log(build.step())
    build.write(log, *(["x" * 10000] * 5000))
    house, service = House(build), contextlib.AsyncExitStack()
    await service.enter_async_context(house.open())
    _, writer = await house.stuck()
    async with house.reading() as body:
        taken = 0
        while taken < 19_000_000:
            taken += len(await body.readany())
        await until(lambda: f"log {log} from 1000" in build.calls)
        began = asyncio.get_running_loop().time()
        await service.aclose()
        assert asyncio.get_running_loop().time() - began < 2
    assert house.readers[-1] == 0
    writer.close()
