"""Hold what several of the customer's pages say: who we are, whom we greet, what is wrong with a field."""

from chalicelib.adapters.templates import _, sentence
from chalicelib.adapters.templates.formats import moment
from chalicelib.domain.customer import Customer
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.terms import base_language, in_language
from chalicelib.errors import Problem

PEOPLE_SHOWN_MAX = 2
SHORT_MAX = 24  # characters of a reference that fit on a line of the narrowest phone


def company(organisation: Organisation | None, language: str) -> dict[str, str]:
    """Return who speaks and how to reach people; nothing before the first publication."""
    if organisation is None:
        return {"company": "", "contact": ""}
    return {"company": organisation.name, "contact": in_language(organisation.contact, language)}


def about(invitation: Invitation, customer: Customer | None) -> dict[str, str | None]:
    """Return whom a page greets, and what it is about."""
    name = customer.name if customer else None
    return {"name": name, "reference": invitation.reference, "served_by": served_by(invitation)}


def place_of(invitation: Invitation, organisation: Organisation) -> str:
    """Return where the reader stands; empty for whoever came by a message."""
    counter = organisation.counter(invitation.counter)
    return in_language(counter.name, invitation.language) if counter else ""


def is_short(invitation: Invitation) -> bool:
    """Say whether a reference is kept on one line; a long one would leave the page."""
    return len(invitation.reference or "") <= SHORT_MAX


def closes(invitation: Invitation, organisation: Organisation) -> str:
    """Return until when a survey can be answered or corrected, in the reader's own time; empty without an end."""
    if invitation.closes_at is None:
        return ""
    zone = invitation.zone or organisation.zone
    return moment(invitation.closes_at, zone, language=base_language(invitation.language))


def served_by(invitation: Invitation) -> str:
    """Return who was responsible, as the event named them."""
    return " · ".join([person.name for person in invitation.people if person.name][:PEOPLE_SHOWN_MAX])


def yes_no(language: str) -> tuple[str, str]:
    """Return both answers in the reader's language."""
    return sentence(_("Yes"), language), sentence(_("No"), language)


def wrong(problem: Problem, language: str) -> str:
    """Return what is wrong with a field, and how to mend it."""
    return sentence(_WRONG.get(problem.detail, problem.detail), language)


_WRONG = {
    "missing": _("Please choose a rating: it is the only thing we need."),
    "off_scale": _("This rating is not on the scale. Please choose one of those shown."),
    "too_long": _("This is longer than we can keep (5,000 characters). Please shorten it a little."),
    "not_an_option": _("Please choose among what is shown."),
}
