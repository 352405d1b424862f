"""What every store of counters promises."""

import pytest

from chalicelib.domain.rollup import Row
from chalicelib.errors import Conflict
from tests.contract.subject import Subject

FIRST, SECOND, THIRD = (f"{number:040d}" for number in (1, 2, 3))


def row(value: str = "logistics", day: str = "2026-03-06", **counts: int) -> Row:
    """Return counts of a department."""
    return Row("response", "department", value, day, counts or {"n": 1})


def series(kept: Subject, value: str = "logistics") -> dict[str, dict[str, int]]:
    """Return March."""
    return kept.counters.series("response", "department", value, "2026-03-01", "2026-03-31")


def test_nothing_is_counted_at_first(kept: Subject) -> None:
    assert kept.counters.checkpoint("s") == ""
    assert series(kept) == {}
    assert kept.counters.values("response", "department") == ()


def test_counts_add_up_and_the_checkpoint_moves(kept: Subject) -> None:
    kept.counters.add("s", [row(n=1, r3=1)], last="", end=FIRST)
    kept.counters.add("s", [row(n=2, r9=2)], last=FIRST, end=SECOND)
    assert series(kept) == {"2026-03-06": {"n": 3, "r3": 1, "r9": 2}}
    assert kept.counters.checkpoint("s") == SECOND


def test_a_correction_takes_away(kept: Subject) -> None:
    kept.counters.add("s", [row(n=1, r3=1)], last="", end=FIRST)
    kept.counters.add("s", [row(r3=-1, r9=1)], last=FIRST, end=SECOND)
    assert series(kept) == {"2026-03-06": {"n": 1, "r3": 0, "r9": 1}}


@pytest.mark.parametrize("last", ["", SECOND])
def test_what_was_counted_is_not_counted_again(kept: Subject, last: str) -> None:
    kept.counters.add("s", [row()], last="", end=FIRST)
    with pytest.raises(Conflict):
        kept.counters.add("s", [row(), row("sales")], last=last, end=THIRD)
    assert series(kept) == {"2026-03-06": {"n": 1}}
    assert series(kept, "sales") == {}
    assert kept.counters.checkpoint("s") == FIRST


def test_a_checkpoint_cannot_go_on_from_nowhere(kept: Subject) -> None:
    with pytest.raises(Conflict):
        kept.counters.add("s", [row()], last=FIRST, end=SECOND)
    assert series(kept) == {}


def test_shards_count_side_by_side(kept: Subject) -> None:
    for number in range(20):
        kept.counters.add(f"shard-{number}", [row(n=number)], last="", end=FIRST)
    assert series(kept) == {"2026-03-06": {"n": sum(range(20))}}
    assert kept.counters.checkpoint("shard-7") == FIRST


def test_ninety_nine_rows_go_at_once_and_a_hundred_never(kept: Subject) -> None:
    rows = [row(f"value-{number:02d}") for number in range(99)]
    kept.counters.add("s", rows, last="", end=FIRST)
    assert len(kept.counters.values("response", "department")) == 99
    with pytest.raises(ValueError, match="99"):
        kept.counters.add("s", [*rows, row("one more")], last=FIRST, end=SECOND)
    assert kept.counters.checkpoint("s") == FIRST


def test_a_checkpoint_may_move_without_counts(kept: Subject) -> None:
    kept.counters.add("s", [], last="", end=FIRST)
    assert kept.counters.checkpoint("s") == FIRST


def test_a_series_has_both_its_ends_and_no_more(kept: Subject) -> None:
    days = ["2026-02-28", "2026-03-01", "2026-03-15", "2026-03-31", "2026-04-01"]
    kept.counters.add("s", [row(day=day) for day in days], last="", end=FIRST)
    assert list(series(kept)) == days[1:4]
    one_day = kept.counters.series("response", "department", "logistics", "2026-03-15", "2026-03-15")
    assert list(one_day) == ["2026-03-15"]


def test_a_value_is_found_once_it_was_counted(kept: Subject) -> None:
    kept.counters.add("s", [row("logistics"), row("sales")], last="", end=FIRST)
    kept.again().counters.add("s", [row("sales"), row("billing")], last=FIRST, end=SECOND)
    kept.counters.add("s", [row("billing"), row("desk")], last=SECOND, end=THIRD)
    assert kept.counters.values("response", "department") == ("billing", "desk", "logistics", "sales")
    assert kept.counters.values("case", "department") == ()
    assert kept.counters.values("response", "program") == ()


def test_no_two_series_share_a_counter(kept: Subject) -> None:
    rows = [
        Row("response", "a", "b#c", "2026-03-06", {"n": 1}),
        Row("response", "a#b", "c", "2026-03-06", {"n": 2}),
        Row("response", "a%23b", "c", "2026-03-06", {"n": 3}),
        Row("response", "a", "VALUES", "2026-03-06", {"n": 4}),
    ]
    kept.counters.add("s", rows, last="", end=FIRST)
    for each in rows:
        found = kept.counters.series(each.kind, each.dimension, each.value, each.day, each.day)
        assert found == {each.day: dict(each.counts)}
    assert kept.counters.values("response", "a") == ("VALUES", "b#c")
    assert kept.counters.values("response", "a#b") == ("c",)


def test_names_of_counts_are_free(kept: Subject) -> None:
    counts = {"n": 1, "size": 2, "x*y": 3, "añ": 4, "count": 5, "10": 6}
    kept.counters.add("s", [Row("response", "department", "logistics", "2026-03-06", counts)], last="", end=FIRST)
    assert series(kept) == {"2026-03-06": counts}


def test_a_glance_sees_what_was_counted(kept: Subject) -> None:
    kept.counters.add("s", [row(n=1, r3=1)], last="", end=FIRST)
    glance = kept.counters.glance()
    assert glance.series("response", "department", "logistics", "2026-03-01", "2026-03-31") == series(kept)
    assert glance.values("response", "department") == ("logistics",)
