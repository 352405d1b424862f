"""Turn counted quantities into a bill, line by line, at list prices without any free tier.

What a survey, an answer, a case take was counted by `make bench` on the real code and stands in figures.json.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PRICES = HERE / "prices.json"
FIGURES = HERE / "figures.json"

Quantities = Mapping[str, float]
"""How much of what is priced, by the price's name."""


@dataclass(frozen=True)
class Line:
    """One line of a bill."""

    part: str
    what: str
    quantity: float
    unit: str
    usd: float


@dataclass(frozen=True)
class Use:
    """What a company does in a month."""

    surveys: float
    response: float = 0.20
    cases: float = 0.02
    channel: str = "email"
    reminders: float = 0.0
    """For each survey."""
    views: float = 0.0
    """Of machines that open links, for each survey; a person's own belongs to the answer."""
    plan: str | None = None
    """Of the messages' price; the file's own where nothing is said."""


class UnknownPlan(Exception):
    """The messages' plan is not in the file of prices."""

    def __init__(self, plan: str, known: list[str]) -> None:
        super().__init__(f"there is no plan {plan!r} in prices.json: {', '.join(known)}")


def prices() -> dict[str, Any]:
    """Return the file of prices."""
    read: dict[str, Any] = json.loads(PRICES.read_text())
    return read


def figures() -> dict[str, Any]:
    """Return what was counted for one survey, answer, case, reminder and view."""
    read: dict[str, Any] = json.loads(FIGURES.read_text())
    return read


def priced(part: str, quantities: Quantities, given: Mapping[str, Any], times: float = 1.0) -> Iterator[Line]:
    """Return the lines of some quantities."""
    for what, quantity in quantities.items():
        price = given["prices"][what]
        total = quantity * times
        yield Line(part, what, total, price["unit"], total * price["usd"] / price["per"])


def running(use: Use, counted: Mapping[str, Any], given: Mapping[str, Any]) -> list[Line]:
    """Return what grows with the surveys, all but messages, reminders and machines' views."""
    each = counted["each"]
    parts = [
        ("survey", each["survey_" + use.channel], 1.0),
        ("answer", each["answer"], use.response),
        ("case", each["case"], use.cases),
    ]
    return [line for part, of, share in parts for line in priced(part, of, given, use.surveys * share)]


def apart(use: Use, counted: Mapping[str, Any], given: Mapping[str, Any]) -> list[Line]:
    """Return what is told apart: reminders and machines' views, the cases' further life, and what is kept."""
    each = counted["each"]
    parts = [
        ("reminders", each["reminder"], use.reminders),
        ("machines' views", each["view"], use.views),
        ("cases followed to their end", each["case_followed"], use.cases),
        ("kept for a month", counted["kept"], 1.0),
    ]
    return [line for part, of, share in parts if share for line in priced(part, of, given, use.surveys * share)]


def fixed(counted: Mapping[str, Any], given: Mapping[str, Any]) -> list[Line]:
    """Return what a month costs before the first survey."""
    return list(priced("every month", counted["fixed"], given))


def messages(use: Use, given: Mapping[str, Any]) -> list[Line]:
    """Return what carriers take."""
    carrier = given["messages"][use.channel]
    plan = use.plan or carrier["plan"]
    if plan not in carrier["plans"]:
        raise UnknownPlan(plan, sorted(carrier["plans"]))
    price = carrier["plans"][plan]
    count = use.surveys * (1 + use.reminders)
    return [Line("messages", f"{use.channel} ({plan})", count, price["unit"], count * price["usd"] / price["per"])]


def total(lines: list[Line]) -> float:
    """Return the sum of some lines."""
    return sum(line.usd for line in lines)
