"""Draw a survey's page in every variant there is, so that whoever weighs it weighs the same, and the largest."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chalicelib.adapters import pages
from chalicelib.adapters.links import SignedLinks
from chalicelib.domain.customer import Customer
from chalicelib.domain.event import Person
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.survey import Survey
from chalicelib.domain.terms import LANGUAGES, fingerprint
from chalicelib.ports import Ticket

SENT_AT = datetime(2026, 9, 23, 21, 30, tzinfo=UTC)  # a Wednesday in September: the longest words
LINKS = SignedLinks("https://encuestas.ferreteria-el-tornillo.example.com", {1: b"a key of the bench alone"})
ID = fingerprint("bench", "variants")
ANA = Customer(key="c" * 26, id="c-981", name="María Fernanda Rodríguez Castellanos")
SERVED = (Person(id="u-7", name="Andrés Felipe Peña Londoño"), Person(id="u-8", name="Paula Andrea Rojas Restrepo"))


@dataclass(frozen=True)
class Variant:
    """One page of a survey: its language, the rating by whose link it was opened, and what a browser is given."""

    survey: str
    language: str
    rating: int | None
    html: str

    @property
    def size(self) -> int:
        """Its bytes."""
        return len(self.html.encode())


def variants(organisation: Organisation) -> Iterator[Variant]:
    """Yield every survey's page in every language, opened by each rating's link and by none."""
    for survey in organisation.surveys:
        for language in LANGUAGES:
            for rating in (None, *survey.scale):
                yield Variant(survey.id, language, rating, _html(organisation, survey, language, rating))


def largest(organisation: Organisation) -> Variant:
    """Return the page of the most bytes."""
    return max(variants(organisation), key=lambda each: each.size)


def _html(organisation: Organisation, survey: Survey, language: str, rating: int | None) -> str:
    invitation = _invitation(organisation, survey, language)
    return pages.survey_page(
        invitation,
        survey,
        organisation,
        action=f"/s/{LINKS.token('answer', Ticket(ID))}",
        customer=ANA,
        chosen=rating,
        privacy_url=LINKS.url("privacy", Ticket(ID, invitation.privacy_until)),
        stop_url=LINKS.url("stop", Ticket(ID)),
    ).html


def _invitation(organisation: Organisation, survey: Survey, language: str) -> Invitation:
    return Invitation(
        id=ID,
        source="/crm",
        event_id="ORD-2026-000100045",
        touchpoint="sale.closed",
        occurred_at=SENT_AT,
        decided_at=SENT_AT,
        program="sale",
        label="customer",
        customer=ANA.key,
        language=language,
        zone=organisation.zone,
        survey=survey.id,
        survey_version=survey.version,
        reference="ORD-2026-000100045",
        people=SERVED,
        state="sent",
        sent_at=SENT_AT,
        closes_at=SENT_AT + timedelta(days=14),
    )
