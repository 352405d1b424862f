"""What every carrier promises, held against the one that stands in for SES and SMS on one machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.adapters import clients
from chalicelib.adapters.carriers import Carriers
from chalicelib.adapters.memory import Memory, MemoryCarrier
from chalicelib.adapters.ses import SesMail
from chalicelib.adapters.sms import TextMessages
from chalicelib.errors import CarrierRefused, CarrierUnclear
from chalicelib.ports import Mail, Sms
from infra.local.aws import CREDENTIALS, REGION
from infra.local.carrier import Carrier, CarrierServer
from infra.local.mailbox import Mailbox
from tests.contract.cast import NOW


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[Mailbox]:
    """An empty mailbox."""
    kept = Mailbox(tmp_path / "mailbox.jsonl", lambda: NOW)
    yield kept
    kept.close()


@pytest.fixture
def carriers(mailbox: Mailbox) -> Iterator[Carriers]:
    """Our carriers, speaking to the local one over HTTP."""
    server = CarrierServer(Carrier(mailbox))
    server.start()
    options = {
        "endpoint_url": server.endpoint,
        "region_name": REGION,
        "aws_access_key_id": CREDENTIALS["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    }
    mails, texts = clients.sesv2(**options), clients.sms(**options)
    yield Carriers(SesMail(mails, lambda: NOW, "lazo-test"), TextMessages(texts))
    mails.close()
    texts.close()
    server.stop()


def mail(to: str) -> Mail:
    """Return a mail to somebody."""
    return Mail((to,), "¿Qué tal?", "Hola", "<p>Hola</p>", "El Tornillo", "hola@example.com", tags={"kind": "x"})


def test_each_message_arrives_once_and_has_an_id(carriers: Carriers, mailbox: Mailbox) -> None:
    ids = {carriers.mail(mail("ana@example.com")), carriers.text(Sms("+573001234567", "¿Qué tal?"))}
    assert {message["id"] for message in mailbox.messages()} == ids
    assert [(message["channel"], message["to"]) for message in mailbox.messages()] == [
        ("email", "ana@example.com"),
        ("sms", "+573001234567"),
    ]


def test_a_mail_arrives_byte_for_byte(carriers: Carriers, mailbox: Mailbox) -> None:
    carriers.mail(mail("ana@example.com"))
    (kept,) = mailbox.messages()
    assert (kept["subject"], kept["html"].strip(), kept["text"].strip()) == ("¿Qué tal?", "<p>Hola</p>", "Hola")


@pytest.mark.parametrize(
    ("name", "permanent"), [("throttle", False), ("rejected", True)], ids=["throttled", "rejected"]
)
def test_a_refused_mail_was_not_sent(carriers: Carriers, mailbox: Mailbox, name: str, permanent: bool) -> None:
    with pytest.raises(CarrierRefused) as refusal:
        carriers.mail(mail(f"{name}@simulator.example"))
    assert refusal.value.permanent is permanent
    assert list(mailbox.messages()) == []


@pytest.mark.parametrize("name", ["error500", "lost"])
def test_a_mail_of_unknown_fate_is_sent_at_most_once(carriers: Carriers, mailbox: Mailbox, name: str) -> None:
    with pytest.raises(CarrierUnclear):
        carriers.mail(mail(f"{name}@simulator.example"))
    assert len(list(mailbox.messages())) <= 1


@pytest.mark.parametrize(("ending", "permanent"), [("999429", False), ("999400", True)])
def test_a_refused_text_was_not_sent(carriers: Carriers, mailbox: Mailbox, ending: str, permanent: bool) -> None:
    with pytest.raises(CarrierRefused) as refusal:
        carriers.text(Sms(f"+57300{ending}", "¿Qué tal?"))
    assert refusal.value.permanent is permanent
    assert list(mailbox.messages()) == []


@pytest.mark.parametrize("ending", ["999500", "999504"])
def test_a_text_of_unknown_fate_is_sent_at_most_once(carriers: Carriers, mailbox: Mailbox, ending: str) -> None:
    with pytest.raises(CarrierUnclear):
        carriers.text(Sms(f"+57300{ending}", "¿Qué tal?"))
    assert len(list(mailbox.messages())) <= 1


def test_the_memorys_carrier_keeps_what_it_takes_and_raises_what_it_is_told() -> None:
    memory = Memory()
    carrier = MemoryCarrier(memory)
    memory.troubles.append(CarrierUnclear("lost"))
    with pytest.raises(CarrierUnclear):
        carrier.mail(mail("ana@example.com"))
    ids = [carrier.mail(mail("ana@example.com")), carrier.text(Sms("+573001234567", "x"))]
    assert len(set(ids)) == 2
    assert memory.sent == [mail("ana@example.com"), Sms("+573001234567", "x")]


def test_mails_under_way_together_all_arrive_and_each_is_told_its_own_fate(
    carriers: Carriers, mailbox: Mailbox
) -> None:
    words = [carriers.begin(mail(f"{name}@simulator.example")) for name in ("success", "rejected", "error500")]
    words.append(carriers.begin(Sms("+573001234567", "¿Qué tal?")))
    assert words[0]() != words[3]()
    with pytest.raises(CarrierRefused):
        words[1]()
    with pytest.raises(CarrierUnclear):
        words[2]()
    assert {kept["channel"] for kept in mailbox.messages()} == {"email", "sms"}
