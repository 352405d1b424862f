"""Send a real survey to an address of your own: it looks and works as customers will see it, and counts nowhere."""

import argparse
import re
from datetime import datetime

from chalicelib.domain.calendar import next_open
from chalicelib.domain.customer import Customer
from chalicelib.domain.event import Contact
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.organisation import Organisation, Program
from chalicelib.domain.policy import hours_of, invitation_id
from chalicelib.domain.terms import CUSTOMER, Channel, base_language, stamp
from chalicelib.flows import amend
from chalicelib.ports import DueKey, Ports, Ticket
from infra.commands import connection
from infra.commands.screen import Failed, Screen
from infra.organisation_checks import nearest

SOURCE = "/lazo/try"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the program, the address, and which system."""
    parser.add_argument("--program", required=True, help="which program's survey")
    parser.add_argument("--to", required=True, help="your own address or phone: me@example.com, +573001234567")
    parser.add_argument("--language", help="es, en or pt (default: the organisation's)")
    parser.add_argument("--name", help="whom it greets")
    connection.arguments(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Plan the survey, and say when it leaves and where its page is."""
    system = connection.connect(options)
    organisation = system.ports.library.organisation()
    program = _program(organisation, options.program)
    contact = _contact(options, organisation)
    planned = plan(system.ports, program, contact, organisation, system.now())
    at = next_open(planned.send_at or planned.decided_at, hours_of(program, None, organisation))
    page = system.ports.links.url("answer", Ticket(planned.id))
    leaves = "now" if at <= system.now() else f"at {at.isoformat(timespec='minutes')}, when the program's hours begin"
    screen.say(f"A survey of {program.id} leaves for {options.to} {leaves}; it counts nowhere.", f"Its page: {page}")
    screen.result({"invitation": planned.id, "to": options.to, "send_at": stamp(at), "page": page})
    return 0


def _program(organisation: Organisation, id_: str) -> Program:
    program = organisation.program(id_)
    if program is None:
        known = [each.id for each in organisation.programs]
        meant = nearest(id_, known) or f"; there is {', '.join(known)}"
        raise Failed(f"There is no program {id_!r}{meant}")
    return program


def _contact(options: argparse.Namespace, organisation: Organisation) -> Contact:
    kind = "email" if "@" in options.to else "phone"
    language = options.language or organisation.language
    given = {"id": f"try:{options.to}"[:200], kind: options.to, "language": language, "name": options.name}
    try:
        return Contact.model_validate(given)
    except ValueError as error:
        detail = re.sub(r".*Value error, |\[type=.*", "", str(error), flags=re.DOTALL).strip()
        raise Failed(f"{options.to} {detail}") from None


def plan(ports: Ports, program: Program, contact: Contact, organisation: Organisation, now: datetime) -> Invitation:
    """Write an invitation that is due at once, as a trial. Raises Failed where the address must be left alone."""
    customer = _customer(ports, contact, now)
    channel: Channel = "email" if contact.email else "sms"
    address = ports.names.address(channel, contact.email or contact.phone or "")
    survey = organisation.survey(program.survey)
    event_id = stamp(now)
    planned = Invitation(
        id=invitation_id(SOURCE, event_id, program.id, CUSTOMER),
        source=SOURCE,
        event_id=event_id,
        touchpoint=program.on[0],
        occurred_at=now,
        decided_at=now,
        program=program.id,
        label=CUSTOMER,
        customer=customer.key,
        address=address,
        channel=channel,
        language=base_language(contact.language or organisation.language),
        survey=survey.id,
        survey_version=survey.version,
        metric=survey.metric,
        reference="TRY",
        trial=True,
        state="scheduled",
        send_at=now,
    )
    _refuse_blocked(ports, customer, address)
    ports.invitations.create(planned)
    ports.timers.nudge([DueKey("invitation", planned.id)])
    return planned


def _customer(ports: Ports, contact: Contact, now: datetime) -> Customer:
    key = ports.names.customer(contact.id)

    def told(known: Customer) -> Customer | None:
        after = known.told(contact, now)
        return after if after != known else None

    return amend.customer(ports.customers, key, told) or ports.customers.get(key) or Customer(key=key)


def _refuse_blocked(ports: Ports, customer: Customer, address: str) -> None:
    kept = ports.customers.address(address)
    if customer.opted_out_at or (kept and kept.opted_out_at):
        raise Failed("This address has asked not to be written to: undo that on its unsubscribe page first.")
    if kept and kept.suppressed:
        raise Failed(f"This address takes no mail: it was suppressed ({kept.suppressed}).")
