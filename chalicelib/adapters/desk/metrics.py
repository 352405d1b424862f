"""Say what is measured, in which unit, of which period, as the reader's language does."""

from datetime import date, timedelta

from chalicelib.adapters.desk.frame import Desk
from chalicelib.adapters.templates import sentence
from chalicelib.adapters.templates.formats import DAY, MONTHS, duration, number, percent
from chalicelib.domain.metric import METRICS
from chalicelib.domain.period import Interval
from chalicelib.domain.score import Change
from chalicelib.domain.trend import Point


def _(text: str) -> str:
    """Mark a sentence for the catalogues; it is translated where it is said."""
    return text


NAMES = {
    "nps": _("Recommendation (NPS)"),
    "csat": _("Satisfaction (CSAT)"),
    "ces": _("Ease (CES)"),
    "ces_mean": _("Ease, mean (CES)"),
    "response_rate": _("Response rate"),
    "kept_promise": _("Promises kept, as customers say"),
    "delivered_promise": _("Promises kept, as delivered"),
    "value_satisfaction": _("Got what they needed, and satisfied"),
    "time_to_acknowledge": _("Time until picked up"),
    "time_to_resolve": _("Time until mended"),
    "sla_met": _("Cases on time"),
    "handoffs": _("Passed on, per case"),
    "returns": _("Sent back, per case"),
    "recovered": _("Mended, as customers say"),
    "stock_outs": _("Orders delivered short (stock-outs)"),
    "effective_contacts": _("Effective contacts"),
}
MEANINGS = {
    "nps": _("Share of ratings 9–10 less share of ratings 0–6, in points from −100 to 100."),
    "csat": _("Share of ratings 4 and 5 among all from 1 to 5."),
    "ces": _("Share of ratings 5, 6 and 7 among all from 1 to 7."),
    "ces_mean": _("Mean of the ratings from 1 to 7."),
    "response_rate": _("Answers among the invitations that were sent and arrived."),
    "kept_promise": _("Yes among the answers to whether the promise was kept."),
    "delivered_promise": _("Kept among what was promised, on the day it was promised for."),
    "value_satisfaction": _("Those for whom it did what they needed and whose rating is not low."),
    "time_to_acknowledge": _("Median from the opening of a case to its picking up."),
    "time_to_resolve": _("Median on the customer's clock, waiting included."),
    "sla_met": _("Cases of which neither promise was broken."),
    "handoffs": _("How often a case was passed on, on average."),
    "returns": _("How often a case was sent back, on average."),
    "recovered": _("Yes among the answers to “did we mend it?”."),
    "stock_outs": _("Orders of which less came than was ordered, among those whose quantity is known."),
    "effective_contacts": _("Attempts in which the customer was reached, among all that were noted."),
}
INTERVALS: dict[Interval, str] = {
    "day": _("Day"),
    "week": _("Week"),
    "month": _("Month"),
    "quarter": _("Quarter"),
    "year": _("Year"),
}
DIMENSIONS = {
    "department": _("Department"),
    "program": _("Program"),
    "touchpoint": _("Touchpoint"),
    "channel": _("Channel"),
    "person": _("Person"),
    "role": _("Role"),
}
MONTH_LETTERS = 3
YEAR = {"es": " de ", "en": " ", "pt": " de "}
ON = {"es": "el ", "en": "", "pt": ""}
LETTERS = {"quarter": {"es": "T", "en": "Q", "pt": "T"}}


def value_text(metric: str, value: float | None, language: str) -> str:
    """Return a value in its unit, as in «42», «71 %» or «3 h 20 min»."""
    if value is None:
        return "–"
    unit = METRICS[metric].unit
    if unit == "percent":
        return percent(value, language=language)
    if unit == "seconds":
        return duration(value)
    return number(value, {"points": 0, "rating": 1}.get(unit, 2), language=language)


def interval_text(metric: str, low: float | None, high: float | None, language: str) -> str:
    """Return an interval in its unit, as in «35 to 49»; empty where there is none."""
    if low is None or high is None:
        return ""
    return f"{value_text(metric, low, language)} … {value_text(metric, high, language)}"


def step_text(metric: str, step: float | None, language: str) -> str:
    """Return a step with its sign, as in «+6»; shares in percentage points."""
    if step is None:
        return "–"
    is_share = METRICS[metric].unit == "percent"
    size = f"{number(abs(step), 1, language=language)}\u00a0pp" if is_share else value_text(metric, abs(step), language)
    return f"{'−' if step < 0 else '+'}{size}"


def change_text(metric: str, change: Change, language: str) -> str:
    """Return a step with its own interval, as in «+6 (−2 … +14)»."""
    size = step_text(metric, change.value, language)
    if change.low is None or change.high is None:
        return size
    low, high = (step_text(metric, each, language) for each in (change.low, change.high))
    return f"{size} ({low} … {high})"


def period_text(start: date, interval: Interval, language: str) -> str:
    """Return what a period is called, as in «marzo de 2026»."""
    month, of = MONTHS[language][start.month - 1], YEAR[language]
    if interval == "year":
        return str(start.year)
    if interval == "quarter":
        return f"{LETTERS['quarter'][language]}{(start.month + 2) // 3} {start.year}"
    if interval == "month":
        return f"{month}{of}{start.year}"
    return f"{DAY[language].format(day=start.day, month=month)}{of}{start.year}"


def named_period(start: date, interval: Interval, language: str) -> str:
    """Return a period as a sentence names it: a week by its first day, and as a week."""
    text = period_text(start, interval, language)
    return sentence(_("week of %(day)s"), language, day=text) if interval == "week" else text


def since_text(step: str, before: date, interval: Interval, language: str) -> str:
    """Return a step with the period that it began at, as in «+6 desde la semana del 2 de marzo de 2026»."""
    text = period_text(before, interval, language)
    if interval == "week":
        return sentence(_("%(step)s since the week of %(before)s"), language, step=step, before=text)
    on = ON[language] if interval == "day" else ""
    return sentence(_("%(step)s since %(before)s"), language, step=step, before=on + text)


def days_text(first: date, end: date, language: str) -> str:
    """Return from which day to which, as in «2 – 8 March 2026»; `end` is the day after the last."""
    last = end - timedelta(days=1)
    until = period_text(last, "day", language)
    return until if first == last else f"{_first_day(first, last, language)} – {until}"


def _first_day(first: date, last: date, language: str) -> str:
    """Return the first of two days without what it shares with the last."""
    if first.year != last.year:
        return period_text(first, "day", language)
    if first.month != last.month:
        return DAY[language].format(day=first.day, month=MONTHS[language][first.month - 1])
    return str(first.day)


def tick_text(start: date, interval: Interval, language: str, *, first: bool) -> str:
    """Return what stands below an axis: short, with the year where it begins."""
    if interval in ("quarter", "year"):
        return period_text(start, interval, language)
    month = MONTHS[language][start.month - 1][:MONTH_LETTERS]
    if interval == "month":
        return f"{month} {start.year}" if first or start.month == 1 else month
    return f"{start.day} {month}"


def shown_text(metric: str, point: Point, desk: Desk) -> str:
    """Return a point in one line, for titles and tables: value, interval, n."""
    if point.hidden:
        return desk.say("not shown: fewer than 5 answers")
    value = value_text(metric, point.value, desk.language)
    between = interval_text(metric, point.low, point.high, desk.language)
    return f"{value} ({between}), n\u00a0=\u00a0{point.n}" if between else f"{value}, n\u00a0=\u00a0{point.n}"
