"""Who is settled first, and that nothing that woke a run is lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from bridge.core.run import Run, RunId, RunKey, TaskId, Wanted
from bridge.engine.crew import Crew
from bridge.engine.engine import Engine
from bridge.engine.holding import Leased

AT = datetime(2026, 1, 1, tzinfo=UTC)


def _key(number: int) -> RunKey:
    return RunKey(TaskId(f"{number:022}"), RunId(0))


def _leased(number: int) -> Leased:
    return Leased(Run(_key(number), "pool", Wanted(), AT, AT), AT)


@dataclass
class Attending:
    """Notes whom it attends to, in order; the first of all goes on until `open`."""

    seen: list[tuple[RunKey, bool]] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def attend(self, key: RunKey, leased: Leased | None = None) -> list[RunKey]:
        self.seen.append((key, leased is not None))
        await self.open.wait()
        return [_key(99)] if key == _key(7) else []


@asynccontextmanager
async def working(size: int = 1, backlog: int = 4096) -> AsyncIterator[tuple[Crew, Attending]]:
    attending = Attending()
    crew = Crew(cast(Engine, attending), size=size, backlog=backlog)
    work = asyncio.create_task(crew.work())
    try:
        yield crew, attending
        attending.open.set()
        async with asyncio.timeout(5):
            await crew.idle()
    finally:
        work.cancel()


async def busy_with_the_first(crew: Crew, attending: Attending) -> None:
    await crew.wake([_key(0)])
    async with asyncio.timeout(5):
        while not attending.seen:
            await asyncio.sleep(0)


async def test_leased_runs_go_before_all_that_were_woken() -> None:
    async with working() as (crew, attending):
        await busy_with_the_first(crew, attending)
        await crew.wake([_key(1), _key(2)])
        await crew.take([_leased(3), _leased(2)])
    assert attending.seen[1:] == [(_key(3), True), (_key(2), True), (_key(1), False)]


async def test_woken_runs_take_no_room_from_those_that_are_due() -> None:
    async with working(size=3) as (crew, attending):
        await busy_with_the_first(crew, attending)
        assert await crew.room(patience=5) == 2
        await crew.wake(_key(n) for n in range(10, 20))
        async with asyncio.timeout(5):
            while len(attending.seen) < 3:
                await asyncio.sleep(0)
        assert await crew.room(patience=0.01) == 0
        attending.open.set()
        assert await crew.room(patience=5) > 0


async def test_what_is_in_hand_and_is_woken_is_settled_once_more() -> None:
    async with working() as (crew, attending):
        await busy_with_the_first(crew, attending)
        await crew.take([_leased(1)])
        await crew.wake([_key(0), _key(1), _key(1)])
    assert sorted(attending.seen) == [(_key(0), False), (_key(0), False), (_key(1), False), (_key(1), True)]


async def test_heirs_are_settled_too_and_the_backlog_is_bounded() -> None:
    async with working(backlog=3) as (crew, attending):
        await busy_with_the_first(crew, attending)
        await crew.wake(_key(n) for n in range(5, 15))
    assert [key for key, _ in attending.seen] == [_key(0), _key(5), _key(6), _key(7), _key(99)]


@dataclass
class Heirs:
    """Whoever is attended to, but the heir itself, has one heir; notes how many attend to that at once."""

    open: asyncio.Event = field(default_factory=asyncio.Event)
    at_once: int = 0
    most: int = 0
    times: int = 0

    async def attend(self, key: RunKey, leased: Leased | None = None) -> list[RunKey]:
        del leased
        if key != _key(99):
            return [_key(99)]
        self.at_once, self.times = self.at_once + 1, self.times + 1
        self.most = max(self.most, self.at_once)
        await self.open.wait()
        self.at_once -= 1
        return []


async def test_an_heir_that_is_in_hand_is_settled_after_that_and_by_nobody_else_meanwhile() -> None:
    heirs = Heirs()
    crew = Crew(cast(Engine, heirs), size=3)
    work = asyncio.create_task(crew.work())
    try:
        await crew.wake([_key(99)])
        async with asyncio.timeout(5):
            while not heirs.times:
                await asyncio.sleep(0)
            await crew.wake([_key(1)])
            while crew._again != {_key(99)} and heirs.times < 2:
                await asyncio.sleep(0)
            heirs.open.set()
            await crew.idle()
    finally:
        work.cancel()
    assert (heirs.most, heirs.times) == (1, 2)
