"""A small application that uses every trigger which one machine has, and remembers what it was called with."""

import json
import os
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from chalice import Blueprint, Chalice, Cron, Rate, Response
from chalice.app import CloudWatchEvent, DynamoDBEvent, SNSEvent, SQSEvent

from infra.local.application import Application

PLACE = "arn:aws:sqs:us-east-1:000000000000:placeholder"

routes = Blueprint(__name__)
consumers = Blueprint(__name__)
seen: list[tuple[str, Any]] = []
calls: Counter[str] = Counter()
times: dict[str, Callable[[], datetime]] = {}


def client(service: str) -> Any:
    """Return a client that tries once."""
    return boto3.client(service, config=Config(retries={"total_max_attempts": 1}))  # type: ignore[call-overload]


def now() -> datetime:
    """Return the system's time."""
    return times["now"]()


def put(name: str, **attributes: str) -> None:
    """Store a thing."""
    item = {key: {"S": value} for key, value in attributes.items()}
    client("dynamodb").put_item(
        TableName=os.environ["SAMPLE_TABLE"], Item={"pk": {"S": f"THING#{name}"}, "sk": {"S": "THING"}, **item}
    )


def put_due(name: str, at: datetime, again: str = "") -> None:
    """Store a thing that falls due."""
    put(name, due="0", due_at=at.isoformat(), again=again)


def send(*bodies: Any) -> None:
    """Put messages into the queue."""
    for body in bodies:
        client("sqs").send_message(QueueUrl=os.environ["SAMPLE_QUEUE_URL"], MessageBody=json.dumps(body))


def mail(to: str) -> str:
    """Send a mail."""
    head = f"From: Lazo <lazo@example.com>\r\nTo: {to}\r\nSubject: Hola\r\nX-Odd:   kept\r\n"
    raw = head + "Content-Type: text/plain; charset=utf-8\r\n\r\nHola, ¿qué tal?\r\n"
    sent = client("sesv2").send_email(
        FromEmailAddress="lazo@example.com",
        Destination={"ToAddresses": [to]},
        Content={"Raw": {"Data": raw.encode()}},
        EmailTags=[{"Name": "invitation", "Value": "i-1"}],
    )
    return str(sent["MessageId"])


@consumers.on_sqs_message(queue_arn=PLACE, batch_size=10, name="work")
def work(event: SQSEvent) -> dict[str, Any]:
    """Store each thing; those that ask for it fail."""
    failures = []
    for record in event:
        calls["work"] += 1
        body = json.loads(record.body)
        body = body.get("detail", body)
        if body.get("poison"):
            failures.append({"itemIdentifier": record.to_dict()["messageId"]})
            application.log.error("cannot handle %s", body["poison"])
        else:
            put(body["name"])
            seen.append(("work", body["name"]))
    return {"batchItemFailures": failures}


@consumers.on_sqs_message(queue_arn=PLACE, batch_size=10, name="whole")
def whole(event: SQSEvent) -> None:
    """Fail whole batches."""
    calls["whole"] += 1
    raise RuntimeError("whole batch")


@consumers.on_dynamodb_record(stream_arn=PLACE, batch_size=100, name="project")
def project(event: DynamoDBEvent) -> dict[str, Any]:
    """Note each record; a bad one fails the batch."""
    raw = event.to_dict()
    calls["project"] += 1
    names = [record["dynamodb"]["Keys"]["pk"]["S"].removeprefix("THING#") for record in raw["Records"]]
    if any(name.startswith("bad") for name in names):
        raise RuntimeError("bad record")
    seen.extend(("project", name) for name in names)
    return {"state": {"count": raw["state"].get("count", 0) + len(names)}}


@consumers.on_sns_message(topic=PLACE, name="receipts")
def receipts(event: SNSEvent) -> None:
    """Note what carriers report."""
    seen.append(("receipts", json.loads(event.message)))


@consumers.schedule(Rate(1, unit=Rate.MINUTES), name="sweep")
def sweep(event: CloudWatchEvent) -> None:
    """Handle what is due; a thing may make another fall due."""
    calls["sweep"] += 1
    for item in due_until(now()):
        seen.append(("due", (item["pk"]["S"].removeprefix("THING#"), now())))
        put(item["pk"]["S"].removeprefix("THING#"))
        if again := item["again"]["S"]:
            name, at = again.split("@")
            put_due(name, datetime.fromisoformat(at))


@consumers.schedule(Cron(0, 8, "*", "*", "?", "*"), name="daily")
def daily(event: CloudWatchEvent) -> None:
    """Note each day at eight."""
    seen.append(("daily", now()))


def due_until(until: datetime) -> list[dict[str, Any]]:
    """Return what is due, earliest first."""
    found = client("dynamodb").query(
        TableName=os.environ["SAMPLE_TABLE"],
        IndexName="due",
        KeyConditionExpression="due = :zero AND due_at <= :until",
        ExpressionAttributeValues={":zero": {"S": "0"}, ":until": {"S": until.astimezone(UTC).isoformat()}},
    )
    items: list[dict[str, Any]] = found["Items"]
    return items


def raw_body() -> bytes:
    """Return the body of the present request."""
    body = routes.current_request.raw_body
    return body.encode() if isinstance(body, str) else body


@routes.route("/things/{name}", methods=["GET", "HEAD"])
def thing(name: str) -> Response:
    """Say what was asked for."""
    query = routes.current_request.query_params
    return Response({"name": name, "values": query.getlist("v") if query else []}, headers={"X-Name": "café"})


@routes.route("/things/special", methods=["GET"])
def special() -> Response:
    """Set two cookies."""
    return Response("special", headers={"Content-Type": "text/plain", "Set-Cookie": ["a=1", "b=2"]})


@routes.route("/echo", methods=["POST"], content_types=["application/json", "application/x-www-form-urlencoded"])
def echo() -> Response:
    """Say how long the body is, or refuse it."""
    body = raw_body()
    if len(body) > 1024 * 1024:
        return Response({"title": "too large"}, status_code=413)
    return Response({"length": len(body), "text": body.decode()[:50]})


@routes.route("/bytes", methods=["POST"], content_types=["application/octet-stream"])
def take_bytes() -> Response:
    """Return the bytes reversed."""
    return Response(raw_body()[::-1], headers={"Content-Type": "application/octet-stream"})


@routes.route("/send", methods=["POST"])
def post_send() -> Response:
    """Put the body into the queue."""
    send(routes.current_request.json_body)
    return Response({}, status_code=202)


@routes.route("/mail", methods=["POST"])
def post_mail() -> Response:
    """Store a thing and send a mail about it, as one step."""
    fields = routes.current_request.json_body
    put(fields["name"])
    return Response({"id": mail(fields["to"])})


@routes.route("/all", methods=["GET"])
def get_all() -> Response:
    """Name all things."""
    items = client("dynamodb").scan(TableName=os.environ["SAMPLE_TABLE"])["Items"]
    return Response(sorted(item["pk"]["S"].removeprefix("THING#") for item in items))


@routes.route("/seen", methods=["GET"])
def get_seen() -> Response:
    """Say what this process has handled."""
    return Response([[kind, str(what)] for kind, what in seen])


@routes.route("/fail", methods=["GET"])
def fail() -> Response:
    """Fail."""
    raise RuntimeError("on purpose")


application = Chalice(app_name="sample")
application.register_blueprint(routes)
application.register_blueprint(consumers)

SAMPLE = Application(
    overlay=Path(__file__).with_name("overlay.yaml"),
    load=lambda: application,
    use_clock=lambda clock: times.update(now=clock),
    due_index=("Table", "due"),
    event_prefixes=("THING#first",),
)
