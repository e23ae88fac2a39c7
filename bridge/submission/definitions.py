"""Definitions of tasks, as Taskcluster's createTask takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bridge.definition import BuildersGraph, DefinitionError, Node, builder_scope
from bridge.submission.links import Links
from bridge.submission.wish import Wish

Definitions = Mapping[str, Mapping[str, Any]]
"""Definition by taskId, those that others depend on before these."""

PARENT = "parent_task_id"
"""The property with the taskId of the builder's first upstream builder."""


def definitions(wish: Wish, graph: BuildersGraph, group: str, ids: Sequence[str], now: datetime) -> Definitions:
    """A task for each builder of the graph, with these ids, in one task group. Raises `DefinitionError`."""
    if PARENT in wish.properties and any(node.upstream for node in graph):
        raise DefinitionError(f"--property {PARENT}: is set for every builder after the first ones. Use another name.")
    by_builder = {node.builder: task_id for node, task_id in zip(graph, ids, strict=True)}
    return {by_builder[node.builder]: _definition(wish, node, by_builder, group, now) for node in graph}


def listed(group: str, wanted: Definitions, links: Links) -> dict[str, Any]:
    """The group and its tasks, with their addresses, as JSON values."""
    tasks = [
        {"taskId": task_id, "name": definition["payload"]["buildername"], "url": links.task(task_id)}
        for task_id, definition in wanted.items()
    ]
    return {"taskGroupId": group, "url": links.group(group), "tasks": tasks}


def _definition(wish: Wish, node: Node, ids: Mapping[str, str], group: str, now: datetime) -> dict[str, Any]:
    parents = [ids[builder] for builder in node.upstream]
    return {
        "taskQueueId": wish.task_queue,
        "schedulerId": wish.scheduler_id,
        "projectId": wish.project_id,
        "taskGroupId": group,
        "dependencies": parents,
        "requires": "all-completed",
        "priority": wish.priority,
        "retries": wish.retries,
        "created": _moment(now),
        "deadline": _moment(now + wish.deadline),
        "expires": _moment(now + wish.expires),
        "scopes": [builder_scope(node.builder, wish.scope_prefix)],
        "payload": _payload(wish, node, parents),
        "metadata": _metadata(wish, node),
        "tags": {"worker-implementation": "buildbot-bridge", "label": node.builder},
    }


def _payload(wish: Wish, node: Node, parents: Sequence[str]) -> dict[str, Any]:
    properties = {**wish.properties, **({PARENT: parents[0]} if parents else {})}
    stamp = {"sourcestamp": dict(wish.sourcestamp)} if wish.sourcestamp else {}
    return {"buildername": node.builder, **stamp, **({"properties": properties} if properties else {})}


def _metadata(wish: Wish, node: Node) -> dict[str, str]:
    return {
        "name": wish.name or node.builder[:255],
        "description": wish.description or f"A build of Buildbot's builder `{node.builder}`, asked for with `bbb submit`.",
        "owner": wish.owner,
        "source": wish.source,
    }


def _moment(when: datetime) -> str:
    """As the queue writes times, in UTC, to the millisecond."""
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03}Z"
