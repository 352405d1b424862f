"""Make a page and the headers that guard it: only our own style and script run, nothing leaks, nothing is kept."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

from chalicelib.adapters.templates.engine import render
from chalicelib.adapters.templates.inline import Inline
from chalicelib.adapters.templates.skeleton import kept_skeleton, skeleton
from chalicelib.domain.terms import base_language

GUARDS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}


@dataclass(frozen=True)
class Page:
    """What a browser is given: the page, its headers, its status."""

    html: str
    headers: Mapping[str, str]
    status: int = 200


def page(name: str, language: str, /, *, status: int = 200, **context: object) -> Page:
    """Return a template as a whole page; it says itself which assets it inlines, and only those may run."""
    inline = Inline()
    html = render(name, language, inline=inline, **context)
    return Page(html, _headers(language, inline.policy()), status)


def shared_page(
    name: str,
    language: str,
    /,
    fixed: Mapping[str, Hashable],
    values: Mapping[str, str | None],
    *,
    status: int = 200,
) -> Page:
    """Return a page that many readers share but for some plain texts (`values`): see the skeletons."""
    given = {key: value or "" for key, value in values.items()}
    shared = skeleton(name, language, fixed, given)
    return Page(shared.filled(given), _headers(language, shared.policy), status)


def kept_page(
    key: tuple[Hashable, ...],
    language: str,
    values: Mapping[str, str | None],
    facts: Callable[[], Mapping[str, Hashable]],
) -> Page:
    """Return such a page where gathering what is shared takes long: `key`, a template's name first, says it all."""
    given = {name: value or "" for name, value in values.items()}
    shared = kept_skeleton(key, language, given, facts)
    return Page(shared.filled(given), _headers(language, shared.policy))


def _headers(language: str, policy: str) -> dict[str, str]:
    return {**GUARDS, "Content-Language": base_language(language), "Content-Security-Policy": policy}
