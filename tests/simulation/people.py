"""Draw the people of the simulated world, and the month that lies before them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.simulation.chance import Chance
from tests.simulation.company import CHANGES_AT, DEPARTMENTS

ZONES = ("America/Bogota", "America/Bogota", "America/Bogota", "Europe/Madrid", "America/New_York", None)
DOMAINS = ("example.com", "example.com", "shop.example", "scanned.example")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@dataclass
class Person:
    """One customer: where they are reached and how they behave."""

    id: str
    key: str
    name: str
    email: str | None
    phone: str | None
    zone: str | None
    dead: bool
    complains: bool
    former: list[str] = field(default_factory=list)

    def addresses(self) -> set[str]:
        """Return every address that this person ever had."""
        return {address for address in (self.email, self.phone, *self.former) if address}

    def secrets(self) -> set[str]:
        """Return what would lead to this person."""
        return {self.name, f'"{self.id}"', *self.addresses()}

    def contact(self, role: str | None = None) -> dict[str, Any]:
        """Return this person as an event names them."""
        given = {"id": self.id, "name": self.name, "email": self.email, "phone": self.phone, "timezone": self.zone}
        return {name: value for name, value in given.items() if value} | ({"role": role} if role else {})


def people(chance: Chance, count: int) -> list[Person]:
    """Return a crowd: some share an address, some have a phone only, some addresses are dead."""
    crowd: list[Person] = []
    for number in range(count):
        email: str | None = f"c{number}@{chance.choice(DOMAINS)}"
        phone: str | None = f"+5730000{number:05d}" if chance.random() < 0.5 else None
        if crowd and chance.random() < 0.2:
            email = chance.choice(crowd).email or email
        if chance.random() < 0.12:
            email, phone = None, f"+5730000{number:05d}"
        zone = chance.choice(ZONES)
        dead, complains = chance.random() < 0.06, chance.random() < 0.04
        crowd.append(Person(f"c-{number}", "", f"Ana {number}nésima", email, phone, zone, dead, complains))
    return crowd


@dataclass
class Dispatch:
    """One thing that a CRM sends, when and how."""

    at: datetime
    name: str
    raw: dict[str, Any]
    by_bus: bool
    copies: tuple[datetime, ...] = ()


def month(chance: Chance, crowd: list[Person], *, start: datetime, days: int, count: int) -> Iterator[Dispatch]:
    """Yield what a company's systems send in a month: closings, and later or earlier news of them."""
    closings: list[tuple[datetime, dict[str, Any]]] = []
    for number in range(count):
        at = start + timedelta(seconds=int(chance.uniform(0, days * 86_400 * 0.95)))
        for raw in _happening(chance, crowd, number, at, start, closings):
            yield _dispatch(chance, f"event {raw.get('id')}", raw, at, start)


def _happening(
    chance: Chance,
    crowd: list[Person],
    number: int,
    at: datetime,
    start: datetime,
    closings: list[tuple[datetime, dict[str, Any]]],
) -> Iterator[dict[str, Any]]:
    """Yield a closing, at times with its twin, or news of an earlier one, or poison."""
    draw = chance.random()
    if draw < 0.70 or not closings:
        yield from _closings(chance, crowd, number, at, start, closings)
    elif draw < 0.83:
        yield _cancellation(chance, number, *chance.choice(closings))
    elif draw < 0.95:
        yield _fulfilment(chance, number, *chance.choice(closings))
    else:
        yield _poison(chance, number, at)


def _closings(
    chance: Chance,
    crowd: list[Person],
    number: int,
    at: datetime,
    start: datetime,
    closings: list[tuple[datetime, dict[str, Any]]],
) -> Iterator[dict[str, Any]]:
    raw = _closing(chance, crowd, number, at, start)
    if closings and chance.random() < 0.06:
        _close_again(raw, chance.choice(closings)[1])
    closings.append((at, raw))
    yield raw
    if chance.random() < 0.1:
        yield _twin(chance, crowd, raw, number)


def _dispatch(chance: Chance, name: str, raw: dict[str, Any], at: datetime, start: datetime) -> Dispatch:
    happened = datetime.fromisoformat(raw["time"]) if "time" in raw else at
    late = chance.choice((0, 0, 0, 0, 1, 30, 60, 3600, 86_400, 5 * 86_400, 12 * 86_400))
    sent = max(start, happened) + timedelta(seconds=late * chance.random())
    copies: tuple[datetime, ...] = ()
    if chance.random() < 0.2:
        spans = (1, 1, 60, 3600, 86_400, 3 * 86_400)
        copies = tuple(
            sent + timedelta(seconds=chance.choice(spans) * chance.random()) for _ in range(1 + chance.randrange(4))
        )
    return Dispatch(sent, name, raw, chance.random() < 0.3, copies)


def _closing(chance: Chance, crowd: list[Person], number: int, at: datetime, start: datetime) -> dict[str, Any]:
    person = chance.choice(crowd)
    types = ["sale.closed", "sale.closed", "ticket.closed"]
    if at > start + CHANGES_AT[0] + DAY:
        types.append("delivery.completed")
    data: dict[str, Any] = {
        "customer": person.contact(),
        "reference": f"ORD-{number}",
        "department": chance.choice(DEPARTMENTS),
        "people": [{"id": f"u-{chance.randrange(5)}", "department": chance.choice(DEPARTMENTS), "role": "seller"}],
        "attributes": {"region": chance.choice(("north", "south")), "vip": chance.choice(("yes", "no"))},
        "promises": [
            {"kind": "delivery", "department": "logistics", "promised": (at + chance.uniform(-2, 5) * DAY).isoformat()},
            {"kind": "quantity", "department": "sales", "promised": 10, "better": "higher"},
        ],
    }
    if chance.random() < 0.25:
        data["contacts"] = [chance.choice(crowd).contact("user") for _ in range(chance.choice((1, 1, 2)))]
    return _event(f"E{number}", chance.choice(types), at, data)


def _twin(chance: Chance, crowd: list[Person], raw: dict[str, Any], number: int) -> dict[str, Any]:
    """Return another closing of the same second: of the same customer, or of one who shares the address."""
    customer = raw["data"]["customer"]
    sharing = [person for person in crowd if person.email and person.email == customer.get("email")]
    data = {**raw["data"], "customer": chance.choice(sharing).contact() if sharing else customer}
    kind = chance.choice(("sale.closed", "ticket.closed"))
    return {**raw, "id": f"E{number}-twin", "type": kind, "data": data | {"reference": f"TWIN-{number}"}}


def _close_again(raw: dict[str, Any], before: dict[str, Any]) -> None:
    """Let a closing be the second one of a ticket that was opened again: the same reference and customer."""
    raw["type"] = "ticket.closed"
    raw["data"] |= {"reference": before["data"]["reference"], "customer": before["data"]["customer"]}


def _cancellation(chance: Chance, number: int, closed_at: datetime, closing: dict[str, Any]) -> dict[str, Any]:
    at = closed_at + timedelta(seconds=chance.choice((-3600, 0, 1, 60, 3600, 7200, 86_400, 3 * 86_400)))
    data = closing["data"]
    by_event: dict[str, Any] = {"event": {"source": closing["source"], "id": closing["id"]}}
    by_reference = {"reference": data["reference"], "customer": {"id": data["customer"]["id"]}}
    kind = "ticket.reopened" if closing["type"] == "ticket.closed" else "sale.cancelled"
    return _event(f"X{number}", kind, at, chance.choice((by_event, by_reference)))


def _fulfilment(chance: Chance, number: int, closed_at: datetime, closing: dict[str, Any]) -> dict[str, Any]:
    at = closed_at + timedelta(seconds=chance.choice((-7200, 0, 1, 3600, 86_400, 4 * 86_400)))
    kind = chance.choice(("delivery", "quantity"))
    value: Any = at.isoformat() if kind == "delivery" else chance.choice((8, 10))
    data = {"event": {"source": closing["source"], "id": closing["id"]}, "kind": kind, "fulfilled": value}
    return _event(f"F{number}", "promise.fulfilled", at, data)


def _poison(chance: Chance, number: int, at: datetime) -> dict[str, Any]:
    bad: tuple[dict[str, Any], ...] = (
        _event(f"poison{number}", "sale.closed", at, {"customer": {"id": "c-x"}}),
        _event(f"poison{number}", "sale.opened", at, {}),
        {"id": f"poison{number}", "customer": "Ana 2nésima", "Ana 2nésima": "c2@example.com"},
        _event(
            f"poison{number}",
            "sale.closed",
            at + 400 * DAY,
            {"customer": {"id": "c-1", "name": "Ana 1nésima", "email": "x@example.com"}},
        ),
    )
    return chance.choice(bad)


def _event(id_: str, kind: str, at: datetime, data: dict[str, Any]) -> dict[str, Any]:
    return {"specversion": "1.0", "id": id_, "source": "/crm", "type": kind, "time": at.isoformat(), "data": data}
