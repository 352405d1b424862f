"""Copy day files to this machine, and lay tables over them for DuckDB."""

from collections.abc import Callable
from pathlib import Path

import duckdb

from chalicelib.domain.columns import Column, Holds, columns_of
from chalicelib.domain.dayfile import KINDS, Told
from chalicelib.ports import DayFile, DayFiles

EVER = ("0000-00-00", "9999-99-99")
AT_ONCE = 500  # files fetched together

TYPES: dict[Holds, str] = {
    "integer": "BIGINT",
    "number": "DOUBLE",
    "truth": "BOOLEAN",
    "text": "VARCHAR",
    "instant": "TIMESTAMP",
    "json": "JSON",
}


def listed(files: DayFiles) -> list[DayFile]:
    """Return every day file that there is."""
    return [file for kind in KINDS for file in files.of_days(kind, *EVER)]


def copy(files: DayFiles, wanted: list[DayFile], folder: Path, step: Callable[[int], None]) -> int:
    """Fetch what is not here yet, drop what is gone; return how many files were fetched."""
    names = {plain(file) for file in wanted}
    for kept in folder.glob("*/*/*.jsonl"):
        if str(kept.relative_to(folder)) not in names:
            kept.unlink()
    missing = [file for file in wanted if not (folder / plain(file)).exists()]
    step(len(wanted) - len(missing))
    for start in range(0, len(missing), AT_ONCE):
        for file in missing[start : start + AT_ONCE]:
            path = folder / plain(file)
            path.parent.mkdir(parents=True, exist_ok=True)
            new = path.with_suffix(".new")
            new.write_text("".join(f"{line.text}\n" for line in files.read([file])))
            new.rename(path)
            step(1)
    return len(missing)


def plain(file: DayFile) -> str:
    """Return a file's name here, where it is not compressed."""
    return file.name.removesuffix(".gz")


def tables(folder: Path) -> duckdb.DuckDBPyConnection:
    """Return a database with a table for each kind, in which each id stands once, as its highest version tells it."""
    connection = duckdb.connect()
    for kind in KINDS:
        connection.execute(f"create view {kind} as {_newest(kind, folder)}")
    return connection


def _newest(kind: Told, folder: Path) -> str:
    columns = {name: _typed(column) for name, column in columns_of(kind).items()}
    if not any((folder / kind).glob("*/*.jsonl")):
        empty = ", ".join(f"null::{type_} as {name}" for name, type_ in columns.items())
        return f"select {empty}, null::DATE as day where false"
    typed = ", ".join(f"'{name}': '{type_}'" for name, type_ in columns.items())
    source = (
        f"read_json('{folder}/{kind}/*/*.jsonl', format='newline_delimited', columns={{{typed}}}, "
        "hive_partitioning=true, hive_types={'day': DATE})"
    )
    return f"select * from {source} qualify row_number() over (partition by id order by version desc, day) = 1"


def _typed(column: Column) -> str:
    if column.of is None:
        return TYPES[column.holds]
    return f"{_typed(column.of)}[]" if column.holds == "list" else f"MAP(VARCHAR, {_typed(column.of)})"
