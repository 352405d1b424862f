"""Serve the cases: to programs by the API, to a department by its pages and by the links in its mails."""

from dataclasses import dataclass
from typing import Any, get_args

from chalice import Blueprint, Response

from chalicelib.adapters.shapes import case_json
from chalicelib.domain.case import State
from chalicelib.entrypoints import case_pages
from chalicelib.entrypoints.access import FORM
from chalicelib.entrypoints.http import answer, field_of, form_of, header, json_of, problem, query
from chalicelib.entrypoints.moves import wanted_move, wanted_version
from chalicelib.entrypoints.said import read_said
from chalicelib.entrypoints.visit import Visit, check_own, for_people, for_programs, redirect, show
from chalicelib.errors import Forbidden, Invalid, MoveForbidden, Problem
from chalicelib.flows import collect, recover
from chalicelib.ports import CaseList, CaseView, Principal

bp = Blueprint(__name__)

LIMIT_DEFAULT = 50
LIMIT_MAX = 200
LINES_MAX = 10  # of each timeline in a list, the latest: a list of long stories must fit into one answer of 6 MB
PARAMETERS = ("department", "state", "limit", "cursor")
SEARCHED_BY = ("words", "department", "cursor")
STATES: tuple[State, ...] = get_args(State)


@bp.route("/api/v1/cases", methods=["GET"])
@for_programs(bp)
def list_cases(visit: Visit) -> Response:
    """Answer with the cases of a department, or of all for those who lead, by what is due first."""
    wanted = _listing(query(visit.request), visit)
    found = recover.queue(
        visit.ports, visit.principal, wanted.department, wanted.which, limit=wanted.limit, cursor=wanted.cursor
    )
    views = recover.views(visit.ports, found.cases, lines_max=LINES_MAX)
    shown = [case_json(view, visit.now) for view in views if wanted.shows(view)]
    return answer({"cases": shown, "next": found.next})


@bp.route("/api/v1/cases/{id}", methods=["GET"])
@for_programs(bp)
def get_case(visit: Visit, id: str) -> Response:
    """Answer with a case and its timeline."""
    _handles_cases(visit.principal)
    return _case(recover.look(visit.ports, id, visit.principal), visit)


@bp.route("/api/v1/cases/{id}/{move}", methods=["POST"])
@for_programs(bp)
def move_case(visit: Visit, id: str, move: str) -> Response:
    """Make a move on the version that the sender saw."""
    _handles_cases(visit.principal)
    recover.look(visit.ports, id, visit.principal)
    version = wanted_version(header(visit.request, "if-match"))
    wanted = wanted_move(move, _object(json_of(visit.request)), visit.principal)
    try:
        return _case(recover.act(visit.ports, id, version, wanted, visit.principal, visit.now), visit)
    except recover.Stale as stale:
        return problem(409, f"{stale}; load it again", case=case_json(stale.view, visit.now))


@bp.route("/api/v1/responses", methods=["POST"])
@for_programs(bp)
def record_response(visit: Visit) -> Response:
    """Record what a customer told one of us, marked as such."""
    if visit.principal.role not in ("department", "admin"):
        raise Forbidden("departments and administrators record what customers say")
    said = read_said(_object(json_of(visit.request)), visit.ports)
    recorded = collect.record_said(visit.ports, said.invitation, said.answers, said.how, visit.now)
    kept = recorded.confirmed
    return answer({"invitation": recorded.id, "rating": kept.rating if kept else None, "how": said.how}, status=201)


@bp.route("/cases", methods=["GET", "HEAD"])
@for_people(bp)
def queue_page(visit: Visit) -> Response:
    """Show what is due first."""
    wanted = _listing(query(visit.request), visit)
    found = recover.queue(
        visit.ports, visit.principal, wanted.department, wanted.which, limit=wanted.limit, cursor=wanted.cursor
    )
    views = [view for view in recover.views(visit.ports, found.cases) if wanted.shows(view)]
    is_first = wanted.cursor is None
    return show(case_pages.queue_page(visit, views, wanted.department, wanted.which, found.next, is_first=is_first))


@bp.route("/knowledge", methods=["GET", "HEAD"])
@for_people(bp)
def knowledge_page(visit: Visit) -> Response:
    """Show what had caused and mended the cases that some words speak of, of every department."""
    given = query(visit.request)
    if strange := [name for name in given if name not in (*SEARCHED_BY, "lang")]:
        raise Invalid(*(Problem(f"/{name[:100]}", f"is not one of {', '.join(SEARCHED_BY)}") for name in strange))
    return show(case_pages.knowledge_page(visit, *(given.get(name, "") for name in SEARCHED_BY)))


@bp.route("/cases/{id}", methods=["GET", "HEAD"])
@for_people(bp)
def case_page(visit: Visit, id: str) -> Response:
    """Show a case with all that its department needs."""
    _handles_cases(visit.principal)
    view = recover.look(visit.ports, id, visit.principal)
    return show(case_pages.case_page(visit, view, done=query(visit.request).get("done", "")))


@bp.route("/cases/{id}/{move}", methods=["POST"], content_types=FORM)
@for_people(bp)
def move_form(visit: Visit, id: str, move: str) -> Response:
    """Make the move of a form; what is wrong with it is said beside its field, and nothing typed is lost."""
    _handles_cases(visit.principal)
    check_own(visit.request)
    form = form_of(visit.request)
    typed = {name: field_of(form, name) for name in form if name != "version"}
    return _moved_by_form(visit, id, move, field_of(form, "version"), typed)


@bp.route("/c/{token}", methods=["GET", "HEAD"])
@for_people(bp)
def alert_page(visit: Visit, token: str) -> Response:
    """Show the case of an alert and its one move: no account needed, and nothing changes by opening it."""
    view, ticket = case_pages.of_alert(visit, token)
    return show(case_pages.alert_page(visit, view, seen=ticket.detail))


@bp.route("/c/{token}", methods=["POST"], content_types=FORM)
@for_people(bp)
def alert_move(visit: Visit, token: str) -> Response:
    """Acknowledge the case of an alert, unless something has happened since."""
    check_own(visit.request)
    view, ticket = case_pages.of_alert(visit, token)
    version = field_of(form_of(visit.request), "version") or str(ticket.detail)
    return show(case_pages.acknowledged(visit, view, wanted_version(version)))


def _handles_cases(principal: Principal) -> None:
    if principal.role == "agent":
        raise Forbidden("an agent has no cases")


def _case(view: CaseView, visit: Visit) -> Response:
    return answer(case_json(view, visit.now), ETag=f'"{view.case.version}"')


def _object(given: Any) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise Invalid(Problem("", "must be a JSON object"))
    return given


def _moved_by_form(visit: Visit, id_: str, verb: str, version: str, typed: dict[str, str]) -> Response:
    view = recover.look(visit.ports, id_, visit.principal)
    try:
        wanted = wanted_move(verb, typed, visit.principal)
        recover.act(visit.ports, id_, wanted_version(version), wanted, visit.principal, visit.now)
    except recover.Stale as stale:
        return show(case_pages.stale_page(visit, stale.view, verb, typed, version))
    except (Invalid, MoveForbidden) as refusal:
        return show(case_pages.refused_page(visit, view, verb, typed, refusal))
    return redirect(f"/cases/{id_}?done={verb}")


@dataclass(frozen=True)
class Listing:
    """Which cases somebody wants to see."""

    department: str | None
    which: CaseList
    state: State | None
    limit: int
    cursor: str | None

    def shows(self, view: CaseView) -> bool:
        """Say whether a case has the state that was asked for."""
        return self.state is None or view.case.state == self.state


def _listing(given: dict[str, str], visit: Visit) -> Listing:
    """Return what is wanted; raises Invalid with what is allowed."""
    faults = [Problem(f"/{name[:100]}", f"is not one of {', '.join(PARAMETERS)}") for name in _strange(given)]
    state = next((each for each in STATES if each == given.get("state")), None)
    if given.get("state") and state is None:
        faults.append(Problem("/state", f"is not one of {', '.join(STATES)}"))
    limit = _limit(given.get("limit") or str(LIMIT_DEFAULT))
    if limit is None:
        faults.append(Problem("/limit", f"must be a number from 1 to {LIMIT_MAX}"))
    faults += _department_faults(given.get("department"), visit)
    if faults:
        raise Invalid(*faults)
    which: CaseList = "resolved" if state == "resolved" else "open"
    department, cursor = given.get("department") or None, given.get("cursor") or None
    return Listing(department, which, state, limit or LIMIT_DEFAULT, cursor)


def _strange(given: dict[str, str]) -> list[str]:
    return [name for name in given if name not in (*PARAMETERS, "lang")]


def _limit(text: str) -> int | None:
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else 0
    return number if 1 <= number <= LIMIT_MAX else None


def _department_faults(department: str | None, visit: Visit) -> list[Problem]:
    # Whoever has one department learns nothing of the others: for them, any other does not exist.
    if not department or visit.principal.role not in ("leadership", "admin"):
        return []
    if visit.organisation.department(department):
        return []
    known = ", ".join(each.id for each in visit.organisation.departments)
    return [Problem("/department", f"is not one of {known}")]
