"""Operators stop, look, push and clean up while work flows (P-02); no service is restarted for it."""

import asyncio
import hashlib
import json
import os
import signal
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import slugid

from bridge.store.steering import FRESH
from tests.acceptance.scene import Scene, cancel_all
from tests.sandbox.stack import QUEUE, Stack

PENDING = "exchange/taskcluster-queue/v1/task-pending"


@pytest.fixture(scope="module")
async def steered(calm: Stack) -> AsyncIterator[Stack]:
    await calm.stop_services()
    calm.configure({})
    await calm.start_services()
    yield calm
    await cancel_all(calm)


@pytest.fixture
def scene(steered: Stack) -> Scene:
    return Scene(steered)


async def told(scene: Scene, *arguments: str) -> Any:
    """What `bbb` says as JSON, with a reason given; returns when every service has heard of it."""
    said = json.loads(await scene.stack.bbb(*arguments, "--reason", "a test", "--who", "tester", "--json"))
    await asyncio.sleep(FRESH)  # so long may a service believe what it read before
    return said


async def held(scene: Scene, task: str, words: str) -> None:
    """Wait until the run's row says that it waits for this."""

    async def there() -> bool:
        row = await scene.row(task)
        return row is not None and words in (row["held"] or "")

    await scene.stack.eventually(there, f"{task} held back: {words}")


@pytest.mark.parametrize(
    ("begin", "end", "words"),
    [
        (["pause", "demo", "succ*"], ["resume", "demo", "succ*"], "paused by tester: a test (builder succ* of pool demo"),
        (["deny", "*"], ["allow", "*"], "denied by tester: a test (all builders of all pools"),
    ],
    ids=["pause", "deny"],
)
async def test_p_02_what_runs_goes_on_and_nothing_new_begins(
    scene: Scene, begin: list[str], end: list[str], words: str
) -> None:
    (running,) = await scene.running("gate")
    await told(scene, *begin)
    task = await scene.task("success")
    await held(scene, task, words)
    assert await scene.requests(task) == []
    await scene.let(running)
    await scene.run(running, "completed")
    assert words in " ".join((await scene.stack.bbb("orders")).split())
    assert (await scene.stack.status(task))["state"] == "pending"
    await told(scene, *end)
    await scene.run(task, "completed", within=20)
    await scene.over()
    assert scene.logged("stops_changed", words)


async def _stops(scene: Scene) -> Any:
    return json.loads(await scene.stack.bbb("orders", "--json"))["stops"]


async def test_acts_are_kept_and_a_trial_changes_nothing(scene: Scene) -> None:
    before = json.loads(await scene.stack.bbb("orders", "--json"))
    said = await told(scene, "pause", "demo", "--dry-run")
    assert said["dry_run"] is True
    assert json.loads(await scene.stack.bbb("orders", "--json")) == before
    await told(scene, "pause", "demo", "success")
    await told(scene, "resume", "demo", "success")
    acts = json.loads(await scene.stack.bbb("orders", "--json"))["acts"][:2]
    assert [(act["verb"], act["target"], act["who"], act["why"]) for act in acts] == [
        ("not paused", "builder success of pool demo", "tester", "a test"),
        ("paused", "builder success of pool demo", "tester", "a test"),
    ]
    assert await _stops(scene) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["pause", "nowhere", "--reason", "x"], "there is no pool 'nowhere' in the settings; there are demo"),
        (["deny", "a*b", "--reason", "x"], "'a*b' must be a builder's name, or a prefix followed by one `*`"),
        (["resume", "demo", "--reason", "x"], "all builders of pool demo: not paused; paused now: nothing"),
        (["pause", "demo"], "--reason"),
        (["retry", "no", "--reason", "x"], "'no' is not a taskId"),
        (["retry", "A" * 22, "--reason", "x"], "has no unsettled run"),
        (["cancel", "RQ6OGWNuRYCLxPGx9t3GZg", "--reason", "x"], "Taskcluster does not know task"),
        (["deadletter", "drop", "987654321", "--reason", "x"], "there is no message 987654321"),
    ],
)
async def test_what_cannot_be_done_is_told_in_a_sentence(scene: Scene, arguments: list[str], words: str) -> None:
    status, said = await scene.stack.bbb_says(*arguments)
    assert status == 2
    assert words in " ".join(said.replace("│", " ").split())
    assert "Traceback" not in said


async def test_draining_waits_for_what_is_under_way(scene: Scene) -> None:
    (running,) = await scene.running("gate")
    waiting = asyncio.create_task(scene.stack.bbb("drain", "--reason", "an upgrade", "--who", "tester"))
    await scene.stack.eventually(lambda: scene.stack.rows("SELECT * FROM stops"), "the order is given")
    await asyncio.sleep(FRESH)
    task = await scene.task("success")
    await held(scene, task, "draining by tester: an upgrade")
    assert not waiting.done()
    await scene.let(running)
    assert "nothing is under way any more" in await waiting
    await told(scene, "drain", "--end")
    await scene.run(task, "completed", within=20)
    await scene.over()


async def test_a_run_that_waits_is_tried_at_once(scene: Scene) -> None:
    await told(scene, "pause", "demo", "success")
    task = await scene.task("success")
    await held(scene, task, "paused")
    await scene.stack.rows("DELETE FROM stops")
    assert (await told(scene, "retry", task, "--dry-run"))["runs"] == [f"{task}/0"]
    assert (await told(scene, "retry", task))["runs"] == [f"{task}/0"]
    await scene.run(task, "completed", within=20)
    await scene.over()


async def test_a_run_is_taken_from_a_process_that_stands_still(scene: Scene) -> None:
    """Its holder is frozen, so that it neither goes on nor gives the run back; the others need not wait for its lease."""
    (running,) = await scene.running("gate")
    holder = (await scene.row(running) or {})["holder"]
    frozen = next(child for child in scene.stack.services.values() if holder in child.log)
    os.kill(frozen.pid, signal.SIGSTOP)
    try:
        await told(scene, "release", running)
        assert (await scene.row(running) or {})["holder"] != holder
        await scene.let(running)
        await scene.run(running, "completed")
    finally:
        os.kill(frozen.pid, signal.SIGCONT)
    await scene.over()


async def test_a_task_is_cancelled_on_both_sides(scene: Scene) -> None:
    (running,) = await scene.running("gate")
    assert (await told(scene, "cancel", running, "--dry-run"))["state"] == "running"
    await told(scene, "cancel", running)
    await scene.run(running, "exception")
    await scene.over()


async def test_a_message_that_could_not_be_read_is_looked_at_read_again_and_dropped(scene: Scene) -> None:
    task = slugid.nice()
    await scene.stack.queue.createTask(task, scene.stack.definition("success", taskQueueId="proj-demo/elsewhere"))
    status = {"taskId": task, "provisionerId": "proj-demo", "workerType": "buildbot", "taskQueueId": QUEUE, "runs": []}
    good = await _buried(scene, json.dumps({"version": 1, "status": status, "runId": 0}).encode())
    bad = await _buried(scene, b"nonsense")
    listed = {each["id"]: each for each in json.loads(await scene.stack.bbb("deadletter", "list", "--json"))}
    assert listed[bad]["start"] == "nonsense"
    code, said = await scene.stack.bbb_says("deadletter", "replay", str(bad), "--reason", "x")
    assert (code, "cannot be read by this version either" in said) == (2, True)
    await told(scene, "deadletter", "drop", str(bad))
    assert (await told(scene, "deadletter", "replay", str(good)))["run"] == f"{task}/0"
    assert await scene.row(task) is not None
    assert {good, bad} & {each["id"] for each in json.loads(await scene.stack.bbb("deadletter", "list", "--json"))} == set()


async def _buried(scene: Scene, body: bytes) -> int:
    connection = await asyncpg.connect(scene.stack.dsn)
    try:
        return await connection.fetchval(
            "INSERT INTO dead_letters (exchange, routing_key, reason, size, sha256, body) VALUES ($1, '', 'a test', $2, $3, $4)"
            " RETURNING id", PENDING, len(body), hashlib.sha256(body).digest(), body,
        )  # fmt: skip
    finally:
        await connection.close()
