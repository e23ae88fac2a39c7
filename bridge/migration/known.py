"""What kind files that exist know already: builders, and names of tasks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bridge.definition import builders_graph


@dataclass(frozen=True, slots=True)
class Known:
    """Builders as they are written, where `{project}` stands for any text; and the names of tasks."""

    builders: frozenset[str] = frozenset()
    tasks: frozenset[str] = frozenset()

    def has(self, builder: str) -> bool:
        """Whether a task for this builder is there."""
        return any(_covers(written, builder) for written in self.builders)

    def __or__(self, other: Known) -> Known:
        """What either knows."""
        return Known(self.builders | other.builders, self.tasks | other.tasks)


def _covers(written: str, builder: str) -> bool:
    parts = written.split("{project}")
    return builder == written or (len(parts) > 1 and re.fullmatch(".+".join(map(re.escape, parts)), builder) is not None)


def known(kind: object, where: str) -> Known:
    """Read a kind file, or one of its `tasks-from`, parsed from YAML; what is neither knows nothing.

    Raises `DefinitionError` for a builders-graph that is none; `where` begins its text.
    """
    if not isinstance(kind, Mapping):
        return Known()
    tasks = kind.get("tasks")
    named = tasks if isinstance(tasks, Mapping) else {name: task for name, task in kind.items() if any(_of_task(task))}
    single = (builder for task in (*named.values(), kind.get("task-defaults")) for builder in _of_task(task))
    return Known(frozenset(single) | frozenset(_of_graph(kind, where)), frozenset(map(str, named)))


def _of_task(task: object) -> Iterator[str]:
    for place, key in (("run", "builder"), ("worker", "buildername")):
        part = task.get(place) if isinstance(task, Mapping) else None
        builder = part.get(key) if isinstance(part, Mapping) else None
        if isinstance(builder, str):
            yield builder


def _of_graph(kind: Mapping[object, object], where: str) -> Iterator[str]:
    graph = kind.get("builders-graph")
    if isinstance(graph, Mapping) and graph:
        yield from (node.builder for node in builders_graph(graph, f"{where}: builders-graph"))
