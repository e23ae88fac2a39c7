"""What many readers of one build cost Buildbot."""

import asyncio
import contextlib
from dataclasses import replace

import pytest

from bridge.core import faults
from bridge.core.record import BuildRecord, LogPiece
from bridge.core.run import RunId, RunKey, TaskId
from bridge.engine.transcript import Options, transcript
from bridge.livelog import sharing
from bridge.livelog.address import Grant
from bridge.livelog.sharing import Flights, Pieces, Shared, Sharing
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
    assert build.calls.count("record") <= 25  # 200 ms and more at one in 20 ms, never fifty times that


async def test_a_record_is_read_again_only_when_it_is_due() -> None:
    build = finished()
    source = shared(build)
    for _ in range(5):
        await source.record(7)
    assert build.calls == ["record", "properties"]
    assert 999 < source.due <= 1000


async def test_a_fault_goes_to_all_and_nobody_asks_again_at_once() -> None:
    class Away(Slow):
        away = True

        async def record(self, build_id: int) -> BuildRecord:
            record = await super().record(build_id)
            if self.away:
                raise faults.Unavailable("away", retry_after=7)
            return record

    build = Away()
    source = shared(build, poll=0.05)
    answers = await asyncio.gather(*(source.record(7) for _ in range(9)), return_exceptions=True)
    for _ in range(3):
        with pytest.raises(faults.Unavailable) as fault:
            await source.log_piece(7, 100, 0)
        assert fault.value.retry_after == 7
    assert [type(answer) for answer in answers] == [faults.Unavailable] * 9
    assert build.calls == ["record"]
    build.away = False
    await asyncio.sleep(source.due + 0.001)
    build.write(build.log(build.step()), "x")
    assert (await source.record(7)).build_id == 7
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
        builds.of(replace(GRANT, buildbot="other"), finished(), unmasked) as other,
    ):
        assert anew is not first
        assert other is not anew


async def test_many_builds_are_looked_at_more_seldom_each() -> None:
    builds = Sharing(1.0)
    with contextlib.ExitStack() as stack:
        dues = []
        for number in range(100):
            build = GrowingBuild(build_id=number)
            shared = stack.enter_context(builds.of(replace(GRANT, build_id=number), build, unmasked))
            await shared.record(number)
            dues.append(shared.due)
    assert all(0.9 < due <= 1 for due in dues[:5])
    assert 19.9 < dues[-1] <= 20


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
