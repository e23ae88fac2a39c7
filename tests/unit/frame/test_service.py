"""Signs of life, dependencies, and readiness."""

import asyncio
import re

import pytest

from bridge.metrics import Metrics
from bridge.service import Frame, Heartbeat, LoopEndedError, replica_name


@pytest.fixture
def frame() -> Frame:
    return Frame("reflector", Metrics("reflector", "1"))


async def until(condition: object, within: float = 5.0) -> None:
    async with asyncio.timeout(within):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.005)


async def test_a_loop_is_lost_when_it_is_silent_and_found_when_it_beats() -> None:
    heart = Heartbeat("due", 0.05)
    assert not heart.lost
    await until(lambda: heart.lost)
    heart.beat()
    assert not heart.lost


async def test_an_announced_wait_is_no_silence() -> None:
    heart = Heartbeat("due", 0.05)
    await heart.rest(0.2)
    assert not heart.lost
    heart.grant(0.1)
    assert heart.silent == 0
    await until(lambda: heart.lost)


async def test_a_time_in_which_nothing_ran_is_forgiven() -> None:
    heart = Heartbeat("due", 0.05)
    await until(lambda: heart.lost)
    heart.forgive(60)
    assert not heart.lost


async def test_a_loop_without_limit_is_never_lost() -> None:
    heart = Heartbeat("crew", None)
    heart.forgive(-1000)
    assert heart.silent > 900
    assert not heart.lost


async def test_a_loop_that_comes_to_its_end_ends_the_service(frame: Frame) -> None:
    async def short(heart: Heartbeat) -> None:
        heart.beat()

    with pytest.RaisesGroup(LoopEndedError):
        async with frame.loops() as loops:
            loops.start("short", short, silence=10)


async def test_a_loop_that_nobody_cancelled_has_not_ended_by_being_cancelled(frame: Frame) -> None:
    """Libraries cancel what waits for a connection that dies; a service whose loop ended so would be deaf and look well."""

    async def deaf(_: Heartbeat) -> None:
        lost = asyncio.get_running_loop().create_future()
        lost.cancel()
        await lost

    with pytest.RaisesGroup(LoopEndedError):
        async with frame.loops() as loops:
            loops.start("deaf", deaf, silence=None)


async def test_a_loop_that_raises_ends_the_others(frame: Frame) -> None:
    ended = asyncio.Event()

    async def patient(_: Heartbeat) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def broken(_: Heartbeat) -> None:
        raise RuntimeError("lost")

    with pytest.RaisesGroup(RuntimeError):
        async with frame.loops() as loops:
            loops.start("patient", patient, silence=None)
            loops.start("broken", broken, silence=10)
    assert ended.is_set()


async def test_readiness_names_each_reason(frame: Frame) -> None:
    assert frame.unready() == ["it is starting"]
    heart = frame.hearts["due"] = Heartbeat("due", 10)

    async def answers() -> None: ...

    frame.depends("database", answers)
    assert frame.unready() == ["database has not answered yet"]
    assert await frame.heartbeat() == {"database": None}
    assert frame.unready() == []
    heart.forgive(-30)
    frame.dependencies["database"].seen_at -= 100  # type: ignore[operator]
    frame.draining = True
    assert frame.unready() == [
        "loop due has been silent for 30 s",
        "database has not answered for 100 s",
        "it is ending",
    ]
    frame.saw("database")
    assert len(frame.unready()) == 2


async def test_dependencies_are_asked_at_once_each_within_its_limit(frame: Frame) -> None:
    async def hangs() -> None:
        await asyncio.Event().wait()

    async def refuses() -> None:
        raise ConnectionRefusedError("nobody there")

    async def answers() -> int:
        return 1

    frame.depends("taskcluster", hangs, timeout=0.05)
    frame.depends("pulse", refuses)
    frame.depends("database", answers)
    assert await frame.heartbeat() == {
        "taskcluster": "no answer within 0.05 s",
        "pulse": "ConnectionRefusedError: nobody there",
        "database": None,
    }
    assert set(await frame.heartbeat(older_than=60)) == {"taskcluster", "pulse"}


async def test_dependencies_are_looked_at_without_being_asked_for(frame: Frame) -> None:
    asked = asyncio.Event()

    async def check() -> None:
        asked.set()

    async def serve() -> None:
        frame.depends("database", check)
        async with frame.loops():
            pass

    serving = asyncio.create_task(serve())
    await asyncio.wait_for(asked.wait(), 5)
    await until(lambda: not frame.unready())
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving


def test_no_two_replicas_have_one_name() -> None:
    names = {replica_name("reflector") for _ in range(100)}
    assert len(names) == 100
    assert all(re.fullmatch(r"reflector-[A-Za-z0-9-]+-\d+-[0-9a-f]{6}", name) for name in names)
