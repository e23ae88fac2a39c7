"""The bridge's own lines in the log of a build: where a step begins, how it ended. Each is one line, whatever the names."""

from __future__ import annotations

from datetime import UTC, datetime

from bridge.core.record import BuildRecord, LogKind, LogState, StepState
from bridge.engine.words import results_name


def title(record: BuildRecord) -> str:
    """The first line of all."""
    builder, worker = _flat(record.builder), _flat(record.worker)
    return f"=== Build {record.number} of {builder} on {worker}, started {_moment(record.started_at)}"


def ending(record: BuildRecord) -> str:
    """The last line of all."""
    if record.complete_at is None:
        return "=== The build goes on: this is what there was when it was read"
    return f"=== Build {record.number} ended {_outcome(record.results, record.state_string)}{_took(record)}"


def step_header(step: StepState) -> str:
    """The line before what a step wrote."""
    started = f"started {_moment(step.started_at)}" if step.started_at else "not started"
    return f"=== Step {step.number}: {_flat(step.name)}, {started}"


def log_header(log: LogState) -> str:
    """The line before a log that is not the first one of a command."""
    note = " (HTML: see it in Buildbot)" if log.kind is LogKind.HTML else ""
    return f"--- Log: {_flat(log.name)}{note}"


def step_footer(step: StepState) -> list[str]:
    """The lines at the end of a step: how it ended, and its links."""
    if step.complete_at is None:
        return [f"=== Step {step.number} has not ended"]
    hidden = " (hidden in Buildbot)" if step.hidden else ""
    ended = f"=== Step {step.number} ended {_outcome(step.results, step.state_string)}{_took(step)}{hidden}"
    return [ended, *(f"    {_flat(name)}: {_flat(url)}" for name, url in step.urls.items())]


def _outcome(results: int | None, state_string: str) -> str:
    said = _flat(state_string)
    return f"{results_name(results)}: {said}" if said else results_name(results)


def _took(over: StepState | BuildRecord) -> str:
    if over.started_at is None or over.complete_at is None:
        return ""
    return f", after {(over.complete_at - over.started_at).total_seconds():g} s"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _flat(text: str) -> str:
    """What somebody named, as a part of one line."""
    return " ".join(text.split())
