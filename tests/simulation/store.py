"""The rows as PostgreSQL keeps them: transactions, leases by its own clock, and what a failover makes it forget.

A transaction happens at one moment. That is a possible order of what the real one does under row locks; a test holds the
outcomes of the two equal.
"""

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bridge.core import faults
from bridge.core.debts import due_at
from bridge.core.lease import LEASE
from bridge.core.run import RequestId, Run, RunId, RunKey, Settled, TaskId, claim_of, request_of
from bridge.engine.ports import Decide
from bridge.store.queries import query
from bridge.store.runs import GRACE, NEAR
from tests.simulation.fabric import Fabric, Machine

_MARGINS = query("margins")
_NOW = query("now")
_STOPS = query("stops")
_ROUNDED = 1e-5  # seconds, and more than times lose on their way into a row


@dataclass(frozen=True, slots=True)
class Row:
    """A row of table `runs`; every change makes a new one."""

    run: Run
    due: datetime | None
    taken: datetime | None
    lease_owner: str | None = None
    lease_until: datetime | None = None
    holder: str | None = None

    def lease_ended(self, now: datetime) -> bool:
        return self.lease_until is None or self.lease_until < now

    def free_from(self) -> float:
        """Before when nobody can have the row, in seconds since 1970."""
        if self.due is None:
            return math.inf
        return (self.due if self.lease_until is None else max(self.due, self.lease_until)).timestamp() - _ROUNDED


_Undo = list[tuple[RunKey, Row | None]]


class Table:
    """The rows, and how to take back what was committed last. `now` is the server's clock."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._true = now
        self.ahead = timedelta(0)
        self.away_until = 0.0
        self.tasks: dict[TaskId, dict[RunId, Row]] = {}
        self.stops: list[dict[str, object]] = []
        self.steered = False  # whether anybody gives orders: where nobody does, nobody need ask
        self._committed: list[_Undo] = []
        self._calm_until: float | None = None
        self._counting_on_it: list[Callable[[], None]] = []

    def now(self) -> datetime:
        return self._true() + self.ahead

    def leave(self, until: float) -> None:
        """Have the server away until then, in seconds of the loop."""
        self.away_until = max(self.away_until, until)
        self._stir()

    def rows(self) -> Iterable[Row]:
        """All rows."""
        return [row for task in self.tasks.values() for row in task.values()]

    def calm(self, at: float) -> bool:
        """Whether nobody can have a row at a moment, by true time in seconds since 1970, as things are now.

        It is told without a look at the rows, unless something was changed.
        """
        if self._calm_until is None:
            self._calm_until = min((row.free_from() for row in self.rows()), default=math.inf) - self.ahead.total_seconds()
        return at < self._calm_until

    def count_on_calm(self, disappointed: Callable[[], None]) -> None:
        """Have it called once, when things are about to be no longer as they are now."""
        self._counting_on_it.append(disappointed)

    def _stir(self) -> None:
        self._calm_until = None
        counting, self._counting_on_it = self._counting_on_it, []
        for disappointed in counting:
            disappointed()

    def row(self, key: RunKey) -> Row | None:
        return self.tasks.get(key.task_id, {}).get(key.run_id)

    def commit(self, changes: Sequence[tuple[RunKey, Row | None]]) -> None:
        """Put rows (None: delete) in one transaction."""
        undo: _Undo = []
        for key, row in changes:
            task = self.tasks.setdefault(key.task_id, {})
            undo.append((key, task.get(key.run_id)))
            if row is None:
                task.pop(key.run_id, None)
            else:
                task[key.run_id] = row
        if undo:
            self._committed.append(undo)
            self._stir()

    def lose(self, count: int, ahead: timedelta) -> None:
        """Fail over to a server that never heard of the last `count` transactions, and whose clock is another."""
        self.ahead = ahead
        self._stir()
        for _ in range(min(count, len(self._committed))):
            for key, row in reversed(self._committed.pop()):
                task = self.tasks[key.task_id]
                if row is None:
                    task.pop(key.run_id, None)
                else:
                    task[key.run_id] = row

    def drop(self) -> None:
        """Begin anew with nothing."""
        self.tasks.clear()
        self._committed.clear()
        self._stir()


class Database:
    """One process's connections, as far as services ask it anything besides rows."""

    def __init__(self, table: Table, machine: Machine, fabric: Fabric) -> None:
        self.table, self.machine, self.fabric = table, machine, fabric
        self.before_time: Callable[[], None] = _nothing
        """What is done before the time that was asked for is handed over."""

    def connections(self) -> tuple[int, int]:
        """Of no interest here."""
        return 0, 0

    async def value(self, text: str, *_args: object) -> object:
        """The time; nothing else is asked for one value."""
        assert text is _NOW
        now = await self.fabric.call(self.machine, "database", "now", self._now)
        self.before_time()
        return now

    async def fetch(self, text: str, *_args: object) -> list[dict[str, object]]:
        """The orders of operators; and what gauges and people ask, of which nothing bears on a run."""
        if text is _STOPS:
            return await self.fabric.call(self.machine, "database", "stops", self._stops)
        return [{"oldest_due": None, "claim_margin": None}] if text == _MARGINS else []

    def _now(self) -> datetime:
        up(self.table, self.fabric)
        return self.table.now()

    def _stops(self) -> list[dict[str, object]]:
        up(self.table, self.fabric)
        return list(self.table.stops)


def _nothing() -> None:
    pass


def up(table: Table, fabric: Fabric) -> None:
    """Raise while the server is away."""
    if table.away_until > fabric.loop.now:
        raise faults.Unavailable("PostgreSQL: connection refused")


class Runs:
    """The engine's port over a table. Same rules as `bridge.store.runs`, which `test_store.py` compares."""

    def __init__(self, table: Table, machine: Machine, fabric: Fabric, grace: timedelta = GRACE) -> None:
        self._table, self._machine, self._fabric, self._grace = table, machine, fabric, grace

    def _call(self, name: str, effect: Callable[[], object]) -> Awaitable[Any]:
        return self._fabric.call(self._machine, "database", name, effect)

    async def insert(self, runs: Sequence[Run]) -> list[RunKey]:
        return await self._call("insert", lambda: self._insert(runs)) if runs else []

    def _insert(self, runs: Sequence[Run]) -> list[RunKey]:
        up(self._table, self._fabric)
        new = [run for run in runs if self._table.row(run.key) is None]
        self._table.commit([(run.key, Row(run, due_at(run), None)) for run in new])
        return [run.key for run in new]

    async def add(self, run: Run, because: str) -> bool:
        saved = await self.change(
            run.key.task_id, lambda rows: {} if run.key.run_id in rows else {run.key.run_id: run}, because=because
        )
        return bool(saved)

    async def change(
        self, task_id: TaskId, decide: Decide, *, because: str, holder: str | None = None, cause: object = ()
    ) -> Mapping[RunId, Run]:
        return await self._call("change", lambda: self._change(task_id, decide, holder))

    def _change(self, task_id: TaskId, decide: Decide, holder: str | None) -> Mapping[RunId, Run]:
        up(self._table, self._fabric)
        rows = self._table.tasks.get(task_id, {})
        changed = decide({number: rows[number].run for number in sorted(rows)})
        if changed:
            self._table.commit([(run.key, _saved(rows.get(number), run, holder)) for number, run in changed.items()])
        return changed

    async def lease(self, key: RunKey, me: str) -> Run | None:
        return await self._call("lease", lambda: self._lease(key, me))

    def _lease(self, key: RunKey, me: str) -> Run | None:
        up(self._table, self._fabric)
        row, now = self._table.row(key), self._table.now()
        if row is None or row.due is None:
            return None
        if row.lease_owner not in (None, me) and not row.lease_ended(now):
            return None
        if row.holder not in (None, me) and row.due >= now - self._grace:
            return None
        self._table.commit([(key, replace(row, lease_owner=me, lease_until=now + LEASE))])
        return row.run

    async def release(self, keys: Collection[RunKey], me: str) -> None:
        await self._call("release", lambda: self._release(keys, me))

    def _release(self, keys: Collection[RunKey], me: str) -> None:
        up(self._table, self._fabric)
        rows = [(key, row) for key in keys if (row := self._table.row(key)) is not None and row.lease_owner == me]
        self._table.commit([(key, replace(row, lease_owner=None, lease_until=None)) for key, row in rows])

    async def abandon(self, me: str) -> None:
        await self._call("abandon", lambda: self._abandon(me))

    def _abandon(self, me: str) -> None:
        up(self._table, self._fabric)
        mine = [row for row in self._table.rows() if row.due is not None and me in (row.holder, row.lease_owner)]
        self._table.commit([(row.run.key, _without(row, me)) for row in mine])

    async def due(self, me: str, *, limit: int, foreign: bool) -> list[Run]:
        return await self._call("due", lambda: self._due(me, limit, foreign))

    def _due(self, me: str, limit: int, foreign: bool) -> list[Run]:
        up(self._table, self._fabric)
        now = self._table.now()
        free = self._free(me, foreign, now)
        picked = sorted(free, key=lambda row: _urgency(row, now + NEAR))[:limit]
        self._table.commit([(row.run.key, replace(row, lease_owner=me, lease_until=now + LEASE)) for row in picked])
        return [row.run for row in picked]

    def _free(self, me: str, foreign: bool, now: datetime) -> list[Row]:
        """The due rows that this process may have."""
        if self._table.calm((now - self._table.ahead).timestamp()):
            return []
        return [
            row
            for row in self._table.rows()
            if row.due is not None
            and row.due <= now
            and (row.lease_owner is None or row.lease_ended(now))
            and (row.holder == me or (foreign and (row.holder is None or row.due < now - self._grace)))
        ]

    async def of_task(self, task_id: TaskId) -> Mapping[RunId, Run]:
        return await self._call("of_task", lambda: self._of_task(task_id))

    def _of_task(self, task_id: TaskId) -> Mapping[RunId, Run]:
        up(self._table, self._fabric)
        rows = self._table.tasks.get(task_id, {})
        return {number: rows[number].run for number in sorted(rows)}

    async def of_requests(self, request_ids: Collection[RequestId], *, pools: Collection[str]) -> list[Run]:
        return await self._call("of_requests", lambda: self._of_requests(request_ids, pools))

    def _of_requests(self, request_ids: Collection[RequestId], pools: Collection[str]) -> list[Run]:
        up(self._table, self._fabric)
        open_rows = [row.run for row in self._table.rows() if row.due is not None and row.run.pool in pools]
        return [run for run in open_rows if (held := request_of(run)) is not None and held.id in request_ids]

    async def retire(self, older_than: timedelta, limit: int = 500) -> int:
        return await self._call("retire", lambda: self._retire(older_than, limit))

    def _retire(self, older_than: timedelta, limit: int) -> int:
        up(self._table, self._fabric)
        before = self._table.now() - older_than
        old = [r.run for r in self._table.rows() if r.due is None and r.run.facts and r.run.facts.deadline < before]
        self._table.commit([(run.key, None) for run in old[:limit]])
        return len(old[:limit])

    async def unsettled(self, *, page: int = 1000) -> AsyncIterator[list[Run]]:
        rows = await self._call("unsettled", self._unsettled)
        for start in range(0, len(rows), page):
            yield rows[start : start + page]

    def _unsettled(self) -> list[Run]:
        up(self._table, self._fabric)
        return sorted((row.run for row in self._table.rows() if row.due is not None), key=lambda run: run.key)


def _saved(old: Row | None, run: Run, holder: str | None) -> Row:
    if isinstance(run.phase, Settled):
        return Row(run, None, None)
    claim = claim_of(run)
    taken = claim.taken_until if claim else None
    if old is None:
        return Row(run, due_at(run), taken)
    return Row(run, due_at(run), taken, old.lease_owner, old.lease_until, holder or old.holder)


def _without(row: Row, me: str) -> Row:
    row = replace(row, holder=None) if row.holder == me else row
    return replace(row, lease_owner=None, lease_until=None) if row.lease_owner == me else row


def _urgency(row: Row, near: datetime) -> tuple[bool, datetime | None, datetime | None]:
    ends_soon = row.taken is not None and row.taken < near
    return (not ends_soon, row.taken if ends_soon else row.due, row.due)
