"""Say how far the people of one team differ: "it depends on who serves you"."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.quantile import chi_squared_quantile, f_quantile, two_sided
from chalicelib.domain.score import NOTHING, Z95, Estimate


def between_deviation(people: Sequence[tuple[int, float, float]], z: float = Z95) -> Estimate:
    """Return the standard deviation between people, in rating points, chance within each person set aside.

    Each person is (ratings, their sum, their sum of squares); `n` is the number of ratings. One-way random effects,
    ANOVA estimator √max(0, (MSB - MSW)/n₀) (Searle, Casella & McCulloch 1992, ch. 3). Interval by Tukey and Williams
    on the means of people, unweighted, with their harmonic n (Thomas & Hultquist 1978), truncated at 0. Under two
    people, or with one rating each, nothing can be said of it.
    """
    groups = [group for group in people if group[0] > 0]
    ratings = sum(n for n, _, _ in groups)
    if len(groups) < 2 or ratings <= len(groups):
        return Estimate(ratings, None, None, None) if ratings else NOTHING
    spread = _Spread.of(groups)
    value = math.sqrt(max(0.0, spread.between - spread.within) / spread.weighted_n)
    low, high = _interval(spread, two_sided(z) / 2)
    return Estimate(ratings, value, min(low, value), max(high, value))


@dataclass(frozen=True, slots=True)
class _Spread:
    people: int
    spare: int
    within: float
    between: float
    weighted_n: float
    between_means: float
    harmonic_n: float

    @classmethod
    def of(cls, groups: Sequence[tuple[int, float, float]]) -> "_Spread":
        people, ratings = len(groups), sum(n for n, _, _ in groups)
        inside = sum(max(0.0, squares - total * total / n) for n, total, squares in groups)
        mean = sum(total for _, total, _ in groups) / ratings
        plain_mean = sum(total / n for n, total, _ in groups) / people
        harmonic_n = people / sum(1 / n for n, _, _ in groups)
        return cls(
            people=people,
            spare=ratings - people,
            within=inside / (ratings - people),
            between=sum(n * (total / n - mean) ** 2 for n, total, _ in groups) / (people - 1),
            weighted_n=(ratings - sum(n * n for n, _, _ in groups) / ratings) / (people - 1),
            between_means=harmonic_n * sum((total / n - plain_mean) ** 2 for n, total, _ in groups) / (people - 1),
            harmonic_n=harmonic_n,
        )


def _interval(spread: _Spread, tail: float) -> tuple[float, float]:
    return _bound(spread, 1 - tail), _bound(spread, tail)


def _bound(spread: _Spread, p: float) -> float:
    degrees = spread.people - 1
    noise = spread.within * f_quantile(p, degrees, spread.spare)
    excess = max(0.0, spread.between_means - noise) * degrees / chi_squared_quantile(p, degrees)
    return math.sqrt(excess / spread.harmonic_n)
