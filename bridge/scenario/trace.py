"""What is known of a history so far, and the steps that it came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bridge.core.run import Run, RunId, Settled
from bridge.scenario.evidence import Fact, Happened

Step = dict[str, Any]


@dataclass(slots=True)
class Trace:
    """What is known so far. `task`: what the scenario says of its task; `results`: lines of the pool's verdict table.

    By run: `phases` in order, `since` when it is in the last, `ended` why it was resolved, `known` why it was created,
    `told` on what its verdict was written. `requests`: for which run each was made.
    """

    rows: Mapping[RunId, Run]
    history: Sequence[Happened]
    steps: list[tuple[datetime, Step]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    task: dict[str, Any] = field(default_factory=dict)
    phases: dict[int, list[str]] = field(default_factory=dict)
    since: dict[int, datetime] = field(default_factory=dict)
    ended: dict[int, str] = field(default_factory=dict)
    known: dict[int, str] = field(default_factory=dict)
    results: dict[str, str] = field(default_factory=dict)
    told: dict[int, Fact] = field(default_factory=dict)
    rerun: set[int] = field(default_factory=set)
    requests: dict[int, int] = field(default_factory=dict)
    started: set[int] = field(default_factory=set)
    over: set[int] = field(default_factory=set)
    complete: set[int] = field(default_factory=set)

    def add(self, at: datetime, step: Step) -> None:
        """Note a step."""
        self.steps.append((at, step))

    def likely(self, run: int) -> str:
        """Why a run was created, where nothing says so: by what became of the one before."""
        before = self.rows.get(RunId(run - 1))
        handed = before is not None and isinstance(before.phase, Settled) and "handed over" in before.phase.outcome
        return "retry" if handed or self.ended.get(run - 1) in ("intermittent-task", "claim-expired") else "rerun"
