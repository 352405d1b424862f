"""Test that nothing hidden can be worked out, by solving for it as a curious reader with a computer would."""

import random
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta

import pytest

from chalicelib.domain.disclosure import CLOSED, SMALL_MAX, TOTAL, Place, hidden
from chalicelib.domain.period import INTERVALS, Interval, end_of, periods, start_of

PRIME = 2**31 - 1
Daily = dict[date, int]
Vector = dict[tuple[str, date], int]


def cells(first: date, today: date) -> Iterator[tuple[Interval, date, date]]:
    for interval in CLOSED:
        for start in periods(start_of(first, "quarter"), today, interval):
            if end_of(start, interval) <= today:
                yield interval, start, end_of(start, interval)


def count(daily: Mapping[date, int], start: date, end: date) -> int:
    return sum(n for day, n in daily.items() if start <= day < end)


def vector(place: Place, rows: Iterable[str], first: date) -> Vector:
    """A cell as the days and rows that it adds up; before the first answer there is nothing to add."""
    row, interval, start = place
    days = range((end_of(start, interval) - start).days)
    names = list(rows) if row == TOTAL else [row]
    found = {(name, start + timedelta(days=day)): 1 for name in names for day in days}
    return {key: value for key, value in found.items() if key[1] >= first}


def reduced(vector: Vector, basis: dict[tuple[str, date], Vector]) -> Vector:
    left = dict(vector)
    while left:
        pivot = min(left)
        if pivot not in basis:
            return left
        factor = left[pivot]
        for key, value in basis[pivot].items():
            total = (left.get(key, 0) - factor * value) % PRIME
            left.pop(key, None)
            if total:
                left[key] = total
    return left


def worked_out(total: Daily, parts: dict[str, Daily], today: date) -> list[Place]:
    """Return what of the hidden follows, by linear algebra, from everything that is visible."""
    first = start_of(min(total), "quarter")
    names = sorted(parts) or [TOTAL]
    gone = hidden(total, parts, today)
    segments = sorted({at for _, start, end in cells(first, today) for at in (start, end)} | {first})
    places = [(row, *cell[:2]) for row in {TOTAL, *parts} for cell in cells(first, today)]
    basis: dict[tuple[str, date], Vector] = {}
    for place in places:
        if place in gone:
            continue
        left = reduced(folded(vector(place, names, first), segments), basis)
        if left:
            pivot = min(left)
            inverse = pow(left[pivot], -1, PRIME)
            basis[pivot] = {key: value * inverse % PRIME for key, value in left.items()}
    return [place for place in gone if not reduced(folded(vector(place, names, first), segments), basis)]


def folded(vector: Vector, segments: list[date]) -> Vector:
    """One unknown for each stretch between two dates: days of one stretch always come together."""
    starts = set(segments)
    return {key: value for key, value in vector.items() if key[1] in starts}


def world(seed: int, *, quarters: int, names: str, busy: float) -> tuple[Daily, dict[str, Daily], date]:
    chance = random.Random(seed)
    first = start_of(date(2023, 1, 1) + timedelta(days=chance.randrange(2000)), "quarter")
    today = first + timedelta(days=91 * quarters + chance.randrange(10))
    parts: dict[str, Daily] = {}
    for name in names:
        rate = chance.choice((0.1, 0.5, 1, 2)) * busy
        daily = {first + timedelta(days=day): int(chance.expovariate(1 / rate)) for day in range((today - first).days)}
        parts[name] = {day: n for day, n in daily.items() if n} or {first: 1}
    total: Daily = {}
    for daily in parts.values():
        for day, n in daily.items():
            total[day] = total.get(day, 0) + n
    return total, parts, today


@pytest.mark.parametrize("seed", range(60))
def test_no_hidden_cell_of_one_series_follows_from_the_visible_ones(seed: int) -> None:
    total, _, today = world(seed, quarters=1 + seed % 9, names="a", busy=1.2)
    assert worked_out(total, {}, today) == []


@pytest.mark.parametrize("seed", range(60))
def test_no_hidden_cell_of_several_series_and_their_total_follows_from_the_visible_ones(seed: int) -> None:
    total, parts, today = world(seed, quarters=1 + seed % 3, names="abcde"[: 1 + seed % 5], busy=1.0)
    assert worked_out(total, parts, today) == []


def hidden_in_march(**counts: int) -> set[str]:
    parts = {name: {date(2026, 3, 11): n} for name, n in counts.items()}
    gone = hidden({date(2026, 3, 11): sum(counts.values())}, parts, date(2026, 4, 20))
    return {row for row, interval, start in gone if (interval, start) == ("month", date(2026, 3, 1))}


def test_four_responses_are_hidden_and_five_are_not() -> None:
    month = (TOTAL, "month", date(2026, 3, 1))
    assert month in hidden({date(2026, 3, 11): SMALL_MAX}, {}, date(2026, 4, 1))
    assert month not in hidden({date(2026, 3, 11): SMALL_MAX + 1}, {}, date(2026, 4, 1))


def test_a_period_that_has_not_closed_is_not_decided() -> None:
    assert not hidden({date(2026, 3, 11): 4}, {}, date(2026, 3, 15))
    assert hidden({date(2026, 3, 11): 4}, {}, date(2026, 3, 16)) == {(TOTAL, "week", date(2026, 3, 9))}


def test_the_next_smallest_goes_with_a_small_cell_and_larger_ones_stay() -> None:
    assert hidden_in_march(a=3, b=7, c=20) == {"a", "b"}


def test_nothing_more_goes_when_two_small_cells_hide_each_other() -> None:
    assert hidden_in_march(a=3, b=4, c=20) == {"a", "b"}


def test_nothing_is_hidden_where_nobody_is_small() -> None:
    assert not hidden_in_march(a=5, b=7, c=20)


def test_the_total_is_told_alike_whatever_it_is_split_by() -> None:
    for seed in range(10):
        total, parts, today = world(seed, quarters=2, names="abc", busy=0.7)
        alone = hidden(total, {}, today)
        assert {place for place in hidden(total, parts, today) if place[0] == TOTAL} == alone


@pytest.mark.parametrize("seed", range(20))
def test_what_was_told_once_stays_told_and_what_was_hidden_stays_hidden(seed: int) -> None:
    total, parts, today = world(seed, quarters=2, names="abc", busy=1.0)
    earlier = today - timedelta(days=37)
    until = {row: {day: n for day, n in daily.items() if day < earlier} for row, daily in parts.items()}
    before = hidden({day: n for day, n in total.items() if day < earlier}, until, earlier)
    after = hidden(total, parts, today)
    closed = {place for place in after if end_of(place[2], place[1]) <= earlier}
    assert closed == before


def test_a_slow_week_in_busy_months_takes_what_would_tell_of_it() -> None:
    # From Monday 1 April 2024 to Sunday 30 June thirteen weeks make up three months, and one quarter, exactly.
    first = date(2024, 4, 1)
    slow = date(2024, 5, 8)
    total = {first + timedelta(days=day): 2 for day in range(91)}
    for day in range(7):
        total[start_of(slow, "week") + timedelta(days=day)] = 0
    total[slow] = 3
    gone = hidden(total, {}, date(2024, 7, 1))
    assert (TOTAL, "week", date(2024, 5, 6)) in gone
    assert worked_out(total, {}, date(2024, 7, 1)) == []
    assert len(gone) == 2


def test_no_answers_hide_nothing() -> None:
    assert hidden({}, {}, date(2026, 3, 11)) == frozenset()
    assert hidden({date(2026, 3, 11): 0}, {"a": {}}, date(2026, 3, 11)) == frozenset()


@pytest.mark.parametrize("interval", INTERVALS)
def test_periods_follow_each_other_without_a_gap(interval: Interval) -> None:
    starts = list(periods(date(2023, 12, 30), date(2025, 1, 2), interval))
    assert starts[0] <= date(2023, 12, 30)
    assert starts[-1] <= date(2025, 1, 1) < end_of(starts[-1], interval)
    assert [end_of(start, interval) for start in starts[:-1]] == starts[1:]
    assert all(start_of(start, interval) == start for start in starts)


def test_a_week_begins_on_monday_and_a_quarter_in_january_april_july_and_october() -> None:
    assert start_of(date(2026, 3, 8), "week") == date(2026, 3, 2)
    assert start_of(date(2026, 3, 9), "week") == date(2026, 3, 9)
    months = [start_of(date(2026, month, 15), "quarter").month for month in range(1, 13)]
    assert months == [1, 1, 1, 4, 4, 4, 7, 7, 7, 10, 10, 10]
