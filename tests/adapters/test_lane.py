"""A lane's own rules: how rows grow old and leave, and which shards are forgotten."""

from chalicelib.adapters.dynamodb.lane import (
    COUNTS_MAX,
    SHARD_LASTS_MS,
    Lane,
    Limits,
    aged,
    body_of,
    counted,
    leaving,
    read_lane,
)
from chalicelib.domain.rollup import Row

NOON = 1_772_798_400_000
QUICK = Limits(ages=3, writes=2)


def row(value: str = "logistics", day: str = "2026-03-06", **counts: int) -> Row:
    """Return counts of a department."""
    return Row("case", "department", value, day, counts or {"n": 1})


def shard(at_ms: int) -> str:
    """Return the name of a shard that began at an instant."""
    return f"shardId-{at_ms:020d}-abcdef12"


def after(lane: Lane, *batches: list[Row], limits: Limits = QUICK) -> tuple[Lane, list[str]]:
    """Return a lane after some batches, and the values whose rows have left."""
    gone: list[str] = []
    for rows in batches:
        lane, left = leaving(aged(counted(lane, rows, "s", "1"), limits), 99)
        gone += [each.value for each in left]
    return lane, gone


def test_a_lane_is_read_as_it_was_written() -> None:
    lane, _ = after(Lane(), [row("a"), row("b", n=2, r3=1)], [row("a", day="2026-03-07")], [row("c")])
    again = read_lane(lane.version, body_of(lane))
    assert again == lane
    assert sorted(each.value for each in again.rows()) == ["a", "a", "b", "c"]


def test_counts_of_a_row_add_up_wherever_it_stands() -> None:
    lane, _ = after(Lane(), [row(n=1)], [row("b")], [row(n=2, r9=1)])
    assert [dict(each.counts) for each in lane.rows() if each.value == "logistics"] == [{"n": 3, "r9": 1}]


def test_a_row_that_nobody_counts_on_leaves_after_two_ages() -> None:
    lane, gone = after(Lane(), [row("old")], [row()], [row()])
    assert gone == []
    lane, gone = after(lane, [row()])
    assert gone == ["old"]
    assert [each.value for each in lane.rows()] == ["logistics"]
    assert lane.flushes == 1


def test_a_row_that_is_counted_on_stays() -> None:
    lane, gone = after(Lane(), *([row("busy")] for _ in range(20)))
    assert gone == []
    assert next(lane.rows()).counts == {"n": 20}


def test_a_lane_that_grows_too_large_lets_rows_go_early() -> None:
    tight = Limits(ages=3, writes=1000, bytes_max=1)
    assert after(Lane(), [row("a")], [row("b")], limits=tight)[1] == ["a"]


def test_so_many_rows_leave_at_once_and_no_more() -> None:
    lane = aged(counted(Lane(), [row(f"v{n}") for n in range(100)], "s", "1"), Limits(ages=1))
    kept, gone = leaving(lane, 99)
    assert (len(gone), len(list(kept.rows()))) == (99, 1)


def test_a_row_of_very_many_counts_leaves_in_parts() -> None:
    wide = Row("case", "team", "sales", "2026-03-06", {f"n.{n}": n for n in range(COUNTS_MAX + 1)})
    kept, gone = leaving(aged(counted(Lane(), [wide], "s", "1"), Limits(ages=1)), 99)
    assert len(gone[0].counts) == COUNTS_MAX
    assert sum(len(each.counts) for each in kept.rows()) == 1


def test_a_shard_is_forgotten_long_after_its_last_record() -> None:
    lane = counted(Lane(), [], shard(NOON), "1")
    kept = counted(lane, [], shard(NOON + SHARD_LASTS_MS - 1), "2")
    assert set(kept.shards) == {shard(NOON), shard(NOON + SHARD_LASTS_MS - 1)}
    later = counted(kept, [], shard(NOON + SHARD_LASTS_MS), "3")
    assert shard(NOON) not in later.shards
