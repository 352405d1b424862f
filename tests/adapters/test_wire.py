"""What is sent to AWS is signed as botocore signs it, and however a call ends, it is told as botocore tells it."""

import json
import os
import socket
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    HTTPClientError,
    NoRegionError,
    ReadTimeoutError,
)

from chalicelib.adapters import clients, wire

NOW = datetime(2026, 3, 6, 21, 30, 5, tzinfo=UTC)
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
BUSY = b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"


class Aws:
    """A machine that gives each request the next of its answers: bytes, or None to hang up."""

    def __init__(self, answers: list[bytes | None]) -> None:
        self.answers = answers
        self.asked: list[bytes] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection:
            while request := _received(connection):
                self.asked.append(request)
                answer = self.answers.pop(0)
                if answer is None:
                    return
                connection.sendall(answer)
                if b"connection: close" in answer:
                    return

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()


def _received(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := connection.recv(65536)):
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@contextmanager
def aws(*answers: bytes | None) -> Iterator[Aws]:
    """Yield a machine with these answers."""
    machine = Aws(list(answers))
    yield machine
    machine.close()


def client(url: str, *, tries: int = 4, service: wire.Service = wire.DYNAMODB, **options: Any) -> Any:
    """Return a client that speaks to a machine and waits for nothing."""
    return wire.Client(
        service,
        options.pop("listeners", wire.Listeners()),
        tries=tries,
        connect_seconds=1,
        read_seconds=0.3,
        credentials=lambda: wire.Credentials("AKIA", "secret", "token"),
        full=lambda: None,
        endpoint_url=url,
        region_name="us-east-1",
        sleep=lambda _: None,
        **options,
    )


def reply(status: int, body: bytes, *headers: str) -> bytes:
    """Return an answer as it comes."""
    lines = "".join(f"{header}\r\n" for header in headers)
    return f"HTTP/1.1 {status} X\r\n{lines}content-length: {len(body)}\r\n\r\n".encode() + body


# Signatures


@pytest.mark.parametrize("token", [None, "FwoGZXIvYXdzEBY="])
@pytest.mark.parametrize("service", [wire.DYNAMODB, wire.SQS, wire.SES, wire.SMS, wire.SECRETS, wire.EVENTS])
@pytest.mark.parametrize("body", [b"{}", '{"name":"Peña"}'.encode(), b"x" * 70_000])
def test_a_request_is_signed_as_botocore_signs_it(
    service: wire.Service, token: str | None, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = service.paths[0][1] if service.paths else "/"
    headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "X.Y"}
    signer = wire.Signer(service.signed_as, "eu-west-1")
    host = f"{service.host}.eu-west-1.amazonaws.com"
    ours = signer.head(wire.Request(path, headers, body), host, wire.Credentials("AKIA", "secret", token), NOW)
    theirs = AWSRequest("POST", f"https://{host}{path}", headers=headers, data=body)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: NOW.replace(tzinfo=None))
    SigV4Auth(BotocoreCredentials("AKIA", "secret", token), service.signed_as, "eu-west-1").add_auth(theirs)
    assert f"authorization: {theirs.headers['Authorization']}".encode() in ours.split(b"\r\n")


def test_a_new_day_has_a_new_key() -> None:
    signer, fresh = wire.Signer("sqs", "us-east-1"), wire.Signer("sqs", "us-east-1")
    who, request = wire.Credentials("AKIA", "secret"), wire.Request("/", {}, b"{}")
    signer.head(request, "h", who, NOW)
    tomorrow = NOW.replace(day=7)
    assert signer.head(request, "h", who, tomorrow) == fresh.head(request, "h", who, tomorrow)


# What goes and what comes


def test_bytes_travel_in_base64_and_come_back_as_bytes() -> None:
    with aws(reply(200, b'{"Item":{"body":{"B":"AAH/"},"B":{"S":"x"}}}')) as machine:
        item = client(machine.url).get_item(Key={"pk": {"B": b"\x00\x01\xff"}})["Item"]
    assert item == {"body": {"B": b"\x00\x01\xff"}, "B": {"S": "x"}}
    assert machine.asked[0].endswith(b'{"Key":{"pk":{"B":"AAH/"}}}')
    assert b"x-amz-target: DynamoDB_20120810.GetItem\r\n" in machine.asked[0]


def test_an_instant_travels_in_seconds() -> None:
    with aws(OK) as machine:
        client(machine.url, service=wire.EVENTS).put_events(Entries=[{"Time": NOW}])
    assert machine.asked[0].endswith(b'{"Entries":[{"Time":1772832605.0}]}')


def test_a_mail_goes_to_its_own_path() -> None:
    with aws(OK) as machine:
        client(machine.url, service=wire.SES).send_email(Content={})
    assert machine.asked[0].startswith(b"POST /v2/email/outbound-emails HTTP/1.1\r\n")
    assert b"x-amz-target" not in machine.asked[0]


@pytest.mark.parametrize("words", ['¿Qué "tal"?', "\ue000bytes\ue000", ""])
def test_a_mails_bytes_are_put_in_last_and_nothing_else_changes(words: str) -> None:
    asked = {"From": words, "Content": {"Raw": {"Data": b"\x00\xff" * 40}}, "More": [{"Data": b"x"}, {"At": NOW}]}
    with aws(OK) as machine:
        client(machine.url, service=wire.SES).send_email(**asked)
    body = json.loads(machine.asked[0].partition(b"\r\n\r\n")[2])
    assert body["From"] == words
    assert b64decode(body["Content"]["Raw"]["Data"]) == b"\x00\xff" * 40
    assert (b64decode(body["More"][0]["Data"]), body["More"][1]["At"]) == (b"x", NOW.timestamp())


def test_an_answer_in_chunks_is_put_together() -> None:
    chunked = b'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\n{"a"\r\n3;x=y\r\n:1}\r\n0\r\n\r\n'
    with aws(chunked, OK) as machine:
        speaker = client(machine.url)
        assert speaker.get_item()["a"] == 1
        speaker.get_item()
    assert machine.connections == 1


def test_an_answer_that_ends_with_its_connection_is_read_whole() -> None:
    with aws(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}", OK) as machine:
        speaker = client(machine.url)
        speaker.get_item()
        speaker.get_item()
    assert machine.connections == 2


def test_a_connection_serves_many_calls() -> None:
    with aws(OK, OK, OK) as machine:
        speaker = client(machine.url)
        for _ in range(3):
            speaker.get_item()
        speaker.close()
    assert machine.connections == 1


def test_a_connection_that_was_hung_up_meanwhile_is_not_used_again() -> None:
    with aws(reply(200, b"{}", "keep-alive: no") + b"", OK) as machine:
        speaker = client(machine.url, tries=1)
        speaker.get_item()
        next(iter(speaker._idle))._socket.shutdown(socket.SHUT_RDWR)
        speaker.get_item()
    assert machine.connections == 2


# What goes wrong


def test_an_error_is_told_by_its_code() -> None:
    body = b'{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","CancellationReasons":[{}]}'
    with aws(reply(400, body)) as machine, pytest.raises(ClientError) as error:
        client(machine.url).put_item()
    assert error.value.response["Error"]["Code"] == "TransactionCanceledException"
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert error.value.response["CancellationReasons"] == [{}]


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("x-amzn-errortype: MessageRejected:http://internal.amazon.com/", "MessageRejected"),
        (
            "x-amzn-query-error: AWS.SimpleQueueService.NonExistentQueue;Sender",
            "AWS.SimpleQueueService.NonExistentQueue",
        ),
    ],
)
def test_an_error_is_told_by_a_header_too(header: str, code: str) -> None:
    with aws(reply(400, b'{"message":"no"}', header)) as machine, pytest.raises(ClientError, match="no") as error:
        client(machine.url, service=wire.SES).send_email()
    assert error.value.response["Error"]["Code"] == code


@pytest.mark.parametrize("first", [BUSY, None, reply(400, b'{"__type":"x#ThrottlingException"}'), b"HTTP/1.1 200"])
def test_what_passes_is_tried_again(first: bytes | None) -> None:
    answers = [first, OK] if first != b"HTTP/1.1 200" else [first + b"\r\nconnection: close\r\n", OK]
    with aws(*answers) as machine:
        assert client(machine.url).put_item()["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert len(machine.asked) == 2


def test_what_does_not_pass_is_asked_as_often_as_may_be() -> None:
    with aws(*[BUSY] * 4) as machine, pytest.raises(ClientError):
        client(machine.url).put_item()
    assert len(machine.asked) == 4


def test_a_plain_refusal_is_asked_once() -> None:
    body = b'{"__type":"x#ConditionalCheckFailedException"}'
    with aws(reply(400, body)) as machine, pytest.raises(ClientError):
        client(machine.url).put_item()
    assert len(machine.asked) == 1


ENDS: list[tuple[Callable[[], bytes | None], type[Exception]]] = [
    (lambda: None, ConnectionClosedError),
    (lambda: b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\nconnection: close\r\n\r\n{}", ConnectionClosedError),
    (lambda: b"SSH-2.0\r\n\r\n", ConnectionClosedError),
    (lambda: b"", ReadTimeoutError),
    (lambda: BUSY, ClientError),
    (lambda: reply(200, b"<html>"), HTTPClientError),
]


@pytest.mark.parametrize(("answer", "error"), ENDS)
def test_who_may_ask_once_asks_once(answer: Callable[[], bytes | None], error: type[Exception]) -> None:
    with aws(answer()) as machine, pytest.raises(error):
        client(machine.url, tries=1, service=wire.SES).send_email()
    assert len(machine.asked) == 1


def test_where_nobody_listens_nothing_is_sent() -> None:
    with pytest.raises(EndpointConnectionError):
        client("http://127.0.0.1:9").put_item()


def test_without_a_region_there_is_no_client(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(NoRegionError):
        clients.dynamodb()


# Who listens


def test_who_listens_hears_what_is_asked_and_answered() -> None:
    heard: list[tuple[str, Any]] = []
    listeners = wire.Listeners()
    listeners.register("before-parameter-build.*", lambda event_name, params, **_: heard.append((event_name, params)))
    listeners.register("before-call", lambda event_name, params, **_: heard.append((event_name, params["body"])))
    listeners.register("after-call.*.PutItem", lambda model, parsed, **_: heard.append((model.name, parsed["a"])))
    listeners.register("after-call.sqs.*", lambda **_: heard.append(("never", None)))
    with aws(reply(200, b'{"a":1}')) as machine:
        client(machine.url, listeners=listeners).put_item(TableName="t")
    assert heard == [
        ("before-parameter-build.dynamodb.PutItem", {"TableName": "t"}),
        ("before-call.dynamodb.PutItem", b'{"TableName":"t"}'),
        ("PutItem", 1),
    ]


def test_what_a_listener_raises_is_the_calls_own_end() -> None:
    listeners = wire.Listeners()

    def refuse(**_: Any) -> None:
        raise ReadTimeoutError(endpoint_url="aws")

    listeners.register("before-call", refuse)
    with aws(OK) as machine, pytest.raises(ReadTimeoutError):
        client(machine.url, listeners=listeners).put_item()
    assert machine.asked == []


def test_who_has_heard_enough_hears_no_more() -> None:
    heard: list[str] = []
    listeners = wire.Listeners()
    hear = lambda event_name, **_: heard.append(event_name)  # noqa: E731
    listeners.register("before-call", hear, unique_id="x")
    listeners.unregister("before-call", hear, unique_id="x")
    with aws(OK) as machine:
        client(machine.url, listeners=listeners).put_item()
    assert heard == []


def test_the_environment_says_where_a_service_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_ENDPOINT_URL")]:
        monkeypatch.delenv(name)
    assert wire.SES.endpoint("sa-east-1") == "https://email.sa-east-1.amazonaws.com"
    assert wire.SQS.endpoint("cn-north-1") == "https://sqs.cn-north-1.amazonaws.com.cn"
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://all")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://own")
    assert (wire.SQS.endpoint("x"), wire.SECRETS.endpoint("x")) == ("http://all", "http://own")


@pytest.mark.parametrize("service", [wire.DYNAMODB, wire.SQS, wire.SES, wire.SMS, wire.SECRETS, wire.EVENTS])
def test_names_are_those_of_botocores_models(service: wire.Service) -> None:
    """Where the packages' own descriptions of the services are, ours agree with them."""
    options = {"region_name": "us-east-1", "aws_access_key_id": "a", "aws_secret_access_key": "b"}
    full = clients.session().full(service.name, options)
    model = full.meta.service_model
    assert full.meta.endpoint_url == service.endpoint("us-east-1")
    assert (model.service_id.hyphenize(), model.signing_name) == (service.hyphenated, service.signed_as)
    assert model.metadata.get("targetPrefix") == service.target
    assert model.metadata.get("jsonVersion", "") == service.version
    for operation, path in service.paths:
        assert model.operation_model(operation).http == {"method": "POST", "requestUri": path}


@pytest.mark.parametrize(
    ("build", "tries"), [(clients.dynamodb, clients.TRIES_MAX), (clients.sesv2, 1), (clients.sms, 1)]
)
def test_an_operator_can_go_back_to_botocore_which_then_tries_as_often(
    monkeypatch: pytest.MonkeyPatch, build: Callable[..., Any], tries: int
) -> None:
    monkeypatch.setenv("AWS_CLIENT", "botocore")
    found = build(region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    assert type(found).__module__ == "botocore.client"
    assert found.meta.config.retries["total_max_attempts"] == tries


# Several under way


def test_several_requests_are_under_way_before_the_first_answer_is_waited_for() -> None:
    with aws(*[reply(200, b'{"MessageId":"%d"}' % number) for number in range(3)]) as machine:
        speaker = client(machine.url, tries=1, service=wire.SES)
        begun = [speaker.begin("SendEmail", Content={}) for _ in range(3)]
        assert {reply()["MessageId"] for reply in begun} == {"0", "1", "2"}
        for _ in range(3):
            machine.answers.append(OK)
            speaker.send_email()
    assert machine.connections == 3


def test_one_of_several_that_is_hung_up_on_ends_by_itself_and_is_not_asked_again() -> None:
    with aws(None) as machine:
        speaker = client(machine.url, tries=1, service=wire.SES)
        first = speaker.begin("SendEmail")
        with pytest.raises(ConnectionClosedError):
            first()
        machine.answers.append(OK)
        assert speaker.begin("SendEmail")()["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert len(machine.asked) == 2
