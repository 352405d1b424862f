"""The bill: each line worked out by hand."""

import json
from io import StringIO

import pytest

from bench.report import Budget
from infra.aws import bill
from infra.commands import line
from infra.commands.screen import Screen

COUNTED = {
    "measured_at": "2026-11-22T18:00:00+00:00",
    "each": {
        "survey_email": {"dynamodb_write_units": 6.0, "eventbridge_events": 1.0},
        "survey_sms": {"dynamodb_write_units": 7.0},
        "answer": {"api_requests": 2.0},
        "case": {"dynamodb_write_units": 10.0},
        "case_followed": {"dynamodb_write_units": 20.0},
        "reminder": {"dynamodb_write_units": 3.0},
        "view": {"api_requests": 1.0},
    },
    "kept": {"dynamodb_gb_months": 1e-6},
    "fixed": {"secret_months": 2.0},
}
MILLION = 1_000_000


def test_a_million_surveys_line_by_line() -> None:
    lines = bill.running(bill.Use(MILLION), COUNTED, bill.prices())
    dollars = {(each.part, each.what): round(each.usd, 4) for each in lines}
    assert dollars == {
        ("survey", "dynamodb_write_units"): 3.75,
        ("survey", "eventbridge_events"): 1.0,
        ("answer", "api_requests"): 1.4,
        ("case", "dynamodb_write_units"): 0.125,
    }
    assert bill.total(lines) == pytest.approx(6.275)


def test_reminders_views_and_what_is_kept_stand_apart() -> None:
    lines = bill.apart(bill.Use(MILLION, reminders=1.0, views=1.0), COUNTED, bill.prices())
    dollars = {each.part: round(each.usd, 4) for each in lines}
    assert dollars == {
        "reminders": 1.875,
        "machines' views": 3.5,
        "cases followed to their end": 0.25,
        "kept for a month": 0.25,
    }


def test_what_does_not_happen_has_no_line() -> None:
    parts = {each.part for each in bill.apart(bill.Use(MILLION), COUNTED, bill.prices())}
    assert parts == {"cases followed to their end", "kept for a month"}


def test_a_month_costs_its_secrets_before_the_first_survey() -> None:
    assert bill.total(bill.fixed(COUNTED, bill.prices())) == pytest.approx(0.80)


def test_the_plan_of_the_messages_is_an_input() -> None:
    assert bill.total(bill.messages(bill.Use(1000, plan="none"), bill.prices())) == pytest.approx(0.10)
    assert bill.total(bill.messages(bill.Use(1000, plan="essentials"), bill.prices())) == pytest.approx(0.16)
    with pytest.raises(bill.UnknownPlan, match="essentials"):
        bill.messages(bill.Use(1000, plan="gold"), bill.prices())


def test_a_reminder_is_a_message_as_well() -> None:
    assert bill.messages(bill.Use(1000, reminders=0.5), bill.prices())[0].quantity == 1500


def test_every_price_says_where_it_is_from_and_how_sure_it_is() -> None:
    given = bill.prices()
    plans = [plan for carrier in given["messages"].values() for plan in carrier["plans"].values()]
    for price in [*given["prices"].values(), *plans]:
        assert price["usd"] > 0
        assert price["per"] > 0
        assert price["source"].startswith("https://aws.amazon.com/")
        assert price["unit"]
        assert price["sure"]


def test_what_was_counted_has_prices() -> None:
    counted, known = bill.figures(), bill.prices()["prices"]
    for part in (*counted["each"].values(), counted["kept"], counted["fixed"]):
        assert set(part) <= set(known)


def asked(*arguments: str) -> tuple[int, dict[str, object]]:
    """Ask `python -m infra cost` for JSON."""
    out = StringIO()
    code = line.main(["cost", "--json", *arguments], Screen(as_json=True, out=out))
    return code, json.loads(out.getvalue())


def test_carla_asks_what_a_million_surveys_cost() -> None:
    code, answer = asked("--surveys", "1000000", "--response", "0.2", "--channel", "email")
    running = bill.total(bill.running(bill.Use(MILLION), bill.figures(), bill.prices()))
    assert code == 0
    assert answer["parts"]["with the surveys"] == pytest.approx(running, abs=0.01)  # type: ignore[index]


def test_text_messages_cost_more_than_mails() -> None:
    mails, texts = (asked("--surveys", "1000", "--channel", channel)[1]["usd"] for channel in ("email", "sms"))
    assert float(str(texts)) > float(str(mails))


def test_more_cases_than_answers_are_refused() -> None:
    code, answer = asked("--surveys", "1000", "--response", "0.01", "--cases", "0.02")
    assert code == 1
    assert "--response" in str(answer["error"])


def test_a_budget_says_by_how_much_it_is_missed() -> None:
    assert Budget("units", 6, 6.0).row()[-1] == "within"
    assert Budget("units", 6, 9.0).row()[-1] == "1.5 × the limit"
