"""Sending stops when too many mails come back, says why, and goes on when told to."""

from datetime import timedelta
from typing import Any

from chalicelib.domain.organisation import Breaker
from chalicelib.domain.receipt import Receipt
from chalicelib.errors import CarrierRefused
from chalicelib.flows import collect, guard, project, receive, work
from chalicelib.ports import View
from tests.domain.cast import DAY, HOUR, organisation, program, sale
from tests.world import World

MINUTE = timedelta(minutes=1)
LIMITS = Breaker(share_max=0.2, bounces_min=2)


def company(**more: Any) -> World:
    world = World()
    world.publish(organisation(programs=(program(**more),), breaker=LIMITS, admins=("alba@example.com",)))
    return world


def write_to(world: World, *numbers: int) -> None:
    """Send a mail to each of some customers."""
    for number in numbers:
        customer = {"id": f"c-{number}", "email": f"ana{number}@acme.example"}
        envelope = {"id": f"ORD-{number}", "time": world.now.isoformat()}
        world.tell(sale(customer=customer, reference=f"ORD-{number}", envelope=envelope))


def bounce(world: World, *numbers: int) -> None:
    """Let the mails of some customers come back for good, each report twice."""
    ids = {each.event_id: each.id for each in world.memory.invitations.values()}
    for number in numbers:
        report = Receipt("bounce", "email", "m", ids[f"ORD-{number}"], (f"ana{number}@acme.example",), "invitation")
        for _ in range(2):
            receive.take(world.ports, report, world.now)


def watch(world: World) -> None:
    """Count what the stream tells, and look at it as the worker does every few minutes."""
    project.project(world.ports, world.memory.changes, "shard", world.now)
    work.take(world.ports, work.WATCH, world.now)


def test_too_many_bounces_stop_sending_and_the_administrator_is_told_once() -> None:
    world = company()
    write_to(world, *range(10))
    bounce(world, 1, 1, 1)
    watch(world)
    assert "paused" not in world.sent
    bounce(world, 2)
    watch(world)
    watch(world)
    assert world.sent.count("paused") == 1
    assert world.memory.sent[-1].to == ("alba@example.com",)
    write_to(world, 20)
    assert world.sent.count("invitation") == 10
    assert [each.reason for each in world.memory.invitations.values()][-1] == "paused"


def test_a_few_bounces_of_few_mails_stop_nothing() -> None:
    world = company()
    write_to(world, 1)
    bounce(world, 1)
    watch(world)
    assert world.ports.library.pauses().pauses == ()


def test_what_was_planned_waits_and_leaves_once_sending_goes_on() -> None:
    world = company(delay=2 * HOUR)
    write_to(world, *range(4))
    world.wait(2 * HOUR)
    write_to(world, 5)
    bounce(world, 1, 2)
    watch(world)
    world.wait(5 * HOUR)
    assert world.sent.count("invitation") == 4
    assert guard.resume(world.ports, world.now)
    world.wait(2 * HOUR)
    assert world.sent.count("invitation") == 5


def test_the_bounces_of_before_do_not_stop_it_again() -> None:
    world = company()
    write_to(world, *range(4))
    bounce(world, 1, 2)
    watch(world)
    world.now += 10 * MINUTE
    assert guard.resume(world.ports, world.now)
    assert not guard.resume(world.ports, world.now)
    watch(world)
    assert world.ports.library.pauses(fresh=True).pauses == ()
    world.now += HOUR
    write_to(world, 11, 12, 13)
    bounce(world, 11, 12)
    watch(world)
    assert world.sent.count("paused") == 2


def test_yesterdays_bounces_count_no_more() -> None:
    world = company()
    write_to(world, *range(4))
    world.now += DAY + HOUR
    bounce(world, 1, 2)
    watch(world)
    assert world.ports.library.pauses().pauses == ()


def test_whoever_could_not_be_told_is_told_at_the_next_look() -> None:
    world = company()
    write_to(world, *range(4))
    bounce(world, 1, 2)
    world.memory.troubles.append(CarrierRefused("the account is paused", permanent=False))
    watch(world)
    assert len(world.ports.library.pauses().pauses) == 1
    assert world.sent.count("paused") == 0
    watch(world)
    assert world.sent.count("paused") == 1


def test_the_sweep_asks_a_worker_to_look_every_five_minutes() -> None:
    world = company()
    asked = []
    for _ in range(60):
        work.sweep(world.ports, world.now)
        asked.append([due.kind for due in world.memory.nudged].count("sending") == 1)
        world.memory.nudged.clear()
        world.now += MINUTE
    assert asked.count(True) == 12


def test_machines_that_open_links_are_told_by_the_domain_written_to() -> None:
    world = company()
    write_to(world, *range(6))
    for place, id_ in enumerate([each.id for each in world.memory.invitations.values()]):
        from_machine = (9, 3) if place < 2 else (9,)
        for rating in from_machine:
            view(world, id_, rating)
    project.project(world.ports, world.memory.changes, "shard", world.now)
    (reach,) = guard.look(world.ports, world.now).reaches
    assert (reach.domain, reach.opened, reach.scanned) == ("acme.example", 6, 2)


def test_a_press_brings_its_own_view_and_a_machine_that_comes_later_is_still_told() -> None:
    world = company()
    write_to(world, *range(6))
    watched, *persons = [each.id for each in world.memory.invitations.values()]
    for id_ in (watched, *persons):
        # The note waits in its queue while the person presses the button.
        collect.note_view(world.ports, id_, 9, world.now)
        collect.submit(world.ports, id_, {"rating": ["9"], "_seen": ["9"]}, "button", world.now)
    written = len(world.memory.changes)
    world.settle()
    assert len(world.memory.changes) == written
    view(world, watched, 3)
    project.project(world.ports, world.memory.changes, "shard", world.now)
    (reach,) = guard.look(world.ports, world.now).reaches
    assert (reach.opened, reach.scanned) == (6, 1)


def test_many_views_are_noted_by_one_read_and_one_write() -> None:
    world = company()
    write_to(world, 1, 2, 3)
    first, second, _ = (each.id for each in world.memory.invitations.values())
    views = [
        View(first, 9, world.now),
        View(first, 3, world.now),
        View(second, 9, world.now),
        View("gone", 9, world.now),
    ]
    before = len(world.memory.changes)
    collect.see(world.ports, [*views, *views])
    assert len(world.memory.changes) == before + 2
    assert [world.memory.invitations[id_].viewed for id_ in (first, second)] == [(3, 9), (9,)]


def view(world: World, id_: str, rating: int) -> None:
    """Let somebody, or something, open a link."""
    collect.note_view(world.ports, id_, rating, world.now)
    world.settle()
