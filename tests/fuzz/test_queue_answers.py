"""What stands in the queue's place may say anything: statuses and definitions are values that hold, or there is a fault."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from aiolimiter import AsyncLimiter
from hypothesis import given
from hypothesis import strategies as st

from bridge.assembly import Admission
from bridge.core import faults
from bridge.core.artifact import Artifact
from bridge.core.chain import reconcile
from bridge.core.events import TaskSeen
from bridge.core.order import Definition, LeftAlone, Order, Policy, Refusal
from bridge.core.run import RunId, RunKey, Worker
from bridge.core.status import TaskStatus
from bridge.core.verdict import Resolution
from bridge.engine.backoff import LONGEST
from bridge.store.rows import to_json, to_row
from bridge.taskcluster.artifacts import Storage, Uploads
from bridge.taskcluster.calls import Calls
from bridge.taskcluster.credentials import Credentials
from bridge.taskcluster.queue import Queue
from bridge.taskcluster.session import open_session
from tests.fuzz.answering import Reply, Server, replies, serving
from tests.fuzz.effort import fuzzed
from tests.fuzz.hostile import bodies, nested
from tests.unit.core import samples
from tests.unit.core.samples import AT, RULES

KEY = RunKey(samples.TASK, RunId(0))
WORKER = Worker(RULES.worker_group, "linux-1")
POOL = "pool/linux"
RUN = {
    "runId": 0, "state": "running", "reasonCreated": "scheduled", "scheduled": "2026-03-01T12:00:00.000Z",
    "workerGroup": RULES.worker_group, "workerId": "linux-1", "takenUntil": "2026-03-01T12:20:00.000Z",
}  # fmt: skip
RETRIED = {
    "runId": 0, "state": "exception", "reasonCreated": "scheduled", "scheduled": "2026-03-01T12:00:00.000Z",
    "reasonResolved": "claim-expired", "resolved": "2026-03-01T12:20:00.000Z",
}  # fmt: skip
AGAIN = {"runId": 1, "state": "pending", "reasonCreated": "retry", "scheduled": "2026-03-01T12:20:00.000Z"}
STATUS = {
    "taskId": KEY.task_id, "taskQueueId": POOL, "schedulerId": "s", "projectId": "none", "taskGroupId": KEY.task_id,
    "priority": "low", "deadline": "2026-03-01T15:00:00.000Z", "expires": "2027-03-01T15:00:00.000Z", "retriesLeft": 5,
    "state": "running", "runs": [RUN],
}  # fmt: skip
STATUSES = ({**STATUS, "runs": [RETRIED, AGAIN]}, STATUS)
CREDENTIALS = {"clientId": "c", "accessToken": "canary", "certificate": '{"version": 1, "expiry": 1772366400000}'}
CLAIMED = {
    "status": STATUS, "runId": 0, "workerGroup": RULES.worker_group, "workerId": "linux-1",
    "takenUntil": "2026-03-01T12:20:00.000Z", "credentials": CREDENTIALS,
}  # fmt: skip
TASK: dict[str, Any] = {
    "payload": {"buildername": "b", "properties": {"n": 1}},
    "scopes": ["buildbot-bridge:builder-name:b"],
}
ERROR = {"code": "ResourceNotFound", "message": "because", "retryAfter": 3, "requestInfo": {}}
PHASES = (
    samples.WANTED, samples.QUEUED, samples.BUILDING, samples.CLAIMED, samples.REPORTING, samples.REFUSED, samples.STOPPING,
)  # fmt: skip


@dataclass
class Place:
    server: Server
    queue: Queue


@pytest.fixture(scope="module")
async def place() -> AsyncIterator[Place]:
    async with serving() as server, open_session(5.0, lambda _: None) as session:
        calls = Calls(server.url, session, AsyncLimiter(1e6, 1), lambda *_: None)
        yield Place(server, Queue(calls, lambda: Credentials("bridge", "secret"), Uploads(calls, Storage.S3)))


def said(good: Any) -> Any:
    return replies(bodies(good) | bodies(ERROR))


def mild(fault: faults.Fault) -> None:
    """A fault can be shown, and says at most for how long to wait."""
    text = str(fault)
    assert len(text) < 5000
    assert "secret" not in text
    assert "canary" not in text
    wait = getattr(fault, "retry_after", None)
    assert wait is None or (isinstance(wait, int | float) and 0 <= wait <= 3600)


async def holds(status: TaskStatus) -> None:
    """Whatever was believed can be decided on, and stored in rows, in every phase; admission does not raise."""
    for phase in PHASES:
        for number in range(2):
            rows = {RunId(number): samples.a_run(phase, number)}
            to_json([to_row(run) for run in reconcile(rows, TaskSeen(AT, status, RULES)).values()])
    await judged(Definition(TASK["payload"], tuple(TASK["scopes"])), status)


async def judged(definition: Definition, status: TaskStatus) -> None:
    verdict = await ADMISSION(KEY, definition, status, Policy(builders=("b*",)))
    assert isinstance(verdict, Order | Refusal | LeftAlone)
    if isinstance(verdict, Refusal):
        assert verdict.reason.encode()
        assert all(character.isprintable() or character == "\n" for character in verdict.reason)
    if isinstance(verdict, Order):
        assert verdict.builder.startswith("b")
        json.dumps(verdict.properties, allow_nan=False).encode()
        assert verdict.not_before.timestamp() > -(2**62)


ADMISSION = Admission(Queue.__new__(Queue), expand_roles=False)  # without roles to expand it asks no queue


@fuzzed(120)
@given(reply=st.sampled_from(STATUSES).flatmap(lambda status: said({"status": status})))
async def test_a_status_is_of_the_task_that_was_asked_for_or_a_fault(place: Place, reply: Reply) -> None:
    place.server.reply = reply
    try:
        status = await place.queue.status(KEY.task_id)
    except faults.Fault as fault:
        mild(fault)
        return
    assert status.task_id == KEY.task_id
    await holds(status)


@fuzzed(120)
@given(reply=st.sampled_from(STATUSES).flatmap(lambda s: said({"statuses": [{"taskId": s["taskId"], "status": s}]})))
async def test_statuses_are_of_the_tasks_they_name(place: Place, reply: Reply) -> None:
    place.server.reply = reply
    try:
        found = await place.queue.statuses([KEY.task_id])
    except faults.Fault as fault:
        mild(fault)
        return
    for task_id, status in found.items():
        assert task_id == status.task_id
        await holds(status)


@fuzzed(120)
@given(reply=said(CLAIMED))
async def test_a_claim_is_of_the_run_that_was_claimed_or_a_fault(place: Place, reply: Reply) -> None:
    place.server.reply = reply
    place.queue.forget(KEY)
    try:
        until = await place.queue.claim(KEY, WORKER, POOL)
    except faults.Fault as fault:
        mild(fault)
        return
    answer = json.loads(reply.body)
    assert (answer["status"]["taskId"], answer["runId"]) == (KEY.task_id, KEY.run_id)
    await holds(replace(samples.task(samples.running(WORKER, until)), task_id=KEY.task_id))
    place.queue.half_over()
    place.queue.holds(KEY)


@fuzzed(120)
@given(reply=said({"status": STATUS}))
async def test_a_report_and_a_cancel_are_answered_for_their_own_task_or_a_fault(place: Place, reply: Reply) -> None:
    place.server.reply = Reply(200, (), GOOD_CLAIM)
    await place.queue.claim(KEY, WORKER, POOL)
    place.server.reply = reply
    for act in (lambda: place.queue.resolve(KEY, Resolution.COMPLETED), lambda: place.queue.cancel_task(KEY.task_id)):
        try:
            status = await act()
        except faults.Fault as fault:
            mild(fault)
        else:
            assert status.task_id == KEY.task_id
            await holds(status)


GOOD_CLAIM = json.dumps({**CLAIMED, "credentials": {**CREDENTIALS, "certificate": '{"expiry": 32503680000000}'}}).encode()


@fuzzed(120)
@given(reply=said({"tasks": [{"taskId": KEY.task_id, "runId": 0, "task": TASK, "inserted": "x"}]}) | said(TASK))
async def test_definitions_and_pending_runs_are_values_or_faults(place: Place, reply: Reply) -> None:
    place.server.reply, place.server.asked = reply, 0
    queue = Queue(place.queue._calls, lambda: Credentials("bridge", "secret"), place.queue._uploads)
    try:
        async for page in queue.pending(POOL):
            assert place.server.asked < 5
            for row in page:
                await judged(row.definition, samples.task(samples.run_status()))
        await judged(await queue.definition(KEY.task_id), samples.task(samples.run_status()))
    except faults.Fault as fault:
        mild(fault)


@fuzzed(30)
@given(depth=st.integers(180, 1010))
async def test_a_payload_nested_to_the_edge_is_a_value_or_a_fault(place: Place, depth: int) -> None:
    """Somewhere near a thousand levels the parser just manages what whoever looks at the value next does not."""
    deep = json.dumps({**TASK, "payload": {**TASK["payload"], "properties": {"x": "HERE"}}}).encode()
    task = deep.replace(b'"HERE"', nested(depth))
    place.server.reply = Reply(
        200, (), b'{"tasks": [{"taskId": "%s", "runId": 0, "task": %s}]}' % (KEY.task_id.encode(), task)
    )
    queue = Queue(place.queue._calls, lambda: Credentials("bridge", "secret"), place.queue._uploads)
    (page,) = [page async for page in queue.pending(POOL)]
    await judged(page[0].definition, samples.task(samples.run_status()))


@fuzzed(90)
@given(reply=said({"scopes": ["a", "assume:b"]}) | said({"storageType": "s3", "putUrl": "http://127.0.0.1:9/x"}))
async def test_scopes_and_artifacts_are_values_or_faults(place: Place, reply: Reply) -> None:
    place.server.reply = Reply(200, (), GOOD_CLAIM)
    await place.queue.claim(KEY, WORKER, POOL)
    place.server.reply = reply
    try:
        assert all(isinstance(scope, str) for scope in await place.queue._expand(frozenset(["assume:a"])))
    except faults.Fault as fault:
        mild(fault)
    link = Artifact("public/x", "text/html", samples.EXPIRES, reference="http://b/")
    try:
        await place.queue.attach(KEY, link)
    except faults.Fault as fault:
        mild(fault)


def test_no_wait_that_is_asked_for_can_outlast_the_longest() -> None:
    assert LONGEST <= 3600
