"""The life of a run: `advance(run, event) -> run`.

    Wanted ─────▶ Queued ─────▶ Building ─────▶ Reporting ─────▶ Settled
      │             ▲  │            │               │               ▲
      ▼             └──┘ (RETRY     │ (Taskcluster wants it no more)│
    Refused ──┐  before the claim)  ▼               ▼               │
              └───────────────▶ (Settled)        Stopping ──────────┘

All moves of a run by itself (a test asks `advance` for them and compares):

    Wanted > Queued, Building, Reporting, Refused, Stopping, Settled
    Queued > Wanted, Building, Reporting, Stopping
    Building > Queued, Reporting, Stopping
    Reporting > Stopping, Settled
    Refused > Settled
    Stopping > Settled
    Settled >

From Wanted a run skips phases when its build was faster than the answer to its submit; it comes back to Wanted when the
request it took over turns out to have been ended by a master's stop; Reporting leads to Stopping when a reported retry
brought no new run. By a hand-over Queued, Building and Reporting become Settled, and the heir's Wanted becomes Queued.

Theory of operation. A phase is left only by a fact: what the queue's status says (`TaskSeen`), what Buildbot says of the
request (`RequestSeen`), or the answer to what the phase owed. Facts can be old: a read may be overtaken by another, so
each arm asks whether the fact can still be news. Three rules make old facts harmless: a resolved run never lives again, a
claim only grows, and builds of one request have rising ids.

What depends on more than one run of a task, the hand-over of a request, is in `chain`; what a run owes is in `debts`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bridge.core import endings, timing, verdict
from bridge.core.events import (
    Asking,
    Attached,
    CancelAsked,
    Claimed,
    Deferred,
    Doubted,
    Event,
    HeldBack,
    Hinted,
    Inadmissible,
    Incomplete,
    Reprioritised,
    RequestMissing,
    RequestSeen,
    Submitted,
    TaskMissing,
    TaskSeen,
    Urged,
)
from bridge.core.rules import Rules
from bridge.core.run import (
    Building,
    Claim,
    Queued,
    Refused,
    Reporting,
    Request,
    RequestId,
    Run,
    Settled,
    Stopping,
    Wanted,
    Worker,
)
from bridge.core.status import RunState, RunStatus, TaskStatus, are_facts, facts_of, run_in

CONFIRM_ABSENCE = timedelta(seconds=5)


def advance(run: Run, event: Event) -> Run:
    """The run after the event; the same run where the event is no news to it."""
    match run.phase:
        case Wanted():
            return _wanted(run, run.phase, event)
        case Queued():
            return _queued(run, run.phase, event)
        case Building():
            return _building(run, run.phase, event)
        case Reporting() | Refused():
            return _decided(run, run.phase, event)
        case Stopping():
            return _stopping(run, run.phase, event)
        case Settled():
            return run


def _wanted(run: Run, phase: Wanted, event: Event) -> Run:
    match event:
        case Hinted() | Urged() | Doubted() | Deferred():
            return timing.later(run, event)
        case TaskSeen():
            return _task_seen(run, event)
        case TaskMissing():
            return _absent(run, event)
        case Submitted(at=at, request=request):
            queued = Queued(request, priority=event.priority)
            return replace(timing.enter(run, queued, at), builder=event.builder)
        case RequestSeen(at=at, state=state):
            # The build started before the answer to the submit was stored: the state's own key tells that it is ours.
            if state.external_id != str(run.key):
                return run
            request = Request(RequestId(state.request_id), run.key.run_id)
            return advance(timing.enter(run, Queued(request), at), event)
        case Asking(builder=builder):
            return replace(run, phase=replace(phase, asked=True), builder=builder)
        case HeldBack(until=until, why=why, asked=asked):
            held = Wanted(why, phase.asked if asked is None else asked)
            return replace(run, phase=held, not_before=until, attempts=run.attempts + 1)
        case Inadmissible(at=at, reason=reason, rules=rules):
            return timing.enter(run, Refused(rules.own_worker, reason), at)
        case RequestMissing():
            return replace(run, phase=replace(phase, asked=False))  # nothing was made under the run's key
        case Claimed() | Reprioritised() | CancelAsked() | Attached() | Incomplete():
            return run


def _queued(run: Run, phase: Queued, event: Event) -> Run:
    match event:
        case Hinted() | Urged() | Doubted() | Deferred():
            return timing.later(run, event)
        case TaskSeen():
            return _task_seen(run, event)
        case TaskMissing():
            return _absent(run, event)
        case RequestSeen():
            return endings.request_seen(run, phase, event)
        case RequestMissing():
            return endings.request_missing(run, phase, event)
        case Claimed(at=at, taken_until=until) if phase.worker is not None:
            return endings.claimed_while_queued(run, phase, timing.claimed(run.key, phase.claim, at, until), at)
        case Reprioritised(priority=priority):
            return replace(run, phase=replace(phase, priority=priority))
        case Claimed() | Asking() | Submitted() | HeldBack() | Inadmissible() | CancelAsked() | Attached() | Incomplete():
            return run


def _building(run: Run, phase: Building, event: Event) -> Run:
    match event:
        case Hinted() | Urged() | Doubted() | Deferred():
            return timing.later(run, event)
        case TaskSeen():
            return _task_seen(run, event)
        case TaskMissing():
            return _absent(run, event)
        case RequestSeen():
            return endings.request_seen(run, phase, event)
        case RequestMissing():
            return endings.request_missing(run, phase, event)
        case Claimed(at=at, taken_until=until):
            return replace(run, phase=replace(phase, claim=timing.claimed(run.key, phase.claim, at, until)), attempts=0)
        case (
            Asking()
            | Submitted()
            | HeldBack()
            | Inadmissible()
            | Reprioritised()
            | CancelAsked()
            | Attached()
            | Incomplete()
        ):
            return run


def _decided(run: Run, phase: Reporting | Refused, event: Event) -> Run:
    """What will be told is written down: nothing that Buildbot says changes it; only a success may prove not to be whole."""
    match event:
        case Hinted() | Urged() | Doubted() | Deferred():
            return timing.later(run, event)
        case TaskSeen():
            return _task_seen(run, event)
        case TaskMissing():
            return _absent(run, event)
        case Claimed(at=at, taken_until=until):
            return replace(run, phase=replace(phase, claim=timing.claimed(run.key, phase.claim, at, until)), attempts=0)
        case Incomplete(why=why) if isinstance(phase, Reporting):
            return replace(run, phase=replace(phase, verdict=verdict.without_outputs(phase.verdict, why)))
        case (
            RequestSeen()
            | RequestMissing()
            | Asking()
            | Submitted()
            | HeldBack()
            | Inadmissible()
            | Reprioritised()
            | CancelAsked()
            | Attached()
            | Incomplete()
        ):
            return run


def _stopping(run: Run, phase: Stopping, event: Event) -> Run:
    match event:
        case Hinted() | Urged() | Doubted() | Deferred():
            return timing.later(run, event)
        case RequestSeen():
            return endings.stop_seen(run, phase, event)
        case RequestMissing():
            return endings.request_missing(run, phase, event)
        case CancelAsked(until=until):
            return replace(run, phase=replace(phase, asked=phase.asked + 1), not_before=until)
        case Attached(at=at):
            return timing.enter(run, Settled(phase.because, phase.request, phase.build), at)
        case TaskSeen():
            return _task_seen(run, event)
        case TaskMissing(retry_at=retry_at):
            return replace(run, look_at=max(run.look_at, retry_at))
        case Submitted(at=at, request=request) if phase.request is None:
            # The submit that was under way when the run was cancelled came to something.
            return replace(run, phase=replace(phase, request=request), not_before=at)
        case Asking() | Submitted() | HeldBack() | Inadmissible() | Claimed() | Reprioritised() | Incomplete():
            return run


def _task_seen(run: Run, event: TaskSeen) -> Run:
    seen = run_in(event.status, run.key.run_id)
    if seen is None:  # a status from before this run existed
        return timing.look_by(replace(run, absent_since=None), event.at, event.at + timing.LOOK_AGAIN)
    run = timing.looked(_known(run, event.status, seen), event.at, event.status.deadline)
    match seen.state:
        case RunState.PENDING:
            return run
        case RunState.RUNNING:
            return _running(run, seen, event)
        case RunState.COMPLETED | RunState.FAILED | RunState.EXCEPTION:
            return endings.resolved(run, seen, event.at)


def _known(run: Run, status: TaskStatus, seen: RunStatus) -> Run:
    """Most reads, of very many runs, tell what is known: those make no new value."""
    if run.absent_since is None and run.facts is not None and are_facts(run.facts, status, seen):
        return run
    return replace(run, facts=facts_of(status, seen), absent_since=None)


def _running(run: Run, seen: RunStatus, event: TaskSeen) -> Run:
    """Running under our identity: the claim is ours, whatever became of the answer. Under another: not our run."""
    if seen.worker is None or seen.taken_until is None:
        return run
    match run.phase:
        case Wanted() if seen.worker.group == event.rules.worker_group:
            return run  # claimed by us once, and the row was lost: the request is looked for, never made
        case (Queued() | Building() | Reporting() | Refused()) as phase if _is_ours(phase.worker, seen.worker, event.rules):
            return _claim_seen(
                run, phase, seen.worker, timing.merged(run.key, phase.claim, event.at, seen.taken_until), event
            )
        case Wanted() | Queued() | Building() | Reporting() | Refused():
            return endings.taken_by_another(run, seen.worker, event.at)
        case Stopping() | Settled():
            return run


def _is_ours(known: Worker | None, seen: Worker, rules: Rules) -> bool:
    """The group is the bridge's own. A row that was set back can name another worker: what the queue says counts."""
    return seen.group == rules.worker_group or seen == known


def _claim_seen(
    run: Run, phase: Queued | Building | Reporting | Refused, worker: Worker, claim: Claim, event: TaskSeen
) -> Run:
    match phase:
        case Queued(worker=None):
            return replace(run, phase=replace(phase, worker=worker, claim=claim), look_at=event.at)
        case Queued():
            return endings.claimed_while_queued(run, replace(phase, worker=worker), claim, event.at)
        case Building() | Reporting() | Refused():
            known = phase.worker == worker and phase.claim == claim
            return run if known else replace(run, phase=replace(phase, worker=worker, claim=claim))


def _absent(run: Run, event: TaskMissing) -> Run:
    """The task does not exist (any more): believed when two reads some seconds apart say so."""
    if run.absent_since is None or event.at - run.absent_since < CONFIRM_ABSENCE:
        since = run.absent_since or event.at
        return replace(run, absent_since=since, look_at=event.retry_at, not_before=max(run.not_before, event.retry_at))
    return endings.unwanted(run, "Taskcluster does not know the task", event.at, claimed=False)
