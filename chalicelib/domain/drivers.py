"""Say which touchpoints drive the rating, from sums and products alone."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

DRIVERS_MAX = 8  # 2^8 regressions in some milliseconds; each more doubles them
_SPANNED = 1e-9  # share of a rating's own variance under which the others say it all

Matrix = list[list[float]]


@dataclass(frozen=True, slots=True)
class Moments:
    """Sums over answers in which everything named was rated, the outcome first.

    `products` is the upper triangle with its diagonal, row by row: (0, 0), (0, 1) … (1, 1), (1, 2) …
    """

    names: tuple[str, ...]
    n: int
    sums: tuple[float, ...]
    products: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Drivers:
    """Each driver's share of the variance explained, 0 to 1; together they are `r2`. Correlation is not cause."""

    n: int
    r2: float | None
    shares: dict[str, float]


def moments(rows: Sequence[Sequence[float]], names: Sequence[str]) -> Moments:
    """Add up rows of ratings, each in the order of `names`."""
    columns = range(len(names))
    return Moments(
        names=tuple(names),
        n=len(rows),
        sums=tuple(sum(row[i] for row in rows) for i in columns),
        products=tuple(sum(row[i] * row[j] for row in rows) for i, j in combinations_with_replacement(columns, 2)),
    )


def general_dominance(moments: Moments) -> Drivers:
    """Return each driver's mean gain in R² over all orders of entry (Shapley, LMG; Budescu 1993), 0 to 1.

    A driver that never varies has no share; one that others span shares with them, twins equally.
    No result when the outcome never varies, or when answers are not more than drivers + 1.
    Raises ValueError above `DRIVERS_MAX` drivers.
    """
    names = moments.names[1:]
    if len(names) > DRIVERS_MAX:
        raise ValueError(f"at most {DRIVERS_MAX} drivers, not {len(names)}")
    correlations = _correlations(moments)
    if not names or moments.n <= len(names) + 1 or not correlations[0][0]:
        return Drivers(moments.n, None, {})
    r2 = _r2_of_subsets(correlations)
    return Drivers(moments.n, r2[-1], {name: _mean_gain(r2, place) for place, name in enumerate(names)})


def _correlations(moments: Moments) -> Matrix:
    """Return the correlation matrix; a row of zeros for what never varies."""
    size, n, sums = len(moments.names), moments.n, moments.sums
    matrix = [[0.0] * size for _ in range(size)]
    for (i, j), product in zip(combinations_with_replacement(range(size), 2), moments.products, strict=True):
        # n·Σxy - Σx·Σy is exact for whole ratings; dividing first would lose digits.
        matrix[i][j] = matrix[j][i] = n * product - sums[i] * sums[j]
    scales = [math.sqrt(matrix[i][i]) if matrix[i][i] > _SPANNED * sums[i] * sums[i] else math.inf for i in range(size)]
    return [[matrix[i][j] / (scales[i] * scales[j]) for j in range(size)] for i in range(size)]


def _r2_of_subsets(correlations: Matrix) -> list[float]:
    """Return R² by bit mask of drivers: bit 0 is the first driver."""
    residuals = [correlations]
    for place in range(1, len(correlations)):
        residuals += [_without(matrix, place) for matrix in residuals]
    return [min(1.0, max(0.0, 1 - matrix[0][0])) for matrix in residuals]


def _without(matrix: Matrix, pivot: int) -> Matrix:
    """Return what is left of each rating's variance once the pivot's part is taken out; all of it, if that is spanned.

    Entry by entry this is Gaussian elimination; the variances on the diagonal began at 1.
    """
    if matrix[pivot][pivot] <= _SPANNED:
        return matrix
    weights = [value / matrix[pivot][pivot] for value in matrix[pivot]]
    return [[value - row[pivot] * weight for value, weight in zip(row, weights, strict=True)] for row in matrix]


def _mean_gain(r2: Sequence[float], place: int) -> float:
    """Average a driver's gain over the subsets of one size, then over sizes."""
    drivers, bit = len(r2).bit_length() - 1, 1 << place
    gain = 0.0
    for subset in range(len(r2)):
        if not subset & bit:
            gain += (r2[subset | bit] - r2[subset]) / (drivers * math.comb(drivers - 1, subset.bit_count()))
    return max(0.0, gain)
