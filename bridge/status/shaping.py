"""From rows to answers. Pure: what is shown is decided here, and nothing is read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from bridge.core.debts import debts
from bridge.core.ledger import Change, Entry, Step
from bridge.core.run import (
    Building,
    Queued,
    Refused,
    Reporting,
    Settled,
    Stopping,
    Wanted,
    Worker,
    claim_of,
    request_of,
)
from bridge.core.run import Phase as Phased
from bridge.core.words import in_words
from bridge.status import answers
from bridge.status.asked import Phase
from bridge.status.ports import Trove
from bridge.stuck import Circumstances, findings
from bridge.stuck import Finding as Wrong

PHASES = cast("dict[type[Phased], Phase]", {kind: kind.__name__.lower() for kind in Phased.__args__})


def run(entry: Entry, seen: Circumstances) -> answers.Run:
    """A row for people."""
    held, facts, request, claim = entry.run, entry.run.facts, request_of(entry.run), claim_of(entry.run)
    of_task = {name: getattr(facts, name) if facts else None for name in _FACTS}
    return answers.Run(
        **of_task,
        **_of_phase(held.phase),
        task_id=held.key.task_id,
        run_id=held.key.run_id,
        pool=held.pool,
        phase=PHASES[type(held.phase)],
        builder=held.builder,
        request_id=request.id if request else None,
        request_run=request.created_for if request else None,
        taken_until=claim.taken_until if claim else None,
        reclaim_at=claim.reclaim_at if claim else None,
        due_at=entry.due_at,
        attempts=held.attempts,
        created_at=entry.created_at,
        updated_at=entry.updated_at,
        stuck=[finding.cause.name for finding in findings(entry, seen)],
    )


_FACTS = ("task_group_id", "scheduler_id", "project_id", "priority", "scheduled", "deadline", "expires")
_OF_PHASE = ("build_id", "worker_group", "worker_id", "held", "reason", "verdict", "verdict_why", "outcome")


def _of_phase(phase: Phased) -> dict[str, Any]:
    return {**dict.fromkeys(_OF_PHASE), **_known(phase)}


def _known(phase: Phased) -> dict[str, Any]:
    match phase:
        case Wanted(held=held):
            return {"held": held}
        case Queued(worker=worker):
            return _worker(worker)
        case Building(build=build, worker=worker):
            return {"build_id": build, **_worker(worker)}
        case Reporting(build=build, worker=worker, verdict=verdict):
            told = {"verdict": verdict.resolution.value, "verdict_why": verdict.why}
            return {"build_id": build, **told, **_worker(worker)}
        case Refused(worker=worker, reason=reason):
            return {"reason": reason, **_worker(worker)}
        case Stopping(because=because, build=build, worker=worker):
            return {"reason": because, "build_id": build, **_worker(worker)}
        case Settled(outcome=outcome, build=build):
            return {"outcome": outcome, "build_id": build}


def _worker(worker: Worker | None) -> dict[str, Any]:
    return {"worker_group": worker.group, "worker_id": worker.id} if worker else {}


def row(entry: Entry) -> answers.Row:
    """The rest of a row, about the work on it."""
    held = entry.run
    return answers.Row(
        version=entry.version,
        look_at=held.look_at,
        not_before=held.not_before,
        lease_owner=entry.lease_owner,
        lease_until=entry.lease_until,
        holder=entry.holder,
        missing_since=held.missing_since,
        missing_reads=held.missing_reads,
        absent_since=held.absent_since,
    )


def owes(entry: Entry) -> list[answers.Debt]:
    """What the run owes, and will owe if nothing happens, by the time of it."""
    owed = sorted(debts(entry.run), key=lambda debt: debt[0])
    return [answers.Debt(what=type(what).__name__, words=in_words(what), at=at) for at, what in owed]


def wrong(entry: Entry, seen: Circumstances) -> list[answers.Finding]:
    """What is wrong with the run."""
    return [_finding(each) for each in findings(entry, seen)]


def _finding(found: Wrong) -> answers.Finding:
    cause = found.cause
    texts = {"cause": cause.name, "what": cause.what, "why": cause.why, "mend": cause.mend}
    return answers.Finding(**texts, detail=found.detail, since=found.since)


def transitions(steps: Iterable[Step], run_id: int | None = None) -> list[answers.Transition]:
    """The changes of phase of one run, or of all."""
    fields = ("run_id", "at", "from_phase", "to_phase", "because", "who")
    return [
        answers.Transition(**{name: getattr(step, name) for name in fields})
        for step in steps
        if run_id in (None, step.run_id)
    ]


def hits(words: str, trove: Trove, seen: Circumstances) -> answers.Hits:
    """What a search found; `words`: what was looked for."""
    found = [answers.Hit(found_as=kind, run=run(entry, seen)) for kind, entry in trove.found]
    return answers.Hits(words=words, hits=found, more=list(trove.more), looked_at=trove.looked_at, errors=list(trove.errors))


def event(change: Change) -> answers.Event:
    """A change of phase for those who watch."""
    told = change.step
    return answers.Event(
        id=change.number,
        task_id=change.task_id,
        run_id=told.run_id,
        at=told.at,
        from_phase=told.from_phase,
        to_phase=told.to_phase,
        because=told.because,
        pool=change.pool,
        builder=change.builder,
        task_group_id=change.task_group_id,
    )
