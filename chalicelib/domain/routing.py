"""Choose the department that can mend a low rating, and say why."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.invitation import Answer, Invitation
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.survey import Survey
from chalicelib.domain.terms import Frozen, in_language

SUPPORTING_MAX = 5


class Why(Frozen):
    """The rule that chose a department, and a sentence that its people can check."""

    rule: str
    text: str


@dataclass(frozen=True)
class RouteTo:
    """Give a case to a department, for a reason; others support it with tasks."""

    department: str
    why: Why
    supporting: tuple[str, ...] = ()


def route(invitation: Invitation, survey: Survey, answer: Answer, organisation: Organisation, now: datetime) -> RouteTo:
    """Return who leads: what the customer said failed, else the words, else a broken promise, else the event's own.

    Departments that the file no longer has are passed over; the arbiter takes what nobody else can.
    """
    language = organisation.language
    found = [
        *_by_driver(survey, answer, language),
        *_by_words(answer, organisation),
        *_by_promise(invitation, now),
        *_by_event(invitation),
    ]
    known = [(department, why) for department, why in found if organisation.department(department)]
    if not known:
        return RouteTo(organisation.routing.arbiter, Why(rule="arbiter", text="nothing else names a department"))
    lead, why = known[0]
    failing = [department for department, other in known if other.rule in ("driver", "words")]
    supporting = tuple(dict.fromkeys(each for each in failing if each != lead))[:SUPPORTING_MAX]
    return RouteTo(lead, why, supporting)


def _by_driver(survey: Survey, answer: Answer, language: str) -> Iterable[tuple[str, Why]]:
    for question in survey.questions:
        chosen = answer.choices.get(question.id, ())
        for option in question.options:
            if option.id in chosen and option.department:
                said = in_language(option.text, language)
                yield option.department, Why(rule="driver", text=f"the customer chose: {said}")


def _by_words(answer: Answer, organisation: Organisation) -> Iterable[tuple[str, Why]]:
    words = folded(answer.verbatim).split()
    scored = []
    for department, by_language in organisation.routing.topics.items():
        stems = [folded(stem) for stems in by_language.values() for stem in stems]
        hits = [word for word in words if any(word.startswith(stem) for stem in stems)]
        if hits:
            scored.append((-len(set(hits)), department, hits[0]))
    for _, department, word in sorted(scored):
        yield department, Why(rule="words", text=f"the customer wrote: {word}")


def _by_promise(invitation: Invitation, now: datetime) -> Iterable[tuple[str, Why]]:
    for promise in invitation.promises:
        if promise.department and promise.kept(now) is False:
            yield promise.department, Why(rule="promise", text=f"a promise was broken: {promise.kind}")


def _by_event(invitation: Invitation) -> Iterable[tuple[str, Why]]:
    for department in invitation.departments:
        yield department, Why(rule="event", text=f"the event came from {department}")


def folded(text: str) -> str:
    """Return words in lower case without accents or punctuation, so that «Tardó» and «tardo» are one.

    >>> folded("¡No contestan!")
    'no contestan'
    """
    decomposed = unicodedata.normalize("NFKD", text.lower())
    plain = "".join(char if char.isalnum() else " " for char in decomposed if not unicodedata.combining(char))
    return " ".join(plain.split())
