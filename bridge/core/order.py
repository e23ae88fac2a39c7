"""What is asked of Buildbot for a run, and what its payload said before that was judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Sourcestamp:
    """What to build; all parts optional, codebases distinct within an order."""

    codebase: str = ""
    repository: str = ""
    project: str = ""
    branch: str | None = None
    revision: str | None = None


@dataclass(frozen=True, slots=True)
class Payload:
    """A task's payload after its schema was checked. `properties` are JSON values."""

    builder: str
    properties: Mapping[str, object]
    sourcestamps: tuple[Sourcestamp, ...]


@dataclass(frozen=True, slots=True)
class Definition:
    """What admission needs of a task definition. `payload` is JSON as it came; `scopes` are not expanded."""

    payload: object
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """A build to request. `priority` 0 to 6, higher first; `not_before` bounds Buildbot's look-up of an earlier request."""

    builder: str
    properties: Mapping[str, object]
    sourcestamps: tuple[Sourcestamp, ...]
    priority: int
    reason: str
    not_before: datetime


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what a payload may hold; sizes in bytes of UTF-8 JSON."""

    properties: int = 500
    depth: int = 20
    bytes: int = 512 * 1024
    name: int = 256


@dataclass(frozen=True, slots=True)
class Policy:
    """Which tasks a pool admits. Patterns cover whole names: a literal, or a prefix followed by `*`.

    Deny by default: `builders` empty admits nothing. `denied` wins over `builders`. A builder in `left_alone` is neither
    built nor refused: its runs stay pending. `scope_prefixes`: a task needs `<prefix><builder>` for one of them.
    `root_url` is Taskcluster's, for the property `taskcluster_task_url`; without it builds do not get that property.
    """

    builders: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    left_alone: tuple[str, ...] = ()
    scope_prefixes: tuple[str, ...] = ("buildbot-bridge:builder-name:",)
    limits: Limits = field(default_factory=Limits)
    version: str = "1"
    root_url: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a task may not become a build, in plain words for its author: what is wrong, where, and how to mend it."""

    reason: str


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """The policy says that this task is somebody else's to run."""

    why: str
