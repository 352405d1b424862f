"""Tell other programs what happened here: on the bus, and to each webhook until it has taken it.

Everything is derived from the table's stream, so nothing that was written is left untold, and nothing is told that was
not written. A batch that fails comes again whole: events may arrive twice, under the same id.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.case import Case
from chalicelib.domain.organisation import Organisation, Webhook
from chalicelib.domain.outgoing import CloudEvent, Origin, Outgoing, Post, again, event_of, is_move, outgoing
from chalicelib.errors import CarrierRefused, CarrierUnclear
from chalicelib.ports import Ports, Write

log = logging.getLogger("lazo")


@dataclass(frozen=True)
class Published:
    """What a batch of the stream came to: events on the bus, posts still to be made, records nobody could read."""

    events: int
    posts: int
    untold: int


def publish(ports: Ports, writes: Sequence[Write], origin: Origin) -> Published:
    """Announce what some writes tell. Raises when bus or queue do not take all of it; the batch then comes again."""
    untold = [write.sequence for write in writes if not write.readable]
    happened = []
    for write in writes:
        try:
            happened += _told(ports, write)
        except (TypeError, ValueError):  # whatever an unknown writer left: it holds up nobody, and operators see it
            log.exception("record %s tells nothing that could be read", write.sequence)
            untold.append(write.sequence)
    posts = _posts(happened, ports.library.organisation()) if happened else []
    ports.outlet.announce(_events(ports, happened, origin))
    ports.outlet.enqueue(posts)
    return Published(len(happened), len(posts), len(untold))


def _told(ports: Ports, write: Write) -> list[Outgoing]:
    line = None
    if isinstance(write.new, Case) and is_move(write.old if isinstance(write.old, Case) else None, write.new):
        version = write.new.version
        line = next((line for line in ports.cases.timeline(write.new.id) if line.version == version), None)
    what = outgoing(write.old, write.new, line)
    return [what] if what else []


def _posts(happened: Iterable[Outgoing], organisation: Organisation) -> list[Post]:
    return [
        Post(webhook=webhook.id, what=what)
        for what in happened
        for webhook in organisation.webhooks
        if not webhook.kinds or what.kind in webhook.kinds
    ]


def _events(ports: Ports, happened: Sequence[Outgoing], origin: Origin) -> list[CloudEvent]:
    """Return the events as they read now: looked up as late as can be, for somebody may have been erased meanwhile."""
    items = list(dict.fromkeys(what.item for what in happened if what.item))
    invitations = ports.invitations.get_many(items) if items else {}
    people = list(dict.fromkeys(what.customer for what in happened))
    customers = ports.customers.get_many(people) if people else {}
    return [event_of(what, invitations.get(what.item or ""), customers.get(what.customer), origin) for what in happened]


def post(ports: Ports, wanted: Post, origin: Origin, now: datetime) -> None:
    """Post an event to its webhook; what is not taken is tried again for a day, then laid aside with its reason."""
    organisation = ports.library.organisation()
    webhook = next((each for each in organisation.webhooks if each.id == wanted.webhook), None)
    if webhook is None:
        return  # taken out of the organisation's file meanwhile: nobody is left to tell
    if wanted.not_before and now < wanted.not_before:
        # A queue holds nothing back for longer than a quarter of an hour.
        ports.outlet.enqueue([wanted], wanted.not_before - now)
        return
    (event,) = _events(ports, [wanted.what], origin)
    _hand_over(ports, wanted, webhook, event, organisation, now)


def _hand_over(
    ports: Ports, wanted: Post, webhook: Webhook, event: CloudEvent, organisation: Organisation, now: datetime
) -> None:
    try:
        ports.webhooks.post(webhook, event, organisation, now)
    except CarrierRefused as refusal:
        _later(ports, wanted, str(refusal), now, is_over=refusal.permanent)
    except CarrierUnclear as failure:
        _later(ports, wanted, str(failure), now)


def _later(ports: Ports, wanted: Post, reason: str, now: datetime, *, is_over: bool = False) -> None:
    later = None if is_over else again(wanted, now)
    if later and later.not_before:
        log.warning("webhook %s has not taken %s: %s", wanted.webhook, wanted.what.id, reason)
        ports.outlet.enqueue([later], later.not_before - now)
    else:
        log.error("webhook %s was given up for %s: %s", wanted.webhook, wanted.what.id, reason)
        ports.outlet.give_up(wanted, reason)
