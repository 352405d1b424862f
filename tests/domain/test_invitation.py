"""What one invitation goes through, each step once."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.calendar import Calendar
from chalicelib.domain.customer import Address, Customer
from chalicelib.domain.invitation import (
    RETRIES_MAX,
    Answer,
    Invitation,
    Step,
    accepted,
    advance,
    decided,
    hold,
    refused,
)
from chalicelib.domain.policy import Ask, Skip, targets
from tests.domain.cast import ALWAYS, DAY, FRIDAY_1630, HOUR, closing, organisation

AROUND_THE_CLOCK = Calendar(zone="America/Bogota", hours=ALWAYS)
ANA = Customer(key="ana", version=1, id="c-981", email="ana@example.com")
MINUTE = timedelta(minutes=1)


def planned(**more: Any) -> Invitation:
    target = targets(closing(), organisation())[0]
    facts = {"decided_at": FRIDAY_1630, "customer": "ana", "language": "es"}
    return decided(closing(), target, Ask("email", FRIDAY_1630), **facts).model_copy(update=more)


def taken(
    invitation: Invitation,
    now: datetime,
    customer: Customer | None = ANA,
    address: Address | None = None,
    hours: Calendar = AROUND_THE_CLOCK,
) -> Step:
    step = advance(invitation, customer, address, hours, now, window=14 * DAY, remind_after=3 * DAY)
    assert step is not None
    return step


def sent(**more: Any) -> Invitation:
    return accepted(taken(planned(), FRIDAY_1630).next, "carrier-1").model_copy(update=more)


def answer(rating: int = 9) -> Answer:
    return Answer(rating=rating, at=FRIDAY_1630, how="button")


def nothing_due(invitation: Invitation, now: datetime) -> bool:
    step = advance(invitation, ANA, None, AROUND_THE_CLOCK, now, window=14 * DAY, remind_after=3 * DAY)
    return step is None


def test_a_skipped_event_waits_for_nothing() -> None:
    target = targets(closing(), organisation())[0]
    facts = {"decided_at": FRIDAY_1630, "customer": "ana", "language": "es"}
    record = decided(closing(), target, Skip("resting", "why"), **facts)
    assert (record.state, record.reason, record.due_at) == ("skipped", "resting", None)


def test_it_is_claimed_before_it_is_sent_and_never_early() -> None:
    assert nothing_due(planned(), FRIDAY_1630 - timedelta(seconds=1))
    step = taken(planned(), FRIDAY_1630)
    assert step.message == "invitation"
    assert (step.next.state, step.next.sent_at, step.next.version) == ("attempted", FRIDAY_1630, 2)
    assert step.next.closes_at == FRIDAY_1630 + 14 * DAY
    assert nothing_due(step.next, FRIDAY_1630 + MINUTE)


def test_one_reminder_and_then_silence() -> None:
    reminder = taken(sent(), FRIDAY_1630 + 3 * DAY)
    assert (reminder.message, reminder.next.reminder) == ("reminder", "attempted")
    assert nothing_due(accepted(reminder.next, "carrier-2"), FRIDAY_1630 + 13 * DAY)


@pytest.mark.parametrize(
    "change",
    [
        {"confirmed": answer()},
        {"provisional": answer(), "confirm_at": FRIDAY_1630 + 10 * DAY},
    ],
)
def test_no_reminder_after_an_answer(change: dict[str, Any]) -> None:
    assert nothing_due(sent(**change), FRIDAY_1630 + 3 * DAY)


def test_a_robots_answer_does_not_cost_ana_her_reminder() -> None:
    robot = sent(provisional=answer(), unconfirmed=True, confirm_at=None)
    assert taken(robot, FRIDAY_1630 + 3 * DAY).message == "reminder"


@pytest.mark.parametrize(
    ("customer", "address", "reason"),
    [
        (None, None, "erased"),
        (ANA.model_copy(update={"erased_at": FRIDAY_1630}), None, "erased"),
        (ANA.model_copy(update={"opted_out_at": FRIDAY_1630}), None, "opted_out"),
        (ANA, Address(key="a", opted_out_at=FRIDAY_1630), "opted_out"),
        (ANA, Address(key="a", suppressed="bounce"), "suppressed"),
        (
            ANA.model_copy(update={"rest_from": FRIDAY_1630, "rest_until": FRIDAY_1630 + DAY, "rest_by": "another"}),
            None,
            "resting",
        ),
    ],
)
def test_a_wish_that_came_after_the_decision_is_heard(
    customer: Customer | None, address: Address | None, reason: str
) -> None:
    step = taken(planned(), FRIDAY_1630, customer, address)
    assert (step.message, step.next.state, step.next.reason) == (None, "skipped", reason)
    reminder = taken(sent(), FRIDAY_1630 + 3 * DAY, customer, address)
    if reason != "resting":
        assert (reminder.message, reminder.next.remind_at) == (None, None)


def test_outside_the_hours_it_waits_for_the_next_opening() -> None:
    hours = Calendar(zone="America/Bogota", hours={"mon-fri": ["07:00-16:00"]})
    step = taken(planned(), FRIDAY_1630, hours=hours)
    assert step.message is None
    assert step.next.send_at == FRIDAY_1630 + timedelta(days=2, hours=14, minutes=30)


def test_a_bounced_address_gets_no_reminder() -> None:
    assert taken(sent(bounced=True), FRIDAY_1630 + 3 * DAY).message is None


def test_a_plain_refusal_is_tried_again_later_each_time() -> None:
    claimed = taken(planned(), FRIDAY_1630).next
    again = refused(claimed, "no", permanent=False, now=FRIDAY_1630)
    assert (again.state, again.send_at, again.sent_at) == ("scheduled", FRIDAY_1630 + MINUTE, None)
    twice = refused(taken(again, FRIDAY_1630 + MINUTE).next, "no", permanent=False, now=FRIDAY_1630 + MINUTE)
    assert twice.send_at == FRIDAY_1630 + 3 * MINUTE


def test_refusals_end_in_failed() -> None:
    claimed = taken(planned(retries=RETRIES_MAX), FRIDAY_1630).next
    assert refused(claimed, "no", permanent=False, now=FRIDAY_1630).state == "failed"
    assert refused(taken(planned(), FRIDAY_1630).next, "no", permanent=True, now=FRIDAY_1630).state == "failed"


def test_a_refused_reminder_is_tried_again_within_the_window() -> None:
    claimed = taken(sent(), FRIDAY_1630 + 3 * DAY).next
    again = refused(claimed, "no", permanent=False, now=FRIDAY_1630 + 3 * DAY)
    assert (again.state, again.reminder, again.due_at) == ("sent", None, FRIDAY_1630 + 3 * DAY + MINUTE)
    too_late = refused(claimed, "no", permanent=False, now=FRIDAY_1630 + 14 * DAY)
    assert too_late.reminder == "failed"


def test_the_page_closes_on_the_instant() -> None:
    assert sent().is_open(FRIDAY_1630 + 14 * DAY - timedelta(microseconds=1))
    assert not sent().is_open(FRIDAY_1630 + 14 * DAY)
    assert not planned().is_open(FRIDAY_1630)


def test_what_raised_is_held_back_longer_each_time() -> None:
    held = hold(planned(), FRIDAY_1630)
    assert held.due_at == FRIDAY_1630 + HOUR
    assert nothing_due(held, FRIDAY_1630 + HOUR - timedelta(seconds=1))
    assert hold(held, FRIDAY_1630).due_at == FRIDAY_1630 + 2 * HOUR
    assert taken(held, FRIDAY_1630 + HOUR).message == "invitation"
