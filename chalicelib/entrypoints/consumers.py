"""Handle what the queues, the schedule and the stream bring; each message by itself, safe to run again."""

import json
import logging
from collections.abc import Callable, Sequence

from chalice import Blueprint, Rate
from chalice.app import CloudWatchEvent, SNSEvent, SQSEvent

from chalicelib import runtime
from chalicelib.adapters.queues import due_of, event_of, view_of
from chalicelib.entrypoints import journal
from chalicelib.entrypoints.journal import Outcome
from chalicelib.errors import Invalid
from chalicelib.flows import collect, invite, receive, work

log = logging.getLogger("lazo")
bp = Blueprint(__name__)

PLACEHOLDER = "arn:aws:sqs:us-east-1:000000000000:in-the-overlay"
"""Chalice wants an ARN in the decorator; the stack's own takes its place when it is packaged."""

Answer = dict[str, list[dict[str, str]]]
Handled = tuple[Outcome, Sequence[str]]


@bp.on_sqs_message(queue_arn=PLACEHOLDER, batch_size=10, name="intake")
def intake(event: SQSEvent) -> Answer:
    """Decide about events, many at once: an invitation or a reason for each, once and for ever."""
    events = [event_of(record.body) for record in event]
    handled = iter(invite.handle_many(runtime.ports(), events, runtime.now()))
    return _each("intake", event, lambda body: _intake(body, next(handled)))


@bp.on_sqs_message(queue_arn=PLACEHOLDER, batch_size=10, name="due")
def due(event: SQSEvent) -> Answer:
    """Take each due step."""
    return _each("due", event, _due)


@bp.on_sqs_message(queue_arn=PLACEHOLDER, batch_size=100, name="views")
def views(event: SQSEvent) -> Answer:
    """Mark the invitations whose links were opened: together, and one by one where that fails.

    Views wait for others, for much less than the two minutes in which they may still speak against an answer.
    """
    bodies = [record.body for record in event]
    try:
        about = _view(*bodies)[1]
    except Exception:
        log.warning("%s views could not be noted together", len(bodies), exc_info=True)
        return _each("views", event, _view)
    journal.tell("views", about=about, facts={"views": len(bodies)})
    return {"batchItemFailures": []}


@bp.schedule(Rate(1, unit=Rate.MINUTES), name="sweep")
def sweep(event: CloudWatchEvent) -> dict[str, int]:
    """Hand on whatever is due, from the beginning of time."""
    now = runtime.now()
    found = work.sweep(runtime.ports(), now)
    journal.measure("sweep", runtime.settings().stage, now, {"Swept": found})
    return {"due": found}


@bp.on_sns_message(topic="arn:aws:sns:us-east-1:000000000000:in-the-overlay", name="receipts")
def receipts(event: SNSEvent) -> None:
    """Note what a carrier reports of a message, and hear the text messages that customers send."""
    taken = receive.report(runtime.ports(), json.loads(event.message), runtime.now())
    if taken:
        journal.tell("receipts", about=taken.about, facts={"kind": taken.kind})


def _each(unit: str, event: SQSEvent, handle: Callable[[str], Handled]) -> Answer:
    failures = []
    for record in event:
        try:
            outcome, about = handle(record.body)
            journal.tell(unit, outcome, about=about)
        except Exception:
            # One bad message holds up no other: this one alone comes again, and ends in the dead-letter queue.
            log.exception("message %s failed", record.to_dict()["messageId"], extra={"unit": unit, "outcome": "failed"})
            failures.append({"itemIdentifier": record.to_dict()["messageId"]})
    return {"batchItemFailures": failures}


def _due(body: str) -> Handled:
    found = due_of(body)
    for error in work.take(runtime.ports(), found, runtime.now()):
        # Put off, and told here: the message itself is done, for what else it names has been taken.
        log.error("a due step failed", exc_info=error, extra={"unit": "due", "outcome": "failed"})
    return "done", found.ids


def _view(*bodies: str) -> Handled:
    views = [view_of(body) for body in bodies]
    collect.see(runtime.ports(), views)
    return "done", list(dict.fromkeys(view.id for view in views))


def _intake(body: str, handled: invite.Handled) -> Handled:
    """Raise what one event failed of; what can never be handled goes to the dead-letter queue, with its reason."""
    if isinstance(handled.error, Invalid):
        problems = invite.refuse(runtime.ports(), event_of(body), handled.error)
        log.warning("refused an event: %s", "; ".join(f"{each.pointer} {each.detail}" for each in problems))
        return "refused", []
    if handled.error:
        raise handled.error
    return "done", handled.ids
