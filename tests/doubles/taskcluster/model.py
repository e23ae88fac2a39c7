"""What the queue keeps: tasks with their runs, groups, artifacts, workers, and the rows behind its lists."""

from dataclasses import dataclass, field
from typing import Any

from tests.doubles.taskcluster.instants import zulu

PRIORITIES = ("lowest", "very-low", "low", "medium", "high", "very-high", "highest")
RESOLVED = frozenset({"completed", "failed", "exception"})
MAX_RUNS = 50  # Taskcluster's source: a task gets no more than 50 runs


@dataclass(slots=True)
class Run:
    """One attempt; optional parts are absent from the wire until they are known, never null."""

    run_id: int
    state: str
    reason_created: str
    scheduled: int
    worker_group: str | None = None
    worker_id: str | None = None
    taken_until: int | None = None
    started: int | None = None
    reason_resolved: str | None = None
    resolved: int | None = None
    by_claim_work: bool = False  # such a run can never be claimed again with claimTask

    def wire(self) -> dict[str, Any]:
        known: dict[str, Any] = {"runId": self.run_id, "state": self.state, "reasonCreated": self.reason_created}
        if self.reason_resolved is not None:
            known["reasonResolved"] = self.reason_resolved
        if self.worker_id is not None:
            known |= {"workerGroup": self.worker_group, "workerId": self.worker_id}
        if self.taken_until is not None:
            known["takenUntil"] = zulu(self.taken_until)
        known["scheduled"] = zulu(self.scheduled)
        if self.started is not None:
            known["started"] = zulu(self.started)
        if self.resolved is not None:
            known["resolved"] = zulu(self.resolved)
        return known


@dataclass(slots=True)
class Artifact:
    """One artifact of one run; `details` holds what only its storage type knows (url, reason, uploadId, …)."""

    name: str
    storage_type: str
    content_type: str
    expires: int
    details: dict[str, Any]
    present: bool = True  # an object artifact appears only once it is finished

    def wire(self) -> dict[str, Any]:
        known: dict[str, Any] = {
            "storageType": self.storage_type,
            "name": self.name,
            "expires": zulu(self.expires),
            "contentType": self.content_type,
        }
        if "contentLength" in self.details:
            known["contentLength"] = self.details["contentLength"]
        return known


@dataclass(slots=True)
class Task:
    """One task: its definition with all defaults filled in, and its runs."""

    task_id: str
    definition: dict[str, Any]  # as the API answers it; `priority` in it is the current one
    deadline: int
    expires: int
    retries_left: int
    runs: list[Run] = field(default_factory=list)
    artifacts: dict[tuple[int, str], Artifact] = field(default_factory=dict)

    @property
    def state(self) -> str:
        return self.runs[-1].state if self.runs else "unscheduled"

    @property
    def queue_id(self) -> str:
        return str(self.definition["taskQueueId"])

    @property
    def group_id(self) -> str:
        return str(self.definition["taskGroupId"])

    @property
    def scheduler_id(self) -> str:
        return str(self.definition["schedulerId"])

    @property
    def priority(self) -> str:
        return str(self.definition["priority"])

    def status(self) -> dict[str, Any]:
        """Answer the task's status structure."""
        known = {name: self.definition[name] for name in _STATUS_FROM_DEFINITION}
        return {
            "taskId": self.task_id,
            **known,
            "retriesLeft": self.retries_left,
            "state": self.state,
            "runs": [run.wire() for run in self.runs],
        }


_STATUS_FROM_DEFINITION = (
    "provisionerId",
    "workerType",
    "taskQueueId",
    "schedulerId",
    "projectId",
    "taskGroupId",
    "priority",
    "deadline",
    "expires",
)


@dataclass(slots=True)
class TaskGroup:
    """A group: its members in the order of creation, and those of them that are not resolved."""

    group_id: str
    scheduler_id: str
    expires: int
    sealed: int | None = None
    members: list[str] = field(default_factory=list)
    active: set[str] = field(default_factory=set)

    def wire(self) -> dict[str, Any]:
        known = {"taskGroupId": self.group_id, "schedulerId": self.scheduler_id, "expires": zulu(self.expires)}
        if self.sealed is not None:
            known["sealed"] = zulu(self.sealed)
        return known


@dataclass(slots=True)
class Worker:
    """What the queue remembers of a worker that it has seen."""

    queue_id: str
    worker_group: str
    worker_id: str
    first_claim: int
    last_active: int
    quarantine_until: int | None = None


@dataclass(frozen=True, slots=True)
class PendingRow:
    """One row of listPendingTasks; `inserted` has microseconds, and its page tokens only milliseconds."""

    task_id: str
    run_id: int
    inserted: int


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """One attempt to claim or reclaim, refused ones included; it lives until its own `taken_until`."""

    task_id: str
    run_id: int
    worker_group: str
    worker_id: str
    claimed: int
    taken_until: int


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of one run, as it truly happened: what a checker of histories believes before any answer."""

    at: int
    task_id: str
    run_id: int
    state: str
    reason: str | None
    worker_group: str | None
    worker_id: str | None

    def wire(self) -> dict[str, Any]:
        return {
            "time": zulu(self.at),
            "unix": self.at / 1_000_000,
            "taskId": self.task_id,
            "runId": self.run_id,
            "state": self.state,
            "reason": self.reason,
            "workerGroup": self.worker_group,
            "workerId": self.worker_id,
        }


@dataclass(frozen=True, slots=True)
class Message:
    """One Pulse message; `exchange` without the prefix `exchange/taskcluster-queue/v1/`."""

    at: int
    exchange: str
    routing_key: str
    cc: tuple[str, ...]
    body: dict[str, Any]
    task_id: str | None  # None: the message is about a group
