"""What customers praise reaches who did it and their head, by mail once a week, and nobody else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.adapters.memory import MemoryCarrier
from chalicelib.domain.organisation import Organisation, Staff
from chalicelib.errors import CarrierRefused, CarrierUnclear
from chalicelib.flows import weekly
from chalicelib.ports import Mail
from tests.domain.cast import DAY, department, organisation, sale
from tests.world import World

MONDAY_9 = datetime(2026, 3, 9, 14, 0, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 9, 5, 0, tzinfo=UTC)  # the week begins, in Bogotá
MARTA = Staff(id="u-7", name="Marta Ruiz", email="marta@example.com", role="seller")
LUIS = Staff(id="u-8", name="Luis Paz", email="luis@example.com", role="seller")
WORDS = "Marta me llamó el mismo día."


class Faulty(MemoryCarrier):
    """Does not take the first mails of praise, as it is told."""

    errors: tuple[Exception, ...] = ()

    def mail(self, mail: Mail) -> str:
        if mail.tags["kind"] == "praise" and self.errors:
            first, *self.errors = self.errors  # type: ignore[assignment]  # one fewer
            raise first
        return super().mail(mail)


def company(*people: Staff, **more: Any) -> Organisation:
    sales = department("sales").model_copy(update={"people": people or (MARTA, LUIS)})
    return organisation(
        departments=(sales, department("logistics"), department("reception"), department("billing")), **more
    )


def shop(**more: Any) -> World:
    world = World()
    world.publish(company(**more))
    weekly.arm(world.ports, world.now)
    return world


def answered(world: World, rating: int = 10, words: str = WORDS, number: int = 1) -> str:
    before = set(world.memory.invitations)
    customer = {"id": f"c-{number}", "name": f"Ana {number}", "email": f"ana{number}@example.com"}
    world.tell(sale(envelope={"id": f"ORD-{number}", "time": world.now.isoformat()}, customer=customer))
    (id_,) = set(world.memory.invitations) - before
    said = {"praise": words} if words else {}
    world.answer(id_, rating, press="button", **said)
    return id_


def until(world: World, at: datetime) -> None:
    world.wait(at - world.now)


def told(world: World) -> dict[str, str]:
    """Who got which words, in mails of praise."""
    mails = [each for each in world.memory.sent if isinstance(each, Mail) and each.tags["kind"] == "praise"]
    assert all(len(each.to) == 1 for each in mails)
    assert len({each.to for each in mails}) == len(mails)
    return {each.to[0]: each.text for each in mails}


def test_who_did_it_and_their_head_read_it_as_the_week_opens_and_nobody_else() -> None:
    world = shop()
    answered(world)
    until(world, MONDAY_9 - timedelta(milliseconds=1))
    assert told(world) == {}
    until(world, MONDAY_9)
    assert told(world) == {"marta@example.com": WORDS, "head-sales@example.com": WORDS}
    until(world, MONDAY_9 + 14 * DAY)
    assert len(told(world)) == 2


@pytest.mark.parametrize(("rating", "words"), [(10, ""), (8, WORDS), (2, WORDS)])
def test_what_is_not_high_or_without_words_praises_nobody(rating: int, words: str) -> None:
    world = shop()
    answered(world, rating, words if rating == 10 else "")
    until(world, MONDAY_9)
    assert told(world) == {}


def test_praise_that_was_taken_back_by_then_is_told_to_nobody() -> None:
    world = shop()
    id_ = answered(world)
    world.answer(id_, 3, comment="Llegó roto.")
    until(world, MONDAY_9)
    assert told(world) == {}


@pytest.mark.parametrize(
    ("at", "week"), [(MIDNIGHT - timedelta(milliseconds=1), MONDAY_9), (MIDNIGHT, MONDAY_9 + 7 * DAY)]
)
def test_each_praise_is_told_in_the_week_after_its_own_and_once(at: datetime, week: datetime) -> None:
    world = shop()
    until(world, at)
    answered(world)
    until(world, week - timedelta(milliseconds=1))
    assert told(world) == {}
    until(world, week + 14 * DAY)
    assert set(told(world)) == {"marta@example.com", "head-sales@example.com"}


@pytest.mark.parametrize("lost", [CarrierRefused("slow down", permanent=False), CarrierUnclear("no reply")])
def test_what_the_carrier_did_not_take_is_tried_again(lost: Exception) -> None:
    world = shop()
    carrier = Faulty(world.memory)
    carrier.errors = (lost,)
    world.ports = replace(world.ports, carrier=carrier)
    answered(world)
    until(world, MONDAY_9)
    assert len(told(world)) == 1
    until(world, MONDAY_9 + timedelta(minutes=5))
    assert len(told(world)) == 2


def test_who_has_no_address_of_their_own_is_written_to_nowhere() -> None:
    world = World()
    world.publish(company(MARTA.model_copy(update={"email": None})))
    weekly.arm(world.ports, world.now)
    answered(world)
    until(world, MONDAY_9)
    assert set(told(world)) == {"head-sales@example.com"}


def test_a_company_that_wants_no_such_mails_sends_none() -> None:
    world = shop()
    answered(world)
    world.publish(company(tell_praise=False))
    until(world, MONDAY_9)
    assert told(world) == {}
    world.publish(company())
    weekly.arm(world.ports, world.now)
    answered(world, number=2)
    until(world, MONDAY_9 + 7 * DAY)
    assert set(told(world)) == {"marta@example.com", "head-sales@example.com"}


def test_who_left_the_company_hears_no_more() -> None:
    world = shop()
    answered(world)
    world.publish(company(LUIS))
    until(world, MONDAY_9)
    assert set(told(world)) == {"head-sales@example.com"}


def test_who_heads_two_departments_reads_of_both_in_one_mail() -> None:
    boss = Staff(id="boss", name="Boss", email="boss@example.com")
    departments = tuple(
        department(id_).model_copy(update={"head": boss}) for id_ in ("sales", "logistics", "billing", "reception")
    )
    world = World()
    world.publish(organisation(departments=departments))
    weekly.arm(world.ports, world.now)
    answered(world)
    world.wait(timedelta(hours=1))
    people = [{"id": "u-9", "name": "Wilson", "department": "logistics"}]
    world.tell(
        sale(
            envelope={"id": "D-1", "time": world.now.isoformat()},
            customer={"id": "c-2", "email": "b@example.com"},
            people=people,
        )
    )
    (other,) = [each.id for each in world.memory.invitations.values() if each.people[0].id == "u-9"]
    world.answer(other, 9, praise="Wilson ayudó a bajar todo.")
    until(world, MONDAY_9)
    assert told(world) == {"boss@example.com": f"Wilson ayudó a bajar todo.; {WORDS}"}
