"""Write text messages of one GSM-7 segment: what does not fit, or would not be one, is left out."""

from collections.abc import Iterable, Iterator

from chalicelib.adapters.templates import _, sentence
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.sms import SEGMENT_SEPTETS, fold, septets
from chalicelib.domain.terms import in_language


def ask(organisation: Organisation, language: str, url: str, *, name: str | None, reference: str | None) -> str:
    """Return the text that asks how it went: with company, name and reference as far as they fit."""
    about = _plain(reference)
    if about:
        question = sentence("how did it go with %(reference)s? %(url)s", language, reference=about, url=url)
    else:
        question = ""
    bare = sentence("how did it go? %(url)s", language, url=url)
    return _first_that_fits(organisation, language, [question, bare], name, url)


def ask_mended(organisation: Organisation, language: str, url: str, *, reference: str | None) -> str:
    """Return the text that asks whether it was mended."""
    about = _plain(reference)
    question = ""
    if about:
        text = _("did we mend what went wrong with %(reference)s? %(url)s")
        question = sentence(text, language, reference=about, url=url)
    bare = sentence("did we mend what went wrong? %(url)s", language, url=url)
    return _first_that_fits(organisation, language, [question, bare], None, url)


def heard(organisation: Organisation, language: str, reference: str | None) -> str:
    """Return the text that says that somebody has picked up what the customer told us."""
    who, about = company(organisation), _plain(reference)
    start = f"{who}: " if who else ""
    bare = sentence("We heard you: our people are on it. Thank you for telling us.", language)
    named = sentence("We heard you: our people are on %(reference)s.", language, reference=about) if about else ""
    return _fitting(f"{prefix}{text}" for prefix in (start, "") for text in (named, bare) if text) or bare


REPLIES = {
    "stopped": _("Done: you will get no more surveys. To get them again: START"),
    "started": _("Done: you will get our surveys again."),
    "help": _("We ask how your purchase or service went, to do better."),
    "thanks_high": _("Thank you! We are glad that it went well."),
    "thanks_low": _("Thank you for telling us. We are sorry; somebody sees to it."),
    "thanks": _("Thank you for your answer. We have noted it."),
    "comment": _("Thank you, we have noted it."),
    "unreadable": _("Please answer with a number only: your rating."),
    "closed": _("This survey takes no more answers. Thank you."),
}
"""What is answered to a customer's text message."""

WITH_CONTACT = ("help", "closed")
WITH_STOP = ("started", "help", "unreadable")


def reply(kind: str, organisation: Organisation, language: str) -> str:
    """Return the answer to a customer's text message: signed, and with who can help, as far as they fit."""
    said, who = sentence(REPLIES[kind], language), company(organisation)
    # Folded, unlike names: without its accents a telephone's sentence helps still, and left out it does not.
    contact = _plain(fold(in_language(organisation.contact, language))) if kind in WITH_CONTACT else ""
    stop = sentence("STOP to end", language) if kind in WITH_STOP else ""
    start = f"{who}: " if who else ""
    candidates = (f"{start}{said} {contact} {stop}", f"{said} {contact} {stop}", f"{start}{said} {stop}")
    return _fitting(" ".join(text.split()) for text in candidates) or f"{said} {stop}".strip()


def company(organisation: Organisation) -> str:
    """Return how the company signs its texts: as its file spells it for them, else its name; empty if neither fits.

    Letters are never folded here: a company that agrees writes `sender.sms` without accents.
    """
    return _plain(organisation.sender.sms) or _plain(organisation.name)


def _first_that_fits(
    organisation: Organisation, language: str, questions: list[str], name: str | None, url: str
) -> str:
    candidates = _candidates(organisation, language, [each for each in questions if each], name)
    return _fitting(candidates) or url


def _fitting(candidates: Iterable[str]) -> str | None:
    """Return the first text that is one segment."""
    sizes = ((text, septets(text)) for text in candidates)
    return next((text for text, size in sizes if size is not None and size <= SEGMENT_SEPTETS), None)


def _candidates(organisation: Organisation, language: str, questions: list[str], name: str | None) -> Iterator[str]:
    """Return what could be sent, the best first: the name goes before the reference, the company last."""
    stop = sentence("STOP to end", language)
    who = company(organisation)
    for prefix in dict.fromkeys((f"{who}: " if who else "", "")):
        for question in questions:
            for called in dict.fromkeys((f"{_plain(name)}, " if _plain(name) else "", "")):
                said = f"{called}{question}"
                yield f"{prefix}{_raised(said)} {stop}"


def _raised(text: str) -> str:
    # A sentence begins with a capital, also after ¿.
    first = 1 if text.startswith("¿") else 0
    return text[:first] + text[first : first + 1].upper() + text[first + 1 :]


def _plain(text: str | None) -> str:
    """Return a text that GSM-7 can hold, else nothing."""
    return text if text and septets(text) is not None and "\n" not in text else ""
