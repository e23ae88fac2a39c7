"""The queue's calls about task groups and dependents."""

from typing import Any

from tests.doubles.taskcluster import errors, groups, lists
from tests.doubles.taskcluster.api import Call
from tests.doubles.taskcluster.model import TaskGroup

Body = dict[str, Any]


def _group(call: Call, text: str) -> TaskGroup:
    group_id = call.params["taskGroupId"]
    return groups.find(call.ledger, group_id, text.format(group_id))


def get_group(call: Call) -> Body:
    return _group(call, "No task-group with taskGroupId: `{}`").wire()


def list_group(call: Call) -> Body:
    group = _group(call, "No task-group with taskGroupId: `{}`")
    return group.wire() | _page(call, group.members)


def list_dependents(call: Call) -> Body:
    task = call.ledger.task(call.task_id)
    return {"taskId": task.task_id} | _page(call, call.ledger.dependents.get(task.task_id, []))


def _page(call: Call, members: list[str]) -> Body:
    page = lists.Page.of(dict(call.request.query))
    chosen, more = lists.slice_of(members, page)
    return {"tasks": groups.pairs(call.ledger, chosen), **more}


def seal_group(call: Call) -> Body:
    group = _group(call, "Task group `{}` not found.")
    call.authorize(f"queue:seal-task-group:{group.scheduler_id}/{group.group_id}")
    return groups.seal(call.ledger, group, call.now)


def cancel_group(call: Call) -> Body:
    """Cancel a sealed group; whether it is sealed is looked at before the scopes."""
    group = _group(call, "No task-group with taskGroupId: `{}`")
    if group.sealed is None:
        raise errors.conflict(f"Cannot cancel unsealed task group: `{group.group_id}`")
    call.authorize(f"queue:cancel-task-group:{group.scheduler_id}/{group.group_id}")
    return groups.cancel(call.ledger, group, call.now)


def change_group_priority(call: Call) -> Body:
    group = _group(call, "Task group `{}` not found.")
    call.authorize(f"queue:change-task-group-priority:{group.scheduler_id}/{group.group_id}")
    return groups.change_priority(call.ledger, group, call.body["newPriority"], call.now)
