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


def cancelled_by_reference(number: int) -> dict[str, Any]:
    data = {"reference": f"ORD-{number}", "customer": {"id": "c-981"}}
    return {**sale(), "id": f"X-{number}", "type": "sale.cancelled", "data": data}


def delivered(number: int, id_: str = "D-1") -> dict[str, Any]:
    data = {"event": {"source": "/crm", "id": f"ORD-{number}"}, "kind": "delivery", "fulfilled": "2026-03-09T15:00:00Z"}
    return {**sale(), "id": id_, "type": "promise.fulfilled", "data": data}


PIA = {"id": "c-990", "role": "user", "email": "pia@example.com"}


def world_with_news(*contacts: dict[str, str]) -> World:
    """Return a world in which news of Ana's order is kept, and of her contacts' too."""
    world = World()
    world.publish(organisation(programs=(program(**AT_ONCE), program(id="use", contact="user", **AT_ONCE))))
    event = bought(1)
    event["data"]["contacts"] = list(contacts)
    world.tell(event, delivered(1))
    assert ("ORD-1" in news_of(world)) is bool(contacts)
    assert any(promise.fulfilled for each in world.memory.invitations.values() for promise in each.promises)
    return world


def news_of(world: World) -> str:
    return "".join(each.model_dump_json() for each in world.memory.early.values())


def test_no_news_names_an_event_of_somebody_forgotten() -> None:
    world = world_with_news()
    protect.forget(world.ports, world.ports.names.customer("c-981"), world.now)
    forgets_all(world)
    (promise,) = world.invitation.promises
    assert str(promise.fulfilled) == "2026-03-09 15:00:00+00:00"  # counted, and it leads to nobody


def test_news_that_comes_afterwards_names_no_event_either() -> None:
    world = world_after(1, rest_days=0)
    protect.forget(world.ports, world.ports.names.customer("c-981"), world.now)
    world.tell(delivered(0), cancelled_by_reference(0))
    forgets_all(world)
    world.tell(delivered(5, "D-5"), bought(5))  # of an event that is still to come nobody knows whom it is about
    forgets_all(world)


@pytest.mark.parametrize("first", ["c-981", "c-990"])
def test_news_of_an_event_goes_with_the_last_whom_it_was_about(first: str) -> None:
    world = world_with_news(PIA)
    second = {"c-981": "c-990", "c-990": "c-981"}[first]
    protect.forget(world.ports, world.ports.names.customer(first), world.now)
    assert "ORD-1" in news_of(world)
    protect.forget(world.ports, world.ports.names.customer(second), world.now)
    assert '"D-1"' not in news_of(world)


@pytest.mark.parametrize("applied", [False, True])
def test_whoever_dies_between_news_and_record_is_followed_by_one_who_ends_both(applied: bool) -> None:
    before = world_with_news()
    key = before.ports.names.customer("c-981")
    for at in range(100):
        world = before.twin()
        try:
            protect.forget(dying(world, at, applied=applied), key, world.now)
        except Death:
            protect.forget(world.ports, key, world.now)
            forgets_all(world)
        else:
            assert at > 8
            return
    raise AssertionError("it never ends")


def test_news_that_comes_during_the_erasure_names_nothing_afterwards() -> None:
    for at in range(40):
        world, calls = world_with_news(), [0]

        def around(
            port: str, called: str, call: Any, world: World = world, calls: list[int] = calls, at: int = at
        ) -> Any:
            calls[0] += 1
            if calls[0] == at:
                world.tell(delivered(1, "D-2"))
            return call()

        protect.forget(gated(world.ports, around), world.ports.names.customer("c-981"), world.now)
        world.settle()
        forgets_all(world)


def test_news_is_kept_no_longer_than_the_people_it_is_about() -> None:
    world = world_with_news(PIA)
    days = world.ports.library.organisation().retention.people
    assert {each.kept_until for each in world.memory.early.values()} == {world.now + days}
