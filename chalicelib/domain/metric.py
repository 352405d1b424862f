"""Define each metric: its formula in words, its unit, and how it comes from counts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from chalicelib.domain import score
from chalicelib.domain.score import Estimate

Counts = Mapping[str, int]

STOCK_OUTS = "stock_outs"
QUANTITY = "quantity"
"""The kind of promise that says how much was ordered, and how much of it came."""


@dataclass(frozen=True)
class Measured:
    """A value with its interval, and the counts it comes from."""

    estimate: Estimate
    counts: dict[str, int]


@dataclass(frozen=True)
class Metric:
    """One indicator: which counts it reads, and how; the formula is what readers are told."""

    name: str
    kind: str
    unit: str
    formula: str
    measure: Callable[[Counts], Measured]

    @property
    def less_is_better(self) -> bool:
        """Whether a lower value is what everybody wants."""
        return self.unit in ("seconds", "per case") or self.name == STOCK_OUTS


def _rated(metric: str, estimate: Callable[[Mapping[int, int]], Estimate]) -> Callable[[Counts], Measured]:
    def measure(counts: Counts) -> Measured:
        ratings = numbered(counts, metric)
        return Measured(estimate(ratings), {str(rating): n for rating, n in sorted(ratings.items())})

    return measure


def _timed(name: str) -> Callable[[Counts], Measured]:
    def measure(counts: Counts) -> Measured:
        buckets = numbered(counts, name)
        seconds = {str(round(score.seconds_of(bucket))): n for bucket, n in sorted(buckets.items())}
        return Measured(score.median_seconds(buckets), seconds)

    return measure


def _shared(*yes: str, of: Sequence[str]) -> Callable[[Counts], Measured]:
    """Return the share that the counts named `yes` have of all those named `of`, which they belong to."""

    def measure(counts: Counts) -> Measured:
        shown = {name: max(0, counts.get(name, 0)) for name in of}
        estimate = score.share(sum(shown[name] for name in yes), sum(shown.values()))
        return Measured(estimate, {name.partition(".")[2] or name: n for name, n in shown.items()})

    return measure


def _per_case(name: str) -> Callable[[Counts], Measured]:
    def measure(counts: Counts) -> Measured:
        total, cases = max(0, counts.get(name, 0)), max(0, counts.get("opened", 0))
        estimate = score.mean_of(total, counts.get(f"{name}.squares", 0), cases)
        return Measured(estimate, {"cases": cases, name: total})

    return measure


def _remaining(part: str, total: str, named: tuple[str, str]) -> Callable[[Counts], Measured]:
    """Return the share of a total that does not belong to its part, under names for both."""

    def measure(counts: Counts) -> Measured:
        n = max(0, counts.get(total, 0))
        rest = max(0, n - max(0, counts.get(part, 0)))
        return Measured(score.share(rest, n), {named[0]: rest, named[1]: n - rest})

    return measure


def _responded(counts: Counts) -> Measured:
    sent = max(0, counts.get("sent", 0))
    answered = min(sent, max(0, counts.get("answered", 0)))
    return Measured(score.share(answered, sent), {"answered": answered, "unanswered": sent - answered})


def _short(counts: Counts) -> Measured:
    short, complete = (max(0, counts.get(f"{outcome}.{QUANTITY}", 0)) for outcome in ("late", "kept"))
    return Measured(score.share(short, short + complete), {"short": short, "complete": complete})


def _delivered(counts: Counts) -> Measured:
    due, kept = (max(0, sum(named(counts, name).values())) for name in ("due", "kept"))
    return Measured(score.share(kept, due), {"kept": min(kept, due), "broken": max(0, due - kept)})


_WILSON = "interval: Wilson, 95 %"
_QUADRANTS = ("value.yes_high", "value.yes_low", "value.no_high", "value.no_low")

_ALL_METRICS = (
    Metric(
        "nps",
        "response",
        "points",
        "NPS in points, −100 to 100: 100 × (promoters − detractors) / answers; promoters rate 9–10, detractors 0–6 "
        "(Reichheld 2003); interval: adjusted Wald, 95 % (Rocks 2016)",
        _rated("nps", score.nps),
    ),
    Metric(
        "csat",
        "response",
        "percent",
        f"CSAT in percent: 100 × ratings of 4 and 5 / ratings from 1 to 5; {_WILSON}",
        _rated("csat", score.csat),
    ),
    Metric(
        "ces",
        "response",
        "percent",
        f"CES in percent: 100 × ratings of 5, 6 and 7 / ratings from 1 to 7 (CES 2.0); {_WILSON}",
        _rated("ces", score.ces),
    ),
    Metric(
        "ces_mean",
        "response",
        "rating",
        "CES as the mean of ratings from 1 to 7: sum of ratings / ratings; interval: Student's t, 95 %",
        _rated("ces", score.ces_mean),
    ),
    Metric(
        "response_rate",
        "decision",
        "percent",
        "Response rate in percent: 100 × those ever confirmed / invitations sent and not hard-bounced, both on the day "
        f"of the event; {_WILSON}",
        _responded,
    ),
    Metric(
        "kept_promise",
        "response",
        "percent",
        f"Promises kept, as customers say, in percent: 100 × yes / (yes + no); {_WILSON}",
        _shared("kept.yes", of=("kept.yes", "kept.no")),
    ),
    Metric(
        "delivered_promise",
        "promise",
        "percent",
        "Promises kept, as events say, in percent: 100 × kept / promised, on the day of the promised instant (numbers: "
        f"of the event); unfulfilled is broken once that day has passed; {_WILSON}",
        _delivered,
    ),
    Metric(
        "value_satisfaction",
        "response",
        "percent",
        "Value and satisfaction together, in percent: 100 × (did what was needed, and rating not low) / those who "
        f"answered both; {_WILSON}",
        _shared(_QUADRANTS[0], of=_QUADRANTS),
    ),
    Metric(
        "time_to_acknowledge",
        "case",
        "seconds",
        "Median seconds from a case's opening to its first acknowledgement, from buckets 5 % wide; interval: binomial "
        "ranks, 95 % (Campbell & Gardner 1988)",
        _timed("ack"),
    ),
    Metric(
        "time_to_resolve",
        "case",
        "seconds",
        "Median seconds on the customer's clock of resolved cases, waiting included, from buckets 5 % wide; interval: "
        "binomial ranks, 95 % (Campbell & Gardner 1988)",
        _timed("res"),
    ),
    Metric(
        "sla_met",
        "case",
        "percent",
        f"SLA met in percent: 100 × cases with neither promise breached / cases opened; {_WILSON}",
        _remaining("breached", "opened", ("met", "breached")),
    ),
    Metric(
        "handoffs",
        "case",
        "per case",
        "Hand-offs per case: hand-offs / cases opened; interval: Student's t, 95 %",
        _per_case("handoffs"),
    ),
    Metric(
        "returns",
        "case",
        "per case",
        "Returns per case: times sent back / cases opened; interval: Student's t, 95 %",
        _per_case("returns"),
    ),
    Metric(
        "recovered",
        "case",
        "percent",
        f"Recovered in percent: 100 × yes / (yes + no) to “did we mend it?”; {_WILSON}",
        _shared("mended.yes", of=("mended.yes", "mended.no")),
    ),
    Metric(
        STOCK_OUTS,
        "promise",
        "percent",
        "Stock-outs in percent: 100 × orders of which less came than was ordered / orders whose quantity is known "
        f"(promises of the kind `{QUANTITY}` in numbers), on the day of the event; {_WILSON}",
        _short,
    ),
    Metric(
        "effective_contacts",
        "case",
        "percent",
        "Effective contacts in percent: 100 × contacts in which the customer was reached / contacts that say whether "
        f"the customer was, by the case's opening; {_WILSON}",
        _shared("contacts.reached", of=("contacts.reached", "contacts.missed")),
    ),
)
METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL_METRICS}


def named(counts: Counts, name: str) -> dict[str, int]:
    """Return the counts `name.…` by what comes after the dot."""
    return {key[len(name) + 1 :]: n for key, n in counts.items() if key.startswith(f"{name}.")}


def numbered(counts: Counts, name: str) -> dict[int, int]:
    """Return a histogram: the counts `name.<number>`; none below zero, which a reader between two writes might see."""
    return {int(key): n for key, n in named(counts, name).items() if n > 0}
