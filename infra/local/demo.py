"""Live a year of the example company in a minute: made-up business, the real flows, the movable clock.

Nothing is written past the flows: sales and tickets are accepted as events, customers answer through the survey's form,
departments move their cases. The same year comes out every time.
"""

import logging
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import Any

from chalicelib.domain.case import Case, Move
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.policy import invitation_id
from chalicelib.domain.survey import Question, Survey
from chalicelib.domain.terms import CUSTOMER
from chalicelib.errors import LazoError
from chalicelib.flows import collect, recover
from chalicelib.ports import Ports
from infra.local.system import LocalSystem

log = logging.getLogger("lazo.local")

SEED = 11
DAYS = 365
EVENTS = 420
BETTER_AFTER = 210  # days: by then dispatch has learnt to keep its promises
ANSWER_SHARE = 0.45
SOURCE = "/demo"
NAMES = ("Lucía Pérez", "Andrés Gómez", "María Torres", "Jorge Rincón", "Ana Mejía", "Camila Ortiz", "Hugo Cárdenas")
REGIONS = ("Bogotá", "Soacha", "Chía", "Zipaquirá")
PRODUCTS = ("pump", "drill", "paint", "cement", "tools")
GOOD = ("Muy amables, volveré.", "Llegó antes de lo prometido.", "Sabían lo que vendían.", "")
BAD = ("Llegó tarde y nadie llamó.", "La factura salió mal dos veces.", "Llamé tres veces y no contestan.", "")
KINDS = (("sale.closed", "sales", 6), ("ticket.closed", "service", 3), ("delivery.completed", "logistics", 3))


@dataclass(frozen=True)
class Deed:
    """Something that somebody does at an instant."""

    kind: str
    facts: dict[str, Any]


class Year:
    """The company's year: a queue of deeds, in the order of time."""

    def __init__(self, system: LocalSystem, ports: Ports, start: datetime) -> None:
        self.system, self.ports, self.start = system, ports, start
        self.chance = random.Random(SEED)
        self.organisation: Organisation = ports.library.organisation()
        self._deeds: list[tuple[datetime, int, Deed]] = []
        self._order = count()

    def live(self, until: datetime) -> None:
        """Let everything happen until an instant."""
        for at, deed in self._business():
            self._later(at, deed)
        while self._deeds and self._deeds[0][0] < until:
            at, _, deed = heappop(self._deeds)
            self.system.journey.move_to(max(at, self.system.clock.now()))
            try:
                getattr(self, f"_{deed.kind}")(at, **deed.facts)
            except LazoError as error:
                log.info("the demonstration passed over a %s: %s", deed.kind, error)
        self.system.journey.move_to(max(until, self.system.clock.now()))

    def _later(self, at: datetime, deed: Deed) -> None:
        heappush(self._deeds, (at, next(self._order), deed))

    def _business(self) -> Iterator[tuple[datetime, Deed]]:
        kinds = [kind for kind in KINDS for _ in range(kind[2])]
        for number in range(EVENTS):
            day = self.chance.randrange(DAYS - 1)
            at = self.start + timedelta(
                days=day, hours=self.chance.randrange(13, 22), minutes=self.chance.randrange(60)
            )
            type_, department, _ = self.chance.choice(kinds)
            facts = {"number": number, "type_": type_, "department": department}
            yield at, Deed("close", facts)

    def _late_share(self, at: datetime) -> float:
        return 0.1 if (at - self.start).days > BETTER_AFTER else 0.45

    def _close(self, at: datetime, number: int, type_: str, department: str) -> None:
        late = self.chance.random() < self._late_share(at)
        promised = at - timedelta(hours=self.chance.randrange(2, 60))
        fulfilled = promised + timedelta(hours=20 if late else -1)
        people = next(each for each in self.organisation.departments if each.id == department).people
        person = self.chance.choice(people) if people else None
        name = self.chance.choice(NAMES)
        data: dict[str, Any] = {
            "customer": {"id": f"c-{number}", "name": name, "email": f"cliente{number}@example.com", "language": "es"},
            "reference": f"ORD-{10_000 + number}",
            "department": department,
            "people": [{"id": person.id, "name": person.name, "department": department, "role": person.role}]
            if person
            else [],
            "attributes": {"region": self.chance.choice(REGIONS), "product": self.chance.choice(PRODUCTS)},
            "promises": [
                {
                    "kind": "delivery",
                    "department": "logistics",
                    "promised": promised.isoformat(),
                    "fulfilled": min(fulfilled, at).isoformat(),
                }
            ],
        }
        event = {"specversion": "1.0", "id": f"E-{number}", "source": SOURCE, "type": type_, "time": at.isoformat()}
        self.ports.inbox.accept([{**event, "data": data}])
        if self.chance.random() < ANSWER_SHARE:
            self._later(at + timedelta(hours=self.chance.randrange(20, 90)), Deed("answer", {"number": number}))

    def _answer(self, at: datetime, number: int) -> None:
        for program in self.organisation.programs:
            id_ = invitation_id(SOURCE, f"E-{number}", program.id, CUSTOMER)
            found = self.ports.invitations.get(id_)
            if found and found.is_open(at) and found.confirmed is None:
                self._fill_in(found, at)

    def _fill_in(self, invitation: Invitation, at: datetime) -> None:
        survey = self.ports.library.survey(invitation.survey_version or "")
        if survey is None:
            return
        broken = any(promise.kept(at) is False for promise in invitation.promises)
        happy = self.chance.random() < (0.35 if broken else 0.88)
        form = self._form(survey, happy, broken)
        done = collect.submit(self.ports, invitation.id, form, "button", at)
        if done.page.invitation.has_case:
            self._later(at + timedelta(hours=self.chance.randrange(1, 30)), Deed("pick_up", {"id_": invitation.id}))

    def _form(self, survey: Survey, happy: bool, broken: bool) -> dict[str, list[str]]:
        scale = list(survey.scale)
        rating = self.chance.choice(scale[-2:] if happy else scale[: max(2, len(scale) // 2)])
        form = {"rating": [str(rating)]}
        for question in survey.questions:
            if survey.asks(question, rating) and self.chance.random() > 0.15:
                form |= self._said(question, happy, broken)
        return form

    def _said(self, question: Question, happy: bool, broken: bool) -> dict[str, list[str]]:
        level = (5 if happy else 2) + self.chance.choice((-1, 0, 0, 1))
        choices = question.options[:1] if broken else question.options
        choice = self.chance.choice(choices) if choices else None
        said = {
            "touchpoint": str(min(5, max(1, level))),
            "promise": "no" if broken else "yes",
            "value": "yes" if happy else "no",
            "drivers": choice.id if choice else "",
            "text": self.chance.choice(GOOD if happy else BAD),
        }
        return {question.id: [said[question.kind]]} if question.kind in said else {}

    def _pick_up(self, at: datetime, id_: str) -> None:
        case = self._moved(at, id_, Move(verb="acknowledge", by="demo"))
        if self.chance.random() < 0.15:
            others = [each.id for each in self.organisation.departments if each.id != case.department]
            wanted = Move(
                verb="reassign", by="demo", department=self.chance.choice(others), reason="No es de nosotros."
            )
            self._moved(at, id_, wanted)
            self._later(at + timedelta(hours=self.chance.randrange(2, 20)), Deed("pick_up", {"id_": id_}))
        elif self.chance.random() < 0.92:
            self._later(at + timedelta(hours=self.chance.randrange(2, 60)), Deed("mend", {"id_": id_}))

    def _mend(self, at: datetime, id_: str) -> None:
        cause = self.chance.choice(self.organisation.causes).id if self.organisation.causes else "other"
        wanted = Move(verb="resolve", by="demo", root_cause=cause, action="Se llamó al cliente y se corrigió.")
        self._moved(at, id_, wanted)
        if self.chance.random() < 0.5:
            self._later(at + timedelta(hours=self.chance.randrange(1, 40)), Deed("judge", {"id_": id_}))

    def _judge(self, at: datetime, id_: str) -> None:
        mended = self.chance.random() < 0.85
        collect.say_mended(self.ports, id_, "yes" if mended else "no", "button", at)
        if not mended:
            self._later(at + timedelta(hours=3), Deed("pick_up", {"id_": id_}))

    def _moved(self, at: datetime, id_: str, wanted: Move) -> Case:
        case = self.ports.cases.get(id_)
        if case is None:
            raise LazoError(f"no case {id_}")
        return recover.take(self.ports, case, wanted, at).case


def demonstrate(system: LocalSystem, ports: Ports) -> None:
    """Live the year that ends now."""
    end = system.clock.now()
    start = end - timedelta(days=DAYS)
    system.journey.move_to(start)
    Year(system, ports, start).live(end)
