"""Messages to customers leave at most once, and what nobody knows stays visible."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.receipt import Kind, Receipt, parse_receipt
from chalicelib.domain.terms import Channel
from chalicelib.errors import CarrierRefused, CarrierUnclear, NotFound
from chalicelib.flows import collect, converse, deliver, protect, receive, work
from chalicelib.ports import DueKey, Sms
from tests.domain.cast import DAY, organisation, program, sale
from tests.world import World

MINUTE = timedelta(minutes=1)


def reminding() -> World:
    world = World()
    world.publish(organisation(programs=(program(remind_after=3 * DAY),)))
    return world


def test_one_invitation_one_reminder() -> None:
    world = reminding()
    world.tell(sale())
    world.wait(20 * DAY)
    assert world.sent == ["invitation", "reminder"]


def test_no_reminder_after_an_answer() -> None:
    world = reminding()
    world.tell(sale())
    world.answer(world.invitation.id, 9)
    world.wait(20 * DAY)
    assert world.sent == ["invitation"]


def test_a_message_of_unknown_fate_stays_attempted_and_the_reminder_is_the_second_chance() -> None:
    world = reminding()
    world.memory.troubles.append(CarrierUnclear("time-out"))
    world.tell(sale())
    world.wait(DAY)
    assert (world.invitation.state, world.sent) == ("attempted", [])
    world.wait(3 * DAY)
    assert world.sent == ["reminder"]


def test_a_plain_refusal_is_tried_again() -> None:
    world = World()
    world.memory.troubles.extend([CarrierRefused("slow down", permanent=False)] * 2)
    world.tell(sale())
    assert (world.invitation.state, world.sent) == ("scheduled", [])
    world.wait(3 * MINUTE)
    assert (world.invitation.state, world.sent) == ("sent", ["invitation"])


def test_a_refusal_for_good_is_on_record() -> None:
    world = World()
    world.memory.troubles.append(CarrierRefused("not verified", permanent=True))
    world.tell(sale())
    world.wait(DAY)
    assert (world.invitation.state, world.sent) == ("failed", [])


def test_two_workers_send_it_once() -> None:
    world = World()
    world.tell(sale())
    key = DueKey("invitation", world.invitation.id)
    work.take(world.ports, key, world.now)
    deliver.send(world.ports, key.id, world.now)
    assert world.sent == ["invitation"]


def test_nothing_is_sent_to_who_opted_out_meanwhile() -> None:
    world = World()
    world.publish(organisation(programs=(program(delay=DAY),)))
    world.tell(sale())
    collect.stop(world.ports, world.invitation.id, world.now)
    world.wait(2 * DAY)
    assert (world.invitation.reason, world.sent) == ("opted_out", [])


def test_an_opt_out_holds_for_later_events_until_it_is_undone() -> None:
    world = World()
    world.publish(organisation(programs=(program(rest_days=0),)))
    world.tell(sale())
    id_ = world.invitation.id
    collect.stop(world.ports, id_, world.now)
    world.tell(sale(envelope={"id": "ORD-2"}))
    collect.stop(world.ports, id_, world.now, undo=True)
    world.tell(sale(envelope={"id": "ORD-3"}))
    assert [each.reason for each in world.memory.invitations.values()] == [None, "opted_out", None]


def test_a_message_that_cannot_be_written_is_held_and_not_lost() -> None:
    world = World()
    surveys = dict(world.memory.surveys)
    world.memory.surveys.clear()
    with pytest.raises(NotFound):
        world.tell(sale())
    assert (world.invitation.state, world.invitation.faults) == ("scheduled", 1)
    world.memory.surveys.update(surveys)
    world.wait(timedelta(hours=1))
    assert world.sent == ["invitation"]


@pytest.mark.parametrize("kind", ["Bounce", "Complaint"])
def test_a_bounced_or_complaining_address_is_left_in_peace(kind: str) -> None:
    world = reminding()
    world.tell(sale(customer={"id": "c-981", "email": "ana@example.com"}))
    report = {
        "eventType": kind,
        "mail": {
            "messageId": "1",
            "destination": ["ana@example.com"],
            "tags": {"invitation": [world.invitation.id]},
        },
        "bounce": {"bounceType": "Permanent", "bouncedRecipients": [{"emailAddress": "ana@example.com"}]},
    }
    receipt = parse_receipt(report)
    assert receipt
    receive.take(world.ports, receipt, world.now)
    receive.take(world.ports, receipt, world.now)
    world.wait(40 * DAY)
    other = {"id": "c-2", "email": "Ana@example.com"}
    world.tell(sale(customer=other, envelope={"id": "ORD-2", "time": "2026-04-10T21:00:00Z"}))
    assert world.sent == ["invitation"]
    assert [each.reason for each in world.memory.invitations.values()] == [None, "suppressed"]


ANA = {"id": "c-981", "email": "ana@example.com", "phone": "+573001234567"}


def texting(**more: Any) -> World:
    """A company that texts once when a mail comes back, and has written to Ana."""
    world = World()
    world.publish(organisation(programs=(program(remind_after=3 * DAY, sms_after_bounce=True, **more),)))
    world.tell(sale(customer=ANA))
    return world


def report(world: World, kind: Kind, about: str = "invitation", channel: Channel = "email") -> None:
    """Let a carrier report, twice as it may."""
    to = ANA["email"] if channel == "email" else ANA["phone"]
    for _ in range(2):
        told = Receipt(kind, channel, "1", next(iter(world.memory.invitations)), (to,), about)
        receive.take(world.ports, told, world.now)
    world.settle()


def test_after_a_hard_bounce_one_text_message_leaves_instead_and_no_reminder() -> None:
    world = texting()
    report(world, "bounce")
    report(world, "bounce")
    world.wait(20 * DAY)
    assert world.sent == ["invitation", "instead"]
    assert isinstance(world.memory.sent[-1], Sms)
    assert (world.invitation.channel, world.invitation.bounced, world.invitation.instead) == ("sms", False, "sent")


def test_the_text_can_be_answered_in_the_message_itself() -> None:
    world = texting()
    report(world, "bounce")
    converse.hear(world.ports, ANA["phone"], "9 todo bien", "m-1", world.now)
    assert world.invitation.confirmed
    assert world.invitation.confirmed.rating == 9


def test_a_text_that_comes_back_too_ends_it() -> None:
    world = texting()
    report(world, "bounce")
    report(world, "bounce", "instead", "sms")
    world.wait(20 * DAY)
    assert (world.sent, world.invitation.bounced) == (["invitation", "instead"], True)


@pytest.mark.parametrize("wish", ["stop", "answer", "cancel", "forget"])
def test_no_text_leaves_against_a_wish_or_after_an_answer(wish: str) -> None:
    world = texting(hours={"daily": ["08:00-20:00"]})
    world.wait(timedelta(hours=4, minutes=30))  # it is night
    report(world, "bounce")
    id_ = world.invitation.id
    if wish == "stop":
        collect.stop(world.ports, id_, world.now)
    elif wish == "answer":
        world.answer(id_, 9)
    elif wish == "cancel":
        gone = {"event": {"source": "/crm", "id": "ORD-10045"}}
        world.tell({**sale(), "id": "X-1", "type": "sale.cancelled", "time": "2026-03-06T21:30:00Z", "data": gone})
    else:
        protect.erase(world.ports, id_, world.now)
    world.wait(20 * DAY)
    assert world.sent == ["invitation"]


def test_without_a_phone_or_the_policys_leave_a_bounce_is_the_end() -> None:
    for world in (texting(channels=("email",)), reminding()):
        if not world.memory.invitations:
            world.tell(sale(customer=ANA))
        report(world, "bounce")
        world.wait(20 * DAY)
        assert (world.sent, world.invitation.bounced) == (["invitation"], True)


def test_a_text_of_unknown_fate_is_settled_by_its_receipt_and_never_sent_again() -> None:
    world = texting()
    world.memory.troubles.append(CarrierUnclear("time-out"))
    report(world, "bounce")
    assert (world.invitation.instead, world.sent) == ("attempted", ["invitation"])
    report(world, "delivery", "instead", "sms")
    world.wait(20 * DAY)
    assert (world.invitation.instead, world.sent) == ("sent", ["invitation"])


def test_a_text_that_is_refused_for_good_has_reached_nobody() -> None:
    world = texting()
    world.memory.troubles.append(CarrierRefused("no such number", permanent=True))
    report(world, "bounce")
    assert (world.invitation.instead, world.invitation.bounced) == ("failed", True)


def test_soft_bounces_are_counted_once_for_each_message_and_the_reminder_is_the_second_chance() -> None:
    world = texting()
    report(world, "soft_bounce")
    world.wait(4 * DAY)
    report(world, "soft_bounce", "reminder")
    assert (world.invitation.soft_bounced, world.sent) == (("invitation", "reminder"), ["invitation", "reminder"])


def test_a_receipt_settles_what_nobody_knew() -> None:
    world = World()
    world.memory.troubles.append(CarrierUnclear("time-out"))
    world.tell(sale())
    tags = {"invitation": [world.invitation.id], "kind": ["invitation"]}
    delivered = {"eventType": "Delivery", "mail": {"messageId": "1", "tags": tags}}
    receipt = parse_receipt(delivered)
    assert receipt
    receive.take(world.ports, receipt, world.now)
    assert world.invitation.state == "sent"


def test_reports_that_change_nothing_are_passed_over() -> None:
    assert parse_receipt({"eventType": "Open", "mail": {}}) is None
    assert parse_receipt({"eventType": "TEXT_PENDING"}) is None
    with pytest.raises(KeyError):
        parse_receipt({"hello": 1})
