"""Open the page, take the answer, and open the case that a low one needs, in the same breath."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from chalicelib.domain.case import mended
from chalicelib.domain.customer import Customer
from chalicelib.domain.invitation import WALK_IN, Invitation, walked_in
from chalicelib.domain.organisation import Counter, Organisation
from chalicelib.domain.response import (
    CONFIRM_AFTER,
    Filled,
    read_form,
    respond,
    seen_in,
    sent_from,
    settle,
    spelled_out,
    viewed,
)
from chalicelib.domain.survey import Survey
from chalicelib.domain.terms import PLACES_LAST
from chalicelib.errors import Conflict, Invalid, NotFound, Problem
from chalicelib.flows import amend, news, record
from chalicelib.ports import DueKey, Ports, View

Press = Literal["button", "automatic", "unvouched"]
NONCE = re.compile(r"[0-9a-f]{32}")
"""What a counter's page is called by: made anew for each that is opened."""


@dataclass(frozen=True)
class Opened:
    """What a survey page is made of."""

    invitation: Invitation
    survey: Survey
    customer: Customer | None
    """Who is greeted; an answer that is taken greets nobody."""
    organisation: Organisation
    is_open: bool


@dataclass(frozen=True)
class Submitted:
    """What a form has done: `recorded`, `closed` (too late), `busy` (too many at that counter) or `invalid` (with the
    problems in `filled`)."""

    outcome: Literal["recorded", "closed", "busy", "invalid"]
    page: Opened
    filled: Filled
    department: str | None = None
    """Who leads the case of a low answer, once there is one."""


def open_page(ports: Ports, id_: str, now: datetime) -> Opened:
    """Load what an invitation's page shows, perhaps as it was a second ago; changes nothing. Raises NotFound."""
    page = _page(ports, id_, now, surely=False)
    return replace(page, customer=_customer(ports, page))


def _customer(ports: Ports, page: Opened) -> Customer | None:
    return ports.customers.get(page.invitation.customer, consistent=False)


def _page(ports: Ports, id_: str, now: datetime, *, surely: bool = True) -> Opened:
    invitation = ports.invitations.get(id_, consistent=surely)
    if invitation is None or invitation.survey_version is None:
        raise NotFound(id_)
    survey = ports.library.survey(invitation.survey_version)
    if survey is None:
        raise NotFound(invitation.survey_version)
    return Opened(invitation, survey, None, ports.library.organisation(), invitation.is_open(now))


def note_view(ports: Ports, id_: str, rating: int | None, now: datetime) -> None:
    """Pass on that a link was opened: a note to a queue, the only thing that opening a page does."""
    ports.views.note(View(id_, rating, now))


def is_news(invitation: Invitation, rating: int | None) -> bool:
    """Say whether a view tells something new; what is on record already needs no note."""
    return viewed(invitation, [rating]) is not None


def see(ports: Ports, views: Sequence[View]) -> None:
    """Mark invitations with the views that tell something new of who reads them: one read and one write for all.

    What the read misses of the last second the writes come upon; then all is read again.
    """
    opened: dict[str, list[int | None]] = {}
    for view in views:
        opened.setdefault(view.id, []).append(view.rating)

    surely = iter([False])

    def once() -> None:
        found = ports.invitations.get_many(list(opened), consistent=next(surely, True))
        marked = [each for id_, ratings in opened.items() if id_ in found and (each := viewed(found[id_], ratings))]
        lost = ports.invitations.save_many(marked) if marked else set()
        if lost:
            raise Conflict(f"{len(lost)} invitations were written meanwhile")

    amend.persist(once)


def submit(
    ports: Ports, id_: str, form: Mapping[str, Sequence[str]], press: Press, now: datetime, *, surely: bool = False
) -> Submitted:
    """Record what a form says: at once for a person's press, after 120 s otherwise. Raises NotFound.

    `surely` is for what may have been made within the last second.
    """

    # What a first reading misses of the last second, the writing comes upon; what writes nothing is read again.
    consistent = iter([surely])

    def once() -> Submitted:
        sure = next(consistent, True)
        page = _page(ports, id_, now, surely=sure)
        if not sure and not page.is_open:
            raise Conflict(id_)
        filled = read_form(page.survey, form)
        if not page.is_open:
            return Submitted("closed", page, filled)
        if filled.problems:
            # Only now does anybody greet the customer.
            return Submitted("invalid", replace(page, customer=_customer(ports, page)), filled)
        answer = filled.answer(now, WALK_IN if page.invitation.counter and press == "button" else press)
        sent = sent_from(page.invitation, seen_in(page.survey, form))
        recorded = respond(sent, page.survey, answer, vouched=press == "button", now=now)
        if recorded is None and not sure:
            raise Conflict(id_)
        moved = record.write(ports, recorded, page.survey, page.organisation, now) if recorded else None
        shown = replace(page, invitation=recorded.next) if recorded else page
        return Submitted("recorded", shown, filled, moved.case.department if moved else None)

    return amend.persist(once)


def open_counter(ports: Ports, ticket: str, nonce: str, language: str, now: datetime) -> Opened:
    """Return the empty page of a counter's code: nothing of it is stored before somebody answers. Raises NotFound."""
    organisation = ports.library.organisation()
    counter = next((each for each in organisation.counters if each.ticket == ticket), None)
    program = organisation.program(counter.program) if counter else None
    if counter is None or program is None or not NONCE.fullmatch(nonce):
        raise NotFound(ticket)
    survey = organisation.survey(program.survey)
    return Opened(walked_in(counter, program, survey, nonce, language, now), survey, None, organisation, is_open=True)


def submit_at_counter(
    ports: Ports,
    ticket: str,
    nonce: str,
    language: str,
    form: Mapping[str, Sequence[str]],
    press: Press,
    now: datetime,
) -> Submitted:
    """Record what somebody at a counter says, as long as there are places; sent twice, it is one. Raises NotFound."""
    page = open_counter(ports, ticket, nonce, language, now)
    filled = read_form(page.survey, form)
    if filled.problems:
        return Submitted("invalid", page, filled)
    if ports.invitations.get(page.invitation.id) is None and not _let_in(ports, page, now):
        return Submitted("busy", page, filled)
    return submit(ports, page.invitation.id, form, press, now, surely=True)


def _let_in(ports: Ports, page: Opened, now: datetime) -> bool:
    """Take a place of the day and one of the minute, then put the record: who dies in between wastes a place."""
    counter = page.organisation.counter(page.invitation.counter)
    places = _places(counter, page.organisation, now) if counter else {}
    taken: list[str] = []
    for name, most in places.items():
        if not ports.invitations.take_place(name, most, now + PLACES_LAST):
            _give_back(ports, taken)
            # Pressed twice at once: the other press may have taken the last place for both.
            return ports.invitations.get(page.invitation.id) is not None
        taken.append(name)
    if not ports.invitations.create(page.invitation):
        _give_back(ports, taken)  # pressed twice at once: the other press has its places
    return True


def _places(counter: Counter, organisation: Organisation, now: datetime) -> dict[str, int]:
    local = now.astimezone(ZoneInfo(organisation.zone))
    day, minute = f"counter:{counter.id}:{local:%Y-%m-%d}", f"counter:{counter.id}:{local:%Y-%m-%dT%H:%M}"
    return {day: counter.daily_max, minute: counter.minute_max}


def _give_back(ports: Ports, places: Sequence[str]) -> None:
    for name in places:
        ports.invitations.give_place_back(name)


def confirm_due(ports: Ports, id_: str, now: datetime) -> None:
    """Settle an answer that has waited long enough: confirmed, or left unconfirmed as a machine's."""

    def once() -> None:
        invitation = ports.invitations.get(id_)
        survey = ports.library.survey(invitation.survey_version or "") if invitation else None
        recorded = settle(invitation, survey, now) if invitation and survey else None
        if recorded and survey:
            record.write(ports, recorded, survey, ports.library.organisation(), now)

    amend.persist(once)


def record_said(
    ports: Ports, id_: str, form: Mapping[str, Sequence[str]], how: Literal["phone", "counter"], now: datetime
) -> Invitation:
    """Record what a customer told one of us, marked as such. Raises NotFound, or Invalid with the problems."""

    def once() -> Invitation:
        page = _page(ports, id_, now)
        filled = read_form(page.survey, form)
        if filled.problems:
            told = (Problem(f"/answers{each.pointer}", spelled_out(each, page.survey)) for each in filled.problems)
            raise Invalid(*told)
        if not page.is_open:
            raise Invalid(Problem("/invitation", "is closed: its window has ended, or it was never sent"))
        recorded = respond(page.invitation, page.survey, filled.answer(now, how), vouched=True, now=now)
        if recorded:
            record.write(ports, recorded, page.survey, page.organisation, now)
        return recorded.next if recorded else page.invitation

    return amend.persist(once)


def say_mended(
    ports: Ports, id_: str, said: Literal["yes", "no"], press: Press, now: datetime, words: str = ""
) -> None:
    """Record whether the customer says that it was mended; a no opens the case again. Raises NotFound."""
    organisation = ports.library.organisation()

    def once() -> None:
        case = ports.cases.get(id_)
        if case is None:
            raise NotFound(id_)
        if press != "button":
            waits = {"mended_said": said, "mended_words": words, "mended_confirm_at": now + CONFIRM_AFTER}
            waits["revision"] = case.revision + 1
            ports.cases.save(case.model_copy(update=waits))
            return
        moved = mended(case, said, words, organisation, now)
        if moved:
            ports.cases.save(moved.case, moved.entry)

    amend.persist(once)
    ports.timers.nudge([DueKey("case", id_)])


def stop(ports: Ports, id_: str, now: datetime, *, undo: bool = False) -> None:
    """Stop every survey to an invitation's customer, on all addresses and channels; or undo it. Raises NotFound."""
    invitation = ports.invitations.get(id_)
    if invitation is None:
        raise NotFound(id_)
    keys = _addresses(ports, invitation)
    amend.consent(ports, invitation.customer, keys, None if undo else now, "link")
    if not undo:
        news.end_what_waits(ports, invitation.customer)


def _addresses(ports: Ports, invitation: Invitation) -> list[str]:
    customer = ports.customers.get(invitation.customer)
    email, phone = (customer.email, customer.phone) if customer else (None, None)
    keys = [invitation.address] if invitation.address else []
    keys += [ports.names.address("email", email)] if email else []
    keys += [ports.names.address("sms", phone)] if phone else []
    return list(dict.fromkeys(keys))
