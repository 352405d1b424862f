"""Say how long what is whose may be kept, and what is left of it afterwards: all that is counted, and nobody's name."""

from datetime import date, datetime, timedelta
from typing import Literal

from chalicelib.domain.case import Case
from chalicelib.domain.customer import NO_FORMER, Address, Customer
from chalicelib.domain.invitation import NAMELESS, Answer, Invitation
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.rollup import day_of
from chalicelib.domain.terms import Frozen, Instant

What = Literal["words", "people"]
"""What customers wrote, and what was written about it; and who they are: names, addresses, references."""

WHATS: tuple[What, ...] = ("words", "people")
LOOK_WITHIN = timedelta(days=30)  # at least, whatever is listed meanwhile
AFTER_AN_OPEN_CASE = timedelta(days=30)
HOLD = timedelta(hours=1)
HOLDS_MAX = 5


class Keeping(Frozen):
    """How far the lists of what was decided have been gone through, day by day, for one kind of data (`id`)."""

    id: str
    version: int = 0
    due: Instant | None = None
    reached: str = ""
    """The last list (a day file's name) that is done."""
    within: int = 0
    """How many lines of the next one are done."""
    held_until: Instant | None = None
    faults: int = 0

    @property
    def due_at(self) -> datetime | None:
        """When it is looked at next; after a fault not before some time has passed."""
        return max(self.due, self.held_until) if self.due and self.held_until else self.due

    def moved(self, due: datetime, reached: str, within: int = 0) -> "Keeping":
        """Return it further on, and due again."""
        changes = {"due": due, "reached": reached, "within": within, "held_until": None, "faults": 0}
        return self.model_copy(update={"version": self.version + 1, **changes})

    def held(self, now: datetime) -> "Keeping":
        """Return it after a fault, moved ahead in time."""
        wait = HOLD * 2 ** min(self.faults, HOLDS_MAX)
        changes = {"version": self.version + 1, "held_until": now + wait, "faults": self.faults + 1}
        return self.model_copy(update=changes)


def end_of(what: What, organisation: Organisation, now: datetime) -> str:
    """Return the first local day whose decisions are not yet old enough."""
    kept = organisation.retention
    return day_of(now - (kept.words if what == "words" else kept.people), organisation.zone)


def next_look(day: str | None, end: str, now: datetime) -> datetime:
    """Return when to look again: when the next list (of this day, if any) will be old enough, within a month."""
    wait = (date.fromisoformat(day) - date.fromisoformat(end)).days + 1 if day else LOOK_WITHIN.days
    return now + min(max(timedelta(days=wait), timedelta(days=1)), LOOK_WITHIN)


def after_the_case(what: What, organisation: Organisation, now: datetime) -> str:
    """Return the day under which to list once more what a case still needs: it is looked at a month later."""
    kept = organisation.retention
    return day_of(now - (kept.words if what == "words" else kept.people) + AFTER_AN_OPEN_CASE, organisation.zone)


def wordless(invitation: Invitation) -> Invitation | None:
    """Return an invitation without what its customer wrote; None when nothing was written."""
    said = {"confirmed": invitation.confirmed, "provisional": invitation.provisional}
    changes = {name: _without_texts(answer) for name, answer in said.items() if answer and answer.texts}
    return invitation.moved(**changes) if changes else None


def _without_texts(answer: Answer) -> Answer:
    return answer.model_copy(update={"texts": {}})


def nameless(invitation: Invitation) -> Invitation | None:
    """Return an invitation that leads to nobody; None for one that does not already. What is counted stays."""
    if all(getattr(invitation, name) is None for name in NAMELESS):
        return None
    return invitation.moved(**NAMELESS)


def wordless_case(case: Case) -> Case | None:
    """Return a case without words and reference: its causes, clocks and moves stay; None when it has none."""
    gone = {"reference": None, "why": case.why.model_copy(update={"text": ""}), "action": None, "mended_words": ""}
    if all(getattr(case, name) == value for name, value in gone.items()):
        return None
    return case.model_copy(update={"revision": case.revision + 1, **gone})


def lapsed(customer: Customer) -> Customer | None:
    """Return a customer whom we no longer know, though still whether they want to be asked; None for such a one.

    Consent outlives the rest: it protects whoever comes back, and names nobody.
    """
    if customer.erased_at or customer.id is None:
        return None
    kept = {name: getattr(customer, name) for name in ("opted_out_at", "opted_out_how", "do_not_call", "called_off")}
    return Customer(key=customer.key, version=customer.version + 1, **kept)


def unheard(address: Address) -> Address | None:
    """Return an address without what was last sent to it and heard from it; suppression and consent stay."""
    gone = {"last": None, "heard": (), "helped": None, "rest_from": None, "rest_until": None, "rest_by": None}
    gone |= NO_FORMER
    if all(getattr(address, name) == value for name, value in gone.items()):
        return None
    return address.model_copy(update=gone)
