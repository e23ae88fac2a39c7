"""People without a task graph: `bbb submit`, `bbb follow` and `bbb import-builders` on the whole of it."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import yaml

from tests.acceptance.scene import Scene
from tests.sandbox.stack import QUEUE, ROOT, Stack

SCOPES = [
    f"queue:create-task:lowest:{QUEUE}",
    "queue:create-task:project:none",
    "queue:scheduler-id:demo",
    "buildbot-bridge:builder-name:*",
]
USUAL = ("--task-queue", QUEUE, "--scheduler-id", "demo", "--interval", "0.5")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account, and none of the bridge's settings."""

    scene: Scene
    account: Mapping[str, str]

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("BBB_", "TASKCLUSTER_"))}
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-u", "-m", "bridge.cli", *arguments),
            stdout=pipe,
            stderr=pipe,
            env={**kept, **self.account, "PYTHONPATH": str(ROOT)},
        )

    async def end(self, child: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
        """Its end; the tasks that were made are the test's from then on."""
        async with asyncio.timeout(120):
            out, err = await child.communicate()
        for each in (await self.scene.stack.control("GET", "tasks"))["tasks"]:
            task = each["status"]["taskId"]
            if task in out.decode() and task not in self.scene.tasks:
                self.scene.tasks.append(task)
        return child.returncode, out.decode(), err.decode()


@pytest.fixture(scope="module")
async def open_house(calm: Stack) -> AsyncIterator[Stack]:
    await calm.stop_services()
    calm.configure({})
    await calm.start_services()
    yield calm


@pytest.fixture
async def person(open_house: Stack) -> Person:
    token = secrets.token_urlsafe(24)
    await open_house.control("PUT", "clients", person={"accessToken": token, "scopes": SCOPES})
    account = {"ROOT_URL": open_house.root_url, "CLIENT_ID": "person", "ACCESS_TOKEN": token}
    return Person(Scene(open_house), {f"TASKCLUSTER_{name}": text for name, text in account.items()})


async def test_a_graph_of_which_one_builder_fails(person: Person, tmp_path: Path) -> None:
    """What can run runs, what cannot is told, the log can be read where it is said, and the exit status says it all."""
    file = tmp_path / "graph.yml"
    file.write_text("success: [warnings, failure]\nfailure: [condition]\n")
    status, out, err = await person.end(await person.start("submit", "--graph", str(file), *USUAL, "--json"))
    assert status == 1, err
    found = json.loads(out)
    assert {task["name"]: task["state"] for task in found["tasks"]} == {
        "success": "completed",
        "warnings": "completed",
        "failure": "failed",
        "condition": "stuck",
    }
    logs = {task["name"]: task["log"] for task in found["tasks"]}
    assert logs["condition"] is None
    async with aiohttp.ClientSession() as anybody, anybody.get(logs["failure"]) as answer:
        assert answer.status == 200
        assert "failure" in await answer.text()
    ran = {task["name"]: task["taskId"] for task in found["tasks"] if task["state"] != "stuck"}
    assert (await person.scene.properties(ran["failure"]))["parent_task_id"][0] == ran["success"]
    await person.scene.over(*ran.values())


async def test_one_builder_with_properties(person: Person) -> None:
    properties = ("--property", "word=Grüße", "--property-json", 'nested={"list": [1, null]}', "--branch", "refs/heads/main")
    status, out, err = await person.end(await person.start("submit", "success", *properties, *USUAL))
    assert (status, err) == (0, "")
    assert "completed success" in out
    (task,) = person.scene.tasks
    built = await person.scene.properties(task)
    assert {name: built[name][0] for name in ("word", "nested", "branch")} == {
        "word": "Grüße",
        "nested": {"list": [1, None]},
        "branch": "main",
    }
    await person.scene.over()


async def test_ctrl_c_stops_the_watching_and_not_the_build(person: Person) -> None:
    child = await person.start("submit", "gate", *USUAL)
    assert child.stdout is not None
    seen = b""
    async with asyncio.timeout(60):
        while b"running" not in seen:
            seen += await child.stdout.readline()
    child.send_signal(signal.SIGINT)
    status, _, err = await person.end(child)
    assert status == 130
    group = err.partition("bbb follow ")[2].split()[0]
    (task,) = list((await person.scene.stack.control("GET", "tasks?state=running"))["tasks"])
    assert task["status"]["taskGroupId"] == group
    person.scene.tasks.append(task["status"]["taskId"])
    again = await person.start("follow", group, "--interval", "0.5")
    await person.scene.let(task["status"]["taskId"])
    status, out, _ = await person.end(again)
    assert status == 0
    assert "completed gate" in out
    await person.scene.over()


async def test_the_builders_that_exist_become_a_kind(open_house: Stack) -> None:
    kind = yaml.safe_load(await open_house.bbb("import-builders", "--only", "fu*", "--only", "gate"))
    assert {name: task["run"]["builder"] for name, task in kind["tasks"].items()} == {
        "full": "full",
        "full-too": "full-too",
        "gate": "gate",
    }
