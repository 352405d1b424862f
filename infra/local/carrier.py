"""Stand in for SES v2 and End User Messaging SMS: take messages as they do, keep them, report as they would.

Some recipients make it refuse or fail, so that every path can be walked: `throttle@…` and `rejected@…` are refused,
`error500@…` gets an internal error, and for `lost@…` the message is kept but the reply never comes. Likewise phones
that end in 999429, 999400, 999500, 999504.
"""

import base64
import json
import threading
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from infra.local import receipts
from infra.local.aws import HOST
from infra.local.mailbox import Mailbox, parse

NUMBER = "+573000000000"  # from which texts are sent, and to which people answer
POLL_SECONDS = 0.05
SMS_TARGET = "PinpointSMSVoiceV2."
REST_JSON = "application/json"
JSON_10 = "application/x-amz-json-1.0"

Json = dict[str, Any]


class Refusal(Exception):
    """What a recipient that stands for a failure gets."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class ReplyLost(Exception):
    """The message is kept, and its sender will never know."""


THROTTLED = Refusal(429, "TooManyRequestsException", "Maximum sending rate exceeded.")
REJECTED = Refusal(400, "MessageRejected", "Email address is not verified.")
BROKEN = Refusal(500, "InternalFailure", "Something went wrong inside.")

MAIL_REFUSALS = {"throttle": THROTTLED, "rejected": REJECTED, "error500": BROKEN}
BULK_STATUS = {429: "ACCOUNT_THROTTLED", 400: "MESSAGE_REJECTED"}
SMS_REFUSALS = {
    "999429": Refusal(400, "ThrottlingException", "Rate exceeded."),
    "999400": Refusal(400, "ValidationException", "The destination phone number is invalid."),
    "999500": Refusal(500, "InternalServerException", "Something went wrong inside."),
}
LOST_MAIL, LOST_SMS = "lost", "999504"


@dataclass
class Carrier:
    """Takes messages into the mailbox and keeps the receipts that are still to be published."""

    mailbox: Mailbox
    ring: Callable[[], None] = lambda: None
    outbox: deque[tuple[str, str]] = field(default_factory=deque)  # message id, kind of receipt

    def send_mail(self, request: Json) -> str:
        """Take one mail, raw or simple; return its id."""
        content = request["Content"]
        kept: Json = {"from": request.get("FromEmailAddress", ""), "tags": request.get("EmailTags", [])}
        kept["configuration_set"] = request.get("ConfigurationSetName", "")
        to = _destination(request)
        if "Raw" in content:
            kept["raw"] = base64.b64decode(content["Raw"]["Data"])
            to = to or _addressees(kept["raw"])
        else:
            kept |= _simple(content["Simple"])
        return self._take_mail(to, kept)

    def send_bulk(self, request: Json) -> list[Json]:
        """Take several mails made from one template; return what became of each."""
        return [self._bulk_result(request, entry) for entry in request["BulkEmailEntries"]]

    def _bulk_result(self, request: Json, entry: Json) -> Json:
        try:
            message_id = self._take_mail(_destination(entry), _filled(request, entry))
        except Refusal as refusal:
            return {"Status": BULK_STATUS.get(refusal.status, "FAILED"), "Error": refusal.message}
        return {"Status": "SUCCESS", "MessageId": message_id}

    def _take_mail(self, to: list[str], kept: Json) -> str:
        names = {address.rpartition("@")[0].casefold().split("+")[0] for address in to}
        for name in sorted(names & MAIL_REFUSALS.keys()):
            raise MAIL_REFUSALS[name]
        message_id = f"{uuid.uuid4()}-000000"
        self.mailbox.record("email", to, message_id=message_id, **kept)
        if LOST_MAIL in names:
            raise ReplyLost
        self._report([(message_id, kind) for address in to for kind in receipts.simulated(address)])
        return message_id

    def send_sms(self, request: Json) -> str:
        """Take one text message; return its id."""
        to, kept = request["DestinationPhoneNumber"], {"context": request.get("Context", {})}
        if to[-6:] in SMS_REFUSALS:
            raise SMS_REFUSALS[to[-6:]]
        message_id = str(uuid.uuid4())
        kept |= {"from": request.get("OriginationIdentity", ""), "text": request.get("MessageBody", "")}
        self.mailbox.record("sms", [to], message_id=message_id, type=request.get("MessageType", ""), **kept)
        if to.endswith(LOST_SMS):
            raise ReplyLost
        return message_id

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> None:
        """Take what would be posted to a webhook's address: nothing leaves this machine."""
        self.record_webhook(url, body.decode(), dict(headers))

    def record_webhook(self, to: str, text: str, headers: dict[str, str] | None = None, subject: str = "") -> str:
        """Keep what the system has posted to an address of the organisation's; return its id."""
        message_id = str(uuid.uuid4())
        self.mailbox.record("webhook", [to], message_id=message_id, text=text, headers=headers or {}, subject=subject)
        return message_id

    def _report(self, due: list[tuple[str, str]]) -> None:
        # Published between two handlers, as on AWS: never before the sender has its reply.
        self.outbox.extend(due)
        if due:
            self.ring()


def _destination(request: Json) -> list[str]:
    destination = request.get("Destination", {})
    return [one for name in ("ToAddresses", "CcAddresses", "BccAddresses") for one in destination.get(name, [])]


def _addressees(raw: bytes) -> list[str]:
    message = parse(raw)
    return [one.addr_spec for name in ("to", "cc", "bcc") if message[name] for one in message[name].addresses]


def _simple(content: Json) -> Json:
    body = content.get("Body", {})
    return {
        "subject": content.get("Subject", {}).get("Data", ""),
        "text": body.get("Text", {}).get("Data", ""),
        "html": body.get("Html", {}).get("Data", ""),
        "headers": {one["Name"]: one["Value"] for one in content.get("Headers", [])},
    }


def _filled(request: Json, entry: Json) -> Json:
    template = request["DefaultContent"]["Template"]
    own = entry.get("ReplacementEmailContent", {}).get("ReplacementTemplate", {})
    data = json.loads(template.get("TemplateData") or "{}") | json.loads(own.get("ReplacementTemplateData") or "{}")
    content = template.get("TemplateContent", {})
    headers = [*template.get("Headers", []), *entry.get("ReplacementHeaders", [])]
    return {
        "from": request.get("FromEmailAddress", ""),
        "subject": _fill(content.get("Subject", ""), data),
        "text": _fill(content.get("Text", ""), data),
        "html": _fill(content.get("Html", ""), data),
        "headers": {one["Name"]: one["Value"] for one in headers},
        "tags": [*request.get("DefaultEmailTags", []), *entry.get("ReplacementTags", [])],
        "configuration_set": request.get("ConfigurationSetName", ""),
    }


def _fill(text: str, data: Json) -> str:
    for name, value in data.items():
        text = text.replace("{{" + name + "}}", str(value))
    return text


class CarrierServer(ThreadingHTTPServer):
    """The carrier over HTTP, where boto3 finds it."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, carrier: Carrier) -> None:
        self.carrier = carrier
        super().__init__((HOST, 0), CarrierHandler)
        self.endpoint = f"http://{HOST}:{self.server_port}"

    def start(self) -> None:
        """Serve in a thread of its own."""
        threading.Thread(target=self.serve_forever, args=(POLL_SECONDS,), daemon=True, name="carrier").start()

    def stop(self) -> None:
        """Stop serving."""
        self.shutdown()
        self.server_close()


class CarrierHandler(BaseHTTPRequestHandler):
    """SES v2 speaks REST with JSON, the SMS service JSON 1.0."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: CarrierServer

    def do_POST(self) -> None:
        """Take the message and answer as the service does."""
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        target = self.headers.get("X-Amz-Target", "")
        is_sms = target.startswith(SMS_TARGET)
        try:
            answer = self._take(target or urlsplit(self.path).path, json.loads(content or b"{}"))
        except ReplyLost:
            self.close_connection = True
        except Refusal as refusal:
            self._refuse(refusal, is_sms=is_sms)
        else:
            self._answer(200, answer, JSON_10 if is_sms else REST_JSON)

    def _take(self, call: str, request: Json) -> Json:
        carrier = self.server.carrier
        if call == "/v2/email/outbound-emails":
            return {"MessageId": carrier.send_mail(request)}
        if call == "/v2/email/outbound-bulk-emails":
            return {"BulkEmailEntryResults": carrier.send_bulk(request)}
        if call == SMS_TARGET + "SendTextMessage":
            return {"MessageId": carrier.send_sms(request)}
        raise Refusal(400, "ValidationException", f"The carrier on one machine does not know {call}.")

    def _refuse(self, refusal: Refusal, *, is_sms: bool) -> None:
        if is_sms:
            self._answer(refusal.status, {"__type": refusal.code, "Message": refusal.message}, JSON_10)
        else:
            self._answer(refusal.status, {"message": refusal.message}, REST_JSON, error=refusal.code)

    def _answer(self, status: int, body: Json, kind: str, error: str = "") -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("x-amzn-RequestId", str(uuid.uuid4()))
        if error:
            self.send_header("x-amzn-ErrorType", error)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: Any) -> None:
        """Keep quiet: the mailbox is the log."""
