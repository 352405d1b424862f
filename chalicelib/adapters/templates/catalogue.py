"""Say our own sentences in the reader's language."""

from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

from chalicelib.domain.terms import base_language

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
SOURCE = "en"
"""The language in which sentences are written; the others have catalogues."""


@cache
def sentences(language: str) -> NullTranslations:
    """Return the catalogue of a language that we speak (terms.base_language)."""
    if language == SOURCE:
        return NullTranslations()
    with (TEMPLATES / "locale" / language / "LC_MESSAGES" / "lazo.mo").open("rb") as file:
        return GNUTranslations(file)


def sentence(text: str, language: str, /, **facts: object) -> str:
    """Return a sentence in the reader's language with its facts; plain text, not escaped."""
    said = sentences(base_language(language)).gettext(text)
    return said % facts if facts else said


def _(text: str) -> str:
    """Mark a sentence for the catalogues; it is translated where it is said."""
    return text
