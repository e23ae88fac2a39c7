"""The rows of runs, in memory, and the time. One process works at a time: leases are always given."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeVar

from bridge.core.debts import due_at
from bridge.core.run import RequestId, Run, RunId, RunKey, Settled, TaskId, request_of
from bridge.core.verdict import Resolution
from bridge.engine.ports import Decide
from bridge.scenario.telling import Notebook

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


@dataclass(slots=True)
class Rows:
    """The rows of all runs. What a process did that has ended is kept: the database outlives it."""

    rows: dict[TaskId, dict[RunId, Run]] = field(default_factory=dict)

    async def insert(self, runs: Sequence[Run]) -> list[RunKey]:
        new = [run for run in runs if run.key.run_id not in self.rows.get(run.key.task_id, {})]
        for run in new:
            self.rows.setdefault(run.key.task_id, {})[run.key.run_id] = run
        return [run.key for run in new]

    async def add(self, run: Run, because: str) -> bool:
        return bool(await self.insert([run]))

    async def change(
        self, task_id: TaskId, decide: Decide, *, because: str, holder: str | None = None, cause: object = None
    ) -> Mapping[RunId, Run]:
        changed = decide(dict(sorted(self.rows.get(task_id, {}).items())))
        self.rows.setdefault(task_id, {}).update(changed)
        return changed

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
