"""Serve `/_local/`: the mailbox, the phone, the clock, the queues, for people and for programs."""

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

from infra.local import pages, receipts
from infra.local.durations import duration, instant, stamp
from infra.local.journey import BackwardsMove, Stalled
from infra.local.problems import Answer, Problem, as_json
from infra.local.proxy import Request

if TYPE_CHECKING:
    from infra.local.system import LocalSystem

PREFIX = "/_local/"
FORM = "application/x-www-form-urlencoded"
HOSTS = ("127.0.0.1", "localhost")
CHANNELS = ("email", "sms", "webhook")
PHONE = re.compile(r"\+[1-9]\d{6,14}")
SMS_CHARACTERS_MAX = 1600

Json = dict[str, Any]
Fields = dict[str, Any]


class Console:
    """What exists on one machine only."""

    def __init__(self, system: "LocalSystem") -> None:
        self.system = system
        self._pages = pages.Pages(system)
        self._actions: dict[tuple[str, str], Callable[[Fields], Json]] = {
            ("GET", "messages"): self._messages,
            ("GET", "clock"): self._clock,
            ("POST", "clock"): self._move_clock,
            ("POST", "phone"): self._phone,
            ("POST", "receipts"): self._receipts,
            ("POST", "settle"): self._settle,
        }

    def answer(self, request: Request) -> Answer:
        """Answer a request under `/_local/`."""
        self._admit(request)
        path = unquote(request.path).removeprefix(PREFIX.rstrip("/")).strip("/")
        method = "GET" if request.method == "HEAD" else request.method
        action = self._actions.get((method, path))
        if action is None:
            return self._page(method, path, request)
        if method == "GET":
            return as_json(action(_last_values(request.query)))
        is_form = request.header("content-type").startswith(FORM)
        answer = action(_form(request.body) if is_form else _json(request.body))
        return Answer(303, headers=[("Location", PREFIX)]) if is_form else as_json(answer)

    def _admit(self, request: Request) -> None:
        # The mailbox holds everybody's links: no page of another site may read it or press its buttons.
        host = request.header("host").rpartition(":")[0] or request.header("host")
        is_visit = request.method == "GET" and request.header("sec-fetch-mode") == "navigate"
        if host not in HOSTS or (request.header("sec-fetch-site") == "cross-site" and not is_visit):
            raise Problem(403, "The local pages answer to this machine's own address only.")

    def _page(self, method: str, path: str, request: Request) -> Answer:
        if method != "GET":
            others = sorted({known for known, of in self._actions if of == path})
            raise Problem(405, f"This address takes {', '.join(others)}.") if others else _nothing()
        if path == "":
            return self._pages.overview(_last_values(request.query))
        kind, _, rest = path.partition("/")
        message_id, _, part = rest.partition("/")
        show = {"": self._pages.mail, "body": self._pages.mail_body, "source": self._pages.mail_source}.get(part)
        if kind != "mail" or not show or not self.system.mailbox.message(message_id):
            raise _nothing()
        return show(message_id)

    def _messages(self, fields: Fields) -> Json:
        channel = fields.get("channel", "")
        if channel and channel not in CHANNELS:
            raise Problem(422, f"channel must be one of {', '.join(CHANNELS)}", "/channel")
        found = self.system.mailbox.messages(channel, fields.get("to", ""), fields.get("after", ""))
        return {"messages": list(found)}

    def _clock(self, fields: Fields) -> Json:
        return {"now": stamp(self.system.clock.now())}

    def _move_clock(self, fields: Fields) -> Json:
        given = [name for name in ("advance", "at") if fields.get(name)]
        if len(given) != 1:
            raise Problem(422, "Give either advance, a duration such as PT3H, or at, an instant.", "")
        read = {"advance": lambda text: self.system.clock.now() + duration(text), "at": instant}[given[0]]
        try:
            target = read(_text(fields, given[0]))
        except ValueError as error:
            raise Problem(422, f"{given[0]} {error}", f"/{given[0]}") from None
        try:
            self.system.journey.move_to(target)
        except BackwardsMove:
            raise Problem(409, "The clock cannot go back once an event has been accepted.", "/at") from None
        except Stalled as error:
            raise Problem(500, str(error)) from None
        return self._clock({})

    def _phone(self, fields: Fields) -> Json:
        sender, number, text = (_text(fields, name) for name in ("from", "to", "text"))
        for name, value in (("from", sender), ("to", number)):
            if not PHONE.fullmatch(value):
                raise Problem(422, f"{name} must be a phone number such as +573001234567", f"/{name}")
        if len(text) > SMS_CHARACTERS_MAX:
            raise Problem(422, f"text must have at most {SMS_CHARACTERS_MAX} characters", "/text")
        self.system.receipts.receive_sms(sender, number, text)
        return {"received": True}

    def _receipts(self, fields: Fields) -> Json:
        message_id, kind = _text(fields, "message"), _text(fields, "kind")
        if kind not in receipts.KINDS:
            raise Problem(422, f"kind must be one of {', '.join(receipts.KINDS)}", "/kind")
        message = self.system.mailbox.message(message_id)
        if message is None or message["channel"] == "webhook":
            raise Problem(422, "message must be the id of a mail or text message in the mailbox", "/message")
        self.system.receipts.report(message_id, kind)
        return {"reported": True}

    def _settle(self, fields: Fields) -> Json:
        try:
            self.system.settle()
        except Stalled as error:
            raise Problem(500, str(error)) from None
        return self._clock({})


def _nothing() -> Problem:
    return Problem(404, "There is nothing at this address.")


def _last_values(query: dict[str, list[str]]) -> Fields:
    return {name: values[-1] for name, values in query.items()}


def _form(body: bytes) -> Fields:
    return _last_values(parse_qs(body.decode(errors="replace")))


def _json(body: bytes) -> Fields:
    if not body.strip():
        return {}
    try:
        fields = json.loads(body)
    except ValueError as error:
        raise Problem(400, f"The body is not JSON: {error}") from None
    if not isinstance(fields, dict):
        raise Problem(400, "The body must be a JSON object.")
    return fields


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value.strip():
        raise Problem(422, f"{name} is required, as a text", f"/{name}")
    return value.strip()
