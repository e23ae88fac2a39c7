"""What taskcluster-github and the hooks service do with a project's `.taskcluster.yml`: decision and action tasks of it.

The hook of an action is made from the same file by whoever runs a deployment: its template puts the values of the hook's
payload where the file expects them (names as in the comment that every such file carries), and the rest is JSON-e.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import jsone
import jsonschema
import slugid
import yaml

from tests.taskgraph.repository import BRANCH, OWNER, URL, Push

Json = dict[str, Any]
LEVEL = "3"


def decision(template: str, push: Push, root_url: str) -> tuple[str, Json]:
    """Render the decision task of a push to GitHub: its id and its definition."""
    names: dict[str, str] = {}
    context = {
        "taskcluster_root_url": root_url,
        "tasks_for": "github-push",
        "event": _event(push),
        "as_slugid": lambda name: names.setdefault(name, slugid.nice()),
    }
    (task,) = jsone.render(yaml.safe_load(template), context)["tasks"]
    return task.pop("taskId"), task


def _event(push: Push) -> Json:
    name = URL.rpartition("/")[2]
    who = {"name": "ada", "login": "ada", "email": OWNER, "username": "ada"}
    commit = {"id": push.revision, "message": "A change", "author": who, "committer": who, "timestamp": push.time}
    return {
        "ref": BRANCH,
        "base_ref": None,
        "before": push.base,
        "after": push.revision,
        "compare": f"{URL}/compare/{push.base}...{push.revision}",
        "created": push.number == 1,
        "deleted": False,
        "forced": False,
        "repository": {
            "name": name,
            "full_name": URL.partition(".com/")[2],
            "html_url": URL,
            "clone_url": f"{URL}.git",
            "url": URL,
            "pushed_at": push.time,
        },
        "pusher": who,
        "sender": who,
        "head_commit": commit,
        "commits": [commit],
    }


def choose(actions: Json, name: str, tags: Mapping[str, str] | None) -> Json:
    """Choose the action that a user interface would offer under this name: the first whose context fits the task's tags.

    `tags` None: the action is for the whole group.
    """
    for action in actions["actions"]:
        if action["name"] == name and _fits(action["context"], tags):
            return dict(action)
    raise LookupError(f"no action {name!r} for {'the group' if tags is None else tags}")


def _fits(context: list[dict[str, str]], tags: Mapping[str, str] | None) -> bool:
    if tags is None:
        return not context
    return any(wanted.items() <= tags.items() for wanted in context)


def trigger(action: Json, group: str, task: str | None, given: Any) -> Json:
    """Render the payload that a user interface sends to the action's hook, with the person's input checked."""
    if "schema" in action:
        jsonschema.validate(given, action["schema"])
    context = {"input": given, "taskId": task, "taskGroupId": group}
    return dict(jsone.render(action["hookPayload"], context))


def action_task(template: str, action: Json, payload: Json) -> tuple[str, Json]:
    """Render the task of a hook that was triggered, if it is the hook of this very `.taskcluster.yml`."""
    digest = hashlib.sha256(template.encode()).hexdigest()[:10]
    permission = action["extra"]["actionPerm"]
    assert action["hookId"] == f"in-tree-action-{LEVEL}-{permission}/{digest}", action["hookId"]
    own = slugid.nice()
    told, user = payload["decision"], payload["user"]
    context = {
        "tasks_for": "action",
        "action": told["action"]
        | {
            "repo_scope": f"assume:repo:{told['repository']['url'].removeprefix('https://')}:action:{permission}",
            "action_perm": permission,
        },
        "push": told["push"],
        "repository": told["repository"],
        "parameters": told.get("parameters"),
        "input": user["input"],
        "taskId": user["taskId"],
        "taskGroupId": user["taskGroupId"],
        "ownTaskId": own,
    }
    task = jsone.render(yaml.safe_load(template)["tasks"][0], context)
    task.pop("taskId", None)
    return own, task
