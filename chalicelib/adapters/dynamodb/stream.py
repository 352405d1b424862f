"""Read the table's stream: what an invitation or a case was, and what it has become."""

from collections.abc import Mapping
from typing import Any

from chalicelib.adapters.dynamodb import keys
from chalicelib.adapters.dynamodb.codec import decode, decode_as
from chalicelib.domain.case import Case
from chalicelib.domain.customer import Customer
from chalicelib.domain.invitation import Invitation
from chalicelib.ports import Change, Write

SEQUENCE_DIGITS = 40


def change_of(record: Mapping[str, Any]) -> Change:
    """Return the change that a stream record tells of, as Lambda hands it over.

    It has no sides when the record is of another kind of item, and is not `readable` when it cannot be read: never an
    error, for one record that raises would hold up its shard.
    """
    told = record["dynamodb"]
    sequence = str(told["SequenceNumber"]).zfill(SEQUENCE_DIGITS)
    try:
        if told["Keys"]["sk"]["S"] not in (keys.INVITATION, keys.CASE):
            return Change(sequence)
        return Change(sequence, _side(told.get("OldImage")), _side(told.get("NewImage")))
    except Exception:  # anything at all may be wrong with what an unknown writer has left
        return Change(sequence, readable=False)


def _side(image: dict[str, Any] | None) -> Invitation | Case | None:
    kept = decode(image) if image else None
    if kept is None or isinstance(kept, Invitation | Case):
        return kept
    raise TypeError(f"a {type(kept).__name__} under an invitation's key")


def write_of(record: Mapping[str, Any]) -> Write:
    """Return the write that a stream record tells of, customers' among them; never an error, as `change_of`."""
    told = record["dynamodb"]
    sequence = str(told["SequenceNumber"]).zfill(SEQUENCE_DIGITS)
    try:
        if told["Keys"]["sk"]["S"] not in (keys.INVITATION, keys.CASE, keys.CUSTOMER):
            return Write(sequence)
        if _is_import(told):
            return Write(sequence)
        return Write(sequence, _told(told.get("OldImage")), _told(told.get("NewImage")))
    except Exception:  # as above
        return Write(sequence, readable=False)


def _is_import(told: Mapping[str, Any]) -> bool:
    return "OldImage" not in told and keys.IMPORTED in told.get("NewImage", {})


def _told(image: dict[str, Any] | None) -> Invitation | Case | Customer | None:
    if image and image["sk"]["S"] == keys.CUSTOMER:
        return decode_as(Customer, image)
    return _side(image)
