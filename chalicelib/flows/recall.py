"""Remember what mended cases like this one, and look for words among all that was mended."""

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.case import Case
from chalicelib.domain.knowledge import Lesson, Past, lessons, matching, stems
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.terms import Text
from chalicelib.errors import Forbidden, Invalid, Problem
from chalicelib.ports import CaseView, Ports, Principal

PAST_MAX = 50  # of a department's mended cases, the latest: one Query, and their items
SEARCHED_MAX = 100  # cases looked into at once: one Query per department, and one read of each of three items
WORDS_CHARACTERS_MAX = 200


@dataclass(frozen=True)
class Found:
    """What was found among some mended cases, how many those were, and where older ones begin (None at the end)."""

    lessons: tuple[Lesson, ...]
    searched: int
    next: str | None


def like(ports: Ports, view: CaseView) -> tuple[Lesson, ...]:
    """Return what had caused and mended cases of the same department that are like this one."""
    past = ports.cases.page(view.case.department, "resolved", limit=PAST_MAX, cursor=None).cases
    answer = view.invitation.confirmed
    return lessons(view.case, answer.verbatim if answer else "", _remembered(ports, past, ports.library.organisation()))


def search(ports: Ports, principal: Principal, words: str, department: str | None, cursor: str | None) -> Found:
    """Return what had caused and mended cases that these words speak of, whichever department mended them.

    Raises Forbidden for who mends nothing, Invalid for a department that there is not.
    """
    check_reader(principal)
    organisation = ports.library.organisation()
    if department and department not in organisation.every_department:
        raise Invalid(Problem("/department", f"is not one of {', '.join(organisation.every_department)}"))
    if department:
        page = ports.cases.page(department, "resolved", limit=SEARCHED_MAX, cursor=cursor)
    else:
        every = organisation.every_department
        page = ports.cases.page_of_all(every, "resolved", limit=SEARCHED_MAX, cursor=cursor)
    past = _remembered(ports, page.cases, organisation)
    found = matching(words, past, lambda each: _said(each, organisation))
    return Found(found, len(page.cases), page.next)


def check_reader(principal: Principal) -> None:
    """Raise Forbidden for who mends nothing."""
    if principal.role == "agent":
        raise Forbidden("what mended cases is for departments and leadership")


def may_look_for(words: str) -> bool:
    """Say whether anything can be found by these words."""
    return len(words) <= WORDS_CHARACTERS_MAX and bool(stems(words))


def _remembered(ports: Ports, cases: Sequence[Case], organisation: Organisation) -> list[Past]:
    """Return mended cases with their customers' words and the names of everybody who may have had a part in them."""
    staff = [one.name for one in organisation.staff]
    invitations = ports.invitations.get_many([case.id for case in cases]) if cases else {}
    customers = ports.customers.get_many([case.customer for case in cases]) if cases else {}
    known = []
    for case in cases:
        invitation, customer = invitations.get(case.id), customers.get(case.customer)
        answer = invitation.confirmed if invitation else None
        people = [person.name for person in case.people if person.name]
        names = (*staff, *people, *([customer.name] if customer and customer.name else []))
        survey = invitation.survey if invitation else None
        known.append(Past(case, answer.verbatim if answer else "", names, survey))
    return known


def _said(past: Past, organisation: Organisation) -> str:
    """Return cause and drivers in every language that the company has written them in."""
    causes = [each.text for each in organisation.causes if each.id == past.case.root_cause]
    return " ".join(word for text in (*causes, *_drivers(past, organisation)) for word in text.values())


def _drivers(past: Past, organisation: Organisation) -> list[Text]:
    asked = (each for each in organisation.surveys if each.id == past.survey)
    questions = (question for survey in asked for question in survey.questions if question.kind == "drivers")
    return [option.text for question in questions for option in question.options if option.id in past.case.drivers]
