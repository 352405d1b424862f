"""Many low answers with one driver within a day are one incident: opened once, told once, closed by leadership."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.organisation import Burst
from chalicelib.errors import CarrierRefused, Forbidden, NotFound
from chalicelib.flows import burst, collect, work
from chalicelib.ports import DueKey, Principal
from tests.domain.cast import DAY, HOUR, organisation, sale
from tests.world import World

CARLA = Principal(id="carla", role="leadership", name="Carla Ríos")
BRUNO = Principal(id="api:logistics", role="department", name="Bruno", department="logistics")
MINUTE = timedelta(minutes=1)


def company(**more: Any) -> World:
    world = World()
    world.publish(organisation(incidents=Burst(**{"answers_min": 3, **more})))
    return world


def ask(world: World, number: int) -> str:
    before = set(world.memory.invitations)
    customer = {"id": f"c-{number}", "name": f"Ana {number}", "email": f"ana{number}@example.com"}
    envelope = {"id": f"ORD-{number}", "time": world.now.isoformat()}
    world.tell(sale(envelope=envelope, reference=f"ORD-{number}", customer=customer))
    (id_,) = set(world.memory.invitations) - before
    return id_


def complain(world: World, number: int, driver: str = "late") -> str:
    id_ = ask(world, number)
    world.answer(id_, 2, failed=driver)
    return id_


def seen(world: World) -> list[tuple[str, bool, set[str]]]:
    found = burst.look(world.ports, CARLA)
    return [(each.incident.id, each.incident.is_open, {case.id for case in each.cases}) for each in found]


def test_the_third_within_a_day_makes_an_incident_of_all_three_and_later_ones_join_it() -> None:
    world = company()
    cases = {complain(world, 1), complain(world, 2)}
    assert seen(world) == []
    world.wait(20 * HOUR)
    cases.add(complain(world, 3))
    assert seen(world) == [("late", True, cases)]
    world.wait(5 * DAY)
    cases.add(complain(world, 4))
    assert seen(world) == [("late", True, cases)]
    assert world.sent.count("incident") == 1
    (mail,) = (each for each in world.memory.sent if each.tags["kind"] == "incident")
    assert mail.to == ("carla@example.com",)


@pytest.mark.parametrize(("apart", "incidents"), [(12 * HOUR, 1), (12 * HOUR + MINUTE, 0)])
def test_only_what_lies_within_the_time_counts(apart: timedelta, incidents: int) -> None:
    world = company()
    for number in range(3):
        complain(world, number)
        world.wait(apart)
    assert len(seen(world)) == incidents


def test_another_driver_no_driver_and_no_rule_count_for_nothing() -> None:
    world = company()
    for number, driver in enumerate(["late", "late", "invoice", "invoice"]):
        complain(world, number, driver)
    world.answer(ask(world, 8), 1)
    world.answer(ask(world, 9), 10)
    assert seen(world) == []
    world.publish(organisation())
    for number in range(20, 24):
        complain(world, number)
    assert seen(world) == []
    assert not any(case.to_count for case in world.memory.cases.values())


def test_a_case_worked_twice_counts_once_and_a_corrected_answer_too() -> None:
    world = company()
    first = complain(world, 1)
    complain(world, 2)
    world.answer(first, 1, failed="late")
    case = world.memory.cases[first]
    world.memory.put_case(case.model_copy(update={"to_count": ("late",), "revision": case.revision + 1}), None)
    world.settle()
    work.take(world.ports, DueKey("case", first), world.now)
    assert seen(world) == []


def test_closing_it_ends_it_and_only_what_comes_after_makes_another() -> None:
    world = company()
    old = {complain(world, number) for number in range(3)}
    world.wait(MINUTE)
    assert burst.close(world.ports, "late", CARLA, world.now)
    assert not burst.close(world.ports, "late", CARLA, world.now)
    assert seen(world) == [("late", False, old)]
    world.wait(MINUTE)
    new = {complain(world, 10), complain(world, 11)}
    assert seen(world) == [("late", False, old)]
    new.add(complain(world, 12))
    assert seen(world) == [("late", True, new)]
    assert world.sent.count("incident") == 2
    (found,) = burst.look(world.ports, CARLA)
    assert [each.closed_by for each in found.incident.before] == ["Carla Ríos"]


def test_surveys_wait_for_those_it_may_touch_and_go_on_when_it_is_closed() -> None:
    world = company(pause=True)
    for number in range(3):
        complain(world, number)
    while_open = world.memory.invitations[ask(world, 5)]
    assert (while_open.state, while_open.reason) == ("skipped", "incident")
    other = {"id": "c-7", "email": "x@example.com"}
    world.tell(sale(envelope={"id": "E-7"}, reference="E-7", promises=[], customer=other))
    assert world.sent[-1] == "invitation", "whom the department had nothing to do with is asked"
    burst.close(world.ports, "late", CARLA, world.now)
    assert world.memory.pauses.pauses == ()
    assert world.memory.invitations[ask(world, 6)].reason is None


def test_only_leadership_sees_and_closes() -> None:
    world = company()
    for call in (burst.look, lambda ports, who: burst.close(ports, "late", who, world.now)):
        with pytest.raises(Forbidden):
            call(world.ports, BRUNO)
    with pytest.raises(NotFound):
        burst.close(world.ports, "late", CARLA, world.now)


def test_a_mail_that_is_refused_for_now_is_tried_again() -> None:
    world = company()
    for number in (1, 2):
        complain(world, number)
    third = ask(world, 3)
    submit(world, third)
    # The department's own alert waits for its digest: the only mail now is leadership's.
    world.memory.troubles.append(CarrierRefused("throttled", permanent=False))
    world.settle()
    assert "incident" not in world.sent
    world.wait(10 * MINUTE)
    assert world.sent.count("incident") == 1
    assert world.memory.incidents["late"].told_at
    assert not any(case.to_count for case in world.memory.cases.values())


def submit(world: World, id_: str) -> None:
    """Answer without anything of what follows."""
    collect.submit(world.ports, id_, {"rating": ["2"], "failed": ["late"]}, "button", world.now)


class Died(BaseException):
    """The process was killed."""


class Dying:
    """A port that dies before or after its nth call, counted over all ports."""

    def __init__(self, port: Any, tick: Callable[[], int], at: float) -> None:
        self.port, self.tick, self.at = port, tick, at

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.port, name)
        if not callable(method):
            return method

        def call(*args: Any, **more: Any) -> Any:
            tick = self.tick()
            if tick == self.at:
                raise Died
            done = method(*args, **more)
            if tick + 0.5 == self.at:
                raise Died
            return done

        return call


def _calls(world: World, id_: str, at: float) -> int:
    """Work on a case, dying at a call; returns how many calls there were."""
    calls = 0

    def tick() -> int:
        nonlocal calls
        calls += 1
        return calls

    whole = world.ports
    names = ("cases", "library", "carrier", "invitations", "customers")
    dying = replace(whole, **{name: Dying(getattr(whole, name), tick, at) for name in names})
    with suppress(Died):
        work.take(dying, DueKey("case", id_), world.now)
    return calls


def _at_the_brink() -> tuple[World, str]:
    """Two have complained, and the third case waits to be worked on."""
    world = company(pause=True)
    for number in (1, 2):
        complain(world, number)
    third = ask(world, 3)
    submit(world, third)
    return world, third


CALLS = _calls(*_at_the_brink(), -1)


def test_so_many_calls_can_be_died_at() -> None:
    assert CALLS > 12


@pytest.mark.parametrize("half", [0.0, 0.5])
@pytest.mark.parametrize("at", range(1, CALLS + 1))
def test_whoever_dies_anywhere_leaves_one_incident_one_pause_and_leadership_told(at: int, half: float) -> None:
    world, third = _at_the_brink()
    _calls(world, third, at + half)
    world.wait(HOUR)
    assert [each.id for each in world.memory.pauses.pauses] == ["incident:late"]
    assert world.memory.incidents["late"].told_at
    assert 1 <= world.sent.count("incident") <= 2
    assert len(seen(world)) == 1
    assert not any(case.to_count or case.notices for case in world.memory.cases.values())


def test_of_two_that_make_it_three_at_once_one_opens_it_and_one_tells() -> None:
    world = company()
    complain(world, 1)
    pair = [ask(world, 2), ask(world, 3)]
    for id_ in pair:
        submit(world, id_)

    class Between:
        """The other case is worked on between the note and the opening of this one."""

        def __init__(self) -> None:
            self.cases, self.done = world.ports.cases, False

        def __getattr__(self, name: str) -> Any:
            if name == "save_incident" and not self.done:
                self.done = True
                work.take(world.ports, DueKey("case", pair[1]), world.now)
            return getattr(self.cases, name)

    work.take(replace(world.ports, cases=Between()), DueKey("case", pair[0]), world.now)
    world.wait(HOUR)
    assert world.sent.count("incident") == 1
    assert len(seen(world)[0][2]) == 3
