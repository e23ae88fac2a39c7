"""The loader for kinds that are written as a builders-graph, `{upstream builder: [downstream builders]}`.

`builders-graph:` in `kind.yml` holds the graph, or the name of a YAML or JSON file beside `kind.yml`, or nothing: then the
parameter `builders_graph` gives it, and without the parameter the kind has no tasks. `task-defaults:` is what all tasks
have in common, `builders:` what single ones have besides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from taskgraph.loader import default
from taskgraph.util.templates import merge
from taskgraph.util.yaml import load_yaml

from bridge.definition import BuildersGraph, DefinitionError, Node, builders_graph
from bridge.taskgraph import parameters
from bridge.taskgraph.errors import GenerationError, refuse

GRAPH, SINGLE = "builders-graph", "builders"
KEYS = (GRAPH, SINGLE, "task-defaults")
PARENT = "parent_task_id"


def loader(  # noqa: PLR0913, PLR0917 - as taskgraph calls it
    kind: str, path: str, config: dict[str, Any], params: Any, loaded_tasks: list[Any], write_artifacts: bool
) -> Iterator[Any]:
    """The kind's tasks, one for each builder, parents known to their children. Raises `DefinitionError`."""
    # A generator here would run after taskgraph has read `config["transforms"]`, which the default loader fills.
    graph = _graph(kind, path, config, params)
    config["tasks"] = _tasks(kind, graph, config.get(SINGLE) or {}, config.get("task-defaults") or {})
    tasks: Iterator[Any] = default.loader(kind, path, config, params, loaded_tasks, write_artifacts)
    return tasks


def _graph(kind: str, path: str, config: Mapping[str, Any], params: Any) -> BuildersGraph:
    where = f"kind {kind}: {GRAPH}"
    if GRAPH not in config:
        raise GenerationError(f"{where}: is missing. Write the graph, or the name of its file, or nothing after the colon.")
    written = config[GRAPH]
    if written is None:
        where, written = f"parameter {parameters.NAME}", params.get(parameters.NAME)
        if written is None:
            return ()
    if isinstance(written, str):
        where, written = f"{where}: {written}", _file(path, written, where)
    try:
        return builders_graph(written, where)
    except DefinitionError as error:
        raise GenerationError(str(error)) from None


def _file(path: str, name: str, where: str) -> object:
    if not Path(path, name).is_file():
        raise GenerationError(f"{where}: there is no file {name!r} beside kind.yml. Correct the name, or add the file.")
    return load_yaml(path, name)


def _tasks(
    kind: str, graph: BuildersGraph, single: Mapping[str, Any], defaults: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    names = _names(kind, graph)
    refuse(f"kind {kind}: {SINGLE}", _strangers(single, names))
    return {names[node.builder]: _task(kind, node, names, single.get(node.builder) or {}, defaults) for node in graph}


def _strangers(single: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[str]:
    for builder in single:
        if builder not in names:
            yield f"{builder!r} is not in the {GRAPH}. Correct the name, or drop it."


def _names(kind: str, graph: BuildersGraph) -> dict[str, str]:
    """Builder to task name. taskgraph would make one task of two with one name, and say nothing."""
    taken: dict[str, str] = {}
    for node in graph:
        name = task_name(node.builder)
        if not name:
            raise GenerationError(
                f"kind {kind}: {GRAPH}: no label can be made of builder {node.builder!r}. Write a kind with `run: "
                "{using: buildbot}` for it, and choose a name."
            )
        if name in taken:
            raise GenerationError(
                f"kind {kind}: {GRAPH}: builders {taken[name]!r} and {node.builder!r} would both be labelled "
                f"{kind}-{name}. Move one of them to another kind."
            )
        taken[name] = node.builder
    return {builder: name for name, builder in taken.items()}


def task_name(builder: str) -> str:
    """What stands for a builder in a label, the same in all projects: each run of other characters is a hyphen."""
    return re.sub(r"[^A-Za-z0-9_.]+", "-", builder.replace("{project}", " ")).strip("-")


def _task(
    kind: str, node: Node, names: Mapping[str, str], own: Mapping[str, Any], defaults: Mapping[str, Any]
) -> dict[str, Any]:
    parents = [f"{kind}-{names[builder]}" for builder in node.upstream]
    task: dict[str, Any] = {
        "description": f"{node.builder} on Buildbot",
        "run": {"using": "buildbot", "builder": node.builder, "properties": {}},
        "dependencies": {label: label for label in parents},
    }
    if parents:
        task["run"]["properties"][PARENT] = {"task-reference": f"<{parents[0]}>"}
    treeherder = {**(defaults.get("treeherder") or {}), **(own.get("treeherder") or {})}
    if treeherder and "platform" not in treeherder:
        # Platform and symbol together must be unique in the graph.
        task["treeherder"] = {"platform": f"{task_name(node.builder).replace('.', '-')}/opt"}
    merged: dict[str, Any] = merge(task, own)
    return merged
