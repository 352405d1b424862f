"""Write day files from the lines that the reader of the table's stream has handed over."""

import logging

from chalice import Blueprint
from chalice.app import SQSEvent

from chalicelib import runtime
from chalicelib.adapters.files import lines_in
from chalicelib.domain.dayfile import Line
from chalicelib.entrypoints import journal
from chalicelib.flows import file as flow

log = logging.getLogger("lazo")
bp = Blueprint(__name__)

PLACEHOLDER = "arn:aws:sqs:us-east-1:000000000000:in-the-overlay"


@bp.on_sqs_message(queue_arn=PLACEHOLDER, batch_size=1000, name="files")
def files(event: SQSEvent) -> dict[str, list[dict[str, str]]]:
    """Write the lines of many messages into few files. What raises here comes again whole, and makes the same files."""
    lines: list[Line] = []
    failures = []
    for record in event:
        try:
            lines += lines_in(record.body)
        except (KeyError, TypeError, ValueError):
            log.exception("message %s hands over no lines", record.to_dict()["messageId"])
            failures.append({"itemIdentifier": record.to_dict()["messageId"]})
    written = flow.write(runtime.ports(), lines)
    journal.tell("files", facts={"lines": len(lines), "files": written})
    return {"batchItemFailures": failures}
