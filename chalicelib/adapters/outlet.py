"""Put our own events on the bus, and what webhooks are still to be told into their queue."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.queues import Queue
from chalicelib.domain.outgoing import SOURCE, CloudEvent, Post
from chalicelib.errors import Overloaded

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

ENTRIES_MAX = 10  # events of one call
TRIES_MAX = 3
DELAY_SECONDS_MAX = 900  # of one message; who has to wait longer is put back until the time has come


class AwsOutlet:
    """The bus by its name, the queue of posts, and the queue of those that were given up."""

    def __init__(self, client: "EventBridgeClient", bus: str, queue: Queue, given_up: Queue) -> None:
        self._client, self._bus = client, bus
        self._queue, self._given_up = queue, given_up

    def announce(self, events: Sequence[CloudEvent]) -> None:
        for start in range(0, len(events), ENTRIES_MAX):
            self._put([self._entry(event) for event in events[start : start + ENTRIES_MAX]])

    def enqueue(self, posts: Sequence[Post], after: timedelta = timedelta(0)) -> None:
        # Rounded up: whoever comes a moment early is put back for nothing.
        seconds = min(DELAY_SECONDS_MAX, -int(-after.total_seconds() // 1))
        self._queue.send([post.model_dump_json(exclude_defaults=True) for post in posts], delay_seconds=seconds)

    def give_up(self, post: Post, reason: str) -> None:
        self._given_up.lay(post.model_dump_json(exclude_defaults=True), reason)

    def _entry(self, event: CloudEvent) -> Any:
        return {
            "EventBusName": self._bus,
            "Source": SOURCE,
            "DetailType": event.type,
            "Detail": json.dumps(event.as_json(), ensure_ascii=False, separators=(",", ":")),
            "Time": event.time,
        }

    def _put(self, entries: list[Any]) -> None:
        failed: list[Any] = []
        for _ in range(TRIES_MAX):
            told = self._client.put_events(Entries=entries)["Entries"]
            failed = [result for result in told if "ErrorCode" in result]
            if not failed:
                return
            entries = [entry for entry, result in zip(entries, told, strict=True) if "ErrorCode" in result]
        raise Overloaded(f"{len(failed)} events were not taken: {failed[0]['ErrorCode']}")


def post_of(body: str) -> Post:
    """Return what a message says is to be posted."""
    return Post.model_validate_json(body)
