"""A history gone through change by change: what each says that is news, as steps."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from bridge.core.endings import LOST_AFTER
from bridge.core.run import Wanted
from bridge.scenario.evidence import Fact, Happened, facts
from bridge.scenario.spans import words
from bridge.scenario.trace import Trace
from bridge.scenario.tracing_buildbot import request_seen, stopped
from bridge.scenario.tracing_taskcluster import task_seen

_AT_ONCE: Final = timedelta(seconds=30)
"""A submit that came later after its run was held back by something."""


def retrace(of: Trace, change: Happened) -> None:
    """Take the next change of phase."""
    run = change.run_id
    if run not in of.phases:
        _new_run(of, change)
    elif change.from_phase is None:
        of.add(change.at, {"bridge": "rows lost"})
    for fact in facts(change):
        _fact(of, change, fact)
    _held_back(of, change)
    of.phases.setdefault(run, []).append(change.to_phase)
    stopped(of, change)
    of.since[run] = change.at


def _new_run(of: Trace, change: Happened) -> None:
    """A run's first row: the task was created, or rerun; the queue's own retries are no steps."""
    if change.run_id == 0 or not of.steps:
        of.add(change.at, {"taskcluster": "task created"})
    elif of.known.get(change.run_id, of.likely(change.run_id)) == "rerun":
        if change.run_id - 1 in of.ended:
            of.add(change.at, {"taskcluster": "task rerun"})
        else:
            of.rerun.add(change.run_id)  # heard of before the end of the run before it


def _fact(of: Trace, change: Happened, fact: Fact) -> None:
    match fact.event:
        case "task":
            task_seen(of, change, fact)
        case "request":
            request_seen(of, change, fact)
        case "submitted":
            of.requests.setdefault(fact.request or 0, change.run_id)
            _held_before(of, change)
        case "refused":
            of.task["scopes"] = []
            of.notes.append("Why the task was refused is not kept; here it lacks the scope for its builder.")
        case "task missing" if change.to_phase in ("stopping", "settled"):
            of.add(change.at, {"taskcluster": "task expired"})
        case "request missing" if change.to_phase == "reporting":
            of.add(max(of.since[change.run_id], change.at - LOST_AFTER), {"buildbot": "request lost"})
        case _:
            return


def _held_before(of: Trace, change: Happened) -> None:
    """A submit long after its run was known."""
    since = of.since.get(change.run_id)
    if since is not None and change.from_phase == "wanted" and change.at - since > _AT_ONCE:
        of.add(since, {"buildbot": "builder full", "builder": of.task["builder"]})
        of.add(change.at, {"buildbot": "builder has room", "builder": of.task["builder"]})
        of.notes.append(f"What held run {change.run_id} back is not kept; here its builder took no more requests.")


def _held_back(of: Trace, change: Happened) -> None:
    """What kept a run from its next phase and left no trace in the history."""
    since = of.since.get(change.run_id)
    match change.from_phase, change.to_phase:
        case "wanted", "settled" if since is not None and since < change.at:
            of.add(since, {"buildbot": "builder full", "builder": of.task["builder"]})
            of.notes.append(f"Why run {change.run_id} was not submitted is not kept; here its builder was full.")
        case "building", "queued" if since is not None:
            of.add(since, {"call": "claimTask", "answers": 500, "for": words(change.at - since)})
            of.notes.append(f"Why run {change.run_id} was not claimed is not kept; here the call was answered 500.")
        case _:
            return


def held_now(of: Trace) -> None:
    """A run that waits at the end of its history goes on waiting."""
    for number, run in of.rows.items():
        if isinstance(run.phase, Wanted) and number in of.since:
            of.add(of.since[number], {"buildbot": "builder full", "builder": of.task["builder"]})
