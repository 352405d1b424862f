"""Count what changed in the table, as its stream tells of it, and hand over what day files hold of it.

One reader for both: a shard of the stream bears two, and the other one tells of events.
"""

from typing import Any

from chalice import Blueprint
from chalice.app import DynamoDBEvent

from chalicelib import runtime
from chalicelib.adapters.dynamodb.stream import change_of
from chalicelib.entrypoints import journal
from chalicelib.flows import file as files
from chalicelib.flows import project as flow

bp = Blueprint(__name__)

PLACEHOLDER = "arn:aws:dynamodb:us-east-1:000000000000:table/lazo/stream/in-the-overlay"


@bp.on_dynamodb_record(stream_arn=PLACEHOLDER, batch_size=100, name="project")
def project(event: DynamoDBEvent) -> dict[str, Any]:
    """Add a batch to the counters. Whoever keeps no state in a tumbling window must still return one."""
    given = event.to_dict()
    if given["Records"]:
        # The window makes Lambda name the shard, which the checkpoint is kept by.
        changes = [change_of(record) for record in given["Records"]]
        done = flow.project(runtime.ports(), changes, given["shardId"], runtime.now())
        # After the count: a batch that fails here comes again, is not counted twice, and its lines may be there twice.
        told = files.tell(runtime.ports(), changes)
        journal.tell("project", facts={"records": done.records, "rows": done.rows, "lines": told.lines})
        if done.uncounted:
            journal.measure("project", runtime.settings().stage, runtime.now(), {"Uncounted": done.uncounted})
    return {"state": {}}
