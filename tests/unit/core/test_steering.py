"""What operators stop, and what a run is told that waits for it."""

import pytest

from bridge.core.steering import LIFT, Stop, StopKind, is_stop, stopping

PAUSED = Stop(StopKind.PAUSED, "linux", "build-*", "alice", "the disk is full")
DENIED = Stop(StopKind.DENIED, "", "build-1", "bob", "stolen key")
DRAINING = Stop(StopKind.DRAINING, "", "*", "carol", "upgrade")


@pytest.mark.parametrize(
    ("stops", "pool", "builder", "found"),
    [
        ([], "linux", "build-1", None),
        ([PAUSED], "linux", "build-2", PAUSED),
        ([PAUSED], "linux", "test", None),
        ([PAUSED], "windows", "build-2", None),
        ([DENIED], "windows", "build-1", DENIED),
        ([DENIED], "windows", "build-11", None),
        ([PAUSED, DENIED], "linux", "build-1", DENIED),
        ([DRAINING, PAUSED], "linux", "build-2", PAUSED),
        ([DRAINING], "anything", "at all", DRAINING),
    ],
)
def test_a_stop_covers_its_pool_and_its_builders(stops: list[Stop], pool: str, builder: str, found: Stop | None) -> None:
    assert stopping(stops, pool, builder) == found


def test_the_reason_says_who_why_what_and_how_it_is_lifted() -> None:
    assert PAUSED.words == "paused by alice: the disk is full (builder build-* of pool linux; `bbb resume` lifts it)"
    assert DRAINING.words == "draining by carol: upgrade (all builders of all pools; `bbb drain --end` lifts it)"
    assert "\n" not in Stop(StopKind.DENIED, "", "b", "x\ny", "two\nlines").words


@pytest.mark.parametrize("stop", [PAUSED, DENIED, DRAINING])
def test_what_waits_for_a_stop_is_known_by_its_words(stop: Stop) -> None:
    assert is_stop(stop.words)
    assert not is_stop(f"the plugin said: {stop.words}")
    assert not is_stop("builder x has 9 pending requests")


def test_each_kind_is_lifted_by_a_command() -> None:
    assert set(LIFT) == set(StopKind)
