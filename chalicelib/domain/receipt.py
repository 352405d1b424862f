"""Read what a carrier reports of a message: delivered, bounced, complained of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from chalicelib.domain.invitation import Invitation, last_message
from chalicelib.domain.terms import Channel

Kind = Literal["delivery", "bounce", "soft_bounce", "complaint"]


@dataclass(frozen=True)
class Receipt:
    """One report; `invitation` is None for messages to our own departments."""

    kind: Kind
    channel: Channel
    message: str
    invitation: str | None
    addresses: tuple[str, ...]
    about: str | None = None
    """Which of an invitation's messages (MESSAGES), or another."""


def parse_receipt(given: Mapping[str, Any]) -> Receipt | None:
    """Return what a carrier's report says; None for reports that change nothing here.

    Reads SES event publishing and AWS End User Messaging event destinations. Raises KeyError or TypeError for what is
    neither.
    """
    if "mail" in given:
        return _of_mail(given)
    return _of_sms(given)


def _of_mail(given: Mapping[str, Any]) -> Receipt | None:
    kind = _mail_kind(given)
    if kind is None:
        return None
    mail = given["mail"]
    tags = mail.get("tags", {})
    tagged, about = tags.get("invitation") or [None], tags.get("kind") or [None]
    told = given.get("bounce", {}).get("bouncedRecipients") or given.get("complaint", {}).get("complainedRecipients")
    addresses = [each["emailAddress"] for each in told] if told else mail.get("destination", [])
    return Receipt(kind, "email", mail["messageId"], tagged[0], tuple(addresses), about[0])


def _mail_kind(given: Mapping[str, Any]) -> Kind | None:
    event = given.get("eventType") or given.get("notificationType")
    if event == "Bounce":
        return "bounce" if given["bounce"].get("bounceType") == "Permanent" else "soft_bounce"
    known: dict[str, Kind] = {"Complaint": "complaint", "Delivery": "delivery"}
    return known.get(str(event))


SMS_KINDS: dict[str, Kind] = {
    "TEXT_DELIVERED": "delivery",
    "TEXT_SUCCESSFUL": "delivery",
    "TEXT_INVALID": "bounce",
    "TEXT_BLOCKED": "bounce",
    "TEXT_CARRIER_UNREACHABLE": "soft_bounce",
    "TEXT_UNREACHABLE": "soft_bounce",
    "TEXT_SPAM": "complaint",
}


def _of_sms(given: Mapping[str, Any]) -> Receipt | None:
    kind = SMS_KINDS.get(given["eventType"])
    if kind is None:
        return None
    tags = given.get("context") or {}
    addresses = (given["destinationPhoneNumber"],)
    return Receipt(kind, "sms", given["messageId"], tags.get("invitation"), addresses, tags.get("kind"))


MESSAGES = ("invitation", "reminder", "instead")
"""An invitation's own messages, by which its carrier's reports tell them apart."""


def reported(invitation: Invitation, receipt: Receipt, *, instead_at: datetime | None = None) -> Invitation | None:
    """Return an invitation after a report of one of its messages; None when it tells nothing new.

    A message that was `attempted` has been taken by its carrier, as we know now. After a mail that came back for good
    one text message leaves at `instead_at`, where that is given.
    """
    changes = _taken(invitation, receipt.about) | _returned(invitation, receipt, instead_at)
    return invitation.moved(**changes) if changes else None


def is_returned(invitation: Invitation, receipt: Receipt) -> bool:
    """Say whether a report tells that an invitation's message came back for good, and we did not know."""
    hard = receipt.kind == "bounce" and receipt.about in MESSAGES
    # A mail's report that comes late, or once more, says nothing of the text message that took its place.
    return hard and not invitation.bounced and receipt.channel == invitation.channel


def _returned(invitation: Invitation, receipt: Receipt, instead_at: datetime | None) -> dict[str, Any]:
    about = receipt.about or ""
    if receipt.kind == "soft_bounce" and about in MESSAGES and about not in invitation.soft_bounced:
        return {"soft_bounced": (*invitation.soft_bounced, about)} | _known(invitation, about)
    if not is_returned(invitation, receipt):
        return {}
    instead = {"instead_at": instead_at, "remind_at": None} if instead_at else {}
    return {"bounced": True} | instead | _known(invitation, about)


def _known(invitation: Invitation, about: str) -> dict[str, Any]:
    """Let no queue's message that comes again doubt what the carrier itself has reported."""
    last = last_message(invitation)
    return {"taken_by": None} if invitation.taken_by and about == ("invitation" if last == "state" else last) else {}


def _taken(invitation: Invitation, about: str | None) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if about == "invitation" and invitation.state == "attempted":
        changes["state"] = "sent"
    if about == "reminder" and invitation.reminder == "attempted":
        changes["reminder"] = "sent"
    if about == "instead" and invitation.instead == "attempted":
        changes["instead"] = "sent"
    return changes
