"""What the engine needs of the outside, in its own words. The rooms fit these by shape."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Protocol

from bridge.core.artifact import Artifact, Stored
from bridge.core.order import Definition, LeftAlone, Order, Policy, Refusal
from bridge.core.pending import PendingRun
from bridge.core.record import BuildRecord, LogPiece, Output
from bridge.core.request import RequestState
from bridge.core.run import RequestId, Run, RunId, RunKey, TaskId, Worker
from bridge.core.status import TaskStatus
from bridge.core.steering import Stop
from bridge.core.verdict import Resolution

Admit = Callable[[RunKey, Definition, TaskStatus, Policy], Awaitable[Order | Refusal | LeftAlone]]
"""Judges a task: its payload, its builder, its scopes with roles expanded."""
Properties = Mapping[str, tuple[object, str]]
"""A build's properties: name to value and source."""
Redact = Callable[[str], str]
"""Takes whole lines with their line feeds, and gives as many without what nobody may read.

Each line is judged by itself: how many come together is chance.
"""
Decide = Callable[[Mapping[RunId, Run]], Mapping[RunId, Run]]
Cause = Sequence[Mapping[str, object]]
"""What a change was decided on, as JSON values: one mapping for each event. See `bridge.engine.causes`."""


class Clock(Protocol):
    """The time that all replicas agree on."""

    def now(self) -> datetime:
        """Now, aware, UTC; never runs backwards within a process."""
        ...


class Runs(Protocol):
    """The rows. All faults of the database come as `faults.Unavailable`."""

    async def insert(self, runs: Sequence[Run]) -> list[RunKey]:
        """Add rows in phase Wanted that are new, in bulk; the keys of those that were. Rows that exist stay as they are."""
        ...

    async def add(self, run: Run, because: str) -> bool:
        """Add a row in any phase, unless the run has one; whether it was added."""
        ...

    async def change(
        self, task_id: TaskId, decide: Decide, *, because: str, holder: str | None = None, cause: Cause = ()
    ) -> Mapping[RunId, Run]:
        """Save what `decide` returns for the task's rows (changed and new ones), all or nothing, and return that.

        Raises `faults.Newer` where a row of the task is of a phase that this version does not know.

        What is saved was decided on the rows as they were then. `decide` is pure: it may be asked several times, also on
        rows that turn out to be others by now, and what it says of those is dropped. `because` and `cause` go into the
        transitions. `holder` names the process that holds the changed runs' credentials from now on.
        """
        ...

    async def lease(self, key: RunKey, me: str) -> Run | None:
        """Take or renew the row's lease for `me`; None if another process has it, holds the run, or the run is settled."""
        ...

    async def release(self, keys: Collection[RunKey], me: str) -> None:
        """Give leases back."""
        ...

    async def abandon(self, me: str) -> None:
        """Give up all leases of a process that ends, and the runs whose credentials it held."""
        ...

    async def due(self, me: str, *, limit: int, foreign: bool) -> list[Run]:
        """Lease rows that owe something now: earliest claim expiry first, then `due_at`; rows leased by others skipped.

        With `foreign` false only rows whose credentials `me` holds; with it also rows of nobody, and those that their
        holder has left overdue.
        """
        ...

    async def of_task(self, task_id: TaskId) -> Mapping[RunId, Run]:
        """All rows of a task, not locked."""
        ...

    async def of_requests(self, request_ids: Collection[RequestId], *, pools: Collection[str]) -> list[Run]:
        """The unsettled rows of these pools that hold one of these requests."""
        ...

    async def retire(self, older_than: timedelta, limit: int) -> int:
        """Delete settled rows whose deadline is longer ago, at most `limit`; how many there were."""
        ...

    def unsettled(self, *, page: int = 1000) -> AsyncIterator[list[Run]]:
        """All unsettled rows in pages by key, each page a statement of its own."""
        ...


class Queue(Protocol):
    """Taskcluster's queue. Run credentials live inside, in memory only, from claim or reclaim until `forget`."""

    async def status(self, task_id: TaskId) -> TaskStatus:
        """Read one status; concurrent calls share batches. `Missing` only after a 404 for this very task."""
        ...

    async def statuses(self, task_ids: Collection[TaskId]) -> Mapping[TaskId, TaskStatus]:
        """Read many statuses; ids that are not found are left out, which proves nothing."""
        ...

    async def definition(self, task_id: TaskId) -> Definition:
        """Read one definition; concurrent calls share batches, and definitions are remembered. `Missing` as in status."""
        ...

    async def expanded(self, scopes: Sequence[str]) -> frozenset[str]:
        """Expand the scopes through Taskcluster's roles."""
        ...

    def pending(self, task_queue_id: str) -> AsyncIterator[list[PendingRun]]:
        """Read the pending runs of a task queue, page by page, repeats dropped; the definitions are remembered."""
        ...

    async def claim(self, key: RunKey, worker: Worker, task_queue_id: str) -> datetime:
        """Claim (or claim again) and keep the credentials; returns takenUntil."""
        ...

    async def reclaim(self, key: RunKey) -> datetime:
        """Renew the claim with the run's own credentials; returns takenUntil. Needs `holds(key)`."""
        ...

    async def attach(self, key: RunKey, artifact: Artifact) -> None:
        """Create the artifact and store its body. Needs `holds(key)`. An equal one that exists is success.

        A source is not sent again where its bytes are stored already, as after a restart.
        """
        ...

    def artifact_address(self, key: RunKey, name: str) -> str:
        """Where anybody finds an artifact of this very run."""
        ...

    async def definition_hash(self, task_id: TaskId) -> str:
        """SHA-256, in hex, of the task's definition in a form that does not depend on the order of its keys."""
        ...

    @property
    def encodes(self) -> bool:
        """Whether a body may be stored gzip-encoded."""
        ...

    async def resolve(self, key: RunKey, resolution: Resolution | None) -> TaskStatus:
        """Report the resolution (None: malformed-payload). Needs `holds(key)`."""
        ...

    async def cancel_task(self, task_id: TaskId) -> TaskStatus:
        """Cancel the *task*; only to be called directly after a status read that shows the run last and unresolved."""
        ...

    def holds(self, key: RunKey) -> bool:
        """Whether this process has credentials of the run that still work."""
        ...

    def half_over(self) -> list[RunKey]:
        """Runs whose claims, by what this process remembers, have less than half of their time left; most urgent first."""
        ...

    def forget(self, key: RunKey) -> None:
        """Drop the run's credentials."""
        ...


class Published(Protocol):
    """Makes what is published with a run, without calls."""

    @property
    def attests(self) -> bool:
        """Whether `provenance` is wanted."""
        ...

    def redactor(self, properties: Properties) -> Redact:
        """What masks secrets in text about a build with these properties."""
        ...

    def facts(self, run: Run, state: RequestState, record: BuildRecord, page: str | None, redact: Redact) -> bytes:
        """The document about a run's build."""
        ...

    def provenance(  # noqa: PLR0913, PLR0917  all that it says
        self,
        run: Run,
        state: RequestState,
        record: BuildRecord,
        page: str | None,
        definition: str,
        stored: Sequence[Stored],
    ) -> tuple[bytes, bytes | None]:
        """The document about what the bridge saw, and its signature where there is a key."""
        ...


class Steering(Protocol):
    """What operators want."""

    async def stop(self, pool: str, builder: str) -> Stop | None:
        """The order that holds such runs back, if there is one; it is seconds old at most. `Unavailable` while unknown."""
        ...


class Read(Protocol):
    """Answer to a bulk read: states found, and ids that Buildbot, answering, did not know."""

    @property
    def states(self) -> tuple[RequestState, ...]:
        """The states found."""
        ...

    @property
    def missing(self) -> tuple[int, ...]:
        """The ids not known."""
        ...


class Builds(Protocol):
    """One Buildbot, or another system that builds on request."""

    async def submit(self, key: RunKey, order: Order) -> RequestId:
        """Request a build under the run's key, or learn which request that key has. Idempotent. `Unfit`, `Full`."""
        ...

    async def find(self, key: RunKey) -> RequestState | None:
        """Read the request that was made under this key."""
        ...

    async def state(self, request: RequestId) -> RequestState | None:
        """Read one request's state; concurrent calls share batches. None: Buildbot answers and does not know it."""
        ...

    async def states(self, requests: Collection[RequestId]) -> Read:
        """Read many states."""
        ...

    async def cancel(self, key: RunKey, reason: str) -> RequestState | None:
        """Ask for the cancel of the request made under this key. Its state, or None if there is no such request."""
        ...

    async def set_priority(self, key: RunKey, priority: int) -> None:
        """Change the priority of the waiting request made under this key."""
        ...

    async def properties(self, build_id: int) -> Properties:
        """Read a build's properties: name to (value, source)."""
        ...

    def strangers(self, completed_since: datetime) -> AsyncIterator[list[RequestState]]:
        """Read all requests that carry keys of ours: the open ones, and those completed since."""
        ...

    async def build_url(self, state: RequestState) -> str | None:
        """The page of the request's newest build, for people; None while unknown."""
        ...

    async def record(self, build_id: int) -> BuildRecord:
        """Read a build with its steps. `Missing` once Buildbot has pruned it."""
        ...

    async def log_piece(self, build_id: int, log_id: int, first_line: int) -> LogPiece:
        """Read some lines of a log, about half a megabyte at most. No lines and not complete: there are none yet."""
        ...

    async def outputs(self, build_id: int) -> tuple[Output, ...]:
        """Which files the build gave away, by rising number."""
        ...

    def output(self, build_id: int, number: int) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open one of them for reading; faults may come with any chunk. `Missing` if it is not kept any more."""
        ...

    async def release(self, build_id: int) -> None:
        """Let Buildbot forget the files that the build gave away."""
        ...
