"""Orders of operators that stop new build requests. Pure.

A stop holds runs back before a request is made for them, whatever made it necessary: a builder that is being repaired, a
pool that moves house, a compromised account. What has a request already goes on: its build is reported, its claim renewed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bridge.core.admission import matches, shown


class StopKind(StrEnum):
    """Who lifts it, and by which command; each kind is lifted by its own. The gravest first."""

    DENIED = "denied"
    PAUSED = "paused"
    DRAINING = "draining"


LIFT = {
    StopKind.PAUSED: "bbb resume",
    StopKind.DENIED: "bbb allow",
    StopKind.DRAINING: "bbb drain --end",
}


@dataclass(frozen=True, slots=True)
class Stop:
    """One order. An empty `pool` stands for all; `builders` is a pattern as in the settings: a name, or a prefix and `*`."""

    kind: StopKind
    pool: str
    builders: str
    who: str
    why: str

    def covers(self, pool: str, builder: str) -> bool:
        """Whether a run of this pool, for this builder, is held back."""
        return self.pool in ("", pool) and matches(builder, [self.builders])

    @property
    def target(self) -> str:
        """What is stopped, in words."""
        builders = "all builders" if self.builders == "*" else f"builder {self.builders}"
        return f"{builders} of {f'pool {self.pool}' if self.pool else 'all pools'}"

    @property
    def words(self) -> str:
        """Why a run waits, for people; `bbb` commands that lift it included."""
        return f"{self.kind} by {shown(self.who)}: {shown(self.why, 200)} ({self.target}; `{LIFT[self.kind]}` lifts it)"


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order in force, and since when."""

    stop: Stop
    since: datetime


@dataclass(frozen=True, slots=True)
class Act:
    """Something that an operator did; `outcome` in words, `BEGUN` while it is under way or when it was cut off."""

    number: int
    at: datetime
    who: str
    verb: str
    target: str
    why: str
    outcome: str


BEGUN = "begun"


def is_stop(words: str) -> bool:
    """Whether a run that waits for what these words say waits for a stop."""
    return words.startswith(tuple(f"{kind} by " for kind in StopKind)) and words.endswith("` lifts it)")


def stopping(stops: Sequence[Stop], pool: str, builder: str) -> Stop | None:
    """The gravest stop that holds such a run back; None if nothing does."""
    found = [stop for stop in stops if stop.covers(pool, builder)]
    return min(found, key=lambda stop: (_KINDS.index(stop.kind), stop.builders), default=None)


_KINDS = list(StopKind)
