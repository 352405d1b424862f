"""Turn what is kept into items of the table, and items, or their images in its stream, back into what is kept.

An item has its keys, `v` (the version that conditions compare) and `body`: everything else as JSON, compressed with a
dictionary of the words that all items share. A body takes a third of its JSON, so that an invitation stays under the
1 KB that one write unit pays for, answers and all.

Reading forgives: what this code does not know is passed over, what an older one did not write has its default.
"""

import json
import zlib
from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime, timedelta
from math import ceil
from typing import Any, TypeVar

from pydantic import BaseModel

from chalicelib.adapters.dynamodb import keys
from chalicelib.adapters.dynamodb.dictionaries import DICTIONARIES, NEWEST
from chalicelib.domain.case import Case, Entry
from chalicelib.domain.customer import Address, Customer, Past
from chalicelib.domain.digest import Digest
from chalicelib.domain.incident import Incident, Noted
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.retention import Keeping
from chalicelib.domain.weekly import Weekly
from chalicelib.ports import Early, Principal

Image = dict[str, Any]
"""An item in DynamoDB's own format, as in {"pk": {"S": "…"}}."""

Kept = Invitation | Case | Entry | Digest | Weekly | Keeping | Incident | Customer | Past | Address | Early | Principal
Model = TypeVar("Model", bound=BaseModel)

NOTE_LASTS = timedelta(days=400)

LEVEL = 3  # 4 % larger than at level 6, in two thirds of the time
WINDOW = -15  # raw deflate, without header and checksum: 6 bytes less
NEAR = -14  # reaches back 16 KB, over dictionary and item: as small, with a quarter of the memory to be made ready
MEMORY = 5

# Name and version stand in the item's key and in `v`, not in the body again.
_NAMED: dict[str, tuple[type[Kept], str, str]] = {
    keys.INVITATION: (Invitation, "id", "version"),
    keys.CASE: (Case, "id", "revision"),
    keys.DIGEST: (Digest, "id", "version"),
    keys.WEEKLY: (Weekly, "id", "version"),
    keys.INCIDENT: (Incident, "id", "version"),
    keys.KEEPING: (Keeping, "id", "version"),
    keys.CUSTOMER: (Customer, "key", "version"),
    keys.ADDRESS: (Address, "key", "version"),
    keys.EARLY: (Early, "key", "version"),
}


def encode_invitation(invitation: Invitation) -> Image:
    """Return an invitation's item, in the due index while something is due."""
    return _named(keys.invitation(invitation.id), invitation) | _texts(keys.due_keys(invitation))


def encode_case(case: Case) -> Image:
    """Return a case's item, in the due index while something is due, and in its department's list."""
    indexes = keys.due_keys(case) | keys.department_keys(case)
    return _named(keys.case(case.id), case) | _texts(indexes)


def encode_entry(id_: str, entry: Entry) -> Image:
    """Return the item of one line of a case's timeline."""
    return _whole(keys.entry(id_, entry.version), entry)


def encode_digest(digest: Digest) -> Image:
    """Return the item of a mailbox's digest, in the due index while something waits."""
    return _named(keys.digest(digest.id), digest) | _texts(keys.due_keys(digest))


def encode_weekly(weekly: Weekly) -> Image:
    """Return the item of a mailbox's weekly mail, in the due index while somebody has that mailbox."""
    return _named(keys.weekly(weekly.id), weekly) | _texts(keys.due_keys(weekly))


def encode_incident(incident: Incident) -> Image:
    """Return the item of a driver's latest incident."""
    return _named(keys.incident(incident.id), incident)


def encode_note(name: str, noted: Noted) -> Image:
    """Return the item of what was noted under a name, which goes by itself."""
    return text_key(keys.note(name, noted.at, noted.id)) | _ends(noted.at + NOTE_LASTS)


def encode_keeping(keeping: Keeping) -> Image:
    """Return the item of how far what is kept has been gone through, in the due index."""
    return _named(keys.keeping(keeping.id), keeping) | _texts(keys.due_keys(keeping))


def encode_customer(customer: Customer) -> Image:
    """Return a customer's item."""
    return _named(keys.customer(customer.key), customer)


def encode_past(past: Past) -> Image:
    """Return the item of older decisions about a customer."""
    return _whole(keys.past(past.key, past.id), past)


def encode_address(address: Address) -> Image:
    """Return an address's item."""
    return _named(keys.address(address.key), address)


def encode_early(early: Early) -> Image:
    """Return the item of an event's early news, which goes by itself."""
    return _named(keys.early(early.key), early) | _ends(early.kept_until)


def encode_principal(token: str, principal: Principal) -> Image:
    """Return the item that a token opens; the token itself is not in it."""
    return _whole(keys.token(token), principal)


def decode(image: Image) -> Kept | None:
    """Return what an item holds; None for items of another kind (surveys, organisations, counters)."""
    sk: str = image["sk"]["S"]
    if sk.startswith(keys.ENTRY):
        return Entry.model_validate_json(unpack(image["body"]["B"]), extra="ignore")
    if sk.startswith(keys.PAST):
        return Past.model_validate_json(unpack(image["body"]["B"]), extra="ignore")
    if sk == keys.TOKEN:
        return Principal.model_validate_json(unpack(image["body"]["B"]), extra="ignore")
    if sk not in _NAMED:
        return None
    model, name, version = _NAMED[sk]
    body = unpack(image["body"]["B"])
    own = f'{{"{name}":{json.dumps(image["pk"]["S"].partition("#")[2])},"{version}":{image["v"]["N"]}'.encode()
    return model.model_validate_json(own + (b"," + body[1:] if len(body) > 2 else b"}"), extra="ignore")


def decode_as(model: type[Model], image: Image | None) -> Model | None:
    """Return what an item holds, which is known to be of this kind; None for no item."""
    if image is None:
        return None
    kept = decode(image)
    if not isinstance(kept, model):
        raise TypeError(f"{image['pk']['S']} / {image['sk']['S']} holds no {model.__name__}")
    return kept


def pack(text: bytes) -> bytes:
    """Return a text compressed with the newest dictionary, whose number comes first."""
    packer = _READY.copy()
    return _NUMBER + packer.compress(text) + packer.flush()


_READY = zlib.compressobj(LEVEL, zlib.DEFLATED, NEAR, MEMORY, zdict=DICTIONARIES[NEWEST])
"""Has read the dictionary, and packs nothing itself: a copy of it does."""

_NUMBER = bytes([NEWEST])


def unpack(body: bytes | str) -> bytes:
    """Return the text of a body: bytes from the table, or base64 as Lambda hands over the stream."""
    packed = b64decode(body) if isinstance(body, str) else body
    return zlib.decompressobj(WINDOW, zdict=DICTIONARIES[packed[0]]).decompress(packed[1:])


def seconds_of(at: datetime) -> int:
    """Return an instant as the table counts it for what goes by itself."""
    return ceil(at.timestamp())


def _ends(at: datetime | None) -> Image:
    return {keys.TTL: {"N": str(seconds_of(at))}} if at else {}


def text_key(key: keys.Key) -> Image:
    """Return a key in DynamoDB's format."""
    return {"pk": {"S": key[0]}, "sk": {"S": key[1]}}


def _named(key: keys.Key, model: Kept) -> Image:
    _, name, version = _NAMED[key[1]]
    body = model.model_dump_json(exclude={name, version}, exclude_defaults=True)
    return {**text_key(key), "v": {"N": str(getattr(model, version))}, "body": {"B": pack(body.encode())}}


def _whole(key: keys.Key, model: Kept) -> Image:
    return {**text_key(key), "body": {"B": pack(model.model_dump_json(exclude_defaults=True).encode())}}


def _texts(attributes: Mapping[str, str]) -> Image:
    return {name: {"S": text} for name, text in attributes.items()}
