"""Live through past business under a policy, in memory: the real flows decide, and nothing leaves."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from zoneinfo import ZoneInfo

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
from chalicelib.errors import Invalid
from chalicelib.flows import collect, invite, work
from chalicelib.ports import CaseView, Mail, Sms
from infra.replay.plan import Stop

QUIET_AFTER = timedelta(days=60)
"""How far time runs on at the end: every delay, reminder and rung has passed by then."""

AT_ONCE = 1_000  # due things of one instant
MOMENT = timedelta(seconds=30)  # nobody answers sooner


@dataclass
class Rehearsal:
    """What became of it all: the records that the flows left, and what they would have handed to carriers."""

    memory: Memory
    organisation: Organisation
    events: int = 0
    rejected: list[tuple[str, str]] = field(default_factory=list)
    """Events that the system would refuse, each with the reason."""
    answers: Counter[str] = field(default_factory=Counter)
    """Answers given: `recorded`, `closed` when they would have come too late, `invalid`."""
    answers_not_asked_for: int = 0
    """Answers of the past to questions that this policy would not have asked."""

    @property
    def invitations(self) -> list[Invitation]:
        """Every record of a decision."""
        return list(self.memory.invitations.values())

    @property
    def asked(self) -> list[Invitation]:
        """Those that left."""
        return [each for each in self.invitations if each.sent_at]

    def skipped(self) -> Counter[str]:
        """Return how many were left in peace, by reason."""
        return Counter(each.reason for each in self.invitations if each.reason)

    def skipped_by_rule(self) -> Counter[tuple[str, str, str]]:
        """Return the same by program, reason and rule; a rule's details (until when, what) are left out."""
        told = (
            (each.program, each.reason, (each.rule or "").partition(":")[0]) for each in self.invitations if each.reason
        )
        return Counter((program, reason, rule) for program, reason, rule in told)

    def asks_per_person(self) -> Counter[str]:
        """Return how often each person was asked, by keyed name."""
        return Counter(each.customer for each in self.asked)

    def messages(self) -> Counter[str]:
        """Return how many messages would have left to customers: `email`, `sms`, and the same of reminders."""
        found: Counter[str] = Counter()
        for message in self.memory.sent:
            kind = message.tags["kind"]
            if kind in ("invitation", "reminder"):
                channel = "email" if isinstance(message, Mail) else "sms"
                found[channel if kind == "invitation" else f"{channel}_reminders"] += 1
        return found

    def cases_by_week(self) -> Counter[tuple[str, str]]:
        """Return how many cases were opened in each week (its Monday) by each department that got one first."""
        zone = ZoneInfo(self.organisation.zone)
        found: Counter[tuple[str, str]] = Counter()
        for case in self.memory.cases.values():
            day = case.opened_at.astimezone(zone).date()
            found[f"{day - timedelta(days=day.weekday()):%Y-%m-%d}", self._first_lead(case)] += 1
        return found

    def _first_lead(self, case: Case) -> str:
        entries = self.memory.entries.get(case.id, {})
        return entries[min(entries)].department if entries else case.department


def rehearse(
    organisation: Organisation, stops: Sequence[Stop], on_stop: Callable[[Stop], None] = lambda stop: None
) -> Rehearsal:
    """Let everything happen that the stops say, at its own time, and all that follows from it.

    Whoever answered in the past answers here too, if asked: as long after the question as after the event then.
    """
    life = _Life(organisation, stops)
    for stop in stops:
        life.go_to(stop.at)
        life.tell(stop)
        on_stop(stop)
    if stops:
        life.go_to(stops[-1].at + QUIET_AFTER)
    life.rehearsal.answers_not_asked_for = len(life.answers)
    return life.rehearsal


class _Life:
    """One run: the ports, what customers will answer once they are asked, and when."""

    def __init__(self, organisation: Organisation, stops: Sequence[Stop]) -> None:
        memory = Memory()
        self.ports = kept.ports(memory, links=_LINKS, messages=_Silent(), names=KeyedNames(b"rehearsal"))
        self.ports.library.publish(organisation, stops[0].at if stops else datetime.now(UTC))
        self.rehearsal = Rehearsal(memory, organisation)
        told = {(event["source"], event["id"]): stop.at for stop in stops for event in stop.events}
        self.answers = {
            each.event: (each.at - told[each.event], each.form)
            for stop in stops
            for each in stop.answers
            if each.event in told
        }
        self._answering: list[tuple[datetime, str, Mapping[str, str]]] = []
        self._read = 0

    def tell(self, stop: Stop) -> None:
        """Hand over what happens at an instant."""
        for event in stop.events:
            self.rehearsal.events += 1
            try:
                invite.handle(self.ports, event, stop.at)
            except Invalid as error:
                self.rehearsal.rejected.append((str(event.get("id", "")), str(error)))
            self._settle(stop.at)

    def go_to(self, until: datetime) -> None:
        """Let time pass, from one due instant or answer to the next."""
        while True:
            due = self.ports.timers.next_at(until)
            if self._answering and self._answering[0][0] <= min(until, due or until):
                at, id_, form = heappop(self._answering)
                self._answer(id_, form, at)
            elif due is not None:
                self._settle(due)
            else:
                return

    def _settle(self, now: datetime) -> None:
        while keys := list(self.ports.timers.due(now, AT_ONCE)):
            for key in keys:
                work.take(self.ports, key, now)
        self._read_mails(now)

    def _read_mails(self, now: datetime) -> None:
        """Let whoever was just asked, and answered in the past, mean to answer."""
        sent = self.rehearsal.memory.sent
        for message in sent[self._read :]:
            invitation = self.ports.invitations.get(message.tags["invitation"])
            if message.tags["kind"] == "invitation" and invitation and invitation.event_id:
                lag, form = self.answers.pop((invitation.source, invitation.event_id), (None, None))
                if lag is not None and form is not None:
                    heappush(self._answering, (now + max(lag, MOMENT), invitation.id, form))
        self._read = len(sent)

    def _answer(self, id_: str, form: Mapping[str, str], now: datetime) -> None:
        invitation = self.ports.invitations.get(id_)
        survey = self.ports.library.survey(invitation.survey_version or "") if invitation else None
        fields = {"rating", *(question.id for question in survey.questions)} if survey else set()
        given = {name: [value] for name, value in form.items() if name in fields}
        done = collect.submit(self.ports, id_, given, "button", now)
        self.rehearsal.answers[done.outcome] += 1
        self._settle(now)


_LINKS = SignedLinks("https://rehearsal.invalid", {1: b"rehearsal" * 4})


class _Silent:
    """Writes messages that say what they are about and nothing else: nobody reads them."""

    def invitation(
        self, invitation: Invitation, customer: Customer, survey: Survey, organisation: Organisation, *, reminder: bool
    ) -> Mail | Sms:
        kind = "reminder" if reminder else "invitation"
        return _sms(kind, invitation.id) if invitation.channel == "sms" else _mail(kind, invitation.id)

    def notice(self, notice: Notice, view: CaseView, organisation: Organisation, now: datetime) -> Mail:
        return _mail(notice.kind, view.case.id)

    def digest(self, alerts: Sequence[tuple[Notice, CaseView]], organisation: Organisation, now: datetime) -> Mail:
        return _mail("digest", "")

    def heard(self, case: Case, customer: Customer, organisation: Organisation, channel: Channel) -> Mail | Sms:
        return _mail("heard", case.id)

    def mended(self, case: Case, customer: Customer, organisation: Organisation, channel: Channel) -> Mail | Sms:
        return _mail("mended", case.id)

    def incident(self, incident: Incident, organisation: Organisation) -> Mail:
        return _mail("incident", "")

    def paused(self, sent: Sent, organisation: Organisation) -> Mail:
        return _mail("paused", "")

    def sign_in(self, to: str, url: str, organisation: Organisation) -> Mail:
        return _mail("sign_in", "")

    def reply(self, kind: str, to: str, language: str, organisation: Organisation) -> Sms:
        return _sms(kind, "")

    def weekly(self, report: Report, organisation: Organisation) -> Mail:
        return _mail("weekly", "")

    def praise(self, person: str, found: Sequence[Praise], organisation: Organisation) -> Mail:
        return _mail("praise", "")

    def copy(self, customer: Customer, invitations: Sequence[Invitation], organisation: Organisation) -> Mail:
        return _mail("copy", "")


def _mail(kind: str, id_: str) -> Mail:
    return Mail((), kind, "", "", "", "", tags={"kind": kind, "invitation": id_})


def _sms(kind: str, id_: str) -> Sms:
    return Sms("", "", {"kind": kind, "invitation": id_})
