"""A lane's own rules: which rows leave, and which shards are forgotten."""

from hashlib import sha256

from chalicelib.adapters.dynamodb.lane import (
    COUNTS_MAX,
    SHARD_LASTS_MS,
    Lane,
    Limits,
    body_of,
    counted,
    leaving,
    read_lane,
)
from chalicelib.ports import Row

NOON = 1_772_798_400_000


def rows(day: str, count: int) -> list[Row]:
    """Return rows that do not compress well."""
    return [Row("case", "person", sha256(f"{day}{n}".encode()).hexdigest(), day, {"n": 1}) for n in range(count)]


def shard(at_ms: int) -> str:
    """Return the name of a shard that began at an instant."""
    return f"shardId-{at_ms:020d}-abcdef12"


def test_a_lane_is_read_as_it_was_written() -> None:
    lane = counted(Lane(), [*rows("2026-03-06", 3), *rows("2026-03-07", 2)], "s", "7")
    assert read_lane(1, body_of(lane)) == lane
    assert len(list(lane.rows())) == 5


def test_a_small_lane_keeps_its_rows() -> None:
    lane = counted(Lane(), rows("2026-03-06", 9), "s", "1")
    assert leaving(lane, Limits(), 99) == (lane, [])


def test_past_days_leave_first_and_today_stays() -> None:
    lane = counted(Lane(), [*rows("2026-03-07", 80), *rows("2026-03-06", 80)], "s", "1")
    kept, gone = leaving(lane, Limits(past=6_000, all=60_000), 99)
    assert {row.day for row in gone} == {"2026-03-06"}
    assert {row.day for row in kept.rows()} == {"2026-03-07"}
    assert kept.flushes == 1


def test_a_lane_of_today_alone_waits_until_it_is_very_large() -> None:
    lane = counted(Lane(), rows("2026-03-07", 160), "s", "1")
    size = len(body_of(lane))
    assert leaving(lane, Limits(past=1, all=size), 99)[1] == []
    kept, gone = leaving(lane, Limits(past=1, all=size - 1), 99)
    assert (len(gone), len(list(kept.rows()))) == (99, 61)


def test_a_row_of_very_many_counts_leaves_in_parts() -> None:
    wide = Row("response", "team", "sales", "2026-03-07", {f"n.{n}": n for n in range(COUNTS_MAX + 1)})
    kept, gone = leaving(counted(Lane(), [wide], "s", "1"), Limits(0, 0), 99)
    assert len(gone[0].counts) == COUNTS_MAX
    assert sum(len(row.counts) for row in kept.rows()) == 1


def test_a_shard_is_forgotten_long_after_its_last_record() -> None:
    lane = counted(Lane(), [], shard(NOON), "1")
    kept = counted(lane, [], shard(NOON + SHARD_LASTS_MS - 1), "2")
    assert set(kept.shards) == {shard(NOON), shard(NOON + SHARD_LASTS_MS - 1)}
    later = counted(kept, [], shard(NOON + SHARD_LASTS_MS), "3")
    assert shard(NOON) not in later.shards
