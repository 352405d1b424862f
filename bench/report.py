"""Say what was measured: against each budget, the bill line by line, and where units and time go."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from bench.measure import Found
from infra.aws import bill
from infra.commands.screen import Screen
from infra.local.prepare import PROJECT

DOCUMENT = PROJECT / "docs" / "measured.md"
README = PROJECT / "README.md"
DECISION = PROJECT / "docs" / "decisions" / "0015-what-a-survey-costs.md"
BEGIN, END = "<!-- bench: written by `python -m bench --keep` -->", "<!-- bench: end -->"
BILL_BEGIN, BILL_END = "<!-- bill: written by `python -m bench --keep` -->", "<!-- bill: end -->"
MILLION = 1_000_000
KINDS = {
    "dynamodb_write_units": "table, writes",
    "dynamodb_read_units": "table, reads",
    "sqs_requests": "queues",
    "api_requests": "API",
    "out_gb": "API",
    "lambda_requests": "functions",
    "lambda_gb_seconds": "functions",
    "eventbridge_events": "bus",
    "sns_publishes": "carriers' receipts",
    "log_gb": "logs",
    "s3_puts": "day files",
}
"""What each price is for, in the words of the first page."""

HOW = (
    "Processor time is `time.process_time` of the process that runs the handlers: our code and its AWS client. The"
    " table, the queues and the carrier run in processes of their own and are not in it. Of like calls the median"
    " counts. The machine is shared: beside each invocation a mail is made by the standard library's `EmailMessage`,"
    ' which takes 1.35 ms on the machine that the budgets are stated for; times "at stated speed" are divided by how'
    " much longer it took here, the measured ones stand beside them. Function calls are counted by the profiler in a"
    " run of their own, and no load changes them. Units are worked out from item sizes and index changes by AWS's"
    " rules; the emulator's are never read."
)

Json = dict[str, Any]


@dataclass(frozen=True)
class Budget:
    """One line of the design's table."""

    what: str
    limit: float
    found: float
    digits: int = 2
    stated: float | None = None
    """The processor's time at the speed for which the limit is stated."""

    def row(self) -> tuple[str, str, str, str, str]:
        """Return it as text."""
        stated = "" if self.stated is None else f"{self.stated:,.{self.digits}f}"
        return self.what, f"{self.limit:,.{self.digits}f}", f"{self.found:,.{self.digits}f}", stated, self._verdict

    @property
    def _verdict(self) -> str:
        if self.found <= self.limit:
            return "within"
        over = f"{self.found / self.limit:.1f} × the limit"
        return f"{over}, within at stated speed" if self.stated and self.stated <= self.limit else over


def budgets(latest: Json) -> list[Budget]:
    """Return every budget that was measured."""
    trend = latest["trend_read_units"]
    found = [
        Budget("bill for a million surveys, all but messages ($)", 7.50, latest["bill_usd_per_million"]),
        Budget("write units of a survey nobody answers", 6, latest["write_units_per_silent_survey"]),
        Budget("write units more for each reminder", 3, latest["write_units_per_reminder"]),
        Budget(
            "processor ms per survey sent",
            1.0,
            latest["cpu_ms_per_survey"],
            stated=latest["cpu_ms_per_survey_at_stated_speed"],
        ),
        Budget(
            "processor ms per answer, page and submit, database apart",
            2.0,
            latest["cpu_ms_per_answer"],
            stated=latest["cpu_ms_per_answer_at_stated_speed"],
        ),
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
    yield "Budgets", ("what", "limit", "measured", "at stated speed", ""), [budget.row() for budget in budgets(latest)]
    yield "The bill for a million surveys, $", ("part", "of what", "how much", "$"), _bill_rows(latest["bill_lines"])
    apart = _bill_rows(latest["bill_apart_lines"])
    apart.append(("every month, whatever happens", "", "", f"{latest['bill_fixed_usd_per_month']:.2f}"))
    apart.append(("messages, a million mails", "", "", f"{latest['bill_messages_usd_per_million']:.2f}"))
    yield "Apart, for a million surveys: one reminder, one machine's view for each, $", ("part", "", "", "$"), apart
    measured = ("CPU ms", "of these AWS client", "CPU ms at stated speed")
    columns = ("path", "invocations", "function calls", *measured, "write units", "read units")
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
        "cpu_ms_per_answer_with_aws_client",
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
        "reference_mail_ms",
    )
    return [(name, _said(latest[name])) for name in names]


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_said(each)}" for name, each in value.items())
    return f"{value:,.2f}" if isinstance(value, float) else str(value)


def kept_in_documents(found: Found) -> None:
    """Put the tables and the bill into their places in the documents, which others write as well."""
    put_between(DOCUMENT, BEGIN, END, markdown(found))
    put_between(README, BILL_BEGIN, BILL_END, bill_text(found.figures))
    put_between(DECISION, BILL_BEGIN, BILL_END, parts_text(found.figures))


def put_between(document: Path, begin: str, end: str, text: str) -> None:
    """Put a text between two marks of a document; what stands around them stays as it is. Raises ValueError."""
    head, begun, rest = document.read_text().partition(begin)
    _, ended, tail = rest.partition(end)
    if not begun or not ended:
        raise ValueError(f"{document.name} has no place for what is measured: {begin} … {end}")
    document.write_text(f"{head}{begin}\n{text}\n{end}{tail}")


def bill_text(counted: Json) -> str:
    """Return the bill for a million surveys as the first page shows it: by what AWS charges for."""
    given = bill.prices()
    lines = bill.running(bill.Use(MILLION), counted, given)
    by: dict[str, float] = {}
    for line in lines:
        by[KINDS[line.what]] = by.get(KINDS[line.what], 0.0) + line.usd
    rows = "\n".join(f"| {kind} | {usd:.2f} |" for kind, usd in sorted(by.items(), key=lambda each: -each[1]))
    month = bill.total(bill.fixed(counted, given))
    return (
        "On AWS, for a million surveys a month by mail, a fifth answered, 2 % of them with a case:"
        f" **${bill.total(lines):.2f}** beside the mails\nthemselves"
        f" and ${month:.2f} a month for secrets, alarms and empty polls.\n"
        f"\n| a million surveys | $ |\n|---|---|\n{rows}"
    )


def parts_text(counted: Json) -> str:
    """Return what the bill's parts come to, as the page on what a survey costs has it."""
    lines = bill.running(bill.Use(MILLION), counted, bill.prices())
    parts = dict.fromkeys(line.part for line in lines)
    usd = {part: sum(line.usd for line in lines if line.part == part) for part in parts}
    rows = "\n".join(f"| {part} | {total:.2f} |" for part, total in [*usd.items(), ("together", bill.total(lines))])
    units = counted["each"]["survey_email"]["dynamodb_write_units"]
    reminder = counted["each"]["reminder"]["dynamodb_write_units"]
    return (
        f"| of a million surveys | $ |\n|---|---|\n{rows}\n\n"
        f"A survey that nobody answers writes {units:.2f} units, a reminder {reminder:.2f} more."
    )


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
