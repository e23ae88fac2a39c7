"""The rows of runs: load, decide, save in one transaction; leases; what is due."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bridge.core.debts import due_at
from bridge.core.lease import LEASE
from bridge.core.run import RequestId, Run, RunId, RunKey, TaskId
from bridge.store.changing import Cause, Change, Decide, InHand
from bridge.store.database import Database, repeated
from bridge.store.queries import query
from bridge.store.rows import PHASES, Row, UnknownPhaseError, to_run

# A holder of credentials that leaves a row overdue for this long is taken for gone.
GRACE = timedelta(seconds=15)
# A claim that ends so soon is renewed before anything else is done; `due.sql` and `due_own.sql` have the same number.
NEAR = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Runs:
    """The rows of the pools that this process serves; `me` signs the transitions."""

    database: Database
    me: str
    pools: tuple[str, ...]
    grace: timedelta = GRACE
    in_hand: InHand = field(default_factory=InHand)

    async def insert(self, runs: Sequence[Run]) -> list[RunKey]:
        """Add rows for runs in phase Wanted that have none, in bulk; the keys of those that are new."""
        if not runs:
            return []
        columns = zip(*((*_key(run.key), run.pool, run.look_at, run.not_before, due_at(run)) for run in runs), strict=True)
        because = "the run is pending in Taskcluster"
        rows = await self.database.fetch(query("insert"), *map(list, columns), self.me, because)
        return [_key_of(row) for row in rows]

    async def add(self, run: Run, because: str) -> bool:
        """Add a row in any phase, unless the run has one."""
        saved = await self.change(
            run.key.task_id, lambda rows: {} if run.key.run_id in rows else {run.key.run_id: run}, because=because
        )
        return bool(saved)

    @repeated
    async def change(
        self, task_id: TaskId, decide: Decide, *, because: str, holder: str | None = None, cause: Cause = ()
    ) -> Mapping[RunId, Run]:
        """Save what `decide` returns for the task's rows, all of it or nothing, and return that.

        What is saved was decided on the rows as they were then: `decide` is asked again, on locked rows, where another
        process changed a row or inserted one that this one did not see.
        """
        return await Change(task_id, decide, because, holder, cause, self.me).make(self.database, self.in_hand)

    async def lease(self, key: RunKey, me: str) -> Run | None:
        """Take or renew the row's lease; None if another has it or holds the run's credentials, or nothing is left to do."""
        rows = await self.database.fetch(query("lease"), *_key(key), self.grace, me, LEASE, self.pools, PHASES)
        self.in_hand.take(rows)
        return next(iter(_known(rows)), None)

    async def release(self, keys: Collection[RunKey], me: str) -> None:
        """Give leases back; what was settled has none any more."""
        if not (keys := self.in_hand.let_go(keys)):
            return
        tasks, runs = [key.task_id for key in keys], [key.run_id for key in keys]
        await self.database.fetch(query("release"), tasks, runs, me)

    async def abandon(self, me: str) -> None:
        """Give up all leases of a process that ends, and its place as holder of credentials: the others need not wait."""
        await self.database.fetch(query("abandon"), me)

    async def due(self, me: str, *, limit: int, foreign: bool) -> list[Run]:
        """Lease rows that owe something now: claims near their end first, then in the order in which they fell due."""
        grace = [self.grace] if foreign else []
        name = "due" if foreign else "due_own"
        rows = await self.database.fetch(query(name), me, limit, *grace, LEASE, self.pools, PHASES)
        self.in_hand.take(rows)
        return _known(sorted(rows, key=_urgency))

    async def of_task(self, task_id: TaskId) -> Mapping[RunId, Run]:
        """All rows of a task, not locked."""
        return {run.key.run_id: run for run in _known(await self.database.fetch(query("task_rows_read"), task_id))}

    async def of_requests(self, request_ids: Collection[RequestId], *, pools: Collection[str]) -> list[Run]:
        """The unsettled rows of these pools that hold one of these requests."""
        rows = await self.database.fetch(query("of_requests"), list(request_ids), list(pools))
        self.in_hand.take(rows)  # who asks has news for them
        return _known(rows)

    async def unsettled(self, *, page: int = 1000) -> AsyncIterator[list[Run]]:
        """All unsettled rows in pages by key; no transaction spans two of them."""
        last: tuple[str, int] = ("", -1)
        while True:
            rows = await self.database.fetch(query("unsettled"), *last, page)
            if rows:
                yield _known(rows)
            if len(rows) < page:
                return
            last = (rows[-1]["task_id"], rows[-1]["run_id"])

    async def retire(self, older_than: timedelta, limit: int = 500) -> int:
        """Delete a batch of settled rows whose deadline is longer ago than this; how many there were."""
        return int(await self.database.value(query("retire"), older_than, limit))


def _key(key: RunKey) -> tuple[str, int]:
    return key.task_id, key.run_id


def _key_of(row: Row) -> RunKey:
    return RunKey(TaskId(row["task_id"]), RunId(row["run_id"]))


def _known(rows: Iterable[Row]) -> list[Run]:
    """Rows in phases and with verdicts that this version knows; others are left to the version that wrote them."""
    known: list[Run] = []
    for row in rows:
        try:
            known.append(to_run(row))
        except UnknownPhaseError:
            continue
    return known


def _urgency(row: Row) -> tuple[bool, datetime]:
    """The order in which `due.sql` chose the rows; it cannot return them in that order."""
    now = row["lease_until"] - LEASE
    ends_soon = row["taken_until"] is not None and row["taken_until"] < now + NEAR
    return (not ends_soon, row["taken_until"] if ends_soon else row["due_at"])
