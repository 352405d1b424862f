"""Read the secrets of a stage, and make from its root what no field names yet."""

import hmac
import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from chalicelib.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

FRESH_FOR = timedelta(minutes=15)
"""How long a function goes on with what it has read: a rotated secret is known everywhere after that."""

ANEW_AFTER = timedelta(seconds=10)


class Secrets:
    """What only we know: keys of links, the pepper of names, secrets of senders, the key of sessions.

    The link keys stand apart, since the function that serves public pages reads them and nothing else.
    """

    def __init__(self, read: Callable[[str], Mapping[str, str]], link_keys_id: str, secrets_id: str, clock: Clock):
        self._read, self._clock = read, clock
        self._link_keys_id, self._secrets_id = link_keys_id, secrets_id
        self._kept: dict[str, tuple[datetime, Mapping[str, str]]] = {}
        self._link_keys: tuple[Mapping[str, str], dict[int, bytes]] | None = None

    def link_keys(self, number: int | None = None) -> dict[int, bytes]:
        """Return the keys of links by number; the highest signs, all verify.

        Where `number` is not among those known, they are read anew: another function may sign with it already. Whoever
        makes numbers up has them read a few times a minute, and no more.
        """
        if number is not None and str(number) not in self._of(self._link_keys_id):
            self._of(self._link_keys_id, fresh_for=ANEW_AFTER)
        read = self._of(self._link_keys_id)
        if self._link_keys is None or self._link_keys[0] is not read:
            self._link_keys = read, {int(known): key.encode() for known, key in read.items()}
        return self._link_keys[1]

    def pepper(self) -> bytes:
        """Return what keys the names of people and addresses; it never changes."""
        return self._made("pepper")

    def session_key(self) -> bytes:
        """Return what signs the cookies of staff."""
        return self._made("session")

    def events_secrets(self) -> list[str]:
        """Return the secrets that senders of events may sign with: several while one replaces another."""
        named = self._of(self._secrets_id).get("events_secrets")
        return named.split() if named else ["whsec_" + b64encode(self._made("events")).decode()]

    def events_tokens(self) -> list[str]:
        """Return the tokens of senders that cannot sign."""
        named = self._of(self._secrets_id).get("events_tokens")
        return named.split() if named else [self._made("events_token").hex()]

    def webhook_secret(self, id_: str) -> str:
        """Return what signs events to a webhook: several secrets, by spaces, while one replaces another."""
        named = self._of(self._secrets_id).get(f"webhook_{id_}")
        return named or "whsec_" + b64encode(self._made(f"webhook {id_}")).decode()

    def _made(self, purpose: str) -> bytes:
        root = self._of(self._secrets_id)["root"]
        return hmac.new(root.encode(), purpose.encode(), sha256).digest()

    def _of(self, id_: str, fresh_for: timedelta = FRESH_FOR) -> Mapping[str, str]:
        now = self._clock()
        read_at, values = self._kept.get(id_, (None, {}))
        if read_at is None or not timedelta(0) <= now - read_at < fresh_for:
            values = self._read(id_)
            self._kept[id_] = now, values
        return values


def from_secrets_manager(client: "SecretsManagerClient") -> Callable[[str], Mapping[str, str]]:
    """Return a reader of secrets kept as JSON objects of strings."""

    def read(id_: str) -> Mapping[str, str]:
        values = json.loads(client.get_secret_value(SecretId=id_)["SecretString"])
        return {str(name): str(value) for name, value in values.items()}

    return read
