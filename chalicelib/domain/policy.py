"""Decide whether to ask a contact about a closing, through which channel and when."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from chalicelib.domain.calendar import Calendar, next_open
from chalicelib.domain.customer import Address, Customer, Rest, may_plan, rest_of
from chalicelib.domain.event import Closing, Contact
from chalicelib.domain.organisation import Organisation, Program
from chalicelib.domain.terms import CUSTOMER, Channel, fingerprint, matches, share_of

NO_PROGRAM = "-"
"""The program under which an event that nobody asks about is recorded."""

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
    contacts = [closing.customer.model_copy(update={"role": CUSTOMER}), *closing.contacts]
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
    at = allowed_at(now if now > closing.at else closing.at, program, target.contact.timezone, organisation)
    id_ = invitation_id(closing.ref.source, closing.ref.id, program.id, target.label)
    return _resting(known, channel, at, id_, program) or Ask(channel, at)


def _never(
    closing: Closing, target: Target, known: Known, program: Program, organisation: Organisation, now: datetime
) -> Skip | None:
    if not matches(closing.attributes, program.when):
        return Skip("rule", f"{program.id}.when")
    if refusal := _wished(known.customer):
        return refusal
    if is_internal(target.contact.email, organisation):
        return Skip("internal_recipient", "internal_domains")
    if now - closing.at > program.too_old_after:
        return Skip("too_old", f"{program.id}.too_old_after")
    if known.cancelled:
        return Skip("cancelled", "cancelled before its closing arrived")
    return None


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
            return Skip("resting", f"the {whose} rests until {rest.until:%Y-%m-%d}")
    return None


def is_internal(email: str | None, organisation: Organisation) -> bool:
    """Say whether an address is our own: our people, and our own mails coming back as events."""
    if not email:
        return False
    domain = email.rpartition("@")[2].lower()
    own = {organisation.sender.email.lower(), (organisation.sender.reply_to or "").lower()}
    return email.lower() in own or domain in {each.lower() for each in organisation.internal_domains}


def allowed_at(after: datetime, program: Program, zone: str | None, organisation: Organisation) -> datetime:
    """Return the first instant after the program's delay that lies in the recipient's own allowed hours."""
    return next_open(after + program.delay, hours_of(program, zone, organisation))


def hours_of(program: Program | None, zone: str | None, organisation: Organisation) -> Calendar:
    """Return when a recipient may be written to, in that person's own zone."""
    hours = program.hours if program else {"daily": ["08:00-20:00"]}
    return Calendar(zone=zone or organisation.zone, hours=hours)


def rest_after(at: datetime, program: Program, invitation: str) -> Rest | None:
    """Return the rest that an invitation sent at an instant begins; None where nobody needs any."""
    return Rest(at, at + timedelta(days=program.rest_days), invitation) if program.rest_days else None
