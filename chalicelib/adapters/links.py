"""Make and read the links that people are given: a token says an id and a purpose, and nobody else can write one.

A token is base64url, without padding, of

    key number (1 byte) | id (16 or 17 bytes) | [unix minutes (4) | detail (2)] | MAC (16)

where the MAC is the first half of HMAC-SHA256(key, purpose | 0 | all before the MAC). The four lengths that this gives
tell the shapes apart. Nothing is stored under a token, so the table gives none away.
"""

import hashlib
import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime

from chalicelib.errors import BadLink
from chalicelib.ports import Purpose, Ticket

PATHS: dict[Purpose, str] = {
    "answer": "/s/",
    "mended": "/s/",
    "stop": "/u/",
    "privacy": "/privacy/",
    "case": "/c/",
    "sign_in": "/sign-in?link=",
    "counter": "/q/",
}
"""The path before each purpose's token."""

KEY_BYTES_MIN = 16
MAC_BYTES = 16
FINGERPRINT_BYTES = 16  # 32 hexadecimal digits: terms.fingerprint
KEYED_BYTES = 17  # 26 letters of 5 bits: terms.keyed
END_BYTES = 6
LENGTHS = frozenset(1 + name + end + MAC_BYTES for name in (FINGERPRINT_BYTES, KEYED_BYTES) for end in (0, END_BYTES))
TOKEN_CHARACTERS_MAX = 56

_FINGERPRINT = re.compile(r"[0-9a-f]{32}")
_KEYED = re.compile(r"[a-z2-7]{26}")
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


class SignedLinks:
    """Links of one address, signed with the newest of several numbered keys.

    An older key verifies for as long as it is given here: until its last link has expired, and for `stop` for ever.
    """

    def __init__(self, base: str, keys: Mapping[int, bytes]) -> None:
        if not keys or not all(0 <= number <= 255 and len(key) >= KEY_BYTES_MIN for number, key in keys.items()):
            raise ValueError(f"links need a key, numbered 0 to 255 and of at least {KEY_BYTES_MIN} bytes")
        self._base = base.rstrip("/")
        self._keys = dict(keys)
        self._newest = max(keys)

    def url(self, purpose: Purpose, ticket: Ticket) -> str:
        return f"{self._base}{PATHS[purpose]}{self.token(purpose, ticket)}"

    def page(self, path: str) -> str:
        return self._base + path

    def token(self, purpose: Purpose, ticket: Ticket) -> str:
        """Return the token alone."""
        payload = bytes([self._newest]) + _packed(ticket.id) + _packed_end(ticket)
        return _text(payload + _mac(self._keys[self._newest], purpose, payload))

    def read(self, purpose: Purpose, token: str) -> Ticket:
        raw = _raw(token)
        payload, mac = raw[:-MAC_BYTES], raw[-MAC_BYTES:]
        key = self._keys.get(payload[0])
        if key is None or not hmac.compare_digest(mac, _mac(key, purpose, payload)):
            raise BadLink("not one of ours for this purpose")
        return _ticket(payload[1:])


def _mac(key: bytes, purpose: str, payload: bytes) -> bytes:
    return hmac.digest(key, purpose.encode() + b"\0" + payload, hashlib.sha256)[:MAC_BYTES]


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def key_number(token: str) -> int | None:
    """Return the number of the key that a token says it was signed with; None for what is no token."""
    try:
        return _raw(token)[0]
    except BadLink:
        return None


def _raw(token: str) -> bytes:
    """Return a token's bytes; a second spelling of the same bytes is as wrong as any other."""
    if not token.isascii() or len(token) > TOKEN_CHARACTERS_MAX:
        raise BadLink("malformed")
    try:
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError as error:
        raise BadLink("malformed") from error
    if len(raw) not in LENGTHS or _text(raw) != token:
        raise BadLink("malformed")
    return raw


def _packed(id_: str) -> bytes:
    if _FINGERPRINT.fullmatch(id_):
        return bytes.fromhex(id_)
    if not _KEYED.fullmatch(id_):
        raise ValueError("a link names a fingerprint (32 hexadecimal digits) or a keyed name (26 letters)")
    number = 0
    for letter in id_:
        number = number * 32 + _LETTERS.index(letter)
    return number.to_bytes(KEYED_BYTES, "big")


def _packed_end(ticket: Ticket) -> bytes:
    if ticket.expires_at is None and not ticket.detail:
        return b""
    # Rounded up: nobody's link ends before the instant that was promised.
    minutes = -int(-ticket.expires_at.timestamp() // 60) if ticket.expires_at else 0
    return minutes.to_bytes(4, "big") + ticket.detail.to_bytes(2, "big")


def _ticket(named: bytes) -> Ticket:
    ends = len(named) > KEYED_BYTES
    name, end = (named[:-END_BYTES], named[-END_BYTES:]) if ends else (named, bytes(END_BYTES))
    minutes, detail = int.from_bytes(end[:4], "big"), int.from_bytes(end[4:], "big")
    return Ticket(_unpacked(name), datetime.fromtimestamp(minutes * 60, UTC) if minutes else None, detail)


def _unpacked(name: bytes) -> str:
    if len(name) == FINGERPRINT_BYTES:
        return name.hex()
    number = int.from_bytes(name, "big")
    return "".join(_LETTERS[number >> shift & 31] for shift in range(125, -1, -5))
