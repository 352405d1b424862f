"""What may come in as an event, and what is said of what may not."""

from datetime import UTC, datetime
from gc import collect
from typing import Any
from weakref import ref

import pytest

from chalicelib.domain.event import Cancellation, Closing, Fulfilment, Promise, parse_event
from chalicelib.errors import Invalid
from tests.domain.cast import FRIDAY_1630, HOUR, closing, sale


def problems(raw: object, closings: frozenset[str] = frozenset()) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        parse_event(raw, closings=closings, now=FRIDAY_1630)
    return {each.pointer: each.detail for each in caught.value.problems}


def without(raw: dict[str, Any], *path: str) -> dict[str, Any]:
    inner: Any = raw
    for step in path[:-1]:
        inner = inner[step]
    del inner[path[-1]]
    return raw


def test_a_sale_is_read_with_everyone_who_was_responsible() -> None:
    event = closing()
    assert (event.ref.source, event.ref.id, event.touchpoint) == ("/crm", "ORD-10045", "sale.closed")
    assert event.departments() == ("sales", "logistics")
    assert event.at == datetime(2026, 3, 6, 21, tzinfo=UTC)


def test_the_least_event_has_a_customer_and_one_way_to_reach_them() -> None:
    raw = sale() | {"data": {"customer": {"id": "c-1", "phone": "+57 300 123 4567"}}}
    event = parse_event(raw, closings=frozenset(), now=FRIDAY_1630)
    assert isinstance(event, Closing)
    assert event.customer.phone == "+573001234567"


def test_unknown_attributes_are_ignored() -> None:
    raw = sale(colour="blue", envelope={"traceparent": "00-1", "datacontenttype": "application/json"})
    assert isinstance(parse_event(raw, closings=frozenset(), now=FRIDAY_1630), Closing)


def test_a_customer_without_any_address_is_refused() -> None:
    assert problems(sale(customer={"id": "c-1"})) == {"/data/customer": "needs an email or a phone"}


@pytest.mark.parametrize("missing", ["specversion", "id", "source", "type", "time", "data"])
def test_what_is_missing_is_named_by_its_pointer(missing: str) -> None:
    assert problems(without(sale(), missing)) == {f"/{missing}": "Field required"}


@pytest.mark.parametrize(
    "address",
    [
        "ana@example.com\r\nBcc: all@example.com",
        "ana@@example.com",
        "ana@example@example.com",
        "ana",
        "@example.com",
        "ana@example",
        "a" * 65 + "@example.com",
        "ana@" + "e" * 250 + ".com",
        "a" * 64 + "@" + ".".join(["e" * 63] * 3) + "." + "e" * 60 + ".com",  # 320 characters
        "Ana <ana@example.com>",
        "ana@exa mple.com",
    ],
)
def test_an_address_that_is_none_is_refused_where_it_stands(address: str) -> None:
    assert list(problems(sale(customer={"id": "c-1", "email": address}))) == ["/data/customer/email"]


@pytest.mark.parametrize(
    "address",
    ["ana@ñandú.example", "ana@xn--and-6ma2c.example", "ana+x@example.com", "o'neil@sub.example.co.uk", "josé@x.mx"],
)
def test_addresses_that_exist_are_taken(address: str) -> None:
    assert closing(customer={"id": "c-1", "email": address}).customer.email == address


def test_an_instant_that_no_calendar_has_in_utc_is_refused() -> None:
    last = {"kind": "delivery", "department": "logistics", "promised": "9999-12-31T23:59:59-14:00"}
    assert problems(sale(promises=[last])).keys() == {"/data/promises/0/promised"}
    assert problems(sale(envelope={"time": "0001-01-01T00:00:00+14:00"})).keys() == {"/time"}


@pytest.mark.parametrize("zone", ["Mars/X", "SA Pacific Standard Time", "localtime", "../etc/passwd"])
def test_a_zone_that_does_not_exist_is_refused_before_the_event_is_taken(zone: str) -> None:
    customer = sale()["data"]["customer"]
    assert list(problems(sale(customer={**customer, "timezone": zone}))) == ["/data/customer/timezone"]
    contact = {"id": "c-2", "role": "user", "email": "taller@example.com", "timezone": zone}
    assert list(problems(sale(contacts=[contact]))) == ["/data/contacts/0/timezone"]


@pytest.mark.parametrize(
    "phone",
    [
        "3001234567",
        "+0123456789",
        "+12",
        "+" + "1" * 16,
        "call me",
        "+57300\n1234567",
        "++573001234567",
        "+٥٧٣٠٠١٢٣٤٥٦٧",
        "+57 300 123 45 67 ext. 8",
    ],
)
def test_a_phone_without_country_or_sense_is_refused(phone: str) -> None:
    assert list(problems(sale(customer={"id": "c-1", "phone": phone}))) == ["/data/customer/phone"]


def test_types_are_those_that_are_known_or_configured() -> None:
    raw = sale(envelope={"type": "delivery.completed"})
    assert "is not one of" in problems(raw)["/type"]
    event = parse_event(raw, closings=frozenset({"delivery.completed"}), now=FRIDAY_1630)
    assert isinstance(event, Closing)


@pytest.mark.parametrize(
    ("time", "complaint"),
    [
        ("9999-12-31T23:59:59Z", "lies in the future"),
        ("2026-03-06T21:00:00", "needs an offset"),
        ("yesterday", "Input should be a valid datetime"),
    ],
)
def test_a_time_must_be_an_instant_that_has_been(time: str, complaint: str) -> None:
    assert complaint in problems(sale(envelope={"time": time}))["/time"]


@pytest.mark.parametrize("raw", [None, [], "event", 7, {"specversion": "0.3"}])
def test_what_is_no_event_is_refused(raw: object) -> None:
    assert problems(raw)


def test_names_with_line_breaks_or_broken_characters_are_refused() -> None:
    assert list(problems(sale(reference="A\nB"))) == ["/data/reference"]
    assert list(problems(sale(reference="\ud800"))) == ["/data/reference"]
    assert list(problems(sale(reference="x" * 201))) == ["/data/reference"]


def test_a_cancellation_names_an_event_or_a_reference() -> None:
    raw = {**sale(), "type": "sale.cancelled", "data": {"event": {"source": "/crm", "id": "1"}}}
    event = parse_event(raw, closings=frozenset(), now=FRIDAY_1630)
    assert isinstance(event, Cancellation)
    raw = {**raw, "data": {"reference": "ORD-1", "customer": {"id": "c-981"}}}
    event = parse_event(raw, closings=frozenset(), now=FRIDAY_1630)
    assert isinstance(event, Cancellation)
    assert event.customer_id == "c-981"
    assert "needs `event`" in problems({**raw, "data": {"reference": "ORD-1"}})["/data"]


def test_a_fulfilment_names_event_kind_and_when() -> None:
    data = {"event": {"source": "/crm", "id": "1"}, "kind": "delivery", "fulfilled": "2026-03-06T10:00:00-05:00"}
    event = parse_event({**sale(), "type": "promise.fulfilled", "data": data}, closings=frozenset(), now=FRIDAY_1630)
    assert isinstance(event, Fulfilment)
    assert event.fulfilled == datetime(2026, 3, 6, 15, tzinfo=UTC)


def test_a_promise_of_an_instant_is_kept_broken_or_open() -> None:
    promise = Promise(kind="delivery", promised=FRIDAY_1630)
    assert promise.kept(FRIDAY_1630) is None
    assert promise.kept(FRIDAY_1630 + HOUR) is False
    assert promise.model_copy(update={"fulfilled": FRIDAY_1630}).kept(FRIDAY_1630 + HOUR) is True
    assert promise.model_copy(update={"fulfilled": FRIDAY_1630 + HOUR}).kept(FRIDAY_1630) is False


def test_a_promise_of_a_number_needs_to_know_what_is_better() -> None:
    assert Promise(kind="q", promised=10.0, fulfilled=8.0, better="higher").kept(FRIDAY_1630) is False
    assert Promise(kind="q", promised=10.0, fulfilled=10.0, better="higher").kept(FRIDAY_1630) is True
    assert Promise(kind="q", promised=10.0, fulfilled=10.1, better="lower").kept(FRIDAY_1630) is False
    assert Promise(kind="q", promised=10.0, better="lower").kept(FRIDAY_1630) is None
    assert "better" in problems(sale(promises=[{"kind": "q", "promised": 10}]))["/data/promises/0"]


def test_a_promise_does_not_mix_instants_and_numbers() -> None:
    mixed = {"kind": "q", "promised": 10, "better": "higher", "fulfilled": "2026-03-06T10:00:00Z"}
    assert "both" in problems(sale(promises=[mixed]))["/data/promises/0"]


def test_attributes_become_words() -> None:
    event = closing(attributes={"amount": 12.5, "new": True, "region": "Bogotá"})
    assert event.attributes == {"amount": "12.5", "new": "true", "region": "Bogotá"}


def test_what_a_template_leaves_empty_is_absent() -> None:
    event = closing(customer={"id": "c-1", "email": "ana@example.com", "phone": "", "name": ""}, reference="")
    assert (event.customer.phone, event.customer.name, event.reference) == (None, None, None)
    assert problems(sale(customer={"id": "", "email": "ana@example.com"})) == {"/data/customer/id": "Field required"}


def test_what_is_refused_lets_go_of_whoever_read_it() -> None:
    class Reader:
        """Something large that a reader has at hand."""

    def refused(reader: Reader) -> Reader:
        kept: list[Exception] = []
        try:
            parse_event(sale(customer={"id": "c-1"}), closings=frozenset(), now=FRIDAY_1630)
        except Invalid as error:
            kept.append(error)
        assert kept
        return reader

    gone = ref(refused(Reader()))
    collect()
    assert gone() is None
