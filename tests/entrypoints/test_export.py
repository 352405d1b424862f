"""Carla takes the answers home as a file; the stream's readers fill the files that she gets them from."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from chalice.test import Client, HTTPResponse

from chalicelib import runtime
from chalicelib.adapters.files import S3DayFiles, lines_in
from chalicelib.adapters.queues import Queue
from chalicelib.adapters.spreadsheet import columns_of, csv_of, safe
from chalicelib.domain.dayfile import ExportRow
from chalicelib.errors import Overloaded
from chalicelib.flows import file as flow
from chalicelib.ports import Principal
from tests.counting import company
from tests.domain.cast import sale
from tests.entrypoints.http import APP, installed
from tests.flows.test_file import filed, sold
from tests.world import World

TOKENS = {
    "carla": Principal(id="carla", role="leadership", name="Carla"),
    "bruno": Principal(id="bruno", role="department", name="Bruno", department="logistics"),
    "marta": Principal(id="marta", role="agent", name="Marta", person="u-7"),
}
EVIL = '=HYPERLINK("http://evil.example","Haz clic")\nÁrbol, "ñ"'


def get(query: str = "", who: str = "carla") -> HTTPResponse:
    with Client(APP) as client:
        return client.http.get(f"/api/v1/export{query}", headers={"Authorization": f"Bearer {who}"})


def table(response: HTTPResponse) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(response.body.decode(), newline="")))


@pytest.fixture(autouse=True)
def world() -> Iterator[World]:
    """A company with two answers on file."""
    made = World()
    made.publish(company())
    for token, principal in TOKENS.items():
        made.ports.access.grant(token, principal)
    sold(made, 1, 3, failed="late", delivery="2", kept="no", comment=EVIL)
    sold(made, 2, 9)
    filed(made)
    with installed(made):
        yield made


def test_a_spreadsheet_gets_a_header_a_line_for_each_answer_and_no_formula() -> None:
    response = get("?format=csv")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert response.headers["Content-Disposition"] == 'attachment; filename="answers-2026-02-04-2026-03-07.csv"'
    assert "Link" not in response.headers
    rows = {row["reference"]: row for row in table(response)}
    assert set(rows) == {"ORD-1", "ORD-2"}
    low = rows["ORD-1"]
    assert low["words"] == f"'{EVIL}"
    named = ("rating", "rating_delivery", "choice_failed", "choice_kept", "attribute_region", "customer", "has_case")
    assert [low[name] for name in named] == ["3", "2", "late", "no", "Bogotá", "c-1", "yes"]
    assert (low["day"], low["departments"], low["other"]) == ("2026-03-06", "sales; logistics", "")


def test_lines_end_as_rfc_4180_says_and_begin_with_no_mark() -> None:
    body = get("?format=csv").body
    assert body.startswith(b"id,day,")
    assert body.endswith(b"\r\n")


def test_programs_get_a_line_of_json_each() -> None:
    response = get("?format=jsonl&from=2026-03-06&to=2026-03-07")
    assert response.headers["Content-Type"] == "application/jsonl; charset=utf-8"
    rows = [json.loads(line) for line in response.body.decode().splitlines()]
    assert {row["reference"] for row in rows} == {"ORD-1", "ORD-2"}
    assert rows[0]["schema_version"] == 1
    assert not get("?format=jsonl&from=2026-03-07&to=2026-03-08").body


def test_without_answers_a_spreadsheet_still_gets_its_header() -> None:
    assert table(get("?from=2026-01-01&to=2026-02-01")) == []
    assert get("?from=2026-01-01&to=2026-02-01").body.count(b"\r\n") == 1


def test_the_next_page_is_where_the_link_leads() -> None:
    first = get("?format=jsonl&limit=1")
    address, _, relation = first.headers["Link"].partition(">")
    assert relation == '; rel="next"'
    last = get(address.removeprefix("</api/v1/export"))
    assert "Link" not in last.headers
    ids = [json.loads(page.body)["id"] for page in (first, last)]
    assert len(set(ids)) == 2


@pytest.mark.parametrize("who", ["bruno", "marta"])
def test_who_may_not_read_single_answers_gets_no_file(who: str) -> None:
    assert get(who=who).status_code == 403


def test_a_stranger_gets_no_file() -> None:
    assert get(who="nobody").status_code == 401


@pytest.mark.parametrize(
    ("query", "pointers"),
    [("?format=xlsx&limit=0", ["/format", "/limit"]), ("?from=x&from=y", ["/from", "/from"]), ("?by=day", ["/by"])],
)
def test_what_cannot_be_answered_is_told_fault_by_fault(query: str, pointers: list[str]) -> None:
    response = get(query)
    assert response.status_code == 422
    assert response.headers["Content-Type"] == "application/problem+json"
    assert [each["pointer"] for each in json.loads(response.body)["errors"]] == pointers


@pytest.mark.parametrize("cell", ["=1+1", "+57300", "-1", "@x", "\t=1", " =1", "\uff1d1", "\r=1", "|x", "%x"])
def test_a_cell_that_may_be_a_formula_is_shown_and_not_computed(cell: str) -> None:
    assert safe(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "9", "a=b", "2026-03-06", "Ñandú", "'quoted'"])
def test_any_other_cell_is_left_alone(cell: str) -> None:
    assert safe(cell) == cell


def test_what_an_older_survey_asked_stands_in_the_last_column(world: World) -> None:
    given = get("?format=jsonl").body.decode().splitlines()[0]
    row = ExportRow.model_validate_json(given).model_copy(update={"ratings": {"gone": 4}, "attributes": {"old": "x"}})
    (told,) = csv.DictReader(io.StringIO(csv_of([row], columns_of(company()))))
    assert json.loads(told["other"]) == {"gone": 4, "old": "x"}


class Waiting(Queue):
    """A queue that keeps what it is sent, or takes nothing."""

    def __init__(self, *, full: bool = False) -> None:
        self.bodies: list[str] = []
        self.full = full

    def send(self, bodies: Any, *, delay_seconds: int = 0) -> None:
        if self.full:
            raise Overloaded("not taken")
        self.bodies += bodies


def test_lines_that_were_handed_over_are_written_and_a_bad_message_holds_up_no_other(world: World) -> None:
    queue, kept = Waiting(), dict(world.memory.day_files)
    handing = S3DayFiles(None, "-", queue)  # type: ignore[arg-type]  # hands over only
    handing.hand_over([line for lines in kept.values() for line in lines])
    world.memory.day_files.clear()
    bodies = ["{}", "not json", '[{"kind":"responses"}]', *queue.bodies]
    with Client(APP) as client:
        event = client.events.generate_sqs_event(bodies)
        for number, record in enumerate(event["Records"]):
            record["messageId"] = str(number)
        answer = client.lambda_.invoke("files", event).payload
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}, {"itemIdentifier": "2"}]}
    assert world.memory.day_files == kept


def test_what_the_queue_does_not_take_raises_so_that_the_batch_comes_again(world: World) -> None:
    full = S3DayFiles(None, "-", Waiting(full=True))  # type: ignore[arg-type]  # hands over only
    object.__setattr__(world.ports, "day_files", full)
    with pytest.raises(Overloaded):
        flow.tell(runtime.ports(), world.memory.changes)


def test_no_word_name_or_address_of_a_customer_waits_in_the_queue(world: World) -> None:
    customer = {"id": "c-secret", "name": "Secret Pérez", "email": "secret@example.com", "phone": "+573009998877"}
    world.tell(sale(customer=customer, reference="ORD-SECRET", envelope={"id": "ORD-SECRET"}))
    asked = next(each for each in world.memory.invitations.values() if each.reference == "ORD-SECRET")
    world.answer(asked.id, 2, failed="late", comment="secret words")
    queue = Waiting()
    object.__setattr__(world.ports, "day_files", S3DayFiles(None, "-", queue))  # type: ignore[arg-type]  # as above
    flow.tell(world.ports, world.memory.changes)
    assert any(line.id == asked.id for body in queue.bodies for line in lines_in(body))
    assert not any(text in body.lower() for body in queue.bodies for text in ("secret", "pérez", "573009998877"))
