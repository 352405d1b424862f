"""Keep the rollups: added to in one transaction with the checkpoint, read one Query per series."""

from collections.abc import Sequence
from typing import Any

from chalicelib.adapters.dynamodb import keys
from chalicelib.adapters.dynamodb.codec import text_key
from chalicelib.adapters.dynamodb.table import TRANSACTION_MAX, Put, Table
from chalicelib.ports import Row

ROWS_MAX = TRANSACTION_MAX - 1


class DynamoCounters:
    """Rollups in the table, eight lanes to a day so that shards do not wait for each other."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._known: dict[tuple[str, str], set[str]] = {}

    def checkpoint(self, shard: str) -> str:
        image = self._table.get(keys.checkpoint(shard))
        return str(image["v"]["S"]) if image else ""

    def add(self, shard: str, rows: Sequence[Row], *, last: str, end: str) -> None:
        if len(rows) > ROWS_MAX:
            raise ValueError(f"{len(rows)} rows; one transaction takes {ROWS_MAX}")
        self._learn(rows)
        lane = keys.lane_of(shard)
        checkpoint = text_key(keys.checkpoint(shard)) | {"v": {"S": end}}
        self._table.write([Put(checkpoint, over=last)], [_addition(row, lane) for row in rows])

    def _learn(self, rows: Sequence[Row]) -> None:
        """Enter new values before they are counted: what is counted can be found."""
        for kind, dimension in {(row.kind, row.dimension) for row in rows}:
            given = {row.value for row in rows if (row.kind, row.dimension) == (kind, dimension)}
            known = self._known.setdefault((kind, dimension), set())
            if given <= known:
                continue
            # Read before it is written: in a large set each addition costs a unit for each KB of it.
            known |= set(self.values(kind, dimension))
            if new := given - known:
                self._enter(kind, dimension, sorted(new))
                known |= new

    def _enter(self, kind: str, dimension: str, new: list[str]) -> None:
        self._table.update(
            Key=text_key(keys.values(kind, dimension)),
            UpdateExpression="ADD body :new",
            ExpressionAttributeValues={":new": {"SS": new}},
        )

    def series(self, kind: str, dimension: str, value: str, first: str, last: str) -> dict[str, dict[str, int]]:
        low, high = keys.days(first, last)
        images = self._table.query(
            KeyConditionExpression="pk = :pk AND sk BETWEEN :low AND :high",
            ExpressionAttributeValues={
                ":pk": {"S": keys.series(kind, dimension, value)},
                ":low": {"S": low},
                ":high": {"S": high},
            },
        )
        days: dict[str, dict[str, int]] = {}
        for image in images:
            counts = days.setdefault(image["sk"]["S"].partition("#")[0], {})
            for name, number in image.items():
                if "N" in number:
                    counts[name] = counts.get(name, 0) + int(number["N"])
        return days

    def values(self, kind: str, dimension: str) -> tuple[str, ...]:
        image = self._table.get(keys.values(kind, dimension), consistent=False)
        return tuple(sorted(image["body"]["SS"])) if image else ()


def _addition(row: Row, lane: int) -> dict[str, Any]:
    """Return the update that adds a row's counts."""
    names = {f"#{place}": name for place, name in enumerate(row.counts)}
    numbers = {f":{place}": {"N": str(count)} for place, count in enumerate(row.counts.values())}
    terms = ", ".join(f"#{place} :{place}" for place in range(len(row.counts)))
    return {
        "Key": text_key(keys.rollup(row.kind, row.dimension, row.value, row.day, lane)),
        "UpdateExpression": f"ADD {terms}",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": numbers,
    }
