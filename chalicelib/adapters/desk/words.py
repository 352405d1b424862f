"""Say what states and moves are called, and how long something is away or late."""

from datetime import datetime

from chalicelib.adapters.desk.frame import Desk
from chalicelib.adapters.templates.formats import duration
from chalicelib.domain.case import Case, PromiseKind
from chalicelib.domain.invitation import Invitation


def _(text: str) -> str:
    """Mark a sentence for the catalogues; it is translated where it is said."""
    return text


STATES = {
    "open": _("Not picked up"),
    "acknowledged": _("In hand"),
    "waiting": _("Waiting for the customer"),
    "resolved": _("Mended"),
}
MOVED = {
    "opened": _("Case opened"),
    "acknowledge": _("Picked up"),
    "return": _("Returned"),
    "reassign": _("Passed on"),
    "comment": _("Note"),
    "contact": _("Talked to the customer"),
    "wait": _("Waiting for the customer"),
    "resume": _("Taken up again"),
    "resolve": _("Mended"),
    "reopen": _("Opened again"),
    "inherited": _("The department was removed: it is the arbiter's now"),
    "replanned": _("Promised times changed with the company's calendars"),
    "corrected": _("Answer changed by the customer"),
    "done": _("Task done"),
    "mended_yes": _("The customer says: mended"),
    "mended_no": _("The customer says: not mended"),
}
"""What the timeline says of each move."""

DUE = {"acknowledge": _("to pick up"), "resolve": _("to mend")}
IN = _("in %(time)s")
LATE = _("%(time)s late")
NOT_POSSIBLE = _("“%(move)s” is not possible any more: the case has moved on.")


def next_promise(case: Case) -> tuple[PromiseKind, datetime] | None:
    """Return which promise comes first, and when; None while the case waits for the customer or is mended."""
    if case.state == "open":
        first: PromiseKind = "acknowledge" if case.acknowledge_by <= case.resolve_by else "resolve"
        return first, min(case.acknowledge_by, case.resolve_by)
    return ("resolve", case.resolve_by) if case.state == "acknowledged" else None


def unnamed(invitation: Invitation, desk: Desk) -> str:
    """Return what somebody is called whose name we do not have, or never had."""
    return desk.say("Somebody at the counter") if invitation.counter else desk.say("A customer")


def countdown(at: datetime, desk: Desk) -> str:
    """Return how far away an instant is, as in «in 2 h 15 min» or «3 h late»."""
    seconds = (at - desk.now).total_seconds()
    return desk.say(IN if seconds >= 0 else LATE, time=duration(abs(seconds)))


def templates(desk: Desk) -> dict[str, str]:
    """Return the countdown's sentences with a mark for the time, for the script that keeps them going."""
    return {"in": desk.say(IN, time="{}"), "late": desk.say(LATE, time="{}")}
