"""What others send and how they answer when they are broken: a clear word in the right place, and nobody else is delayed."""

import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import aio_pika
import pytest
import slugid

from tests.acceptance.conftest import PERIODS
from tests.acceptance.scene import Scene, cancel_all
from tests.sandbox.proxy import Kind
from tests.sandbox.stack import QUEUE, SERVICES, Stack

PENDING = "exchange/taskcluster-queue/v1/task-pending"
EXCEPTION = "exchange/taskcluster-queue/v1/task-exception"
LOCKED = "proj-demo/locked"
SOON = 30.0
"""Seconds for a good task beside the bad ones, on a machine under load."""


@pytest.fixture(scope="module")
async def open_house(calm: Stack) -> AsyncIterator[Stack]:
    """A second pool, whose Buildbot does not accept our token, beside the good one."""
    await calm.stop_services()
    wrong = calm.directory / "secret-wrong"
    wrong.touch(mode=0o600)
    wrong.write_text(secrets.token_urlsafe(24))
    locked = {"url": calm.buildbot.url, "token_file": str(wrong)}
    pool = {"task_queue": LOCKED, "buildbot": "locked", "builders": ["*"]}
    calm.configure({"buildbots": {"locked": locked}, "pools": {"locked": pool}})
    await calm.control("POST", "periods", **PERIODS)
    await calm.control("PUT", "clients", bridge=_client(calm.key, calm))
    await calm.start_services()
    processes = [calm.services[name] for name in SERVICES]
    yield calm
    await cancel_all(calm)
    assert all(child.alive for child in processes), "a service crashed"


def _client(token: str, stack: Stack) -> dict[str, Any]:
    more = [scope.replace(QUEUE, LOCKED) for scope in stack.scopes() if QUEUE in scope]
    return {"accessToken": token, "scopes": [*stack.scopes(), *more]}


@pytest.fixture
def scene(open_house: Stack) -> Scene:
    return Scene(open_house)


async def nobody_waits(scene: Scene) -> None:
    """A good task ends soon, whatever else is there."""
    task = await scene.stack.create("success")
    await scene.run(task, "completed", within=SOON)
    await scene.over(task)


# --- Pulse

UNREADABLE = {
    "nothing": b"",
    "no JSON": b"\x00\x01 task pending",
    "bad UTF-8": b'{"status": "\xff\xfe"}',
    "a list": b"[1, 2, 3]",
    "an empty object": b"{}",
    "wrong types": b'{"status": {"taskId": 7, "runs": "none"}, "runId": "x"}',
    "a lone surrogate": b'{"status": {"taskId": "\\ud800"}, "runId": 0}',
    "absurd numbers": b'{"status": {"taskId": "AAAAAAAAAAAAAAAAAAAAAA"}, "runId": 1e999}',
    "deep": b'{"status": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a megabyte": b'{"status": "' + b"x" * 1_000_000 + b'"}',
}


@asynccontextmanager
async def broker(scene: Scene) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    async with await aio_pika.connect(scene.stack.rabbit.url, timeout=10) as connection:
        yield await connection.channel()


async def send(scene: Scene, exchange: str, body: bytes) -> None:
    """Publish under the routing key of this pool's messages."""
    key = f"primary.{slugid.nice()}.0._._.{QUEUE.replace('/', '.')}.demo.{slugid.nice()}._"
    async with broker(scene) as channel:
        bound = await channel.get_exchange(exchange, ensure=True)
        await bound.publish(aio_pika.Message(body, content_type="application/json"), key, timeout=10)


async def test_unreadable_messages(scene: Scene) -> None:
    """Each is put aside once, counted, and kept for people; the listener goes on."""
    before = await scene.metric("dead_letters_total")
    began = (await scene.stack.rows("SELECT coalesce(max(id), 0) AS id FROM dead_letters"))[0]["id"]
    good = [await scene.task("success")]
    for exchange in (PENDING, EXCEPTION):
        for body in UNREADABLE.values():
            await send(scene, exchange, body)
    good.append(await scene.task("success"))
    for task in good:
        await scene.run(task, "completed", within=SOON)
    buried = 2 * len(UNREADABLE)

    async def all_buried() -> bool:
        return await scene.metric("dead_letters_total") == before + buried

    await scene.stack.eventually(all_buried, "every message is put aside")
    letters = await scene.stack.rows("SELECT * FROM dead_letters WHERE id > $1", began)
    assert len(letters) == buried
    assert all(letter["reason"] for letter in letters)
    assert max(letter["size"] for letter in letters) > 1_000_000 > 10 * max(len(letter["body"]) for letter in letters)
    await scene.over()


async def test_message_about_a_task_that_does_not_exist(scene: Scene) -> None:
    """Asked for twice, then settled as absent; nothing is requested for it."""
    task, group = slugid.nice(), slugid.nice()
    like = await scene.task("success")
    await scene.run(like, "completed")
    messages = (await scene.stack.control("GET", f"messages?taskId={like}"))["messages"]
    real = next(message["body"] for message in messages if message["exchange"].endswith("task-pending"))
    body = json.dumps(real).replace(like, task).replace(real["status"]["taskGroupId"], group).encode()
    await send(scene, PENDING, body)
    row = await scene.phase(task, "settled")
    assert "does not know the task" in row["outcome"]
    assert await scene.requests(task) == []
    await nobody_waits(scene)


# --- payloads

BAD: dict[str, tuple[Any, str]] = {
    "no builder": ({"properties": {}}, "buildername"),
    "an unknown key": ({"buildername": "success", "builder": "success"}, "builder"),
    "wrong types": ({"buildername": "success", "properties": ["a", "list"]}, "properties"),
    "NUL in a value": ({"buildername": "success", "properties": {"evil": "a\0b"}}, "evil"),
    "NUL in a name": ({"buildername": "success", "properties": {"ev\0il": "a"}}, "properties"),
    "a lone surrogate": ({"buildername": "success", "properties": {"evil": "\ud800"}}, "evil"),
    "a reserved name of ours": (
        {"buildername": "success", "properties": {"taskcluster_task_id": "x"}},
        "taskcluster_task_id",
    ),
    "a reserved name of Buildbot's": ({"buildername": "success", "properties": {"scheduler": "x"}}, "scheduler"),
    "a megabyte": ({"buildername": "success", "properties": {"big": "x" * 1_000_000}}, "524288"),
    "an integer over 64 bits": ({"buildername": "success", "properties": {"evil": 2**64}}, "evil"),
    "a name of a thousand letters": ({"buildername": "success", "properties": {"x" * 1000: 1}}, "256"),
    "an unknown builder": ({"buildername": "no-such-builder"}, "no-such-builder"),
    "a builder's name with a star": ({"buildername": "succ*"}, "ends in `*`"),
}


async def test_payloads_that_may_not_be_built(scene: Scene) -> None:
    """Each is claimed in the bridge's own name, told what is wrong and how to mend it, and resolved as malformed-payload."""
    tasks = {}
    for name, (payload, _) in BAD.items():
        tasks[name] = await scene.task(payload.get("buildername", "success"), payload=payload)
    unscoped = await scene.task("success", scopes=[])
    await nobody_waits(scene)
    for name, task in tasks.items():
        run = await scene.run(task, "exception")
        assert run["reasonResolved"] == "malformed-payload", name
        assert run["workerId"] == "buildbot-bridge", name
        assert BAD[name][1] in await scene.log(task), name
        assert await scene.requests(task) == [], name
    assert (await scene.run(unscoped, "exception"))["reasonResolved"] == "malformed-payload"
    assert "buildbot-bridge:builder-name:success" in await scene.log(unscoped)
    await scene.stack.queue.rerunTask(unscoped)
    assert (await scene.run(unscoped, "exception", 1))["reasonResolved"] == "malformed-payload"
    await scene.over()


# --- Buildbot

KINDS: tuple[Kind, ...] = ("html", "truncated", "status", "garbage", "drop")


async def test_the_plugin_answers_nonsense_to_a_submit(scene: Scene) -> None:
    """With and without having made the request: the run waits for a named reason, and in the end there is one request."""
    proxy = scene.stack.proxy
    for kind in KINDS:
        for effect in (False, True):
            task = slugid.nice()
            proxy.spoil(f"PUT .*/runs/{task}/0$", kind, count=1000, effect=effect)
            await scene.task("gate", task_id=task)
    await nobody_waits(scene)
    try:
        for task in scene.tasks:
            await scene.stack.eventually(partial(_waits, scene, task), "the run waits, and a fault is logged")
    finally:
        proxy.clear()
    for task in scene.tasks:
        await scene.let(task)
        await scene.run(task, "completed")
    await scene.over()


async def _waits(scene: Scene, task: str) -> bool:
    """Where the request was made all the same, the build's start may have told of it by now."""
    row = await scene.row(task)
    assert row is not None
    known = row["phase"] in ("queued", "building") or f"PUT runs/{task}" in (row["held"] or "")
    return known and bool(scene.logged('"warning"', "debt_unpaid", "RequestBuild", task))


async def test_the_plugin_answers_nonsense_to_everything_for_a_while(scene: Scene) -> None:
    """Nothing is resolved, refused or stopped for it; a build that ends meanwhile is reported when it is over."""
    running, ended = await scene.running("gate", "gate")
    faults = [scene.stack.proxy.spoil(".", kind, count=6) for kind in KINDS]
    created = await scene.task("success")
    await scene.let(ended, 2)

    async def used_up() -> bool:
        return all(fault.count == 0 for fault in faults)

    await scene.stack.eventually(used_up, "all nonsense was answered")
    await scene.run(ended, "failed")
    await scene.run(created, "completed")
    assert (await scene.stack.status(running))["state"] == "running"
    await scene.let(running)
    await scene.run(running, "completed")
    await scene.over()


async def test_wrong_token_of_a_plugin(scene: Scene) -> None:
    """Its pool's tasks wait, with the reason in their rows and an alarm; the other pool does not notice; the doctor tells."""
    task = await scene.task("success", taskQueueId=LOCKED)

    async def held() -> bool:
        return "token" in str(((await scene.row(task)) or {}).get("held"))

    await scene.stack.eventually(held, "held back for the token")
    await nobody_waits(scene)
    assert (await scene.stack.status(task))["state"] == "pending"
    assert scene.logged('"alarm"', "not_allowed", task)
    assert await scene.metric("alarms_total", what="not_allowed") >= 1
    findings = await doctor(scene)
    assert [(f["level"], "token" in f["remedy"]) for f in findings if f["subject"] == "buildbot locked"] == [
        ("failure", True)
    ]
    assert {f["level"] for f in findings if f["subject"] == "buildbot main"} == {"ok"}
    await scene.stack.queue.cancelTask(task)
    await scene.over()


async def doctor(scene: Scene) -> list[dict[str, Any]]:
    """What `bbb doctor` finds; its exit status is 1 when there is a failure."""
    status, out = await scene.stack.bbb_says("doctor", "--json")
    found = json.loads(out)
    assert status == (0 if found["ok"] else 1)
    return list(found["findings"])


# --- Taskcluster


async def test_wrong_taskcluster_credentials(scene: Scene) -> None:
    """Nothing is stopped or resolved; a run that is claimed ends with its own credentials; mended without a restart."""
    running = (await scene.running("gate"))[0]
    queued = await scene.task("parked")
    await scene.request(queued)
    stack = scene.stack
    await stack.control("PUT", "clients", bridge=_client("another-token-altogether", stack))
    try:
        created = await scene.task("success")

        async def alarmed() -> bool:
            return bool(scene.logged('"alarm"', "not_allowed", created))

        await stack.eventually(alarmed, "an alarm")
        await scene.let(running)
        await scene.run(running, "completed")
        findings = [f for f in await doctor(scene) if f["subject"] == "taskcluster: credentials"]
        assert [(f["level"], "access_token" in f["remedy"]) for f in findings] == [("failure", True)]
        assert not (await scene.request(queued))["complete"]
    finally:
        await stack.control("PUT", "clients", bridge=_client(stack.key, stack))
    await scene.run(created, "completed")
    await stack.queue.cancelTask(queued)
    await scene.over()


async def test_the_doctor_is_content_when_all_is_well(scene: Scene) -> None:
    """But for the pool that was made to fail, nothing is a failure."""
    failures = [finding for finding in await doctor(scene) if finding["level"] == "failure"]
    assert {finding["subject"] for finding in failures} <= {"buildbot locked"}


async def test_secrets_stay_out_of_the_logs(scene: Scene) -> None:
    """Of all services, after all that went wrong."""
    stack = scene.stack
    secret = [stack.key, stack.buildbot.token, stack.rabbit.pulse_url.split(":")[2].split("@")[0]]
    texts = [
        path.read_text(errors="replace") for path in stack.directory.glob("*.log") if path.stem.split(".")[0] in SERVICES
    ]
    assert len(texts) == len(SERVICES)
    assert [text for text in texts if any(word in text for word in secret)] == []
