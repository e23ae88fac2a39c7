"""Competing calls: which of them wins varies on the real queue, what always holds there must hold here.

The double serves one call after the other, so each order of a group is told. The 409 and 500 that the real queue
gives to some callers though their call could be granted are switched on as faults (see test_faults).
"""

import itertools
from collections import Counter
from typing import Any

import pytest

from tests.contract.taskcluster.replay import Replay, load
from tests.doubles.taskcluster.model import Run

STORY = load("09-concurrent-calls")
ORDERS = ("as sent", "reversed", "middle first")


def _in_order(calls: list[dict[str, Any]], order: str) -> list[dict[str, Any]]:
    """Tell the parallel groups of a story in another order: the calls change places, the moments stay."""
    told: list[dict[str, Any]] = []
    for group, members in itertools.groupby(calls, key=lambda call: call.get("parallel")):
        chosen = list(members)
        moments = [call["at"] for call in chosen]
        if group and order == "reversed":
            chosen.reverse()
        if group and order == "middle first":
            chosen = chosen[len(chosen) // 2 :] + chosen[: len(chosen) // 2]
        told += [call | {"at": at} for call, at in zip(chosen, moments, strict=True)]
    return told


@pytest.fixture(params=ORDERS)
def told(request: pytest.FixtureRequest) -> Replay:
    everything = frozenset(call["n"] for call in STORY["calls"])
    replay = Replay(STORY | {"calls": _in_order(STORY["calls"], request.param)}, loose=everything)
    replay.run()
    return replay


def _statuses(replay: Replay, group: str) -> Counter[tuple[str, int]]:
    calls = [call for call in STORY["calls"] if call.get("parallel") == group]
    return Counter((call["api"].split(".")[1], replay.answers[call["n"]].status) for call in calls)


def _run(replay: Replay, letter: str) -> Run:
    return replay.site.ledger.tasks[replay.names.tasks[f"task:{letter}"]].runs[0]


def _times(replay: Replay, letter: str, state: str) -> int:
    task_id = replay.names.tasks[f"task:{letter}"]
    return sum(1 for change in replay.site.ledger.history if (change.task_id, change.state) == (task_id, state))


def test_calls_outside_the_groups_answer_as_recorded(told: Replay) -> None:
    alone = [call for call in STORY["calls"] if not call.get("parallel")]
    assert [told.answers[call["n"]].status for call in alone] == [call["response"]["status"] for call in alone]


def test_equal_claims_make_one_claim(told: Replay) -> None:
    assert _statuses(told, "p1").keys() <= {("claimTask", 200), ("claimTask", 409), ("claimTask", 500)}
    assert _times(told, "A", "running") == 1


def test_reclaims_leave_the_run_running(told: Replay) -> None:
    assert _statuses(told, "p2").keys() <= {("reclaimTask", 200), ("reclaimTask", 500)}
    assert told.answers[14].status in (200, 409)


def test_equal_reports_complete_the_run_once(told: Replay) -> None:
    assert ("reportCompleted", 200) in _statuses(told, "p3")
    assert _times(told, "A", "completed") == 1


def test_of_different_workers_the_one_that_saw_200_holds_the_claim(told: Replay) -> None:
    winners = [
        call["request"]["body"]["workerId"]
        for call in STORY["calls"]
        if call.get("parallel") == "p4" and told.answers[call["n"]].status == 200
    ]
    assert winners == [_run(told, "B").worker_id]


def test_of_different_verdicts_one_wins(told: Replay) -> None:
    seen = _statuses(told, "p5")
    verdict = _run(told, "B").state
    won, lost = ("reportCompleted", "reportFailed") if verdict == "completed" else ("reportFailed", "reportCompleted")
    assert seen[won, 200] >= 1
    assert seen[lost, 200] == 0
    assert _times(told, "B", verdict) == 1


def test_a_cancel_beats_a_claim_or_cancels_what_was_claimed(told: Replay) -> None:
    run = _run(told, "C")
    assert (run.state, run.reason_resolved) == ("exception", "canceled")
    claimed = _statuses(told, "p6")["claimTask", 200] == 1
    assert claimed == (run.worker_id is not None)


def test_a_report_and_a_cancel_have_one_winner(told: Replay) -> None:
    reported = _statuses(told, "p7")["reportCompleted", 200] == 1
    assert _run(told, "D").state == ("completed" if reported else "exception")


def test_of_two_reasons_one_wins(told: Replay) -> None:
    seen = _statuses(told, "p8")
    assert (seen["reportException", 200], seen["reportException", 409]) == (1, 1)
    retried = _run(told, "E").reason_resolved == "worker-shutdown"
    runs = told.site.ledger.tasks[told.names.tasks["task:E"]].runs
    assert len(runs) == (2 if retried else 1)
