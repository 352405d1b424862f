"""The weekly mail leaves as the company opens on the first day of its week, once."""

from datetime import UTC, date, datetime, timedelta

import pytest

from chalicelib.domain.calendar import Calendar
from chalicelib.domain.weekly import Weekly, armed, claim, done, dropped, hold, mailboxes, next_due, question
from tests.domain.cast import DAY, FRIDAY_1630, HOUR, organisation

COMPANY = organisation()
MONDAY_9 = datetime(2026, 3, 9, 14, 0, tzinfo=UTC)  # 09:00 in Bogotá
WEEK = timedelta(days=7)
BOX = Weekly(id="leadership", version=1, due=MONDAY_9)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (FRIDAY_1630, MONDAY_9),
        (datetime(2026, 3, 9, 4, 59, tzinfo=UTC), MONDAY_9),  # Sunday, 23:59 in Bogotá
        (datetime(2026, 3, 9, 5, 0, tzinfo=UTC), MONDAY_9 + WEEK),
        (MONDAY_9, MONDAY_9 + WEEK),
    ],
)
def test_it_is_due_as_the_company_opens_on_the_first_day_of_its_week(now: datetime, due: datetime) -> None:
    assert next_due(now, COMPANY) == due


def test_a_holiday_is_passed_over() -> None:
    hours = Calendar(zone="America/Bogota", hours={"mon-fri": ["09:00-17:00"]}, holidays=(date(2026, 3, 9),))
    assert next_due(FRIDAY_1630, organisation(calendar=hours)) == MONDAY_9 + DAY


def test_leadership_and_each_head_are_told_and_all_who_may_be_praised() -> None:
    told = ("leadership", "sales:head", "logistics:head", "billing:head", "reception:head")
    assert mailboxes(COMPANY) == (*told, "praise")
    assert mailboxes(organisation(tell_praise=False)) == told


def test_arming_again_changes_nothing_until_the_hours_do() -> None:
    first = armed("leadership", None, COMPANY, FRIDAY_1630)
    assert first == BOX
    assert armed("leadership", first, COMPANY, FRIDAY_1630) is None
    later = organisation(calendar=Calendar(zone="America/Bogota", hours={"mon-fri": ["10:00-17:00"]}))
    moved = armed("leadership", first, later, FRIDAY_1630)
    assert moved is not None
    assert moved.due == MONDAY_9 + HOUR


def test_what_is_due_this_week_is_not_put_off_by_arming() -> None:
    assert armed("leadership", BOX, COMPANY, MONDAY_9 - HOUR) is None
    assert armed("leadership", BOX, COMPANY, MONDAY_9 + 2 * DAY) is None


def test_a_mailbox_that_nobody_has_is_due_nothing_and_can_be_had_again() -> None:
    gone = dropped(BOX)
    assert gone.due_at is None
    assert claim(gone, MONDAY_9) is None
    back = armed("leadership", gone, COMPANY, FRIDAY_1630)
    assert back is not None
    assert back.due == MONDAY_9


def test_a_claim_is_for_once_and_a_lost_one_comes_again() -> None:
    assert claim(BOX, MONDAY_9 - timedelta(milliseconds=1)) is None
    leased = claim(BOX, MONDAY_9)
    assert leased is not None
    assert claim(leased, MONDAY_9 + timedelta(seconds=119)) is None
    assert claim(leased, MONDAY_9 + timedelta(seconds=120)) is not None


def test_a_mailbox_that_was_down_for_weeks_is_told_of_the_last_one_only() -> None:
    late = MONDAY_9 + 3 * WEEK + DAY
    told = done(BOX, COMPANY, late)
    assert told.told == date(2026, 3, 23)
    assert told.due == MONDAY_9 + 4 * WEEK
    assert told.due_at == told.due


def test_a_fault_is_held_longer_each_time() -> None:
    once = hold(BOX, MONDAY_9)
    twice = hold(once, MONDAY_9)
    assert (once.due_at, twice.due_at) == (MONDAY_9 + HOUR, MONDAY_9 + 2 * HOUR)


def test_it_asks_for_thirteen_whole_weeks() -> None:
    assert question(MONDAY_9, COMPANY) == {"interval": "week", "from": "2025-12-08", "to": "2026-03-09"}
