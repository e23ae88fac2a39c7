"""What a call does to the side that it is sent to: the automata's rules, on values."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from bridge.core import faults
from bridge.core.commands import Report
from bridge.core.run import RequestId, Run, RunId, Settled
from bridge.core.verdict import RETRIED
from tests.model.ports import Call
from tests.model.replica import Answer
from tests.model.values import Requests, Rows, Task, Told, by_number, stored
from tests.unit.core.queue_automaton import OPEN, RefusedError

Twist = Callable[[Mapping[RunId, Run], Mapping[RunId, Run], str], Mapping[RunId, Run]]
"""A wrong core, for tests: the rows before, those that changed, why; the rows that shall have changed."""


def of_queue(call: Call, task: Task, command: object, now: datetime) -> tuple[Answer, Task]:
    """The queue's answer, and the task after it."""
    if call.name == "status":
        return Answer(True, task.automaton().status()), task
    queue = task.automaton()
    try:
        match call.name, call.args:
            case "claim", (number, worker):
                return Answer(True, queue.claim(number, worker, now)), task.after(queue)
            case "reclaim", (number,):
                return Answer(True, queue.reclaim(number, now)), task.after(queue)
            case "resolve", (number, resolution):
                resolves = task.runs[number].state in OPEN
                queue.report(number, resolution, now)
                after = task.after(queue)
                told = _told(command)
                after = replace(after, told=after.told | {told}) if resolves and told else after
                return Answer(True, queue.status()), after
            case "cancel_task", ():
                queue.cancel(now)
                return Answer(True, queue.status()), task.after(queue)
    except RefusedError:
        return Answer(False, faults.Conflicting("409")), task
    raise AssertionError(call)


def _told(command: object) -> Told | None:
    if not isinstance(command, Report):
        return None
    if command.verdict == RETRIED and command.build is not None:
        return "build", command.build
    return "request", command.request.id


def of_buildbot(call: Call, requests: Requests) -> tuple[Answer, Requests]:
    """Buildbot's answer, and its requests after it."""
    buildbot = requests.automaton()
    answer: Any
    match call.name, call.args:
        case "state", (number,):
            answer = buildbot.state(number)
        case "states", (numbers,):
            answer = {number: state for number in numbers if (state := buildbot.state(number)) is not None}
        case "find", (run,):
            answer = buildbot.requests.get(run)
        case "all", ():
            answer = list(buildbot.requests.values())
        case "cancel", (run,):
            answer = buildbot.cancel(run)
        case "prioritise", (_,):
            answer = None  # the task has but one; told again where a submit's outcome was not known
        case "submit", (run,):
            answer = RequestId(buildbot.submit(run).request_id)
        case _:
            raise AssertionError(call)
    return Answer(True, answer), Requests.of(buildbot)


def of_rows(call: Call, rows: Rows, twist: Twist | None) -> tuple[Answer, Rows]:
    """The database's answer, and the rows after it. A row's version is the row itself: every change is made on the newest."""
    before = by_number(rows)
    match call.name:
        case "read":
            return Answer(True, before), rows
        case "unsettled":
            return Answer(True, [run for run in rows if not isinstance(run.phase, Settled)]), rows
        case "change" | "add":
            assert call.decide is not None
            changed = call.decide(before)
            if twist is not None:
                changed = twist(before, changed, call.because)
            after = stored({**before, **changed})
            plain = by_number(after)
            return Answer(True, {number: plain[number] for number in changed}, before), after
    raise AssertionError(call)
