"""Say in one mail what customers praised last week: to whoever did it, and to their head."""

from collections.abc import Sequence
from textwrap import shorten

from chalicelib.adapters.templates import _, sentence
from chalicelib.adapters.wording import program_name, rating_text
from chalicelib.domain.organisation import Department, Organisation
from chalicelib.domain.recognition import Praise
from chalicelib.domain.terms import base_language

WORDS_SHOWN_MAX = 600  # characters of each: mailboxes cut off mails of 100 KB, and the whole stands on the own page


def recipients(person: str, organisation: Organisation) -> tuple[str, ...]:
    """Return somebody's own address: what is said of their work goes to no mailbox that others read."""
    return tuple(one.email for one in organisation.staff if one.id == person and one.email)[:1]


def language_of(person: str, organisation: Organisation) -> str:
    """Return the language of the department in which somebody works, else the company's."""
    return base_language(_department(person, organisation).language or organisation.language)


def facts(person: str, found: Sequence[Praise], organisation: Organisation) -> dict[str, object]:
    """Return what the mail says, in the language of whoever reads it."""
    language, name = language_of(person, organisation), _name(person, organisation)
    subject = (
        _("Customers praise your people's work") if _heads(person, organisation) else _("Customers praise your work")
    )
    return {
        "subject": sentence(subject, language),
        "preheader": shorten(found[0].words, WORDS_SHOWN_MAX, placeholder="…"),
        "name": name,
        "heads": _heads(person, organisation),
        "praise": [_told(each, organisation, language) for each in found],
        "zone": organisation.zone,
    }


def _told(praise: Praise, organisation: Organisation, language: str) -> dict[str, object]:
    return {
        "at": praise.at,
        "rating": rating_text(praise.metric, praise.rating, language),
        "words": shorten(praise.words, WORDS_SHOWN_MAX, placeholder="…"),
        "names": ", ".join(praise.names),
        "where": program_name(praise.touchpoint, organisation, language),
    }


def _heads(person: str, organisation: Organisation) -> bool:
    return any(each.head.id == person for each in organisation.departments)


def _name(person: str, organisation: Organisation) -> str:
    return next(one.name for one in organisation.staff if one.id == person)


def _department(person: str, organisation: Organisation) -> Department:
    own = (each for each in organisation.departments if person in [one.id for one in (each.head, *each.people)])
    return next(own)
