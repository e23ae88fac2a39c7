"""Runs that the store's tests start from."""

from datetime import UTC, datetime, timedelta

from bridge.core.run import (
    BuildId,
    Building,
    Claim,
    Facts,
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
from bridge.core.verdict import Resolution, Verdict
from bridge.store.runs import Runs

AT = datetime(2026, 3, 1, 12, 0, 0, 123456, UTC)
FAR = datetime(2090, 1, 1, tzinfo=UTC)
TASK = TaskId("A" * 22)
REQUEST = Request(RequestId(7), RunId(0))
WORKER = Worker("bridge", "linux-1")
CLAIM = Claim(AT + timedelta(minutes=20), AT + timedelta(minutes=7))
GOOD = Verdict(Resolution.COMPLETED, "the build succeeded", 0)
FACTS = Facts("group", "scheduler", "none", "low", AT, AT + timedelta(hours=3), AT + timedelta(days=30))

# Each phase with all that it may know.
FULL = (
    Wanted("held by the cap", asked=True),
    Queued(REQUEST, WORKER, CLAIM, BuildId(3), "low"),
    Building(REQUEST, BuildId(4), WORKER, CLAIM),
    Reporting(REQUEST, BuildId(4), WORKER, GOOD, AT, CLAIM),
    Refused(WORKER, "no such builder", CLAIM),
    Stopping(REQUEST, "cancelled", AT, BuildId(4), WORKER, 2, over=True),
    Settled("resolved as completed", REQUEST, BuildId(4)),
)


def wanted(number: int = 0, task: str = TASK, due: datetime = AT) -> Run:
    return Run(RunKey(TaskId(task), RunId(number)), "linux", Wanted(), due, due)


async def saved(store: Runs, run: Run, holder: str | None = None) -> None:
    await store.change(run.key.task_id, lambda _: {run.key.run_id: run}, because="test", holder=holder)
