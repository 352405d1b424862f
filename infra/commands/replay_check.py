"""Compare what the system counted in a replay with what other code counts straight from the file.

Nothing of the product computes a figure here: the file is read by DuckDB, intervals included, the system by its public
API and its day files.
"""

import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import duckdb

from chalicelib.ports import DayFiles
from infra import dayfiles
from infra.commands.connection import Local
from infra.commands.screen import Failed
from infra.replay.mapping import COLUMN, AnswerMapping, PromiseMapping, Replaying

LOW_MAX = 2  # of five, as the public contract has it for CSAT
TOP_MIN = 4
PAGE = 200
Z = 1.959964
DIGITS = 6

Json = dict[str, Any]
Figure = tuple[int, float, float, float]
"""How many answers; the share of 4 and 5 in percent; its Wilson interval's ends."""

FIGURES = f"""
select {{by}}, n, round(100 * p, {DIGITS}), round(100 * greatest(0, centre - arm), {DIGITS}),
round(100 * least(1, centre + arm), {DIGITS})
from (select *, (p + {Z}^2 / (2 * n)) / (1 + {Z}^2 / n) as centre,
      {Z} * sqrt(p * (1 - p) / n + {Z}^2 / (4 * n^2)) / (1 + {Z}^2 / n) as arm
      from (select {{by}}, count(*) as n, count(*) filter (rating >= {TOP_MIN}) / count(*) as p
            from {{table}} group by all))
"""


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
    monthly: dict[str, Figure]
    """By local month."""
    low: Counter[tuple[str, int]]
    """Reference and rating of each low answer."""
    split: dict[str, dict[tuple[str, str], Figure]]
    """By attribute, its value and the local month."""
    promised: dict[tuple[bool, str], Figure]
    """By whether the promise was kept in the end, and the local month; nothing where the mapping promises nothing."""


def compare(
    file: Path,
    replaying: Replaying,
    local: Local,
    departments: Sequence[str],
    files: DayFiles,
    counted_by: Sequence[str],
) -> list[Check]:
    """Return every equality that a replay of CSAT answers must end in; `counted_by` names the attributes of trends."""
    assert replaying.answer
    expected = in_file(file, replaying, replaying.answer, counted_by)
    points = next(iter(_series(local, expected).values()), [])
    cases = list(_cases(local, departments))
    histogram: Counter[int] = Counter()
    for point in points:
        histogram.update({int(rating): count for rating, count in point["counts"].items()})
    monthly = {point["start"][:7]: _figure(point) for point in points}
    found_low = Counter((case["reference"], case["rating"]) for case in cases)
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
        Check("Local months whose CSAT or interval differs", 0, _differing(expected.monthly, monthly)),
        *_split(local, expected),
        *_by_promise(expected, files),
    ]


def _split(local: Local, expected: InFile) -> Iterator[Check]:
    for attribute, figures in expected.split.items():
        series = _series(local, expected, by=attribute)
        found = {(key, point["start"][:7]): _figure(point) for key, points in series.items() for point in points}
        yield Check(f"Months by {attribute}", len(figures), len(found))
        yield Check(f"Months by {attribute} whose CSAT or interval differs", 0, _differing(figures, found))


def _by_promise(expected: InFile, files: DayFiles) -> Iterator[Check]:
    """Compare by whether the promise was kept, as analysts would ask the day files."""
    if not expected.promised:
        return
    with tempfile.TemporaryDirectory() as folder:
        dayfiles.copy(files, dayfiles.listed(files), Path(folder), lambda count: None)
        rows = dayfiles.tables(Path(folder)).execute(FIGURES.format(by="kept, month", table=f"({KEPT_IN_DAY_FILES})"))
        found = {(kept, month): _rounded(figure) for kept, month, *figure in rows.fetchall()}
    yield Check("Months by promise kept", len(expected.promised), len(found))
    differing = _differing(expected.promised, found)
    yield Check("Months by promise kept whose CSAT or interval differs", 0, differing)


KEPT_IN_DAY_FILES = """
select r.rating, strftime(r.day, '%Y-%m') as month,
coalesce((d.promises->0->>'fulfilled')::timestamptz <= (d.promises->0->>'promised')::timestamptz, false) as kept
from responses r join decisions d using (id)
"""


def _figure(point: Json) -> Figure:
    return _rounded([point["n"], *(round(point[name], DIGITS) for name in ("value", "low", "high"))])


def _rounded(figure: Sequence[Any]) -> Figure:
    n, value, low, high = figure
    return n, value, low, high


def _differing(expected: Mapping[Any, Figure], found: Mapping[Any, Figure]) -> int:
    return sum(not _alike(expected.get(key), found.get(key)) for key in {*expected, *found})


def _alike(one: Figure | None, other: Figure | None) -> bool:
    # Two ways of adding up may round the last digit apart.
    return one is not None and other is not None and all(abs(a - b) < 10**-5 for a, b in zip(one, other, strict=True))


def _has_reason(case: Json) -> bool:
    return bool(case["department"] and case["why"]["rule"] and case["why"]["text"])


def in_file(file: Path, replaying: Replaying, answer: AnswerMapping, counted_by: Sequence[str]) -> InFile:
    """Count a file's answers by SQL. Raises Failed for mappings whose rating is more than a column."""
    rating = COLUMN.fullmatch(answer.rating)
    reference = COLUMN.fullmatch(str(replaying.event.data.get("reference", "")))
    if not rating or not reference or answer.where or replaying.event.where or replaying.time_format:
        raise Failed("Only a mapping of plain columns, without conditions, can be compared with its file.")
    promise = next((each for each in replaying.event.promises if each.fulfilled and not each.better), None)
    columns = _attributes(replaying, counted_by)
    database = duckdb.connect()
    database.execute(
        f"create table answers as select cast({_name(rating[1])} as integer) as rating, {_name(reference[1])} as ref,"
        f" strftime(cast({_name(answer.time)} as timestamp), '%Y-%m') as month, {_kept(promise)} as kept"
        f"{''.join(f', {_name(column)} as {_name(name)}' for name, column in columns.items())}"
        f" from read_csv(?, all_varchar = true, header = true) where coalesce({_name(rating[1])}, '') <> ''",
        [str(file)],
    )
    histogram = database.execute("select rating, count(*) from answers group by rating").fetchall()
    low = database.execute("select ref, rating from answers where rating <= ?", [LOW_MAX]).fetchall()
    return InFile(
        answers=sum(count for _, count in histogram),
        histogram=dict(histogram),
        monthly={month: figure for (month,), figure in _figures(database, "month")},
        low=Counter((ref, rating) for ref, rating in low),
        split={
            name: {(value, month): figure for (value, month), figure in _figures(database, f"{_name(name)}, month")}
            for name in columns
        },
        promised={(kept, month): figure for (kept, month), figure in _figures(database, "kept, month")}
        if promise
        else {},
    )


def _figures(database: duckdb.DuckDBPyConnection, by: str) -> Iterator[tuple[tuple[Any, ...], Figure]]:
    for row in database.execute(FIGURES.format(by=by, table="answers")).fetchall():
        if row[0] is not None:
            yield row[:-4], _rounded(row[-4:])


def _attributes(replaying: Replaying, counted_by: Sequence[str]) -> dict[str, str]:
    """Return the attributes that trends count by and that are plain columns, with their columns."""
    given = replaying.event.data.get("attributes") or {}
    found = {name: COLUMN.fullmatch(str(given.get(name, ""))) for name in counted_by}
    return {name: column[1] for name, column in found.items() if column}


def _kept(promise: PromiseMapping | None) -> str:
    if promise is None or promise.fulfilled is None:
        return "null"
    promised, fulfilled = (f"try_cast({_name(each)} as timestamp)" for each in (promise.promised, promise.fulfilled))
    return f"coalesce({fulfilled} <= {promised}, false)"


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _series(local: Local, expected: InFile, **more: str) -> dict[str, list[Json]]:
    first, last = min(expected.monthly), max(expected.monthly)
    year, month = int(last[:4]), int(last[5:])
    end = f"{year + month // 12}-{month % 12 + 1:02}-01"
    query = urlencode({"metric": "csat", "interval": "month", "from": f"{first}-01", "to": end, **more})
    found = _ask(local, f"/api/v1/trends?{query}", "leadership")
    return {series["key"]: series["points"] for series in found["series"]}


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
