"""The table of keys in the documentation is the one that the code spells."""

import inspect
import re
from datetime import UTC, datetime

import pytest

from chalicelib.adapters.dynamodb import keys
from chalicelib.domain.terms import stamp

AT = datetime(2026, 3, 6, 21, 30, tzinfo=UTC)

ROW = re.compile(r"^    (\w+)\s+(\S+)\s+(\S+)\s+(.+)$", re.MULTILINE)
HEADS = ("item", "index", "due", "department")
DOCUMENTED = [found for found in ROW.findall(keys.__doc__ or "") if found[0] not in HEADS]

FORMED = {"entry": {"<version>": "000007"}, "batch": {"<place>": "04"}, "note": {"<stamp>": stamp(AT)}}
"""What keys write of what is given to them."""


@pytest.mark.parametrize(("item", "pk", "sk", "indexes"), DOCUMENTED)
def test_each_item_has_the_key_that_is_documented(item: str, pk: str, sk: str, indexes: str) -> None:
    make = getattr(keys, item)
    given = {name: _given(item, name) for name in inspect.signature(make).parameters}
    names = {"id_": "id", "at": "stamp", "text": "sha256"}
    told = {f"<{names.get(name, name)}>": value for name, value in given.items()}
    if item == "token":
        told["<sha256>"] = keys.token("t")[0].removeprefix("TOKEN#")
    if item == "timer":
        told["<shard>"] = keys.due_shard("t")
    told |= FORMED.get(item, {})
    for placeholder, value in told.items():
        pk, sk = pk.replace(placeholder, str(value)), sk.replace(placeholder, str(value))
    assert make(**given) == (pk, sk)


def _given(item: str, name: str) -> str | int | datetime:
    if item == "note" and name == "at":
        return AT
    if item == "entry" and name == "version":
        return 7
    if item == "batch" and name == "version":
        return 4 + keys.BATCH_PLACES
    return 3 if name == "lane" else "t"


def test_every_key_is_documented() -> None:
    functions = [
        name
        for name, made in vars(keys).items()
        if inspect.isfunction(made) and made.__annotations__.get("return") == keys.Key and not name.startswith("_")
    ]
    assert sorted(item for item, *_ in DOCUMENTED) == sorted(set(functions) - {"days"})


def test_lanes_and_shards_are_spread_over_all_there_are() -> None:
    assert {keys.lane_of(f"shardId-{number:020d}") for number in range(200)} == set(range(keys.LANES))
    assert {keys.due_shard(f"{number:032x}") for number in range(200)} == set(keys.due_shards())


def test_a_timeline_of_a_hundred_thousand_lines_sorts() -> None:
    versions = [1, 9, 10, 99, 100, 99_999, 100_000, 999_999]
    spelled_keys = [keys.entry("x", version)[1] for version in versions]
    assert spelled_keys == sorted(spelled_keys)
