"""What falls due together is taken together: a bad one fails alone, and whoever dies leaves no false word behind."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.invitation import Invitation
from chalicelib.domain.timer import TRIES_MAX, Timer, shared
from chalicelib.errors import CarrierRefused, CarrierUnclear, Unwritten
from chalicelib.flows import deliver, invite, work
from chalicelib.flows.deliver import AT_ONCE
from chalicelib.ports import Due, DueKey
from tests.domain.cast import DAY, organisation, program, sale
from tests.simulation.faults import Died, gated
from tests.world import World

MINUTE = timedelta(minutes=1)


def several(many: int = 5, **changes: Any) -> World:
    """Return a world in which some customers are to be asked in a day."""
    world = World()
    world.publish(organisation(programs=(program(delay=DAY, **changes),)))
    customers = [{"id": f"c-{n}", "email": f"cliente{n}@example.com", "language": "es"} for n in range(many)]
    raws = [sale(envelope={"id": f"ORD-{n}"}, customer=customer) for n, customer in enumerate(customers)]
    invite.handle_many(world.ports, raws, world.now)
    world.now += DAY
    return world


def message(world: World) -> Due:
    """Return the one message in which everything due is handed on."""
    work.sweep(world.ports, world.now)
    (due,) = (each for each in world.memory.nudged if each.kind == "invitation")
    world.memory.nudged.clear()
    return due


def states(world: World) -> list[str]:
    """Return what the invitations say, in the order in which they were decided."""
    return [each.state for each in world.memory.invitations.values()]


def kept(world: World) -> list[Invitation]:
    """Return the invitations in the order in which they were decided."""
    return list(world.memory.invitations.values())


def test_all_leave_each_written_once() -> None:
    world = several()
    before = [each.version for each in kept(world)]
    assert work.take(world.ports, message(world), world.now) == []
    assert states(world) == ["sent"] * 5
    assert len(world.sent) == 5
    assert [each.version for each in kept(world)] == [version + 1 for version in before]


def test_a_message_that_comes_again_sends_nothing_and_calls_what_it_took_unknown() -> None:
    world = several()
    due = message(world)
    work.take(world.ports, due, world.now)
    work.take(world.ports, due, world.now)
    assert states(world) == ["attempted"] * 5
    assert len(world.sent) == 5


def test_another_message_believes_what_the_first_has_said() -> None:
    world = several()
    due = message(world)
    work.take(world.ports, due, world.now)
    work.take(world.ports, Due("invitation", due.ids, "another"), world.now)
    assert states(world) == ["sent"] * 5


@pytest.mark.parametrize("handed", range(4))
def test_who_dies_in_the_middle_leaves_what_nobody_knows(handed: int) -> None:
    world = several(3)
    due, calls = message(world), iter(range(10))

    def around(port: str, called: str, call: Callable[[], Any]) -> Any:
        if called == "begin" and next(calls) == handed:
            raise Died
        return call()

    ports = gated(world.ports, around)
    if handed < 3:
        with pytest.raises(Died):
            work.take(ports, due, world.now)
        work.take(world.ports, due, world.now + 3 * MINUTE)
    else:
        work.take(ports, due, world.now)
    assert states(world) == (["attempted"] if handed < 3 else ["sent"]) * 3
    assert len(world.sent) == min(handed, 3)


def test_where_the_carrier_falters_those_not_handed_over_are_given_back() -> None:
    world = several(AT_ONCE + 2)
    due = message(world)
    world.memory.sent.clear()
    world.memory.troubles.append(CarrierUnclear("time-out"))
    work.take(world.ports, due, world.now)
    assert sorted(states(world)) == ["attempted", *["scheduled"] * 2, *["sent"] * (AT_ONCE - 1)]
    world.wait(3 * MINUTE)
    assert sorted(states(world)) == ["attempted"] + ["sent"] * (AT_ONCE + 1)
    assert len(world.sent) == AT_ONCE + 1


def test_a_refusal_is_written_and_the_others_leave() -> None:
    world = several()
    due = message(world)
    world.memory.troubles.append(CarrierRefused("not verified", permanent=True))
    work.take(world.ports, due, world.now)
    assert sorted(states(world)) == ["failed"] + ["sent"] * 4


def test_one_that_cannot_be_written_is_put_off_alone() -> None:
    world = several()
    due = message(world)
    bad = kept(world)[2]
    world.memory.invitations[bad.id] = bad.model_copy(update={"survey_version": "gone"})
    (error,) = work.take(world.ports, due, world.now)
    assert bad.id in str(error)
    assert states(world) == ["sent", "sent", "scheduled", "sent", "sent"]
    assert world.memory.invitations[bad.id].faults == 1


def test_one_that_cannot_be_read_holds_up_no_other() -> None:
    world = several()
    due = message(world)
    bad = due.ids[3]
    real = world.ports.invitations

    def around(port: str, called: str, call: Callable[[], Any]) -> Any:
        found = call()
        if called == "get_many" and bad in found:
            raise TypeError("holds no Invitation")
        return found

    errors = work.take(gated(world.ports, around), due, world.now)
    assert len(errors) == 1
    assert sorted(states(world)) == ["scheduled"] + ["sent"] * 4
    assert real.get(bad)


def test_a_claim_that_meets_its_own_write_is_unknown() -> None:
    world = several(2)
    due = message(world)

    def around(port: str, called: str, call: Callable[[], Any]) -> Any:
        found = call()
        return set(due.ids) if called == "save_many" else found

    work.take(gated(world.ports, around), due, world.now)
    assert (states(world), world.sent) == (["attempted"] * 2, [])


class Behind:
    """Invitations as they are, but for what a test puts before them."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def test_a_claim_that_could_not_be_written_costs_its_neighbours_nothing() -> None:
    world = several()
    due, real = message(world), world.ports.invitations
    bad = kept(world)[2].id

    class Full(Behind):
        def save_many(self, invitations: Sequence[Invitation]) -> set[str]:
            """Write all but the bad one, and say so."""
            lost = real.save_many([each for each in invitations if each.id != bad])
            if any(each.id == bad for each in invitations):
                raise Unwritten("1 items could not be written: ThrottlingError", [bad], lost)
            return lost

    (error,) = work.take(replace(world.ports, invitations=Full(real)), due, world.now)
    assert isinstance(error, Unwritten)
    assert states(world) == ["sent", "sent", "scheduled", "sent", "sent"]
    world.wait(2 * 60 * MINUTE)
    assert (states(world), len(world.sent)) == (["sent"] * 5, 5)


def test_a_doubt_that_cannot_be_written_keeps_no_neighbour_from_leaving() -> None:
    world = several()
    due, real = message(world), world.ports.invitations
    bad = kept(world)[2].id

    class Full(Behind):
        def save_many(self, invitations: Sequence[Invitation]) -> set[str]:
            """Write all but the bad one, and take that for lost."""
            return {bad} | real.save_many([each for each in invitations if each.id != bad])

        def get(self, id_: str, *, consistent: bool = True) -> Invitation | None:
            """Read nothing."""
            raise RuntimeError("the table is out of reach")

    with pytest.raises(RuntimeError):
        work.take(replace(world.ports, invitations=Full(real)), due, world.now)
    assert len(world.sent) == 4


def test_where_a_fate_cannot_be_written_those_not_handed_over_are_given_back() -> None:
    world = several(AT_ONCE + 2)
    due, real = message(world), world.ports.invitations
    world.memory.troubles.append(CarrierRefused("later", permanent=False))

    class Full(Behind):
        def save(self, invitation: Invitation) -> None:
            """Write nothing."""
            raise RuntimeError("the table is out of reach")

    with pytest.raises(RuntimeError):
        work.take(replace(world.ports, invitations=Full(real)), due, world.now)
    assert sorted(states(world)) == ["scheduled"] * 2 + ["sent"] * AT_ONCE
    work.take(world.ports, due, world.now + 3 * MINUTE)
    assert sorted(states(world)) == ["attempted"] * AT_ONCE + ["sent"] * 2


# Shared timers


def test_what_is_given_back_needs_no_timer_that_another_may_have_let_go() -> None:
    world = several()
    due = message(world)
    assert due.timer
    world.memory.troubles.append(CarrierUnclear("time-out"))

    def around(port: str, called: str, call: Callable[[], Any]) -> Any:
        if called == "arm":
            raise RuntimeError("the table is out of reach")
        if called == "mail":
            # Another message of the same timer finds all of them claimed, and lets it go.
            work.take(world.ports, Due("invitation", due.ids, "another", due.timer), world.now)
        return call()

    work.take(gated(world.ports, around), due, world.now)
    world.wait(3 * MINUTE)
    assert sorted(states(world)) == ["attempted"] + ["sent"] * 4


def test_a_timer_tried_often_still_calls_who_was_busy_when_it_came() -> None:
    world = several(2)
    due = message(world)
    assert due.timer
    old = replace(due, timer=replace(due.timer, tries=TRIES_MAX))
    first = kept(world)[0]

    def around(port: str, called: str, call: Callable[[], Any]) -> Any:
        if called == "save_many":  # news of the event is written first
            world.ports.invitations.save(first.moved())
        return call()

    work.take(gated(world.ports, around), old, world.now)
    assert states(world) == ["scheduled", "sent"]
    world.wait(3 * MINUTE)
    assert states(world) == ["sent", "sent"]


def test_what_is_decided_together_shares_a_timer_from_before_it_is_there() -> None:
    world = several()
    (timer,) = world.memory.timers.values()
    assert set(timer.ids) == {each.id for each in kept(world)}
    assert all(each.index_at is None and each.due_at for each in kept(world))
    world.settle()
    assert (states(world), world.memory.timers) == (["sent"] * 5, {})


def test_who_dies_between_the_timer_and_the_rest_decides_again_and_asks_once() -> None:
    world = World()
    world.publish(organisation(programs=(program(delay=DAY),)))

    def around(port: str, called: str, call: Callable[[], Any]) -> Any:
        found = call()
        if called == "arm":
            raise Died
        return found

    with pytest.raises(Died):
        invite.handle_many(gated(world.ports, around), [sale()], world.now)
    invite.handle_many(world.ports, [sale()], world.now + MINUTE)
    world.wait(3 * DAY)
    assert (world.sent, world.memory.timers) == (["invitation"], {})


def test_reminders_of_a_batch_share_a_timer_that_goes_with_them() -> None:
    world = several(remind_after=3 * DAY)
    work.take(world.ports, message(world), world.now)
    (timer,) = world.memory.timers.values()
    assert set(timer.ids) == {each.id for each in kept(world)}
    assert all(each.index_at is None and each.due_at for each in kept(world))
    world.wait(4 * DAY)
    assert world.sent == ["invitation"] * 5 + ["reminder"] * 5
    assert world.memory.timers == {}


def test_an_unconfirmed_answer_keeps_the_timer_of_the_reminder() -> None:
    world = several(1, remind_after=3 * DAY)
    work.take(world.ports, message(world), world.now)
    (timer,) = world.memory.timers.values()
    invitation = kept(world)[0]
    world.wait(timer.at - world.now - MINUTE)
    world.answer(invitation.id, 9, press="automatic")
    world.memory.invitations[invitation.id] = kept(world)[0].model_copy(update={"trapped": True})
    world.wait(10 * MINUTE)
    assert kept(world)[0].unconfirmed
    assert world.sent == ["invitation", "reminder"]
    assert world.memory.timers == {}


def test_a_timer_waits_for_who_is_not_there_yet_and_not_for_ever() -> None:
    world = World()
    world.ports.timers.arm([Timer(world.now, ("f" * 32,), "t")])
    world.wait(5 * MINUTE)
    assert len(world.memory.timers) == 1
    world.wait(30 * MINUTE)
    assert world.memory.timers == {}


def test_a_timer_that_calls_early_calls_again() -> None:
    world = several(2, remind_after=3 * DAY)
    work.take(world.ports, message(world), world.now)
    (timer,) = world.memory.timers.values()
    work.take(world.ports, Due("invitation", timer.ids, "early", timer), timer.at - 2 * MINUTE)
    assert len(world.memory.timers) == 1
    world.wait(4 * DAY)
    assert world.sent == ["invitation"] * 2 + ["reminder"] * 2


def test_a_hundred_reminders_need_four_timers() -> None:
    world = World()
    at = world.now + DAY
    timers = shared((f"{number:032x}", at) for number in range(100))
    assert [len(timer.ids) for timer in timers] == [25] * 4
    assert len({timer.name for timer in timers}) == 4
    assert timers == shared((f"{number:032x}", at) for number in range(100))


def test_a_single_hint_is_still_understood() -> None:
    world = several(1)
    work.take(world.ports, DueKey("invitation", kept(world)[0].id), world.now)
    assert (states(world), kept(world)[0].taken_by) == (["sent"], None)


def test_what_is_put_off_is_not_put_off_once_more_before_it_is_due_again() -> None:
    world = several(1)
    message(world)
    (waiting,) = kept(world)
    held = deliver.put_off(world.ports, waiting.id, world.now)
    assert held
    assert held.faults == 1
    assert deliver.put_off(world.ports, waiting.id, world.now) is None
    world.now = held.due_at or world.now
    again = deliver.put_off(world.ports, waiting.id, world.now)
    assert again
    assert again.faults == 2
