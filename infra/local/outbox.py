"""Publish what carriers report, to the topics to which they would publish it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from infra.local import receipts
from infra.local.aws import EmbeddedAws
from infra.local.carrier import Carrier
from infra.local.resources import client

Json = dict[str, Any]


@dataclass
class ReceiptPump:
    """Publishes the receipts that the carrier keeps, between two handlers."""

    aws: EmbeddedAws
    carrier: Carrier
    now: Callable[[], datetime]
    topic: str
    name: str = "carrier"

    def __post_init__(self) -> None:
        self._sns = client("sns", self.aws.endpoint)

    def is_ready(self, pending: Json) -> bool:
        """There is a receipt to publish."""
        return bool(self.carrier.outbox)

    def step(self) -> None:
        """Publish one receipt."""
        message_id, kind = self.carrier.outbox[0]
        self.report(message_id, kind)
        self.carrier.outbox.popleft()

    def report(self, message_id: str, kind: str) -> bool:
        """Publish what a carrier reports of a message; return false for one that was never sent."""
        record = self.carrier.mailbox.record_of(message_id)
        if record:
            self._publish(receipts.receipt(record, kind, self.now()))
        return record is not None

    def receive_sms(self, sender: str, number: str, text: str) -> None:
        """Publish a text that a person has sent."""
        self._publish(receipts.inbound_sms(sender, number, text))

    def _publish(self, notification: Json) -> None:
        self._sns.publish(TopicArn=self.topic, Message=json.dumps(notification, ensure_ascii=False))
