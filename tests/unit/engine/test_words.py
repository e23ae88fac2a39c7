"""Every cause of a change has words that a person understands, and that name what happened."""

import dataclasses
import typing

import pytest

from bridge.core.events import (
    Asking,
    Attached,
    CancelAsked,
    Claimed,
    Deferred,
    Doubted,
    Event,
    HeldBack,
    Hinted,
    Inadmissible,
    Incomplete,
    Reprioritised,
    RequestMissing,
    Submitted,
    TaskMissing,
    Urged,
)
from bridge.core.run import RunId
from bridge.engine.words import because, results_name
from tests.unit.core.samples import (
    AT,
    REQUEST,
    RULES,
    after,
    build,
    resolved,
    run_status,
    running,
    seen,
    told,
)

CAUSES: list[tuple[Event, str]] = [
    (Hinted(AT), "a message said that something changed"),
    (Urged(AT), "an operator wants it tried now"),
    (seen(), "Taskcluster does not show the run"),
    (seen(run_status()), "Taskcluster says: pending"),
    (seen(running()), "Taskcluster says: running by our-bridge/linux-1"),
    (seen(resolved("canceled")), "Taskcluster says: exception by our-bridge/linux-1 (canceled)"),
    (TaskMissing(AT, AT), "Taskcluster answered 404 for the task"),
    (told(), "Buildbot says: request 7 open"),
    (told(build()), "Buildbot says: request 7 open, build 70 on linux-1"),
    (told(build(results=5)), "Buildbot says: request 7 open, build 70 on linux-1 ended RETRY"),
    (told(build(results=2), results=2), "Buildbot says: request 7 complete, FAILURE, build 70 on linux-1"),
    (told(complete=True), "Buildbot says: request 7 complete, without a result"),
    (told(results=99), "Buildbot says: request 7 complete, result 99"),
    (RequestMissing(AT, AT, RULES), "Buildbot does not know the build request"),
    (Asking(AT, "nightly"), "the task was found fit for builder nightly"),
    (Submitted(AT, REQUEST, "nightly", "low"), "Buildbot has build request 7 for the run"),
    (HeldBack(AT, AT, "no room", asked=True), "held back: no room"),
    (Inadmissible(AT, "unknown builder\nsecond line", RULES), "refused: unknown builder"),
    (Inadmissible(AT, "", RULES), "refused: "),
    (Claimed(AT, after(61)), "claimed until 2026-03-01T12:01:01Z"),
    (Doubted(AT, AT), "the outcome of a call must be read"),
    (Deferred(AT, AT), "put off"),
    (Reprioritised(AT, "high"), "the build request has priority high"),
    (CancelAsked(AT, AT), "Buildbot was asked to cancel the build request"),
    (Incomplete(AT, "no app.zip"), "not whole: no app.zip"),
    (Attached(AT), "what the stopped build left is attached, or cannot be any more"),
]


@pytest.mark.parametrize(("event", "words"), CAUSES, ids=[words for _, words in CAUSES])
def test_a_cause_in_words(event: Event, words: str):
    assert because(event, RunId(0)) == words


def test_every_kind_of_event_has_words():
    kinds = set(typing.get_args(Event))
    assert {type(event) for event, _ in CAUSES} == kinds
    assert all(dataclasses.is_dataclass(kind) for kind in kinds)


@pytest.mark.parametrize(("code", "name"), [(0, "SUCCESS"), (6, "CANCELLED"), (7, "result 7"), (None, "without a result")])
def test_buildbots_name_of_a_result(code: int | None, name: str):
    assert results_name(code) == name
