"""Show a person what is stored about her, and do what she wishes with it."""

import math
from collections.abc import Sequence
from datetime import timedelta

from chalicelib.adapters.pages.common import company
from chalicelib.adapters.pages.plain import plain_page
from chalicelib.adapters.templates import Page, _, page, sentence
from chalicelib.adapters.templates.formats import date
from chalicelib.adapters.wording import rating_text
from chalicelib.domain.customer import Customer
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.terms import base_language

MONTH_DAYS = 30.5
SPOKEN = {"es": _("Spanish"), "en": _("English"), "pt": _("Portuguese")}


def privacy_page(
    customer: Customer | None,
    invitations: Sequence[Invitation],
    organisation: Organisation,
    language: str,
    *,
    action: str,
) -> Page:
    """Return what is stored about a person, with the buttons `action=copy` and `action=erase`."""
    language = base_language(language)
    return page(
        "customer/privacy.html",
        language,
        status=200,
        **company(organisation, language),
        facts=_facts(customer, organisation, language),
        asked=[_asked(each, language) for each in invitations],
        has_email=bool(customer and customer.email),
        is_erased=customer is None or customer.erased_at is not None,
        zone=(customer and customer.zone) or organisation.zone,
        words_months=months(organisation.retention.words),
        people_months=months(organisation.retention.people),
        action=action,
    )


def months(span: timedelta) -> int:
    """Return a span in whole months: a reader counts in these, and no sooner is anything erased than we say.

    >>> months(timedelta(days=730)), months(timedelta(days=90))
    (24, 3)
    """
    return math.ceil(span.days / MONTH_DAYS)


def copied_page(organisation: Organisation, language: str, *, sent: bool) -> Page:
    """Return the page after asking for a copy; without an address on record there is nowhere to send it."""
    yes = _("The copy is on its way to your e-mail address on record.")
    no = _("We have no e-mail address of yours, so we cannot send the copy. Please ask us.")
    return plain_page(organisation, language, _("A copy of your data"), yes if sent else no, reach=not sent)


def erased_page(organisation: Organisation, language: str) -> Page:
    """Return the page after an erasure."""
    line = _("Your name, your addresses and your words are being erased. We will not write to you again.")
    return plain_page(organisation, language, _("Your data are erased"), line)


def _facts(customer: Customer | None, organisation: Organisation, language: str) -> list[dict[str, str]]:
    if customer is None or customer.erased_at:
        nothing = sentence(_("Nothing that leads to you."), language)
        return [{"label": sentence(_("Name and addresses"), language), "text": nothing}]
    zone, stopped = customer.zone or organisation.zone, customer.opted_out_at
    known = (
        (_("Name"), customer.name),
        (_("Customer number"), customer.id),
        (_("E-mail"), _masked_email(customer.email)),
        (_("Phone"), _masked_phone(customer.phone)),
        (_("Language"), _language(customer.language, language)),
        (_("Time zone"), customer.zone),
        (_("No more surveys since"), date(stopped, zone, language=language) if stopped else None),
    )
    return [{"label": sentence(label, language), "text": text} for label, text in known if text]


def _language(tag: str | None, language: str) -> str | None:
    """Return a language by its name, as the reader calls it; a country beside it stays, as in «español (CO)»."""
    if not tag:
        return None
    spoken, _dash, where = tag.partition("-")
    named = SPOKEN.get(spoken.lower())
    if named is None:
        return tag
    return f"{sentence(named, language)} ({where.upper()})" if where else sentence(named, language)


def _masked_email(email: str | None) -> str | None:
    if not email:
        return None
    local, _at, domain = email.rpartition("@")
    return f"{local[:1]}•••@{domain}"


def _masked_phone(phone: str | None) -> str | None:
    return f"{phone[:3]}•••{phone[-2:]}" if phone else None


def _asked(invitation: Invitation, language: str) -> dict[str, object]:
    answer = invitation.confirmed or invitation.provisional
    if answer:
        rating = rating_text(invitation.metric or "", answer.rating, language)
        outcome = sentence(_("You answered: %(rating)s"), language, rating=rating)
    elif invitation.state == "skipped":
        outcome = sentence(_("We did not ask you about it."), language)
    else:
        outcome = sentence(_("No answer."), language)
    return {"occurred_at": invitation.occurred_at, "reference": invitation.reference, "outcome": outcome}
