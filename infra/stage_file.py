"""All that a stage holds, in one file: gzipped JSON lines, of which the first says what keys it and the last how many.

Names of people and addresses are keyed by the stage's root secret and links by its link keys: in a stage with other
secrets nobody would be found again and no link would open, so a reader compares before it takes anything.
"""

import gzip
import json
import zlib
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


def private(path: Path) -> None:
    """Let a file that will hold personal data be its owner's alone, before anything is in it."""
    path.touch(mode=0o600)
    path.chmod(0o600)


def write(path: Path, images: Iterable[Image], secrets: Known) -> int:
    """Write items into a file that only its owner reads; return how many."""
    private(path)
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
        return _checked(path)
    except (OSError, EOFError, zlib.error) as error:
        raise NotWhole(f"{path} cannot be read to its end ({error}): take it anew.") from None


def _checked(path: Path) -> tuple[Known, int]:
    lines = _lines(path)
    secrets = _head(path, next(lines, (1, None))[1])
    last, number = None, 1
    for number, last in lines:
        if not isinstance(last, dict) or not ({"pk", "sk"} <= last.keys() or last.keys() == {"items"}):
            raise NotWhole(f"{path}:{number}: no item: take the file anew.")
    count = number - 2  # neither the first line nor the last is an item
    if last != {"items": count}:
        raise NotWhole(f"{path}:{number}: the file ends here without saying that it is whole: take it anew.")
    return secrets, count


def _head(path: Path, first: Any) -> Known:
    found = first if isinstance(first, dict) else {}
    root, keys = found.get("root"), found.get("link_keys")
    if found.get("lazo") != FORMAT or not isinstance(root, str) or not isinstance(keys, dict):
        raise NotWhole(f"{path}:1: not what `export --everything` of this version writes.")
    return Known(root, keys)


def _lines(path: Path) -> Iterator[tuple[int, Any]]:
    with gzip.open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            try:
                yield number, json.loads(line, object_hook=_restored)
            except (ValueError, TypeError):
                raise NotWhole(f"{path}:{number}: not JSON: take the file anew.") from None


def read(path: Path) -> Iterator[Image]:
    """Yield the items of a file that was found whole."""
    return (value for _, value in _lines(path) if "pk" in value)


def _text(value: bytes) -> str:
    return b64encode(value).decode()


def _restored(value: dict[str, Any]) -> dict[str, Any]:
    return {"B": b64decode(value["B"])} if value.keys() == {"B"} else value
