"""Keep one Jinja environment for each language, built on first use."""

from functools import cache

from jinja2 import BaseLoader, Environment, FileSystemLoader, ModuleLoader, StrictUndefined

from chalicelib.adapters.templates.catalogue import TEMPLATES, sentences
from chalicelib.adapters.templates.formats import filters
from chalicelib.domain.terms import base_language, in_language

COMPILED = TEMPLATES / "compiled"
"""Templates as Python modules, made when packaging: Lambda then starts without parsing any."""


def render(name: str, language: str, /, **context: object) -> str:
    """Return a template in the reader's language; everything but `.txt` escapes what it is given.

    Raises UndefinedError for a fact that the template needs and was not given.
    """
    return environment(base_language(language)).get_template(name).render(context)


@cache
def environment(language: str) -> Environment:
    """Return the environment of a language that we speak; its catalogue and formats are bound to it."""
    made = bare()
    made.install_gettext_translations(sentences(language), newstyle=True)  # type: ignore[attr-defined]  # by i18n
    made.filters.update(filters(language))
    made.filters["said"] = lambda text: in_language(text, language)
    made.globals["lang"] = language
    return made


def bare() -> Environment:
    """Return an environment without a language: what compiling needs and no more."""
    return Environment(
        loader=_loader(),
        autoescape=escapes,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        optimized=False,  # a constant folded in one language would be packaged for all of them
        extensions=["jinja2.ext.i18n"],
    )


@cache
def _loader() -> BaseLoader:
    return ModuleLoader(COMPILED) if COMPILED.is_dir() else FileSystemLoader(TEMPLATES)


def escapes(name: str | None) -> bool:
    """Say whether a template escapes what it is given."""
    # Only plain text is left alone; whatever we are unsure of is escaped.
    return name is None or not name.endswith(".txt")
