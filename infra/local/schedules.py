"""Say when a schedule of the app fires next: `rate(…)` and `cron(…)` as EventBridge reads them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)", re.IGNORECASE)
CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
UNIT = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
SEARCH_DAYS_MAX = 5 * 366


class UnreadableSchedule(ValueError):
    """The expression is none that one machine can keep."""


@dataclass(frozen=True)
class Schedule:
    """One schedule expression."""

    expression: str

    @cached_property
    def period(self) -> timedelta | None:
        """The time between two fires; None when it is not always the same."""
        found = RATE.fullmatch(self.expression)
        return int(found[1]) * UNIT[found[2].lower()] if found else None

    def after(self, last: datetime) -> datetime | None:
        """Return the next fire after `last` (of a rate: after its last fire)."""
        if self.period:
            return last + self.period
        return self._cron.after(last)

    @cached_property
    def _cron(self) -> "Cron":
        found = CRON.fullmatch(self.expression)
        if not found:
            raise UnreadableSchedule(f"No schedule that one machine can keep: {self.expression}")
        return Cron.read(*found.groups())


@dataclass(frozen=True)
class Cron:
    """The fields of a cron expression, each as the set of values that it allows."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: Callable[[datetime], bool]

    @classmethod
    def read(cls, minutes: str, hours: str, days: str, months: str, weekdays: str, years: str) -> "Cron":
        """Read the six fields."""
        allowed_days, allowed_months = _values(days, 1, 31), _values(months, 1, 12, MONTHS)
        allowed_weekdays, allowed_years = _values(weekdays, 1, 7, WEEKDAYS), _values(years, 1970, 2199)

        def is_allowed(day: datetime) -> bool:
            return (
                day.day in allowed_days
                and day.month in allowed_months
                and day.isoweekday() % 7 + 1 in allowed_weekdays
                and day.year in allowed_years
            )

        return cls(_values(minutes, 0, 59), _values(hours, 0, 23), is_allowed)

    def after(self, last: datetime) -> datetime | None:
        """Return the first allowed minute after `last`, or None when there is none within five years."""
        start = last.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
        day = start.replace(hour=0, minute=0)
        for _ in range(SEARCH_DAYS_MAX):
            if self.days(day):
                times = (day.replace(hour=hour, minute=m) for hour in sorted(self.hours) for m in sorted(self.minutes))
                found = next((time for time in times if time >= start), None)
                if found:
                    return found
            day += timedelta(days=1)
        return None


def _values(field: str, low: int, high: int, names: tuple[str, ...] = ()) -> frozenset[int]:
    for number, name in enumerate(names, start=low):
        field = re.sub(name, str(number), field, flags=re.IGNORECASE)
    return frozenset(value for part in field.split(",") for value in _range(part, low, high))


def _range(part: str, low: int, high: int) -> range:
    found = re.fullmatch(r"(\*|\?|(\d+)(?:-(\d+))?)(?:/(\d+))?", part)
    if not found:
        raise UnreadableSchedule(f"No part of a schedule that one machine can keep: {part}")
    step = int(found[4] or 1)
    first = int(found[2] or low)
    last = int(found[3]) if found[3] else high if not found[2] or found[4] else first
    return range(first, last + 1, step)
