"""Turns a change of a task or group into its Pulse message: exchange, routing key, CC header and body."""

from typing import Any

from tests.doubles.taskcluster.instants import offset
from tests.doubles.taskcluster.model import Artifact, Message, Run, Task, TaskGroup

EXCHANGE_PREFIX = "exchange/taskcluster-queue/v1/"
EXCHANGES = (
    "task-defined",
    "task-pending",
    "task-running",
    "artifact-created",
    "task-completed",
    "task-failed",
    "task-exception",
    "task-group-resolved",
    "task-group-sealed",
    "task-group-priority-changed",
    "task-priority-changed",
)


def _of_task(at: int, exchange: str, task: Task, words: tuple[str, str, str], body: dict[str, Any]) -> Message:
    definition = task.definition
    tail = (definition["provisionerId"], definition["workerType"], task.scheduler_id, task.group_id, "_")
    return Message(
        at=at,
        exchange=exchange,
        routing_key=".".join(("primary", task.task_id, *words, *tail)),
        cc=tuple(f"route.{route}" for route in definition["routes"]),
        body=body | {"version": 1},
        task_id=task.task_id,
    )


def _tags(task: Task) -> dict[str, Any]:
    return {"tags": dict(task.definition["tags"])}


def _worker(run: Run) -> dict[str, Any]:
    return {"workerGroup": run.worker_group, "workerId": run.worker_id}


def _words(run: Run) -> tuple[str, str, str]:
    return str(run.run_id), run.worker_group or "_", run.worker_id or "_"


def task_defined(at: int, task: Task) -> Message:
    """Build the message of a definition: its status always reads unscheduled and without runs."""
    status = task.status() | {"state": "unscheduled", "runs": []}
    return _of_task(at, "task-defined", task, ("_", "_", "_"), {"status": status, "task": _tags(task)})


def task_pending(at: int, task: Task, run: Run) -> Message:
    body = {"status": task.status(), "task": _tags(task), "runId": run.run_id}
    return _of_task(at, "task-pending", task, (str(run.run_id), "_", "_"), body)


def task_running(at: int, task: Task, run: Run) -> Message:
    assert run.taken_until is not None
    body = {"status": task.status(), "task": _tags(task), "runId": run.run_id, **_worker(run)}
    return _of_task(at, "task-running", task, _words(run), body | {"takenUntil": offset(run.taken_until)})


def task_resolved(at: int, exchange: str, task: Task, run: Run) -> Message:
    """Build task-completed, task-failed or task-exception, with the worker's keys if there was a worker."""
    body = {"status": task.status(), "task": _tags(task), "runId": run.run_id}
    worker = {} if run.worker_id is None else _worker(run)
    return _of_task(at, exchange, task, _words(run), body | worker)


def task_deadline_exceeded(at: int, task: Task, run: Run) -> Message:
    """Build the deadline's task-exception: never with the worker's keys, even if the run was running."""
    body = {"status": task.status(), "task": _tags(task), "runId": run.run_id}
    return _of_task(at, "task-exception", task, (str(run.run_id), "_", "_"), body)


def artifact_created(at: int, task: Task, run: Run, artifact: Artifact) -> Message:
    body = {"status": task.status(), "artifact": artifact.wire(), "runId": run.run_id, **_worker(run)}
    return _of_task(at, "artifact-created", task, _words(run), body)


def task_priority_changed(at: int, task: Task, old: str) -> Message:
    body = {"status": task.status(), "oldPriority": old, "newPriority": task.priority}
    return _of_task(at, "task-priority-changed", task, ("_", "_", "_"), body)


def of_group(at: int, exchange: str, group: TaskGroup, body: dict[str, Any]) -> Message:
    """Build a message about a group."""
    key = f"primary.{group.group_id}.{group.scheduler_id}._"
    return Message(at, exchange, key, (), body | {"version": 1}, None)
