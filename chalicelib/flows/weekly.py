"""Mail once a week what the page of trends says to leadership and each head, and praise to whoever earned it."""

from datetime import date, datetime, timedelta

from chalicelib.domain.organisation import Organisation
from chalicelib.domain.reading import Report, indicators, standings
from chalicelib.domain.recognition import read_by
from chalicelib.domain.trend import Point, Series
from chalicelib.domain.weekly import (
    PRAISE,
    WEEK,
    Weekly,
    armed,
    claim,
    department_of,
    done,
    dropped,
    hold,
    last_week,
    mailboxes,
    person_of,
    praise_mailbox,
    praise_readers,
    praised,
    question,
    this_monday,
    until_open,
)
from chalicelib.errors import CarrierRefused, CarrierUnclear, Conflict
from chalicelib.flows import amend, own, report
from chalicelib.ports import Mail, Ports, Principal

MOMENT = timedelta(milliseconds=1)  # the finest that a note tells apart

BY_DEPARTMENT = ("delivered_promise", "kept_promise", "sla_met")
"""What leadership reads of each department, all of them on one page."""


def arm(ports: Ports, now: datetime) -> int:
    """Let every mailbox wait for its next week, once an organisation is in force; returns how many did not yet."""
    organisation = ports.library.organisation(fresh=True)
    return sum(_armed(ports, mailbox, organisation, now) for mailbox in mailboxes(organisation))


def _armed(ports: Ports, mailbox: str, organisation: Organisation, now: datetime) -> bool:
    def once() -> bool:
        changed = armed(mailbox, ports.cases.weekly(mailbox), organisation, now)
        if changed:
            ports.cases.save_weekly(changed)
        return changed is not None

    return amend.persist(once)


def tell(ports: Ports, mailbox: str, now: datetime) -> None:
    """Send one mailbox its week: once, and again only where the carrier's word was lost."""
    found = ports.cases.weekly(mailbox)
    if found is None:
        return
    organisation = ports.library.organisation()
    waiting = until_open(found, organisation, now)
    claimed = waiting or claim(found, now)
    if claimed is None or not _is_saved(ports, claimed) or waiting:
        return
    if not _is_there(mailbox, organisation):
        ports.cases.save_weekly(dropped(claimed))
    elif mailbox == PRAISE:
        _arm_praised(ports, organisation, now)
        ports.cases.save_weekly(done(claimed, organisation, now))
    elif _taken(ports, claimed, organisation, now):
        ports.cases.save_weekly(done(claimed, organisation, now))


def _is_there(mailbox: str, organisation: Organisation) -> bool:
    person = person_of(mailbox)
    return person in praise_readers(organisation) if person else mailbox in mailboxes(organisation)


def _is_saved(ports: Ports, weekly: Weekly) -> bool:
    try:
        ports.cases.save_weekly(weekly)
    except Conflict:
        return False
    return True


def _taken(ports: Ports, weekly: Weekly, organisation: Organisation, now: datetime) -> bool:
    """Hand the mail over; what the carrier refuses for now stays leased, and is tried again."""
    mail = _written(ports, weekly, organisation, now)
    if mail is None:
        return True
    try:
        ports.carrier.mail(mail)
    except CarrierRefused as refusal:
        return refusal.permanent
    except CarrierUnclear:
        return False
    return True


def _written(ports: Ports, weekly: Weekly, organisation: Organisation, now: datetime) -> Mail | None:
    """Return the mail about the last whole week; None where it was told, or holds nothing to tell."""
    if weekly.told == this_monday(now, organisation) - WEEK:
        return None
    person = person_of(weekly.id)
    if person:
        found = own.praised(ports, read_by(person, organisation), *_week(now, organisation))
        return ports.messages.praise(person, found, organisation) if found else None
    report = reported(ports, weekly.id, organisation, now)
    return ports.messages.weekly(report, organisation) if report.has_news else None


def _arm_praised(ports: Ports, organisation: Organisation, now: datetime) -> None:
    """Let the mailbox of each who was praised in the week be due: whoever dies in between does all of it again."""
    for person in praise_readers(organisation):
        if own.is_praised(ports, read_by(person, organisation), *_week(now, organisation)):
            _due(ports, person, organisation, now)


def _due(ports: Ports, person: str, organisation: Organisation, now: datetime) -> None:
    def once() -> None:
        changed = praised(person, ports.cases.weekly(praise_mailbox(person)), organisation, now)
        if changed:
            ports.cases.save_weekly(changed)

    amend.persist(once)


def _week(now: datetime, organisation: Organisation) -> tuple[datetime, datetime]:
    first, end = last_week(now, organisation)
    return first, end - MOMENT


def put_off(ports: Ports, mailbox: str, now: datetime) -> None:
    """Move a mailbox whose handling failed an hour ahead, and count the fault."""

    def once() -> None:
        found = ports.cases.weekly(mailbox)
        if found and found.due_at:
            ports.cases.save_weekly(hold(found, now))

    amend.persist(once)


# What the mail says


def reported(ports: Ports, mailbox: str, organisation: Organisation, now: datetime) -> Report:
    """Return the last whole week as its reader may see it: by the very questions that the page asks."""
    asked = question(now, organisation)
    reader = _reader(mailbox)
    week = this_monday(now, organisation) - WEEK
    every = {name: _points(ports, name, asked, reader, now) for name in indicators(organisation)}
    return Report(
        department=reader.department,
        week=week,
        asked=asked,
        standings=standings({name: points for name, points in every.items() if points}, "week", week + WEEK),
        departments={} if reader.department else _departments(ports, week, reader, now),
    )


def _reader(mailbox: str) -> Principal:
    department = department_of(mailbox)
    if department is None:
        return Principal(id=f"weekly:{mailbox}", role="leadership", name=mailbox)
    return Principal(id=f"weekly:{mailbox}", role="department", name=mailbox, department=department)


def _points(ports: Ports, metric: str, asked: dict[str, str], reader: Principal, now: datetime) -> tuple[Point, ...]:
    return next((each.points for each in _series(ports, {**asked, "metric": metric}, reader, now)), ())


def _series(ports: Ports, asked: dict[str, str], reader: Principal, now: datetime) -> tuple[Series, ...]:
    return report.trends(ports, {name: [value] for name, value in asked.items()}, reader, now).series


def _departments(ports: Ports, week: date, reader: Principal, now: datetime) -> dict[str, dict[str, Point]]:
    """Return what each department's week came to, by metric."""
    span = {"from": week.isoformat(), "to": (week + WEEK).isoformat(), "interval": "week"}
    told: dict[str, dict[str, Point]] = {}
    for metric in BY_DEPARTMENT:
        for series in _series(ports, {**span, "metric": metric, "by": "department"}, reader, now):
            for point in series.points:
                told.setdefault(series.key, {})[metric] = point
    return told
