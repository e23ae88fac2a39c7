"""What one process knows beyond the rows. It is lost with the process, and nothing is wrong then: it only saves calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bridge.core.artifact import Stored
from bridge.core.run import RunKey
from bridge.core.status import buildbot_priority

_TRIES_PER_SECOND = 20.0  # of all runs that wait for room in one builder
_LONGEST = 60.0
_UPLOADS = 32  # runs that attach things at once: half of those that a process works on, so that claims are renewed beside
_HIGHEST = 6
_DAY = timedelta(days=1)

Builder = tuple[str, str]
"""Pool and builder."""


@dataclass(slots=True)
class Room:
    """A builder that took no more requests: until when nobody need ask, and which runs wait for room in it."""

    closed_until: datetime
    waiting: set[RunKey] = field(default_factory=set)

    def turn(self, at: datetime, priority: str, deadline: datetime) -> datetime:
        """When a waiting run asks again: the higher its priority the sooner, at equal priority the earlier deadline."""
        rank = _HIGHEST - buildbot_priority(priority)
        period = min(len(self.waiting) / _TRIES_PER_SECOND, _LONGEST)
        share = (rank + 0.9 * min(1.0, max(0.0, (deadline - at) / _DAY))) / (_HIGHEST + 1)
        return max(at, self.closed_until) + timedelta(seconds=max(1.0, period) * share)


@dataclass(slots=True)
class Memory:
    """`unsure`: a report was sent whose outcome no row tells yet. `attached`: what the verdict carries is stored.

    `stored`: by run and name, what is stored already; None for what has no bytes. `giving`: Buildbot still keeps files
    of the run's build. `shown`: the live log is linked. `turns`: how many more runs may attach things now.
    """

    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_UPLOADS))
    unsure: set[RunKey] = field(default_factory=set)
    attached: set[RunKey] = field(default_factory=set)
    stored: dict[RunKey, dict[str, Stored | None]] = field(default_factory=dict)
    giving: set[RunKey] = field(default_factory=set)
    shown: set[RunKey] = field(default_factory=set)
    rooms: dict[Builder, Room] = field(default_factory=dict)

    def closed(self, builder: Builder, at: datetime) -> Room | None:
        """The builder's room, if it took no more requests a moment ago."""
        room = self.rooms.get(builder)
        return room if room is not None and at < room.closed_until else None

    def close(self, builder: Builder, until: datetime) -> Room:
        """Note that a builder takes no more requests until then."""
        room = self.rooms.setdefault(builder, Room(until))
        room.closed_until = until
        return room

    def keep(self, holds: Callable[[RunKey], bool]) -> None:
        """Drop what is known of runs that this process `holds` no credentials of: others ended them, and tell nobody."""
        for known in (self.attached, self.giving, self.shown):
            if known:
                known.intersection_update({key for key in known if holds(key)})
        for key in [key for key in self.stored if not holds(key)]:
            del self.stored[key]

    def forget(self, key: RunKey) -> None:
        """Drop what is known of a run that is over, or has its request."""
        self.unsure.discard(key)
        self.attached.discard(key)
        self.stored.pop(key, None)
        self.giving.discard(key)
        self.shown.discard(key)
        for room in self.rooms.values():
            room.waiting.discard(key)
