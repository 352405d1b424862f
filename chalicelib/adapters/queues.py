"""Hand work to the queues, and read what they hand out: events, notes of views, keys of what is due."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from chalicelib.domain.timer import IDS_MAX, Timer
from chalicelib.errors import Overloaded
from chalicelib.ports import Due, DueKey, View

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

ENTRIES_MAX = 10  # messages of one call
CALL_BYTES_MAX = 256 * 1024
TRIES_MAX = 3
REASON_CHARACTERS_MAX = 1_000


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    # Made when the first message is read or written: most functions know one kind or none.
    return TypeAdapter(kind)


class Queue:
    """One SQS queue, by its address."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def send(self, bodies: Sequence[str], *, delay_seconds: int = 0) -> None:
        """Send messages in as few calls as there can be; raises Overloaded when one was not taken.

        Some may have been taken then, and will be there twice when their sender tries again.
        """
        for batch in batches(bodies):
            self._send_batch(batch, {"DelaySeconds": delay_seconds} if delay_seconds else {})

    def lay(self, body: str, reason: str) -> None:
        """Send one message with the reason why nobody can handle it."""
        told: Any = {"reason": {"DataType": "String", "StringValue": reason[:REASON_CHARACTERS_MAX] or "unknown"}}
        self._client.send_message(QueueUrl=self._url, MessageBody=body, MessageAttributes=told)

    def _send_batch(self, bodies: Sequence[str], more: Mapping[str, int]) -> None:
        entries: list[Any] = [{"Id": str(place), "MessageBody": body, **more} for place, body in enumerate(bodies)]
        failed: list[Any] = []
        for _ in range(TRIES_MAX):
            failed = self._client.send_message_batch(QueueUrl=self._url, Entries=entries).get("Failed", [])
            if not failed:
                return
            places = {entry["Id"] for entry in failed}
            entries = [entry for entry in entries if entry["Id"] in places]
        raise Overloaded(f"{len(failed)} messages were not taken: {failed[0].get('Code')}")


def batches(bodies: Sequence[str]) -> Iterator[list[str]]:
    """Return the bodies in order, cut where a call would hold too many or too much."""
    batch: list[str] = []
    size = 0
    for body in bodies:
        length = len(body.encode())
        if batch and (len(batch) == ENTRIES_MAX or size + length > CALL_BYTES_MAX):
            yield batch
            batch, size = [], 0
        batch.append(body)
        size += length
    if batch:
        yield batch


class SqsInbox:
    """Accepted events in a queue; what can never be handled goes to its dead letters, with the reason."""

    def __init__(self, queue: Queue, refused: Queue) -> None:
        self._queue = queue
        self._refused = refused

    def accept(self, events: Sequence[Mapping[str, object]]) -> None:
        self._queue.send([json.dumps(event, ensure_ascii=False, separators=(",", ":")) for event in events])

    def refuse(self, body: str, reason: str) -> None:
        self._refused.lay(body, reason)


class SqsViews:
    """Notes of opened links in a queue."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def note(self, view: View) -> None:
        self._queue.send([_adapter(View).dump_json(view).decode()])


def view_of(body: str) -> View:
    """Return the view that a message tells of."""
    view: View = _adapter(View).validate_json(body)
    return view


def event_of(body: str) -> Any:
    """Return the CloudEvent of a message: by itself, or the detail of what EventBridge brings."""
    try:
        given = json.loads(body)
    except ValueError:
        return None  # refused by the parser with a pointer, like anything else that is no event
    return given["detail"] if isinstance(given, dict) and "detail-type" in given else given


def messages_of(due: Iterable[DueKey | Timer]) -> Iterator[Due]:
    """Return what is due as messages without names yet: single invitations together, everything else by itself."""
    together: list[str] = []
    for each in due:
        if isinstance(each, Timer):
            yield Due("invitation", each.ids, timer=each)
        elif each.kind != "invitation":
            yield Due(each.kind, (each.id,))
        else:
            together.append(each.id)
    for start in range(0, len(together), IDS_MAX):
        yield Due("invitation", tuple(together[start : start + IDS_MAX]))


def due_body(due: Due) -> str:
    """Return the message that names what is due."""
    return _adapter(Due).dump_json(due, exclude_none=True).decode()


def due_of(body: str) -> Due:
    """Return what a message says is due; one of an earlier version named one thing."""
    given = json.loads(body)
    if isinstance(given, dict) and "id" in given:
        given = {"kind": given.get("kind"), "ids": (given["id"],)}
    due: Due = _adapter(Due).validate_python(given)
    return due
