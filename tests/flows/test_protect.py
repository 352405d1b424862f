"""Whoever asks to be forgotten is forgotten in every decision, however many there were, wherever somebody died."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.customer import PUT_AWAY_AT, RECENT_MAX
from chalicelib.errors import Conflict
from chalicelib.flows import invite, protect
from chalicelib.ports import Ports
from tests.domain.cast import organisation, program, sale
from tests.simulation.faults import gated
from tests.world import World

ANA = {"id": "c-981", "name": "Ana Luisa", "email": "ana@example.com"}
AT_ONCE: dict[str, Any] = {"delay": timedelta(0), "hours": {"daily": ["00:00-24:00"]}}
FULL = RECENT_MAX + PUT_AWAY_AT


class Death(BaseException):
    """The process is no more."""


def bought(number: int) -> dict[str, Any]:
    return sale(customer=ANA, reference=f"ORD-{number}", envelope={"id": f"ORD-{number}"})


def world_after(sales: int, *, rest_days: int) -> World:
    """Return a world in which Ana bought so often; asked each time, or once and then left in peace."""
    world = World()
    world.publish(organisation(programs=(program(**AT_ONCE, rest_days=rest_days),)))
    world.tell(*map(bought, range(sales)))
    return world


def everything(world: World) -> str:
    memory = world.memory
    stores = (memory.invitations, memory.customers, memory.addresses, memory.pasts, memory.cases, memory.early)
    return "".join(each.model_dump_json() for store in stores for each in store.values())


def forgets_all(world: World) -> None:
    for personal in ("ORD-", "Ana", "ana@example.com", "c-981"):
        assert personal not in everything(world)
    (customer,) = world.memory.customers.values()
    assert customer.erased_at


@pytest.mark.parametrize("rest_days", [0, 30])
@pytest.mark.parametrize("sales", [1, 19, 20, 21, FULL - 1, FULL, FULL + 1, 41, 2 * FULL + 1])
def test_every_decision_is_found_and_stripped(sales: int, rest_days: int) -> None:
    world = world_after(sales, rest_days=rest_days)
    assert len(world.memory.invitations) == sales
    protect.erase(world.ports, next(iter(world.memory.invitations)), world.now)
    forgets_all(world)


@pytest.mark.parametrize("sales", [20, 41])
def test_an_operator_finds_as_much(sales: int) -> None:
    world = world_after(sales, rest_days=30)
    protect.forget(world.ports, world.ports.names.customer("c-981"), world.now)
    forgets_all(world)


def test_a_copy_holds_what_was_put_away_too() -> None:
    world = world_after(41, rest_days=30)
    _, told = protect.stored(world.ports, next(iter(world.memory.invitations)))
    assert {each.reference for each in told} == {f"ORD-{number}" for number in range(41)}


@pytest.mark.parametrize(("sales", "writes"), [(FULL - 1, 0), (FULL, 1), (FULL + 1, 1), (60, 4)])
def test_what_is_put_away_goes_ten_at_a_time(sales: int, writes: int) -> None:
    world = world_after(sales, rest_days=0)
    (customer,) = world.memory.customers.values()
    assert len(world.memory.pasts) == writes
    assert RECENT_MAX <= len(customer.recent) < FULL
    put_away = [id_ for past in world.memory.pasts.values() for id_ in past.decisions]
    assert sorted((*customer.recent, *put_away)) == sorted(world.memory.invitations)


def dying(world: World, at: int, *, applied: bool) -> Ports:
    """Return ports on which the process dies before or after one of its calls."""
    left = [None] * at

    def around(port: str, called: str, call: Any) -> Any:
        if left:
            left.pop()
            return call()
        if applied:
            call()
        raise Death

    return gated(world.ports, around)


@pytest.mark.parametrize("applied", [False, True])
@pytest.mark.parametrize("rest_days", [0, 30])
def test_whoever_dies_while_putting_away_loses_nobody(rest_days: int, applied: bool) -> None:
    before = world_after(FULL if rest_days else FULL - 1, rest_days=rest_days)
    for at in range(100):
        world = before.twin()
        try:
            invite.handle(dying(world, at, applied=applied), bought(99), world.now)
        except Death:
            protect.forget(world.ports, world.ports.names.customer("c-981"), world.now)
            forgets_all(world)
            world.tell(bought(99))
            forgets_all(world)
        else:
            assert at > 3
            return
    raise AssertionError("it never ends")


@pytest.mark.parametrize("applied", [False, True])
def test_whoever_dies_while_forgetting_is_followed_by_one_who_ends_it(applied: bool) -> None:
    before = world_after(41, rest_days=30)
    id_ = next(iter(before.memory.invitations))
    for at in range(0, 1_000, 7):
        world = before.twin()
        try:
            protect.erase(dying(world, at, applied=applied), id_, world.now)
        except Death:
            protect.erase(world.ports, id_, world.now)
            forgets_all(world)
        else:
            assert at > 41
            return
    raise AssertionError("it never ends")


def test_who_is_forgotten_between_a_stamp_and_its_record_keeps_no_reference() -> None:
    """The erasure read the customer with the stamp, and looked for a record that was written a moment later."""
    world = world_after(3, rest_days=0)
    forgotten: list[bool] = []

    def around(port: str, called: str, call: Any) -> Any:
        # Here the stamp is written and the record is not: the erasure is whole before it is.
        if called == "create_many" and not forgotten:
            forgotten.append(True)
            protect.forget(world.ports, world.ports.names.customer("c-981"), world.now)
        return call()

    invite.handle(gated(world.ports, around), bought(3), world.now)
    world.settle()
    forgets_all(world)
    assert world.sent == ["invitation"] * 3


def test_a_late_event_about_somebody_forgotten_is_recorded_without_its_names() -> None:
    world = world_after(1, rest_days=0)
    protect.erase(world.ports, next(iter(world.memory.invitations)), world.now)
    world.tell(bought(7), bought(7))
    forgets_all(world)
    assert [each.reason for each in world.memory.invitations.values()] == [None, "erased"]


def test_whatever_else_speaks_against_asking_somebody_forgotten() -> None:
    world = world_after(1, rest_days=0)
    protect.erase(world.ports, next(iter(world.memory.invitations)), world.now)
    world.publish(organisation(programs=(program(**AT_ONCE, when={"region": ["Cali"]}),)))
    world.tell(bought(7))
    forgets_all(world)
    assert [each.reason for each in world.memory.invitations.values()] == [None, "rule"]


def test_whoever_is_asked_while_being_forgotten_puts_away_what_is_found_again() -> None:
    """An event came between the erasure's reads and its last write, and put ten decisions away."""
    world = world_after(FULL - 1, rest_days=0)
    raced: list[bool] = []

    def around(port: str, called: str, call: Any) -> Any:
        if f"{port}.{called}" == "customers.save" and not raced:
            raced.append(True)
            world.tell(bought(99))
        return call()

    protect.forget(gated(world.ports, around), world.ports.names.customer("c-981"), world.now)
    forgets_all(world)
    assert world.memory.pasts


def test_a_conflict_over_the_customer_leaves_what_was_put_away() -> None:
    world = world_after(FULL - 1, rest_days=0)
    lost: list[bool] = []

    def around(port: str, called: str, call: Any) -> Any:
        if called == "save_many" and port == "customers" and not lost:
            lost.append(True)
            raise Conflict("somebody else was first")
        return call()

    with pytest.raises(Conflict):
        invite.handle(gated(world.ports, around), bought(99), world.now)
    world.tell(bought(99))
    assert len(world.memory.pasts) == 1
    protect.forget(world.ports, world.ports.names.customer("c-981"), world.now)
    forgets_all(world)
