"""What the rows tell people: entries, changes of phase, who serves, what could not be read. Values, made by the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bridge.core.run import Run

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
END = datetime(9000, 1, 1, tzinfo=UTC)
"""Far from all times of runs, on either side."""


@dataclass(frozen=True, slots=True)
class Step:
    """One change of phase of a run; `cause` None: an older version stored it, or nothing but a message caused it."""

    run_id: int
    at: datetime
    from_phase: str | None
    to_phase: str
    because: str
    who: str
    cause: Sequence[Mapping[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A row as it stands: the run, and who acts for it or holds its credentials. `due_at` is None once it is settled."""

    run: Run
    due_at: datetime | None
    version: int
    lease_owner: str | None
    lease_until: datetime | None
    holder: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of runs begins: after this row, in the order newest first."""

    created_at: datetime = END
    task_id: str = ""
    run_id: int = -1


@dataclass(frozen=True, slots=True)
class Selection:
    """Which runs to list; what is None is not asked for.

    `builder` is a name, or a prefix followed by `*`. `suspects`: only what may be stuck, given the pools in `served`. Times
    are those of the rows' making.
    """

    settled: bool | None = None
    phases: tuple[str, ...] | None = None
    pools: tuple[str, ...] | None = None
    builder: str | None = None
    task_group_id: str | None = None
    task_id: str | None = None
    request_id: int | None = None
    build_id: int | None = None
    before: datetime = END
    since: datetime = BEGINNING
    suspects: bool = False
    served: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A page of runs, newest first. `newer`: how many rows were left out because a newer version wrote them.

    `more` is where the next page begins, None after the last one. There may be a next page after an empty one: a look at the
    rows ends after a number of them, whether or not they are what was asked for.
    """

    entries: tuple[Entry, ...]
    more: Place | None
    newer: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """A change of phase as it is told to those who watch; `number` rises with each. No pool: the row is gone."""

    number: int
    task_id: str
    step: Step
    pool: str | None
    builder: str | None
    task_group_id: str | None


@dataclass(frozen=True, slots=True)
class Oldest:
    """The oldest debt, the first claim to end, the run that is pending for longest; None where there is none."""

    due: datetime | None
    first_claim_ends: datetime | None
    wanted: datetime | None


@dataclass(frozen=True, slots=True)
class Held:
    """Pending runs of a pool that wait for one reason."""

    pool: str
    why: str
    runs: int


@dataclass(frozen=True, slots=True)
class Server:
    """A process that serves the database, as it last showed itself."""

    name: str
    service: str
    version: str
    pools: tuple[str, ...]
    started_at: datetime
    seen_at: datetime
    alive: bool


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep of a process came to, the last time; `fault` says why it could not be done."""

    name: str
    replica: str
    began_at: datetime
    ended_at: datetime
    found: int
    fault: str | None


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that could not be read; `beginning` is the first part of its body, `size` and `sha256` are of the whole."""

    number: int
    at: datetime
    exchange: str
    routing_key: str
    reason: str
    size: int
    sha256: str
    beginning: bytes


@dataclass(frozen=True, slots=True)
class Past:
    """One step of the history. Seconds; None where nothing was to measure. `ends` counts runs by how they ended."""

    at: datetime
    builds: int = 0
    waited_half: float | None = None
    waited_most: float | None = None
    ends: Mapping[str, int] | None = None
    unsettled: int | None = None
    held: int | None = None
    oldest_due: float | None = None
    claim_margin: float | None = None
