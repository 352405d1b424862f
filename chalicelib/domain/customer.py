"""Keep what we know of a person and of an address: consent, rest, suppression."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeVar

from chalicelib.domain.event import Contact
from chalicelib.domain.terms import Channel, Frozen, Instant, Name, fingerprint

RECENT_MAX = 20  # invitations remembered by customer at least: what the ledger shows of one person
PUT_AWAY_AT = 10  # remembered beyond: these are put away together, one write for ten
EPISODES_MAX = 5  # of one customer: whoever closes five others in between has begun a new one
EPISODE_MARK = 8  # characters that tell one customer's episodes apart


class Customer(Frozen):
    """A person: the only place, with verbatims, that holds personal data.

    `key` is keyed (terms.keyed), so an erased customer stays as a tombstone that leads to nobody.
    """

    key: str
    version: int = 0
    id: Name | None = None
    name: Name | None = None
    email: str | None = None
    phone: str | None = None
    language: str | None = None
    zone: str | None = None
    opted_out_at: Instant | None = None
    opted_out_how: str | None = None
    erased_at: Instant | None = None
    rest_from: Instant | None = None
    rest_until: Instant | None = None
    rest_by: str | None = None
    former_from: Instant | None = None
    former_until: Instant | None = None
    former_by: str | None = None
    recent: tuple[str, ...] = ()
    episodes: tuple[str, ...] = ()
    """The last closings with a reference that were asked about: the episode's mark, then the invitation's id."""
    passed_over: tuple[str, ...] = ()
    """The last decisions not to ask: what answers "why did this customer get none?"."""
    do_not_call: bool = False
    called_off: bool = False
    """Whether one of their references was ever cancelled: only then need anybody look for that."""
    told_at: Instant | None = None
    """When the event happened that told us name and addresses: an older one does not overwrite them."""

    def address(self, channel: Channel) -> str | None:
        """Return where this person is reached by e-mail or by phone; None where we know of none."""
        return self.email if channel == "email" else self.phone

    def told(self, contact: Contact, at: datetime) -> "Customer":
        """Return this customer with what an event says of them; nothing changes in an erased person.

        An older event overwrites nothing, but tells what was not known: its own message needs an address.
        """
        if self.erased_at:
            return self
        is_older = self.told_at is not None and at < self.told_at
        said = {"id": contact.id, "name": contact.name, "email": contact.email, "phone": contact.phone}
        said |= {"language": contact.language, "zone": contact.timezone}
        news = {name: value for name, value in said.items() if value and value != getattr(self, name)}
        if is_older:
            news = {name: value for name, value in news.items() if getattr(self, name) is None}
        return self.model_copy(update={**news, "told_at": self.told_at if is_older else at}) if news else self

    def spared(self, invitation: str) -> "Customer":
        """Return this customer with a decision not to ask remembered; an erased one remembers nothing."""
        if self.erased_at or invitation in self.passed_over:
            return self
        return self.model_copy(update={"passed_over": (invitation, *self.passed_over)})

    @property
    def decisions(self) -> tuple[str, ...]:
        """Every decision remembered, asked or not."""
        return (*self.recent, *self.passed_over)

    @property
    def remembers_all(self) -> bool:
        """Whether no decision has been put away or forgotten."""
        return self.erased_at is None and max(len(self.recent), len(self.passed_over)) < RECENT_MAX

    def asked(
        self, invitation: str, rest: "Rest | None", now: datetime | None = None, episode: str | None = None
    ) -> "Customer":
        """Return this customer resting because of an invitation, which is remembered."""
        recent = (invitation, *(each for each in self.recent if each != invitation))
        changes = {"version": self.version + 1, "recent": recent, **_stamped(self, rest, now)}
        if episode:
            mark = episode[:EPISODE_MARK] + invitation
            others = (each for each in self.episodes if each != mark)
            changes["episodes"] = (mark, *others)[:EPISODES_MAX]
        return self.model_copy(update=changes)

    def parted(self) -> tuple["Customer", "Past | None"]:
        """Return this customer with the last decisions only, and the older ones; None while there are too few.

        An erasure looks for all of them, so the older ones are written first.
        """
        recent, passed_over = _too_many(self.recent), _too_many(self.passed_over)
        if not recent and not passed_over:
            return self, None
        changes = {
            "recent": self.recent[: len(self.recent) - len(recent)],
            "passed_over": self.passed_over[: len(self.passed_over) - len(passed_over)],
        }
        return self.model_copy(update=changes), Past(key=self.key, decisions=(*recent, *passed_over))

    def asked_of(self, episode: str | None) -> tuple[str, ...]:
        """Return the invitations that asked about an episode, as far as they are remembered."""
        mark = (episode or "")[:EPISODE_MARK]
        return tuple(each[EPISODE_MARK:] for each in self.episodes if mark and each.startswith(mark))


def _too_many(decisions: tuple[str, ...]) -> tuple[str, ...]:
    return decisions[RECENT_MAX:] if len(decisions) >= RECENT_MAX + PUT_AWAY_AT else ()


class Past(Frozen):
    """Decisions about a customer older than those remembered, put away for whoever asks for all of them."""

    key: str
    """The customer's."""
    decisions: tuple[str, ...]

    @property
    def id(self) -> str:
        """What names it among the customer's: the same decisions are put away once, however often it is tried."""
        return fingerprint(*self.decisions)


class Address(Frozen):
    """An address, by its keyed name: what carriers and people have said of it, whoever uses it."""

    key: str
    version: int = 0
    suppressed: Literal["bounce", "complaint", "imported"] | None = None
    suppressed_at: Instant | None = None
    opted_out_at: Instant | None = None
    last: str | None = None
    """The last invitation to this address: what a text message from it answers."""
    heard: tuple[str, ...] = ()
    """The last text messages from here, so that none is answered twice."""
    helped: str | None = None
    """The invitation for which an unreadable text was answered: one helpful reply, not a quarrel."""
    rest_from: Instant | None = None
    rest_until: Instant | None = None
    rest_by: str | None = None
    former_from: Instant | None = None
    former_until: Instant | None = None
    former_by: str | None = None

    def asked(self, invitation: str, rest: "Rest | None", now: datetime | None = None) -> "Address":
        """Return this address resting because of an invitation, which is the last that it was sent."""
        return self.model_copy(update={"version": self.version + 1, "last": invitation, **_stamped(self, rest, now)})


@dataclass(frozen=True)
class Rest:
    """Time not asked again: from the sending until, because of an invitation."""

    start: datetime
    until: datetime
    by: str


def rest_of(kept: Customer | Address | None) -> Rest | None:
    """Return the rest on record of a customer or an address."""
    if kept is None or kept.rest_from is None or kept.rest_until is None or kept.rest_by is None:
        return None
    return Rest(kept.rest_from, kept.rest_until, kept.rest_by)


def may_plan(rest: Rest | None, at: datetime, invitation: str) -> bool:
    """Say whether an invitation may be planned for an instant: not before another's rest has ended."""
    return rest is None or rest.by == invitation or at >= rest.until


def may_send(rest: Rest | None, now: datetime, invitation: str) -> bool:
    """Say whether an invitation may leave now: a rest that another will begin later does not stand against it."""
    return rest is None or rest.by == invitation or not rest.start <= now < rest.until


def rests_because_of_another(kept: Customer | Address | None, now: datetime, invitation: str) -> bool:
    """Say whether a customer or an address rests now, by the last invitation or by the one whose rest still runs."""
    if kept is None:
        return False
    former = kept.former_until is not None and now < kept.former_until and kept.former_by != invitation
    return former or not may_send(rest_of(kept), now, invitation)


Kept = TypeVar("Kept", Customer, Address)


def released(kept: Kept, invitation: str) -> Kept | None:
    """Return whom an invitation that will never be sent lets rest no more; None where it does not.

    The rest before it, where that still ran when this one was planned, holds again.
    """
    if kept.rest_by != invitation:
        return None
    former = {"rest_from": kept.former_from, "rest_until": kept.former_until, "rest_by": kept.former_by}
    return kept.model_copy(update=former | NO_FORMER)


def _stamped(kept: Customer | Address, rest: Rest | None, now: datetime | None) -> dict[str, object]:
    if rest is None:
        return {}
    stamped: dict[str, object] = {"rest_from": rest.start, "rest_until": rest.until, "rest_by": rest.by}
    before = rest_of(kept)
    if before and before.by == rest.by:
        # Tried again: what ran before the first try runs still. Whose try writes the record nobody knows, and they may
        # have planned differently.
        return {"rest_from": min(before.start, rest.start), "rest_until": max(before.until, rest.until)}
    # Planned ahead, a rest begins later: the one before it still runs until it ends.
    runs = now is not None and before is not None and before.until > now
    if not runs or before is None:
        return stamped | NO_FORMER
    return stamped | {"former_from": before.start, "former_until": before.until, "former_by": before.by}


NO_FORMER = {"former_from": None, "former_until": None, "former_by": None}
