"""A builders-graph becomes tasks that wait for each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bridge.definition import DefinitionError

from .conftest import Make

GRAPH = {"{project} build": ["{project} test", "{project} package"], "{project} lint": ["{project} package"]}


def refused(load: Make, kind_config: dict[str, Any], **more: Any) -> str:
    with pytest.raises(DefinitionError) as error:
        load(kind_config, **more)
    return str(error.value)


def test_each_builder_is_a_task_and_waits_for_those_above_it(load: Make) -> None:
    made = {each["label"]: each for each in load({"builders-graph": GRAPH})}
    assert {label: each["dependencies"] for label, each in made.items()} == {
        "test-build": {},
        "test-lint": {},
        "test-test": {"test-build": "test-build"},
        "test-package": {"test-build": "test-build", "test-lint": "test-lint"},
    }
    assert made["test-package"]["task"]["payload"]["buildername"] == "demo package"
    assert made["test-package"]["description"] == "{project} package on Buildbot"


def test_the_first_parent_is_a_property(load: Make) -> None:
    made = {each["label"]: each["task"]["payload"]["properties"] for each in load({"builders-graph": GRAPH})}
    assert made["test-package"]["parent_task_id"] == {"task-reference": "<test-build>"}
    assert "parent_task_id" not in made["test-build"]


def test_nested_graphs_are_graphs(load: Make) -> None:
    made = load({"builders-graph": {"a": {"b": {"c": None}}}})
    assert [each["dependencies"] for each in made] == [{}, {"test-a": "test-a"}, {"test-b": "test-b"}]


def test_defaults_are_for_all_tasks_and_builders_for_one(load: Make) -> None:
    made = load(
        {
            "builders-graph": {"a": ["b"]},
            "task-defaults": {"priority": "high", "run": {"properties": {"x": 1}}},
            "builders": {"b": {"priority": "low", "description": "B", "run": {"properties": {"y": 2}}}},
        }
    )
    assert [each["task"]["priority"] for each in made] == ["high", "low"]
    assert made[0]["task"]["payload"]["properties"]["x"] == 1
    assert made[1]["task"]["payload"]["properties"] == {
        "x": 1,
        "y": 2,
        "parent_task_id": {"task-reference": "<test-a>"},
        "owner": "dev@example.org",
        "level": "3",
    }
    assert made[1]["description"] == "B"


def test_a_description_for_all_is_one_for_each(load: Make) -> None:
    made = load(
        {"builders-graph": {"a": ["b"]}, "task-defaults": {"description": "D"}, "builders": {"b": {"description": "B"}}}
    )
    assert {each["label"]: each["description"] for each in made} == {"test-a": "D", "test-b": "B"}


def test_treeherder_may_be_just_wanted(load: Make) -> None:
    made = load(
        {"builders-graph": {"a": ["b"]}, "task-defaults": {"treeherder": True}, "builders": {"b": {"treeherder": True}}}
    )
    assert {each["task"]["extra"]["treeherder-platform"] for each in made} == {"a/opt", "b/opt"}


def test_platforms_tell_builders_apart_on_treeherder(load: Make) -> None:
    made = load(
        {
            "builders-graph": {"a 1.0": ["b", "c"]},
            "task-defaults": {"treeherder": {"symbol": "T(x)", "kind": "other", "tier": 1}},
            "builders": {"c": {"treeherder": {"platform": "linux64/opt"}}},
        }
    )
    platforms = {each["label"]: each["task"]["extra"]["treeherder-platform"] for each in made}
    assert platforms == {"test-a-1.0": "a-1-0/opt", "test-b": "b/opt", "test-c": "linux64/opt"}


def test_the_graph_may_stand_in_a_file(load: Make, tmp_path: Path) -> None:
    (tmp_path / "graph.yml").write_text("a: [b]\n")
    (tmp_path / "graph.json").write_text('{"a": ["b"]}')
    for name in ("graph.yml", "graph.json"):
        assert [each["label"] for each in load({"builders-graph": name}, path=str(tmp_path))] == ["test-a", "test-b"]


def test_the_graph_may_come_with_the_push(load: Make) -> None:
    assert [each["label"] for each in load({"builders-graph": None}, builders_graph={"a": ["b"]})] == ["test-a", "test-b"]
    assert load({"builders-graph": None}, builders_graph=None) == []
    assert load({"builders-graph": None}) == []


def test_a_graph_of_the_kind_s_own_is_not_replaced(load: Make) -> None:
    assert [each["label"] for each in load({"builders-graph": {"a": []}}, builders_graph={"b": []})] == ["test-a"]


@pytest.mark.parametrize(
    ("kind_config", "said"),
    [
        ({}, "kind test: builders-graph: is missing."),
        (
            {"builders-graph": {"a": []}, "tasks": {"b": {}}},
            "kind test: tasks: stands beside builders-graph, which says all",
        ),
        ({"builders-graph": {"a": []}, "tasks-from": ["b.yml"]}, "kind test: tasks-from: stands beside builders-graph"),
        ({"builders-graph": {"a": []}, "builders": ["a"]}, "kind test: builders: must be a mapping. Mend it, or drop it."),
        ({"builders-graph": {"a": []}, "builders": {"a": 1}}, "kind test: builders: 'a': must be a mapping. Write what the"),
        ({"builders-graph": []}, "kind test: builders-graph: must map builders"),
        ({"builders-graph": {"a": ["b"], "b": ["a"]}}, "kind test: builders-graph: goes in a circle: "),
        ({"builders-graph": {"a": ["b*"]}}, "kind test: builders-graph['a']: builder 'b*' ends in `*`."),
        ({"builders-graph": {"a": "b"}}, "kind test: builders-graph['a']: is the string 'b'. Write a list"),
        ({"builders-graph": {"a b": ["a-b"]}}, "builders 'a b' and 'a-b' would both be labelled test-a-b. Move one"),
        ({"builders-graph": {"{project} a": ["a"]}}, "builders '{project} a' and 'a' would both be labelled test-a."),
        ({"builders-graph": {"!": []}}, "kind test: builders-graph: no label can be made of builder '!'."),
        ({"builders-graph": "none.yml"}, "kind test: builders-graph: there is no file 'none.yml' beside kind.yml."),
        ({"builders-graph": {"a": []}, "builders": {"b": {}}}, "kind test: builders: 'b' is not in the builders-graph."),
        (
            {"builders-graph": {"a": []}, "builders": {"a": {"run": {"x": 1}}}},
            "kind test: task test-a: run.x: is not known here",
        ),
    ],
)
def test_an_error_says_what_where_and_how_to_mend_it(load: Make, kind_config: dict[str, Any], said: str) -> None:
    assert said in refused(load, kind_config)


def test_an_error_in_a_parameter_names_the_parameter(load: Make) -> None:
    said = refused(load, {"builders-graph": None}, builders_graph={"a": ["a"]})
    assert said.startswith("parameter builders_graph: goes in a circle: a → a.")


def test_an_error_in_a_file_names_the_file(load: Make, tmp_path: Path) -> None:
    (tmp_path / "graph.yml").write_text("a: b\n")
    assert refused(load, {"builders-graph": "graph.yml"}, path=str(tmp_path)).startswith(
        "kind test: builders-graph: graph.yml['a']"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"a: [b]\na: [c]\n", "is neither YAML nor JSON: 'a' stands there twice in line 2."),
        (b"a: [b\n", "is neither YAML nor JSON: "),
        (b"a: [2026-13-13]", "cannot be read as YAML"),
        (b"\xff\xfe", "is no text in UTF-8"),
    ],
)
def test_a_file_is_read_as_strictly_as_bbb_submit_reads_it(load: Make, tmp_path: Path, text: bytes, said: str) -> None:
    """A builder that stands there twice would take its first ones after it along without a word."""
    (tmp_path / "graph.yml").write_bytes(text)
    told = refused(load, {"builders-graph": "graph.yml"}, path=str(tmp_path))
    assert told.startswith("kind test: builders-graph: graph.yml")
    assert said in told
