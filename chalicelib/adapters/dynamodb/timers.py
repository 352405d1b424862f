"""Find what is due in the sparse index, and hand it to the workers."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.adapters.dynamodb import keys
from chalicelib.adapters.dynamodb.codec import Image
from chalicelib.adapters.dynamodb.table import Table
from chalicelib.adapters.queues import Queue, due_body
from chalicelib.domain.terms import stamp
from chalicelib.errors import Overloaded
from chalicelib.ports import DueKey, ItemKind

PAGE_MAX = 1_000  # keys of one read

KINDS: dict[str, ItemKind] = {
    keys.INVITATION: "invitation",
    keys.CASE: "case",
    keys.DIGEST: "digest",
    keys.WEEKLY: "weekly",
}

log = logging.getLogger(__name__)


class DynamoTimers:
    """The due index of the table, and the queue of those who work on it."""

    def __init__(self, table: Table, queue: Queue) -> None:
        self._table = table
        self._queue = queue

    def due(self, now: datetime, limit: int) -> Iterator[DueKey]:
        """One key of each shard in turn, so that a full shard holds no other up."""
        page = min(limit, PAGE_MAX)
        shards = [map(_due_key, self._shard(shard, now, page)) for shard in keys.due_shards()]
        return islice(_in_turn(shards), limit)

    def next_at(self, until: datetime) -> datetime | None:
        firsts = (next(self._shard(shard, until, 1), None) for shard in keys.due_shards())
        stamps = [first["due_at"]["S"] for first in firsts if first]
        return datetime.fromisoformat(min(stamps)).astimezone(UTC) if stamps else None

    def nudge(self, keys: Sequence[DueKey]) -> None:
        try:
            self._queue.send([due_body(key) for key in keys])
        except (ClientError, BotoCoreError, Overloaded):
            # What led here is written already and must not fail for this; the sweep is at most a minute behind.
            log.warning("nudge_lost", exc_info=True)

    def _shard(self, shard: str, until: datetime, page: int) -> Iterator[Image]:
        return self._table.query(
            page=page,
            IndexName=keys.DUE,
            KeyConditionExpression="due = :shard AND due_at <= :until",
            ExpressionAttributeValues={":shard": {"S": shard}, ":until": {"S": stamp(until)}},
        )


def _in_turn(iterators: Iterable[Iterator[DueKey]]) -> Iterator[DueKey]:
    left = list(iterators)
    while left:
        for iterator in list(left):
            key = next(iterator, None)
            if key is None:
                left.remove(iterator)
            else:
                yield key


def _due_key(image: Image) -> DueKey:
    id_ = image["pk"]["S"].partition("#")[2]
    return DueKey(KINDS[image["sk"]["S"]], id_)
