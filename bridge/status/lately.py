"""Reads that cost the database something, shared: however many look, it is asked once in a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar, cast

from bridge.core.ledger import Entry, Found, Held, Letter, Oldest, Past, Place, Selection, Server, Step, Swept
from bridge.core.run import TaskId
from bridge.core.steering import Act, Ordered
from bridge.status.ports import Records

AGE: Final = 1.0
"""Seconds for which an answer is good for others, too."""
_PAST: Final = 15.0  # the same for a history, whose steps are minutes
_MOST: Final = 50  # histories of different lengths

T = TypeVar("T")


@dataclass(slots=True)
class Shared:
    """Answers by question, each for a while; those who ask the same at the same time wait for one answer.

    A fault is everybody's who waits for it, and kept for nobody.
    """

    now: Callable[[], float] = time.monotonic
    _known: dict[object, tuple[float, asyncio.Future[Any]]] = field(default_factory=dict)

    async def get(self, question: object, age: float, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer, no older than `age` seconds."""
        until, answer = self._known.get(question, (0.0, None))
        if answer is None or self.now() >= until:
            answer = asyncio.ensure_future(ask())
            answer.add_done_callback(lambda done: self._drop_failed(question, done))
            while len(self._known) >= _MOST:
                del self._known[next(iter(self._known))]
            self._known[question] = (self.now() + age, answer)
        # Whoever leaves meanwhile does not take the answer from the others.
        return cast("T", await asyncio.shield(answer))

    def _drop_failed(self, question: object, done: asyncio.Future[Any]) -> None:
        failed = done.cancelled() or done.exception() is not None
        if failed and self._known.get(question, (0.0, None))[1] is done:
            del self._known[question]


@dataclass(frozen=True, slots=True)
class Lately:
    """The records; counts, margins and histories as they were a moment ago."""

    records: Records
    shared: Shared = field(default_factory=Shared)

    async def runs(self, which: Selection, after: Place | None, limit: int) -> Found:
        """A page of the runs selected, as it is now."""
        return await self.records.runs(which, after, limit)

    async def entries(self, task_id: TaskId) -> Sequence[Entry]:
        """All rows of a task, as they are now."""
        return await self.records.entries(task_id)

    async def history(self, task_id: TaskId) -> Sequence[Step]:
        """All changes of phase of a task's runs, oldest first."""
        return await self.records.history(task_id)

    async def counts(self) -> Mapping[tuple[str, str], int]:
        """Unsettled runs by (pool, phase)."""
        return await self.shared.get("counts", AGE, self.records.counts)

    async def held(self) -> Sequence[Held]:
        """Why pending runs wait."""
        return await self.shared.get("held", AGE, self.records.held)

    async def oldest(self) -> Oldest:
        """The moments that tell how late the bridge is."""
        return await self.shared.get("oldest", AGE, self.records.oldest)

    async def servers(self, now: datetime) -> Sequence[Server]:
        """The processes that serve the database."""
        return await self.shared.get("servers", AGE, lambda: self.records.servers(now))

    async def sweeps(self) -> Sequence[Swept]:
        """What each sweep of each process came to."""
        return await self.records.sweeps()

    async def letters(self, before: int | None, limit: int, beginning: int) -> Sequence[Letter]:
        """Unreadable messages, newest first."""
        return await self.records.letters(before, limit, beginning)

    async def orders(self) -> Sequence[Ordered]:
        """The orders of operators that are in force."""
        return await self.records.orders()

    async def acts(self) -> Sequence[Act]:
        """What operators did, the newest first."""
        return await self.records.acts()

    async def reach(self, since: datetime) -> datetime | None:
        """Back to when all builds and ends are in `past`."""
        return await self.shared.get(("reach", since), _PAST, lambda: self.records.reach(since))

    async def past(self, since: datetime, step: float) -> Sequence[Past]:
        """What was, in steps of so many seconds."""
        return await self.shared.get(("past", since, step), _PAST, lambda: self.records.past(since, step))
