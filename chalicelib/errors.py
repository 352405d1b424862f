"""Say what can go wrong, each with its facts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


class LazoError(Exception):
    """Anything that Lazo itself refuses or cannot do."""


class NeverOpen(LazoError):
    """A calendar has no open time in the coming 366 days."""


@dataclass(frozen=True)
class Problem:
    """One fault in what was given: where (a JSON pointer) and how to mend it."""

    pointer: str
    detail: str


class Invalid(LazoError):
    """What was given cannot be used; `problems` says where and why."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(": ".join(filter(None, (each.pointer, each.detail))) for each in problems))
        self.problems = problems


class Unauthenticated(LazoError):
    """Nobody vouches for this request: no signature, a wrong or a stale one, no token."""


class Forbidden(LazoError):
    """The reader is known, but this is not for that role."""


class NotFound(LazoError):
    """There is no such thing, or not for this reader."""


class BadLink(LazoError):
    """A link's token is malformed, forged or made for another purpose."""


class LinkExpired(LazoError):
    """A link was good until `expired_at`."""

    def __init__(self, expired_at: datetime) -> None:
        super().__init__(f"expired at {expired_at.isoformat()}")
        self.expired_at = expired_at


class Conflict(LazoError):
    """Somebody else wrote first; load again and decide anew."""


class MoveForbidden(LazoError):
    """A case's state does not allow this move."""

    def __init__(self, move: str, state: str, allowed: tuple[str, ...]) -> None:
        super().__init__(f"{move} is not possible while the case is {state}; possible: {', '.join(allowed) or 'none'}")
        self.move, self.state, self.allowed = move, state, allowed


class CarrierRefused(LazoError):
    """A carrier said plainly that it did not take the message; `permanent` says that it never will."""

    def __init__(self, detail: str, *, permanent: bool) -> None:
        super().__init__(detail)
        self.permanent = permanent


class CarrierUnclear(LazoError):
    """Nobody knows whether the carrier took the message: a time-out, a 5xx, a lost reply."""


class TooLarge(LazoError):
    """What was given is larger than anything that we take."""


class PreconditionMissing(LazoError):
    """A move needs the version that it was decided on (If-Match)."""


class Overloaded(LazoError):
    """A store or a queue did not take or give everything that it was asked for, even when asked again."""


class Unwritten(Overloaded):
    """Of things that are written together some could not be: which, and which lost to another writer.

    The others are written.
    """

    def __init__(self, detail: str, names: Iterable[str], lost: Iterable[str]) -> None:
        super().__init__(detail)
        self.names, self.lost = frozenset(names), frozenset(lost)
