"""Say to departments what happened, why it is theirs and by when, so that five seconds are enough."""

from dataclasses import dataclass
from datetime import datetime
from textwrap import shorten

from chalicelib.adapters.templates import _, sentence
from chalicelib.adapters.templates.formats import moment
from chalicelib.adapters.wording import department_name, drivers_text, promise_told, rating_text, why_text
from chalicelib.domain.case import Case, Notice
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.organisation import Department, Organisation
from chalicelib.domain.routing import Why
from chalicelib.domain.terms import base_language
from chalicelib.ports import CaseView

NAME_SHOWN_MAX = 40  # characters of a name in a subject: what is cut off there stands in the mail


def department_of(notice: Notice, organisation: Organisation) -> Department:
    """Return who is told: the notice's department, or the arbiter where the file no longer has it."""
    found = organisation.department(notice.department) or organisation.department(organisation.routing.arbiter)
    return found or organisation.departments[0]


def recipients(notice: Notice, organisation: Organisation) -> tuple[str, ...]:
    """Return the addresses that a notice goes to: the department's, its head's or leadership's."""
    department = department_of(notice, organisation)
    reaches = notice.reaches or notice.rung
    if reaches == "leadership":
        return organisation.leadership
    if reaches == "head" or notice.kind == "overdue_on_arrival":
        return (department.head.email,) if department.head.email else department.alert_to
    return department.alert_to


def language_of(notice: Notice, organisation: Organisation) -> str:
    """Return the language in which a department reads."""
    return base_language(department_of(notice, organisation).language or organisation.language)


@dataclass(frozen=True)
class Deadline:
    """One of the two promised instants."""

    label: str
    text: str
    is_late: bool


def facts(
    notice: Notice, view: CaseView, organisation: Organisation, now: datetime, *, language: str = ""
) -> dict[str, object]:
    """Return what the mail of a notice says, in its department's language unless another is wanted."""
    language = language or language_of(notice, organisation)
    zone = organisation.calendar_of(department_of(notice, organisation).id).zone
    case, invitation = view.case, view.invitation
    customer = (view.customer.name if view.customer else None) or _unnamed(invitation, language)
    lead = department_name(case.department, organisation, language)
    headline, what = _story(notice, view, zone, language, lead)
    rating = rating_text(case.metric, case.rating, language)
    why = why_text(_why(notice, case), organisation, language)
    helps = notice.kind == "helping"
    return {
        "headline": headline,
        "what": what,
        "subject": _subject(headline, customer, rating, case),
        "preheader": f"{why} · {what}",
        "company": organisation.name,
        "department": department_name(department_of(notice, organisation).id, organisation, language),
        "words": _words(view),
        "customer": customer,
        "reference": case.reference or "",
        "rating": rating,
        "drivers": drivers_text(case.drivers, invitation.survey, organisation, language),
        "why": why,
        "helps": helps,
        "again": sentence(AGAIN, language) if case.is_repeat else "",
        # A task has no clock: what is promised to the customer is the lead's to keep.
        "deadlines": [] if helps else deadlines(case, zone, now, language),
        "promises": [promise_told(promise, zone, now, language) for promise in invitation.promises],
        "zone": zone,
        "press": sentence(_press(notice, case), language),
    }


def deadlines(case: Case, zone: str, now: datetime, language: str) -> list[Deadline]:
    """Return the promised instants that a department still has to keep."""
    promised: list[tuple[str, datetime, bool]] = []
    if case.state == "open":
        promised.append((_("Pick up by"), case.acknowledge_by, case.breached("acknowledge", now)))
    if case.state != "resolved":
        promised.append((_("Mend by"), case.resolve_by, case.breached("resolve", now)))
    late = sentence("late", language)
    return [
        Deadline(sentence(label, language), f"{_moment(at, zone, language)}{f' ({late})' if is_late else ''}", is_late)
        for label, at, is_late in promised
    ]


def _subject(headline: str, customer: str, rating: str, case: Case) -> str:
    parts = (shorten(customer, NAME_SHOWN_MAX, placeholder="…"), rating, shorten(case.reference or "", NAME_SHOWN_MAX))
    return f"{headline}: {' · '.join(part for part in parts if part)}"


def _words(view: CaseView) -> str:
    answer = view.invitation.confirmed
    return answer.verbatim if answer else ""


def _why(notice: Notice, case: Case) -> Why:
    """Return why a department is told: because it leads, or because of what it is to do for the lead."""
    own = (task.why for task in case.tasks if notice.kind == "helping" and task.department == notice.department)
    return next(own, case.why)


def _press(notice: Notice, case: Case) -> str:
    if notice.kind == "helping":
        return _("See your task")
    return _("Pick up the case") if case.state == "open" else _("See the case")


def _story(notice: Notice, view: CaseView, zone: str, language: str, lead: str) -> tuple[str, str]:
    """Return what happened in three words, and in a sentence."""
    case = view.case
    headline, what, at = _STORIES[notice.kind, notice.promise, notice.rung]
    when = {"acknowledge": case.acknowledge_by, "resolve": case.resolve_by}[at]
    told = sentence(what, language, when=_moment(when, zone, language), rating=case.rating, lead=lead)
    reason = _reason(notice, view)
    return sentence(headline, language), f"{told} «{reason}»" if reason else told


def _reason(notice: Notice, view: CaseView) -> str:
    """Return why somebody moved the case, as was written then."""
    verb = {"handed_over": "reassign", "returned": "return", "reopened": "reopen", "corrected": "corrected"}
    wanted = verb.get(notice.kind)
    return next((entry.text for entry in reversed(view.timeline) if entry.move == wanted), "")


def _moment(at: datetime, zone: str, language: str) -> str:
    return moment(at, zone, language=base_language(language))


def _unnamed(invitation: Invitation, language: str) -> str:
    if invitation.counter:
        return sentence("somebody at the counter, without a name", language)
    return sentence("a customer", language)


AGAIN = _("This customer was let down before, within 90 days.")
_PICK_UP = _("Please pick it up before %(when)s.")
_STORIES: dict[tuple[str, str | None, str | None], tuple[str, str, str]] = {
    ("opened", None, None): (_("New case"), _PICK_UP, "acknowledge"),
    ("handed_over", None, None): (_("Passed to you"), _PICK_UP, "acknowledge"),
    ("returned", None, None): (_("Returned to you"), _PICK_UP, "acknowledge"),
    ("inherited", None, None): (_("Yours to decide: its department is gone"), _PICK_UP, "acknowledge"),
    ("reopened", None, None): (_("Not mended yet"), _PICK_UP, "acknowledge"),
    ("corrected", None, None): (
        _("Answer changed"),
        _("The customer changed the answer; the case stays open until it is resolved."),
        "resolve",
    ),
    ("escalation", "acknowledge", "warning"): (
        _("Soon late, not picked up"),
        _("Nobody has picked this case up yet. It is promised for %(when)s."),
        "acknowledge",
    ),
    ("escalation", "acknowledge", "head"): (
        _("Late, not picked up"),
        _("Nobody has picked this case up. It was promised for %(when)s."),
        "acknowledge",
    ),
    ("escalation", "acknowledge", "leadership"): (
        _("Very late, not picked up"),
        _("Nobody has picked this case up, long after it was promised: %(when)s."),
        "acknowledge",
    ),
    ("escalation", "resolve", "warning"): (
        _("Soon late, not mended"),
        _("This case is not mended yet. It is promised for %(when)s."),
        "resolve",
    ),
    ("escalation", "resolve", "head"): (
        _("Late, not mended"),
        _("This case is not mended. It was promised for %(when)s."),
        "resolve",
    ),
    ("escalation", "resolve", "leadership"): (
        _("Very late, not mended"),
        _("This case is not mended, long after it was promised: %(when)s."),
        "resolve",
    ),
    ("helping", None, None): (
        _("Your help is needed"),
        _(
            "%(lead)s leads this case and speaks with the customer: please do your part, and say on the case what was "
            "done. No clock runs for you."
        ),
        "resolve",
    ),
    ("overdue_on_arrival", None, None): (
        _("Arrived late"),
        _("This case reached you when a step of its promise had passed already. It is to be mended by %(when)s."),
        "resolve",
    ),
}
