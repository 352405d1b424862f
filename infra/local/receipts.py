"""Write what carriers report of a message, in the shapes in which SES and End User Messaging publish it."""

import uuid
from datetime import UTC, datetime
from typing import Any

from infra.local.mailbox import parse

Json = dict[str, Any]

KINDS = ("bounce", "soft_bounce", "complaint", "delivery")
SENDER_ACCOUNT = "000000000000"

# What the addresses of SES's mailbox simulator make of a message; a label (`bounce+ana@…`) changes nothing.
SIMULATOR_DOMAIN = "simulator.amazonses.com"
SIMULATOR = {
    "success": ("delivery",),
    "ooto": ("delivery",),
    "bounce": ("bounce",),
    "softbounce": ("soft_bounce",),
    "suppressionlist": ("bounce",),
    "complaint": ("delivery", "complaint"),
}

SMS_EVENTS = {
    "delivery": ("TEXT_DELIVERED", "DELIVERED", "Message has been accepted by phone"),
    "bounce": ("TEXT_INVALID", "INVALID", "The destination phone number is invalid"),
    "soft_bounce": ("TEXT_UNREACHABLE", "UNREACHABLE", "The destination phone is unreachable"),
    "complaint": ("TEXT_SPAM", "SPAM", "The recipient marked the message as spam"),
}


def simulated(address: str) -> tuple[str, ...]:
    """Return what the simulator reports of a message to this address; of ordinary addresses nothing."""
    local, _, domain = address.casefold().rpartition("@")
    return SIMULATOR.get(local.split("+")[0], ()) if domain == SIMULATOR_DOMAIN else ()


def receipt(record: Json, kind: str, at: datetime) -> Json:
    """Return the notification about a recorded message."""
    return _sms_receipt(record, kind, at) if record["channel"] == "sms" else _mail_receipt(record, kind, at)


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def _mail_receipt(record: Json, kind: str, at: datetime) -> Json:
    report = {"bounce": _bounce, "soft_bounce": _bounce, "complaint": _complaint, "delivery": _delivery}[kind]
    event = {"soft_bounce": "Bounce"}.get(kind, kind.capitalize())
    return {"eventType": event, "mail": _mail(record), event.lower(): report(record, kind, at)}


def _mail(record: Json) -> Json:
    headers = list(parse(record["raw"]).items()) if "raw" in record else list(record.get("headers", {}).items())
    named = {name.lower(): str(value) for name, value in headers}
    tags = {tag["Name"]: [tag["Value"]] for tag in record.get("tags", [])}
    if record.get("configuration_set"):
        tags["ses:configuration-set"] = [record["configuration_set"]]
    return {
        "timestamp": record["sent_at"],
        "source": named.get("from", record.get("from", "")),
        "sendingAccountId": SENDER_ACCOUNT,
        "messageId": record["id"],
        "destination": record["to"],
        "headersTruncated": False,
        "headers": [{"name": name, "value": str(value)} for name, value in headers],
        "commonHeaders": {"to": record["to"], "messageId": record["id"], "subject": named.get("subject", "")},
        "tags": tags,
    }


def _bounce(record: Json, kind: str, at: datetime) -> Json:
    hard = kind == "bounce"
    status = {
        "action": "failed",
        "status": "5.1.1" if hard else "4.2.2",
        "diagnosticCode": "smtp; 550 5.1.1 user unknown" if hard else "smtp; 452 4.2.2 mailbox full",
    }
    return {
        "feedbackId": str(uuid.uuid4()),
        "bounceType": "Permanent" if hard else "Transient",
        "bounceSubType": "General" if hard else "MailboxFull",
        "bouncedRecipients": [{"emailAddress": address, **status} for address in record["to"]],
        "timestamp": _stamp(at),
        "reportingMTA": "dsn; local",
    }


def _complaint(record: Json, kind: str, at: datetime) -> Json:
    return {
        "feedbackId": str(uuid.uuid4()),
        "complaintSubType": None,
        "complainedRecipients": [{"emailAddress": address} for address in record["to"]],
        "timestamp": _stamp(at),
        "userAgent": "local",
        "complaintFeedbackType": "abuse",
        "arrivalDate": _stamp(at),
    }


def _delivery(record: Json, kind: str, at: datetime) -> Json:
    return {
        "timestamp": _stamp(at),
        "processingTimeMillis": 250,
        "recipients": record["to"],
        "smtpResponse": "250 2.0.0 OK",
        "reportingMTA": "local",
    }


def _sms_receipt(record: Json, kind: str, at: datetime) -> Json:
    event, status, description = SMS_EVENTS[kind]
    return {
        "eventType": event,
        "eventVersion": "1.0",
        "eventTimestamp": int(at.timestamp() * 1000),
        "isFinal": True,
        "originationPhoneNumber": record.get("from", ""),
        "destinationPhoneNumber": record["to"][0],
        "isoCountryCode": None,
        "messageId": record["id"],
        "messageRequestTimestamp": int(datetime.fromisoformat(record["sent_at"]).timestamp() * 1000),
        "messageEncoding": "GSM" if record["text"].isascii() else "UNICODE",
        "messageType": record.get("type", "TRANSACTIONAL"),
        "messageStatus": status,
        "messageStatusDescription": description,
        "context": record.get("context") or {},
        "totalMessageParts": 1,
        "totalMessagePrice": 0.0,
        "totalCarrierFee": 0.0,
    }


def inbound_sms(sender: str, number: str, text: str) -> Json:
    """Return the notification about a text that a person has sent."""
    return {
        "originationNumber": sender,
        "destinationNumber": number,
        "messageKeyword": "KEYWORD_" + SENDER_ACCOUNT,
        "messageBody": text,
        "inboundMessageId": str(uuid.uuid4()),
        "previousPublishedMessageId": None,
    }
