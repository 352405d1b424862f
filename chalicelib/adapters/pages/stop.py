"""Show the pages of somebody who wants no more surveys, and of somebody who wants them again."""

from chalicelib.adapters.pages.plain import plain_page
from chalicelib.adapters.templates import Page, _
from chalicelib.domain.organisation import Organisation


def unsubscribe_page(organisation: Organisation, language: str, *, action: str) -> Page:
    """Return the page that asks to press a button: opening the link alone stops nothing."""
    line = _("We will not send you surveys any more, neither by e-mail nor by text message.")
    press = _("Do not ask me again")
    return plain_page(organisation, language, _("No more surveys?"), line, action=action, press=press)


def unsubscribed_page(organisation: Organisation, language: str, *, action: str) -> Page:
    """Return the page after unsubscribing, which offers to undo it (a POST with `action=undo`)."""
    line = _("You will get no more surveys from us. If we are mending something for you, that goes on.")
    press = _("It was a mistake: ask me again")
    return plain_page(organisation, language, _("Done"), line, action=action, press=press, says="undo")


def resubscribed_page(organisation: Organisation, language: str, *, action: str) -> Page:
    """Return the page after undoing it, which offers the first act again."""
    line = _("We may ask you again how it went, now and then.")
    press = _("Do not ask me again")
    return plain_page(organisation, language, _("Undone"), line, action=action, press=press)
