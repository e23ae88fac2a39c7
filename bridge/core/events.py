"""What can happen to a run. Every event carries `at`, the moment before which its fact was asked for (aware, UTC)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bridge.core.commands import Command
from bridge.core.request import RequestState
from bridge.core.rules import Rules
from bridge.core.run import Request, RunId
from bridge.core.status import TaskStatus


@dataclass(frozen=True, slots=True)
class Hinted:
    """A message said that something changed. It decides nothing; both sides are read at once."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Urged:
    """An operator wants what the run owes to be tried now, whatever wait was agreed. It decides nothing either."""

    at: datetime


@dataclass(frozen=True, slots=True)
class TaskSeen:
    """The queue's status of the task, read or in the answer to a call."""

    at: datetime
    status: TaskStatus
    rules: Rules


@dataclass(frozen=True, slots=True)
class TaskMissing:
    """The queue answered 404 for the task itself; `retry_at` is when to ask again."""

    at: datetime
    retry_at: datetime


@dataclass(frozen=True, slots=True)
class RequestSeen:
    """Buildbot's state of a build request."""

    at: datetime
    state: RequestState
    rules: Rules


@dataclass(frozen=True, slots=True)
class RequestMissing:
    """Buildbot, up and answering, does not know the request that the run holds."""

    at: datetime
    retry_at: datetime
    rules: Rules


@dataclass(frozen=True, slots=True)
class Submitted:
    """Buildbot has a request for this run, made now or earlier; `builder` None: unknown; the priority is Taskcluster's."""

    at: datetime
    request: Request
    builder: str | None
    priority: str


@dataclass(frozen=True, slots=True)
class Asking:
    """The task was found fit; a submit for `builder` is about to be sent.

    `teller`: the run before, whose row was seen to tell of the request that passes to this one; no news if it is lost since.
    """

    at: datetime
    builder: str
    teller: RunId | None = None


@dataclass(frozen=True, slots=True)
class HeldBack:
    """No request could be made yet, for a named reason; try again at `until`.

    `asked`: whether one may exist all the same; None where that is no news, for the row knows best.
    """

    at: datetime
    until: datetime
    why: str
    asked: bool | None = None


@dataclass(frozen=True, slots=True)
class Inadmissible:
    """The task may not become a build; `reason` is for its author."""

    at: datetime
    reason: str
    rules: Rules


@dataclass(frozen=True, slots=True)
class Claimed:
    """Taskcluster gave or renewed our claim."""

    at: datetime
    taken_until: datetime


@dataclass(frozen=True, slots=True)
class Doubted:
    """The outcome of `tried` is unknown, or it was refused for a reason that only a read can tell (409, 5xx, lost answer).

    `tried` is put off until `until`; None: whatever was owed first at `at`.
    """

    at: datetime
    until: datetime
    tried: Command | None = None


@dataclass(frozen=True, slots=True)
class Deferred:
    """What is owed, `tried`, could not be done now and nothing changed by trying; try again at `until`. See `Doubted`."""

    at: datetime
    until: datetime
    tried: Command | None = None


@dataclass(frozen=True, slots=True)
class Incomplete:
    """What the task must carry could not be stored, for good or for too long; `why` is for people."""

    at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Reprioritised:
    """Buildbot's queue knows the request under Taskcluster's `priority` now, or has no use for it any more."""

    at: datetime
    priority: str


@dataclass(frozen=True, slots=True)
class CancelAsked:
    """Buildbot accepted a cancel of the request, which says nothing yet; ask again at `until`."""

    at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Attached:
    """What a stopped build left behind is attached to its run, or cannot be any more."""

    at: datetime


Event = (
    Hinted
    | Urged
    | TaskSeen
    | TaskMissing
    | RequestSeen
    | RequestMissing
    | Asking
    | Submitted
    | HeldBack
    | Inadmissible
    | Claimed
    | Doubted
    | Deferred
    | Reprioritised
    | CancelAsked
    | Attached
    | Incomplete
)
