"""Show what stands beside the trend: targets, promises and value in four fields, the journey, the people of a team."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chalicelib.adapters.desk import metrics
from chalicelib.adapters.desk.frame import Desk
from chalicelib.adapters.desk.plot import Scale
from chalicelib.adapters.desk.screen import Screen
from chalicelib.adapters.desk.whisker import Whisker, whisker
from chalicelib.adapters.templates.formats import number, percent
from chalicelib.domain.metric import METRICS
from chalicelib.domain.reading import pooled
from chalicelib.domain.score import Estimate, share
from chalicelib.domain.survey import SCALES
from chalicelib.domain.target import Progress
from chalicelib.domain.terms import in_language
from chalicelib.domain.trend import total_of

SALES_AND_SERVICE = ("sale.closed", "ticket.closed")
COMMON = "kept_promise"
"""What sales and service are both asked, whatever their ratings are."""

SHARES = Scale(0, 100)


def _(text: str) -> str:
    """Mark a sentence for the catalogues; it is translated where it is said."""
    return text


STATES = {"reached": _("reached"), "short": _("not reached"), "open": _("not certain yet")}
VALUE = {
    "yes_high": _("Got what they needed, and satisfied"),
    "yes_low": _("Got what they needed, yet let down: goodwill lost"),
    "no_high": _("Did not get it, yet satisfied"),
    "no_low": _("Neither"),
}
TOUCHPOINTS = {"sale.closed": _("Sales"), "ticket.closed": _("Service")}


@dataclass(frozen=True)
class Goal:
    """One target: what it should come to, what it has come to, and how certain that is."""

    title: str
    meaning: str
    whose: str
    wanted: str
    text: str
    state: str
    kind: str
    percent: int


@dataclass(frozen=True)
class Row:
    """One line with a value on a scale."""

    title: str
    whisker: Whisker | None
    note: str = ""


def goals(desk: Desk, found: Sequence[Progress]) -> list[Goal]:
    """Return targets as they are shown, those that are not reached first."""
    order = {"short": 0, "open": 1, "reached": 2}
    return [_goal(desk, each) for each in sorted(found, key=lambda each: order[each.state])]


def _goal(desk: Desk, found: Progress) -> Goal:
    target, estimate = found.target, found.estimate
    name = desk.say(metrics.NAMES[target.metric])
    value = metrics.value_text(target.metric, estimate.value, desk.language)
    between = metrics.interval_text(target.metric, estimate.low, estimate.high, desk.language)
    told, meaning = f"{value} ({between})" if between else value, desk.say(metrics.MEANINGS[target.metric])
    return Goal(
        title=in_language(target.name, desk.language) if target.name else name,
        meaning=f"{name}. {meaning}" if target.name else meaning,
        whose=desk.department(target.department) if target.department else target.role or "",
        wanted=metrics.value_text(target.metric, target.value, desk.language),
        text=f"{told}, n\u00a0=\u00a0{number(estimate.n, language=desk.language)}",
        state=desk.say(STATES[found.state]),
        kind=found.state,
        percent=round(100 * found.share),
    )


def value_fields(screen: Screen) -> dict[str, object] | None:
    """Return value against satisfaction: how many of those who answered both are in each of four fields."""
    desk = screen.desk
    counts = total_of(point.counts for point in screen.points("value_satisfaction") if point.counts)
    n = sum(counts.values())
    fields = [_field(desk, name, counts.get(name, 0), n) for name in VALUE]
    return {"fields": fields, "n": n} if n else None


def _field(desk: Desk, name: str, count: int, n: int) -> dict[str, str]:
    part = share(count, n)
    between = metrics.interval_text("csat", part.low, part.high, desk.language)
    told = f"{percent(part.value or 0.0, language=desk.language)} ({between}), n\u00a0=\u00a0{count}"
    return {"kind": name, "title": desk.say(VALUE[name]), "text": told}


def promise_fields(
    screen: Screen, delivered: Mapping[str, Estimate], said: Mapping[str, Estimate]
) -> dict[str, object] | None:
    """Return the departments in four fields, above or below the company: as delivered, and as customers say."""
    company = {name: pooled(name, screen.points(name)).value for name in ("delivered_promise", "kept_promise")}
    both = [key for key in delivered if key in said]
    if not both or None in company.values():
        return None
    fields: dict[str, list[str]] = {"yes_yes": [], "yes_no": [], "no_yes": [], "no_no": []}
    for key in both:
        places = [
            _at_least(delivered[key], company["delivered_promise"]),
            _at_least(said[key], company["kept_promise"]),
        ]
        fields["_".join("yes" if each else "no" for each in places)].append(screen.desk.department(key))
    levels = {name: metrics.value_text(name, value, screen.desk.language) for name, value in company.items()}
    return {"fields": fields, **levels}


def _at_least(estimate: Estimate, level: float | None) -> bool:
    return (estimate.value or 0.0) >= (level or 0.0)


def sales_and_service(screen: Screen) -> list[Row]:
    """Return what both are asked, apart: whether the promise was kept, and each one's own rating in its note."""
    rows = []
    for touchpoint in SALES_AND_SERVICE:
        one = f"touchpoint:{touchpoint}"
        found = [each.points for each in screen.series(metric=COMMON, by="", filter=one)]
        estimate = pooled(COMMON, (point for points in found for point in points))
        drawn = whisker(COMMON, estimate, SHARES, screen.desk)
        note = " · ".join(_rated(screen, one))
        if drawn or note:
            rows.append(Row(screen.desk.say(TOUCHPOINTS[touchpoint]), drawn, note))
    return rows


def _rated(screen: Screen, one: str) -> list[str]:
    """Return a touchpoint's ratings, each by its name with n and interval."""
    told = []
    for metric in SCALES:
        points = [point for each in screen.series(metric=metric, by="", filter=one) for point in each.points]
        drawn = whisker(metric, pooled(metric, points), SHARES, screen.desk)
        if drawn:
            told.append(f"{screen.desk.say(metrics.NAMES[metric])}: {drawn.text}")
    return told


def journey(screen: Screen) -> list[Row]:
    """Return each touchpoint that customers are asked about, in the order in which surveys ask."""
    desk, query = screen.desk, screen.query
    questions = {each.id: each for survey in desk.organisation.surveys for each in survey.questions}
    found = screen.answers.journey(query.filter, query.first, query.end)
    return [
        Row(in_language(questions[id_].text, desk.language), whisker("csat", estimate, SHARES, desk))
        for id_, estimate in found.items()
    ]


def teams(screen: Screen, metric: str) -> dict[str, object] | None:
    """Return how far the people of each department differ, in rating points, with the interval of that."""
    desk, query = screen.desk, screen.query
    large = [each.id for each in desk.organisation.departments if len(each.people) > 1]
    found = {id_: screen.answers.team(id_, metric, query.first, query.end) for id_ in large}
    known = {id_: estimate for id_, estimate in found.items() if estimate.value is not None}
    scale = Scale(0, max((each.high or each.value or 0.0 for each in known.values()), default=1.0) or 1.0)
    rows = [Row(desk.department(id_), _spread(estimate, scale, desk)) for id_, estimate in known.items()]
    return {"title": desk.say(metrics.NAMES[metric]), "rows": rows} if rows else None


def _spread(estimate: Estimate, scale: Scale, desk: Desk) -> Whisker:
    value, low, high = (each or 0.0 for each in (estimate.value, estimate.low, estimate.high))
    told, least, most = (number(each, 2, language=desk.language) for each in (value, low, high))
    text = f"{told} ({least} … {most}), n\u00a0=\u00a0{number(estimate.n, language=desk.language)}"
    return Whisker(100 * scale.share(value), 100 * scale.share(low), 100 * scale.share(high), text)


def is_rating(metric: str) -> bool:
    """Say whether a metric is a rating that customers give, of which each person of a team has a share."""
    return metric in SCALES and METRICS[metric].kind == "response"
