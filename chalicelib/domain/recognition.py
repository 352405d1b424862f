"""Say whose work a customer praises: a high rating, with words, of something that they were frozen with.

What is noted only points to the answer. Whether it still is praise is seen when it is read, so that a correction or an
erasure needs no second write.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.invitation import Invitation
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.survey import Survey


@dataclass(frozen=True)
class Praise:
    """What a customer said of somebody's work."""

    id: str
    at: datetime
    metric: str
    rating: int
    words: str
    touchpoint: str
    names: tuple[str, ...]
    """Everybody who had a part in it."""


def praise_of(invitation: Invitation, survey: Survey) -> Praise | None:
    """Return the praise that an answer is; None for a rating that is not high, without words, or of a trial."""
    answer = invitation.confirmed
    if answer is None or invitation.trial or not survey.is_high(answer.rating) or not answer.verbatim.strip():
        return None
    return Praise(
        id=invitation.id,
        at=invitation.first_confirmed_at or answer.at,
        metric=survey.metric,
        rating=answer.rating,
        words=answer.verbatim,
        touchpoint=invitation.program,
        names=tuple(dict.fromkeys(person.name for person in invitation.people if person.name)),
    )


def told_to(invitation: Invitation) -> tuple[str, ...]:
    """Return the names under which a praise is noted: of its people, and of the departments whose heads read it."""
    return tuple(dict.fromkeys(_told_to(invitation)))


def _told_to(invitation: Invitation) -> Iterator[str]:
    for person in invitation.people:
        yield of_person(person.id)
        if person.department:
            yield of_department(person.department)


def read_by(person: str, organisation: Organisation) -> tuple[str, ...]:
    """Return the names under which somebody finds praise: their own, and of the departments that they head."""
    headed = (each.id for each in organisation.departments if each.head.id == person)
    return (of_person(person), *(of_department(id_) for id_ in headed))


def of_person(id_: str) -> str:
    """Return the name under which somebody's praise is noted."""
    return f"praise:{id_}"


def of_department(id_: str) -> str:
    """Return the name under which the praise of a department's people is noted, for its head."""
    return f"praised:{id_}"
