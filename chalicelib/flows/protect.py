"""Answer what people may ask of their data: a copy, or to be forgotten."""

from datetime import datetime

from chalicelib.domain.case import Case
from chalicelib.domain.customer import Address, Customer
from chalicelib.domain.invitation import Answer, Invitation
from chalicelib.domain.routing import Why
from chalicelib.errors import NotFound
from chalicelib.flows import amend
from chalicelib.ports import Ports


def stored(ports: Ports, id_: str) -> tuple[Customer | None, tuple[Invitation, ...]]:
    """Return what is on record of an invitation's customer. Raises NotFound."""
    invitation = ports.invitations.get(id_)
    if invitation is None:
        raise NotFound(id_)
    customer = ports.customers.get(invitation.customer)
    recent = customer.decisions if customer else ()
    found = ports.invitations.get_many(list(dict.fromkeys((id_, *recent))))
    return customer, tuple(sorted(found.values(), key=lambda each: each.occurred_at))


def send_copy(ports: Ports, id_: str) -> bool:
    """Mail what is on record to the address on record; False when there is none to mail it to."""
    customer, invitations = stored(ports, id_)
    if customer is None or customer.erased_at or not customer.email:
        return False
    mail = ports.messages.copy(customer, invitations, ports.library.organisation())
    ports.carrier.mail(mail)
    return True


def erase(ports: Ports, id_: str, now: datetime) -> None:
    """Forget an invitation's customer: what is left leads to nobody, and no counter changes.

    The customer goes last, since it names what else there is: whoever dies in between starts again from it, and so
    does whoever finds that the customer was asked something meanwhile. Raises NotFound.
    """

    def once() -> None:
        _forget_all(ports, *stored(ports, id_), now)

    amend.persist(once)


def forget(ports: Ports, key: str, now: datetime) -> None:
    """Forget a customer by the keyed name, as an operator does who was asked by letter."""

    def once() -> None:
        customer = ports.customers.get(key)
        found = ports.invitations.get_many(customer.decisions) if customer else {}
        _forget_all(ports, customer, tuple(found.values()), now)

    amend.persist(once)


def _forget_all(ports: Ports, customer: Customer | None, invitations: tuple[Invitation, ...], now: datetime) -> None:
    for invitation in invitations:
        _forget(ports, invitation.id, now)
    if customer is None or customer.erased_at:
        return
    names = {invitation.id for invitation in invitations}
    for key in _addresses(ports, customer):
        amend.address(ports.customers, key, lambda found: _address_forgotten(found, names))
    ports.customers.save(Customer(key=customer.key, version=customer.version + 1, erased_at=now))


def _forget(ports: Ports, id_: str, now: datetime) -> None:
    """Forget an invitation, then its case: none can begin once no answer is taken any more."""
    amend.invitation(ports.invitations, id_, lambda found: _forgotten(found, now))
    if amend.case(ports, id_, _case_forgotten):
        ports.cases.forget(id_)


def _addresses(ports: Ports, customer: Customer) -> list[str]:
    email = [ports.names.address("email", customer.email)] if customer.email else []
    return email + ([ports.names.address("sms", customer.phone)] if customer.phone else [])


def _address_forgotten(address: Address, invitations: set[str]) -> Address | None:
    # A suppression and a rest outlive the person: they protect whoever else has the address, and name nobody.
    if address.last not in invitations:
        return None
    return address.model_copy(update={"last": None, "heard": (), "helped": None})


def _forgotten(invitation: Invitation, now: datetime) -> Invitation | None:
    if invitation.erased:
        return None
    unsent = invitation.state == "scheduled"
    return invitation.moved(
        erased=True,
        state="skipped" if unsent else invitation.state,
        reason="erased" if unsent else invitation.reason,
        send_at=None,
        remind_at=None,
        instead_at=None,
        confirm_at=None,
        provisional=None,
        confirmed=_wordless(invitation.confirmed),
        event_id=None,
        reference=None,
        address=None,
        carrier_id=None,
    )


def _wordless(answer: Answer | None) -> Answer | None:
    return answer.model_copy(update={"texts": {}}) if answer else None


def _unsaid(why: Why) -> Why:
    return why.model_copy(update={"text": ""})


def _case_forgotten(case: Case) -> Case | None:
    changed = {
        "reference": None,
        "why": _unsaid(case.why),
        "tasks": tuple(task.model_copy(update={"why": _unsaid(task.why)}) for task in case.tasks),
        "action": None,
        "mended_words": "",
    }
    return case.model_copy(update={"revision": case.revision + 1, **changed})
