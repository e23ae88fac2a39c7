"""Why a run moved, in words for the transitions table and the log."""

from __future__ import annotations

from bridge.core import events
from bridge.core.events import Event
from bridge.core.request import RequestState
from bridge.core.run import RunId
from bridge.core.status import RunStatus, run_in
from bridge.core.verdict import Results


def because(event: Event, run_id: RunId) -> str:  # noqa: C901  a table: one line per event
    """The cause of a change."""
    match event:
        case events.Hinted():
            return "a message said that something changed"
        case events.Urged():
            return "an operator wants it tried now"
        case events.TaskSeen(status=status):
            return _task(run_in(status, run_id))
        case events.TaskMissing():
            return "Taskcluster answered 404 for the task"
        case events.RequestSeen(state=state):
            return _request(state)
        case events.RequestMissing():
            return "Buildbot does not know the build request"
        case events.Asking(builder=builder):
            return f"the task was found fit for builder {builder}"
        case events.Submitted(request=request):
            return f"Buildbot has build request {request.id} for the run"
        case events.HeldBack(why=why):
            return f"held back: {why}"
        case events.Inadmissible(reason=reason):
            return f"refused: {reason.splitlines()[0] if reason else ''}"
        case events.Claimed(taken_until=until):
            return f"claimed until {until:%Y-%m-%dT%H:%M:%SZ}"
        case events.Doubted():
            return "the outcome of a call must be read"
        case events.Deferred():
            return "put off"
        case events.Reprioritised(priority=priority):
            return f"the build request has priority {priority}"
        case events.CancelAsked():
            return "Buildbot was asked to cancel the build request"
        case events.Incomplete(why=why):
            return f"not whole: {why}"
        case events.Attached():
            return "what the stopped build left is attached, or cannot be any more"


def _task(run: RunStatus | None) -> str:
    if run is None:
        return "Taskcluster does not show the run"
    worker = f" by {run.worker.group}/{run.worker.id}" if run.worker else ""
    reason = f" ({run.reason_resolved})" if run.reason_resolved else ""
    return f"Taskcluster says: {run.state.value}{worker}{reason}"


def _request(state: RequestState) -> str:
    newest = state.newest
    build = f", build {newest.build_id} on {newest.worker}" if newest else ""
    if state.complete:
        return f"Buildbot says: request {state.request_id} complete, {results_name(state.results)}{build}"
    ended = f" ended {results_name(newest.results)}" if newest and newest.results is not None else ""
    return f"Buildbot says: request {state.request_id} open{build}{ended}"


def results_name(results: int | None) -> str:
    """Buildbot's name of a result code; the number where it has none."""
    if results is None:
        return "without a result"
    return Results(results).name if results in list(Results) else f"result {results}"
