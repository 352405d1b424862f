"""What is drawn stands where its figures say, and a gap stays a gap."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.desk.plot import LEFT, RIGHT, Course, Scale, plot, scale_of, step_of, ticks_of
from chalicelib.domain.trend import Point

YEAR = Course.of(date(2026, 1, 1), date(2027, 1, 1), "month")


def _point(month: int, value: float | None, *, spread: float = 10, hidden: bool = False) -> Point:
    low, high = (None, None) if value is None else (value - spread, value + spread)
    return Point(start=date(2026, month, 1), n=9, value=value, low=low, high=high, counts={}, hidden=hidden)


def _drawn(*points: Point) -> tuple[int, int]:
    drawn = plot(points, YEAR, Scale(-100, 100), height=100, text=lambda point: "")
    return len(drawn.lines), len(drawn.dots)


def test_a_year_spans_the_width() -> None:
    assert (YEAR.x(date(2026, 1, 1)), YEAR.x(date(2026, 12, 1))) == (LEFT, 100 - RIGHT)


def test_a_line_stops_at_an_empty_month() -> None:
    assert _drawn(_point(1, 5), _point(2, 6), _point(3, 7)) == (1, 3)
    assert _drawn(_point(1, 5), _point(3, 7)) == (2, 2)


def test_a_period_that_has_not_ended_is_drawn_apart() -> None:
    points = [_point(1, 5), _point(2, 6), _point(3, 90)]
    drawn = plot(
        points, YEAR, Scale(-100, 100), height=100, text=lambda _: "", is_running=lambda point: point.start.month == 3
    )
    ended = plot(points[:2], YEAR, Scale(-100, 100), height=100, text=lambda _: "")
    assert drawn.lines == ended.lines
    assert drawn.running.count("L") == 1
    assert drawn.running.startswith("M" + drawn.lines[0].partition("L")[2])
    assert [dot.is_running for dot in drawn.dots] == [False, False, True]
    assert (ended.running, [dot.is_running for dot in ended.dots]) == ("", [False, False])


def test_what_is_hidden_is_not_drawn() -> None:
    drawn = plot([_point(1, 5), _point(2, None, hidden=True)], YEAR, Scale(-100, 100), height=100, text=lambda p: "")
    assert (len(drawn.dots), drawn.hidden) == (1, 1)


def test_a_single_period_stands_in_the_middle() -> None:
    course = Course.of(date(2026, 1, 1), date(2026, 2, 1), "month")
    assert course.x(date(2026, 1, 1)) == LEFT + (100 - LEFT - RIGHT) / 2


@pytest.mark.parametrize(("span", "step"), [(100, 50), (4, 1), (0.3, 0.1), (7_000, 2_000)])
def test_steps_are_round(span: float, step: float) -> None:
    assert step_of(span) == pytest.approx(step)


def test_steps_of_durations_are_round_as_clocks_are() -> None:
    assert step_of(3 * 3600, "seconds") == 3600
    assert step_of(10 * 86_400, "seconds") == 5 * 86_400


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=12), st.sampled_from(["nps", "csat", "time_to_resolve"]))
def test_a_scale_holds_every_value_that_can_be(values: list[float], metric: str) -> None:
    bounds = {"nps": (-100.0, 100.0), "csat": (0.0, 100.0), "time_to_resolve": (0.0, 1e9)}[metric]
    inside = [min(max(value, bounds[0]), bounds[1]) for value in values]
    points = [_point(month + 1, value, spread=0) for month, value in enumerate(inside)]
    scale = scale_of(metric, points)
    assert bounds[0] <= scale.low < scale.high
    assert all(scale.low - 1e-9 <= value <= scale.high + 1e-9 for value in inside)
    ticks = ticks_of(scale, str)
    assert 1 <= len(ticks) <= 12
    assert all(-1e-9 <= tick.at <= 1 + 1e-9 for tick in ticks)
