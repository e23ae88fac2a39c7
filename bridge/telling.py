"""What the engine did, told to logs and metrics."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bridge import logs
from bridge.core import faults
from bridge.core.run import Building, Queued, Reporting, Run, RunKey, Settled, Stopping, Wanted, request_of
from bridge.core.verdict import RETRIED
from bridge.metrics import Metrics

_AGAIN: Final = 600.0
"""Seconds until an outage that goes on, or comes again, is told once more."""


@dataclass(slots=True)
class Telling:
    """The engine's observer: one log line for each transition, a count for everything."""

    metrics: Metrics
    _away: dict[str, tuple[str, float]] = field(default_factory=dict)

    def moved(self, before: Run | None, after: Run, because: str) -> None:
        """Log the transition; count it, and the run's end."""
        was, now = (_phase(before) if before else None), _phase(after)
        self.metrics.transition(was, now)
        self._waited(before, after)
        logs.logger().info("run_moved", **_names(after), from_phase=was, to_phase=now, because=because)
        if isinstance(after.phase, Settled):
            self.metrics.outcome(after.pool, _resolution(before, after.phase))
            if before is not None and _expired(before, after.phase):
                self.metrics.lost_claim(after.pool)

    def _waited(self, before: Run | None, after: Run) -> None:
        """Measure the run's waits, by this machine's clock; what came in one step with what follows is not known apart."""
        if after.facts is not None and before is not None and isinstance(before.phase, Wanted | Queued):
            stage = _STAGES.get(type(after.phase))
            if stage is not None:
                self.metrics.waited(after.pool, stage, time.time() - after.facts.scheduled.timestamp())
        if before is not None and isinstance(before.phase, Reporting) and isinstance(after.phase, Settled):
            self.metrics.waited(after.pool, "report", time.time() - before.phase.since.timestamp())

    def fault(self, run: Run, command: str, fault: Exception) -> None:
        """Warn; it is tried again."""
        self.metrics.fault(command, type(fault).__name__)
        logs.logger().warning("debt_unpaid", **_names(run), command=command, fault=str(fault), attempts=run.attempts)

    def defect(self, run: Run, command: str, defect: Exception) -> None:
        """Log with the traceback: a person should look."""
        self.metrics.defect(command)
        logs.logger().error("defect", **_names(run), command=command, exc_info=defect)

    def poison(self, key: RunKey, defect: Exception) -> None:
        """Log with the traceback: a person should look."""
        self.metrics.defect("row")
        logs.logger().error("poison_row", task=key.task_id, run=key.run_id, exc_info=defect)

    def away(self, what: str, fault: Exception) -> None:
        """Warn of each new reason, and of the same one again after ten minutes; in between it is counted only.

        Being refused (401, 403) is no outage: it does not pass by itself, so it is an alarm.
        """
        self.metrics.fault(what, type(fault).__name__)
        said, now = str(fault), time.monotonic()
        before, at = self._away.get(what, ("", -math.inf))
        if said == before and now - at < _AGAIN:
            logs.logger().debug("away", what=what, fault=said)
            return
        self._away[what] = (said, now)
        logs.logger().warning("away", what=what, fault=said)
        if isinstance(fault, faults.NotAllowed):
            self.alarm("not_allowed", None, f"{what}: {said}")

    def alarm(self, what: str, key: RunKey | None, detail: str) -> None:
        """Log as an error: a person should look."""
        self.metrics.alarm(what)
        named = {"task": key.task_id, "run": key.run_id} if key else {}
        logs.logger().error("alarm", what=what, detail=detail, **named)

    def found(self, kind: str, count: int) -> None:
        """Count what only a sweep found."""
        self.metrics.found_by_sweep(kind, count)
        if count:
            logs.logger().info("found_by_sweep", sweep=kind, count=count)


_STAGES: Final[Mapping[type, str]] = {Queued: "request", Building: "start"}


def _phase(run: Run) -> str:
    return type(run.phase).__name__.lower()


def _names(run: Run) -> dict[str, Any]:
    names: dict[str, Any] = {"task": run.key.task_id, "run": run.key.run_id, "pool": run.pool}
    if (request := request_of(run)) is not None:
        names["request"] = request.id
    if isinstance(run.phase, Building | Reporting | Stopping | Settled) and run.phase.build is not None:
        names["build"] = run.phase.build
    return names


def _resolution(before: Run | None, settled: Settled) -> str:
    """How the run ended, in few words without bound values."""
    if before is not None and isinstance(before.phase, Reporting):
        return before.phase.verdict.resolution.value
    return next((word for word in _ENDS if word in settled.outcome), "other")


_ENDS = (
    "handed over",
    "malformed-payload",
    "canceled",
    "deadline-exceeded",
    "claim-expired",
    "another worker",
    "does not know the task",
)


def _expired(before: Run, settled: Settled) -> bool:
    """Whether the claim ran out while the build ran, so that the next run took the request over."""
    handed = settled.outcome.startswith("handed over")
    retried = isinstance(before.phase, Reporting) and before.phase.verdict == RETRIED
    return handed and not retried
