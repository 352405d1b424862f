"""Several alerts to one mailbox within minutes are one mail; the first goes alone, at once."""

from datetime import timedelta

import pytest

from chalicelib.domain.case import Move
from chalicelib.domain.digest import LINES_MAX
from chalicelib.errors import CarrierRefused, CarrierUnclear
from chalicelib.flows import recover, work
from chalicelib.ports import DueKey, Principal
from tests.domain.cast import DAY, organisation, sale
from tests.world import World

ADMIN = Principal(id="admin", role="admin", name="Administration")
MINUTE = timedelta(minutes=1)


def complain(world: World, number: int, driver: str = "late") -> str:
    """Ana's neighbours complain, each about an order of their own; returns the case's id."""
    before = set(world.memory.invitations)
    customer = {"id": f"c-{number}", "name": f"Ana {number}", "email": f"ana{number}@example.com"}
    world.tell(sale(envelope={"id": f"ORD-{number}"}, reference=f"ORD-{number}", customer=customer))
    (id_,) = set(world.memory.invitations) - before
    world.answer(id_, 2, failed=driver)
    return id_


def alerts(world: World) -> list[tuple[str, str]]:
    return [
        (message.to[0], message.tags["kind"]) for message in world.memory.sent if message.tags["kind"] != "invitation"
    ]


def test_the_first_goes_at_once_and_those_that_follow_go_together() -> None:
    world = World()
    for number in range(4):
        complain(world, number)
        world.wait(MINUTE / 2)
    assert alerts(world) == [("logistics@example.com", "opened")]
    world.wait(5 * MINUTE)
    assert alerts(world) == [("logistics@example.com", "opened"), ("logistics@example.com", "digest")]
    assert world.memory.sent[-1].text.count("opened:") == 3
    assert not any(case.notices for case in world.memory.cases.values())


def test_a_company_that_wants_each_alert_by_itself_gets_each_by_itself() -> None:
    world = World()
    world.publish(organisation(alerts_quiet=timedelta(0)))
    for number in range(3):
        complain(world, number)
    assert [kind for _, kind in alerts(world)] == ["opened"] * 3


def test_another_department_is_alerted_at_once_too() -> None:
    world = World()
    complain(world, 1)
    complain(world, 2, "invoice")
    assert alerts(world) == [("logistics@example.com", "opened"), ("billing@example.com", "opened")]


def test_after_quiet_minutes_the_next_goes_at_once_again() -> None:
    world = World()
    complain(world, 1)
    world.wait(5 * MINUTE)
    complain(world, 2)
    assert [kind for _, kind in alerts(world)] == ["opened", "opened"]


def test_one_that_waited_alone_is_an_ordinary_alert() -> None:
    world = World()
    complain(world, 1)
    complain(world, 2)
    world.wait(5 * MINUTE)
    assert [kind for _, kind in alerts(world)] == ["opened", "opened"]


def test_a_colleagues_move_is_told_at_once_whatever_came_before() -> None:
    world = World()
    id_ = complain(world, 1)
    complain(world, 2, "invoice")
    case = world.memory.cases[id_]
    wanted = Move(verb="reassign", by="bruno", department="billing", reason="the invoice")
    recover.act(world.ports, id_, case.version, wanted, ADMIN, world.now)
    world.settle()
    assert alerts(world)[-1] == ("billing@example.com", "handed_over")


def test_what_was_picked_up_meanwhile_is_told_no_more() -> None:
    world = World()
    complain(world, 1)
    second, third = complain(world, 2), complain(world, 3)
    for id_ in (second, third):
        recover.act(world.ports, id_, 1, Move(verb="acknowledge", by="bruno"), ADMIN, world.now)
    world.wait(5 * MINUTE)
    assert [kind for _, kind in alerts(world)] == ["opened"]
    assert world.memory.digests["logistics"].waiting == ()


def test_a_mail_of_unknown_fate_is_sent_again_and_nothing_waits_twice() -> None:
    world = World()
    for number in range(3):
        complain(world, number)
    world.memory.troubles.append(CarrierUnclear("no reply"))
    world.wait(5 * MINUTE)
    assert [kind for _, kind in alerts(world)] == ["opened"]
    world.wait(3 * MINUTE)
    assert [kind for _, kind in alerts(world)] == ["opened", "digest"]
    assert world.memory.sent[-1].text.count("opened:") == 2


def test_a_mail_that_is_refused_for_ever_is_not_tried_for_ever() -> None:
    world = World()
    for number in range(3):
        complain(world, number)
    world.memory.troubles.append(CarrierRefused("no such mailbox", permanent=True))
    world.wait(DAY / 24)
    assert world.memory.digests["logistics"].due_at is None


def test_whoever_dies_before_striking_off_tells_nothing_twice() -> None:
    world = World()
    for number in range(3):
        complain(world, number)
    id_ = [*world.memory.cases][1]
    case = world.memory.cases[id_]
    world.wait(5 * MINUTE)
    told = world.memory.digests["logistics"].told
    again = case.model_copy(update={"revision": case.revision + 1, "notices": (told[0].notice,)})
    world.memory.cases[told[0].case] = again.model_copy(update={"id": told[0].case})
    before = len(world.memory.sent)
    work.take(world.ports, DueKey("case", told[0].case), world.now)
    world.wait(10 * MINUTE)
    assert len(world.memory.sent) == before


@pytest.mark.parametrize("count", [LINES_MAX + 1, 2 * LINES_MAX + 1])
def test_a_storm_does_not_wait_for_the_end_of_the_quiet_time_and_no_mail_is_endless(count: int) -> None:
    world = World()
    for number in range(count):
        complain(world, number)
    assert [kind for _, kind in alerts(world)] == ["opened", *["digest"] * ((count - 1) // LINES_MAX)]
    world.wait(10 * MINUTE)
    told = sum(message.text.count("opened:") for message in world.memory.sent if message.tags["kind"] == "digest")
    assert told == count - 1


def test_escalations_of_one_night_are_one_mail_to_the_head() -> None:
    world = World()
    for number in range(4):
        complain(world, number)
    world.wait(4 * DAY)
    digests = [message for message in world.memory.sent if message.tags["kind"] == "digest"]
    assert digests[-1].text.count("escalation:") == 3


def test_a_second_low_answer_of_one_customer_goes_a_rung_higher() -> None:
    world = World()
    ana(world, 1)
    world.wait(89 * DAY)
    before = len(world.memory.sent)
    second = world.memory.cases[ana(world, 2)]
    assert second.is_repeat
    assert [message.to[0] for message in world.memory.sent[before + 1 :]] == ["logistics@example.com"] * 2
    assert world.memory.digests["logistics:head"].first


def test_after_ninety_days_an_old_failure_is_forgotten() -> None:
    world = World()
    ana(world, 1)
    world.wait(90 * DAY + MINUTE)
    assert not world.memory.cases[ana(world, 2)].is_repeat


def test_a_low_answer_after_a_high_one_is_no_repeat() -> None:
    world = World()
    ana(world, 1, rating=10)
    world.wait(31 * DAY)
    assert not world.memory.cases[ana(world, 2)].is_repeat


def test_another_customers_failure_is_no_repeat() -> None:
    world = World()
    complain(world, 1)
    assert not world.memory.cases[complain(world, 2)].is_repeat


def ana(world: World, number: int, rating: int = 2) -> str:
    before = set(world.memory.invitations)
    at = world.now.isoformat()
    world.tell(sale(envelope={"id": f"ANA-{number}", "time": at}, reference=f"ANA-{number}", promises=[]))
    (id_,) = set(world.memory.invitations) - before
    world.answer(id_, rating, failed="late")
    return id_
