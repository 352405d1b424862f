"""Count business hours: when a place is open, and when a promise given in open time falls due."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator

from chalicelib.errors import NeverOpen

LOOKAHEAD_DAYS_MAX = 366
WINDOWS_PER_KEY_MAX = 48
HOLIDAYS_MAX = 4_000
PLANS_CACHED_MAX = 1_024
WEEKS_CACHED_MAX = 8_192
DUES_CACHED_MAX = 1_024

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 24 * 60

_NOTHING = timedelta(0)
_INSTANT = timedelta.resolution
_DAY = timedelta(days=1)
_WEEK = timedelta(weeks=1)
_LOOKAHEAD = timedelta(days=LOOKAHEAD_DAYS_MAX)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WINDOW = re.compile(r"([01]?[0-9]|2[0-4]):([0-5][0-9]) ?- ?([01]?[0-9]|2[0-4]):([0-5][0-9])")

Span = tuple[datetime, datetime]  # [begin, end), UTC


class Calendar(BaseModel):
    """The hours of one place as a person writes them: zone, windows by day, and days off.

    A window belongs to the day on which it starts; it opens at the first and closes at the last occurrence of a
    wall time that happens twice, and takes the offset before the gap for one that does not exist (PEP 495).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    zone: str
    hours: dict[str, list[str]]
    holidays: Annotated[tuple[date, ...], Field(max_length=HOLIDAYS_MAX)] = ()

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        return known_zone(zone)

    @field_validator("hours", mode="before")
    @classmethod
    def _lists_of_windows(cls, hours: Any) -> Any:
        if not isinstance(hours, Mapping):
            raise ValueError("hours must map days to windows: write {'mon-fri': ['08:00-12:00', '14:00-18:00']}")
        for days, windows in hours.items():
            _check_list(days, windows)
        return hours

    @field_validator("hours")
    @classmethod
    def _readable_hours(cls, hours: dict[str, list[str]]) -> dict[str, list[str]]:
        _refuse_overlaps(_parse_week(hours))
        return hours

    @field_validator("holidays")
    @classmethod
    def _sorted_once(cls, holidays: tuple[date, ...]) -> tuple[date, ...]:
        return tuple(sorted(set(holidays)))


@dataclass(frozen=True)
class Window:
    """Minutes after a day's midnight; `closes` beyond 24 hours lies in the following day."""

    day: int
    opens: int
    closes: int
    written: str


@dataclass(frozen=True, eq=False)
class Plan:
    """A calendar ready for computing; compared by identity, so that it is a cheap key of the cache of weeks."""

    zone: ZoneInfo
    week: tuple[tuple[Window, ...], ...]
    holidays: frozenset[date]


def is_open(at: datetime, calendar: Calendar) -> bool:
    """Whether `at` lies inside a window; windows are half open, so at closing time it is closed."""
    at = _utc(at)
    return any(begin <= at < end for begin, end in _week_spans(_plan(calendar), _week_number(at)))


def next_open(at: datetime, calendar: Calendar) -> datetime:
    """Return the first open instant (UTC) that is not before `at`.

    Raises NeverOpen when there is none within 366 days.
    """
    return _next_span(_utc(at), _plan(calendar))[0]


def due(start: datetime, within: timedelta, calendar: Calendar, pauses: Sequence[Span] = ()) -> datetime:
    """Return the first moment (UTC) by which `within` of open time has passed since `start`, pauses not counted.

    A budget used up exactly at closing time is due at closing time, not next morning; an empty one is due at once.
    Raises NeverOpen when the calendar stays closed for 366 days before the budget is used up.

    >>> nine_to_five = Calendar(zone="America/Bogota", hours={"mon-fri": ["09:00-17:00"]})
    >>> friday_1630 = datetime(2026, 3, 6, 21, 30, tzinfo=UTC)
    >>> due(friday_1630, timedelta(hours=1), nine_to_five).isoformat()
    '2026-03-09T14:30:00+00:00'
    """
    if within < _NOTHING:
        raise ValueError("a budget of open time cannot be negative")
    return _due(_utc(start), within, _plan(calendar), _pauses(pauses))


@lru_cache(maxsize=DUES_CACHED_MAX)
def _due(at: datetime, left: timedelta, plan: Plan, cuts: tuple[Span, ...]) -> datetime:
    while left:
        span = _next_span(at, plan)
        for begin, end in _without(span, cuts):
            if left <= end - begin:
                return begin + left
            left -= end - begin
        at = span[1]
    return at


def open_time(start: datetime, end: datetime, calendar: Calendar, pauses: Sequence[Span] = ()) -> timedelta:
    """Return the open time elapsed in [start, end), pauses not counted; nothing when `end` is not after `start`."""
    cuts = _pauses(pauses)
    spans = _spans(_plan(calendar), _utc(start), _utc(end))
    return sum((to - since for span in spans for since, to in _without(span, cuts)), _NOTHING)


def check_opens(calendar: Calendar, from_: date) -> None:
    """Raise NeverOpen when there is no open time in the 366 days that begin with the local day `from_`."""
    next_open(_instant(from_, 0, ZoneInfo(calendar.zone)), calendar)


def _next_span(at: datetime, plan: Plan) -> Span:
    for span in _spans(plan, at, at + _LOOKAHEAD + _INSTANT):
        return span
    raise NeverOpen(
        f"no open time in the {LOOKAHEAD_DAYS_MAX} days after {at.isoformat()}: give hours to at least one day"
        " that is not a holiday"
    )


def _spans(plan: Plan, start: datetime, end: datetime) -> Iterator[Span]:
    """Yield, in order and without overlap, what is open in [start, end)."""
    for number in range(_week_number(start), _week_number(end) + 1):
        for begin, until in _week_spans(plan, number):
            if begin < end and start < until:
                yield max(begin, start), min(until, end)


@lru_cache(maxsize=WEEKS_CACHED_MAX)
def _week_spans(plan: Plan, number: int) -> tuple[Span, ...]:
    """Return what is open in one week of UTC, counted from 1970."""
    week_begin = _EPOCH + number * _WEEK
    week_end = week_begin + _WEEK
    # A night's shift, the zone's offset and a skipped day together move a window by less than three days.
    days = (week_begin.date() + offset * _DAY for offset in range(-3, 9))
    inside = ((max(begin, week_begin), min(end, week_end)) for day in days for begin, end in _day_spans(plan, day))
    return _merged(inside)


def _day_spans(plan: Plan, day: date) -> Iterator[Span]:
    if day in plan.holidays:
        return
    for window in plan.week[day.weekday()]:
        yield _instant(day, window.opens, plan.zone), _instant(day, window.closes, plan.zone, closing=True)


def _instant(day: date, minutes: int, zone: ZoneInfo, *, closing: bool = False) -> datetime:
    """Return when a wall clock shows these minutes after midnight: the first time, or the last when closing."""
    wall = datetime.combine(day, time(), zone) + timedelta(minutes=minutes)  # wall-clock addition, meant so
    offset = wall.utcoffset() or _NOTHING
    if closing:
        # In a gap fold=1 means the offset *after* it: the smaller of the two is right both there and in a repetition.
        offset = min(offset, wall.replace(fold=1).utcoffset() or _NOTHING)
    return wall.replace(tzinfo=UTC) - offset


def _merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return the spans in order, joined where they touch or overlap, without empty ones.

    Windows that are apart on paper overlap where a clock is set back or a day is skipped.
    """
    joined: list[Span] = []
    for begin, end in sorted(span for span in spans if span[0] < span[1]):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return tuple(joined)


def _without(span: Span, cuts: Sequence[Span]) -> Iterator[Span]:
    """Yield what the cuts, in order and apart, leave of a span."""
    begin, end = span
    for since, to in cuts:
        if since < end and begin < to:
            if begin < since:
                yield begin, since
            begin = to
    if begin < end:
        yield begin, end


def _pauses(pauses: Iterable[Span]) -> tuple[Span, ...]:
    return _merged((_utc(begin), _utc(end)) for begin, end in pauses)


def _week_number(at: datetime) -> int:
    return (at - _EPOCH) // _WEEK


def _utc(at: datetime) -> datetime:
    if at.utcoffset() is None:
        raise ValueError(f"{at.isoformat()} has no offset: give an aware instant")
    return at.astimezone(UTC)


def _plan(calendar: Calendar) -> Plan:
    hours = tuple((days, tuple(windows)) for days, windows in calendar.hours.items())
    return _shared_plan(calendar.zone, hours, calendar.holidays)


@lru_cache(maxsize=PLANS_CACHED_MAX)
def _shared_plan(zone: str, hours: tuple[tuple[str, tuple[str, ...]], ...], holidays: tuple[date, ...]) -> Plan:
    """Return one plan for all equal calendars, so that they share the weeks already worked out."""
    return Plan(ZoneInfo(zone), _parse_week(dict(hours)), frozenset(holidays))


def known_zone(zone: str) -> str:
    """Return the name of a time zone that exists. Raises ValueError for any other."""
    # "right/..." counts leap seconds and "localtime" differs by machine: no name of a place starts in lower case.
    if not zone[:1].isupper() or not _zone_exists(zone):
        raise ValueError(f"{zone[:60]!r} is not a time zone: write an IANA name such as 'America/Bogota'")
    return zone


def _zone_exists(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _check_list(days: object, windows: object) -> None:
    if not isinstance(windows, list | tuple) or not all(isinstance(window, str) for window in windows):
        raise ValueError(f"the windows of {days!r} must be a list: write ['08:00-12:00', '14:00-18:00'] or []")
    if len(windows) > WINDOWS_PER_KEY_MAX:
        raise ValueError(f"{days!r} has {len(windows)} windows: write at most {WINDOWS_PER_KEY_MAX}")


def _parse_week(hours: Mapping[str, Sequence[str]]) -> tuple[tuple[Window, ...], ...]:
    """Return the windows of Monday to Sunday, as written, without the empty ones."""
    named: dict[int, str] = {}
    week: list[tuple[Window, ...]] = [()] * len(DAYS)
    for days, written in hours.items():
        for day in _parse_days(days):
            if day in named:
                raise ValueError(
                    f"{DAYS[day]} is named by {named[day]!r} and again by {days!r}:"
                    " write all windows of a day in one place"
                )
            named[day] = days
            windows = (_parse_window(day, text) for text in written)
            week[day] = tuple(window for window in windows if window.opens != window.closes)
    return tuple(week)


def _parse_days(days: str) -> Iterator[int]:
    """Yield the days (Monday is 0) that a key such as "mon-fri", "sat,sun" or "daily" names."""
    for part in days.lower().replace(" ", "").split(","):
        first, _, last = ("mon-sun" if part == "daily" else part).partition("-")
        last = last or first
        if first not in DAYS or last not in DAYS or part.endswith("-"):
            raise ValueError(
                f"{days!r} does not name days: write one of {', '.join(DAYS)}, a range 'mon-fri', a list 'mon,wed'"
                " or 'daily'"
            )
        begin = DAYS.index(first)
        length = (DAYS.index(last) - begin) % len(DAYS) + 1
        yield from ((begin + step) % len(DAYS) for step in range(length))


def _parse_window(day: int, written: str) -> Window:
    match = _WINDOW.fullmatch(written.strip())
    if match is None:
        raise ValueError(f"{written!r} is not a window: write two times of a 24-hour clock, such as '08:00-12:00'")
    numbers = [int(number) for number in match.groups()]
    opens, closes = numbers[0] * 60 + numbers[1], numbers[2] * 60 + numbers[3]
    if opens >= DAY_MINUTES or closes > DAY_MINUTES:
        raise ValueError(f"{written!r} passes the end of the day: open by 23:59, close by 24:00 or next morning")
    return Window(day, opens, closes + DAY_MINUTES if closes < opens else closes, written)


def _refuse_overlaps(week: Sequence[Sequence[Window]]) -> None:
    """Raise ValueError when two windows of a week share a minute, Sunday's night and Monday's morning included."""
    windows = sorted((window for day in week for window in day), key=_week_minute)
    for window, following in zip(windows, windows[1:] + windows[:1], strict=True):
        wraps = len(DAYS) * DAY_MINUTES if following is windows[0] else 0
        if _week_minute(following) + wraps < _week_minute(window) + window.closes - window.opens:
            raise ValueError(
                f"{window.written!r} ({DAYS[window.day]}) and {following.written!r} ({DAYS[following.day]}) overlap:"
                " let the second open when the first has closed"
            )


def _week_minute(window: Window) -> int:
    return window.day * DAY_MINUTES + window.opens
