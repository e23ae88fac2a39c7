"""Which tasks an action's builders-graph means."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_taskgraph.fixtures.gen import make_graph, make_task
from taskgraph.actions import registry

from bridge.definition import DefinitionError, builders_graph
from bridge.taskgraph import actions
from bridge.taskgraph.actions.submit_builders import submit_builders, to_run


def bridged(label: str, builder: str) -> Any:
    tags = {"worker-implementation": "buildbot-bridge"}
    return make_task(label, task_def={"payload": {"buildername": builder}, "tags": tags, "deadline": ""})


NATIVE = make_task(
    "scan-1", task_def={"payload": {"buildername": "scan"}, "tags": {"worker-implementation": "docker-worker"}}
)
FULL = make_graph(
    bridged("build-1", "build"),
    bridged("test-1", "test"),
    bridged("test-2", "test"),
    bridged("package-1", "package"),
    bridged("lint-1", "lint"),
    NATIVE,
    ("test-1", "build-1", "build"),
    ("test-2", "build-1", "build"),
    ("scan-1", "build-1", "build"),
    ("package-1", "scan-1", "scan"),
)


def labels(written: Any) -> list[str]:
    return to_run(builders_graph(written), FULL)


def test_a_builder_means_all_its_tasks() -> None:
    assert labels({"test": []}) == ["test-1", "test-2"]
    assert labels({"build": ["test"], "lint": []}) == ["build-1", "lint-1", "test-1", "test-2"]


def test_what_stands_between_two_builders_does_not_matter() -> None:
    assert labels({"build": ["package"]}) == ["build-1", "package-1"]


def test_an_unknown_builder_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"builder 'tset' has no task in the push's full task graph. Correct") as error:
        labels({"build": ["tset"], "scan": []})
    assert "builder 'scan' has no task" in str(error.value), "a task of another worker is no builder's"


def test_an_order_that_the_task_graph_does_not_have_is_refused() -> None:
    with pytest.raises(DefinitionError) as error:
        labels({"lint": ["test"]})
    assert str(error.value).splitlines()[0] == (
        "submit-builders: builders_graph: test-1 does not wait for builder 'lint', and an action cannot make it. "
        "Name 'test' by itself, or add the dependency to its kind."
    )
    assert len(str(error.value).splitlines()) == 2


def test_an_action_is_offered_when_it_is_enabled_and_only_once(make_config: Any) -> None:
    make_config({"actions": ["submit-builders"]})
    assert registry.callbacks["submit-builders"] is submit_builders
    actions.enable_action("submit-builders")
    assert [each.cb_name for each in registry.actions].count("submit-builders") == 1


def test_an_action_can_be_offered_under_other_terms() -> None:
    actions.enable_action("submit-builders", cb_name="submit-release-builders", permission="release")
    (offered,) = (each for each in registry.actions if each.cb_name == "submit-release-builders")
    assert offered.permission == "release"


def test_an_unknown_action_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"there is no action 'rerun'. There is submit-builders."):
        actions.enable_action("rerun")
