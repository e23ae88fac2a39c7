"""Limits and lives of the files that a build gives away."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.outputs import OutputLimits, expires, refused
from bridge.core.record import Output
from tests.unit.core.samples import AT


def output(number: int, size: int, lifetime: int | None = None) -> Output:
    return Output(number, f"public/build/{number}", "text/plain", lifetime, mandatory=True, size=size, sha256="")


@pytest.mark.parametrize(
    ("limits", "over", "said"),
    [
        (OutputLimits(files=2), {2, 3}, "2 files"),
        (OutputLimits(file_bytes=10), {3}, "11 bytes, and the pool allows 10"),
        (OutputLimits(total_bytes=12), {1, 2, 3}, "12 bytes of one build"),
        (OutputLimits(), set(), ""),
    ],
)
def test_what_is_over_a_limit_is_named_with_the_limit(limits: OutputLimits, over: set[int], said: str):
    found = refused([output(0, 9), output(1, 10), output(2, 10), output(3, 11)], limits)
    assert set(found) == over
    assert all(said in why for why in found.values())


@given(st.lists(st.integers(0, 100), max_size=20), st.integers(0, 10), st.integers(0, 100), st.integers(0, 400))
def test_what_is_taken_is_within_all_limits_and_nothing_is_refused_without_need(sizes, files, single, total):
    outputs = [output(number, size) for number, size in enumerate(sizes)]
    over = refused(outputs, OutputLimits(files, single, total))
    taken = [each.size for each in outputs if each.number not in over]
    assert len(taken) <= files
    assert sum(taken) <= total
    assert max(taken, default=0) <= single
    fits = len(sizes) <= files and sum(sizes) <= total and max(sizes, default=0) <= single
    assert bool(over) != fits


@pytest.mark.parametrize(("lifetime", "days"), [(None, 30), (86_400, 1), (90 * 86_400, 30)])
def test_an_artifact_never_outlives_its_task(lifetime: int | None, days: int):
    assert expires(output(0, 1, lifetime), AT, AT + timedelta(days=30)) == AT + timedelta(days=days)
