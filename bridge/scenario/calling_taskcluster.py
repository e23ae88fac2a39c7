"""The engine's port to Taskcluster, on the ledger of the queue."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeVar

from bridge.core import faults
from bridge.core.artifact import Artifact
from bridge.core.order import Definition
from bridge.core.pending import PendingRun
from bridge.core.run import RunId, RunKey, TaskId, Worker
from bridge.core.status import TaskStatus
from bridge.core.verdict import Resolution
from bridge.scenario import queue
from bridge.scenario.trouble import Line

T = TypeVar("T")
_WORK_ON: Final = timedelta(minutes=4)
"""For so long after the end of their claim the queue accepts a run's credentials."""
_REPORTS: Final = {Resolution.COMPLETED: "reportCompleted", Resolution.FAILED: "reportFailed"}


@dataclass(slots=True)
class Queue:
    """Taskcluster, as one process calls it; `held`: until when the credentials in its memory work."""

    line: Line
    ledger: queue.Ledger
    texts: dict[RunKey, str] = field(default_factory=dict)
    held: dict[RunKey, datetime] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        return self.line.notebook.now

    @property
    def encodes(self) -> bool:
        return False

    async def status(self, task_id: TaskId) -> TaskStatus:
        return self.line.pass_on("status", RunKey(task_id, RunId(0)), lambda: self.ledger.status(task_id))

    async def statuses(self, task_ids: Collection[TaskId]) -> Mapping[TaskId, TaskStatus]:
        known = [task_id for task_id in task_ids if task_id in self.ledger.entries]
        return self.line.pass_on("status", None, lambda: {each: self.ledger.status(each) for each in known})

    async def definition(self, task_id: TaskId) -> Definition:
        return self.line.pass_on("definition", RunKey(task_id, RunId(0)), lambda: self.ledger.definition(task_id))

    async def expanded(self, scopes: Sequence[str]) -> frozenset[str]:
        return frozenset(scopes)

    async def pending(self, task_queue_id: str) -> AsyncIterator[list[PendingRun]]:
        yield [PendingRun(key, self.ledger.definition(key.task_id)) for key in self.ledger.pending()]

    async def claim(self, key: RunKey, worker: Worker, task_queue_id: str) -> datetime:
        return self._kept(key, "claimTask", lambda: self.ledger.claim(key, worker, self.now))

    async def reclaim(self, key: RunKey) -> datetime:
        return self._kept(key, "reclaimTask", lambda: self.ledger.reclaim(key, self.now))

    def _kept(self, key: RunKey, name: str, call: Callable[[], datetime]) -> datetime:
        until = self.line.pass_on(name, key, call)
        self.held[key] = until + _WORK_ON
        return until

    async def attach(self, key: RunKey, artifact: Artifact) -> None:
        self.line.pass_on("createArtifact", key, lambda: self._attachable(key))
        if (text := await _text(artifact)) is not None:
            self.texts[key] = f"{self.texts.get(key, '')}{text}"

    def _attachable(self, key: RunKey) -> None:
        status = self.ledger.status(key.task_id).runs[key.run_id]
        if status.state.value in ("completed", "failed"):
            raise faults.Conflicting(f"the run is {status.state.value}")

    def artifact_address(self, key: RunKey, name: str) -> str:
        return f"https://taskcluster.example.com/{key}/{name}"

    async def definition_hash(self, task_id: TaskId) -> str:
        return "0" * 64

    async def resolve(self, key: RunKey, resolution: Resolution | None) -> TaskStatus:
        name = _REPORTS.get(resolution, "reportException") if resolution else "reportException"
        return self.line.pass_on(name, key, lambda: self.ledger.resolve(key, resolution, self.now))

    async def cancel_task(self, task_id: TaskId) -> TaskStatus:
        last = RunId(len(self.ledger.status(task_id).runs) - 1) if task_id in self.ledger.entries else RunId(0)
        return self.line.pass_on("cancelTask", RunKey(task_id, last), lambda: self.ledger.cancel(task_id, self.now))

    def holds(self, key: RunKey) -> bool:
        return self.now < self.held.get(key, self.now)

    def half_over(self) -> list[RunKey]:
        return []

    def forget(self, key: RunKey) -> None:
        self.held.pop(key, None)


async def _text(artifact: Artifact) -> str | None:
    """The words of a log."""
    if not artifact.name.startswith("public/logs/"):
        return None
    if artifact.source is None:
        return artifact.body.decode() if artifact.body is not None else None
    async with artifact.source.open() as chunks:
        return b"".join([chunk async for chunk in chunks]).decode()
