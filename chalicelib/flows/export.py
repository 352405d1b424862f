"""Give out the answers of some days, as a file or to look at: from day files, with words and names from the table."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Literal, get_args

from chalicelib.domain.dayfile import (
    ANSWERED,
    Counted,
    ExportRow,
    Line,
    Looked,
    Looking,
    Place,
    ResponseRow,
    Shape,
    is_findable,
    newest,
    response_row,
    shape_of,
)
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.terms import stamp
from chalicelib.domain.trend import read_range
from chalicelib.errors import Forbidden, Invalid, Problem
from chalicelib.ports import DayFile, Ports, Principal

ROWS_MAX = 5_000
"""Answers of one request."""

DAYS_DEFAULT = 31
DAYS_MAX = 3_660
CURSOR_CHARACTERS_MAX = 400
ECHO_CHARACTERS_MAX = 40

Format = Literal["csv", "jsonl"]
FORMATS: tuple[Format, ...] = get_args(Format)
PARAMETERS = ("from", "to", "format", "limit", "cursor")

Asked = Mapping[str, Sequence[str]]
DAWN = ("0000-00-00T00:00:00.000Z", "-")
"""Before every answer of a day."""
DUSK = ("9999-12-31T23:59:59.999Z", "~")
"""After every answer of a day."""

LOOKED_AT = 50
"""Answers of one page."""
LOOK_DAYS_MAX = 366
LISTED_DAYS = 31
"""Of how many days files are listed at once, backwards: a page ends before most of a year has been listed."""
LOOK_PARAMETERS = ("from", "to", "filter", "metric", "topic", "cursor")


@dataclass(frozen=True)
class Wanted:
    """Which answers somebody wants: of the days from first up to, without, end, after a place."""

    first: date
    end: date
    format: Format
    limit: int | None
    after: Place | None


@dataclass(frozen=True)
class Bounds:
    """How much one request may take."""

    rows: int = ROWS_MAX
    bytes_: int = 4 * 1024 * 1024
    """Of the answers as JSON in ASCII: an answer of Lambda ends at 6 MB."""
    files: int = 10_000
    file_bytes: int = 32 * 1024 * 1024
    """Of the files read, as they are kept."""


@dataclass(frozen=True)
class Exported:
    """Some answers in the order of their days; `next` is the cursor of those that follow, None at the end."""

    wanted: Wanted
    rows: tuple[ExportRow, ...]
    next: str | None


def export(ports: Ports, asked: Asked, principal: Principal, now: datetime, bounds: Bounds = Bounds()) -> Exported:
    """Return answers for somebody who may read single ones. Raises Forbidden, and Invalid with what is allowed.

    Without a limit all answers of the days are returned or none: half of them would look like all.
    """
    if principal.role not in ("leadership", "admin"):
        raise Forbidden("single answers are for leadership")
    shape = shape_of(ports.library.organisation())
    wanted = read_export(asked, date.fromisoformat(shape.day(now)))
    found = _found(ports, wanted, shape, bounds)
    rows = _within(_joined(ports, found.rows, shape), bounds.bytes_)
    after = found.after if len(rows) == len(found.rows) else _at(rows[-1].day, rows[-1])
    if after and wanted.limit is None:
        detail = f"leaves more answers than one request gives ({bounds.rows:,}, or 4 MB): take fewer days, or `limit`"
        raise Invalid(Problem("/to", f"{detail} and then the address in the header Link"))
    return Exported(wanted, rows, write_cursor(after) if after else None)


# Where the answers are


@dataclass(frozen=True)
class _Page:
    """The first answers, each with its day; `after` is the place after which there are more."""

    rows: list[tuple[str, ResponseRow]]
    after: Place | None = None


def _found(ports: Ports, wanted: Wanted, shape: Shape, bounds: Bounds) -> _Page:
    limit = wanted.limit or bounds.rows
    first = wanted.after[0] if wanted.after else wanted.first.isoformat()
    files = ports.day_files.of_days("responses", first, wanted.end.isoformat())
    budget = _Budget(bounds.files, bounds.file_bytes)
    found: list[tuple[str, ResponseRow]] = []
    for day, group in groupby(files, key=lambda file: file.day):
        of_day = list(group)
        if not budget.takes(of_day, day):
            return _Page(found, (day, *DAWN))
        found += sorted(_rows(day, ports.day_files.read(of_day), wanted.after, shape), key=lambda row: _at(*row))
        if len(found) > limit:
            return _Page(found[:limit], _at(*found[limit - 1]))
    return _Page(found)


@dataclass
class _Budget:
    """How much of the files one request may still read."""

    files: int
    bytes_: int
    has_read: bool = False

    def takes(self, files: Sequence[DayFile], day: str) -> bool:
        """Say whether a day's files can be read as well; raises Invalid when they could not be by themselves."""
        self.files -= len(files)
        self.bytes_ -= sum(file.size for file in files)
        fits = self.files >= 0 and self.bytes_ >= 0
        if not fits and not self.has_read:
            raise Invalid(Problem("/from", f"{day} alone is too much for one request; `python -m infra export` has it"))
        self.has_read = True
        return fits


def _rows(day: str, lines: Iterable[Line], after: Place | None, shape: Shape) -> Iterator[tuple[str, ResponseRow]]:
    for line in newest(lines):
        row = ResponseRow.model_validate_json(line.text, extra="ignore")
        # Where the company has moved to another zone since, the same answer stands under its new day as well.
        if shape.day(row.first_confirmed_at) == day and (after is None or _at(day, row) > after):
            yield day, row


def _at(day: str, row: ResponseRow) -> Place:
    return day, stamp(row.first_confirmed_at), row.id


# What the table adds


def _joined(ports: Ports, found: Sequence[tuple[str, ResponseRow]], shape: Shape) -> Iterator[ExportRow]:
    """Return each answer as the table has it now, with its words, its reference and its customer's id."""
    invitations = ports.invitations.get_many([row.id for _, row in found])
    names = dict.fromkeys(each.customer for each in invitations.values())
    customers = ports.customers.get_many(list(names))
    for day, row in found:
        invitation = invitations.get(row.id)
        if invitation is None or invitation.confirmed is None:
            yield ExportRow(**dict(row), day=day)
            continue
        customer = customers.get(invitation.customer)
        yield ExportRow(
            **dict(response_row(invitation, invitation.confirmed, shape)),
            day=day,
            customer=customer.id if customer else None,
            reference=invitation.reference,
            texts=invitation.confirmed.texts,
        )


def _within(rows: Iterable[ExportRow], bytes_max: int) -> tuple[ExportRow, ...]:
    """Return as many rows as one answer of Lambda takes; a character may come to six bytes there."""
    size = 0
    taken: list[ExportRow] = []
    for row in rows:
        text = row.model_dump_json()
        size += len(text) + 5 * sum(not char.isascii() for char in text)
        if taken and size > bytes_max:
            break
        taken.append(row)
    return tuple(taken)


# Answers to look at


LOOK = Bounds(rows=LOOKED_AT, bytes_=1024 * 1024, files=600, file_bytes=4 * 1024 * 1024)
"""What somebody who looks at a page waits for."""


def look(ports: Ports, asked: Asked, principal: Principal, now: datetime, bounds: Bounds = LOOK) -> Looked:
    """Return the newest answers that a point of the trends counts, for somebody who may read single ones.

    Raises Forbidden, and Invalid with what is allowed.
    """
    if principal.role not in ("leadership", "admin"):
        raise Forbidden("single answers are for leadership")
    organisation = ports.library.organisation()
    shape = shape_of(organisation)
    looking = read_look(asked, organisation, date.fromisoformat(shape.day(now)))
    found = _newest(ports, looking, organisation, bounds)
    rows = _within(_joined(ports, found.rows, shape), bounds.bytes_)
    after = found.after if len(rows) == len(found.rows) else _at(*found.rows[len(rows) - 1])
    return Looked(looking, rows, write_cursor(after) if after else None)


def read_look(asked: Asked, organisation: Organisation, today: date) -> Looking:
    """Return which answers query parameters ask for. Raises Invalid."""
    unknown = [name[:ECHO_CHARACTERS_MAX] for name in asked if name not in LOOK_PARAMETERS]
    if unknown:
        raise Invalid(*(Problem(f"/{name}", _unknown(LOOK_PARAMETERS)) for name in unknown))
    given = {name: values[0] for name, values in asked.items() if values and values[0]}
    ranged = {name: [value] for name, value in given.items() if name not in ("metric", "topic", "cursor")}
    first, end, wanted = read_range(ranged, organisation, today)
    faults = list(_beyond(first, end, wanted, given.get("metric")))
    topics = organisation.routing.topics
    if given.get("topic", "") not in ("", *topics):
        faults.append(Problem("/topic", f"is not one of {', '.join(topics)}"))
    before = _cursor(given.get("cursor"), first, end, faults)
    if faults:
        raise Invalid(*faults)
    return Looking(first, end, wanted, given.get("metric"), before, given.get("topic"))


def _beyond(first: date, end: date, wanted: tuple[str, str] | None, metric: str | None) -> Iterator[Problem]:
    """Return what trends know and single answers do not."""
    if (end - first).days > LOOK_DAYS_MAX:
        yield Problem("/from", f"lies more than {LOOK_DAYS_MAX} days before `to`")
    if metric is not None and metric not in ANSWERED:
        yield Problem("/metric", f"is not one of {', '.join(ANSWERED)}")
    elif wanted and not is_findable(wanted[0], metric):
        yield Problem("/filter", f"cannot be told of single answers by {wanted[0]}")


def _newest(ports: Ports, looking: Looking, organisation: Organisation, bounds: Bounds) -> _Page:
    shape, budget = shape_of(organisation), _Budget(bounds.files, bounds.file_bytes)
    counted = Counted(looking, organisation)
    found: list[tuple[str, ResponseRow]] = []
    for day, files in _backwards(ports, looking):
        if not budget.takes(files, day):
            return _Page(found, (day, *DUSK))
        rows = _rows(day, ports.day_files.read(files), None, shape)
        of_day = [row for row in rows if _is_before(row, looking) and counted.takes(row[1])]
        found += sorted(of_day, key=lambda row: _at(*row), reverse=True)
        if len(found) > bounds.rows:
            return _Page(found[: bounds.rows], _at(*found[bounds.rows - 1]))
    return _Page(found)


def _is_before(row: tuple[str, ResponseRow], looking: Looking) -> bool:
    return looking.before is None or _at(*row) < looking.before


def _backwards(ports: Ports, looking: Looking) -> Iterator[tuple[str, list[DayFile]]]:
    """Return each day's files, the last day first."""
    end = date.fromisoformat(looking.before[0]) + timedelta(days=1) if looking.before else looking.end
    while looking.first < end:
        start = max(looking.first, end - timedelta(days=LISTED_DAYS))
        files = ports.day_files.of_days("responses", start.isoformat(), end.isoformat())
        by_day = [(day, list(group)) for day, group in groupby(files, key=lambda file: file.day)]
        yield from reversed(by_day)
        end = start


# What is asked


def read_export(asked: Asked, today: date) -> Wanted:
    """Return what query parameters ask for; by default the last 31 days, today included. Raises Invalid."""
    faults = [
        Problem(f"/{name[:ECHO_CHARACTERS_MAX]}", _unknown(PARAMETERS)) for name in asked if name not in PARAMETERS
    ]
    faults += [Problem(f"/{name}", "is given more than once") for name in PARAMETERS if len(asked.get(name, ())) > 1]
    given = {name: values[0] for name, values in asked.items() if name in PARAMETERS and values and values[0]}
    end = _day(given, "to", today + timedelta(days=1), faults)
    first = _day(given, "from", end - timedelta(days=DAYS_DEFAULT), faults)
    if not faults and not 0 < (end - first).days <= DAYS_MAX:
        faults.append(
            Problem("/from", f"must lie before `to`, {end}, which is exclusive, by at most {DAYS_MAX:,} days")
        )
    format_ = next((each for each in FORMATS if each == given.get("format", "csv")), None)
    if format_ is None:
        faults.append(Problem("/format", f"is not one of {', '.join(FORMATS)}"))
    limit = _limit(given.get("limit"), faults)
    after = _cursor(given.get("cursor"), first, end, faults)
    if faults or format_ is None:
        raise Invalid(*faults)
    # Who goes on from a page goes on in pages.
    return Wanted(first, end, format_, limit or (ROWS_MAX if after else None), after)


def _unknown(known: Sequence[str]) -> str:
    return f"is not one of {', '.join(known)}"


_DAY = re.compile(r"[12]\d{3}-\d\d-\d\d", re.ASCII)


def _day(given: Mapping[str, str], name: str, default: date, faults: list[Problem]) -> date:
    text = given.get(name)
    if text is None:
        return default
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    faults.append(Problem(f"/{name}", "is not a date, as in 2026-03-06"))
    return default


def _limit(text: str | None, faults: list[Problem]) -> int | None:
    if text is None:
        return None
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else 0
    if not 1 <= number <= ROWS_MAX:
        faults.append(Problem("/limit", f"must be a number from 1 to {ROWS_MAX}"))
    return number


_PLACE = re.compile(r"(\d{4}-\d\d-\d\d) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ([\x21-\x7e]{1,100})", re.ASCII)


def write_cursor(place: Place) -> str:
    """Return the cursor of what follows a place."""
    return urlsafe_b64encode(" ".join(place).encode()).decode().rstrip("=")


def _cursor(text: str | None, first: date, end: date, faults: list[Problem]) -> Place | None:
    if text is None:
        return None
    found = _PLACE.fullmatch(_plain(text))
    if found and first.isoformat() <= found[1] < end.isoformat():
        return found[1], found[2], found[3]
    faults.append(Problem("/cursor", "is not one that these days have given; leave it out to begin anew"))
    return None


def _plain(cursor: str) -> str:
    try:
        if len(cursor) <= CURSOR_CHARACTERS_MAX and cursor.isascii():
            return urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        pass
    return ""
