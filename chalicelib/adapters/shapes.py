"""Write cases, and what moved in them, in the shapes of the public contract."""

from datetime import UTC, datetime
from typing import Any

from chalicelib.domain.case import Entry
from chalicelib.domain.customer import Customer
from chalicelib.domain.routing import Task
from chalicelib.ports import CaseView


def instant(at: datetime | None) -> str | None:
    """Return an instant as the contract writes it, as in 2026-03-06T21:30:00Z."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None


def case_json(view: CaseView, now: datetime) -> dict[str, Any]:
    """Return a case for those who may see it; the departments' clocks add up to the customer's."""
    case = view.case
    clocks = {department: round(seconds, 3) for department, seconds in case.department_clocks(now).items()}
    answer = view.invitation.confirmed
    return {
        "id": case.id,
        "version": case.version,
        "state": case.state,
        "department": case.department,
        "origin_department": case.origin_department,
        "supporting": list(case.supporting),
        "tasks": [task_json(task) for task in case.tasks if task.department in case.supporting],
        "reference": case.reference,
        "opened_at": instant(case.opened_at),
        "acknowledge_by": instant(case.acknowledge_by),
        "resolve_by": instant(case.resolve_by),
        "resolved_at": instant(case.resolved_at),
        "breached": {"acknowledge": case.breached("acknowledge", now), "resolve": case.breached("resolve", now)},
        "customer_clock_seconds": round(sum(clocks.values()), 3),
        "department_clock_seconds": clocks,
        "handoffs": case.handoffs,
        "returns": case.returns,
        "reopenings": case.reopenings,
        "why": {"rule": case.why.rule, "text": case.why.text},
        "metric": case.metric,
        "rating": case.rating,
        "verbatim": answer.verbatim if answer else "",
        "root_cause": case.root_cause,
        "action": case.action,
        "mended": case.mended,
        "customer": customer_json(view.customer),
        "timeline": [entry_json(entry) for entry in view.timeline],
    }


def task_json(task: Task) -> dict[str, Any]:
    """Return what a department does for the lead; what was done stands on the timeline."""
    return {
        "department": task.department,
        "why": {"rule": task.why.rule, "text": task.why.text},
        "done_at": instant(task.done_at),
        "done_by": task.done_by,
    }


def customer_json(customer: Customer | None) -> dict[str, Any]:
    """Return who a customer is and how to reach them; nothing of somebody who asked to be forgotten."""
    fields = ("id", "name", "email", "phone", "language", "do_not_call")
    known = customer if customer and not customer.erased_at else None
    return {field: getattr(known, field, None) for field in fields}


def entry_json(entry: Entry) -> dict[str, Any]:
    """Return one line of a timeline."""
    return {
        "version": entry.version,
        "at": instant(entry.at),
        "by": entry.by,
        "move": entry.move,
        "from_state": entry.from_state,
        "to_state": entry.to_state,
        "department": entry.department,
        "text": entry.text,
    }
