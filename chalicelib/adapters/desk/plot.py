"""Turn points into places on a drawing: what a line, its band, whiskers and their axis are drawn from.

Across, places are percentages of the width, so that a drawing fills whatever room it has; down, they are pixels.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from chalicelib.domain.metric import METRICS
from chalicelib.domain.period import Interval, periods
from chalicelib.domain.trend import Point

TICKS_DOWN = 4
STEP_MIN = 1e-9  # of values that are all but equal
TICKS_ACROSS_MAX = 4
LINKED_MAX = 31  # points that can be pressed one by one; more of them stand too close
LEFT, RIGHT = 9.0, 3.0  # percent left free at either side: for the marks of the axis, and so that dots are whole
SECONDS = tuple(60 * each for each in (1, 5, 15, 30, 60, 120, 240, 480, 720, 1440, 2880, 7200, 14400, 28800))
"""Round steps of a scale of durations, from a minute to twenty days."""

LIMITS = {"percent": (0.0, 100.0), "points": (-100.0, 100.0), "rating": (1.0, 7.0)}


@dataclass(frozen=True)
class Tick:
    """A mark of an axis."""

    at: float
    text: str
    anchor: str = "middle"


@dataclass(frozen=True)
class Dot:
    """One point: where it stands, how it reads, where it leads."""

    x: float
    y: float
    text: str
    href: str = ""
    is_running: bool = False
    """Whether its period has not ended: what it says may still change."""


@dataclass(frozen=True)
class Plot:
    """A drawing of one series."""

    height: int
    lines: tuple[str, ...]
    running: str
    """The way to a period that has not ended; empty where all have."""
    bands: tuple[str, ...]
    dots: tuple[Dot, ...]
    down: tuple[Tick, ...]
    across: tuple[Tick, ...]
    hidden: int


@dataclass(frozen=True)
class Scale:
    """Values between two ends."""

    low: float
    high: float
    step: float = 1.0

    def share(self, value: float) -> float:
        """Return where a value lies, from 0 at the low end to 1 at the high one; what lies beyond stays at the end."""
        return min(1.0, max(0.0, (value - self.low) / ((self.high - self.low) or 1.0)))


def scale_of(metric: str, points: Sequence[Point]) -> Scale:
    """Return a scale with round ends that holds all values and their intervals."""
    seen = [each for point in points for each in (point.low, point.value, point.high) if each is not None]
    low, high = min(seen, default=0.0), max(seen, default=1.0)
    unit = METRICS[metric].unit
    step = step_of(high - low or abs(high) or 1.0, unit)
    least, most = LIMITS.get(unit, (0.0, math.inf))
    low, high = max(least, math.floor(low / step) * step), min(most, math.ceil(high / step) * step)
    return Scale(low, high if high > low else low + step, step)


def step_of(span: float, unit: str = "") -> float:
    """Return a round step that divides a span into about four.

    >>> step_of(90), step_of(7), step_of(3 * 3600, "seconds")
    (50.0, 2.0, 3600.0)
    """
    rough = max(span / TICKS_DOWN, STEP_MIN)
    if unit == "seconds":
        return float(next((each for each in SECONDS if each >= rough), SECONDS[-1]))
    power = 10.0 ** math.floor(math.log10(rough))
    return power * next(each for each in (1, 2, 5, 10) if each * power >= rough * 0.999)


def ticks_of(scale: Scale, text: Callable[[float], str]) -> tuple[Tick, ...]:
    """Return the marks of a scale, from 0 (top) to 1 (bottom)."""
    first = math.ceil(scale.low / scale.step - 1e-9)
    values = [(first + place) * scale.step for place in range(int((scale.high - scale.low) / scale.step + 1e-9) + 1)]
    return tuple(Tick(1 - scale.share(value), text(value), "start") for value in values if value <= scale.high + 1e-9)


@dataclass(frozen=True)
class Course:
    """The periods that a drawing spans, in order."""

    starts: tuple[date, ...]
    left: float = LEFT

    @classmethod
    def of(cls, first: date, end: date, interval: Interval, left: float = LEFT) -> "Course":
        """Return all periods between two days."""
        return cls(tuple(periods(first, end, interval)), left)

    def x(self, start: date) -> float:
        """Return where a period stands, in percent of the width."""
        last = len(self.starts) - 1
        place = self.starts.index(start) if start in self.starts else 0
        return self.left + (100 - self.left - RIGHT) * (place / last if last > 0 else 0.5)

    def ticks(self, text: Callable[[date, bool], str]) -> tuple[Tick, ...]:
        """Return as many marks as there is room for."""
        every = max(1, math.ceil(len(self.starts) / TICKS_ACROSS_MAX))
        chosen = self.starts[::every]
        last = len(self.starts) - 1
        anchors = {self.starts[0]: "start" if last else "middle", self.starts[-1]: "end" if last else "middle"}
        return tuple(
            Tick(self.x(start), text(start, place == 0), anchors.get(start, "middle"))
            for place, start in enumerate(chosen)
        )


def runs(points: Sequence[Point], course: Course) -> list[list[Point]]:
    """Return stretches of points without a gap: a line across an empty month would tell what nobody said."""
    found: list[list[Point]] = []
    before = -2
    for point in points:
        place = course.starts.index(point.start) if point.start in course.starts else -2
        if point.hidden or point.value is None or place < 0:
            continue
        if place != before + 1 or not found:
            found.append([])
        found[-1].append(point)
        before = place
    return found


def plot(
    points: Sequence[Point],
    course: Course,
    scale: Scale,
    *,
    height: int,
    down: tuple[Tick, ...] = (),
    across: tuple[Tick, ...] = (),
    text: Callable[[Point], str],
    href: Callable[[Point], str] = lambda point: "",
    is_running: Callable[[Point], bool] = lambda point: False,
) -> Plot:
    """Return the drawing of one series; paths stand in a square of 100 by 100, stretched to the room there is."""

    def place(point: Point, value: float) -> str:
        return f"{course.x(point.start):.2f} {100 * (1 - scale.share(value)):.2f}"

    def path(run: Sequence[Point]) -> str:
        return "M" + "L".join(place(point, point.value or 0.0) for point in run)

    stretches = runs(points, course)
    ended = [[point for point in run if not is_running(point)] for run in stretches]
    seen = [point for stretch in stretches for point in stretch]
    linked = len(seen) <= LINKED_MAX
    return Plot(
        height=height,
        lines=tuple(path(run) for run in ended if run),
        running="".join(path(run[-2:]) for run in stretches if is_running(run[-1])),
        bands=tuple(_band(run, place) for run in stretches if len(run) > 1 and run[0].low is not None),
        dots=tuple(
            Dot(
                x=course.x(point.start),
                y=1 - scale.share(point.value or 0.0),
                text=text(point),
                href=href(point) if linked else "",
                is_running=is_running(point),
            )
            for point in seen
        ),
        down=down,
        across=across,
        hidden=sum(point.hidden for point in points),
    )


def _band(run: Sequence[Point], place: Callable[[Point, float], str]) -> str:
    above = [place(point, point.high if point.high is not None else point.value or 0.0) for point in run]
    below = [place(point, point.low if point.low is not None else point.value or 0.0) for point in run]
    return "M" + "L".join([*above, *reversed(below)]) + "Z"
