"""Tell what became of an event, or of all that happened to a customer: asked, or not and why."""

from collections.abc import Iterable

from chalicelib.domain.customer import Customer
from chalicelib.domain.event import EventRef
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.policy import NO_PROGRAM, invitation_id
from chalicelib.domain.terms import CUSTOMER, Channel
from chalicelib.errors import NotFound
from chalicelib.ports import Ports

PER_ROLE_MAX = 3  # contacts of one role that are looked up where an event has not left word of more


def of_customer(ports: Ports, id_: str) -> tuple[Customer | None, tuple[Invitation, ...]]:
    """Return what is remembered of a customer's last decisions, the latest first.

    An e-mail address or a phone stands for whoever was last asked there.
    """
    customer = ports.customers.get(ports.names.customer(id_)) or _at_address(ports, id_)
    found = ports.invitations.get_many(customer.decisions) if customer else {}
    return customer, _latest_first(found.values())


def _at_address(ports: Ports, written: str) -> Customer | None:
    channel: Channel = "email" if "@" in written else "sms"
    address = ports.customers.address(ports.names.address(channel, written))
    last = ports.invitations.get(address.last) if address and address.last else None
    return ports.customers.get(last.customer) if last else None


def of_event(ports: Ports, ref: EventRef) -> tuple[Invitation, ...]:
    """Return each record of one event, by program and contact, whatever was decided."""
    early = ports.invitations.early(ref.key)
    ids = _ids(ref, ports.library.organisation(), early.labels if early else ())
    return _latest_first(ports.invitations.get_many(ids).values())


def asked_about(ports: Ports, customer: str, program: str, reference: str) -> str:
    """Return the latest invitation of a customer about a reference. Raises NotFound."""
    _, found = of_customer(ports, customer)
    asked = (each for each in found if (each.program, each.reference) == (program, reference))
    latest = next((each for each in asked if each.state != "skipped"), None)
    if latest is None:
        raise NotFound(f"no invitation of {program} about {reference}")
    return latest.id


def _latest_first(found: Iterable[Invitation]) -> tuple[Invitation, ...]:
    return tuple(sorted(found, key=lambda each: (each.decided_at, each.id), reverse=True))


def _ids(ref: EventRef, organisation: Organisation, known: tuple[str, ...]) -> list[str]:
    programs = [*(program.id for program in organisation.programs), *organisation.retired_programs, NO_PROGRAM]
    roles = dict.fromkeys([CUSTOMER, *(program.contact for program in organisation.programs)])
    labels = [role if place == 1 else f"{role}.{place}" for role in roles for place in range(1, PER_ROLE_MAX + 1)]
    labels = list(dict.fromkeys((*labels, *known)))
    return [invitation_id(ref.source, ref.id, program, label) for program in programs for label in labels]
