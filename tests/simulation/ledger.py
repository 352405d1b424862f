"""Remember what the world knows to be true, without asking the product: what was said, done and handed over."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chalicelib.domain.case import Case, Entry, Notice
from chalicelib.domain.customer import Address, Customer
from chalicelib.domain.digest import Line
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.organisation import Organisation


class Violation(BaseException):
    """An invariant does not hold. No flow may swallow this."""

    def __init__(self, number: int, name: str, detail: str) -> None:
        super().__init__(f"invariant {number}, {name}: {detail}")
        self.number, self.name, self.detail = number, name, detail


@dataclass(frozen=True)
class InvitationWrite:
    """One write of an invitation."""

    before: Invitation | None
    after: Invitation


@dataclass(frozen=True)
class CaseWrite:
    """One write of a case, with the line of its timeline."""

    before: Case | None
    after: Case
    entry: Entry | None


@dataclass(frozen=True)
class NameWrite:
    """One write of a person or of an address."""

    before: Customer | Address | None
    after: Customer | Address


@dataclass
class Handed:
    """A message that a carrier took, or may have taken."""

    kind: str
    about: str
    to: tuple[str, ...]
    at: datetime
    tags: dict[str, str]
    taken: bool


AlertKey = tuple[str, str, str, str, str]
"""Names one alert of a case: to which department, about which promise and rung, how high it goes, and since when."""


def key_of(notice: Notice) -> AlertKey:
    """Return what tells an alert of a case from its others of that kind."""
    promise, rung, reaches = notice.promise or "", notice.rung or "", notice.reaches or ""
    return notice.department, promise, rung, reaches, notice.at.isoformat()


def key_in(handed: Handed) -> AlertKey:
    """Return the same of an alert that was handed over."""
    department, promise, rung, reaches, at = (handed.tags[name] for name in ALERT_TAGS)
    return department, promise, rung, reaches, at


ALERT_TAGS = ("department", "promise", "rung", "reaches", "at")


def lines_of(handed: Handed) -> list[Line]:
    """Return the alerts that a digest holds."""
    return [Line.model_validate_json(line) for line in handed.tags["lines"].split("\n")]


@dataclass
class Said:
    """One filled-in form, as the person remembers it: what the answer was, and whether it was acknowledged."""

    rating: int
    press: str
    at: datetime
    start: int
    end: int = 0
    acknowledged: bool = False


@dataclass
class Ledger:
    """Everything that the oracles know, by plain names; a number is the tick at which something was complete."""

    organisations: list[tuple[datetime, Organisation]] = field(default_factory=list)
    accepted: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    accepted_at: dict[tuple[str, str], datetime] = field(default_factory=dict)
    posted: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    handed: list[Handed] = field(default_factory=list)
    by_invitation: dict[tuple[str, str], list[Handed]] = field(default_factory=dict)
    asked: dict[str, list[tuple[datetime, datetime, str]]] = field(default_factory=dict)
    """Person or address → the rests that invitations handed over have begun: from, until, because of which."""
    planned: dict[str, tuple[datetime, float]] = field(default_factory=dict)
    opted_out: dict[str, int] = field(default_factory=dict)
    suppressed: dict[str, int] = field(default_factory=dict)
    returned: set[str] = field(default_factory=set)
    """Addresses whose mail came back for good, as far as any worker may know."""
    erased: dict[str, int] = field(default_factory=dict)
    erasing: set[str] = field(default_factory=set)
    cancelled_events: dict[tuple[str, str], int] = field(default_factory=dict)
    cancelled_references: dict[tuple[str, str], list[tuple[int, datetime | None]]] = field(default_factory=dict)
    """Reference and customer → when each cancellation was complete, and until when what happened is cancelled."""
    fulfilled: dict[tuple[str, str], list[tuple[str, str, str, object]]] = field(default_factory=dict)
    confirmed_at_tick: dict[str, int] = field(default_factory=dict)
    ever_low: set[str] = field(default_factory=set)
    said: dict[str, list[Said]] = field(default_factory=dict)
    opened: dict[str, set[int]] = field(default_factory=dict)
    """Invitation → the ratings whose links were opened, as far as the notes of it have been handled."""
    words: dict[str, set[str]] = field(default_factory=dict)
    moved_at_tick: dict[str, int] = field(default_factory=dict)
    event_of: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Invitation → the event that it is about, remembered also after an erasure."""
