"""Say which list a case is in, and where the next page of that list begins."""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.domain.case import Case
from chalicelib.domain.terms import stamp
from chalicelib.errors import Invalid, Problem
from chalicelib.ports import CaseList

CURSOR_CHARACTERS_MAX = 600
ALL = "*"
"""Stands for all departments in the name of a list: no department is called so."""

_ID = re.compile(r"[\x21-\x7e]{1,100}")
_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@dataclass(frozen=True, order=True)
class Place:
    """Where a case stands in its list: at its promised end while open, at its resolution afterwards."""

    at: str
    id: str


def list_of(case: Case) -> str:
    """Return the name of the one list that a case is in."""
    return list_name(case.department, "resolved" if case.resolved_at else "open")


def list_name(department: str, which: CaseList) -> str:
    """Return the name of a department's list."""
    return f"{which}#{department}"


def place_of(case: Case) -> Place:
    """Return where a case stands in its list."""
    return Place(stamp(case.resolved_at or case.resolve_by), case.id)


def merged(places: Iterable[Place], which: CaseList, limit: int) -> tuple[list[Place], str | None]:
    """Return the first of several departments' places, and the cursor of those that follow."""
    found = sorted(places, reverse=which == "resolved")
    more = write_cursor(list_name(ALL, which), found[limit - 1]) if len(found) > limit else None
    return found[:limit], more


def write_cursor(list_: str, place: Place) -> str:
    """Return the cursor of what follows a place. It opens nothing: a changed one reads elsewhere in the same list."""
    return urlsafe_b64encode(json.dumps([list_, place.at, place.id]).encode()).decode().rstrip("=")


def read_cursor(list_: str, cursor: str) -> Place:
    """Return the place that a cursor names; raises Invalid when it is not of this list."""
    try:
        of, at, id_ = _parts(cursor)
    except (ValueError, TypeError, RecursionError):
        of, at, id_ = "", "", ""
    if of != list_ or not _AT.fullmatch(at) or not _ID.fullmatch(id_):
        raise Invalid(Problem("/cursor", "is not one that this list has given; leave it out to begin anew"))
    return Place(at, id_)


def _parts(cursor: str) -> tuple[str, str, str]:
    if len(cursor) > CURSOR_CHARACTERS_MAX or not cursor.isascii():
        raise ValueError("too long, or not base64url")
    of, at, id_ = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    return str(of), str(at), str(id_)
