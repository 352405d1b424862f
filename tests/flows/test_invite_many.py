"""Many events at once: few calls, the same decisions, and each fails by itself."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.customer import Customer
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.organisation import Program
from chalicelib.errors import Invalid
from chalicelib.flows import invite
from chalicelib.ports import Ports
from infra import publication
from tests.domain.cast import DAY, organisation, program, sale
from tests.simulation.faults import gated
from tests.world import World

MINUTE = timedelta(minutes=1)
AGES_AGO = datetime(2026, 1, 1, tzinfo=UTC)
SALE_AT = datetime(2026, 3, 6, 21, 0, tzinfo=UTC)
AT_ONCE = {"delay": timedelta(0)}


def cancelled(**data: Any) -> dict[str, Any]:
    return {**sale(), "id": "X-1", "type": "sale.cancelled", "data": data}


def batch(world: World, *raws: object) -> list[invite.Handled]:
    """Hand events over in one batch."""
    return invite.handle_many(world.ports, raws, world.now)


def numbered(number: int, **changes: Any) -> dict[str, Any]:
    """Return a sale to somebody of that number, who is nobody else."""
    customer = {"id": f"c-{number}", "email": f"{number}@example.com"}
    return sale(**{"customer": customer, "reference": f"ORD-{number}", "envelope": {"id": f"ORD-{number}"}, **changes})


def test_a_batch_decides_what_single_events_decide() -> None:
    raws = [numbered(number) for number in range(40)]
    alone, together = World(), World()
    for raw in raws:
        invite.handle(alone.ports, raw, alone.now)
    handled = batch(together, *raws)
    assert together.memory.invitations == alone.memory.invitations
    assert together.memory.customers == alone.memory.customers
    assert together.memory.addresses == alone.memory.addresses
    assert [each.ids for each in handled] == [(id_,) for id_ in alone.memory.invitations]


@pytest.mark.parametrize("shared", ["customer", "address"])
def test_of_two_in_one_batch_for_one_person_or_address_one_is_asked_and_one_rests(shared: str) -> None:
    world = World()
    second = {"id": "c-1" if shared == "customer" else "c-2", "email": "1@example.com"}
    batch(world, numbered(1), numbered(2, customer=second), numbered(3))
    reasons = [each.reason for each in world.memory.invitations.values()]
    assert sorted(map(str, reasons)) == ["None", "None", "resting"]


def test_a_batch_with_a_duplicate_decides_once() -> None:
    world = World()
    first, second = batch(world, numbered(1), numbered(1))
    assert first == second
    assert world.invitation.state == "scheduled"


def test_one_bad_event_of_a_batch_fails_alone() -> None:
    world = World()
    good, bad, other = batch(world, numbered(1), {"specversion": "1.0"}, numbered(2))
    assert isinstance(bad.error, Invalid)
    assert (good.error, other.error) == (None, None)
    assert len(world.memory.invitations) == 2


class Refusing:
    """Invitations of which some can never be written: they take their batch down with them."""

    def __init__(self, kept: Any, bad: set[str]) -> None:
        self._kept, self._bad = kept, bad

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kept, name)

    def create_many(self, invitations: Sequence[Invitation]) -> set[str]:
        """Raise for a batch with a bad one in it, which has written the others before."""
        won: set[str] = self._kept.create_many([each for each in invitations if each.event_id not in self._bad])
        if any(each.event_id in self._bad for each in invitations):
            raise RuntimeError("too large")
        return won


def test_an_event_that_cannot_be_written_leaves_its_neighbours_alone() -> None:
    world = World()
    ports = replace(world.ports, invitations=Refusing(world.ports.invitations, {"ORD-2"}))
    handled = invite.handle_many(ports, [numbered(number) for number in range(5)], world.now)
    assert [str(each.error) for each in handled] == ["None", "None", "too large", "None", "None"]
    assert sorted(str(each.event_id) for each in world.memory.invitations.values()) == [
        f"ORD-{number}" for number in (0, 1, 3, 4)
    ]
    world.tell(*(numbered(number) for number in range(5)))
    assert len(world.memory.invitations) == 5
    assert {each.state for each in world.memory.invitations.values()} == {"sent"}


def test_where_nothing_works_not_each_event_is_tried() -> None:
    world = World()
    ports = replace(world.ports, invitations=Refusing(world.ports.invitations, {f"ORD-{n}" for n in range(9)}))
    handled = invite.handle_many(ports, [numbered(number) for number in range(9)], world.now)
    assert all(each.error for each in handled)
    assert len(world.memory.customers) == 9  # all were let rest with the batch, and are finished later
    world.tell(*(numbered(number) for number in range(9)))
    assert {each.state for each in world.memory.invitations.values()} == {"sent"}


def test_three_bad_events_take_no_good_one_with_them() -> None:
    world = World()
    ports = replace(world.ports, invitations=Refusing(world.ports.invitations, {"ORD-1", "ORD-2", "ORD-3"}))
    handled = invite.handle_many(ports, [numbered(number) for number in range(6)], world.now)
    assert [each.error is None for each in handled] == [True, False, False, False, True, True]


def test_a_batch_that_fails_costs_no_place_of_the_day() -> None:
    world = World()
    world.publish(organisation(programs=(program(daily_max=4, **AT_ONCE),)))
    calls = iter(range(9))

    def around(port: str, method: str, call: Any) -> Any:
        if f"{port}.{method}" == "customers.save_many" and next(calls) == 0:
            raise RuntimeError("the table is out of reach")
        return call()

    handled = invite.handle_many(gated(world.ports, around), [numbered(number) for number in range(4)], world.now)
    assert [each.error for each in handled] == [None] * 4
    assert [each.state for each in world.memory.invitations.values()] == ["scheduled"] * 4
    assert list(world.memory.places.values()) == [4]


def test_a_cancellation_in_the_same_batch_is_heard_whichever_comes_first() -> None:
    for order in (1, -1):
        world = World()
        late = cancelled(event={"source": "/crm", "id": "ORD-1"})
        batch(world, *[numbered(1), late, numbered(2)][::order])
        world.settle()
        assert sorted(str(each.reason) for each in world.memory.invitations.values()) == ["None", "cancelled"]
        assert world.sent == ["invitation"]


def counted(world: World) -> tuple[Ports, Counter[str]]:
    """Return the world's ports, and how often each of their calls is made."""
    calls: Counter[str] = Counter()

    def around(port: str, method: str, call: Any) -> Any:
        calls[f"{port}.{method}"] += 1
        return call()

    return gated(world.ports, around), calls


def test_a_batch_takes_as_many_calls_as_one_event() -> None:
    one, many = World(), World()
    for world in (one, many):
        world.publish(organisation(programs=(program(delay=DAY),)))
    (ports, of_one), (more, of_many) = counted(one), counted(many)
    invite.handle(ports, numbered(0), one.now)
    invite.handle_many(more, [numbered(number) for number in range(25)], many.now)
    assert of_many == of_one
    assert set(of_one.values()) == {1}


def asked_for(world: World) -> tuple[Ports, list[str]]:
    """Return the world's ports, and the ids that are looked up before anything is decided."""
    looked: list[str] = []

    class Looking:
        def __getattr__(self, name: str) -> Any:
            return getattr(world.ports.invitations, name)

        def get_many(self, ids: Sequence[str], *, consistent: bool = True) -> dict[str, Invitation]:
            looked.extend(ids)
            return world.ports.invitations.get_many(ids, consistent=consistent)

    return replace(world.ports, invitations=Looking()), looked


@pytest.mark.parametrize(
    ("since", "looks"),
    [(None, 4), (AGES_AGO, 2), (SALE_AT - DAY - timedelta(minutes=5), 4), (SALE_AT - DAY - timedelta(minutes=6), 2)],
)
def test_only_todays_programs_are_looked_up_unless_they_changed_since(since: datetime | None, looks: int) -> None:
    world = World()
    world.publish(organisation(programs_since=since, retired_programs=("once", "twice")))
    world.tell(sale())
    ports, looked = asked_for(world)
    invite.handle(ports, sale(), world.now)
    assert len(looked) == looks


def looked_up(world: World, raw: dict[str, Any]) -> int:
    """Return how many ids were looked up before an event was decided about."""
    ports, looked = asked_for(world)
    invite.handle(ports, raw, world.now)
    return len(looked)


def test_a_customer_who_remembers_every_decision_spares_the_look() -> None:
    world = World()
    world.publish(organisation(programs_since=AGES_AGO))
    assert looked_up(world, sale()) == 0
    assert looked_up(world, sale()) == 2
    assert looked_up(world, sale(reference="ORD-2", envelope={"id": "ORD-2"})) == 0
    assert looked_up(world, sale(reference="ORD-2", envelope={"id": "ORD-2"})) == 2


@pytest.mark.parametrize("days", [6, 8])
def test_what_happened_more_than_a_week_ago_is_looked_up(days: int) -> None:
    world = World()
    world.publish(organisation(programs_since=AGES_AGO))
    world.wait(days * DAY)
    assert looked_up(world, sale()) == (0 if days < 7 else 2)


@pytest.mark.parametrize("field", ["recent", "passed_over"])
@pytest.mark.parametrize(("many", "looks"), [(19, 0), (20, 2)])
def test_whoever_may_have_forgotten_a_decision_is_asked_about_it_in_the_table(
    field: str, many: int, looks: int
) -> None:
    world = World()
    world.publish(organisation(programs_since=AGES_AGO))
    world.tell(sale())
    (known,) = world.memory.customers.values()
    world.memory.customers[known.key] = known.model_copy(update={field: tuple(map(str, range(many)))})
    assert looked_up(world, sale(reference="ORD-2", envelope={"id": "ORD-2"})) == looks


def test_whoever_was_forgotten_is_looked_up() -> None:
    world = World()
    world.publish(organisation(programs_since=AGES_AGO))
    world.tell(sale())
    (known,) = world.memory.customers.values()
    world.memory.customers[known.key] = Customer(key=known.key, version=known.version + 1, erased_at=world.now)
    assert looked_up(world, sale()) == 2


def test_a_duplicate_that_comes_in_between_begins_no_second_rest() -> None:
    world = World()
    world.publish(organisation(programs_since=AGES_AGO, programs=(program(delay=DAY, rest_days=30),)))
    rests: list[Any] = []

    class Between:
        def __getattr__(self, name: str) -> Any:
            return getattr(world.ports.customers, name)

        def save_many(self, customers: Sequence[Customer]) -> set[str]:
            if not rests:
                invite.handle(world.ports, sale(), world.now - MINUTE)
                rests.extend(world.memory.customers.values())
            return world.ports.customers.save_many(customers)

    invite.handle(replace(world.ports, customers=Between()), sale(), world.now)
    assert [*world.memory.customers.values()] == rests


def test_a_late_duplicate_changes_nothing_though_programs_came_and_went() -> None:
    world = World()
    library = world.ports.library

    def put(*programs: Program) -> None:
        publication.publish(library, organisation(programs=programs), world.now)

    put(program(**AT_ONCE))
    world.tell(sale())
    before = world.memory.invitations.copy()
    for wait in (0 * DAY, 3 * DAY):
        for programs in [(program(id="new", **AT_ONCE),), (), (program(id="new", on=("ticket.closed",), **AT_ONCE),)]:
            world.wait(wait)
            put(*programs)
            world.tell(sale())
            assert world.memory.invitations.keys() == before.keys()


def test_what_nobody_asked_about_is_never_asked_about_by_programs_that_come_later() -> None:
    world = World()
    publication.publish(world.ports.library, organisation(programs=(program(on=("ticket.closed",)),)), world.now)
    world.wait(5 * DAY)
    raw = sale(envelope={"time": world.now.isoformat()})
    world.tell(raw)
    assert world.invitation.reason == "no_program"
    publication.publish(world.ports.library, organisation(programs=(program(**AT_ONCE),)), world.now)
    for _ in range(4):
        world.tell(raw)
        world.wait(DAY)
    assert world.invitation.reason == "no_program"
