"""A pool: one task queue, one Buildbot, one policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from bridge.core.order import Policy
from bridge.core.rules import Rules
from bridge.engine.ports import Builds

Properties = Mapping[str, tuple[object, str]]


@dataclass(frozen=True, slots=True)
class Pool:
    """What the engine must know of a pool. `redact` takes a build's properties and leaves what may be published."""

    name: str
    task_queue_id: str
    rules: Rules
    policy: Policy
    builds: Builds
    redact: Callable[[Properties], Properties]
    upload_limit: timedelta = timedelta(minutes=10)
