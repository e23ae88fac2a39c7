"""How tasks get runs: scheduleTask, rerunTask, dependencies; and changeTaskPriority."""

from typing import Any

from tests.doubles.taskcluster import errors, messages
from tests.doubles.taskcluster.claims import refuse_late
from tests.doubles.taskcluster.ledger import Ledger
from tests.doubles.taskcluster.model import MAX_RUNS, RESOLVED, Task


def schedule(ledger: Ledger, task: Task, now: int) -> dict[str, Any]:
    """Make an unscheduled task pending whatever it waits for; leave any other as it is."""
    refuse_late(task, now, "scheduled", "at")
    if task.state == "unscheduled":
        run = ledger.add_run(task, "scheduled", now)
        ledger.file_pending(task, run, now)
        ledger.publish(messages.task_pending(now, task, run))
    return {"status": task.status()}


def rerun(ledger: Ledger, task: Task, now: int) -> dict[str, Any]:
    """Add a run to a task that is not pending or running; reset its retries."""
    refuse_late(task, now, "rescheduled")
    if task.state not in ("pending", "running"):
        if len(task.runs) >= MAX_RUNS:
            raise errors.conflict(f"Task `{task.task_id}` has reached the limit of {MAX_RUNS} runs.")
        task.retries_left = task.definition["retries"]
        ledger.add_run(task, "rerun", now)
    if task.state == "pending":
        run = task.runs[-1]
        ledger.file_pending(task, run, now)
        ledger.publish(messages.task_pending(now, task, run))
    return {"status": task.status()}


def settle_dependents(ledger: Ledger, task_id: str, state: str, now: int) -> None:
    """Schedule what waited for this task, then announce its group if nothing in it is left to do.

    `state` is what the resolution said, not what the task is now: a repeated report can run ahead of the task.
    """
    for name in ledger.dependents.get(task_id, ()):
        _satisfy(ledger, ledger.tasks[name], task_id, state, now)
    group = ledger.groups[ledger.tasks[task_id].group_id]
    if not group.active:
        ledger.publish_as_resolver(messages.of_group(now, "task-group-resolved", group, group.wire()))


def _satisfy(ledger: Ledger, waiting: Task, task_id: str, state: str, now: int) -> None:
    waits_for = ledger.unmet.get(waiting.task_id)
    if waits_for is None or task_id not in waits_for:
        return
    enough = RESOLVED if waiting.definition["requires"] == "all-resolved" else {"completed"}
    if state in enough:
        waits_for.discard(task_id)
    if not waits_for and waiting.deadline > now:
        run = ledger.add_run(waiting, "scheduled", now)
        ledger.file_pending(waiting, run, now)
        ledger.publish_as_resolver(messages.task_pending(now, waiting, run))


def change_priority(ledger: Ledger, task: Task, priority: str, now: int) -> dict[str, Any]:
    """Change a task's priority in every state; the value it has already is refused with a misleading text."""
    refuse_late(task, now, "reprioritized")
    old = task.priority
    if old == priority:
        raise errors.conflict(f"Task `{task.task_id}` is already resolved and cannot be reprioritized.")
    task.definition = task.definition | {"priority": priority}
    ledger.publish(messages.task_priority_changed(now, task, old))
    return {"status": task.status()}
