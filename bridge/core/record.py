"""What Buildbot tells of one build for people to read: its steps, their logs, and the files that it gave away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class LogKind(StrEnum):
    """What a log holds. Lines of `STDIO` came from a command; `HTML` is for browsers only."""

    STDIO = "stdio"
    TEXT = "text"
    HTML = "html"


@dataclass(frozen=True, slots=True)
class LogState:
    """One log of a step. `lines` is how many there are so far."""

    log_id: int
    name: str
    kind: LogKind
    lines: int
    complete: bool


@dataclass(frozen=True, slots=True)
class StepState:
    """One step of a build, in the order of `number`. `results` is None until it is over."""

    number: int
    name: str
    started_at: datetime | None
    complete_at: datetime | None
    results: int | None
    state_string: str
    hidden: bool = False
    urls: Mapping[str, str] = field(default_factory=dict)
    logs: tuple[LogState, ...] = ()


@dataclass(frozen=True, slots=True)
class BuildRecord:
    """One build with all its steps so far. `external_id` names the run for which its request was made."""

    build_id: int
    number: int
    builder: str
    worker: str
    external_id: str
    started_at: datetime
    complete_at: datetime | None
    results: int | None
    state_string: str
    steps: tuple[StepState, ...] = ()


@dataclass(frozen=True, slots=True)
class LogPiece:
    """Some lines of a log, each with its line feed, from the one that was asked for up to but without `next_line`.

    `complete`: there are no lines after these, and there never will be.
    """

    text: str
    next_line: int
    complete: bool


@dataclass(frozen=True, slots=True)
class Output:
    """A file that a build gave away for its task: kept by the master until the bridge has stored it.

    `name` is the artifact's full name; `lifetime` in seconds, None: as long as the task; `size` in bytes; `sha256` in hex.
    """

    number: int
    name: str
    content_type: str
    lifetime: int | None
    mandatory: bool
    size: int
    sha256: str
