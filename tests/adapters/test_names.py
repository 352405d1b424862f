"""One mailbox, one phone, one person: one name, whichever way they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.names import KeyedNames, normal_email, normal_phone

NAMES = KeyedNames(b"a pepper")


@pytest.mark.parametrize(
    ("spelled", "normal"),
    [
        ("ana@example.com", "ana@example.com"),
        ("Ana@Example.COM", "ana@example.com"),
        (" ana@example.com ", "ana@example.com"),
        ("ana@example.com.", "ana@example.com"),
        ("ana+tornillos@example.com", "ana+tornillos@example.com"),
        ("a.n.a@example.com", "a.n.a@example.com"),
        ("a.n.a@gmail.com", "ana@gmail.com"),
        ("A.n.a+tornillos@googlemail.com", "ana@gmail.com"),
        ("a.n.a+x@outlook.com", "a.n.a@outlook.com"),
        ("ana+x@hotmail.com", "ana@hotmail.com"),
        ("ana+x@icloud.com", "ana@icloud.com"),
        ("ana+x@fastmail.com", "ana@fastmail.com"),
        ("ana+x@protonmail.com", "ana@protonmail.com"),
        ("ana+x@notgmail.com", "ana+x@notgmail.com"),
        ("+x@gmail.com", "+x@gmail.com"),
        ("ana@peña.example", "ana@xn--pea-8ma.example"),
        ("ana@PEÑA.example", "ana@xn--pea-8ma.example"),
        ("ana@xn--pea-8ma.example", "ana@xn--pea-8ma.example"),
        ("ñandú@example.com", "ñandú@example.com"),
        ("n\u0303andu\u0301@example.com", "ñandú@example.com"),
        ("ana@" + "ñ" * 70 + ".example", "ana@" + "ñ" * 70 + ".example"),
    ],
)
def test_a_mailbox_has_one_spelling(spelled: str, normal: str) -> None:
    assert normal_email(spelled) == normal
    assert NAMES.address("email", spelled) == NAMES.address("email", normal)


PHONE = ("+573001234567", "+57 300 123 4567", "+57 (300) 123-4567", "0057 300 1234567", "+57.300.123.4567")
FULL_WIDTH = "+57300123456\uff17"


@pytest.mark.parametrize("spelled", [*PHONE, FULL_WIDTH])
def test_a_phone_has_one_spelling(spelled: str) -> None:
    assert normal_phone(spelled) == "+573001234567"


def test_people_addresses_and_channels_never_share_a_name() -> None:
    same = "+573001234567"
    assert len({NAMES.customer(same), NAMES.address("email", same), NAMES.address("sms", same)}) == 3


def test_another_pepper_gives_other_names() -> None:
    assert KeyedNames(b"another").customer("c-981") != NAMES.customer("c-981")


def test_customers_are_told_apart_by_every_letter() -> None:
    assert NAMES.customer("C-981") != NAMES.customer("c-981")


@given(st.text(), st.sampled_from(["email", "sms"]))
def test_whatever_is_given_has_a_name(address: str, channel: str) -> None:
    name = NAMES.address("email" if channel == "email" else "sms", address)
    assert len(name) == 26
    assert name.isalnum()


@given(st.text())
def test_a_normal_spelling_is_its_own(address: str) -> None:
    assert normal_email(normal_email(address)) == normal_email(address)
    assert normal_phone(normal_phone(address)) == normal_phone(address)
