"""What is kept of each event beside a change: facts that can be played again, no texts of others, no properties."""

import json
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from bridge.core import events
from bridge.core.commands import ReclaimRun
from bridge.core.request import BuildState, RequestState
from bridge.core.rules import Rules
from bridge.core.run import Request, RequestId, RunId, TaskId, Worker
from bridge.core.status import RunState, RunStatus, TaskStatus
from bridge.engine.causes import causes
from bridge.scenario.evidence import Fact

AT = datetime(2026, 3, 1, tzinfo=UTC)
LATER = AT + timedelta(minutes=1)
SECRET = "canary"
RULES = Rules("buildbot")
BUILD = BuildState(7, 70, 1, "w1", AT, AT, 2, SECRET, SECRET)
STATE = RequestState(5, "T/0", True, True, 2, AT, AT, 3, False, (BUILD,))
RUN = RunStatus(RunState.EXCEPTION, "scheduled", AT, Worker("buildbot", "w1"), AT, "canceled", AT)
STATUS = TaskStatus(TaskId("T"), "q/q", SECRET, SECRET, SECRET, "low", LATER, LATER, 4, "exception", (RUN,))
HEARD: list[tuple[events.Event, dict[str, object]]] = [
    (events.TaskMissing(AT, LATER), {"event": "task missing"}),
    (events.RequestMissing(AT, LATER, RULES), {"event": "request missing"}),
    (events.Asking(AT, "docs"), {"event": "asking", "builder": "docs"}),
    (events.Submitted(AT, Request(RequestId(5), RunId(0)), "docs", "low"), {
        "event": "submitted", "request": 5, "made_for": 0, "builder": "docs", "priority": "low"
    }),
    (events.HeldBack(AT, LATER, SECRET), {"event": "heldback"}),
    (events.Inadmissible(AT, SECRET, RULES), {"event": "refused"}),
    (events.Claimed(AT, LATER), {"event": "claimed", "until": "2026-03-01T00:01:00+00:00"}),
    (events.Doubted(AT, LATER, ReclaimRun(Worker("g", "w"))), {"event": "doubted", "tried": "ReclaimRun"}),
    (events.Deferred(AT, LATER), {"event": "deferred", "tried": None}),
    (events.Reprioritised(AT, "high"), {"event": "reprioritised", "priority": "high"}),
    (events.CancelAsked(AT, LATER), {"event": "cancelasked"}),
    (events.Attached(AT), {"event": "attached"}),
    (events.Incomplete(AT, SECRET), {"event": "incomplete"}),
    (events.TaskSeen(AT, STATUS, RULES), {
        "event": "task",
        "runs": [{"state": "exception", "created": "scheduled", "reason": "canceled", "worker": "buildbot/w1"}],
        "retries_left": 4,
    }),
    (events.RequestSeen(AT, STATE, RULES), {
        "event": "request", "request": 5, "complete": True, "results": 2, "shutdown": False,
        "builds": [{"id": 7, "worker": "w1", "results": 2}],
    }),
]  # fmt: skip


@pytest.mark.parametrize(("event", "fact"), HEARD, ids=[type(event).__name__ for event, _ in HEARD])
def test_each_event_is_kept_as_facts_that_can_be_read_again(event: events.Event, fact: dict[str, object]) -> None:
    assert causes([event]) == [fact]
    stored = json.loads(json.dumps(causes([event])))
    assert Fact.model_validate(stored[0]).event == fact["event"]
    assert SECRET not in json.dumps(stored)


def test_all_events_are_known_and_hints_are_left_out() -> None:
    assert {type(event) for event, _ in HEARD} | {events.Hinted, events.Urged} == set(get_args(events.Event))
    assert causes([events.Hinted(AT), events.Urged(AT), events.Attached(AT)]) == [{"event": "attached"}]
