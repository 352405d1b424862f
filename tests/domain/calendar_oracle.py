"""Work out business hours the slow way: walk the minutes of UTC and look at a clock on the wall."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo, available_timezones

MINUTE = timedelta(minutes=1)
DAY_MINUTES = 1440
WALK_DAYS_BEFORE, WALK_DAYS_AFTER = 3, 4
EDGE_MINUTES = 2 * DAY_MINUTES  # a shift that reaches into the part looked at begins or ends at most so far outside

# No zone of those years changed there and back within less than a week.
LOOK_EVERY = timedelta(days=6)
FIRST_LOOK = datetime(2000, 1, 1, tzinfo=UTC)
LOOKS = (datetime(2038, 1, 1, tzinfo=UTC) - FIRST_LOOK) // LOOK_EVERY

Weekdays = tuple[int, ...]
Minutes = tuple[int, int]

# Each way of writing a week, with the days that it means (Monday is 0).
WRITINGS: tuple[tuple[tuple[str, Weekdays], ...], ...] = (
    (("daily", (0, 1, 2, 3, 4, 5, 6)),),
    (("mon-fri", (0, 1, 2, 3, 4)), ("sat", (5,)), ("sun", (6,))),
    (("fri-mon", (4, 5, 6, 0)), ("tue,thu", (1, 3)), ("wed", (2,))),
    (("sat-sun", (5, 6)), ("mon-wed, fri", (0, 1, 2, 4))),
)


@cache
def zones_that_change() -> tuple[str, ...]:
    """Return the IANA zones whose offset changes between 2000 and 2037."""
    names = sorted(name for name in available_timezones() if name[0].isupper())
    return tuple(name for name in names if _change_from(ZoneInfo(name), 0))


def random_change(rng: Random, zone: str) -> datetime:
    """Return a minute (UTC) at which the zone's offset changes, the first after a random day of 2000 to 2037."""
    tz = ZoneInfo(zone)
    change = _change_from(tz, rng.randrange(LOOKS)) or _change_from(tz, 0)
    assert change is not None
    return change


def _change_from(tz: ZoneInfo, first_look: int) -> datetime | None:
    before = FIRST_LOOK + first_look * LOOK_EVERY
    old = _offset(before, tz)
    for look in range(first_look + 1, LOOKS):
        at = FIRST_LOOK + look * LOOK_EVERY
        if _offset(at, tz) != old:
            return _first_minute_of_change(at - LOOK_EVERY, at, tz)
    return None


def _first_minute_of_change(before: datetime, after: datetime, tz: ZoneInfo) -> datetime:
    old = _offset(before, tz)
    while after - before > MINUTE:
        middle = before + (after - before) // MINUTE // 2 * MINUTE
        before, after = (middle, after) if _offset(middle, tz) == old else (before, middle)
    return after


def _offset(at: datetime, tz: ZoneInfo) -> timedelta | None:
    return at.astimezone(tz).utcoffset()


class WallClock:
    """A week of one zone, minute by minute: what the clock on the wall shows, and when it shows it.

    Instants are minutes since `begin`; what the wall shows are minutes since the year 1.
    """

    def __init__(self, zone: str, change: datetime) -> None:
        self.begin = change - timedelta(days=WALK_DAYS_BEFORE)
        self.length = (WALK_DAYS_BEFORE + WALK_DAYS_AFTER) * DAY_MINUTES
        self.shown = list(self._walk(ZoneInfo(zone)))
        minutes = range(self.length)
        self.last = dict(zip(self.shown, minutes, strict=True))
        self.first = dict(zip(reversed(self.shown), reversed(minutes), strict=True))
        for minute, (before, shown) in enumerate(pairwise(self.shown), start=1):
            if shown > before + 1:
                # Somebody whose clock was not set forward reads the skipped times from the change on.
                skipped = {wall: minute + late for late, wall in enumerate(range(before + 1, shown))}
                self.first, self.last = self.first | skipped, self.last | skipped
        change_minute = WALK_DAYS_BEFORE * DAY_MINUTES
        self.change_shown = (self.shown[change_minute - 1] % DAY_MINUTES, self.shown[change_minute] % DAY_MINUTES)

    def _walk(self, tz: ZoneInfo) -> Iterator[int]:
        """Look at the clock every hour, and every minute of an hour that did not last sixty minutes."""
        for hour in range(0, self.length, 60):
            begin, end = (self._look(minute, tz) for minute in (hour, hour + 60))
            if end - begin == 60:
                yield from range(begin, end)
            else:
                yield from (self._look(minute, tz) for minute in range(hour, hour + 60))

    def _look(self, minute: int, tz: ZoneInfo) -> int:
        local = (self.begin + minute * MINUTE).astimezone(tz)
        return local.toordinal() * DAY_MINUTES + local.hour * 60 + local.minute

    def open_minutes(self, week: dict[int, list[Minutes]], holidays: frozenset[date]) -> bytearray:
        """Return 1 for each minute in which the place is open, 0 for the others."""
        open_ = bytearray(self.length)
        for day in range(self.shown[0] // DAY_MINUTES, self.shown[-1] // DAY_MINUTES + 1):
            if date.fromordinal(day) in holidays:
                continue
            for opens, closes in week.get(date.fromordinal(day).weekday(), []):
                since = self._when(day * DAY_MINUTES + opens, self.first)
                until = self._when(day * DAY_MINUTES + closes, self.last)
                open_[since:until] = b"\1" * max(0, until - since)
        return open_

    def _when(self, wall: int, minutes: dict[int, int]) -> int:
        return 0 if wall < self.shown[0] else minutes.get(wall, self.length)


@dataclass(frozen=True)
class Case:
    """A random calendar with a start, an end and pauses, as seconds since `begin`, and the minutes that count."""

    zone: str
    hours: dict[str, list[str]]
    holidays: frozenset[date]
    begin: datetime
    start: int
    end: int
    pauses: tuple[Minutes, ...]
    budget_share: float

    def at(self, seconds: int) -> datetime:
        return self.begin + timedelta(seconds=seconds)


def counted(minutes: bytearray, start: int, end: int) -> int:
    """Return how many seconds of [start, end) lie in minutes that count."""
    first, last = start // 60, end // 60
    if end <= start:
        return 0
    if first == last:
        return (end - start) * minutes[first]
    return (60 - start % 60) * minutes[first] + 60 * sum(minutes[first + 1 : last]) + (end % 60) * minutes[last]


def used_up(minutes: bytearray, start: int, budget: int) -> int:
    """Return the second at which the budget is used up, going from minute to minute."""
    at = start
    while True:
        step = 60 - at % 60
        if minutes[at // 60]:
            if budget <= step:
                return at + budget
            budget -= step
        at += step


def without_pauses(minutes: bytearray, pauses: Sequence[Minutes]) -> bytearray:
    rest = bytearray(minutes)
    for begin, end in pauses:
        rest[begin // 60 : end // 60] = bytes(max(0, (end - begin) // 60))
    return rest


def random_cases(seed: str, zone: str, number: int) -> Iterator[tuple[Case, bytearray]]:
    """Yield random cases around one change of a zone's clocks, each with the minutes in which its place is open."""
    rng = Random(f"{seed} {zone}")
    change = random_change(rng, zone)
    clock = WallClock(zone, change)
    for _ in range(number):
        hours, week = _random_hours(rng, clock.change_shown)
        days = [(change + timedelta(days=day)).date() for day in range(-4, 5)]
        holidays = frozenset(rng.sample(days, rng.choice((0, 0, 1, 2))))
        start, end = sorted(rng.randrange(EDGE_MINUTES * 60, (clock.length - EDGE_MINUTES) * 60) for _ in range(2))
        if rng.random() < 0.3:
            start -= start % 60
        pauses = tuple(_random_pause(rng, clock.length) for _ in range(rng.choice((0, 0, 1, 2, 3))))
        case = Case(zone, hours, holidays, clock.begin, start, end, pauses, rng.choice((rng.random(), 1.0)))
        yield case, clock.open_minutes(week, holidays)


def _random_pause(rng: Random, length: int) -> Minutes:
    begin = rng.randrange(length)
    return begin * 60, min(length, begin + rng.choice((0, 1, 30, 600, 3000))) * 60


def _random_hours(rng: Random, change_shown: Minutes) -> tuple[dict[str, list[str]], dict[int, list[Minutes]]]:
    """Return hours as a person writes them, and the minutes that they mean for each weekday."""
    day_turns = rng.choice((0, 0, 0, rng.randrange(DAY_MINUTES), change_shown[1]))
    hours, week = {}, {}
    for key, weekdays in rng.choice(WRITINGS):
        windows = _random_windows(rng, day_turns, change_shown)
        hours[key] = [_written(rng, window) for window in windows]
        week.update(dict.fromkeys(weekdays, windows))
    return hours, week


def _random_windows(rng: Random, day_turns: int, change_shown: Minutes) -> list[Minutes]:
    """Return windows that lie apart within the 24 hours from `day_turns` on."""
    near = [shown + shift for shown in change_shown for shift in (-60, -30, -1, 0, 1, 30, 60)]
    points = [rng.choice((rng.randrange(DAY_MINUTES + 1), rng.choice(near))) for _ in range(2 * rng.randrange(5))]
    inside = sorted((point - day_turns) % (DAY_MINUTES + 1) + day_turns for point in points)
    windows = zip(inside[::2], inside[1::2], strict=True)
    return [(opens, closes) for opens, closes in windows if opens < DAY_MINUTES and _may_be_written(opens, closes)]


def _may_be_written(opens: int, closes: int) -> bool:
    return opens < closes and (closes - opens < DAY_MINUTES or opens == 0)


def _written(rng: Random, window: Minutes) -> str:
    opens, closes = window
    if closes > DAY_MINUTES or (closes == DAY_MINUTES and opens and rng.random() < 0.5):
        closes -= DAY_MINUTES
    return f"{opens // 60:02}:{opens % 60:02}-{closes // 60:02}:{closes % 60:02}"
