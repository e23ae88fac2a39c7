"""The commands for those who make tasks: they need an account at Taskcluster, and none of the bridge's settings."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import slugid
import typer

from bridge.cli import printed
from bridge.cli.account import Account, account, root_url
from bridge.cli.complaint import Complaint
from bridge.cli.options import Json
from bridge.definition import SCOPE_PREFIX, BuildersGraph, builders_graph
from bridge.submission.definitions import Definitions, definitions, listed
from bridge.submission.durations import duration
from bridge.submission.ids import group_id
from bridge.submission.properties import properties
from bridge.submission.wish import Wish, sound

_HOW = "How to ask for it"
_WHAT = "What to build"
_ABOUT = "What people read about it"


def add_to(app: typer.Typer) -> None:
    """Make the commands part of `bbb`."""
    app.command("submit")(submit)
    app.command("follow")(follow)


def _option(words: str, panel: str, *names: str) -> Any:
    return typer.Option(*names, help=words, rich_help_panel=panel)


Interval = Annotated[float, typer.Option("--interval", min=0.1, max=3600, help="Seconds between two looks.")]


def submit(  # noqa: PLR0913  one for each option
    builder: Annotated[str | None, typer.Argument(help="A Buildbot builder, by its full name; or use --graph.")] = None,
    *,
    task_queue: Annotated[str, _option("Task queue of the bridge: provisionerId/workerType.", _HOW)],
    graph: Annotated[str | None, _option("Builders-graph: a file in YAML or JSON; - is standard input.", _WHAT)] = None,
    plain: Annotated[list[str] | None, _option("Property of the build: name=text. Repeatable.", _WHAT, "--property")] = None,
    as_json: Annotated[list[str] | None, _option("The same: name=JSON.", _WHAT, "--property-json")] = None,
    branch: Annotated[str, _option("Branch to build.", _WHAT)] = "",
    revision: Annotated[str, _option("Revision to build.", _WHAT)] = "",
    repository: Annotated[str, _option("Address of the repository.", _WHAT)] = "",
    project: Annotated[str, _option("Project, in Buildbot's sense.", _WHAT)] = "",
    codebase: Annotated[str, _option("Codebase, for builders with several.", _WHAT)] = "",
    priority: Annotated[str, _option("lowest, very-low, low, medium, high, very-high or highest.", _HOW)] = "lowest",
    scheduler_id: Annotated[str, _option("schedulerId of the tasks.", _HOW)] = "-",
    project_id: Annotated[str, _option("projectId of the tasks.", _HOW)] = "none",
    scope_prefix: Annotated[str, _option("What stands before the builder in its scope.", _HOW)] = SCOPE_PREFIX,
    deadline: Annotated[str, _option("When it must be over, from now: 12h, 1d; 5d at most.", _HOW)] = "1d",
    expires: Annotated[str, _option("How long tasks and artifacts are kept, from now.", _HOW)] = "90d",
    retries: Annotated[int, _option("How often Taskcluster tries again by itself.", _HOW)] = 5,
    task_group: Annotated[str | None, _option("Join this task group, with the schedulerId that it has.", _HOW)] = None,
    name: Annotated[str, _option("Name of the tasks; else the builder's.", _ABOUT)] = "",
    description: Annotated[str, _option("Description; else a sentence about the builder.", _ABOUT)] = "",
    owner: Annotated[str, _option("Owner's e-mail; else $EMAIL, else your clientId.", _ABOUT)] = "",
    source: Annotated[str, _option("Address; else the repository's, else Taskcluster's.", _ABOUT)] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the definitions, and call nobody.")] = False,
    no_follow: Annotated[bool, typer.Option("--no-follow", help="End when the tasks are created.")] = False,
    interval: Interval = 5,
    json: Json = False,
) -> None:
    """Create a task for a builder, or one for each of a builders-graph, and follow them to their end.

    Your own credentials are used, from TASKCLUSTER_ROOT_URL, TASKCLUSTER_CLIENT_ID, TASKCLUSTER_ACCESS_TOKEN and
    TASKCLUSTER_CERTIFICATE. Exit status: 0 if all completed, 1 if not, 2 if something is wrong with the command.
    """
    from bridge.cli.submitting import Submission, checked

    stamp = {"branch": branch, "revision": revision, "repository": repository, "project": project, "codebase": codebase}
    graph_of_builders = _graph(builder, graph)
    wish = sound(
        Wish(
            task_queue=task_queue,
            owner=owner or os.environ.get("EMAIL") or os.environ.get("TASKCLUSTER_CLIENT_ID") or "nobody",
            source=source or _source(repository),
            name=name,
            description=description,
            properties=properties(plain or [], as_json or []),
            sourcestamp={key: value for key, value in stamp.items() if value},
            priority=priority,
            scheduler_id=scheduler_id,
            project_id=project_id,
            scope_prefix=scope_prefix,
            deadline=duration(deadline, "--deadline"),
            expires=duration(expires, "--expires"),
            retries=retries,
        )
    )
    group = group_id(task_group, "--task-group") if task_group is not None else slugid.nice()
    ids = [slugid.nice() for _ in graph_of_builders]
    now = datetime.now(UTC)  # noqa: TID251  the edge: from here on it is a value
    wanted = checked(definitions(wish, graph_of_builders, group, ids, now))
    if dry_run:
        printed.as_json(wanted)
        return
    mine = account(anonymous=False)
    Submission(mine, group, wanted).carry_out()
    _after(mine, group, wanted, joined=task_group is not None, no_follow=no_follow, interval=interval, json=json)


def follow(
    group: Annotated[str, typer.Argument(metavar="TASK_GROUP", help="taskGroupId.")],
    interval: Interval = 5,
    json: Json = False,
) -> None:
    """Follow all tasks of a task group until nothing happens any more.

    Needs TASKCLUSTER_ROOT_URL, and no credentials where anybody may read. Exit status as of `bbb submit`.
    """
    group, mine = group_id(group, "TASK_GROUP"), account(anonymous=True)
    from bridge.cli.following import Following

    raise typer.Exit(Following(mine, group, interval, json).carry_out())


def _graph(builder: str | None, file: str | None) -> BuildersGraph:
    if (builder is None) == (file is None):
        raise Complaint("name a builder, or give --graph FILE" + ("" if builder is None else ", not both"))
    if file is None:
        return builders_graph({builder: None}, "BUILDER")
    from bridge.definition.graph_file import graph_of

    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise Complaint(f"--graph {file}: cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise Complaint(f"--graph {file}: is no text in UTF-8.") from None
    return graph_of(text, f"--graph {file}")


def _source(repository: str) -> str:
    if repository.startswith(("https://", "http://", "ssh://", "git@")):
        return repository
    return root_url() or "https://docs.taskcluster.net"


def _after(  # noqa: PLR0913
    mine: Account, group: str, created: Definitions, *, joined: bool, no_follow: bool, interval: float, json: bool
) -> None:
    """Say what was created, and follow it."""
    from bridge.cli.following import Following

    found = listed(group, created, mine.links)
    if not json:
        lines = [f"{each['taskId']} {each['name']}  {each['url']}\n" for each in found["tasks"]]
        many = "a task" if len(lines) == 1 else f"{len(lines)} tasks"
        sys.stdout.write(f"Created {many} in task group {found['url']}\n{''.join(lines)}")
        sys.stdout.flush()
    elif no_follow:
        printed.as_json(found)
    if not no_follow:
        raise typer.Exit(Following(mine, group, interval, json, wanted=tuple(created), joined=joined).carry_out())
