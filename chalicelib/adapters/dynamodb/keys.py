"""Spell every key of the table, here and nowhere else.

    item                  pk                                  sk                      indexes
    invitation            INVITATION#<id>                     INVITATION              due
    case                  INVITATION#<id>                     CASE                    due, department
    entry                 INVITATION#<id>                     CASE#<version>          –
    digest                DIGEST#<id>                         DIGEST                  due
    weekly                WEEKLY#<id>                         WEEKLY                  due
    incident              INCIDENT#<driver>                   INCIDENT                –
    note                  NOTES#<name>                        NOTE#<stamp>#<id>       –
    keeping               KEEPING#<id>                        KEEPING                 due
    customer              CUSTOMER#<key>                      CUSTOMER                –
    past                  CUSTOMER#<key>                      PAST#<id>               –
    address               ADDRESS#<key>                       ADDRESS                 –
    early                 EVENT#<key>                         EVENT                   –
    survey                SURVEY#<version>                    VERSION                 –
    organisation          ORGANISATION                        CURRENT                 –
    organisation_version  ORGANISATION                        VERSION#<stamp>         –
    pauses                PAUSES                              PAUSES                  –
    places                PLACES#<name>                       PLACES                  –
    rollup                ROLLUP#<kind>#<dimension>#<value>   <day>#<lane>            –
    values                ROLLUP#<kind>#<dimension>           VALUES                  –
    lane                  LANE#<lane>                         LANE                    –
    batch                 LANE#<lane>                         BATCH#<place>           –
    token                 TOKEN#<sha256>                      TOKEN                   –
    timer                 TIMER#<shard>                       <stamp>#<name>          –

A timeline's version has six digits, so that it sorts. The sparse indexes hold keys only:

    index                 hash                                range
    due                   due: one of the shards, by id     due_at: when
    department            department_list: <list>#<id>        department_at: resolve_by, or resolved_at
"""

import hashlib
from datetime import datetime, timedelta
from zlib import crc32

from chalicelib.adapters.lists import list_of, place_of
from chalicelib.domain.case import Case
from chalicelib.domain.digest import Digest
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.retention import Keeping
from chalicelib.domain.terms import stamp
from chalicelib.domain.weekly import Weekly

DUE = "due"
DEPARTMENT = "department"
TTL = "ttl"
IMPORTED = "imported"
"""Attribute of an item that came from another stage: what it tells was told there."""

DUE_SHARDS = 4  # 4,000 writes a second; raising it loses nothing, since the shards of before are still read
LANES = 8
BATCH_PLACES = 11  # of a lane: with the lane itself, and for all lanes, one BatchGetItem

Key = tuple[str, str]

INVITATION, CASE, ENTRY, DIGEST, WEEKLY = "INVITATION", "CASE", "CASE#", "DIGEST", "WEEKLY"
INCIDENT, NOTE = "INCIDENT", "NOTE#"
KEEPING, BATCH = "KEEPING", "BATCH#"
CUSTOMER, PAST, ADDRESS, EARLY, TOKEN = "CUSTOMER", "PAST#", "ADDRESS", "EVENT", "TOKEN"

_DUE = ("due", "due_at")
_SPARSE = {INVITATION: _DUE, DIGEST: _DUE, CASE: (*_DUE, "department_list", "department_at")}


def invitation(id_: str) -> Key:
    """Key of the one record of a decision, with its answers."""
    return f"INVITATION#{id_}", INVITATION


def case(id_: str) -> Key:
    """Key of the case of an invitation."""
    return f"INVITATION#{id_}", CASE


def entry(id_: str, version: int) -> Key:
    """Key of one line of a case's timeline."""
    return f"INVITATION#{id_}", f"{ENTRY}{version:06d}"


def digest(id_: str) -> Key:
    """Key of what one mailbox is still to be told together."""
    return f"DIGEST#{id_}", DIGEST


def weekly(id_: str) -> Key:
    """Key of when one mailbox is told of its week."""
    return f"WEEKLY#{id_}", WEEKLY


def incident(driver: str) -> Key:
    """Key of the latest incident of a driver."""
    return f"INCIDENT#{driver}", INCIDENT


def note(name: str, at: datetime, id_: str) -> Key:
    """Key of what was noted under a name: the key is all there is of it."""
    return f"NOTES#{_part(name)}", f"{NOTE}{stamp(at)}#{id_}"


def notes(name: str, first: datetime, last: datetime) -> tuple[str, str, str]:
    """Partition of what was noted under a name, and the first and last sort key of a time, both instants included."""
    pk, start = note(name, first, "")
    return pk, start, f"{NOTE}{stamp(last)}#~"


def keeping(id_: str) -> Key:
    """Key of how far what is kept has been gone through, for one kind of data."""
    return f"KEEPING#{id_}", KEEPING


def customer(key: str) -> Key:
    """Key of a person."""
    return f"CUSTOMER#{key}", CUSTOMER


def past(key: str, id_: str) -> Key:
    """Key of older decisions about a person, named by what they are."""
    return f"CUSTOMER#{key}", f"{PAST}{id_}"


def address(key: str) -> Key:
    """Key of an address, whoever uses it."""
    return f"ADDRESS#{key}", ADDRESS


def early(key: str) -> Key:
    """Key of the news of an event that has not arrived yet."""
    return f"EVENT#{key}", EARLY


def survey(version: str) -> Key:
    """Key of one wording of a survey."""
    return f"SURVEY#{version}", "VERSION"


def organisation() -> Key:
    """Key of the organisation as published."""
    return "ORGANISATION", "CURRENT"


def organisation_version(at: str) -> Key:
    """Key of the organisation as it was published at an instant (terms.stamp)."""
    return "ORGANISATION", f"VERSION#{at}"


def pauses() -> Key:
    """Key of what stops asking now."""
    return "PAUSES", "PAUSES"


def places(name: str) -> Key:
    """Key of how many places of a number are taken, as of a program's daily ones."""
    return f"PLACES#{_part(name)}", "PLACES"


def rollup(kind: str, dimension: str, value: str, day: str, lane: int) -> Key:
    """Key of one lane of a day's counts."""
    return series(kind, dimension, value), f"{day}#{lane}"


def series(kind: str, dimension: str, value: str) -> str:
    """Partition of all the days of one value."""
    return f"{values(kind, dimension)[0]}#{value}"


def days(first: str, last: str) -> Key:
    """First and last sort key of a range of days, all lanes of both included."""
    return f"{first}#0", f"{last}#9"


def values(kind: str, dimension: str) -> Key:
    """Key of the set of values that a dimension ever had."""
    return f"ROLLUP#{_part(kind)}#{_part(dimension)}", "VALUES"


def lane(lane: int) -> Key:
    """Key of what a lane has counted of the stream, how far, and what it has not yet added to its rows."""
    return f"LANE#{lane}", "LANE"


def batch(lane: int, version: int) -> Key:
    """Key of what one batch has counted since its lane was last written; a later version takes its place."""
    return f"LANE#{lane}", f"{BATCH}{version % BATCH_PLACES:02d}"


def token(text: str) -> Key:
    """Key of an API token: its hash, so that the table opens nothing."""
    return f"TOKEN#{hashlib.sha256(text.encode()).hexdigest()}", TOKEN


def id_of(pk: str) -> str:
    """Return the id in a key's first part, as in INVITATION#<id>."""
    return pk.partition("#")[2]


def timer(name: str, at: str) -> Key:
    """Key of a shared timer by the instant (terms.stamp) by which it is due.

    The shard follows from the name, so that none is written more than another.
    """
    return timers(due_shard(name)), f"{at}#{name}"


def timers(shard: str) -> str:
    """Partition of the shared timers of a shard."""
    return f"TIMER#{shard}"


def timers_until(at: datetime) -> str:
    """Sort key behind every shared timer that is due at an instant, and before all later ones."""
    return f"{stamp(at)}$"


def lane_of(shard: str) -> int:
    """Return the lane that a shard of the stream counts in."""
    return crc32(shard.encode()) % LANES


def due_shard(id_: str) -> str:
    """Return the shard of the due index that an id falls into."""
    return str(crc32(id_.encode()) % DUE_SHARDS)


def due_shards() -> list[str]:
    """Return every shard of the due index."""
    return [str(number) for number in range(DUE_SHARDS)]


def due_keys(item: Invitation | Case | Digest | Weekly | Keeping) -> dict[str, str]:
    """Return the attributes that put an item into the due index; none when nothing is due by itself."""
    at = item.index_at if isinstance(item, Invitation) else item.due_at
    return {"due": due_shard(item.id), "due_at": stamp(_next_millisecond(at))} if at else {}


def sparse_names(key: Key) -> tuple[str, ...]:
    """Return the attributes that an item has at some times and not at others: those of its sparse indexes."""
    return _SPARSE.get(key[1], ())


def department_keys(item: Case) -> dict[str, str]:
    """Return the attributes that put a case into its department's list."""
    return {"department_list": list_of(item), "department_at": place_of(item).at}


def _next_millisecond(at: datetime) -> datetime:
    # The index keeps milliseconds: rounded up, so that it never calls before the instant itself.
    return at + timedelta(microseconds=-at.microsecond % 1000)


def _part(text: str) -> str:
    return text.replace("%", "%25").replace("#", "%23")
