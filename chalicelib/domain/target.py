"""Measure an indicator against what it should come to; where its interval holds both, chance may have decided."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from chalicelib.domain.metric import METRICS, Counts, Measured, Metric
from chalicelib.domain.organisation import Organisation, Target
from chalicelib.domain.score import Estimate

PROMISED = "delivered_promise"
POINTS_MIN = -100.0

State = Literal["reached", "short", "open"]


@dataclass(frozen=True)
class Progress:
    """A target with what was measured: `share` of the way there, from 0 to 1."""

    target: Target
    estimate: Estimate
    state: State
    share: float


def progress(target: Target, estimate: Estimate) -> Progress | None:
    """Return how far an indicator has come; None where nothing was measured.

    Reached or short when the whole interval lies on that side of the target; else it is open.
    """
    if estimate.value is None:
        return None
    low = estimate.value if estimate.low is None else estimate.low
    high = estimate.value if estimate.high is None else estimate.high
    metric = METRICS[target.metric]
    is_lower = metric.less_is_better
    reached, short = (
        (high <= target.value, low > target.value) if is_lower else (low >= target.value, high < target.value)
    )
    state: State = "reached" if reached else "short" if short else "open"
    return Progress(target, estimate, state, _share(metric, target.value, estimate.value))


def _share(metric: Metric, wanted: float, value: float) -> float:
    if metric.less_is_better:
        return 1.0 if value <= wanted else wanted / value
    least = POINTS_MIN if metric.unit == "points" else 0.0
    return max(0.0, min(1.0, (value - least) / (wanted - least))) if wanted > least else 1.0


def measured(target: Target, counts: Counts) -> Measured:
    """Return what a target's metric says of some counts, of its own kind of promise where it names one."""
    metric = METRICS[target.metric]
    if target.promise is None:
        return metric.measure(counts)
    kinds: Mapping[str, int] = {
        name: n for name, n in counts.items() if name in (f"due.{target.promise}", f"kept.{target.promise}")
    }
    return metric.measure(kinds)


def faults(organisation: Organisation) -> Iterator[tuple[int, str]]:
    """Yield what is wrong with an organisation's targets, by their place; nothing when all is well."""
    for place, target in enumerate(organisation.trends.targets):
        if target.metric not in METRICS:
            yield place, f"{target.metric} is not one of {', '.join(METRICS)}"
        elif target.promise and target.metric != PROMISED:
            yield place, f"only {PROMISED} is told by kind of promise"
        elif METRICS[target.metric].unit == "percent" and not 0 < target.value <= 100:
            yield place, "a share is written in percent, above 0 and up to 100"
        elif METRICS[target.metric].unit == "points" and not POINTS_MIN < target.value <= 100:
            yield place, "NPS lies between -100 and 100"
