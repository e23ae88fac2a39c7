"""What stands in the plugin's place may say anything: the client gives values that hold, or one of its named faults."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from aiolimiter import AsyncLimiter
from hypothesis import given
from hypothesis import strategies as st

from bridge.buildbot.builds import BuildbotBuilds
from bridge.buildbot.client import Buildbot
from bridge.buildbot.exchange import Exchange
from bridge.core import faults
from bridge.core.events import RequestSeen
from bridge.core.lifecycle import advance
from bridge.core.order import Order
from bridge.core.request import RequestState
from bridge.core.run import RequestId, RunId, RunKey, TaskId
from bridge.engine.sweeps import key_of
from bridge.store.rows import to_json, to_row
from tests.fuzz.answering import Reply, Server, replies, serving
from tests.fuzz.effort import fuzzed
from tests.fuzz.hostile import bodies
from tests.unit.core import samples

KEY = RunKey(TaskId("RQ6OGWNuRYCLxPGx9t3GZg"), RunId(0))
AT = datetime(2026, 3, 1, tzinfo=UTC)
ORDER = Order("b", {"x": "ü"}, (), 0, "r", AT)
BUILD = {
    "buildid": 70, "number": 1, "builderid": 3, "worker": "linux-1", "started_at": 1_772_366_400,
    "complete_at": 1_772_366_500, "results": 0, "state_string": "finished", "interrupted": None,
}  # fmt: skip
STATE = {
    "buildrequestid": 7, "external_id": str(KEY), "claimed": True, "complete": True, "results": 0,
    "submitted_at": 1_772_366_300, "complete_at": 1_772_366_501, "priority": 2, "interrupted": None, "builds": [BUILD],
}  # fmt: skip
CHANGE = {
    "seq": 4, "at": 1_772_366_500, "event": "build.finished", "external_id": str(KEY), "buildrequest": 7, "builderid": 3,
    "results": 0, "master_stopping": False, "buildid": 70, "number": 1, "state_string": "finished",
}  # fmt: skip
SUBMITTED = {"created": True, "external_id": str(KEY), "buildsetid": 1, "buildrequestid": 7, "builder": "b"}
STATES = {"epoch": "e", "seq": 3, "states": [STATE, {"buildrequestid": 8, "missing": True}]}
PAGE = {"epoch": "e", "seq": 3, "states": [STATE], "next": None}
CHANGES = {"epoch": "e", "seq": 4, "resync": False, "changes": [CHANGE]}
BUILDERS = {"builders": [{"name": "b", "builderid": 3, "connected_workers": 1}]}
VERSION = {
    "version": "1", "buildbot_version": "4.3.0", "buildbot_url": "http://b/", "epoch": "e", "builders": ["*"],
    "stopping": False,
}  # fmt: skip
LOG = {"logid": 5, "name": "stdio", "kind": "stdio", "lines": 3, "complete": False}
STEP = {
    "number": 1, "name": "shell", "started_at": 1_772_366_400, "complete_at": None, "results": None, "state_string": "",
    "hidden": False, "urls": {"docs": "https://docs.example/"}, "logs": [LOG],
}  # fmt: skip
RECORD = {
    "buildid": 70, "number": 1, "builder": "b", "worker": "linux-1", "external_id": str(KEY), "started_at": 1_772_366_400,
    "complete_at": 1_772_366_500, "results": 0, "state_string": "finished", "steps": [STEP],
}  # fmt: skip
OUTPUT = {
    "number": 1, "name": "public/build/a", "content_type": "text/plain", "lifetime": None, "mandatory": True, "size": 9,
    "sha256": "0" * 64,
}  # fmt: skip
ERROR = {"error": {"code": "UnknownBuilder", "message": "because"}}
PHASES = (samples.WANTED, samples.QUEUED, samples.BUILDING, samples.CLAIMED, samples.STOPPING, samples.REPORTING)


@dataclass
class Place:
    server: Server
    client: Buildbot


@pytest.fixture(scope="module")
async def place() -> AsyncIterator[Place]:
    async with serving() as server, aiohttp.ClientSession() as session:
        exchange = Exchange(session, server.url, lambda: "secret", AsyncLimiter(1e6, 1), timeout=5)
        yield Place(server, Buildbot(exchange))


def said(good: Any) -> Any:
    return replies(bodies(good) | bodies(ERROR))


def holds(state: RequestState) -> None:
    """Whatever was believed can be decided on, and stored in a row, in every phase."""
    key_of(state)
    for phase in PHASES:
        to_json([to_row(advance(samples.a_run(phase), RequestSeen(samples.AT, state, samples.RULES)))])
    numbers = [state.request_id, *(build.build_id for build in state.builds)]
    assert all(0 <= number < 2**63 for number in numbers)
    assert all(result is None or abs(result) < 2**31 for result in [state.results, *(b.results for b in state.builds)])


@fuzzed(90)
@given(reply=said(STATE))
async def test_a_state_is_of_the_run_that_was_asked_for_or_a_fault(place: Place, reply: Reply) -> None:
    place.server.reply = reply
    for act in (
        lambda: place.client.find(*KEY_PARTS, not_before=AT),
        lambda: place.client.cancel(*KEY_PARTS, "reason"),
        lambda: place.client.set_priority(*KEY_PARTS, 3),
    ):
        try:
            state = await act()
        except faults.Fault:
            continue
        if state is None:
            assert reply.status == 404
        else:
            assert state.external_id == str(KEY)
            holds(state)


KEY_PARTS = (KEY.task_id, KEY.run_id)


@fuzzed(120)
@given(reply=said(SUBMITTED))
async def test_a_submission_is_answered_for_its_own_run_and_builder_or_a_fault(place: Place, reply: Reply) -> None:
    place.server.reply = reply
    try:
        request = await BuildbotBuilds(place.client).submit(KEY, ORDER)
    except faults.Missing:
        pytest.fail("an address that leads elsewhere must not make a run seem gone")
    except faults.Fault:
        return
    assert 0 <= request < 2**63
    assert str(KEY).encode() in reply.body


@fuzzed(90)
@given(reply=said(STATES) | said({**STATES, "states": [STATE]}))
async def test_a_bulk_read_names_every_request_once_or_is_a_fault(place: Place, reply: Reply) -> None:
    place.server.reply = reply
    try:
        read = await BuildbotBuilds(place.client).states([RequestId(7), RequestId(8)])
    except faults.Fault:
        return
    assert sorted([state.request_id for state in read.states] + list(read.missing)) == [7, 8]
    for state in read.states:
        holds(state)


@fuzzed(90)
@given(reply=said(PAGE) | said({**PAGE, "next": 9}))
async def test_the_list_of_all_requests_ends_or_is_a_fault(place: Place, reply: Reply) -> None:
    place.server.reply, place.server.asked = reply, 0
    try:
        async for page in BuildbotBuilds(place.client).strangers(AT):
            assert place.server.asked < 6
            for state in page:
                holds(state)
    except faults.Fault:
        pass


@fuzzed(120)
@given(reply=said(CHANGES) | said(BUILDERS) | said(VERSION) | said({"product": ["widget", "Taskcluster"]}))
async def test_other_answers_are_values_or_faults(place: Place, reply: Reply) -> None:
    place.server.reply = reply
    try:
        changes = await place.client.changes("e", 3, 0)
        assert all(0 <= change.request_id < 2**63 for change in changes.changes)
    except faults.Fault:
        pass
    for act in (place.client.builders, place.client.version, lambda: place.client.properties(70)):
        with suppress(faults.Fault):
            await act()


@fuzzed(90)
@given(reply=said(RECORD) | said({"outputs": [OUTPUT]}))
async def test_what_builds_show_and_give_is_a_value_or_a_fault(place: Place, reply: Reply) -> None:
    place.server.reply = reply
    builds = BuildbotBuilds(place.client)
    with suppress(faults.Fault):
        record = await builds.record(70)
        assert record.build_id == 70
        assert [step.number for step in record.steps] == sorted(step.number for step in record.steps)
        assert all(0 <= log.log_id < 2**63 and log.lines >= 0 for step in record.steps for log in step.logs)
    with suppress(faults.Fault):
        for output in await builds.outputs(70):
            assert output.name.isascii()
            assert output.name.isprintable()
            assert output.size >= 0
    with suppress(faults.Fault):
        await builds.log_piece(70, 5, 3)
    with suppress(faults.Fault):
        async with builds.output(70, 1) as chunks:
            assert sum([len(chunk) async for chunk in chunks]) == len(reply.body)
    with suppress(faults.Fault):
        await builds.release(70)


@fuzzed(60)
@given(reply=said(STATE), cut=st.integers(0, 200))
async def test_a_fault_can_be_shown_and_stored(place: Place, reply: Reply, cut: int) -> None:
    place.server.reply = reply
    try:
        await place.client.properties(cut)
    except faults.Fault as fault:
        text = str(fault)
        assert len(text) < 5000
        assert "secret" not in text
        wait = getattr(fault, "retry_after", None)
        assert wait is None or 0 <= wait <= 3600
