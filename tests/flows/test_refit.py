"""When the organisation's file changes, open cases follow it, and nobody's clock begins anew."""

from datetime import timedelta

import pytest

from chalicelib.domain.case import Move
from chalicelib.domain.organisation import Organisation, Sla
from chalicelib.flows import recover, refit
from chalicelib.ports import Principal
from tests.domain.cast import HOUR, NINE_TO_FIVE, department, organisation, sale
from tests.world import World

ADMIN = Principal(id="admin", role="admin", name="Administration")
CARLA = Principal(id="carla", role="leadership", name="Carla")
MONDAY = timedelta(days=2, hours=16, minutes=30)


def unhappy() -> World:
    world = World()
    world.tell(sale())
    world.answer(world.invitation.id, 2, failed="late", comment="Llegó tarde")
    return world


def act(world: World, verb: str, **said: str) -> None:
    wanted = Move.model_validate({"verb": verb, "by": ADMIN.id, **said})
    recover.act(world.ports, world.case.id, world.case.version, wanted, ADMIN, world.now)
    world.settle()


def without_logistics() -> Organisation:
    kept = tuple(department(id_) for id_ in ("sales", "billing", "reception"))
    questions = tuple(
        each.model_copy(update={"department": None, "options": ()}) for each in organisation().surveys[0].questions
    )
    survey = organisation().surveys[0].model_copy(update={"questions": questions})
    return organisation(departments=kept, surveys=(survey,), retired_departments=("logistics",))


def publish(world: World, company: Organisation) -> list[bool]:
    world.publish(company)
    moved = list(refit.refit(world.ports, world.now))
    world.settle()
    return moved


def moves(world: World) -> list[str]:
    return [entry.move for entry in world.ports.cases.timeline(world.case.id)]


@pytest.mark.parametrize("before", [(), ("acknowledge",), ("acknowledge", "wait")])
def test_a_removed_department_leaves_its_case_to_the_arbiter_and_the_customers_clock_goes_on(
    before: tuple[str, ...],
) -> None:
    world = unhappy()
    for verb in before:
        act(world, verb, **({"reason": "for the serial number"} if verb == "wait" else {}))
    world.wait(HOUR)
    assert publish(world, without_logistics()) == [True]
    case = world.case
    assert (case.department, case.state, case.handoffs, case.returns) == ("reception", "open", 0, 0)
    assert moves(world)[-1] == "inherited"
    assert world.ports.cases.timeline(case.id)[-1].text == "logistics"
    world.wait(HOUR)
    assert world.case.customer_clock(world.now) == (2 * HOUR).total_seconds()
    assert world.case.department_clocks(world.now) == {"logistics": 3600.0, "reception": 3600.0}
    assert world.sent[-1] == "inherited"


def test_following_the_same_file_again_changes_nothing() -> None:
    world = unhappy()
    assert publish(world, organisation()) == [False]
    assert publish(world, without_logistics()) == [True]
    assert publish(world, without_logistics()) == [False]


def test_leadership_sees_the_case_of_a_removed_department_before_it_was_fitted() -> None:
    world = unhappy()
    world.publish(without_logistics())
    page = recover.queue(world.ports, CARLA, None, "open", limit=50, cursor=None)
    assert [case.id for case in page.cases] == [world.case.id]


def test_a_case_that_the_publication_missed_is_fitted_when_its_next_step_is_due() -> None:
    world = unhappy()
    world.publish(without_logistics())
    world.wait(timedelta(days=4))
    assert world.case.department == "reception"
    assert moves(world) == ["opened", "inherited"]


def test_a_holiday_moves_the_promises_and_the_timeline_says_from_when_to_when() -> None:
    world = unhappy()
    before = world.case
    monday = (world.now + MONDAY).date()
    holiday = NINE_TO_FIVE.model_copy(update={"holidays": (monday,)})
    assert publish(world, organisation(calendar=holiday)) == [True]
    case = world.case
    assert case.acknowledge_by == before.acknowledge_by + timedelta(days=1)
    assert case.resolve_by == before.resolve_by + timedelta(days=1)
    last = world.ports.cases.timeline(case.id)[-1]
    assert (last.move, last.from_state, last.to_state) == ("replanned", "open", "open")
    assert f"acknowledge_by {before.acknowledge_by:%Y-%m-%dT%H}" in last.text
    assert f"→ {case.resolve_by:%Y-%m-%dT%H}" in last.text


def test_a_shorter_policy_may_be_late_at_once_and_the_head_is_told() -> None:
    world = unhappy()
    world.wait(timedelta(days=3))
    hasty = tuple(department(id_, sla=Sla(acknowledge=HOUR / 2, resolve=HOUR)) for id_ in ("sales", "logistics"))
    rest = tuple(department(id_) for id_ in ("billing", "reception"))
    publish(world, organisation(departments=(*hasty, *rest)))
    assert world.case.breached("resolve", world.now)
    assert "escalation:resolve:head" in world.sent


def test_what_was_broken_stays_broken_though_the_policy_is_milder_now() -> None:
    world = unhappy()
    world.wait(timedelta(days=4))
    assert world.case.acknowledge_breached
    mild = tuple(department(id_, sla=Sla(acknowledge=90 * HOUR, resolve=90 * HOUR)) for id_ in ("sales", "logistics"))
    rest = tuple(department(id_) for id_ in ("billing", "reception"))
    publish(world, organisation(departments=(*mild, *rest)))
    assert world.case.acknowledge_breached
    assert world.case.acknowledge_by > world.now


def test_a_removed_department_that_had_mended_does_not_get_the_reopened_case() -> None:
    world = unhappy()
    act(world, "acknowledge")
    act(world, "resolve", root_cause="carrier", action="sent it again")
    assert publish(world, without_logistics()) == []
    act(world, "reopen", reason="it broke again")
    assert (world.case.department, world.case.state) == ("reception", "open")
    assert world.case.spent.keys() == {"logistics"}
