"""What the calls to a master give back, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bridge.core.request import RequestState


@dataclass(frozen=True, slots=True)
class Submitted:
    """The one build request of a run; `created` is False when an earlier call had made it."""

    request_id: int
    created: bool
    buildset_id: int
    builder: str


@dataclass(frozen=True, slots=True)
class States:
    """A bulk read. Watching on from `epoch` and `seq` misses nothing that happened after it."""

    epoch: str
    seq: int
    states: tuple[RequestState, ...]
    missing: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A hint that a request changed; never a fact to decide by."""

    request_id: int
    event: str
    external_id: str
    at: datetime
    results: int | None
    build_id: int | None


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes up to `seq` in `epoch`; `resync` means that there is a gap and everything must be listed anew."""

    epoch: str
    seq: int
    resync: bool
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Builder:
    name: str
    builder_id: int
    connected_workers: int


@dataclass(frozen=True, slots=True)
class Version:
    """Who answers: the plugin's and Buildbot's release, the address for people, and what is open to the bridge."""

    version: str
    buildbot_version: str
    buildbot_url: str
    epoch: str
    builders: tuple[str, ...]
    stopping: bool
