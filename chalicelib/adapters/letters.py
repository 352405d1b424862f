"""Open the dead letters of a queue: what failed as often as it may, and waits for somebody to look at it."""

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.queues import Queue, event_of
from chalicelib.ports import Letter

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

HIDDEN_SECONDS = 120
"""For how long a letter is ours alone: longer than one look takes, and a person who redrives waits no longer."""
RECEIVED_MAX = 10
WAIT_SECONDS = 1  # a queue that is asked without waiting may hide what lies in it


class SqsLetters:
    """The letters of one dead-letter queue; `read` makes of a body what once came."""

    def __init__(self, client: "SQSClient", url: str, read: Callable[[str], Any]) -> None:
        self._client, self._url, self._read = client, url, read

    def look(self, most: int) -> Iterator[Letter]:
        left = most
        while left > 0:
            found = self._received(min(RECEIVED_MAX, left))
            if not found:
                return
            left -= len(found)
            whole = (each for each in found if "reason" not in each.get("MessageAttributes", {}))
            yield from (Letter(self._read(each["Body"]), each["ReceiptHandle"]) for each in whole)

    def _received(self, most: int) -> list[Any]:
        answer = self._client.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=most,
            VisibilityTimeout=HIDDEN_SECONDS,
            WaitTimeSeconds=WAIT_SECONDS,
            MessageAttributeNames=["reason"],
        )
        return list(answer.get("Messages", []))

    def lay(self, body: str, reason: str) -> None:
        Queue(self._client, self._url).lay(body, reason)

    def end(self, letter: Letter) -> None:
        self._client.delete_message(QueueUrl=self._url, ReceiptHandle=letter.receipt)


event_in = event_of


def report_in(body: str) -> Any:
    """Return the carrier's report in what Lambda lays aside of a failed call; None for what is none.

    On one machine a queue stands in for the topic, and lays aside the notification alone.
    """
    try:
        given = json.loads(body)
        records = given.get("requestPayload", {}).get("Records") or [{"Sns": given}]
        return json.loads(records[0]["Sns"]["Message"])
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return None
