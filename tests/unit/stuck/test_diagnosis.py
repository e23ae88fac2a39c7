"""Which runs are stuck, by value: each cause has rows that show it, and rows just short of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bridge.core import admission
from bridge.core.debts import due_at
from bridge.core.ledger import Entry
from bridge.core.order import LeftAlone, Payload, Policy
from bridge.core.run import (
    BuildId,
    Building,
    Claim,
    Facts,
    Phase,
    Queued,
    Refused,
    Reporting,
    Request,
    RequestId,
    Run,
    RunId,
    RunKey,
    Settled,
    Stopping,
    TaskId,
    Wanted,
    Worker,
)
from bridge.core.status import TaskStatus
from bridge.core.steering import Stop, StopKind
from bridge.core.verdict import Resolution, Verdict
from bridge.stuck import CAUSES, Circumstances, findings

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
KEY = RunKey(TaskId("E" * 22), RunId(0))
REQUEST = Request(RequestId(7), RunId(0))
WORKER = Worker("bridge", "linux-1")
FRESH = Claim(NOW + timedelta(minutes=20), NOW + timedelta(minutes=7))
GOOD = Verdict(Resolution.COMPLETED, "the build succeeded", 0)
BUILDING = Building(REQUEST, BuildId(4), WORKER, FRESH)
SERVED = Circumstances(NOW, {"linux"})


def facts(scheduled: timedelta = MINUTE, deadline: timedelta = HOUR) -> Facts:
    return Facts("G" * 22, "scheduler", "none", "low", NOW - scheduled, NOW + deadline, NOW + 24 * HOUR)


def entry(phase: Phase, *, age: timedelta = timedelta(minutes=10), **changes: object) -> Entry:
    """A row whose debts lie ahead unless the changes say otherwise."""
    run = Run(KEY, "linux", phase, NOW + HOUR, NOW + HOUR, facts(), "linux64-opt")
    run = replace(run, **changes)
    return Entry(run, due_at(run), 1, None, None, None, NOW - age, NOW - age)


def causes(of: Entry, seen: Circumstances = SERVED) -> list[str]:
    return [finding.cause.name for finding in findings(of, seen)]


HEALTHY = [
    Wanted(),
    Wanted("builder 'x' is left alone by this bridge's policy"),
    Queued(REQUEST),
    BUILDING,
    Reporting(REQUEST, BuildId(4), WORKER, GOOD, NOW - MINUTE, FRESH),
    Refused(WORKER, "no", FRESH),
    Stopping(REQUEST, "resolved as canceled", NOW - MINUTE),
    Settled("completed", REQUEST, BuildId(4)),
]


@pytest.mark.parametrize("phase", HEALTHY, ids=lambda phase: type(phase).__name__)
def test_a_run_that_goes_on_as_it_should_is_not_stuck(phase: Phase) -> None:
    assert causes(entry(phase)) == []


STUCK = [
    (
        "claim_over",
        entry(replace(BUILDING, claim=Claim(NOW, NOW - 10 * MINUTE)), look_at=NOW + HOUR),
        ["claim_over", "nobody_acts"],
    ),
    (
        "claim_ends_soon",
        entry(replace(BUILDING, claim=Claim(NOW + 4 * MINUTE, NOW - timedelta(seconds=30)))),
        ["claim_ends_soon"],
    ),
    ("past_deadline", entry(BUILDING, facts=facts(deadline=-6 * MINUTE)), ["past_deadline"]),
    ("nobody_acts", entry(BUILDING, look_at=NOW - 2 * MINUTE), ["nobody_acts"]),
    ("task_unknown", entry(BUILDING, absent_since=NOW - MINUTE), ["task_unknown"]),
    ("request_unknown", entry(Queued(REQUEST), missing_since=NOW - MINUTE, missing_reads=2), ["request_unknown"]),
    ("builder_full", entry(Wanted("builder 'x' has 9 pending requests, and `max_pending` allows 9")), ["builder_full"]),
    ("stopped", entry(Wanted(Stop(StopKind.PAUSED, "linux", "*", "alice", "repair").words)), ["stopped"]),
    ("builder_full", entry(Wanted("builder x takes no more build requests at the moment")), ["builder_full"]),
    ("held_back", entry(Wanted("PUT runs/x/0: HTTP 503"), attempts=99), ["held_back"]),
    ("calls_fail", entry(BUILDING, attempts=5), ["calls_fail"]),
    ("stop_takes_long", entry(Stopping(REQUEST, "canceled", NOW - 6 * MINUTE)), ["stop_takes_long"]),
    (
        "report_takes_long",
        entry(Reporting(REQUEST, BuildId(4), WORKER, GOOD, NOW - 16 * MINUTE, FRESH)),
        ["report_takes_long"],
    ),
    ("waits_for_worker", entry(Queued(REQUEST), facts=facts(scheduled=2 * HOUR)), ["waits_for_worker"]),
    ("waits_for_worker", entry(Queued(REQUEST), facts=None, age=2 * HOUR), ["waits_for_worker"]),
]


@pytest.mark.parametrize(("_cause", "of", "expected"), STUCK, ids=[cause for cause, *_ in STUCK])
def test_a_stuck_run_is_told_with_its_cause(_cause: str, of: Entry, expected: list[str]) -> None:
    assert causes(of) == expected


def test_a_pool_that_nobody_serves_comes_first() -> None:
    of = entry(BUILDING, attempts=5)
    assert causes(of, Circumstances(NOW, {"windows"})) == ["pool_unserved", "calls_fail"]


def test_every_cause_of_the_table_has_a_row_that_shows_it() -> None:
    assert {cause for cause, *_ in STUCK} | {"pool_unserved"} == set(CAUSES)


def test_what_is_due_is_left_to_whoever_acts_for_it() -> None:
    late = entry(BUILDING, look_at=NOW - 2 * MINUTE)
    leased = replace(late, lease_owner="reflector-1", lease_until=NOW + timedelta(seconds=20))
    assert causes(leased) == []
    assert causes(replace(leased, lease_until=NOW - MINUTE)) == ["nobody_acts"]


@pytest.mark.parametrize(
    "short",
    [
        entry(BUILDING, look_at=NOW - MINUTE),
        entry(BUILDING, attempts=4),
        entry(BUILDING, facts=facts(deadline=-4 * MINUTE)),
        entry(Wanted("full"), age=MINUTE),
        entry(Queued(REQUEST), facts=facts(scheduled=59 * MINUTE)),
    ],
)
def test_a_run_that_is_only_a_little_late_is_not_stuck(short: Entry) -> None:
    assert causes(short) == []


def test_what_policy_leaves_alone_is_not_stuck() -> None:
    """In the very words of the core, which the diagnosis reads."""
    payload = Payload("release-1", {}, ())
    status = TaskStatus(KEY.task_id, "q/w", "s", "none", KEY.task_id, "low", NOW, NOW, 5, "pending", ())
    left = admission.judge(KEY, payload, (), status, Policy(left_alone=("release-*",)))
    assert isinstance(left, LeftAlone)
    assert causes(entry(Wanted(left.why))) == []


def test_what_is_wrong_is_said_with_the_moment_and_what_is_owed() -> None:
    (found,) = findings(entry(BUILDING, look_at=NOW - 2 * MINUTE), SERVED)
    assert found.since == NOW - 2 * MINUTE
    assert found.detail == "read the task's status in Taskcluster, and build request 7 in Buildbot"
    (failing,) = findings(entry(Queued(REQUEST, priority="high"), attempts=7, look_at=NOW + 2 * HOUR), SERVED)
    assert failing.detail == "7 tries: give build request 7 the task's priority, low"


def test_every_cause_says_what_why_and_what_to_do_in_sentences() -> None:
    texts = [text for cause in CAUSES.values() for text in (cause.what, cause.why, cause.mend)]
    assert [text for text in texts if not (text[0].isupper() or text[0] == "`") or not text.endswith(".")] == []
