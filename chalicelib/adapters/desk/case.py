"""Show a case: what the customer said, why it is ours, what was promised, whose clock ran, what comes next."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from typing import Any

from chalicelib.adapters.desk import words
from chalicelib.adapters.desk.forms import HOW, TITLES, forms, is_helper
from chalicelib.adapters.desk.frame import Desk, desk_page
from chalicelib.adapters.desk.incidents import name_of
from chalicelib.adapters.desk.knowledge import learned_from
from chalicelib.adapters.notices import AGAIN
from chalicelib.adapters.templates import Page
from chalicelib.adapters.templates.formats import moment
from chalicelib.adapters.wording import drivers_text, promise_told, rating_text, why_text
from chalicelib.domain.case import ALLOWED, NOT_MENDED, PUBLICATION, Case, Entry
from chalicelib.domain.customer import Customer
from chalicelib.domain.incident import Incident
from chalicelib.domain.invitation import Answer, Invitation
from chalicelib.domain.knowledge import Lesson
from chalicelib.domain.survey import TOUCHPOINT_SCALE, Survey
from chalicelib.domain.terms import in_language
from chalicelib.errors import LazoError
from chalicelib.ports import CaseView

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
TONES = 6  # colours that tell departments apart; their names stand beside them


def _(text: str) -> str:
    """Mark a sentence for the catalogues; it is translated where it is said."""
    return text


DONE = {
    "acknowledge": _("It is yours now. The customer's clock goes on."),
    "return": _("Sent back, with your reason."),
    "reassign": _("Passed on, with your reason."),
    "comment": _("Noted."),
    "contact": _("Noted."),
    "wait": _("Waiting for the customer. The promise to mend stands still."),
    "resume": _("The promise to mend runs again."),
    "resolve": _("Mended. We ask the customer whether it is so."),
    "reopen": _("Opened again."),
    "done": _("Thank you. Whoever leads the case reads it."),
}
MENDED_UNASKED = _("Mended. Nobody gave a name, so nobody is asked whether it is so.")
HOWS = {"phone": _("told us by phone"), "counter": _("told us at the counter"), "sms": _("answered by text message")}
NAMELESS = _("answered at the counter by its code, without a name: there is nobody to call")


@dataclass(frozen=True)
class Line:
    """One line of what happened, on the customer's side or on ours."""

    at: datetime
    what: str
    by: str
    where: str
    text: str
    is_ours: bool


@dataclass(frozen=True)
class Helping:
    """What one department does for the lead, and whether that is done."""

    name: str
    why: str
    is_done: bool
    is_over: bool
    at: datetime | None
    by: str
    told: str


@dataclass(frozen=True)
class Stretch:
    """How long one department has had the customer waiting, and where that lies on the whole clock."""

    name: str
    seconds: float
    start: float
    share: float
    tone: int
    is_running: bool


@dataclass(frozen=True)
class Promised:
    """One of the two promised instants, and how it stands."""

    label: str
    at: datetime
    standing: str
    is_late: bool
    is_live: bool


def case_page(
    desk: Desk,
    view: CaseView,
    survey: Survey | None,
    *,
    done: str = "",
    known: Sequence[Lesson] = (),
    incidents: Sequence[Incident] = (),
) -> Page:
    """Return the page of a case, with what mended cases like it."""
    said_done = desk.say(_done(view.case, done)) if done in DONE else ""
    learned = [learned_from(lesson, desk) for lesson in known]
    parts = [{"name": name_of(desk, each), "since": each.since, "is_open": each.is_open} for each in incidents]
    return _page(desk, view, survey, done=said_done, forms=forms(view.case, desk), lessons=learned, part_of=parts)


def refused_page(
    desk: Desk, view: CaseView, survey: Survey | None, verb: str, typed: Mapping[str, str], refusal: LazoError
) -> Page:
    """Return the page of a case whose move was refused: what is wrong beside its field, nothing typed lost."""
    laid = forms(view.case, desk, tried=verb, typed=typed, refusal=refusal)
    lost = "" if any(form.verb == verb for form in laid) else desk.say(words.NOT_POSSIBLE, move=_title(verb, desk))
    return _page(desk, view, survey, status=422, trouble=lost, kept=_kept(typed) if lost else "", forms=laid)


def stale_page(
    desk: Desk, view: CaseView, survey: Survey | None, verb: str, typed: Mapping[str, str], seen: int
) -> Page:
    """Return the page of a case that somebody else has moved meanwhile: what changed, and all that was typed."""
    laid = forms(view.case, desk, tried=verb, typed=typed)
    lost = not any(form.verb == verb for form in laid)
    return _page(
        desk,
        view,
        survey,
        status=409,
        changed=[_line(entry, desk) for entry in view.timeline if entry.version > seen],
        trouble=desk.say("Somebody was faster: look at what has happened, then decide anew."),
        kept=_kept(typed) if lost else "",
        forms=laid,
    )


def alert_page(
    desk: Desk, view: CaseView, survey: Survey | None, *, seen: int, status: int = 200, done: str = ""
) -> Page:
    """Return the case of an alert and its one move, for somebody without an account."""
    return desk_page(
        "staff/alert.html",
        desk,
        status=status,
        **_facts(desk, view, survey),
        changed=[_line(entry, desk) for entry in view.timeline if entry.version > seen],
        may_acknowledge=view.case.state in ALLOWED["acknowledge"],
        refused=status == 409,
        done=desk.say(DONE[done]) if done in DONE else "",
        sign_in=f"/cases/{view.case.id}",
        action=desk.address,
    )


def by_mail(desk: Desk, case: Case) -> str:
    """Return how the timeline names whoever pressed an alert's button, in the company's language."""
    ours = replace(desk, language=desk.organisation.language)
    return ours.say("%(department)s, by mail", department=ours.department(case.department))


def _page(desk: Desk, view: CaseView, survey: Survey | None, *, status: int = 200, **more: object) -> Page:
    plain: dict[str, object] = {"done": "", "trouble": "", "kept": "", "changed": [], "lessons": [], "part_of": []}
    desk = replace(desk, address=f"/cases/{view.case.id}")
    reads_only = desk.principal is not None and desk.principal.role == "leadership"
    reading = {"reads_only": reads_only, "reads_all": desk.reads_all, "helps": is_helper(view.case, desk)}
    facts = {**_facts(desk, view, survey), **plain, **more, **reading}
    return desk_page("staff/case.html", desk, current="/cases", status=status, **facts)


def _facts(desk: Desk, view: CaseView, survey: Survey | None) -> dict[str, Any]:
    case, invitation, customer = view.case, view.invitation, view.customer
    zone = desk.organisation.calendar_of(case.department).zone
    return {
        "case": case,
        "customer_name": (customer.name if customer else None) or words.unnamed(invitation, desk),
        "customer": customer,
        "calls": _calls(customer, desk),
        "state": desk.say(words.STATES[case.state]),
        "rating": rating_text(case.metric, case.rating, desk.language),
        "drivers": drivers_text(case.drivers, invitation.survey, desk.organisation, desk.language),
        "why": why_text(case.why, desk.organisation, desk.language),
        "again": desk.say(AGAIN) if case.is_repeat else "",
        "lead": desk.department(case.department),
        "origin": desk.department(case.origin_department),
        "tasks": _tasks(view, desk),
        "words": _words(invitation.confirmed, survey, desk),
        "ratings": _ratings(invitation.confirmed, survey, desk),
        "how": desk.say(NAMELESS) if invitation.counter else _how(invitation.confirmed, desk),
        "people": [person.name for person in invitation.people if person.name],
        "promises": [promise_told(promise, zone, desk.now, desk.language) for promise in invitation.promises],
        "promised": _promised(case, desk),
        "case_zone": zone,
        "stretches": _stretches(case, desk),
        "clock": case.customer_clock(desk.now),
        "is_running": case.running_since is not None,
        "outcome": _outcome(case, desk),
        "timeline": _timeline(view, desk),
        "live": words.templates(desk),
    }


def _tasks(view: CaseView, desk: Desk) -> list[Helping]:
    """Return who helps with what. A case of before tasks were kept names its helpers only."""
    case = view.case
    kept = {task.department: task for task in case.tasks}
    said = {entry.department: entry.text for entry in view.timeline if entry.move == "done"}
    told = []
    for department in case.supporting:
        task = kept.get(department)
        told.append(
            Helping(
                name=desk.department(department),
                why=why_text(task.why, desk.organisation, desk.language) if task else "",
                is_done=task is not None and task.done_at is not None,
                is_over=department not in case.helping,
                at=task.done_at if task else None,
                by=(task.done_by if task else None) or "",
                told=said.get(department, ""),
            )
        )
    return told


def _done(case: Case, done: str) -> str:
    return MENDED_UNASKED if done == "resolve" and case.is_nameless else DONE[done]


def _how(answer: Answer | None, desk: Desk) -> str:
    """Say how the answer came, where it did not come by the page."""
    return desk.say(HOWS[answer.how]) if answer and answer.how in HOWS else ""


def _calls(customer: Customer | None, desk: Desk) -> list[dict[str, str]]:
    """Return how this customer can be reached; whoever asked not to be called is not offered a phone."""
    if customer is None:
        return []
    phone = "" if customer.do_not_call else customer.phone
    ways = (
        (f"tel:{phone}" if phone else "", desk.say("Call"), phone),
        (f"mailto:{customer.email}" if customer.email else "", desk.say("Write"), customer.email),
    )
    return [{"href": href, "text": text, "address": address or ""} for href, text, address in ways if href]


def _words(answer: Answer | None, survey: Survey | None, desk: Desk) -> list[dict[str, str]]:
    """Return what the customer wrote, each with its question."""
    if answer is None:
        return []
    asked = {question.id: in_language(question.text, desk.language) for question in survey.questions} if survey else {}
    return [{"asked": asked.get(id_, ""), "text": text} for id_, text in answer.texts.items() if text]


def _ratings(answer: Answer | None, survey: Survey | None, desk: Desk) -> list[dict[str, object]]:
    """Return what else was answered: parts of the experience, and choices."""
    if answer is None or survey is None:
        return []
    highest = TOUCHPOINT_SCALE[1]
    told: list[dict[str, object]] = []
    for question in survey.questions:
        text = in_language(question.text, desk.language)
        if question.id in answer.ratings:
            rating = answer.ratings[question.id]
            said = desk.say("%(rating)s of %(highest)s", rating=rating, highest=highest)
            told.append({"asked": text, "text": said, "low": rating <= highest // 2})
        elif question.id in answer.choices and question.kind != "drivers":
            chosen = [_option(question.options, each, desk) for each in answer.choices[question.id]]
            told.append({"asked": text, "text": " · ".join(chosen), "low": answer.choices[question.id] == ("no",)})
    return told


def _option(options: Sequence[object], value: str, desk: Desk) -> str:
    found = next((option for option in options if getattr(option, "id", None) == value), None)
    if found is not None:
        return in_language(getattr(found, "text", {}), desk.language)
    return {"yes": desk.say("Yes"), "no": desk.say("No")}.get(value, value)


def _promised(case: Case, desk: Desk) -> list[Promised]:
    """Return the two promises: to pick up, and to mend."""
    acknowledged, resolved = case.breached("acknowledge", desk.now), case.breached("resolve", desk.now)
    picked_up = case.state != "open"
    kept, broken = desk.say("kept"), desk.say("broken")
    first = _standing(case.acknowledge_by, desk, ended=(broken if acknowledged else kept) if picked_up else "")
    ended = (broken if resolved else kept) if case.state == "resolved" else ""
    ended = ended or (desk.say("stands still") if case.state == "waiting" else "")
    second = _standing(case.resolve_by, desk, ended=ended)
    return [
        Promised(desk.say("Pick up by"), case.acknowledge_by, first, acknowledged, not picked_up),
        Promised(desk.say("Mend by"), case.resolve_by, second, resolved, not ended),
    ]


def _standing(at: datetime, desk: Desk, *, ended: str) -> str:
    return ended or words.countdown(at, desk)


def _stretches(case: Case, desk: Desk) -> list[Stretch]:
    """Return each department's part of the customer's clock, one behind the other."""
    clocks = case.department_clocks(desk.now)
    whole = sum(clocks.values()) or 1.0
    start, stretches, tones = 0.0, [], count()
    for department, seconds in clocks.items():
        share = 100 * seconds / whole
        running = case.running_since is not None and department == case.department
        name = desk.department(department)
        stretches.append(Stretch(name, seconds, start, share, next(tones) % TONES, running))
        start += share
    return stretches


def _outcome(case: Case, desk: Desk) -> dict[str, str] | None:
    """Return how it was mended, and whether the customer agrees."""
    if case.root_cause is None and case.action is None:
        return None
    causes = {cause.id: in_language(cause.text, desk.language) for cause in desk.organisation.causes}
    agrees = {"yes": _("The customer says: mended"), "no": _("The customer says: not mended"), "asked": _("Asked")}
    return {
        "cause": causes.get(case.root_cause or "", case.root_cause or ""),
        "action": case.action or "",
        "mended": desk.say(agrees[case.mended]) if case.mended else "",
    }


def _timeline(view: CaseView, desk: Desk) -> list[Line]:
    """Return both sides' story, the latest first."""
    story = [*_customers_side(view.invitation, desk), *(_line(entry, desk) for entry in view.timeline)]
    return sorted(story, key=lambda line: line.at)[::-1]


def _customers_side(invitation: Invitation, desk: Desk) -> list[Line]:
    about = invitation.reference or ""
    happened: list[tuple[datetime | None, str, str]] = [
        (invitation.occurred_at, desk.say("What it is about happened"), f"{invitation.touchpoint} {about}".strip()),
        (invitation.sent_at, desk.say("We asked how it went"), ""),
        (invitation.reminded_at, desk.say("We asked again"), ""),
        (invitation.first_confirmed_at, desk.say("The customer answered"), ""),
    ]
    return [Line(at, what, "", "", text, is_ours=False) for at, what, text in happened if at]


def _line(entry: Entry, desk: Desk) -> Line:
    what = desk.say(words.MOVED[entry.move]) if entry.move in words.MOVED else entry.move
    by = "" if entry.by in ("customer", PUBLICATION) else entry.by
    is_ours = bool(by) or entry.move in ("opened", "inherited", "replanned")
    return Line(entry.at, what, by, desk.department(entry.department), _told(entry, desk), is_ours)


def _told(entry: Entry, desk: Desk) -> str:
    if entry.move == "opened":
        return ""
    if entry.move == "inherited":
        return desk.department(entry.text)
    if entry.move == "replanned":
        return _instants_told(entry, desk)
    if entry.by == "customer" and entry.text == NOT_MENDED:
        said = words.MOVED["mended_no"]
        return desk.say(said)
    return _causes_named(entry.text, desk)


def _instants_told(entry: Entry, desk: Desk) -> str:
    """Return the promised times that changed, as its department's clock shows them."""
    zone = desk.organisation.calendar_of(entry.department).zone
    text = entry.text
    for name, label in (("acknowledge_by", desk.say("Pick up by")), ("resolve_by", desk.say("Mend by"))):
        text = text.replace(name, label)
    return STAMP.sub(lambda found: moment(datetime.fromisoformat(found[0]), zone, language=desk.language), text)


def _causes_named(text: str, desk: Desk) -> str:
    """Return what was said with root causes and ways of contact in words instead of their ids."""
    named = {value: desk.say(how) for value, how in HOW.items()}
    named |= {cause.id: in_language(cause.text, desk.language) for cause in desk.organisation.causes}
    return " · ".join(named.get(part, part) for part in text.split(" · "))


def _title(verb: str, desk: Desk) -> str:
    return desk.say(TITLES[verb]) if verb in TITLES else verb


def _kept(typed: Mapping[str, str]) -> str:
    """Return what was typed into a form that is no longer there, to be copied."""
    return "\n\n".join(text for text in typed.values() if text)
