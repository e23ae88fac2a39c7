"""A transform that refuses two tasks of a kind with one name, of which taskgraph's own transforms would silently make one.

It stands last among a kind's own transforms, after those that make names:

    transforms: [taskgraph.transforms.from_deps:transforms, bridge.taskgraph.unique:transforms]
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from taskgraph.transforms.base import TransformSequence

from bridge.taskgraph.errors import refuse_kind

transforms = TransformSequence()


@transforms.add
def names_are_unique(config: Any, tasks: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Pass the tasks on. Raises `DefinitionError` at the second task of a name."""
    seen: set[str] = set()
    for task in tasks:
        name = str(task.get("label") or task.get("name"))
        if name in seen:
            refuse_kind(
                f"kind {config.kind}: task {name}",
                ["name: stands at another task of the kind too. Give each its own, with the chunk or platform in it."],
            )
        seen.add(name)
        yield task
