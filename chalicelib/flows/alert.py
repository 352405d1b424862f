"""Hand alerts to departments: the first at once, those that follow within minutes in one mail."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from chalicelib.domain.case import Notice
from chalicelib.domain.digest import LINES_MAX, Digest, Line, admit, claim, hold, is_gathered, mailbox, sent, stands
from chalicelib.domain.organisation import Organisation
from chalicelib.errors import CarrierRefused, CarrierUnclear, Conflict
from chalicelib.flows import amend
from chalicelib.ports import CaseView, DueKey, Mail, Ports


def tell(ports: Ports, notice: Notice, view: CaseView, organisation: Organisation, now: datetime) -> bool:
    """Say whether an alert was taken: by a carrier, or by the digest of its mailbox, which keeps it from now on."""
    if is_gathered(notice) and not _goes_alone(
        ports, Line(case=view.case.id, notice=notice), organisation.alerts_quiet, now
    ):
        return True
    return _taken(ports, ports.messages.notice(notice, view, organisation, now))


def _goes_alone(ports: Ports, line: Line, quiet: timedelta, now: datetime) -> bool:
    name = mailbox(line.notice)

    def once() -> Digest:
        digest = ports.cases.digest(name) or Digest(id=name)
        admitted = admit(digest, line, now, quiet)
        if admitted:
            ports.cases.save_digest(admitted)
        return admitted or digest

    digest = amend.persist(once)
    if digest.due_at and digest.due_at <= now:
        ports.timers.nudge([DueKey("digest", name)])
    return line == digest.first


def flush(ports: Ports, id_: str, now: datetime) -> None:
    """Send what has waited for a mailbox in one mail, at least once; what was settled meanwhile is left out."""
    digest = ports.cases.digest(id_)
    claimed = claim(digest, now) if digest else None
    if claimed is None:
        return
    try:
        ports.cases.save_digest(claimed)
    except Conflict:
        return
    organisation = ports.library.organisation()
    lines = claimed.waiting[:LINES_MAX]
    views = _views(ports, lines)
    if not views or _taken(ports, _mail(ports, views, organisation, now)):
        _strike_off(ports, claimed, lines, organisation.alerts_quiet, now)


def _views(ports: Ports, lines: Sequence[Line]) -> list[tuple[Notice, CaseView]]:
    """Return those of the alerts that still are news, each with its case."""
    found = {id_: ports.cases.get(id_) for id_ in dict.fromkeys(line.case for line in lines)}
    news = [(line, case) for line in lines if (case := found[line.case]) and stands(line, case)]
    invitations = ports.invitations.get_many([case.id for _, case in news])
    customers = ports.customers.get_many([case.customer for _, case in news])
    return [
        (line.notice, CaseView(case, invitations[case.id], customers.get(case.customer)))
        for line, case in news
        if case.id in invitations
    ]


def _mail(ports: Ports, views: Sequence[tuple[Notice, CaseView]], organisation: Organisation, now: datetime) -> Mail:
    if len(views) == 1:
        return ports.messages.notice(*views[0], organisation, now)
    return ports.messages.digest(views, organisation, now)


def _taken(ports: Ports, mail: Mail) -> bool:
    """Hand a mail over; one that the carrier refuses for now stays, and its lease tries it again."""
    try:
        ports.carrier.mail(mail)
    except CarrierRefused as refusal:
        return refusal.permanent
    except CarrierUnclear:
        return False
    return True


def _strike_off(ports: Ports, claimed: Digest, lines: tuple[Line, ...], quiet: timedelta, now: datetime) -> None:
    """Strike off what was told: from the digest as we left it, or as others have added to it since."""

    def once() -> None:
        found = ports.cases.digest(claimed.id)
        if found and set(lines) & set(found.waiting):
            ports.cases.save_digest(sent(found, lines, now, quiet))

    try:
        ports.cases.save_digest(sent(claimed, lines, now, quiet))
    except Conflict:
        amend.persist(once)


def put_off(ports: Ports, id_: str, now: datetime) -> None:
    """Move a digest whose handling failed an hour ahead, and count the fault."""

    def once() -> None:
        digest = ports.cases.digest(id_)
        if digest and digest.due_at:
            ports.cases.save_digest(hold(digest, now))

    amend.persist(once)
