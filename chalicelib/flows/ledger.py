"""Tell what became of an event, or of all that happened to a customer: asked, or not and why."""

from collections.abc import Iterable

from chalicelib.domain.customer import Customer
from chalicelib.domain.event import EventRef
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.policy import NO_PROGRAM, invitation_id
from chalicelib.domain.terms import CUSTOMER
from chalicelib.errors import NotFound
from chalicelib.ports import Ports

PER_ROLE_MAX = 3  # contacts of one role that an event's records may have


def of_customer(ports: Ports, id_: str) -> tuple[Customer | None, tuple[Invitation, ...]]:
    """Return what is remembered of a customer's last decisions, the latest first."""
    customer = ports.customers.get(ports.names.customer(id_))
    found = ports.invitations.get_many(customer.decisions) if customer else {}
    return customer, _latest_first(found.values())


def of_event(ports: Ports, ref: EventRef) -> tuple[Invitation, ...]:
    """Return each record of one event, by program and contact, whatever was decided."""
    ids = _ids(ref, ports.library.organisation())
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


def _ids(ref: EventRef, organisation: Organisation) -> list[str]:
    programs = [*(program.id for program in organisation.programs), *organisation.retired_programs, NO_PROGRAM]
    roles = dict.fromkeys([CUSTOMER, *(program.contact for program in organisation.programs)])
    labels = [role if place == 1 else f"{role}.{place}" for role in roles for place in range(1, PER_ROLE_MAX + 1)]
    return [invitation_id(ref.source, ref.id, program, label) for program in programs for label in labels]
