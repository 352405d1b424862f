"""Choose the department that can mend a low rating, and say why."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from chalicelib.domain.invitation import Answer, Invitation
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.survey import Survey
from chalicelib.domain.terms import Frozen, Instant, in_language

SUPPORTING_MAX = 5
GAP_MAX = 3  # words that may stand between two of a phrase
WHOLE = "."
CHOSEN = "the customer chose: "
TOPICS_KEPT_MAX = 256  # departments' lists of topics, taken apart once


class Why(Frozen):
    """The rule that chose a department, and a sentence that its people can check."""

    rule: str
    text: str
    sure: float | None = None
    """Of words: how much of what speaks for any department speaks for this one, 0 to 1."""


class Task(Frozen):
    """What one department does for a case that another leads: once, without a clock of its own."""

    department: str
    why: Why
    done_at: Instant | None = None
    done_by: str | None = None


@dataclass(frozen=True)
class RouteTo:
    """Give a case to a department, for a reason; others support it with tasks."""

    department: str
    why: Why
    tasks: tuple[Task, ...] = ()

    @property
    def supporting(self) -> tuple[str, ...]:
        """Which departments have a task."""
        return tuple(task.department for task in self.tasks)


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
    return RouteTo(lead, why, tuple(_tasks(lead, known)))


def _tasks(lead: str, known: Sequence[tuple[str, Why]]) -> Iterable[Task]:
    """Return what the customer said failed of others than the lead; what was chosen says it better than words."""
    failing: dict[str, list[Why]] = {}
    for department, why in known:
        if department != lead and why.rule in ("driver", "words"):
            failing.setdefault(department, []).append(why)
    for department, reasons in list(failing.items())[:SUPPORTING_MAX]:
        others = [each.text.removeprefix(CHOSEN) for each in reasons[1:] if each.rule == "driver"]
        yield Task(
            department=department, why=reasons[0].model_copy(update={"text": ", ".join([reasons[0].text, *others])})
        )


def _by_driver(survey: Survey, answer: Answer, language: str) -> Iterable[tuple[str, Why]]:
    for question in survey.questions:
        chosen = answer.choices.get(question.id, ())
        for option in question.options:
            if option.id in chosen and option.department:
                said = in_language(option.text, language)
                yield option.department, Why(rule="driver", text=f"{CHOSEN}{said}")


def topics_of(answer: Answer, organisation: Organisation) -> tuple[str, ...]:
    """Return the departments that an answer's words speak of, the one they say most of first."""
    return tuple(department for _, department, _ in sorted(_scored(answer.verbatim, organisation)))


def speaks_of(text: str, department: str, organisation: Organisation) -> int:
    """Return how much of a text speaks of a department; 0 where nothing does."""
    return sum(-score for score, found, _ in _scored(text, organisation) if found == department)


@dataclass(frozen=True)
class _Hit:
    """A topic found in a text: of which department, at which words."""

    department: str
    places: tuple[int, ...]
    words: str

    @property
    def weight(self) -> int:
        """How much it says. A phrase says more than its words do one by one: two words weigh three, three five."""
        return 2 * len(self.places) - 1

    def covers(self, other: "_Hit") -> bool:
        """Say whether this is another department's longer topic, made of what the other has found."""
        longer = len(self.places) > len(other.places) and self.department != other.department
        return longer and set(other.places) <= set(self.places)


def _scored(text: str, organisation: Organisation) -> list[tuple[int, str, str]]:
    """Return how much a text says of each department it speaks of, less than 0, with what says most."""
    hits = tuple(_hits_of(_ended(folded(text)), organisation))
    using: dict[int, list[_Hit]] = {}
    for hit in hits:
        for place in hit.places:
            using.setdefault(place, []).append(hit)
    own: dict[str, dict[str, int]] = {}
    for hit in hits:
        if not any(other.covers(hit) for other in using[hit.places[0]]):
            own.setdefault(hit.department, {})[hit.words] = hit.weight
    return [(-sum(found.values()), department, _most(found)) for department, found in own.items()]


def _most(found: dict[str, int]) -> str:
    return max(sorted(found), key=lambda words: found[words])


def _by_words(answer: Answer, organisation: Organisation) -> Iterable[tuple[str, Why]]:
    scored = _scored(answer.verbatim, organisation)
    total = sum(score for score, _, _ in scored)
    for score, department, hit in sorted(scored):
        yield department, Why(rule="words", text=f"the customer wrote: {hit}", sure=round(score / total, 2))


@lru_cache(maxsize=TOPICS_KEPT_MAX)
def _topics(topics: tuple[str, ...]) -> Mapping[str, tuple[tuple[str, ...], ...]]:
    """Return what each topic's words begin with, by the first. Remembered: there are hundreds, for every answer."""
    apart = (tuple(stem for word in topic.split() for stem in _of_topic(word)) for topic in topics)
    by_first: dict[str, tuple[tuple[str, ...], ...]] = {}
    for first, *more in sorted(set(filter(None, apart))):
        by_first[first] = (*by_first.get(first, ()), tuple(more))
    return by_first


def _of_topic(word: str) -> Iterable[str]:
    """Return what a topic's word stands for: what begins like it or, with a full stop, that word alone.

    Every list is held against every text: without an end, English «call» would find the Spanish street.
    """
    stems = folded(word).split()
    return _ended(" ".join(stems)) if word.endswith(WHOLE) else stems


def _ended(text: str) -> list[str]:
    """Return words with their ends, at which a whole word stops."""
    return [f"{word} " for word in text.split()]


def _hits_of(words: Sequence[str], organisation: Organisation) -> Iterable[_Hit]:
    begins = " " + "".join(words)
    for department, by_language in organisation.routing.topics.items() if words else ():
        for first, every in _topics(tuple(topic for topics in by_language.values() for topic in topics)).items():
            if first in begins and f" {first}" in begins:
                yield from _hits(department, words, first, every)


def _hits(department: str, words: Sequence[str], first: str, every: Sequence[Sequence[str]]) -> Iterable[_Hit]:
    for start in (place for place, word in enumerate(words) if word.startswith(first)):
        for more in every:
            if places := _places(words, start, more):
                yield _Hit(department, places, "".join(words[start : places[-1] + 1]).rstrip())


def _places(words: Sequence[str], start: int, more: Sequence[str]) -> tuple[int, ...]:
    """Return where a topic's words stand from this one on, in its order and close together; nothing if they do not."""
    places = [start]
    for stem in more:
        near = range(places[-1] + 1, min(places[-1] + GAP_MAX + 2, len(words)))
        found = next((place for place in near if words[place].startswith(stem)), None)
        if found is None:
            return ()
        places.append(found)
    return tuple(places)


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
