"""Targets: reached, not reached, or not certain yet, by the whole interval."""

import pytest

from chalicelib.domain.organisation import Target, Trends
from chalicelib.domain.score import Estimate
from chalicelib.domain.target import faults, measured, progress
from tests.domain.cast import organisation

PUNCTUAL = Target(metric="delivered_promise", value=90, department="logistics")
SHORT = Target(metric="stock_outs", value=3, department="logistics")
RETURNS = Target(metric="returns", value=0.1, department="logistics")


@pytest.mark.parametrize(
    ("target", "value", "low", "high", "state"),
    [
        (PUNCTUAL, 95.0, 90.0, 98.0, "reached"),
        (PUNCTUAL, 95.0, 89.9, 98.0, "open"),
        (PUNCTUAL, 80.0, 70.0, 90.0, "open"),
        (PUNCTUAL, 80.0, 70.0, 89.9, "short"),
        (SHORT, 1.0, 0.2, 3.0, "reached"),
        (SHORT, 9.0, 3.1, 14.0, "short"),
        (RETURNS, 0.05, 0.0, 0.1, "reached"),
        (RETURNS, 0.05, 0.0, 0.11, "open"),
        (RETURNS, 0.3, 0.1, 0.5, "open"),
        (RETURNS, 0.3, 0.11, 0.5, "short"),
    ],
)
def test_a_target_is_reached_or_missed_where_the_whole_interval_says_so(
    target: Target, value: float, low: float, high: float, state: str
) -> None:
    found = progress(target, Estimate(50, value, low, high))
    assert found is not None
    assert found.state == state


@pytest.mark.parametrize(
    ("target", "value", "share"),
    [
        (PUNCTUAL, 45.0, 0.5),
        (PUNCTUAL, 100.0, 1.0),
        (SHORT, 6.0, 0.5),
        (RETURNS, 0.2, 0.5),
        (RETURNS, 0.0, 1.0),
        (Target(metric="nps", value=50, role="seller"), -25.0, 0.5),
    ],
)
def test_the_way_there_is_between_nothing_and_all_of_it(target: Target, value: float, share: float) -> None:
    found = progress(target, Estimate(50, value, None, None))
    assert found is not None
    assert found.share == pytest.approx(share)


def test_of_nothing_measured_nothing_is_told() -> None:
    assert progress(PUNCTUAL, Estimate(0, None, None, None)) is None


def test_one_kind_of_promise_is_measured_by_itself() -> None:
    counts = {"due.delivery": 10, "kept.delivery": 5, "late.delivery": 5, "due.quantity": 10, "kept.quantity": 10}
    one = measured(PUNCTUAL.model_copy(update={"promise": "quantity"}), counts).estimate
    assert (one.n, one.value) == (10, 100.0)
    assert measured(PUNCTUAL, counts).estimate.value == 75.0


@pytest.mark.parametrize(
    ("target", "told"),
    [
        (Target(metric="joy", value=1, role="seller"), "nps, csat"),
        (Target(metric="csat", value=120, role="seller"), "percent"),
        (Target(metric="nps", value=-100, role="seller"), "between -100 and 100"),
        (Target(metric="csat", value=80, role="seller", promise="delivery"), "only delivered_promise"),
    ],
)
def test_a_target_that_means_nothing_is_told_with_its_place(target: Target, told: str) -> None:
    ((place, text),) = faults(organisation(trends=Trends(targets=(target,))))
    assert place == 0
    assert told in text


@pytest.mark.parametrize("whose", [{}, {"department": "sales", "role": "seller"}])
def test_a_target_is_somebodys(whose: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="a department or a role"):
        Target.model_validate({"metric": "csat", "value": 80, **whose})
