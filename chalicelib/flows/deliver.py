"""Send what is due to customers: each message at most once, and never against their wish."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from chalicelib.domain.customer import Address, Customer, rest_of
from chalicelib.domain.invitation import Invitation, Step, accepted, advance, hold, refused
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.policy import hours_of
from chalicelib.errors import CarrierRefused, CarrierUnclear, Conflict, NotFound
from chalicelib.flows import amend
from chalicelib.ports import Mail, Ports, Sms

WINDOW = timedelta(days=14)  # of an invitation whose program is no longer in the file


def send(ports: Ports, id_: str, now: datetime, found: Invitation | None = None) -> None:
    """Take an invitation's due step: claim it, then send. Whoever finds it claimed leaves it alone.

    `found` is the invitation, where it has just been read.
    """
    invitation = found or ports.invitations.get(id_)
    if invitation is None:
        return
    organisation = ports.library.organisation()
    customer, address = _recipient(ports, invitation)
    program = organisation.program(invitation.program)
    hours = hours_of(program, invitation.zone, organisation)
    window, remind_after = (program.window, program.remind_after) if program else (WINDOW, None)
    pause = ports.library.pauses().stopping(invitation.program, invitation.departments, now)
    step = advance(invitation, customer, address, hours, now, window=window, remind_after=remind_after, pause=pause)
    if step is None:
        return
    # Written before the claim: a message that cannot be written must not be claimed, and so lost.
    message = _message(ports, step, customer, organisation) if step.message else None
    try:
        claimed = _readdressed(ports, step.next, customer, address) if message else step.next
        ports.invitations.save(claimed)
    except Conflict:
        return
    if message:
        _hand_over(ports, claimed, message, now)
    elif claimed.reason == "incident":
        amend.release(ports, claimed)


def _recipient(ports: Ports, invitation: Invitation) -> tuple[Customer | None, Address | None]:
    """Return who would get a message, and where: the customer's address may have changed since the event."""
    customer, address = ports.customers.pair(invitation.customer, invitation.address)
    channel = invitation.next_channel
    present = customer.address(channel) if customer and channel else None
    key = ports.names.address(channel, present) if present and channel else invitation.address
    if key is None or key == invitation.address:
        return customer, address
    return customer, ports.customers.address(key) or Address(key=key)


def _readdressed(
    ports: Ports, invitation: Invitation, customer: Customer | None, address: Address | None
) -> Invitation:
    """Let the address that the message really goes to rest as the first one does, and name it."""
    if address is None or address.key == invitation.address:
        return invitation
    rest = rest_of(customer)
    ports.customers.save_address(address.asked(invitation.id, rest if rest and rest.by == invitation.id else None))
    return invitation.model_copy(update={"address": address.key})


def _message(ports: Ports, step: Step, customer: Customer | None, organisation: Organisation) -> Mail | Sms:
    survey = ports.library.survey(step.next.survey_version or "")
    if customer is None or survey is None:
        raise NotFound(f"invitation {step.next.id} has no customer or no survey to write with")
    reminder = step.message == "reminder"
    return ports.messages.invitation(step.next, customer, survey, organisation, reminder=reminder)


def _hand_over(ports: Ports, invitation: Invitation, message: Mail | Sms, now: datetime) -> None:
    settled: Callable[[Invitation], Invitation]
    try:
        carrier_id = hand(ports, message)
    except CarrierUnclear:
        return  # stays attempted: perhaps it was sent, so it is not sent again
    except CarrierRefused as refusal:
        settled = partial(refused, why=str(refusal), permanent=refusal.permanent, now=now)
    else:
        settled = partial(accepted, carrier_id=carrier_id)
    try:
        ports.invitations.save(settled(invitation))
    except Conflict:
        amend.invitation(
            ports.invitations, invitation.id, lambda found: settled(found) if _awaits(found, invitation) else None
        )


def _awaits(found: Invitation, claimed: Invitation) -> bool:
    """Say whether this very message is still without its carrier's word; an invitation of unknown fate stays so."""
    if claimed.instead == "attempted":
        return found.instead == "attempted"
    if claimed.reminder == "attempted":
        return found.reminder == "attempted"
    return found.state == "attempted" and found.reminder is None


def hand(ports: Ports, message: Mail | Sms) -> str:
    """Give a message to its carrier; returns the carrier's id."""
    return ports.carrier.mail(message) if isinstance(message, Mail) else ports.carrier.text(message)


def put_off(ports: Ports, id_: str, now: datetime) -> None:
    """Move an invitation whose handling failed an hour ahead, and count the fault."""
    amend.invitation(ports.invitations, id_, lambda found: hold(found, now) if found.due_at else None)
