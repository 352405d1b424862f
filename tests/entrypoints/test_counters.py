"""The page behind a counter's code: whoever stands there answers, without a name."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.adapters.links import SignedLinks
from chalicelib.domain.case import Move
from chalicelib.domain.dayfile import lines_of, shape_of
from chalicelib.domain.rollup import contributions, dimensions_of
from chalicelib.flows import recover
from chalicelib.ports import Principal, Ticket
from tests.domain.cast import organisation
from tests.domain.cast import text as said
from tests.entrypoints.http import APP, FORM, PRESSED, Browser, installed, text
from tests.world import URL, World

SHOP = {"id": "shop", "name": said("Mostrador de la 13"), "department": "reception", "program": "after-sale"}


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    world.publish(organisation(counters=(SHOP,)))
    with installed(world):
        yield world


@pytest.fixture
def somebody() -> Browser:
    return Browser(APP)


def code(world: World) -> str:
    """What the code on the wall leads to."""
    counter = world.ports.library.organisation().counters[0]
    return world.ports.links.url("counter", Ticket(counter.ticket)).removeprefix(URL)


def scan(world: World, somebody: Browser) -> str:
    """Open the code; return where its form goes."""
    page = text(somebody.get(code(world), **{"Accept-Language": "es"}))
    (action,) = re.findall(r'<form method="post" action="([^"]+)"', page)
    return str(action)


def stored(world: World) -> list[Any]:
    memory = world.memory
    kept = (memory.invitations, memory.cases, memory.customers, memory.addresses, memory.places, memory.views)
    return [len(each) for each in kept]


def test_opening_the_code_stores_nothing_and_asks_for_nothing_personal(world: World, somebody: Browser) -> None:
    for path in (code(world), scan(world, somebody)):
        response = somebody.get(path, **{"Accept-Language": "es"})
        assert response.status_code == 200
        assert somebody.head(path).body == b""
        page = text(response)
        assert "Usted está en: Mostrador de la 13." in page
        for personal in ("do_not_call", "/privacy/", "/u/", "/99", 'type="email"', 'type="tel"', " checked"):
            assert personal not in page
    assert stored(world) == [0] * 6


def test_each_page_has_a_name_of_its_own(world: World, somebody: Browser) -> None:
    assert scan(world, somebody) != scan(world, somebody)


def test_an_answer_is_marked_and_told_apart_and_no_part_of_any_rate(world: World, somebody: Browser) -> None:
    response = somebody.post(scan(world, somebody), {"rating": "9", "comment": "muy amables"})
    assert response.status_code == 200
    assert f'href="{code(world)}"' in text(response)
    record = world.invitation
    assert record.confirmed
    assert (record.confirmed.how, record.counter, record.department) == ("walk_in", "shop", "reception")
    company = world.ports.library.organisation()
    rows = contributions(record, dimensions_of(company), world.ports.library.survey(record.survey_version or ""))
    assert {row.kind for row in rows} == {"response"}
    assert ("channel", "counter") in {(row.dimension, row.value) for row in rows}
    assert world.sent == []
    told = list(lines_of(None, record, shape_of(company)))
    assert sorted(line.kind for line in told) == ["kept", "responses"], "nobody decided to ask"
    assert '"channel":"counter"' in next(line.text for line in told if line.kind == "responses")


def test_a_page_sent_twice_is_one_answer_and_takes_one_place(world: World, somebody: Browser) -> None:
    action = scan(world, somebody)
    for _ in range(2):
        assert somebody.post(action, {"rating": "2", "failed": "late"}).status_code == 200
    assert (len(world.memory.invitations), len(world.memory.cases)) == (1, 1)
    assert set(world.memory.places.values()) == {1}
    assert somebody.post(action, {"rating": "8"}).status_code == 200
    assert world.invitation.confirmed
    assert world.invitation.confirmed.rating == 8


def test_a_low_one_opens_a_case_for_the_counters_department_which_knows_that_there_is_nobody_to_call(
    world: World, somebody: Browser
) -> None:
    thanks = text(somebody.post(scan(world, somebody), {"rating": "2"}))
    assert "así que no podemos responderle" in thanks or "so we cannot answer you" in thanks
    world.settle()
    assert world.case.department == "reception"
    assert world.sent == ["opened"]
    assert (world.case.why.rule, world.case.channel) == ("event", "counter")


def test_nobody_is_asked_whether_it_was_mended(world: World, somebody: Browser) -> None:
    somebody.post(scan(world, somebody), {"rating": "2"})
    world.settle()
    rosa = Principal(id="rosa", role="department", name="Rosa", department="reception")
    world.publish(organisation(counters=(SHOP,), tell_heard=True))
    for move in (
        Move(verb="acknowledge", by="rosa"),
        Move(verb="resolve", by="rosa", root_cause="stock", action="repuesto"),
    ):
        recover.act(world.ports, world.case.id, world.case.version, move, rosa, world.now)
        world.settle()
    world.wait(timedelta(days=3))
    assert world.case.mended is None
    assert set(world.sent) == {"opened"}


def test_what_no_browser_vouches_for_waits_and_is_confirmed(world: World, somebody: Browser) -> None:
    somebody.post(scan(world, somebody), {"rating": "2"}, FORM)
    assert world.invitation.confirmed is None
    world.wait(timedelta(minutes=2))
    assert world.case.rating == 2


def test_so_many_in_a_minute_and_so_many_on_a_day(world: World, somebody: Browser) -> None:
    world.publish(organisation(counters=({**SHOP, "minute_max": 2, "daily_max": 3},)))
    taken = [somebody.post(scan(world, somebody), {"rating": "9"}).status_code for _ in range(3)]
    assert taken == [200, 200, 429]
    world.wait(timedelta(minutes=1))
    taken = [somebody.post(scan(world, somebody), {"rating": "9"}).status_code for _ in range(2)]
    assert taken == [200, 429]
    assert len(world.memory.invitations) == 3
    world.wait(timedelta(days=1))
    assert somebody.post(scan(world, somebody), {"rating": "9"}).status_code == 200


def test_what_is_wrong_takes_no_place_and_loses_nothing(world: World, somebody: Browser) -> None:
    action = scan(world, somebody)
    response = somebody.post(action, {"comment": "muy <b>amables"})
    assert response.status_code == 422
    assert f'action="{action}"' in text(response)
    assert "muy &lt;b&gt;amables" in text(response)
    assert stored(world) == [0] * 6


def test_after_an_hour_the_page_takes_no_correction(world: World, somebody: Browser) -> None:
    action = scan(world, somebody)
    somebody.post(action, {"rating": "9"})
    world.wait(timedelta(hours=1))
    assert somebody.post(action, {"rating": "1"}).status_code == 410
    assert world.memory.cases == {}


@pytest.mark.parametrize("nonce", ["x", "A" * 32, "0" * 31, "0" * 33, "0" * 31 + "%0A", "../../cases"])
def test_only_names_that_we_gave_are_taken(world: World, somebody: Browser, nonce: str) -> None:
    assert somebody.post(f"{code(world)}/{nonce}", {"rating": "9"}, PRESSED).status_code in (403, 404)
    assert stored(world) == [0] * 6


def test_another_id_makes_the_printed_code_void(world: World, somebody: Browser) -> None:
    printed = code(world)
    world.publish(organisation(counters=({**SHOP, "id": "shop-2"},)))
    assert somebody.get(printed).status_code == 404
    assert somebody.post(f"{printed}/{'0' * 32}", {"rating": "9"}).status_code == 404
    assert somebody.get(code(world)).status_code == 200


def test_no_other_link_opens_a_counter(world: World, somebody: Browser) -> None:
    counter = world.ports.library.organisation().counters[0]
    for purpose in ("answer", "stop", "case"):
        other = SignedLinks(URL, {1: b"k" * 32}).url(purpose, Ticket(counter.ticket)).rpartition("/")[2]
        assert somebody.get(f"/q/{other}").status_code == 404
