"""How runs end: what Buildbot's state of the request means, and what the queue's resolution means."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bridge.core import timing, verdict
from bridge.core.events import RequestMissing, RequestSeen
from bridge.core.identity import worker_for
from bridge.core.lease import LEASE
from bridge.core.request import BuildState, RequestState
from bridge.core.run import (
    BuildId,
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
from bridge.core.status import RunStatus, taskcluster_priority
from bridge.core.verdict import Resolution, Results, Verdict

# A request counts as lost after this many reads over this long, with the master up (a database restored, pruned, reset).
LOST_READS = 3
LOST_AFTER = timedelta(minutes=10)


def is_ours(run: Run, request: Request, state: RequestState) -> bool:
    """Whether the state is of the request that the run holds: after a restore a number can name another request."""
    return state.request_id == request.id and state.external_id == f"{run.key.task_id}/{request.created_for}"


def request_seen(run: Run, phase: Queued | Building, event: RequestSeen) -> Run:
    """A run that waits for its build's start or end hears of its request."""
    if event.state.request_id != phase.request.id:
        return run
    if not is_ours(run, phase.request, event.state):
        missing = RequestMissing(event.at, event.at + timing.LOOK_AGAIN, event.rules)
        return request_missing(run, phase, missing)
    run = _found(run)
    if event.state.complete and event.state.results is not None:
        return _complete(run, phase, event, event.state.results)
    newest = event.state.builds[-1] if event.state.builds else None
    match phase:
        case Queued():
            return _waiting(run, phase, newest, event)
        case Building() if newest is not None:
            return _retried(run, phase, newest, event)
        case Building():
            return run  # a state from before the build


def _found(run: Run) -> Run:
    known = run.missing_since is None and run.missing_reads == 0
    return run if known else replace(run, missing_since=None, missing_reads=0)


def _waiting(run: Run, phase: Queued, newest: BuildState | None, event: RequestSeen) -> Run:
    """Which priority Buildbot's queue knows is learnt from it where nobody remembers: after a hand-over, or lost rows."""
    if phase.priority is None:
        phase = replace(phase, priority=taskcluster_priority(event.state.priority))
        run = replace(run, phase=phase)
    return run if newest is None else _started(run, phase, newest, event)


def _started(run: Run, phase: Queued, newest: BuildState, event: RequestSeen) -> Run:
    if phase.after is not None and newest.build_id <= phase.after:
        return run  # a build that was told of already
    if phase.claim is not None and phase.worker is not None:
        build = _claimed_build(phase.worker, event)
        building = Building(phase.request, BuildId(build.build_id), phase.worker, phase.claim)
        return _retried(timing.enter(run, building, event.at), building, newest, event)
    if newest.results == Results.RETRY:
        return run
    worker = phase.worker or worker_for(event.rules.worker_group, newest.worker)
    return timing.enter(run, Building(phase.request, BuildId(newest.build_id), worker), event.at)


def _claimed_build(worker: Worker, event: RequestSeen) -> BuildState:
    """The build for which a run was claimed whose row had been lost: the newest of its worker's, else the oldest."""
    builds = event.state.builds
    return next((b for b in reversed(builds) if worker_for(worker.group, b.worker) == worker), builds[0])


def _retried(run: Run, phase: Building, newest: BuildState, event: RequestSeen) -> Run:
    """The request is open. A newer build, or our build ended RETRY, means that a retry happened, told or not."""
    own = next((build for build in event.state.builds if build.build_id == phase.build), None)
    retried = newest.build_id > phase.build or (own is not None and own.results == Results.RETRY)
    if not retried:
        return run
    if phase.claim is None:
        return _next_build(run, phase, newest, event)
    reporting = Reporting(phase.request, phase.build, phase.worker, verdict.RETRIED, event.at, phase.claim)
    return timing.enter(run, reporting, event.at)


def _next_build(run: Run, phase: Building, newest: BuildState, event: RequestSeen) -> Run:
    """RETRY before the claim: nothing was told, the run is still pending. The identity stays as it is."""
    if newest.results == Results.RETRY:
        queued = Queued(phase.request, phase.worker, after=BuildId(newest.build_id))
        return timing.enter(run, queued, event.at)
    return replace(run, phase=replace(phase, build=BuildId(newest.build_id)))


def claimed_while_queued(run: Run, phase: Queued, claim: Claim, at: datetime) -> Run:
    """A claim comes to light while no build runs. One sent before a RETRY was heard of belongs to the build that ended."""
    if phase.claim is None and phase.worker is not None and phase.after is not None:
        reporting = Reporting(phase.request, phase.after, phase.worker, verdict.RETRIED, at, claim)
        return timing.enter(run, reporting, at)
    return replace(run, phase=replace(phase, claim=claim), attempts=0)


def _complete(run: Run, phase: Queued | Building, event: RequestSeen, results: int) -> Run:
    """The request's completion is the verdict."""
    adopted = phase.request.created_for != run.key.run_id
    untouched = isinstance(phase, Queued) and phase.worker is None  # else a claim of it may be on its way
    if adopted and untouched and event.state.master_shutdown:
        # The predecessor left a request that a master stop had ended: this run gets one of its own.
        return timing.enter(run, Wanted(), event.at)
    newest = event.state.builds[-1] if event.state.builds else None
    ending = verdict.Ending(results, newest is not None, event.state.master_shutdown)
    final = verdict.of(ending, event.rules.results_for(run.builder))
    worker = phase.worker or (worker_for(event.rules.worker_group, newest.worker) if newest else event.rules.own_worker)
    build = BuildId(newest.build_id) if newest else None
    return timing.enter(run, Reporting(phase.request, build, worker, final, event.at, phase.claim), event.at)


def request_missing(run: Run, phase: Queued | Building | Stopping, event: RequestMissing) -> Run:
    """Buildbot does not know the request: believed after some reads over some minutes, and then an alarm."""
    if isinstance(phase, Stopping) and phase.request is None:
        return timing.enter(run, Settled(phase.because), event.at)  # the submit came to nothing
    since = run.missing_since or event.at
    reads = run.missing_reads + 1
    if reads < LOST_READS or event.at - since < LOST_AFTER:
        not_before = max(run.not_before, event.retry_at) if isinstance(phase, Stopping) else run.not_before
        again = timing.look_by(run, event.at, max(event.retry_at, event.at))
        return replace(again, missing_since=since, missing_reads=reads, not_before=not_before)
    match phase:
        case Stopping():
            return timing.enter(run, Settled(f"{phase.because}; its request is lost", phase.request), event.at)
        case Queued() | Building():
            build = phase.build if isinstance(phase, Building) else None
            worker = phase.worker or event.rules.own_worker
            lost = Reporting(phase.request, build, worker, verdict.LOST, event.at, phase.claim)
            return timing.enter(run, lost, event.at)


def stop_seen(run: Run, phase: Stopping, event: RequestSeen) -> Run:
    """A stop is over when Buildbot shows the request complete."""
    if phase.request is None:
        return _stop_found(run, phase, event)
    if event.state.request_id != phase.request.id:
        return run
    if not is_ours(run, phase.request, event.state):
        return timing.enter(run, Settled(phase.because, phase.request, phase.build), event.at)
    if not event.state.complete:
        return replace(run, phase=phase, missing_since=None, missing_reads=0)
    if phase.worker is None or phase.build is None:
        return timing.enter(run, Settled(phase.because, phase.request, phase.build), event.at)
    return timing.enter(run, replace(phase, over=True), event.at) if not phase.over else run


def _stop_found(run: Run, phase: Stopping, event: RequestSeen) -> Run:
    """The request whose submit's answer was never stored."""
    if event.state.external_id != str(run.key):
        return run
    request = Request(RequestId(event.state.request_id), run.key.run_id)
    return stop_seen(run, replace(phase, request=request), event)


def resolved(run: Run, seen: RunStatus, at: datetime) -> Run:
    """The queue says the run is resolved, by us or by anyone; it does not hand its request on."""
    reason = seen.reason_resolved or seen.state.value
    match run.phase:
        case Reporting(verdict=written) if reason == written.resolution and written != verdict.RETRIED:
            return timing.enter(run, _settled(run.phase, reason), at)
        case _:
            return unwanted(run, f"resolved as {reason}", at, claimed=seen.worker is not None)


def taken_by_another(run: Run, worker: Worker, at: datetime) -> Run:
    """Somebody else claimed the run: it is theirs."""
    return unwanted(run, f"claimed by another worker, {worker.group}/{worker.id}", at, claimed=False)


def unwanted(run: Run, because: str, at: datetime, *, claimed: bool) -> Run:
    """Taskcluster does not want the run any more: an open request is cancelled, anything else is settled."""
    match run.phase:
        case Wanted(asked=True):
            # A submit may be under way: nobody acts for a run longer than a lease, so after one the key tells for sure.
            return replace(timing.enter(run, Stopping(None, because, at), at), not_before=at + LEASE)
        case Wanted() | Refused():
            return timing.enter(run, Settled(because), at)
        case Queued() as phase:
            return timing.enter(run, Stopping(phase.request, because, at), at)
        case Building() as phase:
            worker = phase.worker if claimed else None
            return timing.enter(run, Stopping(phase.request, because, at, phase.build, worker), at)
        case Reporting(verdict=written) as phase if written == verdict.RETRIED:
            return timing.enter(run, Stopping(phase.request, because, at, phase.build), at)
        case Reporting() as phase:
            return timing.enter(run, _settled(phase, because), at)
        case Stopping() | Settled():
            return run


def _settled(phase: Reporting, outcome: str) -> Settled:
    return Settled(outcome, phase.request, phase.build)


def hands_over(phase: Queued | Building | Reporting) -> bool:
    """Whether the request that the phase holds may serve the task's next run."""
    match phase:
        case Queued() | Building():
            return True
        case Reporting(verdict=Verdict(resolution=Resolution.WORKER_SHUTDOWN)):
            return False  # the request is complete by a master's stop: it is nobody's result
        case Reporting(verdict=written):
            return written != verdict.LOST


def inherited(phase: Queued | Building | Reporting) -> Queued:
    """The phase in which the next run takes the request over; builds that a retry ended stay behind."""
    told = phase.build if isinstance(phase, Reporting) and phase.verdict == verdict.RETRIED else None
    kept = phase.after if isinstance(phase, Queued) else told
    return Queued(phase.request, after=kept)
