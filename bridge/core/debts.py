"""What a run owes, and when: one ordered list per run, from which `owed` and `due_at` are both read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bridge.core.commands import (
    AttachLeftovers,
    CancelRequest,
    ClaimRun,
    Command,
    Explain,
    Look,
    ReclaimRun,
    Report,
    Reprioritise,
    RequestBuild,
)
from bridge.core.run import (
    Building,
    Claim,
    Queued,
    Refused,
    Reporting,
    Run,
    Settled,
    Stopping,
    Wanted,
    Worker,
    request_of,
)
from bridge.core.verdict import Resolution

Debt = tuple[datetime, Command]


def owed(run: Run, now: datetime) -> Command | None:
    """The one thing to do now for this run, or None."""
    return next((command for when, command in debts(run) if when <= now), None)


def due_at(run: Run) -> datetime | None:
    """The moment from which the run owes something; None once settled, and only then."""
    return min((when for when, _ in debts(run)), default=None)


def debts(run: Run) -> Iterator[Debt]:
    """All that the run owes or will owe if nothing happens, most important first."""
    if not isinstance(run.phase, Settled):
        yield run.look_at, Look(request_of(run))
    yield from _of_phase(run)


def _of_phase(run: Run) -> Iterator[Debt]:
    match run.phase:
        case Wanted():
            yield run.not_before, RequestBuild()
        case Queued():
            yield from _queued(run, run.phase)
        case Building(worker=worker, claim=claim):
            yield from _kept(run, worker, claim)
        case Reporting():
            yield from _reporting(run, run.phase)
        case Refused(worker=worker, reason=reason, claim=claim):
            yield from _kept(run, worker, claim)
            if claim is not None:
                yield run.not_before, Explain(worker, reason)
        case Stopping():
            yield run.not_before, _stopping(run, run.phase)
        case Settled():
            return


def _kept(run: Run, worker: Worker, claim: Claim | None) -> Iterator[Debt]:
    """The claim: taken, then renewed. Past the deadline the queue refuses both, so neither is owed any more."""
    when, command = (run.not_before, ClaimRun(worker)) if claim is None else (claim.reclaim_at, ReclaimRun(worker))
    if run.facts is None or when < run.facts.deadline:
        yield when, command


def _queued(run: Run, phase: Queued) -> Iterator[Debt]:
    if phase.worker is not None and phase.claim is not None:
        yield from _kept(run, phase.worker, phase.claim)
    if phase.priority is not None and run.facts is not None and run.facts.priority != phase.priority:
        yield run.not_before, Reprioritise(phase.request, run.facts.priority)


def _reporting(run: Run, phase: Reporting) -> Iterator[Debt]:
    report = Report(phase.worker, phase.build, phase.request, phase.verdict, phase.claim is not None)
    # A pending run can be cancelled as it is. All else is told of a run that is claimed, and so is a build: it left a log.
    as_it_is = phase.build is None and phase.verdict.resolution is Resolution.CANCELED
    if phase.claim is not None or not as_it_is:
        yield from _kept(run, phase.worker, phase.claim)
    if phase.claim is not None or as_it_is:
        yield run.not_before, report


def _stopping(run: Run, phase: Stopping) -> Command:
    if phase.over and phase.worker is not None and phase.build is not None:
        return AttachLeftovers(phase.build, phase.worker)
    created_for = phase.request.created_for if phase.request else run.key.run_id
    return CancelRequest(created_for, phase.because, phase.asked)
