"""Forget what has been kept as long as it may be: words first, later names and addresses; no counter changes.

Day files list the ids of each day's decisions, so that nothing is looked for in the table. A list is gone through once
it is old enough, some of it at a time; each id is then handled by itself, and may safely be handled again.
"""

from datetime import datetime
from functools import partial
from typing import cast

from chalicelib.domain.case import Case
from chalicelib.domain.customer import Customer
from chalicelib.domain.dayfile import KEPT, kept_line
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.retention import (
    LOOK_WITHIN,
    WHATS,
    Keeping,
    What,
    after_the_case,
    end_of,
    lapsed,
    nameless,
    next_look,
    unheard,
    wordless,
    wordless_case,
)
from chalicelib.errors import Conflict
from chalicelib.flows import amend, news
from chalicelib.ports import DayFile, DueKey, Ports

EVER = "9999-99-99"
AT_ONCE_MAX = 1_000  # ids handed to the workers by one look: a few seconds of its half minute


def arm(ports: Ports, now: datetime) -> int:
    """Let what is kept be looked at, once an organisation is in force; returns how many were not looked at yet."""
    return sum(amend.persist(partial(_armed, ports, what, now)) for what in WHATS)


def _armed(ports: Ports, what: What, now: datetime) -> bool:
    if ports.library.keeping(what):
        return False
    ports.library.save_keeping(Keeping(id=what).moved(now + LOOK_WITHIN, ""))
    return True


def look(ports: Ports, id_: str, now: datetime, *, most: int = AT_ONCE_MAX) -> None:
    """Hand on the next ids whose time is over; whoever dies on the way hands them on once more."""
    found = ports.library.keeping(id_)
    if found is None or found.due_at is None or now < found.due_at:
        return
    what = cast(What, id_)
    file, end = _next(ports, found), end_of(what, ports.library.organisation(), now)
    if file and file.day < end:
        moved = _handed_on(ports, what, found, file, now, most)
    else:
        moved = found.moved(next_look(file.day if file else None, end, now), found.reached)
    try:
        ports.library.save_keeping(moved)
    except Conflict:
        return
    if moved.due == now:
        ports.timers.nudge([DueKey("keeping", id_)])


def _next(ports: Ports, keeping: Keeping) -> DayFile | None:
    first = keeping.reached.partition("day=")[2].partition("/")[0]
    return next((each for each in ports.day_files.of_days(KEPT, first, EVER) if each.name > keeping.reached), None)


def _handed_on(ports: Ports, what: What, keeping: Keeping, file: DayFile, now: datetime, most: int) -> Keeping:
    ids = sorted({line.id for line in ports.day_files.read([file])})
    part = ids[keeping.within : keeping.within + most]
    ports.timers.hand_on([DueKey(what, each) for each in part])
    done = keeping.within + len(part)
    return keeping.moved(now, file.name) if done >= len(ids) else keeping.moved(now, keeping.reached, done)


def put_off(ports: Ports, id_: str, now: datetime) -> None:
    """Look an hour later after a fault, and count it."""

    def once() -> None:
        found = ports.library.keeping(id_)
        if found and found.due_at:
            ports.library.save_keeping(found.held(now))

    amend.persist(once)


def words(ports: Ports, id_: str, now: datetime) -> None:
    """Forget what was written about one event; while its case is open it is needed, and waits another month."""
    invitation, case = _both(ports, id_)
    if invitation is None or _waits(ports, "words", invitation, case, now):
        return
    _forget_words(ports, invitation, case)


def people(ports: Ports, id_: str, now: datetime) -> None:
    """Forget whom one decision was about, and the customer if it was the last about them."""
    invitation, case = _both(ports, id_)
    if invitation is None or _waits(ports, "people", invitation, case, now):
        return
    _forget_words(ports, invitation, case)
    # The customer first: whoever dies in between finds the invitation as it was, and does it again.
    amend.persist(partial(_forget_customer, ports, invitation))
    news.forget_about(ports, invitation)
    amend.invitation(ports.invitations, id_, nameless)
    news.forget_about(ports, invitation)  # what came in between


def _both(ports: Ports, id_: str) -> tuple[Invitation | None, Case | None]:
    invitation = ports.invitations.get(id_)
    return invitation, ports.cases.get(id_) if invitation and invitation.has_case else None


def _waits(ports: Ports, what: What, invitation: Invitation, case: Case | None, now: datetime) -> bool:
    """List once more, under a later day, what an open case needs."""
    if case is None or case.state == "resolved" or invitation.erased:
        return False
    day = after_the_case(what, ports.library.organisation(), now)
    ports.day_files.hand_over([kept_line(invitation, day)])
    return True


def _forget_words(ports: Ports, invitation: Invitation, case: Case | None) -> None:
    # Each by itself, the timeline before the case that would otherwise say that all is done.
    amend.invitation(ports.invitations, invitation.id, wordless)
    if case and wordless_case(case):
        ports.cases.forget(case.id)
        amend.case(ports, case.id, wordless_case)


def _forget_customer(ports: Ports, invitation: Invitation) -> None:
    customer = ports.customers.get(invitation.customer)
    gone = lapsed(customer) if customer else None
    if customer is None or gone is None or _is_known_better(ports, customer, invitation):
        return
    for key in _addresses(ports, customer, invitation):
        amend.address(ports.customers, key, lambda found: unheard(found) if found.last in customer.recent else None)
    ports.customers.save(gone)


def _is_known_better(ports: Ports, customer: Customer, invitation: Invitation) -> bool:
    """Say whether something was decided about a customer later: their turn comes with that."""
    latest = [*customer.recent[:1], *customer.passed_over[:1]]
    others = ports.invitations.get_many([id_ for id_ in latest if id_ != invitation.id])
    return any(each.decided_at > invitation.decided_at for each in others.values())


def _addresses(ports: Ports, customer: Customer, invitation: Invitation) -> list[str]:
    keys = [invitation.address] if invitation.address else []
    keys += [ports.names.address("email", customer.email)] if customer.email else []
    keys += [ports.names.address("sms", customer.phone)] if customer.phone else []
    return list(dict.fromkeys(keys))
