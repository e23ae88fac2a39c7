"""What was read once and need not be read again soon: definitions, and scopes with their roles expanded."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bridge.coalesce import Coalescer
from bridge.core.order import Definition
from bridge.core.run import TaskId
from bridge.taskcluster.messages import TaskWire

_OVERHEAD = 500  # bytes of an entry besides its payload, about


@dataclass(slots=True)
class Definitions:
    """Definitions by task, the least recently used dropped first. They never change, but for the priority, not kept here.

    Bounded by number, and by the size of all payloads in about bytes.
    """

    most: int = 20_000
    largest: int = 64 << 20
    _kept: OrderedDict[TaskId, tuple[int, Definition]] = field(default_factory=OrderedDict)
    _size: int = 0

    def get(self, task_id: TaskId) -> Definition | None:
        """The definition, if it is known."""
        if task_id not in self._kept:
            return None
        self._kept.move_to_end(task_id)
        return self._kept[task_id][1]

    def put(self, task_id: TaskId, task: TaskWire) -> Definition:
        """Remember a definition that was read."""
        known = self.get(task_id)
        if known is not None:
            return known
        definition = Definition(task.payload, tuple(task.scopes))
        weight = _OVERHEAD + len(repr(task.payload)) + sum(map(len, task.scopes))
        self._kept[task_id] = (weight, definition)
        self._size += weight
        while len(self._kept) > 1 and (self._size > self.largest or len(self._kept) > self.most):
            _, (weight, _) = self._kept.popitem(last=False)
            self._size -= weight
        return definition


class Expansions:
    """Expanded scopes, believed for `seconds`. Callers who ask for the same scopes at the same time share one call."""

    def __init__(
        self,
        expand: Callable[[frozenset[str]], Awaitable[frozenset[str]]],
        *,
        seconds: float = 300.0,
        most: int = 1000,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._expand = expand
        self._seconds = seconds
        self._most = most
        self._now = now
        self._kept: OrderedDict[frozenset[str], tuple[float, frozenset[str]]] = OrderedDict()
        self._asked: Coalescer[frozenset[str], frozenset[str]] = Coalescer(self._all, most=most)

    async def get(self, scopes: frozenset[str]) -> frozenset[str]:
        """The scopes with all that their roles add."""
        until, known = self._kept.get(scopes, (0.0, None))
        if known is not None and self._now() < until:
            return known
        return await self._asked.get(scopes) or frozenset()

    async def _all(self, asked: Sequence[frozenset[str]]) -> Mapping[frozenset[str], frozenset[str]]:
        found = dict(zip(asked, await asyncio.gather(*map(self._expand, asked)), strict=True))
        for scopes, expanded in found.items():
            self._kept.pop(scopes, None)
            self._kept[scopes] = (self._now() + self._seconds, expanded)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return found
