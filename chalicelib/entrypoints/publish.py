"""Send out what changed in the table, as its stream tells of it: on the bus, and to webhooks one at a time."""

from chalice import Blueprint
from chalice.app import DynamoDBEvent, SQSEvent

from chalicelib import runtime
from chalicelib.adapters.dynamodb.stream import write_of
from chalicelib.adapters.outlet import post_of
from chalicelib.domain.outgoing import Origin
from chalicelib.entrypoints import journal
from chalicelib.flows import publish as flow

bp = Blueprint(__name__)

STREAM = "arn:aws:dynamodb:us-east-1:000000000000:table/lazo/stream/in-the-overlay"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:in-the-overlay"


@bp.on_dynamodb_record(stream_arn=STREAM, batch_size=100, name="publish")
def publish(event: DynamoDBEvent) -> None:
    """Announce what a batch of the stream tells; a batch that fails comes again."""
    done = flow.publish(runtime.ports(), [write_of(record) for record in event.to_dict()["Records"]], _origin())
    if done.events or done.untold:
        journal.tell("publish", facts={"events": done.events, "posts": done.posts, "untold": done.untold})


@bp.on_sqs_message(queue_arn=QUEUE, batch_size=1, name="webhooks")
def webhooks(event: SQSEvent) -> None:
    """Make one post: a slow address holds up no other, and what raises here comes again by itself."""
    for record in event:
        wanted = post_of(record.body)
        flow.post(runtime.ports(), wanted, _origin(), runtime.now())
        journal.tell(
            "webhooks", about=[wanted.what.item] if wanted.what.item else [], facts={"webhook": wanted.webhook}
        )


def _origin() -> Origin:
    settings = runtime.settings()
    return Origin(f"/lazo/{settings.stage}", settings.public_url)
