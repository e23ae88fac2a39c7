"""What is remembered of definitions and expanded scopes, and for how long."""

from __future__ import annotations

import asyncio

import pytest

from bridge.core import faults
from bridge.core.run import TaskId
from bridge.taskcluster.memory import Definitions, Expansions
from bridge.taskcluster.messages import TaskWire


def test_the_least_recently_used_definition_goes_first() -> None:
    known = Definitions(most=2)
    for name in ("a", "b"):
        known.put(TaskId(name), TaskWire(payload={"buildername": name}, scopes=[name]))
    assert known.get(TaskId("a")) is not None
    known.put(TaskId("c"), TaskWire())
    assert known.get(TaskId("b")) is None
    assert (known.get(TaskId("a")) or pytest.fail()).scopes == ("a",)


def test_large_definitions_take_the_place_of_many() -> None:
    known = Definitions(largest=100_000)
    for number in range(50):
        known.put(TaskId(str(number)), TaskWire(payload="x" * 1000))
    known.put(TaskId("large"), TaskWire(payload="x" * 98_000))
    assert known.get(TaskId("49")) is None
    assert known.get(TaskId("large")) is not None
    known.put(TaskId("larger than all"), TaskWire(payload="x" * 200_000))
    assert known.get(TaskId("larger than all")) is not None


async def test_scopes_are_expanded_once_for_all_who_ask_and_again_after_a_while() -> None:
    asked: list[frozenset[str]] = []
    clock = [0.0]

    async def expand(scopes: frozenset[str]) -> frozenset[str]:
        asked.append(scopes)
        await asyncio.sleep(0)
        return scopes | {"more"}

    expansions = Expansions(expand, seconds=10, now=lambda: clock[0])
    one, two = frozenset({"a"}), frozenset({"b"})
    answers = await asyncio.gather(*(expansions.get(scopes) for scopes in [one, two] * 50))
    assert answers == [one | {"more"}, two | {"more"}] * 50
    assert len(asked) == 2
    clock[0] = 9.9
    await expansions.get(one)
    assert len(asked) == 2
    clock[0] = 10.0
    await expansions.get(one)
    assert asked[2:] == [one]


async def test_a_failed_expansion_is_told_to_all_and_not_remembered() -> None:
    away = [True]

    async def expand(scopes: frozenset[str]) -> frozenset[str]:
        if away[0]:
            raise faults.Unavailable("auth is away")
        return scopes

    expansions = Expansions(expand)
    answers = await asyncio.gather(*(expansions.get(frozenset("a")) for _ in range(3)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [faults.Unavailable] * 3
    away[0] = False
    assert await expansions.get(frozenset("a")) == {"a"}


async def test_expansions_are_bounded() -> None:
    asked = 0

    async def expand(scopes: frozenset[str]) -> frozenset[str]:
        nonlocal asked
        asked += 1
        return scopes

    expansions = Expansions(expand, most=3)
    for number in [*range(5), 4, 0]:
        assert await expansions.get(frozenset({str(number)})) == {str(number)}
    assert asked == 6
