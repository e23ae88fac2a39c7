"""A history becomes a scenario that goes the same way: for each scenario that ships, its own play is the history."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.core.run import Run, RunId
from bridge.scenario import Scenario, library, parse, play
from bridge.scenario.playing import Player
from bridge.scenario.recording import record
from bridge.scenario.rows import Change
from bridge.scenario.writing import written

SINGLE = {name: each for name, each in library().items() if len(each.tasks) == 1}


def lived(scenario: Scenario) -> tuple[Mapping[RunId, Run], Sequence[Change]]:
    """The rows and the history that a bridge would have stored."""
    player = Player(scenario)
    asyncio.run(player.play())
    (task_id,) = player.world.ids.values()
    return player.world.rows.rows[task_id], player.world.rows.history[task_id]


def phases(history: Sequence[Change]) -> dict[int, list[str]]:
    return {n: [each.to_phase for each in history if each.run_id == n] for n in {each.run_id for each in history}}


@pytest.mark.parametrize("name", SINGLE)
def test_what_is_recorded_goes_the_same_way(name: str) -> None:
    rows, history = lived(SINGLE[name])
    recorded = parse(written(record("recorded", rows, history)), "recorded")
    assert not [note for note in recorded.notes if "differs" in note], written(recorded)
    assert play(recorded).differences == []
    seen = play(recorded).tasks["build"].runs
    for number, wanted in phases(history).items():
        assert [p for p in seen[number].phases if p != "wanted"] == [p for p in wanted if p != "wanted"]


# What the words alone do not tell: on whose request a run waited, that a master was stopped, or that a person cancelled.
WORDLESS = ("F-16",)


@pytest.mark.parametrize("name", [name for name in SINGLE if name not in WORDLESS])
def test_a_history_of_an_older_version_is_recorded_from_its_words(name: str) -> None:
    rows, history = lived(SINGLE[name])
    recorded = record("recorded", rows, [replace(each, cause=None) for each in history])
    assert any("older version" in note for note in recorded.notes) or len(history) == 1
    assert not [note for note in recorded.notes if "differs" in note], written(recorded)


def test_a_build_that_ended_before_its_request_was_taken_over_ends_unheard() -> None:
    """The bridge was away: it learnt of the expired claim first, and of the build's end by the run that took it over."""
    rows, history = lived(SINGLE["T-21"])
    (verdict,) = [each for each in history if (each.run_id, each.to_phase) == (0, "reporting")]
    handed = {(0, "settled"), (1, "queued")}
    before = timedelta(milliseconds=300)
    changes = [
        replace(each, at=each.at - before, from_phase="building" if each.run_id == 0 else each.from_phase)
        if (each.run_id, each.to_phase) in handed
        else replace(each, cause=verdict.cause if (each.run_id, each.to_phase) == (1, "reporting") else each.cause)
        for each in history
        if each is not verdict
    ]
    recorded = record("recorded", rows, changes)
    assert any("unheard: true" in line for line in written(recorded).splitlines()), written(recorded)
    assert recorded.notes == ()


@pytest.mark.parametrize("skipped", [("queued",), ("queued", "building")])
def test_a_build_that_was_faster_than_the_answer_to_its_submit_is_recorded(skipped: Sequence[str]) -> None:
    rows, history = lived(SINGLE["T-02"])
    left = [each for each in history if each.run_id == 0 and each.to_phase not in skipped]
    changes = [replace(each, from_phase="wanted") if each.from_phase in skipped else each for each in left]
    recorded = record("recorded", {RunId(0): rows[RunId(0)]}, changes)
    assert recorded.notes == ()
    assert recorded.expect["build"].runs[0].phases is not None
    assert "(queued)" in recorded.expect["build"].runs[0].phases


def test_a_recording_ends_with_the_run_that_was_asked_for() -> None:
    rows, history = lived(SINGLE["T-02"])
    assert [*record("recorded", rows, history, last=0).expect["build"].runs] == [0]
    rows, history = lived(SINGLE["O-02"])
    recorded = record("recorded", rows, history, last=0)
    assert recorded.notes == ()
    assert recorded.expect["build"].runs[1].phases is None, "the retry comes by itself, and is not told of"


def test_what_cannot_be_played_again_is_said_in_the_recording() -> None:
    """A master that stops: older versions kept no words for it."""
    rows, history = lived(SINGLE["F-16"])
    recorded = record("recorded", rows, [replace(each, cause=None) for each in history])
    assert any(note.startswith("Played again, it differs: ") for note in recorded.notes)
    assert "it differs" in written(recorded)


def test_what_a_later_version_keeps_is_passed_over() -> None:
    rows, history = lived(SINGLE["T-07"])
    more = [replace(each, cause=[{"event": "moon", "phase": 3}, *(each.cause or [{"event": "hinted"}])]) for each in history]
    assert record("recorded", rows, more).notes == ()


OVERTAKEN = """\
scenario: 1
title: Overtaken
tasks: {build: {builder: gate}}
steps:
  - {at: 0s, taskcluster: task created}
  - {at: 10s, buildbot: build started}
  - {at: 5m, END, unheard: true}
  - {at: 5m, buildbot: build ended, results: FAILURE}
"""


@pytest.mark.parametrize("end", ["taskcluster: claim expired", "taskcluster: task cancelled"])
def test_a_verdict_that_came_too_late_is_recorded_as_too_late(end: str) -> None:
    """The build's end was heard of before the end of its run, which had come first: no report was accepted."""
    rows, history = lived(parse(OVERTAKEN.replace("END", end), "overtaken"))
    assert phases(history)[0] == ["wanted", "queued", "building", "reporting", "settled"]
    recorded = record("recorded", rows, history)
    assert recorded.notes == (), written(recorded)
    assert play(recorded).tasks["build"].runs[0].ends == ("claim-expired" if "claim" in end else "canceled")
