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

    That is one that failed or ended with an exception, or is itself stuck. Dependencies outside the group are not judged.
    """
    known = {member.status.task_id: member for member in members}
    dependents: dict[TaskId, list[TaskId]] = {}
    for task_id, member in known.items():
        for dependency in member.dependencies if _waits(member) else ():
            dependents.setdefault(dependency, []).append(task_id)
    found: dict[TaskId, TaskId] = {}
    todo = deque(task_id for task_id, member in known.items() if member.status.state in ("failed", "exception"))
    while todo:
        cause = todo.popleft()
        for task_id in dependents.get(cause, ()):
            if found.setdefault(task_id, cause) == cause:
                todo.append(task_id)
    return found


def _waits(member: Member) -> bool:
    return member.status.state == "unscheduled" and member.waits_for_success
