"""Turn counts into scores, each with its number of answers and its interval."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chalicelib.domain.quantile import student, two_sided

Z95 = 1.959964
PROMOTER_MIN = 9
DETRACTOR_MAX = 6
CSAT_HIGH_MIN = 4
CES_HIGH_MIN = 5
CES_LOWEST, CES_HIGHEST = 1, 7

# Each bucket of durations ends 5 % above its beginning; its middle is off by at most 2.5 %.
BUCKET_RATIO = 1.05
DURATION_SECONDS_MAX = 10 * 366 * 86_400
_LOG_RATIO = math.log(BUCKET_RATIO)
BUCKET_MAX = 1 + int(math.log(DURATION_SECONDS_MAX) / _LOG_RATIO)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with the number it rests on and its interval, all in the unit that its function states.

    Without data all but `n` is None; with data too few for any interval only `low` and `high` are.
    """

    n: int
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Change:
    """The step from one period to another: `value` is after minus before, with its interval and its test.

    What too few answers leave open is None; then `p` is 1 and nothing is significant.
    """

    value: float | None
    low: float | None
    high: float | None
    se: float | None
    z: float | None
    p: float
    significant: bool


NOTHING = Estimate(0, None, None, None)
UNKNOWN = Change(None, None, None, None, None, 1.0, False)


# Shares


def wilson(successes: int, n: int, z: float = Z95) -> tuple[float, float]:
    """Return the interval of a share, 0 to 1 (Wilson 1927); without trials all of it.

    (p + z²/2n ± z·√(p(1-p)/n + z²/4n²)) / (1 + z²/n)

    >>> [round(bound, 3) for bound in wilson(1, 10)]
    [0.018, 0.404]
    """
    if n <= 0:
        return 0.0, 1.0
    p = successes / n
    centre = p + z * z / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + (z / (2 * n)) ** 2)
    low, high = (centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n)
    # Exact at the ends, where rounding would else leave the share itself outside.
    return (0.0 if successes == 0 else min(low, p)), (1.0 if successes == n else max(high, p))


def share(successes: int, n: int, z: float = Z95) -> Estimate:
    """Return 100·successes/n in percent, with Wilson's interval.

    >>> share(74, 107).value
    69.1588785046729
    """
    successes, n = _seen(successes, n)
    if not n:
        return NOTHING
    low, high = wilson(successes, n, z)
    return Estimate(n, 100 * successes / n, 100 * low, 100 * high)


def csat(counts: Mapping[int, int], z: float = Z95) -> Estimate:
    """Return CSAT in percent: the share of ratings 4 and 5 on 1-5 (top two boxes), with Wilson's interval."""
    return share(*at_least(counts, CSAT_HIGH_MIN), z)


def ces(counts: Mapping[int, int], z: float = Z95) -> Estimate:
    """Return CES in percent: the share of ratings 5, 6 and 7 on 1-7 (CES 2.0, CEB 2013), with Wilson's interval."""
    return share(*at_least(counts, CES_HIGH_MIN), z)


def at_least(counts: Mapping[int, int], lowest: int) -> tuple[int, int]:
    """Return how many ratings are `lowest` or more, and how many there are: what `share_change` compares."""
    return _sum(counts, lowest, math.inf), _sum(counts, -math.inf, math.inf)


# Net Promoter Score


def nps(counts: Mapping[int, int], z: float = Z95) -> Estimate:
    """Return the Net Promoter Score in points, -100 to 100: 100·(promoters - detractors)/n.

    Promoters rate 9-10, passives 7-8, detractors 0-6 (Reichheld 2003). Interval by adjusted Wald (Rocks 2016):
    three quarters of a promoter and of a detractor and one and a half passives are added, and the ends clipped to
    ±100. With one single answer the interval is stretched to reach it.
    """
    groups = _Groups.of(counts)
    if not groups.n:
        return NOTHING
    value, adjusted = groups.points, groups.adjusted()
    low, high = _around(adjusted.points, z * math.sqrt(adjusted.variance), (-100.0, 100.0))
    return Estimate(round(groups.n), value, min(low, value), max(high, value))


def nps_change(before: Mapping[int, int], after: Mapping[int, int], z: float = Z95) -> Change:
    """Return the change of the Net Promoter Score in points, -200 to 200, tested by Wald's z.

    se = 100·√(v₁/n₁ + v₂/n₂) where v = P + D - (P - D)². Where one period shows no spread at all (everybody a
    promoter, say) v would be 0 and any change certain, so both periods are then adjusted as in `nps`, for the
    interval and for the test.
    """
    first, second = _Groups.of(before), _Groups.of(after)
    if not (first.n and second.n):
        return UNKNOWN
    value = shift = second.points - first.points
    if not (first.variance and second.variance):
        first, second = first.adjusted(), second.adjusted()
        shift = second.points - first.points
    se = math.sqrt(first.variance + second.variance)
    low, high = _around(shift, z * se, (-200.0, 200.0))
    # Adjusting pulls a small period towards 0 and may turn the sign: that is no change in either direction.
    statistic = shift / se if shift * value > 0 else 0.0
    return _tested(value, (min(low, value), max(high, value)), se, statistic, z)


@dataclass(frozen=True, slots=True)
class _Groups:
    promoters: float
    passives: float
    detractors: float

    @classmethod
    def of(cls, counts: Mapping[int, int]) -> "_Groups":
        return cls(
            _sum(counts, PROMOTER_MIN, math.inf),
            _sum(counts, DETRACTOR_MAX + 1, PROMOTER_MIN - 1),
            _sum(counts, -math.inf, DETRACTOR_MAX),
        )

    def adjusted(self) -> "_Groups":
        return _Groups(self.promoters + 0.75, self.passives + 1.5, self.detractors + 0.75)

    @property
    def n(self) -> float:
        return self.promoters + self.passives + self.detractors

    @property
    def points(self) -> float:
        return 100 * (self.promoters - self.detractors) / self.n

    @property
    def variance(self) -> float:
        """The variance of `points`, in points²; exactly 0 when all are of one group."""
        if self.n in (self.promoters, self.passives, self.detractors):
            return 0.0
        net = (self.promoters - self.detractors) / self.n
        return 1e4 * ((self.promoters + self.detractors) / self.n - net * net) / self.n


# Means


def ces_mean(counts: Mapping[int, int], z: float = Z95) -> Estimate:
    """Return the mean Customer Effort Score, 1 to 7, with Student's interval clipped to the scale.

    mean ± t·s/√n, with n - 1 degrees of freedom. One answer leaves the whole scale open. When all n are equal,
    s tells nothing: then as many as Wilson allows may think otherwise, at worst at the scale's ends.
    """
    n = _sum(counts, -math.inf, math.inf)
    total = sum(rating * max(0, count) for rating, count in counts.items())
    squares = sum(rating * rating * max(0, count) for rating, count in counts.items())
    if n == 1:
        return Estimate(1, float(total), float(CES_LOWEST), float(CES_HIGHEST))
    return _mean(total, squares, n, z, within=(CES_LOWEST, CES_HIGHEST), strays=CES_HIGHEST - CES_LOWEST)


def mean_of(total: float, squares: float, n: int, z: float = Z95) -> Estimate:
    """Return the mean per case of a count that is never negative (hand-offs, returns), from its sum and sum of squares.

    mean ± t·s/√n, with n - 1 degrees of freedom, clipped at 0; of one case there is no interval. When all n are equal,
    as many as Wilson allows may differ, by one: 100 cases without a hand-off leave up to 0.037.
    """
    if n == 1:
        return Estimate(1, float(total), None, None)
    return _mean(total, squares, n, z, within=(0, math.inf), strays=1)


def _mean(total: float, squares: float, n: int, z: float, *, within: tuple[float, float], strays: float) -> Estimate:
    if n <= 0:
        return NOTHING
    value = total / n
    variance = (n * squares - total * total) / (n * (n - 1))
    if variance > 1e-12 * max(1.0, value * value):
        low, high = _around(value, student(z, n - 1) * math.sqrt(variance / n), within)
    else:
        others = 1 - wilson(n, n, z)[0]
        low, high = value - others * min(strays, value - within[0]), value + others * min(strays, within[1] - value)
    return Estimate(n, value, low, high)


# Durations


def bucket_of(seconds: float) -> int:
    """Return the bucket that counts a duration: 0 below one second, else k from 1.05^(k-1) up to 1.05^k seconds.

    Negative durations (clocks apart) count as 0, those above ten years as ten years.

    >>> bucket_of(3600)
    168
    """
    if seconds < 1:
        return 0
    return min(BUCKET_MAX, 1 + int(math.log(seconds) / _LOG_RATIO))


def seconds_of(bucket: int) -> float:
    """Return the duration in seconds that stands for a bucket, its geometric middle: at most 2.5 % off; 0 is 0."""
    return BUCKET_RATIO ** (bucket - 0.5) if bucket > 0 else 0.0


def median_seconds(histogram: Mapping[int, int], z: float = Z95) -> Estimate:
    """Return the median in seconds of durations counted by `bucket_of`; buckets are 5 % wide.

    The interval holds for any distribution: from the beginning of the bucket of rank n/2 - z√n/2 to the end of that
    of rank 1 + n/2 + z√n/2, ranks rounded (Campbell & Gardner 1988). Under 6 durations no two ranks enclose the median
    at 95 %: no interval.
    """
    n = _sum(histogram, -math.inf, math.inf)
    if not n:
        return NOTHING
    value = (seconds_of(_ranked(histogram, (n + 1) // 2)) + seconds_of(_ranked(histogram, n // 2 + 1))) / 2
    lower, upper = round((n - z * math.sqrt(n)) / 2), round(1 + (n + z * math.sqrt(n)) / 2)
    if lower < 1:
        return Estimate(n, value, None, None)
    low, high = _ranked(histogram, lower), _ranked(histogram, upper)
    return Estimate(n, value, BUCKET_RATIO ** (low - 1) if low > 0 else 0.0, BUCKET_RATIO**high)


def _ranked(histogram: Mapping[int, int], rank: int) -> int:
    bucket = 0
    for bucket in sorted(histogram):
        rank -= max(0, histogram[bucket])
        if rank <= 0:
            break
    return bucket


# Changes


def share_change(before: tuple[int, int], after: tuple[int, int], z: float = Z95) -> Change:
    """Return the change of a share in percentage points, each period given as (successes, n).

    Interval by Newcombe's hybrid of Wilson's bounds (1998, method 10); tested by z with the pooled share, `se` too.
    """
    (k1, n1), (k2, n2) = _seen(*before), _seen(*after)
    if not (n1 and n2):
        return UNKNOWN
    value = 100 * (k2 / n2 - k1 / n1)
    pooled = (k1 + k2) / (n1 + n2)
    se = 100 * math.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
    return _tested(value, _apart(share(k1, n1, z), share(k2, n2, z)), se, value / se if se else 0.0, z)


def estimate_change(before: Estimate, after: Estimate, z: float = Z95) -> Change:
    """Return the change between two independent estimates (means, medians) in their unit.

    The interval is recovered from theirs (MOVER, Zou & Donner 2008); `se` is its arm towards 0 divided by z, so that
    the test and the interval say the same.
    """
    if before.value is None or after.value is None:
        return UNKNOWN
    value = after.value - before.value
    if before.low is None or after.low is None:
        return Change(value, None, None, None, None, 1.0, False)
    low, high = _apart(before, after)
    se = (value - low if value > 0 else high - value) / z
    return _tested(value, (low, high), se, value / se if se else 0.0, z)


def holm(p_values: Sequence[float], alpha: float = 0.05) -> list[bool]:
    """Say which of many tests hold together: at most `alpha` that any of them is noise (Holm 1979).

    >>> holm([0.01, 0.04, 0.03])
    [True, False, False]
    """
    holds = [False] * len(p_values)
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if p_values[place] > alpha / (len(p_values) - rank):
            break
        holds[place] = True
    return holds


def _apart(before: Estimate, after: Estimate) -> tuple[float, float]:
    """Return the interval of after - before from the two intervals (square-and-add)."""
    (m1, l1, u1), (m2, l2, u2) = _bounds(before), _bounds(after)
    return m2 - m1 - math.hypot(m2 - l2, u1 - m1), m2 - m1 + math.hypot(u2 - m2, m1 - l1)


def _bounds(estimate: Estimate) -> tuple[float, float, float]:
    value, low, high = estimate.value, estimate.low, estimate.high
    if value is None or low is None or high is None:
        raise ValueError("an estimate without interval cannot be compared")
    return value, low, high


def _tested(value: float, bounds: tuple[float, float], se: float, statistic: float, z: float) -> Change:
    p = two_sided(statistic)
    return Change(value, *bounds, se, statistic, p, p < two_sided(z))


# Counts


def _around(centre: float, half: float, within: tuple[float, float]) -> tuple[float, float]:
    return max(within[0], centre - half), min(within[1], centre + half)


def _sum(counts: Mapping[int, int], lowest: float, highest: float) -> int:
    # A correction may be read before what it corrects: a count below zero is one not seen yet, never an error page.
    return sum(max(0, count) for rating, count in counts.items() if lowest <= rating <= highest)


def _seen(successes: int, n: int) -> tuple[int, int]:
    n = max(0, n)
    return min(max(0, successes), n), n
