"""Counters gather in lanes and leave them: whoever reads finds the same sums at every moment."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from chalicelib.adapters.dynamodb import keys
from chalicelib.adapters.dynamodb.codec import Image
from chalicelib.adapters.dynamodb.counters import DynamoCounters
from chalicelib.adapters.dynamodb.lane import Limits
from chalicelib.adapters.dynamodb.table import Put, Table
from chalicelib.adapters.memory import Memory
from chalicelib.domain.rollup import Row
from chalicelib.errors import Conflict
from chalicelib.ports import Counters
from tests.contract.subject import Embedded, in_memory

SIZES = {"at once": Limits(ages=1), "soon": Limits(ages=2, writes=2), "as it runs": Limits()}
EVER = ("0001-01-01", "9999-12-31")
VALUES = ("logistics", "sales", "R&D")
DAYS = ("2026-03-05", "2026-03-06", "2026-03-07")
ONE_LANE = [name for name in (f"shard-{number}" for number in range(99)) if keys.lane_of(name) == 3][:2]
SHARDS = (*ONE_LANE, "another")


def batch(chance: random.Random) -> list[Row]:
    """Return some counts, among them some that take away."""
    drawn = {(chance.choice(VALUES), chance.choice(DAYS)): chance.randint(-2, 9) for _ in range(chance.randint(1, 8))}
    return [Row("response", "department", value, day, {"n": count, "r9": 1}) for (value, day), count in drawn.items()]


def found(counters: Counters) -> dict[str, dict[str, dict[str, int]]]:
    """Return every series, without what adds up to nothing."""
    series = {value: counters.series("response", "department", value, *EVER) for value in VALUES}
    return {
        value: {day: {name: count for name, count in counts.items() if count} for day, counts in days.items()}
        for value, days in series.items()
    }


@pytest.mark.parametrize("limits", SIZES.values(), ids=SIZES)
def test_lanes_of_every_kind_count_as_the_memory_does(embedded: Embedded, limits: Limits) -> None:
    chance = random.Random(7)
    memory = in_memory(Memory()).counters
    writers = [DynamoCounters(embedded.table(), limits) for _ in range(2)]
    reader = DynamoCounters(embedded.table(), limits)
    for step in range(40):
        shard, rows, end = chance.choice(SHARDS), batch(chance), f"{step + 1:040d}"
        for counters in (memory, chance.choice(writers)):
            counters.add(shard, rows, last=counters.checkpoint(shard), end=end)
        if step % 4 == 0:
            assert found(reader) == found(memory)
    assert found(reader) == found(memory)
    assert reader.values("response", "department") == memory.values("response", "department")
    assert [reader.checkpoint(shard) for shard in SHARDS] == [memory.checkpoint(shard) for shard in SHARDS]


def test_two_shards_of_a_lane_write_side_by_side(embedded: Embedded) -> None:
    first, second = (DynamoCounters(embedded.table()) for _ in range(2))
    assert first.checkpoint(ONE_LANE[0]) == second.checkpoint(ONE_LANE[1]) == ""
    first.add(ONE_LANE[0], [row(1)], last="", end="1")
    second.add(ONE_LANE[1], [row(2)], last="", end="1")  # what it has read of the lane is old by now
    assert first.series("case", "all", "all", *EVER) == {"2026-03-06": {"n": 3}}


def row(count: int) -> Row:
    """Return a count of cases."""
    return Row("case", "all", "all", "2026-03-06", {"n": count})


def test_of_two_who_count_the_same_batch_one_loses(embedded: Embedded) -> None:
    first, second = (DynamoCounters(embedded.table(), SIZES["at once"]) for _ in range(2))
    assert first.checkpoint("s") == second.checkpoint("s") == ""
    first.add("s", [row(1)], last="", end="1")
    with pytest.raises(Conflict):
        second.add("s", [row(1)], last="", end="1")
    assert second.series("case", "all", "all", *EVER) == {"2026-03-06": {"n": 1}}


@dataclass
class Between:
    """A table in which somebody counts between two reads of ours."""

    table: Table
    other: DynamoCounters
    rows: int = 0

    def get(self, key: keys.Key, *, consistent: bool = True) -> Image | None:
        """Pass it on."""
        return self.table.get(key, consistent=consistent)

    def get_many(self, wanted: list[keys.Key], *, consistent: bool = True) -> list[Image]:
        """Read the lanes; rows leave them right afterwards, the first time."""
        images = self.table.get_many(wanted, consistent=consistent)
        if self.rows == 0:
            self.rows = 1
            self.other.add("s", [row(10)], last="1", end="2")
        return images

    def query(self, **query: Any) -> Iterator[Image]:
        """Pass it on."""
        return self.table.query(**query)

    def put(self, put: Put) -> None:
        """Nobody writes here."""
        raise AssertionError(put)


def test_rows_that_leave_their_lane_while_somebody_reads_count_once(embedded: Embedded) -> None:
    DynamoCounters(embedded.table()).add("s", [row(5)], last="", end="1")
    table = Between(embedded.table(), DynamoCounters(embedded.table(), SIZES["at once"]))
    reader = DynamoCounters(table)  # type: ignore[arg-type]  # stands in for a table
    assert reader.series("case", "all", "all", *EVER) == {"2026-03-06": {"n": 15}}


def test_within_a_glance_lanes_are_read_once_and_again_where_rows_have_left_since(embedded: Embedded) -> None:
    writer = DynamoCounters(embedded.table(), SIZES["at once"])
    DynamoCounters(embedded.table()).add("s", [row(5)], last="", end="1")
    reads: list[int] = []

    class Watched(Between):
        def get_many(self, wanted: list[keys.Key], *, consistent: bool = True) -> list[Image]:
            reads.append(len(wanted))
            return self.table.get_many(wanted, consistent=consistent)

    glance = DynamoCounters(Watched(embedded.table(), writer)).glance()  # type: ignore[arg-type]  # stands in for it
    assert glance.series("case", "all", "all", *EVER) == glance.series("case", "all", "all", *EVER)
    assert len(reads) == 1
    writer.add("s", [row(10)], last="1", end="2")
    assert glance.series("case", "all", "all", *EVER) == {"2026-03-06": {"n": 15}}
    assert len(reads) == 2


def test_only_a_large_lane_costs_a_transaction(embedded: Embedded) -> None:
    counters = DynamoCounters(embedded.table())
    for step in range(5):
        counters.add("s", [row(1)], last=str(step) if step else "", end=str(step + 1))
    assert [item["pk"]["S"] for item in embedded.items()] == [keys.lane(keys.lane_of("s"))[0]]
