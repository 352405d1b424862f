"""Tell leadership and each head once a week how it went, and everybody what was praised: when, and of which days."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from chalicelib.domain.calendar import is_open, next_open
from chalicelib.domain.case import LEASE
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.period import start_of
from chalicelib.domain.terms import Frozen, Instant

WEEK = timedelta(days=7)
WEEKS = 13
"""How many weeks are looked at, the one that is told included."""

HOLD = timedelta(hours=1)
HOLDS_MAX = 6  # doubled each time: the best part of a week
LEADERSHIP = "leadership"
PRAISE = "praise"
HEAD, OWN = ":head", ":praise"


class Weekly(Frozen):
    """When one mailbox is told next: leadership's, a head's, or somebody's for praise. The claim decides who sends."""

    id: str
    version: int = 0
    due: Instant | None
    """When the next mail leaves; None once nobody has this mailbox any more."""
    told: date | None = None
    """The first day of the week that was told last: no week is told twice."""
    lease_until: Instant | None = None
    held_until: Instant | None = None
    faults: int = 0

    @property
    def due_at(self) -> datetime | None:
        """When this is looked at next."""
        return None if self.due is None else max(filter(None, (self.due, self.lease_until, self.held_until)))


def mailboxes(organisation: Organisation) -> tuple[str, ...]:
    """Return who waits for each week: leadership, each department's head, and all who may be praised, as one."""
    heads = (f"{department.id}{HEAD}" for department in organisation.departments)
    return (LEADERSHIP, *heads, *((PRAISE,) if organisation.tell_praise else ()))


def praise_readers(organisation: Organisation) -> tuple[str, ...]:
    """Return everybody who may be told what was praised: whoever has an address of their own."""
    everybody = organisation.staff if organisation.tell_praise else ()
    return tuple(dict.fromkeys(one.id for one in everybody if one.email))


def department_of(mailbox: str) -> str | None:
    """Return the department of a head's mailbox; None for leadership's."""
    return None if mailbox == LEADERSHIP else mailbox.removesuffix(HEAD)


def praise_mailbox(person: str) -> str:
    """Return the mailbox of somebody who may be praised."""
    return f"{person}{OWN}"


def person_of(mailbox: str) -> str | None:
    """Return who is told what was praised; None for a mailbox that waits for each week."""
    return mailbox.removesuffix(OWN) if mailbox.endswith(OWN) else None


def praised(person: str, found: Weekly | None, organisation: Organisation, now: datetime) -> Weekly | None:
    """Return the mailbox of somebody who was praised last week, due now; None where that is so, or was told.

    It waits for no week by itself: those whom nobody praised cost nothing.
    """
    if found is None:
        return Weekly(id=praise_mailbox(person), version=1, due=now)
    if found.due or found.told == this_monday(now, organisation) - WEEK:
        return None
    return found.model_copy(update={"version": found.version + 1, "due": now})


def last_week(now: datetime, organisation: Organisation) -> tuple[datetime, datetime]:
    """Return the first instant of the last whole week, and that after it."""
    zone, end = ZoneInfo(organisation.zone), this_monday(now, organisation)
    return datetime.combine(end - WEEK, time(), zone), datetime.combine(end, time(), zone)


def next_due(now: datetime, organisation: Organisation) -> datetime:
    """Return when the coming week's mails leave: as the company opens on its first day, holidays passed over."""
    monday = this_monday(now, organisation) + WEEK
    return next_open(datetime.combine(monday, time(), ZoneInfo(organisation.zone)), organisation.calendar)


def this_monday(now: datetime, organisation: Organisation) -> date:
    """Return the first day of the company's present week; the days before it are what can be told."""
    return start_of(now.astimezone(ZoneInfo(organisation.zone)).date(), "week")


def armed(mailbox: str, found: Weekly | None, organisation: Organisation, now: datetime) -> Weekly | None:
    """Return a mailbox that waits for its next week, by the hours as they are now; None when it does already."""
    due = next_due(now, organisation)
    if found is None:
        return Weekly(id=mailbox, version=1, due=due)
    # What is due this week stays due: only what is still to come follows the company's hours.
    if found.due and (found.due == due or this_monday(found.due, organisation) <= this_monday(now, organisation)):
        return None
    return found.model_copy(update={"version": found.version + 1, "due": due})


def claim(weekly: Weekly, now: datetime) -> Weekly | None:
    """Return a mailbox leased to whoever sends its mail; None when nothing is due."""
    if weekly.due_at is None or now < weekly.due_at:
        return None
    return weekly.model_copy(update={"version": weekly.version + 1, "lease_until": now + LEASE})


def until_open(weekly: Weekly, organisation: Organisation, now: datetime) -> Weekly | None:
    """Return a mailbox that is due while the company is closed: a mail that was held up waits for its hours."""
    if weekly.due_at is None or now < weekly.due_at or is_open(now, organisation.calendar):
        return None
    opens = next_open(now, organisation.calendar)
    return weekly.model_copy(update={"version": weekly.version + 1, "held_until": opens})


def done(weekly: Weekly, organisation: Organisation, now: datetime) -> Weekly:
    """Return a mailbox that was told of its week, or had nothing to be told: it waits for the next.

    However late it is, one mail tells of the last whole week; those that were missed are on the page.
    """
    told = this_monday(now, organisation) - WEEK
    due = None if person_of(weekly.id) else next_due(now, organisation)
    changes = {"due": due, "told": told, "lease_until": None, "held_until": None, "faults": 0}
    return weekly.model_copy(update={"version": weekly.version + 1, **changes})


def dropped(weekly: Weekly) -> Weekly:
    """Return a mailbox that nobody has any more: nothing is due to it."""
    return weekly.model_copy(update={"version": weekly.version + 1, "due": None, "lease_until": None})


def hold(weekly: Weekly, now: datetime) -> Weekly:
    """Return a mailbox whose handling failed, moved ahead in time and counted."""
    wait = HOLD * 2 ** min(weekly.faults, HOLDS_MAX)
    return weekly.model_copy(
        update={"version": weekly.version + 1, "held_until": now + wait, "faults": weekly.faults + 1}
    )


def question(now: datetime, organisation: Organisation) -> dict[str, str]:
    """Return the question that the page and the mail both answer: the last whole weeks, one by one."""
    end = this_monday(now, organisation)
    return {"interval": "week", "from": (end - WEEKS * WEEK).isoformat(), "to": end.isoformat()}
