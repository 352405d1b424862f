"""Write messages as bare as can be: their links, and tags that say what each is about."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.adapters import praises, weekly
from chalicelib.domain.case import Case, Notice
from chalicelib.domain.customer import Customer
from chalicelib.domain.digest import Line, mailbox
from chalicelib.domain.incident import Incident
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.reading import Report
from chalicelib.domain.recognition import Praise
from chalicelib.domain.sending import Sent
from chalicelib.domain.survey import Survey
from chalicelib.domain.terms import Channel
from chalicelib.ports import CaseView, Links, Mail, Purpose, Sms, Ticket
from tests.simulation.ledger import ALERT_TAGS, key_of


@dataclass
class PlainWriter:
    """Writes messages, and remembers each token that it gave away."""

    links: Links
    tokens: set[str] = field(default_factory=set)

    def _token(self, purpose: Purpose, id_: str) -> str:
        token = self.links.url(purpose, Ticket(id_)).rpartition("/")[2]
        self.tokens.add(token)
        return token

    def _to(self, customer: Customer, channel: Channel | None, text: str, tags: dict[str, str]) -> Mail | Sms:
        to = customer.address(channel or "email")
        if not to:
            raise LookupError(f"no {channel} address to write to")
        if channel == "sms":
            return Sms(to, text, tags)
        return Mail((to,), "?", text, "", "Torno", "hola@torno.example", tags=tags)

    def invitation(
        self, invitation: Invitation, customer: Customer, survey: Survey, organisation: Organisation, *, reminder: bool
    ) -> Mail | Sms:
        text = " ".join(self._token(purpose, invitation.id) for purpose in ("answer", "stop", "privacy"))
        kind = "reminder" if reminder else "instead" if invitation.instead else "invitation"
        tags = {"kind": kind, "invitation": invitation.id}
        return self._to(customer, invitation.channel, text, tags)

    def notice(self, notice: Notice, view: CaseView, organisation: Organisation, now: datetime) -> Mail:
        department = organisation.department(notice.department)
        to = department.alert_to if department else organisation.leadership
        reaches = notice.reaches or notice.rung
        if reaches == "head" and department and department.head.email:
            to = (department.head.email,)
        if reaches == "leadership":
            to = organisation.leadership
        tags = {"kind": notice.kind, "case": view.case.id, **dict(zip(ALERT_TAGS, key_of(notice), strict=True))}
        return Mail(to, "?", self._token("case", view.case.id), "", "Torno", "hola@torno.example", tags=tags)

    def mended(self, case: Case, customer: Customer, organisation: Organisation, channel: Channel) -> Mail | Sms:
        tags = {"kind": "mended", "case": case.id, "act": str(case.version)}
        return self._to(customer, channel, self._token("mended", case.id), tags)

    def digest(self, alerts: Sequence[tuple[Notice, CaseView]], organisation: Organisation, now: datetime) -> Mail:
        single = [self.notice(notice, view, organisation, now) for notice, view in alerts]
        lines = [Line(case=view.case.id, notice=notice).model_dump_json() for notice, view in alerts]
        tags = {"kind": "digest", "digest": mailbox(alerts[0][0]), "lines": "\n".join(lines)}
        return Mail(single[0].to, "?", "", "", "Torno", "hola@torno.example", tags=tags)

    def heard(self, case: Case, customer: Customer, organisation: Organisation, channel: Channel) -> Mail | Sms:
        return self._to(customer, channel, "", {"kind": "heard", "case": case.id})

    def sign_in(self, to: str, url: str, organisation: Organisation) -> Mail:
        return Mail((to,), "?", url, "", "Torno", "hola@torno.example", tags={"kind": "sign_in"})

    def paused(self, sent: Sent, organisation: Organisation) -> Mail:
        to = organisation.admins or organisation.leadership
        return Mail(
            to, "?", f"{sent.bounced} of {sent.mails}", "", "Torno", "hola@torno.example", tags={"kind": "paused"}
        )

    def incident(self, incident: Incident, organisation: Organisation) -> Mail:
        tags = {"kind": "incident", "driver": incident.id}
        return Mail(organisation.leadership, "?", "", "", "Torno", "hola@torno.example", tags=tags)

    def reply(self, kind: str, to: str, language: str, organisation: Organisation) -> Sms:
        return Sms(to, kind, {"kind": "reply"})

    def weekly(self, report: Report, organisation: Organisation) -> Mail:
        tags = {"kind": "weekly", "weekly": f"{report.department or ''} {report.week}"}
        return Mail(weekly.recipients(report, organisation), "?", "", "", "Torno", "hola@torno.example", tags=tags)

    def praise(self, person: str, found: Sequence[Praise], organisation: Organisation) -> Mail:
        tags = {"kind": "praise", "praise": person, "told": "\n".join(each.id for each in found)}
        return Mail(praises.recipients(person, organisation), "?", "", "", "Torno", "hola@torno.example", tags=tags)

    def copy(self, customer: Customer, invitations: Sequence[Invitation], organisation: Organisation) -> Mail:
        tags = {"kind": "copy"}
        return Mail((customer.email or "",), "?", "", "", "Torno", "hola@torno.example", tags=tags)
