"""Take what carriers report: an address that does not exist, or complains, is left in peace."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Literal

from chalicelib.domain.customer import Address
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.policy import may_text
from chalicelib.domain.receipt import Receipt, is_returned, parse_receipt, reported
from chalicelib.domain.sending import BREAKER
from chalicelib.flows import amend, converse
from chalicelib.ports import DueKey, Ports


@dataclass(frozen=True)
class Taken:
    """What a carrier told: a customer's `text`, or what became of a message; `about` are the invitations' ids."""

    kind: str
    about: tuple[str, ...] = ()


def report(ports: Ports, given: Mapping[str, Any], now: datetime) -> Taken | None:
    """Do what a carrier's report asks for; None for one that changes nothing here. Safe to run again.

    Raises KeyError or TypeError for what is no report.
    """
    if "messageBody" in given:
        converse.hear(ports, given["originationNumber"], given["messageBody"], given["inboundMessageId"], now)
        return Taken("text")
    receipt = parse_receipt(given)
    if receipt is None:
        return None
    take(ports, receipt, now)
    return Taken(receipt.kind, (receipt.invitation,) if receipt.invitation else ())


def take(ports: Ports, receipt: Receipt, now: datetime) -> None:
    """Note a carrier's report; the same report again changes nothing."""
    if receipt.kind in ("bounce", "complaint"):
        why: Literal["bounce", "complaint"] = "bounce" if receipt.kind == "bounce" else "complaint"
        for address in receipt.addresses:
            key = ports.names.address(receipt.channel, address)
            amend.address(ports.customers, key, partial(_suppressed, why=why, now=now))
    if receipt.invitation:
        moved = amend.invitation(ports.invitations, receipt.invitation, partial(_told, ports, receipt, now))
        if moved and moved.instead_at:
            ports.timers.nudge([DueKey("invitation", moved.id)])
    if receipt.kind == "bounce" and receipt.channel == "email":
        ports.timers.nudge([DueKey("sending", BREAKER)])  # perhaps one too many


def _told(ports: Ports, receipt: Receipt, now: datetime, found: Invitation) -> Invitation | None:
    first = receipt.channel == "email" and found.instead is None and not found.confirmed
    texts = first and is_returned(found, receipt) and _may_text_instead(ports, found)
    return reported(found, receipt, instead_at=now if texts else None)


def _may_text_instead(ports: Ports, invitation: Invitation) -> bool:
    """Say whether the policy lets one text message take a mail's place, and there is a phone to write to."""
    organisation = ports.library.organisation()
    program = organisation.program(invitation.program)
    if program is None or not program.sms_after_bounce or "sms" not in program.channels or invitation.trial:
        return False
    customer = ports.customers.get(invitation.customer)
    return bool(customer and customer.phone and may_text(customer.phone, organisation))


def _suppressed(address: Address, *, why: Literal["bounce", "complaint"], now: datetime) -> Address | None:
    if address.suppressed:
        return None
    return address.model_copy(update={"suppressed": why, "suppressed_at": now})
