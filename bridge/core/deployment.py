"""What all processes that serve one database must mean the same by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

Fields = Mapping[str, str]
"""Names of settings and what they are set to, as text."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """Whom a process works for, and under which names: as a whole, and in each pool that it serves."""

    whole: Fields
    pools: Mapping[str, Fields]

    def conflicts(self, other: Deployment) -> Iterator[str]:
        """Say what two processes understand differently; nothing where both may serve the same rows.

        A pool that only one of them serves is no conflict: its rows are left to whoever knows it. A field that only one
        of them has is none either: it came, or went, with a version.
        """
        yield from _differences("", self.whole, other.whole)
        for name in sorted(self.pools.keys() & other.pools.keys()):
            yield from _differences(f"pools.{name}.", self.pools[name], other.pools[name])
        yield from self._served_twice(other)

    def _served_twice(self, other: Deployment) -> Iterator[str]:
        """Name task queues that the two serve as pools of different names: each run would get a row in only one of them."""
        theirs = {fields["task_queue"]: name for name, fields in other.pools.items()}
        for name, fields in sorted(self.pools.items()):
            queue = fields["task_queue"]
            if theirs.get(queue, name) != name:
                yield f"task queue {queue} is pool {name} here and pool {theirs[queue]} there"


def _differences(prefix: str, here: Fields, there: Fields) -> Iterator[str]:
    for name in sorted(here.keys() & there.keys()):
        if here[name] != there[name]:
            yield f"{prefix}{name} is {here[name]} here and {there[name]} there"


def unserved(runs: Mapping[tuple[str, str], int], served: frozenset[str]) -> Mapping[str, int]:
    """How many unsettled runs each pool has that nobody serves; `runs` are counts by pool and phase."""
    found: dict[str, int] = {}
    for (pool, _), count in sorted(runs.items()):
        if pool not in served:
            found[pool] = found.get(pool, 0) + count
    return found
