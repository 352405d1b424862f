"""What is announced is on the bus whole, and what is still to be posted waits in its queue as it was."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.adapters import clients
from chalicelib.adapters.dynamodb.customers import DynamoCustomers
from chalicelib.adapters.dynamodb.stream import write_of
from chalicelib.adapters.outlet import AwsOutlet, post_of
from chalicelib.adapters.queues import Queue
from chalicelib.domain.customer import Customer
from chalicelib.domain.outgoing import CloudEvent, Outgoing, Post
from chalicelib.errors import Overloaded
from infra.local.aws import CREDENTIALS, REGION
from tests.contract.subject import Embedded

AT = datetime(2026, 3, 6, 21, 0, tzinfo=UTC)
WHAT = Outgoing(id="ab" * 16, kind="case.opened", customer="ana", item="i-1", at=AT, facts={"rating": 2, "why": {}})
POST = Post(webhook="crm", what=WHAT)
NOWHERE: Any = None


def events(count: int) -> list[CloudEvent]:
    """Some events."""
    data: Any = {"rating": 2, "reference": "ñ 💥"}
    return [
        CloudEvent(id=str(n), source="/lazo/test", type="case.opened", subject="i", time=AT, data=data)
        for n in range(count)
    ]


def outlet(embedded: Embedded, client: Any) -> AwsOutlet:
    """Return the outlet of the embedded AWS."""
    queues = embedded.queue("WEBHOOKS_QUEUE_URL"), embedded.queue("WEBHOOKS_DLQ_URL")
    return AwsOutlet(client, embedded.environment["BUS_NAME"], *queues)


def bus(embedded: Embedded) -> Any:
    """Return a client of the bus, whose events of ours a queue hears."""
    client = clients.events(
        endpoint_url=embedded.aws.endpoint,
        region_name=REGION,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    )
    embedded.sqs.create_queue(QueueName="heard")
    name = embedded.environment["BUS_NAME"]
    client.put_rule(Name="heard", EventBusName=name, EventPattern='{"source": ["lazo"]}')
    target: Any = {"Id": "heard", "Arn": f"arn:aws:sqs:{REGION}:000000000000:heard"}
    client.put_targets(Rule="heard", EventBusName=name, Targets=[target])
    return client


def test_events_are_on_the_bus_whole_and_none_of_them_comes_in_again(embedded: Embedded) -> None:
    client = bus(embedded)
    outlet(embedded, client).announce(events(23))
    heard = [json.loads(message["body"]) for message in embedded.aws.messages("heard", 100)]
    assert sorted(each["detail"]["id"] for each in heard) == sorted(str(n) for n in range(23))
    assert {each["detail-type"] for each in heard} == {"case.opened"}
    assert heard[0]["detail"]["data"] == {"rating": 2, "reference": "ñ 💥"}
    assert embedded.bodies("INTAKE_QUEUE_URL") == []
    client.close()


class Reluctant:
    """A bus that takes one event of each call, `takes` times."""

    def __init__(self, takes: int) -> None:
        self.takes = takes
        self.taken: list[str] = []
        self.calls: list[int] = []

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803  # boto3's
        """Take the first entry, as long as there is patience."""
        self.calls.append(len(Entries))
        took, self.takes = min(self.takes, 1), max(self.takes - 1, 0)
        self.taken += [json.loads(entry["Detail"])["id"] for entry in Entries[:took]]
        told = [{"EventId": "x"}] * took + [{"ErrorCode": "InternalFailure"}] * (len(Entries) - took)
        return {"FailedEntryCount": len(Entries) - took, "Entries": told}


def test_what_the_bus_did_not_take_is_offered_again_and_nothing_else() -> None:
    client: Any = Reluctant(takes=3)
    AwsOutlet(client, "bus", NOWHERE, NOWHERE).announce(events(3))
    assert (client.taken, client.calls) == (["0", "1", "2"], [3, 2, 1])


@pytest.mark.parametrize("takes", [0, 2])
def test_what_the_bus_never_takes_is_an_error(takes: int) -> None:
    client: Any = Reluctant(takes)
    with pytest.raises(Overloaded, match="InternalFailure"):
        AwsOutlet(client, "bus", NOWHERE, NOWHERE).announce(events(4))


@pytest.mark.parametrize(("count", "calls"), [(0, []), (1, [1]), (10, [10]), (11, [10, 1])])
def test_ten_events_go_in_a_call(count: int, calls: list[int]) -> None:
    class Willing(Reluctant):
        def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803  # boto3's
            self.calls.append(len(Entries))
            return {"FailedEntryCount": 0, "Entries": [{"EventId": "x"}] * len(Entries)}

    client: Any = Willing(0)
    AwsOutlet(client, "bus", NOWHERE, NOWHERE).announce(events(count))
    assert client.calls == calls


def test_a_post_waits_as_it_was_and_one_given_up_lies_with_its_reason(embedded: Embedded) -> None:
    tried = POST.model_copy(update={"tried": 3, "not_before": AT})
    outlet(embedded, NOWHERE).enqueue([POST, tried])
    outlet(embedded, NOWHERE).give_up(POST, "answered 500")
    assert list(map(post_of, embedded.bodies("WEBHOOKS_QUEUE_URL"))) == [POST, tried]
    url = embedded.environment["WEBHOOKS_DLQ_URL"]
    (letter,) = embedded.aws.messages(url.rsplit("/", 1)[-1], 10)
    assert post_of(letter["body"]) == POST
    assert letter["message_attributes"]["reason"]["StringValue"] == "answered 500"


@pytest.mark.parametrize(
    ("after", "seconds"),
    [
        (timedelta(0), None),
        (timedelta(milliseconds=1), 1),
        (timedelta(seconds=5), 5),
        (timedelta(seconds=900), 900),
        (timedelta(hours=8), 900),
    ],
)
def test_a_post_is_held_back_as_long_as_a_queue_can(after: timedelta, seconds: int | None) -> None:
    class Noting:
        def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
            self.entries = Entries
            return {}

    client: Any = Noting()
    AwsOutlet(NOWHERE, "bus", Queue(client, "queue"), NOWHERE).enqueue([POST], after)
    assert client.entries[0].get("DelaySeconds") == seconds


# What the stream tells the outlet


def test_a_customers_write_is_told_with_what_was_there_before(embedded: Embedded) -> None:
    people = DynamoCustomers(embedded.table())
    first = Customer(key="ana", version=1, id="c-981", email="ana@example.com")
    out = first.model_copy(update={"version": 2, "opted_out_at": AT})
    people.save(first)
    people.save(out)
    records = embedded.aws.records(embedded.table_name, 0, 10)["records"]
    told = [write_of(record) for record in records]
    assert [(each.old, each.new) for each in told] == [(None, first), (first, out)]


def test_a_record_that_cannot_be_read_is_told_as_such_and_one_of_another_kind_tells_nothing() -> None:
    strange = {"pk": {"S": "CUSTOMER#ana"}, "sk": {"S": "CUSTOMER"}}
    broken = write_of(
        {"dynamodb": {"SequenceNumber": "7", "Keys": strange, "NewImage": {**strange, "body": {"B": "!"}}}}
    )
    assert (broken.readable, broken.sequence) == (False, "7".zfill(40))
    address = {"pk": {"S": "ADDRESS#x"}, "sk": {"S": "ADDRESS"}}
    other = write_of({"dynamodb": {"SequenceNumber": "8", "Keys": address, "NewImage": address}})
    assert (other.readable, other.old, other.new) == (True, None, None)
