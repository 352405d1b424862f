"""Test that leadership can trust what it is told, and that others are told no more than they may know."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from statistics import mean
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from chalicelib.domain.case import Case
from chalicelib.domain.drivers import general_dominance, moments
from chalicelib.domain.invitation import Answer, Invitation
from chalicelib.domain.metric import METRICS
from chalicelib.domain.organisation import Organisation, Target
from chalicelib.domain.period import INTERVALS, Interval, end_of
from chalicelib.domain.score import bucket_of, seconds_of
from chalicelib.domain.trend import Point, Trend
from chalicelib.errors import Forbidden, Invalid, NotFound
from chalicelib.flows import report
from chalicelib.flows.project import project
from chalicelib.flows.report import Asked, consistency, drivers, ledger, read_ledger, targets, trends
from chalicelib.ports import Change, Principal
from tests.counting import AT, DELIVERY, JORGE, MARTA, PURCHASE, QUANTITY, SURVEYS, answered, anything, asked, company
from tests.world import World

Item = Invitation | Case

CARLA = Principal(id="carla", role="leadership", name="Carla")
BRUNO = Principal(id="bruno", role="department", name="Bruno", department="logistics")
MARTAS = Principal(id="marta", role="agent", name="Marta", person="u-7")
NOW = datetime(2026, 6, 15, 15, 0, tzinfo=UTC)
BOGOTA = ZoneInfo("America/Bogota")


def counted(items: Iterable[Item], organisation: Organisation | None = None) -> World:
    """A company in memory that has counted these items."""
    made = World()
    made.publish(organisation or company())
    made.now = NOW
    changes = [Change(str(place), None, item) for place, item in enumerate(items, start=1)]
    project(made.ports, changes, "s", NOW)
    return made


def ask(made: World, who: Principal = CARLA, **asked: str) -> Trend:
    given = {name.rstrip("_"): [value] for name, value in asked.items() if value}
    return trends(made.ports, given, who, made.now)


# Every metric against a recount in plain Python


def local(at: datetime) -> date:
    return at.astimezone(BOGOTA).date()


def answers(items: Iterable[Item], metric: str) -> list[tuple[date, Invitation, Answer]]:
    found = [item for item in items if isinstance(item, Invitation) and item.metric == metric and not item.trial]
    return [
        (local(item.first_confirmed_at), item, item.confirmed)
        for item in found
        if item.confirmed and item.first_confirmed_at
    ]


def any_answers(items: list[Item]) -> list[tuple[date, Invitation, Answer]]:
    return [each for metric in ("nps", "csat", "ces") for each in answers(items, metric)]


def cases(items: Iterable[Item]) -> list[tuple[date, Case]]:
    return [(local(item.opened_at), item) for item in items if isinstance(item, Case)]


Recounted = list[tuple[date, Item, float]]
"""Day, item and value: a rating, or 1 for yes and 0 for no."""


def said(items: list[Item], *questions: str) -> Recounted:
    found: Recounted = []
    for day, item, answer in any_answers(items):
        for question in questions:
            found += [(day, item, float(choice == "yes")) for choice in answer.choices.get(question, ())]
    return found


def quadrant(items: list[Item]) -> Recounted:
    found: Recounted = []
    for day, item, answer in any_answers(items):
        low = SURVEYS[item.metric or ""].is_low(answer.rating)
        found += [(day, item, float(choice == "yes" and not low)) for choice in answer.choices.get("worth", ())]
    return found


def delivered(items: list[Item]) -> Recounted:
    found: Recounted = []
    for item in items:
        if not isinstance(item, Invitation) or item.trial or not item.primary:
            continue
        for promise in item.promises:
            if isinstance(promise.promised, datetime):
                kept = isinstance(promise.fulfilled, datetime) and promise.fulfilled <= promise.promised
                found.append((local(promise.promised), item, float(kept)))
            elif promise.fulfilled is not None:
                found.append((local(item.occurred_at), item, float(promise.fulfilled == promise.promised)))
    return found


def quantities(items: list[Item]) -> Recounted:
    """Return 1 for each order of which less came than was promised, 0 for one that came whole."""
    found: Recounted = []
    for item in items:
        if isinstance(item, Invitation) and item.primary and not item.trial:
            for promise in item.promises:
                wanted, came = promise.promised, promise.fulfilled
                if promise.kind == "quantity" and isinstance(wanted, float) and isinstance(came, float):
                    found.append((local(item.occurred_at), item, float(came < wanted)))
    return found


def contacts(items: list[Item]) -> Recounted:
    found: Recounted = []
    for day, case in cases(items):
        found += [(day, case, 1.0)] * case.contacts_reached + [(day, case, 0.0)] * case.contacts_missed
    return found


def sent(items: list[Item]) -> Recounted:
    found: Recounted = []
    for item in items:
        if isinstance(item, Invitation) and item.state in ("attempted", "sent") and not item.bounced | item.trial:
            found.append((local(item.occurred_at), item, float(item.first_confirmed_at is not None)))
    return found


RECOUNT: dict[str, Callable[[list[Item]], Recounted]] = {
    "nps": lambda items: [
        (day, item, 100.0 * ((said.rating >= 9) - (said.rating <= 6))) for day, item, said in answers(items, "nps")
    ],
    "csat": lambda items: [(day, item, 100.0 * (answer.rating >= 4)) for day, item, answer in answers(items, "csat")],
    "ces": lambda items: [(day, item, 100.0 * (answer.rating >= 5)) for day, item, answer in answers(items, "ces")],
    "ces_mean": lambda items: [(day, item, answer.rating) for day, item, answer in answers(items, "ces")],
    "response_rate": lambda items: [(day, item, 100 * value) for day, item, value in sent(items)],
    "kept_promise": lambda items: [(d, i, 100 * value) for d, i, value in said(items, "kept", "invoice_kept")],
    "delivered_promise": lambda items: [(day, item, 100 * value) for day, item, value in delivered(items)],
    "value_satisfaction": lambda items: [(day, item, 100 * value) for day, item, value in quadrant(items)],
    "sla_met": lambda items: [
        (day, case, 100.0 * (not (case.acknowledge_breached or case.resolve_breached))) for day, case in cases(items)
    ],
    "stock_outs": lambda items: [(day, item, 100 * value) for day, item, value in quantities(items)],
    "effective_contacts": lambda items: [(day, item, 100 * value) for day, item, value in contacts(items)],
    "handoffs": lambda items: [(day, case, case.handoffs) for day, case in cases(items)],
    "returns": lambda items: [(day, case, case.returns) for day, case in cases(items)],
    "recovered": lambda items: [
        (day, case, 100.0 * (case.mended == "yes")) for day, case in cases(items) if case.mended in ("yes", "no")
    ],
    "time_to_acknowledge": lambda items: [
        (day, case, (case.first_acknowledged_at - case.opened_at).total_seconds())
        for day, case in cases(items)
        if case.first_acknowledged_at
    ],
    "time_to_resolve": lambda items: [
        (day, case, sum(case.spent.values())) for day, case in cases(items) if case.state == "resolved"
    ],
}


def of_dimension(item: Item, by: str) -> set[str]:
    """Return the values under which an item counts, as the contract has it (promises apart)."""
    if by == "department":
        return {item.department} if isinstance(item, Case) else set(item.departments)
    single = {"program": item.program, "touchpoint": item.touchpoint, "channel": item.channel}
    if by in single:
        return {value for value in (single[by],) if value}
    if by in ("person", "role"):
        return {(person.id if by == "person" else person.role) or "" for person in item.people}
    return {item.attributes[by]} if item.attributes.get(by) else set()


def beginning(day: date, interval: str) -> date:
    first = {
        "day": day,
        "week": day - timedelta(days=day.weekday()),
        "month": day.replace(day=1),
        "quarter": day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1),
        "year": day.replace(month=1, day=1),
    }
    return first[interval]


def expected(items: list[Item], metric: str, by: str | None, interval: str) -> dict[tuple[str, date], list[float]]:
    found: dict[tuple[str, date], list[float]] = defaultdict(list)
    for day, item, value in RECOUNT[metric](items):
        for key in of_dimension(item, by) if by else ("all",):
            found[key, beginning(day, interval)].append(value)
    return found


def summed(metric: str, values: list[float]) -> float:
    if not metric.startswith("time_to"):
        return mean(values)
    ranked = sorted(seconds_of(bucket_of(value)) for value in values)
    return (ranked[(len(ranked) - 1) // 2] + ranked[len(ranked) // 2]) / 2


ITEMS = [anything(random.Random(n), f"i-{n}") for n in range(300)]
ONCE = list({item.id: item for item in ITEMS}.values())
COMPANY = counted(ONCE)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("by", [None, "program", "touchpoint", "channel", "person", "role", "region", "store"])
def test_every_metric_equals_a_recount_of_the_items(metric: str, by: str | None) -> None:
    for interval in INTERVALS:
        found = ask(COMPANY, metric=metric, interval=interval, by=by or "")
        points = {(series.key, point.start): point for series in found.series for point in series.points}
        wanted = expected(ONCE, metric, by, interval)
        assert points.keys() == wanted.keys()
        for place, values in wanted.items():
            point = points[place]
            assert point.n == len(values)
            assert point.value == pytest.approx(summed(metric, values))
            assert point.low is None or point.high is None or point.low <= (point.value or 0) <= point.high
            assert not point.hidden


@pytest.mark.parametrize("metric", sorted(METRICS.keys() - {"kept_promise", "delivered_promise", "stock_outs"}))
def test_every_metric_by_department_counts_once_for_each(metric: str) -> None:
    found = ask(COMPANY, metric=metric, by="department", interval="month")
    points = {(series.key, point.start): point.n for series in found.series for point in series.points}
    wanted = {place: len(values) for place, values in expected(ONCE, metric, "department", "month").items()}
    assert points == wanted


@pytest.mark.parametrize("metric", sorted(METRICS.keys() - {"kept_promise", "delivered_promise", "stock_outs"}))
@pytest.mark.parametrize(
    ("by", "dimension"), [("department", "region"), ("region", "department"), ("program", "region")]
)
def test_a_filter_keeps_those_of_its_value(metric: str, by: str, dimension: str) -> None:
    for value in ("Bogotá", "R&D #1", "50%", "logistics"):
        kept = [item for item in ONCE if value in of_dimension(item, dimension)]
        found = ask(COMPANY, metric=metric, by=by, interval="month", filter=f"{dimension}:{value}")
        points = {(series.key, point.start): point.n for series in found.series for point in series.points}
        assert points == {place: len(values) for place, values in expected(kept, metric, by, "month").items()}


def test_a_filter_alone_and_a_filter_on_its_own_dimension_give_one_series() -> None:
    alone = ask(COMPANY, metric="nps", filter="region:R&D #1")
    named = ask(COMPANY, metric="nps", by="region", filter="region:R&D #1")
    assert [series.key for series in (*alone.series, *named.series)] == ["all", "R&D #1"]
    assert alone.series[0].points == named.series[0].points


def test_the_value_of_a_filter_that_never_was_gives_an_empty_series() -> None:
    assert ask(COMPANY, metric="nps", filter="region:Atlantis").series[0].points == ()


def test_days_before_and_after_the_range_are_left_out() -> None:
    made = counted([answered(9, f"i-{day}", at=AT.replace(day=day)) for day in (9, 10, 11, 12)])
    found = ask(made, metric="nps", interval="day", from_="2026-03-10", to="2026-03-12")
    assert [point.start.day for point in found.series[0].points] == [10, 11]


def test_by_default_the_last_twelve_months_are_shown_by_month_and_today_with_them() -> None:
    days = [datetime(2025, 6, 15, 12, tzinfo=UTC), datetime(2025, 6, 16, 12, tzinfo=UTC), NOW - timedelta(hours=1)]
    made = counted([answered(9, f"i-{n}", at=day) for n, day in enumerate(days)])
    found = ask(made, metric="nps")
    assert found.interval == "month"
    starts = [(point.start, point.n) for point in found.series[0].points]
    assert starts == [(date(2025, 6, 1), 1), (date(2026, 6, 1), 1)]


def test_an_answer_has_the_shape_of_the_contract() -> None:
    found = ask(counted([answered(9)]), metric="nps").model_dump(mode="json")
    assert set(found) == {"metric", "interval", "by", "formula", "series"}
    (point,) = found["series"][0]["points"]
    assert point == {
        "start": "2026-03-01",
        "n": 1,
        "value": 100.0,
        "low": pytest.approx(-0.0, abs=101),
        "high": 100.0,
        "counts": {"9": 1},
        "hidden": False,
    }


@pytest.mark.parametrize(
    ("metric", "item", "counts"),
    [
        ("response_rate", answered(9), {"answered": 1, "unanswered": 0}),
        ("kept_promise", answered(9, choices={"kept": ("no",)}), {"yes": 0, "no": 1}),
        ("delivered_promise", asked(promises=(DELIVERY,)), {"kept": 0, "broken": 1}),
        (
            "value_satisfaction",
            answered(9, choices={"worth": ("yes",)}),
            {"yes_high": 1, "yes_low": 0, "no_high": 0, "no_low": 0},
        ),
    ],
)
def test_counts_say_what_a_value_is_made_of(metric: str, item: Item, counts: Mapping[str, int]) -> None:
    (point,) = ask(counted([item]), metric=metric).series[0].points
    assert point.counts == counts


def test_every_formula_says_what_is_divided_by_what() -> None:
    for name, metric in METRICS.items():
        assert "/" in metric.formula or "Median" in metric.formula, name
        assert len(metric.formula) > 40, name


# Promises and time


@pytest.mark.parametrize(
    ("now", "points"),
    [
        ("2026-03-10T22:30:00+00:00", []),  # due today: nobody can say yet
        ("2026-03-11T04:59:59+00:00", []),
        ("2026-03-11T05:00:00+00:00", [(1, 0.0)]),  # midnight in Bogotá has passed
    ],
)
def test_an_unfulfilled_promise_is_broken_once_its_day_has_passed(now: str, points: list[tuple[int, float]]) -> None:
    made = counted([asked(promises=(DELIVERY,))])
    made.now = datetime.fromisoformat(now)
    found = ask(made, metric="delivered_promise", by="department", from_="2026-03-01", to="2026-04-01")
    assert [(point.n, point.value) for series in found.series for point in series.points] == points


@pytest.mark.parametrize(("late", "value"), [(timedelta(0), 100.0), (timedelta(seconds=1), 0.0)])
def test_a_promise_fulfilled_before_its_day_has_passed_counts_at_once(late: timedelta, value: float) -> None:
    made = counted([asked(promises=(DELIVERY.model_copy(update={"fulfilled": DELIVERY.promised + late}),))])  # type: ignore[operator]
    made.now = AT + timedelta(days=1)
    found = ask(made, metric="delivered_promise", from_="2026-03-01", to="2026-04-01")
    assert [(point.n, point.value) for point in found.series[0].points] == [(1, value)]


def test_a_promise_counts_for_its_own_department_and_once_for_the_event() -> None:
    first = asked("i-1", promises=(DELIVERY, QUANTITY.model_copy(update={"fulfilled": 8.0})))
    second = first.model_copy(update={"id": "i-2", "primary": False, "program": "support"})
    made = counted([first, second])
    found = ask(made, metric="delivered_promise", by="department")
    assert {(series.key, point.n) for series in found.series for point in series.points} == {("logistics", 2)}


# Bad input


BAD: list[tuple[Asked, str, str]] = [
    ({}, "/metric", "one of nps, csat, ces"),
    ({"metric": ["NPS"]}, "/metric", "is not one of nps, csat"),
    ({"metric": ["nps"], "by": ["planet"]}, "/by", "department, program, touchpoint, channel, person, role, region"),
    ({"metric": ["nps"], "by": ["all"]}, "/by", "is not one of"),
    ({"metric": ["nps"], "interval": ["hour"]}, "/interval", "day, week, month, quarter, year"),
    ({"metric": ["nps"], "from": ["2026-03-02"], "to": ["2026-03-01"]}, "/from", "is not before `to`"),
    ({"metric": ["nps"], "from": ["2026-03-01"], "to": ["2026-03-01"]}, "/from", "is not before `to`"),
    ({"metric": ["nps"], "from": ["1926-03-01"], "to": ["2026-03-01"], "interval": ["day"]}, "/from", "1970-01-01"),
    ({"metric": ["nps"], "from": ["2000-03-01"], "to": ["2026-03-01"]}, "/from", "more than 10 years"),
    ({"metric": ["nps"], "from": ["2017-01-01"], "to": ["2026-01-01"], "interval": ["day"]}, "/interval", "at most"),
    ({"metric": ["nps"], "from": ["20260301"]}, "/from", "as in 2026-03-06"),
    ({"metric": ["nps"], "from": ["2026-02-29"]}, "/from", "as in 2026-03-06"),
    ({"metric": ["nps"], "from": ["2026-03-0\u0661"]}, "/from", "as in 2026-03-06"),
    ({"metric": ["nps"], "to": ["9999-12-31"]}, "/to", "2200-01-01"),
    ({"metric": ["nps"], "filter": ["region"]}, "/filter", "dimension:value"),
    ({"metric": ["nps"], "filter": ["planet:mars"]}, "/filter", "as its dimension"),
    ({"metric": ["nps"], "filter": ["region:" + "x" * 1_000_000]}, "/filter", "at most 200 characters"),
    ({"metric": ["nps"], "filter": ["region:a", "region:b"]}, "/filter", "more than once"),
    ({"metric": ["nps"], "by": ["store"], "filter": ["region:a"]}, "/filter", "department and region; program and"),
    ({"metric": ["nps"], "cursor": ["abc"]}, "/cursor", "is not one of metric, by, from, to, interval, filter"),
    ({"metric": ["nps"], "x" * 1_000_000: ["y"]}, "/" + "x" * 40, "is not one of metric"),
]


@pytest.mark.parametrize(("asked", "pointer", "detail"), BAD, ids=range(len(BAD)))
def test_what_cannot_be_answered_is_refused_with_what_is_allowed(asked: Asked, pointer: str, detail: str) -> None:
    with pytest.raises(Invalid) as refused:
        trends(COMPANY.ports, asked, CARLA, NOW)
    assert (pointer, True) in [(problem.pointer, detail in problem.detail) for problem in refused.value.problems]
    assert len(str(refused.value)) < 1_000


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        trends(COMPANY.ports, {"metric": ["x"], "by": ["y"], "interval": ["z"], "filter": ["w"]}, CARLA, NOW)
    assert [problem.pointer for problem in refused.value.problems] == ["/metric", "/by", "/interval", "/filter"]


def test_a_dimension_of_too_many_values_is_refused() -> None:
    made = counted([])
    for n in range(501):
        made.memory.rollups["response", "person", f"u-{n}"] = {}
    with pytest.raises(Invalid, match="501 values; at most 500"):
        ask(made, metric="nps", by="person")


# Who may see what


def test_agents_see_no_trends() -> None:
    with pytest.raises(Forbidden):
        ask(COMPANY, MARTAS, metric="nps")


def test_a_department_sees_its_own_trends_whether_it_names_itself_or_not() -> None:
    alone = ask(COMPANY, BRUNO, metric="nps", interval="quarter")
    named = ask(COMPANY, BRUNO, metric="nps", interval="quarter", by="department", filter="department:logistics")
    assert [series.key for series in (*alone.series, *named.series)] == ["all", "logistics"]
    assert alone.series[0].points == named.series[0].points
    wanted = ask(COMPANY, metric="nps", interval="quarter", filter="department:logistics").series[0].points
    closed = [point for point in wanted if end_of(point.start, "quarter") <= date(2026, 6, 15)]
    assert list(alone.series[0].points) == closed


def test_a_department_sees_no_other() -> None:
    with pytest.raises(Forbidden):
        ask(COMPANY, BRUNO, metric="nps", filter="department:sales")
    with pytest.raises(Invalid):
        ask(COMPANY, BRUNO, metric="nps", by="person")


@pytest.mark.parametrize("interval", ["day", "year"])
def test_a_department_sees_no_days_and_no_years(interval: str) -> None:
    with pytest.raises(Invalid, match="week, month, quarter"):
        ask(COMPANY, BRUNO, metric="nps", interval=interval)


def spread(day: date, n: int, **more: Any) -> list[Item]:
    at = datetime(day.year, day.month, day.day, 17, tzinfo=UTC)
    return [answered(9, f"{day}-{more.get('attributes')}-{k}", at=at, **more) for k in range(n)]


def test_a_department_sees_a_period_once_it_has_closed() -> None:
    made = counted(spread(date(2026, 5, 31), 5) + spread(date(2026, 6, 1), 5))
    months = ask(made, BRUNO, metric="nps").series[0].points
    assert [(point.start, point.n) for point in months] == [(date(2026, 5, 1), 5)]
    made.now = datetime(2026, 7, 1, 4, 59, tzinfo=UTC)
    assert len(ask(made, BRUNO, metric="nps").series[0].points) == 1
    made.now = datetime(2026, 7, 1, 5, 0, tzinfo=UTC)
    assert len(ask(made, BRUNO, metric="nps").series[0].points) == 2


@pytest.mark.parametrize(("n", "is_hidden"), [(4, True), (5, False)])
def test_fewer_than_five_answers_are_hidden_from_a_department_and_from_nobody_else(n: int, is_hidden: bool) -> None:
    made = counted(spread(date(2026, 5, 6), n))
    (point,) = ask(made, BRUNO, metric="nps").series[0].points
    assert point.hidden == is_hidden
    assert (point.n is None, point.value is None, point.counts is None) == (is_hidden,) * 3
    (whole,) = ask(made, metric="nps").series[0].points
    assert (whole.n, whole.hidden) == (n, False)


def test_the_next_smallest_is_hidden_with_a_small_one() -> None:
    items = [
        *spread(date(2026, 5, 6), 3, attributes={"region": "a"}),
        *spread(date(2026, 5, 6), 8, attributes={"region": "b"}),
        *spread(date(2026, 5, 6), 20, attributes={"region": "c"}),
    ]
    made = counted(items)
    found = ask(made, BRUNO, metric="nps", by="region")
    assert {series.key: series.points[0].n for series in found.series} == {"a": None, "b": None, "c": 20}
    alone = ask(made, BRUNO, metric="nps", filter="region:b")
    assert (alone.series[0].key, alone.series[0].points[0].hidden) == ("all", True)
    assert ask(made, BRUNO, metric="nps").series[0].points[0].n == 31


def test_a_range_cuts_no_period_for_those_who_see_whole_ones_only() -> None:
    made = counted(spread(date(2026, 4, 6), 7) + spread(date(2026, 5, 6), 9))
    found = ask(made, BRUNO, metric="nps", from_="2026-04-07", to="2026-05-31")
    assert [(point.start, point.n) for point in found.series[0].points] == [(date(2026, 4, 1), 7)]


Place = tuple[str, str, date]
INTERVALS_SEEN: tuple[Interval, ...] = ("week", "month", "quarter")


def everything_seen(made: World) -> dict[Place, Point]:
    """All that Bruno can ever ask about, added together."""
    seen: dict[Place, Point] = {}
    for interval in INTERVALS_SEEN:
        for by in ("", "region"):
            for series in ask(made, BRUNO, metric="nps", interval=interval, by=by, from_="2025-12-29").series:
                seen |= {(series.key, interval, point.start): point for point in series.points}
    return seen


def true_count(items: list[Invitation], place: Place) -> int:
    key, interval, start = place
    days = [local(item.first_confirmed_at or NOW) for item in items if key in ("all", item.attributes["region"])]
    return sum(beginning(day, interval) == start for day in days)


def lines(places: Iterable[Place]) -> Iterator[list[Place]]:
    """Every sum that holds: a period's parts and their total, a quarter's months and the quarter."""
    for interval, start in {place[1:] for place in places}:
        yield [(key, interval, start) for key in ("all", "a", "b", "c")]
    for key in ("all", "a", "b", "c"):
        quarter = date(2026, 1, 1)
        yield [(key, "quarter", quarter), *((key, "month", quarter.replace(month=month)) for month in (1, 2, 3))]


def test_no_sum_of_what_a_department_sees_gives_a_hidden_cell_away() -> None:
    chance = random.Random(7)
    items = []
    for n in range(260):
        at = datetime(2026, 1, 1, 17, tzinfo=UTC) + timedelta(days=chance.randrange(160))
        items.append(answered(9, f"i-{n}", at=at, attributes={"region": chance.choice("aaabbc")}))
    seen = everything_seen(counted(items))
    hidden = {place for place, point in seen.items() if point.hidden}
    counts = {place: true_count(items, place) for place in seen}
    assert all(point.n == counts[place] for place, point in seen.items() if not point.hidden)
    assert hidden >= {place for place, n in counts.items() if n < 5}
    assert 20 < len(hidden) < len(seen)
    assert all(sum(place in hidden for place in line) != 1 for line in lines(seen))


# Drivers and people


def test_drivers_come_from_counters_alone_and_equal_those_of_the_answers() -> None:
    chance = random.Random(3)
    rows = []
    items: list[Item] = []
    for n in range(120):
        delivery, staff = chance.randint(1, 5), chance.randint(1, 5)
        rating = min(10, max(0, 2 * delivery + chance.randint(-1, 1)))
        rows.append((rating, delivery, staff))
        items.append(answered(rating, f"i-{n}", ratings={"delivery": delivery, "staff": staff}))
    items.append(answered(0, "i-partly", ratings={"delivery": 5}))
    found = drivers(counted(items).ports, {}, CARLA, NOW)
    whole = general_dominance(moments(rows, ("rating", "delivery", "staff")))
    assert (found.survey, found.n) == (PURCHASE.id, 120)
    assert found.r2 == pytest.approx(whole.r2)
    assert {share.key: share.share for share in found.drivers} == pytest.approx(whole.shares)
    assert [share.key for share in found.drivers] == ["delivery", "staff"]
    assert "not cause" in found.formula


def test_without_complete_answers_there_are_no_drivers() -> None:
    found = drivers(counted([answered(3)]).ports, {"filter": ["region:Bogotá"]}, CARLA, NOW)
    assert (found.n, found.r2, found.drivers) == (0, None, ())


def test_drivers_take_days_and_one_filter_and_nothing_else() -> None:
    for asked_for in ({"metric": ["nps"]}, {"from": ["x"]}, {"filter": ["x"]}):
        with pytest.raises(Invalid):
            drivers(COMPANY.ports, asked_for, CARLA, NOW)
    with pytest.raises(Forbidden):
        drivers(COMPANY.ports, {}, BRUNO, NOW)


def test_how_far_people_differ_comes_from_their_sums() -> None:
    items = [answered(rating, f"a-{n}", people=(MARTA,)) for n, rating in enumerate((9, 9, 10, 9))]
    other = MARTA.model_copy(update={"id": "u-9"})
    items += [answered(rating, f"b-{n}", people=(other, JORGE)) for n, rating in enumerate((2, 3, 2, 2))]
    made = counted(items)
    sales = consistency(made.ports, "sales", "nps", date(2026, 3, 1), date(2026, 4, 1))
    assert sales.n == 8
    assert sales.value == pytest.approx(4.9, abs=0.2)
    assert consistency(made.ports, "sales", "nps", date(2026, 4, 1), date(2026, 5, 1)).n == 0


# The ledger


def test_the_ledger_tells_of_each_decision_of_an_event() -> None:
    decided = [
        asked("i-1", event_id="ORD-1", program="support"),
        asked("i-2", event_id="ORD-1", state="skipped", reason="resting", rule="the customer rests until 2026-04-01"),
        answered(9, "i-3", event_id="ORD-2", occurred_at=AT + timedelta(days=1)),
    ]
    found = ledger(decided, CARLA)
    assert [event.id for event in found.events] == ["ORD-2", "ORD-1"]
    assert [(each.program, each.state, each.reason) for each in found.events[1].decisions] == [
        ("after-sale", "skipped", "resting"),
        ("support", "sent", None),
    ]
    assert found.events[0].decisions[0].answered_at == AT + timedelta(hours=1)
    assert "rating" not in found.model_dump_json()


def test_a_department_finds_its_own_events_in_the_ledger() -> None:
    decided = [asked("i-1", event_id="ORD-1"), asked("i-2", event_id="ORD-2", departments=("sales",))]
    assert [event.id for event in ledger(decided, BRUNO).events] == ["ORD-1"]
    with pytest.raises(NotFound):
        ledger(decided[1:], BRUNO)


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({}, "/customer"),
        ({"customer": ["c-1"], "event": ["/crm|1"]}, "/customer"),
        ({"customer": ["c-1"], "page": ["2"]}, "/page"),
        ({"event": ["ORD-1"]}, "/event"),
        ({"event": ["|ORD-1"]}, "/event"),
        ({"event": ["/crm|" + "x" * 201]}, "/event"),
        ({"customer": ["x" * 1_000_000]}, "/customer"),
    ],
)
def test_the_ledger_is_asked_about_one_customer_or_one_event(asked: Asked, pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_ledger(asked, CARLA)
    assert refused.value.problems[0].pointer == pointer


def test_the_ledger_is_not_for_agents() -> None:
    with pytest.raises(Forbidden):
        read_ledger({"customer": ["c-1"]}, MARTAS)


def test_a_hundred_items_of_each_kind_were_compared() -> None:
    kinds = Counter(type(item).__name__ for item in ONCE)
    assert kinds["Invitation"] > 150
    assert kinds["Case"] > 60


# Beside the trend


def test_each_touchpoint_has_its_share_of_good_ratings() -> None:
    given = [5, 4, 4, 2, 1]
    items = []
    for n, rating in enumerate(given):
        item = answered(9, f"i-{n}")
        assert item.confirmed is not None
        items.append(item.moved(confirmed=item.confirmed.model_copy(update={"ratings": {"staff": rating}})))
    found = report.said(counted(items).ports, None, date(2026, 1, 1), date(2027, 1, 1), "month").journey
    assert list(found) == ["staff"]
    assert (found["staff"].n, found["staff"].value) == (5, 60.0)


def spoken(rating: int, id_: str, topics: tuple[str, ...] | None, at: datetime = AT, **more: Any) -> Invitation:
    item = answered(rating, id_, at=at, **more)
    assert item.confirmed is not None
    return item.moved(confirmed=item.confirmed.model_copy(update={"topics": topics}))


YEAR = (date(2026, 1, 1), date(2027, 1, 1))


def test_what_words_speak_of_is_a_share_of_all_answers_over_time() -> None:
    later = AT + timedelta(days=31)
    items = [
        spoken(2, "i-1", ("logistics",)),
        spoken(9, "i-2", ("logistics", "billing")),
        spoken(9, "i-3", ()),
        spoken(9, "i-4", (), later),
    ]
    found = report.said(counted(items).ports, None, *YEAR, "month").topics
    assert {topic: [(p.start.month, p.n, p.value, p.counts) for p in points] for topic, points in found.items()} == {
        "logistics": [(3, 3, pytest.approx(200 / 3), {"low": 1, "other": 1}), (4, 1, 0.0, {"low": 0, "other": 0})],
        "billing": [(3, 3, pytest.approx(100 / 3), {"low": 0, "other": 1}), (4, 1, 0.0, {"low": 0, "other": 0})],
    }
    assert report.said(counted(items).ports, ("department", "billing"), *YEAR, "month").topics == {}


def test_what_failed_is_counted_after_low_ratings_only() -> None:
    chosen = {"failed": ("late", "other")}
    items = [
        spoken(2, "i-1", (), choices=chosen),
        spoken(6, "i-2", (), choices={"failed": ("late",)}),
        spoken(7, "i-3", (), choices=chosen),
    ]
    found = report.said(counted(items).ports, None, *YEAR, "month")
    assert (found.failed, found.lows) == ({"late": 2, "other": 1}, 2)


def test_an_answer_whose_words_nobody_has_read_counts_in_neither() -> None:
    old = spoken(2, "i-1", None, choices={"failed": ("late",)})
    made = counted([old])
    found = report.said(made.ports, None, *YEAR, "month")
    assert (found.topics, found.failed, found.lows) == ({}, {}, 0)
    read = spoken(2, "i-1", ("logistics",), choices={"failed": ("invoice",)})
    project(made.ports, [Change("2", old, read)], "s", NOW)
    found = report.said(made.ports, None, *YEAR, "month")
    assert (list(found.topics), found.failed, found.lows) == (["logistics"], {"invoice": 1}, 1)


def test_an_erasure_takes_the_words_and_leaves_what_they_spoke_of() -> None:
    kept = spoken(2, "i-1", ("logistics",), texts={"comment": "Llegó tarde"})
    assert kept.confirmed is not None
    gone = kept.moved(erased=True, confirmed=kept.confirmed.model_copy(update={"texts": {}}))
    made = counted([kept])
    before = report.said(made.ports, None, *YEAR, "month")
    project(made.ports, [Change("2", kept, gone)], "s", NOW)
    assert report.said(made.ports, None, *YEAR, "month") == before


def test_drivers_of_the_page_are_those_of_the_api() -> None:
    chance = random.Random(3)
    items = [
        answered(chance.randrange(11), f"i-{n}", ratings={"delivery": chance.randint(1, 5), "staff": 3})
        for n in range(30)
    ]
    made = counted(items)
    asked_for = {"from": ["2026-01-01"], "to": ["2027-01-01"]}
    assert report.said(made.ports, None, *YEAR, "month").drivers == drivers(made.ports, asked_for, CARLA, NOW)


def test_a_department_sees_its_own_targets_only_and_closed_months_of_them() -> None:
    targets_ = (
        Target(metric="nps", value=40, department="logistics"),
        Target(metric="nps", value=40, department="sales"),
        Target(metric="nps", value=40, role="seller"),
    )
    made = counted([answered(9, f"i-{n}") for n in range(30)], company(targets=targets_))
    days = (date(2026, 1, 1), date(2027, 1, 1))
    assert [each.target.department for each in targets(made.ports, CARLA, *days, made.now)] == ["logistics", "sales"]
    (mine,) = targets(made.ports, BRUNO, *days, made.now)
    assert (mine.target.department, mine.estimate.n, mine.state) == ("logistics", 30, "reached")
    few = counted([answered(9, f"i-{n}") for n in range(4)], company(targets=targets_))
    assert targets(few.ports, BRUNO, *days, few.now) == ()
    with pytest.raises(Forbidden):
        targets(made.ports, MARTAS, *days, made.now)
