"""Ask the day files with SQL: tables events, decisions, responses and cases, each id once.

The files are copied to this machine (those that are new) and read by DuckDB; nothing personal is in them. As in
`python -m infra sql "select program, avg(rating) from responses where day >= '2026-03-01' group by all"`.
"""

import argparse
from pathlib import Path

import duckdb

from infra import dayfiles
from infra.commands import connection
from infra.commands.screen import Failed, Screen

ROWS_MAX = 10_000
FOLDER = "day-files"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the question, and which system."""
    parser.add_argument("query", help='one statement, as in "select count(*) from responses"')
    parser.add_argument("--files", type=Path, help="where the copies are kept (default: in --state)")
    connection.arguments(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Bring the copies up to date and answer."""
    answer(fetched(options, screen), options.query, screen)
    return 0


def fetched(options: argparse.Namespace, screen: Screen) -> Path:
    """Copy the day files that are new to this machine, and return the folder that has them all."""
    files = connection.connect(options).ports.day_files
    folder: Path = options.files or options.state / FOLDER
    wanted = dayfiles.listed(files)
    with screen.progress("day files", len(wanted)) as bar:
        dayfiles.copy(files, wanted, folder, bar.step)
    return folder


def answer(folder: Path, query: str, screen: Screen) -> None:
    """Show what the files in a folder answer. Raises Failed."""
    try:
        found = dayfiles.tables(folder).execute(query)
        columns = [str(column[0]) for column in found.description or ()]
        rows = found.fetchmany(ROWS_MAX + 1)
    except duckdb.Error as error:
        raise Failed(f"DuckDB says: {error}") from None
    if len(rows) > ROWS_MAX:
        raise Failed(f"That has more than {ROWS_MAX:,} rows: group them, or write `copy (…) to 'file.csv'`.")
    screen.show("", columns, rows)
    screen.result({"columns": columns, "rows": rows})
