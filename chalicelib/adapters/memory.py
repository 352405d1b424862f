"""Keep everything in memory, with the promises of the ports: for tests of the flows, and for the simulation.

Each method is one atomic effect, so that whoever injects faults can wrap any of them.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import TypeVar, cast

from chalicelib.adapters.lists import ALL, Place, list_name, list_of, merged, place_of, read_cursor, write_cursor
from chalicelib.adapters.queues import messages_of
from chalicelib.domain.case import Case, Entry
from chalicelib.domain.customer import Address, Customer, Past
from chalicelib.domain.dayfile import Kind, Line, Told, file_name, note_name, place_in
from chalicelib.domain.digest import Digest
from chalicelib.domain.incident import Incident, Noted
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.organisation import Organisation, Pauses, Webhook
from chalicelib.domain.outgoing import CloudEvent, Post
from chalicelib.domain.retention import Keeping
from chalicelib.domain.rollup import Row
from chalicelib.domain.survey import Survey
from chalicelib.domain.terms import stamp
from chalicelib.domain.timer import Timer
from chalicelib.domain.weekly import Weekly
from chalicelib.errors import Conflict, LazoError, NotFound
from chalicelib.ports import (
    CaseList,
    Change,
    DayFile,
    DayPlace,
    Due,
    DueKey,
    Early,
    ItemKind,
    Letter,
    Links,
    Mail,
    Messages,
    Names,
    Note,
    Page,
    Ports,
    Principal,
    Sms,
    View,
    Word,
)

ROWS_MAX = 99  # of one transaction, beside its checkpoint

Series = tuple[str, str, str]  # kind, dimension, value


@dataclass
class Memory:
    """All that is kept, readable by tests; `changes` is the table's stream."""

    invitations: dict[str, Invitation] = field(default_factory=dict)
    early: dict[str, Early] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    pauses: Pauses = field(default_factory=Pauses)
    cases: dict[str, Case] = field(default_factory=dict)
    entries: dict[str, dict[int, Entry]] = field(default_factory=dict)
    digests: dict[str, Digest] = field(default_factory=dict)
    weeklies: dict[str, Weekly] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    notes: dict[str, set[tuple[datetime, str]]] = field(default_factory=dict)
    keepings: dict[str, Keeping] = field(default_factory=dict)
    customers: dict[str, Customer] = field(default_factory=dict)
    pasts: dict[tuple[str, str], Past] = field(default_factory=dict)
    """Older decisions about customers, by the customer's key and their own."""
    addresses: dict[str, Address] = field(default_factory=dict)
    surveys: dict[str, Survey] = field(default_factory=dict)
    organisation: Organisation | None = None
    history: dict[str, Organisation] = field(default_factory=dict)
    rollups: dict[Series, dict[str, dict[str, int]]] = field(default_factory=dict)
    checkpoints: dict[str, str] = field(default_factory=dict)
    principals: dict[str, Principal] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    inbox: list[Mapping[str, object]] = field(default_factory=list)
    handed_over: list[Line] = field(default_factory=list)
    """Lines that wait to be written into day files."""
    day_files: dict[str, tuple[Line, ...]] = field(default_factory=dict)
    changed: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """Notes of days that have got files, by their names."""
    columns: dict[tuple[str, str], tuple[int, tuple[Line, ...]]] = field(default_factory=dict)
    """Files by column, by kind and day: how often each was written, and its lines."""
    refused: list[tuple[str, str]] = field(default_factory=list)
    """Messages that can never be handled, with their reasons."""
    failed_events: list[Letter] = field(default_factory=list)
    failed_reports: list[Letter] = field(default_factory=list)
    views: list[View] = field(default_factory=list)
    nudged: list[Due] = field(default_factory=list)
    """Messages to the workers; each has a name of its own."""
    named: int = 0
    timers: dict[str, Timer] = field(default_factory=dict)
    """Shared timers, by place."""
    sent: list[Mail | Sms] = field(default_factory=list)
    """Every message that a carrier took, oldest first; its id is its place, counted from 1."""
    troubles: deque[LazoError] = field(default_factory=deque)
    """What the carrier raises instead of taking the coming messages, one each."""
    announced: list[CloudEvent] = field(default_factory=list)
    """What was put on the bus."""
    posts: list[tuple[Post, timedelta]] = field(default_factory=list)
    """What webhooks are still to be told, and after what time."""
    given_up: list[tuple[Post, str]] = field(default_factory=list)
    posted: list[tuple[str, CloudEvent]] = field(default_factory=list)
    """What webhooks were told, by their ids."""
    refusals: deque[LazoError] = field(default_factory=deque)
    """What webhooks raise instead of taking the coming posts, one each."""
    _armed: list[tuple[datetime, ItemKind, str]] = field(default_factory=list)
    # A heap of every instant that ever was one's due_at; what has moved since is passed over.

    def put_invitation(self, invitation: Invitation) -> None:
        """Write an invitation and tell the stream."""
        self._tell(self.invitations.get(invitation.id), invitation)
        self.invitations[invitation.id] = invitation
        self._arm("invitation", invitation)

    def put_case(self, case: Case, entry: Entry | None) -> None:
        """Write a case, with a line of its timeline, and tell the stream."""
        self._tell(self.cases.get(case.id), case)
        self.cases[case.id] = case
        if entry:
            self.entries.setdefault(case.id, {})[entry.version] = entry
        self._arm("case", case)

    def put_digest(self, digest: Digest) -> None:
        """Write what a mailbox is still to be told."""
        self.digests[digest.id] = digest
        self._arm("digest", digest)

    def put_weekly(self, weekly: Weekly) -> None:
        """Write when one mailbox is told of its week."""
        self.weeklies[weekly.id] = weekly
        self._arm("weekly", weekly)

    def put_keeping(self, keeping: Keeping) -> None:
        """Write how far what is kept has been gone through."""
        self.keepings[keeping.id] = keeping
        self._arm("keeping", keeping)

    def _tell(self, old: Invitation | Case | None, new: Invitation | Case) -> None:
        self.changes.append(Change(f"{len(self.changes) + 1:040d}", old, new))

    def _arm(self, kind: ItemKind, item: Invitation | Case | Digest | Weekly | Keeping) -> None:
        if at := _index_at(item):
            heappush(self._armed, (at, kind, item.id))

    def armed(self, until: datetime, limit: int) -> list[tuple[datetime, DueKey]]:
        """Return what is due until an instant, oldest first."""
        found: dict[DueKey, tuple[datetime, ItemKind, str]] = {}
        while self._armed and self._armed[0][0] <= until and len(found) < limit:
            at, kind, id_ = timer = heappop(self._armed)
            item = self._timed(kind, id_)
            if item and _index_at(item) == at:
                found[DueKey(kind, id_)] = timer
        for timer in found.values():
            heappush(self._armed, timer)
        return [(timer[0], key) for key, timer in found.items()]

    def messages(self, due: Sequence[DueKey | Timer]) -> list[Due]:
        """Return what is due as messages, each under a new name."""
        return [replace(each, name=self._new_name()) for each in messages_of(due)]

    def _new_name(self) -> str:
        self.named += 1
        return f"message-{self.named}"

    def _timed(self, kind: ItemKind, id_: str) -> Invitation | Case | Digest | Weekly | Keeping | None:
        if kind == "digest":
            return self.digests.get(id_)
        if kind == "weekly":
            return self.weeklies.get(id_)
        if kind == "keeping":
            return self.keepings.get(id_)
        return self.invitations.get(id_) if kind == "invitation" else self.cases.get(id_)

    def check_invitation(self, invitation: Invitation) -> None:
        """Raise Conflict unless this is the next version of what is there."""
        before = self.invitations.get(invitation.id)
        if before is None or before.version != invitation.version - 1:
            raise Conflict(invitation.id)

    def check_case(self, case: Case, entry: Entry | None) -> None:
        """Raise Conflict unless this is the next revision of what is there, and its line a new one."""
        before = self.cases.get(case.id)
        if (before.revision if before else 0) != case.revision - 1:
            raise Conflict(case.id)
        if entry and entry.version in self.entries.get(case.id, {}):
            raise Conflict(case.id)


def _index_at(item: Invitation | Case | Digest | Weekly | Keeping) -> datetime | None:
    return item.index_at if isinstance(item, Invitation) else item.due_at


def place_of_timer(timer: Timer) -> str:
    """Return where a timer stands: the same one again stands at another instant."""
    return f"{stamp(timer.at)}#{timer.name}"


@dataclass(frozen=True)
class MemoryInvitations:
    """Invitations in memory."""

    memory: Memory

    def get_many(self, ids: Sequence[str], *, consistent: bool = True) -> dict[str, Invitation]:
        return {id_: self.memory.invitations[id_] for id_ in ids if id_ in self.memory.invitations}

    def get(self, id_: str, *, consistent: bool = True) -> Invitation | None:
        return self.memory.invitations.get(id_)

    def create(self, invitation: Invitation) -> bool:
        if invitation.id in self.memory.invitations:
            return False
        self.memory.put_invitation(invitation)
        return True

    def save(self, invitation: Invitation) -> None:
        self.memory.check_invitation(invitation)
        self.memory.put_invitation(invitation)

    def create_many(self, invitations: Sequence[Invitation]) -> set[str]:
        return {each.id for each in _once(invitations, "id") if self.create(each)}

    def save_many(self, invitations: Sequence[Invitation]) -> set[str]:
        return {each.id for each in _once(invitations, "id") if _loses(self.save, each)}

    def save_with_case(self, invitation: Invitation, case: Case, entry: Entry) -> None:
        self.memory.check_invitation(invitation)
        self.memory.check_case(case, entry)
        self.memory.put_invitation(invitation)
        self.memory.put_case(case, entry)

    def take_place(self, name: str, most: int, until: datetime) -> bool:
        if self.memory.places.get(name, 0) >= most:
            return False
        self.memory.places[name] = self.memory.places.get(name, 0) + 1
        return True

    def give_place_back(self, name: str) -> None:
        self.memory.places[name] -= 1

    def early(self, key: str) -> Early | None:
        return self.memory.early.get(key)

    def earlies(self, names: Sequence[str], *, consistent: bool = True) -> list[Early]:
        return [self.memory.early[key] for key in names if key in self.memory.early]

    def save_early(self, early: Early) -> None:
        before = self.memory.early.get(early.key)
        if (before.version if before else 0) != early.version - 1:
            raise Conflict(early.key)
        self.memory.early[early.key] = early


@dataclass(frozen=True)
class MemoryCases:
    """Cases in memory."""

    memory: Memory

    def get(self, id_: str) -> Case | None:
        return self.memory.cases.get(id_)

    def get_many(self, ids: Sequence[str]) -> dict[str, Case]:
        return {id_: self.memory.cases[id_] for id_ in ids if id_ in self.memory.cases}

    def timeline(self, id_: str) -> tuple[Entry, ...]:
        entries = self.memory.entries.get(id_, {})
        return tuple(entries[version] for version in sorted(entries))

    def latest_entries(self, cases: Sequence[Case], most: int) -> dict[str, tuple[Entry, ...]]:
        return {case.id: self.timeline(case.id)[-most:] for case in cases}

    def save(self, case: Case, entry: Entry | None = None) -> None:
        self.memory.check_case(case, entry)
        self.memory.put_case(case, entry)

    def digest(self, id_: str) -> Digest | None:
        return self.memory.digests.get(id_)

    def save_digest(self, digest: Digest) -> None:
        before = self.memory.digests.get(digest.id)
        if (before.version if before else 0) != digest.version - 1:
            raise Conflict(digest.id)
        self.memory.put_digest(digest)

    def weekly(self, mailbox: str) -> Weekly | None:
        return self.memory.weeklies.get(mailbox)

    def save_weekly(self, weekly: Weekly) -> None:
        before = self.memory.weeklies.get(weekly.id)
        if (before.version if before else 0) != weekly.version - 1:
            raise Conflict(weekly.id)
        self.memory.put_weekly(weekly)

    def note(self, name: str, noted: Noted) -> None:
        self.memory.notes.setdefault(name, set()).add((noted.at, noted.id))

    def strike(self, name: str, noted: Noted) -> None:
        self.memory.notes.get(name, set()).discard((noted.at, noted.id))

    def noted(
        self, name: str, first: datetime, last: datetime, *, limit: int, latest_first: bool = False
    ) -> tuple[Noted, ...]:
        kept = sorted(self.memory.notes.get(name, ()), reverse=latest_first)
        return tuple(Noted(at=at, id=id_) for at, id_ in kept if first <= at <= last)[:limit]

    def incidents(self, drivers: Sequence[str]) -> dict[str, Incident]:
        return {each: self.memory.incidents[each] for each in drivers if each in self.memory.incidents}

    def save_incident(self, incident: Incident) -> None:
        before = self.memory.incidents.get(incident.id)
        if (before.version if before else 0) != incident.version - 1:
            raise Conflict(incident.id)
        self.memory.incidents[incident.id] = incident

    def forget(self, id_: str) -> None:
        lines = self.memory.entries.get(id_, {})
        self.memory.entries[id_] = {at: line.model_copy(update={"text": ""}) for at, line in lines.items()}

    def page(self, department: str, which: CaseList, *, limit: int, cursor: str | None) -> Page:
        list_ = list_name(department, which)
        places = self._places(list_, read_cursor(list_, cursor) if cursor else None, which)
        shown = places[:limit]
        more = write_cursor(list_, shown[-1]) if len(places) > limit else None
        return Page(tuple(self.memory.cases[place.id] for place in shown), more)

    def page_of_all(self, departments: Sequence[str], which: CaseList, *, limit: int, cursor: str | None) -> Page:
        after = read_cursor(list_name(ALL, which), cursor) if cursor else None
        places = [place for each in departments for place in self._places(list_name(each, which), after, which)]
        shown, more = merged(places, which, limit)
        return Page(tuple(self.memory.cases[place.id] for place in shown), more)

    def _places(self, list_: str, after: Place | None, which: CaseList) -> list[Place]:
        backwards = which == "resolved"
        cases = (case for case in self.memory.cases.values() if list_of(case) == list_)
        places = sorted(map(place_of, cases), reverse=backwards)
        return [place for place in places if after is None or (place < after if backwards else place > after)]


@dataclass(frozen=True)
class MemoryCustomers:
    """People and addresses in memory."""

    memory: Memory

    def get(self, key: str, *, consistent: bool = True) -> Customer | None:
        return self.memory.customers.get(key)

    def get_many(self, names: Sequence[str]) -> dict[str, Customer]:
        return {key: self.memory.customers[key] for key in names if key in self.memory.customers}

    def address(self, key: str) -> Address | None:
        return self.memory.addresses.get(key)

    def several(
        self, names: Sequence[str], address_names: Sequence[str], *, consistent: bool = True
    ) -> tuple[dict[str, Customer], dict[str, Address]]:
        addresses = self.memory.addresses
        return self.get_many(names), {key: addresses[key] for key in address_names if key in addresses}

    def save(self, customer: Customer) -> None:
        before = self.memory.customers.get(customer.key)
        if (before.version if before else 0) != customer.version - 1:
            raise Conflict(customer.key)
        self.memory.customers[customer.key] = customer

    def save_address(self, address: Address) -> None:
        before = self.memory.addresses.get(address.key)
        if (before.version if before else 0) != address.version - 1:
            raise Conflict(address.key)
        self.memory.addresses[address.key] = address

    def save_many(self, customers: Sequence[Customer]) -> set[str]:
        return {each.key for each in _once(customers, "key") if _loses(self.save, each)}

    def save_addresses(self, addresses: Sequence[Address]) -> set[str]:
        return {each.key for each in _once(addresses, "key") if _loses(self.save_address, each)}

    def put_away(self, pasts: Sequence[Past]) -> None:
        self.memory.pasts.update({(each.key, each.id): each for each in _once(pasts, "key")})

    def past(self, key: str) -> tuple[str, ...]:
        found = (past for (owner, _), past in self.memory.pasts.items() if owner == key)
        return tuple(dict.fromkeys(id_ for past in found for id_ in past.decisions))


Kept = TypeVar("Kept", Invitation, Customer, Past, Address)


def _once(kept: Sequence[Kept], name: str) -> Sequence[Kept]:
    if len({getattr(each, name) for each in kept}) < len(kept):
        raise ValueError("one batch writes an item once")
    return kept


def _loses(save: Callable[[Kept], None], kept: Kept) -> bool:
    try:
        save(kept)
    except Conflict:
        return True
    return False


@dataclass(frozen=True)
class MemoryLibrary:
    """The published organisation in memory."""

    memory: Memory

    def organisation(self, *, fresh: bool = False) -> Organisation:
        if self.memory.organisation is None:
            raise NotFound("no organisation has been published")
        return self.memory.organisation

    def pauses(self, *, fresh: bool = False) -> Pauses:
        return self.memory.pauses

    def save_pauses(self, pauses: Pauses) -> None:
        if self.memory.pauses.version != pauses.version - 1:
            raise Conflict("pauses")
        self.memory.pauses = pauses

    def keeping(self, id_: str) -> Keeping | None:
        return self.memory.keepings.get(id_)

    def save_keeping(self, keeping: Keeping) -> None:
        before = self.memory.keepings.get(keeping.id)
        if (before.version if before else 0) != keeping.version - 1:
            raise Conflict(keeping.id)
        self.memory.put_keeping(keeping)

    def survey(self, version: str) -> Survey | None:
        return self.memory.surveys.get(version)

    def publish(self, organisation: Organisation, at: datetime) -> None:
        for survey in organisation.surveys:
            self.memory.surveys.setdefault(survey.version, survey)
        self.memory.history[stamp(at)] = organisation
        self.memory.organisation = organisation


@dataclass(frozen=True)
class MemoryTimers:
    """What is due, in memory."""

    memory: Memory

    def due(self, now: datetime, limit: int) -> Iterable[DueKey | Timer]:
        shared = [timer for _, timer in sorted(self.memory.timers.items()) if timer.at <= now]
        found: list[DueKey | Timer] = [key for _, key in self.memory.armed(now, limit)]
        return [*found, *shared][:limit]

    def next_at(self, until: datetime) -> datetime | None:
        instants = [at for at, _ in self.memory.armed(until, 1)]
        instants += [timer.at for timer in self.memory.timers.values() if timer.at <= until]
        return min(instants, default=None)

    def nudge(self, due: Sequence[DueKey | Timer]) -> None:
        self.hand_on(due)

    def hand_on(self, due: Sequence[DueKey | Timer]) -> None:
        self.memory.nudged.extend(self.memory.messages(due))

    def arm(self, timers: Sequence[Timer]) -> None:
        self.memory.timers.update({place_of_timer(timer): timer for timer in timers})

    def disarm(self, timer: Timer) -> None:
        self.memory.timers.pop(place_of_timer(timer), None)


@dataclass(frozen=True)
class MemoryInbox:
    """Accepted events in a list."""

    memory: Memory

    def accept(self, events: Sequence[Mapping[str, object]]) -> None:
        self.memory.inbox.extend(events)

    def refuse(self, body: str, reason: str) -> None:
        self.memory.refused.append((body, reason))


@dataclass(frozen=True)
class MemoryLetters:
    """Letters in a list."""

    letters: list[Letter]
    refused: list[tuple[str, str]]

    def look(self, most: int) -> Iterable[Letter]:
        return self.letters[:most]

    def lay(self, body: str, reason: str) -> None:
        self.refused.append((body, reason))

    def end(self, letter: Letter) -> None:
        self.letters.remove(letter)


@dataclass(frozen=True)
class MemoryViews:
    """Notes of opened links in a list."""

    memory: Memory

    def note(self, view: View) -> None:
        self.memory.views.append(view)


@dataclass(frozen=True)
class MemoryCarrier:
    """Takes messages into a list, or raises the next of the memory's troubles."""

    memory: Memory

    def mail(self, mail: Mail) -> str:
        return self._take("mail", mail)

    def text(self, sms: Sms) -> str:
        return self._take("sms", sms)

    def begin(self, message: Mail | Sms) -> Word:
        taken = self._take("mail" if isinstance(message, Mail) else "sms", message)
        return lambda: taken

    def _take(self, kind: str, message: Mail | Sms) -> str:
        if self.memory.troubles:
            raise self.memory.troubles.popleft()
        self.memory.sent.append(message)
        return f"{kind}-{len(self.memory.sent)}"


@dataclass(frozen=True)
class MemoryCounters:
    """Rollups in memory."""

    memory: Memory

    def checkpoint(self, shard: str) -> str:
        return self.memory.checkpoints.get(shard, "")

    def add(self, shard: str, rows: Sequence[Row], *, last: str, end: str) -> None:
        if len(rows) > ROWS_MAX:
            raise ValueError(f"{len(rows)} rows; one transaction takes {ROWS_MAX}")
        if self.checkpoint(shard) != last:
            raise Conflict(shard)
        for row in rows:
            day = self.memory.rollups.setdefault((row.kind, row.dimension, row.value), {}).setdefault(row.day, {})
            for name, count in row.counts.items():
                day[name] = day.get(name, 0) + count
        self.memory.checkpoints[shard] = end

    def series(self, kind: str, dimension: str, value: str, first: str, last: str) -> dict[str, dict[str, int]]:
        days = self.memory.rollups.get((kind, dimension, value), {})
        return {day: dict(days[day]) for day in sorted(days) if first <= day <= last}

    def glance(self) -> "MemoryCounters":
        return self

    def values(self, kind: str, dimension: str) -> tuple[str, ...]:
        return tuple(sorted(value for k, d, value in self.memory.rollups if (k, d) == (kind, dimension)))


@dataclass(frozen=True)
class MemoryAccess:
    """Tokens in memory, kept as they are: nothing here outlives a test."""

    memory: Memory

    def principal(self, token: str) -> Principal | None:
        return self.memory.principals.get(token)

    def grant(self, token: str, principal: Principal, until: datetime | None = None) -> None:
        self.memory.principals[token] = principal

    def take(self, token: str) -> Principal | None:
        return self.memory.principals.pop(token, None)


@dataclass(frozen=True)
class MemoryOutlet:
    """Our own events in lists."""

    memory: Memory

    def announce(self, events: Sequence[CloudEvent]) -> None:
        self.memory.announced.extend(events)

    def enqueue(self, posts: Sequence[Post], after: timedelta = timedelta(0)) -> None:
        self.memory.posts.extend((post, after) for post in posts)

    def give_up(self, post: Post, reason: str) -> None:
        self.memory.given_up.append((post, reason))


@dataclass(frozen=True)
class MemoryWebhooks:
    """Takes posts into a list, or raises the next of the memory's refusals."""

    memory: Memory

    def post(self, webhook: Webhook, event: CloudEvent, organisation: Organisation, at: datetime) -> None:
        if self.memory.refusals:
            raise self.memory.refusals.popleft()
        self.memory.posted.append((webhook.id, event))


@dataclass(frozen=True)
class MemoryDayFiles:
    """Day files in a dictionary, each by its name; what is handed over waits in a list."""

    memory: Memory

    def hand_over(self, lines: Sequence[Line]) -> None:
        self.memory.handed_over.extend(lines)

    def write(self, kind: Kind, day: str, lines: Sequence[Line]) -> None:
        self.memory.day_files[file_name(kind, day, lines)] = tuple(lines)

    def of_days(self, kind: Kind, first: str, end: str) -> Iterable[DayFile]:
        for name, lines in sorted(self.memory.day_files.items()):
            of, day = place_in(name)
            if of == kind and first <= day < end:
                yield DayFile(name, kind, day, sum(len(line.text) for line in lines))

    def read(self, files: Sequence[DayFile]) -> Iterable[Line]:
        return [line for file in files for line in self.memory.day_files.get(file.name, ())]

    def days(self, kind: Kind) -> Iterable[str]:
        return sorted({day for of, day in map(place_in, self.memory.day_files) if of == kind})

    def note(self, names: Sequence[str]) -> None:
        if names:
            self.memory.changed[note_name(names)] = tuple(sorted({place_in(name) for name in names}))


@dataclass(frozen=True)
class MemoryColumnFiles:
    """Files by column in a dictionary, as their lines, each with a number that tells it from the one before."""

    memory: Memory

    def is_empty(self) -> bool:
        return not self.memory.columns

    def notes(self) -> Sequence[Note]:
        noted = sorted(self.memory.changed.items())
        return [Note(name, cast("tuple[DayPlace, ...]", places)) for name, places in noted]

    def forget(self, notes: Sequence[Note]) -> None:
        for note in notes:
            self.memory.changed.pop(note.name, None)

    def stands(self, kind: Told, day: str) -> str | None:
        found = self.memory.columns.get((kind, day))
        return found and str(found[0])

    def write(self, kind: Told, day: str, lines: Sequence[Line], *, over: str | None) -> None:
        if self.stands(kind, day) != over:
            raise Conflict(f"{kind} of {day} was written meanwhile")
        self.memory.columns[kind, day] = (int(over or 0) + 1, tuple(lines))


def ports(memory: Memory, *, links: Links, messages: Messages, names: Names) -> Ports:
    """Return ports that keep everything in this memory; links, messages and names need no keeping."""
    return Ports(
        invitations=MemoryInvitations(memory),
        cases=MemoryCases(memory),
        customers=MemoryCustomers(memory),
        library=MemoryLibrary(memory),
        timers=MemoryTimers(memory),
        inbox=MemoryInbox(memory),
        views=MemoryViews(memory),
        carrier=MemoryCarrier(memory),
        links=links,
        messages=messages,
        names=names,
        counters=MemoryCounters(memory),
        access=MemoryAccess(memory),
        outlet=MemoryOutlet(memory),
        webhooks=MemoryWebhooks(memory),
        day_files=MemoryDayFiles(memory),
        columns=MemoryColumnFiles(memory),
        failed_events=MemoryLetters(memory.failed_events, memory.refused),
        failed_reports=MemoryLetters(memory.failed_reports, memory.refused),
    )
