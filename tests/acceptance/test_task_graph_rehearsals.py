"""`taskgraph test-action-callback`: a person sees on their own machine what an action would do, and nothing is done."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.graphs import Play
from tests.taskgraph.project import Graph
from tests.taskgraph.worker import ROOT

RELEASE = {"release_promotion_flavor": "promote", "build_number": 1, "version": "1.0.0"}
SEEN = ["index:find-task:demo.*", "index:list-tasks:demo.*"]
"""What a person needs besides what everybody may; on public deployments everybody may this, too."""


@dataclass(frozen=True)
class Rehearsal:
    """An action's callback, the label of its task if it is for one, its input; labels it would make; words it says."""

    callback: str
    task: str | None = None
    given: Any = None
    makes: tuple[str, ...] = ()
    says: str = ""


REHEARSALS = (
    Rehearsal("retrigger", "test-linux64-1", {"times": 2}, ("test-linux64-1", "test-linux64-1")),
    Rehearsal("retrigger-multiple", None, {"requests": [{"tasks": ["docs-docs"], "times": 1}]}, ("docs-docs",)),
    Rehearsal("rerun", "build-win64", {}, says="Would have gotten state for"),
    Rehearsal("cancel", "docs-docs", None, says="Would have cancelled"),
    Rehearsal("cancel-all", says="Cancelling 0 tasks"),
    Rehearsal("add-new-jobs", None, {"tasks": ["release-promote-sign"]}, ("release-promote-sign",)),
    Rehearsal("rebuild-cached-tasks", makes=("deps-linux64",)),
    Rehearsal("submit-builders", None, {"builders_graph": {"demo docs": []}}, ("docs-docs",)),
    Rehearsal("release-promotion", None, RELEASE, ("release-promote-sign",)),
)


@pytest.fixture(scope="module")
async def checkout(demo: Any, pushed: Graph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Path]:
    """A person's clone of the project, with the parameters of the push in a file."""
    place = tmp_path_factory.mktemp("person") / "demo"
    clone = await asyncio.create_subprocess_exec("git", "clone", "-q", str(demo.repository.directory), str(place))
    assert await clone.wait() == 0
    (place / "parameters.yml").write_text(await demo.stack.artifact(pushed.id, 0, "public/parameters.yml"))
    await demo.stack.control("PUT", "clients", ada={"accessToken": demo.stack.key, "scopes": SEEN})
    yield place


@pytest.mark.parametrize("rehearsal", REHEARSALS, ids=lambda rehearsal: rehearsal.callback)
async def test_an_action_is_rehearsed(rehearsal: Rehearsal, play: Play, pushed: Graph, checkout: Path) -> None:
    before = (await play.stack.control("GET", "counters"))["calls"]
    said, printed = await _rehearsed(rehearsal, play, pushed, checkout)
    definitions = list(_definitions(printed))
    assert sorted(each[1]["metadata"]["name"] for each in definitions) == sorted(rehearsal.makes), said
    assert rehearsal.says in said
    after = (await play.stack.control("GET", "counters"))["calls"]
    for api in ("queue.createTask", "queue.rerunTask", "queue.cancelTask"):
        assert after.get(api) == before.get(api)
    await play.over(pushed.group)


async def _rehearsed(rehearsal: Rehearsal, play: Play, pushed: Graph, checkout: Path) -> tuple[str, str]:
    command = ["taskgraph", "test-action-callback", "-p", "parameters.yml", "--task-group-id", pushed.group]
    if rehearsal.task:
        command += ["--task-id", pushed.labels[rehearsal.task]]
    if rehearsal.given is not None:
        (checkout / "input.json").write_text(json.dumps(rehearsal.given))
        command += ["--input", "input.json"]
    env = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "TASKCLUSTER_ROOT_URL": play.stack.root_url,
        "TASKCLUSTER_CLIENT_ID": "ada",
        "TASKCLUSTER_ACCESS_TOKEN": play.stack.key,
        **({"TASK_ID": pushed.id} if rehearsal.callback == "release-promotion" else {}),  # which asks for it even so
    }
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(
        *command, rehearsal.callback, cwd=checkout, env=env, stdout=pipe, stderr=pipe
    )
    printed, said = await child.communicate()
    assert child.returncode == 0, said.decode()
    return said.decode(), printed.decode()


def _definitions(printed: str) -> Any:
    """Read one JSON value after the other: `[taskId, definition]`."""
    decoder, place = json.JSONDecoder(), 0
    while place < len(printed.rstrip()):
        found, place = decoder.raw_decode(printed, place)
        place += len(printed[place:]) - len(printed[place:].lstrip())
        yield found
