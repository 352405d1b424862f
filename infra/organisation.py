"""Load an organisation from its YAML file, or say on which line it is wrong and what would be right."""

import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, get_args, get_origin
from zoneinfo import available_timezones

from pydantic import BaseModel, ValidationError

from chalicelib.domain.organisation import Organisation
from chalicelib.domain.routing import folded
from chalicelib.domain.terms import LANGUAGES
from infra import marked_yaml, public_holidays
from infra.marked_yaml import Fault, Marked, Place, Unreadable
from infra.organisation_checks import doubtful, impossible, nearest, references
from infra.short_forms import OPEN_TIME_DAYS, UNITLESS, expanded

Override = Callable[[dict[str, Any]], None]
"""Changes what a file says before it is checked, as a replay does with delays and hours."""


@dataclass(frozen=True)
class Loaded:
    """An organisation that may be published, and what is worth a look in its file."""

    organisation: Organisation
    warnings: tuple[Fault, ...]


def load(path: Path, today: date, override: Override | None = None) -> Loaded:
    """Return what a file describes, holidays of three years from `today` on included. Raises Unreadable."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise Unreadable(str(path), [Fault(line, "", "is not UTF-8 text; save it as UTF-8")]) from error
    except OSError as error:
        raise Unreadable(str(path), [Fault(1, "", f"cannot be opened: {error.strerror}")]) from error
    return read(text, str(path), today, override)


def read(text: str, file: str, today: date, override: Override | None = None) -> Loaded:
    """Return what a text describes. Raises Unreadable with every fault that can be found in one go."""
    marked = marked_yaml.read(text, file)
    if not isinstance(marked.data, dict):
        fault = Fault(1, "", "must be the description of an organisation, beginning with `name:`")
        raise Unreadable(file, [fault])
    if override:
        override(marked.data)
    faults = [*_zone(marked), *public_holidays.resolve(marked, today), *public_holidays.customer_hours(marked, today)]
    language = marked.data.get("language", LANGUAGES[0])
    marked.data = expanded(Organisation, marked.data, language if language in LANGUAGES else LANGUAGES[0])
    faults += references(marked)
    organisation = _validated(marked, faults)
    if organisation:
        faults += impossible(marked, organisation, today)
    if faults or organisation is None:
        raise Unreadable(file, faults)
    warnings = sorted(doubtful(marked, organisation), key=lambda warning: warning.line)
    return Loaded(organisation, tuple(warnings))


def _zone(marked: Marked) -> Iterator[Fault]:
    zone = marked.data.get("zone")
    if isinstance(zone, str) and zone not in available_timezones():
        cities = {name.rpartition("/")[2]: name for name in sorted(available_timezones())}
        near = difflib.get_close_matches(zone.rpartition("/")[2].title(), cities, n=1)
        meant = f"; did you mean {cities[near[0]]}?" if near else ""
        yield marked.fault(("zone",), f"must be an IANA zone such as America/Bogota, not {zone!r}{meant}")
        marked.data["zone"] = "UTC"  # so that calendars that take it over are not called wrong as well


def _validated(marked: Marked, faults: list[Fault]) -> Organisation | None:
    try:
        return Organisation.model_validate(marked.data)
    except ValidationError as error:
        own = [each for each in error.errors() if not _follows(marked, each, faults)]
        found = [_fault(marked, each) for each in own]
        faults += dict.fromkeys(fault for fault in found if not _said_already(fault, faults))
        return None


def _follows(marked: Marked, error: Any, faults: list[Fault]) -> bool:
    """Say whether a fault only follows from another: an empty list of faulty items, a calendar's inherited dates."""
    if not error["loc"]:
        return bool(faults)
    if error["type"] == "too_short" and error["input"]:
        return True
    inherited = "calendar" in error["loc"][:-1] and error["loc"][0] == "departments" and error["type"] != "missing"
    place = error["loc"][: error["loc"].index("calendar") + 2] if inherited else ()
    return inherited and place not in marked.lines


def _said_already(fault: Fault, faults: list[Fault]) -> bool:
    return any((fault.line, fault.where) == (other.line, other.where) for other in faults)


def _fault(marked: Marked, error: Any) -> Fault:
    place = _place(marked, error["loc"])
    kind = error["type"]
    if kind == "missing":
        return marked.fault(place[:-1], f"needs `{place[-1]}`{_example(str(place[-1]))}")
    if kind == "extra_forbidden":
        known = _known_keys(place[:-1])
        meant = nearest(place[-1], known) or f"; known are {', '.join(known)}"
        return marked.fault(place, f"is not known here{meant}")
    return marked.fault(place, _sentence(error))


def _place(marked: Marked, location: tuple[str | int, ...]) -> Place:
    """Return a pydantic location without what names no place in the file (kinds of unions, `[key]`)."""
    place: Place = ()
    for step in location:
        if (*place, step) in marked.lines or (step == location[-1] and step != "[key]"):
            place = (*place, step)
    return place


def _known_keys(place: Place) -> list[str]:
    """Return the keys that a mapping at a place may have."""
    model: Any = Organisation
    for step in place:
        if isinstance(step, str) and isinstance(model, type) and issubclass(model, BaseModel):
            model = _inner(model.model_fields[step].annotation) if step in model.model_fields else None
    return list(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else []


def _inner(annotation: Any) -> Any:
    """Return the model inside a tuple, an Annotated or an optional type."""
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return annotation
    found = (_inner(each) for each in get_args(annotation))
    return next((each for each in found if isinstance(each, type) and issubclass(each, BaseModel)), None)


EXAMPLES = {
    "alert_to": "the addresses that its alerts go to, as in [logistics@example.com]",
    "arbiter": "the department that decides when nothing else does",
    "contact": "how a customer reaches people, in a sentence",
    "head": "who is told of a breach, as in {id: u-1, name: Bruno Díaz, email: bruno@example.com}",
    "hours": "as in {mon-fri: 08:00-12:00, sat: 08:00-13:00}",
    "leadership": "the addresses where escalations end, as in [carla@example.com]",
    "on": "the closings that it asks about, as in [sale.closed]",
    "zone": "as in America/Bogota",
}


def _example(name: str) -> str:
    return f": {EXAMPLES[name]}" if name in EXAMPLES else ""


SENTENCES = {
    "bool_parsing": "must be true or false",
    "date_from_datetime_parsing": "must be a date, as in 2026-12-24",
    "date_parsing": "must be a date, as in 2026-12-24",
    "float_parsing": "must be a number",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "too_short": "needs at least one",
}


def _sentence(error: Any) -> str:
    kind, given = error["type"], error["input"]
    if kind in SENTENCES:
        return SENTENCES[kind]
    if kind == "time_delta_parsing":
        return _duration_wanted(given)
    if kind == "literal_error":
        wanted = re.findall(r"'([^']+)'", error["ctx"]["expected"])
        return f"must be {', '.join(wanted[:-1])} or {wanted[-1]}, not {given!r}{nearest(given, wanted)}"
    if kind == "string_pattern_mismatch":
        return _pattern_wanted(error["ctx"]["pattern"], given)
    return f"must be text: write it in quotes, not {given!r}" if kind == "string_type" else _plain(error["msg"])


def _duration_wanted(given: Any) -> str:
    if given == OPEN_TIME_DAYS:
        return "is a promise in open time, which has no days: write hours, as in 18h (two days of nine open hours)"
    named = given if given == UNITLESS else repr(given)
    return f"must be a duration with its unit, as in 2h, 3d or PT4H, not {named}"


def _pattern_wanted(pattern: str, given: str) -> str:
    if "[A-Z]{2}" in pattern:
        return f"must be a country in two capital letters, as in CO, not {given!r}"
    if "https" in pattern:
        return f"must be an https:// address, not {given!r}"
    slug = "-".join(folded(given).split())[:64]
    return "must be lower-case letters, digits, '-', '_' and '.'" + (f", as in {slug}" if slug else "")


def _plain(message: str) -> str:
    message = message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    plain = re.sub(r"^(Input|Value|String|Tuple|List|Dictionary) should ", "must ", message)
    plain = re.sub(r" or instance of \w+$", "", plain)
    return plain.replace("a valid dictionary", "a mapping of keys to values").replace("must have", "needs")
