"""Write an e-mail as it travels: a third of the standard library's time, for the one shape that we send.

Text and HTML side by side, both in base64, which is the cheapest encoding of a text in any language; nothing in it can
look like a boundary, a header or the end of the mail.
"""

import re
from base64 import b64encode
from binascii import b2a_base64
from collections.abc import Iterator
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from struct import unpack_from

from chalicelib.adapters.names import ascii_domain
from chalicelib.domain.terms import no_controls
from chalicelib.ports import Mail

LINE_CHARACTERS_MAX = 900  # of a header left as it is; 998 are allowed on a line, its name included
WORD_BYTES_MAX = 39  # of an encoded word, so that it fits into 76 characters behind its header's name
BASE64_LINE = 76
KEPT_MAX = 256  # headers' texts: most are the same in all the mails of one sender
OWN_HEADERS = frozenset(
    {"from", "to", "cc", "bcc", "reply-to", "subject", "date", "message-id", "sender", "return-path", "mime-version"}
    | {"content-type", "content-transfer-encoding"}
)
"""Headers that the message itself decides."""

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")
_PLAIN = re.compile(r"[\x20-\x7e]*")
_BOUNDARY = "=_alternative"  # an underscore and an equals sign: not in the alphabet of base64


def compose(mail: Mail, now: datetime) -> bytes:
    """Return the mail as bytes; raises ValueError for what would break out of a header or cannot be delivered."""
    head = "".join(f"{name}: {value}\r\n" for name, value in _headers(mail, now))
    return b"".join(
        (
            head.encode("ascii"),
            b"\r\n",
            _part("text/plain", mail.text),
            _part("text/html", mail.html),
            f"--{_BOUNDARY}--\r\n".encode(),
        )
    )


@lru_cache(maxsize=KEPT_MAX)
def ascii_address(address: str) -> str:
    """Return an address as every mail server takes it; raises ValueError where there is no such spelling."""
    local, _, domain = address.rpartition("@")
    plain = f"{local}@{ascii_domain(domain)}"
    if not _ADDRESS.fullmatch(plain) or len(plain) > 254:
        raise ValueError("an address cannot be written in ASCII, or is none")
    return plain


def _headers(mail: Mail, now: datetime) -> Iterator[tuple[str, str]]:
    yield "From", f"{_phrase(mail.sender_name)} <{ascii_address(mail.sender)}>"
    yield "To", ",\r\n ".join(ascii_address(address) for address in mail.to)
    if mail.reply_to:
        yield "Reply-To", ascii_address(mail.reply_to)
    yield "Subject", _unstructured(mail.subject)
    yield "Date", format_datetime(now)
    # Nobody's absence note, and no other robot, shall answer what a robot has written.
    for name, value in {"Auto-Submitted": "auto-generated", **mail.headers}.items():
        yield _name(name), _unstructured(value)
    yield "MIME-Version", "1.0"
    yield "Content-Type", f'multipart/alternative; boundary="{_BOUNDARY}"'


@lru_cache(maxsize=KEPT_MAX)
def _name(name: str) -> str:
    """Return a header's name; raises ValueError unless it may be given."""
    if not _HEADER_NAME.fullmatch(name) or name.lower() in OWN_HEADERS:
        raise ValueError("a header's name is not one that may be given")
    return name


@lru_cache(maxsize=KEPT_MAX)
def _phrase(name: str) -> str:
    """Return a display name: quoted, or in encoded words."""
    if _is_plain(name) and name:
        return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return _words(name)


@lru_cache(maxsize=KEPT_MAX)
def _unstructured(text: str) -> str:
    """Return a header's text: as it is, or in encoded words."""
    return text if _is_plain(text) else _words(text)


def _is_plain(text: str) -> bool:
    no_controls(text)
    short = len(text) <= LINE_CHARACTERS_MAX and text == text.strip()
    return short and "=?" not in text and _PLAIN.fullmatch(text) is not None


def _words(text: str) -> str:
    """Return a text in encoded words (RFC 2047), none of which cuts a character in two."""
    return "\r\n ".join(f"=?utf-8?B?{b64encode(piece).decode()}?=" for piece in _pieces(text))


def _pieces(text: str) -> Iterator[bytes]:
    piece = b""
    for character in text:
        encoded = character.encode()
        if len(piece) + len(encoded) > WORD_BYTES_MAX:
            yield piece
            piece = b""
        piece += encoded
    yield piece


def _part(kind: str, text: str) -> bytes:
    head = f"--{_BOUNDARY}\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head.encode() + _base64(text.encode())


def _base64(content: bytes) -> bytes:
    """Return base64 in lines of 76 characters, cut by one call: a third of the time of `encodebytes`."""
    whole = b2a_base64(content, newline=False)
    lines = len(whole) // BASE64_LINE
    cut = unpack_from(f"{BASE64_LINE}s" * lines, whole)
    return b"\r\n".join((*cut, whole[lines * BASE64_LINE :], b""))
