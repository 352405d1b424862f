"""Say to other programs what happened here, as CloudEvents that name a customer as the CRM does, and no other way.

What waits to be told leads to nobody: it holds the keyed name of the customer, and whoever tells it looks up the rest
at that moment. So an erasure need not search any queue, and a late retry does not name who has been erased.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from pydantic import JsonValue

from chalicelib.domain.case import Case, Entry
from chalicelib.domain.customer import Customer
from chalicelib.domain.invitation import Answer, Invitation
from chalicelib.domain.terms import Frozen, Instant, Name, fingerprint, share_of, stamp

Kind = Literal["response.confirmed", "case.opened", "case.moved", "case.resolved", "customer.opted_out"]
KINDS: tuple[Kind, ...] = get_args(Kind)

Facts = dict[str, JsonValue]

SOURCE = "lazo"
"""Who speaks, on the bus: the rule that lets events in refuses this one, so that we never ask about ourselves."""

RETRY_AFTER = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800, 28800))
"""How long a webhook that failed is left in peace, each time longer: a day in all."""

JITTER = 0.2  # of each wait, up or down: what failed together does not come back together


class Outgoing(Frozen):
    """Something that happened, as it waits to be told."""

    id: str
    kind: Kind
    customer: str
    item: str | None = None
    """The invitation, which has its case's id too; of a customer the last one, if there is one."""
    at: Instant
    facts: Facts = {}


class Post(Frozen):
    """Something that one webhook is still to be told."""

    webhook: str
    what: Outgoing
    tried: int = 0
    not_before: Instant | None = None


class CloudEvent(Frozen):
    """What other programs read (CloudEvents 1.0)."""

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    type: Kind
    subject: Name | None = None
    time: Instant
    datacontenttype: Literal["application/json"] = "application/json"
    data: Facts

    def as_json(self) -> dict[str, Any]:
        """Return the event in CloudEvents' JSON format; an absent subject is left out."""
        given = self.model_dump(mode="json")
        return {name: value for name, value in given.items() if not (name == "subject" and value is None)}


@dataclass(frozen=True)
class Origin:
    """Who speaks: the source that our events carry, and what the addresses of cases begin with."""

    source: str
    base_url: str


def is_move(old: Case | None, new: Case) -> bool:
    """Say whether a write of a case was a move, whose line the timeline has; an alert or an erasure is none."""
    return new.version != (old.version if old else 0)


def outgoing(
    old: Invitation | Case | Customer | None, new: Invitation | Case | Customer | None, line: Entry | None = None
) -> Outgoing | None:
    """Return what a write of an item tells other programs; None for most writes.

    `line` is the timeline's line of a case's move. The id follows from the item and its version, so that a write told
    twice is known again. What was never written before tells nothing but a case's opening: it was restored.
    """
    if isinstance(new, Invitation):
        return _answered(old, new) if isinstance(old, Invitation) else None
    if isinstance(new, Case):
        return _moved(old if isinstance(old, Case) else None, new, line)
    if isinstance(new, Customer):
        return _opted_out(old if isinstance(old, Customer) else None, new)
    return None


def _answered(old: Invitation, new: Invitation) -> Outgoing | None:
    answer = new.confirmed
    if answer is None or new.trial or new.erased or not _tells_more(old.confirmed, answer):
        return None
    facts: Facts = {
        **_of_both(new),
        "survey": new.survey,
        "metric": new.metric,
        "rating": answer.rating,
        "ratings": dict(answer.ratings),
        "choices": {question: list(chosen) for question, chosen in answer.choices.items()},
        "how": answer.how,
        "corrected": old.confirmed is not None,
        "case": new.id if new.has_case else None,
    }
    return _told("response.confirmed", new.id, new.version, new.customer, new.id, answer.at, facts)


def _tells_more(before: Answer | None, after: Answer) -> bool:
    """Say whether an answer is the first or a correction: words that were erased or have expired are neither."""
    if before is None:
        return True
    numbers = (before.rating, before.ratings, before.choices) != (after.rating, after.ratings, after.choices)
    return numbers or (bool(after.texts) and before.texts != after.texts)


def _moved(old: Case | None, new: Case, line: Entry | None) -> Outgoing | None:
    if not is_move(old, new) or (old is None and new.version > 1):
        return None
    kind: Kind = "case.moved"
    if old is None:
        kind = "case.opened"
    elif new.state == "resolved" and old.state != "resolved":
        kind = "case.resolved"
    facts: Facts = {
        **_of_both(new),
        "case": new.id,
        "version": new.version,
        "move": line.move if line else None,
        "from_state": old.state if old else None,
        "state": new.state,
        "metric": new.metric,
        "rating": new.rating,
        **_course(new),
    }
    at = line.at if line else max(new.lead_since, new.resolved_at or new.lead_since)
    return _told(kind, f"{new.id}:case", new.version, new.customer, new.id, at, facts)


def _of_both(item: Invitation | Case) -> Facts:
    return {
        "program": item.program,
        "touchpoint": item.touchpoint,
        "channel": item.channel,
        "department": item.department,
    }


def _course(case: Case) -> Facts:
    """Return how a case stands. No free words: neither the customer's, which may be in `why`, nor our people's."""
    words = case.why.text if case.why.rule != "words" else ""
    return {
        "why": {"rule": case.why.rule, "text": words},
        "drivers": list(case.drivers),
        "origin_department": case.origin_department,
        "supporting": list(case.supporting),
        "opened_at": stamp(case.opened_at),
        "acknowledge_by": stamp(case.acknowledge_by),
        "resolve_by": stamp(case.resolve_by),
        "breached": {"acknowledge": case.acknowledge_breached, "resolve": case.resolve_breached},
        "handoffs": case.handoffs,
        "returns": case.returns,
        "root_cause": case.root_cause,
        "mended": case.mended if case.mended in ("yes", "no") else None,
    }


def _opted_out(old: Customer | None, new: Customer) -> Outgoing | None:
    if new.opted_out_at is None or new.erased_at or (old and old.opted_out_at):
        return None
    last = new.recent[0] if new.recent else None
    return _told(
        "customer.opted_out", new.key, new.version, new.key, last, new.opted_out_at, {"how": new.opted_out_how}
    )


def _told(kind: Kind, name: str, version: int, customer: str, item: str | None, at: datetime, facts: Facts) -> Outgoing:
    # One item may tell several things of one version, hence the kind; no dots, which the signature separates by.
    id_ = fingerprint(kind, name, str(version))
    return Outgoing(id=id_, kind=kind, customer=customer, item=item, at=at, facts=facts)


def event_of(what: Outgoing, invitation: Invitation | None, customer: Customer | None, origin: Origin) -> CloudEvent:
    """Return the event that other programs read, with what is on record now: nothing of whom has been erased."""
    id_ = customer.id if customer and not customer.erased_at else None
    known = invitation if invitation and not invitation.erased else None
    event: JsonValue = {"source": known.source, "id": known.event_id} if known and known.event_id else None
    data: Facts = {
        "reference": known.reference if known else None,
        "event": event,
        "customer": {"id": id_} if id_ else None,
        **what.facts,
    }
    if what.facts.get("case"):
        data["url"] = f"{origin.base_url}/cases/{what.facts['case']}"
    subject = id_ if what.kind == "customer.opted_out" else what.item
    return CloudEvent(id=what.id, source=origin.source, type=what.kind, subject=subject, time=what.at, data=data)


def again(post: Post, now: datetime) -> Post | None:
    """Return a post that failed as it will be tried again; None when it was tried for a day."""
    if post.tried >= len(RETRY_AFTER):
        return None
    chance = share_of(f"{post.what.id}:{post.webhook}:{post.tried}")
    wait = RETRY_AFTER[post.tried] * (1 - JITTER + 2 * JITTER * chance)
    return post.model_copy(update={"tried": post.tried + 1, "not_before": now + wait})
