"""Say in one mail how the last week went: the page's own numbers, and one sentence on what has changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from chalicelib.adapters.desk import metrics
from chalicelib.adapters.templates import _, sentence
from chalicelib.adapters.templates.formats import number
from chalicelib.adapters.wording import department_name
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.reading import Report, Standing, Step
from chalicelib.domain.terms import base_language
from chalicelib.domain.trend import Point

WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Line:
    """One indicator as the mail shows it: its value with all its uncertainty, and what has become of it."""

    title: str
    meaning: str
    value: str
    between: str
    n: str
    period: str
    step: str
    verdict: str
    is_change: bool


@dataclass(frozen=True)
class Row:
    """One department beside the others."""

    title: str
    values: tuple[str, ...]


def language_of(report: Report, organisation: Organisation) -> str:
    """Return the language in which a report is read: the department's, else the company's."""
    department = organisation.department(report.department)
    return base_language((department.language if department else None) or organisation.language)


def recipients(report: Report, organisation: Organisation) -> tuple[str, ...]:
    """Return who reads it: leadership, or a department's head; without an own address, the department's."""
    department = organisation.department(report.department)
    if department is None:
        return organisation.leadership
    return (department.head.email,) if department.head.email else department.alert_to


def facts(report: Report, organisation: Organisation) -> dict[str, object]:
    """Return what the mail says, in the language of whoever reads it."""
    language = language_of(report, organisation)
    week = metrics.days_text(report.week, report.week + WEEK, language)
    lines = [_line(name, each, report, language) for name, each in report.standings.items()]
    news = _news(lines, language)
    whose = department_name(report.department, organisation, language) or organisation.name
    columns = tuple(dict.fromkeys(name for row in report.departments.values() for name in row))
    return {
        "subject": sentence(_("The week of %(whose)s: %(week)s"), language, whose=whose, week=week),
        "preheader": news,
        "whose": whose,
        "week": week,
        "news": news,
        "lines": lines,
        "columns": [sentence(metrics.NAMES[name], language) for name in columns],
        "rows": [
            Row(department_name(id_, organisation, language), tuple(_cell(name, row, language) for name in columns))
            for id_, row in report.departments.items()
        ],
        "is_closed_only": report.department is not None,
    }


def _line(name: str, standing: Standing, report: Report, language: str) -> Line:
    last, step = standing.last, standing.step
    return Line(
        title=sentence(metrics.NAMES[name], language),
        meaning=sentence(metrics.MEANINGS[name], language),
        value=metrics.value_text(name, last.value, language),
        between=metrics.interval_text(name, last.low, last.high, language),
        n=number(last.n or 0, language=language),
        period="" if last.start == report.week else metrics.named_period(last.start, "week", language),
        step=_step(name, step, language) if step else "",
        verdict=sentence(_("change") if step.is_change else _("noise"), language) if step else "",
        is_change=step is not None and step.is_change and last.start == report.week,
    )


def _step(name: str, step: Step, language: str) -> str:
    change = metrics.change_text(name, step.change, language)
    return metrics.since_text(change, step.before.start, "week", language)


def _news(lines: list[Line], language: str) -> str:
    """Say in one sentence what has changed in this week, or that nothing has."""
    changed = [f"{line.title} {line.step}" for line in lines if line.is_change]
    if changed:
        return sentence(_("More than noise: %(what)s."), language, what="; ".join(changed))
    return sentence(_("Nothing has changed beyond noise."), language)


def _cell(metric: str, row: Mapping[str, Point], language: str) -> str:
    point = row.get(metric)
    if point is None:
        return ""
    between = metrics.interval_text(metric, point.low, point.high, language)
    value = metrics.value_text(metric, point.value, language) + (f" ({between})" if between else "")
    return f"{value}, n\u00a0=\u00a0{number(point.n or 0, language=language)}"
