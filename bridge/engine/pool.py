"""A pool: one task queue, one Buildbot, one policy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bridge.core.order import Policy
from bridge.core.outputs import OutputLimits
from bridge.core.rules import Rules
from bridge.core.run import RunKey
from bridge.engine.ports import Builds, Properties, Published

Live = Callable[[RunKey, int, str, datetime], str | None]
"""The address of a build's live log, or None: by run, build id, external id of its request, and until when it works."""


@dataclass(frozen=True, slots=True)
class Pool:
    """What the engine must know of a pool. `redact` takes a build's properties and leaves what may be published.

    After `upload_limit` a run is reported without what could not be stored, after `mandatory_limit` even without what its
    task must carry. `log_bytes`: the longest log that is stored. `live` None: running builds show no log.
    """

    name: str
    task_queue_id: str
    rules: Rules
    policy: Policy
    builds: Builds
    redact: Callable[[Properties], Properties]
    published: Published
    upload_limit: timedelta = timedelta(minutes=10)
    mandatory_limit: timedelta = timedelta(hours=1)
    outputs: OutputLimits = field(default_factory=OutputLimits)
    log_bytes: int = 2 << 30
    live: Live | None = None
