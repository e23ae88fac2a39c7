"""What README.md says can be relied on: its examples work, and its tables name what there is, all of it and nothing else."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer.main

from bridge.cli.app import app
from bridge.core import admission
from bridge.core.order import Order, Policy
from bridge.core.run import RunId, RunKey, TaskId, Worker
from bridge.core.status import RunState, RunStatus, TaskStatus
from bridge.metrics import Metrics
from bridge.settings import load
from bridge.taskcluster import payload

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
CODE = "\n".join(path.read_text() for room in ("bridge", "listeners", "reflector") for path in (ROOT / room).rglob("*.py"))


def block(language: str, containing: str) -> str:
    found = [text for text in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) if containing in text]
    assert len(found) == 1
    return found[0]


def after(heading: str) -> str:
    """The first table after a text."""
    return README[README.index(heading) :].partition("|\n\n")[0]


def first_cells(table: str) -> set[str]:
    cells = re.findall(r"^\| (.*?) \|", table, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([a-z_]+)[`{]", cell)}


def test_it_opens_with_the_product_in_three_sentences() -> None:
    assert README.splitlines()[2:5] == [
        "A **run** is one attempt at one Taskcluster task, lived out as one Buildbot build.",
        "Each listener hears one side and tells the other; the reflector keeps claims alive and finishes what anyone left unfinished.",
        "What a run *is* and what it *owes* are decided in one pure file; everything else carries messages.",
    ]


def test_every_alarm_is_explained() -> None:
    raised = set(re.findall(r"""observer\.alarm\(\s*"([a-z_]+)\"""", CODE))
    assert len(raised) > 5
    assert first_cells(after('<a id="alarms">')) == raised


def test_every_metric_is_named() -> None:
    named = first_cells(after("**Metrics**"))
    there = {
        family.name.removeprefix("buildbot_bridge_") + ("_total" if family.type == "counter" else "")
        for family in Metrics("test", "0").registry.collect()
        if family.name.startswith("buildbot_bridge_")
    }
    assert named == there


def test_every_log_event_is_named() -> None:
    events = set(re.findall(r"""\.(?:info|warning|error)\(\s*"([a-z_]+)[":]""", CODE))
    assert len(events) > 10
    assert {name for name in events if name not in after("**Log events**")} == set()


def test_every_command_of_bbb_that_it_tells_of_is_there() -> None:
    commands = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    told = set(re.findall(r"\bbbb ([a-z-]+)", README))
    assert told == commands


def test_every_command_of_dev_that_it_tells_of_is_there() -> None:
    known = set(re.findall(r"^  ([a-z-]+)(?: \||\))", (ROOT / "dev").read_text(), re.MULTILINE))
    assert set(re.findall(r"\./dev ([a-z]+)\b", README)) <= known


def test_its_links_lead_somewhere() -> None:
    anchors = {
        re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.+)$", README, re.MULTILINE)
    }
    anchors |= set(re.findall(r'<a id="([a-z]+)">', README))
    targets = re.findall(r"\]\(([^)]+)\)", README)
    assert {each for each in targets if each.startswith("#") and each[1:] not in anchors} == set()
    assert {each for each in targets if not each.startswith("#") and not (ROOT / each).exists()} == set()


def test_every_file_and_module_that_it_names_is_there() -> None:
    named = re.findall(r"`((?:bridge|tests|docker|sql|requirements|listeners|reflector|\.ci)/[A-Za-z0-9_./-]+)`", README)
    assert len(named) > 8
    assert [each for each in named if not (ROOT / each).exists()] == []


def test_the_least_settings_that_work_work(tmp_path: Path) -> None:
    text = block("toml", "worker_group")
    secrets = {
        "taskcluster-token": "token",
        "pulse-url": "amqps://bridge:password@pulse.example.org:5671/%2F",
        "database-dsn": "postgresql://bridge:password@db.example.org/bridge?sslmode=verify-full",
        "buildbot-token": "0123456789abcdef",
    }
    for name, secret in secrets.items():
        (tmp_path / name).write_text(secret)
        text = text.replace(f"/run/secrets/{name}", str(tmp_path / name))
    (tmp_path / "bridge.toml").write_text(text)
    assert load(tmp_path / "bridge.toml").pools["linux"].task_queue == "proj-example/linux"


@pytest.fixture
def task() -> dict[str, object]:
    return json.loads(block("json", "taskQueueId"))


def status(task: dict[str, object]) -> TaskStatus:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    run = RunStatus(RunState.PENDING, "scheduled", now, Worker("g", "w"))
    ends = now + timedelta(hours=6)
    key, queue = TaskId("E" * 22), str(task["taskQueueId"])
    return TaskStatus(key, queue, "example", "none", key, "lowest", ends, ends, 5, "pending", (run,))


def test_the_example_task_would_be_built(task: dict[str, object]) -> None:
    read = payload.read(task["payload"])
    assert not isinstance(read, list), read
    builders = re.search(r"^builders = (\[.*\])$", block("toml", "worker_group"), re.MULTILINE)
    assert builders
    policy = Policy(builders=tuple(json.loads(builders[1])))
    key = RunKey(TaskId("E" * 22), RunId(0))
    assert isinstance(admission.judge(key, read, task["scopes"], status(task), policy), Order)
    refused = admission.judge(key, read, ["buildbot-bridge:builder-name:another"], status(task), policy)
    assert not isinstance(refused, Order)
