"""Show a survey: the form, the thanks after it, and the end of its window."""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from chalicelib.adapters.pages import questions
from chalicelib.adapters.pages.common import about, closes, company, is_short, place_of, wrong, yes_no
from chalicelib.adapters.templates import Page, _, kept_page, page, sentence, shared_page
from chalicelib.adapters.wording import department_name, rating_text
from chalicelib.domain.customer import Customer
from chalicelib.domain.invitation import Answer, Invitation
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.response import RATING, Filled
from chalicelib.domain.survey import Survey
from chalicelib.domain.terms import base_language, in_language
from chalicelib.errors import Problem


def survey_page(
    invitation: Invitation,
    survey: Survey,
    organisation: Organisation,
    *,
    action: str,
    customer: Customer | None = None,
    chosen: int | None = None,
    filled: Filled | None = None,
    problems: Sequence[Problem] = (),
    privacy_url: str | None = None,
    stop_url: str | None = None,
) -> Page:
    """Return the form of a survey; with problems it is the 422 that loses nothing of what was typed.

    `action` is the path of this link (/s/<token>), `chosen` the rating in the link, `filled` what was given before.
    Only a rating that came by a link, with nothing given before, may be sent by the page's script.
    """
    language = base_language(invitation.language)
    own = {
        **about(invitation, customer),
        "place": place_of(invitation, organisation),
        "closes": "" if invitation.counter else closes(invitation, organisation),
        "action": action,
        "privacy_url": privacy_url,
        "stop_url": stop_url,
    }
    variant = _Variant(survey.version, invitation.language, chosen, is_short(invitation), bool(invitation.counter))
    if filled is None and not problems:
        speaks = company(organisation, language)
        key = ("customer/survey.html", variant, *speaks.values())
        return kept_page(key, language, own, lambda: {**speaks, **_shared(variant, survey)})
    given = {**company(organisation, language), **_shared(variant, survey, filled, problems)}
    return page("customer/survey.html", language, status=422 if problems else 200, **{**given, **own})


class _Variant(NamedTuple):
    """Which page of a survey it is, among those that many are shown alike."""

    survey: str
    language: str
    chosen: int | None
    is_short: bool
    is_nameless: bool


def _shared(
    variant: _Variant, survey: Survey, filled: Filled | None = None, problems: Sequence[Problem] = ()
) -> dict[str, Hashable]:
    """Return the facts of a survey's form, all but the reader's own."""
    chosen, language = variant.chosen, base_language(variant.language)
    rating = chosen if chosen is not None else filled.rating if filled else None
    said = {problem.pointer.removeprefix("/"): wrong(problem, language) for problem in problems}
    asked = questions.Asked(survey, variant.language, rating, filled, said, yes_no(language))
    return {
        **_scale(survey, variant.language),
        "is_short": variant.is_short,
        "is_nameless": variant.is_nameless,
        "chosen": "" if rating is None else str(rating),
        "seen": "" if chosen is None else str(chosen),
        "rating_problem": said.get(RATING, ""),
        "questions": questions.fields(asked),
        "touchpoint_marks": questions.touchpoint_marks(),
        "no_call": filled is not None and filled.no_call,
        "no_call_off": rating is not None and not survey.is_low(rating),
        "problems": tuple(said.items()),
        "sends": chosen is not None and filled is None,
        "fresh": filled is None,
        "answered": filled is not None and not problems,
    }


def filled_from(answer: Answer) -> Filled:
    """Return an answer given earlier as a filled-in form, to be corrected."""
    return Filled(answer.rating, answer.ratings, answer.choices, answer.texts, no_call=answer.no_call)


def thanks_page(
    invitation: Invitation,
    survey: Survey,
    organisation: Organisation,
    *,
    action: str,
    rating: int,
    department: str | None = None,
) -> Page:
    """Return the page after an answer: what was received, what became of it, how to correct it.

    It speaks of a case only where there is one, and of a department only when its id is given.
    """
    language = base_language(invitation.language)
    has_case = invitation.has_case and survey.is_low(rating)
    shared: dict[str, Hashable] = {
        **company(organisation, language),
        "title": sentence(_("Thank you"), language),
        "thanks": in_language(survey.thanks, invitation.language),
        "rating": rating_text(survey.metric, rating, language),
        "has_case": has_case,
        "is_nameless": bool(invitation.counter),
        "department": department_name(department, organisation, language) if has_case else "",
    }
    own = {"action": action, "closes": "" if invitation.counter else closes(invitation, organisation)}
    return shared_page("customer/thanks.html", language, shared, own)


def closed_page(
    invitation: Invitation, organisation: Organisation, *, survey: Survey | None = None, filled: Filled | None = None
) -> Page:
    """Return the 410 of a survey that cannot be answered (any more); what was typed is shown, to copy."""
    language = base_language(invitation.language)
    return page(
        "customer/closed.html",
        language,
        status=410,
        **company(organisation, language),
        closes=closes(invitation, organisation),
        is_erased=invitation.erased,
        rating=_given(survey, filled, language),
        typed=_typed(survey, filled, invitation.language),
    )


def _scale(survey: Survey, language: str) -> dict[str, Hashable]:
    texts = ("title", "rating", "lowest", "highest")
    said = {name: in_language(getattr(survey, name), language) for name in texts}
    return {**said, "marks": questions.marks(survey)}


def _typed(survey: Survey | None, filled: Filled | None, language: str) -> list[dict[str, str]]:
    if survey is None or filled is None:
        return []
    labels = {question.id: in_language(question.text, language) for question in survey.questions}
    return [{"label": labels.get(id_, id_), "text": text} for id_, text in filled.texts.items()]


def _given(survey: Survey | None, filled: Filled | None, language: str) -> str:
    if survey is None or filled is None or filled.rating is None:
        return ""
    return rating_text(survey.metric, filled.rating, language)
