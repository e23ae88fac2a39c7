"""The sample project through taskgraph's own command, with the oldest and the newest release that is promised."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from packaging.version import Version

from bridge.core import admission
from bridge.definition import payload_schema
from bridge.taskcluster.payload import read
from tests.doubles.taskcluster import schemas
from tests.sandbox.environment import ROOT, TASKGRAPH, ensure_environment
from tests.taskgraph import ARTIFACTS, BUILDERS, PARAMETERS, TASK_QUEUES, definitions
from tests.taskgraph.generating import NEWEST, graph, taskgraph

from .deployment import Deployment

MEND = "python -m tests.taskgraph.definitions writes tests/taskgraph/golden anew"
ON_PUSH = {label for label in definitions.golden() if not label.startswith("release-")}


@pytest.mark.usefixtures("root_url")
def test_the_definitions_are_the_golden_ones(full: dict[str, Any]) -> None:
    assert definitions.as_created(full) == definitions.golden(), MEND


@pytest.mark.parametrize("label", sorted(definitions.golden()))
def test_a_golden_definition_is_a_task_that_taskcluster_and_bridge_take(label: str) -> None:
    task = definitions.golden()[label]
    jsonschema.validate(task, schemas._TASK, format_checker=schemas._FORMATS)
    implementation = task["tags"]["worker-implementation"]
    assert f"{task['provisionerId']}/{task['workerType']}" == TASK_QUEUES[implementation]
    if implementation == "buildbot-bridge":
        jsonschema.validate(task["payload"], payload_schema())
        payload = read(task["payload"])
        assert not isinstance(payload, list)
        assert admission.satisfies(task["scopes"], f"buildbot-bridge:builder-name:{payload.builder}")


def test_the_sample_s_builders_and_artifacts_are_those_that_are_listed() -> None:
    tasks = definitions.golden()
    bridged = [task for task in tasks.values() if task["tags"]["worker-implementation"] == "buildbot-bridge"]
    assert {task["payload"]["buildername"] for task in bridged} == set(BUILDERS)
    assert len(bridged) > len(BUILDERS), "two tasks on one builder"
    by_name = {task["payload"].get("buildername", label): label for label, task in tasks.items()}
    url = f"{definitions.ROOT_URL}/api/queue/v1/task/"
    named = {f"{url}{definitions.task_id(by_name[name])}/artifacts/{path}" for name, path in ARTIFACTS.items()}
    text = json.dumps(tasks)
    assert {each for each in named if each not in text} == set()
    assert text.count("/artifacts/") == sum(text.count(each) for each in named)


def test_a_push_targets_what_is_no_release(sample: Path, venv: Path) -> None:
    assert set(graph(sample, "target", PARAMETERS, venv)) == ON_PUSH


@pytest.mark.parametrize(
    ("method", "kinds"), [("promote", {"release-promote"}), ("ship", {"release-promote", "release-ship"})]
)
def test_releases_have_their_target_methods(sample: Path, venv: Path, method: str, kinds: set[str]) -> None:
    made = graph(sample, "target", changed(sample, target_tasks_method=method), venv)
    assert {task["kind"] for task in made.values()} == kinds


def test_try_runs_the_tasks_that_are_named(sample: Path, venv: Path) -> None:
    chosen = changed(sample, target_tasks_method="try_tasks", try_tasks=["test-linux64-2"])
    assert set(graph(sample, "target", chosen, venv)) == {"test-linux64-2"}
    made = graph(sample, "target-graph", chosen, venv)
    assert set(made) == {"deps-linux64", "build-linux64", "test-linux64-2"}


def test_a_graph_that_is_optimized_has_all_references_replaced(sample: Path, venv: Path, deployment: Deployment) -> None:
    made = graph(sample, "morphed", PARAMETERS, venv, TASKCLUSTER_ROOT_URL=deployment.root_url)
    assert {task["label"] for task in made.values()} == ON_PUSH
    assert "-reference" not in json.dumps(made)
    package = next(task for task in made.values() if task["label"] == "package-linux64")
    properties = package["task"]["payload"]["properties"]
    assert made[properties["build_task_id"]]["label"] == "build-linux64"
    assert properties["inputs"]["build"].startswith(
        f"{deployment.root_url}/api/queue/v1/task/{properties['build_task_id']}/artifacts/"
    )


def test_actions_are_offered(sample: Path, venv: Path) -> None:
    said = taskgraph(sample, "actions", "-p", PARAMETERS, venv=venv)
    offered = {action["name"]: action for action in json.loads(said.out)["actions"]}
    assert {"submit-builders", "retrigger", "add-new-jobs", "cancel-all", "rebuild-cached-tasks"} <= set(offered)
    assert offered["submit-builders"]["context"] == []
    assert ("release-promotion" in offered) == (venv == NEWEST), "it is mozilla-taskgraph's"


def test_mozilla_taskgraph_s_checks_go_on_beside_ours(sample: Path) -> None:
    config = sample / "taskcluster" / "config.yml"
    text = config.read_text()
    config.write_text(f"{text}\nshipit: {{product: widget}}\n")
    assert taskgraph(sample, "full", "-p", PARAMETERS).status == 0
    config.write_text(f"{text}\nshipit: {{product: 3}}\n")
    assert taskgraph(sample, "full", "-p", PARAMETERS).status == 1
    config.write_text(f"{text}\nshipit: {{product: widget}}\n".replace("retries: 5", "retries: many"))
    assert "config.yml: buildbot-bridge: retries: must be a whole number" in taskgraph(sample, "full", "-p", PARAMETERS).err


@pytest.mark.parametrize("order", [("bridge.taskgraph", "mozilla_taskgraph"), ("mozilla_taskgraph", "bridge.taskgraph")])
def test_either_may_be_registered_first(sample: Path, order: tuple[str, str]) -> None:
    lines = [f"import {module}\n" for module in order]
    calls = [f"    {module}.register(graph_config)\n" for module in order]
    (sample / "taskcluster" / "both.py").write_text("".join([*lines, "\n\ndef register(graph_config):\n", *calls]))
    config = sample / "taskcluster" / "config.yml"
    config.write_text(config.read_text().replace("demo_taskgraph:register", "both:register"))
    pushed = yaml.safe_load(PARAMETERS.read_text())
    plain = {name: value for name, value in pushed.items() if name not in ("try_tasks", "shipping_phase")}
    (sample / "plain.yml").write_text(yaml.safe_dump(plain))
    assert len(graph(sample, "full", sample / "plain.yml")) == len(definitions.golden())


def test_a_person_reads_a_sentence(sample: Path, venv: Path) -> None:
    kind = sample / "taskcluster" / "kinds" / "package" / "kind.yml"
    kind.write_text(kind.read_text().replace("<scan/public/", "<scan/private/"))
    said = taskgraph(sample, "full", "-p", PARAMETERS, venv=venv)
    assert said.status == 1
    sentence = "kind package: task package-linux64: run.properties.inputs.report.artifact-reference: <scan/private/scan/report.txt> is"
    assert sentence in said.err
    if venv == NEWEST:
        assert "Traceback" not in said.err, "since taskgraph 23.1 there is none"


def test_the_lowest_environment_has_the_extra_and_none_of_the_services() -> None:
    python = ensure_environment(TASKGRAPH) / "bin" / "python"
    script = """
import importlib, importlib.metadata, importlib.util, pathlib, pkgutil, sys
import bridge.taskgraph
for module in pkgutil.walk_packages(bridge.taskgraph.__path__, "bridge.taskgraph."):
    importlib.import_module(module.name)
assert pathlib.Path(bridge.__file__).is_relative_to(sys.prefix), bridge.__file__
print(importlib.metadata.version("taskcluster-taskgraph"))
print([name for name in ("pydantic", "asyncpg", "aio_pika", "structlog", "typer", "mozilla_taskgraph")
       if importlib.util.find_spec(name)])
"""
    done = subprocess.run([python, "-I", "-c", script], cwd="/", capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    version, services = done.stdout.splitlines()
    assert services == "[]"
    here = subprocess.run(
        [sys.executable, "-c", "import importlib.metadata as m; print(m.version('taskcluster-taskgraph'))"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    assert Version(version).major < Version(here).major


def changed(sample: Path, **parameters: object) -> Path:
    """The push's parameters, with others in their place."""
    path = sample / "parameters.yml"
    path.write_text(yaml.safe_dump(yaml.safe_load(PARAMETERS.read_text()) | parameters))
    return path
