"""Test that the documents say what was counted, and that one command can write them."""

from pathlib import Path

import pytest

from bench.report import (
    BEGIN,
    BILL_BEGIN,
    BILL_END,
    DECISION,
    DOCUMENT,
    END,
    KINDS,
    README,
    bill_text,
    parts_text,
    put_between,
)
from infra.aws import bill


def between(document: Path) -> str:
    return document.read_text().partition(BILL_BEGIN)[2].partition(BILL_END)[0].strip()


def test_the_first_page_shows_the_bill_that_was_counted() -> None:
    assert between(README) == bill_text(bill.figures())


def test_the_page_on_what_a_survey_costs_shows_its_parts() -> None:
    assert between(DECISION) == parts_text(bill.figures())


def test_every_line_of_the_bill_has_its_words() -> None:
    lines = bill.running(bill.Use(1), bill.figures(), bill.prices())
    assert {line.what for line in lines} <= set(KINDS)
    rows = [row.split("|")[2] for row in bill_text(bill.figures()).splitlines() if row.startswith("|")][2:]
    assert sum(map(float, rows)) == pytest.approx(1_000_000 * bill.total(lines), abs=0.05)


def test_each_document_has_a_place_for_what_is_measured() -> None:
    for document, begin, end in (
        (DOCUMENT, BEGIN, END),
        (README, BILL_BEGIN, BILL_END),
        (DECISION, BILL_BEGIN, BILL_END),
    ):
        text = document.read_text()
        assert text.count(begin) == text.count(end) == 1
        assert text.index(begin) < text.index(end)


def test_what_stands_around_stays(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text(f"before\n\n{BILL_BEGIN}\nold\n{BILL_END}\n\nafter\n")
    put_between(document, BILL_BEGIN, BILL_END, "new")
    assert document.read_text() == f"before\n\n{BILL_BEGIN}\nnew\n{BILL_END}\n\nafter\n"
    with pytest.raises(ValueError, match="has no place"):
        put_between(document, BEGIN, END, "new")
