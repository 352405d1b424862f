"""Decide whether to ask a contact about a closing, through which channel and when."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from chalicelib.domain.calendar import Calendar, next_open
from chalicelib.domain.customer import Address, Customer, Rest, may_plan, rest_of
from chalicelib.domain.event import Closing, Contact
from chalicelib.domain.organisation import Organisation, Pause, Program
from chalicelib.domain.terms import CUSTOMER, NAME_MAX, Channel, admits, fingerprint, share_of

NO_PROGRAM = "-"
"""The program under which an event that nobody asks about is recorded."""

DAYTIME = {"daily": ["08:00-20:00"]}
"""When people may be written to in countries of which the organisation's file says nothing."""

Reason = Literal[
    "no_program",
    "rule",
    "not_sampled",
    "capped",
    "same_episode",
    "opted_out",
    "suppressed",
    "erased",
    "resting",
    "no_address",
    "not_authorised_channel",
    "too_old",
    "cancelled",
    "internal_recipient",
    "paused",
    "incident",
]


@dataclass(frozen=True)
class Ask:
    """Ask this contact, through this channel, not before this instant."""

    channel: Channel
    at: datetime


@dataclass(frozen=True)
class Skip:
    """Leave this customer in peace, for a reason that can be counted."""

    reason: Reason
    rule: str


@dataclass(frozen=True)
class Target:
    """One program and one contact of an event: what one decision is about."""

    program: str
    label: str
    contact: Contact


@dataclass(frozen=True)
class Known:
    """What is on record of a contact when the decision is made."""

    customer: Customer | None
    addresses: dict[Channel, Address | None]
    cancelled: bool = False
    """Whether what the event tells of was cancelled before it arrived."""
    asked_at: datetime | None = None
    """When the last closing of this episode happened that was asked about."""
    answered_at: datetime | None = None
    """When this customer, or somebody at one of these addresses, last answered."""
    pause: Pause | None = None
    """What stops asking now."""


def invitation_id(source: str, event_id: str, program: str, label: str) -> str:
    """Return the id that follows from its cause; the same event gives the same id, for ever."""
    return fingerprint(source, event_id, program, label)


def targets(closing: Closing, organisation: Organisation) -> tuple[Target, ...]:
    """Return whom the programs ask about this closing; the record under `-` when no program does."""
    found = [
        Target(program.id, label, contact)
        for program in organisation.programs
        if closing.touchpoint in program.on
        for label, contact in labelled(closing)
        if contact.role == program.contact
    ]
    return tuple(found) or (Target(NO_PROGRAM, CUSTOMER, closing.customer),)


def labelled(closing: Closing) -> list[tuple[str, Contact]]:
    """Return an event's contacts under names that a duplicate of the event repeats: `user`, `user.2` …"""
    own = closing.customer
    contacts = [own if own.role == CUSTOMER else own.model_copy(update={"role": CUSTOMER}), *closing.contacts]
    seen: dict[str, int] = {}
    found = []
    for contact in contacts:
        seen[contact.role] = seen.get(contact.role, 0) + 1
        label = contact.role if seen[contact.role] == 1 else f"{contact.role}.{seen[contact.role]}"
        found.append((label, contact))
    return found


def decide(closing: Closing, target: Target, known: Known, *, organisation: Organisation, now: datetime) -> Ask | Skip:
    """Answer for one program and contact: ask, or the first reason not to.

    What can never change comes first (nobody, rules, consent), what passes comes last (rest), so that the reason on
    record is the one that would still hold tomorrow.
    """
    program = organisation.program(target.program)
    if program is None:
        return Skip("no_program", f"no program asks about {closing.touchpoint}")
    refusal = _never(closing, target, known, program, organisation, now)
    if refusal:
        return refusal
    channel = _channel(target.contact, known, program, organisation)
    if isinstance(channel, Skip):
        return channel
    if share_of(fingerprint(closing.ref.source, closing.ref.id, program.id)) >= program.sample:
        return Skip("not_sampled", f"{program.id}.sample = {program.sample:g}")
    at = allowed_at(
        now if now > closing.at else closing.at, program, zone_of(target.contact, organisation), organisation
    )
    id_ = invitation_id(closing.ref.source, closing.ref.id, program.id, target.label)
    return _paused(program, known.pause) or _resting(known, channel, at, id_, program) or Ask(channel, at)


def _never(
    closing: Closing, target: Target, known: Known, program: Program, organisation: Organisation, now: datetime
) -> Skip | None:
    if refusal := _ruled_out(closing, program) or _wished(known.customer):
        return refusal
    if is_internal(target.contact.email, organisation):
        return Skip("internal_recipient", "internal_domains")
    if now - closing.at > program.too_old_after:
        return Skip("too_old", f"{program.id}.too_old_after")
    if known.cancelled:
        return Skip("cancelled", "cancelled before its closing arrived")
    if known.asked_at and abs(closing.at - known.asked_at) <= program.same_episode:
        return Skip("same_episode", f"{program.id}.same_episode: asked about {closing.reference} already")
    return None


def _ruled_out(closing: Closing, program: Program) -> Skip | None:
    for kind, rules, is_wanted in (("when", program.when, True), ("unless", program.unless, False)):
        for name, values in rules.items():
            value = closing.attributes.get(name, "")
            if any(admits(each, value) for each in values) is not is_wanted:
                return Skip("rule", f"{program.id}.{kind}.{name}")
    return None


def _paused(program: Program, pause: Pause | None) -> Skip | None:
    if program.paused:
        return Skip("paused", f"{program.id}.paused")
    return Skip(pause.reason, f"{pause.id}: {pause.why}"[:NAME_MAX]) if pause else None


def over_the_top(program: Program) -> Skip:
    """Return the decision about whoever comes when as many have been asked on a day as may be."""
    return Skip("capped", f"{program.id}.daily_max = {program.daily_max}")


def episode_of(closing: Closing, program: str) -> str | None:
    """Return what closings of one reference have in common; None for a closing without one."""
    return fingerprint(program, closing.touchpoint, closing.reference) if closing.reference else None


def _wished(customer: Customer | None) -> Skip | None:
    if customer and customer.erased_at:
        return Skip("erased", "the customer asked to be forgotten")
    if customer and customer.opted_out_at:
        return Skip("opted_out", "the customer asked not to be asked")
    return None


def _channel(contact: Contact, known: Known, program: Program, organisation: Organisation) -> Channel | Skip:
    given: dict[Channel, str | None] = {"email": contact.email, "sms": contact.phone}
    wanted = [channel for channel in program.channels if given[channel]]
    if not wanted:
        other = any(given.values())
        return Skip("not_authorised_channel" if other else "no_address", f"{program.id}.channels")
    refusals = {channel: _unreachable(channel, given[channel] or "", organisation) for channel in wanted}
    reachable = [channel for channel, refusal in refusals.items() if refusal is None]
    if not reachable:
        return next(refusal for refusal in refusals.values() if refusal)
    open_ = [channel for channel in reachable if not _blocked(known.addresses.get(channel))]
    if open_:
        return open_[0]
    wish = any(address and address.opted_out_at for address in known.addresses.values())
    return Skip("opted_out" if wish else "suppressed", "every address of this contact is blocked")


def _unreachable(channel: Channel, address: str, organisation: Organisation) -> Skip | None:
    """Return why no carrier of ours takes an address that may well be somebody's; None when one does."""
    if channel == "email":
        plain = address.rpartition("@")[0].isascii()
        return None if plain else Skip("no_address", "the carrier writes to no letters outside ASCII before the @")
    return None if may_text(address, organisation) else Skip("not_authorised_channel", "sender.sms_to")


def may_text(phone: str, organisation: Organisation) -> bool:
    """Say whether text messages may go to where a phone is."""
    return not organisation.sender.sms_to or phone.startswith(organisation.sender.sms_to)


def _blocked(address: Address | None) -> bool:
    return bool(address and (address.suppressed or address.opted_out_at))


def _resting(known: Known, channel: Channel, at: datetime, id_: str, program: Program) -> Skip | None:
    for whose, rest in (("customer", rest_of(known.customer)), ("address", rest_of(known.addresses.get(channel)))):
        if rest and not may_plan(rest, at, id_):
            return Skip("resting", f"rest_days: the {whose} rests until {rest.until:%Y-%m-%d}")
    after = timedelta(days=program.rest_days_after_answer)
    if known.answered_at and at < known.answered_at + after:
        until = f"{known.answered_at + after:%Y-%m-%d}"
        return Skip("resting", f"{program.id}.rest_days_after_answer: who has answered rests until {until}")
    return None


def is_internal(email: str | None, organisation: Organisation) -> bool:
    """Say whether an address is our own: our people, and our own mails coming back as events."""
    if not email:
        return False
    local, _, domain = email.lower().rpartition("@")
    untagged = f"{local.partition('+')[0]}@{domain}"
    own = {organisation.sender.email.lower(), (organisation.sender.reply_to or "").lower()}
    inside = (each.lower() for each in organisation.internal_domains)
    return untagged in own or any(domain == each or domain.endswith(f".{each}") for each in inside)


def zone_of(contact: Contact, organisation: Organisation) -> str | None:
    """Return the zone that an event tells of, else the one zone of the country that the phone belongs to."""
    if contact.timezone or not contact.phone:
        return contact.timezone
    for hours in organisation.customer_hours.values():
        if len(hours.zones) == 1 and hours.calling_code and contact.phone.startswith(hours.calling_code):
            return hours.zones[0]
    return None


def allowed_at(after: datetime, program: Program, zone: str | None, organisation: Organisation) -> datetime:
    """Return the first instant after the program's delay that lies in the recipient's own allowed hours."""
    return next_open(after + program.delay, hours_of(program, zone, organisation))


def hours_of(program: Program | None, zone: str | None, organisation: Organisation) -> Calendar:
    """Return when a recipient may be written to, in that person's own zone: as the program says, else the country."""
    zone = zone or organisation.zone
    if program and program.hours is not None:
        return Calendar.model_construct(zone=zone, hours=program.hours, holidays=())
    found = next((hours for hours in organisation.customer_hours.values() if zone in hours.zones), None)
    hours, holidays = (found.hours, found.holidays) if found else (DAYTIME, ())
    return Calendar.model_construct(zone=zone, hours=hours, holidays=holidays)


def rest_after(at: datetime, program: Program, invitation: str) -> Rest | None:
    """Return the rest that an invitation sent at an instant begins; None where nobody needs any."""
    return Rest(at, at + timedelta(days=program.rest_days), invitation) if program.rest_days else None
