"""Find, among mended cases, those like a new one or those that words speak of, without anybody's name."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from chalicelib.domain.case import Case
from chalicelib.domain.routing import folded

LESSONS_MAX = 3
FOUND_MAX = 20
STEM_CHARACTERS = 5  # «entrega» and «entregaron» are one
WORD_CHARACTERS_MIN = 4  # shorter ones (que, muy, the) are in every sentence
DRIVER_WEIGHT = 1.0
ALIKE_MIN = 0.15  # of the words; a driver in common is enough by itself
HIDDEN = "…"
PARTICLES = frozenset(
    {"da", "das", "de", "del", "do", "dos", "e", "el", "la", "las", "los", "y"}
)  # in names, and in every sentence

_ADDRESS = re.compile(r"\S+@\S+|\+?\d[\d\s.-]{5,}\d")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Past:
    """A mended case, with what its customer wrote and the names that nobody else needs to read."""

    case: Case
    words: str
    names: tuple[str, ...] = ()
    survey: str | None = None


@dataclass(frozen=True)
class Lesson:
    """What had caused and what mended a case like this one."""

    root_cause: str
    action: str
    drivers: tuple[str, ...]
    recovered: bool
    department: str
    survey: str | None
    """Whose drivers they are."""


def lessons(case: Case, words: str, past: Iterable[Past]) -> tuple[Lesson, ...]:
    """Return the most alike first; the customer's yes decides between equals, then what was mended last.

    What the customer says was not mended teaches nothing.
    """
    known = [each for each in past if each.case.id != case.id and each.case.root_cause and each.case.mended != "no"]
    scored = [(likeness(case, words, each), each) for each in known]
    alike = [(score, each) for score, each in scored if score >= ALIKE_MIN]
    alike.sort(key=lambda pair: (pair[0], pair[1].case.mended == "yes", pair[1].case.resolved_at), reverse=True)
    return tuple(_lesson(each) for _, each in alike[:LESSONS_MAX])


def matching(words: str, past: Iterable[Past], said: Callable[[Past], str]) -> tuple[Lesson, ...]:
    """Return those that have most of the words first, then as `lessons` does; `said` is what cause and drivers say.

    Names are taken out before the words are looked for: whoever asks for somebody's finds nothing.
    """
    wanted = stems(words)
    known = [each for each in past if each.case.root_cause and each.case.action and each.case.mended != "no"]
    counted = [(_common(wanted, stems(f"{_bare(each)} {said(each)}")), each) for each in known]
    found = [(common, each) for common, each in counted if common]
    found.sort(key=lambda pair: (pair[0], pair[1].case.mended == "yes", pair[1].case.resolved_at), reverse=True)
    return tuple(_lesson(each) for _, each in found[:FOUND_MAX])


def _common(wanted: frozenset[str], theirs: frozenset[str]) -> int:
    # «saco» and «sacos» are one, too short as they are to be cut.
    return sum(any(each.startswith(stem) or stem.startswith(each) for each in theirs) for stem in wanted)


def _bare(past: Past) -> str:
    return _nameless(past, past.words) + " " + _nameless(past, past.case.action or "")


def likeness(case: Case, words: str, past: Past) -> float:
    """Return how alike two cases are: a shared driver counts 1, words by the share that both have (Jaccard)."""
    ours, theirs = stems(words), stems(past.words)
    common = len(ours & theirs) / len(ours | theirs) if ours and theirs else 0.0
    return DRIVER_WEIGHT * bool(set(case.drivers) & set(past.case.drivers)) + common


def stems(words: str) -> frozenset[str]:
    """Return what likeness goes by; nothing of words that are in every sentence."""
    found = (word for word in folded(words).split() if len(word) >= WORD_CHARACTERS_MIN)
    return frozenset(word[:STEM_CHARACTERS] for word in found)


def _lesson(past: Past) -> Lesson:
    case = past.case
    action = _nameless(past, case.action or "")
    return Lesson(case.root_cause or "", action, case.drivers, case.mended == "yes", case.department, past.survey)


def _nameless(past: Past, text: str) -> str:
    return nameless(text, (*past.names, past.case.reference or ""))


def nameless(text: str, names: Iterable[str]) -> str:
    """Return a text without addresses, numbers to call, and every word of these names.

    >>> nameless("Llamé a Ana Pérez al 300 123 4567", ["Ana Pérez"])
    'Llamé a … … al …'
    """
    hidden = {word for name in names for word in folded(name).split()} - PARTICLES
    bare = _ADDRESS.sub(HIDDEN, text)
    return _WORD.sub(lambda found: HIDDEN if folded(found[0]) in hidden else found[0], bare)
