"""Live a year of the example company in less than a minute: made-up business, the real flows, a clock that jumps.

The year is lived in memory, from due instant to due instant, and then moves into the table, whose stream counts it and
writes its day files as it does with everything. Nothing is written past the flows: events are handled, customers answer
through the survey's form, departments move their cases, and the mails of the last weeks are in the mailbox. The same
year comes out every time.
"""

import logging
import random
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.adapters import memory as kept
from chalicelib.adapters.dynamodb import codec
from chalicelib.adapters.dynamodb.codec import Image
from chalicelib.adapters.memory import Memory, MemoryCarrier
from chalicelib.domain.case import Case, Move
from chalicelib.domain.incident import Noted
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.organisation import Organisation, Staff
from chalicelib.domain.policy import invitation_id
from chalicelib.domain.survey import Question, Survey
from chalicelib.domain.terms import CUSTOMER
from chalicelib.domain.weekly import WEEK, next_due
from chalicelib.errors import LazoError
from chalicelib.flows import collect, invite, recover, weekly, work
from chalicelib.ports import Carrier, Mail, Ports, Sms, Word
from infra.local.system import LocalSystem

log = logging.getLogger("lazo.local")

SEED = 11
DAYS = 365
EVENTS = 700
BETTER_AFTER = 210  # days: by then dispatch has learnt to keep its promises
SLIPPING_SHARE = 0.55  # in the last whole month, of which Monday's page has to speak
ANSWER_SHARE = 0.45
REACHED_SHARE = 0.75
PICKED_UP_IN = (1, 1, 2, 3, 5, 20)  # hours
MENDED_IN = (2, 4, 6, 10, 20, 50)
MAILED_DAYS = 14  # of the year's end: what is older is in no mailbox any more
AT_ONCE = 1_000  # due things of one instant
WRITE_BATCH = 25
SOURCE = "/demo"
NAMES = ("Lucía Pérez", "Andrés Gómez", "María Torres", "Jorge Rincón", "Ana Mejía", "Camila Ortiz", "Hugo Cárdenas")
REGIONS = ("Bogotá", "Soacha", "Chía", "Zipaquirá")
STORES = ("north", "south")
PRODUCTS = ("pump", "drill", "paint", "cement", "tools")
GOOD = (
    "Muy amables, volveré.",
    "Llegó el día que dijeron y completo.",
    "El asesor sabía lo que vendía y no me presionó.",
    "Rápido y sin enredos. Gracias.",
    "Me explicaron bien cuál bomba necesitaba.",
    "Todo en orden, como siempre.",
    "El conductor ayudó a bajar los bultos, muy atento.",
    "Buen precio y buena atención.",
    "",
    "",
)
LATE = (
    "Llegó dos días tarde y nadie avisó.",
    "La entrega se demoró y tuve la obra parada.",
    "Prometieron el martes y llegó el viernes. Llamé y no contestan.",
    "El pedido llegó tarde y encima incompleto.",
    "Tardaron una semana; el transportador ni llamó antes de venir.",
    "",
)
BAD = (
    "La factura salió mal dos veces.",
    "Llamé tres veces y no contestan; nadie me devolvió la llamada.",
    "Me cobraron el flete que habían ofrecido gratis.",
    "El taladro salió defectuoso y la garantía es un trámite eterno.",
    "Me atendieron de mala gana, parecía un libreto.",
    "El asesor me presionó para llevar lo que no necesitaba.",
    "Faltaban dos bultos de cemento y me tocó volver.",
    "La retención de la factura no corresponde y nadie la corrige.",
    "Tuve que repetir lo mismo a tres personas.",
    "",
)
KINDS = (
    ("sale.closed", "sales", 6),
    ("ticket.closed", "service", 3),
    ("delivery.completed", "logistics", 4),
    ("invoice.issued", "billing", 1),
    ("warranty.closed", "warranty", 1),
)
DELIVERED_IN = ("sale.closed", "delivery.completed")


@dataclass(frozen=True)
class Deed:
    """Something that somebody does at an instant."""

    kind: str
    facts: dict[str, Any]


class Year:
    """The company's year: a queue of deeds, in the order of time."""

    def __init__(self, ports: Ports, start: datetime, events: int = EVENTS) -> None:
        self.ports, self.start, self.now, self.events = ports, start, start, events
        self.chance = random.Random(SEED)
        self.organisation: Organisation = ports.library.organisation()
        today = (start + timedelta(days=DAYS)).astimezone(ZoneInfo(self.organisation.zone))
        month = today.replace(day=1, hour=0, minute=0)
        self.slips = (month - timedelta(days=1)).replace(day=1), month
        people = [person.id for department in self.organisation.departments for person in department.people]
        self.gifts = {id_: self.chance.uniform(-0.2, 0.1) for id_ in people}
        self._deeds: list[tuple[datetime, int, Deed]] = []
        self._order = count()

    def live(self, until: datetime) -> None:
        """Let everything happen until an instant."""
        for at, deed in self._business():
            self._later(at, deed)
        while self._deeds and self._deeds[0][0] < until:
            at, _, deed = heappop(self._deeds)
            self._pass(at)
            try:
                getattr(self, f"_{deed.kind}")(at, **deed.facts)
            except LazoError as error:
                log.info("the demonstration passed over a %s: %s", deed.kind, error)
        self._pass(until)

    def _pass(self, until: datetime) -> None:
        """Handle all that falls due on the way, each at its own instant."""
        while (at := self.ports.timers.next_at(until)) is not None:
            self.now = max(self.now, at)
            for key in list(self.ports.timers.due(self.now, AT_ONCE)):
                work.take(self.ports, key, self.now)
        self.now = until

    def _later(self, at: datetime, deed: Deed) -> None:
        heappush(self._deeds, (at, next(self._order), deed))

    def _business(self) -> Iterator[tuple[datetime, Deed]]:
        kinds = [kind for kind in KINDS for _ in range(kind[2])]
        for number in range(self.events):
            day, hour, minute = (self.chance.randrange(end) for end in (DAYS - 1, 9, 60))
            type_, department, _ = self.chance.choice(kinds)
            facts = {"number": number, "type_": type_, "department": department}
            yield self.start + timedelta(days=day, hours=13 + hour, minutes=minute), Deed("close", facts)

    def _late_share(self, at: datetime) -> float:
        if self.slips[0] <= at < self.slips[1]:
            return SLIPPING_SHARE
        return 0.1 if (at - self.start).days > BETTER_AFTER else 0.45

    def _close(self, at: datetime, number: int, type_: str, department: str) -> None:
        event = {"specversion": "1.0", "id": f"E-{number}", "source": SOURCE, "type": type_, "time": at.isoformat()}
        invite.handle(self.ports, {**event, "data": self._data(at, number, type_, department)}, at)
        if self.chance.random() < ANSWER_SHARE:
            self._later(at + timedelta(hours=self.chance.randrange(20, 90)), Deed("answer", {"number": number}))

    def _data(self, at: datetime, number: int, type_: str, department: str) -> dict[str, Any]:
        name, mail = self.chance.choice(NAMES), f"cliente{number}@example.com"
        person = self.chance.choice(self._people(department))
        return {
            "customer": {"id": f"c-{number}", "name": name, "email": mail, "language": "es"},
            "reference": f"ORD-{10_000 + number}",
            "department": department,
            "people": [{"id": person.id, "name": person.name, "department": department, "role": person.role}],
            "attributes": {
                "region": self.chance.choice(REGIONS),
                "store": self.chance.choice(STORES),
                "product": self.chance.choice(PRODUCTS),
            },
            "promises": list(self._promises(at)) if type_ in DELIVERED_IN else [],
        }

    def _people(self, department: str) -> Sequence[Staff]:
        return next(each for each in self.organisation.departments if each.id == department).people

    def _promises(self, at: datetime) -> Iterator[dict[str, Any]]:
        late = self.chance.random() < self._late_share(at)
        promised = at - timedelta(hours=self.chance.randrange(22, 60))
        fulfilled = promised + timedelta(hours=20 if late else -1)
        times = {"promised": promised.isoformat(), "fulfilled": fulfilled.isoformat()}
        yield {"kind": "delivery", "department": "logistics", **times}
        ordered, missing = self.chance.randrange(1, 30), self.chance.random() < 0.06
        numbers = {"promised": ordered, "fulfilled": ordered - int(missing), "better": "higher"}
        yield {"kind": "quantity", "department": "logistics", **numbers}

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
        gift = sum(self.gifts.get(person.id, 0.0) for person in invitation.people)
        happy = self.chance.random() < (0.35 if broken else 0.88) + gift
        form = self._form(survey, happy, broken)
        done = collect.submit(self.ports, invitation.id, form, "button", at)
        if done.page.invitation.has_case:
            self._later(at + timedelta(hours=self.chance.choice(PICKED_UP_IN)), Deed("pick_up", {"id_": invitation.id}))

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
            "value": "yes" if self.chance.random() < (0.95 if happy else 0.4) else "no",
            "drivers": choice.id if choice else "",
            "text": self.chance.choice(GOOD if happy else LATE if broken else BAD),
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
            self._later(at + timedelta(hours=self.chance.choice(MENDED_IN)), Deed("mend", {"id_": id_}))

    def _mend(self, at: datetime, id_: str) -> None:
        cause = self.chance.choice(self.organisation.causes).id if self.organisation.causes else "other"
        reached = self.chance.random() < REACHED_SHARE
        said = ("yes", "Quedó conforme.") if reached else ("no", "No contestó; se le dejó un mensaje.")
        self._moved(at, id_, Move(verb="contact", by="demo", how="phone", reached=said[0], outcome=said[1]))
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


@dataclass(frozen=True)
class Post:
    """Keeps each message in the system's own mailbox, as of the year's time, once it is recent enough to be there."""

    year: Year
    system: LocalSystem
    recent: Carrier
    old: Carrier
    since: datetime

    def mail(self, mail: Mail) -> str:
        return self._at_hand().mail(mail)

    def text(self, sms: Sms) -> str:
        return self._at_hand().text(sms)

    def begin(self, message: Mail | Sms) -> Word:
        return self._at_hand().begin(message)

    def _at_hand(self) -> Carrier:
        if self.year.now < self.since:
            return self.old
        self.system.clock.move_to(self.year.now)
        return self.recent


def demonstrate(system: LocalSystem, ports: Ports, events: int = EVENTS) -> None:
    """Live the year that ends now, and move in."""
    with system.dispatcher.held(), system.gate.closed():
        offset, end = system.clock.offset, system.clock.now()
        memory = Memory()
        lived = kept.ports(memory, links=ports.links, messages=ports.messages, names=ports.names)
        lived.library.publish(ports.library.organisation(), end)
        year = Year(lived, end - timedelta(days=DAYS), events)
        post = Post(year, system, ports.carrier, MemoryCarrier(memory), end - timedelta(days=MAILED_DAYS))
        year.ports = replace(lived, carrier=post)
        year.live(end)
        system.clock.offset = offset
        system.dispatcher.timetable.restart()
        _move_in(system, memory)
        system.dispatcher.run_until_quiet()
        _tell_the_week(system, ports, end)


def _tell_the_week(system: LocalSystem, ports: Ports, end: datetime) -> None:
    """Send the last weekly mails as of their own Monday: whoever starts this at night finds them in the mailbox too."""
    organisation, offset = ports.library.organisation(), system.clock.offset
    before, at = max((now, at) for now in (end - WEEK, end - 2 * WEEK) if (at := next_due(now, organisation)) <= end)
    weekly.arm(ports, before)
    system.clock.move_to(at)
    while due := list(ports.timers.due(at, AT_ONCE)):
        for key in due:
            work.take(ports, key, at)
    system.clock.offset = offset


def _move_in(system: LocalSystem, memory: Memory) -> None:
    table = system.resources.names["Table"]
    images = list(_images(memory))
    for start in range(0, len(images), WRITE_BATCH):
        requests = [{"PutRequest": {"Item": _as_json(image)}} for image in images[start : start + WRITE_BATCH]]
        system.aws.call("DynamoDB_20120810.BatchWriteItem", {"RequestItems": {table: requests}})


def _images(memory: Memory) -> Iterator[Image]:
    yield from map(codec.encode_customer, memory.customers.values())
    yield from map(codec.encode_address, memory.addresses.values())
    yield from map(codec.encode_invitation, memory.invitations.values())
    yield from map(codec.encode_case, memory.cases.values())
    yield from map(codec.encode_incident, memory.incidents.values())
    for name, notes in memory.notes.items():
        yield from (codec.encode_note(name, Noted(at=at, id=id_)) for at, id_ in notes)
    for id_, entries in memory.entries.items():
        yield from (codec.encode_entry(id_, entry) for entry in entries.values())


def _as_json(image: Image) -> dict[str, Any]:
    """Return an item as JSON takes it: bytes in base64."""
    packed = {name: {"B": b64encode(value["B"]).decode()} for name, value in image.items() if "B" in value}
    return {**image, **packed}
