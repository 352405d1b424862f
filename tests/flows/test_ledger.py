"""Whoever has a customer on the phone finds out in one look why she was asked, or not."""

from typing import Any, get_args

import pytest

from chalicelib.adapters.desk.ledger import REASONS
from chalicelib.domain.event import EventRef
from chalicelib.domain.policy import Reason
from chalicelib.flows import ledger
from tests.domain.cast import FRIDAY_1630, HOUR, organisation, program, sale
from tests.world import World


def test_a_customer_is_found_by_number_by_address_and_by_phone() -> None:
    world = World()
    world.publish(
        organisation(programs=(program(channels=("email",)), program(id="text", channels=("sms",), rest_days=0)))
    )
    world.tell(sale(), sale(reference="2", envelope={"id": "ORD-2"}))
    told = [ledger.of_customer(world.ports, written)[1] for written in ("c-981", "ANA@example.com", "c-404")]
    assert [len(each) for each in told] == [4, 4, 0]
    assert [each.reason for each in told[0]].count("resting") == 3


def test_every_contact_of_an_event_is_on_its_ledger() -> None:
    world = World()
    world.publish(organisation(programs=(program(id="use", contact="user"),)))
    users = [{"id": f"u-{n}", "role": "user", "email": f"user{n}@example.com"} for n in range(6)]
    world.tell(sale(contacts=users))
    found = ledger.of_event(world.ports, EventRef(source="/crm", id="ORD-10045"))
    assert sorted(each.label for each in found) == ["user", "user.2", "user.3", "user.4", "user.5", "user.6"]


@pytest.mark.parametrize(
    ("changes", "data", "expected"),
    [
        ({"on": ("ticket.closed",)}, {}, ("no_program", "no program asks about sale.closed")),
        ({"when": {"amount": [">= 100"]}}, {"attributes": {"amount": 99}}, ("rule", "after-sale.when.amount")),
        ({"sample": 1e-9}, {}, ("not_sampled", "after-sale.sample = 1e-09")),
        (
            {"channels": ("sms",)},
            {"customer": {"id": "c", "email": "a@example.com"}},
            ("not_authorised_channel", "after-sale.channels"),
        ),
        ({"contact": "user"}, {"contacts": [{"id": "u", "role": "user"}]}, ("no_address", "after-sale.channels")),
        ({}, {"envelope": {"time": "2026-01-06T21:00:00Z"}}, ("too_old", "after-sale.too_old_after")),
        ({}, {"customer": {"id": "c", "email": "hola@tornillo.example"}}, ("internal_recipient", "internal_domains")),
        ({"paused": True}, {}, ("paused", "after-sale.paused")),
    ],
)
def test_a_reason_comes_with_the_rule_that_gave_it(
    changes: dict[str, Any], data: dict[str, Any], expected: tuple[str, str]
) -> None:
    world = World()
    world.publish(organisation(programs=(program(**changes),)))
    world.tell(sale(**data))
    (found,) = ledger.of_event(world.ports, EventRef(source="/crm", id="ORD-10045"))
    assert (found.state, found.reason, found.rule) == ("skipped", *expected)


def test_a_rest_says_until_when() -> None:
    world = World()
    world.tell(sale(), sale(reference="2", envelope={"id": "ORD-2", "time": (FRIDAY_1630 + HOUR).isoformat()}))
    (found,) = ledger.of_event(world.ports, EventRef(source="/crm", id="ORD-2"))
    assert (found.reason, found.rule) == ("resting", "rest_days: the customer rests until 2026-04-05")


def test_the_page_has_words_for_every_reason() -> None:
    assert set(REASONS) == set(get_args(Reason))
