"""What we write, the standard library reads back: every name, every subject, every body."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.headerregistry import AddressHeader
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.mime import ascii_address, compose
from chalicelib.ports import Mail

NOW = datetime(2026, 3, 6, 21, 30, 15, 123456, tzinfo=UTC)
UNSUBSCRIBE = {
    "List-Unsubscribe": "<https://lazo.example/u/Aqurq6urq6urq6urq6urq6sN2Htc0j1j9PUbWKuIYbA9>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
}


def mail(**changes: Any) -> Mail:
    """Return an invitation to Ana."""
    given_: dict[str, Any] = {
        "to": ("ana@example.com",),
        "subject": "¿Cómo le fue con su compra?",
        "text": "Hola Ana:\n\n¿Qué tal?\n",
        "html": "<p>Hola Ana:</p>\n<p>¿Qué tal?</p>",
        "sender_name": "Ferretería El Tornillo",
        "sender": "hola@example.com",
        **changes,
    }
    return Mail(**given_)


def read(written: Mail) -> EmailMessage:
    """Return a mail as the standard library reads it."""
    raw = compose(written, NOW)
    assert raw.isascii()
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert raw.count(b"\n") == raw.count(b"\r\n") == raw.count(b"\r")
    message = message_from_bytes(raw, policy=policy.default)
    assert not message.defects
    assert not [defect for part in message.walk() for defect in part.defects]
    return message


def body(message: EmailMessage, kind: str) -> str:
    """Return one of the two bodies."""
    part = message.get_body((kind,))
    assert part is not None
    content: str = part.get_content()
    return content


def sender(written: Mail) -> str:
    """Return the name that the mail comes from, by RFC 2047: spaces between encoded words are none of the text."""
    name, address = parseaddr(message_from_bytes(compose(written, NOW))["From"].replace("\r\n", ""))
    assert address == "hola@example.com"
    return str(make_header(decode_header(name)))


def test_a_mail_has_both_bodies_and_says_who_writes_and_when() -> None:
    written = mail(reply_to="ventas@example.com", headers=UNSUBSCRIBE)
    message = read(written)
    assert body(message, "plain") == "Hola Ana:\n\n¿Qué tal?\n"
    assert body(message, "html") == "<p>Hola Ana:</p>\n<p>¿Qué tal?</p>"
    assert message["subject"] == "¿Cómo le fue con su compra?"
    assert sender(written) == "Ferretería El Tornillo"
    assert message["reply-to"] == "ventas@example.com"
    assert message["date"].datetime == NOW.replace(microsecond=0)
    assert message["auto-submitted"] == "auto-generated"
    assert {name: message[name] for name in UNSUBSCRIBE} == UNSUBSCRIBE
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


def test_an_alert_goes_to_everyone_it_names() -> None:
    to = tuple(f"person.{number}@logistics.example.com" for number in range(10))
    message = read(mail(to=to))
    assert [each.addr_spec for each in cast(AddressHeader, message["to"]).addresses] == list(to)


headers = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp")), min_size=1, max_size=300)
texts = st.text(st.characters(codec="utf-8"), max_size=400).map(lambda text: text.replace("\r", ""))


@given(headers, headers, texts, texts)
def test_whatever_is_written_is_read(subject: str, name: str, text: str, html: str) -> None:
    written = mail(subject=subject, sender_name=name, text=text, html=html)
    message = read(written)
    assert message["subject"] == subject
    assert sender(written) == name
    assert body(message, "plain") == text
    assert body(message, "html") == html


@pytest.mark.parametrize(
    "name",
    [
        'Ana "la Jefa" Pérez',
        'Ana "la Jefa" Perez',
        "Ana\\Perez",
        "Perez, Ana",
        "Ana <ana@evil.example>",
        "ana@evil.example",
        "=?utf-8?B?QW5h?=",
        "Ana 😊👩‍🔧",
        "ñ" * 200,
        "x" * 200,
        " leading and trailing ",
        "García; Hijos (S.A.)",
        "日本語の名前" * 10,
        "العربية",
    ],
)
def test_a_hostile_name_stays_a_name(name: str) -> None:
    written = mail(sender_name=name, subject=name)
    assert sender(written) == name
    assert read(written)["subject"] == name


@pytest.mark.parametrize("size", [899, 900, 901, 3_000])
def test_a_long_subject_arrives_whole(size: int) -> None:
    assert read(mail(subject="x" * size))["subject"] == "x" * size


def test_long_lines_and_strange_ends_of_lines_arrive_whole() -> None:
    html = "<p>" + "x" * 5_000 + "</p>\n.\n\nFrom here\n--=_alternative\n--=_alternative--\n"
    message = read(mail(html=html, text=html))
    assert body(message, "html") == html
    assert body(message, "plain") == html


@pytest.mark.parametrize("size", [0, 1, 56, 57, 58, 114, 20_000])
def test_a_body_of_any_length_arrives_whole(size: int) -> None:
    message = read(mail(text="x" * size, html="x" * size))
    assert body(message, "plain") == body(message, "html") == "x" * size


INJECTIONS = ("a\r\nBcc: x@evil.example", "a\nb", "a\rb", "a\x00b", "a\u2028b", "a\u0085b", "a\x0bb", "a\x7fb")


@pytest.mark.parametrize("text", INJECTIONS)
@pytest.mark.parametrize("field", ["subject", "sender_name", "sender", "reply_to"])
def test_nothing_breaks_out_of_a_header(field: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        compose(mail(**{field: text}), NOW)


@pytest.mark.parametrize("text", INJECTIONS)
def test_nothing_breaks_out_of_an_added_header(text: str) -> None:
    for headers_ in ({"X-Note": text}, {text: "x"}):
        with pytest.raises(ValueError, match=r"."):
            compose(mail(headers=headers_), NOW)


@pytest.mark.parametrize("name", ["To", "bcc", "SUBJECT", "Content-Type", "From", "Date", "a b", "a:", "", "ñ"])
def test_an_added_header_takes_the_place_of_none(name: str) -> None:
    with pytest.raises(ValueError, match="header's name"):
        compose(mail(headers={name: "x"}), NOW)


@pytest.mark.parametrize(
    "address",
    [
        "ana@example.com\r\nBcc: x@evil.example",
        "ana@example.com, eve@evil.example",
        "Ana <ana@example.com>",
        "ana@",
        "@example.com",
        "ana",
        "",
        "ana@localhost",
        "añá@example.com",
        "ana@" + "ñ" * 70 + ".example",
        "ana@exa mple.com",
        "a" * 65 + "@example.com",
        "ana@" + "a." * 130 + "example",
    ],
)
def test_an_address_that_cannot_be_written_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="address"):
        compose(mail(to=(address,)), NOW)


def test_a_domain_is_written_as_the_dns_knows_it() -> None:
    assert ascii_address("ana@Peña.example") == "ana@xn--pea-8ma.example"
    message = read(mail(to=("ana@peña.example",)))
    assert cast(AddressHeader, message["to"]).addresses[0].addr_spec == "ana@xn--pea-8ma.example"


def test_half_a_character_is_refused() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        compose(mail(subject="\ud83d"), NOW)
    with pytest.raises(ValueError, match="surrogates"):
        compose(mail(text="\ud83d"), NOW)


def test_the_same_mail_is_the_same_bytes() -> None:
    assert compose(mail(), NOW) == compose(mail(), NOW)
