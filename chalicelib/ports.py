"""Say what the flows need from the world; adapters provide it, on AWS, on one machine and in memory."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, Protocol

from chalicelib.domain.case import Case, Entry, Notice
from chalicelib.domain.customer import Address, Customer, Past
from chalicelib.domain.event import Delivered, EventRef
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.organisation import Organisation, Pauses, Webhook
from chalicelib.domain.survey import Survey
from chalicelib.domain.terms import Channel, Frozen, Instant
from chalicelib.domain.timer import Timer

if TYPE_CHECKING:  # whoever answers a customer need not load what the others handle
    from chalicelib.domain.dayfile import Kind, Line, Told
    from chalicelib.domain.digest import Digest
    from chalicelib.domain.incident import Incident, Noted
    from chalicelib.domain.outgoing import CloudEvent, Post
    from chalicelib.domain.reading import Report
    from chalicelib.domain.recognition import Praise
    from chalicelib.domain.retention import Keeping
    from chalicelib.domain.rollup import Row
    from chalicelib.domain.sending import Sent
    from chalicelib.domain.weekly import Weekly

Clock = Callable[[], datetime]


class Early(Frozen):
    """News of an event that may not have arrived yet: it waits under the event's name, or its reference's."""

    key: str
    version: int = 0
    cancelled_at: Instant | None = None
    """What happened until then under this name is cancelled."""
    fulfilments: tuple[Delivered, ...] = ()
    """In the order in which they happened, so that one told of again stays where it was."""
    events: tuple[EventRef, ...] = ()
    """Under a reference's name: the events that asked others than the customer about it."""
    labels: tuple[str, ...] = ()
    """Under such an event's name: whom it asked, for a later file may ask nobody of that role."""
    kept_until: Instant | None = None
    """When it goes by itself, as who was asked about the event is forgotten; None in what was written before that."""


class Invitations(Protocol):
    """The one record of each decision, and what became of it. Every read is consistent, unless it is said not to be.

    An inconsistent read costs half and may miss what was written within the last second or so.
    """

    def get_many(self, ids: Sequence[str], *, consistent: bool = True) -> dict[str, Invitation]: ...

    def get(self, id_: str, *, consistent: bool = True) -> Invitation | None: ...

    def create(self, invitation: Invitation) -> bool:
        """Put a decision; False when there is one already, which stands."""
        ...

    def save(self, invitation: Invitation) -> None:
        """Put version n over version n − 1; raises Conflict when that is not what is there."""
        ...

    def create_many(self, invitations: Sequence[Invitation]) -> set[str]:
        """Put decisions, each by itself; return the ids of those that were put, and not there already.

        Raises Unwritten when some could not be put: it says which. None may be named twice.
        """
        ...

    def save_many(self, invitations: Sequence[Invitation]) -> set[str]:
        """Put versions n over n − 1, each by itself; return the ids of those that lost to another writer.

        Raises Unwritten when some could not be put: it says which. None may be named twice.
        """
        ...

    def save_with_case(self, invitation: Invitation, case: Case, entry: Entry) -> None:
        """Put an answer and its case (revision 1: new; else over revision − 1) and a timeline entry, all or none.

        Raises Conflict.
        """
        ...

    def take_place(self, name: str, most: int, until: datetime) -> bool:
        """Take one of a number of places; False when all are taken. Who dies and takes another wastes one.

        After `until` nobody asks for this name any more, and it may be forgotten.
        """
        ...

    def give_place_back(self, name: str) -> None:
        """Give back a place that was taken and not used."""
        ...

    def early(self, key: str) -> Early | None: ...

    def earlies(self, names: Sequence[str], *, consistent: bool = True) -> list[Early]:
        """Return what waits under any of these names, in one read."""
        ...

    def save_early(self, early: Early) -> None:
        """Put version n over version n − 1 (1: new); raises Conflict."""
        ...


@dataclass(frozen=True)
class Page:
    """Some of the cases, in order, and where the next page begins (None at the end)."""

    cases: tuple[Case, ...]
    next: str | None


CaseList = Literal["open", "resolved"]


class Cases(Protocol):
    """Cases and their timelines. `get` and `timeline` are consistent; `page` reads an index that lags a little."""

    def get(self, id_: str) -> Case | None: ...

    def get_many(self, ids: Sequence[str]) -> dict[str, Case]: ...

    def timeline(self, id_: str) -> tuple[Entry, ...]: ...

    def latest_entries(self, cases: Sequence[Case], most: int) -> dict[str, tuple[Entry, ...]]:
        """Return the last lines of several cases' timelines, in order, in one read that may be a second behind."""
        ...

    def save(self, case: Case, entry: Entry | None = None) -> None:
        """Put revision n over revision n − 1, with a timeline entry when a move was made; raises Conflict."""
        ...

    def digest(self, id_: str) -> "Digest | None":
        """Return what one mailbox is still to be told together. Consistent."""
        ...

    def save_digest(self, digest: "Digest") -> None:
        """Put version n over version n − 1 (1: new); raises Conflict."""
        ...

    def weekly(self, mailbox: str) -> "Weekly | None":
        """Return when one mailbox is told of its week. Consistent."""
        ...

    def save_weekly(self, weekly: "Weekly") -> None:
        """Put version n over version n − 1 (1: new); raises Conflict."""
        ...

    def note(self, name: str, noted: "Noted") -> None:
        """Note something under a name; the same again changes nothing."""
        ...

    def noted(
        self, name: str, first: datetime, last: datetime, *, limit: int, latest_first: bool = False
    ) -> "tuple[Noted, ...]":
        """Return what was noted under a name between two instants, both included. Consistent: one query."""
        ...

    def strike(self, name: str, noted: "Noted") -> None:
        """Strike off what was noted under a name; what is not there stays so."""
        ...

    def incidents(self, drivers: Sequence[str]) -> "dict[str, Incident]":
        """Return the latest incident of each of these drivers that ever had one. Consistent."""
        ...

    def save_incident(self, incident: "Incident") -> None:
        """Put version n over version n − 1 (1: new); raises Conflict."""
        ...

    def forget(self, id_: str) -> None:
        """Empty the words of a case's timeline: who moved it and when stays, what was written goes."""
        ...

    def page(self, department: str, which: CaseList, *, limit: int, cursor: str | None) -> Page:
        """Return a department's open cases by `resolve_by`, or its resolved ones, latest first.

        Raises Invalid for a cursor that is not of this query.
        """
        ...

    def page_of_all(self, departments: Sequence[str], which: CaseList, *, limit: int, cursor: str | None) -> Page:
        """Return the cases of several departments in one order: one query for each of them."""
        ...


class Customers(Protocol):
    """People and addresses, by their keyed names. Reads are consistent, unless it is said that they need not be."""

    def get(self, key: str, *, consistent: bool = True) -> Customer | None: ...

    def get_many(self, names: Sequence[str]) -> dict[str, Customer]: ...

    def address(self, key: str) -> Address | None: ...

    def several(
        self, names: Sequence[str], address_names: Sequence[str], *, consistent: bool = True
    ) -> tuple[dict[str, Customer], dict[str, Address]]:
        """Return those of these customers and addresses that are known, a hundred in one read."""
        ...

    def save(self, customer: Customer) -> None:
        """Put version n over version n − 1 (1: new); raises Conflict."""
        ...

    def save_address(self, address: Address) -> None:
        """Put version n over version n − 1 (1: new); raises Conflict."""
        ...

    def save_many(self, customers: Sequence[Customer]) -> set[str]:
        """Put versions n over n − 1 (1: new), each by itself; return the keys of those that lost to another writer.

        Raises Unwritten when some could not be put: it says which. None may be named twice.
        """
        ...

    def save_addresses(self, addresses: Sequence[Address]) -> set[str]:
        """Put addresses, with the same promise."""
        ...

    def put_away(self, pasts: Sequence[Past]) -> None:
        """Keep older decisions about customers; the same again changes nothing. Raises Overloaded.

        None may be named twice.
        """
        ...

    def past(self, key: str) -> tuple[str, ...]:
        """Return every decision about a customer that was put away, in no order. Consistent: one query."""
        ...


class Library(Protocol):
    """The organisation as published, and every survey version that a link may still open."""

    def organisation(self, *, fresh: bool = False) -> Organisation:
        """Return the published organisation, `fresh` past any cache; raises NotFound before the first publication."""
        ...

    def survey(self, version: str) -> Survey | None: ...

    def publish(self, organisation: Organisation, at: datetime) -> None: ...

    def pauses(self, *, fresh: bool = False) -> Pauses:
        """Return what stops asking; without `fresh` it may be half a minute old."""
        ...

    def save_pauses(self, pauses: Pauses) -> None:
        """Put version n over version n − 1 (1: new); raises Conflict."""
        ...

    def keeping(self, id_: str) -> "Keeping | None":
        """Return how far what is kept has been gone through. Consistent."""
        ...

    def save_keeping(self, keeping: "Keeping") -> None:
        """Put version n over version n − 1 (1: new); raises Conflict."""
        ...


@dataclass(frozen=True)
class Change:
    """One write of an invitation or a case as the table's stream tells of it: before and after.

    `sequence` is zero-padded to 40 digits. A record that cannot be read has neither side, and `readable` is False.
    """

    sequence: str
    old: Invitation | Case | None = None
    new: Invitation | Case | None = None
    readable: bool = True


@dataclass(frozen=True)
class Write:
    """One write of whatever other programs may hear of, as the table's stream tells of it: before and after."""

    sequence: str
    old: Invitation | Case | Customer | None = None
    new: Invitation | Case | Customer | None = None
    readable: bool = True


ItemKind = Literal["invitation", "case", "digest", "weekly", "sending", "keeping", "words", "people", "letters"]


@dataclass(frozen=True)
class DueKey:
    """A hint that something may be due: which item.

    `sending` and `letters` have no item, but are looked at every few minutes, and every hour; `words` and `people` name
    an invitation whose time is over.
    """

    kind: ItemKind
    id: str


LETTERS = DueKey("letters", "failed")


@dataclass(frozen=True)
class Due:
    """A message to the workers: what may be due, and the name under which whoever handles it claims."""

    kind: ItemKind
    ids: tuple[str, ...]
    name: str | None = None
    """None in a message of an earlier version: then every fate is written when it is known."""
    timer: Timer | None = None
    """The shared timer that led here, which goes when nothing waits for it any more."""


class Timers(Protocol):
    """What is due: single items in a sparse index, and shared timers. Hints only: the claim on the item decides."""

    def due(self, now: datetime, limit: int) -> Iterable[DueKey | Timer]:
        """Return what is due at or before now, from the beginning of time, oldest first within a shard."""
        ...

    def next_at(self, until: datetime) -> datetime | None:
        """Return the first instant, not after until, at which something is due."""
        ...

    def nudge(self, due: Sequence[DueKey | Timer]) -> None:
        """Hand what is due to the workers at once; the sweep finds it too, should this be lost.

        Single invitations go together, in messages of up to `timer.IDS_MAX`.
        """
        ...

    def hand_on(self, due: Sequence[DueKey | Timer]) -> None:
        """Hand what no sweep would find to the workers; raises when some of it was not taken."""
        ...

    def arm(self, timers: Sequence[Timer]) -> None:
        """Keep shared timers; the same again changes nothing. Raises when one may not be kept."""
        ...

    def disarm(self, timer: Timer) -> None:
        """Forget a shared timer, if it is still there."""
        ...


@dataclass(frozen=True)
class View:
    """Somebody, or something, opened the link of an invitation."""

    id: str
    rating: int | None
    at: datetime


class Inbox(Protocol):
    """Where events wait to be handled: nothing that was accepted is lost."""

    def accept(self, events: Sequence[Mapping[str, object]]) -> None:
        """Keep events until they are handled; raises when any could not be kept."""
        ...

    def refuse(self, body: str, reason: str) -> None:
        """Lay a message that can never be handled where operators see it, with its reason."""
        ...


@dataclass(frozen=True)
class Letter:
    """Something that failed too often, whole as it came; `receipt` is what its keeper knows it by."""

    said: object
    receipt: str


class Letters(Protocol):
    """The dead letters of a queue that are whole: those laid aside with a reason are none of them."""

    def look(self, most: int) -> Iterable[Letter]:
        """Return at most so many letters; each is hidden from others for a while."""
        ...

    def lay(self, body: str, reason: str) -> None:
        """Lay a letter there with its reason."""
        ...

    def end(self, letter: Letter) -> None:
        """Take a letter away for good."""
        ...


class Views(Protocol):
    """Where notes of opened links wait to be handled."""

    def note(self, view: View) -> None: ...


@dataclass(frozen=True)
class Mail:
    """One e-mail, ready but for its encoding. Subject and names hold no line breaks."""

    to: tuple[str, ...]
    subject: str
    text: str
    html: str
    sender_name: str
    sender: str
    reply_to: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sms:
    """One text message."""

    to: str
    text: str
    tags: Mapping[str, str] = field(default_factory=dict)


Word = Callable[[], str]
"""Waits for a carrier's word on a message that is on its way, once: returns its id, or raises as `Carrier` does."""


class Carrier(Protocol):
    """Hands messages over, each once; raises CarrierRefused or CarrierUnclear, and returns the carrier's id."""

    def mail(self, mail: Mail) -> str: ...

    def text(self, sms: Sms) -> str: ...

    def begin(self, message: Mail | Sms) -> Word:
        """Send a message off; the carrier's word may be waited for while others are on their way."""
        ...


Purpose = Literal["answer", "mended", "stop", "privacy", "case", "sign_in", "counter"]


@dataclass(frozen=True)
class Ticket:
    """What a link's token says, once it is known to be ours: an id for one purpose, and its end if it has one."""

    id: str
    expires_at: datetime | None = None
    detail: int = 0


class Links(Protocol):
    """Makes and reads the addresses that people are given; under a token nothing is stored."""

    def url(self, purpose: Purpose, ticket: Ticket) -> str:
        """Return the whole address, as in https://…/s/<token>."""
        ...

    def page(self, path: str) -> str:
        """Return the whole address of one of our pages, as in https://…/cases."""
        ...

    def read(self, purpose: Purpose, token: str) -> Ticket:
        """Return what a token says; raises BadLink for any other purpose, key or shape."""
        ...


class Messages(Protocol):
    """Writes what people are sent, in their language."""

    def invitation(
        self, invitation: Invitation, customer: Customer, survey: Survey, organisation: Organisation, *, reminder: bool
    ) -> Mail | Sms: ...

    def notice(self, notice: Notice, view: "CaseView", organisation: Organisation, now: datetime) -> Mail: ...

    def digest(self, alerts: "Sequence[tuple[Notice, CaseView]]", organisation: Organisation, now: datetime) -> Mail:
        """Return one mail with several alerts of one mailbox, each with its own button."""
        ...

    def mended(self, case: Case, customer: Customer, organisation: Organisation, channel: Channel) -> Mail | Sms: ...

    def heard(self, case: Case, customer: Customer, organisation: Organisation, channel: Channel) -> Mail | Sms:
        """Return the word that somebody has picked up what the customer told us."""
        ...

    def sign_in(self, to: str, url: str, organisation: Organisation) -> Mail:
        """Return the mail with somebody's one-time link to our own pages."""
        ...

    def incident(self, incident: "Incident", organisation: Organisation) -> Mail:
        """Return the mail that tells leadership of many cases with one driver."""
        ...

    def reply(self, kind: str, to: str, language: str, organisation: Organisation) -> Sms:
        """Return the answer to somebody's text message: stopped, started, help, thanks_high … (converse.Reply)."""
        ...

    def paused(self, sent: "Sent", organisation: Organisation) -> Mail:
        """Return the mail that tells the administrator why nothing is sent, and how to go on."""
        ...

    def weekly(self, report: "Report", organisation: Organisation) -> Mail:
        """Return the mail that tells leadership or a head how the last week went."""
        ...

    def praise(self, person: str, found: Sequence["Praise"], organisation: Organisation) -> Mail:
        """Return the mail that tells somebody here what customers praised in their work, or their people's."""
        ...

    def copy(self, customer: Customer, invitations: Sequence[Invitation], organisation: Organisation) -> Mail:
        """Return all that is stored about a customer, for that customer."""
        ...


@dataclass(frozen=True)
class CaseView:
    """A case with all that a person needs to see it: who, what was said, what was promised, what moved."""

    case: Case
    invitation: Invitation
    customer: Customer | None
    timeline: tuple[Entry, ...] = ()


class Names(Protocol):
    """Keyed names of people and addresses (terms.keyed)."""

    def customer(self, id_: str) -> str: ...

    def address(self, channel: Channel, address: str) -> str: ...


class Counters(Protocol):
    """The rollups: written once per stream record, read one Query per series."""

    def checkpoint(self, shard: str) -> str:
        """Return the last sequence number counted of a shard, zero-padded to 40 digits; empty at first."""
        ...

    def add(self, shard: str, rows: "Sequence[Row]", *, last: str, end: str) -> None:
        """Add at most 99 rows and move the checkpoint from last to end, all or none; raises Conflict."""
        ...

    def series(self, kind: str, dimension: str, value: str, first: str, last: str) -> dict[str, dict[str, int]]:
        """Return day → counts, all lanes added up, for days first to last inclusive."""
        ...

    def glance(self) -> "Counters":
        """Return the same counters for one request: what all its questions share is read once."""
        ...

    def values(self, kind: str, dimension: str) -> tuple[str, ...]:
        """Return every value of a dimension that was ever counted, sorted."""
        ...


@dataclass(frozen=True)
class DayFile:
    """One file of lines of one kind and local day, by its name; `size` in bytes, as it is kept."""

    name: str
    kind: "Kind"
    day: str
    size: int


class DayFiles(Protocol):
    """Files of what was answered, decided and mended, by local day: export and analysis read them, never the table."""

    def hand_over(self, lines: "Sequence[Line]") -> None:
        """Keep lines until they are written; raises Overloaded when not all could be kept."""
        ...

    def write(self, kind: "Kind", day: str, lines: "Sequence[Line]") -> None:
        """Write a file under a name that follows from its lines: the same lines make the same file again."""
        ...

    def of_days(self, kind: "Kind", first: str, end: str) -> Iterable[DayFile]:
        """Return the files of the days from first up to, without, end, in the order of the days."""
        ...

    def read(self, files: Sequence[DayFile]) -> "Iterable[Line]":
        """Return the lines of some files, in no order; what is gone meanwhile is left out."""
        ...

    def days(self, kind: "Kind") -> Iterable[str]:
        """Return the days that have files, in their order."""
        ...

    def note(self, names: Sequence[str]) -> None:
        """Note that these files were written, for whoever merges days; the same ones make the same note again."""
        ...


DayPlace = tuple["Told", str]
"""A kind of lines, and a local day."""


@dataclass(frozen=True)
class Note:
    """Days that have got files since they were merged last, under the name by which the note is forgotten."""

    name: str
    places: "tuple[DayPlace, ...]"


class ColumnFiles(Protocol):
    """One file by column for each kind and day, for who asks about many days at once; and what waits to be merged."""

    def is_empty(self) -> bool:
        """Say whether there is none at all."""
        ...

    def notes(self) -> Sequence[Note]:
        """Return what is noted, some at a time: those that are forgotten make room for others."""
        ...

    def forget(self, notes: Sequence[Note]) -> None:
        """Drop notes whose days are written."""
        ...

    def stands(self, kind: "Told", day: str) -> str | None:
        """Return what tells the present file of a day from any other; None when there is none."""
        ...

    def write(self, kind: "Told", day: str, lines: "Sequence[Line]", *, over: str | None) -> None:
        """Put a day's file in the place of the one that was seen; raises Conflict when another is there by now."""
        ...


class Outlet(Protocol):
    """Where our own events go out: the bus, and the queue of what webhooks are still to be told."""

    def announce(self, events: "Sequence[CloudEvent]") -> None:
        """Put events on the bus; raises Overloaded when one was not taken, and some may then be there twice."""
        ...

    def enqueue(self, posts: "Sequence[Post]", after: timedelta = timedelta(0)) -> None:
        """Keep posts until they are made, not before `after` has passed, or some part of it where it is long."""
        ...

    def give_up(self, post: "Post", reason: str) -> None:
        """Lay a post where operators see it, with the reason why it was never made."""
        ...


class Webhooks(Protocol):
    """Posts events to the addresses that the organisation has configured."""

    def post(self, webhook: Webhook, event: "CloudEvent", organisation: Organisation, at: datetime) -> None:
        """Post an event, signed as at this instant; raises CarrierRefused or CarrierUnclear."""
        ...


Role = Literal["agent", "department", "leadership", "admin"]


class Principal(Frozen):
    """Who reads or acts: a role, for a department or a person where the role has one."""

    id: str
    role: Role
    name: str
    department: str | None = None
    person: str | None = None
    ends_at: Instant | None = None
    """Of whom a one-time link lets in: when it does no longer. The link itself tells whole minutes only."""


class Access(Protocol):
    """Tokens, kept hashed: those of the API, and those of a mail's one-time link."""

    def principal(self, token: str) -> Principal | None: ...

    def grant(self, token: str, principal: Principal, until: datetime | None = None) -> None:
        """Let a token stand for somebody; after `until` it may be forgotten, but whoever reads it looks for itself."""
        ...

    def take(self, token: str) -> Principal | None:
        """Forget a token and return whom it stood for: of two who take it at once, one gets None."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything that the flows may use, built once by the runtime (or by a test, or by the simulation)."""

    invitations: Invitations
    cases: Cases
    customers: Customers
    library: Library
    timers: Timers
    inbox: Inbox
    views: Views
    carrier: Carrier
    links: Links
    messages: Messages
    names: Names
    counters: Counters
    access: Access
    outlet: Outlet
    webhooks: Webhooks
    day_files: DayFiles
    columns: ColumnFiles
    failed_events: Letters
    failed_reports: Letters
