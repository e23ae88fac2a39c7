"""The client of a person who makes tasks: what it makes of answers that are none, and how long it goes on."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
import slugid
from aiohttp import web
from aiolimiter import AsyncLimiter

from bridge.core import faults
from bridge.taskcluster.author import Author
from bridge.taskcluster.calls import Calls
from bridge.taskcluster.credentials import Credentials
from bridge.taskcluster.session import open_session

GROUP = slugid.nice()
AT = "2026-11-21T12:00:00.000Z"


def row(number: int, **task: Any) -> dict[str, Any]:
    status = {
        "taskId": f"{number:022}",
        "taskQueueId": "p/w",
        "schedulerId": "s",
        "taskGroupId": GROUP,
        "deadline": AT,
        "expires": AT,
        "retriesLeft": 5,
        "state": "unscheduled",
        "runs": [],
    }
    return {"status": status, "task": task}


@contextlib.asynccontextmanager
async def author(answers: Sequence[tuple[int, str]], said: list[str]) -> AsyncIterator[tuple[Author, list[web.Request]]]:
    """An author in front of a server that gives these answers, the last one for ever."""
    asked: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request)
        status, text = answers[min(len(asked), len(answers)) - 1]
        return web.Response(status=status, text=text, content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        async with open_session(5, lambda _: None) as session:
            calls = Calls(f"http://{host}:{port}", session, AsyncLimiter(1000, 1), lambda *_: None)
            yield Author(calls, Credentials("me", "secret"), said.append), asked
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("text", ["[]", "null", "{}", '{"tasks": 3}', "<html>", '{"tasks": {}}'])
async def test_a_group_that_is_no_list_is_no_answer(text: str) -> None:
    async with author([(200, text)], []) as (person, _):
        with pytest.raises(faults.Unavailable):
            await person.members(GROUP)


async def test_a_row_that_is_none_spoils_only_itself() -> None:
    rows = [row(1, metadata={"name": "n"}, dependencies=["A" * 22], requires="all-resolved"), {"status": {}}, row(2), 3]
    async with author([(200, json.dumps({"tasks": rows}))], []) as (person, _):
        first, second = await person.members(GROUP)
    assert (first.name, first.dependencies, first.waits_for_success) == ("n", ("A" * 22,), False)
    assert (second.name, second.dependencies, second.waits_for_success) == ("", (), True)


async def test_pages_are_joined_and_one_that_comes_for_ever_is_left() -> None:
    first = json.dumps({"tasks": [row(1)], "continuationToken": "next"})
    async with author([(200, first), (200, json.dumps({"tasks": [row(2), row(1)]}))], []) as (person, asked):
        assert [member.status.task_id[-1] for member in await person.members(GROUP)] == ["1", "2"]
        assert [request.query.get("continuationToken") for request in asked] == [None, "next"]
    async with author([(200, first)], []) as (person, asked):
        assert len(await person.members(GROUP)) == 1
        assert len(asked) == 200


@pytest.mark.parametrize(
    ("answer", "scopes"),
    [
        ((200, '{"scopes": ["a", "b*"]}'), {"a", "b*"}),
        ((200, '{"scopes": 3}'), None),
        ((200, "[]"), None),
        ((403, '{"code": "InsufficientScopes", "message": "no"}'), None),
        ((500, "{}"), None),
    ],
)
async def test_scopes_are_known_or_not(answer: tuple[int, str], scopes: set[str] | None) -> None:
    async with author([answer], []) as (person, _):
        assert await person.scopes() == scopes


async def test_a_task_is_created_by_equal_calls_until_one_is_answered() -> None:
    said: list[str] = []
    async with author([(500, "{}"), (200, "{}")], said) as (person, asked):
        await person.create(GROUP, {"a": 1})
    assert [(request.method, request.path) for request in asked] == [("PUT", f"/api/queue/v1/task/{GROUP}")] * 2
    assert [line.partition(";")[2] for line in said] == [" the same call again in 1 s"]


@pytest.mark.parametrize(
    ("status", "code", "fault"),
    [
        (400, "InputError", faults.Unfit),
        (401, "AuthenticationFailed", faults.NotAllowed),
        (403, "InsufficientScopes", faults.NotAllowed),
        (409, "RequestConflict", faults.Conflicting),
    ],
)
async def test_a_refusal_is_not_repeated(status: int, code: str, fault: type[Exception]) -> None:
    async with author([(status, json.dumps({"code": code, "message": "no"}))], []) as (person, asked):
        with pytest.raises(fault, match="no"):
            await person.create(GROUP, {})
        assert len(asked) == 1


async def test_names_and_refusals_of_others_cannot_steer_a_terminal() -> None:
    """Anybody may name a task, and quotes of it come back in errors; half a surrogate pair could not even be printed."""
    evil = "\x1b]0;x\x07\x1b[2J\x9b31m\u202e\ud800\nfake"
    listing = json.dumps({"tasks": [row(1, metadata={"name": evil}), row(2, metadata={"name": "日本 é"})]})
    async with author([(200, listing), (400, json.dumps({"code": "InputError", "message": evil}))], []) as (person, _):
        names = [member.name for member in await person.members(GROUP)]
        with pytest.raises(faults.Unfit) as refused:
            await person.create(slugid.nice(), {})
    assert names == ["\\x1b]0;x\\x07\\x1b[2J\\x9b31m\\u202e\\ud800\\nfake", "日本 é"]
    assert str(refused.value).isprintable()
