"""Speak to AWS's JSON services without botocore's machinery: sign, post, read; a quarter of a call's time.

Errors are botocore's own, raised where it would raise them, so that nobody who catches them sees a difference. What
listens to botocore's calls (meters, checks of permissions, injected faults) hears of these as well, see `Listeners`.
Calls that no function makes (scans, paginators, descriptions) are botocore's.
"""

import hmac
import json
import os
import random
import time
import weakref
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    NoRegionError,
    ReadTimeoutError,
)

from chalicelib.adapters.http1 import Broken, Connection, NotConnected, Reply, TimedOut

WAIT_SECONDS_MAX = 5.0
THROTTLED = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
"""Errors after which the same may be asked again, as in botocore's standard mode."""

PASSING = frozenset({500, 502, 503, 504})
IDLE_MAX = 16  # connections kept

Json = dict[str, Any]


@dataclass(frozen=True)
class Service:
    """One service: how botocore calls it, where it is, what it is signed as, and how its operations are named."""

    name: str
    hyphenated: str
    host: str
    signed_as: str
    target: str | None
    version: str = "1.0"
    paths: tuple[tuple[str, str], ...] = ()
    """Of a service without targets: the path of each operation that we use, all of them POST."""

    def endpoint(self, region: str) -> str:
        """Return its address, as the environment gives it or as AWS has it in a region."""
        own = os.environ.get("AWS_ENDPOINT_URL_" + self.hyphenated.upper().replace("-", "_"))
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        return own or os.environ.get("AWS_ENDPOINT_URL") or f"https://{self.host}.{region}.{suffix}"


DYNAMODB = Service("dynamodb", "dynamodb", "dynamodb", "dynamodb", "DynamoDB_20120810")
SQS = Service("sqs", "sqs", "sqs", "sqs", "AmazonSQS")
EVENTS = Service("events", "eventbridge", "events", "events", "AWSEvents", "1.1")
SECRETS = Service("secretsmanager", "secrets-manager", "secretsmanager", "secretsmanager", "secretsmanager", "1.1")
SMS = Service("pinpoint-sms-voice-v2", "pinpoint-sms-voice-v2", "sms-voice", "sms-voice", "PinpointSMSVoiceV2")
SES = Service("sesv2", "sesv2", "email", "ses", None, "1.1", (("SendEmail", "/v2/email/outbound-emails"),))


@dataclass(frozen=True)
class Credentials:
    """Whom requests are signed for."""

    access_key: str
    secret_key: str
    token: str | None = None


class Listeners:
    """Who wants to know of each call, under botocore's names of events: `before-call`, `after-call.dynamodb.*` …"""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Callable[..., Any], str | None]] = []
        self._known: dict[str, list[Callable[..., Any]]] = {}
        """Who hears of an event, as long as nobody comes or goes."""

    def register(self, event: str, handler: Callable[..., Any], unique_id: str | None = None) -> None:
        """Tell a handler of an event from now on; one of the same `unique_id` is told already."""
        if unique_id is None or all(unique_id != known for _, _, known in self.heard):
            self.heard.append((event, handler, unique_id))
            self._known = {}

    def unregister(self, event: str, handler: Callable[..., Any], unique_id: str | None = None) -> None:
        """Tell it no more."""
        self.heard.remove((event, handler, unique_id))
        self._known = {}

    def emit(self, event: str, **told: Any) -> None:
        """Tell everybody who listens."""
        for handler in self._handlers(event):
            handler(event_name=event, **told)

    def _handlers(self, event: str) -> list[Callable[..., Any]]:
        found = self._known.get(event)
        if found is None:
            found = self._known[event] = [handler for pattern, handler, _ in self.heard if _covers(pattern, event)]
        return found


def _covers(pattern: str, event: str) -> bool:
    return all(part in ("*", own) for part, own in zip(pattern.split("."), event.split("."), strict=False))


@dataclass(frozen=True)
class _Named:
    service_name: str


@dataclass(frozen=True)
class _Operation:
    """What listeners read of botocore's model of an operation."""

    name: str
    service_model: _Named


class Client:
    """One service. Its operations are called as botocore's client calls them: `get_item(TableName=…)`."""

    def __init__(
        self,
        service: Service,
        listeners: Listeners,
        *,
        tries: int,
        connect_seconds: float,
        read_seconds: float,
        credentials: Callable[[], Credentials],
        full: Callable[[], Any],
        endpoint_url: str | None = None,
        region_name: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        region = region_name or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        if not region:
            raise NoRegionError
        self.tries = tries
        self._service, self._listeners, self._credentials, self._full = service, listeners, credentials, full
        self._endpoint = endpoint_url or service.endpoint(region)
        self._signer = Signer(service.signed_as, region)
        self._sleep = sleep
        self._timeouts = connect_seconds, read_seconds
        split = urlsplit(self._endpoint)
        self._place = split.hostname or "", split.port or (443 if split.scheme == "https" else 80), split.scheme
        self._host = split.netloc
        self._idle: deque[Connection] = deque()
        weakref.finalize(self, _close, self._idle)

    def __getattr__(self, name: str) -> Callable[..., Json]:
        operation = "".join(part.title() for part in name.split("_"))
        if name.startswith("_") or operation.startswith("Describe"):
            raise AttributeError(name)

        def call(**params: Any) -> Json:
            return self._call(operation, params)

        setattr(self, name, call)
        return call

    def get_paginator(self, name: str) -> Any:
        """Return botocore's paginator."""
        return self._full().get_paginator(name)

    def describe_table(self, **params: Any) -> Any:
        """Return botocore's description of a table."""
        return self._full().describe_table(**params)

    def close(self) -> None:
        """Close every connection that is kept."""
        _close(self._idle)

    def begin(self, operation: str, **params: Any) -> Callable[[], Json]:
        """Send a request, once; what is returned waits for its answer, so that several may be under way."""
        request, heard = self._told(operation, params)
        connection = self._posted(request)
        return lambda: heard(self._replied(connection))

    def _call(self, operation: str, params: Json) -> Json:
        request, heard = self._told(operation, params)
        return heard(self._asked(request))

    def _told(self, operation: str, params: Json) -> tuple["Request", Callable[[Reply], Json]]:
        """Return a call's request, and what makes its answer of the reply; whoever listens hears of both."""
        if not self._listeners.heard:
            return self._request(operation, params), lambda reply: _stands(operation, _read(reply))
        context: Json = {}
        told = {"model": _Operation(operation, _Named(self._service.name)), "context": context}
        event = f"{self._service.hyphenated}.{operation}"
        self._listeners.emit(f"before-parameter-build.{event}", params=params, **told)
        request = self._request(operation, params)
        self._listeners.emit(f"before-call.{event}", params={"body": request.body}, **told)

        def heard(reply: Reply) -> Json:
            parsed = _read(reply)
            self._listeners.emit(f"after-call.{event}", parsed=parsed, http_response=reply, **told)
            return _stands(operation, parsed)

        return request, heard

    def _request(self, operation: str, params: Json) -> "Request":
        if self._service.target is None:
            kind, body = "application/json", _with_bytes_last(params)
            return Request(dict(self._service.paths)[operation], {"content-type": kind}, body)
        body = _JSON.encode(params).encode()
        kind = f"application/x-amz-json-{self._service.version}"
        return Request("/", {"content-type": kind, "x-amz-target": f"{self._service.target}.{operation}"}, body)

    def _asked(self, request: "Request") -> Reply:
        """Ask until there is an answer that stands, as often as may be."""
        for tried in range(1, self.tries + 1):
            try:
                reply = self._replied(self._posted(request))
            except (ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError, ConnectionClosedError):
                if tried == self.tries:
                    raise
            else:
                if tried == self.tries or not _passes(reply):
                    return reply
            self._sleep(min(WAIT_SECONDS_MAX, random.random() * 2 ** (tried - 1)))
        raise AssertionError("unreachable: the last try returns or raises")

    def _posted(self, request: "Request") -> Connection:
        """Send a request; returns the connection on which its answer will come."""
        try:
            connection = self._connection()
        except TimedOut as error:
            raise ConnectTimeoutError(endpoint_url=self._endpoint, error=error) from error
        except NotConnected as error:
            raise EndpointConnectionError(endpoint_url=self._endpoint, error=error) from error
        try:
            # Signed anew each time: a signature lasts five minutes, and credentials may have changed.
            head = self._signer.head(request, self._host, self._credentials(), datetime.now(UTC))  # noqa: TID251  # what AWS compares with is the real time
            connection.post(head, request.body)
        except TimedOut as error:
            raise ReadTimeoutError(endpoint_url=self._endpoint, error=error) from error
        except Broken as error:
            raise ConnectionClosedError(endpoint_url=self._endpoint, error=error) from error
        return connection

    def _replied(self, connection: Connection) -> Reply:
        try:
            reply = connection.reply()
        except TimedOut as error:
            raise ReadTimeoutError(endpoint_url=self._endpoint, error=error) from error
        except Broken as error:
            raise ConnectionClosedError(endpoint_url=self._endpoint, error=error) from error
        if reply.keeps and len(self._idle) < IDLE_MAX:
            self._idle.append(connection)
        else:
            connection.close()
        return reply

    def _connection(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_dropped():
                return connection
            connection.close()
        return Connection(*self._place, *self._timeouts)


def _close(idle: deque[Connection]) -> None:
    while idle:
        idle.pop().close()


def _stands(operation: str, parsed: Json) -> Json:
    """Return an answer; raises what it says went wrong."""
    if "Error" in parsed:
        raise ClientError(parsed, operation)  # type: ignore[arg-type]  # as botocore's own parser gives it
    return parsed


def _passes(reply: Reply) -> bool:
    """Say whether an answer may be another one soon."""
    if reply.status < 300:
        return False
    return reply.status in PASSING or _read(reply)["Error"]["Code"] in THROTTLED


def _read(reply: Reply) -> Json:
    """Return what botocore would: the members of the answer, and what kind of error it is."""
    try:
        parsed: Json = _READS.decode(reply.body.decode()) if reply.body else {}
    except ValueError as error:
        if reply.status < 300:
            raise HTTPClientError(error="an answer that is no JSON") from error
        parsed = {}
    about = {"HTTPStatusCode": reply.status, "RequestId": reply.headers.get("x-amzn-requestid", "")}
    parsed["ResponseMetadata"] = {**about, "HTTPHeaders": reply.headers, "RetryAttempts": 0}
    if reply.status >= 300:
        message = parsed.get("message") or parsed.get("Message") or ""
        parsed["Error"] = {"Code": _code(reply, parsed), "Message": message}
    return parsed


def _code(reply: Reply, parsed: Json) -> str:
    # An older name, which SQS's users know: it stands before a semicolon.
    older = reply.headers.get("x-amzn-query-error", "").partition(";")[0]
    named = reply.headers.get("x-amzn-errortype") or str(parsed.get("__type") or "")
    return older or named.partition(":")[0].rpartition("#")[2] or str(reply.status)


def _plain(value: object) -> object:
    """Return a value as AWS's JSON has it: bytes in base64, an instant in seconds."""
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"a {type(value).__name__} cannot be sent")


def _with_bytes_last(params: Json) -> bytes:
    """Return JSON into which bytes are put last: to look for what must be escaped in a mail takes most of the time."""
    held: list[bytes] = []

    def hold(value: object) -> object:
        if not isinstance(value, bytes):
            return _plain(value)
        held.append(b64encode(value))
        return _PLACE

    text = json.JSONEncoder(default=hold, ensure_ascii=False, separators=(",", ":")).encode(params).encode()
    parts = text.split(_PLACE.encode())
    if len(parts) != len(held) + 1:  # somebody's words hold the mark itself
        return _JSON.encode(params).encode()
    return b"".join(part for pair in zip(parts, (*held, b""), strict=True) for part in pair)


def _bytes(read: Json) -> Json:
    """Return a binary attribute with its bytes."""
    if len(read) == 1 and isinstance(text := read.get("B"), str):
        return {"B": b64decode(text)}
    return read


_PLACE = "\ue000bytes\ue000"
_JSON = json.JSONEncoder(default=_plain, ensure_ascii=False, separators=(",", ":"))
_READS = json.JSONDecoder(object_hook=_bytes)


@dataclass(frozen=True)
class Request:
    """What is posted, before it is signed."""

    path: str
    headers: Mapping[str, str]
    body: bytes


class Signer:
    """Signs requests with Signature Version 4; the day's key is made once."""

    def __init__(self, service: str, region: str) -> None:
        self._service, self._region = service, region
        self._made: tuple[tuple[str, str], bytes] = ("", ""), b""

    def head(self, request: Request, host: str, credentials: Credentials, now: datetime) -> bytes:
        """Return the request's first line and its headers, signed."""
        at = now.strftime("%Y%m%dT%H%M%SZ")
        headers = {**request.headers, "host": host, "x-amz-date": at}
        if credentials.token:
            headers["x-amz-security-token"] = credentials.token
        listed = sorted(headers.items())
        names = ";".join(name for name, _ in listed)
        canonical = "".join(f"{name}:{value}\n" for name, value in listed)
        hashed = sha256(request.body).hexdigest()
        whole = f"POST\n{request.path}\n\n{canonical}\n{names}\n{hashed}"
        scope = f"{at[:8]}/{self._region}/{self._service}/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{sha256(whole.encode()).hexdigest()}"
        key = self._key(credentials.secret_key, at[:8])
        signature = hmac.digest(key, text.encode(), sha256).hex()
        signed = f"Credential={credentials.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
        lines = "".join(f"{name}: {value}\r\n" for name, value in listed)
        length = f"content-length: {len(request.body)}\r\n"
        return (
            f"POST {request.path} HTTP/1.1\r\n{lines}{length}authorization: AWS4-HMAC-SHA256 {signed}\r\n\r\n".encode()
        )

    def _key(self, secret: str, day: str) -> bytes:
        made, key = self._made
        if made != (secret, day):
            key = f"AWS4{secret}".encode()
            for part in (day, self._region, self._service, "aws4_request"):
                key = hmac.digest(key, part.encode(), sha256)
            self._made = (secret, day), key
        return key
