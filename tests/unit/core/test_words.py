"""What is owed, in words: each command has its own, and they name what people look for."""

from datetime import UTC, datetime

import pytest

from bridge.core.commands import (
    AttachLeftovers,
    CancelRequest,
    ClaimRun,
    Command,
    Explain,
    Look,
    ReclaimRun,
    Report,
    Reprioritise,
    RequestBuild,
)
from bridge.core.ledger import BEGINNING, END
from bridge.core.run import BuildId, Request, RequestId, RunId, Worker
from bridge.core.verdict import Resolution, Verdict
from bridge.core.words import in_words

WORKER = Worker("bridge", "linux-1")
REQUEST = Request(RequestId(7), RunId(0))
GOOD = Verdict(Resolution.COMPLETED, "the build succeeded", 0)
GONE = Verdict(Resolution.CANCELED, "a person cancelled the build", 6)

SAID = [
    (Look(None), "read the task's status in Taskcluster"),
    (Look(REQUEST), "read the task's status in Taskcluster, and build request 7 in Buildbot"),
    (RequestBuild(), "judge the task and request its build in Buildbot"),
    (ClaimRun(WORKER), "claim the run as bridge/linux-1"),
    (ReclaimRun(WORKER), "renew the claim as bridge/linux-1"),
    (Reprioritise(REQUEST, "high"), "give build request 7 the task's priority, high"),
    (
        Report(WORKER, BuildId(4), REQUEST, GOOD, claimed=True),
        "attach the artifacts of build 4, then tell Taskcluster: completed, because the build succeeded",
    ),
    (
        Report(WORKER, None, REQUEST, GONE, claimed=False),
        "tell Taskcluster: cancel the task, because a person cancelled the build",
    ),
    (Explain(WORKER, "no"), "attach the reason of the refusal and tell Taskcluster: malformed-payload"),
    (
        CancelRequest(RunId(0), "resolved as canceled", 0),
        "have Buildbot cancel the build request, because the run was resolved as canceled",
    ),
    (
        CancelRequest(RunId(0), "resolved as canceled", 3),
        "have Buildbot cancel the build request, because the run was resolved as canceled; asked 3 times so far",
    ),
    (AttachLeftovers(BuildId(4), WORKER), "attach log and properties of the stopped build 4"),
]


@pytest.mark.parametrize(("command", "words"), SAID, ids=[type(command).__name__ for command, _ in SAID])
def test_a_command_is_said_in_words(command: Command, words: str) -> None:
    assert in_words(command) == words


def test_every_command_is_among_them() -> None:
    assert {type(command) for command, _ in SAID} == set(Command.__args__)  # type: ignore[attr-defined]


def test_the_ends_of_time_lie_outside_of_all_that_is_stored() -> None:
    assert BEGINNING < datetime(2026, 1, 1, tzinfo=UTC) < END
