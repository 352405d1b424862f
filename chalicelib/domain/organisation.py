"""Describe the company: departments, people, programs, promises to itself."""

from collections.abc import Collection, Iterator
from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from chalicelib.domain.calendar import HOLIDAYS_MAX, Calendar
from chalicelib.domain.event import AHEAD_MAX, CLOSINGS, Email
from chalicelib.domain.survey import Survey
from chalicelib.domain.terms import CUSTOMER, Channel, Frozen, Identifier, Instant, Name, Text, fingerprint

DEPARTMENTS_MAX = 100
PROGRAMS_MAX = 50
PAUSES_MAX = 100
TARGETS_MAX = 50
COUNTERS_MAX = 200
KEPT_MIN = timedelta(days=90)
ATTRIBUTES_MAX = 6  # of those that trends count by: each is one more counter per answer
LATE_MAX = AHEAD_MAX + timedelta(minutes=5)
"""How long before its own time an event may have been handled, by programs half a minute old on a clock that is off."""

Days = Annotated[int, Field(ge=0, le=3650)]


class Staff(Frozen):
    """Somebody who works here."""

    id: Name
    name: Name
    email: Email | None = None
    role: Name | None = None


class Sla(Frozen):
    """What a department promises to itself, in open time."""

    acknowledge: timedelta = timedelta(hours=4)
    resolve: timedelta = timedelta(hours=24)

    @model_validator(mode="after")
    def _positive(self) -> "Sla":
        if self.acknowledge <= timedelta(0) or self.resolve <= timedelta(0):
            raise ValueError("needs times longer than nothing, as in PT4H")
        return self


class Department(Frozen):
    """Who can mend what failed: its people, its head, its hours, where its alerts go."""

    id: Identifier
    name: Text
    alert_to: Annotated[tuple[Email, ...], Field(min_length=1, max_length=10)]
    head: Staff
    people: tuple[Staff, ...] = ()
    calendar: Calendar | None = None
    sla: Sla = Field(default_factory=Sla)
    language: Name | None = None


class Signature(Frozen):
    """Who signs one program's mails, and where answers to them go, where it is not who signs all of them."""

    name: Name | None = None
    reply_to: Email | None = None


class Program(Frozen):
    """Which closing asks whom, what, how and when."""

    id: Identifier
    name: Text
    on: Annotated[tuple[Name, ...], Field(min_length=1)]
    survey: Identifier
    contact: Name = CUSTOMER
    when: dict[str, list[str]] = {}
    """Attribute → its allowed values, or ranges of numbers, as in amount: [">= 50000"]."""
    unless: dict[str, list[str]] = {}
    """Attribute → values or ranges that nobody is asked about, as in reason: [spam, duplicate]."""
    channels: Annotated[tuple[Channel, ...], Field(min_length=1)] = ("email", "sms")
    sms_after_bounce: bool = False
    """Whether one text message may take the place of a mail that came back for good; `channels` must allow it."""
    delay: timedelta = timedelta(0)
    rest_days: Days = 30
    rest_days_after_answer: Days = 0
    """How long whoever has answered, this program or another, is not asked by this one; 0: only `rest_days` counts."""
    same_episode: timedelta = timedelta(days=30)
    """How long another closing of the same reference belongs to the one that was asked about."""
    daily_max: Annotated[int, Field(ge=1)] | None = None
    """How many are asked on one day; None for as many as there are."""
    paused: bool = False
    """Nobody is asked until this is taken back, and nobody is asked later about what happens until then."""
    remind_after: timedelta | None = None
    window: timedelta = timedelta(days=14)
    too_old_after: timedelta = timedelta(days=30)
    sample: Annotated[float, Field(ge=0, le=1)] = 1.0
    sender: Signature = Field(default_factory=Signature)
    hours: dict[str, list[str]] | None = None
    """When its messages may arrive, in the recipient's zone; None for the hours of the recipient's country."""

    @model_validator(mode="after")
    def _in_order(self) -> "Program":
        if min(self.delay, self.same_episode) < timedelta(0) or self.window <= timedelta(0):
            raise ValueError("delay and same_episode must not be negative, and window must be longer than nothing")
        if self.remind_after is not None and not timedelta(0) < self.remind_after < self.window:
            raise ValueError("remind_after must lie between the invitation and the end of its window")
        return self


class Hours(Frozen):
    """When people of one country may be written to, in their own zone; publishing fills in its days off."""

    zones: tuple[Name, ...] = ()
    calling_code: Annotated[str, Field(pattern=r"^\+[1-9]\d{0,3}$")] | None = None
    """How phone numbers of this country alone begin."""
    hours: dict[str, list[str]]
    holidays: Annotated[tuple[date, ...], Field(max_length=HOLIDAYS_MAX)] = ()


class Pause(Frozen):
    """Nobody is asked for a while: sending is stopped, or an incident has to be mended first."""

    id: Name
    reason: Literal["paused", "incident"]
    why: Name
    since: Instant
    until: Instant | None = None
    program: Identifier | None = None
    """Only this program's; None for every program."""
    department: Identifier | None = None
    """Only about events that this department had a part in; None for all."""
    told_at: Instant | None = None
    """When those who can end it were told, where it began by itself."""

    def stops(self, program: str, departments: Collection[str], now: datetime) -> bool:
        """Say whether this stands against asking about an event now."""
        runs = self.since <= now and (self.until is None or now < self.until)
        return runs and self.program in (None, program) and (self.department is None or self.department in departments)


class Pauses(Frozen):
    """Everything that stops asking, as one value: read with each decision and each sending."""

    version: int = 0
    pauses: Annotated[tuple[Pause, ...], Field(max_length=PAUSES_MAX)] = ()
    resumed_at: Instant | None = None
    """When sending last went on after too many mails had come back: what was sent before counts no more."""

    def stopping(self, program: str, departments: Collection[str], now: datetime) -> Pause | None:
        """Return the first pause that stands against asking about an event now."""
        return next((pause for pause in self.pauses if pause.stops(program, departments, now)), None)


class Sender(Frozen):
    """Who signs the mails and where answers to them go."""

    name: Name
    email: Email
    reply_to: Email | None = None
    sms: Name | None = None
    sms_to: tuple[Annotated[str, Field(pattern=r"^\+[1-9][0-9]{0,6}$")], ...] = ()
    """How the phones begin that text messages may go to, as in [+57]; none: wherever a customer's phone is."""


class Cause(Frozen):
    """A root cause that a case may be resolved with."""

    id: Identifier
    text: Text


class Routing(Frozen):
    """Who decides when nothing else does, and how often a case may be sent back before that."""

    arbiter: Identifier
    returns_max: Annotated[int, Field(ge=0, le=10)] = 2
    topics: dict[Identifier, dict[str, list[str]]] = {}
    """Department → language → what speaks of it: beginnings of words, or of several that stand close together in this
    order, as in logistics: {es: ["tard", "nadie avis"]}. With a full stop it is the word alone: "iva." is not Iván."""


class Target(Frozen):
    """What an indicator should come to, for a department or for everybody of a role, in the metric's own unit."""

    metric: Name
    value: float
    department: Identifier | None = None
    role: Name | None = None
    promise: Name | None = None
    """Of promises as delivered: this kind alone, as in quantity against order."""
    name: Text | None = None
    """What people call it here, where the metric's own name says too little."""

    @model_validator(mode="after")
    def _of_somebody(self) -> "Target":
        if (self.department is None) == (self.role is None):
            raise ValueError("needs a department or a role, and not both")
        return self


class Trends(Frozen):
    """What leadership may count by, beyond what everybody can."""

    attributes: Annotated[tuple[Name, ...], Field(max_length=ATTRIBUTES_MAX)] = ()
    pairs: Annotated[tuple[tuple[Name, Name], ...], Field(max_length=4)] = ()
    targets: Annotated[tuple[Target, ...], Field(max_length=TARGETS_MAX)] = ()
    generation: Annotated[int, Field(ge=0)] = 0
    """Raised by publishing whenever zone, attributes or pairs change: older items count again once they are rebuilt."""


class Breaker(Frozen):
    """When sending stops by itself: at this share of mails that came back for good, and so many at least."""

    share_max: Annotated[float, Field(gt=0, le=1)] = 0.03
    bounces_min: Annotated[int, Field(ge=1)] = 10


class Burst(Frozen):
    """When many low answers that name one driver are an incident, and whether surveys then wait."""

    answers_min: Annotated[int, Field(ge=2, le=100)]
    within: Annotated[timedelta, Field(gt=timedelta(0), le=timedelta(days=7))] = timedelta(days=1)
    pause: bool = False
    """Whether nobody is asked about what the department had a part in, until leadership closes the incident."""


class Retention(Frozen):
    """How long what is whose is kept, counted from the decision to ask or not; counters stay for ever."""

    words: timedelta = timedelta(days=730)
    """What customers wrote, and what was written about it in their cases."""
    people: timedelta = timedelta(days=1095)
    """Names, addresses and references, after the last decision about a customer."""

    @model_validator(mode="after")
    def _long_enough(self) -> "Retention":
        # A case has months, and what comes late a month: until then nothing is only kept.
        if not KEPT_MIN <= self.words <= self.people:
            raise ValueError(f"words must be kept for {KEPT_MIN.days}d at least, and people as long as words at least")
        return self


class Counter(Frozen):
    """A place whose code on the wall lets whoever stands there answer, without a name."""

    id: Identifier
    name: Text
    department: Identifier
    program: Identifier
    """Whose survey it is, and under which it counts."""
    minute_max: Annotated[int, Field(ge=1, le=60)] = 6
    """How many answer there in one minute."""
    daily_max: Annotated[int, Field(ge=1, le=10_000)] = 300
    """How many answer there on one day."""

    @property
    def ticket(self) -> str:
        """What its link names: another id makes the printed code void."""
        return fingerprint("counter", self.id)


class Webhook(Frozen):
    """Where our events go out to; its secret is kept with the other secrets, under this id."""

    id: Identifier
    url: Annotated[str, Field(pattern=r"^https://[^\s@]+$", max_length=2000)]
    kinds: tuple[Name, ...] = ()
    format: Literal["standard", "slack"] = "standard"


class Organisation(Frozen):
    """The whole company, as one file says it."""

    name: Name
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = "CO"
    zone: Name
    language: Literal["es", "en", "pt"] = "es"
    contact: Text
    """How a customer reaches people, in a sentence: shown on every page that cannot help."""
    sender: Sender
    calendar: Calendar
    departments: Annotated[tuple[Department, ...], Field(min_length=1, max_length=DEPARTMENTS_MAX)]
    leadership: Annotated[tuple[Email, ...], Field(min_length=1, max_length=20)]
    admins: tuple[Email, ...] = ()
    surveys: Annotated[tuple[Survey, ...], Field(min_length=1)]
    programs: Annotated[tuple[Program, ...], Field(max_length=PROGRAMS_MAX)] = ()
    customer_hours: dict[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], Hours] = {}
    """Country → when its people may be written to; elsewhere from 8 to 20."""
    retired_programs: tuple[Identifier, ...] = ()
    """Programs that once asked: their decisions are still looked up, so that a late duplicate changes nothing."""
    programs_since: Instant | None = None
    """Since when programs have asked about the same touchpoints and contacts; None where nobody knows."""
    retired_departments: tuple[Identifier, ...] = ()
    """Departments that once were: their cases are still looked up, until the arbiter has those that are open."""
    causes: tuple[Cause, ...] = ()
    routing: Routing
    trends: Trends = Field(default_factory=Trends)
    breaker: Breaker = Field(default_factory=Breaker)
    retention: Retention = Field(default_factory=Retention)
    counters: Annotated[tuple[Counter, ...], Field(max_length=COUNTERS_MAX)] = ()
    webhooks: tuple[Webhook, ...] = ()
    alerts_quiet: Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(hours=1))] = timedelta(minutes=5)
    """How long a mailbox that was alerted is left in peace; the alerts of that time come in one mail. 0: never."""
    incidents: Burst | None = None
    """When many low answers with one driver are an incident; None: never."""
    tell_heard: bool = False
    """Whether a customer is told "we heard you" once somebody has picked the case up."""
    tell_praise: bool = True
    """Whether who did what a customer praised, and their head, get it by mail once a week; nobody else ever does."""
    internal_domains: tuple[Name, ...] = ()
    unsigned_senders: bool = False
    """Whether a sender that cannot sign may post events with its own bearer token."""

    @model_validator(mode="after")
    def _names_known(self) -> "Organisation":
        faults = list(_faults(self))
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def department(self, id_: str | None) -> Department | None:
        """Return a department by its id; None where the file no longer has it."""
        return next((each for each in self.departments if each.id == id_), None)

    @property
    def every_department(self) -> tuple[str, ...]:
        """The ids of all departments that may lead a case, present and former."""
        present = tuple(each.id for each in self.departments)
        return (*present, *(id_ for id_ in self.retired_departments if id_ not in present))

    @property
    def staff(self) -> tuple[Staff, ...]:
        """Everybody who works here, heads first in their departments."""
        return tuple(one for department in self.departments for one in (department.head, *department.people))

    def survey(self, id_: str) -> Survey:
        """Return a survey by its id, which validation has found to exist."""
        return next(survey for survey in self.surveys if survey.id == id_)

    def survey_of_driver(self, driver: str) -> Survey | None:
        """Return a survey that words a driver; None where none does any more."""
        return next((each for each in self.surveys if driver in each.drivers), None)

    def program(self, id_: str) -> Program | None:
        """Return a program by its id; None where the file no longer has it."""
        return next((program for program in self.programs if program.id == id_), None)

    def counter(self, id_: str | None) -> Counter | None:
        """Return a counter by its id; None where the file no longer has it."""
        return next((each for each in self.counters if each.id == id_), None)

    def calendar_of(self, department: str) -> Calendar:
        """Return a department's hours: its own, else the organisation's."""
        found = self.department(department)
        return (found.calendar if found else None) or self.calendar

    def asked_alike(self, at: datetime) -> bool:
        """Say whether whatever was decided about an event of this instant was decided by programs that ask as today.

        It may have been decided a day before its own time, by a process that had yet to read what was just published.
        """
        return self.programs_since is not None and self.programs_since + LATE_MAX < at

    @property
    def asking(self) -> tuple[tuple[str, frozenset[str], str], ...]:
        """What decides whom an event is about: each program's id, touchpoints and contacts."""
        return tuple((program.id, frozenset(program.on), program.contact) for program in self.programs)

    @property
    def closings(self) -> frozenset[str]:
        """Every type of event that may ask, as configured here."""
        return CLOSINGS | {touchpoint for program in self.programs for touchpoint in program.on}


def _faults(organisation: Organisation) -> Iterator[str]:
    departments = {department.id for department in organisation.departments}
    surveys = {survey.id for survey in organisation.surveys}
    for kind, ids in (
        ("department", [each.id for each in organisation.departments]),
        ("program", [each.id for each in organisation.programs]),
        ("survey", [each.id for each in organisation.surveys]),
        ("counter", [each.id for each in organisation.counters]),
    ):
        yield from (f"{kind} {id_} is there twice" for id_ in sorted({i for i in ids if ids.count(i) > 1}))
    for program in organisation.programs:
        if program.survey not in surveys:
            yield f"program {program.id} asks survey {program.survey}; there is {', '.join(sorted(surveys))}"
    yield from _counter_faults(organisation)
    for where, id_ in _named_departments(organisation):
        if id_ not in departments:
            yield f"{where} names department {id_}; there is {', '.join(sorted(departments))}"


def _counter_faults(organisation: Organisation) -> Iterator[str]:
    programs = {program.id for program in organisation.programs}
    for counter in organisation.counters:
        if counter.program not in programs:
            yield f"counter {counter.id} names program {counter.program}; there is {', '.join(sorted(programs))}"


def _named_departments(organisation: Organisation) -> Iterator[tuple[str, str]]:
    yield "routing.arbiter", organisation.routing.arbiter
    yield from (("routing.topics", id_) for id_ in organisation.routing.topics)
    yield from ((f"counter {each.id}", each.department) for each in organisation.counters)
    yield from (("trends.targets", each.department) for each in organisation.trends.targets if each.department)
    for survey in organisation.surveys:
        for question in survey.questions:
            named = [question.department, *(option.department for option in question.options)]
            yield from ((f"survey {survey.id}, question {question.id}", id_) for id_ in named if id_)
