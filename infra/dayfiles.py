"""Copy day files to this machine, and lay tables over them for DuckDB."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb

from chalicelib.domain.dayfile import KINDS, ROWS, Told
from chalicelib.ports import DayFile, DayFiles

EVER = ("0000-00-00", "9999-99-99")
AT_ONCE = 500  # files fetched together

TYPES = {
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "string": "VARCHAR",
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
    columns = columns_of(kind)
    if not any((folder / kind).glob("*/*.jsonl")):
        empty = ", ".join(f"null::{type_} as {name}" for name, type_ in columns.items())
        return f"select {empty}, null::DATE as day where false"
    typed = ", ".join(f"'{name}': '{type_}'" for name, type_ in columns.items())
    source = (
        f"read_json('{folder}/{kind}/*/*.jsonl', format='newline_delimited', columns={{{typed}}}, "
        "hive_partitioning=true, hive_types={'day': DATE})"
    )
    return f"select * from {source} qualify row_number() over (partition by id order by version desc, day) = 1"


def columns_of(kind: Told) -> dict[str, str]:
    """Return the columns of a kind with their types, from the model that its lines are written by."""
    schema = ROWS[kind].model_json_schema(mode="serialization")
    return {name: _type(told) for name, told in schema["properties"].items()}


def _type(told: dict[str, Any]) -> str:
    one = next(_kinds(told))
    if one.get("format") == "date-time":
        return "TIMESTAMP"
    if one.get("type") == "array":
        return "JSON" if "$ref" in one["items"] else f"{_type(one['items'])}[]"
    if one.get("type") == "object":
        return f"MAP(VARCHAR, {_type(one['additionalProperties'])})"
    return TYPES[one.get("type", "string")]


def _kinds(told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (each for each in told.get("anyOf", [told]) if each.get("type") != "null")
