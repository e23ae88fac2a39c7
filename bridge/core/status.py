"""What Taskcluster's queue says about a task: its status and its runs, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bridge.core.run import Facts, RunId, TaskId, Worker


class RunState(StrEnum):
    """State of one run, in the queue's words."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    EXCEPTION = "exception"


@dataclass(frozen=True, slots=True)
class RunStatus:
    """One entry of `status.runs`. What a claim tells is there once claimed, what a resolution tells once resolved."""

    state: RunState
    reason_created: str
    scheduled: datetime
    worker: Worker | None = None
    taken_until: datetime | None = None
    reason_resolved: str | None = None
    resolved: datetime | None = None
    started: datetime | None = None


@dataclass(frozen=True, slots=True)
class TaskStatus:
    """A task's status; `runs[n]` is run n."""

    task_id: TaskId
    task_queue_id: str
    scheduler_id: str
    project_id: str
    task_group_id: str
    priority: str
    deadline: datetime
    expires: datetime
    retries_left: int
    state: str
    runs: tuple[RunStatus, ...]


def run_in(status: TaskStatus, run_id: RunId) -> RunStatus | None:
    """Run `run_id` in the status, or None where the status does not know it (yet)."""
    return status.runs[run_id] if 0 <= run_id < len(status.runs) else None


def is_last(status: TaskStatus, run_id: RunId) -> bool:
    """Whether `run_id` is the task's newest run: the only one that task-wide calls would touch."""
    return run_id == len(status.runs) - 1


def facts_of(status: TaskStatus, run: RunStatus) -> Facts:
    """The facts that a row keeps of a status."""
    return Facts(
        task_group_id=status.task_group_id,
        scheduler_id=status.scheduler_id,
        project_id=status.project_id,
        priority=status.priority,
        scheduled=run.scheduled,
        deadline=status.deadline,
        expires=status.expires,
    )


def are_facts(facts: Facts, status: TaskStatus, run: RunStatus) -> bool:
    """Whether these are the facts of the status, without making them."""
    return (
        facts.priority == status.priority
        and facts.deadline == status.deadline
        and facts.scheduled == run.scheduled
        and facts.expires == status.expires
        and facts.task_group_id == status.task_group_id
        and facts.scheduler_id == status.scheduler_id
        and facts.project_id == status.project_id
    )


# A place in it is Buildbot's integer; `normal` is the old name of `lowest`.
PRIORITIES = ("lowest", "very-low", "low", "medium", "high", "very-high", "highest")
"""Taskcluster's priorities, the lowest first."""


def buildbot_priority(priority: str) -> int:
    """A build request's priority for a task's: 0 (lowest) to 6 (highest); a name not known is lowest."""
    return PRIORITIES.index(priority) if priority in PRIORITIES else 0


def taskcluster_priority(priority: int) -> str | None:
    """Taskcluster's name for a build request's priority; None for one that no task gives."""
    return PRIORITIES[priority] if 0 <= priority < len(PRIORITIES) else None
