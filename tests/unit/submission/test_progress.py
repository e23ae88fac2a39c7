"""What is told about a group while it is followed, and how it ended."""

from __future__ import annotations

import pytest

from bridge.core.status import RunState
from bridge.submission.links import Links
from bridge.submission.progress import events, news, over, reason, report, succeeded
from tests.unit.submission.samples import LATER, at, identity, member, run

LINKS = Links("https://tc.example.org")
A_LOG = f"https://tc.example.org/api/queue/v1/task/{'a' * 22}/runs/0/artifacts/public/logs/live.log"
DONE = member("a", "completed", run(RunState.COMPLETED))
FAILED = member("a", "failed", run(RunState.FAILED))
RUNNING = member("a", "running", run(RunState.RUNNING))
WAITING = member("b", "unscheduled", after=("a",))
BEHIND = member("c", "unscheduled", after=("b",))


def told(*members: object) -> list[tuple[str, str, int | None, str]]:
    return [(each.name, each.state, each.run, each.words) for each in events(members, LINKS, LATER)]


def test_nothing_between_two_looks_is_lost() -> None:
    """All that happened is in the status, with the queue's own times."""
    found = events([DONE], LINKS, LATER)
    assert [(each.at, each.state) for each in found] == [(at(0), "pending"), (at(1), "running"), (at(2), "completed")]
    assert told(DONE) == [
        ("a", "pending", 0, ""),
        ("a", "running", 0, "on buildbot/w1"),
        ("a", "completed", 0, A_LOG),
    ]


def test_a_failure_tells_its_log_and_who_cannot_run_for_it() -> None:
    assert told(FAILED, WAITING, BEHIND)[2:] == [
        ("a", "failed", 0, A_LOG),
        ("b", "stuck", None, "cannot run, since a did not complete"),
        ("c", "stuck", None, "cannot run, since b is stuck"),
    ]


def test_a_retry_is_told_as_such() -> None:
    first = run(RunState.EXCEPTION, reason="intermittent-task")
    again = member("a", "pending", first, run(RunState.PENDING, 3, created="task-retry"))
    assert told(again)[2:] == [
        ("a", "exception", 0, f"intermittent-task: Buildbot tries again  {A_LOG}"),
        ("a", "pending", 1, "again (task-retry)"),
    ]


def test_a_task_that_never_ran_has_no_log() -> None:
    late = member("a", "exception", run(RunState.EXCEPTION, reason="deadline-exceeded", worker=False))
    assert told(late) == [("a", "pending", 0, ""), ("a", "exception", 0, "deadline-exceeded: its deadline passed")]
    cancelled = member("a", "exception", run(RunState.EXCEPTION, reason="canceled", created="exception", worker=False))
    assert told(cancelled) == [("a", "exception", 0, "canceled: it was cancelled")]
    (row,) = report("G", [late], LINKS)["tasks"]
    assert (row["log"], row["reason"]) == (None, "deadline-exceeded")


def test_the_oldest_comes_first_whichever_task_it_is_of() -> None:
    other = member("b", "running", run(RunState.RUNNING, 0.5))
    assert [(each.name, each.state) for each in events([other, DONE], LINKS, LATER)] == [
        ("a", "pending"),
        ("b", "pending"),
        ("a", "running"),
        ("b", "running"),
        ("a", "completed"),
    ]


def test_each_event_is_told_once() -> None:
    seen: set[tuple[str, str, int | None]] = set()
    assert [each.state for each in news(events([RUNNING], LINKS, LATER), seen)] == ["pending", "running"]
    assert [each.state for each in news(events([DONE], LINKS, LATER), seen)] == ["completed"]
    assert list(news(events([DONE], LINKS, LATER), seen)) == []


@pytest.mark.parametrize(
    ("members", "ended", "well"),
    [
        ([], False, True),
        ([DONE], True, True),
        ([RUNNING], False, False),
        ([DONE, WAITING], False, False),
        ([RUNNING, WAITING], False, False),
        ([FAILED, WAITING, BEHIND], True, False),
        ([FAILED, member("b", "unscheduled", after=("a",), waits=False)], False, False),
    ],
)
def test_when_it_is_over(members: list[object], ended: bool, well: bool) -> None:
    assert (over(members), succeeded(members)) == (ended, well)


def test_it_is_not_over_before_all_that_counts_is_there() -> None:
    assert not over([DONE], [identity("a"), identity("b")])
    assert over([DONE], [identity("a")])


def test_a_reason_without_words_is_told_as_it_is() -> None:
    assert reason(run(RunState.EXCEPTION, reason="something-new")) == "something-new"
    assert reason(run(RunState.FAILED)) == ""


def test_the_report() -> None:
    assert report("G" * 22, [FAILED, WAITING], LINKS) == {
        "taskGroupId": "G" * 22,
        "url": f"https://tc.example.org/tasks/groups/{'G' * 22}",
        "succeeded": False,
        "tasks": [
            {
                "taskId": identity("a"),
                "name": "a",
                "state": "failed",
                "reason": "failed",
                "runs": 1,
                "stuckBehind": None,
                "url": f"https://tc.example.org/tasks/{identity('a')}",
                "log": A_LOG,
            },
            {
                "taskId": identity("b"),
                "name": "b",
                "state": "stuck",
                "reason": None,
                "runs": 0,
                "stuckBehind": identity("a"),
                "url": f"https://tc.example.org/tasks/{identity('b')}",
                "log": None,
            },
        ],
    }
