"""A row of the queue's list of pending tasks."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.core.order import Definition
from bridge.core.run import RunKey


@dataclass(frozen=True, slots=True)
class PendingRun:
    """A run that the queue offers; its definition comes with it for free."""

    key: RunKey
    definition: Definition
