"""Post our events to configured addresses: signed as Standard Webhooks describes, or in words for a Slack channel."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from chalicelib.domain.destination import destination
from chalicelib.domain.organisation import Organisation, Webhook
from chalicelib.domain.outgoing import CloudEvent
from chalicelib.domain.signature import sign
from chalicelib.errors import CarrierRefused

CLOUD_EVENT = "application/cloudevents+json; charset=utf-8"
JSON = "application/json; charset=utf-8"

Send = Callable[[str, Mapping[str, str], bytes], None]
"""Posts a body to a URL with headers; raises CarrierRefused or CarrierUnclear unless it was taken."""


class SignedWebhooks:
    """Webhooks, each signed with a secret of its own."""

    def __init__(self, secret_of: Callable[[str], str], send: Send) -> None:
        self._secret_of, self._send = secret_of, send

    def post(self, webhook: Webhook, event: CloudEvent, organisation: Organisation, at: datetime) -> None:
        try:
            destination(webhook.url)
        except ValueError as error:
            raise CarrierRefused(f"the address {error}", permanent=True) from error
        body = _body(webhook, event, organisation)
        # Several while one replaces another: whoever receives verifies with the old or the new, as they please.
        secrets = self._secret_of(webhook.id).split()
        headers = {
            "Content-Type": JSON if webhook.format == "slack" else CLOUD_EVENT,
            "User-Agent": "lazo",
            "webhook-id": event.id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(sign(secret, event.id, at, body) for secret in secrets),
        }
        self._send(webhook.url, headers, body)


def _body(webhook: Webhook, event: CloudEvent, organisation: Organisation) -> bytes:
    content: Any = event.as_json()
    if webhook.format == "slack":
        from chalicelib.adapters import slack  # here, so that who speaks to programs only loads no catalogues

        content = {"text": slack.text(event, organisation)}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
