"""Load what the pages of cases show, and hand it to their layout."""

from collections.abc import Mapping, Sequence

from chalicelib.adapters.desk import case as layout
from chalicelib.adapters.desk import knowledge, queue
from chalicelib.adapters.templates import Page
from chalicelib.domain.case import Move
from chalicelib.domain.survey import Survey
from chalicelib.entrypoints.access import is_over
from chalicelib.entrypoints.visit import Visit
from chalicelib.errors import LazoError, LinkExpired, MoveForbidden, NotFound
from chalicelib.flows import burst, recall, recover
from chalicelib.ports import CaseList, CaseView, Ticket


def queue_page(
    visit: Visit,
    views: Sequence[CaseView],
    department: str | None,
    which: CaseList,
    following: str | None,
    *,
    is_first: bool,
) -> Page:
    """Return the queue; its first page shows too what a department does for others."""
    whose = department or (visit.principal.department if visit.principal.role == "department" else None)
    tasks = recover.tasks(visit.ports, whose) if whose and is_first and which == "open" else ()
    return queue.queue_page(visit.desk, views, department, which, following, tasks)


def case_page(visit: Visit, view: CaseView, *, done: str) -> Page:
    """Return a case."""
    is_open = view.case.state != "resolved"
    known = recall.like(visit.ports, view) if is_open else ()
    incidents = burst.of_case(visit.ports, view.case)
    return layout.case_page(visit.desk, view, _survey(visit, view), done=done, known=known, incidents=incidents)


def knowledge_page(visit: Visit, words: str, department: str, cursor: str) -> Page:
    """Return what words find among mended cases."""
    recall.check_reader(visit.principal)
    if not words:
        return knowledge.knowledge_page(visit.desk, "", department)
    if not recall.may_look_for(words):
        return knowledge.knowledge_page(visit.desk, words, department, refused=True)
    found = recall.search(visit.ports, visit.principal, words, department or None, cursor or None)
    return knowledge.knowledge_page(
        visit.desk, words, department, found=found.lessons, searched=found.searched, following=found.next
    )


def refused_page(visit: Visit, view: CaseView, verb: str, typed: Mapping[str, str], refusal: LazoError) -> Page:
    """Return a case with what is wrong with a move."""
    return layout.refused_page(visit.desk, view, _survey(visit, view), verb, typed, refusal)


def stale_page(visit: Visit, view: CaseView, verb: str, typed: Mapping[str, str], seen: str) -> Page:
    """Return a case with what somebody else has done meanwhile."""
    version = int(seen) if seen.isascii() and seen.isdigit() else view.case.version
    return layout.stale_page(visit.desk, view, _survey(visit, view), verb, typed, version)


def of_alert(visit: Visit, token: str) -> tuple[CaseView, Ticket]:
    """Return the case of an alert's link. Raises BadLink, LinkExpired, NotFound."""
    ticket = visit.ports.links.read("case", token)
    if ticket.expires_at and is_over(ticket, visit.now):
        raise LinkExpired(ticket.expires_at)
    case = visit.ports.cases.get(ticket.id)
    if case is None:
        raise NotFound(ticket.id)
    return recover.view_of(visit.ports, case), ticket


def alert_page(visit: Visit, view: CaseView, *, seen: int) -> Page:
    """Return the case of an alert and its one move."""
    return layout.alert_page(visit.stranger, view, _survey(visit, view), seen=seen)


def acknowledged(visit: Visit, view: CaseView, version: int) -> Page:
    """Acknowledge the case of an alert for the department that was told; 409 when it has moved since."""
    by = layout.by_mail(visit.stranger, view.case)
    survey = _survey(visit, view)
    if view.case.version != version:
        return layout.alert_page(visit.stranger, view, survey, seen=version, status=409)
    try:
        after = recover.take(visit.ports, view.case, Move(verb="acknowledge", by=by), visit.now)
    except recover.Stale as stale:
        return layout.alert_page(visit.stranger, stale.view, survey, seen=version, status=409)
    except MoveForbidden:
        return layout.alert_page(visit.stranger, view, survey, seen=version, status=409)
    return layout.alert_page(visit.stranger, after, survey, seen=version, done="acknowledge")


def _survey(visit: Visit, view: CaseView) -> Survey | None:
    version = view.invitation.survey_version
    return visit.ports.library.survey(version) if version else None
