"""What every index of what is due promises."""

from datetime import datetime, timedelta

import pytest

from chalicelib.domain.timer import Timer, shared
from chalicelib.ports import DueKey
from tests.contract.cast import HOUR, NOW, answered, case, entry, id_of, invitation, next_of
from tests.contract.subject import Subject

MILLISECOND = timedelta(milliseconds=1)


def due(kept: Subject, now: datetime = NOW, limit: int = 1_000) -> list[DueKey | Timer]:
    """Return what is due."""
    return list(kept.timers.due(now, limit))


def test_nothing_is_due_at_first(kept: Subject) -> None:
    assert due(kept) == []
    assert kept.timers.next_at(NOW + 1_000 * HOUR) is None


def test_what_is_due_is_found_at_its_instant_and_not_before(kept: Subject) -> None:
    kept.invitations.create(invitation(send_at=NOW + HOUR))
    assert due(kept, NOW + HOUR - MILLISECOND) == []
    assert due(kept, NOW + HOUR) == [DueKey("invitation", id_of(1))]


def test_a_fraction_of_a_millisecond_is_never_early(kept: Subject) -> None:
    at = NOW.replace(microsecond=500)
    kept.invitations.create(invitation(send_at=at))
    assert due(kept, NOW) == []
    assert due(kept, NOW + MILLISECOND) == [DueKey("invitation", id_of(1))]
    first = kept.timers.next_at(NOW + HOUR)
    assert first is not None
    assert at <= first <= NOW + MILLISECOND


def test_what_fell_due_long_ago_is_still_found(kept: Subject) -> None:
    kept.invitations.create(invitation(send_at=NOW - 9_000 * HOUR))
    assert due(kept) == [DueKey("invitation", id_of(1))]


def test_what_was_claimed_is_due_no_more(kept: Subject) -> None:
    first = invitation(send_at=NOW)
    kept.invitations.create(first)
    kept.invitations.save(first.moved(state="attempted", send_at=None))
    assert due(kept, NOW + HOUR) == []


def test_what_was_put_off_is_due_later(kept: Subject) -> None:
    first = invitation(send_at=NOW)
    kept.invitations.create(first)
    kept.invitations.save(first.moved(send_at=NOW + HOUR))
    assert due(kept, NOW + HOUR - MILLISECOND) == []
    assert due(kept, NOW + HOUR) == [DueKey("invitation", id_of(1))]


def test_a_skipped_invitation_is_never_due(kept: Subject) -> None:
    kept.invitations.create(invitation(state="skipped", reason="resting", send_at=None))
    assert due(kept, NOW + 9_000 * HOUR) == []


def test_a_case_is_due_with_its_alert_and_then_with_its_rung(kept: Subject) -> None:
    first = invitation()
    kept.invitations.create(first)
    kept.invitations.save_with_case(answered(first), case(), entry())
    assert due(kept, NOW + HOUR) == [DueKey("case", first.id)]
    kept.cases.save(next_of(case(), notices=()))
    assert due(kept, NOW + 4 * HOUR - MILLISECOND) == []
    assert due(kept, NOW + 4 * HOUR) == [DueKey("case", first.id)]


def test_an_invitation_and_its_case_may_both_be_due(kept: Subject) -> None:
    first = invitation(send_at=NOW)
    kept.invitations.create(first)
    waiting = answered(first).model_copy(update={"confirm_at": NOW})
    kept.invitations.save_with_case(waiting, case(), entry())
    assert set(due(kept, NOW + HOUR)) == {DueKey("invitation", first.id), DueKey("case", first.id)}


@pytest.mark.parametrize("limit", [1, 7, 30, 31])
def test_no_more_is_named_than_was_asked_for(kept: Subject, limit: int) -> None:
    for number in range(30):
        kept.invitations.create(invitation(number, send_at=NOW))
    found = due(kept, limit=limit)
    assert len(found) == min(limit, 30)
    assert len(set(found)) == len(found)


def test_everything_due_is_named(kept: Subject) -> None:
    for number in range(60):
        kept.invitations.create(invitation(number, send_at=NOW - number * HOUR))
    assert {key.id for key in due(kept) if isinstance(key, DueKey)} == {id_of(number) for number in range(60)}


def test_the_next_instant_is_the_first_of_all(kept: Subject) -> None:
    for number in range(20):
        kept.invitations.create(invitation(number, send_at=NOW + (20 - number) * HOUR))
    assert kept.timers.next_at(NOW + 20 * HOUR) == NOW + HOUR
    assert kept.timers.next_at(NOW + HOUR) == NOW + HOUR
    assert kept.timers.next_at(NOW + HOUR - MILLISECOND) is None


def test_looking_changes_nothing(kept: Subject) -> None:
    kept.invitations.create(invitation(send_at=NOW))
    assert due(kept) == due(kept)
    assert kept.timers.next_at(NOW) == kept.timers.next_at(NOW)


# Shared timers


def test_a_shared_timer_is_found_at_its_instant_and_not_before(kept: Subject) -> None:
    timer = Timer(NOW + HOUR, (id_of(1), id_of(2)), "t", tries=2)
    kept.timers.arm([timer])
    assert due(kept, NOW + HOUR - MILLISECOND) == []
    assert due(kept, NOW + HOUR) == [timer]
    assert kept.timers.next_at(NOW + HOUR) == NOW + HOUR
    assert kept.timers.next_at(NOW + HOUR - MILLISECOND) is None


def test_a_shared_timer_stays_until_it_is_disarmed(kept: Subject) -> None:
    timer, later = Timer(NOW, (id_of(1),), "t"), Timer(NOW + HOUR, (id_of(1),), "t", tries=1)
    kept.timers.arm([timer, later])
    kept.timers.arm([timer])
    assert due(kept) == due(kept) == [timer]
    kept.timers.disarm(timer)
    kept.timers.disarm(timer)
    assert due(kept, NOW + HOUR) == [later]


def test_who_waits_for_a_shared_timer_is_not_named_by_the_index(kept: Subject) -> None:
    first = invitation(send_at=NOW + HOUR, timer_for=NOW + HOUR)
    kept.timers.arm(shared([(first.id, NOW + HOUR)]))
    kept.invitations.create(first)
    (only,) = due(kept, NOW + HOUR)
    assert isinstance(only, Timer)
    assert only.ids == (first.id,)


def test_who_was_put_off_is_named_by_the_index_again(kept: Subject) -> None:
    first = invitation(send_at=NOW, timer_for=NOW)
    kept.invitations.create(first)
    assert due(kept, NOW + 2 * HOUR) == []
    kept.invitations.save(first.moved(send_at=NOW + HOUR))
    assert due(kept, NOW + 2 * HOUR) == [DueKey("invitation", first.id)]


def test_single_and_shared_timers_are_found_together(kept: Subject) -> None:
    kept.invitations.create(invitation(1, send_at=NOW))
    timers = [Timer(NOW, (id_of(number),), f"t{number}") for number in range(10, 30)]
    kept.timers.arm(timers)
    found = due(kept)
    assert {each.name for each in found if isinstance(each, Timer)} == {timer.name for timer in timers}
    assert DueKey("invitation", id_of(1)) in found
    assert len(found) == 21
