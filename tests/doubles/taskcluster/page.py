"""A small page for people: the newest tasks, their runs and artifacts, and one task in full."""

from __future__ import annotations

import json
from collections import Counter
from html import escape
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import quote

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.doubles.taskcluster.model import Run, Task
    from tests.doubles.taskcluster.server import Server

NEWEST = 200
STATES = ("unscheduled", "pending", "running", "completed", "failed", "exception")
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 75em; padding: 0 1em; color: #222 }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; vertical-align: top; padding: .4em .6em }
tr { border-bottom: 1px solid #ddd } code, pre { font-size: 13px } pre { background: #f6f6f6; padding: 1em; overflow: auto }
.completed { color: #14622b } .failed { color: #a11b1b } .exception { color: #8a4b00 } .running { color: #1a4f9c }
small { color: #666 }
"""


def routes(server: Server) -> Iterable[web.RouteDef]:
    """Build the page and its detail page."""

    async def front(request: web.Request) -> web.Response:
        return _html("Tasks", _front(server, request.query.get("state")), refresh=True)

    async def detail(request: web.Request) -> web.Response:
        task = server.site.ledger.tasks.get(request.match_info["task_id"])
        if task is None:
            raise web.HTTPNotFound(text="no such task")
        return _html(task.definition["metadata"]["name"], _detail(task))

    return [web.get("/", front), web.get("/tasks/{task_id}", detail)]


def _html(title: str, body: str, *, refresh: bool = False) -> web.Response:
    again = '<meta http-equiv="refresh" content="3">' if refresh else ""
    head = f"<meta charset='utf-8'>{again}<title>{escape(title)}</title><style>{STYLE}</style>"
    return web.Response(
        text=f"<!doctype html><html lang='en'><head>{head}</head><body>{body}</body></html>", content_type="text/html"
    )


def _front(server: Server, state: str | None) -> str:
    known = server.site.ledger.tasks
    chosen = (task for task in reversed(known.values()) if state in (None, task.state))
    rows = "".join(_row(task) for task in islice(chosen, NEWEST))
    counts = Counter(task.state for task in known.values())
    links = " · ".join(f"<a class='{name}' href='/?state={name}'>{counts[name]} {name}</a>" for name in STATES)
    return (
        f"<h1>Taskcluster queue <small>(a double)</small></h1><p><a href='/'>{len(known)} tasks</a> · {links}</p>"
        f"<table><tr><th>Task</th><th>Queue</th><th>State</th><th>Runs</th><th>Artifacts</th></tr>{rows}</table>"
        f"<p><small>The newest {NEWEST} are shown; the page reloads itself.</small></p>"
    )


def _row(task: Task) -> str:
    name = escape(task.definition["metadata"]["name"])
    runs = "<br>".join(_run(run) for run in task.runs)
    return (
        f"<tr><td><a href='/tasks/{task.task_id}'>{name}</a><br><code>{task.task_id}</code></td>"
        f"<td>{escape(task.queue_id)}<br><small>{task.priority}, group {task.group_id}</small></td>"
        f"<td class='{task.state}'>{task.state}</td><td>{runs}</td><td>{_artifacts(task)}</td></tr>"
    )


def _run(run: Run) -> str:
    reason = f" ({run.reason_resolved})" if run.reason_resolved not in (None, run.state) else ""
    worker = f" <small>on {run.worker_group}/{run.worker_id}</small>" if run.worker_id else ""
    return f"{run.run_id}: <span class='{run.state}'>{run.state}{reason}</span>{worker}"


def _artifacts(task: Task) -> str:
    links = []
    for (run_id, name), artifact in task.artifacts.items():
        address = f"/api/queue/v1/task/{task.task_id}/runs/{run_id}/artifacts/{quote(name)}"
        links.append(f"<a href='{address}'>{escape(name)}</a> <small>run {run_id}, {artifact.storage_type}</small>")
    return "<br>".join(links)


def _detail(task: Task) -> str:
    status = escape(json.dumps(task.status(), indent=2))
    definition = escape(json.dumps(task.definition, indent=2))
    return (
        f"<p><a href='/'>all tasks</a></p><h1>{escape(task.definition['metadata']['name'])}</h1>"
        f"<p class='{task.state}'>{task.state}</p><h2>Artifacts</h2><p>{_artifacts(task) or 'none'}</p>"
        f"<h2>Status</h2><pre>{status}</pre><h2>Definition</h2><pre>{definition}</pre>"
    )
