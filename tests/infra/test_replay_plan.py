"""Rows become what happened, when it happened, in the order of time."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.marked_yaml import Unreadable
from infra.replay.mapping import Replaying, filled, load, rendered
from infra.replay.plan import Plan, plan, read_rows

MAPPING = Path(__file__).resolve().parents[2] / "examples" / "replay" / "marketplace.yaml"
MADE_UP = Path(__file__).parent / "made_up.csv"


@pytest.fixture
def replaying() -> Replaying:
    return load(MAPPING)


@pytest.fixture
def planned(replaying: Replaying) -> Plan:
    return plan(read_rows(MADE_UP, replaying), replaying)


def test_every_row_is_an_event_and_every_rating_an_answer(planned: Plan) -> None:
    assert (planned.rows, planned.answers, planned.left_out) == (7, 5, ())
    assert planned.events == 7 + 2  # two of the deliveries came after their event


def test_an_event_happens_at_its_review_else_at_its_delivery_else_when_it_should_have_come(planned: Plan) -> None:
    closed = {event["id"]: event["time"] for stop in planned.stops for event in stop.events if "/" not in event["id"]}

    assert closed["o-1"] == "2024-03-05T03:00:00.000Z"  # midnight in São Paulo
    assert closed["o-4"] == "2024-03-08T15:00:00.000Z"
    assert closed["o-7"] == "2024-03-16T03:00:00.000Z"


def test_what_was_delivered_before_the_event_is_told_with_it_and_what_came_later_at_its_own_time(planned: Plan) -> None:
    events = {event["id"]: event for stop in planned.stops for event in stop.events}

    assert events["o-1"]["data"]["promises"][0]["fulfilled"] == "2024-03-04T13:00:00.000Z"
    assert "fulfilled" not in events["o-2"]["data"]["promises"][0]
    assert events["o-2/delivery"]["type"] == "promise.fulfilled"
    assert events["o-2/delivery"]["time"] == "2024-03-20T19:00:00.000Z"
    assert events["o-2/delivery"]["data"]["event"] == {"source": "/marketplace", "id": "o-2"}
    assert not [id_ for id_ in events if id_.startswith("o-3/")]


def test_stops_go_forward_and_hold_all_that_happens_at_one_instant(planned: Plan) -> None:
    instants = [stop.at for stop in planned.stops]
    first = planned.stops[0]

    assert instants == sorted(set(instants))
    assert [event["id"] for event in first.events] == ["o-1", "o-6"]
    assert [answer.reference for answer in planned.stops[1].answers] == ["o-1", "o-6"]
    assert planned.stops[1].at == datetime(2024, 3, 5, 12, 30, tzinfo=UTC)


def test_an_answer_says_what_the_row_says_and_leaves_out_what_is_empty(planned: Plan) -> None:
    forms = {answer.reference: answer.form for stop in planned.stops for answer in stop.answers}

    assert forms["o-2"] == {"rating": "1", "comment": "Atrasou"}
    assert forms["o-3"] == {"rating": "2"}
    assert forms["o-6"] == {"rating": "3", "comment": "linha um\nlinha dois <b>"}


def test_a_midnight_that_the_clocks_skipped_keeps_its_local_day(replaying: Replaying, tmp_path: Path) -> None:
    text = MADE_UP.read_text().replace(
        "2024-03-06 00:00:00,2024-03-12 20:00:00", "2017-10-15 00:00:00,2017-10-16 09:00:00"
    )
    file = tmp_path / "orders.csv"
    file.write_text(text)

    stops = plan(read_rows(file, replaying), replaying).stops

    assert stops[0].at == datetime(2017, 10, 15, 3, tzinfo=UTC)  # 01:00 of that day: there was no 00:00


def test_rows_that_say_nothing_are_told_and_hold_up_no_other(replaying: Replaying, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    lines = MADE_UP.read_text().splitlines()
    broken = [
        lines[1].replace("2024-03-05 00:00:00", "yesterday"),
        lines[2].replace("2024-03-12 20:00:00", ""),
        lines[4].replace("2024-03-08 12:00:00,2024-03-15 00:00:00", ","),
        lines[5].replace("o-5", ""),
    ]
    file.write_text("\n".join([lines[0], *broken, lines[3]]))

    found = plan(read_rows(file, replaying), replaying)

    assert found.left_out == (
        (2, "review_creation_date is no time: 'yesterday'"),
        (3, "a rating, but no time in review_answer_timestamp"),
        (4, "no time in review_creation_date, order_delivered_customer_date, order_estimated_delivery_date"),
        (5, "no id in {order_id}"),
    )
    assert found.events == 1


def test_a_file_without_a_column_that_the_mapping_names_is_refused_before_anything_is_sent(
    replaying: Replaying, tmp_path: Path
) -> None:
    file = tmp_path / "orders.csv"
    file.write_text("order_id;review_score\no-1;5\n")

    with pytest.raises(Unreadable, match=r"orders\.csv:1: has no column customer_state, customer_unique_id, .* names"):
        read_rows(file, replaying)


def test_an_export_saved_in_latin_1_with_semicolons_is_read(replaying: Replaying, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    lines = [line.replace(",", ";") for line in MADE_UP.read_text().splitlines()[:3:2]]
    file.write_bytes("\n".join(lines).replace("Atrasou", "Demorou à beça").encode("latin-1"))

    assert read_rows(file, replaying)[0]["review_comment_title"] == "Demorou à beça"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("zone: America/Sao_Paulo #", "zone: Sao_Paulo #", "8: zone: must be an IANA zone such as America/Bogota"),
        (
            "  type: sale.closed",
            "  kind: sale.closed",
            "19: event: needs `type`\n{file}:20: event.kind: is not known here",
        ),
        ("answer:", "answers:", "40: answers: is not known here; did you mean answer?"),
        (
            "  time: review_answer_timestamp",
            "  tiem: x",
            "40: answer: needs `time`\n{file}:41: answer.tiem: is not known",
        ),
    ],
)
def test_a_broken_mapping_is_told_its_line(old: str, new: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "mapping.yaml"
    file.write_text(MAPPING.read_text().replace(old, new))

    with pytest.raises(Unreadable) as caught:
        load(file)

    assert str(caught.value).startswith(f"{file}:" + told.format(file=file))


def test_a_row_without_a_seller_has_no_people() -> None:
    people = [{"id": "{seller_id}", "department": "sales"}, {"id": "u-1", "role": "head"}]

    assert filled(people, {"seller_id": "s-1"}) == [{"id": "s-1", "department": "sales"}, {"id": "u-1", "role": "head"}]
    assert filled(people, {"seller_id": ""}) == [{"id": "u-1", "role": "head"}]
    assert filled({"people": people[:1], "reference": "{ref}"}, {"seller_id": " ", "ref": ""}) is None


def test_columns_are_filled_in_and_nothing_else_is() -> None:
    assert rendered("order {order_id} {missing}", {"order_id": "{x} %s"}) == "order {x} %s"
