"""Every trigger of the app is served as AWS serves it: partial failures, dead letters, bisected streams."""

import json
import os
import time

import pytest

from infra.local.system import LocalSystem
from tests.local import sample


def names(kind: str) -> list[str]:
    return [what for name, what in sample.seen if name == kind]


def test_a_message_is_handled_and_what_it_wrote_reaches_the_stream(system: LocalSystem) -> None:
    sample.send({"name": "pump"})
    system.settle()
    assert sample.seen == [("work", "pump"), ("project", "pump")]
    assert system.queues()["WorkQueue"] == {"visible": 0, "in_flight": 0, "delayed": 0}


def test_a_poison_message_ends_with_its_reason_in_the_dead_letters_while_others_go_on(system: LocalSystem) -> None:
    sample.send({"poison": "arsenic"}, {"name": "one"}, {"name": "two"})
    system.settle()
    assert names("work") == ["one", "two"]
    (letter,) = system.messages_in("WorkDlq")
    assert json.loads(letter["body"]) == {"poison": "arsenic"}
    assert letter["receive_count"] == 3
    assert letter["reason"] == "cannot handle arsenic"


def test_a_batch_that_raises_fails_whole_when_the_app_reports_no_partial_failures(system: LocalSystem) -> None:
    url = os.environ["SAMPLE_QUEUE_URL"].replace("WorkQueue", "WholeQueue").rsplit("-", 1)[0]
    queue = next(name for name in system.resources.queues() if url.rsplit("/", 1)[1] in name)
    sample.client("sqs").send_message(QueueUrl=queue, MessageBody="x")
    system.settle()
    assert sample.calls["whole"] == 2
    (letter,) = system.messages_in("WorkDlq")
    assert letter["reason"] == "RuntimeError('whole batch')"


def test_an_event_on_the_bus_reaches_the_queue_of_its_rule(system: LocalSystem) -> None:
    entry = {
        "EventBusName": os.environ["SAMPLE_BUS"],
        "Source": "crm",
        "DetailType": "thing.made",
        "Detail": json.dumps({"name": "by-bus"}),
    }
    sample.client("events").put_events(Entries=[entry])
    system.settle()
    assert names("work") == ["by-bus"]


def test_a_bad_stream_record_is_cornered_and_all_good_ones_are_delivered(system: LocalSystem) -> None:
    for name in ("a", "b", "c", "bad", "d", "e"):
        sample.put(name)
    system.settle()
    assert names("project") == ["a", "b", "c", "d", "e"]
    (letter,) = system.messages_in("StreamDlq")
    report = json.loads(letter["body"])
    assert report["DDBStreamBatchInfo"]["batchSize"] == 1
    assert report["requestContext"]["condition"] == "RetryAttemptsExhausted"


def test_a_filter_keeps_records_from_the_function(system: LocalSystem) -> None:
    item = {"pk": {"S": "OTHER#1"}, "sk": {"S": "OTHER"}}
    sample.client("dynamodb").put_item(TableName=os.environ["SAMPLE_TABLE"], Item=item)
    system.settle()
    assert sample.calls["project"] == 0


def test_a_tumbling_window_carries_its_state_from_call_to_call(system: LocalSystem) -> None:
    (pump,) = system.streams
    for name in ("a", "b"):
        sample.put(name)
        system.settle()
    assert pump._state["count"] >= 1
    assert pump._window is not None


def test_partiql_writes_reach_the_stream_and_aborted_transactions_do_not(system: LocalSystem) -> None:
    dynamodb, table = sample.client("dynamodb"), os.environ["SAMPLE_TABLE"]
    insert = f"INSERT INTO \"{table}\" VALUE {{'pk': ?, 'sk': 'THING'}}"
    dynamodb.execute_statement(Statement=insert, Parameters=[{"S": "THING#p1"}])
    two = [{"Statement": insert, "Parameters": [{"S": f"THING#{name}"}]} for name in ("p2", "p1")]
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
        dynamodb.execute_transaction(TransactStatements=two)
    dynamodb.execute_statement(
        Statement=f"UPDATE \"{table}\" SET x = 1 WHERE pk = 'THING#p1' AND sk = 'THING'",
    )
    dynamodb.execute_statement(Statement=f"DELETE FROM \"{table}\" WHERE pk = 'THING#p1' AND sk = 'THING'")
    system.settle()
    assert names("project") == ["p1", "p1", "p1"]


def test_what_happens_while_nobody_settles_is_handled_by_the_dispatcher(system: LocalSystem) -> None:
    with system.awake():
        sample.send({"name": "awake"})
        until = time.monotonic() + 5
        while ("project", "awake") not in sample.seen and time.monotonic() < until:
            time.sleep(0.002)
        assert ("project", "awake") in sample.seen


def test_a_round_that_fails_is_logged_and_does_not_end_the_dispatcher(
    system: LocalSystem, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fire, failures = system.timetable.fire_passed, iter([RuntimeError("once")])

    def fail_once() -> bool:
        for failure in failures:
            raise failure
        return fire()

    monkeypatch.setattr(system.timetable, "fire_passed", fail_once)
    with system.awake():
        sample.send({"name": "after"})
        until = time.monotonic() + 10
        while ("project", "after") not in sample.seen and time.monotonic() < until:
            time.sleep(0.01)
    assert ("project", "after") in sample.seen
    assert "a round has failed" in caplog.text
