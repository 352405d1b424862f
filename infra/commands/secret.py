"""Show a secret that others must know, or replace it without a moment in which neither holds.

`events` signs what senders post, `events-token` is for senders that cannot sign, `webhook:ID` signs what a webhook is
told, `link-keys` sign the links in messages. Replace one in three steps: --add a new value, which holds beside the old
one; give it to whoever uses it; --retire the old one. Old link keys stay, since unsubscribing never expires.
"""

import argparse
import json
import secrets
from base64 import b64encode
from collections.abc import Mapping
from typing import TYPE_CHECKING

import boto3

from chalicelib import runtime
from chalicelib.adapters.secrets import FRESH_FOR
from infra.commands import connection
from infra.commands.screen import Failed, Screen
from infra.organisation_checks import nearest

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

KEY_BYTES = 32
VALUES_MAX = 2
"""So many hold at once: the one that is used, and the one that is to be."""

EVENTS, EVENTS_TOKEN, WEBHOOK, LINK_KEYS = "events", "events-token", "webhook:", "link-keys"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add which secret, what to do with it, and which system."""
    parser.add_argument("secret", help="events, events-token, webhook:ID or link-keys")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--add", action="store_true", help="make a new value, which holds beside the old one")
    what.add_argument("--retire", action="store_true", help="let the old value go; the newest stays")
    connection.arguments(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Show the secret, or make or retire a value."""
    connection.connect(options)
    client = boto3.client("secretsmanager")
    if options.secret == LINK_KEYS:
        return _link_keys(client, options, screen)
    field, values = _in_force(options.secret)
    if options.add:
        values = added(options.secret, values)
        keep(client, runtime.settings().secrets_id, field, " ".join(values))
    elif options.retire:
        values = retired(options.secret, values)
        keep(client, runtime.settings().secrets_id, field, " ".join(values))
    screen.say(*values, *_advice(options))
    screen.result({"secret": options.secret, "values": values})
    return 0


def _in_force(name: str) -> tuple[str, list[str]]:
    """Return the field of a secret and its values, the newest last. Raises Failed for one that there is not."""
    if name == EVENTS:
        return "events_secrets", runtime.secrets().events_secrets()
    if name == EVENTS_TOKEN:
        return "events_tokens", runtime.secrets().events_tokens()
    ids = [each.id for each in runtime.ports().library.organisation().webhooks]
    id_ = name.removeprefix(WEBHOOK)
    if not name.startswith(WEBHOOK) or id_ not in ids:
        known = [EVENTS, EVENTS_TOKEN, LINK_KEYS, *(f"{WEBHOOK}{each}" for each in ids)]
        raise Failed(f"There are {', '.join(known)}, and no secret {name!r}{nearest(name, known) or '.'}", known=known)
    return f"webhook_{id_}", runtime.secrets().webhook_secret(id_).split()


def added(name: str, values: list[str]) -> list[str]:
    """Return the values with a new one. Raises Failed while an earlier replacement has not ended."""
    if len(values) >= VALUES_MAX:
        raise Failed(f"{len(values)} values of {name} hold already: --retire the old one first.")
    fresh = secrets.token_bytes(KEY_BYTES)
    return [*values, fresh.hex() if name == EVENTS_TOKEN else f"whsec_{b64encode(fresh).decode()}"]


def retired(name: str, values: list[str]) -> list[str]:
    """Return the newest value alone. Raises Failed when it is the only one."""
    if len(values) == 1:
        raise Failed(f"{name} has one value, and nothing would hold without it: --add a new one first.")
    return values[-1:]


def _link_keys(client: "SecretsManagerClient", options: argparse.Namespace, screen: Screen) -> int:
    """Say which keys there are, by number and not by value, or begin a new one."""
    if options.retire:
        raise Failed("Link keys are never retired: links to unsubscribe are good for ever, and would open nothing.")
    id_ = runtime.settings().link_keys_id
    numbers = sorted(map(int, kept(client, id_)))
    if options.add:
        numbers.append(numbers[-1] + 1)
        if numbers[-1] > 255:
            raise Failed("A link names its key with one byte, and 255 is taken: no more can be added.")
        keep(client, id_, str(numbers[-1]), secrets.token_hex(KEY_BYTES))
    screen.say(f"Key {numbers[-1]} signs new links; links of {len(numbers)} keys open.", *_advice(options))
    screen.result({"secret": LINK_KEYS, "signs": numbers[-1], "verify": numbers})
    return 0


def kept(client: "SecretsManagerClient", id_: str) -> Mapping[str, str]:
    """Return the fields of a secret."""
    found: dict[str, str] = json.loads(client.get_secret_value(SecretId=id_)["SecretString"])
    return found


def keep(client: "SecretsManagerClient", id_: str, field: str, value: str) -> None:
    """Write one field of a secret; all others, above all the root, stay as they are."""
    client.put_secret_value(SecretId=id_, SecretString=json.dumps({**kept(client, id_), field: value}))


def _advice(options: argparse.Namespace) -> list[str]:
    minutes = int(FRESH_FOR.total_seconds() // 60)
    if options.add:
        return [f"The new value holds everywhere in {minutes} minutes; have it used after that, then --retire the old."]
    return [f"The old value holds nowhere in {minutes} minutes."] if options.retire else []
