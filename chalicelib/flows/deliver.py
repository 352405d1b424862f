"""Send what is due to customers: each message at most once, and never against their wish."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from chalicelib.domain.customer import Customer
from chalicelib.domain.invitation import Invitation, Step, accepted, advance, hold, refused
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.policy import hours_of
from chalicelib.errors import CarrierRefused, CarrierUnclear, Conflict, NotFound
from chalicelib.flows import amend
from chalicelib.ports import Mail, Ports, Sms

WINDOW = timedelta(days=14)  # of an invitation whose program is no longer in the file


def send(ports: Ports, id_: str, now: datetime) -> None:
    """Take an invitation's due step: claim it, then send. Whoever finds it claimed leaves it alone."""
    invitation = ports.invitations.get(id_)
    if invitation is None:
        return
    organisation = ports.library.organisation()
    customer, address = ports.customers.pair(invitation.customer, invitation.address)
    program = organisation.program(invitation.program)
    hours = hours_of(program, invitation.zone, organisation)
    window, remind_after = (program.window, program.remind_after) if program else (WINDOW, None)
    step = advance(invitation, customer, address, hours, now, window=window, remind_after=remind_after)
    if step is None:
        return
    # Written before the claim: a message that cannot be written must not be claimed, and so lost.
    message = _message(ports, step, customer, organisation) if step.message else None
    try:
        ports.invitations.save(step.next)
    except Conflict:
        return
    if message:
        _hand_over(ports, step.next, message, now)


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
        amend.invitation(ports.invitations, invitation.id, lambda found: settled(found) if _pending(found) else None)


def _pending(invitation: Invitation) -> bool:
    return "attempted" in (invitation.state, invitation.reminder)


def hand(ports: Ports, message: Mail | Sms) -> str:
    """Give a message to its carrier; returns the carrier's id."""
    return ports.carrier.mail(message) if isinstance(message, Mail) else ports.carrier.text(message)


def put_off(ports: Ports, id_: str, now: datetime) -> None:
    """Move an invitation whose handling failed an hour ahead, and count the fault."""
    amend.invitation(ports.invitations, id_, lambda found: hold(found, now) if found.due_at else None)
