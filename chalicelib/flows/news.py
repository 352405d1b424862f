"""Hear what changes an event that was, or is still to come: it is cancelled, or what it promised is delivered.

News waits under the event's name and its reference's, whoever comes first: order of arrival decides nothing. Whoever
brings news writes it before looking for what was decided; so whatever is decided afterwards looks for news: at once, or
where it leaves much later, as it leaves.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from chalicelib.domain.customer import Customer
from chalicelib.domain.event import Cancellation, Closing, Delivered, EventRef, Fulfilment
from chalicelib.domain.invitation import Invitation, let_go, not_wanted, skip
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.policy import NO_PROGRAM, invitation_id, labelled
from chalicelib.domain.terms import CUSTOMER, fingerprint
from chalicelib.flows import amend
from chalicelib.ports import Early, Ports

SOON = timedelta(hours=1)
"""What leaves within it, or takes a place of its day, looks for news when it is decided."""
FOR_EVER = datetime(9999, 12, 31, tzinfo=UTC)
FULFILMENTS_MAX = 40  # kept of one event
EVENTS_MAX = 20  # remembered of one reference


def of(ports: Ports, closings: Sequence[Closing], *, consistent: bool) -> dict[str, list[Early]]:
    """Return what waits for each of some closings, by the closing's name."""
    names = {closing.ref.key: _names(ports, closing) for closing in closings}
    wanted = list(dict.fromkeys(name for each in names.values() for name in each))
    found = {early.key: early for early in ports.invitations.earlies(wanted, consistent=consistent)}
    return {key: [found[name] for name in each if name in found] for key, each in names.items()}


def _names(ports: Ports, closing: Closing) -> list[str]:
    return [closing.ref.key, *reference_of(ports, closing)]


def reference_of(ports: Ports, closing: Closing) -> list[str]:
    """Return the name that closings of one customer and reference share; none for one without a reference."""
    return [_reference_key(ports.names.customer(closing.customer.id), closing.reference)] if closing.reference else []


def hear(ports: Ports, invitations: Sequence[Invitation], customers: Mapping[str, Customer]) -> dict[str, Invitation]:
    """Apply news that came before its event to what did not look for it when it was decided; return what it changed.

    That was long ago, so that the reading may be a second behind, and that of the customers.
    """
    names = {each.id: _names_to_hear(each, customers) for each in invitations if hears_later(each)}
    wanted = [*dict.fromkeys(name for each in names.values() for name in each)]
    waiting = {early.key: early for early in ports.invitations.earlies(wanted, consistent=False)} if wanted else {}
    heard = []
    for id_, own in names.items():
        told = [waiting[name] for name in own if name in waiting]
        if any(early.cancelled_at or early.fulfilments for early in told):
            heard.append(id_)
        for early in told:
            apply(ports, early, [id_])
    return ports.invitations.get_many(heard) if heard else {}


def hears_later(invitation: Invitation) -> bool:
    """Say whether an invitation leaves so late that it looks for news then, and did not when it was decided."""
    return bool(invitation.send_at and invitation.event_id and invitation.send_at - invitation.decided_at >= SOON)


def _names_of(invitation: Invitation) -> list[str]:
    reference = invitation.reference
    return [_event_name(invitation), *([_reference_key(invitation.customer, reference)] if reference else [])]


def _names_to_hear(invitation: Invitation, customers: Mapping[str, Customer]) -> list[str]:
    customer = customers.get(invitation.customer)
    return [_event_name(invitation)] if customer and not customer.called_off else _names_of(invitation)


def _event_name(invitation: Invitation) -> str:
    return fingerprint(invitation.source, invitation.event_id or "")  # as `EventRef.key`


def covers(early: Early, closing: Closing) -> bool:
    return early.cancelled_at is not None and closing.at <= early.cancelled_at


def _reference_key(customer: str, reference: str) -> str:
    return fingerprint("reference", customer, reference)


def register(ports: Ports, closing: Closing, organisation: Organisation, now: datetime) -> None:
    """Note whom an event asks besides its customer, and its reference, before it does: news finds them by it."""
    labels, until = tuple(labels_of(closing)), _kept_until(organisation, now)
    _note(ports, closing.ref.key, lambda early: early.model_copy(update={"labels": labels}), until)
    for key in reference_of(ports, closing):
        _note(ports, key, lambda early: _with_event(early, closing.ref), until)


def _with_event(early: Early, event: EventRef) -> Early:
    events = early.events if event in early.events else (event, *early.events)[:EVENTS_MAX]
    return early.model_copy(update={"events": events})


def _note(ports: Ports, key: str, change: Callable[[Early], Early], until: datetime) -> Early:
    """Write what is known under a name, unless it is there already."""

    def once() -> Early:
        before = ports.invitations.early(key) or Early(key=key)
        after = change(before)
        if after != before:
            kept = {"version": before.version + 1, "kept_until": until}
            ports.invitations.save_early(after.model_copy(update=kept))
        return after

    return amend.persist(once)


def _kept_until(organisation: Organisation, now: datetime) -> datetime:
    # Events are named in it: it goes as whom they were about is forgotten.
    return now + organisation.retention.people


def ids_of(ports: Ports, event: EventRef, organisation: Organisation) -> list[str]:
    """Return every id under which an event may have been decided, of which only the name is known."""
    return every_id(event, organisation, _known_labels(organisation, ports.invitations.early(event.key)))


def labels_of(closing: Closing) -> list[str]:
    return [label for label, _ in labelled(closing)]


def every_id(ref: EventRef, organisation: Organisation, labels: list[str]) -> list[str]:
    """Return every id under which an event may have been decided, by programs of today and of before."""
    programs = [*(program.id for program in organisation.programs), *organisation.retired_programs, NO_PROGRAM]
    return [invitation_id(ref.source, ref.id, program, label) for program in programs for label in labels]


def cancel(ports: Ports, cancellation: Cancellation, organisation: Organisation, now: datetime) -> None:
    until = _kept_until(organisation, now)
    if cancellation.event:
        early = _park(ports, cancellation.event.key, cancellation, until)
        apply(ports, early, every_id(cancellation.event, organisation, _known_labels(organisation, early)))
    elif cancellation.reference and cancellation.customer_id:
        key = ports.names.customer(cancellation.customer_id)
        early = _park(ports, _reference_key(key, cancellation.reference), cancellation, until)
        # Before any record is looked for: what is decided after that finds it, and then the news.
        amend.customer(ports.customers, key, _called_off)
        _cancel_reference(ports, early, cancellation.reference, key, organisation)


def _called_off(customer: Customer) -> Customer | None:
    return None if customer.called_off else customer.model_copy(update={"called_off": True})


def _known_labels(organisation: Organisation, early: Early | None) -> list[str]:
    """Return the labels that an event's records may have, without the event: each role, up to three of it."""
    roles = dict.fromkeys([CUSTOMER, *(program.contact for program in organisation.programs)])
    labels = [label for role in roles for label in (role, f"{role}.2", f"{role}.3")]
    return list(dict.fromkeys([*labels, *(early.labels if early else ())]))


def _cancel_reference(ports: Ports, early: Early, reference: str, key: str, organisation: Organisation) -> None:
    for event in early.events:
        apply(ports, early, ids_of(ports, event, organisation))
    customer = ports.customers.get(key)
    asked = ports.invitations.get_many(customer.recent) if customer else {}
    apply(ports, early, [id_ for id_, found in asked.items() if found.reference == reference])


def _cancelled(invitation: Invitation, until: datetime) -> Invitation | None:
    if invitation.occurred_at > until or invitation.cancelled or invitation.state in ("skipped", "failed"):
        return None
    if invitation.state == "scheduled":
        return skip(invitation, "cancelled", "cancelled before it was sent")
    return invitation.moved(cancelled=True, remind_at=None)


def fulfil(ports: Ports, fulfilment: Fulfilment, organisation: Organisation, now: datetime) -> None:
    early = _park(ports, fulfilment.event.key, fulfilment, _kept_until(organisation, now))
    apply(ports, early, every_id(fulfilment.event, organisation, _known_labels(organisation, early)))


def forget(
    ports: Ports, event: EventRef, references: Sequence[str], organisation: Organisation, besides: str = ""
) -> None:
    """Let no news name an event any more once no record of it does, `besides` one that is just being emptied.

    That it was cancelled and what of it was delivered stays, and who would have been asked: none leads to anybody.
    """
    told = [early for early in ports.invitations.earlies(references) if event in early.events]
    if not told:
        return
    records = ports.invitations.get_many(ids_of(ports, event, organisation))
    if not records or any(each.event_id and each.id != besides for each in records.values()):
        return
    for early in told:
        _empty(ports, early.key, event)


def _empty(ports: Ports, key: str, event: EventRef) -> None:
    def emptied(early: Early) -> Early:
        others = tuple(each for each in early.events if each != event)
        return early.model_copy(update={"events": others})

    found = ports.invitations.early(key)
    if found:
        _note(ports, key, emptied, found.kept_until or FOR_EVER)


def forget_about(ports: Ports, invitation: Invitation) -> None:
    """Do so for one record's event: before it is emptied, or nobody would find the news, and after, for what came."""
    if invitation.event_id is None:
        return
    event = EventRef(source=invitation.source, id=invitation.event_id)
    _, *references = _names_of(invitation)
    forget(ports, event, references, ports.library.organisation(), besides=invitation.id)


def _park(ports: Ports, key: str, news: Cancellation | Fulfilment, until: datetime) -> Early:
    """Write news of an event under its name, whether or not it has arrived: order of arrival decides nothing."""
    return _note(ports, key, lambda early: _with(early, news), until)


def _with(early: Early, news: Cancellation | Fulfilment) -> Early:
    if isinstance(news, Cancellation):
        until = news.at if news.reopened and not news.event else FOR_EVER
        return early.model_copy(update={"cancelled_at": max(filter(None, (early.cancelled_at, until)))})
    told = Delivered(news=news.ref.key, at=news.at, kind=news.kind, fulfilled=news.fulfilled)
    others = [each for each in early.fulfilments if each.news != told.news]
    kept = sorted([*others, told], key=lambda each: (each.at, each.news))
    return early.model_copy(update={"fulfilments": tuple(kept)[-FULFILMENTS_MAX:]})


def apply(ports: Ports, early: Early, ids: list[str]) -> None:
    for id_ in ports.invitations.get_many(ids):
        if early.fulfilments:
            # Read anew once the invitation is: news that came meanwhile must not be overwritten with what we knew.
            amend.invitation(
                ports.invitations, id_, lambda found: _fulfilled(found, ports.invitations.early(early.key) or early)
            )
        if early.cancelled_at:
            _call_off(ports, id_, early.cancelled_at)


def _call_off(ports: Ports, id_: str, until: datetime) -> None:
    found = ports.invitations.get(id_)
    if found and found.state == "scheduled":
        # First: whoever dies in between comes again to what is scheduled, and to nothing that is called off already.
        keep_deliveries(ports, found)
    amend.invitation(ports.invitations, id_, lambda found: _cancelled(found, until))
    found = ports.invitations.get(id_)
    if found and found.reason == "cancelled" and found.state == "skipped":
        amend.release(ports, found)


def end_what_waits(ports: Ports, customer: str) -> None:
    """End what would still ask somebody who wants no surveys: whoever sends it may read of the wish a second late."""
    found = ports.customers.get(customer)
    waiting = ports.invitations.get_many(found.recent) if found else {}
    for each in waiting.values():
        if each.state == "scheduled":
            keep_deliveries(ports, each)
            ended = amend.invitation(ports.invitations, each.id, not_wanted)
            if ended:
                amend.release(ports, ended)
                amend.invitation(ports.invitations, ended.id, let_go)


def keep_deliveries(ports: Ports, invitation: Invitation) -> None:
    """Let an invitation that will never leave, and so never look for news, have what was delivered before it was."""
    if invitation.event_id and any(promise.fulfilled is None for promise in invitation.promises):
        early = ports.invitations.early(_event_name(invitation))
        if early and early.fulfilments:
            amend.invitation(ports.invitations, invitation.id, lambda found: _fulfilled(found, early))


def _fulfilled(invitation: Invitation, early: Early) -> Invitation | None:
    latest = {each.kind: each.fulfilled for each in early.fulfilments}
    promises = tuple(
        promise.model_copy(update={"fulfilled": latest[promise.kind]})
        if isinstance(latest.get(promise.kind), type(promise.promised))
        else promise
        for promise in invitation.promises
    )
    return invitation.moved(promises=promises) if promises != invitation.promises else None
