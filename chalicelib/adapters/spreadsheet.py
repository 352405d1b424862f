"""Write exported answers as CSV (RFC 4180) that a spreadsheet opens without running anything that a customer wrote."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chalicelib.domain.dayfile import ExportRow
from chalicelib.domain.organisation import Organisation

PLAIN = (
    "id",
    "day",
    "first_confirmed_at",
    "answered_at",
    "occurred_at",
    "program",
    "touchpoint",
    "channel",
    "language",
    "how",
    "survey",
    "metric",
    "rating",
    "department",
    "departments",
    "has_case",
    "erased",
    "customer",
    "reference",
    "words",
)
FORMULAS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n", "|", "%")
"""What a cell begins with that some spreadsheet takes for a formula: full-width signs, too."""


@dataclass(frozen=True)
class Columns:
    """The columns of a file: fixed ones, one for each question and attribute of the organisation, then the rest."""

    ratings: tuple[str, ...]
    choices: tuple[str, ...]
    attributes: tuple[str, ...]

    @property
    def header(self) -> list[str]:
        """The names of all columns; the same for every page."""
        named = [("rating", self.ratings), ("choice", self.choices), ("attribute", self.attributes)]
        return [*PLAIN, *(f"{kind}_{name}" for kind, names in named for name in names), "other"]

    def cells(self, row: ExportRow) -> list[str]:
        """Return a row's cells. What an older survey asked is in the last one, as JSON."""
        choices = {name: "; ".join(chosen) for name, chosen in row.choices.items()}
        parts: list[tuple[tuple[str, ...], Mapping[str, object]]] = [
            (self.ratings, row.ratings),
            (self.choices, choices),
            (self.attributes, row.attributes),
        ]
        asked = [_text(given.get(name)) for names, given in parts for name in names]
        other = {name: value for names, given in parts for name, value in given.items() if name not in names}
        rest = json.dumps(other, ensure_ascii=False, sort_keys=True) if other else ""
        return [*(_text(_value(row, name)) for name in PLAIN), *asked, rest]


def columns_of(organisation: Organisation) -> Columns:
    """Return the columns of an organisation's answers."""
    questions = [question for survey in organisation.surveys for question in survey.questions]
    ratings = dict.fromkeys(question.id for question in questions if question.kind == "touchpoint")
    choices = dict.fromkeys(question.id for question in questions if question.kind not in ("touchpoint", "text"))
    return Columns(tuple(ratings), tuple(choices), organisation.trends.attributes)


def csv_of(rows: Iterable[ExportRow], columns: Columns) -> str:
    """Return a file with its header, lines ended as RFC 4180 says."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns.header)
    writer.writerows([safe(cell) for cell in columns.cells(row)] for row in rows)
    return text.getvalue()


def safe(cell: str) -> str:
    """Return a cell that is shown and never computed: an apostrophe before whatever may begin a formula.

    >>> safe("=HYPERLINK(…)"), safe(" +1"), safe("9 of 10")
    ("'=HYPERLINK(…)", "' +1", '9 of 10')
    """
    return f"'{cell}" if cell.startswith(FORMULAS) or cell.lstrip().startswith(FORMULAS) else cell


def _value(row: ExportRow, name: str) -> object:
    return "\n".join(row.texts.values()) if name == "words" else getattr(row, name)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return "; ".join(map(str, value))
    return value.isoformat().replace("+00:00", "Z") if hasattr(value, "isoformat") else str(value)
