"""Run the real flows over ports in memory: one clock, one order of things, and faults at every call."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from heapq import heapify, heappop, heappush
from typing import Any, TypeVar, cast

from chalicelib.adapters.links import SignedLinks
from chalicelib.adapters.memory import Memory, MemoryCustomers, MemoryInvitations, ports
from chalicelib.adapters.names import KeyedNames
from chalicelib.domain.case import Case, Entry
from chalicelib.domain.customer import Address, Customer
from chalicelib.domain.digest import Digest, Line
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.outgoing import CloudEvent, Origin
from chalicelib.domain.receipt import Receipt
from chalicelib.domain.terms import Channel
from chalicelib.domain.timer import Timer
from chalicelib.errors import CarrierRefused, CarrierUnclear, Conflict, Invalid
from chalicelib.flows import collect, file, invite, project, publish, receive, work
from chalicelib.ports import Due, DueKey, Mail, Ports, Sms, View, Write
from tests.simulation.faults import (
    CARRIER,
    DEATHS,
    NO_TIME,
    PROFILES,
    Batch,
    Chances,
    Context,
    Died,
    Profile,
    Unavailable,
    applied_but_error,
    carrier_error,
    gated,
)
from tests.simulation.ledger import CaseWrite, Handed, InvitationWrite, Ledger, NameWrite, Violation
from tests.simulation.queues import RECEIVES_MAX, Message, Queue
from tests.simulation.stream import Consumer, Stream
from tests.simulation.writer import PlainWriter

START = datetime(2026, 3, 9, tzinfo=UTC)
DEPTH_MAX = 2
ORIGIN = Origin("/lazo/simulated", "https://torno.example")
DELAY_MAX = timedelta(minutes=15)
"""Of one message: the longest that SQS takes."""

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
LISTING = frozenset({"intake", "due", "views"})
"""Queues whose consumers say which messages have failed."""

COPY_SECONDS = (1, 60, 3600, 86_400, 4 * 86_400)
"""How long after a message a copy of it may come."""

SKEW_MAX = timedelta(minutes=6)
HASTE_MAX = timedelta(hours=6)
"""How far ahead lies what may come in between: nobody sends tomorrow's event today."""


class WatchedCustomers(dict[str, Customer]):
    """Customers by their keys, and a line for each write in what the stream tells."""

    def __init__(self, told: list[Write], renamed: list[NameWrite]) -> None:
        super().__init__()
        self._told, self._renamed = told, renamed

    def __setitem__(self, key: str, customer: Customer) -> None:
        self._told.append(Write(str(len(self._told)), self.get(key), customer))
        self._renamed.append(NameWrite(self.get(key), customer))
        super().__setitem__(key, customer)


class WatchedAddresses(dict[str, Address]):
    """Addresses by their keys, and a line for each write."""

    def __init__(self, renamed: list[NameWrite]) -> None:
        super().__init__()
        self._renamed = renamed

    def __setitem__(self, key: str, address: Address) -> None:
        self._renamed.append(NameWrite(self.get(key), address))
        super().__setitem__(key, address)


class WatchedTimers(dict[str, Timer]):
    """Shared timers by their places, which knows the first of them."""

    _first: datetime | None = None
    _is_known = False

    def first(self) -> datetime | None:
        """Return when the first of them rings."""
        if not self._is_known:
            self._first, self._is_known = min((timer.at for timer in self.values()), default=None), True
        return self._first

    def __setitem__(self, place: str, timer: Timer) -> None:
        super().__setitem__(place, timer)
        self._is_known = False

    def update(self, timers: Mapping[str, Timer]) -> None:  # type: ignore[override]
        super().update(timers)
        self._is_known = False

    def pop(self, place: str, default: Any = None) -> Any:
        self._is_known = False
        return super().pop(place, default)


class WatchedMemory(Memory):
    """Keeps everything in memory, and a list of what was written since anybody looked."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[InvitationWrite | CaseWrite] = []
        self.told: list[Write] = []
        """What the stream tells whoever speaks to other programs, customers too."""
        self.waited: dict[Line, None] = {}
        """Every alert that ever waited for a digest."""
        self.before: dict[str, Invitation | None] = {}
        """What each invitation was before it was last written."""
        self.written_at: dict[tuple[str, str], datetime] = {}
        self.named_before: dict[tuple[str, str], tuple[Customer | Address | None, datetime]] = {}
        """What each customer and address was before it was last written, and when that was."""
        self.renamed: list[NameWrite] = []
        """What was written of people and addresses since anybody looked."""
        self.timers: WatchedTimers = WatchedTimers()
        self.customers = WatchedCustomers(self.told, self.renamed)
        self.addresses = WatchedAddresses(self.renamed)

    def first_timer(self) -> datetime | None:
        """Return when anything may be due first; what was moved since may stand there still."""
        shared = self.timers.first()
        if not self._armed:
            return shared
        single = self._armed[0][0]
        return single if shared is None or single < shared else shared

    def may_be_due(self, until: datetime) -> bool:
        """Say whether a sweep may find anything."""
        shared = self.timers.first()
        return bool(self.armed(until, 1)) or (shared is not None and shared <= until)

    def put_invitation(self, invitation: Invitation) -> None:
        before = self.invitations.get(invitation.id)
        self.before[invitation.id] = before
        self.writes.append(InvitationWrite(before, invitation))
        self.told.append(Write(str(len(self.told)), before, invitation))
        super().put_invitation(invitation)

    def put_digest(self, digest: Digest) -> None:
        super().put_digest(digest)
        self.waited.update(dict.fromkeys(digest.waiting))

    def put_case(self, case: Case, entry: Entry | None) -> None:
        before = self.cases.get(case.id)
        self.writes.append(CaseWrite(before, case, entry))
        self.told.append(Write(str(len(self.told)), before, case))
        super().put_case(case, entry)


@dataclass(frozen=True)
class StaleInvitations(MemoryInvitations):
    """Invitations whose inconsistent reads miss, at times, what was written within the last second."""

    engine: "Engine"

    def get_many(self, ids: Sequence[str], *, consistent: bool = True) -> dict[str, Invitation]:
        found = super().get_many(ids)
        if consistent or not self.engine.reads_stale():
            return found
        before = {id_: self._before(id_, each) for id_, each in found.items()}
        return {id_: each for id_, each in before.items() if each}

    def get(self, id_: str, *, consistent: bool = True) -> Invitation | None:
        return self.get_many([id_], consistent=consistent).get(id_)

    def _before(self, id_: str, found: Invitation) -> Invitation | None:
        memory = self.engine.memory
        fresh = self.engine.now - memory.written_at.get(("invitation", id_), START) < SECOND
        return memory.before.get(id_) if fresh else found


Named = TypeVar("Named", Customer, Address)


@dataclass(frozen=True)
class StaleCustomers(MemoryCustomers):
    """People and addresses whose inconsistent reads miss, at times, what was written within the last second."""

    engine: "Engine"

    def several(
        self, names: Sequence[str], address_names: Sequence[str], *, consistent: bool = True
    ) -> tuple[dict[str, Customer], dict[str, Address]]:
        customers, addresses = super().several(names, address_names)
        if consistent or not self.engine.reads_stale():
            return customers, addresses
        return self._before(customers), self._before(addresses)

    def _before(self, found: dict[str, Named]) -> dict[str, Named]:
        memory, now = self.engine.memory, self.engine.now
        before: dict[str, Named] = {}
        for key, each in found.items():
            was, at = memory.named_before.get((type(each).__name__, key), (each, START))
            kept = was if now - at < SECOND else each
            if kept is not None:
                before[key] = cast("Named", kept)
        return before


class RememberedNames(KeyedNames):
    """Keyed names, each worked out once."""

    def __init__(self, pepper: bytes) -> None:
        super().__init__(pepper)
        self._known: dict[tuple[str, str], str] = {}

    def customer(self, id_: str) -> str:
        known = self._known.get(("", id_))
        if known is None:
            known = self._known["", id_] = super().customer(id_)
        return known

    def address(self, channel: Channel, address: str) -> str:
        known = self._known.get((channel, address))
        if known is None:
            known = self._known[channel, address] = super().address(channel, address)
        return known


@dataclass
class Planned:
    """Something that will happen at a time, unless somebody hastened it."""

    name: str
    subjects: tuple[str, ...]
    do: Callable[[], None]
    at: datetime
    done: bool = False


@dataclass(frozen=True)
class Outcome:
    """How a run ended: with a value, or with why not."""

    ended: str
    value: Any = None
    error: Exception | None = None

    @property
    def is_done(self) -> bool:
        return self.ended == "done"


Watch = Callable[["Engine", InvitationWrite | CaseWrite], None]


@dataclass
class Hooks:
    """Who is told of writes, of messages and of what comes out of queues."""

    wrote: Callable[[InvitationWrite | CaseWrite, Context], None] = lambda write, context: None
    renamed: Callable[[NameWrite, Context], None] = lambda write, context: None
    handing: Callable[[Handed, Context], None] = lambda handed, context: None
    handed: Callable[[Handed, str], None] = lambda handed, id_: None
    handled: Callable[[str, Any, Outcome], None] = lambda queue, body, outcome: None
    told: Callable[[CloudEvent, Context], None] = lambda event, context: None


@dataclass
class Engine:
    """The machine: schedule, queues, handlers, and the gate before each port."""

    seed: int
    profile: Profile
    excluded: frozenset[str] = frozenset()
    telling: bool = True
    """Whether to keep the story; its hash is the same either way."""
    now: datetime = START
    tick: int = 0
    hooks: Hooks = field(default_factory=Hooks)
    ledger: Ledger = field(default_factory=Ledger)
    happened: list[str] = field(default_factory=list)
    """Names of everything that happened and could be left out, in order."""
    story: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.memory = WatchedMemory()
        links = SignedLinks("https://torno.example", {1: b"k" * 32})
        self.names = RememberedNames(b"p" * 32)
        self.writer = PlainWriter(links)
        self.links = links
        self.bare: Ports = ports(self.memory, links=links, messages=self.writer, names=self.names)
        self.bare = replace(self.bare, invitations=StaleInvitations(self.memory, self))
        self.bare = replace(self.bare, customers=StaleCustomers(self.memory, self))
        self.ports = gated(self.bare, self._around)
        self.chances = Chances(self.seed, self.profile, self.excluded)
        self.queues = {name: Queue(name) for name in ("intake", "due", "views", "receipts", "webhooks")}
        self.stack: list[Context] = []
        self.digest = hashlib.sha256()
        self.labels: dict[str, str] = {}
        self.handlers: dict[str, Callable[[Any, datetime], None]] = {
            "intake": self._intake,
            "due": self._due,
            "views": lambda body, now: collect.see(self.ports, [body]),
            "receipts": lambda body, now: receive.take(self.ports, body, now),
            "webhooks": lambda body, now: publish.post(self.ports, body, ORIGIN, now),
        }
        self._heap: list[tuple[datetime, int, Planned]] = []
        self._numbers = 0
        self._runs: dict[str, int] = {}
        self._by_subject: dict[str, list[Planned]] = {}
        self._sweep_at: datetime | None = None
        self.streams: list[Stream] = []
        self._announced = self._posted = 0
        self.crashes: dict[int, str] | None = None
        """The calls, counted from the beginning, at which the process is killed: before or after their effect."""
        self.called: list[str] = []
        """The kind of run of each call so far, where crashes are counted."""
        self.branch: Callable[[str, int], str | None] = lambda kind, place: None
        """Asked at each counted call: how the process dies there, if at all."""
        self.outages: list[tuple[datetime, datetime]] = []
        self.lags: list[tuple[datetime, datetime, timedelta]] = []

    # What will happen

    def plan(self, at: datetime, name: str, do: Callable[[], None], *subjects: str) -> None:
        """Let something happen at a time; what was excluded does not."""
        if name in self.excluded:
            return
        planned = Planned(name, subjects, do, max(at, self.now))
        self._numbers += 1
        heappush(self._heap, (planned.at, self._numbers, planned))
        for subject in subjects:
            self._by_subject.setdefault(subject, []).append(planned)

    def run_until(self, end: datetime) -> None:
        """Let everything happen that is planned until then."""
        while self._heap and self._heap[0][0] <= end:
            at, _, planned = heappop(self._heap)
            self.now = max(self.now, at)
            self._happen(planned)
        self.now = max(self.now, end)

    def _happen(self, planned: Planned) -> None:
        if planned.done:
            return
        planned.done = True
        if planned.name[0] != "~":
            self.happened.append(planned.name)
        planned.do()
        self.drain()

    # One run of a handler

    def run(
        self,
        kind: str,
        name: str,
        do: Callable[[datetime], Any],
        *subjects: str,
        spared: bool = False,
        late: timedelta = NO_TIME,
    ) -> Outcome:
        """Run a handler, with whatever goes wrong in it."""
        number = self._runs[name] = self._runs.get(name, 0) + 1
        name = f"{name} #{number}"
        now = _whole_millisecond(self.now + late + self.chances.skew(name))
        self.tick += 1
        context = Context(kind, name, subjects, now, self.tick, len(self.stack), self.chances.of(name))
        self.chances.doom(context, spared=spared)
        context.again = lambda: self._again(kind, name, do, *subjects)
        self.stack.append(context)
        try:
            outcome = Outcome("done", do(now))
        except Died:
            outcome = Outcome("died")
        except Exception as error:
            outcome = Outcome("failed", error=error)
        finally:
            self.stack.pop()
        self.tell(
            f"{name}: {outcome.ended}{f' ({outcome.error!r:.120})' if outcome.error else ''}", depth=context.depth
        )
        self.drain()
        return outcome

    def _again(self, kind: str, name: str, do: Callable[[datetime], Any], *subjects: str) -> None:
        late = timedelta(seconds=self.chances.of(f"late {name}").choice((0, 0, 1, 200)))
        self.run(kind, f"{name.partition(' #')[0]} again", do, *subjects, late=late)

    # The gate before each port

    def _around(self, port: str, method: str, call: Callable[[], Any]) -> Any:
        if not self.stack:
            return call()
        context = self.stack[-1]
        place, context.calls = context.calls, context.calls + 1
        if self.crashes is not None:
            self._doom_by_count(context, place)
        if place == context.race_call:
            self._race(context, f"{port}.{method}")
        if place == context.fault_call:
            return self._faulty(context, port, method, call)
        result = self._carrier(context, call) if method in CARRIER else call()
        self._look(context)
        return result

    def _doom_by_count(self, context: Context, place: int) -> None:
        count = len(self.called)
        crash = (self.crashes or {}).get(count) or self.branch(context.kind, count)
        self.called.append(context.kind)
        if crash:
            context.fault, context.fault_call = crash, place

    def _faulty(self, context: Context, port: str, method: str, call: Callable[[], Any]) -> Any:
        fault = context.fault or ""
        self.happened.append(f"fault {context.name}")
        self.tell(f"{context.name}: {fault} {port}.{method}", depth=context.depth)
        if isinstance(call, Batch):
            return self._faulty_batch(context, call)
        if fault == "dies before":
            raise Died
        if fault == "throttled" or (fault == "timed out" and context.chance.random() < 0.5):
            raise CarrierRefused("slow down", permanent=False) if method in CARRIER else Unavailable(fault)
        if method in CARRIER:
            self._carrier(context, call)
        else:
            call()
        self._look(context)
        if fault == "dies after":
            raise Died
        raise CarrierUnclear("no reply") if method in CARRIER else applied_but_error(method)

    def _faulty_batch(self, context: Context, batch: Batch) -> Any:
        """Let a batch go wrong: before, after, or when some of it is written."""
        if context.fault == "applied, but an error":
            told = batch.met_again()
            self._look(context)
            return told
        if context.fault == "dies after":
            batch()
        elif context.fault != "dies before" or context.chance.random() < 0.5:
            batch.some(context.chance)
        self._look(context)
        raise Died if context.fault in DEATHS else Unavailable(context.fault)

    def _carrier(self, context: Context, call: Callable[[], Any]) -> Any:
        refusal = self.chances.refusal(context)
        if refusal:
            self.happened.append(f"carrier {context.name}")
            self.tell(f"{context.name}: carrier {refusal}", depth=context.depth)
        if refusal and refusal != "reply lost":
            raise carrier_error(refusal)
        before = len(self.memory.sent)
        result = call()
        for message in self.memory.sent[before:]:
            self._handed(context, message, result() if callable(result) else str(result))
        if refusal:
            raise carrier_error(refusal)
        return result

    def _handed(self, context: Context, message: Mail | Sms, id_: str) -> None:
        tags = dict(message.tags)
        to = message.to if isinstance(message, Mail) else (message.to,)
        about = tags.get("invitation") or tags.get("case") or tags.get("digest") or tags.get("weekly") or ""
        handed = Handed(tags["kind"], about, to, context.now, tags, taken=True)
        self.tell(
            f"{context.name}: hands over {handed.kind} {self.label(about)} to {', '.join(to)}", depth=context.depth
        )
        self.hooks.handing(handed, context)
        self.ledger.handed.append(handed)
        self.hooks.handed(handed, id_)

    def _look(self, context: Context) -> None:
        """Show each write to the invariants, once a whole transaction is there."""
        self.tick += 1
        if self.streams:
            self._listen(context)
        if self.memory.renamed:
            self._look_at_names(context)
        if not self.memory.writes:
            return
        writes, self.memory.writes = self.memory.writes, []
        for write in writes:
            kind = "invitation" if isinstance(write, InvitationWrite) else "case"
            self.memory.written_at[kind, write.after.id] = self.now
            self._tell_write(write, context)
        for write in writes:
            self.hooks.wrote(write, context)

    def _look_at_names(self, context: Context) -> None:
        renamed = self.memory.renamed
        for write in renamed:
            self.memory.named_before[type(write.after).__name__, write.after.key] = (write.before, self.now)
            self.hooks.renamed(write, context)
        renamed.clear()

    def _listen(self, context: Context) -> None:
        """Show the invariants what was just said to other programs."""
        memory = self.memory
        if len(memory.announced) == self._announced and len(memory.posted) == self._posted:
            return
        events = [*memory.announced[self._announced :], *(event for _, event in memory.posted[self._posted :])]
        self._announced, self._posted = len(memory.announced), len(memory.posted)
        for event in events:
            self.tell(f"{context.name}: tells {event.type} of {self.label(event.subject or '')}", depth=context.depth)
            self.hooks.told(event, context)

    def _tell_write(self, write: InvitationWrite | CaseWrite, context: Context) -> None:
        after = write.after
        self.digest.update(f"{self.now} {after.id} {after.version} {after.state} {after.due_at}".encode())
        if self.telling:
            told = f"{context.name}: {describe(write, self.label(after.id))}"
            self.story.append(f"{str(self.now)[5:19]} {'    ' * context.depth}{told}")

    def reads_stale(self) -> bool:
        """Say whether the read that is made now may miss what was written a moment ago."""
        return bool(self.stack) and self.profile.lag and self.chances.active and self.stack[-1].chance.random() < 0.5

    # Somebody else comes in between

    def _race(self, context: Context, where: str) -> None:
        if context.depth >= DEPTH_MAX:
            return
        rivals = list(self._rivals(context))
        if not rivals:
            return
        self.happened.append(f"race {context.name}")
        self.tell(f"{context.name}: meanwhile, before {where}", depth=context.depth)
        context.chance.choice(rivals)()

    def _rivals(self, context: Context) -> Iterable[Callable[[], None]]:
        if context.again:
            yield context.again
        for subject in context.subjects:
            waiting = [each for each in self._by_subject.get(subject, ()) if not each.done]
            self._by_subject[subject] = waiting
            soon = [each for each in waiting if each.at - self.now <= HASTE_MAX]
            yield from (lambda planned=planned: self._happen(planned) for planned in soon[:4])
        for queue in self.queues.values():
            if queue.visible(self.now):
                yield lambda queue=queue: self._work(queue.name)  # type: ignore[misc]

    # Queues

    def send(self, queue: str, body: Any, key: str, *subjects: str, after: timedelta = timedelta(0)) -> None:
        """Put a message into a queue, at times several of it."""
        chance = self.chances.of(f"copies {queue} {key} {self._numbers}")
        copies = 1 + (
            1 + chance.randrange(4) if chance.random() < self.profile.duplicates and self.chances.active else 0
        )
        for copy in range(copies):
            wait = after + SECOND * chance.random() * (1 if copy == 0 else chance.choice(COPY_SECONDS))
            self.plan(self.now + wait, f"~{queue} {key}", lambda: self._arrive(queue, body, key, subjects))

    def _arrive(self, queue: str, body: Any, key: str, subjects: tuple[str, ...]) -> None:
        self.queues[queue].put((body, key, subjects), key, self.now, self.now)
        if queue != "intake":
            self._work(queue)
            return
        # The window in which events gather, or a backlog in which many do.
        wait = NO_TIME
        if self.chances.active:
            wait = SECOND * self.chances.of(f"window {key} {self.now}").choice((0, 0, 30, 3600))
        self.plan(self.now + wait, f"~{queue}", partial(self._work, queue))

    def _work(self, name: str) -> None:
        """Let a worker take a batch of what is visible."""
        queue = self.queues[name]
        if not any(message.visible_at <= self.now for message in queue.messages):
            return
        chance = self.chances.of(f"batch {name} {self._runs.get(name, 0)} {self.now}")
        batch = queue.receive(self.now, chance.choice((1, 1, 2, 5, 10)), chance)
        for message in batch:
            # Also when it is gone by then: it may have been taken in the place of one that came meanwhile.
            self.plan(message.visible_at + SECOND, f"~{name}", partial(self._work, name))
        failed = self._batch(name, batch)
        if failed is None:
            return
        failed = self._as_listed(name, batch, failed)
        for message in batch:
            if message not in failed:
                queue.delete(message)

    def _as_listed(self, name: str, batch: list[Message], failed: list[Message]) -> list[Message]:
        """Return what comes again when the list of failures is right, names a stranger, or is empty."""
        if name not in LISTING or not self.chances.active:
            return failed
        listed = f"list {name} {self._runs.get(name, 0)} {self.now}"
        chance = self.chances.of(listed)
        if chance.random() >= self.profile.duplicates / 4 or listed in self.excluded:
            return failed
        # What the last receipt was for is not laid aside for the sake of a list.
        if any(message.receives >= RECEIVES_MAX for message in batch):
            return failed
        if chance.random() < 0.5 and failed and name == "due":
            self.happened.append(listed)
            self.tell(f"{name}: an empty list of failures takes {len(failed)} failed hints away")
            # What has claimed is no hint any more: it stays in the queue until its fates are known.
            return [message for message in failed if self.has_taken(message)]
        self.happened.append(listed)
        self.tell(f"{name}: a list that names a stranger lets all {len(batch)} come again")
        return batch

    def _batch(self, name: str, batch: list[Message]) -> list[Message] | None:
        """Handle each message by itself; None when the process died, and all of them come again."""
        if name == "intake" and len(batch) > 1:
            return self._intake_many(batch)
        failed: list[Message] = []
        # A batch that dies costs each of its messages a receipt: none is given up for what befell its neighbours.
        spared = any(message.receives >= RECEIVES_MAX for message in batch)
        for message in batch:
            body, key, subjects = message.body
            handle = partial(self.handlers[name], body)
            outcome = self.run(name, f"{name} {key}", handle, *subjects, spared=spared)
            self.hooks.handled(name, self.meaning(name, body), outcome)
            if outcome.ended == "died":
                return None
            if not outcome.is_done:
                failed.append(message)
        return failed

    def meaning(self, queue: str, body: Any) -> Any:
        """Return what a message says."""
        return body

    def _intake_many(self, batch: list[Message]) -> list[Message] | None:
        """Handle the events of a batch in one run; None when the process died."""
        bodies = [message.body[0] for message in batch]
        name = f"intake of {len(batch)}: {', '.join(message.body[1] for message in batch)}"
        subjects = dict.fromkeys(subject for message in batch for subject in message.body[2])
        spared = any(message.receives >= RECEIVES_MAX for message in batch)
        run = self.run("intake", name, partial(self._take_events, bodies), *subjects, spared=spared)
        if run.ended == "died":
            return None
        errors = run.value if run.is_done else [run.error] * len(batch)
        failed = []
        for message, error in zip(batch, errors, strict=True):
            outcome = Outcome("failed", error=error) if error else Outcome("done")
            self.hooks.handled("intake", self.meaning("intake", message.body[0]), outcome)
            if error:
                failed.append(message)
        return failed

    def _take_events(self, bodies: list[Any], now: datetime) -> list[Exception | None]:
        """Do as the consumer does: what can never be handled is laid aside at once, with its reason."""
        errors: list[Exception | None] = []
        for body, handled in zip(bodies, invite.handle_many(self.ports, bodies, now), strict=True):
            errors.append(None if isinstance(handled.error, Invalid) else handled.error)
            if isinstance(handled.error, Invalid):
                invite.refuse(self.ports, body, handled.error)
        return errors

    def _intake(self, body: Any, now: datetime) -> None:
        for error in self._take_events([body], now):
            if error:
                raise error

    def _due(self, body: Any, now: datetime) -> None:
        for error in work.take(self.ports, body, now):
            self.tell(f"a due step failed ({error!r:.120})", depth=1)

    def name_of(self, body: Any) -> str | None:
        """Return the name under which a message to the workers claims."""
        name: str | None = body.name
        return name

    @property
    def in_flight(self) -> set[str | None]:
        """The names of the messages to the workers that will come again, or lie where operators see them."""
        due = self.queues["due"]
        return {self.name_of(message.body[0]) for message in (*due.messages, *due.dead)}

    def has_taken(self, message: Message) -> bool:
        """Say whether something was claimed by a message, whose fate it knows."""
        name = self.name_of(message.body[0])
        return any(each.taken_by == name for each in self.memory.invitations.values()) if name else False

    def drain(self) -> None:
        """Carry on to the queues what flows have handed to them."""
        memory = self.memory
        if memory.inbox:
            self._drain_inbox()
        if memory.nudged or memory.views or memory.posts:
            self._drain_hints()
        self._arm()
        for stream in self.streams:
            stream.look()

    @property
    def reads(self) -> tuple[str, ...]:
        """Name who reads the stream: each takes as long as all else, and every profile has both at times."""
        return ((), ("stream",), (), ("publish", "file"))[(self.seed // (2 * len(PROFILES)) + 1) % 4]

    def open_streams(self, names: Collection[str]) -> None:
        """Let the consumers of the table's stream take part."""
        self.streams = [Stream(self, each) for each in self.consumers() if each.kind in names]

    def is_read(self, name: str) -> bool:
        """Say whether a consumer takes part."""
        return any(stream.consumer.kind == name for stream in self.streams)

    def consumers(self) -> tuple[Consumer, ...]:
        """Return what the stream calls: who counts, who writes day files, and who tells other programs."""
        memory = self.memory

        def changes(since: int) -> tuple[list[tuple[str, Any]], int]:
            new = memory.changes[since:]
            return [((each.new or each.old).id, each) for each in new], len(memory.changes)  # type: ignore[union-attr]

        return (
            Consumer(
                "stream",
                lambda: len(memory.changes),
                changes,
                lambda batch, shard, now: project.project(self.ports, batch, shard, now),
            ),
            Consumer(
                "file",
                lambda: len(memory.changes),
                changes,
                lambda batch, shard, now: file.tell(self.ports, batch),
                replayed_max=3,
            ),
            Consumer(
                "publish",
                lambda: len(memory.told),
                lambda since: ([(_name(each.new), each) for each in memory.told[since:]], len(memory.told)),
                lambda batch, shard, now: publish.publish(self.ports, batch, ORIGIN),
                replayed_max=3,
            ),
        )

    def _drain_inbox(self) -> None:
        events, self.memory.inbox = self.memory.inbox, []
        for event in events:
            self.send("intake", event, f"event {event['id']}", *map(self.names.customer, subjects_of(event)))

    def _drain_hints(self) -> None:
        memory = self.memory
        due, memory.nudged = memory.nudged, []
        for each in due:
            self.send("due", each, self.called_by(each), *self.subjects_of(each))
        views, memory.views = memory.views, []
        for view in views:
            self.send("views", view, f"view {self.label(view.id)} {view.rating}", view.id)
        posts, memory.posts = memory.posts, []
        for post, after in posts:
            name = f"post {post.what.kind} of {self.label(post.what.item or '')} to {post.webhook}"
            self.send("webhooks", post, name, after=min(after, DELAY_MAX))

    def called_by(self, due: Due) -> str:
        """Return how the story calls a message to the workers."""
        more = f" and {len(due.ids) - 1} more" if len(due.ids) > 1 else ""
        return f"{due.kind} {self.label(due.ids[0])}{more}"

    def subjects_of(self, due: Due) -> tuple[str, ...]:
        """Return what a race about a message would be about."""
        return tuple(dict.fromkeys(name for id_ in due.ids for name in self.subjects(id_)))

    def subjects(self, id_: str) -> tuple[str, ...]:
        """Return what a race about an invitation would be about: itself and its customer."""
        invitation = self.memory.invitations.get(id_)
        return (id_, invitation.customer) if invitation else (id_,)

    # The sweep, once a minute

    def _arm(self) -> None:
        """Plan the next sweep that can find anything: the others would change nothing."""
        first = self.memory.first_timer()
        if first is None:
            return
        if self._sweep_at is not None and self._sweep_at <= first:
            return
        soonest = max(first, self.now + SECOND)
        if self._sweep_at is not None and self._sweep_at <= soonest:
            return
        minute = _next_minute(soonest)
        if self._sweep_at is None or minute < self._sweep_at:
            self._sweep_at = minute
            self.plan(minute, "~sweep", self._sweep)

    def _sweep(self) -> None:
        if self._sweep_at != self.now:
            return
        self._sweep_at = None
        missed = any(begin <= self.now < end for begin, end in self.outages) and self.chances.active
        chance = self.chances.of(f"sweep {self.now}")
        if not missed and self.memory.may_be_due(self.now + SKEW_MAX):
            twice = self.chances.active and chance.random() < self.profile.duplicates
            for _ in range(2 if twice else 1):
                self.run("sweep", f"sweep {str(self.now)[5:16]}", self._sweep_once)
        at = _next_minute(self.now + SECOND)
        first = self.memory.first_timer()
        if first:
            at = max(at, _next_minute(first))
            self._sweep_at = at
            self.plan(at, "~sweep", self._sweep)

    def _sweep_once(self, now: datetime) -> int:
        lag = next((lag for begin, end, lag in self.lags if begin <= self.now < end), timedelta(0))
        if not lag or not self.chances.active:
            return work.sweep(self.ports, now)
        hidden = self.now - lag
        old = self.memory._armed
        fresh = {key for key, at in self.memory.written_at.items() if at > hidden}
        self.memory._armed = [each for each in old if (each[1], each[2]) not in fresh]
        kept = [each for each in old if (each[1], each[2]) in fresh]
        heapify(self.memory._armed)
        try:
            return work.sweep(self.ports, now)
        finally:
            for each in kept:
                heappush(self.memory._armed, each)

    # The trace

    def label(self, id_: str) -> str:
        """Return how the story calls an invitation."""
        return self.labels.get(id_, id_[:8])

    def tell(self, line: str, depth: int = 0) -> None:
        """Add a line to the story, and to its hash."""
        self.digest.update(line.encode())
        if self.telling:
            self.story.append(f"{str(self.now)[5:19]} {'    ' * depth}{line}")

    def hash(self) -> str:
        """Return what names this very story."""
        return self.digest.hexdigest()[:16]


def _whole_millisecond(at: datetime) -> datetime:
    """Return an instant as the product's clock tells it."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _name(item: Invitation | Case | Customer | None) -> str:
    return item.key if isinstance(item, Customer) else item.id if item else ""


def subjects_of(event: Any) -> tuple[str, ...]:
    """Return the customer of an event, as the world calls it."""
    data = event.get("data", {}) if isinstance(event, dict) else {}
    customer = data.get("customer", {}) if isinstance(data, dict) else {}
    return (customer["id"],) if isinstance(customer, dict) and "id" in customer else ()


def _next_minute(at: datetime) -> datetime:
    floor = at.replace(second=0, microsecond=0)
    return floor if floor == at else floor + MINUTE


def describe(write: InvitationWrite | CaseWrite, label: str) -> str:
    """Say in a few words what a write changed."""
    before, after = write.before, write.after
    if isinstance(write, CaseWrite):
        move = f" by {write.entry.move}" if write.entry else ""
        return f"writes case {label} r{write.after.revision}{move}: {_changes(before, after)}"
    return f"writes {label} v{write.after.version}: {_changes(before, after)}"


QUIET = frozenset({"version", "revision", "ladder", "people", "promises", "attributes", "programs"})


def _changes(before: Any, after: Any) -> str:
    if before is None:
        return f"{after.state} {getattr(after, 'reason', None) or ''}".strip()
    changed = [
        f"{name} {_short(getattr(before, name))} → {_short(value)}"
        for name, value in after.__dict__.items()
        if name not in QUIET and value != getattr(before, name)
    ]
    return ", ".join(changed)


def _short(value: Any) -> str:
    if isinstance(value, datetime):
        return str(value)[5:19]
    if isinstance(value, tuple):
        return f"{len(value)}:[{', '.join(_short(each) for each in value[-2:])}]"
    for name in ("rating", "kind", "name"):
        if hasattr(value, name):
            return f"{name} {getattr(value, name)}"
    return str(value)[:60]


__all__ = ["Conflict", "DueKey", "Engine", "Receipt", "View", "Violation"]
