"""Show what stands beside the trend: targets, promises and value in four fields, the journey, the people of a team."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from chalicelib.adapters.desk import metrics
from chalicelib.adapters.desk.frame import Desk
from chalicelib.adapters.desk.plot import Plot, Scale, plot, scale_of
from chalicelib.adapters.desk.screen import Screen
from chalicelib.adapters.desk.whisker import Whisker, whisker
from chalicelib.adapters.templates.formats import number, percent
from chalicelib.domain.dayfile import is_findable
from chalicelib.domain.metric import METRICS
from chalicelib.domain.reading import Step, differ_much, pooled, share_steps, whole
from chalicelib.domain.score import Estimate, share
from chalicelib.domain.survey import SCALES, Question
from chalicelib.domain.target import Progress
from chalicelib.domain.terms import in_language
from chalicelib.domain.trend import Asking, Point, Said, total_of

SALES_AND_SERVICE = ("sale.closed", "ticket.closed")
COMMON = "kept_promise"
"""What sales and service are both asked, whatever their ratings are."""

SHARES = Scale(0, 100)
SPARK = 36  # pixels


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
    """Return the departments in four fields, above or below the company: as delivered, and as customers say.

    A department whose interval holds the company's own level may stand where it stands by chance, and is said to.
    """
    company = {name: pooled(name, screen.points(name)).value for name in ("delivered_promise", "kept_promise")}
    both = [key for key in delivered if key in said]
    if not both or None in company.values():
        return None
    fields: dict[str, list[dict[str, str]]] = {"yes_yes": [], "yes_no": [], "no_yes": [], "no_no": []}
    for key in both:
        beside = ((delivered[key], company["delivered_promise"] or 0.0), (said[key], company["kept_promise"] or 0.0))
        place = "_".join("yes" if (each.value or 0.0) >= level else "no" for each, level in beside)
        fields[place].append(_placed(screen.desk, key, beside))
    levels = {name: metrics.value_text(name, value, screen.desk.language) for name, value in company.items()}
    return {"fields": fields, **levels}


def _placed(desk: Desk, key: str, beside: Sequence[tuple[Estimate, float]]) -> dict[str, str]:
    shares = " · ".join(_share(each.value or 0.0, desk) for each, _ in beside)
    by_chance = any((each.low or 0.0) <= level <= (each.high or 0.0) for each, level in beside)
    return {"title": desk.department(key), "shares": shares, "doubt": desk.say(STATES["open"]) if by_chance else ""}


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


LEFT_OUT_SHOWN = 3
REASONS = {
    "no_program": _("no program asks"),
    "rule": _("left out by a rule"),
    "not_sampled": _("not drawn"),
    "capped": _("day's limit reached"),
    "same_episode": _("asked about it already"),
    "opted_out": _("do not want to be asked"),
    "suppressed": _("address takes no mail"),
    "erased": _("asked to be forgotten"),
    "resting": _("asked a short while ago"),
    "no_address": _("no address"),
    "not_authorised_channel": _("no address of that kind"),
    "too_old": _("too long ago"),
    "cancelled": _("cancelled"),
    "internal_recipient": _("our own"),
    "paused": _("sending was paused"),
    "incident": _("incident"),
}


def asking(screen: Screen, beside: Collection[str]) -> dict[str, object] | None:
    """Return how many of each department's events were asked about, and answered.

    Where that differs much between the departments that stand beside each other, it says so.
    """
    desk, query = screen.desk, screen.query
    if screen.than or query.filter:
        return None
    found = screen.answers.asking(query.first, query.end)
    rows = [_asking(desk, id_, each) for id_, each in found.items()]
    answered = {id_: (each.answered, each.arrived) for id_, each in found.items() if id_ in beside}
    asked = {id_: (each.invited, each.decided) for id_, each in found.items() if id_ in beside}
    return (
        {
            "rows": sorted(rows, key=lambda row: row.title),
            "answers_differ": differ_much(answered),
            "asking_differs": differ_much(asked),
        }
        if rows
        else None
    )


def _asking(desk: Desk, id_: str, each: Asking) -> Row:
    covered = share(each.invited, each.decided)
    told = desk.say(
        "asked %(asked)s of %(decided)s (%(share)s)",
        asked=number(each.invited, language=desk.language),
        decided=number(each.decided, language=desk.language),
        share=_share(covered.value or 0.0, desk),
    )
    most = sorted(each.left_out.items(), key=lambda one: (-one[1], one[0]))[:LEFT_OUT_SHOWN]
    left_out = [f"{desk.say(REASONS.get(reason, reason))}: {number(n, language=desk.language)}" for reason, n in most]
    drawn = whisker("response_rate", share(each.answered, each.arrived), SHARES, desk)
    return Row(desk.department(id_), drawn, " · ".join((told, *left_out)))


def said(screen: Screen) -> dict[str, object]:
    """Return what answers say beside their rating: the journey, what moves the rating, what failed, what words name."""
    query = screen.query
    found = screen.answers.said(query.filter, query.first, query.end, screen.interval)
    return {
        "journey": _journey(screen.desk, found),
        "drivers": _drivers(screen.desk, found),
        "failed": _failed(screen.desk, found),
        "topics": _topics(screen, found),
    }


def _questions(desk: Desk) -> dict[str, Question]:
    return {each.id: each for survey in desk.organisation.surveys for each in survey.questions}


def _journey(desk: Desk, found: Said) -> list[Row]:
    """Return each touchpoint that customers are asked about, in the order in which surveys ask."""
    questions = _questions(desk)
    return [
        Row(in_language(questions[id_].text, desk.language), whisker("csat", estimate, SHARES, desk))
        for id_, estimate in found.journey.items()
    ]


def _drivers(desk: Desk, found: Said) -> dict[str, object] | None:
    """Return each touchpoint's share of what all of them explain of the rating, the largest first."""
    told = found.drivers
    if not told.drivers or not told.r2:
        return None
    questions = _questions(desk)
    rows = [
        Row(
            in_language(questions[each.key].text, desk.language),
            _bar(part := 100 * each.share / told.r2, _share(part, desk)),
        )
        for each in told.drivers
        if each.key in questions
    ]
    return {"rows": rows, "n": told.n, "r2": number(told.r2, 2, language=desk.language)}


def _failed(desk: Desk, found: Said) -> dict[str, object] | None:
    """Return how often each thing was said to have failed, the most frequent first."""
    if not found.failed:
        return None
    # Surveys may ask a question of one name with other options.
    questions = [question for survey in desk.organisation.surveys for question in survey.questions]
    options = {option.id: option for question in questions if question.kind == "drivers" for option in question.options}
    rows = [
        Row(
            in_language(options[id_].text, desk.language) if id_ in options else id_,
            _bar(min(100.0, 100 * n / found.lows) if found.lows else 0.0, number(n, language=desk.language)),
        )
        for id_, n in sorted(found.failed.items(), key=lambda each: (-each[1], each[0]))
    ]
    return {"rows": rows, "lows": number(found.lows, language=desk.language)}


def _bar(percent_: float, text: str) -> Whisker:
    return Whisker(percent_, 0.0, percent_, text)


def _share(percent_: float, desk: Desk) -> str:
    return percent(percent_, language=desk.language)


@dataclass(frozen=True)
class Topic:
    """What words speak of: how often, with the way it came, and its answers."""

    title: str
    text: str
    low: str
    spark: Plot
    step: str
    verdict: str
    is_change: bool
    href: str


def _topics(screen: Screen, found: Said) -> list[Topic]:
    """Return the departments that customers write about, the one they speak of most first."""
    told = share_steps(found.topics, screen.interval, screen.today)
    topics = [_topic(screen, id_, points, told.get(id_)) for id_, points in found.topics.items()]
    return [topic for _, topic in sorted(topics, key=lambda each: (-each[0], each[1].title))]


def _topic(screen: Screen, id_: str, points: Sequence[Point], step: Step | None) -> tuple[int, Topic]:
    desk, query = screen.desk, screen.query
    counts = total_of(point.counts for point in points if point.counts)
    spoken, answers = sum(counts.values()), sum(point.n or 0 for point in points)
    estimate = share(spoken, answers)
    ended = whole(points, screen.interval, screen.today)
    between = metrics.interval_text("csat", estimate.low, estimate.high, desk.language)
    days = {"from": query.first.isoformat(), "to": query.end.isoformat(), "topic": id_}
    wanted = {"filter": screen.asked["filter"]} if screen.asked.get("filter") else {}
    is_findable_ = not query.filter or is_findable(query.filter[0], None)
    n = number(answers, language=desk.language)
    topic = Topic(
        title=desk.department(id_),
        text=f"{_share(estimate.value or 0.0, desk)} ({between}), n\u00a0=\u00a0{n}",
        low=desk.say(
            "answers: %(n)s, of them low: %(low)s",
            n=number(spoken, language=desk.language),
            low=number(counts.get("low", 0), language=desk.language),
        ),
        spark=plot(ended, screen.short_course, scale_of("csat", ended), height=SPARK, text=lambda point: ""),
        step=_stepped(screen, step) if step else "",
        verdict=(desk.say("change") if step.is_change else desk.say("noise")) if step else "",
        is_change=step.is_change if step else False,
        href="/answers?" + urlencode({**days, **wanted}) if is_findable_ else "",
    )
    return spoken, topic


def _stepped(screen: Screen, step: Step) -> str:
    language = screen.desk.language
    change = metrics.change_text("csat", step.change, language)
    return metrics.since_text(change, step.before.start, screen.interval, language)


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
