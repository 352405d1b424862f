"""Turn what happened into exactly one invitation, or one recorded reason, per program and contact.

Many events at once cost few calls: what they need is read together, decided one by one, and written together. Whoever
shares a customer or an address goes one after the other, so that each finds what the one before has left.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.domain.customer import Address, Customer, released
from chalicelib.domain.event import Cancellation, Closing, Event, EventRef, bare, bare_problem, parse_event
from chalicelib.domain.invitation import NAMELESS, Invitation, decided
from chalicelib.domain.organisation import Organisation, Program
from chalicelib.domain.policy import (
    NO_PROGRAM,
    Ask,
    Known,
    Skip,
    Target,
    decide,
    episode_of,
    hours_of,
    invitation_id,
    over_the_top,
    rest_after,
    targets,
    zone_of,
)
from chalicelib.domain.terms import CUSTOMER, PLACES_LAST, Channel, base_language
from chalicelib.domain.timer import may_share, shared
from chalicelib.errors import Conflict, Invalid, Problem
from chalicelib.flows import amend, news
from chalicelib.ports import DueKey, Ports

BATCH_MAX = 100  # events of one request
ALONE_MAX = 3  # events of a batch that fail by themselves, none going well, before the others are believed to fail
LATELY = timedelta(days=7)
"""A customer remembers decisions about events of that time, however little is kept for how long."""


@dataclass(frozen=True)
class Rejected:
    """One event of a request that cannot be taken, by its place in the request."""

    index: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Accepted:
    """What became of a request: these are ours now, those are not."""

    accepted: tuple[EventRef, ...]
    rejected: tuple[Rejected, ...]


def accept(ports: Ports, raws: list[Any], *, sizes: list[int], bytes_max: int, now: datetime) -> Accepted:
    """Take events over: once this returns, the accepted ones are never lost."""
    closings = ports.library.organisation().closings
    accepted: list[EventRef] = []
    taken: list[dict[str, object]] = []
    rejected: list[Rejected] = []
    for index, (raw, size) in enumerate(zip(raws, sizes, strict=True)):
        try:
            event = _parsed(raw, size, bytes_max, closings, now)
        except Invalid as error:
            rejected.append(Rejected(index, error.problems))
        else:
            accepted.append(event.ref)
            taken.append(raw)
    ports.inbox.accept(taken)
    return Accepted(tuple(accepted), tuple(rejected))


def _parsed(raw: Any, size: int, bytes_max: int, closings: frozenset[str], now: datetime) -> Event:
    if size > bytes_max:
        raise Invalid(Problem("", f"has {size} bytes; an event may have {bytes_max}"))
    return parse_event(raw, closings=closings, now=now)


@dataclass(frozen=True)
class Handled:
    """What became of one event: the ids of what was decided about it, or why it could not be handled."""

    ids: tuple[str, ...] = ()
    error: Exception | None = None


def handle(ports: Ports, raw: object, now: datetime) -> tuple[str, ...]:
    """Do what an event asks for, and return the ids of what was decided about it.

    Safe to run again at any point. Raises Invalid for what can never be handled.
    """
    (handled,) = handle_many(ports, [raw], now)
    if handled.error:
        raise handled.error
    return handled.ids


def handle_many(ports: Ports, raws: Sequence[object], now: datetime) -> list[Handled]:
    """Do what events ask for, and say of each what became of it: what is wrong with one holds up no other."""
    organisation = ports.library.organisation()
    handled = [Handled()] * len(raws)
    closings: dict[int, _Closed] = {}
    for place, raw in enumerate(raws):
        try:
            event = parse_event(raw, closings=organisation.closings, now=now)
            if isinstance(event, Closing):
                closings[place] = _closed(ports, event, organisation)
            else:
                _hear(ports, event, organisation, now)
        except Exception as error:
            handled[place] = Handled(error=error)
    surely = False
    for wave in _waves(closings):
        for place, done in _close_apart(ports, wave, organisation, now, surely=surely).items():
            handled[place] = done
        surely = True  # the next wave has to find what this one has just written
    return handled


def refuse(ports: Ports, raw: object, error: Invalid) -> tuple[Problem, ...]:
    """Lay aside what can never be handled, with its reasons; return them.

    Nobody would find it there when its customer is forgotten: so it keeps its name and its shape, and names nobody.
    Wrapped, it is no event, whatever is published later. Its sender has the whole.
    """
    problems = tuple(map(bare_problem, error.problems))
    ports.inbox.refuse(json.dumps({"refused": bare(raw)}, ensure_ascii=False), str(Invalid(*problems)))
    return problems


def _hear(ports: Ports, event: Event, organisation: Organisation, now: datetime) -> None:
    if isinstance(event, Cancellation):
        news.cancel(ports, event, organisation, now)
    elif not isinstance(event, Closing):
        news.fulfil(ports, event, organisation, now)


@dataclass(frozen=True)
class _Whom:
    """A program and a contact of an event, by the names under which the table knows them."""

    target: Target
    id: str
    customer: str
    addresses: dict[Channel, str]
    program: Program | None
    places: "_Places"
    """What it holds outlives a batch that fails: whoever is then tried alone takes no second place."""


@dataclass(frozen=True)
class _Closed:
    """A closing, and whom programs of today ask about it."""

    closing: Closing
    whom: tuple[_Whom, ...]

    @property
    def names(self) -> set[str]:
        """Everything that another event may share with this one."""
        people = [name for each in self.whom for name in (each.customer, *each.addresses.values())]
        return {self.closing.ref.key, *people}


def _closed(ports: Ports, closing: Closing, organisation: Organisation) -> _Closed:
    return _Closed(
        closing, tuple(_whom(ports, closing, target, organisation) for target in targets(closing, organisation))
    )


def _whom(ports: Ports, closing: Closing, target: Target, organisation: Organisation) -> _Whom:
    contact, program = target.contact, organisation.program(target.program)
    id_ = invitation_id(closing.ref.source, closing.ref.id, target.program, target.label)
    given: list[tuple[Channel, str | None]] = [("email", contact.email), ("sms", contact.phone)]
    return _Whom(
        target,
        id_,
        ports.names.customer(contact.id),
        {channel: ports.names.address(channel, address) for channel, address in given if address},
        program,
        _Places(ports, organisation, program, id_),
    )


def _waves(closings: Mapping[int, _Closed]) -> list[dict[int, _Closed]]:
    """Put events that share nothing together, and those that share something one after the other, as they came."""
    waves: list[dict[int, _Closed]] = []
    after: dict[str, int] = {}
    for place, closed in closings.items():
        number = max(after.get(name, 0) for name in closed.names)
        after.update(dict.fromkeys(closed.names, number + 1))
        if number == len(waves):
            waves.append({})
        waves[number][place] = closed
    return waves


def _close_apart(
    ports: Ports, wave: Mapping[int, _Closed], organisation: Organisation, now: datetime, *, surely: bool
) -> dict[int, Handled]:
    """Close events together; when that fails each by itself, so that only what is wrong itself fails."""
    try:
        return _close(ports, wave, organisation, now, surely=surely)
    except Exception as error:
        if len(wave) == 1:
            return dict.fromkeys(wave, Handled(error=error))
        failed = Handled(error=error)
    done: dict[int, Handled] = {}
    for place, closed in wave.items():
        # Where nothing works, trying each would only take the time in which the next process may fare better.
        is_hopeless = len(done) >= ALONE_MAX and all(each.error for each in done.values())
        alone = {place: closed}
        done |= {place: failed} if is_hopeless else _close_apart(ports, alone, organisation, now, surely=True)
    return done


@dataclass(frozen=True)
class _People:
    """Customers and addresses as they were read; unless `surely`, what was written in the last second may be missing.

    Whoever decides on such a reading writes the customer and the address on condition that they are still like that.
    """

    customers: Mapping[str, Customer]
    addresses: Mapping[str, Address]
    surely: bool


def _people(ports: Ports, whom: Sequence[_Whom], *, surely: bool) -> _People:
    customers, addresses = ports.customers.several(
        [each.customer for each in whom], [name for each in whom for name in each.addresses.values()], consistent=surely
    )
    return _People(customers, addresses, surely)


def _close(
    ports: Ports, wave: Mapping[int, _Closed], organisation: Organisation, now: datetime, *, surely: bool
) -> dict[int, Handled]:
    people = _people(ports, [each for closed in wave.values() for each in closed.whom], surely=surely)
    existing = _existing(ports, wave, people, organisation, now)
    plans = {place: _plan(closed, existing.get(place, {})) for place, closed in wave.items()}
    for place, jobs in plans.items():
        if any(job.whom.target.label != CUSTOMER for job in jobs):
            news.register(ports, wave[place].closing, organisation, now)
    for number in range(max(map(len, plans.values()))):
        following = {place: jobs[number] for place, jobs in plans.items() if number < len(jobs)}
        undecided = [job for place, job in following.items() if job.whom.id not in existing.get(place, {})]
        _decide_all(ports, undecided, organisation, now, None if number else people)
    _hear_late(ports, [closed.closing for place, closed in wave.items() if not _hear_later(plans[place])], organisation)
    return {place: Handled(tuple(job.whom.id for job in jobs)) for place, jobs in plans.items()}


def _existing(
    ports: Ports, wave: Mapping[int, _Closed], people: _People, organisation: Organisation, now: datetime
) -> dict[int, dict[str, Invitation]]:
    """Return what was decided about events before, where their customers do not tell that nothing was."""
    known = {
        place: _known_ids(closed, organisation)
        for place, closed in wave.items()
        if not _is_new(closed, people, organisation, now)
    }
    if not known:
        return {}
    # A read that may be a second behind costs half; what it misses of a duplicate under way, the decision's key finds.
    found = ports.invitations.get_many([id_ for ids in known.values() for id_ in ids], consistent=False)
    return {place: {id_: found[id_] for id_ in ids if id_ in found} for place, ids in known.items()}


def _is_new(closed: _Closed, people: _People, organisation: Organisation, now: datetime) -> bool:
    """Say whether an event's customer remembers every decision, and none about this event.

    Each decision is remembered before it is written, so that nothing need be looked up. Whoever asks others than the
    customer looks, and whatever happened so long ago that it may be forgotten already.
    """
    at = closed.closing.at
    is_plain = all(each.target.label == CUSTOMER for each in closed.whom)
    if not is_plain or now - at > LATELY or not organisation.asked_alike(at):
        return False
    customer = people.customers.get(closed.whom[0].customer)
    if customer is None:
        return True
    return customer.remembers_all and not {*_known_ids(closed, organisation)} & {*customer.decisions}


def _known_ids(closed: _Closed, organisation: Organisation) -> list[str]:
    """Return every id under which an event may have been decided already."""
    ref = closed.closing.ref
    if organisation.asked_alike(closed.closing.at):
        return [*(each.id for each in closed.whom), invitation_id(ref.source, ref.id, NO_PROGRAM, CUSTOMER)]
    return news.every_id(ref, organisation, news.labels_of(closed.closing))


def _hear_later(jobs: Sequence["_Job"]) -> bool:
    """Say whether all that was decided about an event looks for news as it leaves.

    Others than the customer are found by names that only the event tells.
    """
    return all(job.waits and job.whom.target.label == CUSTOMER for job in jobs)


def _hear_late(ports: Ports, closings: Sequence[Closing], organisation: Organisation) -> None:
    # Read after writing: whoever cancels or fulfils writes before reading, so one of us sees the other.
    waiting = news.of(ports, closings, consistent=True) if closings else {}
    for closing in closings:
        for early in waiting[closing.ref.key]:
            news.apply(ports, early, news.every_id(closing.ref, organisation, news.labels_of(closing)))
        if waiting[closing.ref.key]:
            news.forget(ports, closing.ref, news.reference_of(ports, closing), organisation)


@dataclass
class _Job:
    """One decision that is to be made."""

    closing: Closing
    whom: _Whom
    programs: tuple[str, ...]
    primary: bool
    cancelled: bool | None = None
    """Whether it was cancelled before; None until somebody has looked."""
    waits: bool = False
    """Whether it is decided now, and leaves so late that it looks for news then."""

    @property
    def addresses(self) -> dict[Channel, str]:
        return self.whom.addresses

    @property
    def program(self) -> Program | None:
        return self.whom.program

    @property
    def places(self) -> "_Places":
        return self.whom.places


def _plan(closed: _Closed, existing: Mapping[str, Invitation]) -> list[_Job]:
    """Return what there is to decide about an event; who asks about it was settled when the first of it was decided."""
    frozen = {program for record in existing.values() for program in (record.programs or (record.program,))}
    wanted = [each for each in closed.whom if not frozen or each.target.program in frozen]
    programs = tuple(dict.fromkeys(each.target.program for each in wanted))
    counted = any(record.primary for record in existing.values())
    jobs = []
    for place, each in enumerate(wanted):
        primary = place == 0 and not counted
        jobs.append(_Job(closed.closing, each, programs if len(programs) > 1 else (), primary))
    return jobs


def _decide_all(
    ports: Ports, jobs: Sequence[_Job], organisation: Organisation, now: datetime, people: _People | None
) -> None:
    """Decide, and again where somebody else wrote first: only those that lost.

    Whoever loses the race finds the other's rest when it decides again; who dies in between finds its own.
    """
    left = list(jobs)
    for _ in range(amend.TRIES_MAX):
        if not left:
            return
        people = people or _people(ports, [job.whom for job in left], surely=True)
        left = _undecided(ports, _decide_once(ports, left, people, organisation, now))
        people = None
    if left:
        raise Conflict(f"{len(left)} decisions lost to other writers, {amend.TRIES_MAX} times each")


def _undecided(ports: Ports, jobs: Sequence[_Job]) -> list[_Job]:
    """Return those jobs that nobody else has done meanwhile: a duplicate must not begin the rest once more."""
    decided = ports.invitations.get_many([job.whom.id for job in jobs]) if jobs else {}
    for job in jobs:
        if job.whom.id in decided and not job.places.is_stamped:
            job.places.give_back()
    return [job for job in jobs if job.whom.id not in decided]


@dataclass(frozen=True)
class _Decision:
    """What was decided, and what is to be written of it, in this order: whom it lets rest, then the record."""

    job: _Job
    customer: Customer | None
    addresses: tuple[Address, ...]
    record: Invitation


def _decide_once(
    ports: Ports, jobs: Sequence[_Job], people: _People, organisation: Organisation, now: datetime
) -> list[_Job]:
    """Load, decide and write; return what lost to another writer."""
    known = _known(ports, jobs, people, now)
    answers = _answers(ports, jobs, known, organisation, now)
    made = [
        _decision(ports, job, each, answer, organisation, now)
        for job, each, answer in zip(jobs, known, answers, strict=True)
    ]
    # What leaves its customer as it was is written under no condition of theirs: decided again on what is surely so.
    made = [each for each in made if each.customer or people.surely]
    made = _armed(ports, made, organisation, now)
    rested = _let_rest(ports, made)
    _create(ports, rested, now)
    written = {each.record.id for each in rested}
    return [job for job in jobs if job.whom.id not in written]


def _armed(ports: Ports, made: Sequence[_Decision], organisation: Organisation, now: datetime) -> list[_Decision]:
    """Let what falls due together share timers, which are there before anything waits for them."""
    found = [_sharing(each, organisation, now) for each in made]
    waiting = ((each.record.id, each.record.timer_for) for each in found)
    timers = shared((id_, at) for id_, at in waiting if at)
    if timers:
        ports.timers.arm(timers)
    return found


def _sharing(made: _Decision, organisation: Organisation, now: datetime) -> _Decision:
    record, at = made.record, made.record.due_at
    if at is None or not may_share(at, now, hours_of(made.job.program, record.zone, organisation)):
        return made
    return replace(made, record=record.model_copy(update={"timer_for": at}))


def _let_rest(ports: Ports, made: Sequence[_Decision]) -> list[_Decision]:
    """Write the customers, then the addresses, before any invitation exists; return those that nobody came before."""
    lost = _remember(ports, [each.customer for each in made if each.customer])
    kept = [each for each in made if each.customer is None or each.customer.key not in lost]
    for each in kept:
        each.job.places.is_stamped |= each.record.state == "scheduled"
    addresses = [address for each in kept for address in each.addresses]
    lost = ports.customers.save_addresses(addresses) if addresses else set()
    return [each for each in kept if not any(address.key in lost for address in each.addresses)]


def _remember(ports: Ports, customers: Sequence[Customer]) -> set[str]:
    """Write customers; what they remember no more before that, or an erasure would not find it."""
    parted = [each.parted() for each in customers]
    past = [each for _, each in parted if each]
    if past:
        ports.customers.put_away(past)
    return ports.customers.save_many([each for each, _ in parted]) if parted else set()


def _create(ports: Ports, made: Sequence[_Decision], now: datetime) -> None:
    created = ports.invitations.create_many([each.record for each in made]) if made else set()
    for each in made:
        each.job.waits = each.record.id in created and news.hears_later(each.record)
    due = [each.record for each in made if each.record.due_at and each.record.due_at <= now]
    if due:
        ports.timers.nudge([DueKey("invitation", record.id) for record in due if record.id in created])


class _Places:
    """Holds at most one of a program's places of a day, however often the decision is made again.

    From the customer's stamp on, the place is the record's, whoever comes to write that.
    """

    def __init__(self, ports: Ports, organisation: Organisation, program: Program | None, id_: str) -> None:
        self._ports, self._zone, self._program, self._id = ports, ZoneInfo(organisation.zone), program, id_
        self._held: str | None = None
        self.is_stamped = False
        """Whether the customer was stamped by whoever holds this."""

    def within(self, decision: Ask | Skip, known: Known) -> Ask | Skip:
        """Return the decision, unless as many are asked on that day as may be; the day is that of the sending."""
        program = self._program
        if program is None or program.daily_max is None:
            return decision
        if self._was_placed(known):
            self.give_back()
            return decision
        if isinstance(decision, Skip):
            self.give_back()
            return decision
        wanted = f"{program.id}/{decision.at.astimezone(self._zone):%Y-%m-%d}"
        if self._held == wanted:
            return decision
        self.give_back()
        if not self._ports.invitations.take_place(wanted, program.daily_max, decision.at + PLACES_LAST):
            return over_the_top(program)
        self._held = wanted
        return decision

    def _was_placed(self, known: Known) -> bool:
        # Whoever stamped the customer has taken the place, and may have died since.
        return not self.is_stamped and known.customer is not None and self._id in known.customer.recent

    def give_back(self) -> None:
        """Give back what is held: somebody else decided first, or nobody is asked after all."""
        if self._held:
            self._ports.invitations.give_place_back(self._held)
        self._held = None


def _known(ports: Ports, jobs: Sequence[_Job], people: _People, now: datetime) -> list[Known]:
    """Return what is on record of whom the jobs are about; all that they were asked is read now."""
    known = [
        Known(
            people.customers.get(job.whom.customer),
            {channel: people.addresses.get(name) for channel, name in job.addresses.items()},
        )
        for job in jobs
    ]
    pairs = list(zip(jobs, known, strict=True))
    wanted = dict.fromkeys(id_ for job, each in pairs for id_ in (*_asked(job, each), *_answerable(job, each)))
    found = ports.invitations.get_many(list(wanted)) if wanted else {}
    pauses = ports.library.pauses()
    return [
        replace(
            each,
            cancelled=bool(job.cancelled),
            asked_at=_asked_at(job, each, found),
            answered_at=_answered_at(job, each, found),
            pause=pauses.stopping(job.program.id, job.closing.departments(), now) if job.program else None,
        )
        for job, each in pairs
    ]


def _asked(job: _Job, known: Known) -> list[str]:
    """Return the other invitations that asked about this episode."""
    if job.program is None or known.customer is None:
        return []
    asked = known.customer.asked_of(episode_of(job.closing, job.program.id))
    return [id_ for id_ in asked if id_ != job.whom.id]


def _asked_at(job: _Job, known: Known, found: Mapping[str, Invitation]) -> datetime | None:
    """Return when the last closing of this episode happened that was asked about."""
    others = _asked(job, known)
    sent = [found[id_] for id_ in others if id_ in found and found[id_].state not in ("skipped", "failed")]
    # What closes twice at one instant was not opened again in between: there the rest decides.
    times = [each.occurred_at for each in sent if each.occurred_at != job.closing.at]
    # One that is not there yet is being written: whoever stamped the customer will ask, where no rest says so already.
    resting = known.customer.rest_by if known.customer else None
    times += [job.closing.at for id_ in others if id_ not in found and id_ != resting]
    return max(times, default=None)


def _answerable(job: _Job, known: Known) -> list[str]:
    """Return what this customer, or somebody at one of these addresses, may have answered, where that matters."""
    if job.program is None or not job.program.rest_days_after_answer:
        return []
    asked = known.customer.recent if known.customer else ()
    return [*asked, *(each.last for each in known.addresses.values() if each and each.last)]


def _answered_at(job: _Job, known: Known, found: Mapping[str, Invitation]) -> datetime | None:
    records = (found.get(id_) for id_ in _answerable(job, known))
    return max((each.confirmed.at for each in records if each and each.confirmed), default=None)


def _answers(
    ports: Ports, jobs: Sequence[_Job], known: list[Known], organisation: Organisation, now: datetime
) -> list[Ask | Skip]:
    """Decide; `known` learns what was looked up on the way."""
    answers = [
        decide(job.closing, job.whom.target, each, organisation=organisation, now=now)
        for job, each in zip(jobs, known, strict=True)
    ]
    _look_for_news(ports, [job for job, answer in zip(jobs, answers, strict=True) if _is_hasty(job, answer, now)])
    for place, job in enumerate(jobs):
        if job.cancelled and not known[place].cancelled:
            known[place] = replace(known[place], cancelled=True)
            answers[place] = decide(job.closing, job.whom.target, known[place], organisation=organisation, now=now)
        answers[place] = job.places.within(answers[place], known[place])
    return answers


def _is_hasty(job: _Job, answer: Ask | Skip, now: datetime) -> bool:
    """Say whether an invitation may not wait for the look at the news that follows it: it leaves, or takes a place."""
    if isinstance(answer, Skip) or job.cancelled is not None:
        return False
    return answer.at <= now + news.SOON or (job.program is not None and job.program.daily_max is not None)


def _look_for_news(ports: Ports, jobs: Sequence[_Job]) -> None:
    if not jobs:
        return
    waiting = news.of(ports, [job.closing for job in jobs], consistent=False)
    for job in jobs:
        job.cancelled = any(news.covers(early, job.closing) for early in waiting[job.closing.ref.key])


def _decision(
    ports: Ports, job: _Job, known: Known, answer: Ask | Skip, organisation: Organisation, now: datetime
) -> _Decision:
    record = _record(job, answer, organisation, now)
    before = known.customer or Customer(key=job.whom.customer)
    customer = before.told(job.whom.target.contact, job.closing.at)
    if isinstance(answer, Skip) or job.program is None:
        # Whatever the reason is not to ask somebody who was forgotten, nothing leads to them.
        kept = record.model_copy(update=NAMELESS) if before.erased_at else record
        return _Decision(job, *_spared(known, record, before, customer), kept)
    rest = rest_after(answer.at, job.program, record.id)
    asked = customer.asked(record.id, rest, now, episode_of(job.closing, job.program.id))
    # A phone is stamped even where nobody rests: a text message from it answers its last invitation.
    minds_answers = any(each.rest_days_after_answer for each in organisation.programs)
    if not record.address or not (rest or answer.channel == "sms" or minds_answers):
        return _Decision(job, asked, (), record)
    address = known.addresses.get(answer.channel) or Address(key=record.address)
    return _Decision(job, asked, (address.asked(record.id, rest, now),), record)


def _record(job: _Job, answer: Ask | Skip, organisation: Organisation, now: datetime) -> Invitation:
    contact, program = job.whom.target.contact, job.program
    survey = organisation.survey(program.survey) if program else None
    channel = answer.channel if isinstance(answer, Ask) else None
    email = contact.email if channel == "email" else None
    return decided(
        job.closing,
        job.whom.target,
        answer,
        decided_at=now,
        programs=job.programs,
        customer=job.whom.customer,
        address=job.addresses.get(channel) if channel else None,
        domain=email.rpartition("@")[2].lower() if email else None,
        language=base_language(contact.language or organisation.language),
        zone=zone_of(contact, organisation),
        survey=survey.id if survey else None,
        survey_version=survey.version if survey else None,
        metric=survey.metric if survey else None,
        primary=job.primary,
        generation=organisation.trends.generation,
    )


def _spared(
    known: Known, record: Invitation, before: Customer, customer: Customer
) -> tuple[Customer | None, tuple[Address, ...]]:
    """Keep why nobody was asked; a rest that an earlier try began for this invitation ends.

    Of somebody whom we have never asked only the decision is kept, under a name that leads to nobody.
    """
    told = customer if known.customer else before
    rested = (released(told, record.id) or told).spared(record.id)
    freed = (released(address, record.id) for address in known.addresses.values() if address)
    return (
        rested.model_copy(update={"version": before.version + 1}) if rested != before else None,
        tuple(each.model_copy(update={"version": each.version + 1}) for each in freed if each),
    )
