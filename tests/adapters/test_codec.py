"""What is stored comes back whole, from whatever wrote it, and stays small."""

import hashlib
import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.dynamodb import codec
from chalicelib.adapters.dynamodb.dictionaries import DICTIONARIES
from chalicelib.domain.case import Case, Fired, Notice, Step
from chalicelib.domain.customer import Address, Customer
from chalicelib.domain.event import Delivered, EventRef, Person, Promise
from chalicelib.domain.invitation import Answer, Invitation
from chalicelib.domain.routing import Why
from chalicelib.ports import Early, Principal
from tests.contract.cast import NOW, answered, case, customer, entry, invitation

PINNED = {1: "03b2afd3ccfd4994c2840e8f658024fa1858e526581aef98ea2d50b293b215df"}
"""What was stored with a dictionary can only be read with the very same one."""

words = st.text(st.characters(codec="utf-8"), max_size=40)
names = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp")), min_size=1, max_size=30)
instants = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001  # bounds
channels = st.sampled_from(["email", "sms"])
seconds = st.floats(0, 10**9)
promises = st.one_of(
    st.builds(Promise, kind=names, department=st.none() | names, promised=instants, fulfilled=st.none() | instants),
    st.builds(
        Promise,
        kind=names,
        promised=st.floats(allow_nan=False, allow_infinity=False),
        fulfilled=st.none() | st.floats(allow_nan=False, allow_infinity=False),
        better=st.sampled_from(["higher", "lower"]),
    ),
)
answers = st.builds(
    Answer,
    rating=st.integers(0, 10),
    ratings=st.dictionaries(names, st.integers(1, 5), max_size=3),
    choices=st.dictionaries(names, st.lists(names, max_size=3).map(tuple), max_size=3),
    texts=st.dictionaries(names, words, max_size=2),
    at=instants,
    how=st.sampled_from(["button", "automatic", "unvouched", "sms", "phone", "counter"]),
)
invitations = st.builds(
    Invitation,
    id=st.one_of(st.binary(min_size=16, max_size=16).map(bytes.hex), names),
    version=st.integers(1, 10**6),
    generation=st.integers(0, 5),
    source=names,
    event_id=st.none() | names,
    touchpoint=names,
    occurred_at=instants,
    decided_at=instants,
    program=names,
    programs=st.lists(names, max_size=3).map(tuple),
    label=names,
    customer=names,
    channel=st.none() | channels,
    language=names,
    reference=st.none() | names,
    people=st.lists(st.builds(Person, id=names, name=st.none() | names), max_size=3).map(tuple),
    promises=st.lists(promises, max_size=3).map(tuple),
    attributes=st.dictionaries(names, words, max_size=4),
    departments=st.lists(names, max_size=3).map(tuple),
    primary=st.booleans(),
    state=st.sampled_from(["skipped", "scheduled", "attempted", "sent", "failed"]),
    send_at=st.none() | instants,
    remind_at=st.none() | instants,
    provisional=st.none() | answers,
    confirm_at=st.none() | instants,
    confirmed=st.none() | answers,
    viewed=st.lists(st.integers(0, 10), max_size=4).map(tuple),
    erased=st.booleans(),
)
steps = st.builds(
    Step, promise=st.sampled_from(["acknowledge", "resolve"]), rung=st.sampled_from(["warning", "head"]), at=instants
)
cases = st.builds(
    Case,
    id=names,
    version=st.integers(1, 1_000),
    revision=st.integers(1, 1_000),
    state=st.sampled_from(["open", "acknowledged", "waiting", "resolved"]),
    program=names,
    metric=names,
    rating=st.integers(0, 10),
    customer=names,
    department=names,
    why=st.builds(Why, rule=names, text=words),
    opened_at=instants,
    lead_since=instants,
    spent=st.dictionaries(names, seconds, max_size=3),
    running_since=st.none() | instants,
    acknowledge_from=instants,
    acknowledge_budget=seconds,
    acknowledge_by=instants,
    resolve_from=st.none() | instants,
    resolve_budget=seconds,
    resolve_by=instants,
    resolved_at=st.none() | instants,
    ladder=st.lists(steps, max_size=3).map(tuple),
    fired=st.lists(st.builds(Fired, name=names, department=names, at=instants), max_size=2).map(tuple),
    notices=st.lists(st.builds(Notice, kind=st.just("opened"), department=names, at=instants), max_size=2).map(tuple),
)


@given(invitations)
def test_an_invitation_comes_back_whole(written: Invitation) -> None:
    assert codec.decode(codec.encode_invitation(written)) == written


@given(cases)
def test_a_case_comes_back_whole(written: Case) -> None:
    assert codec.decode(codec.encode_case(written)) == written


@given(names, words, instants, st.integers(1, 10**6))
def test_whatever_else_is_kept_comes_back_whole(name: str, text: str, at: datetime, version: int) -> None:
    told = Delivered(news=name, at=at, kind=name, fulfilled=at)
    ana = Customer(key=name, version=version, name=name, rest_from=at, recent=(name, text))
    mailbox = Address(key=name, version=version, suppressed_at=at)
    news = Early(key=name, version=version, fulfilments=(told,))
    bruno = Principal(id=name, role="agent", name=text)
    line = entry(version=7, text=text)
    assert codec.decode(codec.encode_customer(ana)) == ana
    assert codec.decode(codec.encode_address(mailbox)) == mailbox
    assert codec.decode(codec.encode_early(news)) == news
    assert codec.decode(codec.encode_principal(text, bruno)) == bruno
    assert codec.decode(codec.encode_entry(name, line)) == line


def test_what_holds_its_name_alone_comes_back() -> None:
    assert codec.decode(codec.encode_customer(Customer(key="a"))) == Customer(key="a")
    assert codec.decode(codec.encode_address(Address(key="a"))) == Address(key="a")
    assert codec.decode(codec.encode_early(Early(key="a"))) == Early(key="a")


def test_an_image_from_the_stream_reads_like_the_item() -> None:
    image = codec.encode_invitation(answered(invitation()))
    streamed = image | {"body": {"B": b64encode(image["body"]["B"]).decode()}}
    assert codec.decode(streamed) == answered(invitation())


def test_what_a_later_version_wrote_is_passed_over() -> None:
    image = codec.encode_invitation(invitation())
    text = codec.unpack(image["body"]["B"])
    later = text.replace(b'"role":"seller"', b'"role":"seller","mood":"good"')[:-1] + b',"novelty":{"deep":[1]}}'
    image["body"], image["mark"] = {"B": codec.pack(later)}, {"S": "an attribute of tomorrow"}
    assert codec.decode(image) == invitation()


def test_what_an_earlier_version_did_not_write_has_its_default() -> None:
    image = codec.encode_customer(customer())
    image["body"] = {"B": codec.pack(b"{}")}
    assert codec.decode(image) == Customer(key=customer().key, version=1)


def test_news_that_an_earlier_version_kept_with_its_names_is_read_as_the_same_news() -> None:
    ref = EventRef(source="/wms", id="D-1")
    told = Delivered(news=ref.key, at=NOW, kind="quantity", fulfilled=9)
    image = codec.encode_early(Early(key="e", version=1, fulfilments=(told,)))
    names = ref.model_dump()
    kept = {"fulfilments": [{"ref": names, "at": NOW.isoformat(), "event": names, "kind": "quantity", "fulfilled": 9}]}
    image["body"] = {"B": codec.pack(json.dumps(kept).encode())}
    assert codec.decode(image) == Early(key="e", version=1, fulfilments=(told,))


def test_items_of_another_kind_are_none() -> None:
    assert codec.decode({"pk": {"S": "ROLLUP#case#all#all"}, "sk": {"S": "2026-03-06#3"}, "n": {"N": "1"}}) is None
    assert codec.decode({"pk": {"S": "ORGANISATION"}, "sk": {"S": "CURRENT"}, "body": {"B": b""}}) is None


def test_an_item_read_as_another_kind_is_a_fault() -> None:
    with pytest.raises(TypeError, match="holds no Case"):
        codec.decode_as(Case, codec.encode_invitation(invitation()))


@pytest.mark.parametrize("number", sorted(DICTIONARIES))
def test_a_dictionary_never_changes(number: int) -> None:
    assert hashlib.sha256(DICTIONARIES[number]).hexdigest() == PINNED[number]


def size_of(image: codec.Image) -> int:
    """Return an item's size as DynamoDB bills it (numbers: at most half of their digits and one byte)."""
    return sum(len(name.encode()) + _length(*value.items()) for name, value in image.items())


def _length(typed: tuple[str, Any]) -> int:
    kind, value = typed
    if kind == "N":
        return len(value) // 2 + 2
    return len(value.encode() if isinstance(value, str) else value)


FULL = invitation(
    event_id="8f14e45f-ceea-467f-9a0d-0c1d2e3f4a5b",
    reference="FAC-2026-0088123",
    zone="America/Mexico_City",
    domain="ferreteriaeltornillo.example",
    address="k3jx7q2mzv5w4hs6ynbt2dpcra",
    survey_version="9e107d9d372bb6826bd81d3542a419d6",
    attributes={"region": "Guadalajara", "product": "bomba sumergible", "store": "Centro", "segment": "taller"},
    people=(
        Person(id="7781", name="José Hernández", department="ventas", role="vendedor"),
        Person(id="7790", name="Guadalupe Gómez", department="almacen", role="surtidor"),
        Person(id="7803", name="Martín Ochoa", department="reparto", role="chofer"),
    ),
    closes_at=NOW + timedelta(days=14),
    carrier_id="0100019b2f3c4d5e-6f708192-a3b4-c5d6-e7f8-091a2b3c4d5e-000000",
)


def test_a_full_invitation_is_one_write_unit_before_and_after_its_answer() -> None:
    said = Answer(
        rating=2,
        ratings={"delivery": 1, "advice": 5, "invoice": 4},
        choices={"drivers": ("late", "incomplete"), "promise": ("no",), "value": ("yes",)},
        texts={"comment": "Llegó cuatro días tarde, sin llamar, y faltaban dos piezas del pedido. " * 3},
        at=NOW,
        how="button",
    )
    for each in (FULL, FULL.moved(confirmed=said, first_confirmed_at=NOW, has_case=True, viewed=(2,))):
        assert size_of(codec.encode_invitation(each)) <= 1024
        assert len(each.model_dump_json(exclude_defaults=True).encode()) > 1024


def test_a_case_with_its_ladder_is_one_write_unit() -> None:
    rungs = ("warning", "head", "leadership")
    ladder: Any = tuple(
        {"promise": promise, "rung": rung, "at": NOW + timedelta(hours=3 * place, minutes=7)}
        for place, (promise, rung) in enumerate((p, r) for p in ("acknowledge", "resolve") for r in rungs)
    )
    assert size_of(codec.encode_case(case(ladder=ladder, supporting=("billing", "warehouse")))) <= 1024


def test_a_customer_with_all_that_is_remembered_is_one_write_unit() -> None:
    recent = tuple(hashlib.sha256(str(number).encode()).hexdigest()[:32] for number in range(20))
    rested = customer(recent=recent, phone="+573001234567", rest_from=NOW, rest_until=NOW, rest_by=recent[0])
    assert size_of(codec.encode_customer(rested)) <= 1024
