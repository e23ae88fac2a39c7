"""One round: harm while tasks stream, heal, let all come to its end, judge."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Collection, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from tests.chaos import giving
from tests.chaos.house import House
from tests.chaos.killing import NAMES, Killer
from tests.chaos.record import Record
from tests.chaos.servers import Deck
from tests.chaos.stream import Made, Stream
from tests.chaos.verdict import Finding, found
from tests.history.evidence import Evidence

LONGEST: Final = 410.0
"""Seconds for all to come to its end: the longest build, the bound, a claim that has to expire."""
READY: Final = 60.0


@dataclass(frozen=True)
class Pace:
    """Tasks a second; seconds between kills, between faults of servers, between freezes, on average."""

    tasks: float = 1.0
    kills: float = 1.0
    servers: float = 3.0
    freezes: float = 30.0


@dataclass(frozen=True)
class Outcome:
    """What a round showed."""

    made: dict[str, Made]
    evidence: Evidence
    findings: list[Finding]
    drained: float
    """Seconds from healing to the last end."""

    def __str__(self) -> str:
        judged = f"{len(self.evidence.calls)} calls and {len(self.evidence.cancels or ())} cancels judged"
        return f"{len(self.evidence.tasks)} tasks, all over {self.drained:.0f} s after healing; {judged}"


class Round:
    """Works on a house with a killer, a deck and a record that outlive it."""

    def __init__(self, house: House, killer: Killer, deck: Deck, record: Record, seed: str) -> None:
        self._house = house
        self._killer = killer
        self._deck = deck
        self._record = record
        self._seed = seed

    async def run(self, kills: int, pace: Pace) -> Outcome:
        """Go through one round, with so many kills."""
        stream = Stream(self._house.stack, random.Random(f"{self._seed} tasks"), pace.tasks)
        end = asyncio.Event()
        self._killer.seed = self._seed
        async with _aside(self._record.keep(), *(self._killer.keep(name) for name in NAMES)):
            async with asyncio.TaskGroup() as group:
                group.create_task(stream.run(end))
                group.create_task(self._deck.play(self._house, end, pace.servers))
                group.create_task(self._killer.freeze(end, pace.freezes))
                await self._killer.work(self._killer.done + kills, pace.kills)
                end.set()
            await self._all_run()
            healed = time.time()
            self._house.note("all is healed")
            await self._over()
            drained = time.time() - healed
            self._killer.learn()
        evidence = await self._record.evidence(await self._known(stream.made))
        self._record.forget(evidence)
        findings = found(evidence, stream.made, healed) + await giving.faults(self._house.stack, evidence, stream.made)
        return Outcome(stream.made, evidence, findings, drained)

    async def _all_run(self) -> None:
        """Every replica runs, none with an arm that still counts."""
        self._house.heal()
        async with asyncio.timeout(READY):
            while any(name not in self._killer.running or not self._killer.running[name].alive for name in NAMES):
                await asyncio.sleep(0.1)

    async def _known(self, tasks: Collection[str]) -> list[str]:
        """The tasks that there are: some could not be made while the queue had no broker."""
        return [task for task in tasks if await self._status(task) is not None]

    async def _status(self, task: str) -> Any:
        async with self._house.stack.http.get(f"{self._house.stack.root_url}/control/tasks/{task}") as answer:
            return (await answer.json()) if answer.status == 200 else None

    async def _over(self) -> None:
        """Return when every task is resolved and no row is unsettled, or when that takes too long."""
        end = time.monotonic() + LONGEST
        while time.monotonic() < end:
            if not await self._open() and not await self._unsettled():
                return
            await asyncio.sleep(1)

    async def _open(self) -> int:
        pages = [await self._house.stack.control("GET", f"tasks?state={state}") for state in ("pending", "running")]
        return sum(len(page["tasks"]) for page in pages)

    async def _unsettled(self) -> int:
        try:
            rows = await self._house.stack.rows("SELECT count(*) AS n FROM runs WHERE phase <> 'settled'")
        except (OSError, asyncpg.PostgresError):
            return 1
        return int(rows[0]["n"])


@asynccontextmanager
async def _aside(*works: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Work beside the block, cancelled at its end; a defect of it ends the block."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work) for work in works]
        yield
        for task in tasks:
            task.cancel()
