"""Mend what failed: tell the department, take its moves, climb the ladder, ask whether it was mended."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from chalicelib.domain.case import (
    HELPERS_MOVES,
    Case,
    Due,
    Move,
    Notice,
    advance,
    awaits,
    fit,
    hold,
    mended,
    move,
    told,
)
from chalicelib.domain.customer import Customer
from chalicelib.domain.incident import Noted
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.terms import Channel
from chalicelib.errors import CarrierRefused, CarrierUnclear, Conflict, Forbidden, NotFound
from chalicelib.flows import alert, amend, burst
from chalicelib.ports import CaseList, CaseView, DueKey, Mail, Page, Ports, Principal, Sms

Write = Callable[[Case, Customer, Organisation, Channel], Mail | Sms]

SINCE_EVER, FOR_EVER = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
TASKS_MAX = 50  # shown of one department, of the latest cases

QUOTING = frozenset({"handed_over", "returned", "reopened", "corrected"})
"""Notices that quote a line of the timeline."""


class Stale(Conflict):
    """A case has moved on since the version that somebody acted upon; `view` is the case as it is now."""

    def __init__(self, view: CaseView) -> None:
        super().__init__(f"the case is at version {view.case.version}")
        self.view = view


def look(ports: Ports, id_: str, principal: Principal) -> CaseView:
    """Return a case with all that its reader may see. Raises NotFound, also for another department's."""
    case = ports.cases.get(id_)
    if case is None or not may_see(case, principal):
        raise NotFound(id_)
    return view_of(ports, case)


def may_see(case: Case, principal: Principal) -> bool:
    """Say whether somebody may see a case: leadership and admin all, a department those it leads or supports."""
    if principal.role in ("leadership", "admin"):
        return True
    own = {case.department, *case.supporting}
    return principal.role == "department" and principal.department in own


def view_of(ports: Ports, case: Case, *, timeline: bool = True) -> CaseView:
    """Return a case with its invitation, its customer and, unless in a list, its timeline."""
    invitation = ports.invitations.get(case.id)
    if invitation is None:
        raise NotFound(case.id)
    customer = _as_wished(ports.customers.get(case.customer), invitation)
    return CaseView(case, invitation, customer, ports.cases.timeline(case.id) if timeline else ())


def views(ports: Ports, cases: Sequence[Case], *, lines_max: int = 0) -> tuple[CaseView, ...]:
    """Return several cases with what a list shows of each, and the last lines of their timelines if it shows them.

    Those whose invitation is gone are left out.
    """
    invitations = ports.invitations.get_many([case.id for case in cases])
    customers = ports.customers.get_many([case.customer for case in cases])
    lines = ports.cases.latest_entries(cases, lines_max) if lines_max else {}
    return tuple(
        CaseView(case, found, _as_wished(customers.get(case.customer), found), lines.get(case.id, ()))
        for case in cases
        if (found := invitations.get(case.id))
    )


def _as_wished(customer: Customer | None, invitation: Invitation) -> Customer | None:
    """Return a customer as the answer wishes to be reached; derived, so that the wish is never half written."""
    wish = invitation.confirmed is not None and invitation.confirmed.no_call
    return customer.model_copy(update={"do_not_call": True}) if customer and wish else customer


def queue(
    ports: Ports, principal: Principal, department: str | None, which: CaseList, *, limit: int, cursor: str | None
) -> Page:
    """Return cases by what is due first: of one department, or of all for those who lead.

    Raises Forbidden for who has no cases, NotFound for another department's.
    """
    if principal.role == "agent":
        raise Forbidden("an agent has no cases")
    if principal.role == "department":
        if department not in (None, principal.department):
            raise NotFound(department)
        department = principal.department
    if department:
        return ports.cases.page(department, which, limit=limit, cursor=cursor)
    # One Query for each department: leadership's view, bounded by the departments of one organisation.
    return ports.cases.page_of_all(ports.library.organisation().every_department, which, limit=limit, cursor=cursor)


def tasks(ports: Ports, department: str) -> tuple[CaseView, ...]:
    """Return the cases of others that wait for something of a department, by what is due to the customer first."""
    noted = ports.cases.noted(_tasks_of(department), SINCE_EVER, FOR_EVER, limit=TASKS_MAX, latest_first=True)
    found = ports.cases.get_many([each.id for each in noted]).values() if noted else ()
    # A note is a hint: whoever died before striking it off left one behind.
    waiting = sorted((case for case in found if department in case.helping), key=lambda case: case.resolve_by)
    return views(ports, waiting)


def _tasks_of(department: str) -> str:
    return f"task:{department}"


def _noted(case: Case) -> Noted:
    return Noted(at=case.opened_at, id=case.id)


def act(ports: Ports, id_: str, version: int, wanted: Move, principal: Principal, now: datetime) -> CaseView:
    """Make a move on the version that somebody saw. Raises NotFound, Forbidden, Stale, MoveForbidden, Invalid."""
    seen = look(ports, id_, principal)
    if principal.role == "leadership":
        raise Forbidden("leadership reads cases; their departments move them")
    wanted = _within_part(seen.case, wanted, principal)
    if seen.case.version != version:
        raise Stale(seen)
    return take(ports, seen.case, wanted, now)


def _within_part(case: Case, wanted: Move, principal: Principal) -> Move:
    """Return a move as its maker can make it: whoever helps does its task and adds notes, the lead all else."""
    helps = principal.role == "department" and principal.department != case.department
    if wanted.verb == "done":
        if not helps:
            raise Forbidden("a task is done by the department that has it")
        return wanted.model_copy(update={"department": principal.department})
    if helps and wanted.verb not in HELPERS_MOVES:
        raise Forbidden(f"{case.department} leads this case; who helps can: {', '.join(HELPERS_MOVES)}")
    return wanted


def take(ports: Ports, case: Case, wanted: Move, now: datetime) -> CaseView:
    """Write a move upon the version it was decided on; an alert in between does not stand in its way."""
    organisation = ports.library.organisation()
    while True:
        moved = move(case, wanted, organisation, now)
        try:
            ports.cases.save(moved.case, moved.entry)
        except Conflict:
            current = ports.cases.get(case.id)
            if current is None or current.version != case.version:
                raise Stale(view_of(ports, current or case)) from None
            case = current
        else:
            break
    if moved.case.due_at and moved.case.due_at <= now:
        ports.timers.nudge([DueKey("case", case.id)])
    _strike_tasks(ports, case, moved.case)
    return view_of(ports, moved.case)


def _strike_tasks(ports: Ports, before: Case, after: Case) -> None:
    for department in before.helping:
        if department not in after.helping:
            ports.cases.strike(_tasks_of(department), _noted(after))


def _note_tasks(ports: Ports, step: Due) -> None:
    for notice in step.notices:
        if notice.kind == "helping":
            ports.cases.note(_tasks_of(notice.department), _noted(step.case))


def work(ports: Ports, id_: str, now: datetime) -> None:
    """Take a case's due step: alerts leave at least once, the customer's question at most once."""
    case = ports.cases.get(id_)
    if case is None:
        return
    organisation = ports.library.organisation()
    if case.mended_said and case.mended_confirm_at and now >= case.mended_confirm_at:
        _confirm_mended(ports, id_, organisation, now)
        return
    case = _fitted(ports, case, organisation, now)
    step = advance(case, now) if case else None
    if step is None:
        return
    try:
        ports.cases.save(step.case)
    except Conflict:
        return
    _tell(ports, step, organisation, now)


def _fitted(ports: Ports, case: Case, organisation: Organisation, now: datetime) -> Case | None:
    """Return a case as the organisation's present file wants it, written; None when somebody else wrote first.

    Whoever publishes fits every open case; one that was opened meanwhile by an older file is fitted here.
    """
    moved = fit(case, organisation, now) if case.due_at and case.due_at <= now else None
    if moved is None:
        return case
    try:
        ports.cases.save(moved.case, moved.entry)
    except Conflict:
        return None
    return moved.case


def _confirm_mended(ports: Ports, id_: str, organisation: Organisation, now: datetime) -> None:
    def once() -> None:
        case = ports.cases.get(id_)
        if case and case.mended_said and case.mended_confirm_at and now >= case.mended_confirm_at:
            moved = mended(case, case.mended_said, case.mended_words, organisation, now)
            if moved:
                ports.cases.save(moved.case, moved.entry)

    amend.persist(once)
    ports.timers.nudge([DueKey("case", id_)])


def _tell(ports: Ports, step: Due, organisation: Organisation, now: datetime) -> None:
    view = view_of(ports, step.case, timeline=any(notice.kind in QUOTING for notice in step.notices))
    if step.tell_heard:
        _to_customer(ports, view, organisation, ports.messages.heard)
    if step.ask_mended:
        _to_customer(ports, view, organisation, ports.messages.mended)
    _note_tasks(ports, step)
    taken = tuple(notice for notice in step.notices if alert.tell(ports, notice, view, organisation, now))
    counted = burst.count(ports, step.case, organisation, now)
    _strike_off(ports, step.case, taken, counted)


def _strike_off(ports: Ports, case: Case, taken: tuple[Notice, ...], counted: tuple[str, ...]) -> None:
    """Strike off what a carrier has taken: from the case as we left it, or as somebody has moved it since."""
    if not awaits(case, taken, counted):
        return
    try:
        ports.cases.save(told(case, taken, counted))
    except Conflict:
        amend.case(ports, case.id, lambda found: told(found, taken, counted) if awaits(found, taken, counted) else None)


def _to_customer(ports: Ports, view: CaseView, organisation: Organisation, write: Write) -> None:
    """Write to the customer at most once, on the channel of the answer's invitation."""
    customer, invitation = view.customer, view.invitation
    if customer is None or customer.erased_at or customer.opted_out_at or invitation.channel is None:
        return
    if not customer.address(invitation.channel):
        return
    message = write(view.case, customer, organisation, invitation.channel)
    try:
        if isinstance(message, Mail):
            ports.carrier.mail(message)
        else:
            ports.carrier.text(message)
    except (CarrierRefused, CarrierUnclear):
        return  # at most once: what became of it stands on the case, whether or not the customer knows


def put_off(ports: Ports, id_: str, now: datetime) -> None:
    """Move a case whose handling failed an hour ahead, and count the fault."""
    amend.case(ports, id_, lambda found: hold(found, now) if found.due_at else None)
