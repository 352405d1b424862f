"""What falls due together shares a timer: never early, hardly late, inside the hours."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.calendar import Calendar
from chalicelib.domain.timer import AGAIN, GRACE, STEP, Timer, again, may_share, shared, slot

NOW = datetime(2026, 3, 9, 15, 0, tzinfo=UTC)
TILL_EIGHT = Calendar(zone="UTC", hours={"mon-sun": ["08:00-20:00"]})
SECOND = timedelta(seconds=1)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001  # the zone follows
def test_a_slot_is_never_early_and_at_most_a_step_late(at: datetime) -> None:
    assert at <= slot(at) < at + STEP
    assert slot(slot(at)) == slot(at)


@pytest.mark.parametrize(
    ("at", "may"),
    [
        (NOW + GRACE - SECOND, False),
        (NOW + GRACE, True),
        (NOW.replace(hour=19, minute=59, second=29), True),
        (NOW.replace(hour=19, minute=59, second=31), False),  # the grid would carry it out of its hours
    ],
)
def test_who_may_share(at: datetime, may: bool) -> None:
    assert may_share(at, NOW, TILL_EIGHT) is may


def test_what_is_due_apart_does_not_share() -> None:
    timers = shared([("a", NOW), ("b", NOW + STEP), ("c", NOW - SECOND)])
    assert [(timer.at, timer.ids) for timer in timers] == [(NOW, ("a", "c")), (NOW + STEP, ("b",))]


def test_who_still_waits_is_called_again_a_little_later() -> None:
    timer = Timer(NOW, ("a", "b"), "t")
    later = again(timer, ["b"], NOW + SECOND)
    assert later
    assert (later.at, later.ids, later.tries) == (slot(NOW + SECOND + AGAIN), ("b",), 1)
    assert again(timer, [], NOW) is None


def test_two_who_found_one_timer_overwrite_nobody_whom_the_other_still_waits_for() -> None:
    found = Timer(NOW, ("a", "b"), "t")
    one, other = again(found, ["a"], NOW), again(found, ["b"], NOW)
    assert one
    assert other
    assert (one.at, one.name) != (other.at, other.name)
    assert again(found, ["a"], NOW) == one
