"""The calls of the index service."""

from typing import Any
from urllib.parse import quote

from tests.doubles.taskcluster import artifacts, index, lists
from tests.doubles.taskcluster.api import Answer, Call
from tests.doubles.taskcluster.errors import ApiError
from tests.doubles.taskcluster.instants import parse

Body = dict[str, Any]


def find_task(call: Call) -> Body:
    return call.ledger.index.find(call.params["indexPath"], call.now).wire()


def find_tasks_at_index(call: Call) -> Body:
    paths = call.body.get("indexes", [])
    call.authorize({"AllOf": [f"index:find-task:{path}" for path in paths]})
    return _page(call, "tasks", [entry.wire() for entry in call.ledger.index.at(paths)])


def list_tasks(call: Call) -> Body:
    found = call.ledger.index.below(call.params.get("namespace", ""), call.now)
    return _page(call, "tasks", [entry.wire() for entry in found])


def list_namespaces(call: Call) -> Body:
    return _page(call, "namespaces", call.ledger.index.namespaces_below(call.params.get("namespace", ""), call.now))


def _page(call: Call, name: str, rows: list[Body]) -> Body:
    chosen, more = lists.slice_of(rows, lists.Page.of(dict(call.request.query)))
    return {name: chosen, **more}


def insert_task(call: Call) -> Body:
    """Insert by hand; the task need not exist."""
    told = call.body
    entry = index.Entry(call.params["namespace"], told["taskId"], told["rank"], told["data"], parse(told["expires"]))
    return call.ledger.index.insert(entry).wire()


def delete_task(call: Call) -> Body:
    """Remove an entry, if there is one; its namespaces stay."""
    call.ledger.index.entries.pop(call.params["namespace"], None)
    return {}


def find_artifact(call: Call) -> Answer:
    """Send readers of an indexed task's artifact to its bytes, or to the queue if that knows better what is wrong."""
    entry, name = call.ledger.index.find(call.params["indexPath"], call.now), call.params["name"]
    url = _bytes_of(call, entry.task_id, name) or _in_queue(call, entry.task_id, name)
    text = f"See Other. Redirecting to {url}".encode()
    return Answer(303, text, {"location": url, "content-type": "text/plain; charset=utf-8"})


def _bytes_of(call: Call, task_id: str, name: str) -> str | None:
    if not call.at.auth.roles.expand(["assume:anonymous"]).covers(f"queue:get-artifact:{name}"):
        return None
    try:
        run_id = artifacts.latest_run(call.ledger, task_id)
        found = artifacts.follow(call.ledger, task_id, run_id, name, call.now)
    except ApiError:
        return None
    if found.storage_type == "error":
        return None
    return artifacts.location(call.at.store, found, f"{task_id}/{run_id}/{found.name}", call.now)


def _in_queue(call: Call, task_id: str, name: str) -> str:
    return f"{call.at.store.root_url}/api/queue/v1/task/{task_id}/artifacts/{quote(name, safe='')}"
