"""What a run can owe. Each may be repeated, except where its docstring says what guards it."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.core.run import BuildId, Request, RunId, Worker
from bridge.core.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Look:
    """Read the task's status and the request's state."""

    request: Request | None


@dataclass(frozen=True, slots=True)
class RequestBuild:
    """Judge the task and ask Buildbot for a build under the run's key: idempotent on Buildbot's side."""


@dataclass(frozen=True, slots=True)
class ClaimRun:
    """Claim the run under this identity; the same identity may ask again and gets the same claim."""

    worker: Worker


@dataclass(frozen=True, slots=True)
class ReclaimRun:
    """Renew the claim."""

    worker: Worker


@dataclass(frozen=True, slots=True)
class Report:
    """Attach the artifacts, then resolve the run.

    For `Resolution.CANCELED` this is cancelTask, which acts on the task and not on the run: it is called only directly after
    a status read that shows this run last and unresolved. A repeated reportException can free dependents too early, so a
    call whose outcome is unknown is followed by a read (`Doubted`), never by the same call.
    """

    worker: Worker
    build: BuildId | None
    request: Request
    verdict: Verdict
    claimed: bool


@dataclass(frozen=True, slots=True)
class Explain:
    """Attach the reason of the refusal and resolve the run as malformed-payload."""

    worker: Worker
    reason: str


@dataclass(frozen=True, slots=True)
class Reprioritise:
    """Give the waiting request the task's new priority (Taskcluster's name for it)."""

    request: Request
    priority: str


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """Ask Buildbot to cancel the request made under this run's key; asked again until its state shows it complete."""

    created_for: RunId
    because: str
    asked: int


@dataclass(frozen=True, slots=True)
class AttachLeftovers:
    """Attach log and properties of a stopped build to its run (the queue takes uploads for 25 minutes)."""

    build: BuildId
    worker: Worker


Command = Look | RequestBuild | ClaimRun | ReclaimRun | Reprioritise | Report | Explain | CancelRequest | AttachLeftovers
