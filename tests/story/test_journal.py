"""The log: one line for each unit of work, from the event to its case by one id, and nothing personal in any."""

import json
import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest

from chalicelib.entrypoints import journal
from infra.local.resources import client
from infra.local.system import LocalSystem
from tests.story.company import Company, Json, link_in
from tests.story.test_loop import DISPATCH, answered_low, put_on_bus

pytestmark = pytest.mark.embedded


class Lines(logging.Handler):
    """Keeps what Lambda would write: every field of a line but Python's own."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[Json] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        own = vars(logging.makeLogRecord({}))
        extra = {name: value for name, value in vars(record).items() if name not in own}
        self.lines.append({"message": record.getMessage(), "trace": str(record.exc_info), **extra})

    def units(self, name: str) -> list[Json]:
        """Return the lines of one kind of work."""
        return [line for line in self.lines if line.get("unit") == name]


@pytest.fixture
def log() -> Iterator[Lines]:
    root, lines = logging.getLogger(), Lines()
    before = root.level
    root.addHandler(lines)
    root.setLevel(logging.INFO)
    yield lines
    root.removeHandler(lines)
    root.setLevel(before)


def test_an_event_is_followed_to_its_case_by_one_id(company: Company, log: Lines) -> None:
    case = answered_low(company)
    (decided,) = log.units("intake")
    assert (decided["outcome"], decided["about"]) == ("done", [case["id"]])
    of_case = [line["about"] for line in log.units("due") if case["id"] in line["about"]]
    assert of_case == [[case["id"]]] * 2  # the mail, the alert
    assert log.units("views") == []  # a link without a rating tells nothing new
    company.open(link_in(company.messages("ana@example.com")[0], "/s/") + "/3")
    company.settle()
    assert [line["about"] for line in log.units("views")] == [[case["id"]]]


def test_what_is_refused_or_fails_says_so(company: Company, lazo: LocalSystem, log: Lines) -> None:
    put_on_bus(lazo, {"no": "event"})
    company.settle()
    assert [line["outcome"] for line in log.units("intake")] == ["refused"]
    client("sqs", lazo.aws.endpoint).send_message(
        QueueUrl=lazo.resources.environment["DUE_QUEUE_URL"], MessageBody="poison"
    )
    company.settle()
    assert {line["outcome"] for line in log.units("due")} == {"failed"}


def test_no_line_holds_a_name_an_address_a_word_or_a_token(company: Company, log: Lines) -> None:
    company.sell("ORD-0", customer={"id": "c-12", "name": "Luis Vega", "phone": "+573009998877"})
    case = answered_low(company, what="El camión se varó")
    mail = company.messages("ana@example.com")[0]
    step = link_in(company.messages(DISPATCH)[-1], "/c/")
    company.press(step)
    company.submit(link_in(mail, "/u/"), {"List-Unsubscribe": "One-Click"})
    company.report(mail, "complaint")
    company.later("P1D")
    written = json.dumps([line for line in log.lines if line.get("unit")], default=str)
    everything = json.dumps(log.lines, default=str)
    assert case["id"] in written
    tokens = [link_in(mail, "/s/"), link_in(mail, "/u/"), step]
    private = ["Ana Gómez", "Luis Vega", "ana@example.com", "3009998877", "varó", *(link[-40:] for link in tokens)]
    assert [word for word in private if word in everything] == []


def test_the_auditor_finds_what_nobody_handled_and_beats_whether_or_not(company: Company, lazo: LocalSystem) -> None:
    assert audited(lazo) == 0
    company.sell("ORD-1")
    company.settle()
    lazo.clock.move_on_to(lazo.clock.now() + timedelta(hours=2, minutes=7))  # no sweep has run meanwhile
    assert 300 < audited(lazo) < 600
    company.settle()
    assert audited(lazo) == 0


def audited(lazo: LocalSystem) -> float:
    """Return for how many seconds something has been due, as the auditor says."""
    (audit,) = [each.function for each in lazo.timetable.entries if each.function.name == "audit"]
    named = ("version", "account", "region", "detail", "detail-type", "source", "time", "id", "resources")
    return float(audit.invoke(dict.fromkeys(named, ""))["overdue_seconds"])


def test_metrics_are_written_as_cloudwatch_reads_them(company: Company, lazo: LocalSystem, log: Lines) -> None:
    audited(lazo)
    line = log.units("audit")[-1]
    described = line["_aws"]["CloudWatchMetrics"][0]
    assert (described["Namespace"], described["Dimensions"]) == ("Lazo", [["Stage"]])
    assert {each["Name"]: each["Unit"] for each in described["Metrics"]} == {
        name: journal.METRICS[name] for name in ("Audits", "OverdueSeconds")
    }
    assert all(each["Name"] in line for each in described["Metrics"])
    assert line["Stage"] == "local"
    assert abs(line["_aws"]["Timestamp"] - lazo.clock.now().timestamp() * 1000) < 60_000
