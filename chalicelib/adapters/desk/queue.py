"""Show a department its cases: what is due first stands first, and says why it is theirs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from textwrap import shorten
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from chalicelib.adapters.desk import words
from chalicelib.adapters.desk.frame import Desk, desk_page
from chalicelib.adapters.templates import Page
from chalicelib.adapters.wording import rating_text, why_text
from chalicelib.domain.case import Case
from chalicelib.ports import CaseList, CaseView

SNIPPET_CHARACTERS_MAX = 140


def _(text: str) -> str:
    """Mark a sentence for the catalogues; it is translated where it is said."""
    return text


GROUPS = {
    "late": _("Late"),
    "today": _("Today"),
    "later": _("Later"),
    "waiting": _("Waiting for the customer"),
    "resolved": _("Mended cases"),
}
"""How the queue is divided, in the order in which it is worked off."""


@dataclass(frozen=True)
class Row:
    """One case as the queue shows it."""

    id: str
    name: str
    reference: str
    rating: str
    snippet: str
    why: str
    department: str
    state: str
    group: str
    due: str
    due_at: datetime
    countdown: str
    is_live: bool
    waited_seconds: float
    repeated: str


def queue_page(
    desk: Desk,
    views: Sequence[CaseView],
    department: str | None,
    which: CaseList,
    following: str | None,
    tasks: Sequence[CaseView] = (),
) -> Page:
    """Return the queue of a department with what it does for others, or the queue of all for those who lead."""
    rows = [_row(view, desk) for view in views]
    if which == "open":
        rows.sort(key=lambda row: (row.group == "waiting", row.due_at, row.id))
    groups = [
        {"name": desk.say(title), "key": key, "rows": [row for row in rows if row.group == key]}
        for key, title in GROUPS.items()
    ]
    own = None if desk.reads_all else desk.principal.department if desk.principal else None
    return desk_page(
        "staff/cases.html",
        desk,
        current="/cases",
        groups=[group for group in groups if group["rows"]],
        count=len(rows),
        late=sum(row.group == "late" for row in rows),
        which=which,
        tasks=[_helped(view, department or own or "", desk) for view in tasks],
        tabs=_tabs(desk, department, which),
        choices=_choices(desk, department) if desk.reads_all else [],
        chosen=department or "",
        whose=desk.department(department or own),
        more=_address(department, which, following) if following else "",
        shows_department=desk.reads_all and not department,
        live=words.templates(desk),
    )


def _helped(view: CaseView, department: str, desk: Desk) -> Row:
    """Return a case of another department: whose it is, and what this one is to do for it."""
    own = next((task.why for task in view.case.tasks if task.department == department), view.case.why)
    return replace(_row(view, desk), why=why_text(own, desk.organisation, desk.language))


def _row(view: CaseView, desk: Desk) -> Row:
    case = view.case
    promise = words.next_promise(case)
    at = promise[1] if promise else case.resolved_at or case.resolve_by
    name = view.customer.name if view.customer else None
    answer = view.invitation.confirmed
    said = " ".join(answer.verbatim.split()) if answer else ""
    return Row(
        id=case.id,
        name=name or words.unnamed(view.invitation, desk),
        reference=case.reference or "",
        rating=rating_text(case.metric, case.rating, desk.language),
        snippet=shorten(said, SNIPPET_CHARACTERS_MAX, placeholder="…"),
        why=why_text(case.why, desk.organisation, desk.language),
        department=desk.department(case.department),
        state=desk.say(words.STATES[case.state]),
        group=_group(case, at, desk),
        due=desk.say(words.DUE[promise[0]]) if promise else "",
        due_at=at,
        countdown=words.countdown(at, desk) if promise else "",
        is_live=promise is not None,
        waited_seconds=case.customer_clock(desk.now),
        repeated=_repeated(case, desk),
    )


def _group(case: Case, at: datetime, desk: Desk) -> str:
    if case.state in ("waiting", "resolved"):
        return case.state
    if at < desk.now:
        return "late"
    zone = ZoneInfo(desk.zone)
    return "today" if at.astimezone(zone).date() == desk.now.astimezone(zone).date() else "later"


def _repeated(case: Case, desk: Desk) -> str:
    """Say what has gone to and fro already: whoever reads it is not the first."""
    passed = case.handoffs + case.returns
    if case.reopenings:
        return desk.say("opened again")
    return desk.say("passed on %(n)s times", n=passed) if passed > 1 else ""


def _tabs(desk: Desk, department: str | None, which: CaseList) -> list[dict[str, object]]:
    lists: tuple[tuple[CaseList, str], ...] = (("open", _("Open")), ("resolved", _("Mended cases")))
    shown: list[dict[str, object]] = [
        {"href": _address(department, each), "text": desk.say(text), "current": each == which} for each, text in lists
    ]
    return [*shown, {"href": "/knowledge", "text": desk.say("What mended what"), "current": False}]


def _choices(desk: Desk, department: str | None) -> list[dict[str, object]]:
    every = [{"id": "", "name": desk.say("All departments"), "chosen": not department}]
    return every + [
        {"id": each.id, "name": desk.department(each.id), "chosen": each.id == department}
        for each in desk.organisation.departments
    ]


def _address(department: str | None, which: CaseList, cursor: str | None = None) -> str:
    given = {"department": department, "state": "resolved" if which == "resolved" else None, "cursor": cursor}
    asked = urlencode({name: value for name, value in given.items() if value})
    return "/cases" + (f"?{asked}" if asked else "")
