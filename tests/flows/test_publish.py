"""What was written is told to other programs: at least once, in the end, or laid aside with a reason."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from chalicelib.domain.case import Move
from chalicelib.domain.customer import Address, Customer, Past
from chalicelib.domain.organisation import Webhook
from chalicelib.domain.outgoing import RETRY_AFTER, Origin, Post
from chalicelib.errors import CarrierRefused, CarrierUnclear, Overloaded
from chalicelib.flows import collect, protect, publish, recover
from chalicelib.ports import Customers, Principal, Write
from tests.domain.cast import organisation, sale
from tests.world import World

HERE = Origin("/lazo/test", "https://lazo.example")
CARLA = Principal(id="carla@example.com", role="admin", name="Carla")
CRM = Webhook(id="crm", url="https://crm.example.com/lazo")
TEAM = Webhook(id="team", url="https://hooks.example.com/x", kinds=("case.opened",), format="slack")


@dataclass
class Watched:
    """Customers whose writes are remembered, as the table's stream does."""

    kept: Customers
    writes: list[tuple[Customer | None, Customer]] = field(default_factory=list)

    def get(self, key: str, *, consistent: bool = True) -> Customer | None:
        return self.kept.get(key)

    def get_many(self, names: list[str]) -> dict[str, Customer]:
        return self.kept.get_many(names)

    def several(
        self, names: Sequence[str], addresses: Sequence[str], *, consistent: bool = True
    ) -> tuple[dict[str, Customer], dict[str, Address]]:
        return self.kept.several(names, addresses)

    def address(self, key: str) -> Address | None:
        return self.kept.address(key)

    def save(self, customer: Customer) -> None:
        before = self.kept.get(customer.key)
        self.kept.save(customer)
        self.writes.append((before, customer))

    def save_address(self, address: Address) -> None:
        self.kept.save_address(address)

    def save_many(self, customers: Sequence[Customer]) -> set[str]:
        before = self.kept.get_many([each.key for each in customers])
        lost = self.kept.save_many(customers)
        self.writes += [(before.get(each.key), each) for each in customers if each.key not in lost]
        return lost

    def save_addresses(self, addresses: Sequence[Address]) -> set[str]:
        return self.kept.save_addresses(addresses)

    def put_away(self, pasts: Sequence[Past]) -> None:
        self.kept.put_away(pasts)

    def past(self, key: str) -> tuple[str, ...]:
        return self.kept.past(key)


@dataclass
class Told:
    """A world whose stream is published."""

    world: World = field(default_factory=World)
    read: int = 0

    def __post_init__(self) -> None:
        self.people = Watched(self.world.ports.customers)
        self.world.ports = replace(self.world.ports, customers=self.people)  # type: ignore[arg-type]  # lists will do
        self.world.publish(organisation(webhooks=(CRM, TEAM)))

    def writes(self) -> list[Write]:
        """Return what the stream has told of so far."""
        items = [Write(change.sequence, change.old, change.new) for change in self.world.memory.changes]
        return items + [Write(str(place), *sides) for place, sides in enumerate(self.people.writes)]

    def publish(self) -> publish.Published:
        return publish.publish(self.world.ports, self.writes(), HERE)

    def post_all(self) -> None:
        """Make every post that waits, as its queue would once."""
        posts, self.world.memory.posts[:] = [post for post, _ in self.world.memory.posts], []
        for post in posts:
            publish.post(self.world.ports, post, HERE, self.world.now)

    @property
    def announced(self) -> list[str]:
        return [event.type for event in self.world.memory.announced]


def answered(rating: int = 2, **fields: str) -> Told:
    told = Told()
    told.world.tell(sale())
    told.world.answer(told.world.invitation.id, rating, press="button", **fields)
    return told


def move(told: Told, verb: str, **needs: str) -> None:
    world = told.world
    wanted = Move.model_validate({"verb": verb, "by": CARLA.id, **needs})
    recover.act(world.ports, world.case.id, world.case.version, wanted, CARLA, world.now)
    world.settle()


def test_a_case_is_told_from_its_opening_to_its_end_in_order() -> None:
    told = answered(2, failed="late")
    move(told, "acknowledge")
    move(told, "comment", text="la llamo hoy")
    move(told, "resolve", root_cause="carrier", action="enviamos otra")
    told.publish()
    events = told.world.memory.announced
    assert sorted(set(told.announced)) == ["case.moved", "case.opened", "case.resolved", "response.confirmed"]
    cases = [event for event in events if event.type.startswith("case.")]
    assert [event.data["move"] for event in cases] == ["opened", "acknowledge", "comment", "resolve"]
    assert [event.data["version"] for event in cases] == [1, 2, 3, 4]
    assert cases[-1].data["root_cause"] == "carrier"
    for event in events:
        assert event.source == "/lazo/test"
        assert event.data["reference"] == "ORD-10045"
        assert event.data["event"] == {"source": "/crm", "id": "ORD-10045"}
        assert event.data["customer"] == {"id": "c-981"}


def test_the_same_batch_again_tells_the_same_under_the_same_ids() -> None:
    told = answered(2)
    told.publish()
    first = list(told.world.memory.announced)
    told.publish()
    assert told.world.memory.announced == first * 2


def test_a_webhook_gets_the_kinds_that_it_asked_for() -> None:
    told = answered(2)
    assert told.publish() == publish.Published(events=2, posts=3, untold=0)
    told.post_all()
    assert [(id_, event.type) for id_, event in told.world.memory.posted] == [
        ("crm", "response.confirmed"),
        ("crm", "case.opened"),
        ("team", "case.opened"),
    ]


def test_who_wants_no_more_surveys_is_told_to_the_crm() -> None:
    told = answered(9)
    collect.stop(told.world.ports, told.world.invitation.id, told.world.now)
    told.publish()
    event = told.world.memory.announced[-1]
    assert (event.type, event.subject, event.data["customer"]) == ("customer.opted_out", "c-981", {"id": "c-981"})
    assert event.data["reference"] == "ORD-10045"


def test_an_answer_that_waits_for_its_confirmation_is_not_told_before() -> None:
    told = Told()
    told.world.tell(sale())
    told.world.answer(told.world.invitation.id, 2, press="unvouched")
    told.publish()
    assert told.announced == []
    told.world.wait(timedelta(seconds=120))
    told.publish()
    assert sorted(told.announced) == ["case.opened", "response.confirmed"]


def test_whoever_was_erased_meanwhile_is_named_to_nobody() -> None:
    told = answered(2)
    told.publish()
    protect.erase(told.world.ports, told.world.invitation.id, told.world.now)
    told.post_all()
    assert len(told.world.memory.posted) == 3
    for _, event in told.world.memory.posted:
        assert (event.data["customer"], event.data["reference"], event.data["event"]) == (None, None, None)
    before = len(told.announced)
    told.world.memory.announced.clear()
    told.publish()
    assert len(told.announced) == before  # the erasure itself tells nothing


def test_a_record_that_nobody_can_read_holds_up_no_other() -> None:
    told = answered(9)
    writes = [Write("1", readable=False), *told.writes(), Write("2")]
    assert publish.publish(told.world.ports, writes, HERE) == publish.Published(events=1, posts=1, untold=1)


def test_a_batch_that_the_bus_does_not_take_comes_again() -> None:
    told = answered(9)

    class Full:
        def announce(self, events: object) -> None:
            raise Overloaded("1 events were not taken: ThrottlingException")

    ports = replace(told.world.ports, outlet=Full())  # type: ignore[arg-type]  # the rest is never reached
    with pytest.raises(Overloaded):
        publish.publish(ports, told.writes(), HERE)
    assert told.world.memory.posts == []
    told.publish()
    assert told.announced == ["response.confirmed"]


# Posts that are not taken


def failing(*errors: Exception) -> tuple[Told, Post]:
    told = answered(9)
    told.publish()
    ((post, after),) = told.world.memory.posts
    assert after == timedelta(0)
    told.world.memory.refusals.extend(errors)  # type: ignore[arg-type]  # all are ours
    told.post_all()
    return told, post


@pytest.mark.parametrize("error", [CarrierRefused("answered 503", permanent=False), CarrierUnclear("TimeoutError")])
def test_a_post_that_was_not_taken_is_tried_again_a_few_seconds_later(error: Exception) -> None:
    told, post = failing(error)
    ((later, after),) = told.world.memory.posts
    assert later.not_before
    assert (later.tried, later.what) == (1, post.what)
    assert timedelta(seconds=4) <= after <= timedelta(seconds=6)
    told.world.now = later.not_before
    told.post_all()
    assert [id_ for id_, _ in told.world.memory.posted] == ["crm"]
    assert told.world.memory.posts == []


def test_one_that_comes_before_its_time_is_put_back_for_what_is_left() -> None:
    told, _ = failing(CarrierUnclear("TimeoutError"))
    ((later, _),) = told.world.memory.posts
    assert later.not_before
    told.world.now = later.not_before - timedelta(milliseconds=1)
    told.post_all()
    assert told.world.memory.posts == [(later, timedelta(milliseconds=1))]
    assert told.world.memory.posted == []


def test_one_that_is_never_taken_is_laid_aside_after_a_day_with_the_last_reason() -> None:
    told, post = failing(*[CarrierRefused(f"answered {500 + n}", permanent=False) for n in range(11)])
    tries = 1
    while told.world.memory.posts:
        ((later, _),) = told.world.memory.posts
        assert later.not_before
        told.world.now = later.not_before
        told.post_all()
        tries += 1
    assert tries == 1 + len(RETRY_AFTER) == 11
    ((lost, reason),) = told.world.memory.given_up
    assert (lost.what, reason) == (post.what, "answered 510")


def test_one_that_says_it_is_gone_is_laid_aside_at_once() -> None:
    told, post = failing(CarrierRefused("410: wants no more events", permanent=True))
    assert told.world.memory.given_up == [(post, "410: wants no more events")]
    assert told.world.memory.posts == []


def test_what_waits_for_a_webhook_that_is_no_longer_in_the_file_is_dropped() -> None:
    told = answered(9)
    told.publish()
    told.world.publish(organisation())
    told.post_all()
    assert not told.world.memory.posted
    assert not told.world.memory.posts
    assert not told.world.memory.given_up
