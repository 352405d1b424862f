"""Describe the simulated company, and how its file changes while timers are armed."""

from datetime import date, timedelta
from functools import lru_cache

from chalicelib.domain.calendar import Calendar
from chalicelib.domain.organisation import (
    Burst,
    Cause,
    Department,
    Hours,
    Organisation,
    Program,
    Routing,
    Sender,
    Sla,
    Staff,
    Trends,
    Webhook,
)
from chalicelib.domain.survey import Option, Question, Survey

ZONE = "America/Bogota"
DEPARTMENTS = ("sales", "logistics", "billing", "reception")
HOURS_BY_LAW = {"mon-fri": ["07:00-19:00"], "sat": ["08:00-15:00"]}
INCIDENT_MIN, INCIDENT_WITHIN = 3, timedelta(days=1)
DAYS_OFF = (date(2026, 3, 23), date(2026, 4, 2), date(2026, 4, 3))
FAR_DEPARTMENT = "service"
"""Works in a zone whose clocks change in the middle of the simulated month."""

DRIVERS = Question(
    id="drivers",
    kind="drivers",
    ask_if="low",
    text={"es": "¿Qué le falló?"},
    options=(
        Option(id="late", department="logistics", text={"es": "llegó tarde"}),
        Option(id="invoice", department="billing", text={"es": "la factura"}),
        Option(id="rude", department="sales", text={"es": "el trato"}),
        Option(id="repair", department="service", text={"es": "la reparación"}),
    ),
)
QUESTIONS = (
    Question(id="delivery", kind="touchpoint", text={"es": "La entrega"}, department="logistics"),
    Question(id="billing", kind="touchpoint", text={"es": "La factura"}, department="billing"),
    DRIVERS,
    Question(id="promise", kind="promise", text={"es": "¿Cumplimos?"}),
    Question(id="value", kind="value", text={"es": "¿Sirvió?"}),
    Question(id="comment", kind="text", text={"es": "Cuéntenos"}),
)


def survey(id_: str, metric: str, wording: str = "¿Cómo le fue?") -> Survey:
    """Return a survey; another wording makes another version."""
    given = {
        "id": id_,
        "metric": metric,
        "title": {"es": wording},
        "rating": {"es": wording},
        "lowest": {"es": "mal"},
        "highest": {"es": "bien"},
        "thanks": {"es": "gracias"},
        "questions": QUESTIONS,
    }
    return Survey.model_validate(given)


def program(id_: str, on: str, survey_id: str, **more: object) -> Program:
    """Return a program with short rests, so that a month has room for many of them."""
    given: dict[str, object] = {
        "id": id_,
        "name": {"es": id_},
        "on": (on,),
        "survey": survey_id,
        "rest_days": 4,
        "delay": timedelta(0),
        "window": timedelta(days=6),
        "remind_after": timedelta(days=2),
        "too_old_after": timedelta(days=10),
        **more,
    }
    return Program.model_validate(given)


PURCHASE = program("purchase", "sale.closed", "nps", delay=timedelta(hours=2), sms_after_bounce=True)
PURCHASE_EFFORT = program("effort", "sale.closed", "ces", rest_days=0, sample=0.3, remind_after=None, daily_max=2)
USER = program(
    "user", "sale.closed", "ces", contact="user", rest_days=3, hours={"mon-fri": ["09:00-12:00", "14:00-18:00"]}
)
TICKET = program(
    "ticket", "ticket.closed", "csat", rest_days=2, hours={"daily": ["00:00-24:00"]}, when={"vip": ["yes"]}
)
SUPPORT = program("support", "ticket.closed", "csat", rest_days=3, channels=("sms", "email"), rest_days_after_answer=6)
LATER = program("later", "ticket.closed", "ces", rest_days=0, remind_after=None, hours={"daily": ["00:00-24:00"]})
"""Asks of what happens after it came, and of nothing before."""

DELIVERY = program("delivery", "delivery.completed", "csat", delay=timedelta(days=1), rest_days=5)


def department(
    id_: str, *, acknowledge: float = 4, resolve: float = 24, calendar: Calendar | None = None
) -> Department:
    """Return a department with its promises in hours of open time."""
    return Department(
        id=id_,
        name={"es": id_},
        alert_to=(f"{id_}@torno.example",),
        head=Staff(id=f"head-{id_}", name=f"Head of {id_}", email=f"head-{id_}@torno.example"),
        calendar=calendar,
        sla=Sla(acknowledge=timedelta(hours=acknowledge), resolve=timedelta(hours=resolve)),
    )


OFFICE = Calendar(zone=ZONE, hours={"mon-fri": ["08:00-12:00", "14:00-18:00"], "sat": ["08:00-12:00"]})
NIGHTS = Calendar(zone="America/Santiago", hours={"mon-fri": ["20:00-04:00"], "sat,sun": ["10:00-14:00"]})


WEBHOOKS = (
    Webhook(id="crm", url="https://crm.torno.example/hook"),
    Webhook(id="audit", url="https://audit.torno.example/hook", kinds=("case.opened", "case.resolved")),
)
"""The second is taken out while posts to it wait."""


COUNTED_LATER = Trends(attributes=("region", "store"), pairs=(("department", "region"),), generation=1)


@lru_cache
def organisation(step: int = 0) -> Organisation:
    """Return the company's file as published first (step 0) and after each change."""
    programs = [PURCHASE, PURCHASE_EFFORT, USER, TICKET, SUPPORT]
    wording = "¿Cómo le fue?" if step < 2 else "¿Qué tal le fue?"
    changes: dict[str, object] = {"programs": tuple(programs), "retired_programs": ()}
    if step >= 1:
        changes = {"programs": (*programs, DELIVERY, LATER), "retired_programs": ()}
    if step >= 4:
        changes = {
            "programs": (PURCHASE_EFFORT, PURCHASE, SUPPORT, DELIVERY),
            "retired_programs": ("user", "ticket", "later"),
        }
    gone = ["billing"] if step >= 3 else []
    logistics_hours = 2 if step < 2 else 6
    holidays = () if step < 2 else (date(2026, 3, 23), date(2026, 4, 2), date(2026, 4, 3))
    return Organisation.model_validate(
        {
            "name": "Torno",
            "zone": ZONE,
            "contact": {"es": "Llámenos."},
            "sender": Sender(name="Torno", email="hola@torno.example", sms="Torno"),
            "customer_hours": {"CO": Hours(zones=(ZONE,), calling_code="+57", hours=HOURS_BY_LAW, holidays=DAYS_OFF)},
            "calendar": OFFICE.model_copy(update={"holidays": holidays}),
            "departments": tuple(
                each
                for each in (
                    department("sales"),
                    department("logistics", acknowledge=logistics_hours, resolve=12),
                    department(
                        "billing",
                        acknowledge=3,
                        calendar=OFFICE.model_copy(update={"hours": {"mon-fri": ["09:00-17:00"]}}),
                    ),
                    department("reception", acknowledge=1, resolve=8),
                    department("service", acknowledge=2, resolve=30, calendar=NIGHTS),
                )
                if each.id not in gone
            ),
            "retired_departments": tuple(gone),
            "leadership": ("carla@torno.example",),
            "surveys": tuple(
                without(each, gone)
                for each in (survey("nps", "nps", wording), survey("csat", "csat", wording), survey("ces", "ces"))
            ),
            "routing": Routing(arbiter="reception", topics={"logistics": {"es": ["tard", "entreg"]}}),
            "causes": (Cause(id="carrier", text={"es": "transportadora"}), Cause(id="us", text={"es": "nosotros"})),
            "trends": Trends(attributes=("region",)) if step < 3 else COUNTED_LATER,
            "incidents": Burst(answers_min=INCIDENT_MIN, within=INCIDENT_WITHIN),
            "tell_heard": step != 1,
            "internal_domains": ("torno.example",),
            "webhooks": WEBHOOKS if step < 2 else WEBHOOKS[:1],
            **changes,
        }
    )


def without(given: Survey, gone: list[str]) -> Survey:
    """Return a survey that names none of the departments that are gone."""
    questions = tuple(
        question.model_copy(
            update={
                "department": None if question.department in gone else question.department,
                "options": tuple(option for option in question.options if option.department not in gone),
            }
        )
        for question in given.questions
    )
    return given.model_copy(update={"questions": questions})


CHANGES_AT = (timedelta(days=6), timedelta(days=9), timedelta(days=10.5), timedelta(days=19))
"""When the file changes: a program comes, hours and wording change, a department goes, two programs are retired.

As the department goes, everything is counted by other attributes as well, what is older included.
"""
