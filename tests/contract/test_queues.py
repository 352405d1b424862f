"""What every inbox and every queue of views promises, and what ours put into SQS."""

import json
from typing import Any

import pytest

from chalicelib.adapters.dynamodb.timers import DynamoTimers
from chalicelib.adapters.letters import SqsLetters, event_in, report_in
from chalicelib.adapters.memory import Memory, MemoryInbox, MemoryTimers, MemoryViews
from chalicelib.adapters.queues import CALL_BYTES_MAX, Queue, batches, due_of, view_of
from chalicelib.domain.terms import fingerprint
from chalicelib.domain.timer import Timer
from chalicelib.errors import Overloaded
from chalicelib.ports import Due, DueKey, View
from tests.contract.cast import NOW, id_of
from tests.contract.subject import Embedded, on_dynamodb

EVENT: dict[str, object] = {"specversion": "1.0", "id": "ORD-1", "source": "/crm", "data": {"name": "Lucía 🔩"}}
VIEWS = (View(id_of(1), 7, NOW), View(id_of(2), None, NOW))
KEYS = tuple(DueKey("case" if number % 2 else "invitation", id_of(number)) for number in range(23))


def test_in_memory_everything_waits_in_order(memory: Memory) -> None:
    MemoryInbox(memory).accept([EVENT, EVENT])
    MemoryInbox(memory).refuse("not an event", "no specversion")
    for view in VIEWS:
        MemoryViews(memory).note(view)
    MemoryTimers(memory).nudge(KEYS)
    assert memory.inbox == [EVENT, EVENT]
    assert memory.refused == [("not an event", "no specversion")]
    assert memory.views == list(VIEWS)
    cases = [due.ids for due in memory.nudged if due.kind == "case"]
    (invitations,) = [due.ids for due in memory.nudged if due.kind == "invitation"]
    assert cases == [(key.id,) for key in KEYS if key.kind == "case"]
    assert invitations == tuple(key.id for key in KEYS if key.kind == "invitation")
    assert len({due.name for due in memory.nudged}) == len(memory.nudged)


def test_accepted_events_wait_whole(embedded: Embedded) -> None:
    events = [{**EVENT, "id": str(number)} for number in range(23)]
    on_dynamodb(embedded).inbox.accept(events)
    assert sorted(map(json.loads, embedded.bodies("INTAKE_QUEUE_URL")), key=lambda each: int(each["id"])) == events


def test_the_largest_request_is_accepted(embedded: Embedded) -> None:
    events = [{**EVENT, "id": str(number), "data": "ñ" * 30_000} for number in range(17)]
    on_dynamodb(embedded).inbox.accept(events)
    assert len(embedded.bodies("INTAKE_QUEUE_URL")) == 17


def test_what_can_never_be_handled_lies_with_the_dead_letters(embedded: Embedded) -> None:
    on_dynamodb(embedded).inbox.refuse("not an event", "no specversion")
    assert embedded.bodies("INTAKE_DLQ_URL") == ["not an event"]


def test_a_view_is_read_as_it_was_noted(embedded: Embedded) -> None:
    for view in VIEWS:
        on_dynamodb(embedded).views.note(view)
    assert {view_of(body) for body in embedded.bodies("VIEWS_QUEUE_URL")} == set(VIEWS)


def test_a_nudge_names_what_is_due(embedded: Embedded) -> None:
    timer = Timer(NOW, (id_of(1), id_of(2)), "name", tries=3)
    on_dynamodb(embedded).timers.nudge([*KEYS, timer])
    found = [due_of(body) for body in embedded.bodies("DUE_QUEUE_URL")]
    singles = [due for due in found if due.timer is None]
    assert {DueKey(due.kind, id_) for due in singles for id_ in due.ids} == set(KEYS)
    assert [(due.ids, due.timer) for due in found if due.timer] == [(timer.ids, timer)]
    assert len({due.name for due in found}) == len(found)


@pytest.mark.parametrize(("many", "messages"), [(1, 1), (25, 1), (26, 2), (60, 3)])
def test_invitations_due_together_go_together(embedded: Embedded, many: int, messages: int) -> None:
    on_dynamodb(embedded).timers.nudge([DueKey("invitation", id_of(number)) for number in range(many)])
    found = [due_of(body) for body in embedded.bodies("DUE_QUEUE_URL")]
    assert len(found) == messages
    assert {id_ for due in found for id_ in due.ids} == {id_of(number) for number in range(many)}


def test_a_message_of_an_earlier_version_names_one_thing() -> None:
    assert due_of('{"kind": "invitation", "id": "x"}') == Due("invitation", ("x",))
    assert due_of('{"kind": "case", "id": "y"}') == Due("case", ("y",))


@pytest.mark.parametrize("body", ["", "[]", '{"kind": "house", "ids": ["x"]}', '{"ids": ["x"]}', '{"kind": "case"}'])
def test_what_names_nothing_is_an_error(body: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        due_of(body)


def test_nothing_to_send_is_no_call(embedded: Embedded) -> None:
    on_dynamodb(embedded).timers.nudge([])
    on_dynamodb(embedded).inbox.accept([])
    assert embedded.bodies("DUE_QUEUE_URL") == embedded.bodies("INTAKE_QUEUE_URL") == []


@pytest.mark.parametrize("count", [1, 10, 11, 20, 21])
def test_ten_go_in_a_call(count: int) -> None:
    bodies = [str(number) for number in range(count)]
    cut = list(batches(bodies))
    assert [body for batch in cut for body in batch] == bodies
    assert len(cut) == -(-count // 10)


def test_a_call_is_cut_where_it_would_grow_too_large() -> None:
    half = "x" * (CALL_BYTES_MAX // 2)
    assert [len(batch) for batch in batches([half, half, "x"])] == [2, 1]
    assert [len(batch) for batch in batches([half, half + "x"])] == [1, 1]
    assert [len(batch) for batch in batches(["ñ" * (CALL_BYTES_MAX // 4)] * 3)] == [2, 1]


class Reluctant:
    """A queue that takes one message of each call, `takes` times."""

    def __init__(self, takes: int) -> None:
        self.takes = takes
        self.taken: list[str] = []

    def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803  # boto3's
        """Take the first entry, as long as there is patience."""
        if self.takes:
            self.takes -= 1
            self.taken.append(Entries.pop(0)["MessageBody"])
        return {"Failed": [{"Id": entry["Id"], "Code": "ServiceUnavailable"} for entry in Entries]}


def test_what_was_not_taken_is_offered_again() -> None:
    client: Any = Reluctant(takes=3)
    Queue(client, "queue").send(["a", "b", "c"])
    assert client.taken == ["a", "b", "c"]


@pytest.mark.parametrize("takes", [0, 2])
def test_what_is_never_taken_is_an_error(takes: int) -> None:
    client: Any = Reluctant(takes)
    with pytest.raises(Overloaded, match="ServiceUnavailable"):
        Queue(client, "queue").send(["a", "b", "c", "d"])


def test_a_lost_nudge_is_no_error(embedded: Embedded, caplog: pytest.LogCaptureFixture) -> None:
    client: Any = Reluctant(takes=0)
    DynamoTimers(embedded.table(), Queue(client, "queue")).nudge([DueKey("case", fingerprint("x"))])
    assert [record.message for record in caplog.records] == ["nudge_lost"]


def whole(kept: SqsLetters) -> list[Any]:
    return [letter.said for letter in kept.look(1_000)]


def test_whole_letters_are_found_and_taken_away_one_by_one(embedded: Embedded) -> None:
    address = embedded.environment["INTAKE_DLQ_URL"]
    kept, queue = SqsLetters(embedded.sqs, address, event_in), Queue(embedded.sqs, address)
    events: list[dict[str, object]] = [{**EVENT, "id": str(number)} for number in range(23)]
    queue.send([json.dumps({"detail-type": "sale.closed", "detail": event}) for event in events])
    queue.lay("{}", "it was refused")
    queue.send(["no JSON"])
    found = list(kept.look(1_000))
    said: list[Any] = [letter.said for letter in found]
    assert None in said
    assert sorted((each for each in said if each), key=lambda each: int(each["id"])) == events
    assert whole(kept) == []  # each is ours alone for a while
    kept.lay("{}", "it failed again")
    for letter in found:
        kept.end(letter)
    assert embedded.bodies("INTAKE_DLQ_URL") == ["{}", "{}"]


def test_no_more_letters_are_looked_at_than_wanted(embedded: Embedded) -> None:
    address = embedded.environment["INTAKE_DLQ_URL"]
    Queue(embedded.sqs, address).send(["{}"] * 25)
    assert len(whole(SqsLetters(embedded.sqs, address, event_in))) == 25
    Queue(embedded.sqs, address).send(["{}"] * 25)
    assert len(list(SqsLetters(embedded.sqs, address, event_in).look(12))) == 12


@pytest.mark.parametrize(
    "body",
    [
        {"requestPayload": {"Records": [{"Sns": {"Message": '{"eventType": "Bounce"}'}}]}, "responsePayload": {}},
        {"Type": "Notification", "Message": '{"eventType": "Bounce"}'},
    ],
    ids=["what Lambda lays aside", "on one machine"],
)
def test_a_carriers_report_is_read_out_of_a_failed_call(body: object) -> None:
    assert report_in(json.dumps(body)) == {"eventType": "Bounce"}


@pytest.mark.parametrize(
    "body", ["", "[]", "7", "{}", '{"requestPayload": 7}', '{"requestPayload": {"Records": [7]}}', '{"Message": "no"}']
)
def test_what_is_no_failed_call_is_no_report(body: str) -> None:
    assert report_in(body) is None
