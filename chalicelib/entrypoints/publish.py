"""Send out what changed in the table, as its stream tells of it: on the bus, and to webhooks one at a time."""

import logging

from chalice import Blueprint
from chalice.app import DynamoDBEvent, SQSEvent

from chalicelib import runtime
from chalicelib.adapters.dynamodb.stream import write_of
from chalicelib.adapters.outlet import post_of
from chalicelib.domain.outgoing import Origin
from chalicelib.flows import publish as flow

log = logging.getLogger("lazo")
bp = Blueprint(__name__)

STREAM = "arn:aws:dynamodb:us-east-1:000000000000:table/lazo/stream/in-the-overlay"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:in-the-overlay"


@bp.on_dynamodb_record(stream_arn=STREAM, batch_size=100, name="publish")
def publish(event: DynamoDBEvent) -> None:
    """Announce what a batch of the stream tells; a batch that fails comes again."""
    done = flow.publish(runtime.ports(), [write_of(record) for record in event.to_dict()["Records"]], _origin())
    if done.events or done.untold:
        log.info("published %d events, %d posts; %d records unreadable", done.events, done.posts, done.untold)


@bp.on_sqs_message(queue_arn=QUEUE, batch_size=1, name="webhooks")
def webhooks(event: SQSEvent) -> None:
    """Make one post: a slow address holds up no other, and what raises here comes again by itself."""
    for record in event:
        flow.post(runtime.ports(), post_of(record.body), _origin(), runtime.now())


def _origin() -> Origin:
    settings = runtime.settings()
    return Origin(f"/lazo/{settings.stage}", settings.public_url)
