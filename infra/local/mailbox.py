"""Keep every message that was handed to a carrier, byte for byte, in the order of handing over."""

import base64
import email
import email.policy
import functools
import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

PARSED_MESSAGES_MAX = 2048

Json = dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """Where a message stands in the file, and what one asks for it by."""

    id: str
    channel: str
    to: tuple[str, ...]
    offset: int
    length: int


class Mailbox:
    """All messages: a file of JSON lines, and an index in memory. All calls may come from any thread."""

    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        self.now = now
        self._file = open(path, "a+b", buffering=0)  # noqa: SIM115  # open for the mailbox's life
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._by_id: dict[str, Entry] = {}
        self._size = 0
        self._read = functools.lru_cache(PARSED_MESSAGES_MAX)(self._load)
        self._index()

    def _index(self) -> None:
        self._file.seek(0)
        for line in self._file.readall().splitlines(keepends=True):
            if line.endswith(b"\n"):
                self._add(json.loads(line), len(line))
        os.truncate(self._file.fileno(), self._size)  # a line cut short by a power failure was never acknowledged

    def _add(self, record: Json, length: int) -> None:
        entry = Entry(record["id"], record["channel"], tuple(record["to"]), self._size, length)
        self._entries.append(entry)
        self._by_id[entry.id] = entry
        self._size += length

    @property
    def size(self) -> int:
        """Length of the file in bytes."""
        return self._size

    def shorten(self, size: int) -> None:
        """Forget what came after the file had this size."""
        with self._lock:
            while self._entries and self._entries[-1].offset >= size:
                self._size = self._entries[-1].offset
                del self._by_id[self._entries.pop().id]
            os.truncate(self._file.fileno(), self._size)
            self._read.cache_clear()

    def record(self, channel: str, to: list[str], *, message_id: str, **content: Any) -> None:
        """Keep a message. `raw` may hold bytes; all else must be JSON."""
        raw = content.pop("raw", None)
        if raw is not None:
            content["raw"] = base64.b64encode(raw).decode()
        sent_at = self.now().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        record = {"id": message_id, "channel": channel, "to": to, "sent_at": sent_at, **content}
        line = json.dumps(record, ensure_ascii=False).encode("utf-8", errors="surrogateescape") + b"\n"
        with self._lock:
            self._file.write(line)
            self._add(record, len(line))

    def __len__(self) -> int:
        return len(self._entries)

    def messages(self, channel: str = "", to: str = "", after: str = "") -> Iterator[Json]:
        """Return messages, oldest first: `{id, channel, to, subject, text, html, headers, sent_at}`."""
        start = self._entries.index(self._by_id[after]) + 1 if after in self._by_id else 0
        for entry in self._entries[start:]:
            if (not channel or entry.channel == channel) and (not to or to.casefold() in _folded(entry.to)):
                yield self._read(entry.id)

    def latest(self, limit: int) -> list[Json]:
        """Return the youngest messages, youngest first."""
        return [self._read(entry.id) for entry in reversed(self._entries[-limit:])]

    def message(self, message_id: str) -> Json | None:
        """Return one message as `messages` does."""
        return self._read(message_id) if message_id in self._by_id else None

    def record_of(self, message_id: str) -> Json | None:
        """Return what was recorded of a message; `raw` as bytes."""
        entry = self._by_id.get(message_id)
        if not entry:
            return None
        record: Json = json.loads(os.pread(self._file.fileno(), entry.length, entry.offset))
        if "raw" in record:
            record["raw"] = base64.b64decode(record["raw"])
        return record

    def _load(self, message_id: str) -> Json:
        record = self.record_of(message_id)
        if record is None:
            raise KeyError(message_id)
        view = {
            "id": record["id"],
            "channel": record["channel"],
            "to": ", ".join(record["to"]),
            "subject": record.get("subject", ""),
            "text": record.get("text", ""),
            "html": record.get("html", ""),
            "headers": record.get("headers", {}),
            "sent_at": record["sent_at"],
        }
        return {**view, **_parsed(record["raw"])} if "raw" in record else view

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _folded(addresses: tuple[str, ...]) -> set[str]:
    return {address.casefold() for address in addresses}


def parse(raw: bytes) -> EmailMessage:
    """Read a MIME message as a mail program does."""
    return email.message_from_bytes(raw, policy=email.policy.default)


def _parsed(raw: bytes) -> Json:
    message = parse(raw)
    headers: dict[str, str] = {}
    for name, value in message.items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else str(value)
    return {
        "subject": headers.get("Subject", ""),
        "text": _part(message, "plain"),
        "html": _part(message, "html"),
        "headers": headers,
    }


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    if part is None:
        return ""
    try:
        return str(part.get_content())
    except (LookupError, KeyError):  # an unknown charset or type: show the bytes as they are
        return str(part.get_payload())
