"""Sign and verify as Standard Webhooks describes: id.timestamp.body with HMAC-SHA256."""

import hmac
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256

TOLERANCE = timedelta(minutes=5)
PREFIX = "whsec_"


def key_of(secret: str) -> bytes:
    """Return the bytes of a secret, written as base64 with or without its prefix. Raises ValueError."""
    try:
        return b64decode(secret.removeprefix(PREFIX), validate=True)
    except NotBase64 as error:
        raise ValueError("a webhook secret is whsec_ and base64") from error


def sign(secret: str, id_: str, at: datetime, body: bytes) -> str:
    """Return the value of `webhook-signature`."""
    return "v1," + b64encode(_digest(secret, id_, str(int(at.timestamp())), body)).decode()


def is_signed(secrets: Sequence[str], id_: str, timestamp: str, signatures: str, body: bytes, now: datetime) -> bool:
    """Say whether one of the signatures is by one of the secrets, and the timestamp within five minutes of now.

    Several secrets verify while one replaces another.
    """
    if not id_ or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return False
    if abs(datetime.fromtimestamp(int(timestamp), UTC) - now) > TOLERANCE:
        return False
    given = [each.partition(",")[2] for each in signatures.split(" ")[:16] if each.startswith("v1,")]
    wanted = [b64encode(_digest(secret, id_, timestamp, body)) for secret in secrets]
    return any(hmac.compare_digest(one.encode(), other) for one in given for other in wanted)


def _digest(secret: str, id_: str, timestamp: str, body: bytes) -> bytes:
    return hmac.new(key_of(secret), f"{id_}.{timestamp}.".encode() + body, sha256).digest()
