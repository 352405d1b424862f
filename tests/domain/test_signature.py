"""Who vouches for an event: Standard Webhooks, with the vectors of its public test suites."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.signature import is_signed, key_of, sign

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "standard_webhooks.json").read_text())["vectors"]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = datetime(2026, 3, 6, 21, 30, tzinfo=UTC)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_published_vectors_hold(vector: dict[str, Any]) -> None:
    headers = vector["headers"]
    at = datetime.fromtimestamp(vector.get("verify_at_unix", 1614265330), UTC)
    given = headers["webhook-id"], headers["webhook-timestamp"], headers["webhook-signature"]
    assert is_signed([vector["secret"]], *given, vector["body"].encode(), at) is vector["valid"]


def signed(at: datetime, *, now: datetime = NOW, body: bytes = b"{}", secrets: tuple[str, ...] = (SECRET,)) -> bool:
    return is_signed(secrets, "m1", str(int(at.timestamp())), sign(SECRET, "m1", at, b"{}"), body, now)


def test_five_minutes_are_fresh_and_a_second_more_is_stale() -> None:
    assert signed(NOW - timedelta(minutes=5))
    assert not signed(NOW - timedelta(minutes=5, seconds=1))
    assert signed(NOW + timedelta(minutes=5))
    assert not signed(NOW + timedelta(minutes=5, seconds=1))


def test_another_body_or_another_secret_is_not_signed() -> None:
    assert not signed(NOW, body=b"{ }")
    assert not signed(NOW, secrets=("whsec_AAAA",))


def test_two_secrets_verify_while_one_replaces_the_other() -> None:
    assert signed(NOW, secrets=("whsec_AAAA", SECRET))


@pytest.mark.parametrize("timestamp", ["", "now", "-1", "1e9", "9" * 13, "²"])
def test_a_timestamp_that_is_none_is_refused(timestamp: str) -> None:
    assert not is_signed([SECRET], "m1", timestamp, "v1,x", b"{}", NOW)


def test_a_secret_must_be_base64() -> None:
    with pytest.raises(ValueError, match="whsec_"):
        key_of("whsec_not base64!")
