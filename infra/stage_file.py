"""All that a stage holds, in one file: gzipped JSON lines, of which the first says what keys it and the last how many.

Names of people and addresses are keyed by the stage's root secret and links by its link keys: in a stage with other
secrets nobody would be found again and no link would open, so a reader compares before it takes anything.
"""

import gzip
import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from chalicelib import runtime
from chalicelib.adapters.dynamodb.codec import Image

FORMAT = 1
MARK_CHARACTERS = 16


class NotWhole(Exception):
    """The file is none of ours, or not all of one; the message says where."""


@dataclass(frozen=True)
class Known:
    """Marks of the secrets that a stage goes by, from which nobody can make the secrets."""

    root: str
    link_keys: dict[str, str]

    def missing_in(self, other: "Known") -> list[str]:
        """Say which secrets of this one another stage does not have."""
        root = [] if self.root == other.root else ["root"]
        keys = [number for number, mark in self.link_keys.items() if other.link_keys.get(number) != mark]
        return root + [f"link key {number}" for number in keys]


def known() -> Known:
    """Return the marks of the stage that we are connected to."""
    secrets = runtime.secrets()
    keys = {str(number): _mark(key) for number, key in secrets.link_keys().items()}
    return Known(_mark(secrets.pepper()), keys)


def _mark(secret: bytes) -> str:
    return sha256(secret).hexdigest()[:MARK_CHARACTERS]


def write(path: Path, images: Iterable[Image], secrets: Known) -> int:
    """Write items into a file that only its owner reads; return how many."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    count = 0
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write(json.dumps({"lazo": FORMAT, **asdict(secrets)}) + "\n")
        for image in images:
            file.write(json.dumps(image, default=_text, ensure_ascii=False) + "\n")
            count += 1
        file.write(json.dumps({"items": count}) + "\n")
    return count


def check(path: Path) -> tuple[Known, int]:
    """Return what keys a file and how many items it has, having read all of it. Raises NotWhole."""
    try:
        first, *rest = _ends(path)
        if first.get("lazo") != FORMAT:
            raise NotWhole(f"{path}:1: not what `export --everything` of this version writes.")
        return Known(first["root"], first["link_keys"]), int(rest[-1]["items"])
    except (OSError, EOFError, IndexError, KeyError, TypeError) as error:
        raise NotWhole(f"{path} cannot be read to its end ({error}): take it anew.") from None


def _ends(path: Path) -> Iterator[Any]:
    """Yield the first and the last line of a file whose other lines are items, counted."""
    last, count = None, -1
    for number, value in _lines(path):
        if number == 1:
            yield value
        last, count = value, count + 1
    if not isinstance(last, dict) or last.get("items") != count - 1:
        raise NotWhole(f"{path}:{count + 1}: the file ends here without saying that it is whole: take it anew.")
    yield last


def _lines(path: Path) -> Iterator[tuple[int, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                yield number, json.loads(line, object_hook=_restored)
            except ValueError:
                raise NotWhole(f"{path}:{number}: not JSON: take the file anew.") from None


def read(path: Path) -> Iterator[Image]:
    """Yield the items of a file that was found whole."""
    return (value for _, value in _lines(path) if "pk" in value)


def _text(value: bytes) -> str:
    return b64encode(value).decode()


def _restored(value: dict[str, Any]) -> dict[str, Any]:
    return {"B": b64decode(value["B"])} if value.keys() == {"B"} else value
