"""Write an answer, and the case that it opens or corrects, in the same breath."""

from dataclasses import replace
from datetime import datetime

from chalicelib.domain.case import Moved, correct, is_repeat, open_case
from chalicelib.domain.incident import Noted
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.recognition import praise_of, told_to
from chalicelib.domain.response import Recorded
from chalicelib.domain.routing import route, topics_of
from chalicelib.domain.survey import Survey
from chalicelib.ports import DueKey, Ports


def write(ports: Ports, recorded: Recorded, survey: Survey, organisation: Organisation, now: datetime) -> Moved | None:
    """Write an answer, with its case in one transaction: a low one cannot exist without. Returns what moved."""
    recorded = _read(recorded, organisation)
    if recorded.confirmed:
        _praise(ports, recorded.next, survey)
    moved = _case(ports, recorded, survey, organisation, now)
    if moved is None:
        ports.invitations.save(recorded.next)
        return None
    ports.invitations.save_with_case(recorded.next, moved.case, moved.entry)
    ports.timers.nudge([DueKey("case", moved.case.id)])
    return moved


def _read(recorded: Recorded, organisation: Organisation) -> Recorded:
    """Return what is written, with the topics of a confirmed answer's words: by the file as it is now."""
    answer = recorded.next.confirmed
    if answer is None or not recorded.confirmed:
        return recorded
    read = answer.model_copy(update={"topics": topics_of(answer, organisation)})
    return replace(recorded, next=recorded.next.model_copy(update={"confirmed": read}))


def _praise(ports: Ports, invitation: Invitation, survey: Survey) -> None:
    """Note praise where those who did it, and their heads, will find it.

    Before the answer itself is written: a note whose answer was never written, or is no praise any more, shows nothing.
    """
    praise = praise_of(invitation, survey)
    if praise is None:
        return
    for name in told_to(invitation):
        ports.cases.note(name, Noted(at=praise.at, id=praise.id))


def _case(ports: Ports, recorded: Recorded, survey: Survey, organisation: Organisation, now: datetime) -> Moved | None:
    answer = recorded.next.confirmed
    if answer is None:
        return None
    if recorded.opens_case:
        to = route(recorded.next, survey, answer, organisation, now)
        return open_case(recorded.next, answer, to, organisation, now, repeat=_repeats(ports, recorded.next, now))
    case = ports.cases.get(recorded.next.id) if recorded.corrects_case else None
    return correct(case, answer, now) if case else None


def _repeats(ports: Ports, invitation: Invitation, now: datetime) -> bool:
    """Say whether this customer was let down before: two reads, and only for a low answer."""
    customer = ports.customers.get(invitation.customer)
    before = ports.invitations.get_many(customer.recent) if customer else {}
    return is_repeat(before.values(), invitation, now)
