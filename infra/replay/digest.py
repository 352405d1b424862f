"""Fingerprint every item of the running system's table, to show that something changed none of them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3


@dataclass(frozen=True)
class Digest:
    """The fingerprint of each item by its key."""

    items: Mapping[str, str]

    def differing(self, other: "Digest") -> int:
        """Return how many items are there in one only, or differ."""
        keys = {*self.items, *other.items}
        return sum(self.items.get(key) != other.items.get(key) for key in keys)


def digest(environment: Mapping[str, str]) -> Digest:
    """Read the whole table, as no flow ever does."""
    client = boto3.client(
        "dynamodb",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=environment["AWS_DEFAULT_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )
    pages = client.get_paginator("scan").paginate(TableName=environment["TABLE_NAME"])
    return Digest({_key(item): _fingerprint(item) for page in pages for item in page["Items"]})


def _key(item: Mapping[str, Any]) -> str:
    return f"{item['pk']['S']} {item['sk']['S']}"


def _fingerprint(item: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(item, sort_keys=True, default=repr).encode()).hexdigest()
