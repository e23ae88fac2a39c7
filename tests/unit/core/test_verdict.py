"""The verdict table, line by line."""

from dataclasses import replace

import pytest

from bridge.core import verdict
from bridge.core.lifecycle import advance
from bridge.core.rules import Rules
from bridge.core.verdict import Ending, Resolution, ResultMap, Verdict, without_outputs
from tests.unit.core.samples import CLAIMED, GROUP, RULES, a_run, build, told

LINES = [
    (0, True, False, Resolution.COMPLETED),
    (1, True, False, Resolution.COMPLETED),
    (2, True, False, Resolution.FAILED),
    (3, True, False, Resolution.COMPLETED),
    (3, False, False, Resolution.INTERNAL_ERROR),
    (4, True, False, Resolution.INTERNAL_ERROR),
    (5, True, False, Resolution.INTERNAL_ERROR),
    (6, True, False, Resolution.CANCELED),
    (6, False, False, Resolution.CANCELED),
    (6, True, True, Resolution.WORKER_SHUTDOWN),
    (7, True, False, Resolution.INTERNAL_ERROR),
    (-1, True, False, Resolution.INTERNAL_ERROR),
]


@pytest.mark.parametrize(("results", "had_build", "by_stop", "resolution"), LINES)
def test_each_line_of_the_table(results: int, had_build: bool, by_stop: bool, resolution: Resolution):
    found = verdict.of(Ending(results, had_build, by_stop), ResultMap())
    assert (found.resolution, found.results) == (resolution, results)


def test_an_unknown_code_is_named_for_the_author():
    assert "(99)" in verdict.of(Ending(99, True, False), ResultMap()).why


def test_every_configurable_line_is_configurable():
    other = ResultMap(*[Resolution.RESOURCE_UNAVAILABLE] * 7)
    configurable = [(results, had) for results, had, by_stop, _ in LINES if results in (0, 1, 2, 3, 4, 6) and not by_stop]
    told_as = {verdict.of(Ending(results, had, False), other).resolution for results, had in configurable}
    assert told_as == {Resolution.RESOURCE_UNAVAILABLE}


def test_a_stopped_master_is_no_matter_of_configuration():
    other = ResultMap(cancelled=Resolution.FAILED)
    assert verdict.of(Ending(6, True, True), other).resolution is Resolution.WORKER_SHUTDOWN


def test_a_builders_own_map_wins_over_its_pools():
    strict = ResultMap(warnings=Resolution.FAILED)
    rules = Rules(GROUP, by_builder={"release-linux": strict})
    assert rules.results_for("release-linux") == strict
    assert rules.results_for("nightly") == rules.results_for(None) == ResultMap()


@pytest.mark.parametrize(
    ("builder", "resolution"),
    [("release-linux", Resolution.FAILED), ("nightly", Resolution.COMPLETED), (None, Resolution.COMPLETED)],
)
def test_a_run_is_judged_by_the_map_of_its_builder(builder: str | None, resolution: Resolution):
    rules = replace(RULES, by_builder={"release-linux": ResultMap(warnings=Resolution.FAILED)})
    run = advance(a_run(CLAIMED, builder=builder), told(build(results=1), results=1, rules=rules))
    assert run.phase.verdict.resolution is resolution


@pytest.mark.parametrize("resolution", list(Resolution))
def test_a_success_without_what_it_must_carry_is_no_success_and_all_else_stays(resolution: Resolution):
    written = Verdict(resolution, "the build succeeded", 0)
    lacking = Verdict(Resolution.RESOURCE_UNAVAILABLE, "the build succeeded, but app.zip could not be stored", 0)
    expected = lacking if resolution is Resolution.COMPLETED else written
    assert without_outputs(written, "app.zip could not be stored") == expected
