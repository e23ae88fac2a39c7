"""A task group as the queue lists it: its tasks, and what each of them waits for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bridge.core.run import TaskId
from bridge.core.status import TaskStatus

RESOLVED = frozenset({"completed", "failed", "exception"})
"""States that a task leaves only by a rerun."""


@dataclass(frozen=True, slots=True)
class Member:
    """One task of a group. `name` is for people; `waits_for_success`: it runs only when its dependencies completed."""

    status: TaskStatus
    name: str
    dependencies: tuple[TaskId, ...] = ()
    waits_for_success: bool = True


def stuck(members: Iterable[Member]) -> Mapping[TaskId, TaskId]:
    """The tasks that cannot run any more unless something is rerun, each with the dependency that stands in its way.

    That is one that failed or ended with an exception, or is itself stuck. A stuck task ends with its deadline; a task that
    takes any end of it can run only if its own deadline is later. Dependencies outside the group are not judged.
    """
    known = {member.status.task_id: member for member in members}
    dependents: dict[TaskId, list[TaskId]] = {}
    for task_id, member in known.items():
        for dependency in member.dependencies if member.status.state == "unscheduled" else ():
            dependents.setdefault(dependency, []).append(task_id)
    found: dict[TaskId, TaskId] = {}
    todo = deque(task_id for task_id, member in known.items() if member.status.state in ("failed", "exception"))
    while todo:
        cause = todo.popleft()
        for task_id in dependents.get(cause, ()):
            if task_id not in found and _is_in_vain(known[task_id], known[cause]):
                found[task_id] = cause
                todo.append(task_id)
    return found


def _is_in_vain(waiting: Member, cause: Member) -> bool:
    """Whether to wait for the cause, which failed or is stuck, is to wait for nothing."""
    outlived = cause.status.state in RESOLVED or cause.status.deadline < waiting.status.deadline
    return waiting.waits_for_success or not outlived
