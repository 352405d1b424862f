"""Understand a text message that a customer sends: a rating, a comment, or a wish."""

import re
from dataclasses import dataclass
from typing import Literal

from chalicelib.domain.routing import folded
from chalicelib.domain.survey import Survey
from chalicelib.domain.terms import TEXT_MAX

STOP = frozenset(
    {"stop", "stopall", "end", "cancel", "quit", "unsubscribe", "revoke", "optout", "alto", "baja", "parar", "pare"}
    | {"cancelar", "salir", "detener", "sair", "remover", "desuscribir"}
)
STOP_PHRASES = frozenset({"opt out", "no mas", "nao mais", "dar de baja", "no more"})
START = frozenset(["start", "unstop", "alta", "iniciar", "comenzar", "comecar"])
HELP = frozenset(["help", "info", "ayuda", "ajuda"])
_RATING = re.compile(r"^\W*(\d{1,3})(?!\d|[.,]\d)\W*(.*)$", re.DOTALL)


@dataclass(frozen=True)
class Heard:
    """What a text message means; `rating` only for a rating, `words` for what was written beside it or alone."""

    kind: Literal["stop", "start", "help", "rating", "words"]
    rating: int | None = None
    words: str = ""


def understand(text: str, survey: Survey | None) -> Heard:
    """Return what a text means to the survey that its sender was last asked.

    Keywords count as the first word or the whole message, whatever the case and the accents: whoever writes
    "Alto, por favor" wants to be left alone.

    >>> understand("¡BASTA! Baja", None).kind, understand("Baja por favor", None).kind
    ('words', 'stop')
    """
    plain = folded(text)
    first = plain.split(" ", 1)[0]
    if first in STOP or plain in STOP_PHRASES:
        return Heard("stop")
    if first in START:
        return Heard("start")
    if first in HELP:
        return Heard("help")
    return _rated(text, survey) or Heard("words", words=text.strip()[:TEXT_MAX])


def _rated(text: str, survey: Survey | None) -> Heard | None:
    found = _RATING.match(text.strip())
    if survey is None or found is None or int(found[1]) not in survey.scale:
        return None
    return Heard("rating", int(found[1]), found[2].strip()[:TEXT_MAX])
