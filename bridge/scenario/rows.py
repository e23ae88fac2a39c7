"""The rows of runs, in memory, and the time. One process works at a time: leases are always given."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeVar

from bridge.core.debts import due_at
from bridge.core.run import RequestId, Run, RunId, RunKey, Settled, TaskId, request_of
from bridge.core.verdict import Resolution
from bridge.engine.ports import Cause, Decide
from bridge.scenario.telling import Notebook, phase_of

T = TypeVar("T")
_WORK_ON: Final = timedelta(minutes=4)
"""For so long after the end of their claim the queue accepts a run's credentials."""
_REPORTS: Final = {Resolution.COMPLETED: "reportCompleted", Resolution.FAILED: "reportFailed"}


@dataclass(frozen=True, slots=True)
class Clock:
    """The file's time."""

    notebook: Notebook

    def now(self) -> datetime:
        return self.notebook.now


@dataclass(frozen=True, slots=True)
class Change:
    """A change of phase, as the table of transitions has it."""

    run_id: int
    at: datetime
    from_phase: str | None
    to_phase: str
    because: str
    cause: Cause | None


@dataclass(slots=True)
class Rows:
    """The rows of all runs, and their changes of phase. The database outlives the process that writes to it."""

    notebook: Notebook
    rows: dict[TaskId, dict[RunId, Run]] = field(default_factory=dict)
    history: dict[TaskId, list[Change]] = field(default_factory=dict)

    async def insert(self, runs: Sequence[Run]) -> list[RunKey]:
        new = [run for run in runs if run.key.run_id not in self.rows.get(run.key.task_id, {})]
        for run in new:
            self._save(run, "the run is pending in Taskcluster", ())
        return [run.key for run in new]

    async def add(self, run: Run, because: str) -> bool:
        saved = await self.change(
            run.key.task_id, lambda rows: {} if run.key.run_id in rows else {run.key.run_id: run}, because=because
        )
        return bool(saved)

    async def change(
        self, task_id: TaskId, decide: Decide, *, because: str, holder: str | None = None, cause: Cause = ()
    ) -> Mapping[RunId, Run]:
        changed = decide(dict(sorted(self.rows.get(task_id, {}).items())))
        for run in changed.values():
            self._save(run, because, cause)
        return changed

    def _save(self, run: Run, because: str, cause: Cause) -> None:
        rows = self.rows.setdefault(run.key.task_id, {})
        before = rows.get(run.key.run_id)
        if before is None or type(before.phase) is not type(run.phase):
            was = phase_of(before) if before else None
            change = Change(run.key.run_id, self.notebook.now, was, phase_of(run), because, cause or None)
            self.history.setdefault(run.key.task_id, []).append(change)
        rows[run.key.run_id] = run

    async def lease(self, key: RunKey, me: str) -> Run | None:
        run = self.rows.get(key.task_id, {}).get(key.run_id)
        return None if run is None or isinstance(run.phase, Settled) else run

    async def release(self, keys: Collection[RunKey], me: str) -> None: ...
    async def abandon(self, me: str) -> None: ...

    async def due(self, me: str, *, limit: int, foreign: bool) -> list[Run]:
        raise NotImplementedError("who plays says what is due")

    async def of_task(self, task_id: TaskId) -> Mapping[RunId, Run]:
        return dict(sorted(self.rows.get(task_id, {}).items()))

    async def of_requests(self, request_ids: Collection[RequestId], *, pools: Collection[str]) -> list[Run]:
        return [run for run in self.open() if (held := request_of(run)) is not None and held.id in request_ids]

    async def retire(self, older_than: timedelta, limit: int) -> int:
        return 0

    async def unsettled(self, *, page: int = 1000) -> AsyncIterator[list[Run]]:
        yield self.open()

    def open(self) -> list[Run]:
        """The runs that are not settled, in the order of their keys."""
        found = (run for rows in self.rows.values() for run in rows.values() if not isinstance(run.phase, Settled))
        return sorted(found, key=lambda run: run.key)

    def due_from(self) -> list[tuple[datetime, RunKey]]:
        """What is owed, and from when; earliest first."""
        return sorted((when, run.key) for run in self.open() if (when := due_at(run)) is not None)
