"""A history gone through change by change: what each says that is news, as steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, get_args

from bridge.core.endings import LOST_AFTER
from bridge.core.run import Run, RunId, Settled, Wanted
from bridge.core.verdict import Results
from bridge.scenario.document import ResultsMap
from bridge.scenario.evidence import Build, Fact, Happened, facts
from bridge.scenario.queue import RESOLVED_AFTER
from bridge.scenario.spans import words
from bridge.scenario.steps import Told

_AT_ONCE: Final = timedelta(seconds=30)
"""A submit that came later after its run was held back by something."""
_SLOW: Final = timedelta(seconds=10)
"""A build that took longer than this to stop did not listen."""
_BY_ANOTHER: Final = frozenset({"completed", "failed", "canceled", "worker-shutdown"})
"""What somebody else can make of a run in a scenario; anything else is told as failed."""
_OWN: Final = ("reporting", "refused")
"""Phases in which a run's resolution is the bridge's own report."""

Step = dict[str, Any]


@dataclass(slots=True)
class Retracer:
    """What is known so far. `task`: what the scenario says of its task; `results`: lines of the pool's verdict table.

    By run: `phases` in order, `since` when it is in the last, `ended` why it was resolved, `known` why it was created,
    `told` on what its verdict was written. `requests`: for which run each was made.
    """

    rows: Mapping[RunId, Run]
    history: Sequence[Happened]
    steps: list[tuple[datetime, Step]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    task: dict[str, Any] = field(default_factory=dict)
    phases: dict[int, list[str]] = field(default_factory=dict)
    since: dict[int, datetime] = field(default_factory=dict)
    ended: dict[int, str] = field(default_factory=dict)
    known: dict[int, str] = field(default_factory=dict)
    results: dict[str, str] = field(default_factory=dict)
    told: dict[int, Fact] = field(default_factory=dict)
    rerun: set[int] = field(default_factory=set)
    requests: dict[int, int] = field(default_factory=dict)
    started: set[int] = field(default_factory=set)
    over: set[int] = field(default_factory=set)
    complete: set[int] = field(default_factory=set)

    def change(self, change: Happened) -> None:
        """Take the next change of phase."""
        run = change.run_id
        if run not in self.phases:
            self._new_run(change)
        elif change.from_phase is None:
            self._step(change.at, {"bridge": "rows lost"})
        for fact in facts(change):
            self._fact(change, fact)
        self._held_back(change)
        self.phases.setdefault(run, []).append(change.to_phase)
        self._stopped(change)
        self.since[run] = change.at

    def _step(self, at: datetime, step: Step) -> None:
        self.steps.append((at, step))

    def _new_run(self, change: Happened) -> None:
        """A run's first row: the task was created, or rerun; the queue's own retries are no steps."""
        if change.run_id == 0 or not self.steps:
            self._step(change.at, {"taskcluster": "task created"})
        elif self.known.get(change.run_id, self.likely(change.run_id)) == "rerun":
            if change.run_id - 1 in self.ended:
                self._step(change.at, {"taskcluster": "task rerun"})
            else:
                self.rerun.add(change.run_id)  # heard of before the end of the run before it

    def likely(self, run: int) -> str:
        """Why a run was created, where nothing says so: by what became of the one before."""
        before = self.rows.get(RunId(run - 1))
        handed = before is not None and isinstance(before.phase, Settled) and "handed over" in before.phase.outcome
        return "retry" if handed or self.ended.get(run - 1) in ("intermittent-task", "claim-expired") else "rerun"

    def _fact(self, change: Happened, fact: Fact) -> None:
        match fact.event:
            case "task":
                self._task_seen(change, fact)
            case "request":
                self._request_seen(change, fact)
            case "submitted":
                self.requests.setdefault(fact.request or 0, change.run_id)
                self._held_before(change)
            case "refused":
                self.task["scopes"] = []
                self.notes.append("Why the task was refused is not kept; here it lacks the scope for its builder.")
            case "task missing" if change.to_phase in ("stopping", "settled"):
                self._step(change.at, {"taskcluster": "task expired"})
            case "request missing" if change.to_phase == "reporting":
                self._step(max(self.since[change.run_id], change.at - LOST_AFTER), {"buildbot": "request lost"})
            case _:
                return

    def _held_before(self, change: Happened) -> None:
        """A submit long after its run was known."""
        since = self.since.get(change.run_id)
        if since is not None and change.from_phase == "wanted" and change.at - since > _AT_ONCE:
            self._step(since, {"buildbot": "builder full", "builder": self.task["builder"]})
            self._step(change.at, {"buildbot": "builder has room", "builder": self.task["builder"]})
            self.notes.append(f"What held run {change.run_id} back is not kept; here its builder took no more requests.")

    def _held_back(self, change: Happened) -> None:
        """What kept a run from its next phase and left no trace in the history."""
        since = self.since.get(change.run_id)
        match change.from_phase, change.to_phase:
            case "wanted", "settled" if since is not None and since < change.at:
                self._step(since, {"buildbot": "builder full", "builder": self.task["builder"]})
                self.notes.append(f"Why run {change.run_id} was not submitted is not kept; here its builder was full.")
            case "building", "queued" if since is not None:
                self._step(since, {"call": "claimTask", "answers": 500, "for": words(change.at - since)})
                self.notes.append(f"Why run {change.run_id} was not claimed is not kept; here the call was answered 500.")
            case _:
                return

    def held_now(self) -> None:
        """A run that waits at the end of its history goes on waiting."""
        for number, run in self.rows.items():
            if isinstance(run.phase, Wanted) and number in self.since:
                self._step(self.since[number], {"buildbot": "builder full", "builder": self.task["builder"]})

    # --- Taskcluster

    def _task_seen(self, change: Happened, fact: Fact) -> None:
        for number, run in enumerate(fact.runs):
            if run is None or number in self.ended:
                continue
            if run.reason is not None:
                self.ended[number] = run.reason
                self._resolved(change, number, run.reason)
            elif number == change.run_id and run.state == "running" and change.to_phase in ("stopping", "settled"):
                worker = (run.worker or "").partition("/")[2] or "their-worker"
                self._step(change.at, {"taskcluster": "claimed by another", "run": number, "worker": worker})

    def _resolved(self, change: Happened, number: int, reason: str) -> None:
        """A run's end: by the bridge itself, by time, or by somebody."""
        phases = self.phases.get(number, [])
        self._verdict(number, reason)
        own = bool(phases) and phases[-1] in _OWN
        match reason:
            case "deadline-exceeded":
                created = self.steps[0][0] if self.steps else change.at
                self.task.setdefault("deadline", words(max(timedelta(), change.at - created - RESOLVED_AFTER)))
                self._step(change.at, {"taskcluster": "deadline passed"})
            case "claim-expired":
                self._step(change.at, {"taskcluster": "claim expired", "run": number})
            case "canceled" if not own:
                self._step(change.at, {"taskcluster": "task cancelled"})
            case _ if not own:
                by = reason if reason in _BY_ANOTHER else "failed"
                self._step(change.at, {"taskcluster": "resolved by another", "run": number, "reason": by})
            case _:
                pass
        if number + 1 in self.rerun:
            self._step(change.at, {"taskcluster": "task rerun"})

    def _verdict(self, number: int, reason: str) -> None:
        """The line of the pool's verdict table, where it is not the usual one."""
        fact = self.told.get(number)
        name = _line(fact) if fact is not None else None
        if name is not None and reason in get_args(Told) and reason != ResultsMap.model_fields[name].default:
            self.results[name] = reason

    # --- Buildbot

    def _request_seen(self, change: Happened, fact: Fact) -> None:
        number = fact.request or 0
        made_for = self.requests.setdefault(number, change.run_id)
        if fact.complete and change.from_phase == "stopping":
            # What was built while it was being stopped came and went; a replay's request ends when it is cancelled.
            self.started |= {build.id for build in fact.builds}
        for build in fact.builds:
            self._build_seen(change, made_for, build, fact)
        if change.to_phase == "reporting":
            self.told[change.run_id] = fact
        if fact.complete and number not in self.complete:
            self.complete.add(number)
            self._complete(change, made_for, fact)

    def _build_seen(self, change: Happened, made_for: int, build: Build, fact: Fact) -> None:
        if build.id not in self.started:
            self.started.add(build.id)
            self._step(change.at, {"run": made_for, "buildbot": "build started", "worker": build.worker})
        if build.results is None or build.id in self.over:
            return
        last = fact.complete and build == fact.builds[-1]
        if last and build.results == Results.CANCELLED:
            return  # told by the request's end
        self.over.add(build.id)
        ended: Step = {"run": made_for, "buildbot": "build ended", "results": _name(build.results)}
        still_open = {} if last or build.results == Results.RETRY else {"request": "open"}
        self._step(change.at, ended | still_open)

    def _complete(self, change: Happened, made_for: int, fact: Fact) -> None:
        """The end of a request that no build's end told of."""
        if fact.shutdown:
            self._step(change.at, {"buildbot": "master stopped"})
            self._step(change.at, {"buildbot": "master up"})
        elif change.from_phase == "stopping":
            return
        elif fact.results == Results.CANCELLED:
            self._step(change.at, {"run": made_for, "buildbot": "request cancelled"})
        elif not fact.builds or fact.builds[-1].results is None:
            self._step(change.at, {"run": made_for, "buildbot": "request complete", "results": _name(fact.results)})

    def _stopped(self, change: Happened) -> None:
        """A stop that took its time: the build did not listen."""
        since, run = self.since.get(change.run_id), self.rows.get(RunId(change.run_id))
        built = run is not None and isinstance(run.phase, Settled) and run.phase.build in self.started
        if change.from_phase == "stopping" and built and since is not None and change.at - since > _SLOW:
            self.task["stubborn"] = True
            made_for = run.phase.request.created_for if run and isinstance(run.phase, Settled) and run.phase.request else 0
            self._step(change.at, {"run": made_for, "buildbot": "build ended", "results": "CANCELLED"})


def _line(fact: Fact) -> str | None:
    """The line of the verdict table that a complete request falls under, if settings can change it."""
    if fact.shutdown or not fact.complete:
        return None
    if fact.results == Results.SKIPPED:
        return "skipped" if fact.builds else "collapsed"
    lines = {Results.WARNINGS: "warnings", Results.EXCEPTION: "exception", Results.CANCELLED: "cancelled"}
    return lines.get(Results(fact.results)) if fact.results in list(Results) else None


def _name(results: int | None) -> str:
    return Results(results).name if results in list(Results) else Results.EXCEPTION.name
