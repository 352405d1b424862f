"""Find what is due, in the sparse index and among the shared timers, and hand it to the workers."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from secrets import token_urlsafe

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.adapters.dynamodb import keys
from chalicelib.adapters.dynamodb.codec import Image, text_key
from chalicelib.adapters.dynamodb.table import Table
from chalicelib.adapters.queues import Queue, due_body, messages_of
from chalicelib.domain.terms import stamp
from chalicelib.domain.timer import Timer
from chalicelib.errors import Overloaded
from chalicelib.ports import DueKey, ItemKind

PAGE_MAX = 1_000  # keys of one read
NAME_BYTES = 8  # of a message's name: it must differ from those of the same invitation's few others

KINDS: dict[str, ItemKind] = {
    keys.INVITATION: "invitation",
    keys.CASE: "case",
    keys.DIGEST: "digest",
    keys.WEEKLY: "weekly",
    keys.KEEPING: "keeping",
}

log = logging.getLogger(__name__)


class DynamoTimers:
    """The due index of the table, and the queue of those who work on it."""

    def __init__(self, table: Table, queue: Queue) -> None:
        self._table = table
        self._queue = queue

    def due(self, now: datetime, limit: int) -> Iterator[DueKey | Timer]:
        """One of each shard in turn, so that a full shard holds no other up."""
        page = min(limit, PAGE_MAX)
        found: list[Iterator[DueKey | Timer]] = []
        for shard in keys.due_shards():
            found += [map(_due_key, self._shard(shard, now, page)), map(_timer, self._shared(shard, now, page))]
        return islice(_in_turn(found), limit)

    def next_at(self, until: datetime) -> datetime | None:
        instants = list(self._firsts(until))
        return min(instants) if instants else None

    def _firsts(self, until: datetime) -> Iterator[datetime]:
        for shard in keys.due_shards():
            for single in islice(self._shard(shard, until, 1), 1):
                yield datetime.fromisoformat(single["due_at"]["S"]).astimezone(UTC)
            for shared in islice(self._shared(shard, until, 1), 1):
                yield _timer(shared).at

    def nudge(self, due: Sequence[DueKey | Timer]) -> None:
        try:
            self.hand_on(due)
        except (ClientError, BotoCoreError, Overloaded):
            # What led here is written already and must not fail for this; the sweep is at most a minute behind.
            log.warning("nudge_lost", exc_info=True)

    def hand_on(self, due: Sequence[DueKey | Timer]) -> None:
        named = (replace(each, name=_new_name()) for each in messages_of(due))
        self._queue.send([due_body(each) for each in named])

    def arm(self, timers: Sequence[Timer]) -> None:
        for timer in timers:
            self._table.replace(_image(timer))

    def disarm(self, timer: Timer) -> None:
        self._table.take(_key(timer))

    def _shard(self, shard: str, until: datetime, page: int) -> Iterator[Image]:
        return self._table.query(
            page=page,
            IndexName=keys.DUE,
            KeyConditionExpression="due = :shard AND due_at <= :until",
            ExpressionAttributeValues={":shard": {"S": shard}, ":until": {"S": stamp(until)}},
        )

    def _shared(self, shard: str, until: datetime, page: int) -> Iterator[Image]:
        return self._table.query(
            page=page,
            KeyConditionExpression="pk = :timers AND sk < :until",
            ExpressionAttributeValues={
                ":timers": {"S": keys.timers(shard)},
                ":until": {"S": keys.timers_until(until)},
            },
        )


def _new_name() -> str:
    return token_urlsafe(NAME_BYTES)


def _key(timer: Timer) -> keys.Key:
    return keys.timer(timer.name, stamp(timer.at))


def _image(timer: Timer) -> Image:
    return {**text_key(_key(timer)), "ids": {"S": " ".join(timer.ids)}, "tries": {"N": str(timer.tries)}}


def _timer(image: Image) -> Timer:
    at, _, name = image["sk"]["S"].partition("#")
    instant = datetime.fromisoformat(at).astimezone(UTC)
    return Timer(instant, tuple(image["ids"]["S"].split()), name, int(image["tries"]["N"]))


def _in_turn(iterators: Iterable[Iterator[DueKey | Timer]]) -> Iterator[DueKey | Timer]:
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
