"""Turn rows into what happens, in the order of time: events, promises fulfilled later, answers."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from infra.marked_yaml import Fault, Unreadable
from infra.replay.mapping import AnswerMapping, PromiseMapping, Replaying, Row, filled, passes, rendered

BYTES_MAX = 500 * 1024 * 1024

Json = dict[str, Any]


@dataclass(frozen=True)
class Happening:
    """An event on its way in."""

    at: datetime
    event: Json


@dataclass(frozen=True)
class Answering:
    """What a customer answers, to the survey of which event, when."""

    at: datetime
    address: str
    reference: str | None
    form: Mapping[str, str]
    event: tuple[str, str] = ("", "")
    """Source and id of the event that was asked about."""


@dataclass(frozen=True)
class Stop:
    """Everything that happens at one instant: events first, in one go."""

    at: datetime
    events: tuple[Json, ...]
    answers: tuple[Answering, ...]


@dataclass(frozen=True)
class Plan:
    """A whole replay: its stops in order, and the rows that say nothing, each with the reason."""

    rows: int
    stops: tuple[Stop, ...]
    left_out: tuple[tuple[int, str], ...]

    @property
    def events(self) -> int:
        """How many events are sent."""
        return sum(len(stop.events) for stop in self.stops)

    @property
    def answers(self) -> int:
        """How many answers are given."""
        return sum(len(stop.answers) for stop in self.stops)


def read_rows(path: Path, replaying: Replaying) -> list[Row]:
    """Return an export's rows. Raises Unreadable, also for a column that the mapping names and the file lacks."""
    try:
        if path.stat().st_size > BYTES_MAX:
            raise Unreadable(str(path), [Fault(1, "", f"is larger than {BYTES_MAX // 1024**2} MB; split it")])
        raw = path.read_bytes()
    except OSError as error:
        raise Unreadable(str(path), [Fault(1, "", f"cannot be opened: {error.strerror}")]) from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    first = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text), delimiter=max(",;\t|", key=first.count), restval="")
    rows: list[Row] = [{name: value for name, value in row.items() if isinstance(value, str)} for row in reader]
    missing = sorted(replaying.columns() - set(reader.fieldnames or ()))
    if missing:
        raise Unreadable(str(path), [Fault(1, "", f"has no column {', '.join(missing)}, which the mapping names")])
    return rows


def plan(rows: Sequence[Row], replaying: Replaying) -> Plan:
    """Return what the rows say, by time; what happens at the same instant keeps the rows' order."""
    happenings: list[Happening | Answering] = []
    left_out: list[tuple[int, str]] = []
    for number, row in enumerate(rows, start=2):
        try:
            happenings += _of_row(row, replaying)
        except ValueError as error:
            left_out.append((number, str(error)))
    happenings.sort(key=lambda each: each.at)
    stops = tuple(_stop(at, list(group)) for at, group in groupby(happenings, key=lambda each: each.at))
    return Plan(len(rows), stops, tuple(left_out))


def _stop(at: datetime, group: list[Happening | Answering]) -> Stop:
    events = tuple(each.event for each in group if isinstance(each, Happening))
    return Stop(at, events, tuple(each for each in group if isinstance(each, Answering)))


def _of_row(row: Row, replaying: Replaying) -> list[Happening | Answering]:
    mapping = replaying.event
    if not passes(row, mapping.where):
        return []
    at = next((time for column in mapping.time if (time := _time(row, column, replaying))), None)
    id_ = rendered(mapping.id, row)
    if at is None or not id_:
        raise ValueError(f"no time in {', '.join(mapping.time)}" if id_ else f"no id in {mapping.id}")
    data = filled(mapping.data, row) or {}
    promises = [promise for promise in mapping.promises if passes(row, promise.where) and row.get(promise.promised)]
    if promises:
        data["promises"] = [_promised(row, promise, replaying, at) for promise in promises]
    envelope = {"specversion": "1.0", "source": mapping.source}
    closing = {**envelope, "id": id_, "type": mapping.type, "time": _stamp(at), "data": data}
    later = [_fulfilled(row, promise, replaying, at, closing) for promise in promises]
    found: list[Happening | Answering] = [Happening(at, closing), *(each for each in later if each)]
    return [*found, *_answer(row, replaying, replaying.answer, data, (mapping.source, id_))]


def _promised(row: Row, promise: PromiseMapping, replaying: Replaying, at: datetime) -> Json:
    said = {"kind": promise.kind, "department": rendered(promise.department or "", row) or None}
    if promise.better:
        given = {name: float(row[column]) for name, column in _named(promise) if row.get(column)}
        return {**said, **given, "better": promise.better}
    times = {name: _time(row, column, replaying) for name, column in _named(promise)}
    known = {name: _stamp(time) for name, time in times.items() if time and (name == "promised" or time <= at)}
    return {name: value for name, value in {**said, **known}.items() if value is not None}


def _named(promise: PromiseMapping) -> Iterator[tuple[str, str]]:
    yield "promised", promise.promised
    if promise.fulfilled:
        yield "fulfilled", promise.fulfilled


def _fulfilled(
    row: Row, promise: PromiseMapping, replaying: Replaying, at: datetime, closing: Json
) -> Happening | None:
    """Return the news that a promise was fulfilled after its event; None when the event could say so itself."""
    fulfilled = _time(row, promise.fulfilled, replaying) if promise.fulfilled and not promise.better else None
    if fulfilled is None or fulfilled <= at:
        return None
    ref = {"source": closing["source"], "id": closing["id"]}
    event = {
        "specversion": "1.0",
        "source": closing["source"],
        "id": f"{closing['id']}/{promise.kind}",
        "type": "promise.fulfilled",
        "time": _stamp(fulfilled),
        "data": {"event": ref, "kind": promise.kind, "fulfilled": _stamp(fulfilled)},
    }
    return Happening(fulfilled, event)


def _answer(
    row: Row, replaying: Replaying, mapping: AnswerMapping | None, data: Json, event: tuple[str, str]
) -> Iterator[Answering]:
    if mapping is None or not passes(row, mapping.where):
        return
    rating, at = rendered(mapping.rating, row), _time(row, mapping.time, replaying)
    if not rating:
        return
    address = data.get("customer", {}).get("email")
    if at is None or not address:
        raise ValueError(f"a rating, but no time in {mapping.time}" if address else "a rating, but no customer.email")
    texts = {name: text for name, template in mapping.fields.items() if (text := rendered(template, row))}
    yield Answering(at, address, data.get("reference"), {"rating": rating, **texts}, event)


def _time(row: Row, column: str, replaying: Replaying) -> datetime | None:
    """Return an instant in UTC; a time without an offset is one of the mapping's zone, a date its midnight."""
    written = row.get(column, "").strip()
    if not written:
        return None
    try:
        if replaying.time_format:
            time = datetime.strptime(written, replaying.time_format)  # noqa: DTZ007  # placed in its zone below
        else:
            time = datetime.fromisoformat(written)
    except ValueError:
        raise ValueError(f"{column} is no time: {written[:40]!r}") from None
    return (time if time.tzinfo else time.replace(tzinfo=ZoneInfo(replaying.zone))).astimezone(UTC)


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
