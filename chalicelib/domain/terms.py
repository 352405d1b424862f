"""Name what everybody here talks about: instants, texts, channels, scales, keyed names."""

import hashlib
import hmac
import math
import re
from base64 import b32encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

NAME_MAX = 200  # characters of a name, a reference, an identifier
TEXT_MAX = 5_000  # characters of anything that a person may write to us


class Frozen(BaseModel):
    """A value that is stored or comes from outside: parsed once, never changed."""

    # Validators are built at their first use: a function's start pays for the models that it touches.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with some fields changed, as pydantic's own does in three times as many calls."""
        if deep or self.__pydantic_private__ or self.__pydantic_extra__:
            return super().model_copy(update=update, deep=deep)
        copied = object.__new__(type(self))
        changes = update or {}
        object.__setattr__(copied, "__dict__", {**self.__dict__, **changes})
        object.__setattr__(copied, "__pydantic_fields_set__", self.__pydantic_fields_set__ | changes.keys())
        object.__setattr__(copied, "__pydantic_extra__", None)
        object.__setattr__(copied, "__pydantic_private__", None)
        return copied


def aware_utc(at: datetime) -> datetime:
    """Return the same instant in UTC; an instant without an offset is refused, never guessed."""
    if at.tzinfo is UTC:
        return at
    if at.tzinfo is None:
        raise ValueError("needs an offset, as in 2026-03-06T21:30:00Z or 2026-03-06T16:30:00-05:00")
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("lies outside the years 1 to 9999") from error


def no_controls(text: str) -> str:
    """Refuse line breaks and other control characters, which would open doors in headers and logs."""
    if text.isprintable():
        return text
    text.encode()  # half a character (a lone surrogate) is a ValueError too
    if _CONTROLS.search(text):
        raise ValueError("must not contain line breaks or control characters")
    return text


_CONTROLS = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]")

Instant = Annotated[datetime, AfterValidator(aware_utc)]
Name = Annotated[str, Field(min_length=1, max_length=NAME_MAX), AfterValidator(no_controls)]
Identifier = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
Channel = Literal["email", "sms"]
Metric = Literal["nps", "csat", "ces"]
Text = dict[str, str]
"""The same sentence by language tag, as in {"es": "¿Qué tal?", "en": "How was it?"}."""

LANGUAGES = ("es", "en", "pt")
CUSTOMER = "customer"
"""The role of the event's own customer among its contacts."""

PLACES_LAST = timedelta(days=2)
"""How long it is known how many places of a day or a minute are taken: longer than that day anywhere."""


def in_language(text: Text, language: str) -> str:
    """Return the text in the reader's language: es-CO, else es, else the first that was written."""
    for tag in (language, language.split("-")[0]):
        if tag in text:
            return text[tag]
    return next(iter(text.values()), "")


def base_language(language: str) -> str:
    """Return the language we speak that is nearest to a tag; Spanish where we speak none of it.

    >>> base_language("pt-BR"), base_language("fr")
    ('pt', 'es')
    """
    base = language.lower().replace("_", "-").split("-")[0]
    return base if base in LANGUAGES else LANGUAGES[0]


def stamp(at: datetime) -> str:
    """Return an instant as text that sorts as time does: UTC, always three decimals."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def keyed(pepper: bytes, kind: str, value: str) -> str:
    """Return the name under which a person or an address is kept: 130 bits of HMAC-SHA256.

    Without the pepper nothing leads back from it, so it may stay as a tombstone after an erasure.
    """
    digest = hmac.digest(pepper, f"{kind}\n{value}".encode(), "sha256")
    return b32encode(digest[:20]).decode()[:26].lower()  # of 20 bytes, which fill their letters: cheaper than of all


@lru_cache(maxsize=1024)  # what is decided about one event asks for the same few, again and again
def fingerprint(*parts: str) -> str:
    """Return 128 bits of SHA-256 over the parts, in hexadecimal; no two lists of parts read alike."""
    framed = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(framed.encode()).hexdigest()[:32]


def share_of(text: str) -> float:
    """Return where a text falls in [0, 1), always the same: sampling that a replay repeats."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:13], 16) / 16**13


def admits(wanted: str, value: str) -> bool:
    """Say whether an attribute's value is the wanted one, or a number in the wanted range.

    >>> admits("won", "won"), admits(">= 50000", "61500.5"), admits("10..20", "20"), admits("< 5", "none")
    (True, True, True, False)
    """
    bounds = range_of(wanted)
    if bounds is None:
        return wanted == value
    number = _number(value)
    low, high, closed = bounds
    return number is not None and ((low <= number <= high) if closed else (low < number < high))


def range_of(wanted: str) -> tuple[float, float, bool] | None:
    """Return the numbers that `>= 50`, `< 50` or `10..20` mean, and whether the ends count; None for a plain value."""
    between = _BETWEEN.fullmatch(wanted.strip())
    if between:
        return float(between[1]), float(between[2]), True
    found = _COMPARED.fullmatch(wanted.strip())
    if not found:
        return None
    edge = float(found[2])
    low, high = (edge, math.inf) if found[1].startswith(">") else (-math.inf, edge)
    return low, high, found[1].endswith("=")


def _number(value: str) -> float | None:
    return float(value) if _NUMBER.fullmatch(value) else None


_NUMBER = re.compile(r"-?\d{1,30}(?:\.\d{1,30})?(?:e[+-]?\d{1,2})?")
_COMPARED = re.compile(r"(>=|<=|>|<) ?(-?\d{1,30}(?:\.\d{1,30})?)")
_BETWEEN = re.compile(r"(-?\d{1,30}(?:\.\d{1,30})?)\.\.(-?\d{1,30}(?:\.\d{1,30})?)")
