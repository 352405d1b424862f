"""Let people write short: 2h, one word where a list may stand, one language, hours on one line."""

import re
from collections.abc import Mapping
from datetime import timedelta
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

_PART = re.compile(r"(\d+(?:\.\d+)?) ?([wdhms])", re.IGNORECASE)
_WHOLE = re.compile(r"(?:\d+(?:\.\d+)? ?[wdhms] ?)+", re.IGNORECASE)
_UNIT = {
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}
UNITLESS = "a number without a unit"
"""What stands for a bare number where a duration should be, so that it is refused: of hours, or of days?"""

OPEN_TIME_DAYS = "days of open time"
"""What stands for days in a promise of open time: a day has eight or nine open hours, or none."""


def duration(written: Any) -> Any:
    """Return "2h", "1d 12h" as time; what is neither stays as it is, for validation to judge.

    >>> duration("1d 12h")
    datetime.timedelta(days=1, seconds=43200)
    """
    if isinstance(written, int | float) and not isinstance(written, bool):
        return timedelta(0) if written == 0 else UNITLESS
    if not isinstance(written, str) or not _WHOLE.fullmatch(written.strip()):
        return written
    parts = (float(number) * _UNIT[unit.lower()] for number, unit in _PART.findall(written))
    return sum(parts, timedelta(0))


def open_duration(written: Any) -> Any:
    """Return a promise in open time: as `duration`, but in hours and minutes only."""
    if isinstance(written, str) and re.fullmatch(r"[\d. ]+[dw].*", written.strip(), re.IGNORECASE):
        return OPEN_TIME_DAYS
    return duration(written)


def expanded(model: type[BaseModel], given: Any, language: str) -> Any:
    """Return what was written for a model with its short forms spelt out; unknown keys stay, to be refused."""
    if not isinstance(given, dict):
        return given
    fields = model.model_fields
    return {
        name: _expand(fields[name].annotation, value, name, model, language) if name in fields else value
        for name, value in given.items()
    }


def _expand(annotation: Any, value: Any, name: str, owner: type[BaseModel], language: str) -> Any:
    kind = _plain(annotation)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return expanded(kind, value, language)
    if kind is timedelta:
        return open_duration(value) if owner.__name__ == "Sla" else duration(value)
    if get_origin(kind) is tuple:
        items = value if isinstance(value, list) else [] if value is None else [value]
        return [_expand(get_args(kind)[0], item, name, owner, language) for item in items]
    if get_origin(kind) is dict:
        return _mapping(get_args(kind)[1], value, name, owner, language)
    return _words(value, name) if get_origin(kind) is list else value


def _plain(annotation: Any) -> Any:
    """Return a type without its constraints and without None."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return _plain(next(each for each in get_args(annotation) if each is not type(None)))
    return annotation


def _mapping(inner: Any, value: Any, name: str, owner: type[BaseModel], language: str) -> Any:
    if inner is str and isinstance(value, str):
        return {language: value}
    if not isinstance(value, Mapping):
        return value
    return {key: _expand(inner, each, name, owner, language) for key, each in value.items()}


def _words(value: Any, name: str) -> Any:
    if name == "hours":
        return _windows(value)
    items = value if isinstance(value, list) else [value]
    return [str(item) if isinstance(item, int | float) and not isinstance(item, bool) else item for item in items]


def _windows(value: Any) -> Any:
    if value is None or value == "closed":
        return []
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value
