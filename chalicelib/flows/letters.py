"""Look through the dead letters for what is about somebody who was forgotten: it is tried once more, and then goes.

What failed lies there whole, names and addresses included, until somebody has mended what made it fail. No erasure
could find it by a key: so all of them are looked through when somebody is forgotten, and every hour, for what failed
since.
"""

import json
from collections.abc import Mapping
from datetime import datetime

from chalicelib.domain.event import Cancellation, Closing, Event, bare, parse_event
from chalicelib.domain.inbound import understand
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.receipt import parse_receipt
from chalicelib.errors import Conflict, Invalid, Overloaded, Problem
from chalicelib.flows import invite, news, receive
from chalicelib.ports import Letter, Ports

LETTERS_MAX = 1_000  # looked at in one go, of each of the two kinds


def look(ports: Ports, now: datetime) -> None:
    """Try again what is about somebody forgotten; what fails once more is laid aside again, naming nobody."""
    organisation = ports.library.organisation()
    for letter in ports.failed_events.look(LETTERS_MAX):
        _event(ports, letter, organisation, now)
    for letter in ports.failed_reports.look(LETTERS_MAX):
        _report(ports, letter, now)


def _event(ports: Ports, letter: Letter, organisation: Organisation, now: datetime) -> None:
    """Record an event as erased; one that nobody could ever handle is refused as if it had just come."""
    try:
        event = parse_event(letter.said, closings=organisation.closings, now=now)
        if not _is_forgotten(ports, event, organisation):
            return
        invite.handle(ports, letter.said, now)
    except (Conflict, Overloaded):
        return  # looked at again within the hour
    except Invalid as error:
        invite.refuse(ports, letter.said, error)
    except Exception as error:
        why = Problem("", f"is about somebody who was forgotten, and failed again: {type(error).__name__}")
        invite.refuse(ports, letter.said, Invalid(why))
    # Whoever dies before this finds it once more, and does the same.
    ports.failed_events.end(letter)


def _is_forgotten(ports: Ports, event: Event, organisation: Organisation) -> bool:
    people = _people(ports, event, organisation)
    return any(each.erased_at for each in ports.customers.get_many(sorted(people)).values()) if people else False


def _people(ports: Ports, event: Event, organisation: Organisation) -> set[str]:
    """Return whom an event is about, by their keyed names: whom it names, or whom the event was about that it names."""
    if isinstance(event, Closing):
        return {ports.names.customer(each.id) for each in (event.customer, *event.contacts)}
    if isinstance(event, Cancellation) and event.customer_id:
        return {ports.names.customer(event.customer_id)}
    records = ports.invitations.get_many(news.ids_of(ports, event.event, organisation)) if event.event else {}
    return {each.customer for each in records.values()}


def _report(ports: Ports, letter: Letter, now: datetime) -> None:
    """Take a report once more, whomever it is about; one that fails again stays whole only for somebody we know."""
    said = letter.said if isinstance(letter.said, dict) else {}
    try:
        receive.report(ports, said, now)
    except (Conflict, Overloaded):
        return
    except Exception as error:
        if _is_known(ports, said):
            return
        reason = f"{_meant(ports, said)} about nobody whom we know, and failed again: {type(error).__name__}"
        ports.failed_reports.lay(json.dumps({"refused": bare(letter.said)}, ensure_ascii=False), reason)
    ports.failed_reports.end(letter)


def _is_known(ports: Ports, said: Mapping[str, object]) -> bool:
    """Say whether a report is about somebody who was not forgotten."""
    if isinstance(phone := said.get("originationNumber"), str):
        address = ports.customers.address(ports.names.address("sms", phone))
        id_ = address.last if address else None
    else:
        id_ = _invitation_of(said)
    found = ports.invitations.get(id_) if id_ else None
    return bool(found and found.event_id)


def _invitation_of(said: Mapping[str, object]) -> str | None:
    try:
        receipt = parse_receipt(said)
    except (KeyError, TypeError, AttributeError, IndexError):
        return None
    return receipt.invitation if receipt else None


def _meant(ports: Ports, said: Mapping[str, object]) -> str:
    """Return what a report was: a wish to be left alone under a keyed name, by which it can still be fulfilled."""
    phone, text = said.get("originationNumber"), said.get("messageBody")
    if isinstance(phone, str) and isinstance(text, str):
        return f"{understand(text, None).kind} from {ports.names.address('sms', phone)}"
    return "a report"
