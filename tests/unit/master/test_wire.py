"""Bodies, queries and names are read strictly."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.master import fields, wire
from bridge.master.refusal import BadRequest, NotFound

KEY = wire.run_key("RQ6OGWNuRYCLxPGx9t3GZg", "0")


def test_a_submission_says_who_it_is_for_whatever_the_body_claims() -> None:
    body = {"builder": "b", "properties": {"taskcluster_task_id": "other", "taskcluster_run_id": 9, "x": None}}
    wish = wire.submission(KEY, body, now=1000)
    assert wish.properties == {
        "x": (None, "Taskcluster"),
        "taskcluster_task_id": (KEY.task_id, "Scheduler"),
        "taskcluster_run_id": (0, "Scheduler"),
    }
    assert wish.sourcestamps == ({"codebase": "", "repository": "", "branch": None, "revision": None, "project": ""},)
    assert (wish.priority, wish.not_before) == (0, 0)
    assert KEY.task_id in wish.reason


TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_trace_becomes_a_property_that_a_task_may_have_set_itself() -> None:
    assert wire.submission(KEY, {"builder": "b"}, 0, TRACE).properties["traceparent"] == (TRACE, "Taskcluster")
    own = {"builder": "b", "properties": {"traceparent": "mine"}}
    assert wire.submission(KEY, own, 0, TRACE).properties["traceparent"] == ("mine", "Taskcluster")
    assert "traceparent" not in wire.submission(KEY, {"builder": "b"}, 0, None).properties


@pytest.mark.parametrize(
    "header",
    [
        None,
        b"",
        b"x",
        TRACE.upper().encode(),
        TRACE.encode() + b"-00",
        b"ff" + TRACE[2:].encode(),
        b"\xff",
        b"00-" + b"0" * 32 + TRACE[35:].encode(),
    ],
)
def test_what_is_no_trace_is_left_out_and_no_error(header: bytes | None) -> None:
    assert wire.traceparent(header) is None
    assert wire.traceparent(TRACE.encode()) == TRACE


def test_a_bound_that_would_overlook_an_earlier_submission_is_refused() -> None:
    assert wire.submission(KEY, {"builder": "b", "not_before": 1000}, now=1000.5).not_before == 1000
    with pytest.raises(BadRequest, match="future"):
        wire.submission(KEY, {"builder": "b", "not_before": 1002}, now=1000.5)


@pytest.mark.parametrize("run_id", ["00", "01", "-1", "+1", " 1", "1 ", "1000", "", "٣", "1\n", "0x1"])
def test_a_run_has_one_name_only(run_id: str) -> None:
    with pytest.raises(BadRequest):
        wire.run_key("RQ6OGWNuRYCLxPGx9t3GZg", run_id)


@pytest.mark.parametrize("text", ["0", "-1", "1.0", "", "x", "99999999999", "2147483648", "²"])
def test_a_number_that_no_row_has_is_not_found(text: str) -> None:
    with pytest.raises(NotFound):
        wire.row_id(text, "build")


def test_ids_are_asked_once_each_in_their_order() -> None:
    query = wire.states_query({"buildrequestids": [3, 1, 3, -5, 2**62]})
    assert query.request_ids == (3, 1, -5, 2**62)


def test_fewer_ids_are_taken_when_properties_are_wanted() -> None:
    ids = list(range(1001))
    assert len(wire.states_query({"buildrequestids": ids}).request_ids) == 1001
    with pytest.raises(BadRequest, match="1000"):
        wire.states_query({"buildrequestids": ids, "properties": True})


def test_waits_and_pages_are_capped() -> None:
    assert wire.changes_query({"wait": "9999"}).wait == wire.MAX_WAIT
    assert wire.page_query({"open": "1", "limit": "99999"}).limit == wire.MAX_PAGE
    assert wire.page_query({"open": "1", "limit": "0"}).limit == 1
    assert wire.page_query({"completed_since": "5"}).completed_since == 5


def test_nesting_is_bounded_from_both_sides() -> None:
    deep: Any = 1
    for _ in range(fields.MAX_DEPTH - 1):
        deep = [deep]
    assert fields.parse(json.dumps(deep).encode()) == deep
    with pytest.raises(BadRequest, match="nested"):
        fields.parse(json.dumps([deep]).encode())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["builder", "properties", "sourcestamps", "priority", "reason", "not_before", "other"])


@given(st.dictionaries(NAMES, JSON) | JSON)
def test_any_json_is_either_understood_or_refused(body: object) -> None:
    try:
        wish = wire.submission(KEY, body, now=0)
    except BadRequest as refused:
        assert str(refused)
    else:
        assert wish.builder
        assert wish.properties["taskcluster_task_id"] == (KEY.task_id, "Scheduler")


@given(st.binary(max_size=200))
def test_any_bytes_are_either_json_or_refused(raw: bytes) -> None:
    try:
        fields.parse(raw)
    except BadRequest as refused:
        assert len(str(refused)) < 400


@given(st.text(max_size=40))
def test_only_names_of_runs_are_taken_for_ours(text: str) -> None:
    if wire.is_run_key(text):
        task_id, run_id = text.split("/")
        assert str(wire.run_key(task_id, run_id)) == text
