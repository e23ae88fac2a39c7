"""How builds look in Treeherder: by the bridge's verdicts, the queue's rules and Treeherder's own mapping.

The mapping is that of https://github.com/mozilla/treeherder at dc3080dd (August 2026): results by
treeherder/etl/taskcluster_pulse/handler.py and treeherder/etl/job_loader.py, colours by its user guide
(ui/userguide/UserGuideBody.jsx).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.core import verdict
from bridge.core.verdict import RETRIED, Ending, Resolution, ResultMap, Results, Verdict
from bridge.engine.artifacts import BACKING
from tests.doubles.taskcluster.resolution import REASONS, RETRIED_AS

README = Path(__file__).parents[3] / "README.md"
HEADING = "| Buildbot | Taskcluster | Treeherder | colour |"

# --- Treeherder's facts

FOR_TESTS, FOR_OTHERS = "testfailed", "busted"
"""What a failed task is, by `extra.treeherder.jobKind`: `test`, or anything else."""
KEPT = {"canceled": "usercancel", "superseded": "superseded"}
"""Reasons of an exception that have results of their own."""
COLOURS = {
    "success": "green",
    "testfailed": "orange",
    "busted": "red",
    "exception": "purple",
    "retry": "dark blue",
    "usercancel": "pink",
    "superseded": "light blue",
    "running": "gray",
    "pending": "light gray",
}
LOG = "public/logs/live_backing.log"
"""The log that it reads, of completed and failed tasks."""


@dataclass(frozen=True)
class Ended:
    """How a run ended in the queue, and why the next one was created, if there is one."""

    state: str
    reason: str
    next_because: str | None = None


def treeherders(run: Ended, *, of_tests: bool) -> str:
    match run.state:
        case "completed":
            return "success"
        case "failed":
            return FOR_TESTS if of_tests else FOR_OTHERS
        case _ if run.next_because in ("retry", "task-retry"):
            return "retry"
        case _:
            return KEPT.get(run.reason, "exception")


# --- what the queue makes of a verdict


def in_the_queue(resolution: Resolution, *, retries: bool = True) -> Ended:
    if resolution in (Resolution.COMPLETED, Resolution.FAILED):
        return Ended(resolution.value, resolution.value)
    return Ended("exception", resolution.value, RETRIED_AS.get(resolution.value) if retries else None)


def of(results: int, *, had_build: bool = True, by_stop: bool = False) -> Verdict:
    return verdict.of(Ending(results, had_build, by_stop), ResultMap())


ROWS: dict[str, Verdict | str] = {
    "waiting": "pending",
    "building": "running",
    "SUCCESS": of(Results.SUCCESS),
    "WARNINGS": of(Results.WARNINGS),
    "FAILURE": of(Results.FAILURE),
    "SKIPPED": of(Results.SKIPPED),
    "SKIPPED, merged into another request": of(Results.SKIPPED, had_build=False),
    "EXCEPTION": of(Results.EXCEPTION),
    "RETRY": RETRIED,
    "CANCELLED by a person": of(Results.CANCELLED),
    "CANCELLED by a master that stops": of(Results.CANCELLED, by_stop=True),
    "SUCCESS without a mandatory output": verdict.without_outputs(of(Results.SUCCESS), "it could not be stored"),
    "no result: request lost": verdict.LOST,
}


def row(buildbot: str, what: Verdict | str) -> str:
    if isinstance(what, str):
        return f"| {buildbot} | {what} | {what} | {COLOURS[what]} |"
    run = in_the_queue(what.resolution)
    told = run.state if run.reason == run.state else f"{run.state}, {run.reason}"
    told += ", and a new run" if run.next_because else ""
    shown = list(dict.fromkeys(treeherders(run, of_tests=of_tests) for of_tests in (False, True)))
    names = [f"{name} (jobKind test)" if name == FOR_TESTS else name for name in shown]
    return f"| {buildbot} | {told} | {', '.join(names)} | {', '.join(COLOURS[name] for name in shown)} |"


def table() -> str:
    return "\n".join([HEADING, "|---|---|---|---|", *(row(name, what) for name, what in ROWS.items())])


def test_the_readme_has_the_table() -> None:
    readme = README.read_text()
    assert readme.count(HEADING) == 1
    assert readme[readme.index(HEADING) :].partition("\n\n")[0] == table()


def test_every_result_of_buildbots_is_in_it() -> None:
    assert {name.partition(" ")[0].strip(",") for name in ROWS} >= {result.name for result in Results}


@pytest.mark.parametrize("resolution", Resolution)
def test_every_resolution_has_a_colour(resolution: Resolution) -> None:
    told = in_the_queue(resolution)
    assert told.state != "exception" or resolution in {*REASONS, Resolution.CANCELED}
    assert all(treeherders(told, of_tests=of_tests) in COLOURS for of_tests in (True, False))


def test_without_retries_left_a_retry_is_an_exception() -> None:
    for resolution in (Resolution.WORKER_SHUTDOWN, Resolution.INTERMITTENT_TASK):
        assert treeherders(in_the_queue(resolution), of_tests=False) == "retry"
        assert treeherders(in_the_queue(resolution, retries=False), of_tests=False) == "exception"


def test_the_log_is_where_treeherder_looks() -> None:
    assert BACKING == LOG
