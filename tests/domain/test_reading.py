"""Periods together are what they would be had they been one, and noise is not called a change."""

from datetime import date

import pytest

from chalicelib.domain import score
from chalicelib.domain.metric import METRICS
from chalicelib.domain.reading import differ_much, pooled, share_steps, steps
from chalicelib.domain.trend import Point, folded, point

COUNTED = {
    "nps": ({"nps.10": 5, "nps.3": 2}, {"nps.9": 4, "nps.0": 1, "nps.7": 3}),
    "csat": ({"csat.5": 5, "csat.1": 2}, {"csat.4": 4, "csat.2": 9}),
    "ces": ({"ces.7": 5, "ces.1": 2}, {"ces.4": 4}),
    "ces_mean": ({"ces.7": 5, "ces.1": 2}, {"ces.4": 4}),
    "response_rate": ({"sent": 10, "answered": 3}, {"sent": 7, "answered": 7}),
    "kept_promise": ({"kept.yes": 3, "kept.no": 1}, {"kept.yes": 5}),
    "delivered_promise": ({"due.a": 4, "kept.a": 3, "late.a": 1}, {"due.b": 2, "late.b": 2}),
    "value_satisfaction": ({"value.yes_high": 3, "value.no_low": 1}, {"value.yes_low": 2}),
    "time_to_acknowledge": ({"ack.100": 3, "ack.180": 2}, {"ack.150": 4}),
    "time_to_resolve": ({"res.100": 3, "res.250": 2}, {"res.150": 4}),
    "sla_met": ({"opened": 5, "breached": 2}, {"opened": 3}),
    "recovered": ({"mended.yes": 3, "mended.no": 1}, {"mended.yes": 5}),
    "stock_outs": ({"due.quantity": 9, "kept.quantity": 6, "late.quantity": 1}, {"late.quantity": 2}),
    "effective_contacts": ({"contacts.reached": 3, "contacts.missed": 2}, {"contacts.missed": 1}),
}
MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)


@pytest.mark.parametrize("metric", sorted(COUNTED))
def test_periods_together_are_what_they_would_be_as_one(metric: str) -> None:
    march, april = COUNTED[metric]
    one = folded({MARCH: march, date(2026, 3, 2): april}, "month")[MARCH]
    points = [point(METRICS[metric], MARCH, march), point(METRICS[metric], APRIL, april)]
    expected, found = METRICS[metric].measure(one).estimate, pooled(metric, points)
    assert found.n == expected.n
    assert found.value == pytest.approx(expected.value, rel=0.05 if "time" in metric else 1e-9)
    assert (found.low is None) == (expected.low is None)


def test_every_metric_is_pooled_or_a_mean_per_case() -> None:
    assert set(COUNTED) | {"handoffs", "returns"} == set(METRICS)


def test_means_per_case_come_without_an_interval() -> None:
    points = [point(METRICS["handoffs"], MARCH, {"opened": n, "handoffs": 3, "handoffs.squares": 5}) for n in (4, 6)]
    assert pooled("handoffs", points) == score.Estimate(10, 0.6, None, None)


def test_hidden_periods_are_in_no_sum() -> None:
    hidden = Point(start=APRIL, n=None, value=None, low=None, high=None, counts=None, hidden=True)
    assert pooled("nps", [point(METRICS["nps"], MARCH, {"nps.10": 5}), hidden]).n == 5
    assert pooled("nps", [hidden]).value is None


def _two(metric: str, before: dict[str, int], after: dict[str, int]) -> list[Point]:
    return [point(METRICS[metric], MARCH, before), point(METRICS[metric], APRIL, after)]


def test_a_large_step_of_many_answers_is_a_change() -> None:
    step = steps({"sla_met": _two("sla_met", {"opened": 200, "breached": 100}, {"opened": 200, "breached": 20})})
    assert step["sla_met"].is_change
    assert step["sla_met"].change.value == pytest.approx(40)


def test_the_same_step_of_a_few_answers_is_noise() -> None:
    step = steps({"sla_met": _two("sla_met", {"opened": 4, "breached": 2}, {"opened": 5, "breached": 1})})
    assert not step["sla_met"].is_change


def test_one_small_step_among_many_is_noise() -> None:
    borderline = _two("csat", {"csat.5": 50, "csat.1": 50}, {"csat.5": 65, "csat.1": 35})
    assert steps({"csat": borderline})["csat"].is_change
    others = {
        metric: _two(metric, *COUNTED[metric])
        for metric in ("nps", "ces", "kept_promise", "recovered", "time_to_resolve", "response_rate")
    }
    assert not steps({"csat": borderline, **others})["csat"].is_change


def test_one_period_alone_makes_no_step() -> None:
    assert steps({"nps": _two("nps", {"nps.10": 5}, {"nps.9": 4})[:1]}) == {}


def shares(*spoken: int, n: int = 100) -> list[Point]:
    """A topic's share of a hundred answers, month by month."""
    found = []
    for place, count in enumerate(spoken):
        part = score.share(count, n)
        start = date(2026, 1 + place, 1)
        found.append(Point(start=start, n=n, value=part.value, low=part.low, high=part.high, counts={}))
    return found


def test_the_words_of_many_topics_are_looked_at_together() -> None:
    steps_ = share_steps({"grew": shares(5, 30), "same": shares(10, 12)}, "month", date(2026, 3, 1))
    assert steps_["grew"].change.value == pytest.approx(25.0)
    assert (steps_["grew"].is_change, steps_["same"].is_change) == (True, False)
    # By itself 10 to 21 of 100 is a change (p < 0.05); among ten looked at it may be noise.
    alone = share_steps({"a": shares(10, 21)}, "month", date(2026, 3, 1))
    among = share_steps({"a": shares(10, 21)} | {f"b{n}": shares(10, 10) for n in range(9)}, "month", date(2026, 3, 1))
    assert (alone["a"].is_change, among["a"].is_change) == (True, False)


def test_a_month_that_still_runs_is_no_step() -> None:
    assert share_steps({"a": shares(5, 30)}, "month", date(2026, 2, 27)) == {}


@pytest.mark.parametrize(
    ("shares_", "is_much"),
    [
        ({}, False),
        ({"a": (50, 100)}, False),
        ({"a": (50, 100), "b": (30, 100)}, True),
        ({"a": (5, 10), "b": (3, 10)}, False),  # far apart, and by chance
        ({"a": (5_000, 10_000), "b": (4_200, 10_000)}, False),  # not by chance, and not far apart
        ({"a": (0, 0), "b": (30, 100)}, False),
        ({"a": (50, 100), "b": (36, 100)} | {f"c{n}": (43, 100) for n in range(8)}, False),  # one of 45 pairs
    ],
)
def test_shares_differ_much_where_they_lie_far_apart_and_not_by_chance(
    shares_: dict[str, tuple[int, int]], is_much: bool
) -> None:
    assert differ_much(shares_) is is_much
