"""The changes of phase as they happen: read once for all who watch, and handed out in their order.

A change has a number before it can be seen, so a higher number can come into sight before a lower one. Whoever watches gets
them in order: a number that is missing is waited for, as long as the transaction that took it may be under way.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from bridge.core.ledger import Change
from bridge.status.ports import Feed

SETTLED_FOR: Final = timedelta(seconds=5)
"""A change this old can be seen, or never will be: a transaction that notes one takes milliseconds."""
POLL: Final = 0.5
PAGE: Final = 500
_KEPT: Final = 2000  # changes in memory, for those who are a little behind


def released(after: int, changes: Sequence[Change], now: datetime) -> list[Change]:
    """Those that may be handed out now: up to the first number that is missing and may still come."""
    found = list[Change]()
    for change in changes:
        last = found[-1].number if found else after
        if change.number != last + 1 and now - change.step.at < SETTLED_FOR:
            break
        found.append(change)
    return found


class LostError(Exception):
    """What the watcher saw last is not in this database: it must read all anew. `now` is where it goes on."""

    def __init__(self, now: int) -> None:
        super().__init__("what was seen last is not known here")
        self.now = now


@dataclass(slots=True)
class Changes:
    """Follows the changes while anybody watches. `now` is the database's time."""

    feed: Feed
    now: Callable[[], datetime]
    poll: float = POLL
    _kept: deque[Change] = field(default_factory=lambda: deque(maxlen=_KEPT))
    _last: int | None = None
    _watchers: int = 0
    _moved: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def watchers(self) -> int:
        """How many watch."""
        return self._watchers

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Count a watcher while inside."""
        self._watchers += 1
        try:
            yield
        finally:
            self._watchers -= 1

    async def look(self) -> None:
        """Read what is new, for those who watch; raises `Unavailable`. To be called again and again."""
        if not self._watchers:
            self._last = None
            return
        if self._last is None:
            self._kept.clear()
            self._last = await self.feed.newest(SETTLED_FOR)
        new = released(self._last, await self.feed.changes(self._last, PAGE), self.now())
        if new:
            async with self._moved:
                self._kept.extend(new)
                self._last = new[-1].number
                self._moved.notify_all()

    async def begin(self, after: int | None) -> int:
        """Where a watcher begins: after what it saw last, or now. Raises `LostError`."""
        newest = await self.feed.newest(timedelta(0))
        if after is None:
            return await self.feed.newest(SETTLED_FOR)
        if after > newest:
            raise LostError(newest)
        return after

    async def after(self, number: int, patience: float) -> list[Change]:
        """The changes after this one, oldest first; none if there are none within `patience` seconds."""
        try:
            async with asyncio.timeout(patience), self._moved:
                await self._moved.wait_for(lambda: self._last is not None and self._last > number)
        except TimeoutError:
            return []
        if self._kept and self._kept[0].number <= number + 1:
            return [change for change in self._kept if change.number > number][:PAGE]
        upto = self._last or 0
        found = await self.feed.changes(number, PAGE)
        return [change for change in found if change.number <= upto]
