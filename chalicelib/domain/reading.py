"""Read a trend: its periods together, and two of them against each other, noise told from change."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations

from chalicelib.domain import score
from chalicelib.domain.metric import METRICS, QUANTITY, STOCK_OUTS, Counts
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.period import Interval, end_of
from chalicelib.domain.score import Change, Estimate
from chalicelib.domain.trend import Point, total_of

RATED = {"nps": "nps", "csat": "csat", "ces": "ces", "ces_mean": "ces"}
TIMED = {"time_to_acknowledge": "ack", "time_to_resolve": "res"}
NAMED = {
    "kept_promise": "kept",
    "value_satisfaction": "value",
    "recovered": "mended",
    "effective_contacts": "contacts",
}
PER_CASE = ("handoffs", "returns")

FOLLOWED = ("response_rate", "delivered_promise", "kept_promise", "sla_met", "time_to_resolve", "recovered")
"""What is looked at after the ratings that the company asks for."""


def rated(organisation: Organisation) -> tuple[str, ...]:
    """Return the ratings that a company asks for, those of its programs first."""
    asked = [organisation.survey(program.survey).metric for program in organisation.programs]
    return tuple(dict.fromkeys([*asked, *(survey.metric for survey in organisation.surveys)]))


def indicators(organisation: Organisation) -> tuple[str, ...]:
    """Return what the page of trends and the weekly mail both show, in their order."""
    return (*rated(organisation), *FOLLOWED)


def pooled(metric: str, points: Iterable[Point]) -> Estimate:
    """Return what a metric says of several periods together, from what is shown of each of them.

    Hidden periods are left out: nothing is told of them in sums either. Means per case come without an interval.
    """
    counts = total_of(point.counts for point in points if point.counts)
    if metric in PER_CASE:
        cases = counts.get("cases", 0)
        return Estimate(cases, counts.get(metric, 0) / cases if cases else None, None, None)
    return METRICS[metric].measure(_counted(metric, counts)).estimate


def _counted(metric: str, shown: Counts) -> dict[str, int]:
    """Return counts as counters name them, from the names that points show."""
    if metric in RATED:
        return {f"{RATED[metric]}.{rating}": n for rating, n in shown.items()}
    if metric in TIMED:
        return total_of({f"{TIMED[metric]}.{score.bucket_of(float(seconds))}": n} for seconds, n in shown.items())
    if metric in NAMED:
        return {f"{NAMED[metric]}.{name}": n for name, n in shown.items()}
    n = sum(shown.values())
    return {
        "response_rate": {"sent": n, "answered": shown.get("answered", 0)},
        "delivered_promise": {"due.all": n, "kept.all": shown.get("kept", 0)},
        STOCK_OUTS: {f"late.{QUANTITY}": shown.get("short", 0), f"kept.{QUANTITY}": shown.get("complete", 0)},
        "sla_met": {"opened": n, "breached": shown.get("breached", 0)},
    }.get(metric, {})


@dataclass(frozen=True)
class Step:
    """A metric's last period against the one before: `is_change` where chance alone would hardly do it."""

    before: Point
    after: Point
    change: Change
    is_change: bool = False


MUCH = 10.0  # points of percent


def differ_much(shares: Mapping[str, tuple[int, int]]) -> bool:
    """Say whether any two of several shares lie far apart, and not by chance: all pairs looked at together (Holm)."""
    pairs = list(combinations([pair for _, pair in sorted(shares.items()) if pair[1]], 2))
    changes = [score.share_change(one, other) for one, other in pairs]
    real = score.holm([change.p for change in changes])
    return any(is_real and abs(change.value or 0.0) >= MUCH for change, is_real in zip(changes, real, strict=True))


@dataclass(frozen=True)
class Standing:
    """Where an indicator stands: its last whole period, and the step to it from the one before."""

    last: Point
    step: Step | None


def standings(every: Mapping[str, Sequence[Point]], interval: Interval, today: date) -> dict[str, Standing]:
    """Return where each indicator stands, all of them looked at together; those of which nothing is seen left out."""
    seen = {name: found for name, points in every.items() if (found := whole(points, interval, today))}
    told = steps({name: points for name, points in seen.items() if len(points) > 1})
    return {name: Standing(points[-1], told.get(name)) for name, points in seen.items()}


@dataclass(frozen=True)
class Report:
    """What the mail of one week says: the question that the page answers in the same words, and its answers."""

    department: str | None
    """The one whose head reads it; None for leadership's."""
    week: date
    asked: Mapping[str, str]
    standings: Mapping[str, Standing]
    departments: Mapping[str, Mapping[str, Point]]
    """Department → metric → its week, all on one page; for leadership."""

    @property
    def has_news(self) -> bool:
        """Whether there is anything to tell of this week."""
        return any(standing.last.start == self.week for standing in self.standings.values())


def whole(points: Sequence[Point], interval: Interval, today: date) -> list[Point]:
    """Return the periods that have ended and may be seen; all that may be seen when none has."""
    seen = [point for point in points if not point.hidden]
    return [point for point in seen if end_of(point.start, interval) <= today] or seen


def steps(last_two: Mapping[str, Sequence[Point]]) -> dict[str, Step]:
    """Return each metric's last step; of many looked at together, a step counts as a change by Holm's rule (1979).

    Metrics with fewer than two periods to be seen are left out.
    """
    return _told(
        {
            metric: (points[-2], points[-1])
            for metric, points in last_two.items()
            if len(points) > 1 and not points[-1].hidden and not points[-2].hidden
        }
    )


def compared(before: Mapping[str, Sequence[Point]], after: Mapping[str, Sequence[Point]]) -> dict[str, Step]:
    """Return each metric's step from one stretch of days to another, by the same rule; hidden periods left out."""
    pairs = {metric: (together(metric, before.get(metric, ())), together(metric, after[metric])) for metric in after}
    return _told({metric: (old, new) for metric, (old, new) in pairs.items() if old and new})


def together(metric: str, points: Sequence[Point]) -> Point | None:
    """Return several periods as one; None where nothing is to be seen of them."""
    seen = [point for point in points if point.counts]
    estimate = pooled(metric, seen)
    if not estimate.n:
        return None
    return Point(
        start=seen[0].start,
        n=estimate.n,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        counts=total_of(point.counts for point in seen if point.counts),
    )


def share_steps(every: Mapping[str, Sequence[Point]], interval: Interval, today: date) -> dict[str, Step]:
    """Return the last step of several shares of the same answers, by the same rule; `n` and `value` in percent."""
    seen = {name: whole(points, interval, today) for name, points in every.items()}
    pairs = {name: (points[-2], points[-1]) for name, points in seen.items() if len(points) > 1}
    return _told(pairs, lambda _, before, after: score.share_change(_share(before), _share(after)))


def _told(
    pairs: Mapping[str, tuple[Point, Point]], change: Callable[[str, Point, Point], Change] | None = None
) -> dict[str, Step]:
    found = {metric: Step(*pair, (change or _change)(metric, *pair)) for metric, pair in pairs.items()}
    real = score.holm([step.change.p for step in found.values()])
    return {
        metric: Step(step.before, step.after, step.change, is_real)
        for (metric, step), is_real in zip(found.items(), real, strict=True)
    }


def _change(metric: str, before: Point, after: Point) -> Change:
    if metric == "nps":
        return score.nps_change(_ratings(before), _ratings(after))
    if METRICS[metric].unit == "percent":
        return score.share_change(_share(before), _share(after))
    return score.estimate_change(_estimate(before), _estimate(after))


def _ratings(point: Point) -> dict[int, int]:
    return {int(rating): n for rating, n in (point.counts or {}).items()}


def _share(point: Point) -> tuple[int, int]:
    n = point.n or 0
    return round((point.value or 0.0) * n / 100), n


def _estimate(point: Point) -> Estimate:
    return Estimate(point.n or 0, point.value, point.low, point.high)
