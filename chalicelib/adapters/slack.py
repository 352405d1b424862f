"""Say an event in a line for a Slack channel, with a link to its case."""

from collections.abc import Iterator

from chalicelib.adapters.templates import _, sentence
from chalicelib.adapters.wording import department_name, rating_text
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.outgoing import CloudEvent

REFERENCE_SHOWN_MAX = 60  # characters: a CRM's reference may be longer than a line
TITLES = {
    "response.confirmed": _("A customer has answered"),
    "case.opened": _("New case"),
    "case.moved": _("Case moved on"),
    "case.resolved": _("Case mended"),
    "customer.opted_out": _("A customer wants no more surveys"),
}
STATES = {
    "open": _("Not picked up"),
    "acknowledged": _("In hand"),
    "waiting": _("Waiting for the customer"),
}


def text(event: CloudEvent, organisation: Organisation) -> str:
    """Return the message, in the organisation's language and Slack's own markup."""
    language = organisation.language
    said = " · ".join(_escaped(part) for part in _parts(event, organisation, language) if part)
    url = event.data.get("url")
    return f"{said}\n<{url}|{_escaped(sentence('See the case', language))}>" if url else said


def _parts(event: CloudEvent, organisation: Organisation, language: str) -> Iterator[str]:
    data = event.data
    yield sentence(TITLES[event.type], language)
    state = STATES.get(str(data.get("state")))
    if event.type == "case.moved" and state:
        yield sentence(state, language)
    rating = data.get("rating")
    if isinstance(rating, int):
        yield rating_text(str(data.get("metric")), rating, language)
    yield str(data.get("reference") or "")[:REFERENCE_SHOWN_MAX]
    yield department_name(str(data.get("department") or ""), organisation, language)


def _escaped(text: str) -> str:
    # What Slack reads as markup (mentions of a whole channel among it) is written so that it is shown.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
