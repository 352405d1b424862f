"""Turn what happened into exactly one invitation, or one recorded reason, per program and contact."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.domain.customer import Address, Customer, released
from chalicelib.domain.event import Cancellation, Closing, Event, EventRef, Fulfilment, parse_event
from chalicelib.domain.invitation import Invitation, decided, skip
from chalicelib.domain.organisation import Organisation, Program
from chalicelib.domain.policy import (
    NO_PROGRAM,
    Ask,
    Known,
    Skip,
    Target,
    decide,
    episode_of,
    invitation_id,
    labelled,
    over_the_top,
    rest_after,
    targets,
    zone_of,
)
from chalicelib.domain.terms import CUSTOMER, Channel, base_language, fingerprint
from chalicelib.errors import Invalid, Problem
from chalicelib.flows import amend
from chalicelib.ports import DueKey, Early, Ports

BATCH_MAX = 100  # events of one request
FOR_EVER = datetime(9999, 12, 31, tzinfo=UTC)
FULFILMENTS_MAX = 40  # kept of one event
EVENTS_MAX = 20  # remembered of one reference


@dataclass(frozen=True)
class Rejected:
    """One event of a request that cannot be taken, by its place in the request."""

    index: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Accepted:
    """What became of a request: these are ours now, those are not."""

    accepted: tuple[EventRef, ...]
    rejected: tuple[Rejected, ...]


def accept(ports: Ports, raws: list[Any], *, sizes: list[int], bytes_max: int, now: datetime) -> Accepted:
    """Take events over: once this returns, the accepted ones are never lost."""
    closings = ports.library.organisation().closings
    accepted: list[EventRef] = []
    taken: list[dict[str, object]] = []
    rejected: list[Rejected] = []
    for index, (raw, size) in enumerate(zip(raws, sizes, strict=True)):
        try:
            event = _parsed(raw, size, bytes_max, closings, now)
        except Invalid as error:
            rejected.append(Rejected(index, error.problems))
        else:
            accepted.append(event.ref)
            taken.append(raw)
    ports.inbox.accept(taken)
    return Accepted(tuple(accepted), tuple(rejected))


def _parsed(raw: Any, size: int, bytes_max: int, closings: frozenset[str], now: datetime) -> Event:
    if size > bytes_max:
        raise Invalid(Problem("", f"has {size} bytes; an event may have {bytes_max}"))
    return parse_event(raw, closings=closings, now=now)


def handle(ports: Ports, raw: object, now: datetime) -> tuple[str, ...]:
    """Do what an event asks for, and return the ids of what was decided about it.

    Safe to run again at any point. Raises Invalid for what can never be handled.
    """
    organisation = ports.library.organisation()
    event = parse_event(raw, closings=organisation.closings, now=now)
    if isinstance(event, Closing):
        return _close(ports, event, organisation, now)
    if isinstance(event, Cancellation):
        _cancel(ports, event, organisation)
    else:
        _fulfil(ports, event, organisation)
    return ()


def _close(ports: Ports, closing: Closing, organisation: Organisation, now: datetime) -> tuple[str, ...]:
    # A read that may be a second behind costs half; what it misses of a duplicate under way, the decision's key finds.
    existing = ports.invitations.get_many(_ids(closing.ref, organisation, _labels(closing)), consistent=False)
    frozen = {program for record in existing.values() for program in (record.programs or (record.program,))}
    wanted = [each for each in targets(closing, organisation) if not frozen or each.program in frozen]
    programs = tuple(dict.fromkeys(each.program for each in wanted))
    if any(target.label != CUSTOMER for target in wanted):
        _register(ports, closing)
    counted = any(record.primary for record in existing.values())
    cancelled = any(_covers(early, closing) for early in _news(ports, closing, consistent=False))
    for place, target in enumerate(wanted):
        id_ = invitation_id(closing.ref.source, closing.ref.id, target.program, target.label)
        if id_ not in existing:
            known = partial(_known, ports, closing, target, organisation, now, cancelled=cancelled)
            _decide(
                ports, closing, target, organisation, now, known, programs=programs, primary=place == 0 and not counted
            )
    # Read after writing: whoever cancels or fulfils writes before reading, so one of us sees the other.
    for early in _news(ports, closing, consistent=True):
        _apply(ports, early, _ids(closing.ref, organisation, _labels(closing)))
    return tuple(invitation_id(closing.ref.source, closing.ref.id, each.program, each.label) for each in wanted)


def _news(ports: Ports, closing: Closing, *, consistent: bool) -> list[Early]:
    """Return what waits for a closing, under its own name and its reference's."""
    customer = ports.names.customer(closing.customer.id)
    keys = [closing.ref.key, *([_reference_key(customer, closing.reference)] if closing.reference else [])]
    return ports.invitations.earlies(keys, consistent=consistent)


def _covers(early: Early, closing: Closing) -> bool:
    return early.cancelled_at is not None and closing.at <= early.cancelled_at


def _reference_key(customer: str, reference: str) -> str:
    return fingerprint("reference", customer, reference)


def _register(ports: Ports, closing: Closing) -> None:
    """Note whom an event asks besides its customer, and its reference, before it does: news finds them by it."""
    labels = tuple(_labels(closing))
    _note(ports, closing.ref.key, lambda early: early.model_copy(update={"labels": labels}))
    if closing.reference:
        key = _reference_key(ports.names.customer(closing.customer.id), closing.reference)
        _note(ports, key, lambda early: _with_event(early, closing.ref))


def _with_event(early: Early, event: EventRef) -> Early:
    events = early.events if event in early.events else (event, *early.events)[:EVENTS_MAX]
    return early.model_copy(update={"events": events})


def _note(ports: Ports, key: str, change: Callable[[Early], Early]) -> Early:
    """Write what is known under a name, unless it is there already."""

    def once() -> Early:
        before = ports.invitations.early(key) or Early(key=key)
        after = change(before)
        if after != before:
            ports.invitations.save_early(after.model_copy(update={"version": before.version + 1}))
        return after

    return amend.persist(once)


def _labels(closing: Closing) -> list[str]:
    return [label for label, _ in labelled(closing)]


def _ids(ref: EventRef, organisation: Organisation, labels: list[str]) -> list[str]:
    """Return every id under which an event may have been decided, by programs of today and of before."""
    programs = [*(program.id for program in organisation.programs), *organisation.retired_programs, NO_PROGRAM]
    return [invitation_id(ref.source, ref.id, program, label) for program in programs for label in labels]


def _decide(
    ports: Ports,
    closing: Closing,
    target: Target,
    organisation: Organisation,
    now: datetime,
    load: Callable[[], Known],
    *,
    programs: tuple[str, ...],
    primary: bool,
) -> None:
    id_ = invitation_id(closing.ref.source, closing.ref.id, target.program, target.label)
    places = _Places(ports, organisation, organisation.program(target.program), id_)

    def once() -> Invitation:
        known = load()
        decision = places.within(decide(closing, target, known, organisation=organisation, now=now), known)
        record = _record(ports, closing, target, decision, known, organisation, now, programs, primary)
        _rest(ports, closing, target, decision, known, record, organisation, now)
        if not ports.invitations.create(record):
            places.give_back()
        elif record.due_at and record.due_at <= now:
            ports.timers.nudge([DueKey("invitation", record.id)])
        return record

    amend.persist(once)


class _Places:
    """Holds at most one of a program's places of a day, however often the decision is made again."""

    def __init__(self, ports: Ports, organisation: Organisation, program: Program | None, id_: str) -> None:
        self._ports, self._zone, self._program, self._id = ports, ZoneInfo(organisation.zone), program, id_
        self._held: str | None = None

    def within(self, decision: Ask | Skip, known: Known) -> Ask | Skip:
        """Return the decision, unless as many are asked on that day as may be; the day is that of the sending."""
        program = self._program
        if program is None or program.daily_max is None or self._was_placed(known):
            return decision
        wanted = f"{program.id}/{decision.at.astimezone(self._zone):%Y-%m-%d}" if isinstance(decision, Ask) else None
        if self._held != wanted:
            self.give_back()
        if wanted is None or self._held:
            return decision
        if not self._ports.invitations.take_place(wanted, program.daily_max):
            return over_the_top(program)
        self._held = wanted
        return decision

    def _was_placed(self, known: Known) -> bool:
        # Whoever died after the customer's stamp has left its place taken.
        return self._held is None and known.customer is not None and self._id in known.customer.recent

    def give_back(self) -> None:
        """Give back what is held: somebody else decided first, or nobody is asked after all."""
        if self._held:
            self._ports.invitations.give_place_back(self._held)
        self._held = None


def _known(
    ports: Ports, closing: Closing, target: Target, organisation: Organisation, now: datetime, *, cancelled: bool
) -> Known:
    contact = target.contact
    given: list[tuple[Channel, str | None]] = [("email", contact.email), ("sms", contact.phone)]
    keys = {channel: ports.names.address(channel, address) for channel, address in given if address}
    customer = ports.customers.get(ports.names.customer(contact.id))
    addresses = {channel: ports.customers.address(key) for channel, key in keys.items()}
    known = Known(customer, addresses, cancelled)
    program = organisation.program(target.program)
    if program is None:
        return known
    return replace(
        known,
        asked_at=_asked_at(ports, closing, target, customer),
        answered_at=_answered_at(ports, known) if program.rest_days_after_answer else None,
        pause=ports.library.pauses().stopping(program.id, closing.departments(), now),
    )


def _asked_at(ports: Ports, closing: Closing, target: Target, customer: Customer | None) -> datetime | None:
    """Return when the last closing of this episode happened that was asked about."""
    own = invitation_id(closing.ref.source, closing.ref.id, target.program, target.label)
    asked = customer.asked_of(episode_of(closing, target.program)) if customer else ()
    others = [id_ for id_ in asked if id_ != own]
    found = ports.invitations.get_many(others) if others else {}
    sent = [each for each in found.values() if each.state not in ("skipped", "failed")]
    # What closes twice at one instant was not opened again in between: there the rest decides.
    times = [each.occurred_at for each in sent if each.occurred_at != closing.at]
    # One that is not there yet is being written: whoever stamped the customer will ask, where no rest says so already.
    resting = customer.rest_by if customer else None
    times += [closing.at for id_ in others if id_ not in found and id_ != resting]
    return max(times, default=None)


def _answered_at(ports: Ports, known: Known) -> datetime | None:
    """Return when this customer, or somebody at one of these addresses, last answered."""
    asked = [
        *(known.customer.recent if known.customer else ()),
        *(each.last for each in known.addresses.values() if each),
    ]
    found = ports.invitations.get_many([id_ for id_ in dict.fromkeys(asked) if id_])
    return max((each.confirmed.at for each in found.values() if each.confirmed), default=None)


def _record(
    ports: Ports,
    closing: Closing,
    target: Target,
    decision: Ask | Skip,
    known: Known,
    organisation: Organisation,
    now: datetime,
    programs: tuple[str, ...],
    primary: bool,
) -> Invitation:
    contact = target.contact
    program = organisation.program(target.program)
    survey = organisation.survey(program.survey) if program else None
    channel = decision.channel if isinstance(decision, Ask) else None
    address = contact.email if channel == "email" else contact.phone if channel else None
    return decided(
        closing,
        target,
        decision,
        decided_at=now,
        programs=programs if len(programs) > 1 else (),
        customer=ports.names.customer(contact.id),
        address=ports.names.address(channel, address) if channel and address else None,
        domain=address.rpartition("@")[2].lower() if channel == "email" and address else None,
        language=base_language(contact.language or organisation.language),
        zone=zone_of(contact, organisation),
        survey=survey.id if survey else None,
        survey_version=survey.version if survey else None,
        metric=survey.metric if survey else None,
        primary=primary,
        generation=organisation.trends.generation,
    )


def _rest(
    ports: Ports,
    closing: Closing,
    target: Target,
    decision: Ask | Skip,
    known: Known,
    record: Invitation,
    organisation: Organisation,
    now: datetime,
) -> None:
    """Let the customer, then the address, rest because of this invitation, before it exists.

    Whoever loses the race finds the other's rest when it decides again; who dies in between finds its own.
    """
    program = organisation.program(target.program)
    before = known.customer or Customer(key=record.customer)
    customer = before.told(target.contact, closing.at)
    if isinstance(decision, Skip) or program is None:
        _rest_no_more(ports, known, record, before, customer)
        return
    rest = rest_after(decision.at, program, record.id)
    ports.customers.save(customer.asked(record.id, rest, now, episode_of(closing, program.id)))
    # A phone is stamped even where nobody rests: a text message from it answers its last invitation.
    minds_answers = any(each.rest_days_after_answer for each in organisation.programs)
    if record.address and (rest or decision.channel == "sms" or minds_answers):
        address = known.addresses.get(decision.channel) or Address(key=record.address)
        ports.customers.save_address(address.asked(record.id, rest, now))


def _rest_no_more(ports: Ports, known: Known, record: Invitation, before: Customer, customer: Customer) -> None:
    """Keep why nobody was asked; a rest that an earlier try began for this invitation ends.

    Of somebody whom we have never asked only the decision is kept, under a name that leads to nobody.
    """
    told = customer if known.customer else before
    rested = (released(told, record.id) or told).spared(record.id)
    if rested != before:
        ports.customers.save(rested.model_copy(update={"version": before.version + 1}))
    for address in known.addresses.values():
        freed = released(address, record.id) if address else None
        if freed:
            ports.customers.save_address(freed.model_copy(update={"version": freed.version + 1}))


def _cancel(ports: Ports, cancellation: Cancellation, organisation: Organisation) -> None:
    if cancellation.event:
        early = _park(ports, cancellation.event.key, cancellation)
        _apply(ports, early, _ids(cancellation.event, organisation, _known_labels(organisation, early)))
    elif cancellation.reference and cancellation.customer_id:
        key = ports.names.customer(cancellation.customer_id)
        _cancel_reference(ports, cancellation, cancellation.reference, key, organisation)


def _known_labels(organisation: Organisation, early: Early | None) -> list[str]:
    """Return the labels that an event's records may have, without the event: each role, up to three of it."""
    roles = dict.fromkeys([CUSTOMER, *(program.contact for program in organisation.programs)])
    labels = [label for role in roles for label in (role, f"{role}.2", f"{role}.3")]
    return list(dict.fromkeys([*labels, *(early.labels if early else ())]))


def _cancel_reference(
    ports: Ports, cancellation: Cancellation, reference: str, key: str, organisation: Organisation
) -> None:
    early = _park(ports, _reference_key(key, reference), cancellation)
    for event in early.events:
        labels = _known_labels(organisation, ports.invitations.early(event.key))
        _apply(ports, early, _ids(event, organisation, labels))
    customer = ports.customers.get(key)
    asked = ports.invitations.get_many(customer.recent) if customer else {}
    _apply(ports, early, [id_ for id_, found in asked.items() if found.reference == reference])


def _cancelled(invitation: Invitation, until: datetime) -> Invitation | None:
    if invitation.occurred_at > until or invitation.cancelled or invitation.state in ("skipped", "failed"):
        return None
    if invitation.state == "scheduled":
        return skip(invitation, "cancelled", "cancelled before it was sent")
    return invitation.moved(cancelled=True, remind_at=None)


def _fulfil(ports: Ports, fulfilment: Fulfilment, organisation: Organisation) -> None:
    early = _park(ports, fulfilment.event.key, fulfilment)
    _apply(ports, early, _ids(fulfilment.event, organisation, _known_labels(organisation, early)))


def _park(ports: Ports, key: str, news: Cancellation | Fulfilment) -> Early:
    """Write news of an event under its name, whether or not it has arrived: order of arrival decides nothing."""
    return _note(ports, key, lambda early: _with(early, news))


def _with(early: Early, news: Cancellation | Fulfilment) -> Early:
    if isinstance(news, Cancellation):
        until = news.at if news.reopened and not news.event else FOR_EVER
        return early.model_copy(update={"cancelled_at": max(filter(None, (early.cancelled_at, until)))})
    others = [each for each in early.fulfilments if each.ref != news.ref]
    kept = sorted([*others, news], key=lambda each: (each.at, each.ref.source, each.ref.id))
    return early.model_copy(update={"fulfilments": tuple(kept)[-FULFILMENTS_MAX:]})


def _apply(ports: Ports, early: Early, ids: list[str]) -> None:
    for id_ in ports.invitations.get_many(ids):
        if early.cancelled_at:
            _call_off(ports, id_, early.cancelled_at)
        if early.fulfilments:
            # Read anew once the invitation is: news that came meanwhile must not be overwritten with what we knew.
            amend.invitation(
                ports.invitations, id_, lambda found: _fulfilled(found, ports.invitations.early(early.key) or early)
            )


def _call_off(ports: Ports, id_: str, until: datetime) -> None:
    amend.invitation(ports.invitations, id_, lambda found: _cancelled(found, until))
    found = ports.invitations.get(id_)
    if found and found.reason == "cancelled" and found.state == "skipped":
        amend.release(ports, found)


def _fulfilled(invitation: Invitation, early: Early) -> Invitation | None:
    latest = {each.kind: each.fulfilled for each in early.fulfilments}
    promises = tuple(
        promise.model_copy(update={"fulfilled": latest[promise.kind]})
        if isinstance(latest.get(promise.kind), type(promise.promised))
        else promise
        for promise in invitation.promises
    )
    return invitation.moved(promises=promises) if promises != invitation.promises else None
