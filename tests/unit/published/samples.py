"""A run whose build has ended, as the engine knows it when it publishes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bridge.core.record import BuildRecord, LogKind, LogState, StepState
from bridge.core.request import BuildState, RequestState
from bridge.core.run import BuildId, Reporting, Request, RequestId, Run, RunId, RunKey, Stopping, TaskId, Worker
from bridge.core.verdict import Resolution, Verdict

AT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
KEY = RunKey(TaskId("fN1SbArXTPSVFUUvaOlinQ"), RunId(1))
REQUEST = Request(RequestId(7), RunId(0))
WORKER = Worker("our-bridge", "linux-1")
PAGE = "https://buildbot.example.com/#/builders/3/builds/42"
VERDICT = Verdict(Resolution.COMPLETED, "the build ended with warnings", 1)
REPORTED = Run(KEY, "linux", Reporting(REQUEST, BuildId(70), WORKER, VERDICT, AT), AT, AT, builder="release linux")
STOPPED = replace(REPORTED, phase=Stopping(REQUEST, "the task was cancelled", AT, BuildId(70), WORKER, over=True))


def after(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


BUILD = BuildState(70, 42, 3, "bm☃-1", after(5), after(60), 1, None, "build done")
STATE = RequestState(7, f"{KEY.task_id}/0", True, True, 1, after(61), AT, 2, False, (BUILD,))
RECORD = BuildRecord(
    70,
    42,
    "release linux",
    "bm☃-1",
    f"{KEY.task_id}/0",
    after(5),
    after(60),
    1,
    "warnings compile",
    (
        StepState(0, "checkout", after(5), after(6), 0, "update"),
        StepState(
            1,
            "compile",
            after(6),
            after(59),
            1,
            "compile MY_TOKEN=abc with canary-1",
            urls={"coverage canary-1": "https://x.example.com/?token=abc"},
            logs=(LogState(5, "stdio", LogKind.STDIO, 1234, True), LogState(6, "report", LogKind.HTML, 1, True)),
        ),
        StepState(2, "upload", None, None, None, "pending", hidden=True),
    ),
)
