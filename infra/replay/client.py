"""Talk to the running system as a CRM, a customer's browser and its owner would: over HTTP and nothing else."""

import base64
import hashlib
import hmac
import http.client
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

REPLY_SECONDS_MAX = 600
BATCH_MAX = 100
BATCH_BYTES_MAX = 1_000_000  # of the 1 MiB that one request may have

Json = dict[str, Any]


class Refused(Exception):
    """The system answered with what nobody expected; the message says what was asked and what came back."""


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    body: bytes

    def json(self) -> Json:
        """Return the body as JSON."""
        found: Json = json.loads(self.body)
        return found


class System:
    """One kept connection to the running system."""

    def __init__(self, base_url: str, events_secret: str) -> None:
        parts = urlsplit(base_url)
        self.base_url = base_url.rstrip("/")
        self._key = base64.b64decode(events_secret.removeprefix("whsec_"))
        self._connection = http.client.HTTPConnection(
            parts.hostname or "127.0.0.1", parts.port, timeout=REPLY_SECONDS_MAX
        )
        self.now = datetime.now(UTC)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def ask(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Reply:
        """Send one request; a connection that had gone idle is opened again."""
        try:
            return self._once(method, path, body, headers or {})
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            self._connection.close()
            return self._once(method, path, body, headers or {})

    def _once(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
        self._connection.request(method, path, body, dict(headers))
        response = self._connection.getresponse()
        return Reply(response.status, response.read())

    # ------------------------------------------------------------------------------------------ the owner's side

    def read_clock(self) -> datetime:
        """Return the system's time, and remember it."""
        self.now = _instant(self._expect("GET", "/_local/clock").json()["now"])
        return self.now

    def move_clock(self, at: datetime) -> bool:
        """Move to an instant, handling all that falls due on the way; False when that lies behind accepted events."""
        body = json.dumps({"at": at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")}).encode()
        reply = self.ask("POST", "/_local/clock", body, {"Content-Type": "application/json"})
        if reply.status == 409:
            return False
        self.now = _instant(_good(reply, f"POST /_local/clock {body.decode()}").json()["now"])
        return True

    def settle(self) -> None:
        """Wait until nothing is left to handle at the present time."""
        self._expect("POST", "/_local/settle", b"{}", {"Content-Type": "application/json"})

    def mails(self, to: str) -> list[Json]:
        """Return every mail that was handed to the carrier for an address, oldest first."""
        found: list[Json] = self._expect("GET", f"/_local/messages?channel=email&to={quote(to)}").json()["messages"]
        return found

    def _expect(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        return _good(self.ask(method, path, body, headers), f"{method} {path}")

    # ------------------------------------------------------------------------------------------ the CRM's side

    def send(self, events: Sequence[Json]) -> tuple[int, list[Json]]:
        """Post events, signed; return how many were accepted, and those that were not with their errors."""
        accepted, rejected = 0, []
        for start in range(0, len(events), BATCH_MAX):
            part = events[start : start + BATCH_MAX]
            reply = self._post_batch(part)
            if reply.status not in (202, 422):
                raise Refused(f"POST /events: {reply.status} {reply.body[:300].decode(errors='replace')}")
            answer = reply.json()
            accepted += len(answer.get("accepted", []))
            rejected += [{**each, "event": part[each["index"]]["id"]} for each in answer.get("rejected", [])]
            if reply.status == 422 and not answer.get("rejected"):
                rejected += [{"event": each["id"], "errors": answer.get("errors")} for each in part]
        return accepted, rejected

    def _post_batch(self, events: Sequence[Json]) -> Reply:
        body = json.dumps(list(events), ensure_ascii=False).encode()
        id_, timestamp = str(uuid.uuid4()), str(int(self.now.timestamp()))
        signed = hmac.new(self._key, f"{id_}.{timestamp}.".encode() + body, hashlib.sha256).digest()
        headers = {
            "Content-Type": "application/cloudevents-batch+json",
            "webhook-id": id_,
            "webhook-timestamp": timestamp,
            "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
        }
        return self.ask("POST", "/events", body, headers)

    # ------------------------------------------------------------------------------------------ the customer's side

    def open(self, path: str) -> "Opened":
        """Open a page from a link, as a browser does."""
        reply = self.ask("GET", path, headers={"Sec-Fetch-Mode": "navigate", "Sec-Fetch-User": "?1"})
        form = Form()
        form.feed(reply.body.decode())
        return Opened(reply.status, form)

    def press(self, path: str, fields: Sequence[tuple[str, str]]) -> int:
        """Press the form's button, vouched for by the browser; return the status."""
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Sec-Fetch-Site": "same-origin",
            "Sec-Fetch-User": "?1",
            "Sec-Fetch-Mode": "navigate",
        }
        return self.ask("POST", path, urlencode(fields).encode(), headers).status


def _good(reply: Reply, asked: str) -> Reply:
    if reply.status != 200:
        raise Refused(f"{asked}: {reply.status} {reply.body[:300].decode(errors='replace')}")
    return reply


def _instant(written: str) -> datetime:
    return datetime.fromisoformat(written.replace("Z", "+00:00")).astimezone(UTC)


class Form(HTMLParser):
    """What a page's first form that posts holds: where it goes, its hidden fields, its fields' names."""

    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.hidden: list[tuple[str, str]] = []
        self.names: set[str] = set()
        self._is_inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a form or one of its fields."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and self.action is None and given.get("method", "").lower() == "post":
            self.action, self._is_inside = given.get("action", ""), True
        elif self._is_inside and tag in ("input", "textarea", "select") and given.get("name"):
            self.names.add(given["name"])
            if given.get("type") == "hidden":
                self.hidden.append((given["name"], given.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        """Leave the form."""
        if tag == "form":
            self._is_inside = False


@dataclass(frozen=True)
class Opened:
    """A page as it was opened."""

    status: int
    form: Form


LINK = re.compile(r"(?:https?://[^\s\"'<>]+)?(/s/[A-Za-z0-9_-]+)(?:/(\d{1,3}))?(?=[\s\"'<>)]|$)")


def link_in(mail: Json, rating: str) -> str | None:
    """Return the path of a mail's link for a rating; its plain link where it has none for that rating."""
    found = LINK.findall(mail.get("html", "")) or LINK.findall(mail.get("text", ""))
    if not found:
        return None
    token = found[0][0]
    return f"{token}/{rating}" if (token, rating) in found else token
