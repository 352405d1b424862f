"""Name people and addresses by a key, the same for every spelling that reaches the same mailbox or phone."""

import re
import unicodedata

from chalicelib.domain.terms import Channel, keyed

DOTLESS = frozenset({"gmail.com", "googlemail.com"})
"""Where dots in a name mean nothing."""

PLUS_TAGGED = DOTLESS | frozenset(
    {
        "outlook.com",
        "hotmail.com",
        "live.com",
        "icloud.com",
        "me.com",
        "mac.com",
        "fastmail.com",
        "fastmail.fm",
        "protonmail.com",
        "proton.me",
        "pm.me",
    }
)
"""Where what follows a plus is a tag of the same mailbox. Elsewhere lucia+sales may be somebody else."""


class KeyedNames:
    """Keyed names under one pepper, which is never changed: suppressions and tombstones are kept under them."""

    def __init__(self, pepper: bytes) -> None:
        self._pepper = pepper

    def customer(self, id_: str) -> str:
        return keyed(self._pepper, "customer", id_)

    def address(self, channel: Channel, address: str) -> str:
        normal = normal_email(address) if channel == "email" else normal_phone(address)
        return keyed(self._pepper, channel, normal)


def normal_email(address: str) -> str:
    """Return the one spelling of a mailbox.

    >>> normal_email("Lu.Cia+tornillos@GoogleMail.com")
    'lucia@gmail.com'
    """
    local, _, domain = unicodedata.normalize("NFKC", address).strip().lower().rpartition("@")
    domain = ascii_domain(domain)
    if domain in PLUS_TAGGED:
        local = local.partition("+")[0] or local
    if domain in DOTLESS:
        local, domain = local.replace(".", "") or local, "gmail.com"
    return f"{local}@{domain}"


def ascii_domain(domain: str) -> str:
    """Return a domain as it stands in the DNS, in lower case; as it is when it cannot stand there.

    >>> ascii_domain("Peña.example")
    'xn--pea-8ma.example'
    """
    domain = domain.lower().rstrip(".")
    if domain.isascii():
        return domain
    try:
        return domain.encode("idna").decode()
    except UnicodeError:
        return domain


def normal_phone(number: str) -> str:
    """Return a phone number as E.164 writes it, with its country's code.

    >>> normal_phone("0057 (300) 123-4567"), normal_phone("+44 (0)20 7946 0000")
    ('+573001234567', '+442079460000')
    """
    digits = re.sub(r"[^0-9+]", "", unicodedata.normalize("NFKC", number))
    international = re.sub(r"^(?:\+|00)0*", "+", digits)
    import phonenumbers  # here, since whoever meets no phone should not load every country's rules

    try:
        # Knows where a zero belongs to the number (Italy) and where it only leads out of town (+44 0 20 …).
        parsed = phonenumbers.parse(international)
    except phonenumbers.NumberParseException:
        return international
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
