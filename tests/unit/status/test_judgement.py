"""Healthy or not, by value: each sign alone, and the worst of many."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bridge.core.ledger import Letter, Oldest, Server, Swept
from bridge.status.judgement import Signs, judged
from bridge.stuck import CAUSES

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
ALIVE = Server("reflector-1", "reflector", "1.0", ("linux",), NOW, NOW, alive=True)
WELL = Signs([ALIVE], {("linux", "building"): 3}, Oldest(NOW, NOW + timedelta(minutes=9), NOW), (), (), (), more=False)
SWEPT = Swept("pending", "reflector-1", NOW, NOW, 3, "HTTP 503")
LETTER = Letter(1, NOW - timedelta(hours=2), "x", "x", "not JSON", 1, "0", b"x")
GONE = replace(ALIVE, name="reflector-2", alive=False, seen_at=NOW - timedelta(minutes=10))


def test_nothing_wrong_is_well() -> None:
    assert (judged(WELL, NOW).state, judged(WELL, NOW).problems) == ("well", [])


@pytest.mark.parametrize(
    ("signs", "severity", "name"),
    [
        (replace(WELL, servers=()), "ill", "nobody_serves"),
        (replace(WELL, servers=[GONE]), "ill", "nobody_serves"),
        (replace(WELL, servers=[replace(ALIVE, service="buildbot-listener")]), "ill", "no_reflector"),
        (replace(WELL, runs={("dropped", "wanted"): 1}), "ill", "pool_unserved"),
        (replace(WELL, oldest=Oldest(NOW - timedelta(seconds=61), None, None)), "ill", "late"),
        (replace(WELL, oldest=Oldest(None, NOW, None)), "ill", "claim_over"),
        (replace(WELL, oldest=Oldest(None, NOW + timedelta(minutes=4), None)), "ill", "claim_ends_soon"),
        (replace(WELL, stuck=["calls_fail"]), "ill", "stuck_calls_fail"),
        (replace(WELL, stuck=["builder_full"]), "look", "stuck_builder_full"),
        (replace(WELL, servers=[ALIVE, GONE]), "look", "process_gone"),
        (replace(WELL, sweeps=[SWEPT]), "look", "sweep_failed"),
        (replace(WELL, letters=[LETTER]), "look", "dead_letters"),
    ],
)
def test_each_sign_is_told_with_what_to_do(signs: Signs, severity: str, name: str) -> None:
    found = judged(signs, NOW)
    assert found.state == severity
    told = {problem.name: problem for problem in found.problems}[name]
    assert told.severity == severity
    assert told.what.endswith(".")
    assert told.mend.endswith(".")


def test_what_was_long_ago_is_no_news() -> None:
    old = replace(
        WELL,
        servers=[ALIVE, replace(GONE, seen_at=NOW - timedelta(hours=2))],
        letters=[replace(LETTER, at=NOW - timedelta(days=2))],
        oldest=Oldest(NOW - timedelta(seconds=59), NOW + timedelta(minutes=5), NOW - timedelta(days=1)),
    )
    assert judged(old, NOW).state == "well"


def test_the_worst_comes_first_and_runs_are_counted() -> None:
    found = judged(replace(WELL, letters=[LETTER], stuck=["builder_full", "calls_fail", "calls_fail"]), NOW)
    assert [problem.name for problem in found.problems] == ["stuck_calls_fail", "stuck_builder_full", "dead_letters"]
    assert found.problems[0].what == f"2 runs: {CAUSES['calls_fail'].what}"
    assert found.problems[1].what.startswith("1 run: ")
    more = judged(replace(WELL, stuck=["calls_fail"], more=True), NOW)
    assert more.problems[0].what.startswith("1 or more runs: ")
