"""createTask: what a definition must look like, what is filled in, and when the task becomes pending."""

from typing import Any

from tests.doubles.taskcluster import errors, messages
from tests.doubles.taskcluster.instants import DAY, HOUR, MINUTE, parse, zulu
from tests.doubles.taskcluster.ledger import Ledger
from tests.doubles.taskcluster.model import PRIORITIES, Task, TaskGroup
from tests.doubles.taskcluster.scopes import Expression

DRIFT = 15 * MINUTE
LONGEST = 5 * DAY
DEFAULT_EXPIRY = 365 * DAY
GROUP_OUTLIVES = HOUR  # a group's expires is that of its longest task plus an hour


def complete(task_id: str, body: dict[str, Any], now: int) -> dict[str, Any]:
    """Fill in the defaults of a definition that fits the schema, or refuse what it means."""
    names = _queue_names(body)
    times = _times(body, now)
    return {
        **names,
        "schedulerId": body.get("schedulerId", "-"),
        "projectId": body.get("projectId", "none"),
        "taskGroupId": body.get("taskGroupId", task_id),
        "dependencies": list(body.get("dependencies", [])),
        "requires": body.get("requires", "all-completed"),
        "routes": list(body.get("routes", [])),
        "priority": "lowest" if body.get("priority") == "normal" else body.get("priority", "lowest"),
        "retries": body.get("retries", 5),
        **{name: zulu(instant) for name, instant in times.items()},
        "scopes": list(body.get("scopes", [])),
        "payload": body["payload"],
        "metadata": body["metadata"],
        "tags": dict(body.get("tags", {})),
        "extra": dict(body.get("extra", {})),
    }


def _queue_names(body: dict[str, Any]) -> dict[str, str]:
    queue_id = body.get("taskQueueId")
    provisioner, worker_type = body.get("provisionerId"), body.get("workerType")
    if queue_id is None:
        if provisioner is None or worker_type is None:
            raise errors.input_error("at least a provisionerId and a workerType or a taskQueueId must be provided")
        queue_id = f"{provisioner}/{worker_type}"
    first, second = queue_id.split("/")
    if provisioner not in (None, first) or worker_type not in (None, second):
        raise errors.input_error('taskQueueId must match "provisionerId/workerType"')
    return {"provisionerId": first, "workerType": second, "taskQueueId": queue_id}


def _times(body: dict[str, Any], now: int) -> dict[str, int]:
    created, deadline = parse(body["created"]), parse(body["deadline"])
    expires = parse(body["expires"]) if "expires" in body else deadline + DEFAULT_EXPIRY
    refusals = (
        (created < now - DRIFT, "`created` cannot be in the past (max 15min drift)"),
        (created > now + DRIFT, "`created` cannot be in the future (max 15min drift)"),
        (deadline < created, "`deadline` cannot be later than `created`"),
        (deadline < now, "`deadline` cannot be in the past"),
        (deadline > now + LONGEST + DRIFT, "`deadline` cannot be more than 5 days into the future"),
        (expires < deadline, "`expires` cannot be before `deadline`"),
    )
    for refused, message in refusals:
        if refused:
            raise errors.input_error(message)
    return {"created": created, "deadline": deadline, "expires": expires}


def scopes_to_create(definition: dict[str, Any]) -> Expression:
    """Tell what a client needs to create this task: all it hands on, and its priority or a higher one."""
    higher = [name for name in reversed(PRIORITIES) if PRIORITIES.index(name) >= PRIORITIES.index(definition["priority"])]
    return {
        "AllOf": [
            *definition["scopes"],
            *(f"queue:route:{route}" for route in definition["routes"]),
            f"queue:create-task:project:{definition['projectId']}",
            f"queue:scheduler-id:{definition['schedulerId']}",
            {"AnyOf": [f"queue:create-task:{name}:{definition['taskQueueId']}" for name in higher]},
        ]
    }


def create(ledger: Ledger, task_id: str, definition: dict[str, Any], now: int) -> dict[str, Any]:
    """Create the task, or answer the one that is there if it is the same."""
    task = ledger.tasks.get(task_id)
    if task is None:
        task = _enter(ledger, task_id, definition, now)
    elif task.definition != definition:
        raise errors.conflict(
            f"taskId `{task_id}` already used by another task.\nThis could be the result of faulty idempotency!"
        )
    ledger.publish_anyway(messages.task_defined(now, task))
    if task.state == "pending":
        run = task.runs[-1]
        ledger.file_pending(task, run, now)
        ledger.publish_anyway(messages.task_pending(now, task, run))
    return {"status": task.status()}


def _enter(ledger: Ledger, task_id: str, definition: dict[str, Any], now: int) -> Task:
    _check_group(ledger, definition)
    missing = [name for name in definition["dependencies"] if name not in ledger.tasks and name != task_id]
    if missing:
        listed = "".join(f"\n * {name}" for name in missing)
        raise errors.input_error(f"`task.dependencies` references non-existing tasks: {listed}\nAll must exist before.")
    task = Task(
        task_id=task_id,
        definition=definition,
        deadline=parse(definition["deadline"]),
        expires=parse(definition["expires"]),
        retries_left=definition["retries"],
    )
    ledger.tasks[task_id] = task
    _join_group(ledger, task)
    ledger.watch_deadline(task)
    _wait_or_start(ledger, task, now)
    return task


def _check_group(ledger: Ledger, definition: dict[str, Any]) -> None:
    group = ledger.groups.get(definition["taskGroupId"])
    if group is None:
        return
    if group.sealed is not None:
        raise errors.conflict(f"Task group `{group.group_id}` is sealed and does not accept new tasks.")
    if group.scheduler_id != definition["schedulerId"]:
        raise errors.conflict(
            f"Task group `{group.group_id}` contains tasks with a schedulerId other\nthan "
            f"`{definition['schedulerId']}`. All tasks in the same task-group must have\nthe same schedulerId."
        )


def _join_group(ledger: Ledger, task: Task) -> None:
    outlives = task.expires + GROUP_OUTLIVES
    group = ledger.groups.setdefault(task.group_id, TaskGroup(task.group_id, task.scheduler_id, outlives))
    if group.expires < task.expires:
        group.expires = outlives
    group.members.append(task.task_id)
    group.active.add(task.task_id)


def _wait_or_start(ledger: Ledger, task: Task, now: int) -> None:
    requires = task.definition["requires"]
    waits_for = {name for name in task.definition["dependencies"] if not _is_met(ledger.tasks[name], requires)}
    for name in task.definition["dependencies"]:
        ledger.dependents[name].append(task.task_id)
    if waits_for:
        ledger.unmet[task.task_id] = waits_for
    else:
        ledger.file_pending(task, ledger.add_run(task, "scheduled", now), now)


def _is_met(dependency: Task, requires: str) -> bool:
    if requires == "all-resolved":
        return dependency.state in ("completed", "failed", "exception")
    return dependency.state == "completed"
