"""Answers that no queue gives in good health: they are no answers, or spoil only what they are about."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from taskcluster.exceptions import TaskclusterFailure

from bridge.core import admission, faults
from bridge.core.order import Policy, Refusal
from bridge.core.run import RunId, RunKey, TaskId
from bridge.core.verdict import Resolution
from bridge.taskcluster import payload
from bridge.taskcluster.credentials import Credentials
from bridge.taskcluster.session import LARGEST, decoded, open_session
from tests.integration.taskcluster.conftest import POOL, WORKER, answering
from tests.unit.core.samples import run_status
from tests.unit.core.samples import task as a_status

GOOD, BAD = "fN1SbArXTPSVFUUvaOlinQ", "gN1SbArXTPSVFUUvaOlinQ"
KEY = RunKey(TaskId(GOOD), RunId(0))


def status(task_id: str, **changes: Any) -> dict[str, Any]:
    run = {"runId": 0, "state": "pending", "reasonCreated": "scheduled", "scheduled": "2026-03-01T12:00:00.000Z"}
    return {
        "taskId": task_id,
        "taskQueueId": POOL,
        "schedulerId": "s",
        "taskGroupId": task_id,
        "deadline": "2026-03-01T15:00:00.000Z",
        "expires": "2027-03-01T15:00:00.000Z",
        "retriesLeft": 5,
        "state": "pending",
        "runs": [run],
        **changes,
    }


def answer_of(body: Any, code: int = 200, **more: Any) -> Any:
    async def answer(_: web.Request) -> web.Response:
        if isinstance(body, bytes):
            return web.Response(body=body, status=code, **more)
        return web.json_response(body, status=code, **more)

    return answer


async def test_one_status_of_another_form_spoils_only_itself() -> None:
    rows = [
        {"taskId": BAD, "status": status(BAD, runs="none")},
        {"taskId": GOOD, "status": status(GOOD)},
        None,
        {"taskId": "x"},
        {"status": status(BAD, state=None)},
    ]
    async with answering(answer_of({"statuses": rows})) as queue:
        assert set(await queue.statuses([TaskId(GOOD), TaskId(BAD)])) == {GOOD}


async def test_what_a_batch_left_out_by_mistake_is_found_by_name() -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.path.endswith("/tasks/status") or request.path.endswith("/tasks"):
            return web.json_response({"statuses": [], "tasks": []})
        found = {"status": status(GOOD)} if request.path.endswith("/status") else {"payload": "p", "scopes": []}
        return web.json_response(found)

    async with answering(answer) as queue:
        assert (await queue.status(TaskId(GOOD))).task_id == GOOD
        assert (await queue.definition(TaskId(GOOD))).payload == "p"


async def test_one_definition_of_another_form_spoils_only_itself() -> None:
    rows = [{"taskId": BAD, "task": {"scopes": "x"}}, {"taskId": GOOD, "task": {"payload": [1], "scopes": ["a"]}}, 3]
    async with answering(answer_of({"tasks": rows})) as queue:
        definition = await queue.definition(TaskId(GOOD))
        assert (definition.payload, definition.scopes) == ([1], ("a",))


async def test_one_pending_run_of_another_form_spoils_only_itself() -> None:
    rows = [{"taskId": BAD, "task": {}}, {"taskId": GOOD, "runId": 0, "task": {"payload": {}}}, {"runId": 1}]
    async with answering(answer_of({"tasks": rows})) as queue:
        assert [run.key async for page in queue.pending(POOL) for run in page] == [KEY]


async def test_a_payload_nested_without_end_does_not_hide_the_others_and_is_refused() -> None:
    deep = "[" * 100_000 + '"]"' + "]" * 100_000
    page = json.dumps(
        {
            "tasks": [
                {"taskId": BAD, "runId": 0, "task": {"payload": {"buildername": "b", "properties": {"x": "HERE"}}}},
                {"taskId": GOOD, "runId": 0, "task": {"payload": {"buildername": 'a "quoted\\" one]'}, "scopes": []}},
            ]
        }
    ).replace('"HERE"', f'{{"before": [1], "deep": {deep}, "after": "}}"}}')
    more = {"headers": {"Content-Type": "application/json"}}
    async with answering(answer_of(page.encode(), **more)) as queue:
        runs = {run.key.task_id: run async for listed in queue.pending(POOL) for run in listed}
    assert runs[TaskId(GOOD)].definition.payload == {"buildername": 'a "quoted\\" one]'}
    read = payload.read(runs[TaskId(BAD)].definition.payload)
    assert not isinstance(read, list)
    match read.properties["x"]:
        case {"before": [1], "after": "}", "deep": list()}:
            pass
        case other:
            pytest.fail(str(other)[:200])
    judged = admission.judge(KEY, read, ["*"], a_status(run_status()), Policy(builders=("*",)))
    assert isinstance(judged, Refusal)
    assert "nested too deeply" in judged.reason


def test_only_what_is_too_deep_is_cut() -> None:
    value: Any = "end"
    for number in range(150):
        value = {f'k{number}"]': [value]} if number % 2 else [value, "\\", "[{"]
    # Something else on the way is too deep, of which some parsers make nothing and some do; the value itself is kept.
    text = json.dumps({"kept": value, "cut": "HERE", "last": 1}).replace('"HERE"', "[" * 5000 + "]" * 5000)
    found = decoded(text)
    assert found["last"] == 1
    assert str(found["cut"]).count("[") == 199
    depth, at = 0, found["cut"]
    while at:
        depth, at = depth + 1, at[0]
    assert depth == 199


@pytest.mark.parametrize(("levels", "kept"), [(199, 199), (200, 200), (201, 200), (400, 200), (5000, 200)])
def test_no_python_reads_deeper_than_another(levels: int, kept: int) -> None:
    """Parsers differ in how deep they can go, by thousands; what is read of an answer does not."""
    found, depth = decoded("[" * levels + "]" * levels), 0
    while found is not None:
        depth, found = depth + 1, found[0] if found else None
    assert depth == kept


@pytest.mark.parametrize("text", ["", "[" * 5000, '"\\', '{"a": ' * 5000, "]" * 10, "nul"])
def test_what_is_not_json_is_not_json(text: str) -> None:
    with pytest.raises(ValueError):
        decoded(text)


async def test_a_list_whose_paging_runs_in_circles_ends() -> None:
    asked: list[str | None] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.query.get("continuationToken"))
        row = {"taskId": GOOD, "runId": 0, "task": {"payload": {}}}
        return web.json_response({"tasks": [row, row], "continuationToken": "again"})

    async with answering(answer) as queue:
        assert [run.key async for page in queue.pending(POOL) for run in page] == [KEY]
    assert asked == [None, "again"]


async def test_a_list_that_never_ends_is_bounded() -> None:
    asked = 0

    async def answer(_: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        row = {"taskId": f"{asked:021}A", "runId": 0, "task": {"payload": {}}}
        return web.json_response({"tasks": [row], "continuationToken": str(asked)})

    async with answering(answer) as queue:
        assert len([page async for page in queue.pending(POOL)]) == asked
    assert asked == 200


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{}", b"3", b'"x"', b'{"status": 1}', b'{"takenUntil": "x"}', b"<html>", b'{"a"', b"\xff"]
)
@pytest.mark.parametrize("kind", ["application/json", "text/html"])
async def test_a_200_that_is_not_the_queues_is_no_answer(body: bytes, kind: str) -> None:
    async with answering(answer_of(body, headers={"Content-Type": kind})) as queue:
        with pytest.raises(faults.Unavailable):
            await queue.claim(KEY, WORKER, POOL)
        assert not queue.holds(KEY)
        for read in (queue.status, queue.definition):
            if body in (b"{}", b'{"status": 1}', b'{"takenUntil": "x"}') and read == queue.definition:
                continue  # a definition may be anything that is an object
            with pytest.raises(faults.Unavailable):
                await read(TaskId(GOOD))
        with pytest.raises(faults.Unavailable):
            await queue.expanded(["assume:x"])
        with pytest.raises(faults.Unavailable):
            await anext(queue.pending(POOL))


async def test_an_unknown_path_is_no_missing_task() -> None:
    """As the real one answers a call that it does not have, or no longer has."""
    async with answering(answer_of({"error": "Not found"}, 404)) as queue:
        with pytest.raises(faults.Unavailable):
            await queue.claim(KEY, WORKER, POOL)
        with pytest.raises(faults.Unavailable):
            await queue.status(TaskId(GOOD))


@pytest.mark.parametrize(
    ("header", "expected"), [("12", 12.0), ("0", 0.0), ("99999999999", 3600.0), ("soon", 5.0), ("-1", 5.0)]
)
async def test_the_wait_after_a_429_is_obeyed_within_reason(header: str, expected: float) -> None:
    body = {"code": "TooManyRequests", "message": "slower"}
    async with answering(answer_of(body, 429, headers={"Retry-After": header})) as queue:
        with pytest.raises(faults.Unavailable) as caught:
            await queue.claim(KEY, WORKER, POOL)
        assert caught.value.retry_after == expected


@pytest.mark.parametrize("wait", [-1, "7", None, [], float("nan"), 10**400])
async def test_a_wait_that_no_queue_would_ask_for_is_not_believed(wait: object) -> None:
    body = json.dumps({"code": "X", "message": "slower", "retryAfter": wait}).encode()
    async with answering(answer_of(body, 418, headers={"Content-Type": "application/json"})) as queue:
        with pytest.raises(faults.Unavailable) as caught:
            await queue.claim(KEY, WORKER, POOL)
        assert caught.value.retry_after in (None, 3600.0)


@pytest.mark.parametrize("code", [400, 401, 403, 418])
async def test_an_error_without_a_message_is_not_shown_whole(code: int) -> None:
    """The client of Taskcluster makes a message of the answer, and the answer to a claim holds credentials."""
    async with answering(answer_of({"credentials": {"accessToken": "canary"}}, code)) as queue:
        with pytest.raises(faults.Fault) as caught:
            await queue.claim(KEY, WORKER, POOL)
    assert "canary" not in str(caught.value)


async def test_an_answer_about_another_task_is_no_answer() -> None:
    """A cache in between can mix answers up."""

    async def answer(request: web.Request) -> web.Response:
        if request.path.endswith("/tasks/status"):
            return web.json_response({"statuses": []})
        until = "2026-03-01T12:20:00.000Z"
        credentials = {"clientId": "c", "accessToken": "t", "certificate": '{"expiry": 4000000000000}'}
        about = GOOD if request.path.endswith(f"{GOOD}/runs/0/claim") else BAD
        return web.json_response({"status": status(about), "runId": 0, "takenUntil": until, "credentials": credentials})

    async with answering(answer) as queue:
        await queue.claim(KEY, WORKER, POOL)
        for act in (
            lambda: queue.status(KEY.task_id),
            lambda: queue.reclaim(KEY),
            lambda: queue.claim(RunKey(KEY.task_id, RunId(1)), WORKER, POOL),
            lambda: queue.resolve(KEY, Resolution.COMPLETED),
            lambda: queue.cancel_task(KEY.task_id),
        ):
            with pytest.raises(faults.Unavailable, match="answered for"):
                await act()


async def test_a_redirect_is_not_followed() -> None:
    paths: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        paths.append(request.path)
        return web.Response(status=302, headers={"Location": "/login"})

    async with answering(answer) as queue:
        with pytest.raises(faults.Unavailable):
            await queue.claim(KEY, WORKER, POOL)
    assert len(paths) == 1


async def test_an_answer_that_announces_to_be_huge_is_not_read() -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(LARGEST + 1)})
        response.content_type = "application/json"
        await response.prepare(_)
        await response.write(b"[")
        return response

    async with answering(answer) as queue:
        with pytest.raises(faults.Unavailable):
            await queue.claim(KEY, WORKER, POOL)


async def test_a_defect_of_ours_stays_a_defect() -> None:
    async with answering(answer_of({})) as queue:
        with pytest.raises(TaskclusterFailure, match="positional arguments"):
            await queue._calls.queue(Credentials("bridge", "token"), None, "status")


async def test_nobody_answers() -> None:
    async def never(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async with answering(never, timeout=0.3) as queue:
        for act in (lambda: queue.claim(KEY, WORKER, POOL), lambda: queue.status(KEY.task_id)):
            with pytest.raises(faults.Unavailable, match="Timeout"):
                await act()


async def test_a_clock_far_off_is_told_once_a_minute() -> None:
    skews: list[float] = []
    late = datetime.now(UTC) - timedelta(minutes=10)
    dates = iter(["yesterday", *[f"{late:%a, %d %b %Y %H:%M:%S} GMT"] * 3])

    async def answer(_: web.Request) -> web.Response:
        return web.Response(headers={"Date": next(dates)})

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with open_session(5.0, skews.append) as session:
            for _ in range(4):
                await session.get("http://{}:{}/".format(*runner.addresses[0][:2]))
    finally:
        await runner.cleanup()
    assert len(skews) == 1
    assert 590 < skews[0] < 610
