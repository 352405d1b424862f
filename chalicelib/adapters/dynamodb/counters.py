"""Keep the rollups: gathered in a lane's items with its checkpoints, then added to items of their own.

Whoever reads adds both up. A row says at which of its lane's flushes it was last added to: where that was after the
lane was read, what is in both would count twice, and the lane is read again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from chalicelib.adapters.dynamodb import keys
from chalicelib.adapters.dynamodb.codec import Image, text_key
from chalicelib.adapters.dynamodb.lane import (
    Batch,
    Lane,
    Limits,
    Standing,
    aged,
    body_of,
    body_of_batch,
    leaving,
    read_batch,
    read_lane,
    standing,
)
from chalicelib.adapters.dynamodb.table import TRANSACTION_MAX, TRIES_MAX, Put, PutNewer, Table
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
        self._seen: dict[int, Standing] = {}
        self._kept: _Pending | None = None
        self._keeps = False

    def glance(self) -> "DynamoCounters":
        one = DynamoCounters(self._table, self._limits)
        one._keeps = True
        return one

    def checkpoint(self, shard: str) -> str:
        number = keys.lane_of(shard)
        seen = self._seen.get(number)
        found = seen if seen and self._is_last(number, seen) else self._read(number)
        return found.end_of(shard)

    def _is_last(self, number: int, seen: Standing) -> bool:
        """Say whether nobody has counted since: the next batch would stand in its place, or one later still."""
        image = self._table.get(keys.batch(number, seen.version + 1))
        return image is None or _version_of(image) <= seen.version

    def add(self, shard: str, rows: Sequence[Row], *, last: str, end: str) -> None:
        if len(rows) > ROWS_MAX:
            raise ValueError(f"{len(rows)} rows; at once there may be {ROWS_MAX}")
        number = keys.lane_of(shard)
        for _ in range(TRIES_MAX):
            found = self._at(number, shard, last)
            try:
                self._count(number, found, found.next(rows, shard, end))
            except Conflict:
                self._seen.pop(number, None)  # another shard of this lane was quicker
            else:
                return
        raise Conflict(f"lane {number} moved on {TRIES_MAX} times")

    def _at(self, number: int, shard: str, last: str) -> Standing:
        """Return a lane in which a shard stands at a checkpoint, read anew where we remember it otherwise."""
        seen = self._seen.get(number)
        found = seen if seen and seen.end_of(shard) == last else self._read(number)
        if found.end_of(shard) != last:
            raise Conflict(f"{shard} has been counted beyond {last or 'its beginning'}")
        return found

    def _read(self, number: int) -> Standing:
        for _ in range(TRIES_MAX):
            found = _standings(self._table.get_many(_keys_of(number))).get(number, Standing(Lane()))
            if found:
                self._seen[number] = found
                return found
        raise Overloaded(f"lane {number} moved on {TRIES_MAX} times while it was read")

    def _count(self, number: int, found: Standing, batch: Batch) -> None:
        """Write a batch, and let the lane take in those that stand, now and then."""
        if len(found.batches) >= keys.BATCH_PLACES:
            # Whoever should have done so died: the batch would take the place of one that is still needed.
            found = self._take_in(number, found)
        self._table.put(PutNewer(_batch_image(number, batch)))
        self._seen[number] = found = Standing(found.lane, (*found.batches, batch))
        if len(found.batches) >= self._limits.batches:
            # It is counted already: whoever was quicker has taken in the same.
            with suppress(Conflict):
                self._take_in(number, found)

    def _take_in(self, number: int, found: Standing) -> Standing:
        """Write a lane with all its batches in it, and let rows leave it."""
        kept, gone = leaving(aged(found.taken_in(), self._limits), ROWS_MAX)
        put = Put(_image(number, kept), over=found.lane.version)
        additions = [_addition(row, number, kept.flushes) for row in gone if any(row.counts.values())]
        self._seen.pop(number, None)
        if additions:
            self._learn(gone)
            self._table.write([put], additions)
        else:
            self._table.put(put)
        self._seen[number] = taken = Standing(kept)
        return taken

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
        wanted = [key for number in range(keys.LANES) for key in _keys_of(number)]
        for _ in range(TRIES_MAX):
            found = _standings(self._table.get_many(wanted))
            if all(found.values()):
                break
        else:
            raise Overloaded(f"the lanes moved on {TRIES_MAX} times while they were read")
        pending = _Pending({number: each for number, each in found.items() if each})
        if self._keeps:
            self._kept = pending
        return pending


class _Pending:
    """What the lanes hold and their rows do not yet, by kind, dimension and value."""

    def __init__(self, lanes: Mapping[int, Standing]) -> None:
        self._flushes = {number: found.lane.flushes for number, found in lanes.items()}
        self._rows: dict[tuple[str, str], dict[str, list[tuple[str, Mapping[str, int]]]]] = {}
        for age in (age for found in lanes.values() for age in found.ages()):
            for (kind, dimension, value, day), counts in age.items():
                self._rows.setdefault((kind, dimension), {}).setdefault(value, []).append((day, counts))

    def flushes(self, lane: int) -> int:
        """Return how often rows had left a lane."""
        return self._flushes.get(lane, 0)

    def of(self, kind: str, dimension: str) -> Mapping[str, Sequence[tuple[str, Mapping[str, int]]]]:
        """Return a dimension's values, each with its days and counts."""
        return self._rows.get((kind, dimension), {})


def _keys_of(number: int) -> list[keys.Key]:
    return [keys.lane(number), *(keys.batch(number, place) for place in range(keys.BATCH_PLACES))]


def _standings(images: Iterable[Image]) -> dict[int, Standing | None]:
    """Return lanes with their batches; None for one that was written while it was read."""
    lanes: dict[int, Lane] = {}
    batches: dict[int, list[Batch]] = {}
    for image in images:
        number, body = int(keys.id_of(image["pk"]["S"])), image["body"]["B"]
        if image["sk"]["S"].startswith(keys.BATCH):
            batches.setdefault(number, []).append(read_batch(_version_of(image), body))
        else:
            lanes[number] = read_lane(_version_of(image), body)
    numbers = lanes.keys() | batches.keys()
    return {number: standing(lanes.get(number, Lane()), batches.get(number, ())) for number in numbers}


def _version_of(image: Image) -> int:
    return int(image["v"]["N"])


def _image(number: int, lane: Lane) -> Image:
    return text_key(keys.lane(number)) | {"v": {"N": str(lane.version)}, "body": {"B": body_of(lane)}}


def _batch_image(number: int, batch: Batch) -> Image:
    own = {"v": {"N": str(batch.version)}, "body": {"B": body_of_batch(batch)}}
    return text_key(keys.batch(number, batch.version)) | own


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
