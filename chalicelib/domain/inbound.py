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

_ES_TELL = r"(escrib|mand|envi|molest|contact)(a|as|an|e|es|en)"  # as one asks, not as one tells: «no mandaron» is news
_ES_SENT = r"(mensaje|sms|texto|encuesta|correo|mail|publicidad)"
_PT_SENT = r"(mensage[mn]|sms|texto|pesquisa|e ?mail|publicidade)"
_EN_SENT = r"(message|text|sms|survey|mail)"
WISHES = (
    rf"\bno (quiero|deseo|quisiera|necesito) (mas|recibir|ningun|ninguna)\b.{{0,40}}\b{_ES_SENT}",
    r"\bno (quiero|deseo) recibir (mas|nada)\b",
    rf"\bno (quiero|deseo) que me {_ES_TELL}\b",
    rf"\b(no|ya no) me (vuelvan? a )?({_ES_TELL}|escribir|mandar|enviar|contactar|molestar) (mas|nada)\b",
    rf"\bno {_ES_TELL} mas\b( {_ES_SENT}|$)",
    r"\bno (me )?(vuelva|vuelvas|vuelvan) a (escribir|mandar|enviar|contactar|molestar)(me)?\b",
    rf"\b(deja|deje|dejen) de (escribir|mandar|enviar|molestar|contactar)(me(?! el| la)| {_ES_SENT}|$)",
    r"\b(dejenme|dejeme|dejame) (en paz|tranquil[oa])\b",
    rf"\bno mas {_ES_SENT}",
    r"\b(borr|elimin|quit|saqu|retir)(en|e|a)me (por favor )?(de (la|su|sus|esta|esa) (lista|base)|$)",
    r"\b(darme|denme|deme|dame) de baja( por favor)?( de (la lista|est[oa]s|sus|las) .{0,40})?$",
    r"\bnao (quero|desejo|preciso) (mais )?(receber|nenhuma|mais)\b.{0,40}\b" + _PT_SENT,
    r"\bnao (quero|desejo) (mais receber|receber mais|receber nada)\b",
    r"\bnao (me )?(escreva|escrevam|mande|mandem|envie|enviem|perturbe|perturbem|incomode|incomodem) mais\b",
    rf"\b(pare|parem) de (me )?(mandar|enviar|escrever|perturbar|incomodar)(?! (o|a) )( {_PT_SENT}|$|\b)",
    r"\bme deixe?m? em paz\b",
    r"\b(me )?(tire|tirem|remova|removam|retire|retirem)( me)? d(a|e|essa|esta) (sua )?lista\b",
    rf"\b(nao|chega de) (mais )?{_PT_SENT}",
    r"^(please|pls|por favor) (stop|pare|parem|baja)\b",
    r"^opt out\b",
    r"\b(do not|don t|dont) (text|message|write|contact|mail|email) (to )?me\b",
    rf"\b(do not|don t|dont) send (me )?(any )?(more )?(of )?(these |your )?{_EN_SENT}",
    rf"\b(do not|don t|dont) want (to (get|receive) )?(any )?(more )?(of )?(these |your )?{_EN_SENT}",
    rf"\bno more {_EN_SENT}",
    r"\bstop (texting|messaging|writing|contacting|mailing|emailing)\b",
    r"\bleave me alone\b",
    r"\b(take|remove) me (off|from)\b|^remove me\b",
    r"\bi (want|would like|d like|wish) to (unsubscribe|opt out)\b",
)
"""Plain wishes to be left alone which no list of keywords has, folded: heard wherever they stand in a message."""

_WISH = re.compile("|".join(f"(?:{wish})" for wish in WISHES))
_RATING = re.compile(r"^\W*(\d{1,3})(?!\d|[.,]\d)\W*(.*)$", re.DOTALL)


@dataclass(frozen=True)
class Heard:
    """What a text message means; `words` is what was written alone or beside a `rating`.

    A wish to stop may come with a rating too: both are heard.
    """

    kind: Literal["stop", "start", "help", "rating", "words"]
    rating: int | None = None
    words: str = ""


def understand(text: str, survey: Survey | None) -> Heard:
    """Return what a text means to the survey that its sender was last asked.

    Keywords count as the first word or the whole message, whatever the case and the accents: whoever writes
    "Alto, por favor" wants to be left alone, and so does who says it in a sentence.

    >>> understand("¡BASTA! Baja", None).kind, understand("Baja por favor", None).kind
    ('words', 'stop')
    >>> understand("no quiero más mensajes", None).kind, understand("no quiero más demoras", None).kind
    ('stop', 'words')
    """
    plain = folded(text[:TEXT_MAX])
    first = plain.split(" ", 1)[0]
    rated = _rated(text, survey)
    if first in STOP or _wishes_to_stop(plain if rated is None else folded(rated.words)):
        return Heard("stop", rated.rating if rated else None)
    if first in START:
        return Heard("start")
    if first in HELP:
        return Heard("help")
    return rated or Heard("words", words=text.strip()[:TEXT_MAX])


def _wishes_to_stop(plain: str) -> bool:
    return plain in STOP or plain in STOP_PHRASES or _WISH.search(plain) is not None


def _rated(text: str, survey: Survey | None) -> Heard | None:
    found = _RATING.match(text.strip())
    if survey is None or found is None or int(found[1]) not in survey.scale:
        return None
    return Heard("rating", int(found[1]), found[2].strip()[:TEXT_MAX])
