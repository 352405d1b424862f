"""Keep somebody signed in: a signed cookie that says who, and until when; nothing is stored."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta
from hashlib import sha256

from chalice.app import Request
from pydantic import ValidationError

from chalicelib.domain.terms import Frozen, Instant
from chalicelib.entrypoints.http import header
from chalicelib.ports import Principal

SESSION_FOR = timedelta(hours=12)
SESSION = "lazo_session"
COOKIE_CHARACTERS_MAX = 4000
_MAC_CHARACTERS = 43  # SHA-256 in base64url without padding


class Session(Frozen):
    """Who is signed in, and until when."""

    principal: Principal
    until: Instant


def sealed(principal: Principal, until: datetime, key: bytes) -> str:
    """Return a session as text that only the holder of the key can have written."""
    body = _text(Session(principal=principal, until=until).model_dump_json(exclude_none=True).encode())
    return f"{body}.{_mac(body, key)}"


def unsealed(text: str, key: bytes, now: datetime) -> Principal | None:
    """Return whom a sealed session stands for; None when it was changed, is over, or is none of ours."""
    body, _, mac = text.rpartition(".")
    if len(text) > COOKIE_CHARACTERS_MAX or not text.isascii() or not hmac.compare_digest(mac, _mac(body, key)):
        return None
    try:
        session = Session.model_validate_json(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (ValidationError, ValueError):
        return None  # sealed by an older version of ours: sign in again
    return session.principal if now < session.until else None


def _mac(body: str, key: bytes) -> str:
    return _text(hmac.digest(key, body.encode(), sha256))[:_MAC_CHARACTERS]


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def cookie(name: str, value: str, *, secure: bool, lasts: timedelta, same_site: str = "Strict") -> str:
    """Return a Set-Cookie header that no script reads; nothing left to last takes the cookie away."""
    seconds = max(0, int(lasts.total_seconds()))
    flags = f"Path=/; Max-Age={seconds}; HttpOnly; SameSite={same_site}"
    return f"{name}={value}; {flags}{'; Secure' if secure else ''}"


def cookie_of(request: Request, name: str) -> str:
    """Return the value of a cookie, empty when there is none."""
    pairs = (pair.strip().partition("=") for pair in header(request, "cookie").split(";"))
    return next((value for key, _, value in pairs if key == name), "")
