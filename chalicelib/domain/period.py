"""Cut days into weeks, months, quarters and years."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Literal, get_args

Interval = Literal["day", "week", "month", "quarter", "year"]
INTERVALS: tuple[Interval, ...] = get_args(Interval)

_MONTHS: dict[Interval, int] = {"month": 1, "quarter": 3, "year": 12}
_DAYS: dict[Interval, int] = {"day": 1, "week": 7}


def start_of(day: date, interval: Interval) -> date:
    """Return the first day of the period that a day lies in; weeks begin on Monday.

    >>> start_of(date(2026, 3, 8), "week").isoformat(), start_of(date(2026, 3, 8), "quarter").isoformat()
    ('2026-03-02', '2026-01-01')
    """
    if interval == "day":
        return day
    if interval == "week":
        return day - timedelta(days=day.weekday())
    months = _MONTHS[interval]
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def end_of(start: date, interval: Interval) -> date:
    """Return the day after a period that begins on `start`: where the next one begins."""
    if interval in _DAYS:
        return start + timedelta(days=_DAYS[interval])
    months = start.month - 1 + _MONTHS[interval]
    return date(start.year + months // 12, months % 12 + 1, 1)


def periods(first: date, end: date, interval: Interval) -> Iterator[date]:
    """Return the first days of all periods that have a day from `first` up to, without, `end`."""
    start = start_of(first, interval)
    while start < end:
        yield start
        start = end_of(start, interval)
