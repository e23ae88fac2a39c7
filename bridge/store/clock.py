"""The database's time, kept between two questions by this process's monotonic clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from bridge.core import faults
from bridge.store.database import Database
from bridge.store.queries import query

_SLOW = 1.0  # seconds: an answer that took longer says too little about the time
_JUMP = 60.0  # seconds: more than this is another clock (a failover), not jitter


class DatabaseClock:
    """All replicas take the time from here, so that a wrong clock on one machine makes no claim late or early.

    Ask once before the first use: until then this machine's clock stands in. Later corrections never turn the time back,
    it stands still instead; except where the database's own clock jumped, for rows are due by that one.

    `monotonic` and `wall` are this machine's clocks, in seconds.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time) -> None:
        self._monotonic, self._wall = monotonic, wall
        self._at, self._offset = monotonic(), wall()
        self._asked = False
        self._latest = 0.0

    def now(self) -> datetime:
        """Now, aware, UTC."""
        self._latest = max(self._latest, self._told())
        return datetime.fromtimestamp(self._latest, UTC)

    async def ask(self, database: Database) -> None:
        """Set the clock by the database; the answer is as old as half its way at the most."""
        before = self._monotonic()
        told: datetime = await database.value(query("now"))
        after = self._monotonic()
        if self._asked and after - before > _SLOW:
            return
        self._at, self._offset = (before + after) / 2, told.timestamp()
        if not self._asked or self._latest - self._told() > _JUMP:
            self._latest = 0.0
        self._asked = True

    async def try_asking(self, database: Database) -> bool:
        """Set the clock if the database answers."""
        try:
            await self.ask(database)
        except faults.Unavailable:
            return False
        return True

    def skew(self) -> timedelta:
        """How far this machine's wall clock is ahead of the database's."""
        return timedelta(seconds=self._wall() - self._told())

    def _told(self) -> float:
        return self._offset + self._monotonic() - self._at
