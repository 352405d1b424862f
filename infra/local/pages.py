"""Draw the local pages."""

import base64
import hashlib
import re
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from infra.local.carrier import NUMBER
from infra.local.durations import stamp
from infra.local.problems import Answer

if TYPE_CHECKING:
    from infra.local.system import LocalSystem

TEMPLATES = Path(__file__).parent / "templates"
MESSAGES_SHOWN_MAX = 100
DEAD_LETTERS_SHOWN_MAX = 20
HEAD = re.compile(r"<head[^>]*>", re.IGNORECASE)

# A mail's links open beside the mailbox, and nothing in it runs or loads.
MAIL_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox; frame-ancestors 'self'"
)
LINK_BASE = '<base target="_blank">'

Json = dict[str, Any]


class Pages:
    """The pages under `/_local/`."""

    def __init__(self, system: "LocalSystem") -> None:
        self.system = system
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["instant"] = _readable

    def overview(self, query: Json) -> Answer:
        """Mailbox, phone, clock, queues, links."""
        mailbox = self.system.mailbox
        to = str(query.get("to", "")).strip()
        found = list(mailbox.messages(to=to)) if to else []
        shown = list(reversed(found[-MESSAGES_SHOWN_MAX:])) if to else mailbox.latest(MESSAGES_SHOWN_MAX)
        return self._page(
            "overview.html",
            messages=shown,
            total=len(found) if to else len(mailbox),
            to=to,
            now=stamp(self.system.clock.now()),
            is_moved=bool(self.system.clock.offset),
            queues=self._queues(),
            links=self.system.application.links(),
            sign_ins=self.system.application.sign_ins(self.system),
            phones=self._phones(shown),
            number=NUMBER,
        )

    def _queues(self) -> list[Json]:
        counts = self.system.queues()
        targets = self.system.resources.overlay.dead_letter_queues
        return [
            {"name": name, **count, "is_dead": name in targets, "letters": self._letters(name, targets)}
            for name, count in counts.items()
        ]

    def _letters(self, name: str, targets: set[str]) -> list[Json]:
        if name not in targets:
            return []
        return [
            {**letter, "sent": stamp(datetime.fromtimestamp(letter["sent_at"]).astimezone())}
            for letter in self.system.messages_in(name, DEAD_LETTERS_SHOWN_MAX)
        ]

    @staticmethod
    def _phones(messages: list[Json]) -> list[str]:
        return sorted({message["to"] for message in messages if message["channel"] == "sms"})

    def mail(self, message_id: str) -> Answer:
        """One message as a person would see it, its plain text, its headers."""
        message = self.system.mailbox.message(message_id)
        return self._page("message.html", message=message, has_source=self._source(message_id) is not None)

    def mail_body(self, message_id: str) -> Answer:
        """The HTML of a mail, in a box from which nothing gets out."""
        message = self.system.mailbox.message(message_id) or {}
        html = message["html"]
        boxed = HEAD.sub(lambda found: found[0] + LINK_BASE, html, count=1) if HEAD.search(html) else LINK_BASE + html
        return Answer(200, boxed.encode(), _headers("text/html; charset=utf-8", MAIL_POLICY))

    def mail_source(self, message_id: str) -> Answer:
        """The bytes that the carrier was given."""
        source = self._source(message_id) or b""
        return Answer(200, source, _headers("text/plain; charset=utf-8", "default-src 'none'; sandbox"))

    def _source(self, message_id: str) -> bytes | None:
        record = self.system.mailbox.record_of(message_id) or {}
        raw: bytes | None = record.get("raw")
        return raw

    def _page(self, template: str, **values: Any) -> Answer:
        html = self._templates.get_template(template).render(style=self._style, **values)
        policy = (
            f"default-src 'none'; style-src '{self._style_hash}'; frame-src 'self'; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'"
        )
        return Answer(200, html.encode(), _headers("text/html; charset=utf-8", policy))

    @cached_property
    def _style(self) -> str:
        return (TEMPLATES / "local.css").read_text()

    @cached_property
    def _style_hash(self) -> str:
        return "sha256-" + base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()


def _headers(kind: str, policy: str) -> list[tuple[str, str]]:
    return [
        ("Content-Type", kind),
        ("Content-Security-Policy", policy),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("Cache-Control", "no-store"),
    ]


def _readable(text: str) -> str:
    return text.replace("T", " ").split(".")[0].rstrip("Z") + " UTC"
