"""Take over the people who asked another system not to be written to, before the first survey is sent.

The file is a CSV (commas, semicolons or tabs; UTF-8 or Latin-1) with a column of e-mail addresses, of phones, or of
customers' ids; a first line of names is recognised in Spanish, English and Portuguese. A second import changes nothing.
"""

import argparse
import csv
import io
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import phonenumbers

from chalicelib.domain.customer import Address, Customer
from chalicelib.domain.event import Contact
from chalicelib.domain.terms import Channel
from chalicelib.flows import amend
from chalicelib.ports import Ports
from infra.commands import connection
from infra.commands.screen import Bar, Failed, Screen

BYTES_MAX = 200 * 1024 * 1024
UNREADABLE_SHOWN_MAX = 20
HOW = "imported"

Kind = Literal["email", "phone", "customer"]

COLUMNS: dict[str, Kind] = {
    **dict.fromkeys(("email", "e-mail", "mail", "correo", "correo electronico", "correo electrónico"), "email"),
    **dict.fromkeys(("phone", "mobile", "telefono", "teléfono", "celular", "movil", "telefone", "móvil"), "phone"),
    **dict.fromkeys(("customer", "customer_id", "id", "cliente", "codigo", "código"), "customer"),
}
"""What columns are called, in lower case."""


@dataclass(frozen=True)
class Wish:
    """One line of the file: whom it names."""

    line: int
    named: tuple[tuple[Kind, str], ...]


@dataclass
class Done:
    """What an import has come to."""

    people: int = 0
    addresses: int = 0
    known: int = 0


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the file, and which system."""
    parser.add_argument("file", type=Path, help="the list, as CSV")
    connection.arguments(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Import the whole list; lines that name nobody are told, and fail the command when the others are done."""
    text = decoded(options.file)
    system = connection.connect(options)
    country = system.ports.library.organisation().country
    wishes, unreadable = read(text, country)
    with screen.progress("Importing", len(wishes)) as bar:
        done = take_over(system.ports, wishes, system.now(), bar)
    screen.say(f"{done.addresses} addresses and {done.people} people will not be asked; {done.known} were known.")
    screen.say(*(f"{options.file}:{line}: {why}" for line, why in unreadable[:UNREADABLE_SHOWN_MAX]))
    if len(unreadable) > UNREADABLE_SHOWN_MAX:
        screen.say(f"… and {len(unreadable) - UNREADABLE_SHOWN_MAX} more lines that name nobody.")
    facts = [{"line": line, "detail": why} for line, why in unreadable]
    screen.result({"addresses": done.addresses, "people": done.people, "known": done.known, "unreadable": facts})
    return 1 if unreadable else 0


def decoded(file: Path) -> str:
    """Return a file's text, whichever of the two encodings it was saved in. Raises Failed."""
    try:
        if file.stat().st_size > BYTES_MAX:
            raise Failed(f"{file} is larger than {BYTES_MAX // 1024 // 1024} MB: split it.")
        raw = file.read_bytes()
    except OSError as error:
        raise Failed(f"{file} cannot be opened: {error.strerror}.") from None
    if raw[:2] in (BOM_UTF16_LE, BOM_UTF16_BE):  # "Unicode text", as spreadsheets call it
        return raw.decode("utf-16", errors="replace")
    for encoding in ("utf-8-sig", "cp1252"):  # the second is Latin-1 as Windows writes it
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


def read(text: str, country: str) -> tuple[list[Wish], list[tuple[int, str]]]:
    """Return whom the lines name, and the lines that name nobody, each with the reason."""
    rows = list(_rows(text))
    header = [cell.strip().lower() for cell in rows[0][1]] if rows else []
    columns = [COLUMNS.get(name) for name in header]
    has_header = any(columns)
    wishes: list[Wish] = []
    unreadable: list[tuple[int, str]] = []
    for line, row in rows[has_header:]:
        if any(cell.strip() for cell in row):
            _sort_in(line, row, columns if has_header else [], country, wishes, unreadable)
    return wishes, unreadable


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with the line that it begins on: a cell in quotes may hold line breaks."""
    delimiter = max(",;\t", key=text[:4096].count)
    reader = csv.reader(io.StringIO(text.replace("\0", ""), newline=""), delimiter=delimiter)
    line = 1
    try:
        for row in reader:
            yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        text = f'line {line} begins a cell that nothing ends ({error}): look for a quote (") too many'
        raise Failed(text) from None


def _sort_in(
    line: int,
    row: list[str],
    columns: list[Kind | None],
    country: str,
    wishes: list[Wish],
    unreadable: list[tuple[int, str]],
) -> None:
    """Take what a line names; what it names wrongly is told, and does not keep the rest of it out."""
    named: list[tuple[Kind, str]] = []
    wrong: list[str] = []
    for kind, cell in _cells(row, columns):
        try:
            named.append((kind, _normal(kind, cell, country)))
        except ValueError as error:
            wrong.append(str(error))
    if named:
        wishes.append(Wish(line, tuple(named)))
    elif not wrong:
        wrong.append("names no address, no phone and no customer")
    unreadable += [(line, why) for why in wrong]


def _cells(row: list[str], columns: list[Kind | None]) -> Iterator[tuple[Kind, str]]:
    for index, cell in enumerate(each.strip() for each in row):
        kind = columns[index] if index < len(columns) else None if columns else _guessed(cell)
        if kind and cell:
            yield kind, cell


def _guessed(cell: str) -> Kind | None:
    if "@" in cell:
        return "email"
    return "phone" if sum(char.isdigit() for char in cell) >= 7 and not any(char.isalpha() for char in cell) else None


def _normal(kind: Kind, cell: str, country: str) -> str:
    if kind == "customer":
        return cell
    if kind == "phone":
        return _phone(cell, country)
    try:
        return Contact.model_validate({"id": "-", "email": cell}).email or cell
    except ValueError:
        raise ValueError(f"{cell[:80]!r} is not one e-mail address") from None


def _phone(cell: str, country: str) -> str:
    try:
        number = phonenumbers.parse(cell, country)
    except phonenumbers.NumberParseException:
        raise ValueError(f"{cell[:80]!r} is not a phone number") from None
    if not phonenumbers.is_possible_number(number):
        raise ValueError(f"{cell[:80]!r} is not a possible phone number of {country}")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def take_over(ports: Ports, wishes: list[Wish], now: datetime, bar: Bar | None = None) -> Done:
    """Write each wish; who is opted out already stays so, since the day of the first wish counts."""
    done = Done()
    for wish in wishes:
        for kind, value in wish.named:
            if kind == "customer":
                changed = _stop_customer(ports, value, now)
                done.people += changed
            else:
                changed = _stop_address(ports, "email" if kind == "email" else "sms", value, now)
                done.addresses += changed
            done.known += not changed
        if bar:
            bar.step()
    return done


def _stop_customer(ports: Ports, id_: str, now: datetime) -> bool:
    def stopped(customer: Customer) -> Customer | None:
        if customer.opted_out_at or customer.erased_at:
            return None
        return customer.model_copy(update={"opted_out_at": now, "opted_out_how": HOW})

    return amend.customer(ports.customers, ports.names.customer(id_), stopped) is not None


def _stop_address(ports: Ports, channel: Channel, value: str, now: datetime) -> bool:
    def stopped(address: Address) -> Address | None:
        return None if address.opted_out_at else address.model_copy(update={"opted_out_at": now})

    return amend.address(ports.customers, ports.names.address(channel, value), stopped) is not None
