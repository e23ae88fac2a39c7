"""The action `submit-builders` as taskgraph runs it, on the artifacts of a decision task; it prints what it would create."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.taskgraph import PARAMETERS, definitions
from tests.taskgraph.generating import Said, taskgraph

from .deployment import Deployment


@pytest.fixture
def decided(full: dict[str, Any], deployment: Deployment) -> dict[str, str]:
    """Label to task id, after a decision task that made all but the packages and what follows them."""
    ids = {label: definitions.task_id(label) for label in full if not label.startswith(("package", "release", "summary"))}
    (deployment.public / "full-task-graph.json").write_text(json.dumps(full))
    (deployment.public / "label-to-taskid.json").write_text(json.dumps(ids))
    return ids


def submit(sample: Path, venv: Path, deployment: Deployment, given: Any) -> Said:
    (sample / "input.json").write_text(json.dumps(given))
    group = definitions.DECISION
    options = ["-p", PARAMETERS, "--task-group-id", group, "--input", "input.json", "submit-builders"]
    return taskgraph(
        sample, "test-action-callback", *options, venv=venv, TASKCLUSTER_ROOT_URL=deployment.root_url, TASK_ID=group
    )


def created(said: Said) -> dict[str, Any]:
    """Label to definition."""
    assert said.status == 0, said.err
    decoder, text, made = json.JSONDecoder(), said.out.strip(), {}
    while text:
        (_, definition), end = decoder.raw_decode(text)
        made[definition["metadata"]["name"]] = definition
        text = text[end:].strip()
    return made


def test_a_builder_s_tasks_are_created_again_and_what_is_above_them_is_reused(
    sample: Path, venv: Path, deployment: Deployment, decided: dict[str, str]
) -> None:
    graph = {"demo build linux64": ["demo test linux64"]}
    made = created(submit(sample, venv, deployment, {"builders_graph": graph}))
    assert set(made) == {"build-linux64", "test-linux64-1", "test-linux64-2"}
    assert made["build-linux64"]["payload"]["properties"]["deps_task_id"] == decided["deps-linux64"]
    made = created(submit(sample, venv, deployment, {"builders_graph": {"demo test linux64": []}}))
    assert set(made) == {"test-linux64-1", "test-linux64-2"}
    assert decided["build-linux64"] in made["test-linux64-1"]["dependencies"]


def test_what_is_missing_above_is_created_too(
    sample: Path, venv: Path, deployment: Deployment, decided: dict[str, str]
) -> None:
    made = created(submit(sample, venv, deployment, {"builders_graph": {"demo sign": []}}))
    assert set(made) == {"release-promote-sign", "package-linux64"}
    assert decided["scan-linux64"] in made["package-linux64"]["dependencies"]
    assert (sample / "artifacts" / "label-to-taskid.json").exists(), "later actions read it"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"builders_graph": {"demo sing": []}}, "submit-builders: builders_graph: builder 'demo sing' has no task"),
        ({"builders_graph": {"demo docs": ["demo sign"]}}, "release-promote-sign does not wait for builder 'demo docs'"),
        ({"builders_graph": {"a": ["b"], "b": ["a"]}}, "submit-builders: builders_graph: goes in a circle: "),
        ({}, "submit-builders: builders_graph: must map builders to the builders after them"),
    ],
)
@pytest.mark.usefixtures("decided")
def test_what_cannot_be_is_told_and_nothing_is_created(
    sample: Path, venv: Path, deployment: Deployment, given: Any, sentence: str
) -> None:
    said = submit(sample, venv, deployment, given)
    assert said.status == 1
    assert sentence in said.err
    assert said.out == ""
