"""Read how the columns of an export become events, promises and answers."""

import difflib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, ValidationError

from chalicelib.domain.terms import Frozen, Name
from infra import marked_yaml
from infra.marked_yaml import Fault, Marked, Unreadable

COLUMN = re.compile(r"\{([^{}]+)\}")

Row = Mapping[str, str]


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("must be an IANA zone such as America/Bogota")
    return name


def _one_or_many(given: Any) -> Any:
    return [given] if isinstance(given, str) else given


Zone = Annotated[str, AfterValidator(_zone)]
Where = dict[str, tuple[str, ...]]
"""Column → the values it must have; none given lets every row pass."""


class PromiseMapping(Frozen):
    """A promise: its columns hold instants, or numbers where `better` is given."""

    kind: Name
    department: str | None = None
    promised: Name
    fulfilled: Name | None = None
    better: str | None = None
    where: Where = {}


class EventMapping(Frozen):
    """What a row becomes. Texts may name columns, as in `order {order_id}`; what comes out empty is left out."""

    type: Name
    source: Name
    id: str
    time: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Columns: the first that is not empty says when it happened."""
    data: dict[str, Any]
    promises: tuple[PromiseMapping, ...] = ()
    where: Where = {}


class AnswerMapping(Frozen):
    """What the customer answered, when: the fields of the survey's form. Without a rating there is no answer."""

    time: Name
    rating: str
    fields: dict[str, str] = {}
    where: Where = {}


class Replaying(Frozen):
    """How an export is replayed: what each row becomes, and the organisation that it is replayed to."""

    organisation: Name | None = None
    """The organisation's file, beside this one; the one in force without it."""
    zone: Zone
    time_format: str | None = None
    """As strptime has it, for times that are not ISO 8601."""
    overrides: dict[str, Any] = {}
    """What is replaced in the organisation; under `programs`, in each of its programs."""
    event: EventMapping
    answer: AnswerMapping | None = None

    def columns(self) -> set[str]:
        """Return every column that is named, so that a misspelt one is found before anything is sent."""
        named = {*self.event.time, *self.event.where, *_columns(self.event.id), *_columns(self.event.data)}
        for promise in self.event.promises:
            given = (promise.promised, promise.fulfilled, *promise.where, *_columns(promise.department or ""))
            named |= {column for column in given if column}
        if self.answer:
            named |= {self.answer.time, *self.answer.where, *_columns(self.answer.rating)}
            named |= set(_columns(self.answer.fields))
        return named


def _columns(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from COLUMN.findall(value)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _columns(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _columns(inner)


def load(path: Path) -> Replaying:
    """Return what a mapping's file says. Raises Unreadable with the line of each fault."""
    try:
        marked = marked_yaml.read(path.read_text(encoding="utf-8-sig"), str(path))
    except OSError as error:
        raise Unreadable(str(path), [Fault(1, "", f"cannot be opened: {error.strerror}")]) from error
    try:
        return Replaying.model_validate(_lists(marked.data))
    except ValidationError as error:
        faults = [_fault(marked, each) for each in error.errors()]
        raise Unreadable(str(path), faults) from None


def _lists(data: Any) -> Any:
    """Let one column stand where a list of columns may, and one value where a list of values may."""
    if not isinstance(data, dict):
        return {}
    for part in (data.get("event"), data.get("answer"), *_promises(data)):
        if isinstance(part, dict) and isinstance(part.get("where"), dict):
            part["where"] = {column: _one_or_many(values) for column, values in part["where"].items()}
    if isinstance(data.get("event"), dict) and "time" in data["event"]:
        data["event"]["time"] = _one_or_many(data["event"]["time"])
    return data


def _promises(data: Any) -> list[Any]:
    event = data.get("event")
    promises = event.get("promises") if isinstance(event, dict) else None
    return promises if isinstance(promises, list) else []


def _fault(marked: Marked, error: Any) -> Fault:
    place, kind = error["loc"], error["type"]
    if kind == "missing":
        return marked.fault(place[:-1], f"needs `{place[-1]}`")
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(place[-1]), _keys(place), n=1)
        return marked.fault(place, "is not known here" + (f"; did you mean {near[0]}?" if near else ""))
    return marked.fault(place, error["msg"].removeprefix("Value error, ").replace("Input should", "must"))


def _keys(place: tuple[str | int, ...]) -> list[str]:
    models: dict[str | int, type[Frozen]] = {"event": EventMapping, "answer": AnswerMapping}
    model = PromiseMapping if "promises" in place[:-1] else models.get(place[0], Replaying)
    return list((model if len(place) > 1 else Replaying).model_fields)


def passes(row: Row, where: Where) -> bool:
    """Say whether a row has what is asked for."""
    return all(row.get(column, "") in values for column, values in where.items())


def rendered(template: str, row: Row) -> str:
    """Return a text with its columns filled in, without what is empty around it."""
    return COLUMN.sub(lambda found: row.get(found[1], ""), template).strip()


def filled(value: Any, row: Row) -> Any:
    """Return a tree with its columns filled in; what comes out empty is left out (None).

    An item of a list is left out when all the columns that it names are empty: a row without a seller has no people.
    """
    if isinstance(value, str):
        return rendered(value, row) or None
    if isinstance(value, dict):
        inner = {name: filled(each, row) for name, each in value.items()}
        return {name: each for name, each in inner.items() if each is not None} or None
    if isinstance(value, list):
        kept = [filled(each, row) for each in value if not _is_empty(each, row)]
        return [each for each in kept if each is not None] or None
    return value


def _is_empty(item: Any, row: Row) -> bool:
    named = list(_columns(item))
    return bool(named) and not any(row.get(column, "").strip() for column in named)
