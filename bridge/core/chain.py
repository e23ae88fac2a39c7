"""All runs of one task together: a status read moves each of them, and a retried run hands its build request on.

When the queue retries a run (it was reported intermittent-task, or its claim expired while the bridge was away) the
Buildbot request behind it is still good: open, or complete with a result that nobody reported. The next run adopts it, so
that an outage costs nobody a build and a RETRY never makes a second request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from bridge.core import endings, timing
from bridge.core.events import Asking, Event, Submitted, TaskSeen
from bridge.core.lifecycle import advance
from bridge.core.request import RequestState
from bridge.core.rules import Rules
from bridge.core.run import Building, Queued, Refused, Reporting, Run, RunId, RunKey, Settled, Stopping, Wanted, request_of
from bridge.core.status import RunState, RunStatus, TaskStatus, run_in
from bridge.core.verdict import Results

_RETRIED = frozenset({"intermittent-task", "claim-expired"})
_RETRY = frozenset({"task-retry", "retry"})  # reasonCreated of a run that the queue made by itself


def heard(rows: Mapping[RunId, Run], run_id: RunId, event: Event) -> dict[RunId, Run]:
    """The rows after a fact about one run of their task, those that changed and those that are new."""
    if isinstance(event, TaskSeen):
        return reconcile(rows, event)
    run = rows.get(run_id)
    if run is None or (isinstance(event, Asking) and _hands_on(rows, run_id, event)):
        return {}  # nothing is sent while an older run may hand its request on, so nothing of the kind is written down
    moved = advance(run, event)
    taken = _taken(rows, moved, event) if isinstance(event, Submitted) else {}
    return {number: after for number, after in {**taken, run_id: moved}.items() if rows[number] != after}


def _hands_on(rows: Mapping[RunId, Run], run_id: RunId, event: Asking) -> bool:
    return holding(rows, run_id) is not None or not tells(rows, event.teller)


def tells(rows: Mapping[RunId, Run], run_id: RunId | None) -> bool:
    """Whether the run, if there is one, has a row that knows its request; one that was set back, or made anew, does not."""
    if run_id is None:
        return True
    match rows[run_id].phase if run_id in rows else None:
        case Wanted(asked=asked):
            return asked
        case Settled(request=request):
            return request is not None
        case Queued() | Building() | Reporting() | Refused() | Stopping():
            return True
        case None:
            return False


def holding(rows: Mapping[RunId, Run], run_id: RunId) -> RunId | None:
    """An older run of the task that is not over and not being stopped, yet holds a request, or may hold one."""
    for number, row in rows.items():
        held = request_of(row) is not None and not isinstance(row.phase, Settled | Stopping)
        asked = isinstance(row.phase, Wanted) and row.phase.asked
        if number < run_id and (held or asked):
            return number
    return None


def _taken(rows: Mapping[RunId, Run], heir: Run, event: Submitted) -> dict[RunId, Run]:
    """The run that a request was made for, whose row does not know it, once the heir has it: a stop would end the build."""
    old = rows.get(event.request.created_for)
    if old is None or old.key == heir.key or request_of(heir) != event.request:
        return {}
    match old.phase:
        case Wanted() | Stopping(request=None):
            given = Settled(f"handed over to run {heir.key.run_id}", event.request)
            return {old.key.run_id: timing.enter(old, given, event.at)}
        case Queued() | Building() | Reporting() | Refused() | Stopping() | Settled():
            return {}


def reconcile(rows: Mapping[RunId, Run], event: TaskSeen) -> dict[RunId, Run]:
    """The rows after a status read, those that changed and those that are new; rows of one task, by run id."""
    after = dict(rows)
    heirs = set[RunId]()
    for number in sorted({*rows, *map(RunId, range(len(event.status.runs)))}):
        run = after.get(number)
        if run is not None:
            moved = _handed_over(run, after, event)
            heirs |= moved.keys() - {run.key.run_id}
            after.update(moved or {run.key.run_id: advance(run, event)})
    after.update({number: _looks_at_once(after[number], event) for number in heirs})
    return {number: run for number, run in after.items() if _is_news(rows.get(number), run)}


def _is_news(before: Run | None, after: Run) -> bool:
    return before is not after and before != after


def _handed_over(run: Run, rows: Mapping[RunId, Run], event: TaskSeen) -> dict[RunId, Run]:
    """The run and its heir after the hand-over of the request; empty where there is nothing to hand over."""
    heir = RunId(run.key.run_id + 1)
    match run.phase:
        case (Queued() | Building() | Reporting()) as phase if endings.hands_over(phase):
            if not _may_inherit(run, rows.get(heir), event):
                return {}
            taken = rows.get(heir) or newborn(RunKey(run.key.task_id, heir), run.pool, event)
            queued = replace(timing.enter(taken, endings.inherited(phase), event.at), builder=run.builder)
            given = Settled(f"handed over to run {heir}", phase.request)
            return {run.key.run_id: timing.enter(run, given, event.at), heir: queued}
        case Wanted(asked=True) if _may_inherit(run, rows.get(heir), event):
            # A claimed run has a request, so the row was set back: it is looked for under the run's key before anything
            # else, for a stop would cost the heir its build.
            return {run.key.run_id: timing.looked(run, event.at, event.status.deadline)}
        case Wanted() | Queued() | Building() | Reporting() | Refused() | Stopping() | Settled():
            return {}


def _looks_at_once(heir: Run, event: TaskSeen) -> Run:
    """The build of a request just taken over may be running, or over, already."""
    return replace(heir, look_at=event.at) if isinstance(heir.phase, Queued) else heir


def passes_on(status: TaskStatus, run_id: RunId) -> bool:
    """Whether the queue retried the run by itself, so that its request passes to the next run."""
    ended, following = run_in(status, run_id), run_in(status, RunId(run_id + 1))
    if ended is None or following is None:
        return False
    return ended.reason_resolved in _RETRIED and following.reason_created in _RETRY


def is_spent(request: RequestState, runs: Iterable[RunStatus], rules: Rules) -> bool:
    """Whether it was the bridge that cancelled the request, as it does where another worker claims one of the `runs`.

    For where the row that told so is lost: Buildbot does not say who cancelled, and a run that took the request over would
    be told that a person had.
    """
    others = any(run.worker is not None and run.worker.group != rules.worker_group for run in runs)
    return request.results == Results.CANCELLED and others


def _may_inherit(run: Run, heir: Run | None, event: TaskSeen) -> bool:
    following = run_in(event.status, RunId(run.key.run_id + 1))
    if following is None or not passes_on(event.status, run.key.run_id):
        return False
    return heir is None or _is_free(heir, following)


def _is_free(heir: Run, seen: RunStatus) -> bool:
    """Whether the heir has no request of its own, and none under way. Only a pending run ever asks for one."""
    return isinstance(heir.phase, Wanted) and (not heir.phase.asked or seen.state is RunState.RUNNING)


def newborn(key: RunKey, pool: str, event: TaskSeen) -> Run:
    """A run of which nothing but its existence is known."""
    return Run(key, pool, Wanted(), event.at + timing.LOOK_SELDOM, event.at)
