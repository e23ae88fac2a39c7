"""The loader for kinds that are written as a builders-graph, `{upstream builder: [downstream builders]}`.

`builders-graph:` in `kind.yml` holds the graph, or the name of a YAML or JSON file beside `kind.yml`, or nothing: then the
parameter `builders_graph` gives it, and without the parameter the kind has no tasks. `task-defaults:` is what all tasks
have in common, `builders:` what single ones have besides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from taskgraph.loader import default
from taskgraph.util.templates import merge

from bridge.definition import BuildersGraph, DefinitionError, Node, builders_graph, task_name
from bridge.definition.graph_file import graph_of
from bridge.taskgraph import parameters
from bridge.taskgraph.errors import KindError, refuse_kind

GRAPH, SINGLE = "builders-graph", "builders"
KEYS = (GRAPH, SINGLE, "task-defaults")
PARENT = "parent_task_id"


def loader(  # noqa: PLR0913, PLR0917 - as taskgraph calls it
    kind: str, path: str, config: dict[str, Any], params: Any, loaded_tasks: list[Any], write_artifacts: bool
) -> Iterator[Any]:
    """The kind's tasks, one for each builder, parents known to their children. Raises `DefinitionError`."""
    # A generator here would run after taskgraph has read `config["transforms"]`, which the default loader fills.
    refuse_kind(f"kind {kind}", _misshapen(config))
    graph = _graph(kind, path, config, params)
    config["tasks"] = _tasks(kind, graph, config.get(SINGLE) or {}, config.get("task-defaults") or {})
    tasks: Iterator[Any] = default.loader(kind, path, config, params, loaded_tasks, write_artifacts)
    return tasks


def _misshapen(config: Mapping[str, Any]) -> Iterator[str]:
    if GRAPH not in config:
        yield f"{GRAPH}: is missing. Write the graph, or the name of its file, or nothing after the colon."
    for key in ("tasks", "tasks-from"):
        if key in config:
            yield f"{key}: stands beside {GRAPH}, which says all tasks of the kind. Move it to another kind."
    for key in (SINGLE, "task-defaults"):
        if not isinstance(config.get(key) or {}, Mapping):
            yield f"{key}: must be a mapping. Mend it, or drop it."


def _graph(kind: str, path: str, config: Mapping[str, Any], params: Any) -> BuildersGraph:
    where, written = f"kind {kind}: {GRAPH}", config[GRAPH]
    if written is None:
        where, written = f"parameter {parameters.NAME}", params.get(parameters.NAME)
        if written is None:
            return ()
    try:
        if isinstance(written, str):
            return graph_of(_file(path, written, where), f"{where}: {written}")
        return builders_graph(written, where)
    except DefinitionError as error:
        raise KindError(str(error)) from None


def _file(path: str, name: str, where: str) -> str:
    if not Path(path, name).is_file():
        raise KindError(f"{where}: there is no file {name!r} beside kind.yml. Correct the name, or add the file.")
    try:
        return Path(path, name).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise KindError(f"{where}: {name}: is no text in UTF-8. Write it in UTF-8.") from None


def _tasks(
    kind: str, graph: BuildersGraph, single: Mapping[str, Any], defaults: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    names = _names(kind, graph)
    refuse_kind(f"kind {kind}: {SINGLE}", _strangers(single, names))
    return {names[node.builder]: _task(kind, node, names, single.get(node.builder) or {}, defaults) for node in graph}


def _strangers(single: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[str]:
    for builder in single:
        if builder not in names:
            yield f"{builder!r} is not in the {GRAPH}. Correct the name, or drop it."
        elif not isinstance(single[builder] or {}, Mapping):
            yield f"{builder!r}: must be a mapping. Write what the task has besides, such as `priority: high`."


def _names(kind: str, graph: BuildersGraph) -> dict[str, str]:
    """Builder to task name. taskgraph would make one task of two with one name, and say nothing."""
    taken: dict[str, str] = {}
    for node in graph:
        name = task_name(node.builder)
        if not name:
            raise KindError(
                f"kind {kind}: {GRAPH}: no label can be made of builder {node.builder!r}. Write a kind with `run: "
                "{using: buildbot}` for it, and choose a name."
            )
        if name in taken:
            raise KindError(
                f"kind {kind}: {GRAPH}: builders {taken[name]!r} and {node.builder!r} would both be labelled "
                f"{kind}-{name}. Move one of them to another kind."
            )
        taken[name] = node.builder
    return {builder: name for name, builder in taken.items()}


def _task(
    kind: str, node: Node, names: Mapping[str, str], own: Mapping[str, Any], defaults: Mapping[str, Any]
) -> dict[str, Any]:
    parents = [f"{kind}-{names[builder]}" for builder in node.upstream]
    run: dict[str, Any] = {"using": "buildbot", "builder": node.builder, "properties": {}}
    if parents:
        run["properties"][PARENT] = {"task-reference": f"<{parents[0]}>"}
    task: dict[str, Any] = {"run": run, "dependencies": {label: label for label in parents}}
    if "description" not in defaults:
        task["description"] = f"{node.builder} on Buildbot"
    return {**merge(task, own), **_treeherder(node.builder, defaults.get("treeherder"), own.get("treeherder"))}


def _treeherder(builder: str, common: Any, own: Any) -> dict[str, Any]:
    """Platform and symbol together must be unique in the graph; so a task without a platform gets one of its own."""
    if not (common or own) or any("platform" in each for each in (common, own) if isinstance(each, Mapping)):
        return {}
    platform = {"platform": f"{task_name(builder).replace('.', '-')}/opt"}
    return {"treeherder": {**platform, **(own if isinstance(own, Mapping) else {})}}
