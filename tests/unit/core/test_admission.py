"""Whether a task may become a build: by scopes, by policy, by what its properties hold."""

from __future__ import annotations

import string
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.admission import RESERVED, judge, matches, needs_expansion, refusal, satisfies, shown
from bridge.core.order import LeftAlone, Limits, Order, Payload, Policy, Refusal, Sourcestamp
from bridge.core.run import RunId, RunKey
from tests.unit.core.samples import AT, TASK, run_status, task

KEY = RunKey(TASK, RunId(0))
STATUS = task(run_status(), priority="high")
PREFIX = "buildbot-bridge:builder-name:"
POLICY = Policy(builders=("release-*", "docs"))


def payload(builder: str = "release-linux", properties: Any = None, *stamps: Sourcestamp) -> Payload:
    return Payload(builder, properties or {}, stamps or (Sourcestamp(),))


def judged(given: Payload, *scopes: str, policy: Policy = POLICY) -> Order | Refusal | LeftAlone:
    return judge(KEY, given, scopes or (PREFIX + given.builder,), STATUS, policy)


def refused(given: Payload, *scopes: str, policy: Policy = POLICY) -> str:
    answer = judged(given, *scopes, policy=policy)
    assert isinstance(answer, Refusal), answer
    return answer.reason


class TestAnAdmittedTask:
    def test_becomes_an_order_with_the_runs_name_among_the_properties(self) -> None:
        order = judged(
            payload(properties={"product": "widget", "level": "3", "owner": "a@example.com", "parent_task_id": "T"})
        )
        assert order == Order(
            builder="release-linux",
            properties={
                "product": "widget",
                "level": "3",
                "owner": "a@example.com",
                "parent_task_id": "T",
                "taskcluster_task_id": TASK,
                "taskcluster_run_id": 0,
                "taskcluster_group_id": "group",
            },
            sourcestamps=(Sourcestamp(),),
            priority=4,
            reason=f"Taskcluster task {TASK} run 0",
            not_before=AT - timedelta(days=1),
        )

    def test_gets_its_address_where_the_policy_knows_taskcluster(self) -> None:
        order = judged(payload(), policy=replace(POLICY, root_url="https://tc.example.com/"))
        assert isinstance(order, Order)
        assert order.properties["taskcluster_task_url"] == f"https://tc.example.com/tasks/{TASK}/runs/0"

    def test_is_dated_by_what_never_changes(self) -> None:
        late = replace(STATUS, runs=())  # a status of before the run
        order = judge(KEY, payload(), [PREFIX + "release-linux"], late, POLICY)
        assert isinstance(order, Order)
        assert order.not_before < AT

    @pytest.mark.parametrize("value", ["ünïcødé ☃", None, False, 0, -(2**63), 2**63 - 1, 1.5, [1, [2]], {"a": {"b": None}}])
    def test_keeps_every_value_with_its_type(self, value: object) -> None:
        order = judged(payload(properties={"x": value}))
        assert isinstance(order, Order)
        assert order.properties["x"] == value
        assert type(order.properties["x"]) is type(value)


class TestScopes:
    @pytest.mark.parametrize("scope", [PREFIX + "release-linux", PREFIX + "*", PREFIX + "rel*", "*", "buildbot-bridge:*"])
    def test_that_cover_the_builder_admit(self, scope: str) -> None:
        assert isinstance(judged(payload(), scope), Order)

    @pytest.mark.parametrize(
        "scope",
        [PREFIX + "release", PREFIX + "release-linux64", "old:builder-name:release-linux", "x*", PREFIX, "assume:role"],
    )
    def test_that_do_not_cover_it_are_refused_with_the_one_that_is_needed(self, scope: str) -> None:
        assert f"`{PREFIX}release-linux`" in refused(payload(), scope)

    def test_of_an_older_prefix_admit_where_the_policy_knows_it(self) -> None:
        policy = replace(POLICY, scope_prefixes=(PREFIX, "old:builder-name:"))
        assert isinstance(judged(payload(), "old:builder-name:release-linux", policy=policy), Order)
        assert "`old:builder-name:release-linux`" in refused(payload(), "none", policy=policy)

    def test_missing_ones_come_first_and_tell_nothing_of_the_pool(self) -> None:
        assert refused(payload("nightly"), "none") == refused(payload("docs"), "none").replace("docs", "nightly")

    @pytest.mark.parametrize("scope", ["assume:x", "assume:*", "assume*", "a*", "*"])
    def test_with_roles_must_be_expanded(self, scope: str) -> None:
        assert needs_expansion(["x", scope])

    @pytest.mark.parametrize("scope", ["assum", "b*", "assume", "queue:assume:x"])
    def test_without_roles_need_not(self, scope: str) -> None:
        assert not needs_expansion([scope])

    @given(st.text(string.ascii_letters + ":*", max_size=6), st.text(string.ascii_letters + ":*", max_size=6))
    def test_follow_taskclusters_rule(self, scope: str, needed: str) -> None:
        prefix, star, rest = scope.rpartition("*")
        expected = scope == needed or (star == "*" and rest == "" and needed.startswith(prefix))
        assert satisfies([scope], needed) is expected


class TestPolicy:
    @pytest.mark.parametrize(
        ("builder", "admitted"),
        [
            ("release-x", True),
            ("docs", True),
            ("x-release-y", False),
            ("nightly", False),
            ("docs2", False),
            ("Release-x", False),
        ],
    )
    def test_covers_whole_names_and_denies_by_default(self, builder: str, admitted: bool) -> None:
        assert isinstance(judged(payload(builder)), Order) is admitted
        assert isinstance(judged(payload(builder), policy=Policy()), Refusal)

    def test_a_denied_builder_is_refused_although_it_is_allowed(self) -> None:
        assert "may not be used" in refused(payload("docs"), policy=replace(POLICY, denied=("do*",)))

    def test_a_builder_left_alone_is_neither_built_nor_refused(self) -> None:
        policy = replace(POLICY, left_alone=("release-*",))
        assert isinstance(judged(payload(), "no scope at all", policy=policy), LeftAlone)

    @pytest.mark.parametrize("builder", ["re*", "*", "release-\n", "release-é", "", "release-\x7f", "release-\ud800"])
    def test_names_that_are_patterns_or_not_plain_are_refused_whatever_the_scopes(self, builder: str) -> None:
        text = refused(payload(builder), "*", policy=Policy(builders=("*",)))
        assert "`payload.buildername`" in text

    def test_patterns_are_literal_but_for_a_last_star(self) -> None:
        assert matches("a.c", ["a.c"])
        assert not matches("abc", ["a.c"])
        assert not matches("axb", ["a*b"])
        assert not matches("", ["a"])


class TestWhatIsRefusedInProperties:
    @pytest.mark.parametrize(
        ("value", "where", "what"),
        [
            ("a\0b", "payload.properties.x", "NUL"),
            ({"k": ["a", "\ud800"]}, "payload.properties.x.k[1]", "surrogate"),
            ({"\udfff": 1}, "payload.properties.x.\\udfff", "surrogate"),
            (float("nan"), "payload.properties.x", "no number"),
            ([float("-inf")], "payload.properties.x[0]", "no number"),
            (2**63, "payload.properties.x", "64 bits"),
            (-(2**63) - 1, "payload.properties.x", "64 bits"),
            pytest.param(10**5000, "payload.properties.x", "64 bits", id="huge"),
            pytest.param("x" * 600_000, "payload.properties", "bytes", id="long"),
            pytest.param(["é" * 300_000], "payload.properties", "bytes", id="long in bytes"),
        ],
    )
    def test_is_named_with_its_path(self, value: object, where: str, what: str) -> None:
        text = refused(payload(properties={"x": value}))
        assert f"`{where}`" in text
        assert what in text

    def test_depth_counts(self) -> None:
        deep: Any = 1
        for _ in range(19):
            deep = [deep]
        assert isinstance(judged(payload(properties={"x": deep})), Order)
        assert "nested too deeply" in refused(payload(properties={"x": [deep]}))
        for _ in range(100_000):
            deep = [deep]
        assert "nested too deeply" in refused(payload(properties={"x": deep}))

    def test_number_and_length_of_names_count(self) -> None:
        policy = replace(POLICY, limits=Limits(properties=2, name=5))
        assert isinstance(judged(payload(properties={"a": 1, "b" * 5: 2}), policy=policy), Order)
        text = refused(payload(properties={"a": 1, "b" * 6: 2, "c": 3}), policy=policy)
        assert "holds 3 properties" in text
        assert "the name has 6 characters" in text

    @pytest.mark.parametrize("name", ["", "a\nb", "a\x7f", "\ud800"])
    def test_names_must_be_names(self, name: str) -> None:
        assert "payload.properties" in refused(payload(properties={name: 1}))

    @pytest.mark.parametrize("name", sorted(RESERVED))
    def test_reserved_names_are_refused(self, name: str) -> None:
        assert f"`payload.properties.{name}`" in refused(payload(properties={name: "x"}))

    def test_all_problems_are_listed_up_to_a_point(self) -> None:
        text = refused(payload(properties={f"p{number}": "\0" for number in range(400)}))
        assert text.count("NUL") == 20
        assert "and more" in text


class TestSourcestamps:
    def test_codebases_must_differ(self) -> None:
        stamps = (Sourcestamp("a"), Sourcestamp("b"), Sourcestamp("a"))
        assert "`payload.sourcestamps[2].codebase`: 'a' stands in two" in refused(payload("docs", None, *stamps))
        assert isinstance(judged(payload("docs", None, *stamps[:2])), Order)

    @pytest.mark.parametrize(
        "stamp", [Sourcestamp(branch="a\nb"), Sourcestamp(revision="\0"), Sourcestamp(repository="\ud800")]
    )
    def test_their_texts_are_one_line_each(self, stamp: Sourcestamp) -> None:
        assert "`payload.sourcestamps[0]." in refused(payload("docs", None, stamp))


texts = st.text(st.characters(codec=None), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)
stamps = st.builds(Sourcestamp, texts, texts, texts, st.none() | texts, st.none() | texts)


@given(
    texts, st.dictionaries(texts, values, max_size=6), st.lists(stamps, min_size=1, max_size=3), st.lists(texts, max_size=3)
)
def test_nothing_that_a_task_can_say_raises_and_every_refusal_can_be_stored(
    builder: str, properties: Any, given_stamps: list[Sourcestamp], scopes: list[str]
) -> None:
    for granted in (scopes, ["*"]):
        answer = judge(KEY, Payload(builder, properties, tuple(given_stamps)), granted, STATUS, Policy(builders=("*",)))
        if isinstance(answer, Refusal):
            assert answer.reason.encode()
            assert all(character.isprintable() or character == "\n" for character in answer.reason)
            assert len(answer.reason) < 30_000
        else:
            assert isinstance(answer, Order)
            assert answer.properties["taskcluster_task_id"] == TASK
            assert not RESERVED & set(properties)


@given(st.lists(texts, max_size=30))
def test_a_refusal_is_plain_text(problems: list[str]) -> None:
    assert refusal(problems).reason.encode()


def test_what_is_shown_keeps_letters_and_escapes_the_rest() -> None:
    assert shown("é☃\n\0\ud800") == "é☃\\n\\x00\\ud800"
    assert shown("x" * 81) == "x" * 79 + "…"
