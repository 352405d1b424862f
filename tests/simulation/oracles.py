"""Work out by other means what the product computes: hours, rungs, clocks, scales, moves."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from chalicelib.domain.calendar import Calendar

Span = tuple[datetime, datetime]

DAY = timedelta(days=1)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LOW = {"nps": range(0, 7), "csat": range(1, 3), "ces": range(1, 4)}
RUNG_SHARES = {"warning": (3, 4), "head": (1, 1), "leadership": (3, 2)}
MOVES_TO = {
    ("open", "acknowledge"): "acknowledged",
    ("open", "return"): "open",
    ("open", "reassign"): "open",
    ("acknowledged", "reassign"): "open",
    ("waiting", "reassign"): "open",
    ("acknowledged", "wait"): "waiting",
    ("waiting", "resume"): "acknowledged",
    ("acknowledged", "resolve"): "resolved",
    ("waiting", "resolve"): "resolved",
    ("resolved", "reopen"): "open",
    ("open", "inherited"): "open",
    ("acknowledged", "inherited"): "open",
    ("waiting", "inherited"): "open",
}
UNCHANGING = frozenset({"comment", "contact", "corrected", "mended_yes", "mended_no", "replanned", "done"})


def to_state(before: str, verb: str) -> str | None:
    """Return where the contract's table lets a move lead; None where it forbids it."""
    return before if verb in UNCHANGING else MOVES_TO.get((before, verb))


def is_low(metric: str, rating: int) -> bool:
    """Say whether the contract calls a rating low."""
    return rating in LOW[metric]


@lru_cache(maxsize=512)
def _week(hours: tuple[tuple[str, tuple[str, ...]], ...]) -> dict[int, list[tuple[int, int]]]:
    week: dict[int, list[tuple[int, int]]] = {day: [] for day in range(7)}
    for names, windows in hours:
        for day in _named_days(names):
            week[day].extend(_minutes(window) for window in windows)
    return week


def _named_days(names: str) -> list[int]:
    if names == "daily":
        return list(range(7))
    days: list[int] = []
    for part in names.split(","):
        first, _, last = part.partition("-")
        days.extend(range(WEEKDAYS.index(first), WEEKDAYS.index(last or first) + 1))
    return days


def _minutes(window: str) -> tuple[int, int]:
    opens, closes = (int(clock[:2]) * 60 + int(clock[3:]) for clock in window.split("-"))
    return opens, closes if closes > opens else closes + 24 * 60


@lru_cache(maxsize=4096)
def _open_spans(
    zone: str, hours: tuple[tuple[str, tuple[str, ...]], ...], off: tuple[date, ...], day: date
) -> tuple[Span, ...]:
    """Return when a place is open in the windows that begin on a local day, in UTC."""
    if day in off:
        return ()
    spans = []
    for opens, closes in sorted(_week(hours)[day.weekday()]):
        begin, end = (_wall(day, minutes, ZoneInfo(zone)) for minutes in (opens, closes))
        spans.append((begin, end))
    return tuple(spans)


def _wall(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    return datetime.combine(day + DAY * (minutes // 1440), time(minutes % 1440 // 60, minutes % 60), zone).astimezone(
        UTC
    )


def _key(calendar: Calendar) -> tuple[str, tuple[tuple[str, tuple[str, ...]], ...], tuple[date, ...]]:
    return calendar.zone, tuple((days, tuple(windows)) for days, windows in calendar.hours.items()), calendar.holidays


def add_open(start: datetime, budget: timedelta, calendar: Calendar) -> datetime:
    """Return when a budget of open time is used up, going from window to window."""
    if budget <= timedelta(0):
        return start
    key = _key(calendar)
    day = start.astimezone(ZoneInfo(calendar.zone)).date() - DAY
    for _ in range(400):
        for begin, end in _open_spans(*key, day):
            since = max(begin, start)
            if since >= end:
                continue
            if end - since >= budget:
                return since + budget
            budget -= end - since
        day += DAY
    raise AssertionError("the place never opens")


def open_between(start: datetime, end: datetime, calendar: Calendar) -> timedelta:
    """Return the open time from start to end, window by window."""
    key = _key(calendar)
    day = start.astimezone(ZoneInfo(calendar.zone)).date() - DAY
    last = end.astimezone(ZoneInfo(calendar.zone)).date()
    total = timedelta(0)
    while day <= last:
        for begin, until in _open_spans(*key, day):
            total += max(timedelta(0), min(until, end) - max(begin, start))
        day += DAY
    return total


def is_inside(at: datetime, zone: str, hours: dict[str, list[str]]) -> bool:
    """Say whether a clock on the recipient's wall shows an allowed time."""
    local = at.astimezone(ZoneInfo(zone))
    minute = local.hour * 60 + local.minute
    week = _week(tuple((days, tuple(windows)) for days, windows in hours.items()))
    return any(opens <= minute < closes for opens, closes in week[local.weekday()])
