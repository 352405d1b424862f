"""Bring what waits in queues, topics and streams to the handlers that the app has registered for it."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from chalice.app import Chalice, DynamoDBEventConfig, ScheduledEventConfig, SNSEventConfig, SQSEventConfig
from chalice.utils import to_cfn_resource_name

from infra.local.aws import REGION, CannotStart, EmbeddedAws
from infra.local.functions import Function, Reasons, log
from infra.local.patterns import matches
from infra.local.resources import Resources, client
from infra.local.schedules import Schedule

SHARD = "shardId-00000000000000000000-00000000"
RECEIVE_MAX = 10
RETRIES_MAX = 2  # of one notification, when the function says nothing else
ENDLESS_TRIES_MAX = 5
REST_SECONDS = 30

Json = dict[str, Any]
Record = dict[str, Any]


class Pump(Protocol):
    """One source of work."""

    name: str

    def is_ready(self, pending: Json) -> bool:
        """Say whether there is something to do."""

    def step(self) -> None:
        """Handle one batch."""


def queue_name(arn: str) -> str:
    """Return the last part of a queue's ARN or address."""
    return arn.replace("/", ":").rsplit(":", 1)[-1]


@dataclass
class QueuePump:
    """A queue and its function."""

    aws: EmbeddedAws
    function: Function
    queue: str
    reasons: Reasons
    batch_size: int = RECEIVE_MAX
    has_partial_failures: bool = False
    to_event: Callable[[list[Record]], Json] = field(default=lambda records: {"Records": records})
    has_dead_letters: bool = True

    def __post_init__(self) -> None:
        self.name = self.function.name
        self.url = f"{self.aws.endpoint}/000000000000/{self.queue}"

    def is_ready(self, pending: Json) -> bool:
        """A message is visible."""
        return bool(pending["queues"].get(self.queue, [0])[0])

    def step(self) -> None:
        """Receive a batch, have it handled, delete what is done and put the rest back at once."""
        messages = self._receive()
        if not messages:
            return  # what had failed too often has gone to the dead letters
        failed = self._handle([self._record(message) for message in messages])
        done = [message for message in messages if message["MessageId"] not in failed]
        self._batch("DeleteMessageBatch", done)
        self._put_back([message for message in messages if message["MessageId"] in failed])

    def _receive(self) -> list[Json]:
        messages: list[Json] = []
        while len(messages) < self.batch_size:
            request = {
                "QueueUrl": self.url,
                "MaxNumberOfMessages": min(RECEIVE_MAX, self.batch_size - len(messages)),
                "WaitTimeSeconds": 0,
                "MessageSystemAttributeNames": ["All"],
                "MessageAttributeNames": ["All"],
            }
            received = self.aws.call("AmazonSQS.ReceiveMessage", request).get("Messages", [])
            messages += received
            if len(received) < RECEIVE_MAX:
                break
        return messages

    def _record(self, message: Json) -> Record:
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message["Attributes"],
            "messageAttributes": {n: _attribute(one) for n, one in message.get("MessageAttributes", {}).items()},
            "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": f"arn:aws:sqs:{REGION}:000000000000:{self.queue}",
            "awsRegion": REGION,
        }

    def _handle(self, records: list[Record]) -> set[str]:
        ids = [record["messageId"] for record in records]
        self.reasons.listen()
        try:
            answer = self.function.invoke(self.to_event(records))
            failed = _failures(answer, set(ids)) if self.has_partial_failures else set()
        except Exception as error:
            log.exception("%s has failed on %d messages", self.name, len(ids))
            self.reasons.note(ids, error)
            return set(ids)
        self.reasons.note(sorted(failed))
        return failed

    def _put_back(self, failed: list[Json]) -> None:
        resting = [one for one in failed if self._has_to_rest(one)]
        self._batch("ChangeMessageVisibilityBatch", resting, VisibilityTimeout=REST_SECONDS)
        retried = [one for one in failed if one not in resting]
        self._batch("ChangeMessageVisibilityBatch", retried, VisibilityTimeout=0)

    def _has_to_rest(self, message: Json) -> bool:
        # Without dead letters a message would be tried for ever.
        return not self.has_dead_letters and int(message["Attributes"]["ApproximateReceiveCount"]) >= ENDLESS_TRIES_MAX

    def _batch(self, action: str, messages: list[Json], **more: int) -> None:
        for start in range(0, len(messages), RECEIVE_MAX):
            part = messages[start : start + RECEIVE_MAX]
            entries = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"], **more} for n, one in enumerate(part)]
            self.aws.call(f"AmazonSQS.{action}", {"QueueUrl": self.url, "Entries": entries})


def _attribute(attribute: Json) -> Json:
    return {name[0].lower() + name[1:]: value for name, value in attribute.items()}


def _failures(answer: Any, ids: set[str]) -> set[str]:
    """Read a partial batch response as Lambda does: a name that is not in the batch fails the whole batch."""
    failures = (answer or {}).get("batchItemFailures") or []
    named = {failure.get("itemIdentifier") for failure in failures}
    return named if named <= ids else ids


def notifications(topic: str) -> Callable[[list[Record]], Json]:
    """Return what makes an SNS event of the messages of the queue that stands in for a subscription."""

    def to_event(records: list[Record]) -> Json:
        return {"Records": [_notification(topic, json.loads(record["body"])) for record in records]}

    return to_event


def _notification(topic: str, body: Json) -> Record:
    return {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": f"{topic}:00000000-0000-0000-0000-000000000000",
        "Sns": {"Subject": None, "MessageAttributes": {}, **body},
    }


@dataclass
class StreamPump:
    """A table's stream and its function, with the position up to which it has been read."""

    aws: EmbeddedAws
    function: Function
    arn: str
    batch_size: int
    settings: Json
    position: int = 0

    def __post_init__(self) -> None:
        self.name = self.function.name
        self.table = self.arn.split("/")[1]
        self._filters = [
            json.loads(one["Pattern"]) for one in self.settings.get("FilterCriteria", {}).get("Filters", [])
        ]
        self._window_seconds = int(self.settings.get("TumblingWindowInSeconds", 0))
        self._has_partial_failures = "ReportBatchItemFailures" in self.settings.get("FunctionResponseTypes", [])
        self._bisects = bool(self.settings.get("BisectBatchOnFunctionError"))
        self._retries_max = int(self.settings.get("MaximumRetryAttempts", -1))
        self._window: Json | None = None
        self._state: Json = {}
        self._blocked_until = 0.0

    def is_ready(self, pending: Json) -> bool:
        """There are records beyond the position, and no record blocks the shard."""
        return bool(pending["streams"].get(self.table, 0) > self.position and time.monotonic() >= self._blocked_until)

    def step(self) -> None:
        """Bring the next records to the function; those that no filter lets through are passed over."""
        found = self.aws.records(self.table, self.position, self.batch_size)
        wanted = [record for record in found["records"] if self._lets_through(record)]
        try:
            if wanted:
                self._deliver(wanted, self._retries_max if self._retries_max >= 0 else ENDLESS_TRIES_MAX)
        except Blocked:
            # Without a bound on retries AWS would hold up the shard for a day.
            self._blocked_until = time.monotonic() + REST_SECONDS
        else:
            self.position = found["position"]

    def _lets_through(self, record: Record) -> bool:
        return not self._filters or any(matches(pattern, record) for pattern in self._filters)

    def _deliver(self, batch: list[Record], retries: int) -> None:
        rest = self._try(batch)
        if not rest:
            return
        if self._bisects and len(rest) > 1:
            middle = len(rest) // 2
            self._deliver(rest[:middle], retries)
            self._deliver(rest[middle:], retries)
        elif retries > 0:
            self._deliver(rest, retries - 1)
        else:
            self._give_up(rest)

    def _try(self, batch: list[Record]) -> list[Record]:
        """Call the function; return what has to be tried again."""
        try:
            answer = self._invoke(batch)
        except Exception:
            log.exception("%s has failed on %d stream records", self.name, len(batch))
            return batch
        if self._window_seconds and not isinstance((answer or {}).get("state"), dict):
            log.error("%s has not returned the state of its window", self.name)
            return batch
        self._state = (answer or {}).get("state", {})
        return self._unhandled(batch, answer) if self._has_partial_failures else []

    @staticmethod
    def _unhandled(batch: list[Record], answer: Any) -> list[Record]:
        failures = (answer or {}).get("batchItemFailures") or []
        failed = {failure.get("itemIdentifier") for failure in failures}
        numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
        if not failed <= set(numbers):
            return batch
        first = next((n for n, number in enumerate(numbers) if number in failed), len(batch))
        return batch[first:]

    def _invoke(self, batch: list[Record]) -> Any:
        if not self._window_seconds:
            return self.function.invoke({"Records": batch})
        window = self._window_of(batch)
        if self._window and window != self._window:
            self.function.invoke(self._windowed([], self._window, is_final=True))
            self._state = {}
        self._window = window
        return self.function.invoke(self._windowed(batch, window, is_final=False))

    def _window_of(self, batch: list[Record]) -> Json:
        start = int(batch[0]["dynamodb"]["ApproximateCreationDateTime"]) // self._window_seconds * self._window_seconds
        return {"start": _stamp(start), "end": _stamp(start + self._window_seconds)}

    def _windowed(self, batch: list[Record], window: Json, *, is_final: bool) -> Json:
        return {
            "Records": batch,
            "window": window,
            "state": self._state,
            "shardId": SHARD,
            "eventSourceARN": self.arn,
            "isFinalInvokeForWindow": is_final,
            "isWindowTerminatedEarly": False,
        }

    def _give_up(self, batch: list[Record]) -> None:
        if self._retries_max < 0:
            raise Blocked
        destination = self.settings.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        log.error("%s has given up %d stream records", self.name, len(batch))
        if not destination:
            return
        numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
        body = {
            "requestContext": {"functionArn": self.name, "condition": "RetryAttemptsExhausted"},
            "DDBStreamBatchInfo": {
                "shardId": SHARD,
                "startSequenceNumber": numbers[0],
                "endSequenceNumber": numbers[-1],
                "batchSize": len(batch),
                "streamArn": self.arn,
            },
        }
        url = f"{self.aws.endpoint}/000000000000/{queue_name(destination)}"
        self.aws.call("AmazonSQS.SendMessage", {"QueueUrl": url, "MessageBody": json.dumps(body)})


class Blocked(Exception):
    """A record that fails for ever holds up its shard."""


def _stamp(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Triggers:
    """Everything that the app has registered for, ready to run."""

    pumps: list[Pump]
    schedules: list[tuple[Function, Schedule]]


def discover(app: Chalice, resources: Resources, aws: EmbeddedAws, reasons: Reasons) -> Triggers:
    """Build a pump for each registration of the app; the overlay says what each is connected to."""
    triggers = Triggers([], [])
    for source in app.event_sources:
        function = Function.load(source.name, source.handler_string, resources.permissions)
        settings = resources.event_sources.get(to_cfn_resource_name(source.name), {})
        if isinstance(source, ScheduledEventConfig):
            expression = source.schedule_expression
            text = expression if isinstance(expression, str) else expression.to_string()
            triggers.schedules.append((function, Schedule(text)))
        elif isinstance(source, SQSEventConfig):
            triggers.pumps.append(_queue_pump(function, source, settings, aws, reasons))
        elif isinstance(source, SNSEventConfig):
            triggers.pumps.append(_topic_pump(function, source, settings, aws, reasons))
        elif isinstance(source, DynamoDBEventConfig):
            arn = settings.get("Stream", source.stream_arn)
            batch_size = int(settings.get("BatchSize", source.batch_size))
            triggers.pumps.append(StreamPump(aws, function, arn, batch_size, settings))
        else:
            raise CannotStart(f"{source.name} is triggered by what one machine does not have: {type(source).__name__}.")
    return triggers


def _queue_pump(
    function: Function, source: SQSEventConfig, settings: Json, aws: EmbeddedAws, reasons: Reasons
) -> QueuePump:
    if "FilterCriteria" in settings:
        raise CannotStart(f"{source.name} filters its queue, which one machine does not do.")
    queue = queue_name(settings.get("Queue") or source.queue_arn or source.queue or "")
    request = {"QueueUrl": f"{aws.endpoint}/000000000000/{queue}", "AttributeNames": ["RedrivePolicy"]}
    attributes = aws.call("AmazonSQS.GetQueueAttributes", request).get("Attributes", {})
    return QueuePump(
        aws,
        function,
        queue,
        reasons,
        batch_size=int(settings.get("BatchSize", source.batch_size)),
        has_partial_failures="ReportBatchItemFailures" in settings.get("FunctionResponseTypes", []),
        has_dead_letters="RedrivePolicy" in attributes,
    )


def _topic_pump(
    function: Function, source: SNSEventConfig, settings: Json, aws: EmbeddedAws, reasons: Reasons
) -> QueuePump:
    """Subscribe a queue that stands in for Lambda; one notification per call, as SNS does."""
    topic = settings.get("Topic", source.topic)
    name = f"local-{function.name}"
    invocation = settings.get("EventInvokeConfig", {})
    dead_letters = invocation.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    dead_letters = dead_letters or settings.get("RedrivePolicy", {}).get("deadLetterTargetArn")
    tries = int(invocation.get("MaximumRetryAttempts", RETRIES_MAX)) + 1
    redrive = {"deadLetterTargetArn": dead_letters, "maxReceiveCount": tries}
    attributes = {"RedrivePolicy": json.dumps(redrive)} if dead_letters else {}
    aws.call("AmazonSQS.CreateQueue", {"QueueName": name, "Attributes": attributes})
    arn = f"arn:aws:sqs:{REGION}:000000000000:{name}"
    sns = client("sns", aws.endpoint)
    subscribed = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    if not any(one["Endpoint"] == arn for one in subscribed):
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return QueuePump(
        aws,
        function,
        name,
        reasons,
        batch_size=1,
        to_event=notifications(topic),
        has_dead_letters=bool(dead_letters),
    )
