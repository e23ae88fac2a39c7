"""P-01: services that only say what they would do, beside the real ones: they change nothing, and say what those do."""

import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

import pytest

from tests.acceptance.scene import Scene, cancel_all
from tests.sandbox.stack import SERVICES, Stack

DRY = [f"{service}.dry" for service in SERVICES]
EFFECTS = [f"queue.{name}" for name in ("claimTask", "createArtifact", "reportCompleted", "reportFailed", "reportException")]


@pytest.fixture
async def scene(calm: Stack) -> AsyncIterator[Scene]:
    await calm.stop_services()
    calm.configure({})
    await calm.start_services()
    yield Scene(calm)
    for name in DRY:
        if name in calm.services:
            await calm.stop_service(name)
    await cancel_all(calm)


def planned(scene: Scene, task: str) -> set[tuple[str, str]]:
    """What the dry services noted of a task's run 0: calls with what they would say."""
    lines = [json.loads(line) for name in DRY for line in scene.stack.services[name].log.splitlines()]
    told = [line for line in lines if line.get("event") == "would_call" and (line["task"], line["run"]) == (task, 0)]
    return {(line["call"], line["detail"] if line["call"] == "createArtifact" else "") for line in told}


async def done(scene: Scene, task: str) -> set[tuple[str, str]]:
    """What the real services did."""
    calls = await scene.calls(task, *EFFECTS)
    found = {(call["api"].removeprefix("queue."), unquote(call["path"].partition("/artifacts/")[2])) for call in calls}
    for request in await scene.requests(task):
        found.add(("submit", ""))
        if request["results"] == 6:  # cancelled
            found.add(("cancel", ""))
    return found


@contextmanager
def frozen(scene: Scene) -> Iterator[None]:
    """The real services stand still inside."""
    children = [scene.stack.services[name] for name in SERVICES]
    for child in children:
        os.kill(child.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for child in children:
            os.kill(child.pid, signal.SIGCONT)


async def test_p_01_the_plan_of_a_dry_run_equals_what_the_real_services_do_and_nothing_is_changed(scene: Scene) -> None:
    stack = scene.stack
    (first,) = await scene.running("single")
    await stack.start_services(*DRY)
    before = await _marks(scene)
    fails, cancelled = await scene.task("single"), await scene.task("single")
    for task in (fails, cancelled):
        await scene.phase(task, "queued")
        await _until_planned(scene, task, "submit")
    with frozen(scene):  # else the request may be over before anybody else has looked at it
        await stack.queue.cancelTask(cancelled)
        await _until_planned(scene, cancelled, "cancel")
    await scene.let(first)
    await scene.at_gate(fails)
    await scene.run(fails, "running")
    await _until_planned(scene, fails, "claimTask")
    await scene.let(fails, 2)
    await scene.run(fails, "failed")
    with frozen(scene):
        refused = await scene.task("gate", payload={"nonsense": True})
        await _until_planned(scene, refused, "claimTask")
        assert await scene.calls(refused, *EFFECTS) == []
        assert await scene.row(refused) is None
    await scene.run(refused, "exception")
    await scene.over()
    for task in (fails, cancelled, refused):
        await _until_equal(scene, task)
    assert ("reportFailed", "") in planned(scene, fails)
    assert ("cancel", "") in planned(scene, cancelled)
    assert ("reportException", "") in planned(scene, refused)
    await _nothing_was_changed(scene, before)


async def _until_planned(scene: Scene, task: str, call: str) -> None:
    async def noted() -> bool:
        return any(each == call for each, _ in planned(scene, task))

    await scene.stack.eventually(noted, f"{call} of {task} planned")


async def _until_equal(scene: Scene, task: str) -> None:
    real = await done(scene, task)

    async def equal() -> bool:
        return planned(scene, task) == real

    await scene.stack.eventually(equal, f"what is planned for {task} is what was done: {real}")


async def _marks(scene: Scene) -> dict[str, Any]:
    """What a dry service would change if it did: who is listed, who listens to Pulse."""
    replicas = await scene.stack.rows("SELECT name FROM replicas ORDER BY 1")
    return {"replicas": [row["name"] for row in replicas]}


async def _nothing_was_changed(scene: Scene, before: dict[str, Any]) -> None:
    stack = scene.stack
    assert await _marks(scene) == before
    names = [json.loads(stack.services[name].log.splitlines()[0])["replica"] for name in DRY]
    touched = await stack.rows("SELECT who FROM transitions WHERE who = ANY ($1::text[])", names)
    held = await stack.rows("SELECT 1 FROM runs WHERE holder = ANY ($1::text[]) OR lease_owner = ANY ($1::text[])", names)
    swept = await stack.rows("SELECT 1 FROM sweeps WHERE replica = ANY ($1::text[])", names)
    assert [touched, held, swept] == [[], [], []]
    for name in DRY:
        assert await _counted(scene, name, "buildbot_bridge_pulse_connected") == 0
        assert scene.stack.services[name].alive
        assert not [line for line in stack.services[name].log.splitlines() if '"level": "error"' in line]
    for task in scene.tasks:
        for api in set(EFFECTS) - {"queue.createArtifact"}:
            assert len(await scene.calls(task, api)) <= 1, (task, api)
        assert len(await scene.requests(task)) <= 1


async def _counted(scene: Scene, name: str, metric: str) -> float:
    async with scene.stack.http.get(f"{scene.stack.address(name)}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(metric))
