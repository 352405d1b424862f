"""Say what must always be true, each in a small function of its own; numbered as in the design."""

import json
import string
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.domain.case import Case
from chalicelib.domain.customer import Customer
from chalicelib.domain.digest import Line
from chalicelib.domain.invitation import NAMELESS, Invitation
from chalicelib.domain.organisation import Organisation, Program
from chalicelib.domain.outgoing import CloudEvent
from chalicelib.domain.period import start_of
from chalicelib.domain.rollup import kind_name
from chalicelib.domain.terms import Frozen
from chalicelib.domain.weekly import mailboxes
from chalicelib.flows import project
from tests.simulation.company import DAYS_OFF, HOURS_BY_LAW, INCIDENT_MIN, INCIDENT_WITHIN, ZONE
from tests.simulation.engine import MINUTE, START, Engine
from tests.simulation.faults import Context
from tests.simulation.ledger import (
    ALERT_TAGS,
    CaseWrite,
    Handed,
    InvitationWrite,
    NameWrite,
    Violation,
    key_in,
    key_of,
    lines_of,
)
from tests.simulation.oracles import LOW, UNCHANGING, add_open, is_inside, is_low, to_state
from tests.simulation.shadow import Shadow

CONFIRM_SECONDS = 120
CALM_LATE = timedelta(seconds=90)
LEASE = timedelta(seconds=120)
OPENS = time(8)  # when the company opens, on the first day of a week that is none of its holidays
ERASURE_LOOK_DAYS = 5  # the whole table is read for this one
STAYING_DRIVERS = ("late", "rude", "repair")
"""Those that no change of the company's file takes out."""
ASKS = ("invitation", "reminder", "instead")
EVER = ("0001-01-01", "9999-12-31")
Check = Callable[..., None]


def invariant(number: int, name: str) -> Callable[[Check], Check]:
    """Name a check after the invariant of the design that it holds."""

    def named(check: Check) -> Check:
        def held(*args: Any) -> None:
            try:
                check(*args)
            except AssertionError as error:
                raise Violation(number, name, str(error)) from error

        held.__doc__ = check.__doc__
        return held

    return named


class Judge:
    """Holds the invariants against what happens."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.ledger, self.memory = engine, engine.ledger, engine.memory
        self.shadows: dict[str, Shadow] = {}
        self.people: dict[str, Any] = {}
        """Keyed name → the person behind it."""
        self.planned_on: Counter[tuple[str, str]] = Counter()
        self.worst_late = timedelta(0)
        self._texts: dict[int, tuple[Any, str]] = {}
        self._looked_for: set[str] = set()
        self._looked_at: set[str] = set()
        self.events: dict[str, tuple[str, dict[str, Any]]] = {}
        """What other programs were told, by the ids of the events."""
        self.sent_alerts: dict[tuple[str, ...], tuple[datetime, tuple[int, int], str]] = {}
        self.weeks_told: dict[str, datetime] = {}
        """Department, or nothing for leadership, with its week → when its mail was handed over."""
        self.digested: dict[Line, datetime] = {}
        """Alert → when it was handed over in a digest."""
        profile = engine.profile
        self.skew = timedelta(seconds=600 if profile.leap_share else 2 * profile.skew_seconds)
        engine.hooks.wrote = self.wrote
        engine.hooks.renamed = self.renamed
        engine.hooks.handing = self.handing
        engine.hooks.told = self.told

    def wrote(self, write: InvitationWrite | CaseWrite, context: Context) -> None:
        """Hold what was touched against all that speaks of one write."""
        checks = ON_INVITATION if isinstance(write, InvitationWrite) else ON_CASE
        for check in checks:
            check(self, write, context)

    def renamed(self, write: NameWrite, context: Context) -> None:
        """Hold a write of a person or an address against all that speaks of one."""
        for check in ON_NAME:
            check(self, write, context)

    def handing(self, handed: Handed, context: Context) -> None:
        """Hold a message against all that speaks of messages."""
        for check in ON_MESSAGE:
            check(self, handed, context)
        self.ledger.by_invitation.setdefault((handed.kind, handed.about), []).append(handed)

    def told(self, event: CloudEvent, context: Context) -> None:
        """Hold what other programs are told against what they may know."""
        for check in ON_EVENT:
            check(self, event, context)

    def day(self) -> None:
        """Hold everything against all that can be asked at any time."""
        for check in DAILY:
            check(self)

    def end(self) -> None:
        """Hold everything against what is true when all is quiet."""
        for check in (*DAILY, *AT_END):
            check(self)

    def text_of(self, item: Any) -> str:
        """Return what is stored as text, each version of it written once."""
        known = self._texts.get(id(item))
        if known is None or known[0] is not item:
            known = self._texts[id(item)] = item, item.model_dump_json() if isinstance(item, Frozen) else str(item)
        return known[1]

    def found_of(self, secrets: set[str]) -> str | None:
        """Return one of these that is kept anywhere: what was looked for before is looked for in what is new."""
        before, (self._looked_for, self._looked_at) = (self._looked_for, self._looked_at), (secrets, set())
        self._looked_at.update(*(map(self.text_of, stored(self)), laid_aside(self)))
        for known, texts in ((True, self._looked_at - before[1]), (False, self._looked_at)):
            everything = "\n".join(texts)
            for secret in sorted(secrets & before[0] if known else secrets - before[0]):
                if secret in everything:
                    return secret
        return None

    def label(self, id_: str) -> str:
        """Return how the story calls an invitation."""
        return self.engine.label(id_)

    def program(self, id_: str) -> Program | None:
        """Return a program as any file so far had it, the latest first."""
        for _, organisation in reversed(self.ledger.organisations):
            for program in organisation.programs:
                if program.id == id_:
                    return program
        return None


# What speaks of one write of an invitation


@invariant(1, "the first decision stands")
def decision_stands(judge: Judge, write: InvitationWrite, context: Context) -> None:
    """A skipped invitation never comes back, and its reason stays."""
    before, after = write.before, write.after
    if before is None:
        assert after.version == 1, f"{judge.label(after.id)} begins at version {after.version}"
        return
    assert after.version == before.version + 1, f"{judge.label(after.id)} v{before.version} → v{after.version}"
    frozen = ("source", "program", "label", "customer", "occurred_at", "decided_at", "people", "department")
    for name in frozen:
        assert getattr(before, name) == getattr(after, name), f"{name} of {judge.label(after.id)} changed"
    if before.state == "skipped":
        assert (after.state, after.reason) == ("skipped", before.reason) or after.erased, (
            f"{judge.label(after.id)} was skipped ({before.reason}), now {after.state} ({after.reason})"
        )


STATES = {
    "scheduled": {"scheduled", "attempted", "sent", "skipped"},
    "attempted": {"attempted", "sent", "scheduled", "failed"},
    "sent": {"sent"},
    "failed": {"failed"},
    "skipped": {"skipped"},
}


@invariant(2, "a message of unknown fate is attempted")
def states_in_order(judge: Judge, write: InvitationWrite, context: Context) -> None:
    """`sent` is the carrier's word, or that of a message of the queue, which takes it back should it come again."""
    before, after = write.before, write.after
    label = judge.label(after.id)
    if before is None:
        assert after.state in ("scheduled", "skipped"), f"{label} begins as {after.state}"
        return
    state = "attempted" if before.taken_by else before.state
    assert after.state in STATES[state], f"{label}: {before.state} → {after.state}"
    taken = judge.ledger.by_invitation.get(("invitation", after.id))
    if after.state == "scheduled" and before.state != "scheduled":
        assert not taken, f"{label} was handed over, and is scheduled again"
    for kind, said in _said(after).items():
        known = judge.ledger.by_invitation.get((kind, after.id)) or after.taken_by
        assert said != "sent" or known, f"{kind} {label} is sent, but no carrier has it"


def _said(invitation: Invitation) -> dict[str, str | None]:
    """Return what an invitation says became of each of its messages."""
    return {"invitation": invitation.state, "reminder": invitation.reminder, "instead": invitation.instead}


@invariant(2, "what says that it was sent was, or is being sent")
def sent_is_known(judge: Judge) -> None:
    """A claim's `sent` stands without the carrier's word only while the message that claimed it is still to come."""
    in_flight = judge.engine.in_flight
    for invitation in judge.memory.invitations.values():
        for kind, said in _said(invitation).items():
            if said == "sent" and not judge.ledger.by_invitation.get((kind, invitation.id)):
                label = judge.label(invitation.id)
                assert invitation.taken_by in in_flight, (
                    f"{kind} {label} says sent, no carrier has it, nobody will look"
                )


@invariant(10, "what waits for a shared timer has one")
def shared_timer_armed(judge: Judge, write: InvitationWrite, context: Context) -> None:
    """What the index of single timers does not name is named by a shared one, from the same moment on."""
    after = write.after
    if after.needs_timer and after.index_at is None:
        named = any(after.id in timer.ids for timer in judge.memory.timers.values())
        assert named, f"{judge.label(after.id)} is due at {after.due_at}, and no timer names it"


@invariant(10, "what waits for a shared timer keeps it")
def shared_timers_kept(judge: Judge) -> None:
    """Nobody takes a timer away while it is the only one, and none is left behind for ever."""
    named = {id_ for timer in judge.memory.timers.values() for id_ in timer.ids}
    for invitation in judge.memory.invitations.values():
        if invitation.timer_for and invitation.due_at and invitation.index_at is None:
            assert invitation.id in named, f"{judge.label(invitation.id)} has lost its timer of {invitation.due_at}"


@invariant(10, "no shared timer is left behind")
def shared_timers_gone(judge: Judge) -> None:
    """When all is quiet, a timer of the past is gone."""
    for timer in judge.memory.timers.values():
        late = judge.engine.now - timer.at
        assert late <= 5 * MINUTE, f"the timer of {len(timer.ids)} invitations is {late} overdue"


@invariant(6, "opening a page changes nothing")
def views_only_mark(judge: Judge, write: InvitationWrite | CaseWrite, context: Context) -> None:
    """GET and HEAD write nothing; the note of a view marks the invitation, and nothing else of it."""
    assert context.kind != "GET", f"{context.name} wrote {judge.label(write.after.id)}"
    if context.kind != "views":
        return
    assert isinstance(write, InvitationWrite), f"{context.name} wrote a case"
    assert write.before is not None
    changed = {n for n in Invitation.model_fields if getattr(write.before, n) != getattr(write.after, n)}
    assert changed <= {"viewed", "trapped", "version"}, f"a view changed {sorted(changed)}"


@invariant(7, "at most one counted response, given inside its window")
def confirmed_inside_window(judge: Judge, write: InvitationWrite, context: Context) -> None:
    """What is confirmed was said, while the survey was open; what waits is not confirmed early."""
    before, after = write.before, write.after
    confirmed = after.confirmed
    if confirmed is None or (before and before.confirmed == confirmed):
        assert not (before and before.confirmed and after.confirmed is None), f"{judge.label(after.id)} lost its answer"
        return
    if before and before.confirmed and after.erased and before.confirmed.rating == confirmed.rating:
        return
    said = [each for each in judge.ledger.said.get(after.id, ()) if each.rating == confirmed.rating]
    assert said, f"{judge.label(after.id)}: nobody said {confirmed.rating}"
    opened_at, closes_at = after.sent_at, after.closes_at
    assert opened_at, f"{judge.label(after.id)} answered, never sent"
    assert closes_at, f"{judge.label(after.id)} answered, and never closes"
    assert confirmed.at < closes_at, f"{judge.label(after.id)} answered at {confirmed.at}, closed {closes_at}"
    if confirmed.how in ("automatic", "unvouched"):
        waited = (context.now - confirmed.at).total_seconds()
        assert waited >= CONFIRM_SECONDS, f"{judge.label(after.id)} confirmed after {waited} s"
        assert len(judge.ledger.opened.get(after.id, ())) < 2, f"{judge.label(after.id)}: a scanner's answer counts"
    if is_low(after.metric or "", confirmed.rating):
        judge.ledger.ever_low.add(after.id)
    judge.ledger.confirmed_at_tick[after.id] = judge.engine.tick


@invariant(7, "an answer that waits does not touch the confirmed one")
def provisional_beside(judge: Judge, write: InvitationWrite, context: Context) -> None:
    """A provisional answer waits, with a timer; only its timer or a person ends that."""
    before, after = write.before, write.after
    if after.provisional and not after.unconfirmed:
        assert after.confirm_at is not None, f"{judge.label(after.id)} waits without a timer"
        waits = (after.confirm_at - after.provisional.at).total_seconds()
        assert waits == CONFIRM_SECONDS, f"{judge.label(after.id)} waits {waits} s"
    if before and after.provisional and before.provisional != after.provisional:
        assert before.confirmed == after.confirmed, f"{judge.label(after.id)}: a provisional answer replaced another"


@invariant(8, "confirmed low has exactly one case")
def low_has_case(judge: Judge, write: InvitationWrite, context: Context) -> None:
    """An invitation ever confirmed low has its case from the same transaction on."""
    after = write.after
    low = after.id in judge.ledger.ever_low
    there = after.id in judge.memory.cases
    assert not low or there, f"{judge.label(after.id)} is confirmed low without a case"
    assert after.has_case == there, f"{judge.label(after.id)} says has_case={after.has_case}"


@invariant(11, "each due step never early, and in time")
def steps_in_time(judge: Judge, write: InvitationWrite, context: Context) -> None:
    """A due step is taken by a clock that has reached it; in calm at most 90 s later."""
    before, after = write.before, write.after
    if before is None or context.kind != "due":
        return
    settled = before.confirm_at and not after.confirm_at
    sends = before.state == "scheduled" and after.state in ("attempted", "sent")
    reminds = after.reminder is not None and before.reminder is None
    due = before.send_at if sends else before.remind_at if reminds else before.confirm_at if settled else None
    if due is None:
        return
    assert context.now >= due, f"{judge.label(after.id)} taken at {context.now}, due {due}"
    if judge.engine.profile.name == "calm":
        late = judge.engine.now - max(due, before.decided_at)
        judge.worst_late = max(judge.worst_late, late)
        assert late <= CALM_LATE, f"{judge.label(after.id)} is {late} late"


@invariant(4, "nobody rests for a message that nobody will send")
def skipped_leaves_no_rest(judge: Judge, write: InvitationWrite, context: Context) -> None:
    """A decision not to ask leaves no rest behind that says it asked."""
    after = write.after
    if write.before is not None or after.state != "skipped":
        return
    customer = judge.memory.customers.get(after.customer)
    assert not customer or customer.rest_by != after.id, f"{judge.label(after.id)} is skipped, yet its customer rests"


@invariant(4, "nobody rests for what was given up")
def given_up_rests_nobody(judge: Judge) -> None:
    """Whoever wrote that an invitation is not sent may have died before the rest that it took was ended."""
    memory = judge.memory
    resting = [each.rest_by for each in memory.customers.values()] + [
        each.rest_by for each in memory.addresses.values()
    ]
    for id_ in resting:
        invitation = memory.invitations.get(id_ or "")
        if invitation and invitation.state == "skipped" and not invitation.erased:
            raise AssertionError(
                f"{judge.label(invitation.id)} was given up ({invitation.reason}), and its rest stands"
            )


@invariant(1, "a day takes as many as it may")
def daily_limit(judge: Judge, write: InvitationWrite, context: Context) -> None:
    """No more are planned for one day of the company's than the program says."""
    after = write.after
    program = judge.program(after.program)
    if write.before is None and after.send_at and program and program.daily_max:
        day = (program.id, f"{after.send_at.astimezone(ZoneInfo(ZONE)):%Y-%m-%d}")
        judge.planned_on[day] += 1
        assert judge.planned_on[day] <= program.daily_max, f"{program.id} asks {judge.planned_on[day]} on {day[1]}"


# What speaks of one write of a person or of an address


@invariant(4, "no wish and no rest of a person is lost")
def names_in_order(judge: Judge, write: NameWrite, context: Context) -> None:
    """Each write was decided on what was there: none goes over another that it has not seen."""
    before, after = write.before, write.after
    if before == after:
        return  # as the deep depth looks at what was not written after all
    known = before.version if before else 0
    assert after.version == known + 1, f"{type(after).__name__} {after.key[:6]} v{known} → v{after.version}"
    if isinstance(before, Customer) and isinstance(after, Customer) and before.erased_at:
        assert after.erased_at, f"customer {after.key[:6]} was erased, and is known again"


@invariant(6, "opening a page changes no consent")
def pages_leave_names(judge: Judge, write: NameWrite, context: Context) -> None:
    """Neither GET nor the note of a view writes a person or an address."""
    assert context.kind not in ("GET", "views"), f"{context.name} wrote {type(write.after).__name__}"


# What speaks of one write of a case


@invariant(9, "cases move only along their table")
def moves_along_table(judge: Judge, write: CaseWrite, context: Context) -> None:
    """One line of the timeline for each move, one version more; writes without a move change neither."""
    before, after, entry = write.before, write.after, write.entry
    label = judge.label(after.id)
    if before is None:
        begins = (after.version, after.state, entry.move if entry else None)
        assert begins == (1, "open", "opened"), f"{label} begins as {begins}"
        return
    assert after.revision == before.revision + 1, f"{label} r{before.revision} → r{after.revision}"
    if entry is None:
        kept = ("version", "state", "department", "spent", "running_since", "handoffs", "returns", "resolve_by")
        assert all(getattr(before, n) == getattr(after, n) for n in kept), f"{label} moved without a line"
        return
    assert after.version == before.version + 1 == entry.version, f"{label} v{before.version} → v{after.version}"
    assert (entry.from_state, entry.to_state) == (before.state, after.state), (
        f"{label}: {entry.move} tells another story"
    )
    allowed = to_state(before.state, entry.move)
    assert allowed == after.state, f"{label}: {entry.move} from {before.state} to {after.state}"
    assert sorted(judge.memory.entries[after.id]) == list(range(1, after.version + 1)), f"{label} lost a line"


@invariant(8, "no case without a confirmed low rating")
def case_has_low(judge: Judge, write: CaseWrite, context: Context) -> None:
    """A case comes from a confirmed low rating and from nothing else."""
    if write.before is None:
        invitation = judge.memory.invitations[write.after.id]
        answer = invitation.confirmed
        low = answer is not None and is_low(invitation.metric or "", answer.rating)
        assert low, f"{judge.label(write.after.id)} is not confirmed low"


@invariant(12, "the leads' clocks add up to the customer's")
def clocks_add_up(judge: Judge, write: CaseWrite, context: Context) -> None:
    """Whose clock ran follows from the timeline alone."""
    after, entry = write.after, write.entry
    organisation = judge.ledger.organisations[-1][1]
    if write.before is None or entry is None:
        if entry:
            judge.shadows[after.id] = Shadow.opened(after, organisation, entry.at)
        return
    shadow = judge.shadows[after.id]
    if entry.move not in UNCHANGING:
        earlier, shadow.moved_at = shadow.moved_at, entry.at
        assert entry.at >= earlier, f"{judge.label(after.id)}: the timeline goes back from {earlier} to {entry.at}"
    assert to_state(shadow.state, entry.move), f"{judge.label(after.id)}: {entry.move} while {shadow.state}"
    shadow.move(entry, organisation)
    spent = {name: round(seconds, 3) for name, seconds in after.spent.items() if seconds}
    wanted = {name: round(seconds, 3) for name, seconds in shadow.spent.items() if seconds}
    assert spent == wanted, f"{judge.label(after.id)}: clocks {spent}, by the timeline {wanted}"
    assert abs(sum(after.spent.values()) - shadow.total) < 0.01, f"{judge.label(after.id)}: clocks do not add up"
    assert after.running_since == shadow.running_since, f"{judge.label(after.id)}: whose clock runs?"


@invariant(10, "an open case has exactly the rungs that lie ahead")
def rungs_ahead(judge: Judge, write: CaseWrite, context: Context) -> None:
    """The ladder is what an independent oracle says, and the timer is armed for its first rung."""
    before, after = write.before, write.after
    shadow = judge.shadows[after.id]
    if before and write.entry is None:
        for fired in after.fired[len(before.fired) :]:
            shadow.fire(fired.name)
    armed = {step.name: step.at for step in after.ladder}
    label = judge.label(after.id)
    assert armed.keys() == shadow.rungs.keys(), f"{label} has {sorted(armed)}, wanted {sorted(shadow.rungs)}"
    for name, at in armed.items():
        off = abs((at - shadow.rungs[name]).total_seconds())
        assert off < 0.01, f"{label}: {name} at {at}, wanted {shadow.rungs[name]}"
    if armed:
        assert after.due_at is not None, f"{label} has rungs and no timer"
        assert after.due_at <= max(min(armed.values()), after.held_until or after.opened_at), (
            f"{label} is armed too late"
        )
    if after.state == "resolved":
        assert not armed, f"{label} is resolved and climbs on"


@invariant(10, "what is promised follows from the calendars")
def promised_instants(judge: Judge, write: CaseWrite, context: Context) -> None:
    """`acknowledge_by` and `resolve_by` are the heads' rungs."""
    after, shadow = write.after, judge.shadows[write.after.id]
    for name, by in (("acknowledge:head", after.acknowledge_by), ("resolve:head", after.resolve_by)):
        if write.entry and name in shadow.rungs and shadow.rungs[name] > write.entry.at:
            off = abs((by - shadow.rungs[name]).total_seconds())
            assert off < 0.01, f"{judge.label(after.id)}: {name} {shadow.rungs[name]}, promised {by}"


@invariant(13, "escalation in order, each rung once per lead")
def rungs_once(judge: Judge, write: CaseWrite, context: Context) -> None:
    """Rungs fire in order, never early, each once for one lead."""
    before, after = write.before, write.after
    if before is None or write.entry is not None:
        return
    new = after.fired[len(before.fired) :]
    names = [fired.name for fired in after.fired]
    label = judge.label(after.id)
    assert len(set(names)) == len(names), f"{label} fired twice: {names}"
    ladder = {step.name: step.at for step in before.ladder}
    for fired in new:
        assert fired.name in ladder, f"{label} fired {fired.name}, which was not armed"
        assert fired.at >= ladder[fired.name], f"{label} fired {fired.name} early"
        promise = fired.name.partition(":")[0]
        order = [name for name in names if name.startswith(promise)]
        ranks = [("warning", "head", "leadership").index(name.partition(":")[2]) for name in order]
        assert ranks == sorted(ranks), f"{label} fired out of order: {order}"
    told = {(notice.promise, notice.rung) for notice in after.notices}
    if judge.engine.profile.name == "calm":
        for fired in new:
            late = judge.engine.now - max(ladder[fired.name], before.moved_at or before.opened_at)
            assert late <= CALM_LATE, f"{label} is told of {fired.name} {late} late"
    for fired in new:
        promise, _, rung = fired.name.partition(":")
        assert (promise, rung) in told, f"{label} fired {fired.name} and tells nobody"


@invariant(13, "a rung passed before goes to a new lead's head once")
def told_on_arrival(judge: Judge, write: CaseWrite, context: Context) -> None:
    """Taking over a case whose promise to resolve is in danger says so."""
    if write.entry is None or write.entry.move not in ("reassign", "return"):
        return
    told = [notice.kind for notice in write.after.notices].count("overdue_on_arrival")
    wanted = int(judge.shadows[write.after.id].told_on_arrival)
    assert told == wanted, f"{judge.label(write.after.id)}: told {told} times on arrival, wanted {wanted}"


@invariant(10, "a case's news waits until somebody was told")
def news_waits(judge: Judge, write: CaseWrite, context: Context) -> None:
    """A write without a move drops no notice that no carrier has taken, unless it was refused for ever."""
    before, after = write.before, write.after
    judge.ledger.moved_at_tick[after.id] = (
        judge.engine.tick if write.entry else judge.ledger.moved_at_tick.get(after.id, 0)
    )
    if before is None or write.entry is not None:
        return
    gone = [notice for notice in before.notices if notice not in after.notices]
    taken = [h for kind in {n.kind for n in gone} for h in judge.ledger.by_invitation.get((kind, after.id), ())]
    for notice in gone:
        said = {key_in(h) for h in taken}
        refused = f"carrier {context.name}" in judge.engine.happened[-20:]
        waits = Line(case=after.id, notice=notice) in judge.memory.waited
        assert key_of(notice) in said or refused or waits, f"{judge.label(after.id)}: nobody was told of {notice.kind}"


@invariant(9, "a task is done once, by whoever has it")
def tasks_done_once(judge: Judge, write: CaseWrite, context: Context) -> None:
    """What is done stays done; each is one line of the timeline; nobody who only helps moves a case."""
    before, after, entry = write.before, write.after, write.entry
    label = judge.label(after.id)
    asked = [notice.department for notice in after.notices if notice.kind == "helping"]
    assert len(set(asked)) == len(asked), f"{label} asks a department twice for its help"
    assert set(asked) <= set(after.helping), f"{label} asks {asked} for help, which have nothing to do"
    if before is None:
        assert asked == list(after.supporting), f"{label} asks {asked} of {after.supporting} for help"
        return
    done = {task.department: task.done_at for task in before.tasks if task.done_at}
    now_done = {task.department: task.done_at for task in after.tasks if task.done_at}
    new = now_done.keys() - done.keys()
    assert done.items() <= now_done.items(), f"{label}: what was done is not done any more"
    told = {entry.department} if entry and entry.move == "done" else set()
    assert new == told, f"{label}: done are {new}, and its timeline says {told}"
    helper = entry.by.removeprefix("one of ") if entry and entry.by.startswith("one of ") else None
    may = entry is None or helper in (None, before.department) or entry.move in ("done", "comment")
    assert may, f"{label}: {helper} only helps, and made the move {entry.move if entry else ''}"


# What speaks of one message


@invariant(3, "each invitation, each reminder and the text instead of a mail at most once")
def at_most_once(judge: Judge, handed: Handed, context: Context) -> None:
    """A carrier never takes the same request twice."""
    if handed.kind in ASKS:
        earlier = judge.ledger.by_invitation.get((handed.kind, handed.about), ())
        assert not earlier, f"{handed.kind} {judge.label(handed.about)} again"


@invariant(4, "nobody is asked against their wish")
def not_against_wish(judge: Judge, handed: Handed, context: Context) -> None:
    """Not opted out, not suppressed, not erased: as it was when this handler began."""
    if handed.kind not in ASKS:
        return
    invitation = judge.memory.invitations[handed.about]
    ledger, start = judge.ledger, context.start
    for what, table, names in (
        ("opted out", ledger.opted_out, (invitation.customer, *handed.to)),
        ("suppressed", ledger.suppressed, handed.to),
        ("erased", ledger.erased, (invitation.customer,)),
    ):
        for name in names:
            assert table.get(name, start) >= start, f"{handed.kind} {judge.label(handed.about)} to {name}, {what}"


@invariant(4, "nobody is asked while resting because of another")
def not_while_resting(judge: Judge, handed: Handed, context: Context) -> None:
    """Limits hold per customer and per address, across programs and channels."""
    if handed.kind not in ASKS:
        return
    invitation = judge.memory.invitations[handed.about]
    planned, rest_days = judge.ledger.planned[handed.about]
    for name in (invitation.customer, *handed.to):
        for since, until, by in judge.ledger.asked.get(name, ()):
            resting = by != handed.about and since <= context.now < until
            assert not resting, f"{handed.kind} {judge.label(handed.about)} to {name}, resting by {judge.label(by)}"
    if handed.kind in ("invitation", "instead") and rest_days:
        rest = (planned, planned + timedelta(days=rest_days), handed.about)
        for name in (invitation.customer, *handed.to):
            judge.ledger.asked.setdefault(name, []).append(rest)


@invariant(4, "nobody is asked outside the allowed hours")
def inside_hours(judge: Judge, handed: Handed, context: Context) -> None:
    """A clock on the recipient's wall shows an allowed time."""
    if handed.kind not in ASKS:
        return
    invitation = judge.memory.invitations[handed.about]
    organisation = judge.ledger.organisations[-1][1]
    program = organisation.program(invitation.program)
    zone = invitation.zone or organisation.zone
    hours = program.hours if program else None
    what = f"{handed.kind} {judge.label(handed.about)} at {context.now} in {zone}"
    if hours is None and zone == ZONE:
        hours = HOURS_BY_LAW
        assert context.now.astimezone(ZoneInfo(ZONE)).date() not in DAYS_OFF, f"{what}, a holiday"
    assert is_inside(context.now, zone, hours or {"daily": ["08:00-20:00"]}), what


@invariant(4, "no message after a cancellation")
def not_after_cancellation(judge: Judge, handed: Handed, context: Context) -> None:
    """What was cancelled before this handler began is asked about no more."""
    if handed.kind not in ASKS:
        return
    invitation, ledger = judge.memory.invitations[handed.about], judge.ledger
    event = (invitation.source, invitation.event_id or "")
    tick = ledger.cancelled_events.get(event, context.start)
    assert tick >= context.start, f"{handed.kind} {judge.label(handed.about)}: its event was cancelled"
    raw = ledger.posted.get(event)
    if raw and invitation.reference:
        key = (invitation.reference, raw["data"]["customer"]["id"])
        for tick, until in ledger.cancelled_references.get(key, ()):
            called_off = tick < context.start and (until is None or invitation.occurred_at <= until)
            assert not called_off, f"{handed.kind} {judge.label(handed.about)}: {key} was cancelled"


@invariant(5, "reminders come after the invitation and never after an answer")
def reminders_in_order(judge: Judge, handed: Handed, context: Context) -> None:
    """A reminder reminds of something, and only who has not answered, while it can be answered."""
    if handed.kind != "reminder":
        return
    invitation = judge.memory.invitations[handed.about]
    assert invitation.sent_at, f"reminder {judge.label(handed.about)} of nothing"
    assert invitation.closes_at, f"reminder {judge.label(handed.about)} of what never closes"
    assert context.now < invitation.closes_at, f"reminder {judge.label(handed.about)} after its window"
    program = judge.program(invitation.program)
    wait = program.remind_after if program else None
    if wait:
        early = context.now < invitation.sent_at + wait
        assert not early, f"reminder {judge.label(handed.about)} {context.now - invitation.sent_at} after"
    answered = judge.ledger.confirmed_at_tick.get(handed.about, context.start)
    assert answered >= context.start, f"reminder {judge.label(handed.about)} after its answer"


@invariant(3, "a text takes a mail's place only when that came back for good")
def instead_of_a_bounce(judge: Judge, handed: Handed, context: Context) -> None:
    """A text message follows a mail that its carrier reported as undeliverable, and nobody has answered."""
    if handed.kind != "instead":
        return
    label = judge.label(handed.about)
    mails = [mail for kind in ASKS[:2] for mail in judge.ledger.by_invitation.get((kind, handed.about), ())]
    returned = {address for mail in mails for address in mail.to} & judge.ledger.returned
    assert returned, f"text instead of a mail of {label}, none of which came back"
    answered = judge.ledger.confirmed_at_tick.get(handed.about, context.start)
    assert answered >= context.start, f"text instead of a mail of {label} after its answer"


@invariant(4, "replies to the customer's own act at most once per act")
def replies_once(judge: Judge, handed: Handed, context: Context) -> None:
    """ "Did we mend it?" is asked once for each resolution, "we heard you" told once for each case."""
    if handed.kind == "heard":
        case = judge.memory.cases[handed.about]
        told = judge.ledger.by_invitation.get(("heard", handed.about), ())
        assert not told, f"the customer of {judge.label(handed.about)} is told twice that we heard"
        assert case.first_acknowledged_at, f"nobody has heard {judge.label(handed.about)}"
    if handed.kind == "mended":
        acts = [each.tags["act"] for each in judge.ledger.by_invitation.get(("mended", handed.about), ())]
        assert handed.tags["act"] not in acts, f"asks twice whether {judge.label(handed.about)} was mended"


@invariant(11, "an alert has one sender at a time")
def one_sender(judge: Judge, handed: Handed, context: Context) -> None:
    """Whoever sends an alert has leased it: another sends it only after the lease, or after a new rung or move."""
    if "at" not in handed.tags:
        return
    case = judge.memory.cases[handed.about]
    key = (handed.kind, handed.about, *key_in(handed))
    state = (case.version, len(case.fired))
    at, before, sender = judge.sent_alerts.get(key, (START, state, context.name))
    judge.sent_alerts[key] = (context.now, state, context.name)
    waited = context.now - at
    # An alert of unknown fate is sent again as soon as another of its case was taken: two are better than none.
    certain = not judge.engine.profile.errors and not judge.engine.profile.refusals
    again = certain and sender != context.name and before == state and timedelta(0) < waited < LEASE - judge.skew
    assert not again, f"{handed.kind} {judge.label(handed.about)} again after {waited}"


@invariant(11, "what waited for a digest is in one")
def digested_once(judge: Judge, handed: Handed, context: Context) -> None:
    """A digest holds what waited for it, each alert once; again only where the carrier's word was lost."""
    if handed.kind != "digest":
        return
    lines = lines_of(handed)
    assert len(set(lines)) == len(lines), "a digest says something twice"
    assert len(lines) > 1, "a digest of one alert"
    certain = not judge.engine.profile.errors and not judge.engine.profile.refusals
    for line in lines:
        assert line in judge.memory.waited, f"{line.notice.kind} {judge.label(line.case)} never waited"
        at = judge.digested.get(line)
        again = certain and at is not None and timedelta(0) < context.now - at < LEASE - judge.skew
        assert not again, f"{line.notice.kind} {judge.label(line.case)} in two digests"
        judge.digested[line] = context.now


@invariant(11, "a week is told once, as its day begins")
def week_told_once(judge: Judge, handed: Handed, context: Context) -> None:
    """Leadership and heads are told of a week that is over, not before the company opens; never of one twice.

    Again only where the carrier's word or ours was lost.
    """
    if handed.kind != "weekly":
        return
    week = date.fromisoformat(handed.tags["weekly"].rpartition(" ")[2])
    opens = datetime.combine(week + timedelta(days=7), OPENS, ZoneInfo(ZONE))
    assert context.now >= opens - judge.skew, f"the week of {handed.about} is told at {context.now}, before {opens}"
    assert context.now < opens + timedelta(days=7) + judge.skew, f"the week of {handed.about} is told a week too late"
    certain = not judge.engine.profile.errors and not judge.engine.profile.refusals
    at = judge.weeks_told.get(handed.about)
    again = certain and at is not None and timedelta(0) < context.now - at < LEASE - judge.skew
    assert not again, f"the week of {handed.about} is told twice"
    judge.weeks_told[handed.about] = context.now


@invariant(11, "praise reaches who did it and their heads, once a week")
def praise_told(judge: Judge, handed: Handed, context: Context) -> None:
    """What is told was praise of somebody's own work, or of their people's, and of a week that is over."""
    if handed.kind != "praise":
        return
    person = handed.tags["praise"]
    companies = [company for _, company in judge.ledger.organisations]
    headed = {each.id for company in companies for each in company.departments if each.head.id == person}
    for id_ in handed.tags["told"].split("\n"):
        found = judge.memory.invitations[id_]
        mine = any(one.id == person or one.department in headed for one in found.people)
        assert mine, f"{judge.label(id_)} is told to {person}, who had no part in it"
        assert found.confirmed, f"{judge.label(id_)} is told as praise, and has no answer"
        assert found.confirmed.verbatim.strip(), f"{judge.label(id_)} is told as praise, and says nothing"
        assert found.first_confirmed_at, f"{judge.label(id_)} is told as praise, and was never confirmed"
        monday = start_of(found.first_confirmed_at.astimezone(ZoneInfo(ZONE)).date(), "week") + timedelta(days=7)
        opens = datetime.combine(monday, OPENS, ZoneInfo(ZONE))
        assert opens - judge.skew <= context.now, f"{judge.label(id_)} is told to {person} before its week is over"


@invariant(13, "no escalation after the move that ends it")
def escalation_ends(judge: Judge, handed: Handed, context: Context) -> None:
    """An alert about a promise leaves only while that promise runs and that department leads."""
    if handed.kind == "digest":
        for line in lines_of(handed):
            notice = line.notice
            tags = dict(zip(ALERT_TAGS, key_of(notice), strict=True))
            _still_news(judge, Handed(notice.kind, line.case, handed.to, handed.at, tags, taken=True), context)
    else:
        _still_news(judge, handed, context)


def _still_news(judge: Judge, handed: Handed, context: Context) -> None:
    if handed.kind == "helping" and judge.ledger.moved_at_tick.get(handed.about, 0) <= context.start:
        case = judge.memory.cases[handed.about]
        asked = handed.tags["department"]
        assert asked in case.helping, f"{asked} is asked to help with {judge.label(case.id)}, and has nothing to do"
    if handed.kind not in ("escalation", "overdue_on_arrival"):
        return
    if judge.ledger.moved_at_tick.get(handed.about, 0) > context.start:
        return
    shadow = judge.shadows[handed.about]
    what = f"{handed.kind} {handed.tags['promise']} {handed.tags['rung']} of {judge.label(handed.about)}"
    assert shadow.lead == handed.tags["department"], f"{what} to {handed.tags['department']}, {shadow.lead} leads"
    if handed.tags["promise"] == "acknowledge":
        assert shadow.state == "open", f"{what} while {shadow.state}"
    else:
        assert shadow.resolve_from, f"{what} while {shadow.state}"


# What speaks of one event that other programs are told


@invariant(15, "no event names who was erased")
def event_names_nobody(judge: Judge, event: CloudEvent, context: Context) -> None:
    """Whoever was erased before this handler began is named to no program any more."""
    customer, item = event.data.get("customer"), judge.memory.invitations.get(event.subject or "")
    told = customer["id"] if isinstance(customer, dict) else None
    for key, tick in judge.ledger.erased.items():
        if tick < context.start:
            assert told != judge.people[key].id, f"{event.type} names {told}, erased"
            about = item is not None and item.customer == key and event.data.get("reference")
            assert not about, f"{event.type} of {judge.label(event.subject or '')} quotes a reference of {key}, erased"


@invariant(17, "an event told twice says the same under the same id")
def events_known_again(judge: Judge, event: CloudEvent, context: Context) -> None:
    """Whoever is told twice can know it by its id."""
    looked_up = ("customer", "event", "reference")
    facts = {name: value for name, value in event.data.items() if name not in looked_up}
    before = judge.events.setdefault(event.id, (event.type, facts))
    assert before == (event.type, facts), f"{event.type} {event.id} says {facts}, before {before}"


# What can be asked at any time


@invariant(1, "one record per event, program and contact")
def one_record_each(judge: Judge) -> None:
    """No two records speak of the same program and contact of one event."""
    seen: dict[tuple[str, ...], str] = {}
    programs: dict[tuple[str, str], set[str]] = {}
    for invitation in judge.memory.invitations.values():
        if invitation.event_id is None:
            continue
        key = (invitation.source, invitation.event_id, invitation.program, invitation.label)
        assert key not in seen, f"two records of {key}"
        seen[key] = invitation.id
        programs.setdefault(key[:2], set()).add(invitation.program)
    for event, named in programs.items():
        assert "-" not in named or len(named) == 1, f"{event} is recorded under no program and under {sorted(named)}"


@invariant(14, "one of an event's records carries its promises")
def one_primary(judge: Judge) -> None:
    """Promises count once per event, however many programs ask about it."""
    primaries: dict[tuple[str, str], int] = {}
    for invitation in judge.memory.invitations.values():
        if invitation.event_id:
            event = (invitation.source, invitation.event_id)
            primaries[event] = primaries.get(event, 0) + invitation.primary
    wrong = {event: count for event, count in primaries.items() if count > 1}
    assert not wrong, f"counted more than once: {wrong}"


@invariant(8, "cases and confirmed low ratings are the same")
def cases_match(judge: Judge) -> None:
    """Nothing else has a case."""
    assert set(judge.memory.cases) == judge.ledger.ever_low, "cases differ from what was confirmed low"


@invariant(11, "nothing is long overdue")
def nothing_overdue(judge: Judge) -> None:
    """Without outages a due step waits minutes, not hours."""
    engine = judge.engine
    allowed = 10 * MINUTE if engine.profile.name == "calm" else timedelta(minutes=45)
    since = engine.now
    for begin, end in sorted(engine.outages, key=lambda each: each[1], reverse=True):
        if begin <= since <= end + allowed:
            since = begin  # and from there perhaps into the one before
    allowed += engine.now - since
    memory = judge.memory
    items: list[Any] = [*memory.invitations.values(), *memory.cases.values(), *memory.digests.values()]
    for item in items:
        late = engine.now - item.due_at if item.due_at else timedelta(0)
        assert late <= allowed, f"{judge.label(item.id)} ({type(item).__name__}) is {late} overdue"


@invariant(15, "after erasure nothing leads to the person")
def erased_is_gone(judge: Judge) -> None:
    """Some days: no name, address, or word of an erased person is left anywhere."""
    if (judge.engine.now - START).days % ERASURE_LOOK_DAYS == 0:
        _erased_are_gone(judge)


@invariant(15, "after erasure nothing leads to the person")
def erased_stay_gone(judge: Judge) -> None:
    """In the end, too."""
    _erased_are_gone(judge)


def _erased_are_gone(judge: Judge) -> None:
    gone = [person for key, person in judge.people.items() if key in judge.ledger.erased]
    if not gone:
        return
    kept = {key for key in judge.people if key not in judge.ledger.erased}
    shared = {address for key in sorted(kept) for address in judge.people[key].addresses()}
    owners = {
        secret: person.id
        for person in gone
        for secret in sorted({*person.secrets(), *judge.ledger.words.get(person.key, ())} - shared)
    }
    found = judge.found_of(set(owners))
    assert found is None, f"{found!r} of {owners[found or '']}, erased, is still there"
    for invitation in judge.memory.invitations.values():
        names = {name: value for name in NAMELESS if (value := getattr(invitation, name))}
        assert invitation.customer not in judge.ledger.erased or not names, f"{names} of somebody erased is still there"


def stored(judge: Judge) -> list[Any]:
    """Return the whole table."""
    memory = judge.memory
    items: list[Any] = [*memory.invitations.values(), *memory.cases.values(), *memory.customers.values()]
    items += [*memory.addresses.values(), *memory.early.values(), *memory.digests.values()]
    items += [entry for lines in memory.entries.values() for entry in lines.values()]
    return items


def laid_aside(judge: Judge) -> list[str]:
    """Return what waits outside the table: messages given up, lines of day files, posts that nobody took."""
    memory = judge.memory
    dead = [str(message.body) for queue in judge.engine.queues.values() for message in queue.dead]
    lines = [judge.text_of(line) for each in (memory.handed_over, *memory.day_files.values()) for line in each]
    return [*dead, *(body for body, _ in memory.refused), *lines, *(str(post) for post, _ in memory.given_up)]


# What is true when all is quiet


@invariant(1, "every accepted event ends in a decision")
def all_decided(judge: Judge) -> None:
    """Each program that asked at the time and each of its contacts has a record; `-` when none did."""
    recorded: dict[tuple[str, str], set[tuple[str, str]]] = {}
    first: dict[tuple[str, str], datetime] = {}
    for invitation in judge.memory.invitations.values():
        found = judge.ledger.event_of.get(invitation.id)
        if found:
            recorded.setdefault(found, set()).add((invitation.program, invitation.label))
            first[found] = min(first.get(found, invitation.decided_at), invitation.decided_at)
    for event, raw in judge.ledger.accepted.items():
        got = recorded.get(event, set())
        wanted = [_wanted(raw, organisation) for organisation in _in_force(judge, first.get(event))]
        assert got in wanted, f"{event} ended in {sorted(got)}, wanted one of {[sorted(each) for each in wanted]}"


def _in_force(judge: Judge, first: datetime | None) -> list[Organisation]:
    """Return the files by which an event may have been decided first: programs that came later never ask about it."""
    files = judge.ledger.organisations
    if first is None:
        return [organisation for _, organisation in files]
    late = first + judge.skew + 10 * MINUTE
    early = max((since for since, _ in files if since <= first - judge.skew - 10 * MINUTE), default=START)
    return [organisation for since, organisation in files if early <= since <= late]


def _wanted(raw: dict[str, Any], organisation: Any) -> set[tuple[str, str]]:
    data = raw["data"]
    labels: dict[str, list[str]] = {"customer": ["customer"]}
    for contact in data.get("contacts", ()):
        named = labels.setdefault(contact["role"], [])
        named.append(contact["role"] if not named else f"{contact['role']}.{len(named) + 1}")
    found = {
        (program.id, label)
        for program in organisation.programs
        if raw["type"] in program.on
        for label in labels.get(program.contact, ())
    }
    return found or {("-", "customer")}


@invariant(2, "what was acknowledged is there")
def acknowledged_is_there(judge: Judge) -> None:
    """The last answer that was acknowledged stands; of several at the same time any may be the last."""
    for id_, said in judge.ledger.said.items():
        invitation = judge.memory.invitations[id_]
        if invitation.erased or not any(each.acknowledged for each in said):
            continue
        last = [each for each in said if not any(other.acknowledged and other.start > each.end for other in said)]
        ratings = {answer.rating for answer in (invitation.confirmed, invitation.provisional) if answer}
        wanted = {each.rating for each in last}
        assert ratings & wanted, f"{judge.label(id_)}: {wanted} was acknowledged, there is {ratings}"
        if [each.press for each in last] == ["button"]:
            confirmed = invitation.confirmed
            assert confirmed, f"{judge.label(id_)}: a person pressed {wanted}, nothing is confirmed"
            assert confirmed.rating in wanted, f"{judge.label(id_)}: a person pressed {wanted}, not {confirmed.rating}"


@invariant(17, "every message ends done, or laid aside with a reason")
def queues_empty(judge: Judge) -> None:
    """Nothing is pending, and dead-letter queues hold only what was poison."""
    for queue in judge.engine.queues.values():
        # Weeks begin for ever: one that begins as the life ends may wait; `weeks_told` says how long.
        waiting = [each for each in queue.messages if "kind='weekly'" not in repr(each.body)]
        assert not waiting, f"{len(waiting)} messages wait in {queue.name}: {waiting[0].body}"
        assert not queue.dead, f"{queue.name} gave up {queue.dead[0].body}"
    for body, reason in judge.memory.refused:
        assert reason, f"refused without a reason: {body:.80}"
    strange = [body for body, _ in judge.memory.refused if '"poison' not in body]
    assert not strange, f"refused, and no poison: {strange[0]:.200}"


@invariant(11, "nothing pending, nothing overdue")
def all_quiet(judge: Judge) -> None:
    """With faults off, what was due is done."""
    items: list[Invitation | Case] = [*judge.memory.invitations.values(), *judge.memory.cases.values()]
    for item in items:
        late = judge.engine.now - item.due_at if item.due_at else timedelta(0)
        assert late <= 5 * MINUTE, f"{judge.label(item.id)} ({type(item).__name__}) is {late} overdue, {item!r:.300}"
    for invitation in judge.memory.invitations.values():
        waits = invitation.provisional and not invitation.unconfirmed
        assert not waits, f"{judge.label(invitation.id)} waits for its confirmation for ever"
    for case in judge.memory.cases.values():
        assert not case.notices, f"{judge.label(case.id)}: nobody was told of {case.notices[0].kind}"


@invariant(11, "what waited for a digest was told, or settled by a move")
def digests_told(judge: Judge) -> None:
    """No alert waits for ever, and none is forgotten."""
    memory = judge.memory
    for digest in memory.digests.values():
        assert not digest.waiting, f"{digest.id} is never told of {len(digest.waiting)} alerts"
    alone = {
        (each.about, *key_in(each)) for each in judge.ledger.handed if each.kind in ("opened", "escalation", "helping")
    }
    refused = any(each.startswith("carrier due digest") for each in judge.engine.happened)
    for line in memory.waited:
        notice = line.notice
        key = (line.case, *key_of(notice))
        moves = [each for each in memory.entries[line.case].values() if each.move not in UNCHANGING]
        settled = any(each.at >= notice.at.replace(microsecond=0) and each.version > 1 for each in moves)
        told = line in judge.digested or key in alone
        assert told or settled or refused, f"{judge.label(line.case)}: nobody was told of {notice.kind}"


@invariant(11, "every week with answers was told to leadership")
def weeks_told(judge: Judge) -> None:
    """Whatever failed meanwhile, each week that was lived through and in which somebody answered has its mail."""
    if not judge.engine.is_read("stream"):
        return
    refused = any(each.startswith("carrier due weekly") for each in judge.engine.happened)
    zone = ZoneInfo(ZONE)
    confirmed = [each.first_confirmed_at for each in judge.memory.invitations.values() if each.first_confirmed_at]
    days = {at.astimezone(zone).date() for at in confirmed}
    for week in sorted({day - timedelta(days=day.weekday()) for day in days}):
        is_over = datetime.combine(week + timedelta(days=9), OPENS, zone) < judge.engine.now
        assert refused or not is_over or f" {week}" in judge.weeks_told, f"leadership was never told of {week}"
    for mailbox in mailboxes(judge.ledger.organisations[-1][1]):
        found = judge.engine.bare.cases.weekly(mailbox)
        assert found, f"{mailbox} waits for no week"
        assert found.due_at, f"{mailbox} waits for no week"
        late = judge.engine.now - found.due_at
        assert late <= timedelta(minutes=45), f"the week of {mailbox} is {late} overdue"


def _noted(judge: Judge, name: str) -> set[tuple[datetime, str]]:
    """Return what is noted under a name, in memory or in the table."""
    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
    return {(each.at, each.id) for each in judge.engine.bare.cases.noted(name, first, last, limit=10_000)}


@invariant(11, "many cases with one driver are one incident, told once")
def incidents_are_told(judge: Judge) -> None:
    """Each case is noted once under its driver; an incident is where three lie within a day, and leadership knows."""
    memory = judge.memory
    handed = Counter(each.tags["driver"] for each in judge.ledger.handed if each.kind == "incident")
    for driver in STAYING_DRIVERS:
        cases = {(case.opened_at, case.id) for case in memory.cases.values() if driver in case.drivers}
        assert _noted(judge, f"driver:{driver}") == cases, f"what is noted of {driver} differs from its cases"
        instants = sorted(at for at, _ in cases)
        burst = [
            end for at, end in zip(instants, instants[INCIDENT_MIN - 1 :], strict=False) if end - at <= INCIDENT_WITHIN
        ]
        incident = judge.engine.bare.cases.incidents([driver]).get(driver)
        assert (incident is not None) == bool(burst), f"{driver}: {len(burst)} bursts, and the incident is {incident}"
        if incident and not judge.engine.profile.refusals:
            assert incident.told_at, f"nobody was told of the incident of {driver}"
            assert handed[driver], f"leadership was not told of the incident of {driver}"
        certain = judge.engine.profile.name in ("calm", "races")
        assert not certain or handed[driver] <= 1, f"leadership was told of {driver} {handed[driver]} times"


@invariant(11, "whoever helps was told, and finds its task")
def helpers_are_told(judge: Judge) -> None:
    """Each task that is still to be done was asked for since its case was opened, or opened again, and is listed."""
    asked = {
        (line.case, line.notice.department, line.notice.at)
        for handed in judge.ledger.handed
        if handed.kind == "digest"
        for line in lines_of(handed)
        if line.notice.kind == "helping"
    } | {
        (handed.about, handed.tags["department"], datetime.fromisoformat(handed.tags["at"]))
        for handed in judge.ledger.handed
        if handed.kind == "helping"
    }
    for case in judge.memory.cases.values():
        moves = judge.memory.entries[case.id].values()
        since = max([case.opened_at, *(entry.at for entry in moves if entry.move == "reopen")])
        for department in case.helping:
            label = f"{department}, which helps with {judge.label(case.id)}"
            listed = (case.opened_at, case.id) in _noted(judge, f"task:{department}")
            assert listed, f"{label}, does not find its task"
            told = any((id_, to) == (case.id, department) and at >= since for id_, to, at in asked)
            assert told or judge.engine.profile.refusals, f"{label}, was never told"


@invariant(10, "open cases follow the present file")
def cases_follow_file(judge: Judge) -> None:
    """Each has a lead that exists, and what was promised to pick it up is what that lead promises today."""
    organisation = judge.ledger.organisations[-1][1]
    present = {each.id: each for each in organisation.departments}
    for case in judge.memory.cases.values():
        if case.state == "resolved":
            continue
        label = judge.label(case.id)
        assert case.department in present, f"{label} is led by {case.department}, which is gone"
        if case.state == "open":
            within = present[case.department].sla.acknowledge
            wanted = add_open(case.acknowledge_from, within, organisation.calendar_of(case.department))
            off = abs((case.acknowledge_by - wanted).total_seconds())
            assert off < 0.01, f"{label} is to be picked up by {case.acknowledge_by}, wanted {wanted}"


@invariant(7, "a scanner's answer does not count")
def scanned_unconfirmed(judge: Judge) -> None:
    """An answer that nobody vouched for is unconfirmed exactly where a machine gave itself away."""
    for invitation in judge.memory.invitations.values():
        if invitation.unconfirmed:
            opened = judge.ledger.opened.get(invitation.id, set())
            scanned = 99 in opened or len(opened) > 1
            assert scanned, f"{judge.label(invitation.id)} is unconfirmed, nobody scanned it"


@invariant(2, "what was delivered is on record")
def fulfilled_is_there(judge: Judge) -> None:
    """The latest news of a promise stands in every record of its event."""
    records: dict[tuple[str, str] | None, list[Invitation]] = {}
    for invitation in judge.memory.invitations.values():
        records.setdefault(judge.ledger.event_of.get(invitation.id), []).append(invitation)
    for event, news in judge.ledger.fulfilled.items():
        latest = {kind: value for _, _, kind, value in sorted(news, key=lambda each: each[:2])}
        for invitation in records.get(event, ()):
            for promise in invitation.promises:
                if promise.kind in latest:
                    got = promise.fulfilled
                    assert got == latest[promise.kind], f"{judge.label(invitation.id)}: {promise.kind} {got}"


@invariant(14, "counters equal a recount")
def counters_recounted(judge: Judge) -> None:
    """Each count is what the items say, and the ratings are what we count ourselves."""
    memory = judge.memory
    if not judge.engine.is_read("stream"):
        return
    items: list[Invitation | Case] = [*memory.invitations.values(), *memory.cases.values()]
    found = project.reconcile(judge.engine.bare, items)
    assert not found.differences, f"{len(found.differences)} counts differ: {found.differences[0]}"
    assert not found.uncounted, f"{found.uncounted} records could not be counted"
    wanted: Counter[str] = Counter()
    for invitation in memory.invitations.values():
        if invitation.confirmed:
            wanted[f"{invitation.metric}.{invitation.confirmed.rating}"] += 1
    counted: Counter[str] = Counter()
    series = judge.engine.bare.counters.series
    generation = judge.engine.bare.library.organisation().trends.generation
    for day in series(kind_name("response", generation), "all", "all", *EVER).values():
        counted.update({name: n for name, n in day.items() if name.partition(".")[0] in LOW and "." in name})
    ratings = {name: n for name, n in counted.items() if n and name.count(".") == 1}
    assert ratings == dict(wanted), f"ratings {ratings}, by our own count {dict(wanted)}"
    cases = sum(day.get("opened", 0) for day in series(kind_name("case", generation), "all", "all", *EVER).values())
    assert cases == len(memory.cases), f"{cases} cases counted, there are {len(memory.cases)}"


@invariant(17, "every move was told to other programs")
def moves_told(judge: Judge) -> None:
    """Each line of each timeline is on the bus, under the name of what it did."""
    if not judge.engine.is_read("publish"):
        return
    told = {(event.data["case"], event.data["version"], event.type) for event in _announced(judge, "case.")}
    for id_, lines in judge.memory.entries.items():
        for version, line in lines.items():
            resolved = line.to_state == "resolved" != line.from_state
            kind = "case.opened" if version == 1 else "case.resolved" if resolved else "case.moved"
            assert (id_, version, kind) in told, f"{judge.label(id_)}: no program was told of {line.move} v{version}"


@invariant(14, "day files say what the table says")
def files_agree(judge: Judge) -> None:
    """Of each answer the line of its highest version has its rating, however often lines came and in which order."""
    if not judge.engine.is_read("file"):
        return
    latest: dict[str, Any] = {}
    for line in judge.memory.handed_over:
        if line.kind == "responses" and line.version >= latest.get(line.id, line).version:
            latest[line.id] = line
    filed = {id_: json.loads(line.text)["rating"] for id_, line in latest.items()}
    answered = {each.id: each.confirmed.rating for each in judge.memory.invitations.values() if each.confirmed}
    wrong = {id_ for id_ in {*filed, *answered} if filed.get(id_) != answered.get(id_)}
    assert not wrong, f"{len(wrong)} answers differ, as {judge.label(min(wrong))}"


def _announced(judge: Judge, kind: str) -> list[CloudEvent]:
    return [event for event in judge.memory.announced if event.type.startswith(kind)]


@invariant(17, "every answer and every opt-out was told to other programs")
def wishes_told(judge: Judge) -> None:
    """Each confirmed answer and each person who left is on the bus."""
    if not judge.engine.is_read("publish"):
        return
    answers = {(event.subject, event.data["rating"]) for event in _announced(judge, "response.confirmed")}
    for invitation in judge.memory.invitations.values():
        if invitation.confirmed and not invitation.erased:
            wanted = (invitation.id, invitation.confirmed.rating)
            assert wanted in answers, f"no program was told of {judge.label(invitation.id)}'s answer"
    left = {event.subject for event in _announced(judge, "customer.opted_out")}
    for customer in judge.memory.customers.values():
        told = not customer.opted_out_at or customer.erased_at or customer.id in left
        assert told, f"no program was told that {customer.id} opted out"


@invariant(17, "every event reached its webhook, or was laid aside with a reason")
def webhooks_reached(judge: Judge) -> None:
    """What is on the bus came to the webhook that wants all of it."""
    memory = judge.memory
    reached = {event.id for webhook, event in memory.posted if webhook == "crm"}
    reached |= {post.what.id for post, reason in memory.given_up if post.webhook == "crm" and reason}
    for event in memory.announced:
        assert event.id in reached, f"the CRM never heard of {event.type} {judge.label(event.subject or '')}"


@invariant(16, "no token in the table or a queue")
def no_token_kept(judge: Judge) -> None:
    """What opens a page is nowhere but in the message: no other program, no file and no dead letter has it."""
    told = [event.model_dump_json() for event in judge.memory.announced]
    everything = "\n".join((*(judge.text_of(item) for item in stored(judge)), *laid_aside(judge), *told))
    tokens = {token.encode() for token in judge.engine.writer.tokens}
    found = tokens & set(everything.encode().translate(BETWEEN_TOKENS).split())
    assert not found, f"a token is kept: {found}"


TOKEN_SIGNS = frozenset(b"-_" + string.ascii_letters.encode() + string.digits.encode())
BETWEEN_TOKENS = bytes(sign if sign in TOKEN_SIGNS else ord(" ") for sign in range(256))


ON_INVITATION: tuple[Check, ...] = (
    decision_stands,
    states_in_order,
    shared_timer_armed,
    views_only_mark,
    confirmed_inside_window,
    provisional_beside,
    low_has_case,
    steps_in_time,
    skipped_leaves_no_rest,
    daily_limit,
)
ON_CASE: tuple[Check, ...] = (
    views_only_mark,
    moves_along_table,
    case_has_low,
    clocks_add_up,
    rungs_ahead,
    promised_instants,
    rungs_once,
    told_on_arrival,
    news_waits,
)
ON_NAME: tuple[Check, ...] = (names_in_order, pages_leave_names)
ON_MESSAGE: tuple[Check, ...] = (
    at_most_once,
    not_against_wish,
    not_while_resting,
    inside_hours,
    not_after_cancellation,
    reminders_in_order,
    instead_of_a_bounce,
    replies_once,
    one_sender,
    digested_once,
    escalation_ends,
    week_told_once,
)
ON_EVENT: tuple[Check, ...] = (event_names_nobody, events_known_again)
DAILY: tuple[Check, ...] = (
    one_record_each,
    one_primary,
    cases_match,
    sent_is_known,
    shared_timers_kept,
    nothing_overdue,
    erased_is_gone,
)
AT_END: tuple[Check, ...] = (
    all_decided,
    acknowledged_is_there,
    queues_empty,
    all_quiet,
    shared_timers_gone,
    digests_told,
    weeks_told,
    incidents_are_told,
    cases_follow_file,
    scanned_unconfirmed,
    given_up_rests_nobody,
    fulfilled_is_there,
    counters_recounted,
    files_agree,
    moves_told,
    wishes_told,
    webhooks_reached,
    erased_stay_gone,
    no_token_kept,
)
__all__ = ["Case", "Judge"]
