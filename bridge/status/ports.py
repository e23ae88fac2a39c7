"""What the status needs of the database and of the two sides. The rooms fit these by shape."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bridge.core.ledger import (
    Change,
    Entry,
    Found,
    Held,
    Letter,
    Oldest,
    Past,
    Place,
    Selection,
    Server,
    Step,
    Swept,
)
from bridge.core.order import Policy
from bridge.core.record import BuildRecord
from bridge.core.request import RequestState
from bridge.core.run import RequestId, RunKey, TaskId
from bridge.core.status import TaskStatus
from bridge.core.steering import Act, Ordered
from bridge.status.answers import Kind


class Records(Protocol):
    """The rows, for reading. All faults of the database come as `faults.Unavailable`."""

    async def runs(self, which: Selection, after: Place | None, limit: int) -> Found:
        """A page of the runs selected, newest first."""
        ...

    async def entries(self, task_id: TaskId) -> Sequence[Entry]:
        """All rows of a task, by run."""
        ...

    async def history(self, task_id: TaskId) -> Sequence[Step]:
        """All changes of phase of a task's runs, oldest first."""
        ...

    async def counts(self) -> Mapping[tuple[str, str], int]:
        """Unsettled runs by (pool, phase)."""
        ...

    async def held(self) -> Sequence[Held]:
        """Why pending runs wait, the most frequent reasons first."""
        ...

    async def oldest(self) -> Oldest:
        """The moments that tell how late the bridge is."""
        ...

    async def servers(self, now: datetime) -> Sequence[Server]:
        """The processes that serve the database."""
        ...

    async def sweeps(self) -> Sequence[Swept]:
        """What each sweep of each process came to, the last time."""
        ...

    async def letters(self, before: int | None, limit: int, beginning: int) -> Sequence[Letter]:
        """Unreadable messages, newest first, each with so many bytes of its body."""
        ...

    async def orders(self) -> Sequence[Ordered]:
        """The orders of operators that are in force."""
        ...

    async def acts(self) -> Sequence[Act]:
        """What operators did, the newest first."""
        ...

    async def reach(self, since: datetime) -> datetime | None:
        """Back to when all builds and ends are in `past`; None: to `since`."""
        ...

    async def past(self, since: datetime, step: float) -> Sequence[Past]:
        """What was, in steps of so many seconds."""
        ...


class Feed(Protocol):
    """The changes of phase, for those who watch."""

    async def changes(self, after: int, limit: int) -> Sequence[Change]:
        """Changes after one that is known, in the order of their numbers; a number left out may still come."""
        ...

    async def newest(self, settled_for: timedelta) -> int:
        """The number of the newest change that is as old as this; 0 if there is none."""
        ...


class Tasks(Protocol):
    """Taskcluster's queue, for reading."""

    async def status(self, task_id: TaskId) -> TaskStatus:
        """Read one status."""
        ...

    async def dependencies(self, task_ids: Collection[TaskId]) -> Mapping[TaskId, tuple[TaskId, ...]]:
        """Read on which tasks these depend; tasks that are not found are left out."""
        ...


class Read(Protocol):
    """Answer to a bulk read."""

    @property
    def states(self) -> tuple[RequestState, ...]:
        """The states found."""
        ...


class Builds(Protocol):
    """One Buildbot, for reading."""

    async def states(self, requests: Collection[RequestId]) -> Read:
        """Read many states."""
        ...

    async def state(self, request: RequestId) -> RequestState | None:
        """Read one request's state. None: Buildbot answers and does not know it."""
        ...

    async def find(self, key: RunKey) -> RequestState | None:
        """Read the request that was made under this key."""
        ...

    async def build_url(self, state: RequestState) -> str | None:
        """The page of the request's newest build, for people; None while unknown."""
        ...

    async def record(self, build_id: int) -> BuildRecord:
        """Read a build with its steps. `Missing` once Buildbot has pruned it."""
        ...


@dataclass(frozen=True, slots=True)
class Trove:
    """What a search found, as (kind, row); kinds of which there is more; runs asked for build numbers; errors."""

    found: Sequence[tuple[Kind, Entry]]
    more: Sequence[str]
    looked_at: int
    errors: Sequence[str]


@dataclass(frozen=True, slots=True)
class Served:
    """A pool as the settings have it."""

    task_queue_id: str
    buildbot: str
    policy: Policy
    builds: Builds


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides: Taskcluster, and each pool with its Buildbot. `limit`: seconds for what is read of a side at once."""

    root_url: str
    tasks: Tasks
    pools: Mapping[str, Served]
    limit: float = 5.0
