"""How a change of a task's rows comes about: decided on what is in hand where that is still true, else on locked rows.

Most tasks have one row. A decision on it needs no lock: saving it is one statement that changes nothing unless the row is
the one that was decided on, and the task's only one when the statement begins. Where it is not, and for tasks of several
rows, all of them are locked first, in run order. Locks do not keep new rows out either: whoever adds a run because of what
another one's row says has to change that row too.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple, Self

from bridge.core.run import Run, RunId, RunKey, Settled, TaskId
from bridge.store.database import CollidedError, Database
from bridge.store.queries import query
from bridge.store.rows import Row, UnknownPhaseError, phase_name, storable, storable_json, to_json, to_row, to_run

Rows = Mapping[RunId, Run]
Decide = Callable[[Rows], Rows]
Cause = Sequence[Mapping[str, object]]
"""What a change was decided on, as JSON values: one mapping for each event."""

MOST: Final = 4096
"""Rows in hand; the oldest is forgotten first."""


class Seen(NamedTuple):
    """A row as it was. A version alone can come twice: a failover may lose one, and another process write it anew."""

    run: Run
    version: int
    updated_at: datetime

    @classmethod
    def of(cls, row: Row) -> Self:
        """What a record of the table tells."""
        return cls(to_run(row), row["version"], row["updated_at"])


@dataclass(frozen=True, slots=True)
class InHand:
    """The rows that this process works on, as it read or wrote them last. None is trusted: see `save.sql`."""

    most: int = MOST
    _rows: OrderedDict[TaskId, Seen] = field(default_factory=OrderedDict)

    def take(self, rows: Iterable[Row]) -> None:
        """Remember rows just read, of phases that this version knows."""
        for row in rows:
            with suppress(UnknownPhaseError):
                self.keep(Seen.of(row))

    def keep(self, seen: Seen) -> None:
        """Remember a row; one for each task, since a task of several is not changed by this way."""
        self._rows[seen.run.key.task_id] = seen
        self._rows.move_to_end(seen.run.key.task_id)
        if len(self._rows) > self.most:
            self._rows.popitem(last=False)

    def correct(self, task_id: TaskId, rows: Sequence[Row]) -> None:
        """Take the task's rows as they are, if it is in hand; several are not kept."""
        if self._rows.pop(task_id, None) is not None and len(rows) == 1:
            self.take(rows)

    def find(self, task_id: TaskId) -> Seen | None:
        """The task's row, if one is in hand."""
        return self._rows.get(task_id)

    def let_go(self, keys: Iterable[RunKey]) -> list[RunKey]:
        """Forget rows; those whose leases are to be given back: what this process settled has none any more.

        Unless a failover loses that change: then the lease ends by its time.
        """
        return [key for key in keys if not self._settled(key)]

    def _settled(self, key: RunKey) -> bool:
        seen = self._rows.pop(key.task_id, None)
        return seen is not None and seen.run.key == key and isinstance(seen.run.phase, Settled)


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one task's rows; `me` signs the transitions."""

    task_id: TaskId
    decide: Decide
    because: str
    holder: str | None
    cause: Cause
    me: str

    async def make(self, database: Database, hand: InHand) -> Rows:
        """Decide, and save what was decided; that. Raises `CollidedError` where others change the rows too fast."""
        seen = hand.find(self.task_id)
        if seen is not None and (after := await self._saved(database, seen, self._decided(seen))):
            hand.keep(after)
            return {after.run.key.run_id: after.run}
        return await self._anew(database, hand)

    async def _anew(self, database: Database, hand: InHand) -> Rows:
        """Decide on rows that are read now, each locked for that moment.

        So a change that is on its way is waited for, and a server that only reads, because another one has taken over,
        refuses: to change nothing is a decision, too, by which callers go on.
        """
        rows = await database.fetch(query("task_rows"), self.task_id)
        hand.correct(self.task_id, rows)
        changed = self.decide({RunId(row["run_id"]): to_run(row) for row in rows})
        if not changed:
            return changed
        if len(rows) == 1 and (after := await self._saved(database, Seen.of(rows[0]), changed)):
            if hand.find(self.task_id) is not None:
                hand.keep(after)
            return changed
        return await self._locked(database)

    def _decided(self, seen: Seen) -> Rows:
        return self.decide({seen.run.key.run_id: seen.run})

    async def _saved(self, database: Database, seen: Seen, changed: Rows) -> Seen | None:
        """Change the task's only row; None, and nothing has changed, if it is another by now, or not the only one.

        None also where the decision is to change nothing, or other rows: that is for whoever reads them.
        """
        number = seen.run.key.run_id
        if changed.keys() != {number}:
            return None
        given = self._given({number: seen.run}, changed, {number: seen.version})
        (saved,) = await database.fetch(query("save"), *given, seen.updated_at)
        return Seen(changed[number], seen.version + 1, saved["saved_at"]) if saved["saved"] else None

    async def _locked(self, database: Database) -> Rows:
        """Lock all rows of the task, in one transaction with what is saved."""
        async with database.transaction() as connection:
            found = await connection.fetch(query("task_rows"), self.task_id)
            before = {RunId(row["run_id"]): to_run(row) for row in found}
            changed = self.decide(before)
            if not changed:
                return changed
            versions = {RunId(row["run_id"]): row["version"] for row in found}
            (saved,) = await connection.fetch(query("save"), *self._given(before, changed, versions), None)
            if saved["saved"] != len(changed):
                raise CollidedError(f"the rows of task {self.task_id} change too fast")
        return changed

    def _given(self, before: Rows, changed: Rows, versions: Mapping[RunId, int]) -> tuple[object, ...]:
        rows = [{**to_row(run), "version": versions.get(number, 0)} for number, run in changed.items()]
        return to_json(rows), to_json(self._transitions(before, changed)), self.me, self.holder

    def _transitions(self, before: Rows, after: Rows) -> list[dict[str, object]]:
        told: list[dict[str, object]] = []
        for number, run in after.items():
            old = before.get(number)
            if old is None or type(old.phase) is not type(run.phase):
                key: dict[str, object] = {"task_id": run.key.task_id, "run_id": number}
                why = {"because": storable(self.because), "cause": storable_json(self.cause) if self.cause else None}
                was = phase_name(old.phase) if old else None
                told.append({**key, "from_phase": was, "to_phase": phase_name(run.phase), **why})
        return told
