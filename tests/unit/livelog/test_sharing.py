"""What many readers of one build cost Buildbot."""

import asyncio
import contextlib
from dataclasses import replace

import pytest

from bridge.core import faults
from bridge.core.record import BuildRecord, LogPiece
from bridge.core.run import RunId, RunKey, TaskId
from bridge.engine.ports import Properties, Redact
from bridge.engine.transcript import Options, transcript
from bridge.flights import Flights
from bridge.livelog import sharing
from bridge.livelog.address import Grant
from bridge.livelog.sharing import Pieces, Shared, Sharing
from tests.unit.engine.growing import GrowingBuild, finished, unmasked

GRANT = Grant(RunKey(TaskId("task"), RunId(0)), "main", 7, "task/0")


class Slow(GrowingBuild):
    """Every call takes a turn of the loop, in which others may ask too."""

    async def record(self, build_id: int) -> BuildRecord:
        await asyncio.sleep(0.001)
        return await super().record(build_id)

    async def log_piece(self, build_id: int, log_id: int, first_line: int) -> LogPiece:
        await asyncio.sleep(0.001)
        return await super().log_piece(build_id, log_id, first_line)


def shared(build: GrowingBuild, poll: float = 1000.0, grant: Grant = GRANT) -> Shared:
    return Shared(build, unmasked, grant, lambda: poll, Flights(), Pieces())


async def follow(build: Shared) -> str:
    async def pause() -> None:
        await asyncio.sleep(build.due)

    return "".join([text async for text in transcript(build, 7, str, Options(pause=pause))])


async def test_fifty_readers_cost_what_one_costs() -> None:
    build = Slow(most=5)
    log = build.log(build.step())
    source = shared(build, poll=0.02)
    began = asyncio.get_running_loop().time()
    readers = [asyncio.create_task(follow(source)) for _ in range(50)]
    for turn in range(20):
        build.write(log, *(f"{turn}: {n}" for n in range(3)))
        await asyncio.sleep(0.01)
    build.end_step(0)
    build.end()
    texts = {await reader for reader in readers}
    assert len(texts) == 1
    pieces = [call for call in build.calls if call.startswith("log")]
    assert len(pieces) == len(set(pieces)) <= 60
    assert build.calls.count("record") <= 2 + (asyncio.get_running_loop().time() - began) / 0.02


async def test_a_record_is_read_again_only_when_it_is_due() -> None:
    build = finished()
    source = shared(build)
    for _ in range(5):
        await source.record(7)
    assert build.calls == ["record", "properties"]
    assert 900 < source.due <= 1000


async def test_a_fault_goes_to_all_and_nobody_asks_again_at_once() -> None:
    class Away(Slow):
        away = True

        async def record(self, build_id: int) -> BuildRecord:
            record = await super().record(build_id)
            if self.away:
                raise faults.Unavailable("away", retry_after=7)
            return record

    build, paces = Away(), [1000.0]
    source = Shared(build, unmasked, GRANT, lambda: paces[0], Flights(), Pieces())
    answers = await asyncio.gather(*(source.record(7) for _ in range(9)), return_exceptions=True)
    for _ in range(3):
        with pytest.raises(faults.Unavailable) as fault:
            await source.log_piece(7, 100, 0)
        assert fault.value.retry_after == 7
    assert [type(answer) for answer in answers] == [faults.Unavailable] * 9
    assert build.calls == ["record"]
    build.away = False
    paces[0] = 0.0
    assert not source.due
    build.write(build.log(build.step()), "x")
    assert (await source.record(7)).build_id == 7
    paces[0] = 1000.0
    assert (await source.log_piece(7, 100, 0)).text == "x\n"  # at once: what is over holds nobody up


async def test_a_reader_that_leaves_in_the_middle_of_a_call_leaves_the_others_alone() -> None:
    source = shared(Slow())
    first, second = asyncio.create_task(source.record(7)), asyncio.create_task(source.record(7))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).build_id == 7
    assert first.cancelled()


async def test_a_call_that_nobody_waits_for_any_more_ends_with_the_service() -> None:
    flights = Flights()
    source = Shared(Slow(), unmasked, GRANT, lambda: 1, flights, Pieces())
    reader = asyncio.create_task(source.record(7))
    await asyncio.sleep(0)
    await flights.end()
    with pytest.raises(asyncio.CancelledError):
        await reader


async def test_a_build_with_the_same_number_of_another_request_is_missing() -> None:
    build = finished()
    with pytest.raises(faults.Missing):
        await shared(build, grant=replace(GRANT, external_id="task/1")).record(7)


async def test_runs_that_adopt_a_request_share_the_build() -> None:
    builds = Sharing(1.0)
    with (
        builds.of(GRANT, finished(), unmasked) as first,
        builds.of(replace(GRANT, key=RunKey(TaskId("task"), RunId(1))), finished(), unmasked) as two,
    ):
        assert first is two
    with (
        builds.of(GRANT, finished(), unmasked) as anew,
        builds.of(replace(GRANT, source="other"), finished(), unmasked) as other,
    ):
        assert anew is not first
        assert other is not anew


async def test_many_builds_are_looked_at_more_seldom_each() -> None:
    sharing, paces = Sharing(1.0), dict[int, float]()
    with contextlib.ExitStack() as stack:
        for number in range(100):
            build = stack.enter_context(sharing.of(replace(GRANT, build_id=number), GrowingBuild(), unmasked))
            paces[number + 1] = build.pace()
    assert {builds: paces[builds] for builds in (1, 4, 8, 100)} == {1: 1.0, 4: 1.0, 8: 2.0, 100: 25.0}


async def test_pieces_are_read_two_at_a_time_from_one_buildbot() -> None:
    """Uploads go by the same way, and tasks wait for them."""
    under_way = most = 0

    class Counting(GrowingBuild):
        async def log_piece(self, build_id: int, log_id: int, first_line: int) -> LogPiece:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0.001)
            under_way -= 1
            return LogPiece("x\n", first_line + 1, complete=False)

    sharing, build, other = Sharing(1.0), Counting(), Counting()
    with contextlib.ExitStack() as stack:
        mine = [stack.enter_context(sharing.of(replace(GRANT, build_id=number), build, unmasked)) for number in range(5)]
        await asyncio.gather(*(shared.log_piece(7, 100, line) for shared in mine for line in range(5)))
        assert most == 2
        mine.append(stack.enter_context(sharing.of(replace(GRANT, source="other"), other, unmasked)))
        await asyncio.gather(*(shared.log_piece(7, 101, line) for shared in mine for line in range(5)))
        assert most == 4


async def test_who_comes_when_the_last_one_has_just_left_has_a_mask() -> None:
    flights = Flights()
    left, came = (Shared(Slow(), unmasked, GRANT, lambda: 1000, flights, Pieces()) for _ in range(2))
    reading = asyncio.create_task(left.record(7))
    await asyncio.sleep(0)
    await came.record(7)
    assert came.redact("x\n") == "x\n"
    await reading


async def test_readers_at_the_same_place_share_the_masking_until_there_is_another_mask() -> None:
    masked: list[str] = []

    def redactor(properties: Properties) -> Redact:
        def redact(text: str) -> str:
            masked.append(text)
            return text.replace(str(properties.get("song", ("none", ""))[0]), "[secret]")

        return redact

    build, paces = GrowingBuild(), [0.0]
    source = Shared(build, redactor, GRANT, lambda: paces[0], Flights(), Pieces())
    await source.record(7)
    assert [source.redact(text) for text in ("tra la la\n", "tra la la\n", "x\n")] == ["tra la la\n", "tra la la\n", "x\n"]
    assert masked == ["tra la la\n", "x\n"]
    build.properties_now["song"] = ("tra la la", "a step")
    build.step()
    await source.record(7)
    assert source.redact("x\n") == "x\n"
    assert source.redact("tra la la\n") == "[secret]\n"
    assert masked == ["tra la la\n", "x\n", "x\n", "tra la la\n"]


async def test_pieces_are_kept_within_bounds() -> None:
    pieces = Pieces()
    for number in range(100):
        pieces.keep(number, LogPiece("x" * (sharing.KEPT // 10), 1, complete=False))
    assert [number for number in range(100) if pieces.get(number)] == list(range(90, 100))
    pieces.keep("large", LogPiece("x" * (sharing.KEPT + 1), 1, complete=False))
    assert pieces.get("large") is pieces.get(99) is None
    pieces.keep("small", LogPiece("x", 1, complete=False))
    pieces.keep("small", LogPiece("x", 1, complete=False))
    pieces.keep("empty", LogPiece("", 1, complete=False))
    assert pieces.get("small")
    assert pieces.get("empty") is None
