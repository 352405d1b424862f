"""What failed about somebody who was forgotten leaves the dead letters; what failed about others stays, whole."""

import json
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.errors import Overloaded
from chalicelib.flows import invite, letters, protect, work
from chalicelib.ports import LETTERS, Letter
from tests.domain.cast import organisation, program, sale
from tests.simulation.faults import gated
from tests.world import World

ANA = {"id": "c-981", "name": "Ana Luisa", "email": "ana@example.com", "phone": "+573001234567"}
PIA = {"id": "c-990", "name": "Pia Sol", "email": "pia@example.com", "phone": "+573007654321"}
PERSONAL = ("Ana", "ana@", "c-981", "3001234567", "ORD-")
AT_ONCE: dict[str, Any] = {"delay": timedelta(0), "rest_days": 0}


def bought(number: int, customer: dict[str, str] = ANA, **more: Any) -> dict[str, Any]:
    return sale(customer=customer, reference=f"ORD-{number}", envelope={"id": f"ORD-{number}"}, **more)


@pytest.fixture
def world() -> World:
    """Ana and Pia were asked once each, and then Ana was forgotten."""
    world = World()
    world.publish(organisation(programs=(program(**AT_ONCE), program(id="use", contact="user", **AT_ONCE))))
    world.tell(bought(1), bought(2, PIA))
    protect.forget(world.ports, world.ports.names.customer("c-981"), world.now)
    return world


def failed(world: World, *raws: object) -> None:
    world.memory.failed_events.extend(Letter(raw, str(place)) for place, raw in enumerate(raws))


def reported(world: World, *reports: object) -> None:
    world.memory.failed_reports.extend(Letter(report, str(place)) for place, report in enumerate(reports))


def left(world: World) -> list[object]:
    return [each.said for each in (*world.memory.failed_events, *world.memory.failed_reports)]


def is_nameless(world: World) -> bool:
    return not [name for name in PERSONAL for body, reason in world.memory.refused if name in body or name in reason]


def text(phone: str, words: str) -> dict[str, str]:
    return {"originationNumber": phone, "messageBody": words, "inboundMessageId": "in-1"}


def bounce(invitation: str | None, address: str) -> dict[str, Any]:
    mail = {"messageId": "m-1", "destination": [address], "tags": {"invitation": [invitation] if invitation else []}}
    hard = {"bounceType": "Permanent", "bouncedRecipients": [{"emailAddress": address}]}
    return {"eventType": "Bounce", "mail": mail, "bounce": hard}


def broken(world: World, *called: str, error: Exception) -> Any:
    """Return ports on which some calls fail."""

    def around(port: str, name: str, call: Any) -> Any:
        if f"{port}.{name}" in called:
            raise error
        return call()

    return gated(world.ports, around)


def test_an_event_about_somebody_forgotten_is_recorded_as_erased(world: World) -> None:
    failed(world, bought(3), bought(4, PIA), bought(5, PIA, contacts=[{**ANA, "role": "user"}]))
    letters.look(world.ports, world.now)
    world.settle()
    assert left(world) == [bought(4, PIA)]
    assert not world.memory.refused
    reasons = sorted(each.reason or "asked" for each in world.memory.invitations.values())
    assert reasons == ["asked", "asked", "asked", "erased", "erased"]


def test_news_of_an_event_is_about_whom_that_event_was_about(world: World) -> None:
    of_hers = {"event": {"source": "/crm", "id": "ORD-1"}}
    of_pias = {"event": {"source": "/crm", "id": "ORD-2"}}
    by_name = {"reference": "ORD-1", "customer": {"id": "c-981"}}
    news = [
        {**sale(), "id": f"N-{place}", "type": "sale.cancelled", "data": data}
        for place, data in enumerate((of_hers, of_pias, by_name))
    ]
    failed(world, *news)
    letters.look(world.ports, world.now)
    assert left(world) == [news[1]]


def test_what_fails_again_is_laid_aside_without_a_name(world: World) -> None:
    failed(world, bought(3), bought(4, PIA))
    letters.look(broken(world, "invitations.create_many", error=ValueError("Ana")), world.now)
    assert left(world) == [bought(4, PIA)]
    ((body, reason),) = world.memory.refused
    assert json.loads(body)["refused"]["data"]["customer"]["name"] == "<text of 9>"
    assert reason == "is about somebody who was forgotten, and failed again: ValueError"


@pytest.mark.parametrize("called", ["customers.get_many", "invitations.create_many"])
def test_a_table_that_is_down_loses_no_letter(world: World, called: str) -> None:
    failed(world, bought(3))
    letters.look(broken(world, called, error=Overloaded("later")), world.now)
    assert left(world) == [bought(3)]
    assert not world.memory.refused


def test_what_nobody_could_ever_handle_is_refused_without_its_names(world: World) -> None:
    failed(world, {"customer": ANA}, None)
    letters.look(world.ports, world.now)
    assert not left(world)
    assert len(world.memory.refused) == 2
    assert is_nameless(world)


def test_reports_that_failed_are_taken_once_more(world: World) -> None:
    (pias,) = (each.id for each in world.memory.invitations.values() if each.event_id)
    reported(world, bounce(pias, "pia@example.com"), text("+573007654321", "BAJA"), {"eventType": "Send", "mail": {}})
    letters.look(world.ports, world.now)
    assert not left(world)
    assert world.memory.addresses[world.ports.names.address("email", "pia@example.com")].suppressed == "bounce"
    assert world.memory.addresses[world.ports.names.address("sms", "+573007654321")].opted_out_at


def test_reports_that_fail_again_stay_whole_only_for_somebody_known(world: World) -> None:
    known = {each.id: bool(each.event_id) for each in world.memory.invitations.values()}
    pias, anas = (next(id_ for id_, is_known in known.items() if is_known is wanted) for wanted in (True, False))
    reports = [
        bounce(pias, "pia@example.com"),
        bounce(anas, "ana@example.com"),
        bounce(None, "ana@example.com"),
        text("+573001234567", "BAJA Ana"),
        {"Ana": 1},
        "ana@example.com",
    ]
    reported(world, *reports)
    down = broken(world, "customers.save_address", "invitations.save", error=ValueError("ana@example.com"))
    letters.look(down, world.now)
    assert left(world) == [reports[0]]
    assert len(world.memory.refused) == 5
    assert is_nameless(world)
    told = [reason for _, reason in world.memory.refused if reason.startswith("stop from ")]
    assert told[0].startswith(f"stop from {world.ports.names.address('sms', '+573001234567')} ")


def test_who_is_forgotten_has_the_letters_looked_through_at_once_and_every_hour_after_that(world: World) -> None:
    world.memory.nudged.clear()
    protect.forget(world.ports, world.ports.names.customer("c-990"), world.now)
    assert [due.kind for due in world.memory.nudged] == [LETTERS.kind]
    world.memory.nudged.clear()
    at = world.now.replace(minute=0)
    for minute in range(120):
        work.sweep(world.ports, at + timedelta(minutes=minute))
    assert [due.kind for due in world.memory.nudged].count(LETTERS.kind) == 2


def test_the_worker_opens_them(world: World) -> None:
    failed(world, bought(3))
    assert work.take(world.ports, LETTERS, world.now) == ()
    assert not left(world)


def test_whoever_dies_over_a_letter_is_followed_by_one_who_ends_it(world: World) -> None:
    failed(world, bought(3))
    invite.handle(world.ports, bought(3), world.now)
    letters.look(world.ports, world.now)
    letters.look(world.ports, world.now)
    assert not left(world)
    assert [each.reason for each in world.memory.invitations.values()].count("erased") == 1
