"""Write all answers of some days into a file, with words, references and customers' ids: for leadership's eyes.

With --everything, write instead all that a stage holds, for `import` into another one: from a stage at rest.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from chalicelib.adapters.dynamodb.codec import Image
from chalicelib.adapters.spreadsheet import columns_of, csv_of
from chalicelib.flows.export import FORMATS, ROWS_MAX, Bounds, Exported, export
from chalicelib.ports import Principal
from infra import items, stage_file
from infra.commands import connection
from infra.commands.screen import Bar, Failed, Screen
from infra.stage_file import private

OPERATOR = Principal(id="operator", role="admin", name="Operator")
WHOLE_DAYS = Bounds(files=sys.maxsize, file_bytes=sys.maxsize)
"""Here a day may be as large as it is: nobody waits for an answer of Lambda."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the days, the format, the file, and which system."""
    parser.add_argument("--from", dest="first", default="", help="first local day (default: the last 31 days)")
    parser.add_argument("--to", dest="end", default="", help="the day after the last one (default: tomorrow)")
    parser.add_argument("--format", choices=FORMATS, default=FORMATS[0])
    parser.add_argument("--out", type=Path, required=True, help="the file to write; it holds personal data")
    parser.add_argument("--everything", action="store_true", help="all that the stage holds, for `import`")
    connection.arguments(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Write the file, page by page."""
    system = connection.connect(options)
    try:
        private(options.out)
    except OSError as error:
        raise Failed(f"{options.out} cannot be written: {error.strerror}.", file=str(options.out)) from None
    if options.everything:
        return _everything(options.out, screen)
    asked = {"from": options.first, "to": options.end, "format": options.format, "limit": str(ROWS_MAX)}
    columns, count = columns_of(system.ports.library.organisation()), 0
    with options.out.open("w", newline="", encoding="utf-8") as file:
        for page in pages(system, asked):
            count += len(page.rows)
            _write(page, file, csv_of(page.rows, columns) if options.format == "csv" else None)
    screen.say(f"{count:,} answers are in {options.out}.")
    screen.result({"answers": count, "file": str(options.out)})
    return 0


def _everything(out: Path, screen: Screen) -> int:
    with screen.progress("Writing items", items.estimated()) as bar:
        count = stage_file.write(out, watched(items.whole(), bar), stage_file.known())
    screen.say(f"{count:,} items are in {out}, personal data among them; `python -m infra import` reads it.")
    screen.result({"items": count, "file": str(out)})
    return 0


def watched(images: Iterable[Image], bar: Bar) -> Iterator[Image]:
    """Return items, each of which moves a bar on."""
    for image in images:
        bar.step()
        yield image


def pages(system: connection.Connection, asked: dict[str, str], bounds: Bounds = WHOLE_DAYS) -> Iterator[Exported]:
    """Return all pages of an export."""
    cursor: str | None = ""
    while cursor is not None:
        given = {name: [value] for name, value in {**asked, "cursor": cursor}.items()}
        page = export(system.ports, given, OPERATOR, system.now(), bounds)
        yield page
        cursor = page.next


def _write(page: Exported, file: TextIO, table: str | None) -> None:
    if table is None:
        file.writelines(f"{row.model_dump_json()}\n" for row in page.rows)
    else:
        is_first = file.tell() == 0
        file.write(table if is_first else table.partition("\r\n")[2])
