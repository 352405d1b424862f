"""Gather several alerts to one mailbox into one mail; the first goes alone, at once."""

from datetime import datetime, timedelta

from chalicelib.domain.case import LEASE, Case, Notice
from chalicelib.domain.terms import Frozen, Instant

LINES_MAX = 15  # alerts of one mail; so many do not wait for the end of the quiet time

HOLD = timedelta(hours=1)


class Line(Frozen):
    """One alert: what is told, and of which case."""

    case: str
    notice: Notice


class Digest(Frozen):
    """What one mailbox is still to be told together, and until when it is left in peace.

    `first` is the alert that went alone. `told` remembers the last mail, so that a case that has not yet heard that its
    alert was taken does not have it sent again.
    """

    id: str
    version: int = 0
    first: Line | None = None
    quiet_until: Instant | None = None
    waiting: tuple[Line, ...] = ()
    told: tuple[Line, ...] = ()
    lease_until: Instant | None = None
    held_until: Instant | None = None
    faults: int = 0

    @property
    def due_at(self) -> datetime | None:
        """When the next mail leaves; None while nothing waits."""
        if not self.waiting or self.quiet_until is None:
            return None
        is_full = len(self.waiting) >= LINES_MAX
        at = min(self.quiet_until, self.waiting[LINES_MAX - 1].notice.at) if is_full else self.quiet_until
        return max(filter(None, (at, self.lease_until, self.held_until)))


def is_gathered(notice: Notice) -> bool:
    """Say whether an alert may wait for others: what a clock or many customers cause, never what a colleague did."""
    return notice.kind in ("opened", "escalation", "helping")


def mailbox(notice: Notice) -> str:
    """Return the name of the mailbox that an alert goes to: a department's, its head's, or leadership's."""
    reaches = notice.reaches or notice.rung
    if reaches == "leadership":
        return "leadership"
    return f"{notice.department}:head" if reaches == "head" else notice.department


def admit(digest: Digest, line: Line, now: datetime, quiet: timedelta) -> Digest | None:
    """Return the digest with an alert taken in, to go alone or to wait; None when it was taken in before.

    After an alert that goes alone the mailbox is left in peace for a while; what comes meanwhile waits for one mail.
    """
    if line == digest.first or line in digest.waiting or line in digest.told:
        return None
    later = {"version": digest.version + 1}
    if digest.quiet_until is None or (now >= digest.quiet_until and not digest.waiting):
        return digest.model_copy(update={**later, "first": line, "quiet_until": now + quiet})
    return digest.model_copy(update={**later, "waiting": (*digest.waiting, line)})


def claim(digest: Digest, now: datetime) -> Digest | None:
    """Return the digest leased to whoever sends its mail; None when nothing is due."""
    if digest.due_at is None or now < digest.due_at:
        return None
    return digest.model_copy(update={"version": digest.version + 1, "lease_until": now + LEASE})


def sent(digest: Digest, lines: tuple[Line, ...], now: datetime, quiet: timedelta) -> Digest:
    """Return the digest once these alerts were told, or need not be told any more; what came meanwhile waits."""
    left = tuple(line for line in digest.waiting if line not in lines)
    changes = {"version": digest.version + 1, "waiting": left, "told": lines, "lease_until": None, "faults": 0}
    return digest.model_copy(update={**changes, "quiet_until": now + quiet, "held_until": None})


def hold(digest: Digest, now: datetime) -> Digest:
    """Return a digest whose handling failed, moved ahead in time and counted."""
    later = {"held_until": now + HOLD * 2**digest.faults, "faults": digest.faults + 1}
    return digest.model_copy(update={"version": digest.version + 1, **later})


def stands(line: Line, case: Case | None) -> bool:
    """Say whether an alert is still news: nothing that a move has ended meanwhile is told."""
    notice = line.notice
    if case is not None and notice.kind == "helping":
        return notice.department in case.helping
    if case is None or case.department != notice.department:
        return False
    if notice.kind == "opened" or notice.promise == "acknowledge":
        return case.state == "open"
    return case.resolve_from is not None
