"""Say which columns the lines of each kind make, so that every reader and writer of them agrees."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from chalicelib.domain.dayfile import ROWS, Told

Holds = Literal["text", "integer", "number", "truth", "instant", "json", "list", "map"]

_PLAIN: dict[str, Holds] = {"integer": "integer", "number": "number", "boolean": "truth", "string": "text"}


@dataclass(frozen=True)
class Column:
    """What one column holds: one value, a list `of` something, or something by name; what is more is JSON."""

    holds: Holds
    of: "Column | None" = None


@cache
def columns_of(kind: Told) -> dict[str, Column]:
    """Return the columns of a kind, from the model that its lines are written by."""
    schema = ROWS[kind].model_json_schema(mode="serialization")
    return {name: _column(told) for name, told in schema["properties"].items()}


def _column(told: dict[str, Any]) -> Column:
    one = next(_kinds(told))
    if one.get("type") == "array":
        return Column("json") if "$ref" in one["items"] else Column("list", _column(one["items"]))
    if one.get("type") == "object":
        return Column("map", _column(one["additionalProperties"]))
    return Column("instant" if one.get("format") == "date-time" else _PLAIN[one.get("type", "string")])


def _kinds(told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (each for each in told.get("anyOf", [told]) if each.get("type") != "null")
