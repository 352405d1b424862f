"""Take the due step of whatever a timer names."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import ModuleType

from chalicelib.domain.invitation import Invitation
from chalicelib.domain.sending import BREAKER
from chalicelib.domain.timer import TRIES_MAX, Timer, again
from chalicelib.flows import alert, collect, deliver, guard, recover
from chalicelib.ports import LETTERS, Due, DueKey, Ports

WATCH_MINUTES = 5
WATCH = DueKey("sending", BREAKER)
CLOCKS_APART = timedelta(minutes=10)
SELDOM = ("weekly", "keeping", "words", "people", "letters")
SWEEP_MAX = 20_000  # keys and shared timers handed on by one sweep; the next goes on with the rest


def sweep(ports: Ports, now: datetime) -> int:
    """Hand everything that is due to the workers, from the beginning of time; returns how much that is."""
    found = list(ports.timers.due(now, SWEEP_MAX))
    ports.timers.nudge(found)
    if now.minute % WATCH_MINUTES == 0:
        ports.timers.nudge([WATCH])  # by a worker: whoever only sweeps may neither read counters nor send
    if now.minute == 0:
        ports.timers.nudge([LETTERS])
    return sum(len(each.ids) if isinstance(each, Timer) else 1 for each in found)


def take(ports: Ports, what: Due | DueKey | Timer, now: datetime) -> Sequence[Exception]:
    """Take the due step of each of what a message names.

    What raises is moved an hour ahead and holds up no other. Returns what went wrong; raises it where nothing went
    well, or where somebody has to look at what was taken once more.
    """
    due = _due(what)
    if due.kind == "invitation":
        return _take_invitations(ports, due, now)
    (id_,) = due.ids
    try:
        _take_single(ports, due.kind, id_, now)
    except Exception:
        _put_off(ports, due.kind, id_, now)
        raise
    return ()


def _due(what: Due | DueKey | Timer) -> Due:
    if isinstance(what, Timer):
        return Due("invitation", what.ids, timer=what)
    return Due(what.kind, (what.id,)) if isinstance(what, DueKey) else what


def _take_single(ports: Ports, kind: str, id_: str, now: datetime) -> None:
    if kind == "sending":
        guard.watch(ports, now)
    elif kind == "case":
        recover.work(ports, id_, now)
    elif kind in SELDOM:
        _seldom(ports, kind, id_, now)
    else:
        alert.flush(ports, id_, now)


def _seldom(ports: Ports, kind: str, id_: str, now: datetime) -> None:
    if kind == "weekly":
        _weekly().tell(ports, id_, now)
    elif kind == "letters":
        _letters().look(ports, now)
    elif kind == "keeping":
        _expire().look(ports, id_, now)
    elif kind == "words":
        _expire().words(ports, id_, now)
    else:
        _expire().people(ports, id_, now)


def _put_off(ports: Ports, kind: str, id_: str, now: datetime) -> None:
    if kind == "case":
        recover.put_off(ports, id_, now)
    elif kind == "digest":
        alert.put_off(ports, id_, now)
    elif kind == "weekly":
        _weekly().put_off(ports, id_, now)
    elif kind == "keeping":
        _expire().put_off(ports, id_, now)


def _weekly() -> ModuleType:
    from chalicelib.flows import weekly  # here, so that who sends a survey loads nothing of trends

    return weekly


def _expire() -> ModuleType:
    from chalicelib.flows import expire  # here, so that who sends a survey loads nothing of retention

    return expire


def _letters() -> ModuleType:
    from chalicelib.flows import letters  # here, as above

    return letters


# Invitations, many at once


def _take_invitations(ports: Ports, due: Due, now: datetime) -> Sequence[Exception]:
    errors: dict[str, Exception] = {}
    found = _found(ports, due, errors)
    for each in list(found.values()):
        if due.name and each.taken_by == due.name:
            # This message comes again: whoever had it died, or could not say what became of what it took.
            found[each.id] = deliver.doubt(ports, each.id, due.name) or each
    waiting = [each for each in found.values() if each.due_at and now >= each.due_at]
    answered = [each for each in waiting if each.confirm_at and now >= each.confirm_at]
    for each in answered:
        _confirm(ports, each.id, now, errors)
    done = deliver.send_many(ports, [each for each in waiting if each not in answered], now, due.name)
    errors |= done.errors
    known: dict[str, Invitation | None] = {**found, **done.now}
    # Somebody else is at it, or it cannot be read: looked at again, where a shared timer names it.
    at_it = {each.id for each in waiting} - set(done.now) - {each.id for each in answered}
    known |= dict.fromkeys([*at_it, *(errors.keys() - found.keys())])
    early = [each.id for each in found.values() if each.due_at and now < each.due_at < now + CLOCKS_APART]
    _look_back(ports, due, early)
    held = {id_: _held(ports, id_, now) for id_ in errors}
    told = [*errors.values(), *_ended(ports, due, known | {id_: each for id_, each in held.items() if each}, now)]
    if set(errors) == set(due.ids):
        raise told[0]
    return told


def _look_back(ports: Ports, due: Due, early: Sequence[str]) -> None:
    """Look once more at what our clock finds early: with another clock, this very message may have come to it too."""
    if due.name and early:
        for each in ports.invitations.get_many(early).values():
            if each.taken_by == due.name:
                deliver.doubt(ports, each.id, due.name)


def _found(ports: Ports, due: Due, errors: dict[str, Exception]) -> dict[str, Invitation]:
    """Read invitations together; one that cannot be read holds up no other.

    What a shared timer names was there minutes ago, and a claim says what has changed since: so that read may be a
    second behind. What was nudged has just been written.
    """
    try:
        return ports.invitations.get_many(due.ids, consistent=due.timer is None)
    except Exception as error:
        if len(due.ids) > 1:
            alone = (replace(due, ids=(id_,)) for id_ in due.ids)
            return {name: each for one in alone for name, each in _found(ports, one, errors).items()}
        errors[due.ids[0]] = error
        return {}


def _confirm(ports: Ports, id_: str, now: datetime, errors: dict[str, Exception]) -> None:
    try:
        collect.confirm_due(ports, id_, now)
    except Exception as error:
        errors[id_] = error


def _held(ports: Ports, id_: str, now: datetime) -> Invitation | None:
    """Move what went wrong an hour ahead; where even that goes wrong, the next sweep comes upon it again."""
    try:
        return deliver.put_off(ports, id_, now)
    except Exception:
        return None


def _ended(ports: Ports, due: Due, known: Mapping[str, Invitation | None], now: datetime) -> Sequence[Exception]:
    """Let the shared timer that led here go, once whoever still waits for it has another.

    `known` has None for what is there in a state that we do not know, and nothing for what is not there.
    """
    if due.timer is None:
        return ()
    left = [id_ for id_ in due.ids if _waits(id_, known, due.timer)]
    try:
        later = again(due.timer, left, now)
        if later:
            ports.timers.arm([later])
        ports.timers.disarm(due.timer)
    except Exception as error:  # it is found again in a minute; what was taken is settled
        return (error,)
    return ()


def _waits(id_: str, known: Mapping[str, Invitation | None], timer: Timer) -> bool:
    if id_ not in known:
        return timer.tries < TRIES_MAX
    invitation = known[id_]
    if invitation is None:
        return True
    # What has been taken may wait for another shared timer already, that of its reminder.
    is_own = invitation.timer_for is not None and invitation.timer_for <= timer.at
    return is_own and invitation.needs_timer
