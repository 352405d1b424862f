"""The meter: what a call is charged, on what the table held before."""

from botocore.hooks import HierarchicalEmitter

from bench.meter import Charge, Key, Meter, kind_of
from bench.units import Image, Index
from chalicelib.adapters.dynamodb.table import Put

DUE = Index("due", ("due", "due_at"))
KEY = {"pk": {"S": "INVITATION#ana"}, "sk": {"S": "INVITATION"}}
TIMER = {"due": {"S": "3"}, "due_at": {"S": "2026-11-24"}}


class Table:
    """What the emulator would answer to a look past the meter."""

    def __init__(self) -> None:
        self.items: dict[Key, Image] = {}

    def look(self, _: str, key: Key) -> Image | None:
        return self.items.get(key)


def metered() -> tuple[Meter, Table]:
    """Return a meter of a table with the due index."""
    table = Table()
    return Meter([DUE], table.look), table


def put(meter: Meter, item: Image, error: str = "") -> None:
    meter.count("dynamodb", "PutItem", {"TableName": "t", "Item": item}, {}, error)


def test_a_survey_to_ana_put_then_claimed_costs_two_and_two() -> None:
    meter, _ = metered()
    put(meter, {**KEY, **TIMER})
    put(meter, KEY)
    assert meter.tally.writes[Charge("-", "PutItem", "INVITATION")] == 4


def test_a_refused_claim_is_charged_and_changes_nothing() -> None:
    meter, _ = metered()
    put(meter, {**KEY, **TIMER})
    put(meter, KEY, "ConditionalCheckFailedException")
    put(meter, KEY)
    assert meter.tally.write_units("-") == 2 + 1 + 2


def test_an_update_is_charged_by_what_it_made() -> None:
    meter, table = metered()
    put(meter, KEY)
    table.items["INVITATION#ana", "INVITATION"] = {**KEY, **TIMER}
    meter.count("dynamodb", "UpdateItem", {"TableName": "t", "Key": KEY}, {})
    assert meter.tally.writes[Charge("-", "UpdateItem", "INVITATION")] == 2


def test_a_transaction_is_charged_twice_item_by_item() -> None:
    meter, table = metered()
    case = {"pk": {"S": "INVITATION#ana"}, "sk": {"S": "CASE"}}
    table.items["INVITATION#ana", "INVITATION"] = KEY
    actions = [{"Put": {"TableName": "t", "Item": {**case, **TIMER}}}, {"Update": {"TableName": "t", "Key": KEY}}]
    meter.count("dynamodb", "TransactWriteItems", {"TransactItems": actions}, {})
    assert meter.tally.writes[Charge("-", "TransactPut", "INVITATION/CASE")] == 4
    assert meter.tally.writes[Charge("-", "TransactUpdate", "INVITATION")] == 2


def test_a_cancelled_transaction_is_charged_without_indexes() -> None:
    meter, _ = metered()
    actions = [{"Put": {"TableName": "t", "Item": {**KEY, **TIMER}}}]
    meter.count("dynamodb", "TransactWriteItems", {"TransactItems": actions}, {}, "TransactionCanceledException")
    assert meter.tally.write_units("-") == 2


def test_reads_are_charged_by_consistency_and_each_key_of_a_batch() -> None:
    meter, _ = metered()
    meter.count("dynamodb", "GetItem", {"Key": KEY, "ConsistentRead": True}, {"Item": KEY})
    meter.count("dynamodb", "GetItem", {"Key": KEY}, {})
    assert meter.tally.read_units("-") == 1.5
    asked = {"t": {"Keys": [KEY, {**KEY, "sk": {"S": "CASE"}}], "ConsistentRead": True}}
    meter.count("dynamodb", "BatchGetItem", {"RequestItems": asked}, {"Responses": {"t": [KEY]}})
    assert meter.tally.read_units("-") == 3.5


def test_a_query_is_charged_for_the_sum_of_what_it_passes() -> None:
    meter, _ = metered()
    large = {**KEY, "x": {"S": "a" * 1000}}
    meter.count("dynamodb", "Query", {"IndexName": "due"}, {"Items": [large] * 5})
    assert meter.tally.reads[Charge("-", "Query", "index due")] == 1.0


def test_units_are_told_apart_by_path_and_calls_of_every_service_are_counted() -> None:
    meter, _ = metered()
    meter.path = "survey/send"
    put(meter, KEY)
    meter.count("sqs", "SendMessageBatch", {}, {})
    assert meter.tally.write_units("survey/send") == 1
    assert meter.tally.write_units("-") == 0
    assert meter.tally.calls_of("survey/send") == {"dynamodb.PutItem": 1, "sqs.SendMessageBatch": 1}


def test_it_hears_every_call_of_a_session() -> None:
    meter, _ = metered()
    session = HierarchicalEmitter()
    context: dict[str, object] = {}
    meter.attach(session)
    model = type("Model", (), {"name": "PutItem", "service_model": type("Service", (), {"service_name": "dynamodb"})})
    params = {"TableName": "t", "Item": KEY}
    session.emit("before-parameter-build.dynamodb.PutItem", params=params, model=model, context=context)
    session.emit("after-call.dynamodb.PutItem", http_response=None, parsed={}, model=model, context=context)
    assert meter.tally.write_units("-") == 1


def test_kinds_hold_no_ids() -> None:
    assert kind_of(("CUSTOMER#ana", "CUSTOMER")) == "CUSTOMER"
    assert kind_of(("INVITATION#ana", "INVITATION")) == "INVITATION"
    assert kind_of(("INVITATION#ana", "CASE")) == "INVITATION/CASE"
    assert kind_of(("INVITATION#ana", "CASE#000007")) == "INVITATION/CASE#"


def test_writes_of_a_batch_are_charged_each_by_itself() -> None:
    meter, table = metered()
    timed = {**KEY, "v": {"N": "1"}, **TIMER}
    table.items["INVITATION#ana", "INVITATION"] = timed
    insert = Put(timed, over=0).statement("t")
    meter.count("dynamodb", "BatchExecuteStatement", {"Statements": [insert]}, {"Responses": [{"TableName": "t"}]})
    table.items["INVITATION#ana", "INVITATION"] = {**KEY, "v": {"N": "2"}}
    claim = Put({**KEY, "v": {"N": "2"}}, over=1).statement("t")
    answers = {"Responses": [{"TableName": "t"}, {"Error": {"Code": "DuplicateItem"}}]}
    meter.count("dynamodb", "BatchExecuteStatement", {"Statements": [claim, insert]}, answers)
    assert meter.tally.writes == {
        Charge("-", "BatchInsert", "INVITATION"): 2 + 1,
        Charge("-", "BatchUpdate", "INVITATION"): 2,
    }
    assert meter.tally.calls_of("-") == {"dynamodb.BatchExecuteStatement": 2}
