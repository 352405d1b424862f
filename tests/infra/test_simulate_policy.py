"""A policy is tried on past business before it is switched on, and what is told is what would have happened."""

import csv
import io
import json
import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from chalicelib.domain.organisation import Organisation
from infra import organisation as organisations
from infra.commands import line
from infra.commands.screen import Screen
from infra.rehearsal import rehearse
from infra.replay import mapping as mappings
from infra.replay import plan as plans
from infra.replay.plan import Plan
from tests.domain.cast import sale
from tests.world import World

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
MAPPING = EXAMPLES / "replay" / "marketplace.yaml"
MARKETPLACE = (EXAMPLES / "replay" / "marketplace-organisation.yaml").read_text()
POLICY = "delay: 1d\n    rest_days: 90\n    unless: {category: [gift]}\n    too_old_after: 20d"
ZONE = ZoneInfo("America/Sao_Paulo")
DAY = timedelta(days=1)
ROWS = 400

Row = dict[str, str]


def made_up(seed: int) -> list[Row]:
    """Orders of 120 people, of whom each third answers, spread over a year and a half."""
    chance = random.Random(seed)
    rows = []
    for number in range(ROWS):
        at = datetime(2017, 1, 1) + timedelta(minutes=chance.randrange(550 * 24 * 60))  # noqa: DTZ001  # local, as written
        scored = chance.random() < 0.33
        answered = at + timedelta(minutes=chance.randrange(1, 5_000))
        rows.append(
            {
                "order_id": f"o-{number}",
                "customer_unique_id": f"p-{chance.randrange(120)}",
                "customer_state": chance.choice(("SP", "RJ")),
                "product_category": chance.choice(("toys", "garden", "gift")),
                "payment_type": "card",
                "review_creation_date": f"{at:%Y-%m-%d %H:%M:%S}",
                "order_delivered_customer_date": "",
                "order_estimated_delivery_date": f"{at + 3 * DAY:%Y-%m-%d %H:%M:%S}",
                "review_answer_timestamp": f"{answered:%Y-%m-%d %H:%M:%S}" if scored else "",
                "review_score": str(chance.choice((1, 2, 3, 4, 5, 5, 5))) if scored else "",
                "review_comment_title": "",
                "review_comment_message": "",
            }
        )
    return rows


def counted(rows: list[Row]) -> tuple[int, Counter[str], int]:
    """Count from the rows alone who is asked, the reasons of the others, and who is asked more than once."""
    until: dict[str, datetime] = {}
    reasons: Counter[str] = Counter()
    asks: Counter[str] = Counter()
    for row in sorted(rows, key=lambda each: each["review_creation_date"]):
        at = datetime.fromisoformat(row["review_creation_date"]).replace(tzinfo=ZONE).astimezone(UTC)
        planned = (at + DAY).astimezone(ZONE)
        if planned.hour >= 20:
            planned = (planned + DAY).replace(hour=8, minute=0, second=0)
        elif planned.hour < 8:
            planned = planned.replace(hour=8, minute=0, second=0)
        person = row["customer_unique_id"]
        if row["product_category"] == "gift":
            reasons["rule"] += 1
        elif person in until and planned.astimezone(UTC) < until[person]:
            reasons["resting"] += 1
        else:
            asks[person] += 1
            until[person] = planned.astimezone(UTC) + 90 * DAY
    return sum(asks.values()), reasons, sum(count > 1 for count in asks.values())


def written(rows: list[Row], folder: Path) -> tuple[Path, Path]:
    """Write an export and the policy to try on it."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    (folder / "orders.csv").write_text(text.getvalue())
    (folder / "new.yaml").write_text(MARKETPLACE.replace("delay: 1d", POLICY))
    return folder / "orders.csv", folder / "new.yaml"


def simulated(*arguments: object) -> tuple[int, dict[str, Any]]:
    out = io.StringIO()
    code = line.main(["simulate-policy", *map(str, arguments), "--json"], Screen(as_json=True, out=out))
    return code, json.loads(out.getvalue())


def past(folder: Path) -> tuple[Plan, Organisation]:
    events, policy = written(made_up(5), folder)
    replaying = mappings.load(MAPPING)
    plan = plans.plan(plans.read_rows(events, replaying), replaying)
    return plan, organisations.load(policy, plan.stops[0].at.date()).organisation


@pytest.mark.parametrize("seed", range(3))
def test_the_count_of_each_reason_is_the_one_counted_from_the_rows(seed: int, tmp_path: Path) -> None:
    rows = made_up(seed)
    events, policy = written(rows, tmp_path)
    asked, reasons, more_than_once = counted(rows)
    code, told = simulated("--organisation", policy, "--events", events, "--mapping", MAPPING)
    assert (code, told["invitations"], told["skipped"]) == (0, asked, dict(reasons))
    assert told["people_asked_more_than_once"] == more_than_once > 0
    assert told["messages"] == {"email": asked}
    assert sum(told["skipped"].values()) + told["invitations"] == told["decisions"] == ROWS


def test_the_live_run_decides_the_same_and_sends_at_the_same_instants(tmp_path: Path) -> None:
    plan, organisation = past(tmp_path)
    rehearsal = rehearse(organisation, plan.stops)
    world = World(now=plan.stops[0].at)
    world.publish(organisation)
    for stop in plan.stops:
        world.wait(stop.at - world.now)
        world.tell(*stop.events)
    world.wait(60 * DAY)
    live = {each.id: (each.reason, each.rule, each.sent_at) for each in world.memory.invitations.values()}
    assert {each.id: (each.reason, each.rule, each.sent_at) for each in rehearsal.invitations} == live
    again = rehearse(organisation, plan.stops)
    assert again.memory.invitations == rehearsal.memory.invitations


def test_who_answered_then_answers_here_if_asked(tmp_path: Path) -> None:
    plan, organisation = past(tmp_path)
    done = rehearse(organisation, plan.stops)
    answered = {each.event[1] for stop in plan.stops for each in stop.answers}
    asked = {each.event_id for each in done.asked}
    assert done.answers["recorded"] == len(answered & asked)
    assert done.answers_not_asked_for == len(answered - asked)
    low = [each for each in done.invitations if each.confirmed and each.confirmed.rating <= 2]
    assert len(done.memory.cases) == len(low) > 0
    assert sum(done.cases_by_week().values()) == len(low)


def test_what_is_expected_comes_with_the_interval_of_the_past(tmp_path: Path) -> None:
    events, policy = written(made_up(5), tmp_path)
    _, told = simulated("--organisation", policy, "--events", events, "--mapping", MAPPING)
    expected = told["expected_answers"]
    assert expected["low"] < expected["n"] < expected["high"]
    answers = sum(row["review_score"] != "" for row in made_up(5))
    assert expected["n"] == pytest.approx(told["invitations"] * answers / ROWS, abs=0.05)
    assert told["usd"] > 0


def stored(folder: Path, *events: object) -> Path:
    (folder / "day=2026-03-06").mkdir()
    (folder / "day=2026-03-06" / "events.jsonl").write_text("".join(f"{json.dumps(event)}\n" for event in events))
    return folder


def test_stored_events_are_lived_through_without_a_mapping(tmp_path: Path) -> None:
    again = sale(envelope={"id": "ORD-2", "time": "2026-03-16T21:00:00Z"}, reference="ORD-2")
    folder = stored(tmp_path, {"detail": again}, sale(), sale())
    policy = EXAMPLES / "tornillo.yaml"
    code, told = simulated("--organisation", policy, "--events", folder, "--response", 0.2, "--low", 0.1)
    assert (code, told["events"], told["invitations"], told["skipped"]) == (0, 2, 1, {"resting": 1})
    assert (told["messages"], told["people_asked"]) == ({"email": 1, "email_reminders": 1}, 1)
    assert told["expected_answers"] == {"n": 0.2, "low": None, "high": None, "of": "what was given"}


def test_what_the_system_would_refuse_is_named(tmp_path: Path) -> None:
    folder = stored(tmp_path, sale(), sale(envelope={"id": "X", "type": "sale.won"}))
    code, told = simulated("--organisation", EXAMPLES / "tornillo.yaml", "--events", folder)
    assert (code, [each["event"] for each in told["rejected"]]) == (1, ["X"])
    assert "/type" in told["rejected"][0]["detail"]
    assert told["expected_answers"] is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}\n{nothing\n", "events.jsonl:1: is no CloudEvent"),
        ("nothing", "events.jsonl:1: is no JSON"),
        (json.dumps(sale(envelope={"time": "yesterday"})), "events.jsonl:1: time: must be a time with its offset"),
        (json.dumps(sale(envelope={"time": "2026-03-06T21:30:00"})), "must be a time with its offset"),
        ("", "holds nothing that is an event"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text(text)
    code, told = simulated("--organisation", EXAMPLES / "tornillo.yaml", "--events", tmp_path)
    assert code == 1
    assert said in told["error"]


def test_an_export_needs_its_mapping(tmp_path: Path) -> None:
    events, policy = written(made_up(1), tmp_path)
    assert "--mapping" in simulated("--organisation", policy, "--events", events)[1]["error"]
    code, told = simulated("--organisation", policy, "--events", tmp_path / "none.jsonl")
    assert (code, "cannot be opened" in told["error"]) == (1, True)


def test_a_company_of_the_past_has_the_holidays_of_its_time(tmp_path: Path) -> None:
    _, organisation = past(tmp_path)
    assert date(2017, 9, 7) in organisation.calendar.holidays
