"""Waits double, are spread, end at half a minute, and obey what the other side asks for."""

from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from bridge.engine.backoff import FIRST, LONGEST, Backoff

AT = datetime(2026, 3, 1, tzinfo=UTC)


def _wait(seed: int, attempts: int, retry_after: float | None = None) -> float:
    return (Backoff(Random(seed)).until(AT, attempts, retry_after) - AT) / timedelta(seconds=1)


@given(st.integers(), st.integers(0, 10_000))
def test_a_wait_is_at_least_half_of_its_step_and_never_more_than_the_longest(seed: int, attempts: int):
    step = min(LONGEST, FIRST * 2 ** min(attempts, 10))
    assert step / 2 - 1e-5 <= _wait(seed, attempts) <= step <= LONGEST


@given(st.integers(), st.integers(0, 100), st.floats(0, 3600))
def test_what_the_other_side_asks_for_is_waited_at_least(seed: int, attempts: int, asked: float):
    assert _wait(seed, attempts, asked) >= asked - 1e-5


def test_two_that_failed_together_do_not_come_back_together():
    waits = {_wait(seed, 6) for seed in range(100)}
    assert len(waits) == 100
