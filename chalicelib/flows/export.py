"""Give out the answers of some days: from the day files, with words and names from the table for who may see them."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Literal, get_args

from chalicelib.domain.dayfile import ExportRow, Line, ResponseRow, Shape, newest, response_row, shape_of
from chalicelib.domain.terms import stamp
from chalicelib.errors import Forbidden, Invalid, Problem
from chalicelib.ports import DayFile, Ports, Principal

ROWS_MAX = 5_000
"""Answers of one request."""

BYTES_MAX = 4 * 1024 * 1024  # of one request's answers as JSON in ASCII; an answer of Lambda ends at 6 MB
DAYS_DEFAULT = 31
DAYS_MAX = 3_660
FILES_MAX = 10_000
FILE_BYTES_MAX = 32 * 1024 * 1024  # of the files read for one request, as they are kept
CURSOR_CHARACTERS_MAX = 400
ECHO_CHARACTERS_MAX = 40

Format = Literal["csv", "jsonl"]
FORMATS: tuple[Format, ...] = get_args(Format)
PARAMETERS = ("from", "to", "format", "limit", "cursor")

Asked = Mapping[str, Sequence[str]]
Place = tuple[str, str, str]
"""Where an answer stands: its day, its first confirmation, its id."""


@dataclass(frozen=True)
class Wanted:
    """Which answers somebody wants: of the days from first up to, without, end, after a place."""

    first: date
    end: date
    format: Format
    limit: int | None
    after: Place | None


@dataclass(frozen=True)
class Exported:
    """Some answers in the order of their days; `next` is the cursor of those that follow, None at the end."""

    wanted: Wanted
    rows: tuple[ExportRow, ...]
    next: str | None


def export(ports: Ports, asked: Asked, principal: Principal, now: datetime) -> Exported:
    """Return answers for somebody who may read single ones. Raises Forbidden, and Invalid with what is allowed.

    Without a limit all answers of the days are returned or none: half of them would look like all.
    """
    if principal.role not in ("leadership", "admin"):
        raise Forbidden("single answers are for leadership")
    shape = shape_of(ports.library.organisation())
    wanted = read_export(asked, date.fromisoformat(shape.day(now)))
    found, is_all = _found(ports, wanted, shape)
    rows = _within(_joined(ports, found, shape))
    more = not is_all or len(rows) < len(found)
    if more and wanted.limit is None:
        detail = f"leaves more answers than one request gives ({ROWS_MAX:,}, or 4 MB): take fewer days, or `limit`"
        raise Invalid(Problem("/to", f"{detail} and then the address in the header Link"))
    return Exported(wanted, rows, write_cursor(_place(rows[-1])) if more and rows else None)


# Where the answers are


def _found(ports: Ports, wanted: Wanted, shape: Shape) -> tuple[list[tuple[str, ResponseRow]], bool]:
    """Return the first answers by place, and whether they are all there are."""
    limit = wanted.limit or ROWS_MAX
    first = wanted.after[0] if wanted.after else wanted.first.isoformat()
    files = ports.day_files.of_days("responses", first, wanted.end.isoformat())
    budget = _Budget()
    found: list[tuple[str, ResponseRow]] = []
    for day, group in groupby(files, key=lambda file: file.day):
        of_day = list(group)
        if not budget.takes(of_day):
            if found:
                return found, False
            raise Invalid(Problem("/from", f"{day} alone is too much for one request; `python -m infra export` has it"))
        found += sorted(_rows(day, ports.day_files.read(of_day), wanted.after, shape), key=lambda row: _at(*row))
        if len(found) > limit:
            return found[:limit], False
    return found, True


@dataclass
class _Budget:
    """How much of the files one request may still read."""

    files: int = FILES_MAX
    bytes_: int = FILE_BYTES_MAX

    def takes(self, files: Sequence[DayFile]) -> bool:
        """Say whether a day's files can be read as well."""
        self.files -= len(files)
        self.bytes_ -= sum(file.size for file in files)
        return self.files >= 0 and self.bytes_ >= 0


def _rows(day: str, lines: Iterable[Line], after: Place | None, shape: Shape) -> Iterator[tuple[str, ResponseRow]]:
    for line in newest(lines):
        row = ResponseRow.model_validate_json(line.text, extra="ignore")
        # Where the company has moved to another zone since, the same answer stands under its new day as well.
        if shape.day(row.first_confirmed_at) == day and (after is None or _at(day, row) > after):
            yield day, row


def _at(day: str, row: ResponseRow) -> Place:
    return day, stamp(row.first_confirmed_at), row.id


def _place(row: ExportRow) -> Place:
    return _at(row.day, row)


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


def _within(rows: Iterable[ExportRow]) -> tuple[ExportRow, ...]:
    """Return as many rows as one answer of Lambda takes; a character may come to six bytes there."""
    size = 0
    taken: list[ExportRow] = []
    for row in rows:
        text = row.model_dump_json()
        size += len(text) + 5 * sum(not char.isascii() for char in text)
        if taken and size > BYTES_MAX:
            break
        taken.append(row)
    return tuple(taken)


# What is asked


def read_export(asked: Asked, today: date) -> Wanted:
    """Return what query parameters ask for; by default the last 31 days, today included. Raises Invalid."""
    faults = [Problem(f"/{name[:ECHO_CHARACTERS_MAX]}", _unknown(name)) for name in asked if name not in PARAMETERS]
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


def _unknown(name: str) -> str:
    return f"is not one of {', '.join(PARAMETERS)}"


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
