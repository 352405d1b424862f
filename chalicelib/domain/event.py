"""Read what happened in the business: a closing, its cancellation, a promise fulfilled."""

import re
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from chalicelib.domain.calendar import known_zone
from chalicelib.domain.terms import CUSTOMER, NAME_MAX, Frozen, Instant, Name, fingerprint
from chalicelib.errors import Invalid, Problem

CONTACTS_MAX = 20
PEOPLE_MAX = 20
PROMISES_MAX = 20
ATTRIBUTES_MAX = 30
EVENT_BYTES_MAX = 64 * 1024
AHEAD_MAX = timedelta(days=1)  # clocks differ; an event of next year is a mistake
CLOSINGS = frozenset({"sale.closed", "ticket.closed"})
"""The closings that everybody has; an organisation may configure more."""

_ADDRESS = re.compile(r"^[^@\s\x00-\x1f\x7f<>(),;:\\\"\[\]]+@[^@\s\x00-\x1f\x7f<>(),;:\\\"\[\]]+\.[^@\s.]{2,}$")
_PHONE = re.compile(r"^\+[1-9]\d{6,14}$")


def _email(text: str) -> str:
    local, _, domain = text.rpartition("@")
    if len(text) > 254 or len(local) > 64 or not _ADDRESS.match(text) or ".." in domain:
        raise ValueError("must be one e-mail address, as in lucia@example.com, of at most 254 characters")
    return text


def _phone(text: str) -> str:
    digits = re.sub(r"[ ().\-]", "", text)
    if not _PHONE.match(digits):
        raise ValueError("must be a phone number with its country, as in +573001234567")
    return digits


Email = Annotated[str, AfterValidator(_email)]
Phone = Annotated[str, AfterValidator(_phone)]


class _Given(BaseModel):
    # What a CRM sends beyond the contract is not ours to refuse, nor to keep.
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_absent(cls, given: Any) -> Any:
        # A helpdesk's template writes "" where it has nothing to say.
        return {name: value for name, value in given.items() if value != ""} if isinstance(given, dict) else given


class Contact(_Given):
    """Somebody who can be asked: the customer, or another by role (who uses, who was hired)."""

    id: Name
    role: Name = CUSTOMER
    name: Name | None = None
    email: Email | None = None
    phone: Phone | None = None
    language: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$")] | None = None
    timezone: Annotated[Name, AfterValidator(known_zone)] | None = None


class Account(_Given):
    """The company that the customer belongs to."""

    id: Name
    name: Name | None = None


class Person(Frozen):
    """One of ours who was responsible, frozen with the event."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    id: Name
    name: Name | None = None
    department: Name | None = None
    role: Name | None = None


class Promise(Frozen):
    """What was promised and what was delivered: two instants, or two numbers and which is better."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    kind: Name
    department: Name | None = None
    promised: Instant | float
    fulfilled: Instant | float | None = None
    better: Literal["higher", "lower"] | None = None

    @model_validator(mode="after")
    def _alike(self) -> "Promise":
        if isinstance(self.promised, float) and self.better is None:
            raise ValueError("a promise of a number needs `better`: higher or lower")
        if self.fulfilled is not None and isinstance(self.fulfilled, float) != isinstance(self.promised, float):
            raise ValueError("promised and fulfilled must both be instants or both be numbers")
        return self

    def kept(self, now: datetime) -> bool | None:
        """Say whether the promise was kept; None while nobody can know."""
        if isinstance(self.promised, float):
            return self._number_kept()
        if isinstance(self.fulfilled, datetime):
            return self.fulfilled <= self.promised
        return False if now > self.promised else None

    def _number_kept(self) -> bool | None:
        if not isinstance(self.fulfilled, float) or not isinstance(self.promised, float):
            return None
        return self.fulfilled >= self.promised if self.better == "higher" else self.fulfilled <= self.promised


class EventRef(Frozen):
    """The name of an event, for ever: who sent it and what it was called there."""

    source: Name
    id: Name

    @property
    def key(self) -> str:
        """The key under which early news of this event waits for it."""
        return fingerprint(self.source, self.id)


class Closing(Frozen):
    """A sale, a ticket, a delivery … came to its end: a moment worth asking about."""

    ref: EventRef
    touchpoint: Name
    at: Instant
    customer: Contact
    contacts: tuple[Contact, ...] = ()
    account: Account | None = None
    reference: Name | None = None
    department: Name | None = None
    people: tuple[Person, ...] = ()
    attributes: dict[str, str] = {}
    promises: tuple[Promise, ...] = ()

    def departments(self) -> tuple[str, ...]:
        """Every department frozen with the event, its own first, none twice."""
        named = [self.department, *(p.department for p in self.people), *(p.department for p in self.promises)]
        return tuple(dict.fromkeys(name for name in named if name))


class Cancellation(Frozen):
    """A closing was not one: the sale was cancelled, the ticket reopened."""

    ref: EventRef
    at: Instant
    event: EventRef | None = None
    reference: Name | None = None
    customer_id: Name | None = None
    reopened: bool = False
    """A ticket that was opened again may close again under the same reference; a cancelled sale stays cancelled."""


class Fulfilment(Frozen):
    """What an earlier event promised has been delivered."""

    ref: EventRef
    at: Instant
    event: EventRef
    kind: Name
    fulfilled: Instant | float


class Delivered(Frozen):
    """What stays known of a fulfilment: enough to tell it from others and to order it, naming neither event."""

    news: str
    at: Instant
    kind: Name
    fulfilled: Instant | float

    @model_validator(mode="before")
    @classmethod
    def _of_a_fulfilment(cls, data: Any) -> Any:
        """Read what was kept with the names of its events."""
        if isinstance(data, dict) and "ref" in data:
            return {"news": EventRef.model_validate(data["ref"]).key} | {
                name: data[name] for name in data.keys() - {"ref", "event"}
            }
        return data


Event = Closing | Cancellation | Fulfilment


class _Envelope(_Given):
    specversion: Literal["1.0"]
    id: Name
    source: Name
    type: Name
    time: Instant
    data: dict[str, Any]


class _Closed(_Given):
    customer: Contact
    contacts: Annotated[tuple[Contact, ...], Field(max_length=CONTACTS_MAX)] = ()
    account: Account | None = None
    reference: Name | None = None
    department: Name | None = None
    people: Annotated[tuple[Person, ...], Field(max_length=PEOPLE_MAX)] = ()
    attributes: Annotated[dict[Name, str | bool | float], Field(max_length=ATTRIBUTES_MAX)] = {}
    promises: Annotated[tuple[Promise, ...], Field(max_length=PROMISES_MAX)] = ()

    @field_validator("customer")
    @classmethod
    def _reachable(cls, customer: Contact) -> Contact:
        if not customer.email and not customer.phone:
            raise ValueError("needs an email or a phone")
        return customer


class _CustomerRef(_Given):
    id: Name


class _Cancelled(_Given):
    event: EventRef | None = None
    reference: Name | None = None
    customer: _CustomerRef | None = None

    @model_validator(mode="after")
    def _named(self) -> "_Cancelled":
        if not self.event and not (self.reference and self.customer):
            raise ValueError("needs `event` (source and id), or `reference` and `customer`")
        return self


class _Fulfilled(_Given):
    event: EventRef
    kind: Name
    fulfilled: Instant | float


SHAPES: dict[str, type[BaseModel]] = {
    "envelope": _Envelope,
    "closing": _Closed,
    "cancellation": _Cancelled,
    "fulfilment": _Fulfilled,
}
"""What an event looks like, and what its `data` holds by kind: for the API's description."""

CANCELLATIONS = frozenset({"sale.cancelled", "ticket.reopened"})
FULFILMENT = "promise.fulfilled"


def parse_event(raw: object, *, closings: frozenset[str], now: datetime) -> Event:
    """Return the event that a CloudEvent in JSON tells of.

    `closings` are the types that the organisation asks about or records. Raises Invalid with a JSON pointer for
    each fault.
    """
    envelope = _checked(_Envelope, raw, "")
    if envelope.time > now + AHEAD_MAX:
        raise Invalid(Problem("/time", f"lies in the future; it is {now.isoformat()} here"))
    ref = EventRef(source=envelope.source, id=envelope.id)
    if envelope.type == FULFILMENT:
        return _fulfilment(ref, envelope)
    if envelope.type in CANCELLATIONS:
        return _cancellation(ref, envelope)
    if envelope.type in closings | CLOSINGS:
        return _closing(ref, envelope)
    known = ", ".join(sorted(closings | CLOSINGS | CANCELLATIONS | {FULFILMENT}))
    raise Invalid(Problem("/type", f"is not one of {known}"))


def _closing(ref: EventRef, envelope: _Envelope) -> Closing:
    data = _checked(_Closed, envelope.data, "/data")
    given = {name: getattr(data, name) for name in _Closed.model_fields if name != "attributes"}
    attributes = {name: _plain(value) for name, value in data.attributes.items()}
    return Closing(ref=ref, touchpoint=envelope.type, at=envelope.time, attributes=attributes, **given)


def _cancellation(ref: EventRef, envelope: _Envelope) -> Cancellation:
    data = _checked(_Cancelled, envelope.data, "/data")
    customer_id = data.customer.id if data.customer else None
    return Cancellation(
        ref=ref,
        at=envelope.time,
        event=data.event,
        reference=data.reference,
        customer_id=customer_id,
        reopened=envelope.type == "ticket.reopened",
    )


def _fulfilment(ref: EventRef, envelope: _Envelope) -> Fulfilment:
    data = _checked(_Fulfilled, envelope.data, "/data")
    return Fulfilment(ref=ref, at=envelope.time, event=data.event, kind=data.kind, fulfilled=data.fulfilled)


def _plain(value: str | bool | float) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    # Every digit of an amount: rules compare it.
    return (f"{value:.15g}" if isinstance(value, float) else value)[:NAME_MAX]


_Model = TypeVar("_Model", bound=BaseModel)


def _checked(model: type[_Model], raw: object, pointer: str) -> _Model:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        problems = [problem_of(fault, pointer) for fault in error.errors()]
    # Raised outside: as the cause it would hold the whole call, and that held by it is never freed.
    raise Invalid(*problems)


_UNIONS = {"float", "function-after[aware_utc(), datetime]", "datetime", "str", "bool", "constrained-str"}


def problem_of(fault: Any, pointer: str = "") -> Problem:
    """Return a pydantic fault as a problem with a JSON pointer and a sentence."""
    steps = [str(step) for step in fault["loc"] if str(step) not in _UNIONS]
    detail = fault["msg"].removeprefix("Value error, ")
    return Problem(pointer + "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in steps), detail)


_NAMING = ("specversion", "id", "source", "type", "time")
_PLAIN = re.compile(r"(?!\+)[\w./:+-]{1,200}", re.ASCII)  # neither an e-mail address nor a phone number
_QUOTED = re.compile(r"^(['\"]).*\1 is", re.DOTALL)
_DEPTH_MAX = 10
_MODELS: tuple[type[BaseModel], ...] = (*SHAPES.values(), _CustomerRef, Contact, Account, Person, Promise, EventRef)
_FIELDS = frozenset(name for model in _MODELS for name in model.model_fields)


def bare(raw: object) -> object:
    """Return what a refused event says of itself, and the shape of all else: nothing in it leads to a person."""
    named = raw if isinstance(raw, dict) else {}
    kept = {name: said for name in _NAMING if isinstance(said := named.get(name), str) and _PLAIN.fullmatch(said)}
    shape = _shape(raw, _DEPTH_MAX)
    return {**shape, **kept} if isinstance(shape, dict) else shape


def _shape(given: object, depth: int) -> object:
    if isinstance(given, dict | list) and not depth:
        return "<more>"
    if isinstance(given, dict):
        return {_field(name, place): _shape(said, depth - 1) for place, (name, said) in enumerate(given.items(), 1)}
    if isinstance(given, list):
        return [_shape(each, depth - 1) for each in given]
    return _scalar(given)


def _scalar(given: object) -> object:
    if given is None or isinstance(given, bool):
        return given
    return f"<text of {len(given)}>" if isinstance(given, str) else "<number>"


def _field(name: str, place: int) -> str:
    return name if name in _FIELDS else f"<name {place}>"


def bare_problem(problem: Problem) -> Problem:
    """Return what is wrong with an event without anything that it said: a name in the pointer, a word quoted."""
    steps = (step if step in _FIELDS or step.isdigit() else "*" for step in problem.pointer.split("/")[1:])
    return Problem("".join(f"/{step}" for step in steps), _QUOTED.sub("this is", problem.detail))
