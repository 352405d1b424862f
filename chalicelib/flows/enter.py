"""Let our own people in by a mail's one-time link, as whoever the organisation's file says they are."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from chalicelib.domain.organisation import Department, Organisation
from chalicelib.errors import BadLink, CarrierRefused, CarrierUnclear, LinkExpired, NotFound
from chalicelib.ports import Ports, Principal, Role, Ticket

LINK_FOR = timedelta(minutes=10)
ADDRESS_CHARACTERS_MAX = 320


def known(email: str, organisation: Organisation) -> Principal | None:
    """Return whom an address stands for, in the highest role that it has; None for a stranger's."""
    wanted = email.strip().casefold()
    people = _people(organisation) if len(wanted) <= ADDRESS_CHARACTERS_MAX else iter(())
    return next((principal for address, principal in people if address.casefold() == wanted), None)


def _people(organisation: Organisation) -> Iterator[tuple[str, Principal]]:
    roles: tuple[tuple[Role, tuple[str, ...]], ...] = (
        ("admin", organisation.admins),
        ("leadership", organisation.leadership),
    )
    for role, addresses in roles:
        yield from ((address, Principal(id=address, role=role, name=address)) for address in addresses)
    for department in organisation.departments:
        yield from _heads(department)
    for department in organisation.departments:
        for one in department.people:
            if one.email:
                yield (
                    one.email,
                    Principal(id=one.email, role="agent", name=one.name, department=department.id, person=one.id),
                )


def _heads(department: Department) -> Iterator[tuple[str, Principal]]:
    head = department.head
    if head.email:
        yield (
            head.email,
            Principal(id=head.email, role="department", name=head.name, department=department.id, person=head.id),
        )
    for address in department.alert_to:
        yield address, Principal(id=address, role="department", name=address, department=department.id)


def ask(ports: Ports, email: str, *, link: str, browser: str, now: datetime) -> None:
    """Mail a link to whomever the address stands for; a stranger gets none, and nobody is told which it was.

    `link` and `browser` are fresh random names: the second stays with the browser that asked, so that a link which
    was read by somebody else on its way opens nothing.
    """
    organisation = ports.library.organisation()
    principal = known(email, organisation)
    if principal is None or not _first_this_minute(ports, principal, now):
        return
    _grant(ports, _mark(link, browser), principal, now)
    url = ports.links.url("sign_in", Ticket(link, now + LINK_FOR))
    try:
        ports.carrier.mail(ports.messages.sign_in(principal.id, url, organisation))
    except (CarrierRefused, CarrierUnclear):
        return  # the person asks again; whoever probes for addresses learns nothing


def admit(ports: Ports, email: str, link: str, now: datetime) -> str:
    """Return a link that lets in whomever the address stands for, once and from any browser: for an operator's screen.

    `link` is a fresh random name. Raises NotFound for a stranger's address.
    """
    principal = known(email, ports.library.organisation())
    if principal is None:
        raise NotFound(email)
    _grant(ports, _mark(link, ""), principal, now)
    return ports.links.url("sign_in", Ticket(link, now + LINK_FOR))


def _grant(ports: Ports, mark: str, principal: Principal, now: datetime) -> None:
    ports.access.grant(mark, principal.model_copy(update={"ends_at": now + LINK_FOR}), now + LINK_FOR)


def _first_this_minute(ports: Ports, principal: Principal, now: datetime) -> bool:
    """Say whether no link was sent to this person in this minute: nobody's mailbox is flooded through us."""
    mark = f"asked:{principal.id}:{now:%Y%m%d%H%M}"
    if ports.access.principal(mark):
        return False
    ports.access.grant(mark, principal, now + LINK_FOR)
    return True


def redeem(ports: Ports, ticket: Ticket, browser: str, now: datetime) -> Principal:
    """Return whom a link lets in, once. Raises LinkExpired, or BadLink when it was used or asked for elsewhere."""
    if ticket.expires_at is None or now >= ticket.expires_at:
        raise LinkExpired(ticket.expires_at or now)
    principal = ports.access.take(_mark(ticket.id, browser))
    if principal is None:
        raise BadLink("used already, or asked for in another browser")
    if principal.ends_at and now >= principal.ends_at:
        raise LinkExpired(principal.ends_at)
    return principal.model_copy(update={"ends_at": None})


def _mark(link: str, browser: str) -> str:
    return f"link:{link}:{browser}"
