"""Write the lines of one day as a Parquet file: the only module that knows PyArrow, which only one function has.

It is loaded when a file is written and not before: a night on which nothing has changed needs none of it.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from chalicelib.domain.columns import Column, columns_of
from chalicelib.domain.dayfile import SCHEMA_VERSION, Line, Told

if TYPE_CHECKING:
    import pyarrow

ROWS_AT_ONCE = 10_000
"""Rows of one group: what is held as Python's own objects at a time, beside the lines themselves."""

COMPRESSION = "gzip"  # the layer's PyArrow is built without zstd, and Athena reads either


def content_of(kind: Told, lines: Sequence[Line]) -> bytes:
    """Return the file of these lines, with their columns also where there are no lines."""
    import pyarrow
    from pyarrow import parquet

    columns = columns_of(kind)
    schema = _schema(columns)
    sink = pyarrow.BufferOutputStream()
    with parquet.ParquetWriter(sink, schema, compression=COMPRESSION) as writer:
        for start in range(0, len(lines), ROWS_AT_ONCE):
            rows = [_row(line, columns) for line in lines[start : start + ROWS_AT_ONCE]]
            writer.write_table(pyarrow.Table.from_pylist(rows, schema=schema))
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _schema(columns: dict[str, Column]) -> "pyarrow.Schema":
    import pyarrow

    fields = [pyarrow.field(name, _type(column)) for name, column in columns.items()]
    return pyarrow.schema(fields, metadata={"lazo.schema_version": str(SCHEMA_VERSION)})


def _type(column: Column) -> "pyarrow.DataType":
    import pyarrow

    if column.of is not None:
        inside = _type(column.of)
        return pyarrow.list_(inside) if column.holds == "list" else pyarrow.map_(pyarrow.string(), inside)
    plain = {
        "text": pyarrow.string(),
        "json": pyarrow.string(),
        "integer": pyarrow.int64(),
        "number": pyarrow.float64(),
        "truth": pyarrow.bool_(),
        # Without a zone, in UTC: what Athena calls a timestamp.
        "instant": pyarrow.timestamp("ms"),
    }
    return plain[column.holds]


def _row(line: Line, columns: dict[str, Column]) -> dict[str, Any]:
    told = json.loads(line.text)
    # A line of an older version lacks what came later; one of a newer has what nobody here knows.
    return {name: _value(told.get(name), column) for name, column in columns.items()}


def _value(value: Any, column: Column) -> Any:
    if value is None:
        return None
    if column.holds == "instant":
        return datetime.fromisoformat(value).astimezone(UTC).replace(tzinfo=None)
    if column.holds == "json":
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return list(value.items()) if column.holds == "map" else value
