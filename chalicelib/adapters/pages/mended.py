"""Ask the customer whether it was mended, through a form of the survey's shape."""

from collections.abc import Sequence

from chalicelib.adapters.pages import questions
from chalicelib.adapters.pages.common import about, company, is_short, wrong, yes_no
from chalicelib.adapters.pages.plain import plain_page
from chalicelib.adapters.templates import Page, _, page, sentence
from chalicelib.domain.customer import Customer
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.response import RATING
from chalicelib.domain.terms import base_language
from chalicelib.errors import Problem


def mended_page(
    invitation: Invitation,
    organisation: Organisation,
    *,
    action: str,
    customer: Customer | None = None,
    chosen: str | None = None,
    comment: str = "",
    problems: Sequence[Problem] = (),
) -> Page:
    """Return the form: `rating` is yes or no, `comment` may be empty; with problems it is the 422 that keeps both."""
    language = base_language(invitation.language)
    said = {problem.pointer.removeprefix("/"): wrong(_of_two(problem), language) for problem in problems}
    asked = sentence(_("Is it mended?"), language)
    return page(
        "customer/mended.html",
        language,
        status=422 if problems else 200,
        **company(organisation, language),
        **about(invitation, customer),
        is_short=is_short(invitation),
        question=questions.yes_no(RATING, asked, yes_no(language), chosen, said.get(RATING, "")),
        typed=comment,
        comment_problem=said.get("comment", ""),
        has_problems=bool(problems),
        action=action,
    )


def mended_thanks_page(invitation: Invitation, organisation: Organisation, *, mended: bool) -> Page:
    """Return the page after that answer."""
    good = _("We are glad. Thank you for telling us.")
    bad = _("We take it up again, and those responsible are told.")
    return plain_page(organisation, invitation.language, _("Thank you"), good if mended else bad)


def _of_two(problem: Problem) -> Problem:
    # Yes and no are no ratings to the reader, whatever the field is called.
    return Problem(problem.pointer, "not_an_option") if problem.pointer == f"/{RATING}" else problem
