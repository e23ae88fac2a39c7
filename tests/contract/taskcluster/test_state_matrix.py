"""What every call does in every state of a task: 234 cells measured on a real queue."""

import csv
from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.taskcluster.drive import OTHER, SAME, Drive
from tests.contract.taskcluster.replay import RECORDINGS
from tests.doubles.taskcluster.instants import HOUR, SECOND, zulu
from tests.doubles.taskcluster.model import Message, Task

CELLS = list(csv.DictReader((RECORDINGS / "state-matrix.tsv").read_text().splitlines(), delimiter="\t"))
DEADLINE = 20.0  # seconds after a task is made, in the late states
RESOLVER = 70.0


def _unscheduled(drive: Drive) -> str:
    return drive.create(dependencies=[drive.create()])


def _running(drive: Drive) -> str:
    task_id = drive.create()
    drive.claim(task_id)
    return task_id


def _reported(how: str, reason: str | None = None) -> Callable[[Drive], str]:
    def make(drive: Drive) -> str:
        task_id = _running(drive)
        drive.report(task_id, how, reason)
        return task_id

    return make


def _then(make: Callable[[Drive], str], verb: str) -> Callable[[Drive], str]:
    def make_and_do(drive: Drive) -> str:
        task_id = make(drive)
        drive.succeed("POST", f"/task/{task_id}/{verb}")
        return task_id

    return make_and_do


def _claimed_again(make: Callable[[Drive], str]) -> Callable[[Drive], str]:
    def make_and_claim(drive: Drive) -> str:
        task_id = make(drive)
        drive.claim(task_id, run_id=1)
        return task_id

    return make_and_claim


def _late(make: Callable[[Drive], str], seconds: float = 1) -> Callable[[Drive], str]:
    def make_and_wait(drive: Drive) -> str:
        drive.deadline_after = round(DEADLINE * SECOND)
        task_id = make(drive)
        drive.later(DEADLINE + seconds)
        drive.site.poll(drive.now)
        return task_id

    return make_and_wait


RETRIED = _reported("exception", "worker-shutdown")
RERUN = _then(_reported("completed"), "rerun")
STATES: dict[str, Callable[[Drive], str]] = {
    "unscheduled": _unscheduled,
    "pending": Drive.create,
    "running": _running,
    "completed": _reported("completed"),
    "failed": _reported("failed"),
    "internal-error": _reported("exception", "internal-error"),
    "cancelled-pending": _then(Drive.create, "cancel"),
    "cancelled-running": _then(_running, "cancel"),
    "retried, run 1 pending": RETRIED,
    "retried, run 1 running": _claimed_again(RETRIED),
    "rerun, run 1 pending": RERUN,
    "rerun, run 1 running": _claimed_again(RERUN),
    "late pending": _late(Drive.create),
    "late running": _late(_running),
    "late unscheduled": _late(_unscheduled),
    "late retried, run 1 pending": _late(RETRIED),
    "deadline-exceeded, was pending": _late(Drive.create, RESOLVER),
    "deadline-exceeded, was running": _late(_running, RESOLVER),
}


def _calls(drive: Drive) -> dict[str, tuple[str, dict[str, Any] | None]]:
    reference = {
        "storageType": "reference",
        "expires": zulu(drive.now + HOUR),
        "contentType": "text/html",
        "url": "https://example.com",
    }
    return {
        "claimTask same": ("runs/0/claim", SAME),
        "claimTask other": ("runs/0/claim", OTHER),
        "reclaimTask": ("runs/0/reclaim", None),
        "reportCompleted": ("runs/0/completed", None),
        "reportFailed": ("runs/0/failed", None),
        "reportException worker-shutdown": ("runs/0/exception", {"reason": "worker-shutdown"}),
        "reportException internal-error": ("runs/0/exception", {"reason": "internal-error"}),
        "reportException malformed-payload": ("runs/0/exception", {"reason": "malformed-payload"}),
        "createArtifact": ("runs/0/artifacts/public%2Fx", reference),
        "cancelTask": ("cancel", None),
        "rerunTask": ("rerun", None),
        "scheduleTask": ("schedule", None),
        "changeTaskPriority": ("priority", {"newPriority": "high"}),
    }


def _described(task: Task) -> str:
    runs = [run.reason_resolved if run.state == "exception" else run.state for run in task.runs]
    left = "" if task.retries_left == 5 else f" retriesLeft {task.retries_left}"
    return f"{task.state} [{', '.join(map(str, runs))}]{left}"


def _named(message: Message) -> str:
    run_id = message.routing_key.split(".")[2]
    return message.exchange if run_id == "_" else f"{message.exchange}({run_id})"


def test_the_table_is_complete() -> None:
    assert {(cell["state"], cell["call"]) for cell in CELLS} == {(s, c) for s in STATES for c in _calls(Drive())}
    assert len(CELLS) == 234


@pytest.mark.parametrize("cell", CELLS, ids=[f"{cell['state']}-{cell['call']}" for cell in CELLS])
def test_a_call_does_in_this_state_what_the_real_queue_did(cell: dict[str, str]) -> None:
    drive = Drive()
    task_id = STATES[cell["state"]](drive)
    ledger = drive.site.ledger
    before, sent = _described(ledger.tasks[task_id]), len(ledger.outbox)
    drive.later(1)
    path, body = _calls(drive)[cell["call"]]
    answer = drive.call("POST", f"/task/{task_id}/{path}", body)
    after = _described(ledger.tasks[task_id])
    told = " ".join(_named(message) for message in ledger.outbox[sent:] if message.task_id == task_id)
    assert (
        str(answer.status),
        "-" if answer.status == 200 else answer.body["code"],
        "-" if after == before else after,
        told or "-",
    ) == (cell["status"], cell["code"], cell["after"], cell["messages"])
