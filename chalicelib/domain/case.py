"""Follow up one low rating: who leads, by when, what moved, and whose clock ran."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from chalicelib.domain.calendar import due, open_time
from chalicelib.domain.event import Person
from chalicelib.domain.invitation import Answer, Invitation
from chalicelib.domain.organisation import Organisation, Sla
from chalicelib.domain.routing import RouteTo, Task, Why
from chalicelib.domain.terms import TEXT_MAX, Channel, Frozen, Instant, stamp
from chalicelib.errors import Invalid, MoveForbidden, Problem

LEASE = timedelta(minutes=2)
"""How long one sender has to deliver a department's alert before another tries."""

HOLD = timedelta(hours=1)

PUBLICATION = "publication"
"""Who moved a case when it was the organisation's new file that did."""

NOT_MENDED = "not mended"
"""Why a case is opened again whose customer says no more than that."""

State = Literal["open", "acknowledged", "waiting", "resolved"]
Verb = Literal[
    "acknowledge",
    "return",
    "reassign",
    "comment",
    "contact",
    "wait",
    "resume",
    "resolve",
    "reopen",
    "corrected",
    "done",
]
Words = Annotated[str, Field(min_length=1, max_length=TEXT_MAX)]
PromiseKind = Literal["acknowledge", "resolve"]
Rung = Literal["warning", "head", "leadership"]
RUNGS: dict[Rung, float] = {"warning": 0.75, "head": 1.0, "leadership": 1.5}
"""When each rung is reached, as a share of the promise's open time."""

HIGHER: dict[Rung, Rung] = {"warning": "head", "head": "leadership", "leadership": "leadership"}
"""Who is told of a rung when the customer was let down before."""

REPEAT_WITHIN = timedelta(days=90)
"""How long a low answer is remembered when the same customer gives another."""

ALLOWED: dict[str, tuple[str, ...]] = {
    "acknowledge": ("open",),
    "return": ("open",),
    "reassign": ("open", "acknowledged", "waiting"),
    "wait": ("acknowledged",),
    "resume": ("waiting",),
    "resolve": ("acknowledged", "waiting"),
    "reopen": ("resolved",),
    "comment": ("open", "acknowledged", "waiting", "resolved"),
    "contact": ("open", "acknowledged", "waiting", "resolved"),
}
"""The states from which each move of a lead is possible."""

HELPERS_MOVES = ("done", "comment")
"""What a department can do with a case that it helps with: one speaks with the customer, and that is the lead."""

TASK_STATES: tuple[State, ...] = ("open", "acknowledged", "waiting")
"""The states in which a task can be done; whoever resolves a case ends what is left of it."""


def _yes_or_no(text: str) -> str:
    if text not in ("yes", "no"):
        raise ValueError("must be yes or no")
    return text


class Step(Frozen):
    """One rung of the ladder: which promise, how far, and when it is reached."""

    promise: PromiseKind
    rung: Rung
    at: Instant

    @property
    def name(self) -> str:
        """What tells this rung from the others of one lead."""
        return f"{self.promise}:{self.rung}"


class Notice(Frozen):
    """Something a department must be told, kept until a carrier has taken it."""

    kind: Literal[
        "opened",
        "handed_over",
        "returned",
        "inherited",
        "reopened",
        "corrected",
        "escalation",
        "overdue_on_arrival",
        "helping",
    ]
    department: str
    at: Instant
    promise: PromiseKind | None = None
    rung: Rung | None = None
    reaches: Rung | None = None
    """Who is told, where that is a rung higher than usual: the customer was let down before."""


class Fired(Frozen):
    """A rung that was reached, for whom and when it was acted upon."""

    name: str
    department: str
    at: Instant


class Case(Frozen):
    """The follow-up of one invitation's low rating: one lead, two clocks, one customer.

    `version` counts moves, one timeline entry each; `revision` counts writes, alerts included.
    """

    id: str
    version: int = 1
    revision: int = 1
    generation: int = 0
    state: State = "open"
    program: str
    metric: str
    rating: int
    customer: str
    reference: str | None = None
    touchpoint: str | None = None
    channel: Literal[Channel, "counter"] | None = None
    people: tuple[Person, ...] = ()
    attributes: dict[str, str] = {}
    drivers: tuple[str, ...] = ()
    department: str
    origin_department: str | None = None
    supporting: tuple[str, ...] = ()
    tasks: tuple[Task, ...] = ()
    """What each of them is to do; one that leads by now, or has left the file, has its task no more."""
    why: Why
    to_count: tuple[str, ...] = ()
    """Drivers that are still to be noted: many cases with one within a short time are an incident."""
    is_repeat: bool = False
    """Whether this customer was let down before, not long ago: whoever is told is a rung higher."""
    opened_at: Instant

    lead_since: Instant
    moved_at: Instant | None = None
    """When the last move was made: the next is not before it, whatever another machine's clock says."""
    previous_leads: tuple[str, ...] = ()
    spent: dict[str, float] = {}
    """Seconds that each department has led, before the stretch that runs now."""
    running_since: Instant | None
    """When the stretch that runs now began; None while resolved, for that time counts for nobody."""
    handoffs: int = 0
    returns: int = 0
    reopenings: int = 0
    contacts_reached: int = 0
    contacts_missed: int = 0
    """How often somebody noted that the customer was spoken with, or could not be; what says neither counts as none."""

    acknowledge_from: Instant
    acknowledge_budget: float
    acknowledge_by: Instant
    acknowledged_at: Instant | None = None
    first_acknowledged_at: Instant | None = None
    acknowledge_breached: bool = False
    resolve_from: Instant | None
    """Since when the promise to resolve runs; None while it waits for the customer or is resolved."""
    resolve_budget: float
    promised_by: str | None = None
    """Whose promise to resolve this is: the first lead's, whoever leads now."""
    resolve_used: float = 0.0
    resolve_by: Instant
    resolve_breached: bool = False
    resolved_at: Instant | None = None
    root_cause: str | None = None
    action: str | None = None

    ladder: tuple[Step, ...] = ()
    fired: tuple[Fired, ...] = ()
    notices: tuple[Notice, ...] = ()
    lease_until: Instant | None = None
    tell_heard_at: Instant | None = None
    """Since when the customer is to be told that somebody has picked the case up: once, for the first who does."""
    ask_mended: bool = False
    mended: Literal["asked", "yes", "no"] | None = None
    mended_said: Literal["yes", "no"] | None = None
    """What was said without anybody vouching for a person: it waits, as answers do."""
    mended_words: str = ""
    mended_confirm_at: Instant | None = None
    held_until: Instant | None = None
    faults: int = 0

    @property
    def is_nameless(self) -> bool:
        """Whether it came from somebody at a counter, whom nobody can tell or ask anything."""
        return self.channel == "counter"

    @property
    def due_at(self) -> datetime | None:
        """When something next happens to this by itself: a notice to deliver, a rung to climb."""
        pending = [step.at for step in self.ladder]
        if self.mended_confirm_at:
            pending.append(self.mended_confirm_at)
        if self.tell_heard_at:
            pending.append(self.tell_heard_at)
        if self.ask_mended and self.resolved_at:
            pending.append(self.resolved_at)
        if self.notices or self.to_count:
            pending.append(self.lease_until or min((notice.at for notice in self.notices), default=self.opened_at))
        first = min(pending, default=None)
        return max(first, self.held_until) if first and self.held_until else first

    @property
    def helping(self) -> tuple[str, ...]:
        """Which departments still have something to do for the lead."""
        if self.state not in TASK_STATES:
            return ()
        return tuple(t.department for t in self.tasks if t.department in self.supporting and t.done_at is None)

    def customer_clock(self, now: datetime) -> float:
        """Return the seconds that the customer has waited; no hand-off ever resets them."""
        return sum(self.department_clocks(now).values())

    def department_clocks(self, now: datetime) -> dict[str, float]:
        """Return the seconds that each department has led; they add up to the customer's."""
        if self.running_since is None:
            return self.spent
        stretch = max(0.0, (now - self.running_since).total_seconds())
        return self.spent | {self.department: self.spent.get(self.department, 0.0) + stretch}

    def breached(self, promise: PromiseKind, now: datetime) -> bool:
        """Say whether a promise was broken, also when nobody has acted upon it yet."""
        if promise == "acknowledge":
            return self.acknowledge_breached or (self.state == "open" and now > self.acknowledge_by)
        return self.resolve_breached or (self.resolve_from is not None and now > self.resolve_by)


class Entry(Frozen):
    """One line of a case's timeline."""

    version: int
    at: Instant
    by: str
    move: str
    from_state: State | None
    to_state: State
    department: str
    text: str = ""


class Move(Frozen):
    """What somebody wants to do with a case, with what that move needs."""

    verb: Verb
    by: str
    department: str | None = None
    reason: Words | None = None
    text: Words | None = None
    how: Words | None = None
    outcome: Words | None = None
    reached: Annotated[str, AfterValidator(_yes_or_no)] | None = None
    root_cause: str | None = None
    action: Words | None = None


NEEDS: dict[str, tuple[str, ...]] = {
    "return": ("reason",),
    "reassign": ("department", "reason"),
    "comment": ("text",),
    "contact": ("how", "outcome"),
    "wait": ("reason",),
    "resolve": ("root_cause", "action"),
    "reopen": ("reason",),
    "done": ("text",),
}
"""What each move must say."""

MAY_SAY: dict[str, tuple[str, ...]] = {"contact": ("reached",)}
"""What it may say beyond that."""


@dataclass(frozen=True)
class Moved:
    """A case after a move, and the line that tells of it."""

    case: Case
    entry: Entry


def is_repeat(before: Iterable[Invitation], invitation: Invitation, now: datetime) -> bool:
    """Say whether a customer, by earlier invitations, was let down not long before this one."""
    return any(
        each.id != invitation.id
        and each.has_case
        and each.first_confirmed_at is not None
        and now - REPEAT_WITHIN <= each.first_confirmed_at
        for each in before
    )


def open_case(
    invitation: Invitation,
    answer: Answer,
    to: RouteTo,
    organisation: Organisation,
    now: datetime,
    *,
    repeat: bool = False,
) -> Moved:
    """Return the one case of an invitation whose rating was confirmed low."""
    now = _whole(now)
    budgets = _sla(organisation, to.department)
    case = Case(
        id=invitation.id,
        program=invitation.program,
        metric=invitation.metric or "",
        rating=answer.rating,
        customer=invitation.customer,
        reference=invitation.reference,
        generation=invitation.generation,
        touchpoint=invitation.touchpoint,
        channel="counter" if invitation.counter else invitation.channel,
        people=invitation.people,
        attributes=invitation.attributes,
        drivers=tuple(choice for chosen in answer.choices.values() for choice in chosen),
        department=to.department,
        origin_department=invitation.department,
        supporting=to.supporting,
        tasks=to.tasks,
        why=to.why,
        to_count=_to_count(answer, organisation),
        is_repeat=repeat,
        opened_at=now,
        lead_since=now,
        running_since=now,
        acknowledge_from=now,
        acknowledge_budget=budgets.acknowledge.total_seconds(),
        acknowledge_by=due(now, budgets.acknowledge, organisation.calendar_of(to.department)),
        resolve_from=now,
        resolve_budget=budgets.resolve.total_seconds(),
        promised_by=to.department,
        resolve_by=due(now, budgets.resolve, organisation.calendar),
        notices=(*_opening(to.department, now, repeat=repeat), *_asking_for_help(to.supporting, now)),
    )
    opened = _planned(case, organisation)
    return Moved(opened, _entry(opened, None, "opened", "customer", now, to.why.text))


def _to_count(answer: Answer, organisation: Organisation) -> tuple[str, ...]:
    if organisation.incidents is None:
        return ()
    chosen = {choice for choices in answer.choices.values() for choice in choices}
    return tuple(sorted(driver for driver in chosen if organisation.survey_of_driver(driver)))


def _opening(department: str, now: datetime, *, repeat: bool) -> tuple[Notice, ...]:
    opened = Notice(kind="opened", department=department, at=now)
    return (opened, opened.model_copy(update={"reaches": "head"})) if repeat else (opened,)


def _asking_for_help(departments: Iterable[str], now: datetime) -> tuple[Notice, ...]:
    return tuple(Notice(kind="helping", department=department, at=now) for department in departments)


def _without_help(case: Case, *departments: str) -> tuple[Notice, ...]:
    """Return what is still to be told, without asking these departments for a help that is no longer theirs."""
    return tuple(each for each in case.notices if each.kind != "helping" or each.department not in departments)


def move(case: Case, wanted: Move, organisation: Organisation, now: datetime) -> Moved:
    """Return a case after a move, or raise MoveForbidden or Invalid with what would be possible.

    Waiting counts for the customer's clock; nothing here resets it.
    """
    now = max(_whole(now), case.moved_at or case.opened_at)
    if wanted.verb == "done":
        return _finish(case, wanted, now)
    _check(case, wanted, organisation)
    changed = MOVES[wanted.verb](case, wanted, organisation, now)
    news = {"version": case.version + 1, "revision": case.revision + 1, "moved_at": now}
    after = changed.model_copy(update=news)
    return Moved(after, _entry(after, case.state, wanted.verb, wanted.by, now, _said(wanted)))


def _finish(case: Case, wanted: Move, now: datetime) -> Moved:
    """Note that a department has done its task: the case stays as it is, and whoever leads it reads what was done."""
    _check_said(wanted)
    if wanted.department not in case.helping:
        state = case.state if case.state not in TASK_STATES else "not waiting for this department"
        raise MoveForbidden("done", state, ("comment",))
    done = {"done_at": now, "done_by": wanted.by}
    changed = case.model_copy(
        update={
            "version": case.version + 1,
            "revision": case.revision + 1,
            "moved_at": now,
            "tasks": tuple(
                task.model_copy(update=done) if task.department == wanted.department else task for task in case.tasks
            ),
            "notices": _without_help(case, wanted.department),
        }
    )
    entry = _entry(changed, case.state, "done", wanted.by, now, wanted.text or "")
    return Moved(changed, entry.model_copy(update={"department": wanted.department}))


def _whole(now: datetime) -> datetime:
    """Return the instant without its fraction: two hours from 15:00:00.04 end at the close of 17:00, not on Monday."""
    return now.replace(microsecond=0)


def possible(case: Case) -> tuple[str, ...]:
    """Return the moves that a case's state allows."""
    return tuple(verb for verb, states in ALLOWED.items() if case.state in states)


def correct(case: Case, answer: Answer, now: datetime) -> Moved:
    """Note that the customer changed the answer: told to the lead, on the timeline, closing nothing."""
    changed = case.model_copy(
        update={
            "version": case.version + 1,
            "revision": case.revision + 1,
            "rating": answer.rating,
            "notices": (*case.notices, Notice(kind="corrected", department=case.department, at=now)),
        }
    )
    text = f"{case.rating} → {answer.rating}"
    return Moved(changed, _entry(changed, case.state, "corrected", "customer", now, text))


def fit(case: Case, organisation: Organisation, now: datetime) -> Moved | None:
    """Return an open case as the organisation's present file wants it, or None where nothing changes.

    Whose department was removed goes to the arbiter; calendars, holidays and policies that changed move its promises.
    The customer's clock and what was broken already stay as they are.
    """
    if case.state == "resolved":
        return None
    now = max(case.moved_at or case.opened_at, _whole(now))
    budgeted = _budgeted(case, organisation)
    if organisation.department(case.department):
        verb, changed = "replanned", _replanned(budgeted, organisation)
        text = _instants_moved(case, changed)
    else:
        verb, changed = "inherited", _handed(budgeted, organisation.routing.arbiter, "inherited", organisation, now)
        text = case.department
    supporting = _still_there(changed, organisation)
    gone = (each for each in case.supporting if each not in supporting)
    changed = changed.model_copy(update={"supporting": supporting, "notices": _without_help(changed, *gone)})
    if changed == case:
        return None
    news = {
        "version": case.version + 1,
        "revision": case.revision + 1,
        "moved_at": now,
        "acknowledge_breached": case.breached("acknowledge", now),
        "resolve_breached": case.breached("resolve", now),
    }
    after = changed.model_copy(update=news)
    return Moved(after, _entry(after, case.state, verb, PUBLICATION, now, text))


def _budgeted(case: Case, organisation: Organisation) -> Case:
    """Return a case with the time to resolve that its first lead promises today; as it was where that one is gone."""
    promised_by = organisation.department(case.promised_by)
    budget = promised_by.sla.resolve.total_seconds() if promised_by else case.resolve_budget
    return case.model_copy(update={"resolve_budget": budget})


def _replanned(case: Case, organisation: Organisation) -> Case:
    """Return a case with its promises counted anew, from when they began to run."""
    changes: dict[str, object] = {}
    if case.state == "open":
        budget = _sla(organisation, case.department).acknowledge
        by = due(case.acknowledge_from, budget, organisation.calendar_of(case.department))
        changes = {"acknowledge_budget": budget.total_seconds(), "acknowledge_by": by}
    return _planned(case.model_copy(update=changes), organisation)


def _still_there(case: Case, organisation: Organisation) -> tuple[str, ...]:
    return tuple(each for each in case.supporting if organisation.department(each))


def _instants_moved(before: Case, after: Case) -> str:
    """Return which promised instants are others now, as in «resolve_by 2026-03-09T… → 2026-03-10T…»."""
    moved = []
    for name in ("acknowledge_by", "resolve_by"):
        was, is_ = getattr(before, name), getattr(after, name)
        if was != is_:
            moved.append(f"{name} {stamp(was)} → {stamp(is_)}")
    return " · ".join(moved)


def mended(
    case: Case, said: Literal["yes", "no"], words: str, organisation: Organisation, now: datetime
) -> Moved | None:
    """Record whether the customer says that it was mended; a no opens the case again. None when that is no news."""
    if case.mended == said and not case.mended_said:
        return None
    settled = {"mended_said": None, "mended_words": "", "mended_confirm_at": None}
    answered = case.model_copy(update={"mended": said, **settled})
    if said == "no" and case.state == "resolved":
        return move(answered, Move(verb="reopen", by="customer", reason=words or NOT_MENDED), organisation, now)
    changed = answered.model_copy(update={"version": case.version + 1, "revision": case.revision + 1})
    return Moved(changed, _entry(changed, case.state, f"mended_{said}", "customer", now, words))


def _check(case: Case, wanted: Move, organisation: Organisation) -> None:
    if case.state not in ALLOWED.get(wanted.verb, ()):
        raise MoveForbidden(wanted.verb, case.state, possible(case))
    _check_said(wanted)
    if wanted.verb == "reassign":
        _check_new_lead(case, wanted, organisation)
    causes = [cause.id for cause in organisation.causes]
    if wanted.verb == "resolve" and causes and wanted.root_cause not in causes:
        raise Invalid(Problem("/root_cause", f"is not one of {', '.join(causes)}"))
    if wanted.verb == "return" and _back_to(case, organisation) == case.department:
        raise MoveForbidden("return", "with the arbiter, which decides", ("acknowledge", "reassign"))


def _check_said(wanted: Move) -> None:
    missing = [name for name in NEEDS.get(wanted.verb, ()) if not getattr(wanted, name)]
    if missing:
        raise Invalid(*(Problem(f"/{name}", f"{wanted.verb} needs it") for name in missing))


def _check_new_lead(case: Case, wanted: Move, organisation: Organisation) -> None:
    if not organisation.department(wanted.department):
        known = ", ".join(department.id for department in organisation.departments)
        raise Invalid(Problem("/department", f"is not one of {known}"))
    if wanted.department == case.department:
        raise Invalid(Problem("/department", "leads this case already"))


def _acknowledge(case: Case, wanted: Move, organisation: Organisation, now: datetime) -> Case:
    return _without_rungs(case, "acknowledge").model_copy(
        update={
            "state": "acknowledged",
            "acknowledged_at": now,
            "tell_heard_at": now
            if organisation.tell_heard and not (case.first_acknowledged_at or case.is_nameless)
            else None,
            "first_acknowledged_at": case.first_acknowledged_at or now,
            "acknowledge_breached": case.breached("acknowledge", now),
        }
    )


def _return(case: Case, wanted: Move, organisation: Organisation, now: datetime) -> Case:
    back_to = _back_to(case, organisation)
    handed = _handed(case, back_to, "returned", organisation, now)
    return handed.model_copy(update={"returns": case.returns + 1, "previous_leads": case.previous_leads[:-1]})


def _back_to(case: Case, organisation: Organisation) -> str:
    """Return who gets a returned case: the lead before, the arbiter when there is none or patience has ended."""
    arbiter = organisation.routing.arbiter
    if not case.previous_leads or case.returns >= organisation.routing.returns_max:
        return arbiter
    back_to = case.previous_leads[-1]
    return back_to if organisation.department(back_to) else arbiter


def _reassign(case: Case, wanted: Move, organisation: Organisation, now: datetime) -> Case:
    handed = _handed(case, wanted.department or "", "handed_over", organisation, now)
    leads = (*case.previous_leads, case.department)
    return handed.model_copy(update={"handoffs": case.handoffs + 1, "previous_leads": leads})


def _handed(case: Case, department: str, kind: Any, organisation: Organisation, now: datetime) -> Case:
    """Give the case a new lead: the department's promise begins anew, the customer's clock does not."""
    running = case if case.resolve_from else _running(case, now)
    budget = _sla(organisation, department).acknowledge
    passed = [step for step in _resolve_steps(running, organisation) if step.at <= now]
    asked = [notice for notice in _without_help(case, department) if notice.kind == "helping"]
    notices = [Notice(kind=kind, department=department, at=now), *asked]
    if passed:
        notices.append(Notice(kind="overdue_on_arrival", department=department, at=now))
    handed = running.model_copy(
        update={
            "state": "open",
            "department": department,
            "supporting": tuple(each for each in case.supporting if each != department),
            "lead_since": now,
            "spent": case.department_clocks(now),
            "running_since": now,
            "acknowledge_from": now,
            "acknowledge_budget": budget.total_seconds(),
            "acknowledge_by": due(now, budget, organisation.calendar_of(department)),
            "acknowledge_breached": case.breached("acknowledge", now),
            "resolve_breached": case.breached("resolve", now),
            "acknowledged_at": None,
            # What was passed before is told once, on taking over: no later move climbs it again for this lead.
            "fired": tuple(Fired(name=step.name, department=department, at=now) for step in passed),
            "notices": tuple(notices),
            "lease_until": None,
        }
    )
    return _planned(handed, organisation)


def _wait(case: Case, wanted: Move, organisation: Organisation, now: datetime) -> Case:
    return _paused(case, organisation, now).model_copy(update={"state": "waiting"})


def _resume(case: Case, wanted: Move, organisation: Organisation, now: datetime) -> Case:
    return _planned(_running(case, now).model_copy(update={"state": "acknowledged"}), organisation)


def _resolve(case: Case, wanted: Move, organisation: Organisation, now: datetime) -> Case:
    unasked = case.model_copy(update={"notices": _without_help(case, *case.supporting)})
    return _paused(unasked, organisation, now).model_copy(
        update={
            "state": "resolved",
            "resolved_at": now,
            "root_cause": wanted.root_cause,
            "action": wanted.action,
            "spent": case.department_clocks(now),
            "running_since": None,
            "tell_heard_at": None,
            "ask_mended": not case.is_nameless,
            "mended": None,
        }
    )


def _reopen(case: Case, wanted: Move, organisation: Organisation, now: datetime) -> Case:
    budget = _sla(organisation, case.department).acknowledge
    reopened = _running(case, now).model_copy(
        update={
            "state": "open",
            "resolved_at": None,
            "running_since": now,
            "acknowledged_at": None,
            "acknowledge_from": now,
            "acknowledge_budget": budget.total_seconds(),
            "acknowledge_by": due(now, budget, organisation.calendar_of(case.department)),
            "reopenings": case.reopenings + 1,
            "ask_mended": False,
            "notices": (
                *_without_help(case, *case.supporting),
                Notice(kind="reopened", department=case.department, at=now),
            ),
        }
    )
    # What was left undone at the resolution is to be done after all.
    asked = _asking_for_help(reopened.helping, now)
    reopened = reopened.model_copy(update={"notices": (*reopened.notices, *asked)})
    if organisation.department(case.department) is None:
        return _handed(reopened, organisation.routing.arbiter, "inherited", organisation, now)
    return _planned(reopened, organisation)


def _note(case: Case, wanted: Move, organisation: Organisation, now: datetime) -> Case:
    return case


def _contact(case: Case, wanted: Move, organisation: Organisation, now: datetime) -> Case:
    counted = {"yes": "contacts_reached", "no": "contacts_missed"}.get(wanted.reached or "")
    return case.model_copy(update={counted: getattr(case, counted) + 1}) if counted else case


MOVES: dict[str, Callable[[Case, Move, Organisation, datetime], Case]] = {
    "acknowledge": _acknowledge,
    "return": _return,
    "reassign": _reassign,
    "wait": _wait,
    "resume": _resume,
    "resolve": _resolve,
    "reopen": _reopen,
    "comment": _note,
    "contact": _contact,
}


def _sla(organisation: Organisation, department: str) -> Sla:
    found = organisation.department(department)
    return found.sla if found else Sla()


def _paused(case: Case, organisation: Organisation, now: datetime) -> Case:
    """Stop the promise to resolve: its open time so far is kept, its rungs are not."""
    used = case.resolve_used
    if case.resolve_from:
        used += open_time(case.resolve_from, max(now, case.resolve_from), organisation.calendar).total_seconds()
    paused = {"resolve_used": used, "resolve_from": None, "resolve_breached": case.breached("resolve", now)}
    return _without_rungs(case, "acknowledge", "resolve").model_copy(update=paused)


def _running(case: Case, now: datetime) -> Case:
    """Let the promise to resolve run again, with what was left of it."""
    return case.model_copy(update={"resolve_from": now})


def _without_rungs(case: Case, *promises: PromiseKind) -> Case:
    """Return the case without what the move has ended: no escalation leaves after it."""
    ladder = tuple(step for step in case.ladder if step.promise not in promises)
    notices = tuple(notice for notice in case.notices if _speaks_of(notice) not in promises)
    lease = case.lease_until if notices else None
    return case.model_copy(update={"ladder": ladder, "notices": notices, "lease_until": lease})


def _speaks_of(notice: Notice) -> PromiseKind | None:
    return "resolve" if notice.kind == "overdue_on_arrival" else notice.promise


def _planned(case: Case, organisation: Organisation) -> Case:
    """Return the case with the rungs that its present lead has not climbed."""
    done = {fired.name for fired in case.fired}
    steps = [*_acknowledge_steps(case, organisation), *_resolve_steps(case, organisation)]
    # Those of one instant stay in the order of RUNGS: nobody is told that a promise is broken, then that it may be.
    ahead = sorted((step for step in steps if step.name not in done), key=lambda step: step.at)
    left = timedelta(seconds=case.resolve_budget - case.resolve_used)
    runs = case.resolve_from and left > timedelta(0)
    by = due(case.resolve_from, left, organisation.calendar) if runs and case.resolve_from else case.resolve_by
    return case.model_copy(update={"ladder": tuple(ahead), "resolve_by": by})


def _acknowledge_steps(case: Case, organisation: Organisation) -> list[Step]:
    if case.state != "open":
        return []
    calendar = organisation.calendar_of(case.department)
    budget = case.acknowledge_budget
    return [
        Step(promise="acknowledge", rung=rung, at=due(case.acknowledge_from, timedelta(seconds=budget * at), calendar))
        for rung, at in RUNGS.items()
    ]


def _resolve_steps(case: Case, organisation: Organisation) -> list[Step]:
    if case.resolve_from is None:
        return []
    steps = []
    for rung, share in RUNGS.items():
        left = timedelta(seconds=case.resolve_budget * share - case.resolve_used)
        at = due(case.resolve_from, left, organisation.calendar) if left > timedelta(0) else case.resolve_from
        steps.append(Step(promise="resolve", rung=rung, at=at))
    return steps


@dataclass(frozen=True)
class Due:
    """A case whose time has come: as it will be, what departments are told, whether the customer is asked."""

    case: Case
    notices: tuple[Notice, ...] = field(default=())
    ask_mended: bool = False
    tell_heard: bool = False


def advance(case: Case, now: datetime) -> Due | None:
    """Climb every rung that is due and lease what must be told; None when nothing is due.

    What the customer gets leaves at most once, so it is struck off before it is sent; alerts leave at least once, so
    they stay until a carrier has taken them.
    """
    if case.due_at is None or now < case.due_at:
        return None
    reached = [step for step in case.ladder if step.at <= now]
    tell_heard = case.tell_heard_at is not None and now >= case.tell_heard_at
    if case.lease_until and now < case.lease_until and not (reached or case.ask_mended or tell_heard):
        return None
    told = tuple(
        Notice(
            kind="escalation",
            department=case.department,
            at=step.at,
            promise=step.promise,
            rung=step.rung,
            reaches=HIGHER[step.rung] if case.is_repeat else None,
        )
        for step in reached
    )
    notices = (*case.notices, *told)
    changed = case.model_copy(
        update={
            "revision": case.revision + 1,
            "ladder": tuple(step for step in case.ladder if step.at > now),
            "fired": (*case.fired, *(Fired(name=s.name, department=case.department, at=now) for s in reached)),
            "notices": notices,
            "lease_until": now + LEASE if notices or case.to_count else None,
            "acknowledge_breached": case.breached("acknowledge", now) or _told_head("acknowledge", reached),
            "resolve_breached": case.breached("resolve", now) or _told_head("resolve", reached),
            "tell_heard_at": None if tell_heard else case.tell_heard_at,
            "ask_mended": False,
            "mended": "asked" if case.ask_mended else case.mended,
        }
    )
    return Due(changed, notices, case.ask_mended, tell_heard)


def _told_head(promise: PromiseKind, reached: list[Step]) -> bool:
    # Whoever is told that a promise was broken sees it so, also at the very instant of the promise.
    return any((step.promise, step.rung) == (promise, "head") for step in reached)


def awaits(case: Case, notices: tuple[Notice, ...], counted: tuple[str, ...]) -> bool:
    """Say whether a case still waits for any of these notices to be taken, or drivers to be noted."""
    return bool(set(notices) & set(case.notices) or set(counted) & set(case.to_count))


def told(case: Case, notices: tuple[Notice, ...], counted: tuple[str, ...] = ()) -> Case:
    """Return the case once a carrier has taken these notices and these drivers were noted; what was added stays."""
    left = tuple(notice for notice in case.notices if notice not in notices)
    uncounted = tuple(driver for driver in case.to_count if driver not in counted)
    # What could not be noted yet is tried again when the lease ends, not at once.
    after = {"notices": left, "to_count": uncounted, "lease_until": case.lease_until if uncounted else None}
    return case.model_copy(update={"revision": case.revision + 1, **after})


def hold(case: Case, now: datetime) -> Case:
    """Return a case whose handling failed, moved ahead in time and counted."""
    later = {"held_until": now + HOLD * 2**case.faults, "faults": case.faults + 1}
    return case.model_copy(update={"revision": case.revision + 1, **later})


def _entry(case: Case, before: State | None, verb: str, by: str, now: datetime, text: str) -> Entry:
    return Entry(
        version=case.version,
        at=now,
        by=by,
        move=verb,
        from_state=before,
        to_state=case.state,
        department=case.department,
        text=text,
    )


def _said(wanted: Move) -> str:
    parts = (wanted.reason, wanted.text, wanted.how, wanted.outcome, wanted.root_cause, wanted.action)
    return " · ".join(part for part in parts if part)
