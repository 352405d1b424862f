"""Counters gather in lanes and leave them: whoever reads finds the same sums at every moment."""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from chalicelib.adapters.dynamodb import keys
from chalicelib.adapters.dynamodb.codec import Image
from chalicelib.adapters.dynamodb.counters import DynamoCounters
from chalicelib.adapters.dynamodb.lane import Limits
from chalicelib.adapters.dynamodb.table import Put, PutNewer, Table
from chalicelib.adapters.memory import Memory
from chalicelib.domain.rollup import Row
from chalicelib.errors import Conflict, Overloaded
from chalicelib.ports import Counters
from tests.contract.subject import Embedded, in_memory

SIZES = {"at once": Limits(ages=1, batches=1), "soon": Limits(ages=2, writes=2, batches=2), "as it runs": Limits()}
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


def places_of(embedded: Embedded) -> list[str]:
    """Return what is stored of a lane, as the ends of its keys."""
    return sorted(item["sk"]["S"] for item in embedded.items() if item["pk"]["S"].startswith("LANE#"))


def test_only_a_large_lane_costs_a_transaction(embedded: Embedded) -> None:
    count_up(DynamoCounters(embedded.table()), range(5))
    assert places_of(embedded) == [f"BATCH#{place:02d}" for place in range(1, 6)]
    assert len(embedded.items()) == 5


def count_up(counters: DynamoCounters, steps: Iterable[int]) -> None:
    """Count one case at each step."""
    for step in steps:
        counters.add("s", [row(1)], last=str(step) if step else "", end=str(step + 1))


def lane_of(embedded: Embedded) -> int:
    """Return the version up to which a lane has taken in its batches; 0 where it never has."""
    return next((int(item["v"]["N"]) for item in embedded.items() if item["sk"]["S"] == "LANE"), 0)


def test_every_eighth_batch_is_taken_in_with_those_before(embedded: Embedded) -> None:
    counters = DynamoCounters(embedded.table())
    count_up(counters, range(7))
    assert lane_of(embedded) == 0
    count_up(counters, range(7, 8))
    assert lane_of(embedded) == 8
    count_up(counters, range(8, 40))
    assert places_of(embedded) == [*(f"BATCH#{place:02d}" for place in range(keys.BATCH_PLACES)), "LANE"]
    assert DynamoCounters(embedded.table()).series("case", "all", "all", *EVER) == {"2026-03-06": {"n": 40}}


class Failing(Table):
    """A table that takes no lane's own item."""

    def put(self, put: Put | PutNewer) -> None:
        """Refuse a lane, and pass on the rest."""
        if put.image["sk"]["S"] == "LANE":
            raise Overloaded("no lanes today")
        super().put(put)


def test_a_lane_that_cannot_be_taken_in_loses_no_batch(embedded: Embedded) -> None:
    counters = DynamoCounters(Failing(embedded.dynamodb, embedded.table_name))
    for step in range(keys.BATCH_PLACES + 5):
        with suppress(Overloaded, Conflict):
            count_up(counters, [step])
    reader = DynamoCounters(embedded.table())
    assert lane_of(embedded) == 0
    assert reader.series("case", "all", "all", *EVER) == {"2026-03-06": {"n": keys.BATCH_PLACES}}
    assert reader.checkpoint("s") == str(keys.BATCH_PLACES)
    count_up(reader, [keys.BATCH_PLACES])  # what was left undone comes first: no batch takes another's place
    assert lane_of(embedded) == keys.BATCH_PLACES
    assert reader.series("case", "all", "all", *EVER) == {"2026-03-06": {"n": keys.BATCH_PLACES + 1}}


def test_whoever_remembers_an_older_lane_counts_nothing_over_it(embedded: Embedded) -> None:
    first, late = (DynamoCounters(embedded.table()) for _ in range(2))
    count_up(first, range(3))
    assert late.checkpoint("s") == "3"
    count_up(first, range(3, 3 + keys.BATCH_PLACES * 2))
    with pytest.raises(Conflict):
        count_up(late, [3])
    assert late.checkpoint("s") == str(3 + keys.BATCH_PLACES * 2)
    assert late.series("case", "all", "all", *EVER) == {"2026-03-06": {"n": 3 + keys.BATCH_PLACES * 2}}


def test_what_is_remembered_of_a_lane_is_used_while_nobody_else_has_counted(embedded: Embedded) -> None:
    reads: list[int] = []

    class Watched(Table):
        def get_many(self, wanted: Sequence[keys.Key], *, consistent: bool = True) -> list[Image]:
            reads.append(len(wanted))
            return super().get_many(wanted, consistent=consistent)

    counters = DynamoCounters(Watched(embedded.dynamodb, embedded.table_name))
    for step in range(30):
        assert counters.checkpoint("s") == (str(step) if step else "")
        count_up(counters, [step])
    assert reads == [1 + keys.BATCH_PLACES]
    count_up(DynamoCounters(embedded.table()), [30])
    assert counters.checkpoint("s") == "31"
    assert len(reads) == 2


class Interrupted(Table):
    """A table whose callers die: before a write, or after it without knowing."""

    chance: random.Random

    def put(self, put: Put | PutNewer) -> None:
        """Write, or not, and say now and then that nobody knows."""
        if self.chance.random() < 0.1:
            raise Overloaded("before")
        super().put(put)
        if self.chance.random() < 0.1:
            raise Overloaded("after")

    def get_many(self, wanted: Sequence[keys.Key], *, consistent: bool = True) -> list[Image]:
        """Read in two parts, between which others write."""
        half = self.chance.randrange(len(wanted) + 1)
        images = super().get_many(wanted[:half])
        if self.between and self.chance.random() < 0.3:
            self.between.pop()()
        return images + super().get_many(wanted[half:])

    between: list[Callable[[], None]]


@pytest.mark.parametrize("seed", range(4))
def test_batches_count_once_whoever_dies_or_writes_in_between(embedded: Embedded, seed: int) -> None:
    chance = random.Random(seed)
    counted: dict[str, int] = dict.fromkeys(ONE_LANE, 0)
    limits = [Limits(batches=chance.randint(1, 8), writes=5) for _ in range(3)]
    writers = [DynamoCounters(_interrupted(embedded, chance), each) for each in limits]
    for _ in range(120):
        _come_with_a_batch(chance.choice(writers), chance.choice(ONE_LANE), counted)
    reader = DynamoCounters(embedded.table())
    assert [int(reader.checkpoint(shard) or 0) for shard in ONE_LANE] == [*counted.values()]
    total = sum(number * (number + 1) // 2 for number in counted.values())
    assert reader.series("case", "all", "all", *EVER) == {"2026-03-06": {"n": total}}


def _interrupted(embedded: Embedded, chance: random.Random) -> Interrupted:
    table = Interrupted(embedded.dynamodb, embedded.table_name)
    table.chance = chance
    other = DynamoCounters(embedded.table(), Limits(batches=2))
    table.between = [lambda: _count_aside(other)] * 30
    return table


def _count_aside(other: DynamoCounters) -> None:
    """Count nothing, in the same lane, so that its versions move on."""
    aside = ASIDE
    last = other.checkpoint(aside)
    other.add(aside, [], last=last, end=str(int(last or 0) + 1).zfill(40))


ASIDE = [name for name in (f"shard-{number}" for number in range(199)) if keys.lane_of(name) == 3][2]


def _come_with_a_batch(counters: DynamoCounters, shard: str, counted: dict[str, int]) -> None:
    """Bring a shard's next batch until it is counted, as the stream does: with what the checkpoint says."""
    wanted = counted[shard] + 1
    for _ in range(60):
        with suppress(Overloaded, Conflict):
            at = int(counters.checkpoint(shard) or 0)
            assert at in (wanted - 1, wanted)
            if at == wanted:
                counted[shard] = wanted
                return
            last = str(at).zfill(40) if at else ""
            counters.add(shard, [row(wanted)], last=last, end=str(wanted).zfill(40))
    raise AssertionError("never counted")
