"""The judgement that every scenario ends with finds each kind of wrong in a history that has it."""

from typing import Any

import pytest

from tests.history.evidence import Cancel, Evidence
from tests.history.judge import judge
from tests.history.rest import at_rest

TASK = "T"


def _call(n: int, api: str, run: int | None = 0, client: str = "bridge", **more: Any) -> dict[str, Any]:
    about = {"taskId": TASK if run is not None else None, "runId": run, "client": client}
    return {"n": n, "unix": float(n), "api": f"queue.{api}", "status": 200, "done": 200, "path": api, **about, **more}


def _is(n: float, run: int, state: str, reason: str | None = None, group: str | None = None) -> dict[str, Any]:
    return {"unix": float(n), "taskId": TASK, "runId": run, "state": state, "reason": reason, "workerGroup": group}


def _request(number: int = 1, *, complete: bool = True, results: int = 0, builds: tuple[int | None, ...] = (0,)) -> Any:
    made = [{"buildid": n, "started_at": 2, "results": result} for n, result in enumerate(builds)]
    times = {"submitted_at": 1, "complete_at": 4 if complete else None}
    return {"buildrequestid": number, "complete": complete, "results": results, "builds": made, **times}


def _evidence(**changes: Any) -> Evidence:
    """A run that went well."""
    run = {"state": "completed", "reasonCreated": "scheduled", "reasonResolved": "completed"}
    calls = [
        _call(1, "statuses", None),
        _call(3, "claimTask", workerGroup="bridge", workerId="w"),
        _call(5, "createArtifact", client="task-client"),
        _call(6, "reportCompleted", client="task-client"),
    ]
    history = [_is(0, 0, "pending"), _is(3, 0, "running", None, "bridge"), _is(6, 0, "completed", "completed", "bridge")]
    tasks = {TASK: {"status": {"runs": changes.pop("runs", [run])}}}
    known: dict[str, Any] = {"calls": calls, "history": history, "cancels": [], "requests": {f"{TASK}/0": [_request()]}}
    more = changes.pop("more", [])
    known |= changes
    return Evidence(known["calls"] + more, known["history"], tasks, known["requests"], known["cancels"], group="bridge")


def _cancel(when: float) -> Cancel:
    return Cancel(when, f"{TASK}/0")


def test_a_run_that_went_well_is_not_complained_of() -> None:
    assert judge(_evidence()) == []


RETRIED = [
    {"state": "exception", "reasonCreated": "scheduled", "reasonResolved": "claim-expired"},
    {"state": "pending", "reasonCreated": "retry"},
]
HANDED = [_is(0, 0, "pending"), _is(3, 0, "exception", "claim-expired"), _is(3, 1, "pending")]
CANCELED = [{"state": "exception", "reasonCreated": "scheduled", "reasonResolved": "canceled"}]


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("S1", {"requests": {f"{TASK}/0": [_request(1), _request(2)]}}),
        ("S2", {"requests": {f"{TASK}/0": [_request()], f"{TASK}/1": [_request(2)]}}),
        ("S3", {"more": [_call(4, "claimTask", workerGroup="bridge", workerId="another")]}),
        ("S3", {"requests": {f"{TASK}/0": [_request(builds=())]}}),
        ("S4", {"requests": {f"{TASK}/0": [_request(results=2)]}}),
        ("S4", {"requests": {f"{TASK}/0": [_request(complete=False)]}}),
        ("S4", {"requests": {}, "calls": [_call(6, "reportCompleted")]}),
        ("S4", {"more": [_call(7, "reportFailed", client="task-client")]}),
        ("S5", {"more": [_call(8, "rerunTask")]}),
        ("S5", {"more": [_call(8, "statuses", None), _call(9, "cancelTask", None, taskId=TASK)]}),
        ("S5", {"calls": [_call(9, "cancelTask")], "runs": CANCELED, "requests": {f"{TASK}/0": [_request(results=6)]}}),
        ("S7", {"cancels": [_cancel(4.0)]}),
        ("S7", {"cancels": None, "calls": [], "requests": {f"{TASK}/0": [_request(results=6)]}}),
        ("S7", {"cancels": [_cancel(4.0)], "history": HANDED, "runs": RETRIED, "calls": []}),
        ("S9", {"more": [_call(7, "createArtifact", client="task-client")]}),
    ],
)
def test_each_wrong_is_found(rule: str, changes: dict[str, Any]) -> None:
    assert {line[:2] for line in judge(_evidence(**changes))} == {rule}


def test_a_request_that_a_person_cancelled_is_no_wrongful_stop() -> None:
    ended = _evidence(cancels=None, calls=[], requests={f"{TASK}/0": [_request(results=6)]})
    assert judge(ended, cancelled_by_people=[f"{TASK}/0"]) == []


def test_what_is_left_over_is_found_unless_it_waits_for_a_named_reason() -> None:
    assert at_rest(_evidence()) == []
    waits = [{"state": "pending", "reasonCreated": "scheduled"}]
    assert {line[:2] for line in at_rest(_evidence(runs=waits, requests={}))} == {"L1"}
    assert {line[:2] for line in at_rest(_evidence(runs=waits))} == {"L2"}
    assert at_rest(_evidence(runs=waits), waiting=[TASK]) == []
    assert {line[:2] for line in at_rest(_evidence(requests={f"{TASK}/0": [_request(complete=False)]}))} == {"L3"}


def test_a_read_that_others_made_during_a_slow_cancel_is_not_held_against_it() -> None:
    slow = _call(9, "cancelTask", None, taskId=TASK, unix=4.0)
    reads = [_call(2, "status", unix=3.9), _call(8, "statuses", None, unix=5.0)]
    history = [_is(0, 0, "pending"), _is(4, 0, "exception", "canceled")]
    requests = {f"{TASK}/0": [_request(results=6)]}
    assert judge(_evidence(calls=[*reads, slow], history=history, runs=CANCELED, requests=requests)) == []


@pytest.mark.parametrize(("builds", "wrong"), [((5, None), []), ((2, None), []), ((None,), ["S4"]), ((), ["S4"])])
def test_a_hand_over_needs_a_build_that_buildbot_built_again(builds: tuple[int | None, ...], wrong: list[str]) -> None:
    reports = [_call(3, "claimTask", workerGroup="bridge", workerId="w")] if builds else []
    reports += [_call(4, "reportException", reason="intermittent-task")]
    runs = [{"state": "exception", "reasonCreated": "scheduled", "reasonResolved": "intermittent-task"}, RETRIED[1]]
    history = [_is(0, 0, "pending"), _is(4, 0, "exception", "intermittent-task"), _is(4, 1, "pending")]
    requests = {f"{TASK}/0": [_request(complete=False, results=-1, builds=builds)]}
    found = judge(_evidence(calls=reports, history=history, runs=runs, requests=requests))
    assert [line[:2] for line in found] == wrong
