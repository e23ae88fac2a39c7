"""The rows of a rehearsal, in memory: one process has them all, so leases are always given."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from bridge.core.debts import due_at
from bridge.core.ledger import Entry
from bridge.core.run import RequestId, Run, RunId, RunKey, Settled, TaskId, request_of
from bridge.engine.ports import Cause, Clock, Decide

_GRACE: Final = timedelta(seconds=15)
"""As in the database: for so long after it is due a debt is its holder's."""
_KEPT: Final = 10_000
"""Settled tasks that are remembered, so that what is late about them is no news."""


Reality = Callable[[TaskId], Awaitable[Sequence[Entry]]]
"""Reads the rows of a task as the real services have them now."""


@dataclass(slots=True)
class Rows:
    """The rows by task. `holders`: who has a run's credentials, as the database keeps it.

    With `reality` a run is taken in hand as the real services left it, unless nothing but our own play has changed it since:
    so does who only finishes what others left. Without, our own play alone moves a row that was taken over once.
    """

    clock: Clock
    reality: Reality | None = None
    tasks: dict[TaskId, dict[RunId, Run]] = field(default_factory=dict)
    holders: dict[RunKey, str] = field(default_factory=dict)
    _settled: dict[TaskId, None] = field(default_factory=dict)
    _real: dict[RunKey, Run] = field(default_factory=dict)

    def knows(self, key: RunKey) -> bool:
        """Whether there is a row of this run."""
        return key.run_id in self.tasks.get(key.task_id, {})

    def put(self, runs: Sequence[Run]) -> None:
        """Take rows over as they are, those that are new."""
        for run in runs:
            if not self.knows(run.key):
                self._save(run)

    async def renew(self, task_id: TaskId) -> None:
        """Take over what the real services have changed since it was taken over last."""
        for entry in await self.reality(task_id) if self.reality is not None else ():
            if self._real.get(entry.run.key) != entry.run:
                self._real[entry.run.key] = entry.run
                self._save(entry.run)
            self._held(entry)

    def _held(self, entry: Entry) -> None:
        """A process that acts or has the credentials, and keeps up, is not interfered with."""
        now, due = self.clock.now(), due_at(entry.run)
        acts = entry.lease_owner if entry.lease_until is not None and entry.lease_until > now else None
        keeps_up = due is None or due > now - _GRACE
        if (holder := acts or (entry.holder if keeps_up else None)) is not None:
            self.holders[entry.run.key] = holder
        else:
            self.holders.pop(entry.run.key, None)

    async def insert(self, runs: Sequence[Run]) -> list[RunKey]:
        new = [run for run in runs if not self.knows(run.key)]
        self.put(new)
        return [run.key for run in new]

    async def add(self, run: Run, because: str) -> bool:  # noqa: ARG002  a port
        return bool(await self.insert([run]))

    async def change(
        self,
        task_id: TaskId,
        decide: Decide,
        *,
        because: str,  # noqa: ARG002  kept by nobody
        holder: str | None = None,
        cause: Cause = (),  # noqa: ARG002
    ) -> Mapping[RunId, Run]:
        changed = decide(dict(sorted(self.tasks.get(task_id, {}).items())))
        for run in changed.values():
            self._save(run)
            if holder is not None:
                self.holders[run.key] = holder
        return changed

    def _save(self, run: Run) -> None:
        rows = self.tasks.setdefault(run.key.task_id, {})
        rows[run.key.run_id] = run
        if not isinstance(run.phase, Settled):
            return
        self.holders.pop(run.key, None)
        self._real.pop(run.key, None)
        if all(isinstance(row.phase, Settled) for row in rows.values()):
            self._settled[run.key.task_id] = None
        if len(self._settled) > _KEPT:
            oldest = next(iter(self._settled))
            del self._settled[oldest]
            self.tasks.pop(oldest, None)

    async def lease(self, key: RunKey, me: str) -> Run | None:
        await self.renew(key.task_id)
        run = self.tasks.get(key.task_id, {}).get(key.run_id)
        other = self.holders.get(key, me) != me
        return None if run is None or other or isinstance(run.phase, Settled) else run

    async def release(self, keys: Collection[RunKey], me: str) -> None: ...
    async def abandon(self, me: str) -> None: ...

    async def due(self, me: str, *, limit: int, foreign: bool) -> list[Run]:
        """What is due, by our rows first, and then by those of the real services."""
        for task_id in {run.key.task_id for run in self._due(me, foreign=foreign)[:limit]}:
            await self.renew(task_id)
        return self._due(me, foreign=foreign)[:limit]

    def _due(self, me: str, *, foreign: bool) -> list[Run]:
        now = self.clock.now()
        mine = (run for run in self._open() if self.holders.get(run.key) == me or (foreign and run.key not in self.holders))
        found = [(when, run) for run in mine if (when := due_at(run)) is not None and when <= now]
        return [run for _, run in sorted(found, key=lambda each: (each[0], each[1].key))]

    async def of_task(self, task_id: TaskId) -> Mapping[RunId, Run]:
        return dict(sorted(self.tasks.get(task_id, {}).items()))

    async def of_requests(self, request_ids: Collection[RequestId], *, pools: Collection[str]) -> list[Run]:
        wanted = set(request_ids)
        return [
            run for run in self._open() if run.pool in pools and (held := request_of(run)) is not None and held.id in wanted
        ]

    async def retire(self, older_than: timedelta, limit: int) -> int:  # noqa: ARG002  a port
        """None: what is settled goes by itself."""
        return 0

    async def unsettled(self, *, page: int = 1000) -> AsyncIterator[list[Run]]:
        rows = sorted(self._open(), key=lambda run: run.key)
        for first in range(0, len(rows), page):
            yield rows[first : first + page]

    def _open(self) -> list[Run]:
        return [run for rows in self.tasks.values() for run in rows.values() if not isinstance(run.phase, Settled)]
