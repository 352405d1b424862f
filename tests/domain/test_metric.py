"""Test that what counters hold is read as the published vectors have it."""

import csv
import json
from collections import Counter
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from chalicelib.domain.metric import METRICS, named, numbered
from chalicelib.domain.rollup import contributions, dimensions_of
from chalicelib.domain.survey import Question
from chalicelib.domain.trend import drivers_of, history_from, total_of
from tests.counting import PURCHASE, answered, company
from tests.domain.cast import text

VECTORS = Path(__file__).parents[1] / "vectors"
NPS = json.loads((VECTORS / "nps.json").read_text())["cases"]
CSAT = json.loads((VECTORS / "csat.json").read_text())["cases"]
DRIVERS = json.loads((VECTORS / "drivers.json").read_text())["cases"]

CONTRACT = (
    "nps", "csat", "ces", "ces_mean", "response_rate", "kept_promise", "delivered_promise", "value_satisfaction",
    "time_to_acknowledge", "time_to_resolve", "sla_met", "handoffs", "returns", "recovered",
)  # fmt: skip


OURS = ("stock_outs", "effective_contacts")


def test_the_metrics_are_those_of_the_contract_and_two_more() -> None:
    assert tuple(METRICS) == (*CONTRACT, *OURS)
    assert all(name == metric.name for name, metric in METRICS.items())


def test_the_page_says_of_every_metric_what_readers_are_told() -> None:
    page = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert rows == [f"| `{each.name}` | {each.unit} | {each.formula} |" for each in METRICS.values()]


@pytest.mark.parametrize("case", NPS)
def test_nps_agrees_with_the_vectors(case: Mapping[str, float]) -> None:
    counts = {"nps.9": case["promoters"], "nps.7": case["passives"], "nps.0": case["detractors"], "t.x.1": 7}
    measured = METRICS["nps"].measure({name: int(n) for name, n in counts.items()})
    assert measured.estimate.value == pytest.approx(case["nps"], abs=5e-5)
    assert (measured.estimate.low, measured.estimate.high) == pytest.approx(case["adjusted"], abs=1e-3)


@pytest.mark.parametrize("case", CSAT)
def test_csat_agrees_with_the_vectors(case: Mapping[str, Mapping[str, int]]) -> None:
    measured = METRICS["csat"].measure({f"csat.{rating}": n for rating, n in case["counts"].items()})
    assert measured.estimate.value == pytest.approx(case["csat"], abs=5e-5)
    assert measured.counts == dict(sorted(case["counts"].items()))


@pytest.mark.parametrize("case", DRIVERS)
def test_drivers_from_counters_agree_with_the_published_analysis(case: Mapping[str, list[str]]) -> None:
    questions = tuple(Question(id=id_, kind="touchpoint", text=text(id_)) for id_ in case["drivers"])
    survey = PURCHASE.model_copy(update={"id": "attitude", "questions": questions})
    organisation = company().model_copy(update={"surveys": (survey,)})
    with (VECTORS / "attitude.csv").open(newline="") as file:
        rows = [{name: int(value) for name, value in row.items()} for row in csv.DictReader(file)]
    found: Counter[str] = Counter()
    for place, row in enumerate(rows):
        item = answered(row.pop("rating"), f"i-{place}", ratings=row)
        rows_of = contributions(item, dimensions_of(organisation), survey)
        found.update(next(each.counts for each in rows_of if each.kind == "response"))
    result = drivers_of(found, organisation)
    assert result is not None
    assert (result.survey, result.drivers.n) == ("attitude", 30)
    assert result.drivers.r2 == pytest.approx(case["r2"], abs=0.0006)
    assert result.drivers.shares == pytest.approx(case["general_dominance"], abs=6e-4)


@pytest.mark.parametrize("metric", METRICS)
def test_without_counts_there_is_no_value(metric: str) -> None:
    measured = METRICS[metric].measure({})
    assert (measured.estimate.n, measured.estimate.value) == (0, None)


@pytest.mark.parametrize("metric", METRICS)
def test_a_count_below_zero_is_one_not_seen_yet_never_an_error(metric: str) -> None:
    names = ("nps.9", "csat.4", "ces.2", "sent", "answered", "kept.yes", "kept.no", "due.x", "kept.x", "value.yes_high",
             "ack.9", "res.9", "opened", "breached", "handoffs", "returns", "mended.yes", "late.quantity",
             "kept.quantity", "contacts.reached", "contacts.missed")  # fmt: skip
    for place in range(len(names)):
        counts = {name: -1 if place == other else 1 for other, name in enumerate(names)}
        measured = METRICS[metric].measure(counts)
        assert measured.estimate.n >= 0
        assert min(measured.counts.values(), default=0) >= 0


def test_counts_are_read_by_their_first_name() -> None:
    counts = {"t.delivery.5": 2, "n.nps.u.7": 3, "nps.10": 4, "nps.0": 0}
    assert named(counts, "t.delivery") == {"5": 2}
    assert named(counts, "n.nps") == {"u.7": 3}
    assert numbered(counts, "nps") == {10: 4}
    assert total_of([counts, {"nps.10": 1}])["nps.10"] == 5


def test_history_goes_back_to_a_quarter_that_begins_with_a_week() -> None:
    assert history_from(date(2026, 3, 6)) == date(2024, 7, 1)
    assert history_from(date(2024, 7, 1)) == date(2024, 7, 1)
    assert history_from(date(2024, 6, 30)) == date(2024, 4, 1)
