"""Drive the running company from outside, as its CRM, its customers and its people do: over HTTP and nothing else."""

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from zoneinfo import ZoneInfo

from chalicelib import runtime
from chalicelib.domain.signature import sign
from chalicelib.ports import Ticket
from infra.local.system import LocalSystem
from tests.local.asking import Reply, ask

BOGOTA = ZoneInfo("America/Bogota")
ONE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
# What a browser says of a person's press; without it a form waits two minutes.
PRESS = {"Sec_Fetch_Site": "same-origin", "Sec_Fetch_User": "?1"}
LINK = re.compile(r"https?://[^\s\"'<>)]+")

Json = dict[str, Any]


def quiet_tuesday(today: date) -> datetime:
    """Return a Tuesday, 10:00 in Bogotá, far from any holiday: Colombia has none in February."""
    first = date(today.year + 1, 2, 1)
    tuesday = first + timedelta(days=(1 - first.weekday()) % 7)
    return datetime(tuesday.year, tuesday.month, tuesday.day, 10, tzinfo=BOGOTA)


@dataclass
class Company:
    """The example company, as whoever deals with it sees it."""

    base_url: str
    tokens: Json

    @classmethod
    def at(cls, base_url: str, state: Path) -> "Company":
        """Return the company that is served there, with the tokens that its state holds."""
        return cls(base_url, json.loads((state / "tokens.json").read_text()))

    @classmethod
    def of(cls, system: LocalSystem) -> "Company":
        """Return the company of a system at its beginning, on a quiet Tuesday at 10:00."""
        company = cls.at(system.base_url, system.state)
        company.begin()
        return company

    def begin(self) -> None:
        """Make it a quiet Tuesday, 10:00, if it is not yet."""
        tuesday = quiet_tuesday(datetime.now(UTC).date())
        if self.now() < tuesday:
            self.move_to(tuesday)

    # ------------------------------------------------------------------------------------------ time

    def now(self) -> datetime:
        """Return the system's time."""
        return instant(ask(f"{self.base_url}/_local/clock").json["now"])

    def ahead(self) -> timedelta:
        """Return how far the system's clock is ahead of this machine's."""
        return self.now() - datetime.now(UTC)

    def move_to(self, at: datetime) -> None:
        """Let time pass until an instant."""
        self._local("clock", {"at": at.astimezone(UTC).isoformat()})

    def later(self, duration: str) -> None:
        """Let time pass: an ISO 8601 duration."""
        self._local("clock", {"advance": duration})

    def settle(self) -> None:
        """Wait until all is done that can be done now."""
        self._local("settle", {})

    def _local(self, path: str, body: Json) -> Json:
        reply = ask(f"{self.base_url}/_local/{path}", "POST", body)
        assert reply.status == 200, reply.body
        found: Json = reply.json
        return found

    # ------------------------------------------------------------------------------------------ events

    def event(self, id_: str, type_: str = "sale.closed", /, **data: Any) -> Json:
        """Return an event of now; a closing is of Ana and the sales department unless `data` says otherwise."""
        given = data if type_ == "promise.fulfilled" else {**CLOSING, "reference": id_, **data}
        at = self.now().isoformat()
        return {"specversion": "1.0", "id": id_, "source": "/crm", "type": type_, "time": at, "data": given}

    def sell(self, id_: str, **data: Any) -> Json:
        """Close a sale, and have it taken."""
        event = self.event(id_, **data)
        assert self.post(event).status == 202
        return event

    def ask(self, *numbers: int) -> list[str]:
        """Let numbered customers be asked about a sale each; return each one's link to the survey."""
        for number in numbers:
            mailbox = f"cliente{number}@example.com"
            self.sell(f"ORD-{number}", customer={"id": f"c-{number}", "name": f"Cliente {number}", "email": mailbox})
        self.later("PT3H")
        return [link_in(self.messages(f"cliente{number}@example.com")[-1], "/s/") for number in numbers]

    def post(self, event: Json | Sequence[Json]) -> Reply:
        """Send an event, or a batch, signed."""
        return self.post_bytes(json.dumps(event).encode(), ONE if isinstance(event, dict) else BATCH)

    def post_bytes(self, body: bytes, kind: str = ONE, **headers: str) -> Reply:
        """Send bytes, signed as of now unless `headers` say otherwise."""
        id_, at = f"msg_{uuid.uuid4().hex}", self.now()
        signed = {
            "webhook_id": id_,
            "webhook_timestamp": str(int(at.timestamp())),
            "webhook_signature": sign(self.tokens["events_secret"], id_, at, body),
        }
        return ask(f"{self.base_url}/events", "POST", body, **{"Content_Type": kind, **signed, **headers})

    # ------------------------------------------------------------------------------------------ messages

    def messages(self, to: str = "", channel: str = "") -> list[Json]:
        """Return what was handed to a carrier, oldest first."""
        found: list[Json] = ask(f"{self.base_url}/_local/messages?channel={channel}&to={quote(to)}").json["messages"]
        return found

    def mail(self, to: str) -> Json:
        """Return the only message to an address."""
        found = self.messages(to)
        assert len(found) == 1, [message["subject"] for message in found]
        return found[0]

    def text(self, sender: str, to: str, words: str) -> None:
        """Send a text message to the company, and let it be read."""
        self._local("phone", {"from": sender, "to": to, "text": words})
        self.settle()

    def report(self, message: Json, kind: str) -> None:
        """Let the carrier report something of a message."""
        self._local("receipts", {"message": message["id"], "kind": kind})
        self.settle()

    def local_page(self) -> str:
        """Return the page of the machine: queues with their dead letters, above all."""
        return ask(f"{self.base_url}/_local/").body.decode()

    # ------------------------------------------------------------------------------------------ pages

    def open(self, link: str, **headers: str) -> Reply:
        """Open a link."""
        return ask(link, **headers)

    def press(self, link: str, **fields: str | Sequence[str]) -> Reply:
        """Press the button of a page's form, as a person: what is in it goes with the press."""
        opened = self.open(link)
        form = Form.of(opened)
        return self.submit(f"{self.base_url}{form.action or urlsplit(link).path}", {**form.hidden, **fields})

    def counter(self) -> str:
        """Return the page that the code at the company's first counter opens."""
        ports = runtime.ports()
        first = ports.library.organisation().counters[0]
        return ports.links.url("counter", Ticket(first.ticket))

    def submit(self, url: str, fields: Mapping[str, Any]) -> Reply:
        """Send a form without looking at its page first."""
        body = urlencode(fields, doseq=True)
        return ask(url, "POST", body, Content_Type="application/x-www-form-urlencoded", **PRESS)

    # ------------------------------------------------------------------------------------------ our people

    def api(self, who: str, path: str, body: Json | None = None, *, version: int | None = None) -> Reply:
        """Ask the API with somebody's token."""
        given = {"Authorization": f"Bearer {self.tokens['api'][who]}"}
        if version is not None:
            given["If_Match"] = f'"{version}"'
        return ask(f"{self.base_url}/api/v1/{path}", "POST" if body is not None else "GET", body, **given)

    def cases(self, who: str = "admin") -> list[Json]:
        """Return the open cases that somebody may see."""
        found: list[Json] = self.api(who, "cases").json["cases"]
        return found

    def case(self, id_: str, who: str = "admin") -> Json:
        """Return a case with its timeline."""
        found: Json = self.api(who, f"cases/{id_}").json
        return found

    def move(self, who: str, case: Json, verb: str, **said: str) -> Json:
        """Make a move on a case as it is now."""
        reply = self.api(who, f"cases/{case['id']}/{verb}", said, version=self.case(case["id"])["version"])
        assert reply.status == 200, reply.body
        found: Json = reply.json
        return found

    def decisions(self, event: str) -> list[Json]:
        """Return what was decided about an event, program by program."""
        reply = self.api("admin", f"ledger?event={quote(f'/crm|{event}')}")
        return [] if reply.status == 404 else list(reply.json["events"][0]["decisions"])


ANA: Json = {"id": "c-981", "name": "Ana Gómez", "email": "ana@example.com"}
CLOSING: Json = {"customer": ANA, "department": "sales"}


def instant(text: str) -> datetime:
    """Read an instant as the API writes it."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def link_in(message: Json, path: str) -> str:
    """Return the link of a message that leads to a path, such as `/s/`."""
    links: list[str] = LINK.findall(message["text"])
    found = [link for link in links if urlsplit(link).path.startswith(path)]
    assert found, message["text"]
    return found[0]


class Form(HTMLParser):
    """A page's first form that is posted: where it goes, and what it holds unseen."""

    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.hidden: dict[str, str] = {}
        self._inside = False

    @classmethod
    def of(cls, page: Reply) -> "Form":
        """Read a page."""
        form = cls()
        form.feed(page.body.decode())
        return form

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the form and its hidden fields."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and self.action is None and given.get("method", "").lower() == "post":
            self.action, self._inside = given.get("action", ""), True
        elif self._inside and tag == "input" and given.get("type") == "hidden" and given.get("name"):
            self.hidden[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        """Leave the form."""
        self._inside = self._inside and tag != "form"
