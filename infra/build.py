"""Build what ships from what people write: mails from MJML, catalogues from their translations.

python -m infra.build            write what is not current, and list the sentences that lack a translation
python -m infra.build --check    write nothing; fail when something is not current or not translated
"""

import argparse
import re
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import mjml
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from jinja2 import FileSystemLoader

from chalicelib.adapters.templates.catalogue import SOURCE, TEMPLATES
from chalicelib.adapters.templates.engine import environment
from chalicelib.domain.terms import LANGUAGES

CODE = TEMPLATES.parent
MAILS = Path(__file__).parent / "mails"
INCLUDE = re.compile(r'<mj-include path="([^"]+)" />')
PLURALS = "nplurals=2; plural=(n != 1);"
"""How many forms a plural has: alike in the languages that we speak (Brazil's zero takes the plural)."""

KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "sentence": None, "say": None}
METHODS = [("adapters/**.py", "python"), ("templates/**.html", "jinja2"), ("templates/**.txt", "jinja2")]
OPTIONS = {f"templates/**.{kind}": {"trimmed": "true", "silent": "false"} for kind in ("html", "txt")}

Key = str | tuple[str, str]


def main(arguments: list[str] | None = None) -> int:
    """Build, or say what would be built; 0 when everything is current and translated."""
    parser = argparse.ArgumentParser(prog="python -m infra.build", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail when something is not current")
    check = parser.parse_args(arguments).check
    built = outputs()
    stale = [path for path, content in built.items() if not path.exists() or path.read_bytes() != content]
    for path in stale:
        print(f"{'not current' if check else 'built'}: {path.relative_to(CODE.parent)}")
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(built[path])
    lacking = list(untranslated())
    for language, key in lacking:
        print(f"not translated into {language}: {key!r}")
    return 1 if lacking or (check and stale) else 0


def outputs() -> dict[Path, bytes]:
    """Return every file that is built, with what it should hold; the same sources give the same bytes."""
    sources = sorted(MAILS.glob("*.mjml"))
    mails = {TEMPLATES / "mail" / f"{source.stem}.html": mail(source).encode() for source in sources}
    catalogues = {
        TEMPLATES / "locale" / language / "LC_MESSAGES" / "lazo.mo": compiled(translations(language))
        for language in LANGUAGES
        if language != SOURCE
    }
    return mails | catalogues


def mail(source: Path) -> str:
    """Return a mail's HTML, still a template: facts and loops pass through MJML as they are."""
    # No fonts: MJML would fetch those it knows by name from the web, which tells a stranger who opens our mail when.
    found = mjml.mjml2html(_whole(source), fonts={})
    lines = (line.strip() for line in found.splitlines())
    return "\n".join(line for line in lines if line) + "\n"


def _whole(source: Path) -> str:
    # What MJML itself includes knows no width: on a desk the foot would stand at the window's edge, far from its mail.
    return INCLUDE.sub(lambda found: (MAILS / found[1]).read_text("utf-8"), source.read_text("utf-8"))


def translations(language: str) -> dict[Key, str | tuple[str, ...]]:
    """Return what the catalogues of a language say: every `*.po` beside `lazo.mo`, together."""
    said: dict[Key, str | tuple[str, ...]] = {}
    for path in sorted((TEMPLATES / "locale" / language / "LC_MESSAGES").glob("*.po")):
        said.update({_key(message.id): _said(message.string) for message in _read(path) if message.id})
    return said


def _read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, abort_invalid=True)


def _key(id_: object) -> Key:
    return (str(id_[0]), str(id_[1])) if isinstance(id_, (tuple, list)) else str(id_)


def _said(string: object) -> str | tuple[str, ...]:
    return tuple(map(str, string)) if isinstance(string, (tuple, list)) else str(string)


def extracted() -> set[Key]:
    """Return every sentence that templates and adapters say."""
    found = extract_from_dir(str(CODE), METHODS, OPTIONS, KEYWORDS)
    return {_key(id_) for _, _, id_, _, _ in found if id_}


def untranslated() -> Iterator[tuple[str, Key]]:
    """Return each sentence that a language lacks."""
    wanted = extracted()
    for language in LANGUAGES:
        if language != SOURCE:
            said = {key for key, string in translations(language).items() if string and all(string)}
            yield from ((language, key) for key in sorted(wanted - said, key=str))


def compiled(said: dict[Key, str | tuple[str, ...]]) -> bytes:
    """Return a catalogue as gettext reads it (.mo), always the same for the same sentences."""
    header = f"Content-Type: text/plain; charset=UTF-8\nPlural-Forms: {PLURALS}\n"
    entries = {_packed(key): _packed(string) for key, string in said.items() if string} | {b"": header.encode()}
    ids = sorted(entries)
    start, count = 28, len(ids)
    offsets, texts, at = [], [], start + 16 * count
    for text in [*ids, *(entries[id_] for id_ in ids)]:
        offsets += [len(text), at]
        texts.append(text + b"\0")
        at += len(text) + 1
    head = struct.pack("<7I", 0x950412DE, 0, count, start, start + 8 * count, 0, at)
    return head + struct.pack(f"<{4 * count}I", *offsets) + b"".join(texts)


def _packed(text: Key | str | tuple[str, ...]) -> bytes:
    return (text if isinstance(text, str) else "\0".join(text)).encode()


def precompile(target: Path, templates: Path = TEMPLATES) -> None:
    """Write every template as a Python module into a folder: packaging puts it at `chalicelib/templates/compiled`."""
    made = environment(SOURCE).overlay(loader=FileSystemLoader(templates))
    made.compile_templates(target, extensions=["html", "txt"], zip=None, ignore_errors=False)


if __name__ == "__main__":
    sys.exit(main())
