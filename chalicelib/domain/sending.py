"""Say when too many mails come back to go on sending: carriers shut out whoever does."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chalicelib.domain.organisation import Breaker, Pause, Pauses
from chalicelib.domain.rollup import hour_name

BREAKER = "breaker"
"""The pause that begins by itself, and ends when somebody ends it."""

HOURS = 24  # of the window, the present one included
REACH_DAYS = 30
DOMAIN_OPENED_MIN = 5  # fewer might tell of one person

Days = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Sent:
    """Mails of the last 24 hours, and how many of them came back for good."""

    mails: int
    bounced: int

    @property
    def share(self) -> float:
        """The share that came back, 0 to 1."""
        return self.bounced / self.mails if self.mails else 0.0


@dataclass(frozen=True)
class Reach:
    """How often links were opened at one recipient domain, and how often a machine gave itself away there."""

    domain: str
    opened: int
    scanned: int

    @property
    def share(self) -> float:
        """The share of opened invitations that a machine opened, 0 to 1."""
        return self.scanned / self.opened


@dataclass(frozen=True)
class Sending:
    """How sending goes: the last day, the breaker's pause while there is one, and who opens links where."""

    sent: Sent
    pause: Pause | None
    reaches: tuple[Reach, ...]


def last_day(days: Days, now: datetime, since: datetime | None) -> Sent:
    """Return what left in the last 24 hours, in whole UTC hours that began after `since`.

    A mail counts in the hour in which it left, also when it comes back later.
    """
    hours = [(counts, hour) for hour in _hours(now, since) if (counts := days.get(hour.date().isoformat()))]
    mails, bounced = (
        sum(counts.get(hour_name(what, hour), 0) for counts, hour in hours) for what in ("sent", "bounced")
    )
    return Sent(mails, bounced)


def _hours(now: datetime, since: datetime | None) -> Iterator[datetime]:
    first = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    hours = (first - timedelta(hours=back) for back in range(HOURS))
    return (hour for hour in hours if since is None or hour > since)


def is_too_much(sent: Sent, breaker: Breaker) -> bool:
    """Say whether so many mails came back that sending has to stop."""
    return sent.bounced >= breaker.bounces_min and sent.share >= breaker.share_max


def paused(pauses: Pauses, sent: Sent, breaker: Breaker, now: datetime) -> Pauses | None:
    """Return the pauses with one more where too many mails came back; None where nothing changes."""
    if own_pause(pauses) or not is_too_much(sent, breaker):
        return None
    why = f"{sent.bounced} of {sent.mails} mails of the last 24 h came back for good, {sent.share:.1%}"
    pause = Pause(id=BREAKER, reason="paused", why=f"{why}; the limit is {breaker.share_max:.1%}", since=now)
    return pauses.model_copy(update={"version": pauses.version + 1, "pauses": (pause, *pauses.pauses)})


def told(pauses: Pauses, at: datetime) -> Pauses:
    """Return the pauses once the administrator knows of the breaker's own."""
    known = tuple(each.model_copy(update={"told_at": at}) if each.id == BREAKER else each for each in pauses.pauses)
    return pauses.model_copy(update={"version": pauses.version + 1, "pauses": known})


def resumed(pauses: Pauses, now: datetime) -> Pauses | None:
    """Return the pauses without the breaker's own: what was sent before counts no more. None where there is none."""
    if own_pause(pauses) is None:
        return None
    others = tuple(pause for pause in pauses.pauses if pause.id != BREAKER)
    return pauses.model_copy(update={"version": pauses.version + 1, "pauses": others, "resumed_at": now})


def own_pause(pauses: Pauses) -> Pause | None:
    """Return the breaker's own pause, while there is one."""
    return next((pause for pause in pauses.pauses if pause.id == BREAKER), None)


def reaches(days: Days) -> tuple[Reach, ...]:
    """Return recipient domains by the share of their opened invitations that a machine opened, the largest first."""
    counts: dict[str, dict[str, int]] = {}
    for day in days.values():
        for name, count in day.items():
            what, _, domain = name.partition(".")
            named = counts.setdefault(domain, {})
            named[what] = named.get(what, 0) + count
    found = (Reach(domain, each.get("opened", 0), each.get("scanned", 0)) for domain, each in counts.items())
    shown = (reach for reach in found if reach.opened >= DOMAIN_OPENED_MIN)
    return tuple(sorted(shown, key=lambda reach: (-reach.share, -reach.opened, reach.domain)))
