"""Follow one request to one customer: scheduled, attempted, sent, reminded, closed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from chalicelib.domain.calendar import Calendar, next_open
from chalicelib.domain.customer import Address, Customer, rests_because_of_another
from chalicelib.domain.event import Closing, Person, Promise
from chalicelib.domain.organisation import Counter, Pause, Program
from chalicelib.domain.policy import Ask, Reason, Skip, Target, invitation_id
from chalicelib.domain.survey import Survey
from chalicelib.domain.terms import NAME_MAX, Channel, Frozen, Instant

HOLD = timedelta(hours=1)
RETRIES_MAX = 10
RETRY_AFTER = timedelta(minutes=1)  # doubled each time, so that ten tries take the best part of a day

PAUSE_LOOK_AFTER = timedelta(hours=1)  # while sending is paused: whether it still is
PAUSED_MAX = timedelta(days=14)  # after the event: nobody wants to be asked about last month when sending goes on

PRIVACY_FOR = timedelta(days=183)

WALK_IN = "walk_in"
WALKED_IN = "counter.visited"
"""The touchpoint of whoever answers by a counter's code."""

WALK_IN_FOR = timedelta(hours=1)
"""How long such an answer may be corrected, from the page that it was given on."""

State = Literal["skipped", "scheduled", "attempted", "sent", "failed"]


class Answer(Frozen):
    """One filled-in survey. `texts` are the customer's own words: personal, and the first to be erased."""

    rating: int
    ratings: dict[str, int] = {}
    choices: dict[str, tuple[str, ...]] = {}
    texts: dict[str, str] = {}
    no_call: bool = False
    """Whether the customer asked to be written to and not called about it."""
    at: Instant
    how: Literal["button", "automatic", "unvouched", "sms", "phone", "counter", "walk_in"]
    topics: tuple[str, ...] | None = None
    """The departments that its words speak of, read as it was confirmed; they stay when the words are erased.

    None where nobody has read them: such an answer counts neither there nor in what failed.
    """

    @property
    def verbatim(self) -> str:
        """What the customer wrote, all of it."""
        return "\n".join(self.texts.values())


NAMELESS: dict[str, None] = dict.fromkeys(("event_id", "reference", "address", "carrier_id"))
"""What an invitation is without all by which somebody could find whom it was about."""


class Invitation(Frozen):
    """One request to one contact about one event, or the reason why there is none (`state` skipped).

    Who was responsible is frozen here when the event happens; what was delivered may still arrive.
    `attempted` means that nobody knows whether the carrier took it.
    """

    id: str
    version: int = 1
    generation: int = 0
    source: str
    event_id: str | None
    touchpoint: str
    occurred_at: Instant
    decided_at: Instant
    program: str
    programs: tuple[str, ...] = ()
    """The programs decided together with this one, where there were several."""
    label: str
    customer: str
    address: str | None = None
    domain: str | None = None
    channel: Channel | None = None
    language: str
    zone: str | None = None
    survey: str | None = None
    survey_version: str | None = None
    metric: str | None = None
    reference: str | None = None
    department: str | None = None
    people: tuple[Person, ...] = ()
    promises: tuple[Promise, ...] = ()
    attributes: dict[str, str] = {}
    departments: tuple[str, ...] = ()
    primary: bool = True
    """Whether this record carries the event's promises into the trends: one of an event's records does."""
    counter: str | None = None
    """The counter whose code somebody without a name answered by: nobody was asked, and nobody is ever written to."""
    trial: bool = False
    """A real survey to one of us, which counts nowhere."""

    state: State
    reason: Reason | None = None
    rule: str | None = None
    send_at: Instant | None = None
    sent_at: Instant | None = None
    closes_at: Instant | None = None
    retries: int = 0
    remind_at: Instant | None = None
    reminder: Literal["attempted", "sent", "failed"] | None = None
    reminded_at: Instant | None = None
    bounced: bool = False
    """Whether its last message came back for good: it reached nobody."""
    soft_bounced: tuple[str, ...] = ()
    """Which of its messages came back for now; the carrier has tried again by itself."""
    instead_at: Instant | None = None
    """When one text message leaves in place of a mail that came back for good."""
    instead: Literal["attempted", "sent", "failed"] | None = None
    cancelled: bool = False
    """What it asks about was cancelled after a carrier was given it: nothing more leaves, not even a second try."""
    carrier_id: str | None = None
    taken_by: str | None = None
    """The queue's message that took its last message to the carrier; should that come again, the fate is unknown."""
    timer_for: Instant | None = None
    """The due instant for which a shared timer names it: then the index of single ones need not."""

    provisional: Answer | None = None
    confirm_at: Instant | None = None
    unconfirmed: bool = False
    confirmed: Answer | None = None
    first_confirmed_at: Instant | None = None
    has_case: bool = False
    viewed: tuple[int, ...] = ()
    trapped: bool = False
    erased: bool = False
    held_until: Instant | None = None
    """After a fault of ours: nothing is tried before, so that one bad item never holds up the others."""
    faults: int = 0

    @property
    def came_by(self) -> str | None:
        """How whoever answers it came to it: a channel, or a counter's code."""
        return "counter" if self.counter else self.channel

    @property
    def due_at(self) -> datetime | None:
        """When something next happens to this by itself; None when it only waits for somebody."""
        pending = [self.confirm_at, self.send_at if self.state in ("scheduled", "skipped") else None]
        if not self._is_answered:
            pending += [self.instead_at, self.remind_at]
        due = min(filter(None, pending), default=None)
        return max(due, self.held_until) if due and self.held_until else due

    @property
    def index_at(self) -> datetime | None:
        """When the index of single timers has to name this; None where a shared timer does, or nothing happens."""
        at = self.due_at
        return None if at == self.timer_for else at

    @property
    def needs_timer(self) -> bool:
        """Say whether the shared timer that names this must stay: it is the only one, or may be so again.

        What waits for the confirmation of an answer is due for its reminder again, should that not be confirmed.
        """
        if self.timer_for is None:
            return False
        return self.due_at == self.timer_for or (self.confirm_at is not None and self.remind_at == self.timer_for)

    @property
    def _is_answered(self) -> bool:
        # An answer that waits for its confirmation holds further messages back; an unconfirmed one does not.
        return bool(self.confirmed or (self.provisional and not self.unconfirmed) or self.confirm_at)

    @property
    def next_channel(self) -> Channel | None:
        """The channel of the message that leaves next."""
        return "sms" if self.instead_at else self.channel

    @property
    def is_scanned(self) -> bool:
        """Whether a machine gave itself away: it opened two different ratings, or the hidden link."""
        return self.trapped or len(set(self.viewed)) > 1

    @property
    def privacy_until(self) -> datetime:
        """How long the link to one's own data is good: as long as the survey, and half a year more."""
        return (self.closes_at or self.decided_at) + PRIVACY_FOR

    def is_open(self, now: datetime) -> bool:
        """Say whether an answer may still be given or corrected."""
        asked = self.state in ("attempted", "sent") and not self.erased
        return asked and (self.closes_at is None or now < self.closes_at)

    def moved(self, **changes: Any) -> "Invitation":
        """Return the next version with these fields changed."""
        return self.model_copy(update={"version": self.version + 1, **changes})


@dataclass(frozen=True)
class Step:
    """What happens next: the item as it will be, and at most one message to send once that is written."""

    next: Invitation
    message: Literal["invitation", "reminder", "instead"] | None = None


def decided(closing: Closing, target: Target, decision: Ask | Skip, **more: Any) -> Invitation:
    """Return the one record of a decision: an invitation, or the reason why there is none."""
    common = {
        "id": invitation_id(closing.ref.source, closing.ref.id, target.program, target.label),
        "source": closing.ref.source,
        "event_id": closing.ref.id,
        "touchpoint": closing.touchpoint,
        "occurred_at": closing.at,
        "program": target.program,
        "label": target.label,
        "reference": closing.reference,
        "department": closing.department,
        "departments": closing.departments(),
        "people": closing.people,
        "promises": closing.promises,
        "attributes": closing.attributes,
        **more,
    }
    if isinstance(decision, Skip):
        return Invitation(state="skipped", reason=decision.reason, rule=decision.rule, **common)
    return Invitation(state="scheduled", channel=decision.channel, send_at=decision.at, **common)


def walked_in(
    counter: Counter, program: Program, survey: Survey, nonce: str, language: str, now: datetime
) -> Invitation:
    """Return the record of somebody at a counter. `nonce` is their page's own: sent twice, it is one record."""
    source = f"/counters/{counter.id}"
    id_ = invitation_id(source, nonce, program.id, WALK_IN)
    return Invitation(
        id=id_,
        source=source,
        event_id=nonce,
        touchpoint=WALKED_IN,
        occurred_at=now,
        decided_at=now,
        program=program.id,
        label=WALK_IN,
        customer=id_,  # somebody of whom nothing else is known, and who can never be found again
        counter=counter.id,
        language=language,
        survey=survey.id,
        survey_version=survey.version,
        metric=survey.metric,
        department=counter.department,
        departments=(counter.department,),
        attributes={"counter": counter.id},
        primary=False,
        state="sent",
        closes_at=now + WALK_IN_FOR,
    )


def skip(invitation: Invitation, reason: Reason, rule: str) -> Invitation:
    """Return an invitation that will not be sent after all, with the reason."""
    gone = NAMELESS if reason == "erased" else {}
    return invitation.moved(state="skipped", reason=reason, rule=rule, send_at=None, remind_at=None, **gone)


def given_up(invitation: Invitation, reason: Reason, rule: str) -> Invitation:
    """Return an invitation that will not be sent after all, still due until the rest that it took has ended."""
    gone = skip(invitation, reason, rule)
    return gone if gone.erased or reason == "erased" else gone.model_copy(update={"send_at": invitation.send_at})


def let_go(invitation: Invitation) -> Invitation | None:
    """Return an invitation that was given up, and because of which nobody rests any more; None for any other."""
    return invitation.moved(send_at=None) if invitation.state == "skipped" and invitation.send_at else None


def advance(
    invitation: Invitation,
    customer: Customer | None,
    address: Address | None,
    hours: Calendar,
    now: datetime,
    *,
    window: timedelta,
    remind_after: timedelta | None,
    pause: Pause | None = None,
) -> Step | None:
    """Return the step that is due; None when nothing is (the index only hinted).

    A provisional answer that is due is settled by `response.settle`, not here.
    """
    if invitation.due_at is None or now < invitation.due_at:
        return None
    if stopped := _stopped(invitation, pause, now):
        return stopped
    if invitation.state == "scheduled":
        return _send(invitation, customer, address, hours, now, window, remind_after)
    if invitation.instead_at and now >= invitation.instead_at and not invitation.confirm_at:
        return _instead(invitation, customer, address, hours, now)
    if invitation.remind_at and now >= invitation.remind_at and not invitation.confirm_at:
        return _remind(invitation, customer, address, hours, now)
    return None


def _stopped(invitation: Invitation, pause: Pause | None, now: datetime) -> Step | None:
    """Return the step of what is given up, or what a pause makes of what is due; None where a message may leave."""
    if released := let_go(invitation):
        return Step(released)
    return _held_back(invitation, pause, now) if pause else None


def _held_back(invitation: Invitation, pause: Pause, now: datetime) -> Step | None:
    """Return what a pause makes of what is due: an incident ends an invitation, any other pause lets it wait."""
    later = now + PAUSE_LOOK_AFTER
    if invitation.state == "scheduled":
        if pause.reason == "incident" or later > invitation.occurred_at + PAUSED_MAX:
            return Step(given_up(invitation, pause.reason, f"{pause.id}: {pause.why}"[:NAME_MAX]))
        return Step(invitation.moved(send_at=later))
    if invitation.remind_at and now >= invitation.remind_at and not invitation.confirm_at:
        return Step(invitation.moved(remind_at=later if invitation.is_open(later) else None))
    return None


def _send(
    invitation: Invitation,
    customer: Customer | None,
    address: Address | None,
    hours: Calendar,
    now: datetime,
    window: timedelta,
    remind_after: timedelta | None,
) -> Step:
    refusal = refuses(invitation, customer, address, now)
    if refusal:
        return Step(given_up(invitation, refusal.reason, refusal.rule))
    open_at = next_open(now, hours)
    if open_at > now:
        return Step(invitation.moved(send_at=open_at))
    remind_at = next_open(now + remind_after, hours) if remind_after else None
    if remind_at and remind_at >= now + window:
        remind_at = None
    asked = invitation.moved(state="attempted", send_at=None, sent_at=now, closes_at=now + window, remind_at=remind_at)
    return Step(asked, "invitation")


def _remind(
    invitation: Invitation, customer: Customer | None, address: Address | None, hours: Calendar, now: datetime
) -> Step:
    open_at = next_open(now, hours)
    over = not invitation.is_open(open_at) or invitation.bounced
    if over or refuses(invitation, customer, address, now):
        return Step(invitation.moved(remind_at=None))
    if open_at > now:
        return Step(invitation.moved(remind_at=open_at))
    return Step(invitation.moved(remind_at=None, reminder="attempted", reminded_at=now), "reminder")


def _instead(
    invitation: Invitation, customer: Customer | None, address: Address | None, hours: Calendar, now: datetime
) -> Step:
    """Return the one text message in place of a mail that came back; reaching nobody is final."""
    open_at = next_open(now, hours)
    over = not invitation.is_open(open_at) or customer is None or not customer.phone
    if over or refuses(invitation, customer, address, now):
        return Step(invitation.moved(instead_at=None, bounced=True))
    if open_at > now:
        return Step(invitation.moved(instead_at=open_at))
    texted = invitation.moved(instead_at=None, instead="attempted", channel="sms", bounced=False, remind_at=None)
    return Step(texted, "instead")


OPTED_OUT = Skip("opted_out", "opted out before it was sent")


def not_wanted(invitation: Invitation) -> Invitation | None:
    """Return an invitation that is still to be sent to somebody who wants none, ended; None for any other."""
    return given_up(invitation, OPTED_OUT.reason, OPTED_OUT.rule) if invitation.state == "scheduled" else None


def refuses(invitation: Invitation, customer: Customer | None, address: Address | None, now: datetime) -> Skip | None:
    """Return why nothing may be sent now, whatever was decided earlier; None when nothing stands against it."""
    if customer is None or customer.erased_at or invitation.erased:
        return Skip("erased", "erased before it was sent")
    if invitation.cancelled:
        return Skip("cancelled", "cancelled before it was sent")
    if customer.opted_out_at or (address and address.opted_out_at):
        return OPTED_OUT
    if address and address.suppressed:
        return Skip("suppressed", f"the address was suppressed: {address.suppressed}")
    if any(rests_because_of_another(kept, now, invitation.id) for kept in (customer, address)):
        return Skip("resting", "another invitation came first")
    return None


def hold(invitation: Invitation, now: datetime) -> Invitation:
    """Return an invitation whose handling failed, moved ahead in time and counted."""
    return invitation.moved(held_until=now + HOLD * 2**invitation.faults, faults=invitation.faults + 1)


def last_message(invitation: Invitation) -> Literal["instead", "reminder", "state"]:
    """Return the field that tells what became of its last message."""
    return "instead" if invitation.instead else "reminder" if invitation.reminder else "state"


def entrusted(invitation: Invitation, to: str) -> Invitation:
    """Return a claim that says `sent` already, and which message of the queue took it upon itself to send.

    Its word is good as long as that message does not come again: whoever dies before the carrier's word leaves it in
    the queue. So the carrier's usual answer, that it took the message, need not be written.
    """
    return invitation.model_copy(update={last_message(invitation): "sent", "taken_by": to})


def unsettled(invitation: Invitation) -> Invitation:
    """Return a claim as one whose carrier has not spoken yet, whatever it says already."""
    if invitation.taken_by is None:
        return invitation
    return invitation.model_copy(update={last_message(invitation): "attempted", "taken_by": None})


def doubted(invitation: Invitation, by: str) -> Invitation | None:
    """Return what a message of the queue took, now that nobody knows what became of it; None where it is known."""
    field = last_message(invitation)
    if invitation.taken_by != by or getattr(invitation, field) != "sent":
        return None
    if field == "state" and invitation.confirmed:
        return None  # an answer is a receipt
    return unsettled(invitation).moved()


def awaits_word(found: Invitation, claimed: Invitation) -> bool:
    """Say whether a claim's very message is still without its carrier's word, whoever has written since."""
    field = last_message(claimed)
    same = (
        last_message(found) == field and found.sent_at == claimed.sent_at and found.reminded_at == claimed.reminded_at
    )
    is_taken = claimed.taken_by is not None and found.taken_by == claimed.taken_by
    return same and getattr(found, field) in (("attempted", "sent") if is_taken else ("attempted",))


def returned(claimed: Invitation, before: Invitation) -> Invitation:
    """Return a claimed invitation as it was before, since its message was never handed to the carrier.

    Back in the index: whoever found it claimed may have let the shared timer go that named it.
    """
    return before.model_copy(update={"version": claimed.version + 1, "timer_for": None})


def accepted(invitation: Invitation, carrier_id: str) -> Invitation:
    """Return the invitation once its carrier has taken the last message."""
    if invitation.instead == "attempted":
        return invitation.moved(instead="sent", carrier_id=carrier_id)
    if invitation.reminder == "attempted":
        return invitation.moved(reminder="sent", carrier_id=carrier_id)
    return invitation.moved(state="sent", carrier_id=carrier_id)


def refused(invitation: Invitation, why: str, *, permanent: bool, now: datetime) -> Invitation:
    """Return the invitation after a plain refusal: nothing was sent, so it is tried again, within a bound."""
    retries = invitation.retries + 1
    gone = permanent or retries > RETRIES_MAX
    again = now + RETRY_AFTER * 2 ** (retries - 1)
    if invitation.instead == "attempted":
        if gone or not invitation.is_open(again):
            return invitation.moved(instead="failed", bounced=True, retries=retries)
        return invitation.moved(instead=None, instead_at=again, retries=retries)
    if invitation.reminder == "attempted":
        if gone or not invitation.is_open(again):
            return invitation.moved(reminder="failed", retries=retries)
        return invitation.moved(reminder=None, reminded_at=None, remind_at=again, retries=retries)
    unsent = {"sent_at": None, "closes_at": None, "remind_at": None, "retries": retries}
    if gone:
        return invitation.moved(state="failed", rule=f"the carrier refused it: {why}"[:NAME_MAX], **unsent)
    return invitation.moved(state="scheduled", send_at=again, **unsent)
