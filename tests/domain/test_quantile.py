"""Test the quantiles against published tables."""

import pytest

from chalicelib.domain.quantile import beta_cdf, chi_squared_quantile, f_quantile, student, two_sided

Z95 = 1.959964


@pytest.mark.parametrize(
    ("degrees", "published"),
    [(1, 12.7062), (2, 4.3027), (5, 2.5706), (10, 2.2281), (29, 2.0452), (30, 2.0423), (31, 2.0395), (40, 2.0211),
     (60, 2.0003), (120, 1.9799), (100_000, 1.95999)],
)  # fmt: skip
def test_student_agrees_with_the_table(degrees: int, published: float) -> None:
    assert student(Z95, degrees) == pytest.approx(published, abs=6e-5)


def test_the_series_and_the_root_meet_where_one_takes_over() -> None:
    root = f_quantile(1 - two_sided(Z95), 1, 31) ** 0.5
    assert student(Z95, 31) == pytest.approx(root, abs=1e-6)


@pytest.mark.parametrize(
    ("p", "above", "below", "published"),
    [(0.95, 1, 1, 161.4476), (0.95, 3, 10, 3.7083), (0.975, 5, 20, 3.2891), (0.99, 10, 10, 4.8491),
     (0.95, 2, 120, 3.0718), (0.95, 10, 1, 241.8817), (0.05, 10, 3, 1 / 3.7083)],
)  # fmt: skip
def test_f_agrees_with_the_table(p: float, above: int, below: int, published: float) -> None:
    assert f_quantile(p, above, below) == pytest.approx(published, rel=2e-5)


@pytest.mark.parametrize(
    ("p", "degrees", "published"),
    [(0.95, 1, 3.8415), (0.95, 2, 5.9915), (0.95, 10, 18.3070), (0.025, 10, 3.2470), (0.975, 100, 129.5612),
     (0.025, 1, 0.000982), (0.995, 30, 53.6720)],
)  # fmt: skip
def test_chi_squared_agrees_with_the_table(p: float, degrees: int, published: float) -> None:
    assert chi_squared_quantile(p, degrees) == pytest.approx(published, abs=6e-5)


def test_f_tends_to_chi_squared_over_its_degrees() -> None:
    assert f_quantile(0.975, 4, 1_000_000) == pytest.approx(chi_squared_quantile(0.975, 4) / 4, rel=1e-5)


def test_the_incomplete_beta_is_zero_and_one_at_its_ends_and_plain_where_it_is_plain() -> None:
    assert (beta_cdf(0, 2, 3), beta_cdf(1, 2, 3)) == (0.0, 1.0)
    assert beta_cdf(0.3, 1, 1) == pytest.approx(0.3)
    assert beta_cdf(0.4, 2, 2) == pytest.approx(3 * 0.4**2 - 2 * 0.4**3)


def test_two_sided_is_five_percent_at_the_contracts_z() -> None:
    assert two_sided(Z95) == pytest.approx(0.05, abs=1e-8)
    assert two_sided(-Z95) == two_sided(Z95)
    assert two_sided(0) == 1
