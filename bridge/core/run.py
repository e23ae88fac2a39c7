"""A run: one attempt at one Taskcluster task, lived out as one Buildbot build. Its phases, and what is true in each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NewType

from bridge.core.verdict import Verdict

TaskId = NewType("TaskId", str)
RunId = NewType("RunId", int)
RequestId = NewType("RequestId", int)
BuildId = NewType("BuildId", int)


@dataclass(frozen=True, slots=True, order=True)
class RunKey:
    """The name of a run on both sides: everything is keyed by (taskId, runId), for a resolved task can grow new runs."""

    task_id: TaskId
    run_id: RunId

    def __str__(self) -> str:
        return f"{self.task_id}/{self.run_id}"


@dataclass(frozen=True, slots=True)
class Worker:
    """The identity a run is claimed under: Taskcluster's workerGroup and workerId. Never changes once in a row."""

    group: str
    id: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim of ours: good until `taken_until`, to be renewed at `reclaim_at`."""

    taken_until: datetime
    reclaim_at: datetime


@dataclass(frozen=True, slots=True)
class Request:
    """A Buildbot build request, and the run of the same task that it was created for (it may serve a later one)."""

    id: RequestId
    created_for: RunId


@dataclass(frozen=True, slots=True)
class Facts:
    """What Taskcluster's status says about the task, as last read."""

    task_group_id: str
    scheduler_id: str
    project_id: str
    priority: str
    scheduled: datetime
    deadline: datetime
    expires: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """The run is pending, and no request is known for it. `held` names what it waits for, if it waits.

    `asked`: a submit may have been sent, so a request may exist under the run's key without its answer having been stored.
    """

    held: str | None = None
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Queued:
    """A build request exists, no build of it is known to run.

    `worker` is kept when a build of the request was seen before (it ended RETRY), `claim` when Taskcluster says that the
    run is claimed by us although no build is on record: the rows were lost, or an answer was. Builds up to `after` are
    history: they ended RETRY and were told of. `priority` is the one Buildbot was told (None: not known).
    """

    request: Request
    worker: Worker | None = None
    claim: Claim | None = None
    after: BuildId | None = None
    priority: str | None = None


@dataclass(frozen=True, slots=True)
class Building:
    """A build of our request has started. Without a claim the run is still pending in Taskcluster."""

    request: Request
    build: BuildId
    worker: Worker
    claim: Claim | None = None


@dataclass(frozen=True, slots=True)
class Reporting:
    """The verdict is written, once and for good; Taskcluster has not acknowledged it yet."""

    request: Request
    build: BuildId | None
    worker: Worker
    verdict: Verdict
    since: datetime
    claim: Claim | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The task may not become a build; `reason` is what its author will read."""

    worker: Worker
    reason: str
    claim: Claim | None = None


@dataclass(frozen=True, slots=True)
class Stopping:
    """Taskcluster no longer wants the run; its request is cancelled until Buildbot shows it complete (`over`).

    Without `request` it is the one made under the run's own key, if the submit came to anything. `worker` is there if the
    run was claimed: what its build left behind can then be attached.
    """

    request: Request | None
    because: str
    since: datetime
    build: BuildId | None = None
    worker: Worker | None = None
    asked: int = 0
    over: bool = False


@dataclass(frozen=True, slots=True)
class Settled:
    """The run is over and nothing is owed. Kept so that late messages find it settled."""

    outcome: str
    request: Request | None = None
    build: BuildId | None = None


Phase = Wanted | Queued | Building | Reporting | Refused | Stopping | Settled


@dataclass(frozen=True, slots=True)
class Run:
    """One row: the run, its phase, and when to look at it again.

    `look_at`: when both sides must be read again at the latest. `not_before`: what the phase owes is not tried earlier.
    `attempts` counts tries since the phase began. `missing_since` and `missing_reads`: since when and on how many reads
    Buildbot did not know our request; `absent_since`: since when the queue does not know the task.
    """

    key: RunKey
    pool: str
    phase: Phase
    look_at: datetime
    not_before: datetime
    facts: Facts | None = None
    builder: str | None = None
    attempts: int = 0
    missing_since: datetime | None = None
    missing_reads: int = 0
    absent_since: datetime | None = None


def request_of(run: Run) -> Request | None:
    """The build request that the run holds, or held."""
    match run.phase:
        case Wanted() | Refused():
            return None
        case Queued() | Building() | Reporting() | Stopping() | Settled():
            return run.phase.request


def claim_of(run: Run) -> Claim | None:
    """The run's claim, while one is on record."""
    match run.phase:
        case Queued() | Building() | Reporting() | Refused():
            return run.phase.claim
        case Wanted() | Stopping() | Settled():
            return None
