"""Take a plan's stops one after the other: move the clock, send the events, give the answers."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from infra.replay.client import System, link_in
from infra.replay.plan import Answering, Plan, Stop

QUIET_AFTER = timedelta(days=60)
"""How far the clock runs on at the end: every rung of every case has been climbed by then."""

Json = dict[str, Any]


@dataclass
class Tally:
    """What became of a replay."""

    accepted: int = 0
    rejected: list[Json] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    """`given`; or else `closed`, `invalid`, `without a mail`, and any unexpected status."""


def replay(system: System, plan: Plan, on_stop: Callable[[Stop], None]) -> Tally:
    """Let everything happen that a plan says, at its own time where the clock can still go there.

    What lies in the past already (a second replay, or one that goes on after a stop) happens at the present time.
    """
    tally = Tally()
    moves = False
    for stop in plan.stops:
        moves = _take(system, stop, tally) or moves
        on_stop(stop)
    system.settle()
    if moves:
        system.move_clock(system.read_clock() + QUIET_AFTER)
    return tally


def _take(system: System, stop: Stop, tally: Tally) -> bool:
    is_ahead = stop.at > system.now
    if is_ahead:
        system.move_clock(stop.at)
    if stop.events:
        accepted, rejected = system.send(stop.events)
        tally.accepted += accepted
        tally.rejected += rejected
        if stop.answers:
            system.settle()
    for answering in stop.answers:
        tally.answers[_answer(system, answering)] += 1
    return is_ahead


def _answer(system: System, answering: Answering) -> str:
    """Follow the link of the mail that asked, fill in the form and press its button; say what came of it."""
    link = _link(system, answering)
    if link is None:
        return "without a mail"
    page = system.open(link)
    rest = [(name, value) for name, value in answering.form.items() if name in page.form.names or name == "rating"]
    action = urlsplit(page.form.action or "").path or "/".join(link.split("/")[:3])
    status = system.press(action, [*page.form.hidden, *rest])
    return {200: "given", 410: "closed", 422: "invalid"}.get(status, f"status {status}")


def _link(system: System, answering: Answering) -> str | None:
    mails = [mail for mail in system.mails(answering.address) if link_in(mail, "")]
    about = [mail for mail in mails if answering.reference and _mentions(mail, answering.reference)]
    return link_in((about or mails)[-1], answering.form["rating"]) if mails else None


def _mentions(mail: Json, reference: str) -> bool:
    return any(reference in mail.get(part, "") for part in ("subject", "text", "html"))
