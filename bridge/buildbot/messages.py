"""The plugin's answers as they stand on the wire, and the values that they become.

Numbers, strings and nulls are taken strictly, and numbers only where Buildbot could have them: what lies beyond is no
answer of a plugin, and could neither be reckoned with nor be stored. Fields that are not known are passed over: the plugin
may be newer than this side, as each is updated at its own time.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from bridge.buildbot.answers import Builder, Change, Changes, Submitted, Version
from bridge.core.request import MASTER_SHUTDOWN, BuildState, RequestState


class Message(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


def open_as_none(results: int | None) -> int | None:
    """The results of what is over, else None."""
    return None if results == -1 else results  # Buildbot's own rows hold -1 for a request that is open


Number = Annotated[int, Field(ge=0, lt=2**63)]
"""The number of a row."""
Seconds = Annotated[int, Field(ge=0, lt=221_845_392_000)]
"""Since 1970, up to the year 9000: far from the end of the calendar, so that times can be reckoned with."""
Code = Annotated[int, Field(ge=-1, lt=2**31)]
Results = Code | None


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def moment_or_none(seconds: int | None) -> datetime | None:
    return None if seconds is None else moment(seconds)


class Build(Message):
    buildid: Number
    number: Number
    builderid: Number
    worker: str
    started_at: Seconds
    complete_at: Seconds | None
    results: Results
    state_string: str
    interrupted: str | None

    def value(self) -> BuildState:
        return BuildState(
            build_id=self.buildid,
            number=self.number,
            builder_id=self.builderid,
            worker=self.worker,
            started_at=moment(self.started_at),
            complete_at=moment_or_none(self.complete_at),
            results=open_as_none(self.results),
            interrupted=self.interrupted,
            state_string=self.state_string,
        )


class State(Message):
    buildrequestid: Number
    external_id: str
    claimed: bool
    complete: bool
    results: Results
    submitted_at: Seconds
    complete_at: Seconds | None
    priority: int
    interrupted: str | None
    builds: list[Build]

    def value(self) -> RequestState:
        return RequestState(
            request_id=self.buildrequestid,
            external_id=self.external_id,
            claimed=self.claimed,
            complete=self.complete,
            results=open_as_none(self.results),
            complete_at=moment_or_none(self.complete_at),
            submitted_at=moment(self.submitted_at),
            priority=self.priority,
            master_shutdown=self.interrupted == MASTER_SHUTDOWN,
            builds=tuple(build.value() for build in sorted(self.builds, key=lambda build: build.buildid)),
        )


class Unknown(Message):
    """An id of which the plugin, answering, says that no request of ours has it."""

    buildrequestid: int
    missing: Literal[True]


class StatesAnswer(Message):
    epoch: str
    seq: Number
    states: list[Annotated[State | Unknown, Field(union_mode="left_to_right")]]


class PageAnswer(Message):
    epoch: str
    seq: Number
    states: list[State]
    next: Number | None


class ChangeEntry(Message):
    seq: Number
    at: Seconds
    event: str
    external_id: str
    buildrequest: Number
    builderid: Number
    results: Results
    master_stopping: bool
    buildid: Number | None = None
    number: Number | None = None
    state_string: str | None = None

    def value(self) -> Change:
        results = open_as_none(self.results)
        return Change(self.buildrequest, self.event, self.external_id, moment(self.at), results, self.buildid)


class ChangesAnswer(Message):
    epoch: str
    seq: Number
    resync: bool
    changes: list[ChangeEntry]

    def value(self) -> Changes:
        return Changes(self.epoch, self.seq, self.resync, tuple(entry.value() for entry in self.changes))


class SubmittedAnswer(Message):
    created: bool
    external_id: str
    buildsetid: Number
    buildrequestid: Number
    builder: str

    def value(self) -> Submitted:
        return Submitted(self.buildrequestid, self.created, self.buildsetid, self.builder)


class BuilderEntry(Message):
    name: str
    builderid: Number
    connected_workers: Number


class BuildersAnswer(Message):
    builders: list[BuilderEntry]

    def value(self) -> tuple[Builder, ...]:
        return tuple(Builder(each.name, each.builderid, each.connected_workers) for each in self.builders)


class VersionAnswer(Message):
    version: str
    buildbot_version: str
    buildbot_url: str
    epoch: str
    builders: list[str]
    stopping: bool

    def value(self) -> Version:
        return Version(
            self.version, self.buildbot_version, self.buildbot_url, self.epoch, tuple(self.builders), self.stopping
        )


class ErrorDetail(Message):
    code: str
    message: str


class ErrorAnswer(Message):
    error: ErrorDetail
