"""Task groups: reading, sealing, cancelling and reprioritising them, and the dependents of one task."""

from typing import Any

from tests.doubles.taskcluster import errors, messages
from tests.doubles.taskcluster.instants import to_milliseconds
from tests.doubles.taskcluster.ledger import Ledger
from tests.doubles.taskcluster.model import Message, Task, TaskGroup
from tests.doubles.taskcluster.resolution import cancel_last_run


def find(ledger: Ledger, group_id: str, message: str) -> TaskGroup:
    """Find a group, or refuse with 404 and the call's own text."""
    group = ledger.groups.get(group_id)
    if group is None:
        raise errors.not_found(message)
    return group


def seal(ledger: Ledger, group: TaskGroup, now: int) -> dict[str, Any]:
    """Close a group for new tasks, for good; every repeat is announced again."""
    if group.sealed is None:
        group.sealed = to_milliseconds(now)
    ledger.publish(messages.of_group(now, "task-group-sealed", group, group.wire()))
    return group.wire()


def cancel(ledger: Ledger, group: TaskGroup, now: int) -> dict[str, Any]:
    """Cancel all that is unscheduled, pending or running in a group."""
    cancelled = [ledger.tasks[name] for name in group.members if cancel_last_run(ledger, ledger.tasks[name], now)]
    for task in cancelled:
        ledger.drop_claims(task, task.runs[-1].run_id)
        ledger.note_resolution(task)
        ledger.publish(_cancelled(now, task))
    return {
        "taskGroupId": group.group_id,
        "taskGroupSize": len(group.members),
        "cancelledCount": len(cancelled),
        "taskIds": [task.task_id for task in cancelled],
    }


def _cancelled(now: int, task: Task) -> Message:
    """Build the task-exception of this call: its status lacks the priority, as recorded from the real queue."""
    message = messages.task_resolved(now, "task-exception", task, task.runs[-1])
    del message.body["status"]["priority"]
    return message


def change_priority(ledger: Ledger, group: TaskGroup, priority: str, now: int) -> dict[str, Any]:
    """Change the priority of all tasks of a group, resolved ones too; one message for all."""
    changed = [ledger.tasks[name] for name in group.members if ledger.tasks[name].priority != priority]
    for task in changed:
        task.definition = task.definition | {"priority": priority}
    told = {
        "taskGroupId": group.group_id,
        "schedulerId": group.scheduler_id,
        "newPriority": priority,
        "tasksAffected": len(changed),
    }
    ledger.publish(messages.of_group(now, "task-group-priority-changed", group, told))
    return told | {"taskIds": [task.task_id for task in changed]}


def pairs(ledger: Ledger, task_ids: list[str]) -> list[dict[str, Any]]:
    """Answer status and definition of each task, as listTaskGroup and listDependentTasks do."""
    found = [ledger.tasks[name] for name in task_ids]
    return [{"status": task.status(), "task": task.definition} for task in found]
