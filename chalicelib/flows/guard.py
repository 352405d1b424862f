"""Stop sending when too many mails come back, tell the administrator why, and go on when told to."""

from datetime import datetime, timedelta

from chalicelib.domain.organisation import Pauses
from chalicelib.domain.rollup import ALL, DOMAIN, DOMAIN_BUCKETS, SENDING, kind_name
from chalicelib.domain.sending import REACH_DAYS, Sending, Sent, last_day, own_pause, paused, reaches, resumed, told
from chalicelib.errors import CarrierRefused, CarrierUnclear, Conflict
from chalicelib.flows import amend
from chalicelib.ports import Ports


def watch(ports: Ports, now: datetime) -> None:
    """Stop sending where too many mails came back; the administrator is told, once at least."""
    organisation, pauses = ports.library.organisation(), ports.library.pauses(fresh=True)
    sent = _sent(ports, pauses, now)
    stopped = paused(pauses, sent, organisation.breaker, now)
    try:
        if stopped:
            ports.library.save_pauses(stopped)
        pauses = stopped or pauses
        pause = own_pause(pauses)
        if pause and pause.told_at is None:
            ports.carrier.mail(ports.messages.paused(sent, organisation))
            ports.library.save_pauses(told(pauses, now))
    except (Conflict, CarrierRefused, CarrierUnclear):
        return  # looked at again within minutes: until then who must know may be told twice, never not at all


def resume(ports: Ports, now: datetime) -> bool:
    """Let sending go on; False where it was not stopped."""

    def once() -> bool:
        after = resumed(ports.library.pauses(fresh=True), now)
        if after:
            ports.library.save_pauses(after)
        return after is not None

    return amend.persist(once)


def look(ports: Ports, now: datetime) -> Sending:
    """Return how sending goes."""
    pauses = ports.library.pauses(fresh=True)
    first, last = (now - timedelta(days=REACH_DAYS)).date().isoformat(), now.date().isoformat()
    days: dict[str, dict[str, int]] = {}
    for bucket in range(DOMAIN_BUCKETS):
        for day, counts in ports.counters.series(_kind(ports), DOMAIN, str(bucket), first, last).items():
            days[f"{day}#{bucket}"] = counts
    return Sending(_sent(ports, pauses, now), own_pause(pauses), reaches(days))


def _sent(ports: Ports, pauses: Pauses, now: datetime) -> Sent:
    first, last = (now - timedelta(days=1)).date().isoformat(), now.date().isoformat()
    return last_day(ports.counters.series(_kind(ports), ALL, ALL, first, last), now, pauses.resumed_at)


def _kind(ports: Ports) -> str:
    return kind_name(SENDING, ports.library.organisation().trends.generation)
