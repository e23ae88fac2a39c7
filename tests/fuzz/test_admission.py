"""Payloads of anybody: judging never raises, a refusal can be printed, and what is admitted keeps every rule.

The rules are told a second time here, in other words than the bridge's own.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from bridge.assembly import Admission
from bridge.core.order import Definition, LeftAlone, Limits, Order, Policy, Refusal
from bridge.core.run import RunId, RunKey
from bridge.taskcluster.payload import payload_schema
from bridge.taskcluster.queue import Queue
from tests.fuzz.effort import fuzzed
from tests.fuzz.hostile import anything, spoiled, texts
from tests.unit.core.samples import TASK, run_status, task

PREFIX = "buildbot-bridge:builder-name:"
SCHEMA = jsonschema.Draft202012Validator(payload_schema())
JUDGE = Admission(Queue.__new__(Queue), expand_roles=False)  # without roles to expand it asks no queue
GOOD = {
    "buildername": "release-linux",
    "sourcestamps": [{"codebase": "a", "branch": "main"}, {"codebase": "b", "revision": "3f2a"}],
    "properties": {"product": "widget", "n": 1, "list": [1, {"a": None}], "owner": "x@example.com", "f": 1.5},
}
NAMES = ("release-linux", "release-x", "docs", "nightly", "release-*", "*", "", "release-\n", "release-é", "secret")
RULES = (
    PREFIX + "*",
    PREFIX + "release-*",
    PREFIX + "docs",
    PREFIX,
    "*",
    "buildbot-bridge:*",
    "other:release-linux",
    "assume:x",
)
PATTERNS = ("release-*", "docs", "*", "re*", "release-linux", "nightly", "")
# What only the bridge and Buildbot may say of a build: whose it is, what it builds, where.
POSING: tuple[str, ...] = (
    "taskcluster_task_id",
    "taskcluster_run_id",
    "branch",
    "revision",
    "repository",
    "project",
    "codebase",
)
POSING += ("buildername", "buildnumber", "workername", "scheduler", "builderid", "virtual_builder_name", "basedir")

patterns = st.lists(st.sampled_from(PATTERNS), max_size=3).map(tuple)
limits = st.builds(Limits, st.integers(0, 6), st.integers(1, 5), st.integers(2, 400), st.integers(0, 12))
policies = st.builds(
    Policy, patterns, patterns, patterns, st.just((PREFIX,)) | st.just((PREFIX, "other:")), limits | st.just(Limits())
)
scopes = st.lists(st.sampled_from(RULES) | texts, max_size=4).map(tuple)


@st.composite
def payloads(draw: DrawFn) -> Any:
    payload = draw(spoiled(GOOD) | spoiled({"buildername": "docs", "sourcestamp": {"branch": "x"}}) | anything)
    if isinstance(payload, dict) and draw(st.booleans()):
        payload["buildername"] = draw(st.sampled_from(NAMES))
    properties = payload.get("properties") if isinstance(payload, dict) else None
    if isinstance(properties, dict) and draw(st.integers(0, 4)) == 0:
        properties[draw(st.sampled_from(POSING))] = draw(texts)
    return payload


def covered(name: str, rules: tuple[str, ...]) -> bool:
    return any(name == rule or (rule[-1:] == "*" and name[: len(rule) - 1] == rule[:-1]) for rule in rules)


def depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(depth, inner), default=0)


def strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for name, item in value.items() for text in [name, *strings(item)]]
    return [text for item in value for text in strings(item)] if isinstance(value, list) else []


def check_admitted(order: Order, payload: Any, granted: tuple[str, ...], policy: Policy) -> None:
    assert SCHEMA.is_valid(payload)
    name, given_properties = payload["buildername"], payload.get("properties", {})
    assert order.builder == name
    assert covered(name, policy.builders)
    assert not covered(name, policy.denied)
    assert not covered(name, policy.left_alone)
    assert any(covered(prefix + name, granted) for prefix in policy.scope_prefixes)
    assert not set(given_properties) & set(POSING)
    assert len(given_properties) <= policy.limits.properties
    assert all(depth(value) <= policy.limits.depth for value in given_properties.values())
    assert all(0 < len(each) <= policy.limits.name for each in given_properties)
    # Buildbot can take and store it, whatever its database; the size is an estimate within a factor of two.
    written = json.dumps(order.properties, allow_nan=False, ensure_ascii=False).encode()
    own = len(json.dumps(given_properties, allow_nan=False, ensure_ascii=False).encode())
    assert own <= 2 * policy.limits.bytes + 2 * len(strings(given_properties))
    assert b"\\u0000" not in written
    stamps = [text for stamp in order.sourcestamps for text in (stamp.codebase, stamp.branch or "", stamp.revision or "")]
    assert not any(ord(character) < 32 for text in stamps for character in text)
    assert len({stamp.codebase for stamp in order.sourcestamps}) == len(order.sourcestamps) > 0
    assert (order.properties["taskcluster_task_id"], order.properties["taskcluster_run_id"]) == (TASK, 0)
    assert {**order.properties, **given_properties} == order.properties


@fuzzed(500)
@given(payload=payloads(), granted=scopes, policy=policies, priority=st.sampled_from(("highest", "low", "")) | texts)
async def test_what_is_admitted_keeps_every_rule_and_what_is_refused_is_told(
    payload: Any, granted: tuple[str, ...], policy: Policy, priority: str
) -> None:
    status = task(run_status(), priority=priority)
    verdict = await JUDGE(RunKey(TASK, RunId(0)), Definition(payload, granted), status, policy)
    match verdict:
        case Order():
            check_admitted(verdict, payload, granted, policy)
            assert 0 <= verdict.priority <= 6
        case Refusal(reason=reason):
            assert reason.encode()
            assert all(character.isprintable() or character == "\n" for character in reason)
            assert 0 < len(reason) < 30_000
        case LeftAlone(why=why):
            assert covered(payload["buildername"], policy.left_alone)
            assert why.isprintable()


@fuzzed(150)
@given(properties=st.dictionaries(st.sampled_from("abcdef"), anything, max_size=4))
async def test_plain_values_are_admitted_as_they_are(properties: dict[str, Any]) -> None:
    """The fuzz above would be content with a bridge that refuses everybody."""
    definition = Definition({"buildername": "docs", "properties": properties}, (PREFIX + "docs",))
    verdict = await JUDGE(RunKey(TASK, RunId(0)), definition, task(run_status()), Policy(builders=("docs",)))
    try:
        text = json.dumps(properties, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, UnicodeEncodeError):
        assert isinstance(verdict, Refusal)
        return
    if b"\\u0000" in text or any(abs(each) >= 2**63 for each in _integers(properties)):
        return
    assert isinstance(verdict, Order), verdict
    assert {**verdict.properties, **properties} == verdict.properties


def _integers(value: Any) -> list[int]:
    if isinstance(value, dict | list):
        return [each for item in (value.values() if isinstance(value, dict) else value) for each in _integers(item)]
    return [value] if isinstance(value, int) else []


@pytest.mark.parametrize("payload", [GOOD, {"buildername": "release-x"}])
async def test_the_good_ones_are_good(payload: Any) -> None:
    policy = replace(Policy(), builders=("release-*",))
    verdict = await JUDGE(RunKey(TASK, RunId(0)), Definition(payload, (PREFIX + "*",)), task(run_status()), policy)
    assert isinstance(verdict, Order)
    check_admitted(verdict, payload, (PREFIX + "*",), policy)
