"""Tell somebody how customers rate what they took part in, beside their department: closed months only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from chalicelib.domain.disclosure import SMALL_MAX
from chalicelib.domain.metric import METRICS
from chalicelib.domain.organisation import Organisation, Staff, Target
from chalicelib.domain.period import start_of
from chalicelib.domain.recognition import Praise, of_person, praise_of, read_by
from chalicelib.domain.rollup import day_of, encode, kind_name
from chalicelib.domain.score import Estimate
from chalicelib.domain.target import Progress, measured, progress
from chalicelib.domain.trend import settled, total_of
from chalicelib.errors import NotFound
from chalicelib.ports import Ports, Principal

RATINGS = ("nps", "csat", "ces")
MONTHS_BACK_DAYS = 366
PRAISE_DAYS = 366
PRAISE_MAX = 30


@dataclass(frozen=True)
class Own:
    """One rating of somebody's work over the last twelve closed months, beside the team's; None where too few answered.

    Few answers would tell who gave which.
    """

    metric: str
    mine: Estimate | None
    team: Estimate | None


def people_of(ports: Ports, principal: Principal) -> tuple[Staff, ...]:
    """Return whose pages somebody may read besides their own: a head's people; nobody's for anyone else."""
    department = ports.library.organisation().department(principal.department)
    leads = department is not None and principal.role == "department" and principal.person == department.head.id
    return department.people if department and leads else ()


def subject(ports: Ports, principal: Principal, person: str | None) -> Principal:
    """Return whose page is read: one's own, or one's people's. Raises NotFound for anybody else's."""
    if not person or person == principal.person:
        return principal
    found = next((one for one in people_of(ports, principal) if one.id == person), None)
    if found is None:
        raise NotFound(person)
    return Principal(id=found.id, role="agent", name=found.name, department=principal.department, person=found.id)


def praise(ports: Ports, whose: Principal, now: datetime) -> tuple[Praise, ...]:
    """Return what customers said of somebody's work, the latest first; to a head also of their people's."""
    if whose.person is None:
        return ()
    # Whoever is looked at as a head's person, or signs in as an agent, finds their own alone.
    leads = whose.role == "department"
    names = read_by(whose.person, ports.library.organisation()) if leads else (of_person(whose.person),)
    return praised(ports, names, now - timedelta(days=PRAISE_DAYS), now)


def is_praised(ports: Ports, names: Sequence[str], first: datetime, last: datetime) -> bool:
    """Say whether anything was noted as praise under any of these names."""
    return any(ports.cases.noted(name, first, last, limit=1) for name in names)


def praised(ports: Ports, names: Sequence[str], first: datetime, last: datetime) -> tuple[Praise, ...]:
    """Return what was noted as praise under any of these names, as it is today, the latest first."""
    noted = [
        each for name in names for each in ports.cases.noted(name, first, last, limit=PRAISE_MAX, latest_first=True)
    ]
    return _praise(ports, [each.id for each in noted])


def _praise(ports: Ports, ids: Sequence[str]) -> tuple[Praise, ...]:
    invitations = ports.invitations.get_many(tuple(dict.fromkeys(ids))) if ids else {}
    surveys = {each.survey_version: ports.library.survey(each.survey_version or "") for each in invitations.values()}
    answers = ((each, surveys[each.survey_version]) for each in invitations.values())
    found = [praise for each, survey in answers if survey and (praise := praise_of(each, survey))]
    return tuple(sorted(found, key=lambda praise: (praise.at, praise.id), reverse=True))[:PRAISE_MAX]


def ratings(ports: Ports, principal: Principal, now: datetime) -> tuple[Own, ...]:
    """Return somebody's own ratings; nothing for a token that stands for no person."""
    if principal.person is None:
        return ()
    organisation = ports.library.organisation()
    first, end = _year(organisation, now)
    mine = _counts(ports, organisation, "person", principal.person, first, end)
    team = _counts(ports, organisation, "department", principal.department or "", first, end)
    told = (Own(metric, _told(metric, mine), _told(metric, team)) for metric in RATINGS)
    return tuple(own for own in told if own.mine or own.team)


def targets(ports: Ports, principal: Principal, now: datetime) -> tuple[Progress, ...]:
    """Return how far somebody has come to the targets of their role, over the same months; too few tell nothing."""
    organisation = ports.library.organisation()
    role = _role(organisation, principal.person)
    wanted = [each for each in organisation.trends.targets if role and each.role == role]
    found = [progress(each, _mine(ports, organisation, each, principal.person or "", now)) for each in wanted]
    return tuple(each for each in found if each and each.estimate.n > SMALL_MAX)


def _role(organisation: Organisation, person: str | None) -> str | None:
    return next((one.role for one in organisation.staff if person and one.id == person), None)


def _mine(ports: Ports, organisation: Organisation, target: Target, person: str, now: datetime) -> Estimate:
    first, end = _year(organisation, now)
    metric = METRICS[target.metric]
    kind, last = kind_name(metric.kind, organisation.trends.generation), end - timedelta(days=1)
    days = ports.counters.series(kind, "person", encode(person), first.isoformat(), last.isoformat())
    return measured(target, total_of(settled(metric.kind, days, end).values())).estimate


def _year(organisation: Organisation, now: datetime) -> tuple[date, date]:
    """Return the first day of the last twelve closed months, and the day after them."""
    end = start_of(date.fromisoformat(day_of(now, organisation.zone)), "month")
    return start_of(end - timedelta(days=MONTHS_BACK_DAYS - 1), "month"), end


def _counts(
    ports: Ports, organisation: Organisation, dimension: str, value: str, first: date, end: date
) -> dict[str, int]:
    kind, last = kind_name("response", organisation.trends.generation), end - timedelta(days=1)
    days = ports.counters.series(kind, dimension, encode(value), first.isoformat(), last.isoformat())
    return total_of(days.values())


def _told(metric: str, counts: dict[str, int]) -> Estimate | None:
    estimate = METRICS[metric].measure(counts).estimate
    return estimate if estimate.n > SMALL_MAX else None
