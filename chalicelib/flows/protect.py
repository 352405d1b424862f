"""Answer what people may ask of their data: a copy, or to be forgotten."""

from collections.abc import Iterable
from datetime import datetime

from chalicelib.domain.case import Case
from chalicelib.domain.customer import Address, Customer
from chalicelib.domain.invitation import NAMELESS, Answer, Invitation
from chalicelib.domain.routing import Why
from chalicelib.errors import NotFound
from chalicelib.flows import amend, news
from chalicelib.ports import LETTERS, DueKey, Ports


def stored(ports: Ports, id_: str) -> tuple[Customer | None, tuple[Invitation, ...]]:
    """Return what is on record of an invitation's customer. Raises NotFound."""
    customer, ids = _known_of(ports, _customer_of(ports, id_))
    found = ports.invitations.get_many(list(dict.fromkeys((id_, *ids))))
    return customer, tuple(sorted(found.values(), key=lambda each: each.occurred_at))


def _customer_of(ports: Ports, id_: str) -> str:
    invitation = ports.invitations.get(id_)
    if invitation is None:
        raise NotFound(id_)
    return invitation.customer


def _known_of(ports: Ports, key: str) -> tuple[Customer | None, tuple[str, ...]]:
    """Return a customer, and the ids of all that was ever decided about them."""
    # The customer first: what is put away only after this read is among what it remembers.
    customer = ports.customers.get(key)
    return customer, (*(customer.decisions if customer else ()), *ports.customers.past(key))


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
    key = _customer_of(ports, id_)
    amend.persist(lambda: _forget_all(ports, key, (id_,), now))
    ports.timers.nudge([LETTERS])  # events that failed, which lie whole in another place


def forget(ports: Ports, key: str, now: datetime) -> None:
    """Forget a customer by the keyed name, as an operator does who was asked by letter."""
    amend.persist(lambda: _forget_all(ports, key, (), now))
    ports.timers.nudge([LETTERS])


def _forget_all(ports: Ports, key: str, ids: tuple[str, ...], now: datetime) -> None:
    customer, known = _known_of(ports, key)
    wanted = list(dict.fromkeys((*ids, *known)))
    found = ports.invitations.get_many(wanted)
    _forget_each(ports, found.values(), now)
    if customer is None or customer.erased_at:
        return
    for address in _addresses(ports, customer):
        amend.address(ports.customers, address, lambda each: _address_forgotten(each, set(found)))
    # What is just being decided has its customer's stamp: its record comes in a moment, or came with the last one.
    left = [each for each in wanted if each not in found]
    if left:
        ports.timers.hand_on([DueKey("people", each) for each in left])
    ports.customers.save(Customer(key=customer.key, version=customer.version + 1, erased_at=now))
    _forget_each(ports, ports.invitations.get_many(left).values(), now)


def _forget_each(ports: Ports, invitations: Iterable[Invitation], now: datetime) -> None:
    for invitation in invitations:
        if not invitation.erased or invitation.has_case:
            _forget(ports, invitation, now)


def _forget(ports: Ports, invitation: Invitation, now: datetime) -> None:
    """Forget an invitation, then its case: none can begin once no answer is taken any more."""
    if invitation.state == "scheduled":
        news.keep_deliveries(ports, invitation)
    news.forget_about(ports, invitation)
    amend.invitation(ports.invitations, invitation.id, lambda found: _forgotten(found, now))
    news.forget_about(ports, invitation)  # what came in between
    if amend.case(ports, invitation.id, _case_forgotten):
        ports.cases.forget(invitation.id)


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
        **NAMELESS,
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
