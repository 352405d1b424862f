"""One case, one lead, two clocks: what moves it, what climbs, what nobody can reset."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.case import (
    ALLOWED,
    LEASE,
    Case,
    Move,
    advance,
    correct,
    fit,
    mended,
    move,
    open_case,
    possible,
    told,
)
from chalicelib.domain.invitation import Answer
from chalicelib.domain.routing import RouteTo, Task, Why
from chalicelib.errors import Invalid, MoveForbidden
from tests.domain.cast import DAY, FRIDAY_1630, HOUR, organisation
from tests.domain.test_response import asked

COMPANY = organisation(causes=({"id": "carrier", "text": {"es": "El transportador"}},))
MONDAY_0900 = FRIDAY_1630 + timedelta(days=2, hours=16, minutes=30)
LOW = Answer(rating=2, at=FRIDAY_1630, how="button")
SAID: dict[str, dict[str, Any]] = {
    "return": {"reason": "not ours"},
    "reassign": {"department": "billing", "reason": "it is the invoice"},
    "comment": {"text": "I have called"},
    "contact": {"how": "phone", "outcome": "no answer"},
    "wait": {"reason": "for the serial number"},
    "resolve": {"root_cause": "carrier", "action": "sent it again"},
    "reopen": {"reason": "it broke again"},
}


def opened(at: datetime = FRIDAY_1630) -> Case:
    task = Task(department="billing", why=Why(rule="driver", text="the invoice"))
    to = RouteTo("logistics", Why(rule="driver", text="late"), (task,))
    return open_case(asked(), LOW, to, COMPANY, at).case


def moved(case: Case, verb: Any, at: datetime, **said: Any) -> Case:
    wanted = Move(verb=verb, by="bruno", **{**SAID.get(verb, {}), **said})
    return move(case, wanted, COMPANY, at).case


def in_state(state: str) -> Case:
    case = opened()
    path = {"open": [], "acknowledged": ["acknowledge"], "waiting": ["acknowledge", "wait"]}
    path["resolved"] = ["acknowledge", "resolve"]
    for verb in path[state]:
        case = moved(case, verb, FRIDAY_1630 + HOUR)
    return case


def climbed(case: Case, at: datetime) -> tuple[Case, list[str]]:
    step = advance(case, at)
    assert step is not None
    names = [f"{n.promise}:{n.rung}" if n.kind == "escalation" else n.kind for n in step.notices]
    return told(step.case, step.notices), names


def test_promises_count_open_hours_and_clocks_count_all() -> None:
    case = opened()
    assert case.acknowledge_by == MONDAY_0900 + timedelta(hours=3, minutes=30)
    assert case.resolve_by == MONDAY_0900 + DAY + timedelta(hours=7, minutes=30)
    assert case.customer_clock(MONDAY_0900) == (MONDAY_0900 - FRIDAY_1630).total_seconds()


def test_a_budget_that_ends_at_the_close_is_not_carried_over_by_a_fraction_of_a_second() -> None:
    to = RouteTo("logistics", Why(rule="driver", text="late"), ())
    case = open_case(asked(), LOW, to, COMPANY, FRIDAY_1630.replace(microsecond=40_000)).case
    assert case.opened_at == FRIDAY_1630
    assert case.acknowledge_by == opened().acknowledge_by
    late = moved(case, "reassign", FRIDAY_1630 + timedelta(seconds=59, microseconds=999_999))
    assert late.acknowledge_by.microsecond == 0
    assert late.customer_clock(FRIDAY_1630 + HOUR) == HOUR.total_seconds()


@pytest.mark.parametrize("state", ["open", "acknowledged", "waiting", "resolved"])
@pytest.mark.parametrize("verb", sorted(ALLOWED))
def test_a_case_moves_along_its_table_only(state: str, verb: Any) -> None:
    case = in_state(state)
    if state in ALLOWED[verb]:
        after = moved(case, verb, FRIDAY_1630 + 2 * HOUR)
        assert after.version == case.version + 1
        return
    with pytest.raises(MoveForbidden) as caught:
        moved(case, verb, FRIDAY_1630 + 2 * HOUR)
    assert caught.value.allowed == possible(case)


@pytest.mark.parametrize("verb", sorted(SAID))
def test_a_move_says_what_it_needs_and_misses(verb: Any) -> None:
    state = ALLOWED[verb][0]
    nothing = dict.fromkeys(SAID[verb])
    with pytest.raises(Invalid) as caught:
        moved(in_state(state), verb, FRIDAY_1630 + 2 * HOUR, **nothing)
    assert [each.pointer for each in caught.value.problems] == [f"/{name}" for name in SAID[verb]]


def test_each_move_leaves_one_line() -> None:
    wanted = Move(verb="contact", by="bruno", how="phone", outcome="she was glad")
    entry = move(opened(), wanted, COMPANY, FRIDAY_1630 + HOUR).entry
    assert (entry.version, entry.move, entry.from_state, entry.to_state) == (2, "contact", "open", "open")
    assert (entry.by, entry.text) == ("bruno", "phone · she was glad")


@pytest.mark.parametrize(
    ("said", "counted"), [("yes", (1, 0)), ("no", (0, 1)), (None, (0, 0))], ids=["reached", "missed", "not said"]
)
def test_a_contact_counts_by_whether_the_customer_was_reached(said: Any, counted: tuple[int, int]) -> None:
    wanted = Move(verb="contact", by="bruno", how="phone", outcome="…", reached=said)
    once = move(opened(), wanted, COMPANY, FRIDAY_1630 + HOUR).case
    assert (once.contacts_reached, once.contacts_missed) == counted
    missed = Move(verb="contact", by="bruno", how="phone", outcome="…", reached="no")
    twice = move(once, missed, COMPANY, FRIDAY_1630 + 2 * HOUR).case
    assert (twice.contacts_reached, twice.contacts_missed) == (counted[0], counted[1] + 1)


def test_a_hand_off_resets_the_departments_promise_and_nobodys_clock() -> None:
    handed = moved(opened(), "reassign", FRIDAY_1630 + DAY)
    assert (handed.department, handed.state, handed.handoffs) == ("billing", "open", 1)
    assert handed.acknowledge_by == MONDAY_0900 + 4 * HOUR
    assert handed.resolve_by == opened().resolve_by
    clocks = handed.department_clocks(FRIDAY_1630 + 3 * DAY)
    assert clocks == {"logistics": 86400.0, "billing": 172800.0}
    assert handed.customer_clock(FRIDAY_1630 + 3 * DAY) == 3 * 86400.0


def test_a_returned_case_goes_back_and_in_the_end_to_the_arbiter() -> None:
    case = opened()
    leads = []
    for turn in range(3):
        case = moved(case, "reassign", FRIDAY_1630 + turn * HOUR, department="billing")
        case = moved(case, "return", FRIDAY_1630 + turn * HOUR)
        leads.append(case.department)
    assert leads == ["logistics", "logistics", "reception"]
    assert (case.handoffs, case.returns) == (3, 3)


def test_the_first_lead_returns_to_the_arbiter_who_cannot_return() -> None:
    case = moved(opened(), "return", FRIDAY_1630 + HOUR)
    assert case.department == "reception"
    with pytest.raises(MoveForbidden, match="arbiter"):
        moved(case, "return", FRIDAY_1630 + HOUR)


def test_it_goes_only_to_departments_that_exist_and_do_not_lead_already() -> None:
    for department in ("accounting", "logistics"):
        with pytest.raises(Invalid):
            moved(opened(), "reassign", FRIDAY_1630, department=department)


def test_a_root_cause_is_one_of_the_organisations() -> None:
    with pytest.raises(Invalid, match="is not one of carrier"):
        moved(in_state("acknowledged"), "resolve", FRIDAY_1630 + 2 * HOUR, root_cause="bad luck")


def test_waiting_moves_the_promise_by_its_open_time_and_not_the_clock() -> None:
    acknowledged = moved(opened(), "acknowledge", FRIDAY_1630)
    waiting = moved(acknowledged, "wait", MONDAY_0900 + HOUR)
    resumed = moved(waiting, "resume", MONDAY_0900 + 4 * HOUR)
    assert resumed.resolve_by == opened().resolve_by + timedelta(days=1) - 5 * HOUR
    assert resumed.customer_clock(MONDAY_0900 + 4 * HOUR) == (MONDAY_0900 + 4 * HOUR - FRIDAY_1630).total_seconds()


def test_time_resolved_counts_for_nobody_and_what_was_left_is_kept() -> None:
    resolved = moved(moved(opened(), "acknowledge", FRIDAY_1630), "resolve", MONDAY_0900 + HOUR)
    assert resolved.customer_clock(MONDAY_0900 + 30 * DAY) == (MONDAY_0900 + HOUR - FRIDAY_1630).total_seconds()
    assert resolved.ladder == ()
    again = moved(resolved, "reopen", MONDAY_0900 + 7 * DAY)
    assert (again.state, again.department) == ("open", "logistics")
    assert again.resolve_by == MONDAY_0900 + 8 * DAY + timedelta(hours=6, minutes=30)
    assert again.customer_clock(MONDAY_0900 + 7 * DAY) == resolved.customer_clock(MONDAY_0900)


def test_the_ladder_is_climbed_in_order_each_rung_once() -> None:
    case, names = climbed(opened(), FRIDAY_1630)
    assert names == ["opened", "helping"]
    seen = []
    while case.due_at:
        case, names = climbed(case, case.due_at)
        seen += names
    rungs = [f"acknowledge:{rung}" for rung in ("warning", "head", "leadership")]
    assert seen == [*rungs, *(rung.replace("acknowledge", "resolve") for rung in rungs)]
    assert case.acknowledge_breached
    assert case.resolve_breached


def helped(case: Case, at: datetime, department: str = "billing") -> Case:
    return moved(case, "done", at, department=department, text="sent a new invoice")


def test_a_task_is_done_once_by_its_department_and_changes_nothing_else() -> None:
    case = opened()
    assert case.helping == ("billing",)
    wanted = Move(verb="done", by="berta", department="billing", text="sent a new invoice")
    after, entry = (each := move(case, wanted, COMPANY, FRIDAY_1630 + HOUR)).case, each.entry
    assert (entry.move, entry.department, entry.text) == ("done", "billing", "sent a new invoice")
    assert (entry.from_state, entry.to_state, entry.version) == ("open", "open", 2)
    assert after.tasks[0].done_at == FRIDAY_1630 + HOUR
    assert after.tasks[0].done_by == "berta"
    assert [notice.kind for notice in after.notices] == ["opened"], "nobody is asked for what is done"
    same = ("state", "department", "ladder", "spent", "running_since", "acknowledge_by", "resolve_by")
    assert all(getattr(after, name) == getattr(case, name) for name in same)
    for department in ("billing", "logistics", "sales", None):
        with pytest.raises(MoveForbidden):
            move(after, wanted.model_copy(update={"department": department}), COMPANY, FRIDAY_1630 + HOUR)
    with pytest.raises(Invalid, match="done needs it"):
        moved(case, "done", FRIDAY_1630, department="billing")


def test_whoever_resolves_a_case_ends_its_tasks_until_it_is_opened_again() -> None:
    resolved = in_state("resolved")
    assert resolved.helping == ()
    assert [notice.kind for notice in resolved.notices] == ["opened"], "nobody is asked for help any more"
    with pytest.raises(MoveForbidden):
        helped(resolved, FRIDAY_1630 + 2 * HOUR)
    reopened = moved(resolved, "reopen", FRIDAY_1630 + DAY)
    assert [(notice.kind, notice.department) for notice in reopened.notices[1:]] == [
        ("reopened", "logistics"),
        ("helping", "billing"),
    ]
    done = moved(helped(in_state("acknowledged"), FRIDAY_1630 + HOUR), "resolve", FRIDAY_1630 + HOUR)
    assert [notice.kind for notice in moved(done, "reopen", FRIDAY_1630 + DAY).notices] == ["opened", "reopened"]


def test_a_hand_off_keeps_the_help_that_was_not_asked_for_yet_and_no_lead_helps_itself() -> None:
    elsewhere = moved(opened(), "reassign", FRIDAY_1630, department="sales")
    assert [notice.kind for notice in elsewhere.notices] == ["handed_over", "helping"]
    to_helper = moved(opened(), "reassign", FRIDAY_1630, department="billing")
    assert ([notice.kind for notice in to_helper.notices], to_helper.helping) == (["handed_over"], ())
    without = COMPANY.model_copy(
        update={"departments": tuple(each for each in COMPANY.departments if each.id != "billing")}
    )
    fitted = fit(opened(), without, FRIDAY_1630 + HOUR)
    assert fitted is not None
    assert (fitted.case.helping, [notice.kind for notice in fitted.case.notices]) == ((), ["opened"])


def test_no_rung_is_climbed_early() -> None:
    case, _ = climbed(opened(), FRIDAY_1630)
    assert case.due_at == MONDAY_0900 + timedelta(hours=2, minutes=30)
    assert advance(case, case.due_at - timedelta(seconds=1)) is None


def test_acknowledging_ends_its_own_rungs_only() -> None:
    acknowledged = moved(opened(), "acknowledge", FRIDAY_1630 + HOUR)
    assert {step.promise for step in acknowledged.ladder} == {"resolve"}
    assert not acknowledged.acknowledge_breached


def test_an_escalation_that_waits_to_be_sent_is_dropped_by_the_move_that_ends_it() -> None:
    case, _ = climbed(opened(), FRIDAY_1630)
    assert case.due_at
    leased = advance(case, case.due_at)
    assert leased
    acknowledged = moved(leased.case, "acknowledge", case.due_at + timedelta(seconds=1))
    assert acknowledged.notices == ()


def test_a_new_lead_climbs_anew_but_is_told_once_what_was_overdue_before() -> None:
    case, _ = climbed(opened(), FRIDAY_1630)
    late = case.resolve_by + HOUR
    case, _ = climbed(case, late)
    handed = moved(case, "reassign", late)
    handed, names = climbed(handed, late)
    assert names == ["handed_over", "overdue_on_arrival"]
    assert {step.name for step in handed.ladder} == {
        "acknowledge:warning",
        "acknowledge:head",
        "acknowledge:leadership",
        "resolve:leadership",
    }


def test_an_alert_is_leased_and_comes_again_when_nobody_says_it_was_sent() -> None:
    first = advance(opened(), FRIDAY_1630)
    assert first
    assert advance(first.case, FRIDAY_1630 + LEASE - timedelta(seconds=1)) is None
    again = advance(first.case, FRIDAY_1630 + LEASE)
    assert again
    assert again.notices == first.notices
    assert told(again.case, again.notices).notices == ()


def test_the_customer_is_asked_once_whether_it_was_mended() -> None:
    resolved = moved(in_state("acknowledged"), "resolve", FRIDAY_1630 + 2 * HOUR)
    step = advance(resolved, FRIDAY_1630 + 2 * HOUR)
    assert step
    assert step.ask_mended
    later = told(step.case, step.notices)
    assert (later.ask_mended, later.due_at) == (False, None)


def test_a_no_opens_it_again_and_a_yes_is_recovered() -> None:
    resolved = moved(in_state("acknowledged"), "resolve", FRIDAY_1630 + 2 * HOUR)
    no = mended(resolved, "no", "it broke again", COMPANY, FRIDAY_1630 + DAY)
    assert no
    assert (no.case.state, no.case.mended, no.entry.by) == ("open", "no", "customer")
    yes = mended(resolved, "yes", "", COMPANY, FRIDAY_1630 + DAY)
    assert yes
    assert (yes.case.state, yes.case.mended) == ("resolved", "yes")
    assert mended(yes.case, "yes", "", COMPANY, FRIDAY_1630 + DAY) is None


def test_a_correction_is_told_and_closes_nothing() -> None:
    corrected = correct(opened(), Answer(rating=10, at=FRIDAY_1630, how="button"), FRIDAY_1630 + HOUR)
    assert (corrected.case.state, corrected.case.rating, corrected.entry.text) == ("open", 10, "2 → 10")
    assert corrected.case.notices[-1].kind == "corrected"


def test_of_a_customer_let_down_again_each_rung_reaches_one_higher() -> None:
    to = RouteTo("logistics", Why(rule="driver", text="late"))
    case = open_case(asked(), LOW, to, COMPANY, FRIDAY_1630, repeat=True).case
    assert [notice.reaches for notice in case.notices] == [None, "head"]
    reached: dict[tuple[str | None, str | None], str | None] = {}
    while case.due_at:
        step = advance(case, case.due_at)
        assert step is not None
        reached |= {(n.promise, n.rung): n.reaches for n in step.notices if n.kind == "escalation"}
        case = told(step.case, step.notices)
    assert reached["acknowledge", "warning"] == reached["resolve", "warning"] == "head"
    assert reached["acknowledge", "head"] == reached["resolve", "leadership"] == "leadership"
