"""The switches and windows that tests and the demo use."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
import taskcluster
from taskcluster.exceptions import TaskclusterConnectionError, TaskclusterRestFailure

from tests.contract.taskcluster.definitions import definition
from tests.doubles.taskcluster.server import Server

WORKER = {"workerGroup": "buildbot", "workerId": "bm01"}
Make = Callable[..., Any]


class Control:
    """The control endpoints of a running double."""

    def __init__(self, double: Server, http: aiohttp.ClientSession) -> None:
        self._root, self._http = f"{double.root_url}/control/", http

    async def get(self, path: str) -> Any:
        async with self._http.get(self._root + path) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def send(self, method: str, path: str, **body: Any) -> Any:
        async with self._http.request(method, self._root + path, json=body) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()


@pytest.fixture
def control(double: Server, http: aiohttp.ClientSession) -> Control:
    return Control(double, http)


@pytest.fixture
async def task_id(client: Make) -> str:
    slug = taskcluster.slugId()
    await client("root").createTask(slug, definition())
    return slug


async def _state(client: Make, task_id: str) -> str:
    return (await client("root").status(task_id))["status"]["state"]


async def test_the_owner_of_a_claim_can_be_told_409(client: Make, control: Control, task_id: str) -> None:
    await control.send("POST", "faults", api="queue.claimTask", status=409, effect=True)
    with pytest.raises(TaskclusterRestFailure) as refused:
        await client("bridge").claimTask(task_id, "0", WORKER)
    assert (refused.value.status_code, refused.value.body["code"]) == (409, "RequestConflict")
    assert await _state(client, task_id) == "running"


@pytest.mark.parametrize(("effect", "state"), [(False, "pending"), (True, "running")])
async def test_a_500_with_or_without_effect(client: Make, control: Control, task_id: str, effect: bool, state: str) -> None:
    await control.send("POST", "faults", api="queue.claimTask", taskId=task_id, status=500, effect=effect)
    with pytest.raises(aiohttp.ClientResponseError) as refused:
        await client("bridge").claimTask(task_id, "0", WORKER)
    assert refused.value.status == 500
    assert await _state(client, task_id) == state
    assert (await control.get("faults"))["faults"][0]["left"] == 0


@pytest.mark.parametrize(("effect", "state"), [(False, "pending"), (True, "running")])
async def test_a_dropped_connection(client: Make, control: Control, task_id: str, effect: bool, state: str) -> None:
    await control.send("POST", "faults", api="queue.claimTask", kind="drop", effect=effect)
    with pytest.raises(TaskclusterConnectionError):
        await client("bridge").claimTask(task_id, "0", WORKER)
    assert await _state(client, task_id) == state
    last = (await control.get(f"journal?api=queue.claimTask&taskId={task_id}"))["entries"][-1]
    assert (last["status"], last["done"], last["fault"]) == (None, 200 if effect else None, "drop")


async def test_a_page_of_a_proxy(control: Control, double: Server, http: aiohttp.ClientSession) -> None:
    await control.send("POST", "faults", api="queue.ping", kind="html")
    async with http.get(f"{double.root_url}/api/queue/v1/ping") as answer:
        assert (answer.status, answer.content_type) == (502, "text/html")


async def test_too_many_requests_with_retry_after(control: Control, double: Server, http: aiohttp.ClientSession) -> None:
    await control.send("POST", "faults", api="queue.ping", status=429, retryAfter=7)
    async with http.get(f"{double.root_url}/api/queue/v1/ping") as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "7")


async def test_a_late_answer_has_its_effect_at_once(client: Make, control: Control, task_id: str) -> None:
    await control.send("POST", "faults", api="queue.claimTask", kind="delay", seconds=0.3)
    started = time.monotonic()
    async with asyncio.TaskGroup() as group:
        claim = group.create_task(client("bridge").claimTask(task_id, "0", WORKER))
        async with asyncio.timeout(5):
            while await _state(client, task_id) == "pending":
                assert not claim.done()
    assert time.monotonic() - started >= 0.3
    assert claim.result()["runId"] == 0


async def test_faults_can_be_counted_and_cleared(client: Make, control: Control) -> None:
    await control.send("POST", "faults", api="queue.ping", count=2)
    for _ in range(2):
        with pytest.raises(aiohttp.ClientResponseError):
            await client("root").ping()
    assert (await client("root").ping())["alive"]
    await control.send("POST", "faults", api="*", count=100)
    await control.send("DELETE", "faults")
    assert (await client("root").ping())["alive"]


async def test_an_unknown_switch_is_refused(control: Control, double: Server, http: aiohttp.ClientSession) -> None:
    ping = {"api": "queue.ping"}
    for body in (ping | {"kind": "flood"}, ping | {"tymes": 3}, ping | {"code": "Nonsense"}, {}):
        async with http.post(f"{double.root_url}/control/faults", json=body) as answer:
            assert answer.status == 400


async def test_a_quarantined_worker_gets_500_without_effect(client: Make, control: Control, task_id: str) -> None:
    await control.send("POST", "quarantine", **WORKER)
    with pytest.raises(aiohttp.ClientResponseError):
        await client("bridge").claimTask(task_id, "0", WORKER)
    assert await _state(client, task_id) == "pending"
    await control.send("POST", "quarantine", **WORKER, quarantined=False)
    assert (await client("bridge").claimTask(task_id, "0", WORKER))["runId"] == 0


async def test_without_its_broker_the_queue_answers_500_with_effect(client: Make, control: Control, task_id: str) -> None:
    await control.send("POST", "broker", up=False)
    with pytest.raises(aiohttp.ClientResponseError):
        await client("bridge").claimTask(task_id, "0", WORKER)
    assert await _state(client, task_id) == "running"
    listed = await client("bridge").listPendingTasks("proj/queue")
    assert [row["taskId"] for row in listed["tasks"]] == [task_id]
    await control.send("POST", "broker", up=True)
    await client("bridge").claimTask(task_id, "0", WORKER)
    exchanges = [message["exchange"] for message in (await control.get(f"messages?taskId={task_id}"))["messages"]]
    assert exchanges == ["task-defined", "task-pending", "task-running"]


async def test_messages_can_be_lost_and_sent_twice(client: Make, control: Control, task_id: str) -> None:
    await control.send("POST", "messages/lose", exchange="task-running", seconds=60)
    await client("bridge").claimTask(task_id, "0", WORKER)
    assert (await control.get("counters"))["lostMessages"] == 1
    assert await control.send("POST", "messages/republish", taskId=task_id) == {"messages": 2}
    exchanges = [message["exchange"] for message in (await control.get(f"messages?taskId={task_id}"))["messages"]]
    assert exchanges == ["task-defined", "task-pending"] * 2


async def test_the_store_can_be_down(client: Make, control: Control, task_id: str, http: aiohttp.ClientSession) -> None:
    await client("bridge").claimTask(task_id, "0", WORKER)
    artifact = {"storageType": "s3", "contentType": "text/plain", "expires": definition()["deadline"]}
    upload = await client("root").createArtifact(task_id, "0", "public/x", artifact)
    await control.send("POST", "store", down=True)
    for down, content_type, status in ((True, "text/plain", 503), (False, "text/html", 403), (False, "text/plain", 200)):
        await control.send("POST", "store", down=down)
        async with http.put(upload["putUrl"], data=b"x", headers={"Content-Type": content_type}) as answer:
            assert answer.status == status


async def test_the_store_wants_a_signature_and_a_length(client: Make, task_id: str, http: aiohttp.ClientSession) -> None:
    await client("bridge").claimTask(task_id, "0", WORKER)
    artifact = {"storageType": "s3", "contentType": "text/plain", "expires": definition()["deadline"]}
    upload = await client("root").createArtifact(task_id, "0", "public/x", artifact)
    headers = {"Content-Type": "text/plain"}

    async def pieces() -> AsyncIterator[bytes]:
        yield b"x"

    async with http.put(upload["putUrl"], data=pieces(), headers=headers) as answer:
        assert answer.status == 411
    async with http.put(upload["putUrl"].partition("?")[0], data=b"x", headers=headers) as answer:
        assert answer.status == 403


async def test_the_claim_period_can_be_shortened_and_the_clock_moved(client: Make, control: Control, task_id: str) -> None:
    await control.send("POST", "periods", claimSeconds=300)
    await client("bridge").claimTask(task_id, "0", WORKER)
    await control.send("POST", "clock", advanceSeconds=299)
    assert await _state(client, task_id) == "running"
    await control.send("POST", "clock", advanceSeconds=2)
    runs = (await client("root").status(task_id))["status"]["runs"]
    assert [run.get("reasonResolved") for run in runs] == ["claim-expired", None]
    assert await client("bridge").listPendingTasks("proj/queue")  # signed by the wall clock, accepted


async def test_calls_are_counted(client: Make, control: Control, task_id: str) -> None:
    await control.send("POST", "counters/reset")
    await client("root").status(task_id)
    with pytest.raises(TaskclusterRestFailure):
        await client("root").reportFailed(task_id, "0")
    counters = await control.get("counters")
    assert counters["calls"] == {"queue.status": 1, "queue.reportFailed": 1}
    assert counters["refused"] == {"queue.reportFailed": 1}
    assert (await control.get(f"counters/{task_id}"))["calls"] == counters["calls"]


async def test_the_journal_and_the_history_tell_all(client: Make, control: Control, task_id: str) -> None:
    await client("bridge").claimTask(task_id, "0", WORKER)
    await client("root").reportException(task_id, "0", {"reason": "worker-shutdown"})
    told = (await control.get("journal"))["entries"]
    assert [(entry["api"], entry["client"], entry["runId"], entry["status"]) for entry in told] == [
        ("queue.createTask", "root", None, 200),
        ("queue.claimTask", "bridge", 0, 200),
        ("queue.reportException", "root", 0, 200),
    ]
    assert (told[1]["workerId"], told[2]["reason"]) == ("bm01", "worker-shutdown")
    assert (await control.get("journal?since=2"))["entries"] == told[2:]
    changes = (await control.get("history"))["transitions"]
    assert [(change["runId"], change["state"], change["reason"]) for change in changes] == [
        (0, "pending", "scheduled"),
        (0, "running", None),
        (0, "exception", "worker-shutdown"),
        (1, "pending", "retry"),
    ]


async def test_people_can_look_at_the_tasks(
    client: Make, control: Control, double: Server, task_id: str, http: aiohttp.ClientSession
) -> None:
    await client("bridge").claimTask(task_id, "0", WORKER)
    reference = {"storageType": "reference", "contentType": "text/html", "url": "https://example.com/build/7"}
    expires = definition()["deadline"]
    await client("root").createArtifact(task_id, "0", "public/<build>", reference | {"expires": expires})
    for path in ("/", "/?state=running", f"/tasks/{task_id}"):
        async with http.get(double.root_url + path) as answer:
            text = await answer.text()
            assert answer.status == 200
            assert "running" in text
            assert "public/&lt;build&gt;" in text
    assert (await control.get(f"tasks/{task_id}"))["artifacts"][0]["name"] == "public/<build>"
