"""What happens in a task group, as events; and whether it is over, and how."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from bridge.core.group import RESOLVED, Member, stuck
from bridge.core.run import TaskId
from bridge.core.status import RunState, RunStatus
from bridge.submission.links import Links

STUCK: Final = "stuck"
"""Said of a task that stays unscheduled for good."""
_REASONS: Final = {
    "malformed-payload": "it cannot be built as it is defined; the log says why",
    "deadline-exceeded": "its deadline passed",
    "canceled": "it was cancelled",
    "claim-expired": "the bridge lost its claim",
    "internal-error": "the build ended with an exception, or was lost",
    "resource-unavailable": "something that it must have could not be had",
    "intermittent-task": "Buildbot tries again",
    "worker-shutdown": "the Buildbot master was stopped",
}


@dataclass(frozen=True, slots=True)
class Event:
    """A task came into a state. `run`: of which of its runs that is the state, if of one."""

    at: datetime
    task_id: TaskId
    name: str
    state: str
    run: int | None = None
    words: str = ""


def events(members: Sequence[Member], links: Links, now: datetime) -> list[Event]:
    """All that is known to have happened, with the queue's own times, the oldest first; what has no time is as of now."""
    blocked = stuck(members)
    names = {member.status.task_id: member.name for member in members}
    found = [event for member in members for event in _of_task(member, links)]
    for task_id, cause in blocked.items():
        words = f"cannot run, since {names[cause]} {'is stuck' if cause in blocked else 'did not complete'}"
        found.append(Event(now, task_id, names[task_id], STUCK, words=words))
    return sorted(found, key=attrgetter("at"))


def news(found: Sequence[Event], told: set[tuple[str, str, int | None]]) -> Iterator[Event]:
    """The events that were not told yet; they are then."""
    for event in found:
        key = (event.task_id, event.state, event.run)
        if key not in told:
            told.add(key)
            yield event


def _of_task(member: Member, links: Links) -> Iterator[Event]:
    for number, run in enumerate(member.status.runs):
        for at, state, words in _of_run(run):
            log = links.log(member.status.task_id, number) if state in RESOLVED and run.worker else ""
            yield Event(at, member.status.task_id, member.name, state, number, "  ".join(filter(None, (words, log))))


def _of_run(run: RunStatus) -> Iterator[tuple[datetime, str, str]]:
    if run.reason_created != "exception":  # the queue's way to cancel what was never scheduled
        yield run.scheduled, RunState.PENDING, "" if run.reason_created == "scheduled" else f"again ({run.reason_created})"
    if run.started is not None and run.worker is not None:
        yield run.started, RunState.RUNNING, f"on {run.worker.group}/{run.worker.id}"
    if run.resolved is not None:
        yield run.resolved, run.state, reason(run)


def reason(run: RunStatus) -> str:
    """Why a run ended with an exception, for people; nothing for other ends."""
    why = run.reason_resolved
    if run.state is not RunState.EXCEPTION or why is None:
        return ""
    return f"{why}: {_REASONS[why]}" if why in _REASONS else why


def over(members: Collection[Member], wanted: Collection[str] = ()) -> bool:
    """Whether nothing happens any more by itself; all of the wanted tasks must be there."""
    blocked = stuck(members)
    there = {member.status.task_id for member in members}
    ended = all(member.status.state in RESOLVED or member.status.task_id in blocked for member in members)
    return bool(members) and there.issuperset(wanted) and ended


def succeeded(members: Collection[Member]) -> bool:
    """Whether every task completed."""
    return all(member.status.state == "completed" for member in members)


def report(group: str, members: Sequence[Member], links: Links) -> dict[str, Any]:
    """The group as JSON values."""
    blocked = stuck(members)
    tasks = [_row(member, blocked, links) for member in members]
    return {"taskGroupId": group, "url": links.group(group), "succeeded": succeeded(members), "tasks": tasks}


def _row(member: Member, blocked: Mapping[TaskId, TaskId], links: Links) -> dict[str, Any]:
    task_id, runs = member.status.task_id, member.status.runs
    worked = bool(runs) and runs[-1].worker is not None
    return {
        "taskId": task_id,
        "name": member.name,
        "state": STUCK if task_id in blocked else member.status.state,
        "reason": runs[-1].reason_resolved if runs else None,
        "runs": len(runs),
        "stuckBehind": blocked.get(task_id),
        "url": links.task(task_id),
        "log": links.log(task_id, len(runs) - 1) if worked else None,
    }
