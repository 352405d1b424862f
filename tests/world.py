"""A whole Lazo in memory: the flows' ports, plain messages, and the pumps that AWS would be."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from chalicelib.adapters import memory as kept
from chalicelib.adapters.links import SignedLinks
from chalicelib.adapters.memory import Memory
from chalicelib.adapters.names import KeyedNames
from chalicelib.domain.case import Case, Notice
from chalicelib.domain.customer import Customer
from chalicelib.domain.incident import Incident
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.reading import Report
from chalicelib.domain.recognition import Praise
from chalicelib.domain.sending import Sent
from chalicelib.domain.survey import Survey
from chalicelib.domain.terms import Channel
from chalicelib.flows import collect, invite, work
from chalicelib.ports import CaseView, Links, Mail, Ports, Sms, Ticket
from tests.domain.cast import FRIDAY_1630, organisation

ROUNDS_MAX = 1_000
URL = "https://lazo.example"


@dataclass(frozen=True)
class PlainMessages:
    """Messages that say what kind they are and carry their links, no more."""

    links: Links

    def invitation(
        self, invitation: Invitation, customer: Customer, survey: Survey, organisation: Organisation, *, reminder: bool
    ) -> Mail | Sms:
        kind = "reminder" if reminder else "instead" if invitation.instead else "invitation"
        text = self.links.url("answer", Ticket(invitation.id))
        if invitation.channel == "sms":
            return Sms(customer.phone or "", text, {"invitation": invitation.id, "kind": kind})
        return _mail((customer.email or "",), kind, text, invitation.id)

    def notice(self, notice: Notice, view: CaseView, organisation: Organisation, now: datetime) -> Mail:
        found = organisation.department(notice.department)
        kind = f"{notice.kind}:{notice.promise}:{notice.rung}" if notice.promise else notice.kind
        return _mail(found.alert_to if found else organisation.leadership, kind, view.case.id, view.case.id)

    def digest(self, alerts: Sequence[tuple[Notice, CaseView]], organisation: Organisation, now: datetime) -> Mail:
        found = organisation.department(alerts[0][0].department)
        told = " ".join(f"{notice.kind}:{view.case.id}" for notice, view in alerts)
        return _mail(found.alert_to if found else organisation.leadership, "digest", told, "")

    def mended(self, case: Case, customer: Customer, organisation: Organisation, channel: Channel) -> Mail | Sms:
        text = self.links.url("mended", Ticket(case.id))
        return _mail((customer.email or "",), "mended", text, case.id)

    def heard(self, case: Case, customer: Customer, organisation: Organisation, channel: Channel) -> Mail | Sms:
        return _mail((customer.email or "",), "heard", case.id, case.id)

    def reply(self, kind: str, to: str, language: str, organisation: Organisation) -> Sms:
        return Sms(to, kind, {"kind": kind})

    def sign_in(self, to: str, url: str, organisation: Organisation) -> Mail:
        return _mail((to,), "sign_in", url, "")

    def paused(self, sent: Sent, organisation: Organisation) -> Mail:
        return _mail(organisation.admins or organisation.leadership, "paused", f"{sent.bounced} of {sent.mails}", "")

    def weekly(self, report: Report, organisation: Organisation) -> Mail:
        found = organisation.department(report.department)
        told = "; ".join(f"{name} {each.last.value}" for name, each in report.standings.items())
        return _mail((found.head.email or "",) if found else organisation.leadership, "weekly", told, "")

    def praise(self, person: str, found: Sequence[Praise], organisation: Organisation) -> Mail:
        to = next(one.email for one in organisation.staff if one.id == person)
        return _mail((to or "",), "praise", "; ".join(each.words for each in found), "")

    def incident(self, incident: Incident, organisation: Organisation) -> Mail:
        return _mail(organisation.leadership, "incident", f"{incident.id} since {incident.since}", "")

    def copy(self, customer: Customer, invitations: Sequence[Invitation], organisation: Organisation) -> Mail:
        return _mail((customer.email or "",), "copy", customer.model_dump_json(), "")


def _mail(to: tuple[str, ...], kind: str, text: str, id_: str) -> Mail:
    return Mail(to, kind, text, "", "El Tornillo", "hola@tornillo.example", tags={"kind": kind, "invitation": id_})


def _apart(kept: Any) -> Any:
    """Return what holds the same, in containers of its own."""
    if isinstance(kept, dict):
        return {key: _apart(value) for key, value in kept.items()}
    return type(kept)(map(_apart, kept)) if isinstance(kept, list | set | deque) else kept


@dataclass
class World:
    """One company's Lazo at one moment; `settle` does what queues and timers would."""

    now: datetime = FRIDAY_1630
    memory: Memory = field(default_factory=Memory)

    def __post_init__(self) -> None:
        links = SignedLinks(URL, {1: b"k" * 32})
        names = KeyedNames(b"pepper")
        self.ports: Ports = kept.ports(self.memory, links=links, messages=PlainMessages(links), names=names)
        self.publish(organisation())

    def twin(self) -> "World":
        """Return a world of its own that has lived the same; what is frozen is shared, what can change is not."""
        made = World(self.now)
        vars(made.memory).update({name: _apart(value) for name, value in vars(self.memory).items()})
        return made

    def publish(self, company: Organisation) -> None:
        """Publish an organisation now."""
        self.ports.library.publish(company, self.now)

    def tell(self, *raws: object) -> None:
        """Hand events over and handle all that follows from them."""
        for raw in raws:
            invite.handle(self.ports, raw, self.now)
        self.settle()

    def settle(self) -> None:
        """Do everything that is due at this moment."""
        for _ in range(ROUNDS_MAX):
            views, self.memory.views[:] = list(self.memory.views), []
            for view in views:
                collect.see(self.ports, [view])
            found = list(self.ports.timers.due(self.now, 1_000))
            if not found and not views:
                self.memory.nudged.clear()
                return
            for due in self.memory.messages(found):
                work.take(self.ports, due, self.now)
        raise AssertionError("it never comes to rest")

    def wait(self, span: timedelta) -> None:
        """Let time pass, from one due instant to the next."""
        until = self.now + span
        while (at := self.ports.timers.next_at(until)) is not None:
            self.now = max(self.now, at)
            self.settle()
        self.now = until

    def answer(self, id_: str, rating: int, *, press: collect.Press = "button", **fields: str) -> collect.Submitted:
        """Give an answer through an invitation's page."""
        form = {"rating": [str(rating)], **{name: [value] for name, value in fields.items()}}
        done = collect.submit(self.ports, id_, form, press, self.now)
        self.settle()
        return done

    @property
    def sent(self) -> list[str]:
        """What kinds of message left, in order."""
        return [str(message.tags["kind"]) for message in self.memory.sent]

    @property
    def invitation(self) -> Invitation:
        """The only invitation or reason that there is."""
        (only,) = self.memory.invitations.values()
        return only

    @property
    def case(self) -> Case:
        """The only case that there is."""
        (only,) = self.memory.cases.values()
        return only
