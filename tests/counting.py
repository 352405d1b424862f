"""Made-up invitations and cases for what is counted, and a company that counts them."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.domain.case import Case
from chalicelib.domain.event import Person, Promise
from chalicelib.domain.invitation import Answer, Invitation
from chalicelib.domain.organisation import Organisation, Trends
from chalicelib.domain.routing import Why
from chalicelib.domain.survey import Question, Survey
from tests.domain.cast import NPS, organisation, program, text

AT = datetime(2026, 3, 6, 21, 0, tzinfo=UTC)
MARTA = Person(id="u-7", name="Marta Ruiz", department="sales", role="seller")
JORGE = Person(id="u-8", name="Jorge Paz", department="logistics", role="driver")
DELIVERY = Promise(kind="delivery", department="logistics", promised=datetime(2026, 3, 10, 22, 0, tzinfo=UTC))
QUANTITY = Promise(kind="quantity", department="logistics", promised=10.0, better="higher")

PURCHASE = NPS.model_copy(
    update={
        "questions": (
            *NPS.questions,
            Question(id="staff", kind="touchpoint", text=text("La atención")),
            Question(id="invoice_kept", kind="promise", text=text("¿La factura?"), department="billing"),
        )
    }
)
SUPPORT = Survey(
    id="support",
    metric="csat",
    title=text("Soporte"),
    rating=text("¿Cómo fue?"),
    lowest=text("Mal"),
    highest=text("Bien"),
    thanks=text("Gracias"),
)
EFFORT = SUPPORT.model_copy(update={"id": "effort", "metric": "ces"})
SURVEYS: dict[str, Survey] = {survey.metric: survey for survey in (PURCHASE, SUPPORT, EFFORT)}


def company(**trends: Any) -> Organisation:
    """El Tornillo, counting by region and store, and by department and region together."""
    given = {"attributes": ("region", "store"), "pairs": (("department", "region"), ("program", "region")), **trends}
    return organisation(
        surveys=tuple(SURVEYS.values()),
        programs=(program(), program(id="support", survey="support"), program(id="effort", survey="effort")),
        trends=Trends(**given),
    )


def asked(id_: str = "i-1", **more: Any) -> Invitation:
    """An invitation that was sent to Ana after her purchase."""
    given: dict[str, Any] = {
        "id": id_,
        "source": "/crm",
        "event_id": id_,
        "touchpoint": "sale.closed",
        "occurred_at": AT,
        "decided_at": AT,
        "program": "after-sale",
        "label": "customer",
        "customer": "ana",
        "channel": "email",
        "language": "es",
        "survey": PURCHASE.id,
        "survey_version": PURCHASE.version,
        "metric": PURCHASE.metric,
        "department": "sales",
        "departments": ("sales", "logistics"),
        "people": (MARTA,),
        "attributes": {"region": "Bogotá"},
        "state": "sent",
        "sent_at": AT,
    }
    return Invitation(**{**given, **more})


def answered(rating: int, id_: str = "i-1", *, at: datetime = AT + timedelta(hours=1), **more: Any) -> Invitation:
    """The same invitation with Ana's confirmed answer; `ratings` and `choices` belong to the answer."""
    said = {name: more.pop(name) for name in ("ratings", "choices", "texts", "topics") if name in more}
    answer = Answer(rating=rating, at=at, how="button", **said)
    return asked(id_, **{"confirmed": answer, "first_confirmed_at": at, **more})


def opened(id_: str = "i-1", **more: Any) -> Case:
    """The case of a low rating, led by logistics."""
    given: dict[str, Any] = {
        "id": id_,
        "program": "after-sale",
        "metric": "nps",
        "rating": 2,
        "customer": "ana",
        "touchpoint": "sale.closed",
        "channel": "email",
        "people": (MARTA,),
        "attributes": {"region": "Bogotá"},
        "department": "logistics",
        "why": Why(rule="driver", text="the customer chose: Llegó tarde"),
        "opened_at": AT,
        "lead_since": AT,
        "running_since": AT,
        "acknowledge_from": AT,
        "acknowledge_budget": 14_400.0,
        "acknowledge_by": AT + timedelta(hours=4),
        "resolve_from": AT,
        "resolve_budget": 57_600.0,
        "resolve_by": AT + timedelta(hours=16),
    }
    return Case(**{**given, **more})


def anything(chance: random.Random, id_: str, days: int = 60) -> Invitation | Case:
    """Any invitation or case that a company may come to have."""
    return _any_case(chance, id_, days) if chance.random() < 0.3 else _any_invitation(chance, id_, days)


def _frozen(chance: random.Random, id_: str, days: int) -> dict[str, Any]:
    # What never changes of one item: drawn from its name, whatever else is drawn.
    fixed = random.Random(id_)
    at = AT + timedelta(minutes=fixed.randrange(days * 1440))
    attributes = {"region": fixed.choice(("Bogotá", "R&D #1", "", "50%")), "store": fixed.choice(("north", "south"))}
    return {
        "program": fixed.choice(("after-sale", "support")),
        "touchpoint": fixed.choice(("sale.closed", "ticket.closed")),
        "people": tuple(fixed.sample((MARTA, JORGE), fixed.randrange(3))),
        "attributes": {name: value for name, value in attributes.items() if fixed.random() < 0.8},
        "occurred_at": at,
    }


def _any_invitation(chance: random.Random, id_: str, days: int) -> Invitation:
    frozen = _frozen(chance, id_, days)
    fixed = random.Random(f"{id_}/survey")
    survey = fixed.choice(list(SURVEYS.values()))
    departments = tuple(fixed.sample(("sales", "logistics", "billing"), fixed.randrange(4)))
    state = chance.choice(("scheduled", "attempted", "sent", "sent", "sent", "skipped", "failed"))
    more: dict[str, Any] = {
        "survey": survey.id,
        "survey_version": survey.version,
        "metric": survey.metric,
        "departments": departments,
        "state": state,
        "reason": chance.choice(("resting", "too_old")) if state == "skipped" else None,
        "channel": chance.choice(("email", "sms")),
        "bounced": chance.random() < 0.1,
        "unconfirmed": chance.random() < 0.1,
        "primary": fixed.random() < 0.7,
        "trial": fixed.random() < 0.05,
        "promises": _any_promises(chance, fixed, frozen["occurred_at"]),
    }
    if chance.random() < 0.6:
        more["confirmed"] = _any_answer(chance, survey, frozen["occurred_at"])
        hours = random.Random(f"{id_}/first").randrange(90)
        more["first_confirmed_at"] = frozen["occurred_at"] + timedelta(hours=hours)
    return asked(id_, **frozen, **more)


def _any_answer(chance: random.Random, survey: Survey, at: datetime) -> Answer:
    touchpoints = {question.id for question in survey.questions if question.kind == "touchpoint"}
    yes_no = [question.id for question in survey.questions if question.kind in ("promise", "value")]
    drivers = [question.id for question in survey.questions if question.kind == "drivers"]
    asked_ = dict.fromkeys(yes_no, ("yes", "no")) | dict.fromkeys(drivers, ("late", "invoice"))
    return Answer(
        rating=chance.choice(survey.scale),
        ratings={id_: chance.randint(1, 5) for id_ in sorted(touchpoints) if chance.random() < 0.8},
        choices={id_: (chance.choice(said),) for id_, said in asked_.items() if chance.random() < 0.8},
        at=at,
        how="button",
        topics=chance.choice((None, (), ("logistics",), ("billing", "sales"))),
    )


def _any_promises(chance: random.Random, fixed: random.Random, at: datetime) -> tuple[Promise, ...]:
    due = at + timedelta(hours=fixed.randrange(200))
    delivery = Promise(
        kind="delivery",
        department="logistics",
        promised=due,
        fulfilled=chance.choice((None, due, due + timedelta(hours=1))),
    )
    quantity = Promise(kind="quantity", promised=10.0, fulfilled=chance.choice((None, 8.0, 10.0)), better="higher")
    return tuple(fixed.sample((delivery, quantity), fixed.randrange(3)))


def _any_case(chance: random.Random, id_: str, days: int) -> Case:
    frozen = _frozen(chance, id_, days)
    at = frozen.pop("occurred_at")
    resolved = chance.random() < 0.5
    return opened(
        f"{id_}c",
        **frozen,
        opened_at=at,
        department=chance.choice(("sales", "logistics", "billing")),
        state="resolved" if resolved else chance.choice(("open", "acknowledged", "waiting")),
        first_acknowledged_at=at + timedelta(seconds=chance.randrange(90_000)) if resolved else None,
        spent={"logistics": chance.random() * 1e5, "sales": chance.random() * 1e4} if resolved else {},
        acknowledge_breached=chance.random() < 0.3,
        resolve_breached=chance.random() < 0.3,
        handoffs=chance.randrange(3),
        returns=chance.randrange(3),
        mended=chance.choice((None, "asked", "yes", "no")),
        root_cause=chance.choice((None, "wrong_pick")),
        drivers=("late",),
        contacts_reached=chance.choice((0, 0, 1, 2)),
        contacts_missed=chance.choice((0, 0, 1, 3)),
    )
