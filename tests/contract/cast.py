"""The cast of these tests: Ana who was asked, Bruno's logistics, the company and its survey."""

from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.domain.calendar import Calendar
from chalicelib.domain.case import Case, Entry, Notice, Step
from chalicelib.domain.customer import Customer
from chalicelib.domain.event import Person, Promise
from chalicelib.domain.invitation import Answer, Invitation
from chalicelib.domain.organisation import Department, Organisation, Program, Routing, Sender, Staff
from chalicelib.domain.routing import Why
from chalicelib.domain.survey import Survey
from chalicelib.domain.terms import fingerprint, keyed

NOW = datetime(2026, 3, 6, 21, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
PEPPER = b"a pepper for tests, and for nothing else"
ANA = keyed(PEPPER, "customer", "c-981")


def id_of(number: int) -> str:
    """Return the id of the n-th invitation."""
    return fingerprint("test", str(number))


def invitation(number: int = 1, **changes: Any) -> Invitation:
    """Return an invitation to Ana that is due in an hour."""
    given: dict[str, Any] = {
        "id": id_of(number),
        "source": "/crm",
        "event_id": f"ORD-{number}",
        "touchpoint": "sale.closed",
        "occurred_at": NOW,
        "decided_at": NOW,
        "program": "sales",
        "label": "customer",
        "customer": ANA,
        "language": "es",
        "channel": "email",
        "survey": "sales",
        "metric": "nps",
        "department": "sales",
        "departments": ("sales", "logistics"),
        "people": (Person(id="u-7", name="Marta Ruiz", department="sales", role="seller"),),
        "promises": (Promise(kind="delivery", department="logistics", promised=NOW + 90 * HOUR),),
        "attributes": {"region": "Bogotá"},
        "state": "scheduled",
        "send_at": NOW + HOUR,
        **changes,
    }
    return Invitation.model_validate(given)


def answered(before: Invitation, rating: int = 2) -> Invitation:
    """Return the next version of an invitation, with a confirmed answer."""
    answer = Answer(rating=rating, texts={"comment": "Llegó tarde y roto 😞"}, at=NOW + HOUR, how="button")
    return before.moved(
        state="sent", send_at=None, sent_at=NOW, confirmed=answer, first_confirmed_at=NOW + HOUR, has_case=rating < 7
    )


def case(number: int = 1, **changes: Any) -> Case:
    """Return the case of the n-th invitation, as it is opened for logistics."""
    given: dict[str, Any] = {
        "id": id_of(number),
        "program": "sales",
        "metric": "nps",
        "rating": 2,
        "customer": ANA,
        "department": "logistics",
        "why": Why(rule="driver", text="the customer chose: llegó tarde"),
        "opened_at": NOW + HOUR,
        "lead_since": NOW + HOUR,
        "running_since": NOW + HOUR,
        "acknowledge_from": NOW + HOUR,
        "acknowledge_budget": 4 * 3600.0,
        "acknowledge_by": NOW + 5 * HOUR,
        "resolve_from": NOW + HOUR,
        "resolve_budget": 24 * 3600.0,
        "resolve_by": NOW + 25 * HOUR,
        "ladder": (Step(promise="acknowledge", rung="warning", at=NOW + 4 * HOUR),),
        "notices": (Notice(kind="opened", department="logistics", at=NOW + HOUR),),
        **changes,
    }
    return Case.model_validate(given)


def entry(version: int = 1, **changes: Any) -> Entry:
    """Return a line of a case's timeline."""
    given: dict[str, Any] = {
        "version": version,
        "at": NOW + HOUR,
        "by": "customer",
        "move": "opened" if version == 1 else "comment",
        "from_state": None if version == 1 else "open",
        "to_state": "open",
        "department": "logistics",
        "text": "llegó tarde",
        **changes,
    }
    return Entry.model_validate(given)


def next_of(before: Case, **changes: Any) -> Case:
    """Return the next revision of a case."""
    return before.model_copy(update={"revision": before.revision + 1, **changes})


def customer(**changes: Any) -> Customer:
    """Return Ana, new."""
    given: dict[str, Any] = {"key": ANA, "version": 1, "id": "c-981", "name": "Ana Pérez", "email": "ana@example.com"}
    return Customer.model_validate({**given, **changes})


def survey(title: str = "¿Cómo le fue?") -> Survey:
    """Return the survey after a sale."""
    text = {"es": "…"}
    return Survey(id="sales", metric="nps", title={"es": title}, rating=text, lowest=text, highest=text, thanks=text)


def organisation(**changes: Any) -> Organisation:
    """Return the company: sales and logistics."""
    departments = tuple(
        Department(id=id_, name={"es": id_}, alert_to=(f"{id_}@example.com",), head=Staff(id=f"h-{id_}", name="Bruno"))
        for id_ in ("sales", "logistics")
    )
    given: dict[str, Any] = {
        "name": "Ferretería El Tornillo",
        "zone": "America/Bogota",
        "contact": {"es": "Llámenos al 601 555 0000."},
        "sender": Sender(name="El Tornillo", email="hola@example.com"),
        "calendar": Calendar(zone="America/Bogota", hours={"mon": ["08:00-17:00"]}),
        "departments": departments,
        "leadership": ("carla@example.com",),
        "surveys": (survey(),),
        "programs": (Program(id="sales", name={"es": "Ventas"}, on=("sale.closed",), survey="sales"),),
        "routing": Routing(arbiter="sales"),
        **changes,
    }
    return Organisation.model_validate(given)
