"""Hold what the page of trends was asked, and ask further with some of it changed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from chalicelib.adapters.desk.frame import Desk
from chalicelib.adapters.desk.plot import RIGHT, Course
from chalicelib.domain.period import Interval, end_of
from chalicelib.domain.rollup import day_of
from chalicelib.domain.score import Estimate
from chalicelib.domain.target import Progress
from chalicelib.domain.trend import Asking, Point, Query, Said, Series, Trend

Ask = Callable[[Mapping[str, str]], Trend]
"""Answers one question about trends, as the API does."""


THAN = ("than_from", "than_to")
"""What the page alone understands: the days to compare with."""


@dataclass(frozen=True)
class Answers:
    """What the page may ask: trends as the API does, and what stands beside them."""

    trend: Ask
    targets: Callable[[date, date], tuple[Progress, ...]]
    said: Callable[[tuple[str, str] | None, date, date, Interval], Said]
    asking: Callable[[date, date], Mapping[str, Asking]]
    team: Callable[[str, str, date, date], Estimate]


@dataclass(frozen=True)
class Screen:
    """What a question asks, as the page works with it."""

    desk: Desk
    asked: Mapping[str, str]
    query: Query
    answers: Answers
    than: tuple[date, date] | None = None
    """The days to compare with, where somebody has chosen some."""

    @property
    def metric(self) -> str:
        """What is measured."""
        return self.query.metric.name

    @property
    def interval(self) -> Interval:
        """How the days are cut."""
        return self.query.interval

    @property
    def today(self) -> date:
        """Which day it is where the company is."""
        return date.fromisoformat(day_of(self.desk.now, self.desk.organisation.zone))

    @property
    def course(self) -> Course:
        """The periods that are drawn."""
        return Course.of(self.query.first, self.query.end, self.interval)

    @property
    def short_course(self) -> Course:
        """The same where no axis takes room."""
        return Course.of(self.query.first, self.query.end, self.interval, left=RIGHT)

    def is_running(self, point: Point) -> bool:
        """Say whether a point's period has not ended: what it says may still change."""
        return end_of(point.start, self.interval) > self.today

    def series(self, **changes: str) -> tuple[Series, ...]:
        """Return the answer to this page's question with some of it changed; an empty change leaves that out."""
        asked = {name: value for name, value in self.given(**changes).items() if name not in THAN}
        return self.answers.trend(asked).series

    def points(self, metric: str, **changes: str) -> tuple[Point, ...]:
        """Return a metric over everything that the filter leaves, in one series."""
        return next((each.points for each in self.series(metric=metric, by="", **changes)), ())

    def earlier(self, metric: str) -> tuple[Point, ...]:
        """Return the same of the days to compare with."""
        first, end = self.than or (self.query.first, self.query.end)
        return self.points(metric, **{"from": first.isoformat(), "to": end.isoformat()})

    def given(self, **changes: str) -> dict[str, str]:
        """Return the question's parameters with some of them changed."""
        return {name: value for name, value in {**self.asked, **changes}.items() if value}

    def href(self, **changes: str) -> str:
        """Return the address of this page with some of its question changed."""
        return "/trends?" + urlencode(self.given(**changes))
