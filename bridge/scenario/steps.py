"""What can happen in a scenario, and be checked in it: a step's words, and what each needs."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from bridge.scenario.spans import Span

Results = Literal["SUCCESS", "WARNINGS", "FAILURE", "SKIPPED", "EXCEPTION", "RETRY", "CANCELLED"]
Told = Literal["completed", "failed", "internal-error", "resource-unavailable", "canceled"]
Phase = Literal["wanted", "queued", "building", "reporting", "refused", "stopping", "settled"]
Priority = Literal["lowest", "very-low", "low", "medium", "high", "very-high", "highest"]
TaskName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
RunNumber = Annotated[int, Field(ge=0, le=999)]
Call = Literal[
    "status",
    "definition",
    "claimTask",
    "reclaimTask",
    "createArtifact",
    "reportCompleted",
    "reportFailed",
    "reportException",
    "cancelTask",
    "submit",
    "find",
    "state",
    "setPriority",
    "cancel",
]
Perhaps = Annotated[str, Field(pattern=r"^([A-Za-z]+|\([A-Za-z]+\))$")]
"""A name, or one in parentheses: it may be there, or not."""


class Part(BaseModel):
    """Any part of a scenario: what is not known is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Step(Part):
    """Something that happens at a time, counted from the beginning."""

    at: Span


class OfTask(Step):
    """Something that happens to a task, and to one of its runs: the newest, unless `run` says otherwise.

    `unheard`: the message about it is lost.
    """

    task: TaskName | None = None
    run: RunNumber | None = None
    unheard: bool = False


class OfTaskcluster(OfTask):
    """What happens at Taskcluster. `deadline passed` and `claim expired` say that the queue has resolved the run for it."""

    taskcluster: Literal[
        "task created",
        "task cancelled",
        "task rerun",
        "priority changed",
        "deadline passed",
        "claim expired",
        "claimed by another",
        "resolved by another",
        "task expired",
        "worker quarantined",
        "quarantine lifted",
        "messages repeated",
    ]
    priority: Priority | None = None
    worker: str | None = None
    reason: Literal["completed", "failed", "canceled", "worker-shutdown"] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        needs = {"priority changed": "priority", "worker quarantined": "worker", "quarantine lifted": "worker"}
        return _needing(self, self.taskcluster, needs | {"resolved by another": "reason"})


class OfBuildbot(OfTask):
    """What happens at Buildbot, to the request made for a run of a task; `run` None: the newest request of the task.

    `build ended` completes the request too, unless it ended RETRY or `request` says that it stays open for a while.
    """

    buildbot: Literal[
        "build started",
        "build ended",
        "request complete",
        "request cancelled",
        "request lost",
        "rebuilt by a person",
        "worker lost",
        "builder full",
        "builder has room",
        "builder removed",
        "master down",
        "master up",
        "master stopped",
        "master killed",
    ]
    worker: str | None = None
    results: Results | None = None
    request: Literal["complete", "open"] = "complete"
    builder: str | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        needs = {"build ended": "results", "request complete": "results"}
        needs |= dict.fromkeys(("builder full", "builder has room", "builder removed"), "builder")
        return _needing(self, self.buildbot, needs)


class OfBridge(Step):
    """What happens to the bridge: its process ends, or stands still, `for` a time; the row of a run is lost."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True)

    bridge: Literal["crashed", "paused", "rows lost"]
    lasts: Annotated[Span, Field(alias="for")] = timedelta(seconds=30)
    task: TaskName | None = None


class OfCall(Step):
    """Calls that go wrong from now on: the next `times`, or all `for` a time.

    `answer lost`: the other side did what was asked, and nobody hears so. `crash before`, `crash after`: the process ends
    at the call. Numbers are HTTP's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True)

    call: Call
    answers: Literal[401, 403, 404, 409, 429, 500, 502, 503, "nothing", "answer lost", "crash before", "crash after"]
    times: Annotated[int, Field(ge=1, le=1000)] | None = None
    lasts: Annotated[Span | None, Field(alias="for")] = None
    task: TaskName | None = None


class OfCheck(Step):
    """What must be so at this time: the run's phase, its state in Taskcluster, what it owes now or later.

    `made`: how often calls were made for it by then, at least; `alarm`: one that was raised about its task.
    """

    check: Literal["run"]
    task: TaskName | None = None
    run: RunNumber = 0
    phase: Phase | None = None
    state: Literal["pending", "running", "completed", "failed", "exception"] | None = None
    owes: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z]+$")] | None = None
    made: dict[Call, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    alarm: str | None = None


KINDS: Final = ("taskcluster", "buildbot", "bridge", "call", "check")


def _kind(written: object) -> str:
    named = [kind for kind in KINDS if kind in written] if isinstance(written, dict) else []
    if isinstance(written, Step):
        named = [kind for kind in KINDS if hasattr(written, kind)]
    return named[0] if len(named) == 1 else ""


AnyStep = Annotated[
    Annotated[OfTaskcluster, Tag("taskcluster")]
    | Annotated[OfBuildbot, Tag("buildbot")]
    | Annotated[OfBridge, Tag("bridge")]
    | Annotated[OfCall, Tag("call")]
    | Annotated[OfCheck, Tag("check")],
    Discriminator(_kind),
]


_GLOBAL: Final = frozenset({"builder full", "builder has room", "builder removed", "master down", "master up"}) | {
    "master stopped",
    "master killed",
    "worker quarantined",
    "quarantine lifted",
}


def names_a_task(step: Step) -> bool:
    """Whether the step is about one task."""
    match step:
        case OfTaskcluster(taskcluster=word) | OfBuildbot(buildbot=word):
            return word not in _GLOBAL
        case OfCheck():
            return True
        case _:
            return False


_Step = TypeVar("_Step", bound=Step)


def _needing(step: _Step, word: str, needs: dict[str, str]) -> _Step:
    wanted = needs.get(word)
    if wanted is not None and getattr(step, wanted) is None:
        raise ValueError(f"`{word}` needs `{wanted}`: say which")
    return step
