"""Read and write the table as a whole: for operators' recounts and moves, never on a path of the product."""

import os
from collections.abc import Iterator, Sequence
from typing import Any

from chalicelib.adapters import clients
from chalicelib.adapters.dynamodb import keys
from chalicelib.adapters.dynamodb.codec import Image, decode
from chalicelib.adapters.dynamodb.table import Put, Table
from chalicelib.domain.case import Case
from chalicelib.domain.invitation import Invitation

SORT_KEYS = (keys.INVITATION, keys.CASE)
OWN = ("ROLLUP#", "LANE#", "TOKEN#", "KEEPING#")
"""What stays with a stage: counters, which another derives from its own stream, what opens doors, and how far its lists
have been gone through for what is old, since another writes lists of its own."""
WORDING = ("ORGANISATION", "SURVEY#")
"""What must be there before anything is counted by it."""


def estimated() -> int:
    """Return about how many items the table has, as DynamoDB counted them some hours ago."""
    return int(clients.dynamodb().describe_table(TableName=_table())["Table"]["ItemCount"])


def every() -> Iterator[Invitation | Case]:
    """Return every invitation and case, in no order."""
    pages = clients.dynamodb().get_paginator("scan").paginate(TableName=_table(), ConsistentRead=True)
    for page in pages:
        for image in page["Items"]:
            yield from _read(image)


def whole() -> Iterator[Image]:
    """Return every item that another stage would need, as it is stored, in no order."""
    pages = clients.dynamodb().get_paginator("scan").paginate(TableName=_table(), ConsistentRead=True)
    return (image for page in pages for image in page["Items"] if not image["pk"]["S"].startswith(OWN))


def is_wording(image: Image) -> bool:
    """Say whether an item says what is asked and of whom, rather than who answered what."""
    return str(image["pk"]["S"]).startswith(WORDING)


def restore(images: Sequence[Image]) -> int:
    """Write items where there are none of their keys, telling no other program; return how many were there already."""
    marked = [image | {keys.IMPORTED: {"BOOL": True}} for image in images]
    return len(Table(clients.dynamodb(), _table()).put_many([Put(image, over=0) for image in marked]))


def restore_wording(image: Image) -> None:
    """Write an item of the organisation or a survey, whatever is there."""
    Table(clients.dynamodb(), _table()).replace(image)


def _read(image: Any) -> Iterator[Invitation | Case]:
    if image["sk"]["S"] in SORT_KEYS:
        item = decode(image)
        if isinstance(item, Invitation | Case):
            yield item


def _table() -> str:
    return os.environ["TABLE_NAME"]
