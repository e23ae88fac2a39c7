"""What the bench says of its samples."""

import pytest

from tests.bench.report import Figure, Part, summary
from tests.bench.samples import exponent, interval, quantile, ratio


def test_a_ratio_is_taken_pair_by_pair_so_that_a_slow_minute_counts_for_both() -> None:
    theirs = [1.0, 1.1, 5.0, 1.05, 4.0, 1.0, 0.9, 1.2]
    found = ratio([2 * value for value in theirs], theirs)
    assert (found.low, found.middle, found.high) == (2.0, 2.0, 2.0)


def test_the_interval_holds_the_middle_and_is_the_same_each_time() -> None:
    values = [1.0, 1.3, 0.9, 1.1, 1.6, 1.2, 1.0, 1.4, 1.1]
    found = interval(values)
    assert found.low < found.middle < found.high
    assert found == interval(values)


def test_the_power_of_n_is_one_for_what_grows_with_n_and_two_for_its_square() -> None:
    sizes = [1e3, 1e4, 1e5]
    assert exponent(sizes, [3 * size for size in sizes]) == pytest.approx(1)
    assert exponent(sizes, [size * size for size in sizes]) == pytest.approx(2)


def test_a_quantile_is_one_of_the_values() -> None:
    assert [quantile([3.0, 1.0, 2.0, 4.0], share) for share in (0.01, 0.5, 0.99)] == [1.0, 2.0, 4.0]


@pytest.mark.parametrize(
    ("figure", "verdict"),
    [
        (Figure("calls", 50, "", exact=50), "ok"),
        (Figure("calls", 51, "", exact=50), "BROKEN"),
        (Figure("ratio", 1.6, "×", low=1.4, high=1.8, bound=1.5), "ok"),
        (Figure("ratio", 1.6, "×", low=1.55, high=1.8, bound=1.5), "BROKEN"),
        (Figure("ratio", 1.3, "×", low=1.2, high=1.4, goal=1.2, bound=1.5), "missed"),
        (Figure("memory", 130, "MiB", bound=128), "BROKEN"),
        (Figure("told", 3, "ms"), ""),
    ],
)
def test_a_bound_is_broken_only_beyond_the_noise(figure: Figure, verdict: str) -> None:
    assert figure.verdict == verdict


def test_the_summary_names_what_is_broken() -> None:
    part = Part("calls", "Calls")
    part.add("claimTask", 2, "calls", exact=1)
    part.add("reportCompleted", 1, "calls", exact=1)
    assert summary([part], 3.2)["broken"] == ["calls: claimTask is 2"]
