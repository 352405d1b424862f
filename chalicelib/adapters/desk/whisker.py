"""Draw a value with its interval on a scale that its neighbours share."""

from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.adapters.desk import metrics
from chalicelib.adapters.desk.frame import Desk
from chalicelib.adapters.desk.plot import Scale
from chalicelib.domain.metric import METRICS
from chalicelib.domain.score import Estimate


@dataclass(frozen=True)
class Whisker:
    """One value with its interval, in percent of the room there is."""

    at: float
    low: float
    high: float
    text: str


def scale_for(metric: str, estimates: Iterable[Estimate]) -> Scale:
    """Return the scale on which values of a metric stand beside each other."""
    if METRICS[metric].unit == "percent":
        return Scale(0, 100)
    if METRICS[metric].unit == "points":
        return Scale(-100, 100)
    highest = max((each.high or each.value or 0.0 for each in estimates), default=1.0)
    return Scale(0, highest or 1.0)


def whisker(metric: str, estimate: Estimate | None, scale: Scale, desk: Desk) -> Whisker | None:
    """Return a value as it is drawn and told; None where there is none."""
    if estimate is None or estimate.value is None:
        return None
    low = estimate.low if estimate.low is not None else estimate.value
    high = estimate.high if estimate.high is not None else estimate.value
    between = metrics.interval_text(metric, estimate.low, estimate.high, desk.language)
    value = metrics.value_text(metric, estimate.value, desk.language)
    text = f"{value} ({between}), n\u00a0=\u00a0{estimate.n}" if between else f"{value}, n\u00a0=\u00a0{estimate.n}"
    return Whisker(100 * scale.share(estimate.value), 100 * scale.share(low), 100 * scale.share(high), text)
