"""Compare what the system counted in a replay with what other code counts straight from the file.

Nothing of the product is used here: the file is read by DuckDB, the system by its public API.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import duckdb

from infra.commands.connection import Local
from infra.commands.screen import Failed
from infra.replay.mapping import COLUMN, AnswerMapping, Replaying

LOW_MAX = 2  # of five, as the public contract has it for CSAT
TOP_MIN = 4
PAGE = 200

Json = dict[str, Any]


@dataclass(frozen=True)
class Check:
    """One equality: what the file says, and what the system counted."""

    claim: str
    expected: object
    found: object

    @property
    def holds(self) -> bool:
        """Whether both are the same."""
        return self.expected == self.found


@dataclass(frozen=True)
class InFile:
    """What the file says of its answers."""

    answers: int
    histogram: dict[int, int]
    monthly: dict[str, tuple[int, float]]
    """Local month → how many, and the share of 4 and 5 in percent."""
    low: Counter[tuple[str, int]]
    """Reference and rating of each low answer."""


def compare(file: Path, replaying: Replaying, local: Local, departments: Sequence[str]) -> list[Check]:
    """Return every equality that a replay of CSAT answers must end in."""
    assert replaying.answer
    expected = in_file(file, replaying, replaying.answer)
    points = _points(local, expected)
    cases = list(_cases(local, departments))
    histogram: Counter[int] = Counter()
    for point in points:
        histogram.update({int(rating): count for rating, count in point["counts"].items()})
    monthly = {point["start"][:7]: (point["n"], round(point["value"], 6)) for point in points}
    found_low = Counter((case["reference"], case["rating"]) for case in cases)
    months = sum(monthly.get(month) != value for month, value in expected.monthly.items())
    return [
        Check("Answers, each counted once", expected.answers, sum(point["n"] for point in points)),
        *(
            Check(f"Answers of {rating}", expected.histogram.get(rating, 0), histogram.get(rating, 0))
            for rating in sorted({*expected.histogram, *histogram})
        ),
        Check("Answers of 1 or 2, each with one case", sum(expected.low.values()), (expected.low & found_low).total()),
        Check("Cases of other answers, or second ones", 0, (found_low - expected.low).total()),
        Check("Cases whose department has no reason", 0, sum(not _has_reason(case) for case in cases)),
        Check("Local months", len(expected.monthly), len(monthly)),
        Check("Local months whose CSAT differs", 0, months),
    ]


def _has_reason(case: Json) -> bool:
    return bool(case["department"] and case["why"]["rule"] and case["why"]["text"])


def in_file(file: Path, replaying: Replaying, answer: AnswerMapping) -> InFile:
    """Count a file's answers by SQL. Raises Failed for mappings whose rating is more than a column."""
    rating = COLUMN.fullmatch(answer.rating)
    reference = COLUMN.fullmatch(str(replaying.event.data.get("reference", "")))
    if not rating or not reference or answer.where or replaying.event.where or replaying.time_format:
        raise Failed("Only a mapping of plain columns, without conditions, can be compared with its file.")
    database = duckdb.connect()
    database.execute(
        f"create table answers as select cast({_name(rating[1])} as integer) as rating, {_name(reference[1])} as ref,"
        f" strftime(cast({_name(answer.time)} as timestamp), '%Y-%m') as month"
        f" from read_csv(?, all_varchar = true, header = true) where coalesce({_name(rating[1])}, '') <> ''",
        [str(file)],
    )
    months = database.execute(
        "select month, count(*), round(100.0 * count(*) filter (rating >= ?) / count(*), 6) from answers group by 1",
        [TOP_MIN],
    ).fetchall()
    histogram = database.execute("select rating, count(*) from answers group by rating").fetchall()
    low = database.execute("select ref, rating from answers where rating <= ?", [LOW_MAX]).fetchall()
    return InFile(
        answers=sum(count for _, count in histogram),
        histogram=dict(histogram),
        monthly={month: (count, share) for month, count, share in months},
        low=Counter((ref, rating) for ref, rating in low),
    )


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _points(local: Local, expected: InFile) -> list[Json]:
    first, last = min(expected.monthly), max(expected.monthly)
    year, month = int(last[:4]), int(last[5:])
    end = f"{year + month // 12}-{month % 12 + 1:02}-01"
    query = urlencode({"metric": "csat", "interval": "month", "from": f"{first}-01", "to": end})
    found = _ask(local, f"/api/v1/trends?{query}", "leadership")
    points: list[Json] = found["series"][0]["points"] if found["series"] else []
    return points


def _cases(local: Local, departments: Sequence[str]) -> Iterator[Json]:
    for department in departments:
        cursor = ""
        while cursor is not None:
            query = {"department": department, "limit": PAGE, **({"cursor": cursor} if cursor else {})}
            found = _ask(local, f"/api/v1/cases?{urlencode(query)}", "leadership")
            yield from found["cases"]
            cursor = found["next"]


def _ask(local: Local, path: str, role: str) -> Json:
    token = local.tokens()["api"][role]
    with urlopen(Request(local.base_url + path, headers={"Authorization": f"Bearer {token}"}), timeout=60) as reply:
        found: Json = json.loads(reply.read())
    return found
