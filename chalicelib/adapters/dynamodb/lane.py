"""Hold what a lane of the stream has counted and not yet written to its rows, and how far it has come.

Both stand in one item, so that counting a batch is one conditional put: a transaction with each row would cost twenty
times as much. Rows leave for items of their own when the lane grows large, those of past days first, which hardly
change any more.
"""

import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chalicelib.domain.rollup import Row

COUNTS_MAX = 250  # of one row that leaves: DynamoDB's expressions end at 4 KB
SHARD_LASTS_MS = 3 * 24 * 3600 * 1000  # far longer than its records

Pending = dict[str, dict[str, dict[str, dict[str, dict[str, int]]]]]
"""Kind, dimension, value, day, count's name → count."""

_BORN = re.compile(r"shardId-(\d{20})-")


@dataclass(frozen=True)
class Limits:
    """How large a lane may grow, in bytes: above `past` rows of past days leave, above `all` any."""

    past: int = 6_000
    all: int = 24_000


@dataclass(frozen=True)
class Lane:
    """A lane as it is stored: its version, how often rows have left it, its shards' checkpoints and its rows."""

    version: int = 0
    flushes: int = 0
    shards: Mapping[str, str] = field(default_factory=dict)
    pending: Mapping[str, Any] = field(default_factory=dict)

    def rows(self) -> Iterator[Row]:
        """Yield what is pending."""
        for kind, dimensions in self.pending.items():
            for dimension, values in dimensions.items():
                for value, days in values.items():
                    for day, counts in days.items():
                        yield Row(kind, dimension, value, day, counts)

    def days(self, kind: str, dimension: str, value: str) -> Mapping[str, Mapping[str, int]]:
        """Return what is pending of one series."""
        found: Mapping[str, Mapping[str, int]] = self.pending.get(kind, {}).get(dimension, {}).get(value, {})
        return found

    def values(self, kind: str, dimension: str) -> set[str]:
        """Return the values of a dimension that are pending."""
        return set(self.pending.get(kind, {}).get(dimension, {}))


def read_lane(version: int, body: bytes) -> Lane:
    """Return a lane from its item."""
    held = json.loads(zlib.decompress(body))
    return Lane(version, held["flushes"], held["shards"], held["rows"])


def body_of(lane: Lane) -> bytes:
    """Return what a lane's item holds."""
    held = {"flushes": lane.flushes, "shards": lane.shards, "rows": lane.pending}
    return zlib.compress(json.dumps(held, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode())


def counted(lane: Lane, rows: Sequence[Row], shard: str, end: str) -> Lane:
    """Return a lane with some rows more, and a shard's checkpoint moved."""
    shards = {**lane.shards, shard: end}
    newest = max(map(_born, shards))
    living = {name: at for name, at in shards.items() if name == shard or newest - _born(name) < SHARD_LASTS_MS}
    return Lane(lane.version + 1, lane.flushes, living, _with([*lane.rows(), *rows]))


def _born(shard: str) -> int:
    """Return when a shard began, in milliseconds, as its name on AWS says."""
    found = _BORN.match(shard)
    return int(found[1]) if found else 0


def _with(rows: Sequence[Row]) -> Pending:
    pending: Pending = {}
    for row in rows:
        values = pending.setdefault(row.kind, {}).setdefault(row.dimension, {})
        counts = values.setdefault(row.value, {}).setdefault(row.day, {})
        for name, count in row.counts.items():
            counts[name] = counts.get(name, 0) + count
    return pending


def leaving(lane: Lane, limits: Limits, rows_max: int) -> tuple[Lane, list[Row]]:
    """Return a lane without the rows that leave it now, and those rows; none while it is small."""
    size = len(body_of(lane))
    rows = sorted(lane.rows(), key=lambda row: row.day) if size > limits.past else []
    going = [row for row in rows if size > limits.all or row.day < rows[-1].day][:rows_max]
    if not going:
        return lane, []
    gone = [Row(*_key(row), dict(list(row.counts.items())[:COUNTS_MAX])) for row in going]
    left = [row for row in (*_rests(going), *rows[len(going) :]) if row.counts]
    return Lane(lane.version, lane.flushes + 1, lane.shards, _with(left)), gone


def _rests(rows: Sequence[Row]) -> Iterator[Row]:
    for row in rows:
        yield Row(*_key(row), dict(list(row.counts.items())[COUNTS_MAX:]))


def _key(row: Row) -> tuple[str, str, str, str]:
    return row.kind, row.dimension, row.value, row.day
