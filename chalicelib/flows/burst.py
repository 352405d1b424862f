"""Note what failed in each case, and open one incident when many customers name the same within a short time.

A case notes its drivers while its alert is sent, and strikes them off afterwards: whoever dies in between does it
again, and nothing is counted, opened or paused twice. Nobody counts in a place that all have to write.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from chalicelib.domain.case import Case
from chalicelib.domain.incident import (
    Incident,
    Noted,
    begun,
    claimed,
    closed,
    opened,
    pausing,
    resuming,
    span_of,
    told,
    waiting,
)
from chalicelib.domain.organisation import Burst, Organisation, Pauses
from chalicelib.errors import CarrierRefused, CarrierUnclear, Conflict, Forbidden, NotFound
from chalicelib.flows import amend
from chalicelib.ports import Ports, Principal

CASES_MAX = 100  # shown of one incident, the latest
FOR_EVER = datetime(9999, 12, 31, tzinfo=UTC)


def count(ports: Ports, case: Case, organisation: Organisation, now: datetime) -> tuple[str, ...]:
    """Note a case's drivers, with all that follows from them; returns those that are done with."""
    rule = organisation.incidents
    if rule is None:
        return case.to_count
    return tuple(driver for driver in case.to_count if _count(ports, driver, case, rule, organisation, now))


def _count(ports: Ports, driver: str, case: Case, rule: Burst, organisation: Organisation, now: datetime) -> bool:
    ports.cases.note(name_of(driver), Noted(at=case.opened_at, id=case.id))
    incident = amend.persist(lambda: _opened(ports, driver, case, rule, organisation, now))
    if rule.pause and incident:
        incident = _paused(ports, incident)
    return _tell(ports, incident, organisation, now) if incident and incident.is_open else True


def _paused(ports: Ports, incident: Incident) -> Incident:
    """Let surveys wait while an incident is open, and go on once it is closed, also where that came in between."""
    if incident.is_open:
        _change_pauses(ports, lambda pauses: pausing(pauses, incident))
        incident = ports.cases.incidents([incident.id])[incident.id]
    if not incident.is_open:
        _change_pauses(ports, lambda pauses: resuming(pauses, incident))
    return incident


def name_of(driver: str) -> str:
    """Return the name under which the cases of a driver are noted."""
    return f"driver:{driver}"


def _opened(
    ports: Ports, driver: str, case: Case, rule: Burst, organisation: Organisation, now: datetime
) -> Incident | None:
    """Return the driver's latest incident, opened where none is and enough have noted the driver."""
    before = ports.cases.incidents([driver]).get(driver)
    if before and before.is_open:
        return before
    span = span_of(case, rule, before)
    since = begun(ports.cases.noted(name_of(driver), span.first, span.last, limit=span.limit), rule)
    survey = organisation.survey_of_driver(driver)
    if since is None or survey is None:
        return before
    incident = opened(before, driver, case, survey.id, since, now)
    ports.cases.save_incident(incident)
    return incident


def _tell(ports: Ports, incident: Incident, organisation: Organisation, now: datetime) -> bool:
    """Tell leadership unless it knows; False where it must be looked at again: not taken, or another is at it now."""
    if incident.told_at:
        return True
    claim = claimed(incident, now)
    if claim is None:
        return False
    try:
        ports.cases.save_incident(claim)
    except Conflict:
        return False
    return _mailed(ports, claim, organisation, now)


def _mailed(ports: Ports, claim: Incident, organisation: Organisation, now: datetime) -> bool:
    try:
        ports.carrier.mail(ports.messages.incident(claim, organisation))
    except CarrierUnclear:
        return False
    except CarrierRefused as refusal:
        return refusal.permanent

    def once() -> None:
        found = ports.cases.incidents([claim.id]).get(claim.id)
        if found and found.is_open and found.told_at is None:
            ports.cases.save_incident(told(found, now))

    amend.persist(once)
    return True


def _change_pauses(ports: Ports, change: Callable[[Pauses], Pauses | None]) -> None:
    def once() -> None:
        after = change(ports.library.pauses(fresh=True))
        if after:
            ports.library.save_pauses(after)

    amend.persist(once)


@dataclass(frozen=True)
class Seen:
    """An incident as leadership sees it: its latest cases, whether there are more, and whether surveys wait for it."""

    incident: Incident
    cases: tuple[Case, ...]
    has_more: bool
    pauses: bool


def look(ports: Ports, principal: Principal) -> tuple[Seen, ...]:
    """Return the latest incident of each driver, the open ones first. Raises Forbidden for who does not lead."""
    _check_leads(principal)
    pauses = ports.library.pauses(fresh=True)
    incidents = ports.cases.incidents(_drivers(ports.library.organisation(), pauses)).values()
    ordered = sorted(incidents, key=lambda each: (each.is_open, each.opened_at), reverse=True)
    return tuple(_seen(ports, each, pauses) for each in ordered)


def _drivers(organisation: Organisation, pauses: Pauses) -> tuple[str, ...]:
    # A driver that has left the file while it still keeps surveys waiting can be closed too.
    asked = [driver for survey in organisation.surveys for driver in survey.drivers]
    return tuple(dict.fromkeys([*asked, *waiting(pauses)]))


def _seen(ports: Ports, incident: Incident, pauses: Pauses) -> Seen:
    until = incident.closed_at or FOR_EVER
    noted = ports.cases.noted(name_of(incident.id), incident.since, until, limit=CASES_MAX + 1, latest_first=True)
    ids = [each.id for each in noted[:CASES_MAX]]
    cases = ports.cases.get_many(ids)
    found = tuple(cases[id_] for id_ in ids if id_ in cases)
    return Seen(incident, found, len(noted) > CASES_MAX, incident.id in waiting(pauses))


def close(ports: Ports, driver: str, principal: Principal, now: datetime) -> bool:
    """Close a driver's incident, and let surveys go on; False where it was closed already.

    Raises Forbidden for who does not lead, NotFound where there never was one.
    """
    _check_leads(principal)

    def once() -> tuple[Incident, bool]:
        found = ports.cases.incidents([driver]).get(driver)
        if found is None:
            raise NotFound(driver)
        ended = closed(found, principal.name, now)
        if ended:
            ports.cases.save_incident(ended)
        return ended or found, ended is not None

    incident, is_news = amend.persist(once)
    # Also when it was closed before: whoever died then has left surveys waiting.
    _change_pauses(ports, lambda pauses: resuming(pauses, incident))
    return is_news


def _check_leads(principal: Principal) -> None:
    if principal.role not in ("leadership", "admin"):
        raise Forbidden("incidents are for leadership")


def of_case(ports: Ports, case: Case) -> tuple[Incident, ...]:
    """Return the incidents that a case is part of."""
    if not case.drivers or ports.library.organisation().incidents is None:
        return ()
    return tuple(each for each in ports.cases.incidents(case.drivers).values() if each.covers(case.opened_at))
