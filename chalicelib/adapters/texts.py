"""Write text messages of one GSM-7 segment: what does not fit, or would not be one, is left out."""

from collections.abc import Iterator

from chalicelib.adapters.templates import _, sentence
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.sms import SEGMENT_SEPTETS, septets


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


def company(organisation: Organisation) -> str:
    """Return how the company signs its texts: as its file spells it for them, else its name; empty if neither fits.

    Letters are never folded here: a company that agrees writes `sender.sms` without accents.
    """
    return _plain(organisation.sender.sms) or _plain(organisation.name)


def _first_that_fits(
    organisation: Organisation, language: str, questions: list[str], name: str | None, url: str
) -> str:
    for text in _candidates(organisation, language, [each for each in questions if each], name):
        size = septets(text)
        if size is not None and size <= SEGMENT_SEPTETS:
            return text
    return url


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
