"""What Taskcluster is told for what Buildbot says: one total function."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Results(IntEnum):
    """Buildbot's result codes (buildbot.process.results). A build *request* never completes with RETRY."""

    SUCCESS = 0
    WARNINGS = 1
    FAILURE = 2
    SKIPPED = 3
    EXCEPTION = 4
    RETRY = 5
    CANCELLED = 6


class Resolution(StrEnum):
    """How a run can end by the bridge's doing. All but the first two and the last are reasons of reportException."""

    COMPLETED = "completed"
    FAILED = "failed"
    INTERNAL_ERROR = "internal-error"
    RESOURCE_UNAVAILABLE = "resource-unavailable"
    INTERMITTENT_TASK = "intermittent-task"
    WORKER_SHUTDOWN = "worker-shutdown"
    CANCELED = "canceled"  # not reportable: carried out by a guarded cancelTask


@dataclass(frozen=True, slots=True)
class Verdict:
    """What will be reported, Buildbot's result behind it (None: Buildbot gave none) and the reason in plain words."""

    resolution: Resolution
    why: str
    results: int | None = None


@dataclass(frozen=True, slots=True)
class ResultMap:
    """The configurable lines of the verdict table, per pool and builder."""

    success: Resolution = Resolution.COMPLETED
    warnings: Resolution = Resolution.COMPLETED
    failure: Resolution = Resolution.FAILED
    exception: Resolution = Resolution.INTERNAL_ERROR
    skipped: Resolution = Resolution.COMPLETED
    collapsed: Resolution = Resolution.INTERNAL_ERROR
    cancelled: Resolution = Resolution.CANCELED


@dataclass(frozen=True, slots=True)
class Ending:
    """How a build request ended: its results, whether a build of it ever existed, whether a stopping master ended it."""

    results: int
    had_build: bool
    by_master_shutdown: bool


RETRIED = Verdict(
    Resolution.INTERMITTENT_TASK, "Buildbot ended the build with RETRY and builds the same request again", Results.RETRY
)
LOST = Verdict(Resolution.INTERNAL_ERROR, "Buildbot does not know the build request any more")


@dataclass(frozen=True, slots=True)
class _Line:
    words: str
    resolution: Resolution


def of(ending: Ending, results: ResultMap) -> Verdict:
    """The verdict on a complete build request."""
    line = _line(ending, results)
    return Verdict(line.resolution, line.words, ending.results)


def without_outputs(verdict: Verdict, why: str) -> Verdict:
    """The verdict where the task lacks what it must carry: a success is none then, for what depends on it would fail."""
    if verdict.resolution is not Resolution.COMPLETED:
        return verdict
    return Verdict(Resolution.RESOURCE_UNAVAILABLE, f"{verdict.why}, but {why}", verdict.results)


def _line(ending: Ending, results: ResultMap) -> _Line:
    match ending.results:
        case Results.SUCCESS:
            return _Line("the build succeeded", results.success)
        case Results.WARNINGS:
            return _Line("the build ended with warnings", results.warnings)
        case Results.FAILURE:
            return _Line("the build failed", results.failure)
        case Results.SKIPPED if ending.had_build:
            return _Line("the build was skipped by a condition of its builder", results.skipped)
        case Results.SKIPPED:
            return _Line("Buildbot merged the build request into another one, so no build ran for it", results.collapsed)
        case Results.CANCELLED if ending.by_master_shutdown:
            return _Line("the Buildbot master was stopped while the build ran", Resolution.WORKER_SHUTDOWN)
        case Results.CANCELLED:
            return _Line("the build request was cancelled in Buildbot", results.cancelled)
        case Results.EXCEPTION:
            return _Line("the build ended with an exception in Buildbot", results.exception)
        case _:
            # RETRY never ends a request; any other code is from a Buildbot that we do not know.
            return _Line(
                f"Buildbot ended the request with an unexpected result ({ending.results})", Resolution.INTERNAL_ERROR
            )
