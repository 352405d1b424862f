"""A trial is a real survey to one of us, and counts nowhere."""

from datetime import timedelta

import pytest

from chalicelib.domain.customer import Address
from chalicelib.domain.event import Contact
from chalicelib.domain.invitation import Invitation
from infra.commands.screen import Failed
from infra.commands.trial import plan
from tests.infra.test_publication import company
from tests.world import World

ME = Contact(id="try:me@example.com", email="me@example.com")


def tried(world: World) -> Invitation:
    world.publish(company())
    organisation = world.ports.library.organisation()
    return plan(world.ports, organisation.programs[0], ME, organisation, world.now)


def test_it_leaves_like_any_other_survey() -> None:
    world = World()

    planned = tried(world)
    world.settle()

    assert world.sent == ["invitation"]
    assert world.memory.invitations[planned.id].state == "sent"


def test_a_low_answer_to_it_opens_no_case_and_is_marked_as_a_trial() -> None:
    world = World()
    planned = tried(world)
    world.settle()

    world.answer(planned.id, 1)

    answered = world.memory.invitations[planned.id]
    assert answered.confirmed is not None
    assert answered.trial
    assert not world.memory.cases


def test_the_next_trial_needs_no_rest() -> None:
    world = World()

    tried(world)
    world.settle()
    world.wait(timedelta(minutes=1))
    tried(world)
    world.settle()

    assert world.sent == ["invitation", "invitation"]


def test_an_address_that_wants_no_mail_gets_no_trial_either() -> None:
    world = World()
    key = world.ports.names.address("email", "me@example.com")
    world.ports.customers.save_address(Address(key=key, version=1, opted_out_at=world.now))

    with pytest.raises(Failed, match="has asked not to be written to"):
        tried(world)
