"""Answer what leadership asks: how it goes, what drives it, and what became of an event."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from chalicelib.domain.consistency import between_deviation
from chalicelib.domain.disclosure import TOTAL
from chalicelib.domain.event import EventRef
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.metric import METRICS, Counts, named, numbered
from chalicelib.domain.organisation import Organisation, Target
from chalicelib.domain.period import Interval, start_of
from chalicelib.domain.reading import pooled
from chalicelib.domain.rollup import ALL, TEAM, day_of, decode, encode, kind_name, pair_name
from chalicelib.domain.score import Estimate, at_least, share
from chalicelib.domain.target import Progress, measured, progress
from chalicelib.domain.terms import NAME_MAX, Frozen, Instant
from chalicelib.domain.trend import (
    DRIVERS_FORMULA,
    ECHO_MAX,
    SERIES_MAX,
    Asking,
    DriversAnswer,
    Guarded,
    Query,
    Said,
    Series,
    Share,
    Trend,
    asking_of,
    drivers_of,
    folded,
    history_from,
    people,
    points,
    read_query,
    read_range,
    settled,
    source_of,
    topics_over_time,
    total_of,
)
from chalicelib.errors import Forbidden, Invalid, NotFound, Problem
from chalicelib.ports import Ports, Principal

Asked = Mapping[str, Sequence[str]]
"""Query parameters as they were given, each with all its values."""


TOP_MIN = 4
"""The lowest of the two ratings of a touchpoint, of five, that count as good."""


class Decision(Frozen):
    """What was decided for one program and contact, and what came of it."""

    invitation: str
    program: str
    contact: str
    state: str
    reason: str | None
    rule: str | None
    channel: str | None
    decided_at: Instant
    send_at: Instant | None
    sent_at: Instant | None
    reminded_at: Instant | None
    bounced: bool
    answered_at: Instant | None


class LedgerEvent(Frozen):
    """One event, and what became of it."""

    source: str
    id: str | None
    touchpoint: str
    occurred_at: Instant
    reference: str | None
    decisions: tuple[Decision, ...]


class Ledger(Frozen):
    """Events, the latest first."""

    events: tuple[LedgerEvent, ...]


# Trends


Periods = dict[tuple[str, ...], dict[date, dict[str, int]]]
"""The counts of whole periods, by where they were read and how they were cut: what a page's questions share."""


def trends(ports: Ports, asked: Asked, principal: Principal, now: datetime, *, shared: Periods | None = None) -> Trend:
    """Answer one question about trends, as far as its reader may see; several of one instant may share what they add.

    Raises Invalid with what is allowed, and Forbidden for agents and for another department's trends.
    """
    organisation = ports.library.organisation()
    today = date.fromisoformat(day_of(now, organisation.zone))
    query = read_query(asked, organisation, today, _own_department(principal))
    reader = _Reader(ports, organisation, query, today, {} if shared is None else shared)
    series = reader.all() if query.department is None else reader.guarded()
    metric = query.metric
    return Trend(metric=metric.name, interval=query.interval, by=query.by, formula=metric.formula, series=series)


def _own_department(principal: Principal) -> str | None:
    """Return the one department whose trends somebody may see; None for those who may see all."""
    if principal.role in ("leadership", "admin"):
        return None
    if principal.role == "department" and principal.department:
        return principal.department
    raise Forbidden("trends are for departments and leadership")


@dataclass(frozen=True)
class _Reader:
    """Reads the counters that one question takes: a Query for each series."""

    ports: Ports
    organisation: Organisation
    query: Query
    today: date
    shared: Periods

    def all(self) -> tuple[Series, ...]:
        """Return the series for somebody who may see every cell."""
        query, source = self.query, source_of(self.query)
        keys = source.values
        if keys is None:
            keys = {decode(key): value for key, value in source.keys(self._values(source.dimension))}
        last = query.end - timedelta(days=1)
        found = []
        for key, value in keys.items():
            counts = self._periods(source.dimension, value, query.first, last)
            found.append(Series(key=key, points=points(query.metric, counts)))
        return tuple(series for series in found if series.points or not query.by)

    def guarded(self) -> tuple[Series, ...]:
        """Return the series of a department's own reader: closed periods, small cells hidden."""
        query, own = self.query, encode(self.query.department or "")
        first, last = history_from(query.first), self.today
        total = self._days("department", own, first, last)
        parts = {}
        if query.pair:
            dimension, place = pair_name(query.pair), query.pair.index("department")
            found = [value for value in self._values(dimension) if value.split("&")[place] == own]
            parts = {value.split("&")[1 - place]: self._days(dimension, value, first, last) for value in found}
        return Guarded(query, total, parts, self.today).series(self._shown(list(parts)))

    def _shown(self, parts: list[str]) -> dict[str, str]:
        """Return the rows that are asked for, with the keys they show under."""
        query = self.query
        if query.pair is None:
            return {TOTAL: query.department if query.by and query.department else ALL}
        if query.filter and query.filter[0] != "department":
            value = query.filter[1]
            key = value if query.by == query.filter[0] else query.department if query.by else ALL
            return {encode(value): key or ALL}
        return {row: decode(row) for row in parts}

    def _values(self, dimension: str) -> Sequence[str]:
        values = self.ports.counters.values(self._kind(), dimension)
        if len(values) > SERIES_MAX:
            detail = f"has {len(values):,} values; at most {SERIES_MAX} series are answered: take a filter instead"
            raise Invalid(Problem("/by", detail))
        return values

    def _periods(self, dimension: str, value: str, first: date, last: date) -> dict[date, dict[str, int]]:
        interval = self.query.interval
        name = (self._kind(), dimension, value, first.isoformat(), last.isoformat(), interval)
        if name not in self.shared:
            self.shared[name] = folded(self._days(dimension, value, first, last), interval)
        return self.shared[name]

    def _days(self, dimension: str, value: str, first: date, last: date) -> dict[date, Counts]:
        days = self.ports.counters.series(self._kind(), dimension, value, first.isoformat(), last.isoformat())
        return settled(self.query.metric.kind, days, self.today)

    def _kind(self) -> str:
        return kind_name(self.query.metric.kind, self.organisation.trends.generation)


# Drivers


def drivers(ports: Ports, asked: Asked, principal: Principal, now: datetime) -> DriversAnswer:
    """Return what drives the rating, from moments alone. For leadership. Raises Invalid and Forbidden."""
    _check_leads(principal, "drivers")
    organisation = ports.library.organisation()
    first, end, wanted = read_range(asked, organisation, date.fromisoformat(day_of(now, organisation.zone)))
    dimension, value = wanted or (ALL, ALL)
    return _drivers(_total(ports, organisation, (dimension, encode(value)), first, end), organisation)


def _drivers(counts: Counts, organisation: Organisation) -> DriversAnswer:
    found = drivers_of(counts, organisation)
    if found is None:
        return DriversAnswer(survey=None, n=0, r2=None, formula=DRIVERS_FORMULA, drivers=())
    result = found.drivers
    ordered = sorted(result.shares.items(), key=lambda each: (-each[1], each[0]))
    shares = tuple(Share(key=key, share=share) for key, share in ordered)
    return DriversAnswer(survey=found.survey, n=result.n, r2=result.r2, formula=DRIVERS_FORMULA, drivers=shares)


def consistency(ports: Ports, department: str, metric: str, first: date, end: date) -> Estimate:
    """Return how far the people of a department differ, as a standard deviation in rating points. For leadership."""
    organisation = ports.library.organisation()
    counts = _total(ports, organisation, (TEAM, encode(department)), first, end)
    return between_deviation(people(counts, metric))


def said(ports: Ports, label: tuple[str, str] | None, first: date, end: date, interval: Interval) -> Said:
    """Return what the answers of some days say, from one series of counters. For leadership."""
    organisation = ports.library.organisation()
    dimension, value = label or (ALL, ALL)
    kind, last = kind_name("response", organisation.trends.generation), end - timedelta(days=1)
    days = ports.counters.series(kind, dimension, encode(value), first.isoformat(), last.isoformat())
    counts = total_of(days.values())
    return Said(
        drivers=_drivers(counts, organisation),
        journey=_journey(counts, organisation),
        failed={choice: n for choice, n in named(counts, "failed").items() if n > 0},
        lows=max(0, counts.get("lows", 0)),
        topics=topics_over_time({date.fromisoformat(day): found for day, found in days.items()}, interval),
    )


def _journey(counts: Counts, organisation: Organisation) -> dict[str, Estimate]:
    """Return the share of ratings 4 and 5 of each touchpoint that was asked about, by its question."""
    touched = [question for survey in organisation.surveys for question in survey.questions]
    asked = dict.fromkeys(question.id for question in touched if question.kind == "touchpoint")
    rated = {id_: share(*at_least(numbered(counts, f"t.{id_}"), TOP_MIN)) for id_ in asked}
    return {id_: estimate for id_, estimate in rated.items() if estimate.n}


def asking(ports: Ports, first: date, end: date) -> dict[str, Asking]:
    """Return, by department, who was asked about its events and who answered. For leadership."""
    organisation = ports.library.organisation()
    kind, last = kind_name("decision", organisation.trends.generation), end - timedelta(days=1)
    known = [encode(each.id) for each in organisation.departments]
    values = [value for value in ports.counters.values(kind, "department") if value in known]
    days = {
        value: ports.counters.series(kind, "department", value, first.isoformat(), last.isoformat()) for value in values
    }
    found = {decode(value): asking_of(total_of(counted.values())) for value, counted in days.items()}
    return {department: each for department, each in found.items() if each.decided}


# Targets


def targets(ports: Ports, principal: Principal, first: date, end: date, now: datetime) -> tuple[Progress, ...]:
    """Return how far departments have come to their targets in some days: all of them, or the reader's own.

    Raises Forbidden for agents.
    """
    own = _own_department(principal)
    wanted = [each for each in ports.library.organisation().trends.targets if each.department]
    found = [progress(each, _stand(ports, principal, each, (first, end), now)) for each in _mine(wanted, own)]
    return tuple(each for each in found if each)


def _mine(wanted: Iterable[Target], own: str | None) -> list[Target]:
    return [each for each in wanted if own in (None, each.department)]


def _stand(ports: Ports, principal: Principal, target: Target, days: tuple[date, date], now: datetime) -> Estimate:
    """Return what is measured; a department's reader is told of closed months, and of answers what is not hidden."""
    first, end = days
    organisation = ports.library.organisation()
    own, today = _own_department(principal), date.fromisoformat(day_of(now, organisation.zone))
    if own and target.promise is None:
        named = {"metric": target.metric, "filter": f"department:{own}", "interval": "month"}
        asked = {**named, "from": first.isoformat(), "to": end.isoformat()}
        found = trends(ports, {name: [value] for name, value in asked.items()}, principal, now).series
        return pooled(target.metric, (point for series in found for point in series.points))
    metric, last = METRICS[target.metric], end - timedelta(days=1)
    kind = kind_name(metric.kind, organisation.trends.generation)
    label = ("department", encode(target.department or ""))
    counted = settled(metric.kind, ports.counters.series(kind, *label, first.isoformat(), last.isoformat()), today)
    # What was delivered is the company's own record, no customer's answer: only closed months bind it.
    until = start_of(today, "month") if own else end
    return measured(target, total_of(counts for day, counts in counted.items() if day < until)).estimate


def _total(ports: Ports, organisation: Organisation, label: tuple[str, str], first: date, end: date) -> Counts:
    kind, last = kind_name("response", organisation.trends.generation), end - timedelta(days=1)
    return total_of(ports.counters.series(kind, *label, first.isoformat(), last.isoformat()).values())


def _check_leads(principal: Principal, what: str) -> None:
    if principal.role not in ("leadership", "admin"):
        raise Forbidden(f"{what}: for leadership")


# The ledger


def read_ledger(asked: Asked, principal: Principal) -> EventRef | str:
    """Return what the ledger is asked about: an event, named as source|id, or a customer's id.

    Where there is no bar, the last slash, blank, colon or hash parts the two. Raises Invalid, and Forbidden for agents.
    """
    if principal.role == "agent":
        raise Forbidden("the ledger is for departments and leadership")
    name, value = _one_of(asked, ("customer", "event"))
    if name == "customer":
        return value
    named = _EVENT.fullmatch(value)
    if named is None:
        raise Invalid(Problem("/event", "is not source|id, as in /crm|ORD-10045"))
    return EventRef(source=named[1] or named[3], id=named[2] or named[4])


_EVENT = re.compile(r"([^|]+)\|(.+)|(.+)[/ :#]([^/ :#]+)", re.DOTALL)


def _one_of(asked: Asked, names: tuple[str, ...]) -> tuple[str, str]:
    given = [(name, value) for name in names for value in asked.get(name, ()) if value]
    unknown = [name for name in asked if name not in names]
    if unknown or len(given) != 1:
        raise Invalid(Problem("/" + (unknown or names)[0][:ECHO_MAX], f"exactly one of {', '.join(names)} is needed"))
    name, value = given[0]
    if max(map(len, value.split("|", 1))) > NAME_MAX:
        raise Invalid(Problem(f"/{name}", f"has a name of more than {NAME_MAX} characters"))
    return name, value


def ledger(found: Iterable[Invitation], principal: Principal) -> Ledger:
    """Return what became of events, the latest first, as far as its reader was concerned: a department by its own.

    Raises NotFound when nothing is left to tell.
    """
    events: dict[tuple[str, str | None], list[Invitation]] = {}
    for invitation in found:
        if principal.role != "department" or principal.department in invitation.departments:
            events.setdefault((invitation.source, invitation.event_id), []).append(invitation)
    if not events:
        raise NotFound("nothing was decided about this")
    told = [_event(decided) for decided in events.values()]
    return Ledger(events=tuple(sorted(told, key=lambda event: event.occurred_at, reverse=True)))


def _event(decided: list[Invitation]) -> LedgerEvent:
    first = decided[0]
    return LedgerEvent(
        source=first.source,
        id=first.event_id,
        touchpoint=first.touchpoint,
        occurred_at=first.occurred_at,
        reference=first.reference,
        decisions=tuple(_decision(each) for each in sorted(decided, key=lambda each: (each.program, each.label))),
    )


def _decision(invitation: Invitation) -> Decision:
    same: dict[str, Any] = {name: getattr(invitation, name) for name in _SAME}
    return Decision(
        invitation=invitation.id, contact=invitation.label, answered_at=invitation.first_confirmed_at, **same
    )


_SAME = frozenset(Decision.model_fields) & frozenset(Invitation.model_fields)
