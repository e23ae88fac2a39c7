"""The payload of a bridged task: what is accepted, in which form it arrives, and what its author reads otherwise."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.order import Payload, Sourcestamp
from bridge.taskcluster.payload import branch_of, payload_schema, read


def problems(payload: object) -> list[str]:
    answer = read(payload)
    assert isinstance(answer, list), answer
    assert answer
    return answer


def test_the_builder_is_enough() -> None:
    assert read({"buildername": "linux"}) == Payload("linux", {}, (Sourcestamp(),))


def test_one_sourcestamp_with_properties_as_history_had_it() -> None:
    payload = {
        "buildername": "linux",
        "sourcestamp": {"branch": "https://hg.example.org/projects/maple/", "revision": "abc"},
        "properties": {"product": "widget", "list": [1, {"a": None}]},
    }
    stamp = Sourcestamp(branch="projects/maple", revision="abc")
    assert read(payload) == Payload("linux", {"product": "widget", "list": [1, {"a": None}]}, (stamp,))


def test_several_sourcestamps_arrive_separately() -> None:
    payload = {"buildername": "b", "sourcestamps": [{"codebase": "app", "branch": "main"}, {"codebase": "lib"}]}
    answer = read(payload)
    assert isinstance(answer, Payload)
    assert answer.sourcestamps == (Sourcestamp("app", branch="main"), Sourcestamp("lib"))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", None),
        ("/", None),
        ("main", "main"),
        ("feature/x", "feature/x"),
        ("refs/heads/main", "main"),
        ("refs/heads/feature/x", "feature/x"),
        ("refs/tags/v1", "refs/tags/v1"),
        ("projects/maple", "projects/maple"),
        ("/projects/maple/", "projects/maple"),
        ("https://hg.example.org/projects/maple", "projects/maple"),
        ("https://hg.example.org/projects/maple/?x=1#y", "projects/maple"),
        ("ssh://hg@hg.example.org:22//projects/maple//", "projects/maple"),
        ("https://hg.example.org", None),
        ("http://[::1/x", "http://[::1/x"),
        ("refs/heads/", "refs/heads"),
    ],
)
def test_a_branch_has_one_form(given: str, expected: str | None) -> None:
    assert branch_of(given) == expected


@pytest.mark.parametrize(
    ("payload", "path", "cure"),
    [
        ({}, "`payload.buildername`", 'Add it, for example "linux64-opt"'),
        (None, "`payload`", "must be an object, but it is null"),
        ([], "`payload`", "must be an object, but it is a list"),
        ("x", "`payload`", 'must be an object, but it is the string "x"'),
        ({"buildername": 3}, "`payload.buildername`", "must be a string, but it is a number"),
        ({"buildername": ""}, "`payload.buildername`", "must not be empty"),
        ({"buildername": "b" * 257}, "`payload.buildername`", "at most 256 characters"),
        ({"buildername": "b", "product": "p"}, "`payload.product`", "Remove it; the keys known here are buildername,"),
        ({"buildername": "b", "a\0\ud800": 1}, "payload", "Remove it"),
        ({"buildername": "b", "a\n": 1}, "`payload.a\\n`", "Remove it"),
        ({"buildername": "b", "properties": []}, "`payload.properties`", 'for example {"product": "widget"}'),
        ({"buildername": "b", "properties": None}, "`payload.properties`", "but it is null"),
        ({"buildername": "b", "sourcestamp": {"branch": None}}, "`payload.sourcestamp.branch`", "but it is null"),
        ({"buildername": "b", "sourcestamp": {"url": "x"}}, "`payload.sourcestamp.url`", "known here are branch, revision"),
        ({"buildername": "b", "sourcestamp": "main"}, "`payload.sourcestamp`", 'for example {"branch": "main"'),
        ({"buildername": "b", "sourcestamps": []}, "`payload.sourcestamps`", "must not be empty"),
        ({"buildername": "b", "sourcestamps": [{}, {"branch": 1}]}, "`payload.sourcestamps[1].branch`", "a number"),
        ({"buildername": "b", "sourcestamp": {}, "sourcestamps": [{}]}, "`payload`", "Keep one of them"),
        ({"buildername": "b", "sourcestamp": {"revision": "r" * 257}}, "`payload.sourcestamp.revision`", "at most 256"),
    ],
)
def test_what_is_wrong_is_named_with_path_and_cure(payload: object, path: str, cure: str) -> None:
    (said,) = problems(payload)
    assert path in said
    assert cure in said


def test_every_problem_is_named() -> None:
    assert len(problems({"buildername": 1, "x": 2, "sourcestamp": {"y": 3}, "properties": 4})) == 4


def test_a_value_that_is_nested_without_end_is_no_problem_here() -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    assert isinstance(read({"buildername": "b", "properties": {"x": deep}}), Payload)
    assert problems({"buildername": deep})
    assert problems(deep)


keys = st.sampled_from(["buildername", "sourcestamp", "sourcestamps", "properties", "branch", "revision", "codebase"])
texts = st.text(st.characters(codec=None), max_size=8)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys | texts, inner, max_size=4),
    max_leaves=15,
)


@given(anything | st.dictionaries(keys, anything))
def test_nothing_raises_and_every_sentence_can_be_stored(payload: object) -> None:
    answer = read(payload)
    for sentence in answer if isinstance(answer, list) else []:
        assert sentence.encode()
        assert sentence.isprintable()
        assert len(sentence) < 1000


plain = st.text(st.characters(codec="utf-8"), max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys | plain, inner, max_size=4),
    max_leaves=15,
)
likely = st.fixed_dictionaries(
    {"buildername": st.just("linux") | plain},
    optional={
        "sourcestamp": st.dictionaries(keys, plain) | json_values,
        "sourcestamps": st.lists(st.dictionaries(keys, plain), max_size=3),
        "properties": st.dictionaries(plain, json_values, max_size=3),
        "other": json_values,
    },
)


@given(json_values | likely)
def test_the_published_schema_accepts_what_the_bridge_reads(payload: object) -> None:
    """But for builder names, which admission refuses with a better explanation."""
    schema = payload_schema()
    del schema["properties"]["buildername"]["pattern"]
    valid = jsonschema.Draft202012Validator(schema).is_valid(payload)
    assert valid is isinstance(read(payload), Payload)


def test_the_schema_is_one_and_knows_builder_names() -> None:
    schema = payload_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid({"buildername": "linux64 opt"})
    assert not validator.is_valid({"buildername": "linux*"})
    assert not validator.is_valid({"buildername": "linüx"})
    assert not validator.is_valid({"buildername": "linux", "more": 1})
