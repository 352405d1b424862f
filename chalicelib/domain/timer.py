"""Let what falls due together share one timer, kept outside of the index of single ones: a twenty-fifth of its cost.

A timer only hints. It is written before whatever waits for it, and goes when nothing waits for it any more.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from chalicelib.domain.calendar import Calendar, is_open
from chalicelib.domain.terms import fingerprint, stamp

IDS_MAX = 25  # of one timer: one write unit, and as many as one batched write claims
STEP = timedelta(seconds=30)
"""Of the grid on which timers stand, so that a batch of decisions shares them: what waits is at most this late."""

GRACE = timedelta(minutes=2)
"""A timer is due no earlier than this after it was written: by then whoever wrote it has written what waits for it."""

AGAIN = timedelta(minutes=1)
TRIES_MAX = 10  # of what is named and not there: its writer died, and whoever tried again has a timer of its own

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Timer:
    """Some invitations that fall due by one instant of the grid."""

    at: datetime
    ids: tuple[str, ...]
    name: str
    tries: int = 0


def slot(at: datetime) -> datetime:
    """Return the first instant of the grid that is not before an instant.

    >>> slot(datetime(2026, 3, 9, 13, 0, 0, 1, tzinfo=UTC)).isoformat()
    '2026-03-09T13:00:30+00:00'
    """
    return EPOCH + -((EPOCH - at) // STEP) * STEP


def may_share(at: datetime, now: datetime, hours: Calendar) -> bool:
    """Say whether what is due at an instant may wait for a shared timer: late enough, and still inside the hours."""
    return at >= now + GRACE and is_open(slot(at), hours)


def shared(waiting: Iterable[tuple[str, datetime]]) -> list[Timer]:
    """Return the timers of some invitations and the instants at which they are due, as few as can be.

    The same invitations give the same timers again.
    """
    slots: dict[datetime, list[str]] = {}
    for id_, at in waiting:
        slots.setdefault(slot(at), []).append(id_)
    return [
        timer(at, ids[start : start + IDS_MAX]) for at, ids in slots.items() for start in range(0, len(ids), IDS_MAX)
    ]


def timer(at: datetime, ids: Iterable[str]) -> Timer:
    """Return a timer under a name that follows from what it holds."""
    held = tuple(ids)
    return Timer(at, held, fingerprint(stamp(at), *held)[:16])


def again(waited: Timer, left: Iterable[str], now: datetime) -> Timer | None:
    """Return the timer of those that still wait for one, a little later; None where nobody does.

    Its name follows from them: of two who find a timer at once neither overwrites whom the other still waits for.
    """
    later = next(iter(shared((id_, max(now, waited.at) + AGAIN) for id_ in left)), None)
    return replace(later, tries=waited.tries + 1) if later else None
