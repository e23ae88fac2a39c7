"""Orders of operators: what services read of them, what operators write, and the record of all that they did."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from bridge.core.run import RunId, RunKey, TaskId
from bridge.core.steering import BEGUN, Act, Ordered, Stop, StopKind, stopping
from bridge.store.database import Database, repeated
from bridge.store.people import DeadLetter
from bridge.store.queries import query
from bridge.store.rows import Row, storable

FRESH: Final = 2.0  # seconds for which what was read is believed: an order holds "within seconds"


class Orders:
    """The orders in force, as a service asks for them before each submit: one small statement in two seconds at most."""

    def __init__(
        self,
        database: Database,
        changed: Callable[[Sequence[Stop]], None] = lambda _: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`changed` hears of each set of orders that differs from the one before."""
        self._database, self._changed, self._monotonic = database, changed, monotonic
        self._stops: list[Stop] = []
        self._until = float("-inf")
        self._reading = asyncio.Lock()

    async def stop(self, pool: str, builder: str) -> Stop | None:
        """The order that holds such runs back. `faults.Unavailable` where they cannot be read: then nobody submits."""
        async with self._reading:
            if self._monotonic() >= self._until:
                await self._read()
        return stopping(self._stops, pool, builder)

    async def _read(self) -> None:
        asked_at = self._monotonic()
        found = [_stop(row) for row in await self._database.fetch(query("stops"))]
        if found != self._stops:
            self._stops = found
            self._changed(found)
        self._until = asked_at + FRESH


@dataclass(frozen=True, slots=True)
class Intent:
    """An act that is to be done."""

    who: str
    verb: str
    target: str
    why: str


@dataclass(frozen=True, slots=True)
class Operators:
    """What operators change by hand."""

    database: Database

    async def stops(self) -> list[Ordered]:
        """The orders in force, and since when."""
        return [Ordered(_stop(row), row["at"]) for row in await self.database.fetch(query("stops"))]

    async def give(self, stop: Stop) -> None:
        """Give an order, or new words to one that is in force."""
        texts = map(storable, (stop.pool, stop.builders, stop.who, stop.why))
        await self.database.fetch(query("stop"), stop.kind.value, *texts)

    async def lift(self, kind: StopKind, pool: str, builders: str) -> bool:
        """Lift an order; whether it was in force."""
        return bool(await self.database.fetch(query("unstop"), kind.value, pool, builders))

    async def held(self, limit: int) -> list[tuple[RunKey, str]]:
        """Pending runs that are held back, with their pools; no more than `limit`, in no order."""
        rows = await self.database.fetch(query("held_keys"), limit)
        return [(RunKey(TaskId(row["task_id"]), RunId(row["run_id"])), row["pool"]) for row in rows]

    async def let_go(self, key: RunKey) -> bool:
        """Take an unsettled run from whoever has it; whether there is such a run."""
        return bool(await self.database.fetch(query("let_go"), key.task_id, key.run_id))

    async def newest(self, about: Sequence[str]) -> Act | None:
        """The newest act on any of these targets."""
        rows = await self.database.fetch(query("audit_newest"), [*map(storable, about)])
        return Act(**rows[0]) if rows else None

    @repeated
    async def begin(self, intent: Intent, about: Sequence[str], seen: int) -> int | Act:
        """Keep that an act begins, and give its number; or the act that somebody else began after the one seen.

        `about`: the targets whose acts count, the same first one for all that stand in each other's way.
        """
        targets = [*map(storable, about)]
        async with self.database.transaction() as connection:
            await connection.execute(query("audit_lock"), targets[0])
            rows = await connection.fetch(query("audit_newest"), targets)
            if rows and rows[0]["number"] > seen:
                return Act(**rows[0])
            texts = map(storable, (intent.who, intent.verb, intent.target, intent.why, BEGUN))
            return int(await connection.fetchval(query("audit"), *texts))

    async def ended(self, number: int, outcome: str) -> None:
        """Keep what an act came to."""
        await self.database.fetch(query("audit_ended"), number, storable(outcome))

    async def acts(self, limit: int = 50) -> list[Act]:
        """What was done, the newest first."""
        return [Act(**row) for row in await self.database.fetch(query("audit_list"), limit)]

    async def dead_letter(self, number: int) -> DeadLetter | None:
        """One message that could not be read."""
        rows = await self.database.fetch(query("dead_letter_one"), number)
        return DeadLetter(**rows[0]) if rows else None

    async def forget(self, number: int) -> bool:
        """Drop such a message; whether it was there."""
        return bool(await self.database.fetch(query("dead_letter_drop"), number))


def _stop(row: Row) -> Stop:
    """A kind that only a newer version knows holds back all the same."""
    known = row["kind"] in set(StopKind)
    kind = StopKind(row["kind"]) if known else StopKind.DENIED
    return Stop(kind, row["pool"], row["builders"], row["who"], row["why"])
