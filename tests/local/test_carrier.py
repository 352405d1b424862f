"""The carrier takes what boto3 gives it, keeps every byte, refuses and fails where asked to, and reports."""

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from infra.local import receipts
from infra.local.clock import Clock
from infra.local.mailbox import Mailbox
from infra.local.system import LocalSystem
from tests.local import sample


def reports() -> list[Any]:
    return [what for kind, what in sample.seen if kind == "receipts"]


def test_bytes_are_kept_as_they_came(system: LocalSystem) -> None:
    raw = b"Subject: =?utf-8?q?=C2=BF?=\r\nTo: a@example.com, b@example.com\r\nX:  \x80 odd\r\n\r\nHola\r\n.\r\n"
    sent = sample.client("sesv2").send_email(Content={"Raw": {"Data": raw}})
    record = system.mailbox.record_of(sent["MessageId"])
    assert record is not None
    assert record["raw"] == raw
    assert record["to"] == ["a@example.com", "b@example.com"]


def test_simple_and_bulk_mails_are_readable_too(system: LocalSystem) -> None:
    ses = sample.client("sesv2")
    body = {"Text": {"Data": "Hola"}, "Html": {"Data": "<p>Hola"}}
    ses.send_email(
        Destination={"ToAddresses": ["ana@example.com"]}, Content={"Simple": {"Subject": {"Data": "S"}, "Body": body}}
    )
    entries = [
        {
            "Destination": {"ToAddresses": [to]},
            "ReplacementEmailContent": {"ReplacementTemplate": {"ReplacementTemplateData": f'{{"name": "{to}"}}'}},
            "ReplacementHeaders": [{"Name": "List-Unsubscribe", "Value": "<https://example.com/u>"}],
        }
        for to in ("bruno@example.com", "throttle@example.com")
    ]
    template = {"TemplateContent": {"Subject": "{{name}}", "Html": "<p>{{name}}"}, "TemplateData": "{}"}
    results = ses.send_bulk_email(DefaultContent={"Template": template}, BulkEmailEntries=entries)
    assert [one["Status"] for one in results["BulkEmailEntryResults"]] == ["SUCCESS", "ACCOUNT_THROTTLED"]
    simple, bulk = system.mailbox.messages()
    assert (simple["subject"], simple["html"]) == ("S", "<p>Hola")
    assert bulk["subject"] == "bruno@example.com"
    assert bulk["headers"]["List-Unsubscribe"] == "<https://example.com/u>"


@pytest.mark.parametrize(
    ("to", "code"),
    [
        ("throttle@example.com", "TooManyRequestsException"),
        ("rejected+ana@example.com", "MessageRejected"),
        ("error500@example.com", "InternalFailure"),
    ],
)
def test_some_addresses_are_refused(system: LocalSystem, to: str, code: str) -> None:
    with pytest.raises(ClientError) as refusal:
        sample.mail(to)
    assert refusal.value.response["Error"]["Code"] == code
    assert len(system.mailbox) == 0


def test_a_lost_reply_leaves_the_message_in_the_mailbox(system: LocalSystem) -> None:
    with pytest.raises((HTTPClientError, BotoCoreError)):
        sample.mail("lost@example.com")
    assert len(system.mailbox) == 1


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("bounce+ana@simulator.amazonses.com", ["Bounce"]),
        ("complaint@simulator.amazonses.com", ["Delivery", "Complaint"]),
        ("success@simulator.amazonses.com", ["Delivery"]),
        ("bounce@example.com", []),
    ],
)
def test_simulator_addresses_report_by_themselves(system: LocalSystem, to: str, expected: list[str]) -> None:
    sample.mail(to)
    system.settle()
    assert [report["eventType"] for report in reports()] == expected


def test_a_text_message_is_kept_and_can_be_reported_on(system: LocalSystem) -> None:
    sms = sample.client("pinpoint-sms-voice-v2")
    sent = sms.send_text_message(
        DestinationPhoneNumber="+573001234567", MessageBody="Hola Ñandú", Context={"invitation": "i-1"}
    )
    (message,) = system.mailbox.messages("sms", "+573001234567")
    assert message["text"] == "Hola Ñandú"
    system.receipts.report(sent["MessageId"], "bounce")
    system.settle()
    (report,) = reports()
    assert (report["eventType"], report["context"]) == ("TEXT_INVALID", {"invitation": "i-1"})
    with pytest.raises(ClientError, match="Rate exceeded"):
        sms.send_text_message(DestinationPhoneNumber="+573001999429", MessageBody="x")


@pytest.mark.parametrize("kind", receipts.KINDS)
def test_every_kind_of_receipt_names_the_message_and_its_recipients(kind: str) -> None:
    record = {"id": "m-1", "channel": "email", "to": ["ana@example.com"], "sent_at": "2026-03-06T21:30:00.000Z"}
    report = receipts.receipt(record, kind, sample_instant())
    assert report["mail"]["messageId"] == "m-1"
    detail = report[report["eventType"].lower()]
    named = detail.get("recipients") or [
        one["emailAddress"] for one in detail.get("bouncedRecipients", detail.get("complainedRecipients"))
    ]
    assert named == ["ana@example.com"]


def sample_instant() -> Any:
    return Clock().now()


def test_the_mailbox_survives_a_line_cut_short_and_can_be_shortened(tmp_path: Path) -> None:
    path = tmp_path / "mailbox.jsonl"
    mailbox = Mailbox(path, Clock().now)
    mailbox.record("sms", ["+571"], message_id="1", text="uno")
    size = mailbox.size
    mailbox.record("sms", ["+572"], message_id="2", text="dos")
    mailbox.close()
    with path.open("ab") as file:
        file.write(b'{"id": "3", "chan')
    again = Mailbox(path, Clock().now)
    assert [message["text"] for message in again.messages()] == ["uno", "dos"]
    again.shorten(size)
    again.record("sms", ["+573"], message_id="3", text="tres")
    assert [message["text"] for message in again.messages()] == ["uno", "tres"]
    assert [message["text"] for message in again.messages(after="1")] == ["tres"]
    again.close()
