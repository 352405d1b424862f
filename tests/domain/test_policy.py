"""Whom we ask, when, and the reason on record for everybody whom we leave in peace."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.customer import Address, Customer, Rest, may_plan, may_send, rest_of
from chalicelib.domain.event import Closing
from chalicelib.domain.organisation import Hours, Pause, Sender
from chalicelib.domain.policy import (
    Ask,
    Known,
    Skip,
    decide,
    invitation_id,
    labelled,
    may_text,
    over_the_top,
    targets,
)
from tests.domain.cast import DAY, FRIDAY_1630, HOUR, closing, organisation, program

NOBODY = Known(None, {})


def decision(event: Closing, known: Known = NOBODY, *, now: Any = FRIDAY_1630, **changes: Any) -> Ask | Skip:
    company = organisation(programs=(program(**changes),))
    target = targets(event, company)[0]
    return decide(event, target, known, organisation=company, now=now)


def reason(given: Ask | Skip) -> str:
    assert isinstance(given, Skip)
    return given.reason


def ana(**more: Any) -> Customer:
    return Customer(key="ana", version=1, id="c-981", **more)


def resting(by: str, until: Any = FRIDAY_1630 + 10 * DAY) -> dict[str, Any]:
    return {"rest_from": FRIDAY_1630 - DAY, "rest_until": until, "rest_by": by}


def test_ana_is_asked_by_mail_at_once() -> None:
    assert decision(closing()) == Ask("email", FRIDAY_1630)


def test_without_a_mail_address_she_is_asked_by_phone() -> None:
    event = closing(customer={"id": "c-981", "phone": "+573001234567"})
    assert decision(event) == Ask("sms", FRIDAY_1630)
    assert reason(decision(event, channels=("email",))) == "not_authorised_channel"


def test_an_event_that_no_program_asks_about_is_recorded_once_under_a_dash() -> None:
    company = organisation(programs=())
    (target,) = targets(closing(), company)
    assert (target.program, target.label) == ("-", "customer")
    given = decide(closing(), target, NOBODY, organisation=company, now=FRIDAY_1630)
    assert reason(given) == "no_program"


def test_the_delay_ends_inside_the_recipients_own_hours() -> None:
    hours = {"mon-fri": ["07:00-19:00"], "sat": ["08:00-15:00"]}
    assert decision(closing(), delay=timedelta(hours=1), hours=hours) == Ask("email", FRIDAY_1630 + HOUR)
    saturday_0800 = FRIDAY_1630 + timedelta(hours=15, minutes=30)
    assert decision(closing(), delay=timedelta(hours=4), hours=hours) == Ask("email", saturday_0800)
    in_madrid = closing(customer={"id": "c-1", "email": "ana@example.com", "timezone": "Europe/Madrid"})
    saturday_0800_in_madrid = FRIDAY_1630 + timedelta(hours=9, minutes=30)
    assert decision(in_madrid, hours=hours) == Ask("email", saturday_0800_in_madrid)


@pytest.mark.parametrize(("age", "expected"), [(30 * DAY, None), (30 * DAY + timedelta(seconds=1), "too_old")])
def test_an_event_may_be_thirty_days_old(age: timedelta, expected: str | None) -> None:
    event = closing().model_copy(update={"at": FRIDAY_1630 - age})
    given = decision(event, too_old_after=30 * DAY)
    assert (given.reason if isinstance(given, Skip) else None) == expected


def test_rules_by_attribute() -> None:
    assert isinstance(decision(closing(), when={"region": ["Bogotá", "Cali"]}), Ask)
    assert decision(closing(), when={"region": ["Cali"]}) == Skip("rule", "after-sale.when.region")
    assert decision(closing(), when={"store": ["north"]}) == Skip("rule", "after-sale.when.store")


def test_rules_by_the_reason_of_a_closure() -> None:
    spam, solved = closing(attributes={"reason": "spam"}), closing(attributes={"reason": "solved"})
    assert decision(spam, unless={"reason": ["spam", "duplicate"]}) == Skip("rule", "after-sale.unless.reason")
    assert isinstance(decision(solved, unless={"reason": ["spam", "duplicate"]}), Ask)
    assert isinstance(decision(closing(), unless={"reason": ["spam", "duplicate"]}), Ask)


@pytest.mark.parametrize(
    ("amount", "rule", "is_asked"),
    [
        (50_000, ">= 50000", True),
        (49_999.99, ">= 50000", False),
        (50_000, "> 50000", False),
        ("50000", "50000..60000", True),
        (60_000.01, "50000..60000", False),
        (12_345_678.9, "> 12345678.8", True),
        (-5, "<0", True),
        ("a lot", ">= 0", False),
        (True, ">= 0", False),
    ],
)
def test_rules_by_amount(amount: object, rule: str, is_asked: bool) -> None:
    event = closing(attributes={"amount": amount})
    assert isinstance(decision(event, when={"amount": [rule]}), Ask) is is_asked


def test_a_large_amount_keeps_its_digits() -> None:
    assert closing(attributes={"amount": 12_345_678}).attributes == {"amount": "12345678"}


COLOMBIA = Hours(
    zones=("America/Bogota",),
    calling_code="+57",
    hours={"mon-fri": ["07:00-19:00"], "sat": ["08:00-15:00"]},
    holidays=(date(2026, 3, 9),),
)


def sent_at(after: datetime, contact: dict[str, str]) -> datetime:
    company = organisation(programs=(program(hours=None),), customer_hours={"CO": COLOMBIA}, zone="Europe/Madrid")
    event = closing(customer={"id": "c-981", **contact}).model_copy(update={"at": after})
    given = decide(event, targets(event, company)[0], NOBODY, organisation=company, now=after)
    assert isinstance(given, Ask)
    return given.at


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("2026-03-06T23:59:59+00:00", "2026-03-06T23:59:59+00:00"),  # a Friday, one second before seven in the evening
        ("2026-03-07T00:00:00+00:00", "2026-03-07T13:00:00+00:00"),  # seven: on Saturday at eight
        ("2026-03-07T19:59:59+00:00", "2026-03-07T19:59:59+00:00"),
        ("2026-03-07T20:00:00+00:00", "2026-03-10T12:00:00+00:00"),  # Saturday at three: after Sunday and the holiday
    ],
)
def test_in_colombia_the_law_says_when(after: str, expected: str) -> None:
    for contact in (
        {"email": "ana@example.com", "timezone": "America/Bogota"},
        {"email": "ana@example.com", "phone": "+573001234567"},
    ):
        assert sent_at(datetime.fromisoformat(after), contact) == datetime.fromisoformat(expected)


def test_elsewhere_people_are_asked_by_day() -> None:
    night = datetime(2026, 3, 9, 2, tzinfo=UTC)
    lima = {"email": "ana@example.com", "timezone": "America/Lima"}
    assert sent_at(night, lima) == datetime(2026, 3, 9, 13, tzinfo=UTC)
    assert sent_at(night, {"email": "ana@example.com"}) == datetime(2026, 3, 9, 7, tzinfo=UTC)  # the company's own zone
    assert sent_at(night, {"email": "ana@example.com", "phone": "+34600123456"}) == datetime(2026, 3, 9, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("later", "expected"),
    [(30 * DAY, "same_episode"), (-HOUR, "same_episode"), (30 * DAY + HOUR, None)],
)
def test_an_episode_is_asked_about_once(later: timedelta, expected: str | None) -> None:
    known = Known(None, {}, asked_at=closing().at - later)
    given = decision(closing(), known)
    assert (given.reason if isinstance(given, Skip) else None) == expected


def test_who_has_answered_rests_longer() -> None:
    answered = Known(None, {}, answered_at=FRIDAY_1630 - 90 * DAY + HOUR)
    assert isinstance(decision(closing(), answered), Ask)
    assert isinstance(decision(closing(), answered, rest_days_after_answer=89), Ask)
    given = decision(closing(), answered, rest_days_after_answer=90)
    assert given == Skip("resting", "after-sale.rest_days_after_answer: who has answered rests until 2026-03-06")


def test_nobody_is_asked_while_asking_is_paused() -> None:
    assert decision(closing(), paused=True) == Skip("paused", "after-sale.paused")
    breaker = Pause(id="breaker", reason="paused", why="4 % of mails bounced", since=FRIDAY_1630)
    late = Pause(id="trucks", reason="incident", why="no deliveries", since=FRIDAY_1630, department="logistics")
    assert decision(closing(), Known(None, {}, pause=breaker)) == Skip("paused", "breaker: 4 % of mails bounced")
    assert decision(closing(), Known(None, {}, pause=late)) == Skip("incident", "trucks: no deliveries")


def test_a_pause_stops_what_it_speaks_of_while_it_runs() -> None:
    def stops(at: Any = FRIDAY_1630, **more: Any) -> bool:
        given = {"id": "x", "reason": "paused", "why": "y", "since": FRIDAY_1630, "until": FRIDAY_1630 + DAY, **more}
        return Pause.model_validate(given).stops("sale", ("sales",), at)

    assert stops()
    assert not stops(at=FRIDAY_1630 - HOUR)
    assert not stops(at=FRIDAY_1630 + DAY)
    assert stops(until=None, at=FRIDAY_1630 + 900 * DAY)
    assert stops(program="sale")
    assert not stops(program="use")
    assert stops(department="sales")
    assert not stops(department="logistics")


def test_the_day_that_is_full_names_its_rule() -> None:
    assert over_the_top(program(daily_max=200)) == Skip("capped", "after-sale.daily_max = 200")


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (Known(ana(opted_out_at=FRIDAY_1630), {}), "opted_out"),
        (Known(ana(erased_at=FRIDAY_1630), {}), "erased"),
        (Known(ana(), {}, cancelled=True), "cancelled"),
        (Known(ana(**resting("another")), {}), "resting"),
        (Known(ana(), {"email": Address(key="a", **resting("another"))}), "resting"),
    ],
)
def test_what_is_on_record_stands_against_asking(known: Known, expected: str) -> None:
    assert reason(decision(closing(), known)) == expected


def test_a_blocked_mail_address_leaves_the_phone() -> None:
    blocked = Address(key="a", suppressed="bounce")
    assert decision(closing(), Known(ana(), {"email": blocked})) == Ask("sms", FRIDAY_1630)
    both = {"email": blocked, "sms": Address(key="b", suppressed="complaint")}
    assert reason(decision(closing(), Known(ana(), both))) == "suppressed"  # type: ignore[arg-type]
    wish = {"email": blocked, "sms": Address(key="b", opted_out_at=FRIDAY_1630)}
    assert reason(decision(closing(), Known(ana(), wish))) == "opted_out"  # type: ignore[arg-type]


def test_an_address_that_no_carrier_takes_leaves_the_phone_or_is_on_record_as_none() -> None:
    unwritable = {"id": "c-981", "email": "josé@example.com"}
    by_phone = decision(closing(customer={**unwritable, "phone": "+573001234567"}))
    assert isinstance(by_phone, Ask)
    assert by_phone.channel == "sms"
    assert reason(decision(closing(customer=unwritable))) == "no_address"


def test_texts_go_to_the_named_countries_only() -> None:
    here = Sender(name="El Tornillo", email="hola@tornillo.example", sms_to=("+57",))
    company = organisation(sender=here)
    assert [may_text(phone, company) for phone in ("+573001234567", "+34600123456")] == [True, False]
    event = closing(customer={"id": "c-981", "phone": "+34600123456"})
    refused = decide(event, targets(event, company)[0], NOBODY, organisation=company, now=FRIDAY_1630)
    assert refused == Skip("not_authorised_channel", "sender.sms_to")


def test_our_own_addresses_never_get_a_survey() -> None:
    for address in ("Hola@Tornillo.example", "servicio+encuesta@tornillo.example"):
        ours = closing(customer={"id": "c-1", "email": address})
        assert decision(ours) == Skip("internal_recipient", "internal_domains")


@pytest.mark.parametrize(
    ("address", "is_ours"),
    [("bruno@torno.example", True), ("bruno@taller.torno.example", True), ("ana@mitorno.example", False)],
)
def test_our_people_are_not_asked(address: str, is_ours: bool) -> None:
    company = organisation(internal_domains=("Torno.example",))
    event = closing(customer={"id": "c-1", "email": address})
    given = decide(event, targets(event, company)[0], NOBODY, organisation=company, now=FRIDAY_1630)
    assert isinstance(given, Skip) is is_ours


def test_the_rest_of_her_own_invitation_does_not_stop_it() -> None:
    own = invitation_id("/crm", "ORD-10045", "after-sale", "customer")
    assert isinstance(decision(closing(), Known(ana(**resting(own)), {})), Ask)


def test_rest_ends_on_its_instant() -> None:
    rest = Rest(FRIDAY_1630, FRIDAY_1630 + DAY, "a")
    assert not may_plan(rest, FRIDAY_1630 + DAY - timedelta(microseconds=1), "b")
    assert may_plan(rest, FRIDAY_1630 + DAY, "b")
    assert may_plan(None, FRIDAY_1630, "b")


def test_a_rest_that_begins_later_does_not_hold_back_who_was_planned_before() -> None:
    rest = Rest(FRIDAY_1630, FRIDAY_1630 + DAY, "later")
    assert may_send(rest, FRIDAY_1630 - HOUR, "earlier")
    assert not may_send(rest, FRIDAY_1630, "earlier")
    assert may_send(rest, FRIDAY_1630, "later")


def test_a_program_without_rest_asks_again_but_respects_the_rest_that_another_began() -> None:
    assert isinstance(decision(closing(), Known(ana(), {}), rest_days=0), Ask)
    assert reason(decision(closing(), Known(ana(**resting("another")), {}), rest_days=0)) == "resting"


def test_sampling_is_the_same_every_time_and_about_as_many_as_wanted() -> None:
    events = [closing(envelope={"id": f"ORD-{n}"}) for n in range(400)]
    first = [isinstance(decision(event, sample=0.25), Ask) for event in events]
    assert first == [isinstance(decision(event, sample=0.25), Ask) for event in events]
    assert 70 <= sum(first) <= 130
    assert not any(isinstance(decision(event, sample=0), Ask) for event in events)
    assert all(isinstance(decision(event, sample=1), Ask) for event in events)


def test_each_role_is_asked_by_its_own_program() -> None:
    contacts = [
        {"id": "c-990", "role": "user", "email": "taller@example.com"},
        {"id": "c-991", "role": "user", "email": "obra@example.com"},
        {"id": "c-992", "role": "payer", "email": "pagos@example.com"},
    ]
    event = closing(contacts=contacts)
    company = organisation(programs=(program(), program(id="after-use", contact="user")))
    found = [(each.program, each.label, each.contact.id) for each in targets(event, company)]
    assert found == [
        ("after-sale", "customer", "c-981"),
        ("after-use", "user", "c-990"),
        ("after-use", "user.2", "c-991"),
    ]


def test_a_customer_who_claims_another_role_is_still_the_customer() -> None:
    event = closing(customer={"id": "c-1", "role": "user", "email": "ana@example.com"})
    assert [label for label, _ in labelled(event)] == ["customer"]


def test_the_id_follows_from_the_cause_and_from_nothing_else() -> None:
    assert invitation_id("/crm", "1", "p", "customer") == invitation_id("/crm", "1", "p", "customer")
    ids = {invitation_id(*parts) for parts in [("a", "bc", "p", "c"), ("ab", "c", "p", "c"), ("a", "b", "cp", "c")]}
    assert len(ids) == 3
    assert all(len(id_) == 32 for id_ in ids)


def test_only_a_whole_stamp_is_a_rest() -> None:
    assert rest_of(None) is None
    assert rest_of(ana()) is None
    assert rest_of(ana(**resting("x"))) == Rest(FRIDAY_1630 - DAY, FRIDAY_1630 + 10 * DAY, "x")


def test_an_older_event_does_not_overwrite_an_address() -> None:
    new = closing(customer={"id": "c-981", "email": "new@example.com"}).customer
    old = closing(customer={"id": "c-981", "email": "old@example.com"}).customer
    customer = ana().told(new, FRIDAY_1630).told(old, FRIDAY_1630 - DAY)
    assert customer.email == "new@example.com"
    assert customer.told(old, FRIDAY_1630 + DAY).email == "old@example.com"
    gone = ana(erased_at=FRIDAY_1630)
    assert gone.told(new, FRIDAY_1630 + DAY) == gone
