"""Each kind of wrong is counted under its name; what went well is not."""

from typing import Any

import pytest

from tests.chaos.stream import KINDS, Kind, Made
from tests.chaos.verdict import BOUND, found
from tests.history.evidence import Cancel, Evidence

TASK = "T"
KIND = {kind.name: kind for kind in KINDS}
HEALED = 100.0


def _evidence(end: str = "completed", at: float = 110.0, **changes: Any) -> Evidence:
    """A run whose build was over at 108."""
    request = {"buildrequestid": 1, "complete": True, "results": 0, "submitted_at": 90, "complete_at": 108.0}
    build = {"buildid": 1, "started_at": 95, "complete_at": 108.0, "results": 0}
    calls = [
        {"n": 1, "unix": 96.0, "api": "queue.claimTask", "status": 200, "done": 200, "workerGroup": "g", "workerId": "w"},
        {"n": 2, "unix": at, "api": "queue.reportCompleted", "status": 200, "done": 200},
    ]
    history = [
        {"unix": 80.0, "state": "pending", "reason": "scheduled"},
        {"unix": 96.0, "state": "running", "reason": None},
        {"unix": at, "state": "completed", "reason": end},
    ]
    about = {"taskId": TASK, "runId": 0, "workerGroup": "g"}
    runs = changes.pop("runs", [{"state": "completed", "reasonCreated": "scheduled", "reasonResolved": end}])
    known: dict[str, Any] = {
        "calls": [{**about, **call} for call in calls],
        "history": [{**about, **change} for change in history],
        "tasks": {TASK: {"status": {"runs": runs}}},
        "requests": {f"{TASK}/0": [{**request, "builds": [build]}]},
        "cancels": [],
    }
    return Evidence(**(known | changes))


def _found(evidence: Evidence, kind: Kind = KIND["quick"]) -> list[str]:
    return [finding.wrong for finding in found(evidence, {TASK: Made(TASK, kind, 0.0)}, HEALED)]


def test_what_went_well_is_nothing_wrong() -> None:
    assert _found(_evidence()) == []
    assert _found(_evidence(at=108.0 + BOUND)) == []


def test_an_end_that_comes_too_late_after_healing_is_late() -> None:
    assert _found(_evidence(at=109.0 + BOUND)) == ["late"]


def test_a_build_that_began_late_and_ended_with_retry_is_waited_for_though_its_request_goes_on() -> None:
    late = 108.0 + 2 * BOUND
    request = {"buildrequestid": 1, "complete": True, "results": 0, "submitted_at": 90, "complete_at": late + BOUND + 20}
    retried = {"buildid": 1, "started_at": late - 5, "complete_at": late, "results": 5}
    running = {"buildid": 2, "started_at": late + 9, "complete_at": None, "results": None}
    requests = {f"{TASK}/0": [{**request, "builds": [retried, running]}]}
    assert "late" not in _found(_evidence(at=late + 33, requests=requests))
    assert "late" in _found(_evidence(at=late + 3 + BOUND, requests=requests))


def test_an_end_that_the_kind_does_not_have_is_a_wrong_verdict() -> None:
    assert _found(_evidence(), KIND["fails"]) == ["wrong_verdict"]


@pytest.mark.parametrize(
    ("wrong", "changes"),
    [
        ("lost", {"runs": [{"state": "running", "reasonCreated": "scheduled"}], "calls": [], "history": []}),
        ("wrongful_stop", {"cancels": [Cancel(97.0, f"{TASK}/0")]}),
    ],
)
def test_findings_of_the_judge_are_counted_under_their_kind(wrong: str, changes: dict[str, Any]) -> None:
    assert wrong in _found(_evidence(**changes))


def test_a_claim_that_expired_is_late() -> None:
    runs = [{"state": "exception", "reasonCreated": "scheduled", "reasonResolved": "claim-expired"}]
    runs += [{"state": "completed", "reasonCreated": "retry", "reasonResolved": "completed"}]
    assert "late" in _found(_evidence(runs=runs))


def test_a_second_request_of_a_run_is_doubled() -> None:
    evidence = _evidence()
    twice = [*evidence.requests[f"{TASK}/0"], {**evidence.requests[f"{TASK}/0"][0], "buildrequestid": 2}]
    assert "doubled" in _found(_evidence(requests={f"{TASK}/0": twice}))
