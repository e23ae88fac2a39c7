"""The action `submit-builders`: add builders to a task group that is there, by their names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from taskgraph.actions.util import create_tasks, fetch_graph_and_labels

from bridge.definition import BuildersGraph, builders_graph
from bridge.taskgraph.errors import refuse
from bridge.taskgraph.worker import IMPLEMENTATION

GRAPH = "builders_graph"
OFFERED: dict[str, Any] = {
    "name": "submit-builders",
    "title": "Submit builders",
    "symbol": "sb",
    "description": "Run the tasks of Buildbot builders, by the builders' names.",
    "order": 150,
    "context": [],
    "schema": {
        "type": "object",
        "properties": {
            GRAPH: {
                "type": "object",
                "description": "Builders to the builders after them. What is upstream of them is added where it is missing.",
            }
        },
        "required": [GRAPH],
        "additionalProperties": False,
    },
}


def submit_builders(
    parameters: Any,
    graph_config: Any,
    input: Mapping[str, Any],  # noqa: A002 - taskgraph's name for it
    task_group_id: str,
    task_id: str | None,  # noqa: ARG001 - taskgraph calls every action with it; None for one on a group
) -> None:
    """Create the tasks of the builders named in the input, all those of a builder that has several.

    Raises `DefinitionError` for an input that is no builders-graph, for a builder without a task in the full task graph,
    and for one that the graph puts before a builder whose task does not wait for its own.
    """
    graph = builders_graph(input.get(GRAPH), f"submit-builders: {GRAPH}")
    decision_task_id, full_task_graph, label_to_taskid = fetch_graph_and_labels(parameters, graph_config, task_group_id)
    labels = to_run(graph, full_task_graph)
    create_tasks(graph_config, labels, full_task_graph, label_to_taskid, parameters, decision_task_id)


def to_run(graph: BuildersGraph, full_task_graph: Any) -> list[str]:
    """Labels of the builders' tasks, sorted. Raises `DefinitionError`."""
    labels = labels_by_builder(full_task_graph.tasks.values())
    where = f"submit-builders: {GRAPH}"
    refuse(where, _unknown(graph, labels))
    refuse(where, _disordered(graph, labels, full_task_graph))
    return sorted({label for node in graph for label in labels[node.builder]})


def labels_by_builder(tasks: Iterable[Any]) -> dict[str, list[str]]:
    """Builder to the labels of its tasks, bridged ones only."""
    found: dict[str, list[str]] = {}
    for task in tasks:
        if task.task.get("tags", {}).get("worker-implementation") == IMPLEMENTATION:
            found.setdefault(task.task["payload"]["buildername"], []).append(task.label)
    return found


def _unknown(graph: BuildersGraph, labels: Mapping[str, list[str]]) -> Iterator[str]:
    for node in graph:
        if node.builder not in labels:
            yield f"builder {node.builder!r} has no task in the push's full task graph. Correct the name, or add a kind."


def _disordered(graph: BuildersGraph, labels: Mapping[str, list[str]], full: Any) -> Iterator[str]:
    """What waits for what is decided by the task graph: an edge that is not there would be lost without a word."""
    for node in graph:
        for label in labels[node.builder]:
            before = set(full.graph.transitive_closure({label}).nodes)
            for builder in node.upstream:
                if not before.intersection(labels[builder]):
                    yield (
                        f"{label} does not wait for builder {builder!r}, and an action cannot make it. "
                        f"Name {node.builder!r} by itself, or add the dependency to its kind."
                    )
