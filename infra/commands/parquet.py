"""Write the day files as Parquet under Hive-style partitions, one file for each kind and day, each id once.

The same files that the function `parquet` keeps in the bucket, on the machine of whoever runs this: for Spark, a
warehouse, or a stack without that function. What has come meanwhile is fetched, merged and written again. Nothing
personal is in them. As in `python -m infra parquet figures --since 2026-03-01`.
"""

import argparse
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from chalicelib.adapters.files import line_of
from chalicelib.adapters.parquet import content_of
from chalicelib.domain.dayfile import KINDS, Line, Told, column_file_name, newest, place_in
from infra.commands import connection
from infra.commands.screen import Screen
from infra.commands.sql import fetched


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add where to, from which day, and which system."""
    parser.add_argument("folder", type=Path, help="where to write: responses/day=2026-03-06/data_0.parquet, …")
    parser.add_argument("--since", type=date.fromisoformat, help="the first day to write again (default: all)")
    parser.add_argument("--files", type=Path, help="where the copies are kept (default: in --state)")
    connection.arguments(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Bring the copies up to date and write each day."""
    copies = fetched(options, screen)
    lines = {kind: write(copies, kind, options.folder, options.since or date.min) for kind in KINDS}
    screen.say(", ".join(f"{n:,} {kind}" for kind, n in lines.items()) + f" in {options.folder}")
    screen.result({"folder": str(options.folder), "lines": lines})
    return 0


def write(copies: Path, kind: Told, folder: Path, since: date) -> int:
    """Write one kind's days and return how many lines; days before `since` stay as they are."""
    lines = 0
    for place in sorted((copies / kind).glob("day=*")):
        day = place_in(f"{kind}/{place.name}/")[1]
        if day >= since.isoformat():
            found = newest(_copied(place, kind, day))
            path = folder / column_file_name(kind, day)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content_of(kind, found))
            lines += len(found)
    return lines


def _copied(place: Path, kind: Told, day: str) -> Iterator[Line]:
    for file in sorted(place.glob("*.jsonl")):
        yield from (line_of(kind, day, json.loads(text)) for text in file.read_text().splitlines())
