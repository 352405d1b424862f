"""Show leadership what lets down many at once: which cases, since when, whether surveys wait, and how to end it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.adapters.desk import words
from chalicelib.adapters.desk.frame import Desk, desk_page
from chalicelib.adapters.templates import Page
from chalicelib.adapters.wording import drivers_text, rating_text
from chalicelib.domain.case import Case
from chalicelib.domain.incident import Incident


@dataclass(frozen=True)
class Linked:
    """One case of an incident."""

    id: str
    title: str
    rating: str
    department: str
    state: str
    opened_at: datetime
    is_done: bool


@dataclass(frozen=True)
class Shown:
    """One incident."""

    driver: str
    title: str
    department: str
    incident: Incident
    cases: tuple[Linked, ...]
    left: int
    has_more: bool
    pauses: bool


def incidents_page(desk: Desk, found: Sequence[tuple[Incident, Sequence[Case], bool, bool]], *, done: bool) -> Page:
    """Return the page; `found` are incidents with their cases, whether there are more, and whether surveys wait."""
    return desk_page(
        "staff/incidents.html",
        desk,
        current="/incidents",
        shown=[_shown(desk, *each) for each in found],
        rule=desk.organisation.incidents,
        done=done,
    )


def name_of(desk: Desk, incident: Incident) -> str:
    """Return what customers say has failed, in the reader's language; the driver's id where the file has it no more."""
    return drivers_text((incident.id,), incident.survey, desk.organisation, desk.language) or incident.id


def _shown(desk: Desk, incident: Incident, cases: Sequence[Case], has_more: bool, pauses: bool) -> Shown:
    return Shown(
        driver=incident.id,
        title=name_of(desk, incident),
        department=desk.department(incident.department),
        incident=incident,
        cases=tuple(_linked(desk, case) for case in cases),
        left=sum(case.state != "resolved" for case in cases),
        has_more=has_more,
        pauses=pauses,
    )


def _linked(desk: Desk, case: Case) -> Linked:
    return Linked(
        id=case.id,
        title=case.reference or desk.say("a customer"),
        rating=rating_text(case.metric, case.rating, desk.language),
        department=desk.department(case.department),
        state=desk.say(words.STATES[case.state]),
        opened_at=case.opened_at,
        is_done=case.state == "resolved",
    )
