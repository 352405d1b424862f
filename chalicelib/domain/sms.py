"""Count what a text message costs: in septets and segments, each segment billed."""

import unicodedata
from collections.abc import Iterable

SEGMENT_SEPTETS = 160
PART_SEPTETS = 153  # of several: each part spends seven on saying which one it is
SEGMENT_UNITS = 70  # one character outside GSM-7 turns one text of 160 into three of 70
PART_UNITS = 67

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("\f^{}\\[~]|€")
"""Each of these costs two septets. (3GPP TS 23.038, the GSM 7-bit default alphabet and its extension.)"""

_PLAINER = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "\u00a0": " "})


def septets(text: str) -> int | None:
    """Return how many septets a text takes in GSM-7; None when it does not fit that alphabet."""
    if not all(char in BASIC or char in EXTENDED for char in text):
        return None
    return sum(2 if char in EXTENDED else 1 for char in text)


def segments(text: str) -> int:
    """Return how many messages a text is sent, and billed, as."""
    size = septets(text)
    if size is not None:
        costs = (2 if char in EXTENDED else 1 for char in text)
        return 1 if size <= SEGMENT_SEPTETS else _parts(costs, PART_SEPTETS)
    units = [len(char.encode("utf-16-be")) // 2 for char in text]
    return 1 if sum(units) <= SEGMENT_UNITS else _parts(units, PART_UNITS)


def _parts(costs: Iterable[int], part_max: int) -> int:
    # No part ends in the middle of a character, so some end one short.
    parts, used = 1, 0
    for cost in costs:
        if used + cost > part_max:
            parts, used = parts + 1, 0
        used += cost
    return parts


def fold(text: str) -> str:
    """Return a text with the letters that GSM-7 lacks written without their accents; é, ñ, ü and ¿ stay.

    What has no plainer form (an emoji) stays too, so the text still does not fit: nothing is silently lost.

    >>> fold("Ferretería «Ñandú»: ¿qué tal la atención?")
    'Ferreteria «Ñandu»: ¿qué tal la atencion?'
    """
    return "".join(_folded(char) for char in text.translate(_PLAINER))


def _folded(char: str) -> str:
    if char in BASIC or char in EXTENDED:
        return char
    plain = "".join(each for each in unicodedata.normalize("NFKD", char) if not unicodedata.combining(each))
    return plain if plain and septets(plain) is not None else char
