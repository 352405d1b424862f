"""Read counts as trends: each metric by its formula, in periods, with n and interval beside every value."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from chalicelib.domain.disclosure import CLOSED, TOTAL, hidden
from chalicelib.domain.drivers import Drivers, Moments, general_dominance
from chalicelib.domain.metric import METRICS, Counts, Metric, named, numbered
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.period import INTERVALS, Interval, end_of, periods, start_of
from chalicelib.domain.rollup import ALL, DIMENSIONS, driver_set, encode, pair_name
from chalicelib.domain.score import Estimate, share
from chalicelib.domain.survey import SCALES
from chalicelib.domain.terms import NAME_MAX, Frozen
from chalicelib.errors import Forbidden, Invalid, Problem

YEARS_MAX = 10  # of one question: each day is a row of each lane to read
POINTS_MAX = 1_100  # of one series: three years by day
SERIES_MAX = 500  # of one answer: each is a Query
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2200, 1, 1)
ECHO_MAX = 40  # characters of what was asked that an error repeats

Days = Mapping[str, Counts]
"""Counts by day, as counters give them."""


# What is answered


class Point(Frozen):
    """One period of a series; what may not be seen is hidden, with nothing but its beginning."""

    start: date
    n: int | None
    value: float | None
    low: float | None
    high: float | None
    counts: dict[str, int] | None
    hidden: bool = False


class Series(Frozen):
    """The points of one value of a dimension, or of everything together."""

    key: str
    points: tuple[Point, ...]


class Trend(Frozen):
    """A metric over time, with its formula."""

    metric: str
    interval: Interval
    by: str | None
    formula: str
    series: tuple[Series, ...]


class Share(Frozen):
    """How much of the rating's variance one touchpoint explains."""

    key: str
    share: float


class DriversAnswer(Frozen):
    """What drives the rating, over the answers of the survey that most people answered whole."""

    survey: str | None
    n: int
    r2: float | None
    formula: str
    drivers: tuple[Share, ...]


@dataclass(frozen=True)
class Said:
    """What answers say beside their rating: what drives it, how touchpoints were, what failed, what words speak of."""

    drivers: DriversAnswer
    journey: dict[str, Estimate]
    failed: dict[str, int]
    lows: int
    topics: dict[str, tuple[Point, ...]]


@dataclass(frozen=True)
class Asking:
    """Of a department's events: who was asked and who was not, whom it reached and who answered."""

    invited: int
    left_out: dict[str, int]
    """Reason → how many were not asked because of it."""
    arrived: int
    answered: int

    @property
    def decided(self) -> int:
        """How many decisions there were, to ask or not."""
        return self.invited + sum(self.left_out.values())


def asking_of(counts: Counts) -> Asking:
    """Return what was decided, from counts of decisions."""
    arrived = max(0, counts.get("sent", 0))
    return Asking(
        invited=max(0, counts.get("invited", 0)),
        left_out={reason: n for reason, n in named(counts, "skipped").items() if n > 0},
        arrived=arrived,
        answered=min(arrived, max(0, counts.get("answered", 0))),
    )


# What is asked


@dataclass(frozen=True)
class Query:
    """One question about trends: `end` is exclusive; `department` is the only one that its reader may see."""

    metric: Metric
    by: str | None
    first: date
    end: date
    interval: Interval
    filter: tuple[str, str] | None = None
    department: str | None = None
    pair: tuple[str, str] | None = None
    """The counted pair that answers it, where it takes two dimensions."""


NAMES = ("metric", "by", "from", "to", "interval", "filter")


def read_query(
    asked: Mapping[str, Sequence[str]], organisation: Organisation, today: date, department: str | None = None
) -> Query:
    """Return the question that query parameters ask.

    Raises Invalid with what is allowed for each parameter that cannot be used, and Forbidden for another department
    than the reader's own.
    """
    reading = _Reading(asked, NAMES)
    metric = reading.choice("metric", tuple(METRICS))
    dimensions = (*DIMENSIONS, *organisation.trends.attributes)
    by = reading.choice("by", dimensions, default="")
    intervals = tuple(each for each in INTERVALS if department is None or each in CLOSED)
    interval = reading.choice("interval", intervals, default="month")
    first, end = reading.days(today)
    reading.check_points(first, end, interval)
    wanted = reading.filter(dimensions)
    reading.finish()
    query = Query(METRICS[metric], by or None, first, end, _interval(interval), wanted, department)
    return _with_pair(query, organisation)


def read_range(
    asked: Mapping[str, Sequence[str]], organisation: Organisation, today: date
) -> tuple[date, date, tuple[str, str] | None]:
    """Return the days and the filter that query parameters ask for. Raises Invalid."""
    reading = _Reading(asked, ("from", "to", "filter"))
    first, end = reading.days(today)
    wanted = reading.filter((*DIMENSIONS, *organisation.trends.attributes))
    reading.finish()
    return first, end, wanted


def _interval(name: str) -> Interval:
    return next(each for each in INTERVALS if each == name)


def _with_pair(query: Query, organisation: Organisation) -> Query:
    """Return the question with the pair of dimensions that it takes; raises Invalid where that is not counted."""
    filtered = query.filter
    if query.department is not None:
        if filtered and filtered[0] == "department" and filtered[1] != query.department:
            raise Forbidden("another department's trends")
        filtered = filtered if filtered and filtered[0] != "department" else ("department", query.department)
    own = "department" if query.department is not None else None
    wanted = {each for each in (query.by, filtered[0] if filtered else None, own) if each}
    return query if len(wanted) < 2 else _paired(query, wanted, organisation)


def _paired(query: Query, wanted: set[str], organisation: Organisation) -> Query:
    pairs = organisation.trends.pairs
    found = next((pair for pair in pairs if set(pair) == wanted), None)
    if found is None:
        listed = "; ".join(" and ".join(pair) for pair in pairs) or "none"
        where = "/filter" if query.filter else "/by"
        together = " and ".join(sorted(wanted))
        raise Invalid(Problem(where, f"{together} are not counted together; under trends.pairs there is: {listed}"))
    return replace(query, pair=found)


@dataclass
class _Reading:
    """Reads parameters one by one and keeps every fault, so that all are told at once."""

    asked: Mapping[str, Sequence[str]]
    names: tuple[str, ...]
    problems: list[Problem] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name, values in self.asked.items():
            if name not in self.names:
                self._refuse(name[:ECHO_MAX], f"is not one of {', '.join(self.names)}")
            elif len(values) > 1:
                self._refuse(name, "is given more than once; at most once")

    def _refuse(self, name: str, detail: str) -> None:
        self.problems.append(Problem(f"/{name}", detail))

    def _given(self, name: str) -> str | None:
        return next(iter(self.asked.get(name, ())), None)

    def choice(self, name: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        """Return one of the allowed words."""
        given = self._given(name)
        if given is None and default is not None:
            return default
        if given not in allowed:
            self._refuse(name, f"{'is missing: one' if given is None else 'is not one'} of {', '.join(allowed)}")
            return allowed[0] if default is None else default
        return given

    def days(self, today: date) -> tuple[date, date]:
        """Return the first day and the day after the last one; by default the last twelve months, today included."""
        end = self._day("to") or min(today + timedelta(days=1), LAST_DAY)
        first = self._day("from") or max(_years_before(end, 1), FIRST_DAY)
        if first >= end:
            self._refuse("from", f"is not before `to`, {end.isoformat()}, which is exclusive")
            return _years_before(end, 1), end
        if first < _years_before(end, YEARS_MAX):
            self._refuse("from", f"lies more than {YEARS_MAX} years before `to`")
            return _years_before(end, 1), end
        return first, end

    def _day(self, name: str) -> date | None:
        given = self._given(name)
        if given is None:
            return None
        day = _parsed_day(given)
        if day is None or not FIRST_DAY <= day <= LAST_DAY:
            self._refuse(name, f"is not a date from {FIRST_DAY} to {LAST_DAY}, as in 2026-03-06")
            return None
        return day

    def check_points(self, first: date, end: date, interval: str) -> None:
        """Refuse more points than anybody can look at."""
        points = sum(1 for _ in periods(first, end, _interval(interval)))
        if points > POINTS_MAX:
            self._refuse("interval", f"makes {points:,} points of these days; at most {POINTS_MAX:,}: take longer ones")

    def filter(self, dimensions: tuple[str, ...]) -> tuple[str, str] | None:
        """Return one dimension and the value wanted of it."""
        given = self._given("filter")
        if given is None:
            return None
        dimension, _, value = given.partition(":")
        if dimension not in dimensions or not value or len(value) > NAME_MAX:
            where = f"dimension:value, with a value of at most {NAME_MAX} characters"
            self._refuse("filter", f"is not {where}, and one of {', '.join(dimensions)} as its dimension")
            return None
        return dimension, value

    def finish(self) -> None:
        """Raise Invalid with all that was wrong."""
        if self.problems:
            raise Invalid(*self.problems)


def _parsed_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII) else None
    except ValueError:
        return None


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return day.replace(year=day.year - years, day=28)


# What is read


@dataclass(frozen=True)
class Source:
    """Where a question's counts are: a dimension of the counters, and which of its values, by the key they show under.

    Without `values` all values of the dimension are meant, those of a pair whose `fixed` side has the value wanted.
    """

    dimension: str
    values: Mapping[str, str] | None = None
    fixed: tuple[int, str] | None = None

    def keys(self, values: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Return each series: its key, as it stands in counters, and the value that is read for it."""
        if self.fixed is None:
            yield from ((value, value) for value in values)
            return
        place, wanted = self.fixed
        for value in values:
            sides = value.split("&")
            if sides[place] == wanted:
                yield sides[1 - place], value


def source_of(query: Query) -> Source:
    """Return where the counts of a question are, for a reader who sees everything."""
    if query.pair and query.by:
        dimension, value = query.filter or ("department", query.department or "")
        return Source(pair_name(query.pair), fixed=(query.pair.index(dimension), encode(value)))
    if query.filter:
        dimension, value = query.filter
        return Source(dimension, {value if query.by else ALL: encode(value)})
    return Source(query.by) if query.by else Source(ALL, {ALL: ALL})


def settled(kind: str, days: Days, today: date) -> dict[date, Counts]:
    """Return counts of one kind by date; of promises whose day has not passed, only those that are fulfilled."""
    dated = {date.fromisoformat(day): counts for day, counts in days.items()}
    if kind != "promise":
        return dict(dated)
    return {day: counts if day < today else _fulfilled(counts) for day, counts in dated.items()}


def _fulfilled(counts: Counts) -> Counts:
    kinds = named(counts, "due")
    done = {f"due.{kind}": counts.get(f"kept.{kind}", 0) + counts.get(f"late.{kind}", 0) for kind in kinds}
    return {**counts, **done}


def folded(days: Mapping[date, Counts], interval: Interval) -> dict[date, dict[str, int]]:
    """Return counts by the first day of their period."""
    together: dict[date, list[Counts]] = {}
    for day in sorted(days):
        together.setdefault(start_of(day, interval), []).append(days[day])
    return {start: total_of(each) for start, each in together.items()}


def total_of(days: Iterable[Counts]) -> dict[str, int]:
    """Return the counts of several days together."""
    each = iter(days)
    total = dict(next(each, {}))
    for counts in each:
        for name, n in counts.items():
            total[name] = total.get(name, 0) + n
    return total


def points(metric: Metric, periods: Mapping[date, Counts]) -> tuple[Point, ...]:
    """Return a point for each period in which there is something to measure, from the periods' counts."""
    found = (point(metric, start, counts) for start, counts in periods.items())
    return tuple(each for each in found if each.n)


def point(metric: Metric, start: date, counts: Counts) -> Point:
    """Return what a metric says of one period."""
    measured = metric.measure(counts)
    estimate = measured.estimate
    return Point(
        start=start, n=estimate.n, value=estimate.value, low=estimate.low, high=estimate.high, counts=measured.counts
    )


# What may be seen


def history_from(first: date) -> date:
    """Return since when counts bear on what may be told of a day: a quarter that begins with a week.

    No period reaches across such a date, so what is told before it says nothing of what comes after.
    """
    start = start_of(first, "quarter")
    while start.weekday():
        start = start_of(start - timedelta(days=1), "quarter")
    return start


@dataclass(frozen=True)
class Guarded:
    """A department's counts, the parts they may be split into, and what is hidden of both from those who see no answer.

    Days reach back to `history_from`; `total` and `parts` are settled.
    """

    query: Query
    total: Mapping[date, Counts]
    parts: Mapping[str, Mapping[date, Counts]]
    today: date

    def series(self, keys: Mapping[str, str]) -> tuple[Series, ...]:
        """Return the series shown: row → key, with closed periods only."""
        parts = {row: self._counted(days) for row, days in self.parts.items()}
        gone = hidden(self._counted(self.total), parts, self.today)
        found = []
        for row, key in keys.items():
            interval = self.query.interval
            starts = {place[2] for place in gone if place[:2] == (row, interval)}
            days = self.total if row == TOTAL else self.parts.get(row, {})
            found.append(Series(key=key, points=tuple(self._points(folded(days, interval), starts))))
        return tuple(each for each in found if each.points or not self.query.by)

    def _counted(self, days: Mapping[date, Counts]) -> dict[date, int]:
        return {day: self.query.metric.measure(counts).estimate.n for day, counts in days.items()}

    def _points(self, counts: Mapping[date, Counts], gone: set[date]) -> Iterator[Point]:
        query = self.query
        last = min(query.end, self.today)
        for start in periods(query.first, last, query.interval):
            if end_of(start, query.interval) > last:
                return
            if start in gone:
                yield Point(start=start, n=None, value=None, low=None, high=None, counts=None, hidden=True)
            elif start in counts and (shown := point(query.metric, start, counts[start])).n:
                yield shown


# Words


def topics_over_time(days: Mapping[date, Counts], interval: Interval) -> dict[str, tuple[Point, ...]]:
    """Return, by topic, the share of each period's answers whose words speak of it; `counts`: low, and the others."""
    periods_ = folded(days, interval)
    topics = dict.fromkeys(
        topic for counts in periods_.values() for topic, n in named(counts, "topic").items() if n > 0
    )
    return {
        topic: tuple(_spoken(topic, start, counts, n) for start, counts in periods_.items() if (n := _answers(counts)))
        for topic in topics
    }


def _spoken(topic: str, start: date, counts: Counts, answers: int) -> Point:
    spoken = min(answers, max(0, counts.get(f"topic.{topic}", 0)))
    low = min(spoken, max(0, counts.get(f"topic_low.{topic}", 0)))
    part = share(spoken, answers)
    told = {"low": low, "other": spoken - low}
    return Point(start=start, n=answers, value=part.value, low=part.low, high=part.high, counts=told)


def _answers(counts: Counts) -> int:
    return sum(sum(numbered(counts, metric).values()) for metric in SCALES)


# Drivers


DRIVERS_FORMULA = (
    "Share of the variance of the rating that each touchpoint rating explains, averaged over all orders of entry "
    "(general dominance, Budescu 1993), over answers that rated all of them. Correlation is not cause."
)


@dataclass(frozen=True)
class DriversOf:
    """What drives the rating of one survey."""

    survey: str
    drivers: Drivers


def drivers_of(counts: Counts, organisation: Organisation) -> DriversOf | None:
    """Return the drivers of the survey with the most complete answers; None where nobody gave any."""
    found = []
    for survey in organisation.surveys:
        name, ids = driver_set(survey)
        sums = named(counts, f"m.{name}")
        if ids and sums.get("n", 0) > 0:
            found.append((sums["n"], survey.id, _moments_of(sums, ids)))
    if not found:
        return None
    _, survey_id, moments = max(found, key=lambda each: each[0])
    return DriversOf(survey_id, general_dominance(moments))


def _moments_of(sums: Mapping[str, int], ids: tuple[str, ...]) -> Moments:
    places = range(len(ids) + 1)
    products = [sums.get(f"{i}{j}", 0) for i in places for j in places if i <= j]
    return Moments(("rating", *ids), sums["n"], tuple(sums.get(str(i), 0) for i in places), tuple(products))


def people(counts: Counts, metric: str) -> list[tuple[int, float, float]]:
    """Return each person's ratings of a department's team: how many, their sum, their sum of squares."""
    sums = {name: named(counts, f"{name}.{metric}") for name in ("n", "s", "q")}
    return [(n, sums["s"].get(person, 0), sums["q"].get(person, 0)) for person, n in sorted(sums["n"].items()) if n > 0]
