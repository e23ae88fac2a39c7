"""The scenarios that ship: each goes as it expects, and each expectation is one that could fail."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from bridge.scenario import Scenario, library, named, play, schema
from bridge.scenario.document import json_schema

FILES = sorted((Path(__file__).parents[3] / "bridge" / "scenario" / "library").glob("*.yml"))
SCENARIOS = library()
CATALOGUE = {"A": 11, "B": 17, "F": 21, "M": 5, "O": 3, "P": 4, "R": 4, "T": 25}


@pytest.mark.parametrize("name", SCENARIOS)
def test_it_goes_as_expected(name: str) -> None:
    assert play(SCENARIOS[name]).differences == []


@pytest.mark.parametrize("name", SCENARIOS)
def test_it_goes_the_same_way_each_time(name: str) -> None:
    first, second = play(SCENARIOS[name]), play(SCENARIOS[name])
    assert (first.notes, first.lasted) == (second.notes, second.lasted)


@pytest.mark.parametrize("name", SCENARIOS)
def test_it_expects_something_of_every_task(name: str) -> None:
    scenario = SCENARIOS[name]
    assert {*scenario.expect} == {*scenario.tasks}
    assert all(each.runs or each.requests is not None for each in scenario.expect.values())


@pytest.mark.parametrize("name", SCENARIOS)
def test_it_says_of_which_scenario_it_is(name: str) -> None:
    scenario = SCENARIOS[name]
    assert scenario.story
    assert name.startswith(scenario.ids[0])
    assert all(0 < int(each[2:]) <= CATALOGUE[each[0]] for each in scenario.ids)


def test_there_are_enough_and_some_of_each_kind() -> None:
    assert len(SCENARIOS) == len(FILES) >= 30
    assert {each[0] for scenario in SCENARIOS.values() for each in scenario.ids} >= {"O", "A", "T", "B", "F", "R"}
    assert sum(scenario.stack is True for scenario in SCENARIOS.values()) >= 15


def test_they_are_found_by_name_and_by_id() -> None:
    assert [name for name, _ in named("T-04")] == ["T-04"]
    assert len(named("F-19")) == 6
    assert named("F-99") == []


def test_the_published_schema_is_that_of_the_code() -> None:
    assert schema() == json_schema(), "write bridge.scenario.document.json_schema() into scenario.v1.schema.json"
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_file_fits_the_published_schema(path: Path) -> None:
    written = json.loads(json.dumps(yaml.safe_load(path.read_text())))
    assert [error.message for error in jsonschema.Draft202012Validator(schema()).iter_errors(written)] == []


def test_a_scenario_survives_being_written_and_read() -> None:
    for scenario in SCENARIOS.values():
        assert Scenario.model_validate(scenario.model_dump(mode="json", by_alias=True)) == scenario
