"""From a task description to a bridged task, through taskgraph's own transforms."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.definition import DefinitionError

from .conftest import Make

SOURCE = {
    "branch": "main",
    "revision": "2" * 40,
    "repository": "https://github.com/example/demo",
    "project": "demo",
}


def run(builder: Any = "b", **more: Any) -> dict[str, Any]:
    return {"name": "t", "run": {"using": "buildbot", "builder": builder, **more}}


def worker(**payload: Any) -> dict[str, Any]:
    return {"name": "t", "worker": payload}


def refused(make: Make, *described: dict[str, Any], section: Any = None) -> str:
    with pytest.raises(DefinitionError) as error:
        make(*described, section=section)
    return str(error.value)


def test_a_builder_becomes_a_task_with_payload_scope_and_retrigger(make: Make) -> None:
    (made,) = make(run("widget {project} tests"))
    task = made["task"]
    assert made["label"] == "test-t"
    assert (task["provisionerId"], task["workerType"]) == ("proj-demo", "buildbot")
    assert task["payload"] == {
        "buildername": "widget demo tests",
        "sourcestamp": SOURCE,
        "properties": {"owner": "dev@example.org", "level": "3"},
    }
    assert task["scopes"] == ["buildbot-bridge:builder-name:widget demo tests"]
    assert task["tags"]["worker-implementation"] == "buildbot-bridge"
    assert task["tags"]["retrigger"] == "true"
    assert made["attributes"]["retrigger"] is True
    assert "retries" not in task


def test_only_project_is_replaced_in_a_builders_name(make: Make) -> None:
    (made,) = make(run("{project} {level} {} {project}{"))
    assert made["task"]["payload"]["buildername"] == "demo {level} {} demo{"


def test_what_the_section_says_is_in_every_task(make: Make) -> None:
    section = {"scope-prefix": "demo:bridge", "retries": 0, "properties": {"product": "widget", "level": "x", "owner": "y"}}
    (made,) = make(run(properties={"product": "gadget", "a": [1]}), section=section)
    task = made["task"]
    assert task["scopes"] == ["demo:bridge:builder-name:b"]
    assert task["retries"] == 0
    assert task["payload"]["properties"] == {"product": "gadget", "a": [1], "level": "3", "owner": "dev@example.org"}


@pytest.mark.parametrize(
    ("prefix", "scope"),
    [
        ("x", "x:builder-name:b"),
        ("project:x:bridge", "project:x:bridge:builder-name:b"),
        ("project:x:b:", "project:x:b:b"),
        ("x/", "x/b"),
    ],
)
def test_a_prefix_with_a_mark_at_its_end_is_taken_whole(make: Make, prefix: str, scope: str) -> None:
    (made,) = make(run(), section={"scope-prefix": prefix})
    assert made["task"]["scopes"] == [scope]


def test_a_task_s_own_owner_level_and_sourcestamp_stay(make: Make) -> None:
    (made,) = make(run(properties={"owner": "me", "level": 7}, sourcestamp={"branch": "x"}))
    assert made["task"]["payload"]["properties"] == {"owner": "me", "level": 7}
    assert made["task"]["payload"]["sourcestamp"] == {"branch": "x"}


def test_several_sourcestamps_leave_no_default(make: Make) -> None:
    stamps = [{"codebase": "a"}, {"codebase": "b"}]
    (made,) = make(run(sourcestamps=stamps))
    assert made["task"]["payload"]["sourcestamps"] == stamps
    assert "sourcestamp" not in made["task"]["payload"]


def test_what_a_push_leaves_empty_is_left_out(make: Make) -> None:
    (made,) = make(run(), head_ref="", head_repository="")
    assert made["task"]["payload"]["sourcestamp"] == {"revision": "2" * 40, "project": "demo"}


def test_a_scope_that_is_there_is_not_added_again(make: Make) -> None:
    (made,) = make({**run(), "scopes": ["buildbot-bridge:builder-name:b", "x"]})
    assert made["task"]["scopes"] == ["buildbot-bridge:builder-name:b", "x"]


def test_an_attribute_takes_retriggering_away(make: Make) -> None:
    (made,) = make({**run(), "attributes": {"retrigger": False}})
    assert "retrigger" not in made["task"]["tags"]
    assert made["attributes"]["retrigger"] is False


def test_a_worker_says_the_payload_itself(make: Make) -> None:
    (made,) = make(worker(buildername="b {project}"))
    assert made["task"]["payload"] == {"buildername": "b {project}", "sourcestamp": SOURCE}


def test_references_stay_for_taskgraph_to_replace(make: Make) -> None:
    properties = {"id": {"task-reference": "<x>"}, "deep": [{"url": {"artifact-reference": "<x/public/a>"}}]}
    (made,) = make({**run(properties=properties), "dependencies": {"x": "build-x"}})
    assert made["task"]["payload"]["properties"] == {"owner": "dev@example.org", "level": "3"} | properties


def test_treeherder_and_index_are_the_task_description_s(make: Make) -> None:
    treeherder = {"symbol": "T(1)", "platform": "linux64/opt", "kind": "test", "tier": 1}
    index = {"product": "fake", "job-name": "b"}
    (made,) = make({**run(), "treeherder": treeherder, "index": index})
    assert made["task"]["extra"]["treeherder"]["symbol"] == "1"
    assert "index.test-domain.v2.demo.latest.fake.b" in made["task"]["routes"]


@pytest.mark.parametrize(
    ("described", "said"),
    [
        ({"name": "t", "run": {"using": "buildbot"}}, "run.builder: is missing. Write the name of a Buildbot builder."),
        (run("b*"), "run.builder ends in `*`."),
        (run("{project}*"), "run.builder ends in `*`."),
        (run("b\u00e4cker"), "run.builder has characters that are not printable ASCII"),
        (run(["b"]), "run.builder: must be a string, is list."),
        (run({"task-reference": "<x>"}), "run.builder: must be a name as it stands, no reference"),
        (run(command="make"), "run.command: is not known here; known are using, builder, properties, sourcestamp, sourcest"),
        (run(properties={"scheduler": 1}), "run.properties.scheduler: this property is set by the bridge or by Buildbot."),
        (run(properties=["a"]), "run.properties: must be a mapping, is list."),
        (run(sourcestamp={"branch": 1}), "run.sourcestamp.branch: must be a string, is 1."),
        ({**run(), "worker": {"buildername": "c"}}, "worker.buildername: stands beside `run`, which says it."),
        ({**run(), "worker": {"max-run-time": 60}}, "worker.max-run-time: is not known here; known are buildername, "),
        (worker(), "worker.buildername: is missing. Add it."),
        (worker(buildername="b", properties=3), "worker.properties: must be a mapping, is 3."),
        (
            worker(buildername="b", properties={"a": {"artifact-reference": "<x/private>"}}),
            "worker.properties.a.artifact-ref",
        ),
    ],
)
def test_an_error_names_kind_label_and_field(make: Make, described: dict[str, Any], said: str) -> None:
    text = refused(make, described, section={"properties": {"product": "widget"}})
    assert text.startswith("kind test: task test-t: ")
    assert said in text


def test_each_problem_has_a_line_of_its_own(make: Make) -> None:
    lines = refused(make, run("b*", properties={"buildid": 1})).splitlines()
    assert [line.rpartition("run.")[2].partition(" ")[0] for line in lines] == ["builder", "properties.buildid:"]


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("x", "must be a mapping, is 'x'. Its keys are scope-prefix, properties, retries, actions."),
        ({"scopes": []}, "scopes: is not known here; known are scope-prefix, properties, retries, actions."),
        ({"scope-prefix": ""}, "scope-prefix: '' cannot begin a scope."),
        ({"scope-prefix": "a*"}, "scope-prefix: 'a*' cannot begin a scope."),
        ({"scope-prefix": "\u00e4"}, "scope-prefix: '\u00e4' cannot begin a scope."),
        ({"scope-prefix": None}, "scope-prefix: None cannot begin a scope."),
        ({"retries": 50}, "retries: must be a whole number from 0 to 49, is 50."),
        ({"retries": True}, "retries: must be a whole number from 0 to 49, is True."),
        ({"retries": "5"}, "retries: must be a whole number from 0 to 49, is '5'."),
        ({"properties": ["a"]}, "properties: must be a mapping, is list."),
        ({"properties": {"buildid": 1}}, "properties.buildid: this property is set by the bridge or by Buildbot."),
        ({"properties": {"a": {1}}}, "properties.a: is a set"),
        ({"actions": ["rerun"]}, "actions: must be a list of submit-builders, is ['rerun']."),
        ({"actions": "submit-builders"}, "actions: must be a list of submit-builders, is 'submit-builders'."),
    ],
)
def test_the_section_is_checked_when_it_is_registered(make: Make, section: Any, said: str) -> None:
    text = refused(make, run(), section=section)
    assert text.startswith("config.yml: buildbot-bridge: ")
    assert said in text
