"""What a person reads whose payload the bridge could not read."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.admission import payload_problems
from bridge.core.order import Limits
from bridge.definition import payload_schema
from bridge.taskcluster.payload import read
from bridge.taskgraph.payload import problems
from bridge.taskgraph.references import as_created
from bridge.taskgraph.worker import field

STAMP = {"branch": "main"}


def told(**payload: Any) -> list[str]:
    return list(problems({"buildername": "b", **payload}, field))


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"buildername": ""}, "worker.buildername is empty. Give the name"),
        ({"buildername": "b*"}, "worker.buildername ends in `*`."),
        ({"buildername": "bäcker"}, "worker.buildername has characters that are not printable ASCII"),
        ({"buildername": "b" * 257}, "worker.buildername: has 257 characters; at most 256 are allowed. Shorten it."),
        ({"buildername": 7}, "worker.buildername: must be a string, is 7. Write a string."),
        ({"buildername": {"task-reference": "<b>"}}, "worker.buildername: must be a name as it stands, no reference"),
        ({"sourcestamp": {"branch": 1}}, "worker.sourcestamp.branch: must be a string, is 1."),
        ({"sourcestamp": "main"}, "worker.sourcestamp: must be a mapping, is 'main'."),
        ({"sourcestamp": {"brunch": "x"}}, "worker.sourcestamp.brunch: is not known here; known are branch, codebase, "),
        ({"sourcestamp": STAMP, "sourcestamps": [STAMP]}, "worker.sourcestamps: stands beside `sourcestamp`."),
        ({"sourcestamps": []}, "worker.sourcestamps: has 0 entries; at least 1 there must be."),
        ({"sourcestamps": [{"codebase": str(n)} for n in range(51)]}, "worker.sourcestamps: has 51 entries; at most 50"),
        ({"sourcestamps": [STAMP, STAMP]}, "worker.sourcestamps[1].codebase: '' stands in two sourcestamps."),
        ({"sourcestamps": [{}, {"codebase": "a\nb"}]}, "worker.sourcestamps[1].codebase contains a control character"),
        ({"sourcestamp": {"branch": "a\nb"}}, "worker.sourcestamp.branch contains a control character, such as a line end."),
        ({"properties": {"": 1}}, "worker.properties has a property without a name."),
        ({"properties": {"a b": "x\0"}}, "worker.properties.a b contains a NUL character."),
        ({"properties": {"a": [2**63]}}, "worker.properties.a[0]: the number does not fit 64 bits."),
        ({"properties": {"a": "\ud800"}}, "worker.properties.a contains half of a surrogate pair"),
        ({"properties": [1]}, "worker.properties: must be a mapping, is list."),
        (
            {"properties": {"scheduler": 1}},
            "worker.properties.scheduler: this property is set by the bridge or by Buildbot.",
        ),
        (
            {"command": ["make"]},
            "worker.command: is not known here; known are buildername, properties, sourcestamp, sourcestamps.",
        ),
        ({"env": {"MOZ_FETCHES": "x"}}, "worker.env: a bridged task has no environment (`fetches` would set one)."),
        ({"properties": {"at": date(2026, 11, 21)}}, "worker.properties.at: 2026-11-21 is read by YAML as a date or time"),
        (
            {"properties": {"at": [datetime(2026, 11, 21, tzinfo=UTC)]}},
            "worker.properties.at[0]: 2026-11-21 00:00:00+00:00 is",
        ),
        ({"properties": {"all": {1}}}, "worker.properties.all: is a set, which JSON does not have. Write a list."),
        ({"properties": {"x": {"y": float("nan")}}}, "worker.properties.x.y: nan is no number that JSON knows."),
        ({"properties": {"x": float("-inf")}}, "worker.properties.x: -inf is no number"),
        ({"properties": {"x": b"abc"}}, "worker.properties.x: is of type bytes, which JSON does not have."),
        ({"properties": {1: "x"}}, "worker.properties: the key 1 is no string, as JSON's keys are. Put it in quotes."),
        ({"properties": {"x": {None: 1}}}, "worker.properties.x: the key None is no string"),
        ({"properties": {"x": {"task-reference": ["<b>"]}}}, "worker.properties.x.task-reference: is ['<b>'], no string."),
        (
            {"properties": {"x": {"artifact-reference": "<b>"}}},
            "worker.properties.x.artifact-reference: '<b>' names no artifact of a dependency.",
        ),
        (
            {"properties": {"x": {"artifact-reference": "<b> <c/public/d>"}}},
            "worker.properties.x.artifact-reference: '<b> <c/public/d>' names no artifact",
        ),
        (
            {"properties": {"x": [{"y": {"artifact-reference": "see <b/private/key> "}}]}},
            "worker.properties.x[0].y.artifact-reference: <b/private/key> is not public. taskgraph makes it an address of the",
        ),
        (
            {"sourcestamp": {"branch": {"artifact-reference": "<b/not-public>"}}},
            "worker.sourcestamp.branch.artifact-reference: <b/",
        ),
        (
            {"properties": {"x": {"artifact-reference": {"<b/public/a>": {"artifact-reference": "<b/c>"}}}}},
            "worker.properties.x.artifact-reference.<b/public/a>.artifact-reference: <b/c> is not public.",
        ),
        (
            {"properties": {"x": {"artifact-reference": {"<b/c>": 1}}}},
            "worker.properties.x.artifact-reference: <b/c> is not pu",
        ),
    ],
)
def test_each_problem_has_a_sentence_with_its_field(payload: dict[str, Any], said: str) -> None:
    (problem,) = told(**payload)
    assert problem.startswith(said)
    assert problem.endswith((".", "<build>."))


def test_a_missing_builder_is_told() -> None:
    assert list(problems({}, field)) == ["worker.buildername: is missing. Add it."]


def test_all_problems_are_told_at_once() -> None:
    assert len(told(properties={"a": float("nan"), "b": {"artifact-reference": "<x/y>"}})) == 2
    assert len(told(buildername="b*", sourcestamp={"branch": 1}, properties={"buildid": 1})) == 3


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"properties": {"a": None, "b": [1, 2.5, "x", True, {"c": {}}], "d": {"": "x"}}},
        {"properties": {"a": ("x", 1)}},
        {"properties": {"a": {"task-reference": "<build>"}, "b": [{"c": {"artifact-reference": "<build/public/x>"}}]}},
        {"properties": {"a": {"task-reference": {"<build>": {"task-reference": "<test>"}}}}},
        {"properties": {"a": {"relative-datestamp": "1 day"}, "b": {"task-reference": "x", "more": 1}}},
        {"sourcestamp": {"revision": {"task-reference": "<decision>"}, "branch": "b"}},
        {"sourcestamps": [{"codebase": "a"}, {"codebase": {"task-reference": "<b>"}}]},
        {"sourcestamp": {"branch": {"task-reference": f"<{'long' * 100}>"}}},
    ],
)
def test_what_can_become_a_payload_is_let_pass(payload: dict[str, Any]) -> None:
    assert told(**payload) == []


def test_a_reference_counts_as_what_it_becomes() -> None:
    assert told(sourcestamp={"revision": {"task-reference": "<b>" * 11}}) == []
    (problem,) = told(sourcestamp={"revision": {"task-reference": "<b>" * 12}})
    assert "has 264 characters" in problem


def test_every_rule_of_the_schema_has_its_words() -> None:
    """A new keyword in the schema would be told by the sentence for all the rest: give it one of its own."""
    bad: list[Any] = [
        *({"buildername": name} for name in ("", "b*", "b" * 257, 1)),
        {"buildername": "b", "sourcestamps": []},
        {"buildername": "b", "sourcestamps": [{}] * 51},
        {"buildername": "b", "sourcestamps": [{"x": 1}]},
        {"buildername": "b", "sourcestamp": {}, "sourcestamps": [{}]},
        {"buildername": "b", "properties": {"buildid": 1}},
        {},
    ]
    for payload in bad:
        said = list(problems(payload, field))
        assert said
        assert not any("does not fit the payload's schema" in each for each in said)
    keywords = set(_keywords(payload_schema()))
    assert keywords <= {
        *("type", "required", "additionalProperties", "maxLength", "minLength", "minItems", "maxItems", "pattern", "not"),
        *("properties", "items", "propertyNames", "enum", "$ref", "$defs", "$schema", "title", "description", "default"),
    }


def _keywords(schema: Any) -> Any:
    for keyword, value in schema.items():
        yield keyword
        inside = value.values() if keyword in ("properties", "$defs") else [value]
        for each in inside:
            if isinstance(each, dict):
                yield from _keywords(each)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
STAMPS = st.fixed_dictionaries({}, optional={name: st.text(max_size=3) | st.none() for name in ("branch", "codebase", "x")})


@given(
    st.fixed_dictionaries(
        {"buildername": st.text(max_size=3)},
        optional={
            "properties": st.dictionaries(st.sampled_from(["a", "buildid", "owners", ""]), JSON) | JSON,
            "sourcestamp": STAMPS,
            "sourcestamps": st.lists(STAMPS, max_size=2),
        },
    )
)
def test_whatever_is_let_pass_the_bridge_can_read_and_admit(payload: dict[str, Any]) -> None:
    if not list(problems(payload, field)):
        found = read(as_created(payload))
        assert not isinstance(found, list)
        assert payload_problems(found, Limits()) == []


def test_bounds_that_a_pool_may_change_are_not_ours() -> None:
    assert told(properties={"a" * 300: "x" * 600_000}) == []
