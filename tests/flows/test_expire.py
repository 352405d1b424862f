"""What has been kept long enough goes, words before names; what is counted stays, and so does consent."""

import contextlib
import copy
import dataclasses
from datetime import timedelta
from typing import Any, cast

import pytest
from pydantic import ValidationError

from chalicelib.domain.case import Case, Move
from chalicelib.domain.dayfile import KEPT
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.organisation import Retention
from chalicelib.domain.retention import WHATS
from chalicelib.errors import LazoError, Overloaded
from chalicelib.flows import collect, expire, file, project, recover, work
from chalicelib.ports import DayFile, DayFiles, DueKey, Ports, Principal
from tests.counting import company
from tests.domain.cast import DAY, sale
from tests.simulation.faults import gated
from tests.world import World

WORDS, PEOPLE = 100, 200
BRUNO = Principal(id="bruno", role="department", name="Bruno", department="logistics")
ADMIN = Principal(id="admin", role="admin", name="Admin")


@pytest.fixture
def world() -> World:
    """A company that keeps words for 100 days and people for 200, and has sold nothing yet."""
    made = World()
    kept = Retention(words=WORDS * DAY, people=PEOPLE * DAY)
    asking = company()
    made.publish(asking.model_copy(update={"retention": kept, "programs": asking.programs[:1]}))
    expire.arm(made.ports, made.now)
    return made


def sold(world: World, number: int, rating: int | None = None, **said: Any) -> str:
    """Sell something to customer number `number`, and let them answer."""
    customer = {"id": f"c-{number}", "name": f"Cliente {number}", "email": f"c{number}@example.com"}
    order = f"ORD-{number}-{len(world.memory.invitations)}"
    world.tell(sale(customer=customer, reference=order, envelope={"id": order, "time": world.now.isoformat()}))
    asked = next(each for each in world.memory.invitations.values() if each.reference == order)
    if rating is not None:
        world.answer(asked.id, rating, **said)
    return asked.id


def filed(world: World) -> None:
    """Write what the stream tells into day files, in several files."""
    changes, done = world.memory.changes, 0
    while done < len(changes):
        file.tell(world.ports, changes[done : done + 7])
        file.write(world.ports, world.memory.handed_over)
        world.memory.handed_over.clear()
        done += 7


def days(world: World, count: int) -> None:
    """Let days pass: each day retention is looked at, and what it hands to the workers is done."""
    for _ in range(count):
        world.now += DAY
        swept(world)


def swept(world: World) -> None:
    """Do what is due and what was handed on, until nothing is."""
    for _ in range(1_000):
        keys = [*world.memory.nudged, *world.ports.timers.due(world.now, 1_000)]
        world.memory.nudged.clear()
        if not keys:
            return
        for key in keys:
            work.take(world.ports, key, world.now)
    raise AssertionError("it never comes to rest")


def everything(world: World) -> str:
    """All that is kept, as text."""
    memory = world.memory
    kept = [memory.invitations, memory.cases, memory.entries, memory.customers, memory.addresses, memory.day_files]
    return repr(kept)


def mended(world: World, id_: str) -> None:
    """Let logistics pick up a case, say something, and mend it."""
    moves = [
        Move(verb="acknowledge", by=BRUNO.name),
        Move(verb="comment", by=BRUNO.name, text="Wilson se perdió"),
        Move(verb="resolve", by=BRUNO.name, root_cause="wrong_address", action="Le llevamos todo a Cliente 1"),
    ]
    for each in moves:
        case = world.ports.cases.get(id_)
        assert case
        recover.act(world.ports, id_, case.version, each, ADMIN, world.now)
    world.settle()


def counted(world: World) -> dict[Any, Any]:
    """Let the counters follow the stream; return them, which equal a recount."""
    last = max((int(each) for each in world.memory.checkpoints.values()), default=0)
    project.project(world.ports, world.memory.changes[last:], "shard", world.now)
    items: list[Invitation | Case] = [*world.memory.invitations.values(), *world.memory.cases.values()]
    assert project.reconcile(world.ports, items).differences == ()
    return copy.deepcopy(world.memory.rollups)


def test_words_go_first_then_names_and_no_counter_moves(world: World) -> None:
    low = sold(world, 1, 2, failed="late", comment="Llegó tarde y rota")
    high = sold(world, 2, 9, comment="Todo muy bien")
    silent = sold(world, 3)
    mended(world, low)
    filed(world)
    before = counted(world)

    days(world, WORDS - 1)
    assert "Llegó tarde" in everything(world)
    days(world, 3)
    kept = everything(world)
    for words in ("Llegó tarde", "Todo muy bien", "Wilson se perdió", "Le llevamos todo"):
        assert words not in kept
    assert "c1@example.com" in kept
    assert "ORD-2" in kept
    assert counted(world) == before

    days(world, PEOPLE - WORDS)
    kept = everything(world)
    for name in ("Cliente", "@example.com", "ORD-", "c-1'"):
        assert name not in kept, name
    found = world.memory.invitations
    ratings = {id_: answer.rating for id_, each in found.items() if (answer := each.confirmed)}
    assert (ratings, found[silent].confirmed) == ({low: 2, high: 9}, None)
    assert counted(world) == before


def test_whoever_buys_again_is_known_until_their_last_purchase_is_old_enough(world: World) -> None:
    first = sold(world, 1)
    filed(world)
    days(world, 150)
    sold(world, 1)
    filed(world)
    days(world, PEOPLE - 140)
    (customer,) = world.memory.customers.values()
    assert world.memory.invitations[first].reference is None
    assert customer.email == "c1@example.com"
    days(world, 160)
    (customer,) = world.memory.customers.values()
    assert (customer.id, customer.name, customer.email, customer.decisions) == (None, None, None, ())


def test_who_wanted_no_more_surveys_is_not_asked_however_much_was_forgotten(world: World) -> None:
    collect.stop(world.ports, sold(world, 1), world.now)
    filed(world)
    days(world, PEOPLE + 2)
    (customer,) = world.memory.customers.values()
    assert (customer.email, customer.opted_out_how) == (None, "link")
    again = sold(world, 1)
    assert world.memory.invitations[again].reason == "opted_out"


def test_an_open_case_keeps_its_words_until_a_month_after_it_was_mended(world: World) -> None:
    id_ = sold(world, 1, 2, failed="late", comment="Llegó tarde y rota")
    filed(world)
    days(world, WORDS + 2)
    assert "Llegó tarde y rota" in everything(world)
    mended(world, id_)
    filed(world)
    days(world, 32)
    assert "Llegó tarde y rota" not in everything(world)


def test_a_list_that_is_longer_than_one_look_is_gone_through_to_its_end(world: World) -> None:
    for number in range(11):
        sold(world, number, 9, comment=f"palabra {number}")
    file.tell(world.ports, world.memory.changes)
    file.write(world.ports, world.memory.handed_over)
    world.now += (WORDS + 2) * DAY
    looks = 0
    while world.ports.timers.next_at(world.now) and looks < 30:
        looks += 1
        for what in WHATS:
            expire.look(world.ports, what, world.now, most=2)
        assert sum(key.kind == "words" for key in world.memory.nudged) <= 2
        for key in [key for key in world.memory.nudged if key.kind == "words"]:
            work.take(world.ports, key, world.now)
        world.memory.nudged.clear()
    assert looks == 7  # six with two at most, and one that finds nothing more
    assert "palabra" not in everything(world)


def test_what_the_queue_did_not_take_is_handed_on_again(world: World) -> None:
    sold(world, 1, 9, comment="palabra")
    filed(world)
    world.now += (WORDS + 2) * DAY

    def around(port: str, method: str, call: Any) -> Any:
        if method == "hand_on":
            raise Overloaded("1 messages were not taken")
        return call()

    with pytest.raises(Overloaded):
        work.take(gated(world.ports, around), DueKey("keeping", "words"), world.now)
    days(world, 1)
    assert "palabra" not in everything(world)


@pytest.mark.parametrize("dies_at", range(14))
def test_whoever_dies_at_any_write_is_followed_by_one_who_ends_it(world: World, dies_at: int) -> None:
    low = sold(world, 1, 2, failed="late", comment="Llegó tarde y rota")
    mended(world, low)
    filed(world)
    before = counted(world)
    days(world, PEOPLE - 1)
    world.now += 3 * DAY
    ports, mortal = world.ports, Mortal(dies_at)
    for what in WHATS:
        with contextlib.suppress(Death):
            work.take(mortal.ports(ports), DueKey(what, low), world.now)
    days(world, 3)
    assert not any(words in everything(world) for words in ("Llegó tarde", "Wilson", "@example.com", "ORD-"))
    assert counted(world) == before


def test_the_same_hint_again_writes_nothing(world: World) -> None:
    id_ = sold(world, 1, 9, comment="Bien")
    filed(world)
    days(world, PEOPLE + 2)
    written = len(world.memory.changes)
    for what in WHATS:
        work.take(world.ports, DueKey(what, id_), world.now)
        work.take(world.ports, DueKey(what, "nobody"), world.now)
    assert len(world.memory.changes) == written


def test_a_look_that_fails_comes_again_later_and_is_counted(world: World) -> None:
    class Broken:
        def of_days(self, kind: str, first: str, end: str) -> list[DayFile]:
            raise LazoError("the bucket is not there")

    sold(world, 1)
    world.now += 31 * DAY
    with pytest.raises(LazoError):
        work.take(
            dataclasses.replace(world.ports, day_files=cast(DayFiles, Broken())), DueKey("keeping", "words"), world.now
        )
    held = world.ports.library.keeping("words")
    assert held
    assert (held.due_at, held.faults) == (world.now + timedelta(hours=1), 1)


def test_arming_again_changes_nothing(world: World) -> None:
    assert expire.arm(world.ports, world.now + DAY) == 0


def test_lists_are_read_by_retention_alone(world: World) -> None:
    sold(world, 1)
    filed(world)
    (listed,) = (lines for name, lines in world.memory.day_files.items() if name.startswith(f"{KEPT}/"))
    assert [line.text for line in listed] == [f'{{"id":"{listed[0].id}","version":1}}']


@pytest.mark.parametrize(("words", "people"), [(89, 365), (365, 364), (0, 0)])
def test_what_is_kept_too_short_is_refused(words: int, people: int) -> None:
    with pytest.raises(ValidationError, match="words must be kept for 90d"):
        Retention(words=words * DAY, people=people * DAY)
    assert Retention(words=90 * DAY, people=90 * DAY)


class Death(Exception):
    """The process ends."""


class Mortal:
    """Lets a process die just before its n-th write."""

    def __init__(self, dies_at: int) -> None:
        self.left = dies_at

    def ports(self, ports: Ports) -> Ports:
        """Return the same ports, each write of which may be the last."""
        kinds = ("invitations", "cases", "customers", "library")
        return dataclasses.replace(ports, **{kind: Watched(getattr(ports, kind), self) for kind in kinds})


class Watched:
    """One port, whose writes count."""

    def __init__(self, port: Any, mortal: Mortal) -> None:
        self._port, self._mortal = port, mortal

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("save", "forget")):
            self._mortal.left -= 1
            if self._mortal.left < 0:
                raise Death
        return getattr(self._port, name)
