"""What can never be handled waits with its reason and its shape, and names nobody."""

import json
from typing import Any

import pytest

from chalicelib.domain.event import bare
from chalicelib.errors import Invalid
from chalicelib.flows import invite
from tests.domain.cast import sale
from tests.world import World

ANA = {"id": "c-981", "name": "Ana Luisa", "email": "ana@example.com", "phone": "+573001234567"}
PERSONAL = ("Ana", "ana@", "c-981", "3001234567")


def refused(world: World, raw: object) -> tuple[str, str]:
    with pytest.raises(Invalid) as caught:
        invite.handle(world.ports, raw, world.now)
    invite.refuse(world.ports, raw, caught.value)
    ((body, reason),) = world.memory.refused
    return body, reason


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        (sale(customer={**ANA, "email": "Ana Luisa"}), "/data/customer/email"),
        (sale(customer={**ANA, "timezone": "Ana Luisa"}), "/data/customer/timezone"),
        (sale(customer=ANA, attributes={"Ana Luisa": ["ana@example.com"]}), "/data/attributes/*"),
        (sale(customer=ANA, envelope={"type": "sale.opened"}), "/type"),
        (sale(customer=ANA, envelope={"id": "", "source": "ana@example.com"}), "/id"),
        (sale(customer=ANA, envelope={"specversion": "+573001234567"}), "/specversion"),
        ({"customer": ANA, "ana@example.com": 3001234567}, "/id"),
        ({"Ana": {"Ana": {"Ana": [["ana@example.com"], True, None, 3001234567]}}}, "/id"),
        (["ana@example.com", ANA], ""),
        ("ana@example.com", ""),
        (None, ""),
    ],
)
def test_nothing_refused_leads_to_a_person(raw: Any, pointer: str) -> None:
    body, reason = refused(World(), raw)
    assert not [each for each in PERSONAL if each in body or each in reason]
    assert pointer in reason


def test_source_id_and_shape_are_kept_for_whoever_mends_it() -> None:
    body, reason = refused(World(), sale(customer={**ANA, "email": "no address"}))
    kept = json.loads(body)["refused"]
    assert (kept["source"], kept["id"], kept["type"]) == ("/crm", "ORD-10045", "sale.closed")
    assert kept["data"]["customer"] == {
        "id": "<text of 5>",
        "name": "<text of 9>",
        "email": "<text of 10>",
        "phone": "<text of 13>",
    }
    assert reason.startswith("/data/customer/email: must be one e-mail address")


def test_what_was_refused_is_no_event_ever_after() -> None:
    world = World()
    body, _ = refused(world, sale(customer=ANA, envelope={"type": "sale.opened"}))
    with pytest.raises(Invalid):
        invite.handle(world.ports, json.loads(body), world.now)
    assert not world.memory.invitations


def test_what_is_nested_without_end_is_cut() -> None:
    raw: Any = "ana@example.com"
    for _ in range(900):
        raw = [raw]
    assert "ana" not in json.dumps(bare({"data": raw}))
