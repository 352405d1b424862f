"""Count DynamoDB's units by AWS's rules, from the sizes of items and from what changes in the indexes.

Sizes: the names and values of all attributes in UTF-8; a number takes a byte for each two significant digits and one
more, a list or map 3 bytes and one for each element. A write is charged for the larger of the item before and after, in
whole KB; an index entry that appears, disappears or changes is a write of its own, two when its key changes; what a
transaction writes or reads counts twice; a condition that does not hold is charged as if it did. Reads are charged in
4 KB, half when they need not be consistent; a Query for the sum of what it passes over, a BatchGet for each item.

Sources: "DynamoDB Item sizes and formats", "Read and write operations", "Using Global Secondary Indexes" in DynamoDB's
developer guide. That an index entry written by a transaction counts twice as well is the dearer reading of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from pathlib import Path
from typing import Any

import yaml

WRITE_BYTES = 1024
READ_BYTES = 4096
ENTRY_BYTES = 100  # kept beside each item and each index entry, and paid for as storage only

Image = Mapping[str, Any]
"""An item in DynamoDB's own format; binary values are bytes."""


@dataclass(frozen=True)
class Index:
    """A global secondary index: its keys, and what else it holds (None: the whole item)."""

    name: str
    keys: tuple[str, ...]
    projected: frozenset[str] | None = frozenset()

    def entry(self, image: Image | None) -> Image | None:
        """Return what the index holds of an item; nothing when one of the index's keys is missing."""
        if image is None or not all(key in image for key in self.keys):
            return None
        if self.projected is None:
            return image
        kept = {"pk", "sk", *self.keys, *self.projected}
        return {name: value for name, value in image.items() if name in kept}


def size_of(image: Image | None) -> int:
    """Return the size of an item in bytes, as DynamoDB counts it."""
    return sum(len(name.encode()) + _value_size(value) for name, value in (image or {}).items())


def _value_size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    size: int = SIZES[kind](content)
    return size


def _number_size(text: str) -> int:
    number = Decimal(text)
    digits = len("".join(map(str, number.as_tuple().digits)).strip("0")) or 1
    return ceil(digits / 2) + 1 + (number < 0)


def _elements(values: Iterable[Mapping[str, Any]]) -> int:
    return 3 + sum(1 + _value_size(value) for value in values)


SIZES: dict[str, Any] = {
    "S": lambda text: len(text.encode()),
    "N": _number_size,
    "B": len,
    "BOOL": lambda _: 1,
    "NULL": lambda _: 1,
    "SS": lambda texts: sum(len(text.encode()) for text in texts),
    "NS": lambda numbers: sum(map(_number_size, numbers)),
    "BS": lambda values: sum(map(len, values)),
    "L": _elements,
    "M": lambda values: _elements(values.values()) + sum(len(name.encode()) for name in values),
}


def written(*sizes: int) -> int:
    """Return the write units of the largest of these sizes."""
    return max(1, ceil(max(sizes) / WRITE_BYTES))


def read(size: int, *, consistent: bool) -> float:
    """Return the read units of so many bytes; nothing found is charged like a little."""
    return max(1, ceil(size / READ_BYTES)) * (1.0 if consistent else 0.5)


def write_units(old: Image | None, new: Image | None, indexes: Sequence[Index], *, in_transaction: bool = False) -> int:
    """Return the write units of an item's change, its index entries included."""
    units = written(size_of(old), size_of(new)) + sum(_entry_units(index, old, new) for index in indexes)
    return units * 2 if in_transaction else units


def refused_units(old: Image | None, new: Image | None, *, in_transaction: bool = False) -> int:
    """Return the write units of a write whose condition did not hold: no index was touched."""
    return write_units(old, new, (), in_transaction=in_transaction)


def _entry_units(index: Index, old: Image | None, new: Image | None) -> int:
    before, after = index.entry(old), index.entry(new)
    if before == after:
        return 0
    if before and after and all(before[key] == after[key] for key in index.keys):
        return written(size_of(before), size_of(after))
    return sum(written(size_of(entry)) for entry in (before, after) if entry)


def stored_bytes(image: Image, indexes: Sequence[Index]) -> int:
    """Return what an item and its index entries take of the storage that is paid for."""
    entries = [entry for index in indexes if (entry := index.entry(image))]
    return sum(size_of(each) + ENTRY_BYTES for each in (image, *entries))


class _AnyTag(yaml.SafeLoader):
    """Reads CloudFormation's short forms as plain values: no index depends on them."""


def _plain(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True) if isinstance(node, yaml.MappingNode) else None


_AnyTag.add_multi_constructor("!", _plain)


def indexes_of(overlay: Path, table: str = "Table") -> tuple[Index, ...]:
    """Return the indexes of a table as the stack declares them."""
    resources = yaml.load(overlay.read_text(), _AnyTag)["Resources"]  # a safe loader, with plain tags added
    return tuple(_index(each) for each in resources[table]["Properties"].get("GlobalSecondaryIndexes", ()))


def _index(declared: Mapping[str, Any]) -> Index:
    keys = tuple(key["AttributeName"] for key in declared["KeySchema"])
    projection = declared["Projection"]
    if projection["ProjectionType"] == "ALL":
        return Index(declared["IndexName"], keys, None)
    return Index(declared["IndexName"], keys, frozenset(projection.get("NonKeyAttributes", ())))
