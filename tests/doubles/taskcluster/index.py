"""The index service's books: which task stands under which path, and the namespaces above the paths.

Read from Taskcluster's source, not recorded. The real service hears task-completed messages, so a message that is lost
is never indexed, and one that is published again is indexed again. Kept on purpose: paths asked for in a batch
(findTasksAtIndex) are found even when expired, once for each time they are asked for, and never without a dot; a path
asked for alone is gone when it has expired.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.doubles.taskcluster import errors
from tests.doubles.taskcluster.instants import DAY, parse, zulu
from tests.doubles.taskcluster.model import Message

ROUTE = "route.index."
PATH = re.compile(r"([a-zA-Z0-9_!~*'()%-]+\.)*[a-zA-Z0-9_!~*'()%-]+")


@dataclass(frozen=True, slots=True)
class Entry:
    """One task under one path; of two with equal rank the later one stays."""

    path: str
    task_id: str
    rank: float
    data: dict[str, Any]
    expires: int

    def wire(self) -> dict[str, Any]:
        return {
            "namespace": self.path,
            "taskId": self.task_id,
            "rank": self.rank,
            "data": self.data,
            "expires": zulu(self.expires),
        }


@dataclass(slots=True)
class Index:
    """All entries by path, and when each namespace above them expires."""

    entries: dict[str, Entry] = field(default_factory=dict)
    namespaces: dict[str, int] = field(default_factory=dict)

    def insert(self, entry: Entry) -> Entry:
        """Put a task under its path unless one of higher rank is there; answer the one that is there then."""
        known = self.entries.get(entry.path)
        if known is not None and known.rank > entry.rank:
            return known
        self.entries[entry.path] = entry
        self._keep_above(entry)
        return entry

    def _keep_above(self, entry: Entry) -> None:
        # Namespaces live until the midnight after, so that they are not written with every insertion.
        until = (entry.expires // DAY + 1) * DAY
        words = entry.path.split(".")
        for depth in range(1, len(words)):
            above = ".".join(words[:depth])
            self.namespaces[above] = max(until, self.namespaces.get(above, 0))

    def hear(self, message: Message, definition: dict[str, Any]) -> None:
        """Index a completed task under each of its routes `index.<path>`, as its `extra.index` says."""
        options = {"rank": 0, "expires": definition["expires"], "data": {}} | (definition["extra"].get("index") or {})
        rank, data = options["rank"], options["data"]
        if (
            message.task_id is None
            or isinstance(rank, bool)
            or not isinstance(rank, int | float)
            or not isinstance(data, dict)
        ):
            return
        for path in (route.removeprefix(ROUTE) for route in message.cc if route.startswith(ROUTE)):
            if PATH.fullmatch(path):
                self.insert(Entry(path, message.task_id, rank, data, parse(options["expires"])))

    def find(self, path: str, now: int) -> Entry:
        """Find the task under a path, or refuse with 404."""
        entry = self.entries.get(path)
        if entry is None or entry.expires <= now:
            raise errors.not_found("Indexed task not found")
        return entry

    def at(self, paths: Iterable[str]) -> list[Entry]:
        """Find the tasks under some paths; what is not there is left out."""
        return [self.entries[path] for path in paths if path in self.entries and "." in path]

    def below(self, namespace: str, now: int) -> list[Entry]:
        """List the tasks immediately under a namespace, by name; the empty namespace is the root."""
        names = _children(namespace, self.entries)
        return [self.entries[name] for name in names if self.entries[name].expires > now]

    def namespaces_below(self, namespace: str, now: int) -> list[dict[str, Any]]:
        """List the namespaces immediately under a namespace, by name."""
        names = _children(namespace, self.namespaces)
        return [
            {"namespace": name, "name": name.rpartition(".")[2], "expires": zulu(self.namespaces[name])}
            for name in names
            if self.namespaces[name] > now
        ]


def _children(namespace: str, paths: Iterable[str]) -> list[str]:
    return sorted(path for path in paths if path.rpartition(".")[0] == namespace)
