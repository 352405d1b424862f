"""Send what is due to customers: each message at most once, and never against their wish."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from chalicelib.domain.calendar import Calendar
from chalicelib.domain.customer import Address, Customer, rest_of
from chalicelib.domain.invitation import (
    Invitation,
    Step,
    accepted,
    advance,
    awaits_word,
    doubted,
    entrusted,
    hold,
    let_go,
    refused,
    returned,
    unsettled,
)
from chalicelib.domain.organisation import Organisation, Pauses
from chalicelib.domain.policy import hours_of
from chalicelib.domain.timer import may_share, shared
from chalicelib.errors import CarrierRefused, CarrierUnclear, Conflict, NotFound, Unwritten
from chalicelib.flows import amend, news
from chalicelib.ports import Mail, Ports, Sms, Word

WINDOW = timedelta(days=14)  # of an invitation whose program is no longer in the file

AT_ONCE = 8
"""Messages on their way at the same time: what Lambda waits for a carrier is most of what it bills for a message."""

Change = Callable[[Invitation], Invitation]


def send(ports: Ports, id_: str, now: datetime) -> None:
    """Take one invitation's due step; raises what went wrong."""
    found = ports.invitations.get(id_)
    for error in send_many(ports, [found] if found else [], now).errors.values():
        raise error


@dataclass
class Done:
    """What became of some invitations: what each is now, as far as it is known, and what went wrong with which."""

    now: dict[str, Invitation] = field(default_factory=dict)
    errors: dict[str, Exception] = field(default_factory=dict)


@dataclass(frozen=True)
class _Round:
    """What all steps of one message share."""

    ports: Ports
    organisation: Organisation
    pauses: Pauses
    at: datetime
    by: str | None


@dataclass(frozen=True)
class _Claim:
    """An invitation's step, ready to be written, and what is to be sent once it is."""

    before: Invitation
    after: Invitation
    message: Mail | Sms | None
    hours: Calendar


def send_many(ports: Ports, invitations: Sequence[Invitation], now: datetime, by: str | None = None) -> Done:
    """Take the due steps of invitations that have just been read: claim them, then send each.

    Whoever finds one claimed leaves it alone. One that goes wrong goes wrong alone. `by` is the queue's message that
    leads here and comes again should this die: then claims say `sent` at once, and fates are written where they differ.
    Raises where a fate could not be written, which that message has to bring to light.
    """
    done = Done({each.id: each for each in invitations})
    if not invitations:
        return done
    try:
        customers, addresses = _recipients(ports, invitations)
        done.now |= news.hear(ports, invitations, customers)
    except Exception as error:
        if len(invitations) > 1:  # one that cannot be read holds up no other
            return _one_by_one(ports, invitations, now, by)
        done.errors = dict.fromkeys(done.now, error)
        return done
    _send_read(_Round(ports, ports.library.organisation(), ports.library.pauses(), now, by), customers, addresses, done)
    return done


def _send_read(round_: _Round, customers: Mapping[str, Customer], addresses: Mapping[str, Address], done: Done) -> None:
    """Take the due steps of invitations whose recipients have just been read."""
    invitations = tuple(done.now.values())
    claims, elsewhere = [], []
    for each in invitations:
        customer = customers.get(each.customer)
        if _present_address(round_.ports, each, customer) != each.address:
            elsewhere.append((each, customer))
            continue
        with _noting(done, each):
            claims += _prepared(round_, each, customer, addresses.get(each.address or ""))
    _take(round_, claims, done)
    # Each by itself, once the others have left: it lets an address rest that another of them may be sent to.
    for each, customer in elsewhere:
        claims = []
        with _noting(done, each):
            claims = _readdressed(round_, each, customer)
        _take(round_, claims, done)


def _recipients(ports: Ports, invitations: Sequence[Invitation]) -> tuple[dict[str, Customer], dict[str, Address]]:
    """Read whom invitations go to: as they were a second ago, where these were decided long before.

    Who opts out or is erased ends what waits, so that its claim fails; and whatever rests was written at the decision.
    """
    customers = [*dict.fromkeys(each.customer for each in invitations)]
    addresses = [*dict.fromkeys(each.address for each in invitations if each.address)]
    surely = not all(news.hears_later(each) for each in invitations)
    return ports.customers.several(customers, addresses, consistent=surely)


def _one_by_one(ports: Ports, invitations: Sequence[Invitation], now: datetime, by: str | None) -> Done:
    done = Done()
    for each in invitations:
        one = send_many(ports, [each], now, by)
        done.now |= one.now
        done.errors |= one.errors
    return done


@contextmanager
def _noting(done: Done, invitation: Invitation) -> Iterator[None]:
    """Let what goes wrong with one invitation hold up no other."""
    try:
        yield
    except Exception as error:
        done.errors[invitation.id] = error


def _present_address(ports: Ports, invitation: Invitation, customer: Customer | None) -> str | None:
    """Return the name of the address that a message would go to: it may have changed since the event."""
    channel = invitation.next_channel
    present = customer.address(channel) if customer and channel else None
    return ports.names.address(channel, present) if present and channel else invitation.address


def _prepared(
    round_: _Round, invitation: Invitation, customer: Customer | None, address: Address | None
) -> list[_Claim]:
    """Return the claim of the step that is due, if one is."""
    ports, organisation = round_.ports, round_.organisation
    program = organisation.program(invitation.program)
    hours = hours_of(program, invitation.zone, organisation)
    window, remind_after = (program.window, program.remind_after) if program else (WINDOW, None)
    pause = round_.pauses.stopping(invitation.program, invitation.departments, round_.at)
    step = advance(
        invitation, customer, address, hours, round_.at, window=window, remind_after=remind_after, pause=pause
    )
    if step is None:
        return []
    if invitation.state == "skipped":
        amend.release(ports, invitation)  # whoever gave it up has died since
    # Written before the claim: a message that cannot be written must not be claimed, and so lost.
    message = _message(ports, step, customer, organisation) if step.message else None
    after = entrusted(step.next, round_.by) if message and round_.by else step.next
    return [_Claim(invitation, after, message, hours)]


def _message(ports: Ports, step: Step, customer: Customer | None, organisation: Organisation) -> Mail | Sms:
    survey = ports.library.survey(step.next.survey_version or "")
    if customer is None or survey is None:
        raise NotFound(f"invitation {step.next.id} has no customer or no survey to write with")
    reminder = step.message == "reminder"
    return ports.messages.invitation(step.next, customer, survey, organisation, reminder=reminder)


def _readdressed(round_: _Round, invitation: Invitation, customer: Customer | None) -> list[_Claim]:
    """Return the claim of a step whose message goes to another address: that rests as the first one does."""
    ports = round_.ports
    key = _present_address(ports, invitation, customer) or ""
    address = ports.customers.address(key) or Address(key=key)
    claims = _prepared(round_, invitation, customer, address)
    if not claims or claims[0].message is None:
        return claims
    rest = rest_of(customer)
    try:
        ports.customers.save_address(address.asked(invitation.id, rest if rest and rest.by == invitation.id else None))
    except Conflict:
        return []  # somebody else has just said something of it: looked at again by the next sweep
    return [replace(claims[0], after=claims[0].after.model_copy(update={"address": key}))]


def _take(round_: _Round, claims: Sequence[_Claim], done: Done) -> None:
    """Write claims, then hand over the messages of those that were written."""
    if not claims:
        return
    claims = _armed(round_, claims)
    lost = _lost(round_, claims, done)
    for claim in claims:
        done.now.pop(claim.after.id)
    taken = [claim for claim in claims if claim.after.id not in lost]
    done.now |= {claim.after.id: claim.after for claim in taken}
    _hand_over(round_, [claim for claim in taken if claim.message], done)
    for id_ in sorted(lost):
        # Somebody else wrote first; or this did, and was tried again after a lost reply.
        _doubt(round_, id_)
    for claim in taken:
        if claim.after.state == "skipped" and claim.after.send_at:
            with _noting(done, claim.after):
                _let_go(round_.ports, claim.after, done)


def _let_go(ports: Ports, given_up: Invitation, done: Done) -> None:
    """Let nobody rest because of what is not sent: who dies before that finds it due again."""
    amend.release(ports, given_up)
    done.now[given_up.id] = amend.invitation(ports.invitations, given_up.id, let_go) or given_up


def _armed(round_: _Round, claims: Sequence[_Claim]) -> list[_Claim]:
    """Let the reminders of a batch share timers, which are there before anything waits for them."""
    found = [_sharing(claim, round_.at) for claim in claims]
    waiting = [(claim.after.id, claim.after.timer_for) for claim in found if claim.after.needs_timer]
    timers = shared((id_, at) for id_, at in waiting if at)
    if timers:
        round_.ports.timers.arm(timers)
    return found


def _sharing(claim: _Claim, now: datetime) -> _Claim:
    at = claim.after.remind_at
    if claim.message is None or at is None or at != claim.after.due_at or not may_share(at, now, claim.hours):
        return claim
    return replace(claim, after=claim.after.model_copy(update={"timer_for": at}))


def _lost(round_: _Round, claims: Sequence[_Claim], done: Done) -> set[str]:
    """Write claims and return whose are not written; one that cannot be written holds up no other."""
    try:
        lost = round_.ports.invitations.save_many([claim.after for claim in claims])
    except Unwritten as error:
        # Its neighbours are written: tried again they would meet themselves, and be in doubt for nothing.
        lost = {*error.lost, *error.names}
        done.errors |= dict.fromkeys(error.names, error)
    except Exception as error:
        if len(claims) > 1:
            return set().union(*(_lost(round_, [claim], done) for claim in claims))
        lost = {claims[0].after.id}
        done.errors[claims[0].after.id] = error
    return lost


def _doubt(round_: _Round, id_: str) -> None:
    if round_.by:
        doubt(round_.ports, id_, round_.by)


def doubt(ports: Ports, id_: str, by: str) -> Invitation | None:
    """Write that nobody knows what became of what a message of the queue has taken; None where it is known."""
    return amend.invitation(ports.invitations, id_, partial(doubted, by=by))


def _hand_over(round_: _Round, claims: Sequence[_Claim], done: Done) -> None:
    """Hand over each message once, a few at a time; where a carrier falters, what has not left is given back."""
    for first in range(0, len(claims), AT_ONCE):
        begun = [(claim, _begun(round_.ports, claim)) for claim in claims[first : first + AT_ONCE]]
        heard = [_hear(round_, claim, word, done) for claim, word in begun]
        if not all(each is True for each in heard):
            _give_back(round_, claims[first + AT_ONCE :], done)
            for error in (each for each in heard if isinstance(each, Exception)):
                raise error
            return


def _begun(ports: Ports, claim: _Claim) -> Word:
    """Send a message off; what is returned says what its carrier does, also where that is said at once."""
    assert claim.message
    try:
        return ports.carrier.begin(claim.message)
    except Exception as error:
        return partial(_raise, error)


def _raise(error: Exception) -> str:
    raise error


def _hear(round_: _Round, claim: _Claim, word: Word, done: Done) -> bool | Exception:
    """Wait for a carrier's word on a message and write its fate; False where the carrier falters.

    Returns what went wrong where the fate could not be written: others are on their way.
    """
    try:
        change = _handed(round_, word)
    except Exception as error:  # perhaps it was sent, so it is not sent again
        if not isinstance(error, CarrierUnclear):
            done.errors[claim.after.id] = error
        return _settled(round_, claim, Invitation.moved if round_.by else None, done) or False
    return _settled(round_, claim, change, done) or True


def _settled(round_: _Round, claim: _Claim, change: Change | None, done: Done) -> Exception | None:
    try:
        _settle(round_, claim, change, done)
    except Exception as error:
        return error
    return None


def _handed(round_: _Round, word: Word) -> Change | None:
    """Wait for a carrier's word, and return what is to be written about it."""
    try:
        carrier_id = word()
    except CarrierRefused as refusal:
        return partial(refused, why=str(refusal), permanent=refusal.permanent, now=round_.at)
    return None if round_.by else partial(accepted, carrier_id=carrier_id)


def _settle(round_: _Round, claim: _Claim, change: Change | None, done: Done) -> None:
    if change is None:
        return
    invitations, claimed = round_.ports.invitations, claim.after
    settled = change(unsettled(claimed))
    after: Invitation | None = settled
    try:
        invitations.save(settled)
    except Conflict:
        after = amend.invitation(
            invitations, claimed.id, lambda found: change(unsettled(found)) if awaits_word(found, claimed) else None
        )
    done.now.pop(claimed.id)
    if after:
        done.now[claimed.id] = after


def _give_back(round_: _Round, claims: Sequence[_Claim], done: Done) -> None:
    """Let what was claimed and not handed over be due again, as if nobody had looked at it."""
    if not claims:
        return
    back = [returned(claim.after, claim.before) for claim in claims]
    lost = round_.ports.invitations.save_many(back)
    for each in back:
        done.now.pop(each.id)
        if each.id in lost:
            _doubt(round_, each.id)
        else:
            done.now[each.id] = each


def put_off(ports: Ports, id_: str, now: datetime) -> Invitation | None:
    """Move an invitation whose handling failed an hour ahead, and count the fault; not what waits already."""

    def held(found: Invitation) -> Invitation | None:
        # A shared timer names it every minute: each fault of that read would double the wait, up to years.
        return hold(found, now) if found.due_at and now >= found.due_at else None

    return amend.invitation(ports.invitations, id_, held)
