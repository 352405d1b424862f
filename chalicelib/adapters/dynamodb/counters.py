"""Keep the rollups: gathered in a lane's item with its checkpoints, then added to items of their own.

Whoever reads adds both up. A row says at which of its lane's flushes it was last added to: where that was after the
lane was read, what is in both would count twice, and the lane is read again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from chalicelib.adapters.dynamodb import keys
from chalicelib.adapters.dynamodb.codec import Image, text_key
from chalicelib.adapters.dynamodb.lane import Lane, Limits, aged, body_of, counted, leaving, read_lane
from chalicelib.adapters.dynamodb.table import TRANSACTION_MAX, TRIES_MAX, Put, Table
from chalicelib.domain.rollup import Row
from chalicelib.errors import Conflict, Overloaded

ROWS_MAX = TRANSACTION_MAX - 1
FLUSH = "_"
"""The attribute of a row that names a flush; no count is called so."""

Days = dict[str, dict[str, int]]


class DynamoCounters:
    """Rollups in the table, in lanes so that shards do not wait for each other."""

    def __init__(self, table: Table, limits: Limits | None = None) -> None:
        self._table = table
        self._limits = limits or Limits()
        self._known: dict[tuple[str, str], set[str]] = {}
        self._seen: dict[int, Lane] = {}
        self._kept: _Pending | None = None
        self._keeps = False

    def glance(self) -> "DynamoCounters":
        one = DynamoCounters(self._table, self._limits)
        one._keeps = True
        return one

    def checkpoint(self, shard: str) -> str:
        return self._read(keys.lane_of(shard)).shards.get(shard, "")

    def add(self, shard: str, rows: Sequence[Row], *, last: str, end: str) -> None:
        if len(rows) > ROWS_MAX:
            raise ValueError(f"{len(rows)} rows; at once there may be {ROWS_MAX}")
        number = keys.lane_of(shard)
        for _ in range(TRIES_MAX):
            lane = self._at(number, shard, last)
            try:
                self._write(number, lane, counted(lane, rows, shard, end))
            except Conflict:
                self._seen.pop(number, None)  # another shard of this lane was quicker
            else:
                return
        raise Conflict(f"lane {number} moved on {TRIES_MAX} times")

    def _at(self, number: int, shard: str, last: str) -> Lane:
        """Return a lane in which a shard stands at a checkpoint, read anew where we remember it otherwise."""
        seen = self._seen.get(number)
        lane = seen if seen and seen.shards.get(shard, "") == last else self._read(number)
        if lane.shards.get(shard, "") != last:
            raise Conflict(f"{shard} has been counted beyond {last or 'its beginning'}")
        return lane

    def _read(self, number: int) -> Lane:
        image = self._table.get(keys.lane(number))
        self._seen[number] = lane = _lane(image) if image else Lane()
        return lane

    def _write(self, number: int, before: Lane, after: Lane) -> None:
        kept, gone = leaving(aged(after, self._limits), ROWS_MAX)
        put = Put(_image(number, kept), over=before.version)
        additions = [_addition(row, number, kept.flushes) for row in gone if any(row.counts.values())]
        if additions:
            self._learn(gone)
            self._table.write([put], additions)
        else:
            self._table.put(put)
        self._seen[number] = kept

    def _learn(self, rows: Sequence[Row]) -> None:
        """Enter new values before their rows leave the lane: what is counted can be found."""
        for kind, dimension in {(row.kind, row.dimension) for row in rows}:
            given = {row.value for row in rows if (row.kind, row.dimension) == (kind, dimension)}
            known = self._known.setdefault((kind, dimension), set())
            if given <= known:
                continue
            # Read before it is written: in a large set each addition costs a unit for each KB of it.
            known |= self._entered(kind, dimension)
            if new := given - known:
                self._enter(kind, dimension, sorted(new))
                known |= new

    def _enter(self, kind: str, dimension: str, new: list[str]) -> None:
        self._table.update(
            Key=text_key(keys.values(kind, dimension)),
            UpdateExpression="ADD body :new",
            ExpressionAttributeValues={":new": {"SS": new}},
        )

    def _entered(self, kind: str, dimension: str) -> set[str]:
        image = self._table.get(keys.values(kind, dimension))
        return set(image["body"]["SS"]) if image else set()

    def series(self, kind: str, dimension: str, value: str, first: str, last: str) -> Days:
        for _ in range(TRIES_MAX):
            pending = self._pending()
            images = list(self._images(kind, dimension, value, first, last))
            if all(_flush_of(image) <= pending.flushes(_lane_of(image)) for image in images):
                rows = pending.of(kind, dimension).get(value, ())
                return _added([*map(_counts, images), *(row for row in rows if first <= row[0] <= last)])
            self._kept = None  # read before what has left meanwhile: it would count twice
        raise Overloaded(f"the counters of {kind} moved on {TRIES_MAX} times while they were read")

    def _images(self, kind: str, dimension: str, value: str, first: str, last: str) -> Iterator[Image]:
        low, high = keys.days(first, last)
        return self._table.query(
            KeyConditionExpression="pk = :pk AND sk BETWEEN :low AND :high",
            ExpressionAttributeValues={
                ":pk": {"S": keys.series(kind, dimension, value)},
                ":low": {"S": low},
                ":high": {"S": high},
            },
            ConsistentRead=True,
        )

    def values(self, kind: str, dimension: str) -> tuple[str, ...]:
        # The lanes first: a value is entered before its rows leave them.
        pending = set(self._pending().of(kind, dimension))
        return tuple(sorted(pending | self._entered(kind, dimension)))

    def _pending(self) -> "_Pending":
        """Return what the lanes hold; within a glance, as they were at its first look."""
        if self._kept is not None:
            return self._kept
        images = self._table.get_many([keys.lane(number) for number in range(keys.LANES)])
        pending = _Pending({int(image["pk"]["S"].partition("#")[2]): _lane(image) for image in images})
        if self._keeps:
            self._kept = pending
        return pending


class _Pending:
    """What the lanes hold and their rows do not yet, by kind, dimension and value."""

    def __init__(self, lanes: Mapping[int, Lane]) -> None:
        self._flushes = {number: lane.flushes for number, lane in lanes.items()}
        self._rows: dict[tuple[str, str], dict[str, list[tuple[str, Mapping[str, int]]]]] = {}
        for age in (age for lane in lanes.values() for age in lane.ages):
            for (kind, dimension, value, day), counts in age.items():
                self._rows.setdefault((kind, dimension), {}).setdefault(value, []).append((day, counts))

    def flushes(self, lane: int) -> int:
        """Return how often rows had left a lane."""
        return self._flushes.get(lane, 0)

    def of(self, kind: str, dimension: str) -> Mapping[str, Sequence[tuple[str, Mapping[str, int]]]]:
        """Return a dimension's values, each with its days and counts."""
        return self._rows.get((kind, dimension), {})


def _lane(image: Image) -> Lane:
    return read_lane(int(image["v"]["N"]), image["body"]["B"])


def _image(number: int, lane: Lane) -> Image:
    return text_key(keys.lane(number)) | {"v": {"N": str(lane.version)}, "body": {"B": body_of(lane)}}


def _addition(row: Row, lane: int, flush: int) -> dict[str, Any]:
    """Return the update that adds a row's counts."""
    counts = [(name, count) for name, count in row.counts.items() if count]
    names = {f"#{place}": name for place, (name, _) in enumerate(counts)}
    numbers = {f":{place}": {"N": str(count)} for place, (_, count) in enumerate(counts)}
    terms = ", ".join(f"#{place} :{place}" for place in range(len(counts)))
    return {
        "Key": text_key(keys.rollup(row.kind, row.dimension, row.value, row.day, lane)),
        "UpdateExpression": f"SET #f = :f ADD {terms}",
        "ExpressionAttributeNames": {**names, "#f": FLUSH},
        "ExpressionAttributeValues": {**numbers, ":f": {"S": str(flush)}},
    }


def _flush_of(image: Image) -> int:
    return int(image[FLUSH]["S"]) if FLUSH in image else 0


def _lane_of(image: Image) -> int:
    return int(image["sk"]["S"].partition("#")[2])


def _counts(image: Image) -> tuple[str, dict[str, int]]:
    counts = {name: int(number["N"]) for name, number in image.items() if "N" in number}
    return image["sk"]["S"].partition("#")[0], counts


def _added(counted: Iterable[tuple[str, Mapping[str, int]]]) -> Days:
    days: Days = {}
    for day, counts in sorted(counted, key=lambda each: each[0]):
        total = days.setdefault(day, {})
        for name, count in counts.items():
            total[name] = total.get(name, 0) + count
    return days
