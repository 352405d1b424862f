"""Give the quantiles of Student's t, chi-squared and F that intervals need, from the standard library alone."""

import math
from collections.abc import Callable
from functools import lru_cache

_STEPS_MAX = 200  # halvings and terms; a double is exhausted long before
_TINY = 1e-300
_PRECISION = 1e-15
_FEW_DEGREES = 30  # above it the series for t is right to 7 digits and 100 times cheaper


def two_sided(z: float) -> float:
    """Return P(|Z| > z) of a standard normal: 0.05 for 1.959964."""
    return math.erfc(abs(z) / math.sqrt(2))


@lru_cache(maxsize=256)
def student(z: float, degrees: int) -> float:
    """Return the t that as many values exceed on either side as exceed `z` in a normal distribution.

    Up to 30 degrees of freedom the root of an F quantile (t² is F with 1 and `degrees`), above it the series
    of Abramowitz & Stegun 26.7.5.

    >>> round(student(1.959964, 10), 4)
    2.2281
    """
    if degrees <= _FEW_DEGREES:
        return math.sqrt(f_quantile(1 - two_sided(z), 1, degrees))
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    fourth = (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160
    return z + first / degrees + second / degrees**2 + third / degrees**3 + fourth / degrees**4


@lru_cache(maxsize=256)
def f_quantile(p: float, above: int, below: int) -> float:
    """Return the value that F with `above` and `below` degrees of freedom stays under with probability `p`."""
    share = _root(lambda x: beta_cdf(x, above / 2, below / 2), p)
    return below * share / (above * max(1 - share, _TINY))


@lru_cache(maxsize=256)
def chi_squared_quantile(p: float, degrees: int) -> float:
    """Return the value that chi-squared with `degrees` of freedom stays under with probability `p`."""
    top = degrees + 20 * math.sqrt(degrees) + 100  # beyond it less than 1e-20 is left
    return 2 * top * _root(lambda x: _gamma_cdf(x * top, degrees / 2), p)


def beta_cdf(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b), by Lentz's continued fraction (DLMF 8.17.22)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):  # the fraction converges fast on one side only
        return 1 - beta_cdf(1 - x, b, a)
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(scale) / (a * _beta_fraction(x, a, b))


def _beta_fraction(x: float, a: float, b: float) -> float:
    value, upper, lower = 1.0, 1.0, 0.0
    for step in range(1, 20 * _STEPS_MAX):
        term = _beta_term(step, x, a, b)
        lower = 1 / _nonzero(1 + term * lower)
        upper = _nonzero(1 + term / upper)
        value *= upper * lower
        if abs(upper * lower - 1) < _PRECISION:
            break
    return value


def _beta_term(step: int, x: float, a: float, b: float) -> float:
    m = step // 2
    if step % 2:
        return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
    return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))


def _nonzero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def _gamma_cdf(x: float, a: float) -> float:
    """Return the regularised lower incomplete gamma function P(a, x), by its series (DLMF 8.7.1)."""
    if x <= 0:
        return 0.0
    term = total = 1 / a
    step = 0
    while term > total * _PRECISION:
        step += 1
        term *= x / (a + step)
        total += term
    return min(1.0, total * math.exp(a * math.log(x) - x - math.lgamma(a)))


def _root(rising: Callable[[float], float], target: float) -> float:
    """Return where in [0, 1] a rising function reaches `target`, by halving."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS_MAX):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if rising(middle) < target else (low, middle)
    return (low + high) / 2
