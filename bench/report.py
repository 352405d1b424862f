"""Say what was measured: against each budget, the bill line by line, and where units and time go."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from bench.measure import Found
from infra.commands.screen import Screen
from infra.local.prepare import PROJECT

DOCUMENT = PROJECT / "docs" / "measured.md"
BEGIN, END = "<!-- bench: written by `python -m bench --keep` -->", "<!-- bench: end -->"
HOW = (
    "Processor time is `time.process_time` of the process that runs the handlers: our code and its AWS client. The"
    " table, the queues and the carrier run in processes of their own and are not in it. Of like calls the median"
    " counts. Units are worked out from item sizes and index changes by AWS's rules; the emulator's are never read."
)

Json = dict[str, Any]


@dataclass(frozen=True)
class Budget:
    """One line of the design's table."""

    what: str
    limit: float
    found: float
    digits: int = 2

    def row(self) -> tuple[str, str, str, str]:
        """Return it as text."""
        verdict = "within" if self.found <= self.limit else f"{self.found / self.limit:.1f} × the limit"
        return self.what, f"{self.limit:,.{self.digits}f}", f"{self.found:,.{self.digits}f}", verdict


def budgets(latest: Json) -> list[Budget]:
    """Return every budget that was measured."""
    trend = latest["trend_read_units"]
    found = [
        Budget("bill for a million surveys, all but messages ($)", 7.50, latest["bill_usd_per_million"]),
        Budget("write units of a survey nobody answers", 6, latest["write_units_per_silent_survey"]),
        Budget("write units more for each reminder", 3, latest["write_units_per_reminder"]),
        Budget("processor ms per survey sent", 1.0, latest["cpu_ms_per_survey"]),
        Budget("processor ms per answer, page and submit", 2.0, latest["cpu_ms_per_answer"]),
        Budget("survey page, bytes", 14 * 1024, latest["page_bytes"], 0),
        Budget("survey page, bytes gzip", 5 * 1024, latest["page_gzip_bytes"], 0),
        Budget("trend: read units at a million answers over those at a thousand", 1.2, _ratio(trend)),
        Budget("timers: seconds for 20,000 due in one minute", 120, 20_000 / latest["timers"]["per_second"], 0),
    ]
    if isinstance(latest["zip_bytes"], int):
        found.append(Budget("deployment zip, bytes", 4_000_000, latest["zip_bytes"], 0))
    starts = latest["cold_ratio"].items()
    return found + [Budget(f"start of {name}, × bare Python with chalice", 10, ratio, 1) for name, ratio in starts]


def _ratio(trend: Json) -> float:
    return float(trend["1000000"] / trend["1000"])


def show(found: Found, screen: Screen) -> None:
    """Print every table."""
    for title, columns, rows in tables(found):
        screen.show(title, columns, rows)
    screen.say(HOW)


Table = tuple[str, Sequence[str], list[tuple[object, ...]]]


def tables(found: Found) -> Iterable[Table]:
    """Return every table: its title, columns and rows."""
    latest = found.latest
    yield "Budgets", ("what", "limit", "measured", ""), [budget.row() for budget in budgets(latest)]
    yield "The bill for a million surveys, $", ("part", "of what", "how much", "$"), _bill_rows(latest["bill_lines"])
    apart = _bill_rows(latest["bill_apart_lines"])
    apart.append(("every month, whatever happens", "", "", f"{latest['bill_fixed_usd_per_month']:.2f}"))
    apart.append(("messages, a million mails", "", "", f"{latest['bill_messages_usd_per_million']:.2f}"))
    yield "Apart, for a million surveys: one reminder, one machine's view for each, $", ("part", "", "", "$"), apart
    columns = ("path", "invocations", "CPU ms", "AWS client ms", "write units", "read units")
    yield "What each step takes, for one survey, answer, case", columns, [_rounded(row) for row in found.paths]
    dear = [row for row in found.units if row[0].partition("/")[0] in ("survey", "answer", "case")]
    yield "Where units go", ("path", "call", "item", "write units", "read units"), [_rounded(row) for row in dear]
    yield "Beside", ("what", "measured"), _beside(latest)


def _bill_rows(lines: list[Json]) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for part in dict.fromkeys(line["part"] for line in lines):
        own = sorted((line for line in lines if line["part"] == part), key=lambda line: -line["usd"])
        rows += [(part, line["what"], f"{line['quantity']:,.2f}", f"{line['usd']:.2f}") for line in own]
        rows.append((part, "together", "", f"{sum(line['usd'] for line in own):.2f}"))
    return rows


def _rounded(row: Sequence[object]) -> tuple[object, ...]:
    return tuple(f"{value:.3f}" if isinstance(value, int | float) else value for value in row)


def _beside(latest: Json) -> list[tuple[object, ...]]:
    names = (
        "cpu_ms_per_survey_of_which_aws_client",
        "cpu_ms_per_answer_of_which_aws_client",
        "cpu_ms_counting_per_survey",
        "cpu_ms_counting_per_answer",
        "read_units_per_silent_survey",
        "write_units_per_answer",
        "counting_in_a_busy_month",
        "counter_write_units_per_answer_by_batch",
        "counter_write_units_per_decision_by_batch",
        "trend_read_units",
        "trend_read_units_of_all_lanes",
        "timers",
        "queue_page",
        "import_ratio",
        "cold_cpu_ms",
        "cold_ratio_by_the_clock",
        "bare_python_with_chalice_ms",
        "reference_loop_ms",
    )
    return [(name, _said(latest[name])) for name in names]


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_said(each)}" for name, each in value.items())
    return f"{value:,.2f}" if isinstance(value, float) else str(value)


def kept_in_documents(found: Found, document: Path = DOCUMENT) -> None:
    """Put the tables into their place in the document, which others write as well."""
    before = document.read_text() if document.exists() else "# Measured\n\nWhat was measured, when and how.\n"
    head, _, rest = before.partition(BEGIN)
    tail = rest.partition(END)[2]
    document.write_text(f"{head.rstrip()}\n\n{BEGIN}\n{markdown(found)}\n{END}\n{tail.lstrip()}")


def markdown(found: Found) -> str:
    """Return the tables as Markdown."""
    latest, out = found.latest, StringIO()
    print(f"## The bench, {latest['measured_at'][:10]}\n\n{HOW}\n", file=out)
    print(f"{latest['surveys']:,} surveys; {latest['machine']}; prices of {latest['prices']}; `make bench`.", file=out)
    for title, columns, rows in tables(found):
        print(f"\n### {title}\n\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}", file=out)
        for row in rows:
            print(f"| {' | '.join(map(str, row))} |", file=out)
    return out.getvalue().rstrip()
