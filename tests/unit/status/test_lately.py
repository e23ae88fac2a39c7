"""Reads that many share: asked once in a while, faults kept for nobody."""

import asyncio

import pytest

from bridge.core import faults
from bridge.status.lately import Shared


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Source:
    """Answers with how often it was asked, after a turn of the loop; away while told so."""

    def __init__(self) -> None:
        self.asked, self.away = 0, False

    async def __call__(self) -> int:
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise faults.Unavailable("away")
        return self.asked


async def test_those_who_ask_at_the_same_time_share_an_answer() -> None:
    shared, source = Shared(Clock()), Source()
    assert await asyncio.gather(*(shared.get("x", 1, source) for _ in range(5))) == [1] * 5
    assert await shared.get("y", 1, source) == 2


async def test_an_answer_is_good_for_a_while() -> None:
    clock = Clock()
    shared, source = Shared(clock), Source()
    assert await shared.get("x", 1, source) == 1
    clock.now += 0.9
    assert await shared.get("x", 1, source) == 1
    clock.now += 0.1
    assert await shared.get("x", 1, source) == 2


async def test_a_fault_is_kept_for_nobody() -> None:
    shared, source = Shared(Clock()), Source()
    source.away = True
    found = await asyncio.gather(*(shared.get("x", 1, source) for _ in range(2)), return_exceptions=True)
    assert [type(each) for each in found] == [faults.Unavailable] * 2
    source.away = False
    assert await shared.get("x", 1, source) == 2


async def test_whoever_leaves_does_not_take_the_answer_from_the_others() -> None:
    shared, source = Shared(Clock()), Source()
    leaving = asyncio.ensure_future(shared.get("x", 1, source))
    staying = asyncio.ensure_future(shared.get("x", 1, source))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert await staying == 1


async def test_answers_to_ever_new_questions_do_not_pile_up() -> None:
    shared, source = Shared(Clock()), Source()
    for number in range(200):
        await shared.get(number, 60, source)
    assert len(shared._known) <= 50
