"""Show leadership, and each department for itself, how it goes: one calm screen, each value with its uncertainty."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from chalicelib.adapters.desk import metrics
from chalicelib.adapters.desk.frame import Desk, desk_page
from chalicelib.adapters.desk.plot import RIGHT, Course, Plot, Scale, plot, scale_of, ticks_of
from chalicelib.adapters.templates import Page
from chalicelib.domain.disclosure import CLOSED
from chalicelib.domain.metric import METRICS
from chalicelib.domain.period import INTERVALS, Interval, end_of, start_of
from chalicelib.domain.reading import Step, pooled, steps
from chalicelib.domain.rollup import ALL, DIMENSIONS, day_of
from chalicelib.domain.score import Estimate
from chalicelib.domain.terms import in_language
from chalicelib.domain.trend import Point, Query, Series, Trend, read_query
from chalicelib.errors import Invalid, Problem

Ask = Callable[[Mapping[str, str]], Trend]
"""Answers one question about trends, as the API does."""

CARDS = ("response_rate", "delivered_promise", "kept_promise", "sla_met", "time_to_resolve", "recovered")
"""What is on the cards after the ratings that the company asks for."""

MULTIPLES_MAX = 12
PARAMETERS = ("metric", "by", "from", "to", "interval", "filter")
TALL, SMALL, SPARK = 220, 110, 36  # pixels


@dataclass(frozen=True)
class Card:
    """One indicator: its last whole period, what it rests on, and the way it came."""

    title: str
    meaning: str
    value: str
    between: str
    n: int
    period: str
    step: str
    verdict: str
    is_change: bool
    href: str
    is_chosen: bool
    spark: Plot


@dataclass(frozen=True)
class Multiple:
    """One series of the trend, drawn on the scale of all."""

    title: str
    href: str
    value: str
    n: int
    plot: Plot


@dataclass(frozen=True)
class Whisker:
    """One value with its interval, in percent of the room there is."""

    at: float
    low: float
    high: float
    text: str


@dataclass(frozen=True)
class Compared:
    """One department beside the others."""

    title: str
    href: str
    cases: str
    is_chosen: bool
    whiskers: tuple[Whisker | None, ...]


@dataclass(frozen=True)
class Screen:
    """What a question asks, as the page works with it."""

    desk: Desk
    asked: Mapping[str, str]
    query: Query
    ask: Ask

    @property
    def metric(self) -> str:
        """What is measured."""
        return self.query.metric.name

    @property
    def interval(self) -> Interval:
        """How the days are cut."""
        return self.query.interval

    @property
    def today(self) -> date:
        """Which day it is where the company is."""
        return date.fromisoformat(day_of(self.desk.now, self.desk.organisation.zone))

    @property
    def course(self) -> Course:
        """The periods that are drawn."""
        return Course.of(self.query.first, self.query.end, self.interval)

    @property
    def short_course(self) -> Course:
        """The same where no axis takes room."""
        return Course.of(self.query.first, self.query.end, self.interval, left=RIGHT)

    def series(self, **changes: str) -> tuple[Series, ...]:
        """Return the answer to this page's question with some of it changed; an empty change leaves that out."""
        return self.ask(self.given(**changes)).series

    def points(self, metric: str) -> tuple[Point, ...]:
        """Return a metric over everything that the filter leaves, in one series."""
        return next((each.points for each in self.series(metric=metric, by="")), ())

    def given(self, **changes: str) -> dict[str, str]:
        """Return the question's parameters with some of them changed."""
        return {name: value for name, value in {**self.asked, **changes}.items() if value}

    def href(self, **changes: str) -> str:
        """Return the address of this page with some of its question changed."""
        return "/trends?" + urlencode(self.given(**changes))


def trends_page(desk: Desk, given: Mapping[str, str], ask: Ask) -> Page:
    """Return the screen; what cannot be answered is said above the fields that asked it."""
    asked = _asked(desk, given)
    try:
        screen = _screen(desk, asked, ask)
        main = screen.series()
    except Invalid as refusal:
        return _refused(desk, asked, refusal.problems)
    cards = _cards(screen)
    own = screen.query.department
    return desk_page(
        "staff/trends.html",
        desk,
        current="/trends",
        problems=[],
        controls=_controls(desk, asked),
        cards=cards,
        news=_news(cards, desk),
        seen=_seen(screen),
        whose=desk.department(own) if own else "",
        is_empty=not cards and not any(each.points for each in main),
        **_main(screen, main),
        compared=_compared(screen),
        promises=_promises(screen),
        closed_only=not desk.reads_all,
    )


def csv_of(desk: Desk, given: Mapping[str, str], ask: Ask) -> list[list[str]]:
    """Return the rows of the trend for a spreadsheet, the heading first. Raises Invalid."""
    screen = _screen(desk, _asked(desk, given), ask)
    rows = [["series", "start", "n", "value", "low", "high", "hidden"]]
    for series in screen.series():
        for point in series.points:
            numbers = ["" if each is None else f"{each:.6g}" for each in (point.value, point.low, point.high)]
            n = "" if point.n is None else str(point.n)
            rows.append([_cell(series.key), point.start.isoformat(), n, *numbers, "yes" if point.hidden else ""])
    return rows


def _cell(text: str) -> str:
    # A spreadsheet runs what begins like a formula; an apostrophe makes it text.
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _asked(desk: Desk, given: Mapping[str, str]) -> dict[str, str]:
    """Return the question with what was left open filled in: the company's own rating, twelve whole months and this."""
    today = date.fromisoformat(day_of(desk.now, desk.organisation.zone))
    asked = {name: value for name, value in given.items() if value and name != "lang"}
    asked.setdefault("metric", next(iter(rated(desk)), "nps"))
    asked.setdefault("interval", "month")
    if "from" not in asked and "to" not in asked:
        asked["from"] = start_of(today.replace(year=today.year - 1, day=1), "month").isoformat()
    return asked


def _screen(desk: Desk, asked: Mapping[str, str], ask: Ask) -> Screen:
    own = None if desk.reads_all else desk.principal.department if desk.principal else None
    today = date.fromisoformat(day_of(desk.now, desk.organisation.zone))
    query = read_query({name: [value] for name, value in asked.items()}, desk.organisation, today, own)
    return Screen(desk, asked, query, ask)


def _refused(desk: Desk, asked: Mapping[str, str], problems: Sequence[Problem]) -> Page:
    said = [{"id": f"f{problem.pointer.replace('/', '-')}", "text": problem.detail} for problem in problems]
    return desk_page(
        "staff/trends.html",
        desk,
        current="/trends",
        status=422,
        problems=said,
        controls=_controls(desk, asked),
        cards=[],
        news="",
        seen="",
        whose="",
        is_empty=False,
        multiples=[],
        compared=None,
        promises=None,
        closed_only=not desk.reads_all,
    )


def rated(desk: Desk) -> list[str]:
    """Return the ratings that the company asks for, those of its programs first."""
    organisation = desk.organisation
    asked = [organisation.survey(program.survey).metric for program in organisation.programs]
    return list(dict.fromkeys([*asked, *(survey.metric for survey in organisation.surveys)]))


# Cards


def _cards(screen: Screen) -> list[Card]:
    names = [*rated(screen.desk), *CARDS]
    every = {name: points for name in names if (points := screen.points(name))}
    whole = {name: _whole(points, screen) for name, points in every.items()}
    told = steps({name: points for name, points in whole.items() if len(points) > 1})
    return [_card(name, every[name], whole[name], told.get(name), screen) for name in every if whole[name]]


def _whole(points: Sequence[Point], screen: Screen) -> list[Point]:
    """Return the periods that have ended and may be seen; all that may be seen when none has."""
    seen = [point for point in points if not point.hidden]
    return [point for point in seen if end_of(point.start, screen.interval) <= screen.today] or seen


def _card(name: str, points: Sequence[Point], whole: Sequence[Point], step: Step | None, screen: Screen) -> Card:
    desk, last = screen.desk, whole[-1]
    spark = plot(points, screen.short_course, scale_of(name, points), height=SPARK, text=lambda point: "")
    return Card(
        title=desk.say(metrics.NAMES[name]),
        meaning=desk.say(metrics.MEANINGS[name]),
        value=metrics.value_text(name, last.value, desk.language),
        between=metrics.interval_text(name, last.low, last.high, desk.language),
        n=last.n or 0,
        period=metrics.period_text(last.start, screen.interval, desk.language),
        step=_step(name, step, screen),
        verdict=_verdict(step, desk),
        is_change=step.is_change if step else False,
        href=screen.href(metric=name),
        is_chosen=name == screen.metric,
        spark=spark,
    )


def _news(cards: Sequence[Card], desk: Desk) -> str:
    """Say in one sentence what has changed in the last period, or that nothing has."""
    told = [card for card in cards if card.step]
    changed = [f"{card.title} {card.step}" for card in told if card.is_change]
    if changed:
        return desk.say("More than noise: %(what)s.", what="; ".join(changed))
    return desk.say("Nothing has changed beyond noise.") if told else ""


def _seen(screen: Screen) -> str:
    """Say what is being looked at: the days, and how they are cut."""
    language = screen.desk.language
    first = metrics.period_text(screen.query.first, "day", language)
    last = metrics.period_text(screen.query.end - timedelta(days=1), "day", language)
    each = screen.desk.say(metrics.INTERVALS[screen.interval]).lower()
    return screen.desk.say("%(first)s to %(last)s, by %(each)s", first=first, last=last, each=each)


def _step(name: str, step: Step | None, screen: Screen) -> str:
    if step is None:
        return ""
    size = metrics.step_text(name, step.change.value, screen.desk.language)
    before = metrics.period_text(step.before.start, screen.interval, screen.desk.language)
    return screen.desk.say("%(step)s since %(before)s", step=size, before=before)


def _verdict(step: Step | None, desk: Desk) -> str:
    if step is None:
        return ""
    return desk.say("change") if step.is_change else desk.say("noise")


# The trend


def _main(screen: Screen, found: Sequence[Series]) -> dict[str, Any]:
    desk, metric = screen.desk, screen.metric
    shown = sorted((each for each in found if each.points), key=lambda each: -_answers(each))[:MULTIPLES_MAX]
    return {
        "title": desk.say(metrics.NAMES[metric]),
        "meaning": desk.say(metrics.MEANINGS[metric]),
        "filtered": _filtered(screen),
        "multiples": _multiples(screen, shown),
        "left_out": max(0, sum(1 for each in found if each.points) - len(shown)),
        "rows": _rows(screen, shown),
        "split": _dimension(screen.query.by, desk) if screen.query.by else "",
        "csv": "/trends.csv?" + urlencode(screen.given()),
        "wider": screen.href(filter="") if screen.query.filter else "",
    }


def _answers(series: Series) -> int:
    return sum(point.n or 0 for point in series.points)


def _multiples(screen: Screen, shown: Sequence[Series]) -> list[Multiple]:
    metric, language = screen.metric, screen.desk.language
    scale = scale_of(metric, [point for each in shown for point in each.points])
    return [_multiple(screen, each, scale, SMALL if len(shown) > 1 else TALL, metric, language) for each in shown]


def _multiple(screen: Screen, series: Series, scale: Scale, height: int, metric: str, language: str) -> Multiple:
    interval = screen.interval
    estimate = pooled(metric, series.points)
    filtered = {"by": "", "filter": f"{screen.query.by}:{series.key}"} if screen.query.by else {}
    drawn = plot(
        series.points,
        screen.course,
        scale,
        height=height,
        down=ticks_of(scale, lambda value: metrics.value_text(metric, value, language)),
        across=screen.course.ticks(lambda start, first: metrics.tick_text(start, interval, language, first=first)),
        text=lambda point: _told(point, screen),
        href=lambda point: _closer(point, screen, **filtered),
    )
    return Multiple(
        title=_key(series.key, screen.query.by, screen.desk),
        href=screen.href(**filtered) if filtered else "",
        value=metrics.value_text(metric, estimate.value, language),
        n=estimate.n,
        plot=drawn,
    )


def _told(point: Point, screen: Screen) -> str:
    period = metrics.period_text(point.start, screen.interval, screen.desk.language)
    return f"{period}: {metrics.shown_text(screen.metric, point, screen.desk)}"


def _closer(point: Point, screen: Screen, **changes: str) -> str:
    """Return the address of one period cut finer; empty where it is cut as fine as its reader may see."""
    order = [each for each in reversed(INTERVALS) if screen.desk.reads_all or each in CLOSED]
    finer = order[order.index(screen.interval) + 1 :][:1]
    if not finer:
        return ""
    end = end_of(point.start, screen.interval)
    span = {"from": point.start.isoformat(), "to": end.isoformat(), "interval": finer[0]}
    return screen.href(**span, **changes)


def _rows(screen: Screen, shown: Sequence[Series]) -> list[dict[str, str]]:
    """Return the table behind the drawing."""
    metric, language = screen.metric, screen.desk.language
    return [
        {
            "series": _key(series.key, screen.query.by, screen.desk),
            "period": metrics.period_text(point.start, screen.interval, language),
            "value": metrics.value_text(metric, point.value, language) if not point.hidden else "·",
            "between": metrics.interval_text(metric, point.low, point.high, language),
            "n": str(point.n) if point.n is not None else "·",
        }
        for series in shown
        for point in series.points
    ]


def _key(key: str, by: str | None, desk: Desk) -> str:
    if key == ALL and not by:
        return desk.say("All together")
    if by == "department":
        return desk.department(key)
    if by == "program":
        found = desk.organisation.program(key)
        return in_language(found.name, desk.language) if found else key
    return key


def _filtered(screen: Screen) -> str:
    if screen.query.filter is None:
        return ""
    dimension, value = screen.query.filter
    return f"{_dimension(dimension, screen.desk)}: {_key(value, dimension, screen.desk)}"


def _dimension(name: str, desk: Desk) -> str:
    return desk.say(metrics.DIMENSIONS[name]) if name in metrics.DIMENSIONS else name


# Departments beside each other


def _compared(screen: Screen) -> dict[str, object] | None:
    """Return the departments on one scale; none for a reader who has one only."""
    if not screen.desk.reads_all:
        return None
    rows, ends = _by_department(screen, (screen.metric,))
    title = screen.desk.say(metrics.NAMES[screen.metric])
    return {"title": title, "rows": rows, "ends": ends} if len(rows) > 1 else None


def _promises(screen: Screen) -> dict[str, object] | None:
    """Return promises as delivered beside promises as customers say, by department."""
    rows, ends = _by_department(screen, ("delivered_promise", "kept_promise"))
    return {"rows": rows, "ends": ends} if rows else None


def _by_department(screen: Screen, wanted: Sequence[str]) -> tuple[list[Compared], tuple[str, str]]:
    """Return each department's row, the best first, and the two ends of their scale."""
    asked = {name: _estimates(screen, name) for name in wanted}
    scale = _scale(wanted, [each for estimates in asked.values() for each in estimates.values()])
    keys = dict.fromkeys(key for estimates in asked.values() for key in estimates)
    rows = [_row(screen, key, wanted, asked, scale) for key in keys]
    downwards = METRICS[wanted[0]].unit in ("seconds", "per case")
    low, high = (metrics.value_text(wanted[0], end, screen.desk.language) for end in (scale.low, scale.high))
    return sorted(rows, key=lambda row: _order(row, downwards)), (low, high)


def _order(row: Compared, downwards: bool) -> tuple[bool, float]:
    first = row.whiskers[0]
    return first is None, (first.at if downwards else -first.at) if first else 0.0


def _estimates(screen: Screen, metric: str) -> dict[str, Estimate]:
    try:
        found = screen.series(metric=metric, by="department", filter="")
    except Invalid:
        return {}
    estimates = {series.key: pooled(metric, series.points) for series in found}
    return {key: estimate for key, estimate in estimates.items() if estimate.value is not None}


def _scale(wanted: Sequence[str], estimates: Iterable[Estimate]) -> Scale:
    if METRICS[wanted[0]].unit == "percent":
        return Scale(0, 100)
    if METRICS[wanted[0]].unit == "points":
        return Scale(-100, 100)
    highest = max((each.high or each.value or 0.0 for each in estimates), default=1.0)
    return Scale(0, highest or 1.0)


def _row(
    screen: Screen, key: str, wanted: Sequence[str], asked: Mapping[str, Mapping[str, Estimate]], scale: Scale
) -> Compared:
    chosen = screen.query.filter == ("department", key)
    return Compared(
        title=screen.desk.department(key),
        href=screen.href(filter="" if chosen else f"department:{key}", by="") if screen.desk.reads_all else "",
        cases=f"/cases?department={key}" if screen.desk.organisation.department(key) else "",
        is_chosen=chosen,
        whiskers=tuple(_whisker(name, asked[name].get(key), scale, screen.desk) for name in wanted),
    )


def _whisker(metric: str, estimate: Estimate | None, scale: Scale, desk: Desk) -> Whisker | None:
    if estimate is None or estimate.value is None:
        return None
    low = estimate.low if estimate.low is not None else estimate.value
    high = estimate.high if estimate.high is not None else estimate.value
    between = metrics.interval_text(metric, estimate.low, estimate.high, desk.language)
    value = metrics.value_text(metric, estimate.value, desk.language)
    text = f"{value} ({between}), n\u00a0=\u00a0{estimate.n}" if between else f"{value}, n\u00a0=\u00a0{estimate.n}"
    return Whisker(100 * scale.share(estimate.value), 100 * scale.share(low), 100 * scale.share(high), text)


# What can be asked


def _controls(desk: Desk, asked: Mapping[str, str]) -> dict[str, object]:
    intervals = [each for each in INTERVALS if desk.reads_all or each in CLOSED]
    dimensions = [*DIMENSIONS, *desk.organisation.trends.attributes]
    return {
        "metric": _options(((name, desk.say(text)) for name, text in metrics.NAMES.items()), asked.get("metric")),
        "interval": _options(((each, desk.say(metrics.INTERVALS[each])) for each in intervals), asked.get("interval")),
        "by": _options(
            [("", desk.say("Nothing: all together")), *((each, _dimension(each, desk)) for each in dimensions)],
            asked.get("by", ""),
        ),
        "filter": _options(_filters(desk, asked.get("filter", "")), asked.get("filter", "")),
        "from": asked.get("from", ""),
        "to": asked.get("to", ""),
    }


def _filters(desk: Desk, given: str) -> list[tuple[str, str]]:
    known = [("", desk.say("Everything"))]
    if desk.reads_all:
        known += [(f"department:{each.id}", desk.department(each.id)) for each in desk.organisation.departments]
    known += [(f"program:{each.id}", _key(each.id, "program", desk)) for each in desk.organisation.programs]
    return known if given in dict(known) else [*known, (given, given)]


def _options(choices: Iterable[tuple[str, str]], chosen: str | None) -> list[dict[str, object]]:
    return [{"value": value, "text": text, "chosen": value == chosen} for value, text in choices]
