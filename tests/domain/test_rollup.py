"""Test what an item adds to the counters: on which day, under which names, and nothing twice."""

import random
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.case import Case, Fired
from chalicelib.domain.event import Person, Promise
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.organisation import ATTRIBUTES_MAX
from chalicelib.domain.rollup import (
    DEPARTMENTS_COUNTED_MAX,
    NEVER_COUNTED,
    PEOPLE_COUNTED_MAX,
    ROWS_PER_KIND_MAX,
    VALUE_BYTES_MAX,
    Dimensions,
    Row,
    contributions,
    count_alike,
    day_of,
    decode,
    dimensions_of,
    domain_bucket,
    driver_set,
    encode,
    faults,
    kind_name,
    rows_max,
    succeeding,
)
from chalicelib.domain.score import bucket_of
from tests.counting import (
    AT,
    DELIVERY,
    JORGE,
    MARTA,
    PURCHASE,
    QUANTITY,
    SURVEYS,
    answered,
    anything,
    asked,
    company,
    opened,
)

HERE = Dimensions("America/Bogota", ("region",), (("department", "region"),))
quick = settings(max_examples=200, deadline=None, derandomize=True, database=None)


def rows(item: Invitation | Case, dimensions: Dimensions = HERE) -> dict[tuple[str, str, str, str], dict[str, int]]:
    survey = PURCHASE if isinstance(item, Invitation) else None
    found = contributions(item, dimensions, survey)
    counts = {(row.kind, row.dimension, row.value, row.day): dict(row.counts) for row in found}
    assert len(counts) == len(found)
    return counts


def one(item: Invitation | Case, kind: str, dimension: str = "all", value: str = "all") -> dict[str, int]:
    found = [counts for key, counts in rows(item).items() if key[:3] == (kind, dimension, value)]
    return found[0] if found else {}


def labels(item: Invitation | Case, kind: str) -> set[tuple[str, str]]:
    return {(key[1], key[2]) for key in rows(item) if key[0] == kind}


# Decisions


@pytest.mark.parametrize(
    ("more", "counts"),
    [
        ({"state": "scheduled"}, {}),
        ({"state": "attempted"}, {"invited": 1, "sent": 1}),
        ({"state": "sent"}, {"invited": 1, "sent": 1}),
        ({"state": "sent", "bounced": True}, {"invited": 1, "bounced": 1}),
        ({"state": "failed"}, {"invited": 1, "failed": 1}),
        ({"state": "skipped", "reason": "resting"}, {"skipped.resting": 1}),
        ({"state": "sent", "unconfirmed": True}, {"invited": 1, "sent": 1, "unconfirmed": 1}),
    ],
)
def test_a_decision_counts_what_became_of_it(more: dict[str, Any], counts: dict[str, int]) -> None:
    assert one(asked(**more), "decision") == counts


def test_an_answer_counts_for_the_response_rate_on_the_day_of_its_event() -> None:
    late = answered(9, at=AT + timedelta(days=9))
    assert rows(late)["decision", "all", "all", "2026-03-06"] == {"invited": 1, "sent": 1, "answered": 1}
    assert rows(late)["response", "all", "all", "2026-03-15"]["nps.9"] == 1


def test_a_hard_bounce_takes_an_answer_out_of_the_response_rate_only() -> None:
    bounced = answered(9, bounced=True)
    assert "answered" not in one(bounced, "decision")
    assert one(bounced, "response")["nps.9"] == 1


def test_a_decision_counts_under_everything_it_has() -> None:
    assert labels(asked(), "decision") == {
        ("all", "all"),
        ("department", "sales"),
        ("department", "logistics"),
        ("program", "after-sale"),
        ("touchpoint", "sale.closed"),
        ("channel", "email"),
        ("person", "u-7"),
        ("role", "seller"),
        ("region", "Bogotá"),
        ("department&region", "sales&Bogotá"),
        ("department&region", "logistics&Bogotá"),
    }


def test_an_event_that_nobody_asks_about_counts_under_its_own_sign() -> None:
    nobody = asked(state="skipped", reason="no_program", program="-", channel=None, attributes={})
    assert {("program", "-"), ("department", "sales")} <= labels(nobody, "decision")
    assert not {label for label in labels(nobody, "decision") if label[0] in ("channel", "region")}


def test_a_trial_counts_nowhere() -> None:
    assert rows(answered(2, trial=True, promises=(DELIVERY,))) == {}


def test_an_item_of_another_generation_counts_nothing() -> None:
    assert rows(answered(9, generation=1)) == {}
    assert rows(opened(generation=1)) == {}
    later = Dimensions(HERE.zone, generation=1)
    assert rows(answered(9), later) == {}
    assert {key[0] for key in rows(answered(9, generation=1), later)} == {"decision.1", "response.1", "sending.1"}
    assert kind_name("response", 0) == "response"


# What was sent


SENT_AT = datetime(2026, 3, 6, 21, 40, tzinfo=UTC)


@pytest.mark.parametrize(
    ("more", "hours"),
    [
        ({}, {"sent.21": 1}),
        ({"bounced": True}, {"sent.21": 1, "bounced.21": 1}),
        ({"instead": "sent", "channel": "sms"}, {"sent.21": 1, "bounced.21": 1}),
        ({"channel": "sms"}, {}),
        ({"state": "scheduled", "sent_at": None}, {}),
        ({"state": "failed", "sent_at": None}, {}),
        ({"reminded_at": SENT_AT + timedelta(minutes=20)}, {"sent.21": 1, "sent.22": 1}),
        (
            {"reminded_at": SENT_AT + timedelta(minutes=20), "bounced": True},
            {"sent.21": 1, "sent.22": 1, "bounced.22": 1},
        ),
    ],
)
def test_mails_count_in_the_hour_in_which_they_left(more: dict[str, Any], hours: dict[str, int]) -> None:
    sent = asked(**{"sent_at": SENT_AT, "channel": "email", **more})
    assert one(sent, "sending") == hours


@pytest.mark.parametrize(
    ("more", "counts"),
    [
        ({}, {}),
        ({"viewed": (9,)}, {"opened.acme.example": 1}),
        ({"viewed": (9, 3)}, {"opened.acme.example": 1, "scanned.acme.example": 1}),
        ({"trapped": True}, {"opened.acme.example": 1, "scanned.acme.example": 1}),
    ],
)
def test_what_opened_the_links_counts_by_the_domain_that_was_written_to(
    more: dict[str, Any], counts: dict[str, int]
) -> None:
    sent = asked(**{"sent_at": SENT_AT, "channel": "email", "domain": "acme.example", **more})
    assert one(sent, "sending", "domain", domain_bucket("acme.example")) == counts


# Days


@pytest.mark.parametrize(
    ("at", "bogota", "sao_paulo", "utc"),
    [
        ("2026-03-07T02:59:59+00:00", "2026-03-06", "2026-03-06", "2026-03-07"),
        ("2026-03-07T03:00:00+00:00", "2026-03-06", "2026-03-07", "2026-03-07"),
        ("2026-03-07T04:59:59+00:00", "2026-03-06", "2026-03-07", "2026-03-07"),
        ("2026-03-07T05:00:00+00:00", "2026-03-07", "2026-03-07", "2026-03-07"),
        ("2017-11-01T01:30:00+00:00", "2017-10-31", "2017-10-31", "2017-11-01"),  # summer time in São Paulo
        ("2017-11-01T02:00:00+00:00", "2017-10-31", "2017-11-01", "2017-11-01"),
    ],
)
def test_a_day_ends_at_midnight_where_the_company_is(at: str, bogota: str, sao_paulo: str, utc: str) -> None:
    zones = {"America/Bogota": bogota, "America/Sao_Paulo": sao_paulo, "UTC": utc}
    item = answered(9, at=datetime.fromisoformat(at))
    for zone, day in zones.items():
        days = {key[3] for key in rows(item, Dimensions(zone)) if key[0] == "response"}
        assert days == {day}


def test_a_correction_stays_on_the_day_of_the_first_answer() -> None:
    first = answered(3)
    corrected = first.moved(confirmed=answered(9, at=AT + timedelta(days=3)).confirmed)
    assert {key[3] for key in rows(corrected) if key[0] == "response"} == {"2026-03-06"}
    assert one(corrected, "response")["nps.9"] == 1


def test_the_last_day_of_time_is_a_day() -> None:
    assert day_of(datetime(9999, 12, 31, 23, 59, tzinfo=UTC), "Asia/Tokyo") == "9999-12-31"


# Answers


def test_an_answer_counts_its_rating_its_touchpoints_and_its_choices() -> None:
    item = answered(6, ratings={"delivery": 2}, choices={"kept": ("no",), "worth": ("yes",)}, promises=(DELIVERY,))
    assert one(item, "response") == {"nps.6": 1, "t.delivery.2": 1, "value.yes_low": 1, "kept.no": 1}
    assert one(item, "response", "department", "logistics")["kept.no"] == 1
    assert "kept.no" not in one(item, "response", "department", "sales")


@pytest.mark.parametrize(
    ("rating", "said", "quadrant"),
    [(7, "yes", "yes_high"), (6, "yes", "yes_low"), (7, "no", "no_high"), (6, "no", "no_low")],
)
def test_value_and_satisfaction_make_a_quadrant(rating: int, said: str, quadrant: str) -> None:
    assert one(answered(rating, choices={"worth": (said,)}), "response")[f"value.{quadrant}"] == 1


def test_a_promise_question_counts_for_its_own_department_else_the_promises_else_all() -> None:
    billing = answered(9, choices={"invoice_kept": ("yes",)})
    assert one(billing, "response", "department", "billing") == {"kept.yes": 1}
    assert "kept.yes" not in one(billing, "response", "department", "sales")
    nobodys = answered(9, choices={"kept": ("yes",)})
    assert one(nobodys, "response", "department", "sales")["kept.yes"] == 1


def test_moments_need_every_touchpoint_that_everyone_is_asked() -> None:
    name, ids = driver_set(PURCHASE)
    assert ids == ("delivery", "staff")
    whole = one(answered(8, ratings={"delivery": 4, "staff": 5}), "response")
    moments = {key.removeprefix(f"m.{name}."): n for key, n in whole.items() if key.startswith("m.")}
    assert moments == {"n": 1, "0": 8, "1": 4, "2": 5, "00": 64, "01": 32, "02": 40, "11": 16, "12": 20, "22": 25}
    assert not [key for key in one(answered(8, ratings={"delivery": 4}), "response") if key.startswith("m.")]


def test_answers_to_another_set_of_touchpoints_add_up_apart() -> None:
    assert driver_set(PURCHASE)[0] != driver_set(SURVEYS["csat"])[0]


def test_each_person_counts_in_the_team_of_their_department() -> None:
    item = answered(8, people=(MARTA, JORGE))
    assert one(item, "response", "team", "sales") == {"n.nps.u-7": 1, "s.nps.u-7": 8, "q.nps.u-7": 64}
    assert one(item, "response", "team", "logistics")["s.nps.u-8"] == 8


def test_a_provisional_answer_counts_nothing() -> None:
    waiting = asked(provisional=answered(2).confirmed)
    assert not labels(waiting, "response")


def test_erasing_a_persons_words_changes_no_count() -> None:
    item = answered(2, texts={"comment": "Soy Ana"}, promises=(DELIVERY,))
    assert item.confirmed is not None
    silent = item.confirmed.model_copy(update={"texts": {}})
    erased = item.moved(confirmed=silent, erased=True, reference=None, address=None, zone=None)
    assert rows(erased) == rows(item)


# Promises


@pytest.mark.parametrize(
    ("fulfilled", "counts"),
    [
        (None, {"due.delivery": 1}),
        (DELIVERY.promised, {"due.delivery": 1, "kept.delivery": 1}),
        (AT + timedelta(days=30), {"due.delivery": 1, "late.delivery": 1}),
    ],
)
def test_a_promise_counts_on_the_day_it_was_promised_for(fulfilled: datetime | None, counts: dict[str, int]) -> None:
    item = asked(promises=(DELIVERY.model_copy(update={"fulfilled": fulfilled}),))
    assert rows(item)["promise", "all", "all", "2026-03-10"] == counts
    assert rows(item)["promise", "department", "logistics", "2026-03-10"] == counts
    assert ("department", "sales") not in labels(item, "promise")


@pytest.mark.parametrize(
    ("fulfilled", "counts"),
    [
        (None, {}),
        (10.0, {"due.quantity": 1, "kept.quantity": 1}),
        (9.0, {"due.quantity": 1, "late.quantity": 1}),
    ],
)
def test_a_promised_number_counts_on_the_day_of_its_event_once_it_is_known(
    fulfilled: float | None, counts: dict[str, int]
) -> None:
    item = asked(promises=(QUANTITY.model_copy(update={"fulfilled": fulfilled}),))
    assert rows(item).get(("promise", "all", "all", "2026-03-06"), {}) == counts


def test_promises_count_before_anything_is_sent_and_once_for_each_event() -> None:
    assert labels(asked(state="scheduled", promises=(DELIVERY,)), "promise")
    assert not labels(asked(primary=False, promises=(DELIVERY,)), "promise")


# Cases


def test_a_case_counts_on_its_opening_for_its_present_lead() -> None:
    case = opened(department="billing", origin_department="sales", drivers=("late", "no", "yes"))
    assert rows(case)["case", "all", "all", "2026-03-06"] == {"opened": 1, "open": 1, "driver.late": 1}
    assert ("department", "billing") in labels(case, "case")
    assert ("department", "sales") not in labels(case, "case")
    assert {("person", "u-7"), ("region", "Bogotá"), ("channel", "email")} <= labels(case, "case")


def test_a_resolved_case_counts_its_times_moves_and_end() -> None:
    case = opened(
        state="resolved",
        first_acknowledged_at=AT + timedelta(seconds=600),
        spent={"logistics": 3_000.0, "billing": 600.0},
        handoffs=2,
        returns=1,
        root_cause="wrong_pick",
        mended="yes",
        contacts_reached=1,
        contacts_missed=2,
    )
    assert one(case, "case") == {
        "contacts.reached": 1,
        "contacts.missed": 2,
        "opened": 1,
        "resolved": 1,
        f"ack.{bucket_of(600)}": 1,
        f"res.{bucket_of(3_600)}": 1,
        "handoffs": 2,
        "handoffs.squares": 4,
        "returns": 1,
        "returns.squares": 1,
        "mended.yes": 1,
        "cause.wrong_pick": 1,
    }


def test_a_case_is_breached_by_either_promise_also_when_only_its_rung_tells() -> None:
    assert one(opened(resolve_breached=True), "case")["breached"] == 1
    rung = Fired(name="acknowledge:head", department="logistics", at=AT)
    warned = rung.model_copy(update={"name": "acknowledge:warning"})
    assert one(opened(fired=(rung,)), "case")["breached"] == 1
    assert "breached" not in one(opened(fired=(warned,)), "case")


# Names


@quick
@given(st.lists(st.text(min_size=1, max_size=12), min_size=2, max_size=2, unique=True))
def test_two_values_never_share_a_key(values: list[str]) -> None:
    first, second = (unicodedata.normalize("NFC", value.encode("utf-8", "replace").decode()) for value in values)
    assert (encode(values[0]) == encode(values[1])) == (first == second)
    assert decode(encode(values[0])) == first
    assert not {"#", "&"} & set(encode(values[0]))


@pytest.mark.parametrize("value", ["x" * 5_000, "ñ" * 200, "😀" * 200, "#" * 200])
def test_a_long_value_keeps_its_beginning_and_its_own_key(value: str) -> None:
    assert len(encode(value).encode()) <= VALUE_BYTES_MAX
    assert encode(value) != encode(value + "y")
    assert decode(encode(value)).startswith(value[:50])


def test_the_same_name_composed_in_two_ways_is_one_value() -> None:
    assert encode("Bogota\u0301") == encode("Bogotá")


# Bounds


def crowded(organisation_attributes: tuple[str, ...]) -> Invitation:
    people = tuple(Person(id=f"u-{n}", department=f"d-{n}", role=f"r-{n}") for n in range(20))
    promises = tuple(
        Promise(kind=f"k-{n}", department=f"d-{n}", promised=AT + timedelta(days=n), fulfilled=AT) for n in range(20)
    )
    return answered(
        8,
        ratings={"delivery": 4, "staff": 5},
        people=people,
        departments=tuple(f"d-{n}" for n in range(20)),
        promises=promises,
        attributes=dict.fromkeys(organisation_attributes, "x"),
    )


def test_the_most_crowded_event_fits_into_one_transaction_and_takes_what_was_reckoned_with() -> None:
    for attributes, pairs in (
        (("a",), ()),
        (("a", "b", "c"), (("department", "a"),)),
        (tuple("abcdef"), (("department", "a"), ("a", "b"))),
    ):
        organisation = company(attributes=attributes, pairs=pairs)
        assert not faults(organisation)
        found = contributions(crowded(attributes), dimensions_of(organisation), PURCHASE)
        kinds = [sum(row.kind == kind for row in found) for kind in ("decision", "response", "promise")]
        assert kinds[1] == rows_max(organisation) <= ROWS_PER_KIND_MAX
        assert max(kinds) <= ROWS_PER_KIND_MAX
        assert len(found) <= 99


def test_a_further_promise_is_left_out_whole_rather_than_in_part() -> None:
    promises = [row for row in contributions(crowded(("a",)), Dimensions("UTC", ("a",))) if row.kind == "promise"]
    names = [{name.partition(".")[2] for name in row.counts} for row in promises]
    everywhere = {kind for kinds in names for kind in kinds}
    for kind in everywhere:
        dimensions = {row.dimension for row in promises if f"due.{kind}" in row.counts}
        assert {"all", "department", "program", "person", "role", "a"} <= dimensions


def test_departments_and_people_beyond_the_bound_are_those_named_last() -> None:
    found = labels(crowded(("region",)), "decision")
    departments = {value for dimension, value in found if dimension == "department"}
    people = {value for dimension, value in found if dimension == "person"}
    assert departments == {f"d-{n}" for n in range(DEPARTMENTS_COUNTED_MAX)}
    assert people == {f"u-{n}" for n in range(PEOPLE_COUNTED_MAX)}


@pytest.mark.parametrize(
    ("trends", "fault"),
    [
        ({"attributes": ("person",), "pairs": ()}, "person is counted by already"),
        ({"attributes": ("a#b",), "pairs": ()}, "a#b must be short"),
        ({"attributes": ("x" * 199 + ":",), "pairs": ()}, "must be short"),
        ({"attributes": ("a", "a"), "pairs": ()}, "each counts once"),
        ({"attributes": ("a",), "pairs": (("a", "b"),)}, "b is not one of a, channel"),
        ({"attributes": ("a",), "pairs": (("a", "a"),)}, "each pair has two dimensions"),
        ({"attributes": ("a",), "pairs": (("a", "role"), ("role", "a"))}, "in either order"),
        ({"attributes": ("a",), "pairs": (("department", "person"),)}, "an answer may take 42 rows of 33"),
    ],
)
def test_an_organisation_that_counts_by_too_much_is_told_so(trends: dict[str, Any], fault: str) -> None:
    assert fault in " ".join(faults(company(**trends)))


def test_an_organisation_may_count_by_as_many_attributes_as_it_can_name() -> None:
    attributes = tuple(f"a-{n}" for n in range(ATTRIBUTES_MAX))
    assert not faults(company(attributes=attributes, pairs=(("department", "a-0"), ("a-1", "a-2"))))


# Generations


def test_counting_differently_begins_a_generation_and_nothing_else_does() -> None:
    before = company(generation=3)
    same = company().model_copy(update={"name": "El Tornillo"})
    assert succeeding(same, before).trends.generation == 3
    assert succeeding(company(attributes=("region",)), before).trends.generation == 4
    assert succeeding(company().model_copy(update={"zone": "UTC"}), before).trends.generation == 4
    assert succeeding(company(pairs=()), before).trends.generation == 4
    assert succeeding(company(), None).trends.generation == 0


def test_an_image_gives_the_same_counts_however_often_it_is_read() -> None:
    dimensions = dimensions_of(company())
    for seed in range(200):
        item = anything(random.Random(seed), f"i-{seed}")
        survey = SURVEYS[item.metric or "nps"] if isinstance(item, Invitation) else None
        again = type(item).model_validate_json(item.model_dump_json(exclude_defaults=True))
        found: tuple[Row, ...] = contributions(item, dimensions, survey)
        assert found == contributions(again, dimensions, survey)
        assert all(count for row in found for count in row.counts.values())


def test_no_count_looks_at_a_field_that_is_never_counted() -> None:
    dimensions = dimensions_of(company())
    for seed in range(200):
        item = anything(random.Random(seed), f"i-{seed}")
        survey = SURVEYS[item.metric or "nps"] if isinstance(item, Invitation) else None
        looked_at = watched(item)
        contributions(looked_at, dimensions, survey)
        assert looked_at.seen
        assert not looked_at.seen & NEVER_COUNTED[type(item)]


def watched(item: Invitation | Case) -> Any:
    """The same item, which remembers the names of its fields that anybody asked for."""
    seen: set[str] = set()

    class Watched(type(item)):  # type: ignore[misc]
        def __getattribute__(self, name: str) -> Any:
            seen.add(name)
            return seen if name == "seen" else super().__getattribute__(name)

    return Watched.model_construct(**item.__dict__)


def test_images_that_count_alike_give_the_same_counts() -> None:
    dimensions = dimensions_of(company())
    alike = 0
    for seed in range(400):
        chance = random.Random(seed)
        old, other = anything(chance, "i-1"), anything(chance, "i-1")
        if type(old) is not type(other):
            continue
        some = chance.sample(sorted(type(old).model_fields), 3)
        new = old.model_copy(update={name: getattr(other, name) for name in some} | {"faults": 1})
        if count_alike(old, new):
            alike += 1
            for survey in SURVEYS.values():
                assert contributions(old, dimensions, survey) == contributions(new, dimensions, survey)
    assert alike > 50
