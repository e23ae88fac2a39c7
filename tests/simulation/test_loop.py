"""Time is a number: it moves to what is due, in one fixed order, and never waits."""

import asyncio
import time

from tests.simulation.loop import VirtualLoop


def test_a_day_of_sleep_takes_no_time_and_ends_in_order() -> None:
    loop = VirtualLoop()
    seen: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        seen.append((name, loop.time()))
        if name == "last":
            loop.stop()

    for name, seconds in (("last", 86400.0), ("first", 1.0), ("second", 1.0)):
        loop.create_task(sleeper(name, seconds))
    started = time.monotonic()
    loop.run_forever()
    assert seen == [("first", 1.0), ("second", 1.0), ("last", 86400.0)]
    assert time.monotonic() - started < 60


def test_timeouts_of_asyncio_work_on_it() -> None:
    loop = VirtualLoop()
    found: list[float] = []

    async def impatient() -> None:
        try:
            async with asyncio.timeout(5):
                await asyncio.sleep(100)
        except TimeoutError:
            found.append(loop.time())
        loop.stop()

    loop.create_task(impatient())
    loop.run_forever()
    assert found == [5.0]


def test_the_drain_ends_every_task() -> None:
    loop = VirtualLoop()
    ended: list[str] = []

    async def sleeper() -> None:
        try:
            await asyncio.sleep(100)
        finally:
            ended.append("sleeper")

    task = loop.create_task(sleeper())
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.drain()
    assert task.cancelled()
    assert ended == ["sleeper"]
