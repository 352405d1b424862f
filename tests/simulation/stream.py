"""Model the table's stream: shards that split, batches of any size, old records again, and owners at the same time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zlib import crc32

if TYPE_CHECKING:
    from tests.simulation.engine import Engine

WINDOWS = (timedelta(seconds=20), timedelta(minutes=10), timedelta(hours=2))
"""How long the stream gathers, or hangs behind."""

BATCH_MAX = 100
SPLITS_AT = (timedelta(days=1), timedelta(days=5), timedelta(days=14))
"""When each shard becomes two."""


@dataclass(frozen=True)
class Consumer:
    """A function that the stream calls, and where its records come from."""

    kind: str
    written: Callable[[], int]
    """Grows when something was written."""
    read: Callable[[int], tuple[list[tuple[str, Any]], int]]
    """Returns the records from a position on, each with the item that it is of, and the position after them."""
    take: Callable[[Sequence[Any], str, datetime], Any]
    """Handles a batch of a shard, by its name."""
    replayed_max: int = 60
    """How many records come again when a batch does."""


@dataclass
class Shard:
    """The records of some items, in order, and how far a consumer has come."""

    name: str
    part: int
    of: int
    records: list[Any] = field(default_factory=list)
    done: int = 0

    def holds(self, place: int) -> bool:
        """Say whether the records of an item with this place belong here."""
        return place % self.of == self.part


class Stream:
    """Brings what was written to a consumer, as Lambda does: in order at first, again after a failure."""

    def __init__(self, engine: "Engine", consumer: Consumer) -> None:
        self.engine, self.consumer = engine, consumer
        self.shards = [Shard(f"shard-{part}", part, 2) for part in range(2)]
        self.closed: list[Shard] = []
        self.position = self.seen = 0
        self.planned = False
        for at in SPLITS_AT:
            engine.plan(engine.now + at, "~shards split", self._split)

    def _split(self) -> None:
        self._read()
        old = self.shards
        self.closed += old
        self.shards = [
            Shard(f"{shard.name}.{half}", shard.part + half * shard.of, shard.of * 2)
            for shard in old
            for half in (0, 1)
        ]

    def look(self) -> None:
        """Plan the next batch when something was written."""
        if not self.planned and self.consumer.written() > self.seen:
            self.planned = True
            window = self.engine.chances.of(f"{self.consumer.kind} {self.engine.now}").choice(WINDOWS)
            self.engine.plan(self.engine.now + window, f"~{self.consumer.kind}", self._deliver)

    def _read(self) -> None:
        """Hand out what is new to the shards."""
        self.seen = self.consumer.written()
        records, self.position = self.consumer.read(self.position)
        for item, record in records:
            place = crc32(item.encode())
            next(shard for shard in self.shards if shard.holds(place)).records.append(record)

    def _deliver(self) -> None:
        self.planned = False
        self._read()
        for shard in (*self.closed, *self.shards):
            if shard.done < len(shard.records):
                self._consume(shard)
        self.closed = [shard for shard in self.closed if shard.done < len(shard.records)]
        if any(shard.done < len(shard.records) for shard in (*self.closed, *self.shards)):
            self.planned = True
            self.engine.plan(self.engine.now + WINDOWS[0], f"~{self.consumer.kind}", self._deliver)

    def _consume(self, shard: Shard) -> None:
        """Take one batch of a shard; at times with some of what came before, or all of it again out of order."""
        chance = self.engine.chances.of(f"{self.consumer.kind} {shard.name} {shard.done} {self.engine.now}")
        wild = self.engine.chances.active and chance.random() < self.engine.profile.duplicates
        end = min(len(shard.records), shard.done + chance.choice((1, 3, 20, BATCH_MAX)))
        begin = max(0, shard.done - chance.randrange(self.consumer.replayed_max)) if wild else shard.done
        if self._take(shard, shard.records[begin:end]):
            shard.done = end
        if wild:
            self._take(shard, chance.shuffled(shard.records[:end][-self.consumer.replayed_max :]))

    def _take(self, shard: Shard, batch: list[Any]) -> bool:
        kind, take = self.consumer.kind, self.consumer.take
        return self.engine.run(kind, f"{kind} {shard.name}", lambda now: take(batch, shard.name, now)).is_done
