"""Who is not let in to a live log, or put out of it, and in which words."""

import asyncio
from datetime import timedelta

import pytest

from bridge.core import faults
from bridge.core.record import BuildRecord, LogPiece
from bridge.core.run import RunId, RunKey, TaskId
from bridge.livelog.server import Bounds
from tests.integration.livelog.house import NOW, OTHER_KEY, RUN, House, end, other, running, until
from tests.unit.engine.growing import GrowingBuild, finished


async def refused(house: House, url: str, status: int, reason: str) -> str:
    """The sentence with which both a reader and somebody who only looks are refused."""
    for method in ("HEAD", "GET"):
        seen, text, headers = await house.get(url, method)
        assert (seen, house.refused.pop()) == (status, reason)
        assert headers["Content-Type"] == "text/plain; charset=utf-8"
        assert headers["Access-Control-Allow-Origin"] == "*"
        assert headers["Cache-Control"] == "no-store"
        assert ("Retry-After" in headers) == (status == 503)
    assert house.readers.count(0) * 2 == len(house.readers)
    assert text.endswith(".\n")
    assert text.count("\n") == 1
    return text


async def test_an_expired_address() -> None:
    async with House(finished()).open() as house:
        text = await refused(house, house.url(expires=NOW - timedelta(seconds=6)), 410, "expired")
        assert "public/logs/live_backing.log" in text


async def test_the_address_of_another_task_or_run() -> None:
    async with House(finished()).open() as house:
        token = house.url().rpartition("/")[2]
        for key in (RunKey(TaskId("A" * 22), RUN.run_id), RunKey(RUN.task_id, RunId(1))):
            path = f"http://127.0.0.1:{house.port}/live/{key}/{token}"
            assert await refused(house, path, 403, "wrong") == (
                "This address belongs to another run. Open the log from its task again.\n"
            )


async def test_an_address_that_somebody_made_up() -> None:
    async with House(finished()).open() as house:
        for url in (house.url(key=OTHER_KEY), house.url()[:-5], f"http://127.0.0.1:{house.port}/live/{RUN}/x"):
            await refused(house, url, 403, "wrong")


async def test_keys_are_exchanged_while_readers_read() -> None:
    build, log = running("one")
    async with House(build).open() as house, house.reading() as body:
        before, after = house.url(), house.url(key=OTHER_KEY)
        await body.readuntil(b"one\n")
        house.keys[:] = [OTHER_KEY, *house.keys]
        for url in (before, after):
            assert (await house.get(url, "HEAD"))[0] == 200
        house.keys.pop()
        assert (await house.get(before, "HEAD"))[0] == 403
        build.write(log, "two")
        await body.readuntil(b"two\n")
        end(build)
        await body.read()


async def test_a_build_that_another_request_has_now_or_that_is_gone_or_of_a_buildbot_not_served() -> None:
    async with House(finished()).open() as house:
        for grant in (other(external_id="task/1"), other(build_id=8), other(source="elsewhere")):
            text = await refused(house, house.url(grant), 404, "missing")
            assert "public/logs/live_backing.log" in text


async def test_a_build_that_another_request_has_suddenly() -> None:
    build, _ = running("one")
    async with House(build).open() as house, house.reading() as body:
        await body.readuntil(b"one\n")
        build.record_now = GrowingBuild(external_id="other/0").record_now
        assert (await body.read()).startswith(b"[Buildbot does not have this build any more.")


@pytest.mark.parametrize(
    ("fault", "status", "reason"),
    [(faults.Unavailable("x", retry_after=40), 503, "away"), (faults.NotAllowed("x"), 502, "closed")],
)
async def test_a_buildbot_that_does_not_answer(fault: faults.Fault, status: int, reason: str) -> None:
    class Away(GrowingBuild):
        async def record(self, build_id: int) -> BuildRecord:
            raise fault

    async with House(Away()).open() as house:
        await refused(house, house.url(), status, reason)
        if status == 503:
            assert (await house.get())[2]["Retry-After"] == "40"


async def test_places_are_limited_in_all_and_for_each_build() -> None:
    build, _ = running("one")
    async with House(build, Bounds(poll=0.01, listeners=2, per_build=1)).open() as house, house.reading() as body:
        await body.readuntil(b"one\n")
        status, text, headers = await house.get()
        assert (status, text) == (503, "Too many read this log at the moment. Try again in a little while.\n")
        assert int(headers["Retry-After"]) > 0
        assert (await house.get(method="HEAD"))[0] == 200
        end(build)
        await body.read()
        await house.left()
        assert (await house.get())[0] == 200
    assert house.refused == ["build_full"]
    build, _ = running("one")
    async with House(build, Bounds(poll=0.01, listeners=1)).open() as house, house.reading() as body:
        await body.readuntil(b"one\n")
        assert (await house.get())[1].startswith("Too many logs are read at the moment.")
    assert house.refused == ["full"]


class Endless(GrowingBuild):
    """A log of a terabyte: what is read of it is counted, and nothing else is kept."""

    given = 0

    def endless(self) -> None:
        self._change_log(self.log(self.step()), lines=1 << 30)

    async def log_piece(self, build_id: int, log_id: int, first_line: int) -> LogPiece:
        self.given += 1
        return LogPiece(f"{first_line:0>1023}\n" * 512, first_line + 512, complete=False)


async def test_a_reader_that_does_not_read_costs_little_and_is_dropped() -> None:
    build = Endless()
    build.endless()
    async with House(build, Bounds(poll=0.01, silence=1.0)).open() as house:
        _, writer = await house.stuck()
        await until(lambda: build.given > 0)
        await until(lambda: house.refused == ["silent"], within=20)
        await house.left()
        given = build.given
        assert given <= 4  # two megabytes: what is in our hands, and what the kernel took for both sides
        async with house.reading() as body:  # others are not kept waiting meanwhile
            await body.readuntil(b"=== Step 0")
        writer.close()


async def test_a_reader_that_reads_slowly_is_served() -> None:
    """It takes longer than a silent one is given, but never takes nothing for as long."""
    build = Endless()
    build.endless()
    async with House(build, Bounds(poll=0.01, silence=3.0)).open() as house:
        reader, writer = await house.stuck()
        for _ in range(50):
            await reader.readexactly(64 << 10)
            await asyncio.sleep(0.1)
        assert house.refused == []
        writer.close()
        await house.left()
