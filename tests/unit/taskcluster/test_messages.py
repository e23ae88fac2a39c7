"""What the queue says: its messages, its statuses, as recorded from a real one, and as no real one would send them."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.run import RunId, RunKey, TaskId, Worker
from bridge.core.status import RunState
from bridge.taskcluster.messages import (
    EXCEPTION,
    LARGEST,
    PENDING,
    ClaimAnswer,
    Heard,
    StatusAnswer,
    Unreadable,
    binding_keys,
    hear,
    moment,
)

RECORDINGS = Path(__file__).parents[2] / "contract" / "taskcluster" / "recordings"
TASK = "fN1SbArXTPSVFUUvaOlinQ"
STARTED = datetime(2026, 3, 1, tzinfo=UTC)


def filled(text: str) -> str:
    """A recorded text with names and times in the place of placeholders."""

    def time(match: re.Match[str]) -> str:
        at = STARTED + timedelta(seconds=float(match[2]))
        return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}{match[1]}"

    text = re.sub(r"<time (\S+) ([+-][0-9.]+)>", time, text)
    text = re.sub(r"<(?:task|group):[^>]*>", TASK, text)
    return re.sub(r"<[a-zA-Z][^>]*>", "x" * 22, text)


def recorded(kind: str) -> list[Any]:
    return [item for path in sorted(RECORDINGS.glob("*.json")) for item in json.loads(filled(path.read_text()))[kind]]


def test_every_recorded_message_of_the_two_exchanges_is_heard() -> None:
    messages = [each for each in recorded("messages") if each["exchange"] in ("task-pending", "task-exception")]
    assert len(messages) > 50
    for message in messages:
        exchange = f"exchange/taskcluster-queue/v1/{message['exchange']}"
        body = message["body"]
        key = RunKey(TaskId(body["status"]["taskId"]), RunId(body["runId"]))
        assert hear(exchange, json.dumps(body).encode()) == Heard(exchange, key, body["status"]["taskQueueId"])


def test_a_message_tells_when_that_happened_of_which_it_tells() -> None:
    for message in recorded("messages"):
        exchange, body = f"exchange/taskcluster-queue/v1/{message['exchange']}", message["body"]
        if exchange in (PENDING, EXCEPTION):
            run = body["status"]["runs"][body["runId"]]
            heard = hear(exchange, json.dumps(body).encode())
            assert isinstance(heard, Heard)
            assert heard.at == datetime.fromisoformat(run["scheduled" if exchange == PENDING else "resolved"])


@pytest.mark.parametrize("runs", [None, [], {}, "x", [None], [{"scheduled": "yesterday"}]])
def test_a_message_without_a_time_that_can_be_read_is_heard_all_the_same(runs: Any) -> None:
    body = {"runId": 0, "status": {"taskId": TASK, "taskQueueId": "proj/linux", "runs": runs}}
    heard = hear(PENDING, json.dumps(body).encode())
    assert heard == Heard(PENDING, RunKey(TaskId(TASK), RunId(0)), "proj/linux")
    assert isinstance(heard, Heard)
    assert heard.at is None


def test_every_recorded_status_is_read() -> None:
    answers = [each["response"].get("body") for each in recorded("calls") if each["response"]["status"] == 200]
    statuses = [body for body in answers if isinstance(body, dict) and isinstance(body.get("status"), dict)]
    assert len(statuses) > 250
    for body in statuses:
        value = StatusAnswer.model_validate(body).status.value()
        assert [run.state.value for run in value.runs] == [run["state"] for run in body["status"]["runs"]]
        assert all(
            (run.taken_until is None) == ("takenUntil" not in wire)
            for run, wire in zip(value.runs, body["status"]["runs"], strict=True)
        )


def wire(**changes: Any) -> dict[str, Any]:
    run = {
        "runId": 0,
        "state": "running",
        "reasonCreated": "scheduled",
        "scheduled": "2026-03-01T12:00:00.000Z",
        "workerGroup": "g",
        "workerId": "w",
        "takenUntil": "2026-03-01T12:20:00.000+00:00",
    }
    return {
        "taskId": TASK,
        "taskQueueId": "p/w",
        "schedulerId": "s",
        "taskGroupId": TASK,
        "deadline": "2026-03-01T15:00:00.000Z",
        "expires": "2027-03-01T15:00:00.000Z",
        "retriesLeft": 5,
        "state": "running",
        "runs": [run],
        **changes,
    }


def test_both_notations_of_time_mean_the_same() -> None:
    status = StatusAnswer.model_validate({"status": wire()}).status.value()
    (run,) = status.runs
    assert run.worker == Worker("g", "w")
    assert run.state is RunState.RUNNING
    assert run.taken_until == datetime(2026, 3, 1, 12, 20, tzinfo=UTC)
    assert status.deadline == datetime(2026, 3, 1, 15, tzinfo=UTC)
    assert (status.project_id, status.priority) == ("none", "lowest")


@pytest.mark.parametrize(
    "changes",
    [
        {"runs": [{"runId": 1, "state": "pending", "reasonCreated": "x", "scheduled": "2026-03-01T12:00:00Z"}]},
        {"runs": [{"runId": 0, "state": "dreaming", "reasonCreated": "x", "scheduled": "2026-03-01T12:00:00Z"}]},
        {"deadline": "2026-03-01T15:00:00"},
        {"deadline": "9999-12-31T23:59:59.999Z"},
        {"expires": "0001-01-01T00:00:00.000Z"},
        {"taskId": "../x"},
        {"runs": None},
    ],
)
def test_a_status_of_another_form_is_none(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        StatusAnswer.model_validate({"status": wire(**changes)})


def body(**changes: Any) -> dict[str, Any]:
    return {"version": 1, "runId": 0, "status": {"taskId": TASK, "taskQueueId": "proj/linux"}, **changes}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b"[]",
        b"null",
        b'"\\ud800"',
        b"\x00",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"9" * 10_000,
        b'{"runId": 1e999}',
        json.dumps(body(runId=-1)).encode(),
        json.dumps(body(runId=1000)).encode(),
        json.dumps(body(runId="0")).encode(),
        json.dumps(body(runId=0.5)).encode(),
        json.dumps(body(runId=True)).encode(),
        json.dumps(body(runId=float("nan"))).encode(),
        json.dumps(body(status=None)).encode(),
        json.dumps(body(status={"taskId": "short", "taskQueueId": "a/b"})).encode(),
        json.dumps(body(status={"taskId": TASK + "\n", "taskQueueId": "a/b"})).encode(),
        json.dumps(body(status={"taskId": TASK, "taskQueueId": "\ud800/x"})).encode(),
        json.dumps(body(status={"taskId": TASK, "taskQueueId": "../../x"})).encode(),
        json.dumps(body(filler="x" * LARGEST)).encode(),
    ],
)
def test_what_is_no_message_of_the_queue_is_unreadable_with_a_reason(raw: bytes) -> None:
    answer = hear(PENDING, raw)
    assert isinstance(answer, Unreadable)
    assert answer.reason.isprintable()
    assert len(answer.reason) < 500


def test_other_exchanges_are_not_listened_to() -> None:
    raw = json.dumps(body()).encode()
    assert isinstance(hear(EXCEPTION, raw), Heard)
    for exchange in ("", "exchange/taskcluster-queue/v1/task-completed", "exchange/somebody/task-pending", "\0\ud800"):
        answer = hear(exchange, raw)
        assert isinstance(answer, Unreadable)
        assert answer.reason.encode()


texts = st.text(st.characters(codec=None), max_size=8)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | st.just(TASK),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["runId", "status", "taskId", "taskQueueId"]) | texts, inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.binary(max_size=200) | anything.map(lambda value: json.dumps(value).encode()))
def test_no_message_raises(raw: bytes) -> None:
    answer = hear(PENDING, raw)
    assert isinstance(answer, Heard | Unreadable)
    if isinstance(answer, Unreadable):
        assert answer.reason.isprintable()


def test_a_binding_names_the_whole_task_queue() -> None:
    assert binding_keys(["proj/linux"]) == {"proj/linux": "primary.*.*.*.*.proj.linux.#"}


def test_times_are_sent_in_utc_and_whole_milliseconds_never_rounded_up() -> None:
    at = datetime(2026, 3, 1, 12, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=2)))
    assert moment(at) == "2026-03-01T10:00:00.999Z"


def claim(certificate: Any) -> dict[str, Any]:
    credentials = {"clientId": "c", "accessToken": "canary-token", "certificate": certificate}
    return {"status": {"taskId": TASK}, "runId": 0, "takenUntil": "2026-03-01T12:20:00.000Z", "credentials": credentials}


def test_a_claims_credentials_expire_as_their_certificate_says_and_are_never_shown() -> None:
    answer = ClaimAnswer.model_validate(claim('{"version": 1, "seed": "canary-seed", "expiry": 1772366400000}'))
    assert answer.credentials.expiry == 1_772_366_400
    assert "canary" not in repr(answer) + str(answer)


@pytest.mark.parametrize(
    "certificate",
    ["", "canary", "{}", '{"expiry": "canary"}', '{"expiry": NaN}', '{"expiry": 1e999}', None, {"expiry": 1}, "[1]"],
)
def test_credentials_without_an_expiry_are_no_claim_and_not_shown(certificate: Any) -> None:
    with pytest.raises(ValueError) as caught:
        ClaimAnswer.model_validate(claim(certificate))
    assert "canary" not in str(caught.value.errors(include_input=False, include_url=False))  # type: ignore[attr-defined]
