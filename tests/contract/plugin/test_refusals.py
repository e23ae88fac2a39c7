"""What the plugin answers to those who may not call, or say what cannot be understood: plain words, never a traceback."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.sandbox.buildbot import BuildbotSandbox

SMALL = """
def never(builder, worker, request):
    return False

c['workers'].append(worker.LocalWorker('local'))
factory = util.BuildFactory()
c['builders'] = [util.BuilderConfig(name='only', workernames=['local'], factory=factory, canStartBuild=never)]
c['schedulers'] = [schedulers.ForceScheduler(name='force', builderNames=['only'])]
BRIDGE['token'] = [util.Secret('bridge-token'), util.Secret('next-token')]
"""
NEXT = "the-next-token-0123456789"
RUN = "AAAAAAAAAAAAAAAAAAAAAA"


@pytest.fixture(scope="module")
async def master(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BuildbotSandbox]:
    sandbox = BuildbotSandbox(tmp_path_factory.mktemp("plugin"), master_config=SMALL, workers=0)
    sandbox.write_secret("next-token", NEXT)
    async with sandbox:
        yield sandbox


@pytest.fixture(scope="module")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def refused(master: BuildbotSandbox, method: str, path: str, body: object = None) -> tuple[int, str, str]:
    status, answer = await master.plugin(method, path, body)
    assert set(answer) == {"error"}, answer
    assert set(answer["error"]) == {"code", "message"}
    assert "Traceback" not in answer["error"]["message"]
    return status, answer["error"]["code"], answer["error"]["message"]


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic dXNlcjpwdw==", "bearer\t", "Bearer é", "Bearer " + "x" * 8000],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "version"), ("PUT", f"runs/{RUN}/0"), ("GET", "nowhere"), ("GET", "builds/1/steps"),
        ("GET", "builds/1/logs/1"), ("GET", "builds/1/outputs"), ("GET", "builds/1/outputs/1"), ("DELETE", "builds/1/outputs"),
    ],
)  # fmt: skip
async def test_without_the_token_nothing_is_told(
    master: BuildbotSandbox, http: aiohttp.ClientSession, header: str | None, method: str, path: str
) -> None:
    headers = {} if header is None else {"Authorization": header}
    async with http.request(method, f"{master.url}plugins/taskcluster/v1/{path}", headers=headers) as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert (await answer.json())["error"]["code"] == "Unauthorized"


async def test_while_tokens_are_exchanged_both_work(master: BuildbotSandbox) -> None:
    for token in (master.token, NEXT):
        assert (await master.plugin("GET", "version", token=token))[0] == 200
    for token in (master.token[:-1], master.token + "x", NEXT.upper(), f"{master.token},{NEXT}"):
        assert (await master.plugin("GET", "version", token=token))[0] == 401


async def test_every_answer_is_json_of_known_length(master: BuildbotSandbox, http: aiohttp.ClientSession) -> None:
    headers = {"Authorization": f"Bearer {master.token}"}
    for path in ("version", "builders", "nowhere", f"runs/{RUN}/5"):
        async with http.get(f"{master.url}plugins/taskcluster/v1/{path}", headers=headers) as answer:
            body = await answer.read()
            assert answer.headers["Content-Type"] == "application/json"
            assert answer.headers["Content-Length"] == str(len(body))
            json.loads(body)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "", 404, "NoSuchPath"),
        ("GET", "nowhere", 404, "NoSuchPath"),
        ("GET", "version/", 404, "NoSuchPath"),
        ("GET", "../version", 404, "NoSuchPath"),
        ("GET", "runs", 404, "NoSuchPath"),
        ("GET", f"runs/{RUN}", 404, "NoSuchPath"),
        ("GET", f"runs/{RUN}%2F0", 404, "NoSuchPath"),
        ("GET", f"runs/{RUN}/0/1/2", 404, "NoSuchPath"),
        ("GET", f"runs/{RUN}/7", 404, "NotFound"),
        ("GET", f"runs/{RUN}/00", 400, "BadRequest"),
        ("GET", f"runs/{RUN}/-1", 400, "BadRequest"),
        ("GET", f"runs/{RUN}/1000", 400, "BadRequest"),
        ("GET", f"runs/{RUN}/٣", 400, "BadRequest"),
        ("GET", f"runs/{RUN}A/0", 400, "BadRequest"),
        ("GET", f"runs/{RUN[1:]}%0A/0", 400, "BadRequest"),
        ("GET", f"runs/{RUN[1:]}%25/0", 400, "BadRequest"),
        ("GET", f"runs/{RUN[1:]}%FF/0", 400, "BadRequest"),
        ("GET", f"runs/{RUN}/0?frob=1", 400, "BadRequest"),
        ("DELETE", f"runs/{RUN}/0", 405, "MethodNotAllowed"),
        ("POST", "version", 405, "MethodNotAllowed"),
        ("GET", "states", 405, "MethodNotAllowed"),
        ("FROB", "states", 405, "MethodNotAllowed"),
        ("GET", "builds/0/properties", 404, "NotFound"),
        ("GET", "builds/x/properties", 404, "NotFound"),
        ("GET", "builds/99999999999/properties", 404, "NotFound"),
        ("GET", "builds/1", 404, "NoSuchPath"),
        ("GET", "builds/1/steps", 404, "NotFound"),
        ("GET", "builds/-1/steps", 404, "NotFound"),
        ("GET", "builds/1e3/steps", 404, "NotFound"),
        ("POST", "builds/1/steps", 405, "MethodNotAllowed"),
        ("GET", "builds/1/logs", 404, "NoSuchPath"),
        ("GET", "builds/1/logs/1", 404, "NotFound"),
        ("GET", "builds/1/logs/0", 404, "NotFound"),
        ("GET", "builds/1/logs/stdio", 404, "NotFound"),
        ("GET", "builds/1/logs/1?first=-1", 400, "BadRequest"),
        ("GET", "builds/1/logs/1?first=0&first=1", 400, "BadRequest"),
        ("GET", "builds/1/logs/1?timestamps=1", 400, "BadRequest"),
        ("DELETE", "builds/1/logs/1", 405, "MethodNotAllowed"),
        ("GET", "builds/1/outputs", 404, "NotFound"),
        ("GET", "builds/1/outputs/", 404, "NotFound"),
        ("GET", "builds/1/outputs/1", 404, "NotFound"),
        ("GET", "builds/1/outputs/manifest.json", 404, "NotFound"),
        ("GET", "builds/1/outputs/..", 404, "NotFound"),
        ("GET", "builds/..%2F..%2Fsecrets/outputs", 404, "NoSuchPath"),
        ("GET", "builds/1/outputs/..%2F..%2Fmaster.cfg", 404, "NoSuchPath"),
        ("GET", "builds/1/outputs/%00", 404, "NotFound"),
        ("GET", "builds/1/outputs/1/2", 404, "NoSuchPath"),
        ("DELETE", "builds/1/outputs", 404, "NotFound"),
        ("DELETE", "builds/1/outputs/1", 405, "MethodNotAllowed"),
        ("PUT", "builds/1/outputs/1", 405, "MethodNotAllowed"),
        ("GET", "requests", 400, "BadRequest"),
        ("GET", "requests?open=1&completed_since=1", 400, "BadRequest"),
        ("GET", "requests?open=0", 400, "BadRequest"),
        ("GET", "requests?open=1&after=-1", 400, "BadRequest"),
        ("GET", "requests?open=1&open=1", 400, "BadRequest"),
        ("GET", "changes?wait=soon", 400, "BadRequest"),
        ("GET", "changes?after=1e3", 400, "BadRequest"),
        ("GET", "changes?" + "&".join(f"p{i}=1" for i in range(50)), 400, "BadRequest"),
    ],
)
async def test_odd_paths_are_refused_in_plain_words(
    master: BuildbotSandbox, http: aiohttp.ClientSession, method: str, path: str, status: int, code: str
) -> None:
    from yarl import URL

    headers = {"Authorization": f"Bearer {master.token}"}
    address = URL(f"{master.url}plugins/taskcluster/v1/{path}", encoded=path.isascii())
    async with http.request(method, address, headers=headers) as answer:
        error = json.loads(await answer.read())["error"]
        assert (answer.status, error["code"]) == (status, code), error
        assert error["message"]


GOOD = {"builder": "only", "properties": {}}


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (None, "lacks 'builder'"),
        ([], "must be a JSON object"),
        ("text", "must be a JSON object"),
        ({**GOOD, "frob": 1}, "'frob'"),
        ({**GOOD, "builder": 5}, "must be a string"),
        ({**GOOD, "builder": "a\0b"}, "NUL"),
        ({**GOOD, "builder": "\ud800"}, "surrogate"),
        ({**GOOD, "properties": []}, "'properties'"),
        ({**GOOD, "properties": {"": 1}}, "empty"),
        ({**GOOD, "properties": {"x" * 257: 1}}, "256"),
        ({**GOOD, "properties": {"a\0": 1}}, "NUL"),
        ({**GOOD, "priority": "high"}, "integer"),
        ({**GOOD, "priority": True}, "integer"),
        ({**GOOD, "priority": 2**40}, "between"),
        ({**GOOD, "priority": 1.5}, "integer"),
        ({**GOOD, "reason": "x" * 257}, "256"),
        ({**GOOD, "not_before": 2**31 - 1}, "future"),
        ({**GOOD, "not_before": -1}, "between"),
        ({**GOOD, "sourcestamps": {}}, "list"),
        ({**GOOD, "sourcestamps": [1]}, "JSON object"),
        ({**GOOD, "sourcestamps": [{"branch": 1}]}, "'branch'"),
        ({**GOOD, "sourcestamps": [{"revision": "x" * 257}]}, "256"),
        ({**GOOD, "sourcestamps": [{"patch": "x"}]}, "'patch'"),
        ({**GOOD, "sourcestamps": [{}, {}]}, "twice"),
        ({**GOOD, "sourcestamps": [{"codebase": str(i)} for i in range(101)]}, "100"),
    ],
)
async def test_a_submission_that_is_not_understood_is_refused_and_says_why(
    master: BuildbotSandbox, body: object, word: str
) -> None:
    status, code, message = await refused(master, "PUT", f"runs/{RUN}/0", body)
    assert (status, code) == (400, "BadRequest")
    assert word in message


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("states", {}),
        ("states", {"buildrequestids": "1"}),
        ("states", {"buildrequestids": ["1"]}),
        ("states", {"buildrequestids": [True]}),
        ("states", {"buildrequestids": [2**70]}),
        ("states", {"buildrequestids": list(range(10_001))}),
        ("states", {"buildrequestids": [1], "properties": 1}),
        (f"runs/{RUN}/0/cancel", {"reason": 1}),
        (f"runs/{RUN}/0/cancel", {"because": "x"}),
        (f"runs/{RUN}/0/priority", {}),
        (f"runs/{RUN}/0/priority", {"priority": None}),
    ],
)
async def test_other_bodies_that_are_not_understood_are_refused(master: BuildbotSandbox, path: str, body: object) -> None:
    assert (await refused(master, "POST", path, body))[:2] == (400, "BadRequest")


@pytest.mark.parametrize(
    "raw",
    [
        b"{", b"nothing", b"\xff\xfe", b'{"builder": NaN}', b"[" * 100_000, b'{"a":' * 60 + b"1" + b"}" * 60,
        b"1" * 10_000, b'{"priority": ' + b"9" * 5_000 + b"}", b"\x00", b"a=1&b=2",
    ],
)  # fmt: skip
async def test_bytes_that_are_no_json_are_refused(master: BuildbotSandbox, http: aiohttp.ClientSession, raw: bytes) -> None:
    address = f"{master.url}plugins/taskcluster/v1/runs/{RUN}/0"
    for content_type in ("application/json", "application/x-www-form-urlencoded"):
        headers = {"Authorization": f"Bearer {master.token}", "Content-Type": content_type}
        async with http.put(address, data=raw, headers=headers) as answer:
            assert answer.status == 400
            assert (await answer.json())["error"]["code"] == "BadRequest"


async def test_a_body_beyond_the_limit_is_refused(master: BuildbotSandbox) -> None:
    body = {**GOOD, "properties": {"x": "y" * (1 << 20)}}
    assert (await refused(master, "PUT", f"runs/{RUN}/0", body))[:2] == (413, "TooLarge")


async def test_a_body_just_below_the_limit_is_stored_whole(master: BuildbotSandbox, http: aiohttp.ClientSession) -> None:
    text = "ü" * 500_000
    body = json.dumps({**GOOD, "properties": {"x": text}}, ensure_ascii=False).encode()
    assert 1_000_000 < len(body) < 1 << 20
    run = secrets.token_urlsafe(16)
    headers = {"Authorization": f"Bearer {master.token}"}
    async with http.put(f"{master.url}plugins/taskcluster/v1/runs/{run}/0", data=body, headers=headers) as answer:
        made = await answer.json()
        assert answer.status == 201, made
    stored = (await master.rest(f"buildsets/{made['buildsetid']}/properties"))["properties"][0]
    assert stored["x"] == [text, "Taskcluster"]


async def test_many_who_leave_while_waiting_do_no_harm(master: BuildbotSandbox) -> None:
    here = (await master.plugin("POST", "states", {"buildrequestids": []}))[1]
    path = f"changes?epoch={here['epoch']}&after={here['seq']}&wait=30"
    waiting = [asyncio.ensure_future(master.plugin("GET", path)) for _ in range(50)]
    await asyncio.wait(waiting, timeout=0.5)
    for each in waiting:
        each.cancel()
    await asyncio.wait(waiting)
    last = asyncio.ensure_future(master.plugin("GET", path))
    made = (await master.plugin("PUT", f"runs/{secrets.token_urlsafe(16)}/0", GOOD))[1]
    assert [change["buildrequest"] for change in (await last)[1]["changes"]] == [made["buildrequestid"]]
    assert "Traceback" not in master.log


async def test_after_all_this_the_log_holds_no_traceback_and_no_token(master: BuildbotSandbox) -> None:
    assert (await master.plugin("GET", "version"))[0] == 200
    assert "Traceback" not in master.log
    assert master.token not in master.log
    assert NEXT not in master.log
