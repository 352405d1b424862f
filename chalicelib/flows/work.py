"""Take the due step of whatever a timer names."""

from datetime import datetime
from types import ModuleType

from chalicelib.domain.sending import BREAKER
from chalicelib.flows import alert, collect, deliver, guard, recover
from chalicelib.ports import DueKey, Ports

WATCH_MINUTES = 5
WATCH = DueKey("sending", BREAKER)
SWEEP_MAX = 20_000  # keys handed on by one sweep; the next goes on with the rest


def sweep(ports: Ports, now: datetime) -> int:
    """Hand everything that is due to the workers, from the beginning of time; returns how many keys."""
    keys = list(ports.timers.due(now, SWEEP_MAX))
    ports.timers.nudge(keys)
    if now.minute % WATCH_MINUTES == 0:
        ports.timers.nudge([WATCH])  # by a worker: whoever only sweeps may neither read counters nor send
    return len(keys)


def take(ports: Ports, key: DueKey, now: datetime) -> None:
    """Take one due step; what raises is moved an hour ahead before the error goes on."""
    try:
        _take(ports, key, now)
    except Exception:
        _put_off(ports, key, now)
        raise


def _take(ports: Ports, key: DueKey, now: datetime) -> None:
    if key.kind == "sending":
        guard.watch(ports, now)
        return
    if key.kind == "case":
        recover.work(ports, key.id, now)
        return
    if key.kind == "digest":
        alert.flush(ports, key.id, now)
        return
    if key.kind == "weekly":
        _weekly().tell(ports, key.id, now)
        return
    invitation = ports.invitations.get(key.id)
    if invitation and invitation.confirm_at and now >= invitation.confirm_at:
        collect.confirm_due(ports, key.id, now)
    else:
        deliver.send(ports, key.id, now, invitation)


def _put_off(ports: Ports, key: DueKey, now: datetime) -> None:
    if key.kind == "case":
        recover.put_off(ports, key.id, now)
    elif key.kind == "digest":
        alert.put_off(ports, key.id, now)
    elif key.kind == "weekly":
        _weekly().put_off(ports, key.id, now)
    elif key.kind == "invitation":
        deliver.put_off(ports, key.id, now)


def _weekly() -> ModuleType:
    from chalicelib.flows import weekly  # here, so that who sends a survey loads nothing of trends

    return weekly
