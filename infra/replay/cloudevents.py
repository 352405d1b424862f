"""Read stored events, one CloudEvent as JSON on each line, as a plan of what happened when."""

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from infra.marked_yaml import Fault, Unreadable
from infra.replay.plan import Plan, Stop

SUFFIXES = (".jsonl", ".jsonl.gz", ".ndjson", ".json")

Json = dict[str, Any]


def read_events(path: Path) -> Plan:
    """Return the events of a file, or of every such file in a folder and its folders, by time. Raises Unreadable.

    An event that stands there twice (its source and id name it) happens once. A line may be an EventBridge envelope.
    """
    found: dict[tuple[str, str], tuple[datetime, Json]] = {}
    lines = 0
    for file in _files(path):
        for number, text in enumerate(_lines(file), start=1):
            if text.strip():
                lines += 1
                event = _event(text, file, number)
                found.setdefault((event["source"], event["id"]), (_time(event, file, number), event))
    in_order = sorted(found.values(), key=lambda each: (each[0], each[1]["source"], each[1]["id"]))
    groups = groupby(in_order, key=lambda each: each[0])
    return Plan(lines, tuple(Stop(at, tuple(event for _, event in group), ()) for at, group in groups), ())


def _files(path: Path) -> list[Path]:
    files = sorted(each for each in path.rglob("*") if each.name.endswith(SUFFIXES)) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        text = f"holds no file of events ({', '.join(SUFFIXES)})" if path.is_dir() else "cannot be opened"
        raise Unreadable(str(path), [Fault(1, "", text)])
    return files


def _lines(file: Path) -> Iterator[str]:
    try:
        raw = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        yield from raw.decode("utf-8-sig").splitlines()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise Unreadable(str(file), [Fault(1, "", f"cannot be read: {error}")]) from error


def _event(text: str, file: Path, number: int) -> Json:
    try:
        event = json.loads(text)
    except ValueError:
        raise Unreadable(str(file), [Fault(number, "", "is no JSON: write one CloudEvent on each line")]) from None
    inner = event.get("detail", event) if isinstance(event, dict) else None
    if not isinstance(inner, dict) or not all(isinstance(inner.get(name), str) for name in ("source", "id", "time")):
        text = "is no CloudEvent: it needs source, id, type, time and data"
        raise Unreadable(str(file), [Fault(number, "", text)])
    return inner


def _time(event: Json, file: Path, number: int) -> datetime:
    try:
        at = datetime.fromisoformat(event["time"])
    except ValueError:
        at = datetime(1, 1, 1)  # noqa: DTZ001  # refused below, as every time without an offset
    if at.tzinfo is None:
        text = f"must be a time with its offset, as in 2026-03-06T21:30:00Z, not {event['time'][:40]!r}"
        raise Unreadable(str(file), [Fault(number, "time", text)])
    return at.astimezone(UTC)
