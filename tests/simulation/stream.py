"""Model the table's stream: shards that split, batches of any size, old records again, and owners at the same time."""

from dataclasses import dataclass, field
from datetime import timedelta
from zlib import crc32

from chalicelib.flows import project
from chalicelib.ports import Change
from tests.simulation.engine import Engine

WINDOWS = (timedelta(seconds=20), timedelta(minutes=10), timedelta(hours=2))
"""How long the stream gathers, or hangs behind."""

BATCH_MAX = 100
REPLAYED_MAX = 60
SPLITS_AT = (timedelta(days=5), timedelta(days=14))
"""When each shard becomes two."""


@dataclass
class Shard:
    """The records of some items, in order, and how far a consumer has come."""

    name: str
    part: int
    of: int
    records: list[Change] = field(default_factory=list)
    done: int = 0

    def holds(self, change: Change) -> bool:
        """Say whether a record belongs here."""
        item = change.new or change.old
        return crc32((item.id if item else change.sequence).encode()) % self.of == self.part


class Stream:
    """Brings what was written to the counters, as Lambda does: in order at first, again after a failure."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.shards = [Shard(f"shard-{part}", part, 2) for part in range(2)]
        self.closed: list[Shard] = []
        self.read = 0
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
        if not self.planned and len(self.engine.memory.changes) > self.read:
            self.planned = True
            window = self.engine.chances.of(f"stream {self.engine.now}").choice(WINDOWS)
            self.engine.plan(self.engine.now + window, "~stream", self._deliver)

    def _read(self) -> None:
        """Hand out what is new to the shards."""
        changes = self.engine.memory.changes
        for change in changes[self.read :]:
            next(shard for shard in self.shards if shard.holds(change)).records.append(change)
        self.read = len(changes)

    def _deliver(self) -> None:
        self.planned = False
        self._read()
        for shard in (*self.closed, *self.shards):
            self._consume(shard)
        self.closed = [shard for shard in self.closed if shard.done < len(shard.records)]
        if any(shard.done < len(shard.records) for shard in (*self.closed, *self.shards)):
            self.planned = True
            self.engine.plan(self.engine.now + WINDOWS[0], "~stream", self._deliver)

    def _consume(self, shard: Shard) -> None:
        """Take one batch of a shard; at times with some of what came before, or all of it again out of order."""
        if shard.done == len(shard.records):
            return
        chance = self.engine.chances.of(f"stream {shard.name} {shard.done} {self.engine.now}")
        wild = self.engine.chances.active and chance.random() < self.engine.profile.duplicates
        end = min(len(shard.records), shard.done + chance.choice((1, 3, 20, BATCH_MAX)))
        begin = max(0, shard.done - chance.randrange(REPLAYED_MAX)) if wild else shard.done
        batch = shard.records[begin:end]
        outcome = self._project(shard, batch)
        if outcome:
            shard.done = end
        if wild:
            self._project(shard, chance.shuffled(shard.records[:end][-REPLAYED_MAX:]))

    def _project(self, shard: Shard, batch: list[Change]) -> bool:
        outcome = self.engine.run(
            "stream",
            f"stream {shard.name}",
            lambda now: project.project(self.engine.ports, batch, shard.name, now),
        )
        return outcome.is_done
