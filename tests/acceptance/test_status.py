"""The status API over the whole stack: one run from pending to done, shown by both sides; who may read; what is stuck."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import aiohttp
import pytest
import slugid

from tests.acceptance.conftest import SWEEPS
from tests.acceptance.scene import Scene, cancel_all
from tests.sandbox.stack import Stack

TOKEN = "the token of whoever may read the status"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


class Reader:
    """Somebody who has the token."""

    def __init__(self, scene: Scene, url: str) -> None:
        self.scene, self.url = scene, url

    async def get(self, path: str, headers: dict[str, str] | None = None, **query: str) -> tuple[int, Any, str]:
        """Status, what was said, and its ETag."""
        async with self.scene.stack.http.get(f"{self.url}{path}", headers=headers or AUTHORIZED, params=query) as answer:
            said = await answer.read()
            return answer.status, json.loads(said) if said else None, answer.headers.get("ETag", "")

    async def said(self, path: str, **query: str) -> Any:
        status, said, _ = await self.get(path, **query)
        assert status == 200, said
        return said


@pytest.fixture
async def reader(calm: Stack) -> AsyncIterator[Reader]:
    """Services, and the status beside them."""
    await calm.stop_services()
    token = calm.directory / "status-token"
    token.touch(mode=0o600)
    token.write_text(TOKEN)
    calm.configure({"reflector": SWEEPS, "status": {"port": 0, "read_token_file": str(token)}})
    await calm.start_services()
    await calm.start_services("web")
    yield Reader(Scene(calm), _address(calm))
    await cancel_all(calm)
    await calm.stop_services()
    calm.configure({})


def _address(stack: Stack) -> str:
    lines = [json.loads(line) for line in stack.services["web"].log.splitlines() if "web_listening" in line]
    return next(line["url"] for line in lines if line.get("what") == "status")


@asynccontextmanager
async def watching(reader: Reader, **query: str) -> AsyncIterator[asyncio.Queue[Any]]:
    """The changes that come, while inside."""
    timeout = aiohttp.ClientTimeout(total=None)
    events: asyncio.Queue[Any] = asyncio.Queue()
    async with reader.scene.stack.http.get(
        f"{reader.url}events", headers=AUTHORIZED, params=query, timeout=timeout
    ) as answer:
        assert answer.status == 200
        reading = asyncio.create_task(_read(answer, events))
        try:
            yield events
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def _read(answer: aiohttp.ClientResponse, events: asyncio.Queue[Any]) -> None:
    async for line in answer.content:
        if line.startswith(b"data: "):
            events.put_nowait(json.loads(line.removeprefix(b"data: ")))


async def _until(events: asyncio.Queue[Any], phase: str) -> list[tuple[str | None, str]]:
    """The changes up to the one into this phase."""
    found: list[tuple[str | None, str]] = []
    async with asyncio.timeout(60):
        while not found or found[-1][1] != phase:
            event = await events.get()
            found.append((event["fromPhase"], event["toPhase"]))
    return found


async def test_a_run_is_seen_from_pending_to_completed(reader: Reader) -> None:
    scene = reader.scene
    task = slugid.nice()
    async with watching(reader, taskId=task) as events:
        await scene.task("gate", task_id=task)
        assert await _until(events, "building") == [(None, "wanted"), ("wanted", "queued"), ("queued", "building")]
        await scene.run(task, "running")
        await scene.at_gate(task)
        await _shown_while_building(reader, task)
        _, _, tag = await reader.get(f"tasks/{task}")
        status, said, again = await reader.get(f"tasks/{task}", {**AUTHORIZED, "If-None-Match": tag})
        assert (status, said, again) == (304, None, tag)
        await scene.let(task)
        assert await _until(events, "settled") == [("building", "reporting"), ("reporting", "settled")]
    status, said, changed = await reader.get(f"tasks/{task}", {**AUTHORIZED, "If-None-Match": tag})
    assert (status, said["runs"][0]["outcome"], changed != tag) == (200, "completed", True)
    await scene.over(task)
    await _traced(reader, task)


async def _shown_while_building(reader: Reader, task: str) -> None:
    whole = await reader.said(f"runs/{task}/0")
    run, there, here = whole["run"], whole["taskcluster"], whole["buildbot"]
    assert (run["phase"], run["builder"], run["stuck"]) == ("building", "gate", [])
    assert (there["error"], there["state"], there["runs"][0]["workerId"]) == (None, "running", run["workerId"])
    assert (here["error"], here["requestId"], here["madeFor"]) == (None, run["requestId"], f"{task}/0")
    assert (here["builds"][0]["buildId"], here["builds"][0]["results"], here["complete"]) == (run["buildId"], None, False)
    assert here["page"].endswith(f"/builds/{here['builds'][0]['number']}")
    assert [debt["what"] for debt in whole["owes"]] == ["ReclaimRun", "Look"]
    for query in ({"requestId": str(run["requestId"])}, {"buildId": str(run["buildId"])}, {"taskId": task}):
        found = await reader.said("runs", settled="false", phase="building", builder="gat*", **query)
        assert [each["taskId"] for each in found["runs"]] == [task]


async def _traced(reader: Reader, task: str) -> None:
    said = json.loads(await reader.scene.stack.bbb("trace", task, "--json"))
    assert said["errors"] == []
    sides = [each["side"] for each in said["happenings"]]
    assert set(sides) == {"taskcluster", "bridge", "buildbot"}
    told = " | ".join(each["what"] for each in said["happenings"])
    for words in ("run scheduled", "build request", "started on", "ended: SUCCESS", "run resolved: completed"):
        assert words in told
    moments = [datetime.fromisoformat(each["at"]) for each in said["happenings"]]
    assert moments == sorted(moments)


async def test_nobody_reads_without_the_token(reader: Reader) -> None:
    for headers in ({"X-Nothing": "x"}, {"Authorization": "Bearer wrong"}, {"X-Forwarded-User": "operator"}):
        status, said, _ = await reader.get("runs", headers)
        assert (status, said["error"]) == (401, "NotAuthorized")
    assert (await reader.get("runs"))[0] == 200


async def test_a_run_that_is_held_back_is_stuck_with_what_to_do(reader: Reader) -> None:
    scene = reader.scene
    first = await scene.task("full")
    await scene.phase(first, "queued")
    held = await scene.task("full")

    async def said() -> Any:
        row = await scene.row(held)
        return row is not None and row["held"]

    await scene.stack.eventually(said, "the second is held back")
    assert held not in json.dumps(await reader.said("stuck"))
    await scene.stack.rows("UPDATE runs SET created_at = created_at - interval '10 minutes' WHERE task_id = $1", held)
    (stuck,) = [each for each in (await reader.said("stuck"))["stuck"] if each["run"]["taskId"] == held]
    assert [finding["cause"] for finding in stuck["findings"]] == ["builder_full"]
    assert "max_pending" in stuck["findings"][0]["mend"]
    assert held in await scene.stack.bbb("stuck")
    listed = json.loads(await scene.stack.bbb("runs", "--stuck", "--json"))["runs"]
    assert [run["taskId"] for run in listed if run["taskId"] in (first, held)] == [held]


async def test_a_task_group_is_shown_with_what_depends_on_what(reader: Reader) -> None:
    scene = reader.scene
    group = slugid.nice()
    first = await scene.task("success", taskGroupId=group)
    await scene.run(first, "completed")
    second = await scene.task("success", taskGroupId=group, dependencies=[first])
    await scene.run(second, "completed")
    await scene.over(first, second)
    said = await reader.said(f"task-groups/{group}")
    assert [run["taskId"] for run in said["runs"]] == [second, first]
    edges = {edge["taskId"]: edge["dependsOn"] for edge in said["edges"]}
    assert (edges[second], said["edgesError"]) == ([first], None)


async def test_who_serves_and_what_the_sweeps_came_to_is_told(reader: Reader) -> None:
    services = (await reader.said("services"))["services"]
    assert {each["service"] for each in services if each["alive"]} == {
        "taskcluster-listener",
        "buildbot-listener",
        "reflector",
    }

    async def swept() -> Any:
        found = {each["name"]: each["fault"] for each in (await reader.said("sweeps"))["sweeps"]}
        return found if {"pending", "statuses", "states", "strangers", "retire"} <= set(found) else None

    found = await reader.scene.stack.eventually(swept, "every sweep was noted")
    assert found["pending"] is None
    (pool,) = (await reader.said("pools"))["pools"]
    assert pool["rules"]["taskQueueId"] == "proj-demo/buildbot"
    # Processes that other tests have killed count for two minutes.
    assert {each["name"] for each in services if each["alive"]} & set(pool["servedBy"])
    assert len(pool["servedBy"]) >= 3

    async def measured() -> Any:
        steps = (await reader.said("history", hours="1", step="60"))["steps"]
        return any(step["unsettled"] is not None for step in steps)

    await reader.scene.stack.eventually(measured, "how late the bridge is was noted")
