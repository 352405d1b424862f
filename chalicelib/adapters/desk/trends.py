"""Show leadership, and each department for itself, how it goes: one calm screen, each value with its uncertainty."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from chalicelib.adapters.desk import metrics, standing
from chalicelib.adapters.desk.frame import Desk, desk_page
from chalicelib.adapters.desk.plot import Plot, Scale, plot, scale_of, ticks_of
from chalicelib.adapters.desk.screen import THAN, Answers, Screen
from chalicelib.adapters.desk.whisker import Whisker, scale_for, whisker
from chalicelib.adapters.templates import Page
from chalicelib.domain.dayfile import ANSWERED, is_findable
from chalicelib.domain.disclosure import CLOSED
from chalicelib.domain.metric import METRICS
from chalicelib.domain.period import INTERVALS, end_of, start_of
from chalicelib.domain.reading import Step, compared, indicators, pooled, rated, standings, together, whole
from chalicelib.domain.rollup import ALL, DIMENSIONS, day_of
from chalicelib.domain.score import Estimate
from chalicelib.domain.terms import in_language
from chalicelib.domain.trend import Point, Query, Series, read_query, read_range
from chalicelib.errors import Invalid, Problem


def _(text: str) -> str:
    """Mark a sentence for the catalogues; it is translated where it is said."""
    return text


TURNED = _("The days must begin before they end, and span ten years at most.")
FAULTS = {
    "metric": (_("What"), _("That is not measured.")),
    "by": (_("Split by"), _("By this nothing is counted, or not together with the rest.")),
    "filter": (_("Only"), _("By this nothing is counted, or not together with the rest.")),
    "interval": (_("Each"), _("That cannot be shown, or makes too many points: take longer periods.")),
    "from": (_("From"), TURNED),
    "to": (_("To, without this day"), TURNED),
    "than_from": (_("Compared with, from"), TURNED),
    "than_to": (_("to, without this day"), TURNED),
}
MULTIPLES_MAX = 12
PARAMETERS = ("metric", "by", "from", "to", "interval", "filter")
NOTHING_BESIDE: dict[str, Any] = dict.fromkeys(
    ("goals", "value", "plane", "apart", "journey", "teams", "asking", "drivers", "failed", "topics")
)
TALL, SMALL, SPARK = 220, 110, 36  # pixels


@dataclass(frozen=True)
class Card:
    """One indicator: its last whole period, what it rests on, and the way it came."""

    name: str
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
class Compared:
    """One department beside the others."""

    title: str
    href: str
    cases: str
    is_chosen: bool
    whiskers: tuple[Whisker | None, ...]


def trends_page(desk: Desk, given: Mapping[str, str], answers: Answers) -> Page:
    """Return the screen; what cannot be answered is said above the fields that asked it."""
    asked = _asked(desk, given)
    try:
        screen = _screen(desk, asked, answers)
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
        caution=_caution(cards, desk),
        **_beside(screen, cards),
    )


def _beside(screen: Screen, cards: Sequence[Card]) -> dict[str, Any]:
    """Return what stands beside the trend; of single answers' parts only what its reader may see."""
    if not cards:
        return NOTHING_BESIDE
    desk, query = screen.desk, screen.query
    told = NOTHING_BESIDE | {
        "goals": standing.goals(desk, screen.answers.targets(query.first, query.end)),
        "value": standing.value_fields(screen),
    }
    if not desk.reads_all:
        return told
    metric = screen.metric if standing.is_rating(screen.metric) else next(iter(rated(desk.organisation)), "nps")
    delivered, said = (_estimates(screen, name) for name in ("delivered_promise", "kept_promise"))
    return told | {
        "plane": standing.promise_fields(screen, delivered, said),
        "apart": standing.sales_and_service(screen),
        "asking": standing.asking(screen, _estimates(screen, screen.metric)),
        **standing.said(screen),
        "teams": standing.teams(screen, metric),
    }


def csv_of(desk: Desk, given: Mapping[str, str], answers: Answers) -> list[list[str]]:
    """Return the rows of the trend for a spreadsheet, the heading first. Raises Invalid."""
    screen = _screen(desk, _asked(desk, given), answers)
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
    asked.setdefault("metric", next(iter(rated(desk.organisation)), "nps"))
    asked.setdefault("interval", "month")
    if "from" not in asked and "to" not in asked:
        asked["from"] = start_of(today.replace(year=today.year - 1, day=1), "month").isoformat()
    return asked


def _screen(desk: Desk, asked: Mapping[str, str], answers: Answers) -> Screen:
    own = None if desk.reads_all else desk.principal.department if desk.principal else None
    today = date.fromisoformat(day_of(desk.now, desk.organisation.zone))
    told = {name: [value] for name, value in asked.items() if name not in THAN}
    query = read_query(told, desk.organisation, today, own)
    return Screen(desk, asked, query, answers, _than(desk, asked, query, today))


def _than(desk: Desk, asked: Mapping[str, str], query: Query, today: date) -> tuple[date, date] | None:
    """Return the days to compare with: as many as are shown, where only their beginning is given. Raises Invalid."""
    given = {name: [asked[than]] for name, than in zip(("from", "to"), THAN, strict=True) if than in asked}
    if not given:
        return None
    try:
        first, end, _ = read_range(given, desk.organisation, today)
    except Invalid as refusal:
        raise Invalid(*(Problem(f"/than_{each.pointer[1:]}", each.detail) for each in refusal.problems)) from None
    return (first, end) if "to" in given else (first, first + (query.end - query.first))


def _refused(desk: Desk, asked: Mapping[str, str], problems: Sequence[Problem]) -> Page:
    said = [_fault(problem, desk) for problem in problems]
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
        caution="",
        **NOTHING_BESIDE,
    )


def _fault(problem: Problem, desk: Desk) -> dict[str, str]:
    """Say a fault in the reader's words; what the API says of it, with all that is allowed, stands beside it."""
    name = problem.pointer.removeprefix("/")
    label, told = FAULTS.get(name, (name, _("No such question is known.")))
    return {"id": f"f-{name}", "name": desk.say(label), "text": desk.say(told), "detail": problem.detail}


# Cards


def _cards(screen: Screen) -> list[Card]:
    names = indicators(screen.desk.organisation)
    every = {name: points for name in names if (points := screen.points(name))}
    if screen.than:
        last = {name: one for name, points in every.items() if (one := together(name, points))}
        told = compared({name: screen.earlier(name) for name in last}, {name: every[name] for name in last})
        return [_card(name, every[name], one, told.get(name), screen) for name, one in last.items()]
    found = standings(every, screen.interval, screen.today)
    return [_card(name, every[name], each.last, each.step, screen) for name, each in found.items()]


def _card(name: str, points: Sequence[Point], last: Point, step: Step | None, screen: Screen) -> Card:
    desk = screen.desk
    ended = whole(points, screen.interval, screen.today)
    spark = plot(ended, screen.short_course, scale_of(name, ended), height=SPARK, text=lambda point: "")
    return Card(
        name=name,
        title=desk.say(metrics.NAMES[name]),
        meaning=desk.say(metrics.MEANINGS[name]),
        value=metrics.value_text(name, last.value, desk.language),
        between=metrics.interval_text(name, last.low, last.high, desk.language),
        n=last.n or 0,
        period=_days(screen) if screen.than else metrics.named_period(last.start, screen.interval, desk.language),
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


def _caution(cards: Sequence[Card], desk: Desk) -> str:
    """Warn where those compared were answered by other shares of people: then part of a change may be who answered."""
    if any(card.name == "response_rate" and card.is_change for card in cards):
        return desk.say("The response rate has changed too: part of any other change may be who answered.")
    return ""


def _seen(screen: Screen) -> str:
    """Say what is being looked at: the days, and how they are cut."""
    each = screen.desk.say(metrics.INTERVALS[screen.interval]).lower()
    seen = screen.desk.say("%(days)s, by %(each)s", days=_days(screen), each=each)
    if screen.than is None:
        return seen
    return seen + " · " + screen.desk.say("compared with %(days)s", days=_range(*screen.than, screen.desk))


def _days(screen: Screen) -> str:
    return _range(screen.query.first, screen.query.end, screen.desk)


def _range(first: date, end: date, desk: Desk) -> str:
    """Say from which day to which; `end` is the day after."""
    return metrics.days_text(first, end, desk.language)


def _step(name: str, step: Step | None, screen: Screen) -> str:
    if step is None:
        return ""
    desk = screen.desk
    size = metrics.change_text(name, step.change, desk.language)
    if screen.than:
        return desk.say("%(step)s against %(before)s", step=size, before=_range(*screen.than, desk))
    return metrics.since_text(size, step.before.start, screen.interval, desk.language)


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
        "is_running": any(screen.is_running(each.points[-1]) for each in shown),
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
        is_running=screen.is_running,
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
    told = f"{period}: {metrics.shown_text(screen.metric, point, screen.desk)}"
    return f"{told} · {screen.desk.say('so far')}" if screen.is_running(point) else told


def _closer(point: Point, screen: Screen, **changes: str) -> str:
    """Return the address of one period cut finer; where it cannot be, of its answers, for who may read them."""
    order = [each for each in reversed(INTERVALS) if screen.desk.reads_all or each in CLOSED]
    finer = order[order.index(screen.interval) + 1 :][:1]
    if not finer:
        return answers_of(point, screen, changes.get("filter", ""))
    end = end_of(point.start, screen.interval)
    span = {"from": point.start.isoformat(), "to": end.isoformat(), "interval": finer[0]}
    return screen.href(**span, **changes)


def answers_of(point: Point, screen: Screen, split: str = "") -> str:
    """Return the address of the answers that a point counts; empty where single answers cannot tell, or must not.

    Its day is not always that of an answer: an invitation counts on its event's, a promise on the promised one.
    """
    query, desk = screen.query, screen.desk
    filters = [each for each in (screen.asked.get("filter"), split) if each]
    if not desk.reads_all or screen.metric not in ANSWERED or len(filters) > 1:
        return ""
    if filters and not is_findable(filters[0].partition(":")[0], screen.metric):
        return ""
    first, end = max(point.start, query.first), min(end_of(point.start, screen.interval), query.end)
    asked = {"from": first.isoformat(), "to": end.isoformat(), "metric": screen.metric}
    return "/answers?" + urlencode(asked | ({"filter": filters[0]} if filters else {}))


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
            "note": screen.desk.say("so far") if screen.is_running(point) else "",
            "answers": answers_of(point, screen, f"{screen.query.by}:{series.key}" if screen.query.by else ""),
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
    return filter_text(screen.query.filter, screen.desk)


def filter_text(wanted: tuple[str, str] | None, desk: Desk) -> str:
    """Return a filter in words, as in «Department: Dispatch»; empty where there is none."""
    if wanted is None:
        return ""
    dimension, value = wanted
    return f"{_dimension(dimension, desk)}: {_key(value, dimension, desk)}"


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
    scale = scale_for(wanted[0], [each for estimates in asked.values() for each in estimates.values()])
    keys = dict.fromkeys(key for estimates in asked.values() for key in estimates)
    rows = [_row(screen, key, wanted, asked, scale) for key in keys]
    downwards = METRICS[wanted[0]].less_is_better
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


def _row(
    screen: Screen, key: str, wanted: Sequence[str], asked: Mapping[str, Mapping[str, Estimate]], scale: Scale
) -> Compared:
    chosen = screen.query.filter == ("department", key)
    return Compared(
        title=screen.desk.department(key),
        href=screen.href(filter="" if chosen else f"department:{key}", by="") if screen.desk.reads_all else "",
        cases=f"/cases?department={key}" if screen.desk.organisation.department(key) else "",
        is_chosen=chosen,
        whiskers=tuple(whisker(name, asked[name].get(key), scale, screen.desk) for name in wanted),
    )


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
        **{name: asked.get(name, "") for name in ("from", "to", *THAN)},
    }


def _filters(desk: Desk, given: str) -> list[tuple[str, str]]:
    known = [("", desk.say("Everything"))]
    if desk.reads_all:
        known += [(f"department:{each.id}", desk.department(each.id)) for each in desk.organisation.departments]
    known += [(f"program:{each.id}", _key(each.id, "program", desk)) for each in desk.organisation.programs]
    return known if given in dict(known) else [*known, (given, given)]


def _options(choices: Iterable[tuple[str, str]], chosen: str | None) -> list[dict[str, object]]:
    return [{"value": value, "text": text, "chosen": value == chosen} for value, text in choices]
