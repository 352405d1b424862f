"""Write the day files as Parquet under Hive-style partitions, one file for each kind and day, each id once.

For Athena, Spark or a warehouse: what has come meanwhile is fetched, merged and written again, so that a nightly run
keeps them current. Nothing personal is in them. As in `python -m infra parquet figures --since 2026-03-01`, and then
`aws s3 sync figures s3://bucket/figures`.
"""

import argparse
from datetime import date
from pathlib import Path

import duckdb

from chalicelib.domain.dayfile import KINDS, Kind
from infra import dayfiles
from infra.commands import connection
from infra.commands.screen import Failed, Screen
from infra.commands.sql import fetched


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add where to, from which day, and which system."""
    parser.add_argument("folder", type=Path, help="where to write: responses/day=2026-03-06/data_0.parquet, …")
    parser.add_argument("--since", type=date.fromisoformat, help="the first day to write again (default: all)")
    parser.add_argument("--files", type=Path, help="where the copies are kept (default: in --state)")
    connection.arguments(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Bring the copies up to date and write each kind."""
    tables = dayfiles.tables(fetched(options, screen))
    tables.execute("set threads = 1")  # each of several would write a file of its own for each day
    try:
        lines = {kind: write(tables, kind, options.folder, options.since) for kind in KINDS}
    except duckdb.Error as error:
        raise Failed(f"DuckDB says: {error}") from None
    screen.say(", ".join(f"{n:,} {kind}" for kind, n in lines.items()) + f" in {options.folder}")
    screen.result({"folder": str(options.folder), "lines": lines})
    return 0


def write(tables: duckdb.DuckDBPyConnection, kind: Kind, folder: Path, since: date | None) -> int:
    """Write one kind's days and return how many lines; days before `since` stay as they are."""
    target = folder / kind
    target.mkdir(parents=True, exist_ok=True)
    chosen = f"select * from {kind} where day >= DATE '{(since or date.min).isoformat()}' order by day, id"
    (lines,) = tables.execute(f"select count(*) from ({chosen})").fetchone() or (0,)
    if lines:
        into = str(target).replace("'", "''")
        how = "format parquet, compression zstd, partition_by (day), overwrite_or_ignore"
        tables.execute(f"copy ({chosen}) to '{into}' ({how})")
    return int(lines)
