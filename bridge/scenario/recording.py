"""From a task's history to a scenario: what must have happened outside, and when the bridge knew.

Times are those at which the bridge changed a row, so they come a little after what happened. What leaves no trace in the
history cannot be recorded: calls that failed and were repeated, messages, sweeps, properties, and why a task was refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, get_args

from bridge.core.run import Run, RunId, Settled, request_of
from bridge.scenario.document import Scenario
from bridge.scenario.evidence import Happened, facts
from bridge.scenario.playing import play
from bridge.scenario.retracing import held_now, retrace
from bridge.scenario.rows import Change
from bridge.scenario.spans import words
from bridge.scenario.steps import Priority
from bridge.scenario.trace import Trace

TASK: Final = "build"
"""The recorded task's name in its scenario."""
_MARGIN: Final = timedelta(minutes=2)
"""Played on after the last change: two sweeps, for what the bridge learns a little later than it did."""
_SKIPPED: Final[Mapping[tuple[str, ...], Sequence[str]]] = {
    ("wanted", "building"): ("(queued)",),
    ("wanted", "reporting"): ("(queued)", "(building)"),
}
_TRANSACTION: Final = timedelta(milliseconds=2)
_UNKNOWN_BUILDER: Final = "unknown"
_RETRY: Final = ("retry", "task-retry")
"""Why the queue creates runs by itself."""


def record(title: str, rows: Mapping[RunId, Run], history: Sequence[Happened], last: int | None = None) -> Scenario:
    """The scenario of a task, up to run `last` (None: all of them); rows of the same task, its history oldest first.

    It was played when it is returned: where it does not go as the history did, its `notes` say so.
    """
    kept = _together([each for each in history if last is None or each.run_id <= last])
    trace = Trace({number: run for number, run in rows.items() if last is None or number <= last}, kept)
    scenario = Scenario.model_validate(_document(trace, title))
    wrong = play(scenario).differences
    notes = tuple(f"Played again, it differs: {each}" for each in wrong)
    return scenario.model_copy(update={"notes": (*scenario.notes, *notes)})


def _together(history: Sequence[Happened]) -> list[Change]:
    """The history with one time for all changes of one transaction: each was stamped when it was written.

    A transaction changes a run's phase once.
    """
    found: list[Change] = []
    for each in history:
        before = found[-1] if found else None
        same = before is not None and before.run_id != each.run_id and each.at - before.at < _TRANSACTION
        at = before.at if before is not None and same else each.at
        found.append(Change(each.run_id, at, each.from_phase, each.to_phase, each.because, each.cause))
    return found


def _document(of: Trace, title: str) -> dict[str, Any]:
    """The whole file, as plain values."""
    _of_rows(of)
    for each in of.history:
        retrace(of, each)
    held_now(of)
    beginning = min(at for at, _ in of.steps)
    ordered = sorted(of.steps, key=lambda step: step[0])
    return {
        "scenario": 1,
        "title": title,
        "story": "Recorded from a run's history. Times are those at which the bridge knew.",
        "notes": _all_notes(of),
        "stack": "it is a recording",
        "bridge": {"results": of.results},
        "tasks": {TASK: of.task},
        "steps": [{"at": words(at - beginning), **step} for at, step in ordered],
        "until": words(of.history[-1].at - beginning + _MARGIN),
        "expect": {TASK: _expected(of)},
    }


def _of_rows(of: Trace) -> None:
    """What rows say of the task itself."""
    known = next((run for run in of.rows.values() if run.facts is not None), None)
    builder = next((run.builder for run in of.rows.values() if run.builder), None) or _builder(of)
    of.task = {"builder": builder}
    if known is not None and known.facts is not None:
        of.task["deadline"] = words(max(timedelta(), known.facts.deadline - of.history[0].at))
        of.task |= {"priority": known.facts.priority} if known.facts.priority in get_args(Priority) else {}
    if (retries := _retries(of.history)) is not None:
        of.task["retries"] = retries
    for each in of.history:
        for fact in facts(each):
            of.known.update({n: run.created for n, run in enumerate(fact.runs) if run is not None and run.created})


def _builder(of: Trace) -> str:
    found = (fact.builder for each in of.history for fact in facts(each))
    return next((name for name in found if name), _UNKNOWN_BUILDER)


def _expected(of: Trace) -> dict[str, Any]:
    made = {held.id for run in of.rows.values() if (held := request_of(run)) is not None} | {*of.requests}
    runs = {number: _expected_run(of, number) for number in sorted(of.phases)}
    # Retries of which there is no history, or none that is to be told, come by themselves all the same.
    retried = {number: dict[str, Any]() for number, created in of.known.items() if created in _RETRY}
    return {"runs": retried | runs, "requests": len(made)}


def _expected_run(of: Trace, number: int) -> dict[str, Any]:
    phases = _with_what_was_skipped(of.phases[number])
    adopted = number > 0 and of.known.get(number, of.likely(number)) != "rerun"
    perhaps = phases[1:] if phases[0] == "wanted" else phases
    expected: dict[str, Any] = {"phases": ["(wanted)", *perhaps] if adopted else phases}
    return expected | ({"ends": of.ended[number]} if number in of.ended else {})


def _with_what_was_skipped(phases: Sequence[str]) -> list[str]:
    """A build that was faster than the answer to its submit takes a run past phases that a play goes through."""
    if tuple(phases[:2]) not in _SKIPPED:
        return list(phases)
    return [phases[0], *_SKIPPED[phases[0], phases[1]], *phases[1:]]


def _all_notes(of: Trace) -> list[str]:
    older = any(each.cause is None for each in of.history if each.from_phase is not None)
    told = ["An older version stored some changes: of them only what their words say is here."] if older else []
    open_ones = [number for number, run in of.rows.items() if not isinstance(run.phase, Settled)]
    left = [f"Run {number} was not over when this was recorded." for number in open_ones]
    return [*dict.fromkeys([*told, *left, *of.notes])]


def _retries(history: Sequence[Happened]) -> int | None:
    """How many retries the task had at its creation."""
    for fact in (fact for each in history for fact in facts(each) if fact.retries_left is not None):
        used = sum(run is not None and run.created in _RETRY for run in fact.runs)
        return min(49, (fact.retries_left or 0) + used)  # a rerun gives them back
    return next((each.run_id for each in history if _was_the_last(each)), None)


def _was_the_last(change: Happened) -> bool:
    """Whether the queue would have retried the run, had there been retries left."""
    ended = {run.reason for fact in facts(change) for run in fact.runs if run is not None}
    return change.to_phase == "stopping" and bool(ended & {"claim-expired", "intermittent-task"})
