"""Test how the people of one team are said to differ."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.consistency import between_deviation
from chalicelib.domain.score import NOTHING

quick = settings(max_examples=40, deadline=None, derandomize=True, database=None)
people = st.lists(st.lists(st.integers(1, 5), min_size=0, max_size=12), max_size=8)


def summed(team: list[list[float]]) -> list[tuple[int, float, float]]:
    return [(len(ratings), sum(ratings), sum(r * r for r in ratings)) for ratings in team]


def test_the_deviation_of_a_balanced_team_agrees_with_the_hand_reckoning() -> None:
    # Means 2, 4, 6 and variance 1 within: MSB = 3 * 4 = 12, MSW = 1, so (12 - 1) / 3.
    estimate = between_deviation(summed([[1, 2, 3], [3, 4, 5], [5, 6, 7]]))
    assert estimate.n == 9
    assert estimate.value == pytest.approx((11 / 3) ** 0.5)
    # Tukey-Williams with F(0.975; 2, 6) = 7.2599, chi²(0.975; 2) = 7.3778; F(0.025; 2, 6) = 0.02539, chi² = 0.05064.
    assert estimate.low == pytest.approx(((12 - 7.2599) * 2 / (3 * 7.3778)) ** 0.5, abs=1e-4)
    assert estimate.high == pytest.approx(((12 - 0.02539) * 2 / (3 * 0.05064)) ** 0.5, rel=1e-3)


def test_a_team_that_serves_alike_differs_by_nothing() -> None:
    estimate = between_deviation(summed([[1, 3, 5], [1, 3, 5], [1, 3, 5]]))
    assert (estimate.value, estimate.low) == (0, 0)


def test_one_person_or_one_rating_each_says_nothing() -> None:
    assert between_deviation([]) == NOTHING
    assert between_deviation([(0, 0, 0)]) == NOTHING
    assert between_deviation(summed([[4, 5]])).value is None
    assert between_deviation(summed([[4], [5]])).value is None
    assert between_deviation(summed([[4], [5, 5]])).value is not None


def test_people_without_ratings_do_not_count() -> None:
    assert between_deviation([*summed([[4, 5], [1, 2]]), (0, 0, 0)]) == between_deviation(summed([[4, 5], [1, 2]]))


@quick
@given(people)
def test_the_interval_holds_the_deviation_and_never_falls_below_zero(team: list[list[int]]) -> None:
    estimate = between_deviation(summed([[float(r) for r in ratings] for ratings in team]))
    if estimate.value is not None and estimate.low is not None and estimate.high is not None:
        assert 0 <= estimate.low <= estimate.value <= estimate.high


def test_the_interval_covers_the_truth_about_as_often_as_it_says_in_uneven_teams() -> None:
    dice, covered, teams = Random(7), 0, 300
    for _ in range(teams):
        style = [dice.gauss(0, 0.5) for _ in range(8)]
        team = [[4 + own + dice.gauss(0, 1) for _ in range(5 + 4 * i)] for i, own in enumerate(style)]
        estimate = between_deviation(summed(team))
        assert estimate.low is not None
        assert estimate.high is not None
        covered += estimate.low <= 0.5 <= estimate.high
    assert 0.92 <= covered / teams <= 0.99
