"""Read durations and instants as people and programs give them to the clock."""

import re
from datetime import UTC, datetime, timedelta

DURATION = re.compile(
    r"P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
MOVE_MAX = timedelta(days=3660)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)


def duration(text: str) -> timedelta:
    """Return an ISO 8601 duration of weeks, days, hours, minutes, seconds; raise ValueError saying what is wrong.

    >>> duration("P1DT2H")
    datetime.timedelta(days=1, seconds=7200)
    """
    found = DURATION.fullmatch(text)
    if not found or not any(found.groups()):
        raise ValueError("must be an ISO 8601 duration such as PT3H, P1DT2H or P400D")
    try:
        length = timedelta(**{unit: float(value) for unit, value in found.groupdict().items() if value})
    except OverflowError:
        length = timedelta.max
    if length > MOVE_MAX:
        raise ValueError("must be at most ten years")
    return length


def instant(text: str) -> datetime:
    """Return an ISO 8601 instant with its offset from UTC; raise ValueError saying what is wrong.

    >>> instant("2026-03-06T16:30:00-05:00").isoformat()
    '2026-03-06T21:30:00+00:00'
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("must be an ISO 8601 instant such as 2026-03-06T21:30:00Z") from None
    if at.tzinfo is None:
        raise ValueError("must say its offset from UTC: 2026-03-06T21:30:00Z")
    if not EARLIEST <= at < LATEST:
        raise ValueError("must lie between the years 2000 and 2100")
    return at.astimezone(UTC)


def stamp(at: datetime) -> str:
    """Write an instant.

    >>> stamp(EARLIEST)
    '2000-01-01T00:00:00.000Z'
    """
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
