"""`public/buildbot/build.json`: the facts about a build."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Literal

from pydantic import ConfigDict

from bridge.core.record import BuildRecord, StepState
from bridge.core.request import RequestState
from bridge.core.run import Reporting, Run
from bridge.core.verdict import Verdict
from bridge.published.document import Bridge, Build, Document, Moment, Part, Redact, Result, Task, redacted

SCHEMA: Final = "build.v1"
Shown = Callable[[str], str]
"""Gives a text that was asked for without what may not be published."""


class Log(Part):
    """A log of a step. What it says is in the run's log."""

    name: str
    """The log's name."""
    kind: Literal["stdio", "text", "html"]
    """What it holds: what a command wrote, text, or a page for browsers, which the run's log leaves out."""
    lines: int
    """How many lines it has."""


class Step(Part):
    """A step of the build."""

    number: int
    """Its number within the build, from 0."""
    name: str
    """Its name."""
    hidden: bool
    """Whether Buildbot's page hides it."""
    started: Moment | None
    """When it started; null if it never did."""
    complete: Moment | None
    """When it ended; null if it had not."""
    result: Result | None
    """How it ended; null if it had not."""
    state: str
    """Buildbot's words for it."""
    urls: dict[str, str]
    """Addresses that the step gave, by their names."""
    logs: tuple[Log, ...]
    """Its logs."""


class Mapped(Part):
    """What Taskcluster is told, and why."""

    resolution: str
    """`completed`, `failed`, `canceled`, or the reason of an exception."""
    why: str
    """The reason in words."""
    result: Result | None
    """The result of the build request that this was decided by; null if Buildbot gave none."""


class Facts(Document):
    """What ran, where and when, with which results, and what became of it in Taskcluster."""

    model_config = ConfigDict(title="A Buildbot build that ran for a Taskcluster task")

    version: Literal[1]
    """The version of this format."""
    bridge: Bridge
    """Who wrote this."""
    task: Task
    """For which run."""
    build: Build
    """The build."""
    state: str
    """Buildbot's words for the state of the build."""
    verdict: Mapped | None
    """How the result became the run's resolution; null where Taskcluster ended the run before the build did."""
    steps: tuple[Step, ...]
    """The steps, in the order in which they ran."""


def facts(  # noqa: PLR0913, PLR0917  all that is known of a build
    run: Run, state: RequestState, record: BuildRecord, page: str | None, redact: Redact, version: str
) -> Facts:
    """The facts of a build. `redact` takes whole lines of text."""
    verdict = run.phase.verdict if isinstance(run.phase, Reporting) else None
    why = [verdict.why] if verdict else []
    shown = redacted([*_names(record, page), record.state_string, *why, *_texts(record)], redact)
    return Facts(
        version=1,
        bridge=Bridge(version=version),
        task=Task(task_id=run.key.task_id, run_id=run.key.run_id),
        build=_build(state, record, page, shown),
        state=shown(record.state_string),
        verdict=_mapped(verdict, shown) if verdict else None,
        steps=tuple(_step(step, shown) for step in record.steps),
    )


def build(state: RequestState, record: BuildRecord, page: str | None, redact: Redact) -> Build:
    """The build, as both documents have it."""
    return _build(state, record, page, redacted(_names(record, page), redact))


def _names(record: BuildRecord, page: str | None) -> Iterator[str]:
    yield from (record.builder, record.worker, page or "")


def _texts(record: BuildRecord) -> Iterator[str]:
    for step in record.steps:
        yield from (step.name, step.state_string, *step.urls.keys(), *step.urls.values())
        yield from (log.name for log in step.logs)


def _build(state: RequestState, record: BuildRecord, page: str | None, shown: Shown) -> Build:
    return Build(
        builder=shown(record.builder),
        worker=shown(record.worker),
        number=record.number,
        id=record.build_id,
        request_id=state.request_id,
        url=None if page is None else shown(page),
        submitted=state.submitted_at,
        started=record.started_at,
        complete=record.complete_at,
        result=Result.of(record.results),
    )


def _mapped(verdict: Verdict, shown: Shown) -> Mapped:
    return Mapped(resolution=verdict.resolution.value, why=shown(verdict.why), result=Result.of(verdict.results))


def _step(step: StepState, shown: Shown) -> Step:
    return Step(
        number=step.number,
        name=shown(step.name),
        hidden=step.hidden,
        started=step.started_at,
        complete=step.complete_at,
        result=Result.of(step.results),
        state=shown(step.state_string),
        urls={shown(name): shown(url) for name, url in step.urls.items()},
        logs=tuple(Log(name=shown(log.name), kind=log.kind.value, lines=log.lines) for log in step.logs),
    )
