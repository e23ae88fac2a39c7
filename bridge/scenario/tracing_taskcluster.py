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
from bridge.scenario.trace import Step, Trace

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
    own = _is_own(of, number, reason)
    if own:
        _verdict(of, number, reason)
    match reason:
        case "deadline-exceeded":
            created = of.steps[0][0] if of.steps else change.at
            of.task.setdefault("deadline", words(max(timedelta(), change.at - created - RESOLVED_AFTER)))
            of.add(change.at, {"taskcluster": "deadline passed"})
        case "claim-expired":
            _add(of, change, number, {"taskcluster": "claim expired", "run": number})
        case "canceled" if not own:
            _add(of, change, number, {"taskcluster": "task cancelled"})
        case _ if not own:
            by = reason if reason in _BY_ANOTHER else "failed"
            _add(of, change, number, {"taskcluster": "resolved by another", "run": number, "reason": by})
        case _:
            pass
    if number + 1 in of.rerun:
        of.add(change.at, {"taskcluster": "task rerun"})


def _is_own(of: Trace, number: int, reason: str) -> bool:
    """Whether the bridge may have resolved the run by its own report; a cancel is its own if Buildbot cancelled."""
    phases, fact = of.phases.get(number, []), of.told.get(number)
    if not phases or phases[-1] not in _OWN or reason == "claim-expired":
        return False
    return reason != "canceled" or (fact is not None and fact.results == Results.CANCELLED)


def _add(of: Trace, change: Happened, number: int, step: Step) -> None:
    """Note what somebody, or time, did to a run. One that has a verdict was overtaken: its report was never accepted."""
    if of.phases.get(number, [""])[-1] == "reporting":
        of.add(of.since[number], step | {"unheard": True})
    else:
        of.add(change.at, step)


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
