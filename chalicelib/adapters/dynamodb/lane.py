"""Hold what a lane of the stream has counted and not yet written to its rows, and how far it has come.

A batch is one conditional put of an item of its own: what it counts, and how far its shard has come with it. Every
eighth time the lane's own item takes in the batches since; it is ten times as large. A transaction with each row would
cost a hundred times as much.

A row stays while it is counted on: in the lane it costs a byte or two each time, outside two units. Rows that a hundred
batches have not touched grow old, and after as many more leave for items of their own.

Each batch has a version, the next after all that stand, and one place among a few that are written over and over. Of
two who count on the same state one loses that place. A lane takes in whole batches and writes none: who does so twice,
or dies on the way, changes nothing. So whoever reads needs the lane and all batches after it, without a gap.
"""

import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from chalicelib.domain.rollup import Row

COUNTS_MAX = 250  # of one row that leaves: DynamoDB's expressions end at 4 KB
SHARD_LASTS_MS = 3 * 24 * 3600 * 1000  # far longer than its records

Key = tuple[str, str, str, str]
"""A row's kind, dimension, value and day."""

Age = Mapping[Key, Mapping[str, int]]
"""Rows that were last counted on at about the same time."""

_BORN = re.compile(r"shardId-(\d{20})-")


@dataclass(frozen=True)
class Limits:
    """How long rows stay: `ages` that they pass through, the batches that an age takes, and the bytes of all.

    And after how many batches the lane takes them in.
    """

    ages: int = 3
    writes: int = 128
    bytes_max: int = 32_000
    batches: int = 8


@dataclass(frozen=True)
class Lane:
    """A lane as it is stored: its version, how often rows have left it, its shards' checkpoints and its rows.

    `ages` has the youngest rows first; those of the last age are leaving. `since` is the version at which it began.
    """

    version: int = 0
    flushes: int = 0
    since: int = 0
    shards: Mapping[str, str] = field(default_factory=dict)
    ages: Sequence[Age] = ()

    def rows(self) -> Iterator[Row]:
        """Yield what is pending."""
        for age in self.ages:
            for key, counts in age.items():
                yield Row(*key, counts)


@dataclass(frozen=True)
class Batch:
    """What one batch of a shard has counted, and where it ends; `version` is that of the lane once it is in it."""

    version: int
    shard: str
    end: str
    counts: Age


@dataclass(frozen=True)
class Standing:
    """A lane with the batches that it has not taken in yet, in order and without a gap."""

    lane: Lane
    batches: tuple[Batch, ...] = ()

    @property
    def version(self) -> int:
        """The version of the last batch."""
        return self.lane.version + len(self.batches)

    def end_of(self, shard: str) -> str:
        """Return how far a shard has come; empty at first."""
        ends = (batch.end for batch in reversed(self.batches) if batch.shard == shard)
        return next(ends, self.lane.shards.get(shard, ""))

    def ages(self) -> Iterator[Age]:
        """Yield all that is pending."""
        yield from self.lane.ages
        yield from (batch.counts for batch in self.batches)

    def next(self, rows: Iterable[Row], shard: str, end: str) -> Batch:
        """Return some rows as the next batch."""
        return Batch(self.version + 1, shard, end, _summed(rows))

    def taken_in(self) -> Lane:
        """Return the lane with all batches in it."""
        lane = self.lane
        for batch in self.batches:
            lane = counted(lane, (Row(*key, counts) for key, counts in batch.counts.items()), batch.shard, batch.end)
        return lane


def standing(lane: Lane, found: Iterable[Batch]) -> Standing | None:
    """Return a lane with those of some batches that come after it; None where one is missing.

    They are not read at one moment: the lane may be older than a batch that has taken another's place since.
    """
    later = sorted((batch for batch in found if batch.version > lane.version), key=lambda batch: batch.version)
    if [batch.version for batch in later] != [lane.version + 1 + place for place in range(len(later))]:
        return None
    return Standing(lane, tuple(later))


def read_lane(version: int, body: bytes) -> Lane:
    """Return a lane from its item."""
    held = json.loads(zlib.decompress(body))
    ages = [dict(_unfolded(age)) for age in held["ages"]]
    return Lane(version, held["flushes"], held["since"], held["shards"], ages)


def body_of(lane: Lane) -> bytes:
    """Return what a lane's item holds."""
    ages = [_folded(age) for age in lane.ages]
    held = {"flushes": lane.flushes, "since": lane.since, "shards": lane.shards, "ages": ages}
    return _packed(held)


def read_batch(version: int, body: bytes) -> Batch:
    """Return a batch from its item."""
    held = json.loads(zlib.decompress(body))
    return Batch(version, held["shard"], held["end"], dict(_unfolded(held["counts"])))


def body_of_batch(batch: Batch) -> bytes:
    """Return what a batch's item holds."""
    return _packed({"shard": batch.shard, "end": batch.end, "counts": _folded(batch.counts)})


def _packed(held: Mapping[str, Any]) -> bytes:
    return zlib.compress(json.dumps(held, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode())


def _summed(rows: Iterable[Row]) -> Age:
    total: dict[Key, Mapping[str, int]] = {}
    for row in rows:
        key = (row.kind, row.dimension, row.value, row.day)
        total[key] = _sum(total.get(key, {}), row.counts)
    return total


def _folded(age: Age) -> dict[str, Any]:
    """Return rows as maps within maps: what they share is written once."""
    folded: dict[str, Any] = {}
    for (kind, dimension, value, day), counts in age.items():
        folded.setdefault(kind, {}).setdefault(dimension, {}).setdefault(value, {})[day] = counts
    return folded


def _unfolded(folded: Mapping[str, Any]) -> Iterator[tuple[Key, Mapping[str, int]]]:
    for kind, dimensions in folded.items():
        for dimension, values in dimensions.items():
            for value, days in values.items():
                for day, counts in days.items():
                    yield (kind, dimension, value, day), counts


def counted(lane: Lane, rows: Iterable[Row], shard: str, end: str) -> Lane:
    """Return a lane with some rows more, the youngest now, and a shard's checkpoint moved."""
    ages = [dict(age) for age in lane.ages or ({},)]
    for row in rows:
        key = (row.kind, row.dimension, row.value, row.day)
        before = next((age.pop(key) for age in ages if key in age), {})
        ages[0][key] = _sum(before, row.counts)
    return replace(lane, version=lane.version + 1, shards=_moved(lane.shards, shard, end), ages=ages)


def _sum(before: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    total = dict(before)
    for name, count in more.items():
        total[name] = total.get(name, 0) + count
    return total


def _moved(shards: Mapping[str, str], shard: str, end: str) -> dict[str, str]:
    moved = {**shards, shard: end}
    newest = max(map(_born, moved))
    return {name: at for name, at in moved.items() if name == shard or newest - _born(name) < SHARD_LASTS_MS}


def _born(shard: str) -> int:
    """Return when a shard began, in milliseconds, as its name on AWS says."""
    found = _BORN.match(shard)
    return int(found[1]) if found else 0


def aged(lane: Lane, limits: Limits) -> Lane:
    """Return a lane whose rows have grown older, when it is time and the last of them have left."""
    ages = _fitted(lane.ages, limits.ages)
    if len(ages) == 1 or ages[-1] or not _is_time(lane, limits):
        return replace(lane, ages=ages)
    return replace(lane, ages=[{}, *ages[:-1]], since=lane.version)


def _is_time(lane: Lane, limits: Limits) -> bool:
    return lane.version - lane.since >= limits.writes or len(body_of(lane)) > limits.bytes_max


def _fitted(ages: Sequence[Age], count: int) -> list[Age]:
    """Return as many ages as there shall be: no row stands in two, so the last may take in others."""
    last = {key: counts for age in ages[count - 1 :] for key, counts in age.items()}
    return [*ages[: count - 1], *({} for _ in range(count - 1 - len(ages))), last]


def leaving(lane: Lane, rows_max: int) -> tuple[Lane, list[Row]]:
    """Return a lane without the rows that leave it now, and those rows."""
    if not lane.ages[-1]:
        return lane, []
    rows = list(lane.ages[-1].items())
    gone = [Row(*key, dict(list(counts.items())[:COUNTS_MAX])) for key, counts in rows[:rows_max]]
    rests = {key: dict(list(counts.items())[COUNTS_MAX:]) for key, counts in rows[:rows_max]}
    left = {key: counts for key, counts in rests.items() if counts} | dict(rows[rows_max:])
    return replace(lane, flushes=lane.flushes + 1, ages=[*lane.ages[:-1], left]), gone
