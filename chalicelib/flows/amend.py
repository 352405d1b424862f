"""Change one stored thing that others may be changing too: load, decide, write, and again on a conflict."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

from chalicelib.domain.case import Case
from chalicelib.domain.customer import Address, Customer, Kept, released
from chalicelib.domain.invitation import Invitation
from chalicelib.errors import Conflict
from chalicelib.ports import Customers, Invitations, Ports

TRIES_MAX = 8
Result = TypeVar("Result")


def invitation(
    invitations: Invitations, id_: str, change: Callable[[Invitation], Invitation | None]
) -> Invitation | None:
    """Write what `change` makes of an invitation as it is now; None from it, or no invitation, writes nothing."""

    def once() -> Invitation | None:
        before = invitations.get(id_)
        after = change(before) if before else None
        if after:
            invitations.save(after)
        return after

    return persist(once)


def customer(customers: Customers, key: str, change: Callable[[Customer], Customer | None]) -> Customer | None:
    """Write what `change` makes of a customer, new or known, as the next version."""

    def once() -> Customer | None:
        before = customers.get(key) or Customer(key=key)
        after = change(before)
        if after:
            customers.save(after.model_copy(update={"version": before.version + 1}))
        return after

    return persist(once)


def address(customers: Customers, key: str, change: Callable[[Address], Address | None]) -> Address | None:
    """Write what `change` makes of an address, new or known, as the next version."""

    def once() -> Address | None:
        before = customers.address(key) or Address(key=key)
        after = change(before)
        if after:
            customers.save_address(after.model_copy(update={"version": before.version + 1}))
        return after

    return persist(once)


def release(ports: Ports, invitation: Invitation) -> None:
    """Let nobody rest because of an invitation that will never be sent."""
    customer(ports.customers, invitation.customer, lambda found: released(found, invitation.id))
    if invitation.address:
        address(ports.customers, invitation.address, lambda found: released(found, invitation.id))


def consent(ports: Ports, customer_key: str | None, address_keys: Iterable[str], at: datetime | None, how: str) -> None:
    """Write that a customer wants no surveys, at none of these addresses, since an instant; None takes it back."""
    for key in address_keys:
        address(ports.customers, key, lambda found: _opted(found, at))
    if customer_key:
        customer(ports.customers, customer_key, lambda found: _opted_how(found, at, how))


def _opted(found: Kept, at: datetime | None) -> Kept | None:
    if (found.opted_out_at is None) == (at is None):
        return None
    return found.model_copy(update={"opted_out_at": at})


def _opted_how(found: Customer, at: datetime | None, how: str) -> Customer | None:
    opted = None if found.erased_at else _opted(found, at)
    return opted.model_copy(update={"opted_out_how": how if at else None}) if opted else None


def case(ports: Ports, id_: str, change: Callable[[Case], Case | None]) -> Case | None:
    """Write what `change` makes of a case as it is now, without a move."""

    def once() -> Case | None:
        before = ports.cases.get(id_)
        after = change(before) if before else None
        if after:
            ports.cases.save(after)
        return after

    return persist(once)


def persist(once: Callable[[], Result]) -> Result:
    """Call again while somebody else writes first; the last Conflict goes on to the caller."""
    for _ in range(TRIES_MAX - 1):
        try:
            return once()
        except Conflict:
            continue
    return once()
