"""Answer «why did this customer get none?» in one look: each event, and what was decided about it."""

from collections.abc import Mapping, Sequence

from chalicelib.adapters.desk.frame import Desk, desk_page
from chalicelib.adapters.templates import Page
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.terms import in_language
from chalicelib.errors import Problem


def _(text: str) -> str:
    """Mark a sentence for the catalogues; it is translated where it is said."""
    return text


STATES = {
    "skipped": _("Not asked"),
    "scheduled": _("Will be asked"),
    "attempted": _("Perhaps asked: the carrier did not say"),
    "sent": _("Asked"),
    "failed": _("Could not be sent"),
}
REASONS = {
    "no_program": _("No program asks about this kind of event."),
    "rule": _("The program's rule leaves this out."),
    "not_sampled": _("The program asks only a share of all; this one was not drawn."),
    "capped": _("The day's limit was reached."),
    "same_episode": _("It belongs to an episode that was asked about already."),
    "opted_out": _("The customer does not want to be asked."),
    "suppressed": _("The address does not take mail: it bounced, or somebody complained."),
    "erased": _("The customer asked to be forgotten."),
    "resting": _("The customer, or somebody at the same address, was asked a short while ago."),
    "no_address": _("There was no address to ask at."),
    "not_authorised_channel": _("The only address is of a kind that the program does not use."),
    "too_old": _("It was too long ago when we heard of it."),
    "cancelled": _("It was cancelled, or opened again."),
    "internal_recipient": _("The address is one of our own."),
    "paused": _("Sending was paused."),
    "incident": _("There was an incident: nobody affected was asked."),
}
"""Every reason of the policy, in words for somebody who has the customer on the phone."""


def ledger_page(
    desk: Desk, asked: Mapping[str, str], found: Sequence[Invitation] | None, problems: Sequence[Problem] = ()
) -> Page:
    """Return what became of an event, or of a customer's last ones; without a question, the question."""
    status = 422 if problems else 404 if found is not None and not found else 200
    return desk_page(
        "staff/ledger.html",
        desk,
        current="/ledger",
        status=status,
        asked={name: asked.get(name, "") for name in ("customer", "event")},
        problems=[problem.detail for problem in problems],
        is_answered=found is not None,
        events=_events(desk, found or ()),
    )


def _events(desk: Desk, found: Sequence[Invitation]) -> list[dict[str, object]]:
    events: dict[tuple[str, str | None], list[Invitation]] = {}
    for each in sorted(found, key=lambda each: each.occurred_at, reverse=True):
        events.setdefault((each.source, each.event_id), []).append(each)
    return [
        {
            "name": f"{decided[0].touchpoint} · {decided[0].reference or id_ or '–'}",
            "event": f"{source}|{id_}" if id_ else "",
            "at": decided[0].occurred_at,
            "decisions": [_decision(desk, each) for each in decided],
        }
        for (source, id_), decided in events.items()
    ]


def _decision(desk: Desk, invitation: Invitation) -> dict[str, object]:
    program = desk.organisation.program(invitation.program)
    reason = desk.say(REASONS[invitation.reason]) if invitation.reason in REASONS else ""
    answered = invitation.first_confirmed_at
    moments = (
        (desk.say("sent"), invitation.sent_at),
        (desk.say("reminded"), invitation.reminded_at),
        (desk.say("answered"), answered),
        (desk.say("due"), invitation.send_at if invitation.state == "scheduled" else None),
    )
    return {
        "program": in_language(program.name, desk.language) if program else invitation.program,
        "contact": invitation.label,
        "state": desk.say("Answered") if answered else desk.say(STATES[invitation.state]),
        "is_asked": invitation.state != "skipped",
        "reason": reason,
        "rule": invitation.rule or "",
        "moments": [{"what": what, "at": at} for what, at in moments if at],
        "bounced": invitation.bounced,
        "decided_at": invitation.decided_at,
    }
