"""Let open cases follow the organisation's file, once another is in force."""

from collections.abc import Iterator
from datetime import datetime

from chalicelib.domain.case import Moved, fit
from chalicelib.domain.organisation import Organisation
from chalicelib.flows import amend
from chalicelib.ports import DueKey, Ports

PAGE = 100  # cases of one read


def refit(ports: Ports, now: datetime) -> Iterator[bool]:
    """Fit every open case, and say of each whether it changed.

    Safe to begin again at any point: what fits already is left alone. A case that is opened meanwhile by a function
    that has not yet read the new file is fitted when its next step is due.
    """
    organisation = ports.library.organisation(fresh=True)
    for department in organisation.every_department:
        cursor: str | None = None
        while True:
            page = ports.cases.page(department, "open", limit=PAGE, cursor=cursor)
            for case in page.cases:
                yield _fit(ports, case.id, organisation, now)
            if page.next is None:
                break
            cursor = page.next


def _fit(ports: Ports, id_: str, organisation: Organisation, now: datetime) -> bool:
    def once() -> Moved | None:
        case = ports.cases.get(id_)
        moved = fit(case, organisation, now) if case else None
        if moved:
            ports.cases.save(moved.case, moved.entry)
        return moved

    moved = amend.persist(once)
    if moved and moved.case.due_at and moved.case.due_at <= now:
        ports.timers.nudge([DueKey("case", id_)])
    return moved is not None
