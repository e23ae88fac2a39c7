"""What people and metrics ask the store: counts, margins, histories, who serves it, what could not be read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from bridge.core.debts import due_at
from bridge.core.ledger import Entry, Held, Step, Swept
from bridge.core.run import TaskId
from bridge.store.database import Database
from bridge.store.queries import query
from bridge.store.rows import Row, storable, to_run

__all__ = ["Census", "DeadLetter", "Entry", "Held", "Margins", "People", "Step", "Waiting", "entry"]

_KEPT = 65536  # bytes of an unreadable message that are kept


@dataclass(frozen=True, slots=True)
class Margins:
    """Seconds since the oldest debt was due, and until the first claim expires; None where there is none."""

    oldest_due: float | None
    claim_margin: float | None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that could not be read; `body` is cut, `size` and `sha256` are of the whole."""

    id: int
    at: datetime
    exchange: str
    routing_key: str
    reason: str
    size: int
    sha256: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Waiting:
    """Of one pool: pending runs that are held back, most tries in a row of one debt, seconds that the oldest has waited."""

    held: int
    attempts: int
    oldest: float = 0.0


@dataclass(frozen=True, slots=True)
class Census:
    """Unsettled runs by (pool, phase), and what waits by pool; pools without unsettled runs are left out."""

    counts: Mapping[tuple[str, str], int]
    waiting: Mapping[str, Waiting]


@dataclass(frozen=True, slots=True)
class People:
    """Reads for people, and the little that is written for them."""

    database: Database

    async def counts(self) -> dict[tuple[str, str], int]:
        """Unsettled runs by (pool, phase)."""
        rows = await self.database.fetch(query("counts"))
        return {(row["pool"], row["phase"]): row["runs"] for row in rows}

    async def census(self) -> Census:
        """What metrics tell of all unsettled runs."""
        return _census(await self.database.fetch(query("census")))

    async def held(self, limit: int = 20) -> list[Held]:
        """Why pending runs wait, the most frequent reasons first."""
        return [Held(**row) for row in await self.database.fetch(query("held"), limit)]

    async def margins(self) -> Margins:
        """How late the oldest debt is, and how near the first expiry."""
        (row,) = await self.database.fetch(query("margins"))
        late = row["oldest_due"]
        return Margins(max(0.0, late) if late is not None else None, row["claim_margin"])

    async def history(self, task_id: str) -> list[Step]:
        """All changes of phase of a task's runs, oldest first."""
        return [_step(row) for row in await self.database.fetch(query("history"), task_id)]

    async def entries(self, task_id: TaskId) -> list[Entry]:
        """All rows of a task, by run."""
        return [entry(row) for row in await self.database.fetch(query("task_rows_read"), task_id)]

    async def overdue(self, limit: int = 20) -> list[Entry]:
        """The unsettled rows that have owed something for longest."""
        return [entry(row) for row in await self.database.fetch(query("overdue"), limit)]

    async def sample(self, unsettled: int, held: int, margins: Margins) -> None:
        """Note how late the bridge is, for the history: once in a minute, whoever comes first."""
        await self.database.fetch(query("sample"), unsettled, held, margins.oldest_due, margins.claim_margin)

    async def swept(self, swept: Swept) -> None:
        """Note what a sweep came to, in place of what it came to before."""
        fault = None if swept.fault is None else storable(swept.fault)
        columns = (swept.replica, swept.name, swept.began_at, swept.ended_at, swept.found, fault)
        await self.database.fetch(query("sweep_done"), *columns)

    async def bury(self, exchange: str, routing_key: str, reason: str, body: bytes) -> None:
        """Keep an unreadable message."""
        digest = hashlib.sha256(body).digest()
        texts = map(storable, (exchange, routing_key, reason))
        await self.database.fetch(query("dead_letter"), *texts, len(body), digest, body[:_KEPT])

    async def dead_letters(self, limit: int = 100) -> Sequence[DeadLetter]:
        """The newest unreadable messages."""
        return [DeadLetter(**row) for row in await self.database.fetch(query("dead_letter_list"), limit)]


def _census(rows: Sequence[Row]) -> Census:
    counts = {(row["pool"], row["phase"]): row["runs"] for row in rows}
    return Census(counts, {pool: _waiting(list(there)) for pool, there in groupby(rows, itemgetter("pool"))})


def _waiting(rows: Sequence[Row]) -> Waiting:
    oldest = (row["oldest"] for row in rows if row["phase"] == "wanted" and row["oldest"] is not None)
    return Waiting(sum(row["held"] for row in rows), max(row["attempts"] for row in rows), max(0.0, *oldest, 0.0))


def _step(row: Row) -> Step:
    return Step(**{**row, "cause": None if row["cause"] is None else json.loads(row["cause"])})


def entry(row: Row) -> Entry:
    """The entry that a record holds."""
    run = to_run(row)
    kept = ("version", "lease_owner", "lease_until", "holder", "created_at", "updated_at")
    return Entry(run, due_at(run), **{name: row[name] for name in kept})
