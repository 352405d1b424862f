"""Handle what the queues, the schedule and the stream bring; each message by itself, safe to run again."""

import json
import logging
from collections.abc import Callable
from typing import Any

from chalice import Blueprint, Rate
from chalice.app import CloudWatchEvent, SNSEvent, SQSEvent

from chalicelib import runtime
from chalicelib.adapters.queues import due_key_of, view_of
from chalicelib.domain.receipt import parse_receipt
from chalicelib.errors import Invalid
from chalicelib.flows import collect, converse, invite, receive, work

log = logging.getLogger("lazo")
bp = Blueprint(__name__)

PLACEHOLDER = "arn:aws:sqs:us-east-1:000000000000:in-the-overlay"
"""Chalice wants an ARN in the decorator; the stack's own takes its place when it is packaged."""

Answer = dict[str, list[dict[str, str]]]


@bp.on_sqs_message(queue_arn=PLACEHOLDER, batch_size=10, name="intake")
def intake(event: SQSEvent) -> Answer:
    """Decide about each event: an invitation or a reason, once and for ever."""
    return _each(event, _intake)


@bp.on_sqs_message(queue_arn=PLACEHOLDER, batch_size=10, name="due")
def due(event: SQSEvent) -> Answer:
    """Take each due step."""
    return _each(event, lambda body: work.take(runtime.ports(), due_key_of(body), runtime.now()))


@bp.on_sqs_message(queue_arn=PLACEHOLDER, batch_size=10, name="views")
def views(event: SQSEvent) -> Answer:
    """Mark the invitations whose links were opened."""
    return _each(event, lambda body: collect.see(runtime.ports(), view_of(body)))


@bp.schedule(Rate(1, unit=Rate.MINUTES), name="sweep")
def sweep(event: CloudWatchEvent) -> dict[str, int]:
    """Hand on whatever is due, from the beginning of time."""
    return {"due": work.sweep(runtime.ports(), runtime.now())}


@bp.on_sns_message(topic="arn:aws:sns:us-east-1:000000000000:in-the-overlay", name="receipts")
def receipts(event: SNSEvent) -> None:
    """Note what a carrier reports of a message, and hear the text messages that customers send."""
    given = json.loads(event.message)
    if "messageBody" in given:
        said = given["originationNumber"], given["messageBody"], given["inboundMessageId"]
        converse.hear(runtime.ports(), *said, runtime.now())
        return
    receipt = parse_receipt(given)
    if receipt:
        receive.take(runtime.ports(), receipt, runtime.now())


def _each(event: SQSEvent, handle: Callable[[str], None]) -> Answer:
    failures = []
    for record in event:
        try:
            handle(record.body)
        except Exception:
            # One bad message holds up no other: this one alone comes again, and ends in the dead-letter queue.
            log.exception("message %s failed", record.to_dict()["messageId"])
            failures.append({"itemIdentifier": record.to_dict()["messageId"]})
    return {"batchItemFailures": failures}


def _intake(body: str) -> None:
    """Handle one event; what can never be handled goes to the dead-letter queue at once, with its reason."""
    try:
        invite.handle(runtime.ports(), _unwrapped(body), runtime.now())
    except Invalid as error:
        log.warning("refused an event: %s", "; ".join(f"{each.pointer} {each.detail}" for each in error.problems))
        runtime.ports().inbox.refuse(body, str(error))


def _unwrapped(body: str) -> Any:
    """Return the CloudEvent of a message: by itself, or the detail of what EventBridge brings."""
    try:
        given = json.loads(body)
    except ValueError:
        return None  # refused by the parser with a pointer, like anything else that is no event
    return given["detail"] if isinstance(given, dict) and "detail-type" in given else given
