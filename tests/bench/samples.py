"""What can be said of samples on a noisy machine: medians with bootstrap intervals, quantiles, slopes. Pure."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

RESAMPLES = 2000
_SURE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A middle value, and between which it lies in 95 of 100 cases."""

    middle: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.middle:.3g} ({self.low:.3g} to {self.high:.3g})"


def interval(values: Sequence[float], seed: int = 1) -> Interval:
    """The median, with the bootstrap's percentile interval. Equal for equal values."""
    chance = random.Random(seed)
    medians = sorted(median(chance.choices(values, k=len(values))) for _ in range(RESAMPLES))
    edge = round(RESAMPLES * (1 - _SURE) / 2)
    return Interval(median(values), medians[edge], medians[-1 - edge])


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Interval:
    """Ours over theirs, pair by pair."""
    return interval([one / other for one, other in zip(ours, theirs, strict=True)])


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest of the values below which, or at which, this share of them lies."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """The power of the size with which the cost grows: 1 is linear, 0 does not depend on it. Least squares of logarithms."""
    xs, ys = [math.log(size) for size in sizes], [math.log(cost) for cost in costs]
    middle_x, middle_y = sum(xs) / len(xs), sum(ys) / len(ys)
    above = sum((x - middle_x) * (y - middle_y) for x, y in zip(xs, ys, strict=True))
    return above / sum((x - middle_x) ** 2 for x in xs)
