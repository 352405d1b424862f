"""Show the pages that say one thing, and may offer one act."""

from chalicelib.adapters.pages.common import company
from chalicelib.adapters.templates import Page, _, page, sentence
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.terms import base_language


def not_found_page(organisation: Organisation | None, language: str) -> Page:
    """Return the 404 of a link that is not one of ours, or not whole."""
    line = _("Perhaps it was cut off on its way. Please open it from the message again.")
    return plain_page(organisation, language, _("We do not know this link"), line, status=404, reach=True)


def expired_page(organisation: Organisation | None, language: str) -> Page:
    """Return the 410 of a link that says itself that its time is over."""
    line = _("We would still like to hear from you.")
    return plain_page(organisation, language, _("This link has ended"), line, status=410, reach=True)


def too_large_page(organisation: Organisation | None, language: str) -> Page:
    """Return the 413 of a form that is larger than anything that we take: going back keeps what was typed."""
    line = _("Please go back, where what you wrote still is, and shorten it a little.")
    return plain_page(organisation, language, _("This is more than we can take"), line, status=413, reach=True)


def busy_page(organisation: Organisation | None, language: str) -> Page:
    """Return the 429 of a counter where too many answer at once: going back keeps what was typed."""
    line = _("Please go back, where what you wrote still is, and send it again in a minute.")
    return plain_page(organisation, language, _("Many are answering here right now"), line, status=429, reach=True)


def error_page(organisation: Organisation | None, language: str) -> Page:
    """Return the 500: whose fault it is, and what to do."""
    line = _("It is our fault, not yours. Please try again in a few minutes.")
    return plain_page(organisation, language, _("Something went wrong here"), line, status=500, reach=True)


def plain_page(
    organisation: Organisation | None,
    language: str,
    title: str,
    line: str,
    *,
    status: int = 200,
    action: str = "",
    press: str = "",
    says: str = "",
    reach: bool = False,
) -> Page:
    """Return a page of a title and a sentence, both marked for the catalogues, with at most one button."""
    language = base_language(language)
    return page(
        "customer/plain.html",
        language,
        status=status,
        **company(organisation, language),
        title=sentence(title, language),
        line=sentence(line, language),
        action=action,
        press=sentence(press, language) if press else "",
        says=says,
        reach=reach,
    )
