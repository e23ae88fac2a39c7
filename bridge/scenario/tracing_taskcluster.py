"""What a status read said that is news: who ended a run, or took it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, get_args

from bridge.core.verdict import Results
from bridge.scenario.document import ResultsMap
from bridge.scenario.evidence import Fact, Happened
from bridge.scenario.queue import RESOLVED_AFTER
from bridge.scenario.spans import words
from bridge.scenario.steps import Told
from bridge.scenario.trace import Trace

_BY_ANOTHER: Final = frozenset({"completed", "failed", "canceled", "worker-shutdown"})
"""What somebody else can make of a run in a scenario; anything else is told as failed."""
_OWN: Final = ("reporting", "refused")
"""Phases in which a run's resolution is the bridge's own report."""


def task_seen(of: Trace, change: Happened, fact: Fact) -> None:
    """Take in the runs as the queue showed them."""
    for number, run in enumerate(fact.runs):
        if run is None or number in of.ended:
            continue
        if run.reason is not None:
            of.ended[number] = run.reason
            _resolved(of, change, number, run.reason)
        elif number == change.run_id and run.state == "running" and change.to_phase in ("stopping", "settled"):
            worker = (run.worker or "").partition("/")[2] or "their-worker"
            of.add(change.at, {"taskcluster": "claimed by another", "run": number, "worker": worker})


def _resolved(of: Trace, change: Happened, number: int, reason: str) -> None:
    """A run's end: by the bridge itself, by time, or by somebody."""
    phases = of.phases.get(number, [])
    _verdict(of, number, reason)
    own = bool(phases) and phases[-1] in _OWN
    match reason:
        case "deadline-exceeded":
            created = of.steps[0][0] if of.steps else change.at
            of.task.setdefault("deadline", words(max(timedelta(), change.at - created - RESOLVED_AFTER)))
            of.add(change.at, {"taskcluster": "deadline passed"})
        case "claim-expired":
            of.add(change.at, {"taskcluster": "claim expired", "run": number})
        case "canceled" if not own:
            of.add(change.at, {"taskcluster": "task cancelled"})
        case _ if not own:
            by = reason if reason in _BY_ANOTHER else "failed"
            of.add(change.at, {"taskcluster": "resolved by another", "run": number, "reason": by})
        case _:
            pass
    if number + 1 in of.rerun:
        of.add(change.at, {"taskcluster": "task rerun"})


def _verdict(of: Trace, number: int, reason: str) -> None:
    """The line of the pool's verdict table, where it is not the usual one."""
    fact = of.told.get(number)
    name = _line(fact) if fact is not None else None
    if name is not None and reason in get_args(Told) and reason != ResultsMap.model_fields[name].default:
        of.results[name] = reason


def _line(fact: Fact) -> str | None:
    """The line of the verdict table that a complete request falls under, if settings can change it."""
    if fact.shutdown or not fact.complete:
        return None
    if fact.results == Results.SKIPPED:
        return "skipped" if fact.builds else "collapsed"
    lines = {Results.WARNINGS: "warnings", Results.EXCEPTION: "exception", Results.CANCELLED: "cancelled"}
    return lines.get(Results(fact.results)) if fact.results in list(Results) else None
