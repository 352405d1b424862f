"""An event becomes one invitation or one reason, whatever happens on the way."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.organisation import Pauses
from chalicelib.domain.policy import invitation_id
from chalicelib.errors import Conflict, Invalid
from chalicelib.flows import invite
from tests.domain.cast import DAY, FRIDAY_1630, HOUR, organisation, program, sale
from tests.world import World

OWN = invitation_id("/crm", "ORD-10045", "after-sale", "customer")


def cancelled(**data: Any) -> dict[str, Any]:
    return {**sale(), "id": "X-1", "type": "sale.cancelled", "data": data}


def fulfilled(at: str, id_: str = "F-1", time: str = "2026-03-06T21:10:00Z") -> dict[str, Any]:
    data = {"event": {"source": "/crm", "id": "ORD-10045"}, "kind": "delivery", "fulfilled": at}
    return {**sale(), "id": id_, "time": time, "type": "promise.fulfilled", "data": data}


def test_a_sale_is_asked_about_once_and_for_ever() -> None:
    world = World()
    world.tell(sale(), sale())
    world.wait(DAY)
    world.tell(sale(reference="changed"))
    assert world.sent == ["invitation"]
    assert (world.invitation.id, world.invitation.reference, world.invitation.state) == (OWN, "ORD-10045", "sent")


def test_an_event_that_nobody_asks_about_is_never_asked_about_later() -> None:
    world = World()
    world.publish(organisation(programs=()))
    world.tell(sale())
    assert (world.invitation.program, world.invitation.reason) == ("-", "no_program")
    world.publish(organisation())
    world.tell(sale())
    assert (world.invitation.reason, world.sent) == ("no_program", [])


def test_a_program_published_later_does_not_ask_about_what_was_decided() -> None:
    world = World()
    world.tell(sale())
    world.publish(organisation(programs=(program(), program(id="second"))))
    world.tell(sale())
    assert list(world.memory.invitations) == [OWN]


def test_a_program_that_was_retired_still_keeps_its_decisions() -> None:
    world = World()
    world.tell(sale())
    world.publish(organisation(programs=(program(id="new"),), retired_programs=("after-sale",)))
    world.tell(sale())
    assert list(world.memory.invitations) == [OWN]


def test_two_events_of_one_customer_make_one_question() -> None:
    world = World()
    world.tell(sale(), sale(envelope={"id": "ORD-2"}))
    reasons = sorted(str(each.reason) for each in world.memory.invitations.values())
    assert reasons == ["None", "resting"]
    world.wait(31 * DAY)
    world.tell(sale(envelope={"id": "ORD-3", "time": "2026-04-06T21:00:00Z"}))
    assert world.sent == ["invitation", "invitation"]


def test_two_customers_of_one_address_make_one_question() -> None:
    world = World()
    shared = {"id": "c-2", "email": "ANA@example.com"}
    world.tell(sale(), sale(customer=shared, envelope={"id": "ORD-2"}))
    assert sorted(str(each.reason) for each in world.memory.invitations.values()) == ["None", "resting"]


def test_two_programs_ask_two_people_of_one_event() -> None:
    world = World()
    world.publish(organisation(programs=(program(), program(id="use", contact="user"))))
    world.tell(sale(contacts=[{"id": "c-990", "role": "user", "email": "taller@example.com"}]))
    assert sorted(each.label for each in world.memory.invitations.values()) == ["customer", "user"]
    assert [each.primary for each in world.memory.invitations.values()] == [True, False]


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(
    "by",
    [{"event": {"source": "/crm", "id": "ORD-10045"}}, {"reference": "ORD-10045", "customer": {"id": "c-981"}}],
)
def test_a_cancelled_sale_is_not_asked_about_whichever_comes_first(first: bool, by: dict[str, Any]) -> None:
    world = World()
    world.publish(organisation(programs=(program(delay=timedelta(hours=2)),)))
    world.tell(*((cancelled(**by), sale()) if first else (sale(), cancelled(**by))))
    world.wait(DAY)
    assert (world.invitation.reason, world.sent) == ("cancelled", [])


def test_a_cancellation_after_the_mail_ends_the_reminder() -> None:
    world = World()
    world.publish(organisation(programs=(program(remind_after=3 * DAY),)))
    world.tell(sale())
    world.tell(cancelled(event={"source": "/crm", "id": "ORD-10045"}))
    world.wait(10 * DAY)
    assert world.sent == ["invitation"]


@pytest.mark.parametrize("first", [True, False])
def test_what_was_delivered_arrives_before_or_after_its_sale(first: bool) -> None:
    world = World()
    news = fulfilled("2026-03-09T10:00:00-05:00")
    world.tell(*((news, sale()) if first else (sale(), news)))
    assert world.invitation.promises[0].kept(FRIDAY_1630) is True


def test_the_latest_delivery_counts_in_whatever_order_they_arrive() -> None:
    world = World()
    late = fulfilled("2026-03-12T10:00:00-05:00", "F-2", "2026-03-06T21:20:00Z")
    world.tell(sale(), late, fulfilled("2026-03-09T10:00:00-05:00"), late)
    assert world.invitation.promises[0].kept(FRIDAY_1630) is False


def test_who_was_responsible_stays_frozen() -> None:
    world = World()
    world.tell(sale(), sale(department="billing", people=[]), fulfilled("2026-03-09T10:00:00-05:00"))
    assert (world.invitation.department, world.invitation.people[0].id) == ("sales", "u-7")


def test_who_dies_after_the_rest_goes_on_with_its_own_stamp() -> None:
    world = World()
    create = world.ports.invitations.create

    def dies(_: Any) -> bool:
        raise KeyboardInterrupt

    object.__setattr__(world.ports.invitations, "create", dies)
    with pytest.raises(KeyboardInterrupt):
        world.tell(sale())
    object.__setattr__(world.ports.invitations, "create", create)
    world.tell(sale())
    assert (world.invitation.state, world.sent) == ("sent", ["invitation"])


def test_a_race_for_one_customer_is_decided_again() -> None:
    world = World()
    save = world.ports.customers.save
    lost: list[int] = []

    def loses_once(customer: Any) -> None:
        if not lost:
            lost.append(1)
            raise Conflict(customer.key)
        save(customer)

    object.__setattr__(world.ports.customers, "save", loses_once)
    world.tell(sale())
    assert world.sent == ["invitation"]


def test_a_newer_address_is_kept_even_when_nobody_is_asked() -> None:
    world = World()
    moved = {"id": "c-981", "email": "new@example.com"}
    world.tell(sale(), sale(customer=moved, envelope={"id": "ORD-2", "time": "2026-03-06T21:20:00Z"}))
    (customer,) = (each for each in world.memory.customers.values() if each.id == "c-981")
    assert customer.email == "new@example.com"


def test_what_can_never_be_handled_is_refused_with_its_reason() -> None:
    world = World()
    with pytest.raises(Invalid, match="/specversion"):
        invite.handle(world.ports, {"detail": "nothing"}, world.now)


def test_a_batch_takes_the_good_and_names_the_bad() -> None:
    world = World()
    raws = [sale(), {"specversion": "1.0"}, sale(envelope={"id": "ORD-2"}), sale(reference="x" * 70)]
    taken = invite.accept(world.ports, raws, sizes=[10, 10, 10, 70_000], bytes_max=65_536, now=world.now)
    assert [ref.id for ref in taken.accepted] == ["ORD-10045", "ORD-2"]
    assert [each.index for each in taken.rejected] == [1, 3]
    assert "70000 bytes" in taken.rejected[1].problems[0].detail
    assert world.memory.inbox == [raws[0], raws[2]]


def test_it_is_sent_in_the_evening_when_the_delay_has_passed() -> None:
    world = World()
    world.publish(organisation(programs=(program(delay=2 * HOUR),)))
    world.tell(sale())
    world.wait(2 * HOUR - timedelta(seconds=1))
    assert world.sent == []
    world.wait(timedelta(seconds=1))
    assert world.sent == ["invitation"]


def closed_again(id_: str, hours: int) -> dict[str, Any]:
    time = (FRIDAY_1630 + hours * HOUR).isoformat()
    return sale(envelope={"id": id_, "type": "ticket.closed", "time": time}, reference="T-1")


def reopened(hours: int) -> dict[str, Any]:
    data = {"reference": "T-1", "customer": {"id": "c-981"}}
    return {
        **sale(),
        "id": "R-1",
        "type": "ticket.reopened",
        "time": (FRIDAY_1630 + hours * HOUR).isoformat(),
        "data": data,
    }


def reasons(world: World) -> list[str | None]:
    return [each.reason for each in world.memory.invitations.values()]


def test_a_ticket_that_closes_again_after_thanks_is_asked_about_once() -> None:
    world = World()
    world.publish(organisation(programs=(program(on=("ticket.closed",), rest_days=0, remind_after=2 * DAY),)))
    world.tell(closed_again("T-1/1", 0))
    world.wait(2 * HOUR)
    world.tell(reopened(1), closed_again("T-1/2", 2))
    assert (reasons(world), world.sent) == ([None, "same_episode"], ["invitation"])
    world.wait(31 * DAY)
    world.tell(closed_again("T-1/3", 31 * 24))
    assert world.sent == ["invitation", "invitation"]


def test_a_ticket_that_was_reopened_before_it_was_asked_about_is_asked_about_when_it_closes_again() -> None:
    world = World()
    world.publish(organisation(programs=(program(on=("ticket.closed",), delay=4 * HOUR),)))
    world.tell(closed_again("T-1/1", 0))
    world.wait(2 * HOUR)
    world.tell(reopened(1), closed_again("T-1/2", 2))
    world.wait(DAY)
    assert (reasons(world), world.sent) == (["cancelled", None], ["invitation"])


def test_another_closing_between_death_and_return_belongs_to_the_episode() -> None:
    world = World()
    world.publish(organisation(programs=(program(on=("ticket.closed",), rest_days=0),)))
    create = world.ports.invitations.create

    def dies(_: Any) -> bool:
        raise KeyboardInterrupt

    object.__setattr__(world.ports.invitations, "create", dies)
    with pytest.raises(KeyboardInterrupt):
        world.tell(closed_again("T-1/1", 0))
    object.__setattr__(world.ports.invitations, "create", create)
    world.now += HOUR
    world.tell(closed_again("T-1/2", 1))
    assert (reasons(world), world.sent) == (["same_episode"], [])
    world.tell(closed_again("T-1/1", 0))
    assert (reasons(world), world.sent) == (["same_episode", None], ["invitation"])


def test_a_day_takes_as_many_as_it_may() -> None:
    world = World()
    world.publish(organisation(programs=(program(daily_max=2),)))
    people = [{"id": f"c-{n}", "email": f"ana{n}@example.com"} for n in range(4)]
    world.tell(*(sale(customer=people[n], envelope={"id": f"O-{n}"}) for n in (0, 1, 1, 2)))
    assert reasons(world) == [None, None, "capped"]
    world.wait(DAY)
    world.tell(sale(customer=people[3], envelope={"id": "O-3"}))
    assert world.sent == ["invitation"] * 3


def test_who_dies_with_a_place_taken_does_not_take_two() -> None:
    world = World()
    world.publish(organisation(programs=(program(daily_max=2),)))
    create = world.ports.invitations.create

    def dies(_: Any) -> bool:
        raise KeyboardInterrupt

    object.__setattr__(world.ports.invitations, "create", dies)
    with pytest.raises(KeyboardInterrupt):
        world.tell(sale())
    object.__setattr__(world.ports.invitations, "create", create)
    world.tell(sale(), sale(customer={"id": "c-2", "email": "eva@example.com"}, envelope={"id": "ORD-2"}))
    assert world.sent == ["invitation", "invitation"]


def test_who_answered_is_left_alone_longer_than_who_did_not() -> None:
    world = World()
    world.publish(organisation(programs=(program(rest_days=10, rest_days_after_answer=60),)))
    world.tell(sale())
    world.answer(OWN, 9)
    world.wait(20 * DAY)
    shared = {"id": "c-2", "email": "ana@example.com"}
    later = {"time": world.now.isoformat()}
    world.tell(sale(reference="2", envelope={"id": "ORD-2", **later}))
    world.tell(sale(customer=shared, envelope={"id": "ORD-3", **later}))
    assert [(each.reason, (each.rule or "").partition(":")[0]) for each in world.memory.invitations.values()][1:] == [
        ("resting", "after-sale.rest_days_after_answer"),
        ("resting", "after-sale.rest_days_after_answer"),
    ]
    world.wait(41 * DAY)
    world.tell(sale(reference="ORD-4", envelope={"id": "ORD-4", "time": world.now.isoformat()}))
    assert world.sent == ["invitation", "invitation"]


def paused(world: World, **more: Any) -> None:
    before = world.ports.library.pauses()
    pause = {"id": "breaker", "reason": "paused", "why": "too many bounces", "since": world.now, **more}
    given = {"version": before.version + 1, "pauses": [pause]}
    world.ports.library.save_pauses(Pauses.model_validate(given))


def test_while_sending_is_paused_nobody_new_is_asked_and_who_was_planned_waits() -> None:
    world = World()
    world.publish(organisation(programs=(program(delay=2 * HOUR, remind_after=3 * DAY),)))
    world.tell(sale())
    paused(world, until=world.now + 6 * HOUR)
    world.tell(sale(customer={"id": "c-2", "email": "eva@example.com"}, envelope={"id": "ORD-2"}))
    assert reasons(world) == [None, "paused"]
    world.wait(5 * HOUR)
    assert world.sent == []
    world.wait(2 * HOUR)
    assert world.sent == ["invitation"]
    paused(world, until=world.now + 4 * DAY)
    world.wait(4 * DAY - HOUR)
    assert world.sent == ["invitation"]
    world.wait(2 * HOUR)
    assert world.sent == ["invitation", "reminder"]


def test_what_waited_too_long_in_a_pause_is_given_up() -> None:
    world = World()
    world.publish(organisation(programs=(program(delay=2 * HOUR),)))
    world.tell(sale())
    paused(world)
    world.wait(15 * DAY)
    assert (world.invitation.state, world.invitation.reason, world.sent) == ("skipped", "paused", [])


def test_an_incident_ends_what_was_planned_for_those_affected_and_lets_them_rest_no_more() -> None:
    world = World()
    world.publish(organisation(programs=(program(delay=2 * HOUR),)))
    world.tell(sale())
    paused(world, id="I-1", reason="incident", why="no deliveries", department="logistics", until=world.now + DAY)
    world.tell(sale(customer={"id": "c-2", "email": "eva@example.com"}, envelope={"id": "ORD-2"}))
    world.tell(sale(customer={"id": "c-3", "email": "leo@example.com"}, promises=[], envelope={"id": "ORD-3"}))
    world.wait(DAY)
    assert reasons(world) == ["incident", "incident", None]
    world.tell(sale(reference="4", envelope={"id": "ORD-4", "time": world.now.isoformat()}))
    world.wait(DAY)
    assert world.sent == ["invitation", "invitation"]


def test_a_sale_cancelled_after_the_question_may_still_be_answered() -> None:
    world = World()
    world.publish(organisation(programs=(program(remind_after=3 * DAY),)))
    world.tell(sale())
    world.tell(cancelled(event={"source": "/crm", "id": "ORD-10045"}))
    world.answer(OWN, 2)
    assert (world.case.state, world.invitation.cancelled) == ("open", True)
    world.wait(10 * DAY)
    assert world.sent.count("reminder") == 0
