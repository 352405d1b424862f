"""Count as in the middle of a busy month: lanes are full, rows leave them, answers come days after their decision.

A thousand surveys in an empty table say too little of what counting costs. Here one lane of the stream gets its share
of a million surveys a month, in the design's batches, for some days before what it takes is counted.
"""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import islice

from bench import company, scenario
from bench.world import BEGINNING, World
from chalicelib.domain.event import Closing, parse_event
from chalicelib.domain.invitation import Answer, Invitation
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.rollup import Row, contributions, dimensions_of
from chalicelib.ports import Counters

SURVEYS_PER_DAY = 1_000_000 // 30
LANES_BUSY = 4
"""Shards of a new table's stream."""

ANSWERED_AFTER_DAYS = (0, 0, 0, 0, 1, 1, 2, 3, 5)
VARIANTS = 200
SHARD = f"shardId-{int(BEGINNING.timestamp() * 1000):020d}-bench"
ROWS_MAX = 99

Key = tuple[str, str, str, str]


@dataclass(frozen=True)
class Counting:
    """The write and read units of counting, for each survey and, beside it, for each answer."""

    writes_per_survey: float
    writes_per_answer: float
    reads_per_survey: float
    reads_per_answer: float
    rows_waiting: int
    """In the lane at the end."""


@dataclass
class _Lane:
    """One lane's share of the company, and how far its stream has come."""

    counters: Counters
    organisation: Organisation
    invitation: Invitation
    chance: random.Random = field(default_factory=lambda: random.Random(9))
    at: int = 0
    known: dict[tuple[str, int, int, int], tuple[Row, ...]] = field(default_factory=dict)

    def add(self, found: Iterable[tuple[Row, ...]]) -> None:
        """Count the rows of a batch, in as many writes as the projection would make."""
        total: dict[Key, dict[str, int]] = {}
        for row in (row for rows in found for row in rows):
            counts = total.setdefault((row.kind, row.dimension, row.value, row.day), {})
            for name, count in row.counts.items():
                counts[name] = counts.get(name, 0) + count
        rows = iter(Row(*key, counts) for key, counts in total.items())
        last = self.counters.checkpoint(SHARD)
        while part := list(islice(rows, ROWS_MAX)):
            self.at += 1
            self.counters.add(SHARD, part, last=last, end=f"{self.at:040d}")
            last = f"{self.at:040d}"


def count_days(world: World, invitation: Invitation, *, before: int, days: int) -> Counting:
    """Count some days, after as many before as make the lane full."""
    lane = _Lane(world.ports.counters, world.ports.library.organisation(), invitation)
    surveys = SURVEYS_PER_DAY // LANES_BUSY
    for day in range(before + days):
        path = "month" if day >= before else "before"
        _one_day(world, lane, day, surveys, path)
    answers = surveys / scenario.ANSWERED_EACH
    tally = world.meter.tally
    waiting = sum(1 for each in world.lanes() for _ in each.rows())
    return Counting(
        tally.write_units("month/survey") / surveys / days,
        tally.write_units("month/answer") / answers / days,
        tally.read_units("month/survey") / surveys / days,
        tally.read_units("month/answer") / answers / days,
        waiting,
    )


def _one_day(world: World, lane: _Lane, day: int, surveys: int, path: str) -> None:
    answers_each = scenario.DECISIONS_PER_BATCH // scenario.ANSWERED_EACH
    for _ in range(surveys // scenario.DECISIONS_PER_BATCH):
        with world.path(f"{path}/survey"):
            for change in ("decided", "sent"):
                lane.add(_drawn(lane, change, day, scenario.DECISIONS_PER_BATCH))
        with world.path(f"{path}/answer"):
            lane.add(_drawn(lane, "answered", day, answers_each))


def _drawn(lane: _Lane, change: str, day: int, count: int) -> Iterator[tuple[Row, ...]]:
    for _ in range(count):
        variant = lane.chance.randrange(VARIANTS)
        ago = lane.chance.choice(ANSWERED_AFTER_DAYS) if change == "answered" else 0
        key = (change, variant, day, ago)
        if key not in lane.known:
            lane.known[key] = tuple(_change(lane, *key))
        yield lane.known[key]


def _change(lane: _Lane, change: str, variant: int, day: int, ago: int) -> Iterator[Row]:
    """Yield what one write of an invitation changes in the counters."""
    at = BEGINNING + timedelta(days=day - ago)
    sides = _sides(lane.invitation, variant, at, at + timedelta(days=ago))
    before, after = {"decided": (None, 0), "sent": (0, 1), "answered": (1, 2)}[change]
    survey = lane.organisation.survey(lane.invitation.survey or "")
    rows = partial(contributions, dimensions=dimensions_of(lane.organisation), survey=survey)
    yield from rows(sides[after])
    for row in rows(sides[before]) if before is not None else ():
        yield Row(row.kind, row.dimension, row.value, row.day, {name: -count for name, count in row.counts.items()})


def _sides(invitation: Invitation, variant: int, at: datetime, answered_at: datetime) -> tuple[Invitation, ...]:
    """Return a survey as it is decided, sent, answered."""
    (raw,) = company.closings(1, f"m{variant}-", at)
    closing = parse_event(raw, closings=frozenset({raw["type"]}), now=at)
    assert isinstance(closing, Closing)
    own = {"people": closing.people, "promises": closing.promises, "attributes": closing.attributes}
    decided = invitation.model_copy(update={**own, "occurred_at": at, "state": "scheduled"})
    form = company.form(low=variant % scenario.LOW_EACH == 0, number=variant)
    ratings: dict[str, int] = {
        name: int(form[name]) for name in ("advice", "price", "payment", "delivery") if name in form
    }
    choices: dict[str, tuple[str, ...]] = {name: (form[name],) for name in ("promise", "value") if name in form}
    given = Answer(rating=int(form["rating"]), ratings=ratings, choices=choices, at=answered_at, how="button")
    sent = decided.model_copy(update={"state": "sent"})
    return decided, sent, sent.model_copy(update={"confirmed": given, "first_confirmed_at": answered_at})
