"""What a run's change was decided on, as JSON values: enough to play the same again, and nothing that is secret.

Facts of both sides only: states, reasons, results, names of workers and builders, numbers. No texts that others wrote, and
no properties. The forms are read by `bridge.scenario`; what is added here is additive, for rows of older versions stay.
"""

from __future__ import annotations

from collections.abc import Sequence

from bridge.core import events
from bridge.core.events import Event
from bridge.core.request import RequestState
from bridge.core.status import RunStatus, TaskStatus

Fact = dict[str, object]


def causes(heard: Sequence[Event]) -> list[Fact]:
    """The events in the order in which they were heard; hints, which decide nothing, are left out."""
    return [fact for event in heard if (fact := _fact(event))]


def _fact(event: Event) -> Fact:
    match event:
        case events.TaskSeen(status=status):
            return {"event": "task", **_task(status)}
        case events.RequestSeen(state=state):
            return {"event": "request", **_request(state)}
        case events.Submitted(request=request, builder=builder, priority=priority):
            made = {"request": request.id, "made_for": request.created_for, "builder": builder, "priority": priority}
            return {"event": "submitted", **made}
        case events.Asking(builder=builder):
            return {"event": "asking", "builder": builder}
        case events.Claimed(taken_until=until):
            return {"event": "claimed", "until": until.isoformat()}
        case events.Reprioritised(priority=priority):
            return {"event": "reprioritised", "priority": priority}
        case events.Doubted(tried=tried) | events.Deferred(tried=tried):
            return {"event": type(event).__name__.lower(), "tried": type(tried).__name__ if tried else None}
        case events.TaskMissing():
            return {"event": "task missing"}
        case events.RequestMissing():
            return {"event": "request missing"}
        case events.Inadmissible():
            return {"event": "refused"}
        case events.HeldBack() | events.CancelAsked() | events.Attached() | events.Incomplete():
            return {"event": type(event).__name__.lower()}
        case events.Hinted() | events.Urged():
            return {}


def _task(status: TaskStatus) -> Fact:
    return {"runs": [_run(run) for run in status.runs], "retries_left": status.retries_left}


def _run(run: RunStatus) -> Fact:
    known: Fact = {"state": run.state.value, "created": run.reason_created}
    known |= {"reason": run.reason_resolved} if run.reason_resolved else {}
    return known | ({"worker": f"{run.worker.group}/{run.worker.id}"} if run.worker else {})


def _request(state: RequestState) -> Fact:
    builds = [{"id": build.build_id, "worker": build.worker, "results": build.results} for build in state.builds]
    ended: Fact = {"complete": state.complete, "results": state.results, "shutdown": state.master_shutdown}
    return {"request": state.request_id, **ended, "builds": builds}
