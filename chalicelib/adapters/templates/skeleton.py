"""Render once what many readers share, and fill in what each has of her own.

A template costs a millisecond or two; the survey of a program is the same for everybody but for a name, a reference
and a link. So it is rendered once with blanks, which are filled for each reader in microseconds.
"""

import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from markupsafe import escape

from chalicelib.adapters.templates.engine import escapes, render
from chalicelib.adapters.templates.inline import Inline

SKELETONS_MAX = 256  # of some 15 KB each

_BLANK = re.compile("\ue000(\\w+)\ue001")


@dataclass(frozen=True)
class Skeleton:
    """A rendered template with its blanks, in the form that `%` fills."""

    text: str
    is_escaped: bool
    policy: str

    def filled(self, values: Mapping[str, str]) -> str:
        """Return the text with its blanks filled; a value is never read as anything but text."""
        own = {name: str(escape(value)) for name, value in values.items()} if self.is_escaped else values
        return self.text % own


def filled(
    key: tuple[Hashable, ...],
    language: str,
    values: Mapping[str, str | None],
    facts: Callable[[], Mapping[str, Hashable]],
) -> str:
    """Return a template with what one reader has of her own (`values`, plain texts).

    `key`, a template's name first, says all that many share; their `facts` are asked for once.
    """
    given = {name: value or "" for name, value in values.items()}
    return kept_skeleton(key, language, given, facts).filled(given)


def skeleton(name: str, language: str, fixed: Mapping[str, Hashable], values: Mapping[str, str]) -> Skeleton:
    """Return the skeleton for these facts; which values are empty belongs to it, for sentences depend on that."""
    blanks = tuple(key for key, value in values.items() if value)
    empty = tuple(key for key, value in values.items() if not value)
    return _skeleton(name, language, tuple(fixed.items()), blanks, empty)


@lru_cache(maxsize=SKELETONS_MAX)
def _skeleton(
    name: str, language: str, fixed: tuple[tuple[str, Hashable], ...], blanks: tuple[str, ...], empty: tuple[str, ...]
) -> Skeleton:
    inline = Inline()
    open_ = {key: f"\ue000{key}\ue001" for key in blanks} | dict.fromkeys(empty, "")
    text = render(name, language, inline=inline, **dict(fixed), **open_)
    return Skeleton(_BLANK.sub(r"%(\1)s", text.replace("%", "%%")), escapes(name), inline.policy())


_kept: dict[tuple[Hashable, ...], Skeleton] = {}


def kept_skeleton(
    key: tuple[Hashable, ...], language: str, values: Mapping[str, str], facts: Callable[[], Mapping[str, Hashable]]
) -> Skeleton:
    """Return the skeleton of a key, a template's name first; its facts are asked for once."""
    own = (*key, language, *[name for name, value in values.items() if value])
    found = _kept.get(own)
    if found is None:
        while len(_kept) >= SKELETONS_MAX:
            _kept.pop(next(iter(_kept)))
        found = _kept[own] = skeleton(str(key[0]), language, facts(), values)
    return found
