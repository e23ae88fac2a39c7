"""Anybody who reaches the master's port, against a real one: no effect without the token, no traceback, no end of the master.

The master's own tables say afterwards what became of them.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.fuzz.effort import fuzzed
from tests.fuzz.hostile import anything, bodies, nested, spoiled, texts, written
from tests.fuzz.raw import Answered, head, send
from tests.sandbox.buildbot import BuildbotSandbox

MASTER = """
def never(builder, worker, request):
    return False

c['workers'].append(worker.LocalWorker('local'))
factory = util.BuildFactory()
c['builders'] = [util.BuilderConfig(name=name, workernames=['local'], factory=factory, canStartBuild=never)
                 for name in ('only', 'closed')]
c['schedulers'] = [schedulers.ForceScheduler(name='force', builderNames=['only', 'closed'])]
BRIDGE['builders'] = ['only']
"""
RUN = "RQ6OGWNuRYCLxPGx9t3GZg"
SUBMISSION = {
    "builder": "only", "properties": {"product": "widget"}, "sourcestamps": [{"codebase": "", "branch": "main"}],
    "priority": 3, "reason": "r", "not_before": 1,
}  # fmt: skip
PATHS = (
    *(f"runs/{RUN}/0", f"runs/{RUN}/0/cancel", f"runs/{RUN}/0/priority", f"runs/{RUN}/1", "states", "requests?open=1"),
    *("changes?wait=0", "builders", "builds/1/properties", "version", "", "runs", "nowhere", "requests?completed_since=1"),
)
# `GET changes` without `wait` would wait.
METHODS = (b"GET", b"PUT", b"POST", b"DELETE", b"HEAD", b"OPTIONS", b"PATCH", b"TRACE", b"FROB", b"get", b"G\xe4T")
KNOWN = {200, 201, 202, 400, 401, 404, 405, 409, 413, 414, 429, 501}


@pytest.fixture(scope="module")
async def master(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BuildbotSandbox]:
    async with BuildbotSandbox(tmp_path_factory.mktemp("hostile"), master_config=MASTER, workers=0) as sandbox:
        yield sandbox


async def alive(master: BuildbotSandbox) -> None:
    assert (await master.plugin("GET", "version"))[0] == 200
    assert "Traceback" not in master.log
    assert master.token not in master.log


def requests(master: BuildbotSandbox) -> list[tuple[int, int, str]]:
    """Every request there is: its number, priority and builder, from the master's own tables."""
    place = master.directory / "master" / "state.sqlite"
    with closing(sqlite3.connect(f"file:{place}?mode=ro", uri=True, timeout=10)) as tables:
        joined = "buildrequests JOIN builders ON builders.id = buildrequests.builderid"
        return list(tables.execute(f"SELECT buildrequests.id, priority, builders.name FROM {joined} ORDER BY 1"))


async def sent(
    master: BuildbotSandbox, method: bytes, path: bytes, *headers: tuple[bytes, bytes], body: bytes = b""
) -> Answered:
    sizes = [(b"Content-Length", b"%d" % len(body)), (b"Host", b"x"), (b"Connection", b"close")]
    raw = head(method, b"/plugins/taskcluster/v1/" + path, [*sizes, *headers]) + body
    return await asyncio.to_thread(send, master.url, raw, finish=False)


def bearer(master: BuildbotSandbox) -> tuple[bytes, bytes]:
    return b"Authorization", b"Bearer " + master.token.encode()


def fit(answer: Answered) -> None:
    """An answer of the plugin, or of its web server where the request was none."""
    assert answer.status is None or answer.status in KNOWN, answer.raw[:400]
    assert b"Traceback" not in answer.raw
    assert b".py" not in answer.raw


@st.composite
def paths(draw: DrawFn) -> bytes:
    raw = draw(st.sampled_from(PATHS)).encode()
    if draw(st.booleans()):
        return raw
    at = draw(st.integers(0, len(raw)))
    odd = (
        b"/",
        b"//",
        b"../",
        b"%00",
        b"%2F",
        b"%FF",
        b"%",
        b"\xff",
        b"\x01",
        b"?",
        b"&after=9",
        b";",
        b"#",
        b"%C3%A9",
        b"9" * 50,
    )
    return raw[:at] + draw(st.sampled_from(odd) | st.binary(max_size=3).map(_one_line)) + raw[at:]


def _one_line(raw: bytes) -> bytes:
    return raw.translate(None, b"\r\n ")


def _tokens(master: BuildbotSandbox) -> tuple[tuple[bytes, bytes], ...]:
    token = master.token.encode()
    wrong = (token[:-1], token + b"x", token.swapcase(), b"", b"\xff" * 8, token + b"," + token, b"x" * 9000, token[::-1])
    basic = tuple((b"Authorization", scheme + token) for scheme in (b"Basic ", b"", b"Bearer\t\t", b"Token "))
    return (*((b"Authorization", b"Bearer " + each) for each in wrong), *basic, (b"X-Authorization", b"Bearer " + token))


@fuzzed(150)
@given(
    method=st.sampled_from(METHODS), path=paths(), body=bodies(SUBMISSION), which=st.integers(0, 12), cookie=st.booleans()
)
async def test_without_the_token_nothing_is_done_and_nothing_told(
    master: BuildbotSandbox, method: bytes, path: bytes, body: bytes, which: int, cookie: bool
) -> None:
    headers = ([(b"Cookie", b"TWISTED_SESSION=x")] if cookie else []) + list(_tokens(master)[which : which + 1])
    answer = await sent(master, method, path, *headers, body=body)
    fit(answer)
    assert answer.status in {None, 400, 401, 404, 405, 414, 501}, answer.raw[:300]
    assert b"only" not in answer.raw, "the names of builders are told to nobody"


@fuzzed(200)
@given(method=st.sampled_from(METHODS), path=paths(), body=bodies(SUBMISSION) | bodies({"buildrequestids": [1]}))
async def test_with_the_token_what_is_odd_is_refused_in_plain_words(
    master: BuildbotSandbox, method: bytes, path: bytes, body: bytes
) -> None:
    answer = await sent(master, method, path, bearer(master), body=body)
    fit(answer)
    if answer.status in KNOWN - {200, 201, 202, 501, 414} and b"application/json" in answer.raw and method != b"HEAD":
        assert set(answer.json["error"]) == {"code", "message"}


@fuzzed(70)
@given(
    body=spoiled(SUBMISSION) | st.builds(lambda more: {**SUBMISSION, "properties": more}, st.dictionaries(texts, anything))
)
async def test_what_is_taken_is_stored_as_it_was_sent(master: BuildbotSandbox, body: Any) -> None:
    run = secrets.token_urlsafe(16)
    answer = await sent(master, b"PUT", f"runs/{run}/0".encode(), bearer(master), body=written(body))
    fit(answer)
    if answer.status != 201:
        return
    made = answer.json
    assert (made["external_id"], made["builder"]) == (f"{run}/0", "only")
    stored = (await master.rest(f"buildsets/{made['buildsetid']}/properties"))["properties"][0]
    ours = {"taskcluster_task_id": run, "taskcluster_run_id": 0}
    assert {name: value for name, (value, _) in stored.items()} == {**body.get("properties", {}), **ours}
    state = (await sent(master, b"POST", f"runs/{run}/0/cancel".encode(), bearer(master))).json
    assert state["external_id"] == f"{run}/0"


@pytest.mark.parametrize("path", PATHS)
async def test_nesting_near_the_parsers_limit_is_refused(master: BuildbotSandbox, path: str) -> None:
    for depth in (40, 60, 300, 900, 960, 990, 1000, 5000):
        for body in (nested(depth), b'{"builder": "only", "properties": {"x": ' + nested(depth) + b"}}"):
            fit(await sent(master, b"PUT", path.encode(), bearer(master), body=body))
            fit(await sent(master, b"POST", path.encode(), bearer(master), body=body))


async def test_bodies_that_are_huge_or_lie_about_their_size_harm_nobody(master: BuildbotSandbox) -> None:
    target, host = b"/plugins/taskcluster/v1/states", (b"Host", b"x")
    for token in (bearer(master), (b"Authorization", b"Bearer no")):
        huge = head(b"POST", target, [host, token, (b"Content-Length", b"%d" % (8 << 20)), (b"Connection", b"close")])
        fit(await asyncio.to_thread(send, master.url, huge, *[b"x" * (1 << 20)] * 8))
        for size in (b"-1", b"9" * 40, b"0x10", b"1, 2", b"", b"\xff"):
            fit(
                await asyncio.to_thread(
                    send, master.url, head(b"POST", target, [host, token, (b"Content-Length", size)]), b"{}"
                )
            )
        chunked = head(b"POST", target, [host, token, (b"Transfer-Encoding", b"chunked"), (b"Connection", b"close")])
        for chunk in (
            b"0\r\n\r\n",
            b"5\r\n{}\r\n0\r\n\r\n",
            b"fffffffffffffff\r\n{}",
            b"-5\r\n",
            b"zz\r\n",
            b"2;x=" + b"y" * 9000,
        ):
            fit(await asyncio.to_thread(send, master.url, chunked, chunk))
        smuggled = [host, token, (b"Content-Length", b"4"), (b"Transfer-Encoding", b"chunked"), (b"Connection", b"close")]
        fit(await asyncio.to_thread(send, master.url, head(b"POST", target, smuggled), b"0\r\n\r\n"))
    await alive(master)


async def test_slow_bodies_hold_up_nobody_else(master: BuildbotSandbox) -> None:
    """Many who send half a request and then nothing: others are answered as quickly as ever."""
    target, host = b"/plugins/taskcluster/v1/states", (b"Host", b"x")
    begun = head(b"POST", target, [host, bearer(master), (b"Content-Length", b"1000")]) + b'{"buildrequestids": ['
    port = int(master.url.rstrip("/").rpartition(":")[2])
    lines = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(60)]
    try:
        for line in lines:
            line.sendall(begun)
        started = time.monotonic()
        await alive(master)
        made = await master.plugin("PUT", f"runs/{secrets.token_urlsafe(16)}/0", SUBMISSION)
        assert made[0] == 201
        assert time.monotonic() - started < 5
    finally:
        for line in lines:
            line.close()
    await alive(master)


async def test_a_body_in_another_encoding_is_refused(master: BuildbotSandbox) -> None:
    text = json.dumps(SUBMISSION)
    for encoding in ("utf-16", "utf-16-le", "utf-32", "utf-7", "utf-8-sig", "cp500"):
        run = secrets.token_urlsafe(16)
        kind = (b"Content-Type", f"application/json; charset={encoding}".encode())
        answer = await sent(master, b"PUT", f"runs/{run}/0".encode(), bearer(master), kind, body=text.encode(encoding))
        if text.encode(encoding) != text.encode():
            assert answer.status == 400, (encoding, answer.raw[:200])
    for coding in (b"gzip", b"br", b"klingon"):
        body = b"\x1f\x8b\x08\x00" + b"\x00" * 20
        fit(await sent(master, b"POST", b"states", bearer(master), (b"Content-Encoding", coding), body=body))


async def test_a_form_or_parts_are_no_way_in(master: BuildbotSandbox) -> None:
    before = requests(master)
    token = master.token
    for path in (f"version?token={token}", f"version?access_token={token}", f"version?authorization=Bearer%20{token}"):
        assert (await sent(master, b"GET", path.encode())).status == 401
    form = f"authorization=Bearer+{token}&token={token}".encode()
    for kind in (b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=x", b"multipart/form-data"):
        answer = await sent(master, b"PUT", f"runs/{RUN}/7".encode(), (b"Content-Type", kind), body=form)
        assert answer.status in {400, 401}, answer.raw[:300]
        fit(await sent(master, b"PUT", f"runs/{RUN}/7".encode(), (b"Content-Type", kind), bearer(master), body=form))
    assert requests(master) == before


async def test_after_all_this_only_what_had_the_token_was_done_and_the_master_lives(master: BuildbotSandbox) -> None:
    await alive(master)
    before = requests(master)
    known = (await master.plugin("PUT", f"runs/{secrets.token_urlsafe(16)}/0", SUBMISSION))[1]["external_id"]
    made = requests(master)
    assert len(made) == len(before) + 1
    for headers in ((), *((each,) for each in _tokens(master))):
        for action in (b"", b"/cancel", b"/priority"):
            body = written({"priority": 9}) if action == b"/priority" else written(SUBMISSION if not action else {})
            await sent(master, b"POST" if action else b"PUT", f"runs/{known}".encode() + action, *headers, body=body)
            await sent(master, b"PUT", f"runs/{secrets.token_urlsafe(16)}/0".encode(), *headers, body=written(SUBMISSION))
    assert requests(master) == made
    assert not (await master.plugin("GET", f"runs/{known}"))[1]["complete"]
    assert {builder for _, _, builder in made} == {"only"}
    await alive(master)
