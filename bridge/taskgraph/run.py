"""`run: {using: buildbot}`: a kind file's way to say which builder builds with which properties."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from taskgraph.transforms.run import run_task_using

from bridge.taskgraph import payload
from bridge.taskgraph.errors import refuse_kind
from bridge.taskgraph.worker import IMPLEMENTATION

KEYS = ("using", "builder", "properties", "sourcestamp", "sourcestamps")


@run_task_using(IMPLEMENTATION, "buildbot")
def run_on_buildbot(config: Any, task: dict[str, Any], taskdesc: dict[str, Any]) -> None:
    """Write the worker from `run`. Raises `DefinitionError`."""
    run, worker = task["run"], taskdesc["worker"]
    where = f"kind {config.kind}: task {taskdesc['label']}"
    refuse_kind(where, _problems(run, worker))
    written = {key: run[key] for key in payload.KEYS if key in run}
    written["buildername"] = _named(run.get("builder"), config.params["project"])
    refuse_kind(where, payload.problems(written, field))
    pushed = {"owner": config.params["owner"], "level": config.params["level"]}
    worker.update(written | {"properties": {**pushed, **run.get("properties", {})}})


def field(key: str) -> str:
    """How a person writes a key of the payload."""
    return "run.builder" if key == "buildername" else f"run.{key}"


def _problems(run: Mapping[str, object], worker: Mapping[str, object]) -> Iterator[str]:
    if "builder" not in run:
        yield "run.builder: is missing. Write the name of a Buildbot builder."
    for key in run:
        if key not in KEYS:
            yield f"run.{key}: is not known here; known are {', '.join(KEYS)}. Correct the name, or drop it."
    for key in payload.KEYS:
        if key in worker:
            yield f"worker.{key}: stands beside `run`, which says it. Write it into `run` only."


def _named(builder: object, project: str) -> object:
    # No str.format: builders' names may hold other braces.
    return builder.replace("{project}", project) if isinstance(builder, str) else builder
