"""Taskcluster for a rehearsal: read as it is, and never told anything."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bridge.core import faults
from bridge.core.artifact import Artifact
from bridge.core.order import Definition
from bridge.core.pending import PendingRun
from bridge.core.run import RunId, RunKey, TaskId, Worker
from bridge.core.status import RunState, RunStatus, TaskStatus, run_in
from bridge.core.verdict import Resolution
from bridge.engine import ports
from bridge.rehearsal.plan import Plan

_OPEN: Final = (RunState.PENDING, RunState.RUNNING)
_REPORTS: Final = {Resolution.COMPLETED: "reportCompleted", Resolution.FAILED: "reportFailed"}


@dataclass(slots=True)
class Queue:
    """Reads by the real port; what has an effect is noted, and answered by what the real services do."""

    real: ports.Queue
    plan: Plan
    held: dict[RunKey, datetime] = field(default_factory=dict)
    """Claims that the real services have, with their ends: what these credentials stand for."""

    @property
    def encodes(self) -> bool:
        return self.real.encodes

    async def status(self, task_id: TaskId) -> TaskStatus:
        return await self.real.status(task_id)

    async def statuses(self, task_ids: Collection[TaskId]) -> Mapping[TaskId, TaskStatus]:
        return await self.real.statuses(task_ids)

    async def definition(self, task_id: TaskId) -> Definition:
        return await self.real.definition(task_id)

    async def expanded(self, scopes: Sequence[str]) -> frozenset[str]:
        return await self.real.expanded(scopes)

    def pending(self, task_queue_id: str) -> AsyncIterator[list[PendingRun]]:
        return self.real.pending(task_queue_id)

    def artifact_address(self, key: RunKey, name: str) -> str:
        return self.real.artifact_address(key, name)

    async def definition_hash(self, task_id: TaskId) -> str:
        return await self.real.definition_hash(task_id)

    async def claim(self, key: RunKey, worker: Worker, task_queue_id: str) -> datetime:  # noqa: ARG002  a port
        """Note it; the claim that the real services have taken since."""
        self.plan.note(key, "claimTask", f"{worker.group}/{worker.id}")
        until = self.held[key] = await self.plan.seen(lambda: self._taken(key, worker), "a claim")
        return until

    async def _taken(self, key: RunKey, worker: Worker) -> datetime | None:
        run = await self._run(key)
        if run.worker == worker:  # even where the real services have resolved it since: they did what is noted
            return run.taken_until or run.resolved
        if run.state not in _OPEN:
            raise faults.Conflicting(f"run {key} is resolved already")
        return None

    async def reclaim(self, key: RunKey) -> datetime:
        """Note it; the claim as the real services have renewed it since."""
        before = self.held[key]
        self.plan.note(key, "reclaimTask", f"taken until {before:%Y-%m-%d %H:%M:%S}")
        until = self.held[key] = await self.plan.seen(lambda: self._renewed(key, before), "a reclaim")
        return until

    async def _renewed(self, key: RunKey, before: datetime) -> datetime | None:
        run = await self._run(key)
        if run.state is not RunState.RUNNING or run.taken_until is None:
            raise faults.Conflicting(f"run {key} is not claimed any more")
        return run.taken_until if run.taken_until > before else None

    async def attach(self, key: RunKey, artifact: Artifact) -> None:
        """Note it; its body is not read."""
        self.plan.note(key, "createArtifact", artifact.name)

    async def resolve(self, key: RunKey, resolution: Resolution | None) -> TaskStatus:
        """Note it; the status once the real services have resolved the run."""
        if resolution is None:
            self.plan.note(key, "reportException", "malformed-payload")
        else:
            call = _REPORTS.get(resolution, "reportException")
            self.plan.note(key, call, "" if resolution in _REPORTS else resolution.value)
        return await self.plan.seen(lambda: self._resolved(key), "a report")

    async def cancel_task(self, task_id: TaskId) -> TaskStatus:
        """Note it; the status once the real services have cancelled the task."""
        status = await self.real.status(task_id)
        key = RunKey(task_id, RunId(len(status.runs) - 1))
        self.plan.note(key, "cancelTask")
        return await self.plan.seen(lambda: self._resolved(key), "a cancel")

    async def _resolved(self, key: RunKey) -> TaskStatus | None:
        status = await self.real.status(key.task_id)
        run = run_in(status, key.run_id)
        return None if run is None or run.state in _OPEN else status

    async def _run(self, key: RunKey) -> RunStatus:
        run = run_in(await self.real.status(key.task_id), key.run_id)
        if run is None:
            raise faults.Missing(f"Taskcluster does not show run {key}")
        return run

    def holds(self, key: RunKey) -> bool:
        return key in self.held

    def half_over(self) -> list[RunKey]:
        """None: the claims are the real services' to keep alive."""
        return []

    def forget(self, key: RunKey) -> None:
        self.held.pop(key, None)
