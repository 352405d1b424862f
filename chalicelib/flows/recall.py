"""Remember what mended cases like this one."""

from chalicelib.domain.knowledge import Lesson, Past, lessons
from chalicelib.ports import CaseView, Ports

PAST_MAX = 50  # of a department's mended cases, the latest: one Query, and their items


def like(ports: Ports, view: CaseView) -> tuple[Lesson, ...]:
    """Return what had caused and mended cases of the same department that are like this one."""
    past = ports.cases.page(view.case.department, "resolved", limit=PAST_MAX, cursor=None).cases
    invitations = ports.invitations.get_many([case.id for case in past]) if past else {}
    customers = ports.customers.get_many([case.customer for case in past]) if past else {}
    known = []
    for case in past:
        invitation, customer = invitations.get(case.id), customers.get(case.customer)
        answer = invitation.confirmed if invitation else None
        people = [person.name for person in case.people if person.name]
        names = (*people, *([customer.name] if customer and customer.name else []))
        known.append(Past(case, answer.verbatim if answer else "", names))
    answer = view.invitation.confirmed
    return lessons(view.case, answer.verbatim if answer else "", known)
