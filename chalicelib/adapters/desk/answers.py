"""Show leadership the answers behind a point: what customers said, the newest first, and where it became a case."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from chalicelib.adapters.desk import metrics
from chalicelib.adapters.desk.frame import Desk, desk_page
from chalicelib.adapters.desk.trends import filter_text
from chalicelib.adapters.templates import Page
from chalicelib.adapters.wording import rating_text
from chalicelib.domain.dayfile import ExportRow, Looked, Looking
from chalicelib.domain.routing import speaks_of
from chalicelib.domain.terms import in_language
from chalicelib.errors import Problem

TELLING_MAX = 3  # of one page

BLANK: dict[str, Any] = dict.fromkeys(("seen", "telling", "groups", "back", "older", "file", "wider", "in_pages"), "")


@dataclass(frozen=True)
class Said:
    """One answer as it is shown."""

    rating: str
    at: datetime
    title: str
    case: str
    words: tuple[str, ...]
    where: str
    is_erased: bool


def answers_page(desk: Desk, asked: Mapping[str, str], found: Looked) -> Page:
    """Return the answers of a point."""
    looking = found.looking
    days = {"from": looking.first.isoformat(), "to": looking.end.isoformat()}
    kept = {name: asked[name] for name in ("metric", "filter", "topic") if asked.get(name)}
    plain = {name: value for name, value in asked.items() if name not in ("cursor", "lang")}
    return desk_page(
        "staff/answers.html",
        desk,
        current="/trends",
        problems=[],
        seen=_seen(desk, looking),
        telling=_telling(desk, found) if looking.topic else [],
        groups=list(_groups(desk, found.rows)),
        back=_back(days, kept),
        older="/answers?" + urlencode({**plain, "cursor": found.next}) if found.next else "",
        file="/api/v1/export?" + urlencode({**days, "format": "csv"}),
        wider="/answers?" + urlencode(days) if kept else "",
        in_pages="cursor" in asked,
    )


def refused_page(desk: Desk, problems: Sequence[Problem]) -> Page:
    """Return the page that says why a question cannot be answered."""
    said = [f"{problem.pointer[1:]}: {problem.detail}" for problem in problems]
    facts = {**BLANK, "groups": [], "back": "/trends"}
    return desk_page("staff/answers.html", desk, current="/trends", status=422, problems=said, **facts)


def _seen(desk: Desk, looking: Looking) -> str:
    """Say which answers these are."""
    days = metrics.days_text(looking.first, looking.end, desk.language)
    metric = desk.say(metrics.NAMES[looking.metric]) if looking.metric else ""
    topic = desk.say("words about %(what)s", what=desk.department(looking.topic)) if looking.topic else ""
    return " · ".join(part for part in (days, metric, filter_text(looking.filter, desk), topic) if part)


def _back(days: Mapping[str, str], kept: Mapping[str, str]) -> str:
    asked = {name: value for name, value in kept.items() if name != "topic"}
    by_day = {**asked, "interval": "day"} if asked and "topic" not in kept else asked
    return "/trends?" + urlencode({**days, **by_day})


def _telling(desk: Desk, found: Looked) -> list[Said]:
    """Return the answers whose words say most of a topic: those that speak of it most, the shorter of two alike."""
    topic = found.looking.topic or ""
    said = [(speaks_of("\n".join(row.texts.values()), topic, desk.organisation), row) for row in found.rows]
    best = sorted(said, key=lambda each: (-each[0], sum(map(len, each[1].texts.values())), each[1].id))
    different = {" ".join(row.texts.values()): row for weight, row in reversed(best) if weight}
    return [_said(desk, row) for row in list(reversed(different.values()))[:TELLING_MAX]]


def _groups(desk: Desk, rows: Sequence[ExportRow]) -> Iterator[dict[str, object]]:
    for day, of_day in groupby(rows, key=lambda row: row.day):
        name = metrics.period_text(date.fromisoformat(day), "day", desk.language)
        yield {"key": day, "name": name, "rows": [_said(desk, row) for row in of_day]}


def _said(desk: Desk, row: ExportRow) -> Said:
    program = desk.organisation.program(row.program)
    asked_by = in_language(program.name, desk.language) if program else row.program
    # What the table no longer has leads nowhere: its case has gone with it.
    is_kept = bool(row.reference or row.customer)
    return Said(
        rating=rating_text(row.metric or "", row.rating, desk.language),
        at=row.first_confirmed_at,
        title=row.reference or asked_by,
        case=f"/cases/{row.id}" if row.has_case and is_kept else "",
        words=tuple(text for text in row.texts.values() if text),
        where=" · ".join([*(desk.department(each) for each in row.departments), asked_by]),
        is_erased=row.erased,
    )
