"""Read every invitation and case of the table: for operators' recounts, never on a path of the product."""

import os
from collections.abc import Iterator
from typing import Any

from chalicelib.adapters import clients
from chalicelib.adapters.dynamodb import keys
from chalicelib.adapters.dynamodb.codec import decode
from chalicelib.domain.case import Case
from chalicelib.domain.invitation import Invitation

SORT_KEYS = (keys.INVITATION, keys.CASE)


def estimated() -> int:
    """Return about how many items the table has, as DynamoDB counted them some hours ago."""
    return int(clients.dynamodb().describe_table(TableName=_table())["Table"]["ItemCount"])


def every() -> Iterator[Invitation | Case]:
    """Return every invitation and case, in no order."""
    pages = clients.dynamodb().get_paginator("scan").paginate(TableName=_table(), ConsistentRead=True)
    for page in pages:
        for image in page["Items"]:
            yield from _read(image)


def _read(image: Any) -> Iterator[Invitation | Case]:
    if image["sk"]["S"] in SORT_KEYS:
        item = decode(image)
        if isinstance(item, Invitation | Case):
            yield item


def _table() -> str:
    return os.environ["TABLE_NAME"]
