"""Ana answers, Bruno mends, Carla is told when nobody does."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.case import Move
from chalicelib.errors import CarrierUnclear, Forbidden, MoveForbidden, NotFound
from chalicelib.flows import collect, protect, recover
from chalicelib.ports import Principal
from tests.domain.cast import DAY, organisation, sale
from tests.world import World

BRUNO = Principal(id="bruno", role="department", name="Bruno", department="logistics")
ADMIN = Principal(id="admin", role="admin", name="Administration")
CARLA = Principal(id="carla", role="leadership", name="Carla")
MINUTE = timedelta(minutes=1)


def unhappy() -> World:
    world = World()
    world.tell(sale())
    world.answer(world.invitation.id, 2, failed="late", comment="Llegó tarde")
    return world


def act(world: World, verb: Any, who: Principal = BRUNO, **said: Any) -> None:
    wanted = Move(verb=verb, by=who.id, **said)
    recover.act(world.ports, world.case.id, world.case.version, wanted, who, world.now)
    world.settle()


def test_a_low_answer_has_its_case_and_its_alert_at_once() -> None:
    world = unhappy()
    assert (world.case.department, world.case.why.rule, world.case.rating) == ("logistics", "driver", 2)
    assert world.sent == ["invitation", "opened"]


def test_an_answer_that_nobody_vouched_for_has_no_case_for_two_minutes() -> None:
    world = World()
    world.tell(sale())
    world.answer(world.invitation.id, 2, press="automatic")
    assert world.memory.cases == {}
    world.wait(2 * MINUTE)
    assert world.case.rating == 2


def test_a_scanner_opens_everything_and_scores_nothing() -> None:
    world = World()
    world.tell(sale())
    for rating in (*range(11), 99):
        collect.note_view(world.ports, world.invitation.id, rating, world.now)
    world.answer(world.invitation.id, 0, press="unvouched")
    world.wait(DAY)
    assert (world.invitation.confirmed, world.invitation.unconfirmed, world.memory.cases) == (None, True, {})


def test_after_the_window_the_answer_is_not_taken() -> None:
    world = World()
    world.tell(sale())
    world.wait(14 * DAY)
    done = world.answer(world.invitation.id, 2, comment="demasiado tarde")
    assert (done.outcome, done.filled.texts["comment"]) == ("closed", "demasiado tarde")
    assert world.invitation.confirmed is None


def test_a_correction_is_told_to_the_lead() -> None:
    world = unhappy()
    world.answer(world.invitation.id, 10)
    assert world.sent == ["invitation", "opened", "corrected"]
    assert [entry.move for entry in world.ports.cases.timeline(world.case.id)] == ["opened", "corrected"]


def test_from_acknowledged_to_mended() -> None:
    world = unhappy()
    act(world, "acknowledge")
    act(world, "resolve", root_cause="carrier", action="sent it again")
    assert world.sent == ["invitation", "opened", "mended"]
    collect.say_mended(world.ports, world.case.id, "no", "button", world.now)
    world.settle()
    assert (world.case.state, world.sent[-1]) == ("open", "reopened")


def test_a_robots_no_waits_like_any_other_answer() -> None:
    world = unhappy()
    act(world, "acknowledge")
    act(world, "resolve", root_cause="carrier", action="sent it again")
    collect.say_mended(world.ports, world.case.id, "no", "unvouched", world.now)
    world.settle()
    before = world.case.state
    world.wait(2 * MINUTE)
    assert (before, world.case.state) == ("resolved", "open")


def test_a_department_that_forgets_is_reminded_and_then_its_head_and_then_leadership() -> None:
    world = unhappy()
    world.wait(10 * DAY)
    rungs = [f"escalation:{promise}:{rung}" for promise in ("acknowledge", "resolve") for rung in RUNGS]
    assert world.sent == ["invitation", "opened", *rungs]


RUNGS = ("warning", "head", "leadership")


def test_an_alert_of_unknown_fate_is_sent_again() -> None:
    world = World()
    world.tell(sale())
    world.memory.troubles.append(CarrierUnclear("time-out"))
    world.answer(world.invitation.id, 2, failed="late")
    assert world.sent == ["invitation"]
    world.wait(2 * MINUTE)
    assert world.sent == ["invitation", "opened"]


def test_the_second_of_two_people_sees_what_has_changed() -> None:
    world = unhappy()
    version = world.case.version
    act(world, "acknowledge")
    late = Move(verb="acknowledge", by="other")
    with pytest.raises(recover.Stale) as caught:
        recover.act(world.ports, world.case.id, version, late, BRUNO, world.now)
    assert caught.value.view.case.state == "acknowledged"


def test_who_may_see_and_move_a_case() -> None:
    world = unhappy()
    id_ = world.case.id
    stranger = Principal(id="x", role="department", name="x", department="reception")
    agent = Principal(id="y", role="agent", name="y", department="logistics")
    for principal in (stranger, agent):
        with pytest.raises(NotFound):
            recover.look(world.ports, id_, principal)
    assert recover.look(world.ports, id_, CARLA).invitation.id == id_
    with pytest.raises(Forbidden):
        act(world, "acknowledge", CARLA)


def test_the_queue_is_by_what_is_due_first() -> None:
    world = unhappy()
    page = recover.queue(world.ports, BRUNO, None, "open", limit=50, cursor=None)
    assert [case.id for case in page.cases] == [world.case.id]
    assert recover.queue(world.ports, CARLA, None, "open", limit=50, cursor=None).cases == page.cases
    with pytest.raises(NotFound):
        recover.queue(world.ports, BRUNO, "billing", "open", limit=50, cursor=None)
    with pytest.raises(MoveForbidden):
        act(world, "resume")


def test_who_is_forgotten_leaves_a_count_and_no_trace() -> None:
    world = unhappy()
    protect.erase(world.ports, world.invitation.id, world.now)
    protect.erase(world.ports, world.invitation.id, world.now)
    kept = "".join(
        each.model_dump_json()
        for store in (world.memory.invitations, world.memory.customers, world.memory.cases)
        for each in store.values()
    ) + str(world.memory.entries)
    for personal in ("Ana", "ana@example.com", "c-981", "+573001234567", "Llegó tarde", "ORD-10045"):
        assert personal not in kept
    assert world.invitation.confirmed
    assert world.invitation.confirmed.rating == 2
    world.tell(sale(envelope={"id": "ORD-2"}))
    assert [each.reason for each in world.memory.invitations.values()] == [None, "erased"]


def test_whoever_complained_is_told_once_that_somebody_has_heard() -> None:
    world = World()
    world.publish(organisation(tell_heard=True))
    world.tell(sale())
    world.answer(world.invitation.id, 2, failed="late")
    act(world, "acknowledge")
    assert world.sent == ["invitation", "opened", "heard"]
    act(world, "reassign", department="billing", reason="it is the invoice")
    act(world, "acknowledge", ADMIN)
    assert world.sent.count("heard") == 1


def test_a_company_that_does_not_want_it_tells_nobody() -> None:
    world = unhappy()
    act(world, "acknowledge")
    assert "heard" not in world.sent


def test_a_word_of_unknown_fate_is_not_sent_again() -> None:
    world = World()
    world.publish(organisation(tell_heard=True))
    world.tell(sale())
    world.answer(world.invitation.id, 2, failed="late")
    world.memory.troubles.append(CarrierUnclear("no reply"))
    act(world, "acknowledge")
    world.wait(DAY)
    assert "heard" not in world.sent


def test_who_wants_no_more_mail_is_not_told_that_we_heard() -> None:
    world = World()
    world.publish(organisation(tell_heard=True))
    world.tell(sale())
    world.answer(world.invitation.id, 2, failed="late")
    collect.stop(world.ports, world.invitation.id, world.now)
    act(world, "acknowledge")
    assert "heard" not in world.sent
