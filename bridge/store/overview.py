"""What people ask about many runs at once: lists, changes, history, who serves. Reading only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from bridge.core.ledger import (
    Change,
    Entry,
    Found,
    Held,
    Letter,
    Oldest,
    Past,
    Place,
    Selection,
    Server,
    Step,
    Swept,
)
from bridge.core.run import TaskId
from bridge.core.steering import Act, Ordered
from bridge.store.database import Database
from bridge.store.people import People, entry
from bridge.store.queries import query
from bridge.store.rows import Row, UnknownPhaseError
from bridge.store.steering import Operators

LOOKED_AT: Final = 20_000
"""Rows: after so many a page ends, whether or not they were what was asked for."""
ALIVE: Final = timedelta(minutes=2)
"""A process that showed no life for so long is taken for gone."""
_AT_MOST: Final = 30_000  # builds and ends that a history is made of
_STEP_FIELDS: Final = ("run_id", "at", "from_phase", "to_phase", "because", "who")


@dataclass(frozen=True, slots=True)
class Overview:
    """Reads for people. `looked_at`: rows of which a page is chosen at most."""

    database: Database
    looked_at: int = LOOKED_AT

    async def runs(self, which: Selection, after: Place | None, limit: int) -> Found:
        """A page of the runs selected, newest first."""
        begin = after or Place(which.before)
        rows = await self.database.fetch(
            query("status_runs"),
            _ways_in(which),
            *(which.task_group_id, which.task_id, which.request_id, which.build_id),
            *(begin.created_at, begin.task_id, begin.run_id),
            *(which.since, self.looked_at),
            *_filters(which),
            limit,
        )
        return _found(rows, self.looked_at, limit)

    async def entries(self, task_id: TaskId) -> Sequence[Entry]:
        """All rows of a task, by run; those of a newer version are left out."""
        rows = await self.database.fetch(query("task_rows_read"), task_id)
        return [each for each in map(_known, rows) if each is not None]

    async def history(self, task_id: TaskId) -> Sequence[Step]:
        """All changes of phase of a task's runs, oldest first."""
        return await People(self.database).history(task_id)

    async def counts(self) -> Mapping[tuple[str, str], int]:
        """Unsettled runs by (pool, phase)."""
        return await People(self.database).counts()

    async def held(self) -> Sequence[Held]:
        """Why pending runs wait, the most frequent reasons first."""
        return await People(self.database).held(100)

    async def oldest(self) -> Oldest:
        """The moments that tell how late the bridge is."""
        (row,) = await self.database.fetch(query("status_oldest"))
        return Oldest(row["oldest_due"], row["first_claim_ends"], row["oldest_wanted"])

    async def servers(self, now: datetime) -> Sequence[Server]:
        """The processes that serve the database, and those that did within a day and said no good-bye."""
        return [_server(row, now) for row in await self.database.fetch(query("replica_list"))]

    async def sweeps(self) -> Sequence[Swept]:
        """What each sweep of each process came to, the last time."""
        return [Swept(**row) for row in await self.database.fetch(query("sweep_list"))]

    async def letters(self, before: int | None, limit: int, beginning: int) -> Sequence[Letter]:
        """Unreadable messages, newest first, each with so many bytes of its body."""
        last = (1 << 63) - 1 if before is None else before
        return [_letter(row) for row in await self.database.fetch(query("dead_letter_page"), last, limit, beginning)]

    async def orders(self) -> Sequence[Ordered]:
        """The orders of operators that are in force."""
        return await Operators(self.database).stops()

    async def acts(self) -> Sequence[Act]:
        """What operators did, the newest first."""
        return await Operators(self.database).acts()

    async def changes(self, after: int, limit: int) -> Sequence[Change]:
        """Changes of phase after one that is known, in the order of their numbers.

        A number that is left out may still come: the numbers are given before what they name can be seen.
        """
        return [_change(row) for row in await self.database.fetch(query("status_changes"), after, limit)]

    async def newest(self, settled_for: timedelta) -> int:
        """The number of the newest change that is as old as this; 0 if there is none."""
        return int(await self.database.value(query("status_newest"), settled_for))

    async def reach(self, since: datetime) -> datetime | None:
        """Back to when all builds and ends are in `past`; None: to `since`."""
        found: datetime | None = await self.database.value(query("status_reach"), since, _AT_MOST)
        return found

    async def past(self, since: datetime, step: float) -> Sequence[Past]:
        """What was, in steps of so many seconds: of the newest builds and ends, as far as they reach back."""
        found: dict[datetime, Past] = {}
        for row in await self.database.fetch(query("status_waits"), since, step, _AT_MOST):
            at = row["at"]
            found[at] = Past(at, row["builds"], row["half"], row["most"])
        for row in await self.database.fetch(query("status_outcomes"), since, step, _AT_MOST):
            past = found.get(row["at"], Past(row["at"]))
            found[past.at] = replace(past, ends={**(past.ends or {}), row["outcome"]: row["runs"]})
        for row in await self.database.fetch(query("status_samples"), since, step):
            past = found.get(row["at"], Past(row["at"]))
            found[past.at] = replace(past, **{name: row[name] for name in _SAMPLED})
        return [found[at] for at in sorted(found)]


_SAMPLED: Final = ("unsettled", "held", "oldest_due", "claim_margin")


def _ways_in(which: Selection) -> list[str]:
    """The narrowest way to what is asked for; the rest is left to the filters."""
    narrow = {
        "task": which.task_id,
        "request": which.request_id,
        "build": which.build_id,
        "group": which.task_group_id,
    }
    for way, asked in narrow.items():
        if asked is not None:
            return [way]
    match which.settled, which.suspects:
        case (True, False):
            return ["settled"]
        case (False, _) | (_, True):
            return ["open"]
        case _:
            return ["open", "settled"]


def _filters(which: Selection) -> tuple[object, ...]:
    builder = None if which.builder is None else _like(which.builder)
    return which.phases, which.pools, builder, which.settled, which.suspects, which.served


def _like(pattern: str) -> str:
    """A builder's name, or a prefix followed by `*`, in the words of LIKE."""
    name = pattern.removesuffix("*")
    for special in "\\%_":
        name = name.replace(special, f"\\{special}")
    return f"{name}%" if pattern.endswith("*") else name


def _found(rows: Sequence[Row], looked_at: int, limit: int) -> Found:
    last = rows[-1] if rows else None
    cut = last is not None and (len(rows) == limit or last["place"] == looked_at)
    more = Place(last["created_at"], last["task_id"], last["run_id"]) if last is not None and cut else None
    fitting = [_known(row) for row in rows if row["fitting"]]
    entries = tuple(each for each in fitting if each is not None)
    return Found(entries, more, len(fitting) - len(entries))


def _known(row: Row) -> Entry | None:
    try:
        return entry(row)
    except UnknownPhaseError:
        return None


def _server(row: Row, now: datetime) -> Server:
    said: Mapping[str, Any] = json.loads(row["fingerprint"])
    names = (row["name"], row["service"], row["version"])
    return Server(*names, tuple(sorted(said["pools"])), row["started_at"], row["seen_at"], now - row["seen_at"] < ALIVE)


def _letter(row: Row) -> Letter:
    texts = (row["exchange"], row["routing_key"], row["reason"])
    return Letter(row["id"], row["at"], *texts, row["size"], row["sha256"].hex(), bytes(row["body"]))


def _change(row: Row) -> Change:
    step = Step(*(row[name] for name in _STEP_FIELDS))
    return Change(row["id"], row["task_id"], step, row["pool"], row["builder"], row["task_group_id"])
