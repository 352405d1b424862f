"""Carry style and script inside a page, so that it is one request, and let nothing else run."""

import re
from base64 import b64encode
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256

from markupsafe import Markup

from chalicelib.adapters.templates.catalogue import TEMPLATES

POLICY = (
    "default-src 'none'; img-src 'self' data:; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; style-src {styles}; script-src {scripts}"
)


@dataclass
class Inline:
    """The assets that one page carries inside itself, each known by its hash.

    Hashes are those of our files, never of the finished page: a script that found its way in would not run.
    """

    hashes: list[tuple[str, str]] = field(default_factory=list)

    def style(self, *names: str) -> Markup:
        """Return these style sheets as one element."""
        return self._element("style", names)

    def script(self, *names: str) -> Markup:
        """Return these scripts as one element."""
        return self._element("script", names)

    def policy(self) -> str:
        """Return the Content-Security-Policy of the page as far as it has been rendered."""
        return POLICY.format(styles=self._allowed("style"), scripts=self._allowed("script"))

    def _allowed(self, kind: str) -> str:
        return " ".join(dict.fromkeys(digest for each, digest in self.hashes if each == kind)) or "'none'"

    def _element(self, kind: str, names: tuple[str, ...]) -> Markup:
        text, digest = asset(names)
        self.hashes.append((kind, digest))
        return Markup(f"<{kind}>{text}</{kind}>")


@cache
def asset(names: tuple[str, ...]) -> tuple[str, str]:
    """Return assets joined and made small, and the hash by which a policy allows them."""
    text = "\n".join(_small(name, (TEMPLATES / "assets" / name).read_text("utf-8")) for name in names)
    return text, f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


_COMMENTS = re.compile(r"/\*.*?\*/", re.DOTALL)
_NOTES = re.compile(r"^\s*//.*$", re.MULTILINE)
_AROUND = re.compile(r"\s*([{};,])\s*")  # blanks that part nothing; those before a colon may, as in «.scale :checked»
_AFTER = re.compile(r": ")


def _small(name: str, source: str) -> str:
    # Comments, indentation and blanks are for us: a reader on a slow line should not pay for them.
    plain = _NOTES.sub("", _COMMENTS.sub("", source))
    lines = "\n".join(line.strip() for line in plain.splitlines() if line.strip())
    if not name.endswith(".css"):
        return lines
    return _AFTER.sub(":", _AROUND.sub(r"\1", lines)).replace(";}", "}")
