"""What the simulation found, each as the shortest story that shows it, with a sentence on what went wrong."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

from chalicelib.domain.case import Move, Verb, advance, move
from chalicelib.domain.receipt import Receipt
from chalicelib.errors import CarrierRefused, CarrierUnclear, Conflict
from chalicelib.flows import collect, deliver, invite, project, protect, receive, recover, work
from chalicelib.ports import Due, DueKey, Ports
from tests.domain.cast import DAY, FRIDAY_1630, HOUR, organisation, program, sale
from tests.simulation.faults import Unavailable, gated
from tests.world import World

ANA = {"id": "c-981", "name": "Ana", "email": "ana@example.com"}
USER = {"id": "c-990", "role": "user", "email": "taller@example.com"}
AT_ONCE = {"delay": timedelta(0), "hours": {"daily": ["00:00-24:00"]}, "rest_days": 5}


def world_with(*programs: Any, **more: Any) -> World:
    world = World()
    world.publish(organisation(programs=programs or (program(**AT_ONCE),), **more))
    return world


def event(id_: str, kind: str, data: dict[str, Any], at: str = "2026-03-06T21:30:00Z") -> dict[str, Any]:
    return {"specversion": "1.0", "id": id_, "source": "/crm", "type": kind, "time": at, "data": data}


def cancelled(**data: Any) -> dict[str, Any]:
    return event("X-1", "sale.cancelled", data)


def before(world: World, method: str, do: Any) -> Ports:
    """Return ports on which somebody else comes in just before the first call of a method."""
    left = [do]

    def around(port: str, called: str, call: Any) -> Any:
        if f"{port}.{called}" == method and left:
            left.pop()()
        return call()

    return gated(world.ports, around)


def failing(world: World, method: str, error: Exception, *, applied: bool) -> Ports:
    """Return ports on which the first call of a method fails, though perhaps it was done."""
    left = [error]

    def around(port: str, called: str, call: Any) -> Any:
        if f"{port}.{called}" != method or not left:
            return call()
        if applied:
            call()
        raise left.pop()

    return gated(world.ports, around)


def test_a_cancellation_reaches_the_others_whom_an_event_asks() -> None:
    """A cancellation by reference found the customer's invitations only, never those of an event's other contacts."""
    world = world_with(program(contact="user", **AT_ONCE | {"delay": HOUR}))
    world.tell(sale(contacts=[USER]), cancelled(reference="ORD-10045", customer={"id": "c-981"}))
    world.wait(DAY)
    assert (world.invitation.state, world.invitation.reason, world.sent) == ("skipped", "cancelled", [])


def test_a_cancellation_that_comes_between_rest_and_invitation_is_heard() -> None:
    """The cancellation found no invitation yet, and the closing did not look for it any more: it was sent."""
    world = world_with(program(**AT_ONCE | {"delay": HOUR}))
    late = cancelled(reference="ORD-10045", customer={"id": "c-981"})
    ports = before(world, "invitations.create_many", lambda: invite.handle(world.ports, late, world.now))
    invite.handle(ports, sale(), world.now)
    world.wait(DAY)
    assert (world.invitation.reason, world.sent) == ("cancelled", [])


def test_a_ticket_that_was_opened_again_is_asked_about_when_it_closes_again() -> None:
    """The reference, once cancelled, was cancelled for ever, though the ticket had a second closing."""
    world = world_with(program(on=("ticket.closed",), **AT_ONCE | {"rest_days": 0, "same_episode": timedelta(0)}))
    data = {"customer": ANA, "reference": "T-1"}
    world.tell(event("1", "ticket.closed", data, "2026-03-06T20:00:00Z"))
    reopened = {"reference": "T-1", "customer": {"id": "c-981"}}
    world.tell(event("2", "ticket.reopened", reopened, "2026-03-06T20:30:00Z"))
    world.tell(event("3", "ticket.closed", data, "2026-03-06T21:00:00Z"))
    assert world.sent == ["invitation", "invitation"]


def test_what_was_cancelled_while_it_was_sent_is_not_tried_again() -> None:
    """A cancellation during the first try was lost when the carrier refused it: the second try left."""
    world = world_with()
    late = cancelled(event={"source": "/crm", "id": "ORD-10045"})
    ports = before(world, "carrier.begin", lambda: invite.handle(world.ports, late, world.now))
    world.memory.troubles.append(CarrierRefused("slow down", permanent=False))
    invite.handle(world.ports, sale(), world.now)
    world.memory.nudged.clear()
    deliver.send(ports, world.invitation.id, world.now)
    world.wait(DAY)
    assert (world.invitation.reason, world.sent) == ("cancelled", [])


def test_nobody_rests_for_what_was_cancelled() -> None:
    """The rest of an invitation that was never sent kept the customer from being asked about the next sale."""
    world = world_with(program(**AT_ONCE | {"delay": HOUR}))
    world.tell(sale(), cancelled(event={"source": "/crm", "id": "ORD-10045"}))
    world.tell(sale(reference="ORD-2", envelope={"id": "ORD-2"}))
    world.wait(DAY)
    assert world.sent == ["invitation"]


def test_who_loses_a_shared_address_does_not_rest_for_it() -> None:
    """Of two customers of one address the second was skipped, and rested for a message that nobody would send."""
    world = world_with()
    bea = {"id": "c-2", "email": "ana@example.com"}
    ports = before(world, "customers.save_addresses", lambda: invite.handle(world.ports, sale(), world.now))
    invite.handle(ports, sale(customer=bea, envelope={"id": "ORD-2"}), world.now)
    rested = world.memory.customers[world.ports.names.customer("c-2")]
    assert sorted(str(each.reason) for each in world.memory.invitations.values()) == ["None", "resting"]
    assert rested.rest_by is None


def test_a_program_without_rest_respects_the_rest_that_still_runs() -> None:
    """A rest planned ahead covered the one that still ran, and whoever rests nobody asked in between."""
    slow = program(id="slow", on=("ticket.closed",), **AT_ONCE | {"delay": 2 * DAY, "rest_days": 5})
    quick = program(id="quick", on=("invoice.issued",), **AT_ONCE | {"rest_days": 0})
    world = world_with(program(**AT_ONCE | {"rest_days": 1}), slow, quick)
    world.tell(sale())
    world.tell(event("2", "ticket.closed", {"customer": ANA}))
    world.tell(event("3", "invoice.issued", {"customer": ANA}))
    assert world.sent == ["invitation"]


def test_the_rest_before_a_cancelled_one_holds_again() -> None:
    """Calling off what was planned for after a rest ended that rest as well."""
    slow = program(id="slow", on=("ticket.closed",), **AT_ONCE | {"delay": 6 * DAY})
    world = world_with(program(**AT_ONCE), slow)
    world.tell(sale(), event("2", "ticket.closed", {"customer": ANA}))
    world.tell(event("X-2", "ticket.reopened", {"event": {"source": "/crm", "id": "2"}}))
    world.tell(sale(envelope={"id": "ORD-3"}))
    assert world.sent == ["invitation"]


def test_the_rest_before_one_that_was_tried_twice_holds_again() -> None:
    """A second try met its own rest and forgot the one before it, which therefore did not come back."""
    later = program(id="later", on=("ticket.closed",), **AT_ONCE | {"delay": 6 * DAY, "rest_days": 1})
    world = world_with(program(**AT_ONCE), later)
    world.tell(sale())
    world.wait(DAY)
    ticket = event("T-1", "ticket.closed", {"customer": ANA, "reference": "T-1"}, "2026-03-07T21:30:00Z")
    ports = failing(world, "invitations.create_many", Unavailable("slow"), applied=False)
    with suppress(Unavailable):
        invite.handle(ports, ticket, world.now)
    world.tell(ticket, cancelled(event={"source": "/crm", "id": "T-1"}))
    world.tell(sale(reference="ORD-2", envelope={"id": "ORD-2", "time": "2026-03-07T21:30:00Z"}))
    world.wait(DAY)
    assert world.sent == ["invitation"]


def test_news_of_a_promise_reaches_whom_a_retired_program_asked() -> None:
    """Once no program asked users any more, nobody knew under which names their records were kept."""
    world = world_with(program(id="users", contact="user", **AT_ONCE))
    promise = {"kind": "delivery", "department": "logistics", "promised": "2026-03-10T17:00:00Z"}
    world.tell(sale(contacts=[USER], promises=[promise]))
    world.publish(organisation(programs=(program(**AT_ONCE),), retired_programs=("users",)))
    done = {"event": {"source": "/crm", "id": "ORD-10045"}, "kind": "delivery", "fulfilled": "2026-03-09T17:00:00Z"}
    world.tell(event("F-1", "promise.fulfilled", done))
    assert world.invitation.promises[0].fulfilled is not None


def test_two_deliveries_of_one_promise_end_with_the_later() -> None:
    """Whoever had read the first news only could overwrite what the second had just brought."""
    world = world_with()
    promise = {"kind": "quantity", "department": "logistics", "promised": 10, "better": "higher"}
    world.tell(sale(promises=[promise]))
    ref = {"event": {"source": "/crm", "id": "ORD-10045"}, "kind": "quantity"}
    first = event("F-1", "promise.fulfilled", {**ref, "fulfilled": 5}, "2026-03-06T21:31:00Z")
    second = event("F-2", "promise.fulfilled", {**ref, "fulfilled": 10}, "2026-03-06T21:32:00Z")
    ports = before(world, "invitations.get_many", lambda: invite.handle(world.ports, second, world.now + HOUR))
    invite.handle(ports, first, world.now + HOUR)
    assert world.invitation.promises[0].fulfilled == 10


def test_news_told_again_after_an_erasure_undoes_no_later_news() -> None:
    """Erasing forgot which news there had been, so that the older of two, told again, stood as the latest (seed 15)."""
    world = world_with()
    promise = {"kind": "quantity", "department": "logistics", "promised": 10, "better": "higher"}
    world.tell(sale(promises=[promise]))
    ref = {"event": {"source": "/crm", "id": "ORD-10045"}, "kind": "quantity"}
    first = event("F-1", "promise.fulfilled", {**ref, "fulfilled": 5}, "2026-03-06T21:31:00Z")
    world.tell(first, event("F-2", "promise.fulfilled", {**ref, "fulfilled": 10}, "2026-03-06T21:32:00Z"))
    protect.forget(world.ports, world.invitation.customer, world.now)
    world.tell(first)
    assert world.invitation.promises[0].fulfilled == 10


def test_one_record_of_an_event_carries_its_promises_though_a_program_was_retired_in_between() -> None:
    """The rest of an event, decided after its first program was retired, counted the promises a second time."""
    first, second = program(id="first", **AT_ONCE), program(id="second", **AT_ONCE)
    world = world_with(first, second)
    ports = failing(world, "invitations.create_many", Unavailable("died"), applied=True)
    try:
        invite.handle(ports, sale(), world.now)
    except Unavailable:
        world.publish(organisation(programs=(second,), retired_programs=("first",)))
    world.tell(sale())
    assert [each.primary for each in world.memory.invitations.values()] == [True, False]


def test_an_older_event_still_tells_where_its_customer_is_reached() -> None:
    """Known by phone from a later event, she had no address for the mail that an earlier one had planned."""
    world = world_with(program(channels=("email",), **AT_ONCE), program(id="tickets", on=("ticket.closed",), **AT_ONCE))
    late = {"id": "c-981", "phone": "+573001234567"}
    world.tell(event("2", "ticket.closed", {"customer": late}, "2026-03-06T21:20:00Z"))
    world.memory.customers = {
        key: kept.model_copy(update={"rest_until": None}) for key, kept in world.memory.customers.items()
    }
    world.tell(event("1", "sale.closed", {"customer": ANA}, "2026-03-06T21:10:00Z"))
    assert world.sent == ["invitation", "invitation"]


def test_the_address_written_to_is_the_one_that_is_asked_after() -> None:
    """She had moved to an address that complains: the event's own was looked at, and the mail went to the other."""
    world = world_with(program(**AT_ONCE | {"delay": HOUR, "rest_days": 0}))
    receive.take(world.ports, Receipt("complaint", "email", "1", None, ("new@example.com",)), world.now)
    world.tell(sale(customer=ANA))
    moved = {"customer": {**ANA, "email": "new@example.com"}}
    world.tell(event("2", "ticket.closed", moved, "2026-03-06T21:31:00Z"))
    world.wait(DAY)
    assert world.sent == []


def test_a_reminder_of_unknown_reply_does_not_settle_the_invitation() -> None:
    """An invitation of unknown fate became `sent`, or was sent again, by what befell its reminder's write."""
    world = world_with(program(**AT_ONCE | {"remind_after": DAY}))
    world.memory.troubles.append(CarrierUnclear("no reply"))
    world.tell(sale())
    world.now += DAY
    world.memory.troubles.append(CarrierRefused("slow down", permanent=False))
    saves = iter((False, True))

    def around(port: str, called: str, call: Any) -> Any:
        result = call()
        if f"{port}.{called}" == "invitations.save" and next(saves, False):
            raise Conflict("its own write, tried again")
        return result

    deliver.send(gated(world.ports, around), world.invitation.id, world.now)
    assert (world.invitation.state, world.invitation.reminder) == ("attempted", None)


def test_a_reminders_receipt_says_nothing_of_the_invitation() -> None:
    """Whatever was attempted became `sent` by any receipt, also by one of another message."""
    world = world_with(program(**AT_ONCE | {"remind_after": DAY}))
    world.memory.troubles.append(CarrierUnclear("no reply"))
    world.tell(sale())
    world.wait(2 * DAY)
    about = world.invitation.id
    receive.take(world.ports, Receipt("delivery", "email", "1", about, ("ana@example.com",), "reminder"), world.now)
    assert (world.invitation.state, world.invitation.reminder) == ("attempted", "sent")


def a_case(world: World) -> str:
    world.tell(sale())
    world.answer(world.invitation.id, 1)
    return world.case.id


def moved(world: World, verb: Any, **said: str) -> None:
    given = {"by": "bruno", "reason": "porque sí", "root_cause": "carrier", "action": "se repuso", **said}
    recover.take(world.ports, world.case, Move(verb=verb, **given), world.now)
    world.settle()


def test_each_new_lead_is_told_once_that_a_case_is_late() -> None:
    """The second of two new leads was told nothing, and after a pause a new lead climbed all passed rungs again."""
    world = world_with()
    a_case(world)
    world.wait(30 * DAY)
    world.memory.sent.clear()
    for department in ("billing", "sales"):
        moved(world, "reassign", department=department)
    moved(world, "acknowledge")
    moved(world, "wait")
    moved(world, "resume")
    assert world.sent == ["handed_over", "overdue_on_arrival"] * 2


def test_a_case_that_is_handed_over_keeps_its_promise_and_its_rungs_together() -> None:
    """After a change of the calendar the rungs followed the new one and `resolve_by` the old one."""
    world = world_with()
    a_case(world)
    company = organisation(programs=(program(**AT_ONCE),))
    closed = company.calendar.model_copy(update={"holidays": (world.case.resolve_by.date(),)})
    world.publish(company.model_copy(update={"calendar": closed}))
    moved(world, "reassign", department="billing")
    head = next(step for step in world.case.ladder if step.name == "resolve:head")
    assert head.at == world.case.resolve_by


def test_rungs_of_one_instant_are_climbed_in_their_order() -> None:
    """A pause that began late left rungs for one instant: the lead heard of a broken promise, then of the danger."""
    world = world_with()
    a_case(world)
    case = world.case
    steps: tuple[tuple[int, Verb], ...] = ((1, "acknowledge"), (900, "wait"), (901, "resume"))
    for hours, verb in steps:
        case = move(case, Move(verb=verb, by="bruno", reason="x"), organisation(), world.now + hours * HOUR).case
    climbed = advance(case, world.now + 902 * HOUR)
    assert climbed
    assert [step.name for step in climbed.case.fired] == ["resolve:warning", "resolve:head", "resolve:leadership"]


def test_a_clock_that_is_behind_does_not_turn_a_case_back() -> None:
    """A move by a machine whose clock was five minutes behind made the leads' clocks differ from the customer's."""
    world = world_with()
    a_case(world)
    world.now += HOUR
    ahead = move(
        world.case, Move(verb="reassign", by="bruno", department="billing", reason="x"), organisation(), world.now
    )
    behind = world.now - timedelta(minutes=5)
    again = move(ahead.case, Move(verb="reassign", by="bruno", department="sales", reason="x"), organisation(), behind)
    assert again.entry.at == ahead.entry.at
    assert again.case.customer_clock(world.now) == ahead.case.customer_clock(world.now)


def test_who_is_asked_while_being_forgotten_is_forgotten_too() -> None:
    """An event that came in between gave the person an invitation that the erasure had not seen."""
    world = world_with(program(**AT_ONCE | {"rest_days": 0}))
    world.tell(sale(customer=ANA))
    world.answer(world.invitation.id, 9, comment="todo bien")
    first = world.invitation.id
    other = sale(customer=ANA, envelope={"id": "ORD-2"})
    ports = before(world, "customers.save", lambda: world.tell(other))
    protect.erase(ports, first, world.now)
    assert all(each.erased for each in world.memory.invitations.values())


def test_forgetting_one_person_leaves_the_rest_of_who_shares_the_address() -> None:
    """Ana's erasure ended the rest that Bea's invitation had begun for their common address."""
    world = world_with()
    world.tell(sale(customer=ANA))
    world.wait(6 * DAY)
    first = world.invitation.id
    bea = {"id": "c-2", "email": "ana@example.com"}
    world.tell(sale(customer=bea, envelope={"id": "ORD-2", "time": "2026-03-12T21:30:00Z"}))
    protect.erase(world.ports, first, world.now)
    (address,) = world.memory.addresses.values()
    assert address.rest_by not in (None, first)


def test_a_record_that_meets_a_slow_table_is_counted_all_the_same() -> None:
    """A throttled read of the survey made a good record `uncounted`, for ever."""
    world = world_with()
    world.tell(sale())
    world.answer(world.invitation.id, 9)
    changes = world.memory.changes
    ports = failing(world, "library.survey", Unavailable("throttled"), applied=False)
    try:
        project.project(ports, changes, "shard", world.now)
    except Unavailable:
        project.project(world.ports, changes, "shard", world.now)
    items = list(world.memory.invitations.values())
    found = project.reconcile(world.ports, items)
    assert (found.uncounted, found.differences) == (0, ())


def test_a_hint_alone_sends_nothing() -> None:
    """Kept from the planted bugs: what the index names is due only when the item says so."""
    world = world_with(program(**AT_ONCE | {"delay": HOUR}))
    world.tell(sale())
    world.ports.timers.nudge([DueKey("invitation", world.invitation.id)])
    deliver.send(world.ports, world.invitation.id, FRIDAY_1630)
    assert world.sent == []


def test_what_met_its_own_claims_doubts_them_in_the_order_of_their_names() -> None:
    """They were doubted in the order of a set: a seed told two stories, by how Python was started."""
    world = world_with(program(**AT_ONCE | {"delay": HOUR}))
    people = [{"id": f"c-{n}", "email": f"c{n}@example.com"} for n in range(9)]
    world.tell(*(sale(customer=each, envelope={"id": f"ORD-{each['id']}"}) for each in people))
    ids = tuple(world.memory.invitations)
    told = len(world.memory.changes)

    def around(port: str, method: str, call: Any) -> Any:
        is_claim = f"{port}.{method}" == "invitations.save_many" and len(world.memory.changes) == told
        return call.met_again() if is_claim else call()

    work.take(gated(world.ports, around), Due("invitation", ids, "message-1"), world.now + 2 * HOUR)
    assert [each.new.id for each in world.memory.changes[told:] if each.new] == [*ids, *sorted(ids)]


def test_a_wish_is_written_to_addresses_in_their_order_lest_who_dies_in_between_leaves_any_of_them() -> None:
    """They were written in the order of a set: where the process died, chance alone had said which was left out."""
    world = world_with()
    world.tell(sale(customer=ANA))
    asked = world.invitation
    moved = ANA | {"email": "ana@new.example", "phone": "+573001234567"}
    world.tell(sale(customer=moved, reference="ORD-2", envelope={"id": "ORD-2"}))
    written: list[str] = []

    def around(port: str, method: str, call: Any) -> Any:
        if method == "save_address":
            written.append(call.args[0].key)
        return call()

    collect.stop(gated(world.ports, around), asked.id, world.now)
    new = [world.ports.names.address("email", moved["email"]), world.ports.names.address("sms", moved["phone"])]
    assert written == [asked.address, *new]


def test_a_duplicate_that_decides_first_keeps_the_place_of_the_day_that_the_other_has_taken() -> None:
    """Whoever lost to it gave the place back, and the day took one more than it may (seed 323)."""
    for moment in (
        "invitations.take_place",
        "customers.save_many",
        "customers.save_addresses",
        "invitations.create_many",
    ):
        world = world_with(program(**AT_ONCE, daily_max=2))
        ports = before(world, moment, lambda world=world: invite.handle(world.ports, sale(), world.now))
        invite.handle(ports, sale(), world.now)
        assert (len(world.memory.invitations), list(world.memory.places.values())) == (1, [1]), moment


def later(**more: Any) -> Any:
    """A program whose mails leave two hours later: what came before its event is looked for as they leave."""
    return program(**{**AT_ONCE, "delay": timedelta(hours=2), **more})


PROMISED = {"kind": "delivery", "department": "logistics", "promised": "2026-03-10T17:00:00Z"}
DELIVERED = {
    "event": {"source": "/crm", "id": "ORD-10045"},
    "kind": "delivery",
    "fulfilled": "2026-03-09T17:00:00Z",
}


def test_what_was_cancelled_before_it_came_never_leaves_and_nobody_rests_because_of_it() -> None:
    by_event = {"event": {"source": "/crm", "id": "ORD-10045"}}
    for named in (by_event, {"reference": "ORD-10045", "customer": {"id": "c-981"}}):
        world = world_with(later())
        world.tell(cancelled(**named), sale())
        assert world.invitation.state == "scheduled"
        world.wait(3 * HOUR)
        assert (world.invitation.reason, world.sent) == ("cancelled", [])
        world.tell(sale(reference="ORD-2", envelope={"id": "ORD-2"}))
        world.wait(3 * HOUR)
        assert world.sent == ["invitation"]


def test_what_was_delivered_before_its_event_came_is_on_record_though_it_never_leaves() -> None:
    """Whoever was called off, or forgotten, while it waited never looked for news."""
    for end in ("cancelled", "forgotten"):
        world = world_with(later())
        world.tell(event("F-1", "promise.fulfilled", DELIVERED), sale(promises=[PROMISED]))
        if end == "cancelled":
            world.tell(cancelled(reference="ORD-10045", customer={"id": "c-981"}))
        else:
            protect.forget(world.ports, world.invitation.customer, world.now)
        world.wait(3 * HOUR)
        assert (world.invitation.state, world.invitation.promises[0].kept(world.now)) == ("skipped", True), end


def test_what_leaves_reads_the_news_of_all_together_and_once() -> None:
    world = world_with(later())
    calls: list[str] = []

    def around(port: str, called: str, call: Any) -> Any:
        calls.append(called)
        return call()

    for number in range(3):
        customer = {"id": f"c-{number}", "name": "X", "email": f"x{number}@example.com"}
        world.tell(sale(customer=customer, envelope={"id": f"ORD-{number}"}))
    found = list(world.memory.invitations.values())
    deliver.send_many(gated(world.ports, around), found, world.now + 2 * HOUR)
    assert calls.count("earlies") == 1
    assert len(world.sent) == 3


def test_whoever_opts_out_is_not_asked_by_one_who_reads_of_it_a_second_late() -> None:
    world = world_with(later())
    world.tell(sale())
    asked, before = world.invitation, world.ports.customers.several([world.invitation.customer], [])
    world.wait(2 * HOUR - timedelta(seconds=1))
    collect.stop(world.ports, asked.id, world.now)
    assert (world.invitation.state, world.invitation.reason) == ("skipped", "opted_out")

    def around(port: str, called: str, call: Any) -> Any:
        return before if called == "several" else call()

    for found in (asked, world.invitation):  # as it was read before, and as it is now
        deliver.send_many(gated(world.ports, around), [found], world.now + HOUR)
    assert world.sent == []
    customer = world.memory.customers[asked.customer]
    assert customer.rest_by is None


def test_an_answer_is_not_taken_for_a_repetition_of_one_that_was_corrected_a_moment_ago() -> None:
    """A reading a second behind still showed what the answer said again: it was acknowledged, and never written."""
    world = world_with()
    world.tell(sale())
    asked = world.invitation.id
    world.answer(asked, 3)
    a_second_ago = world.invitation
    world.answer(asked, 1)

    def around(port: str, method: str, call: Any) -> Any:
        is_behind = f"{port}.{method}" == "invitations.get" and call.keywords.get("consistent") is False
        return a_second_ago if is_behind else call()

    collect.submit(gated(world.ports, around), asked, {"rating": ["3"]}, "button", world.now)
    assert world.invitation.confirmed
    assert world.invitation.confirmed.rating == 3


def test_a_rest_covers_each_instant_for_which_one_decision_was_planned() -> None:
    """Of two clocks beside closing time one planned for at once and stamped last, the other for tomorrow and won."""
    world = world_with(program(**AT_ONCE | {"hours": {"daily": ["08:00-16:30"]}}))
    early, late = FRIDAY_1630 - timedelta(seconds=1), FRIDAY_1630 + timedelta(seconds=1)
    left = [lambda: invite.handle(world.ports, sale(), late)]

    def around(port: str, method: str, call: Any) -> Any:
        if method == "several" and left:
            left.pop()()
        is_behind = f"{port}.{method}" == "invitations.get_many" and call.keywords.get("consistent") is False
        return {} if is_behind else call()

    invite.handle(gated(world.ports, around), sale(), early)
    (customer,) = world.memory.customers.values()
    assert world.invitation.send_at
    assert (customer.rest_from, customer.rest_until) == (early, world.invitation.send_at + 5 * DAY)


def test_who_is_forgotten_between_stamp_and_record_is_forgotten_in_that_record_too() -> None:
    """The record was written a moment after the erasure had looked for it twice: it kept its event's number."""
    world = world_with()
    world.tell(sale())
    first, key = world.invitation, world.invitation.customer
    ports = before(world, "invitations.create_many", lambda: protect.forget(world.ports, key, world.now))
    invite.handle(ports, sale(reference="ORD-2", envelope={"id": "ORD-2"}), world.now)
    for due in [each for each in world.memory.nudged if each.kind == "people"]:
        work.take(world.ports, due, world.now)
    assert world.memory.invitations.keys() > {first.id}
    assert not [each for each in world.memory.invitations.values() if each.event_id or each.reference]


def test_what_was_delivered_is_kept_by_who_dies_before_it_is_known_of_what_is_called_off() -> None:
    """The cancellation was written first: tried again nothing was due any more, and the delivery was lost."""
    world = world_with(program(**AT_ONCE | {"delay": 2 * HOUR}))
    promise = {"kind": "quantity", "promised": 10, "better": "higher"}
    of = {"source": "/crm", "id": "ORD-10045"}
    world.tell(event("N-1", "promise.fulfilled", {"event": of, "kind": "quantity", "fulfilled": 8}))
    world.tell(cancelled(event=of))
    world.tell(sale(promises=[promise]))
    world.now += 3 * HOUR
    calls = 0
    while world.invitation.state == "scheduled":
        calls += 1
        with suppress(Unavailable):
            deliver.send(dying_at(world, calls), world.invitation.id, world.now)
    (told,) = world.invitation.promises
    assert told.fulfilled == 8


def dying_at(world: World, number: int) -> Ports:
    """Return ports of which the call of this number fails, before it does anything, and all that follow."""
    left = [number]

    def around(port: str, called: str, call: Any) -> Any:
        left[0] -= 1
        if left[0] <= 0:
            raise Unavailable("throttled")
        return call()

    return gated(world.ports, around)


def test_who_dies_after_giving_an_invitation_up_leaves_its_rest_to_the_next_sweep() -> None:
    """Only an incident ended the rest of what it stopped, and a death in between left it for ever."""
    world = world_with(later())
    world.tell(sale())
    address = world.invitation.address or ""
    world.memory.addresses[address] = world.memory.addresses[address].model_copy(update={"suppressed": "bounce"})
    world.now += 3 * HOUR
    ports = failing(world, "customers.get", Unavailable("died"), applied=False)
    deliver.send_many(ports, [world.invitation], world.now)
    assert (world.invitation.state, world.memory.customers[world.invitation.customer].rest_by) == (
        "skipped",
        world.invitation.id,
    )
    world.wait(3 * HOUR)
    assert (world.memory.customers[world.invitation.customer].rest_by, world.invitation.due_at) == (None, None)
    assert world.memory.addresses[address].rest_by is None


def test_what_the_carrier_has_reported_is_not_doubted_when_the_queues_message_comes_again() -> None:
    """Its bounce was on record, and it was called of unknown fate: it was counted as sent to nobody."""
    world = world_with(later())
    world.tell(sale())
    world.now += 3 * HOUR
    due = Due("invitation", (world.invitation.id,), "message-1")
    work.take(world.ports, due, world.now)
    receive.take(
        world.ports, Receipt("bounce", "email", "1", world.invitation.id, ("ana@example.com",), "invitation"), world.now
    )
    work.take(world.ports, due, world.now + HOUR)
    assert (world.invitation.state, world.invitation.bounced) == ("sent", True)


def test_the_last_place_at_a_counter_pressed_twice_at_once_is_taken_by_both() -> None:
    """Of two presses of one page the second found no place, and was told that there were too many."""
    shop = {"id": "shop", "name": {"es": "Mostrador"}, "department": "reception", "program": "after-sale"}
    world = world_with(counters=({**shop, "daily_max": 1},))
    (counter,) = world.ports.library.organisation().counters

    def press(ports: Ports) -> str:
        form = {"rating": ["9"]}
        return collect.submit_at_counter(ports, counter.ticket, "0" * 32, "es", form, "button", world.now).outcome

    ports = before(world, "invitations.take_place", lambda: press(world.ports))
    assert press(ports) == "recorded"
    assert len(world.memory.invitations) == 1
