"""Say when one thing lets down so many customers that it is an incident: opened once, told once, closed by leadership.

What counts is the low answers with one driver. Each is noted under the driver's name, once by its case's id, and an
incident's cases are those noted since it began: no list of them is kept that could grow, or be half written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.case import Case
from chalicelib.domain.organisation import Burst, Pause, Pauses
from chalicelib.domain.terms import Frozen, Instant

LEASE = timedelta(minutes=2)
"""How long one sender has to tell leadership before another tries."""

BEFORE_MAX = 10


class Noted(Frozen):
    """Something noted under a name: which, and when it happened."""

    at: Instant
    id: str


class Closed(Frozen):
    """An incident of the past."""

    since: Instant
    closed_at: Instant
    closed_by: str


class Incident(Frozen):
    """The latest incident of one driver, which is its id, and those before it."""

    id: str
    version: int = 1
    since: Instant
    """When the first of its cases was opened."""
    opened_at: Instant
    department: str
    """Whose surveys wait while it is being mended, where the company wants that: who led the case that made it one."""
    survey: str | None = None
    """Which survey words the driver."""
    lease_until: Instant | None = None
    told_at: Instant | None = None
    closed_at: Instant | None = None
    closed_by: str | None = None
    before: tuple[Closed, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether it still gathers cases."""
        return self.closed_at is None

    def covers(self, at: datetime) -> bool:
        """Say whether a case opened at this instant, with this driver, belongs to it."""
        return self.since <= at and (self.closed_at is None or at <= self.closed_at)


@dataclass(frozen=True)
class Span:
    """Between which instants notes may belong to one burst, and how many at most need be looked at."""

    first: datetime
    last: datetime
    limit: int


def span_of(case: Case, rule: Burst, before: Incident | None) -> Span:
    """Return where to look around a case. What an earlier incident had counts for no other.

    Later notes are looked at too, for those who note cases do not come in order. Of twice `answers_min` notes in twice
    the time, `answers_min` lie together.
    """
    first = case.opened_at - rule.within
    if before and before.closed_at:
        first = max(first, before.closed_at + timedelta(milliseconds=1))
    return Span(first, case.opened_at + rule.within, 2 * rule.answers_min)


def begun(noted: Sequence[Noted], rule: Burst) -> datetime | None:
    """Return when a burst began: the first of `answers_min` notes that lie within the rule's time; None for none."""
    instants = sorted(each.at for each in noted)
    pairs = zip(instants, instants[rule.answers_min - 1 :], strict=False)
    return next((first for first, last in pairs if last - first <= rule.within), None)


def opened(before: Incident | None, driver: str, case: Case, survey: str, since: datetime, now: datetime) -> Incident:
    """Return an incident that begins, after the one before it."""
    past: tuple[Closed, ...] = ()
    if before and before.closed_at:
        ended = Closed(since=before.since, closed_at=before.closed_at, closed_by=before.closed_by or "")
        past = (ended, *before.before)[:BEFORE_MAX]
    return Incident(
        id=driver,
        version=before.version + 1 if before else 1,
        since=since,
        opened_at=now,
        department=case.department,
        survey=survey,
        before=past,
    )


def claimed(incident: Incident, now: datetime) -> Incident | None:
    """Return the incident leased to whoever tells leadership; None when it is told, closed, or another is at it."""
    if incident.told_at or not incident.is_open or (incident.lease_until and now < incident.lease_until):
        return None
    return incident.model_copy(update={"version": incident.version + 1, "lease_until": now + LEASE})


def told(incident: Incident, now: datetime) -> Incident:
    """Return the incident once leadership knows of it."""
    return incident.model_copy(update={"version": incident.version + 1, "told_at": now, "lease_until": None})


def closed(incident: Incident, by: str, now: datetime) -> Incident | None:
    """Return the incident as closed by somebody; None when it is closed already."""
    if not incident.is_open:
        return None
    ended = {"version": incident.version + 1, "closed_at": now, "closed_by": by, "lease_until": None}
    return incident.model_copy(update=ended)


def pausing(pauses: Pauses, incident: Incident) -> Pauses | None:
    """Return the pauses with one for whoever the incident may have touched; None where there is one, or no room."""
    if _own(pauses, incident) or len(pauses.pauses) >= PAUSES_ROOM:
        return None
    pause = Pause(
        id=_pause_id(incident),
        reason="incident",
        why=f"many answers named {incident.id}",
        since=incident.opened_at,
        department=incident.department,
    )
    return pauses.model_copy(update={"version": pauses.version + 1, "pauses": (*pauses.pauses, pause)})


def resuming(pauses: Pauses, incident: Incident) -> Pauses | None:
    """Return the pauses without the incident's own; None where there is none."""
    if not _own(pauses, incident):
        return None
    others = tuple(pause for pause in pauses.pauses if pause.id != _pause_id(incident))
    return pauses.model_copy(update={"version": pauses.version + 1, "pauses": others})


def waiting(pauses: Pauses) -> tuple[str, ...]:
    """Return the drivers whose incidents keep surveys waiting."""
    named = (pause.id for pause in pauses.pauses if pause.reason == "incident")
    return tuple(id_.removeprefix(PAUSE) for id_ in named if id_.startswith(PAUSE))


PAUSE = "incident:"
"""How the ids of pauses begin that an incident has made: those that somebody made by hand are none of ours."""

PAUSES_ROOM = 90  # so that whoever stops sending by hand still can


def _pause_id(incident: Incident) -> str:
    return f"{PAUSE}{incident.id}"


def _own(pauses: Pauses, incident: Incident) -> bool:
    return any(pause.id == _pause_id(incident) for pause in pauses.pauses)
