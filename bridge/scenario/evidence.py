"""What a stored change of phase says of the two sides: from its cause, or, where an older version kept none, its words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

from pydantic import BaseModel, ConfigDict

from bridge.core.verdict import Results


class Happened(Protocol):
    """A change of phase as it is stored; `cause` None: nothing is known but `because`."""

    @property
    def run_id(self) -> int: ...
    @property
    def at(self) -> datetime: ...
    @property
    def from_phase(self) -> str | None: ...
    @property
    def to_phase(self) -> str: ...
    @property
    def because(self) -> str: ...
    @property
    def cause(self) -> Sequence[Mapping[str, object]] | None: ...


class _Known(BaseModel):
    """What was stored by any version, later ones too: what is not known is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Build(_Known):
    """A build as Buildbot showed it; `results` None while it ran."""

    id: int
    worker: str = ""
    results: int | None = None


class Run(_Known):
    """A run as the queue showed it; `created` and `reason` are its words, `worker` is group and id with a slash."""

    state: str = "pending"
    created: str | None = None
    reason: str | None = None
    worker: str | None = None


class Fact(_Known):
    """One event that was heard; which of the rest is there depends on it. Unknown ones say nothing."""

    event: str = ""
    runs: tuple[Run | None, ...] = ()
    retries_left: int | None = None
    request: int | None = None
    complete: bool = False
    results: int | None = None
    shutdown: bool = False
    builds: tuple[Build, ...] = ()
    builder: str | None = None


def facts(of: Happened) -> list[Fact]:
    """What a change was decided on."""
    stored = of.cause
    return [Fact.model_validate(each) for each in stored] if stored is not None else _worded(of)


_TASK: Final = re.compile(r"Taskcluster says: (?P<state>\w+)(?: by (?P<worker>\S+/\S+))?(?: \((?P<reason>[\w-]+)\))?")
_COMPLETE: Final = re.compile(
    r"Buildbot says: request (?P<request>\d+) complete, (?P<results>.+?)(?:, build (?P<build>\d+) on (?P<worker>.+))?"
)
_OPEN: Final = re.compile(
    r"Buildbot says: request (?P<request>\d+) open(?:, build (?P<build>\d+) on (?P<worker>.+?)(?: ended (?P<results>.+))?)?"
)
_SUBMITTED: Final = re.compile(r"Buildbot has build request (?P<request>\d+) for the run")
_OTHERS: Final = {
    "Taskcluster answered 404 for the task": "task missing",
    "Buildbot does not know the build request": "request missing",
}


def _worded(of: Happened) -> list[Fact]:
    """What the words for people tell."""
    text = of.because
    if found := _TASK.fullmatch(text):
        run = Run(state=found["state"], reason=found["reason"], worker=found["worker"])
        # A run that got its request by a hand-over is told of in words about the run that it is from.
        handed = of.to_phase == "queued" and run.reason is not None and of.run_id > 0
        before = [None] * (of.run_id - handed)
        return [Fact(event="task", runs=(*before, run, *([Run(created="retry")] if handed else [])))]
    if found := _SUBMITTED.fullmatch(text):
        return [Fact(event="submitted", request=int(found["request"]))]
    if found := _COMPLETE.fullmatch(text) or _OPEN.fullmatch(text):
        return [_request(found, complete=" complete, " in text)]
    if text.startswith("refused: "):
        return [Fact(event="refused")]
    return [Fact(event=_OTHERS[text])] if text in _OTHERS else []


def _request(found: re.Match[str], *, complete: bool) -> Fact:
    results = _code(found["results"])
    build = Build(id=int(found["build"]), worker=found["worker"], results=results) if found["build"] else None
    whole = results if complete else None
    builds = (build,) if build else ()
    return Fact(event="request", request=int(found["request"]), complete=complete, results=whole, builds=builds)


def _code(name: str | None) -> int | None:
    """Buildbot's code for the name of a result; a number that it had no name for is an exception's."""
    if name is None or name == "without a result":
        return None
    return Results[name] if name in Results.__members__ else Results.EXCEPTION
