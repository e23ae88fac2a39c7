"""The plugin's answers about one build, as they stand on the wire, and the values that they become; as in `messages`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bridge.buildbot.messages import Message, Number, Results, Seconds, moment, moment_or_none, open_as_none
from bridge.core.record import BuildRecord, LogKind, LogState, Output, StepState


class LogEntry(Message):
    logid: Number
    name: str
    kind: Literal["stdio", "text", "html"]
    lines: Number
    complete: bool

    def value(self) -> LogState:
        return LogState(self.logid, self.name, LogKind(self.kind), self.lines, self.complete)


class StepEntry(Message):
    number: Number
    name: str
    started_at: Seconds | None
    complete_at: Seconds | None
    results: Results
    state_string: str
    hidden: bool
    urls: dict[str, str]
    logs: list[LogEntry]

    def value(self) -> StepState:
        return StepState(
            number=self.number,
            name=self.name,
            started_at=moment_or_none(self.started_at),
            complete_at=moment_or_none(self.complete_at),
            results=open_as_none(self.results),
            state_string=self.state_string,
            hidden=self.hidden,
            urls=self.urls,
            logs=tuple(log.value() for log in self.logs),
        )


class RecordAnswer(Message):
    buildid: Number
    number: Number
    builder: str
    worker: str
    external_id: str
    started_at: Seconds
    complete_at: Seconds | None
    results: Results
    state_string: str
    steps: list[StepEntry]

    def value(self) -> BuildRecord:
        return BuildRecord(
            build_id=self.buildid,
            number=self.number,
            builder=self.builder,
            worker=self.worker,
            external_id=self.external_id,
            started_at=moment(self.started_at),
            complete_at=moment_or_none(self.complete_at),
            results=open_as_none(self.results),
            state_string=self.state_string,
            steps=tuple(step.value() for step in sorted(self.steps, key=lambda step: step.number)),
        )


class LogHeaders(Message):
    """What the headers of a piece of a log say."""

    next_line: Annotated[int, Field(strict=False, ge=0, lt=2**63)] = Field(alias="X-Next-Line")
    complete: Literal["true", "false"] = Field(alias="X-Complete")


class OutputEntry(Message):
    number: Number
    name: Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[\x20-\x7e]+$")]
    content_type: Annotated[str, Field(max_length=255)]
    lifetime: Annotated[int, Field(gt=0, lt=2**40)] | None
    mandatory: bool
    size: Number
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

    def value(self) -> Output:
        return Output(
            number=self.number,
            name=self.name,
            content_type=self.content_type,
            lifetime=self.lifetime,
            mandatory=self.mandatory,
            size=self.size,
            sha256=self.sha256,
        )


class OutputsAnswer(Message):
    outputs: list[OutputEntry]

    def value(self) -> tuple[Output, ...]:
        return tuple(each.value() for each in sorted(self.outputs, key=lambda each: each.number))


class ReleasedAnswer(Message):
    """The plugin keeps nothing of the build any more."""
