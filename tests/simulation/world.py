"""Let the world live: CRMs send, customers answer, scanners open links, departments move cases, carriers report."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

from chalicelib.domain.case import Case, Move
from chalicelib.domain.event import EventRef
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.policy import invitation_id
from chalicelib.domain.receipt import Receipt
from chalicelib.errors import LazoError
from chalicelib.flows import collect, invite, project, protect, recover, refit, weekly
from chalicelib.ports import Principal, Purpose
from tests.simulation import company
from tests.simulation.chance import Chance
from tests.simulation.engine import START, Engine, Outcome
from tests.simulation.faults import Context
from tests.simulation.invariants import Judge
from tests.simulation.ledger import CaseWrite, Handed, InvitationWrite, Said, lines_of
from tests.simulation.people import DAY, HOUR, Dispatch, Person, month, people

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
STAFF = Principal(id="bruno", role="admin", name="Bruno")
HIDDEN = 99
"""The rating of the link that no person sees."""

STAFF_STEPS_MAX = 8
REFIT_TRIES = 20
COUNT_TRIES = 20
COLLEAGUE = 100
"""Added to the step of somebody who makes a move of their own at the same time."""
PRESSES: tuple[collect.Press, ...] = ("button", "button", "button", "automatic", "unvouched")
EVENTS_EACH = (4, 4, 10, 25)
ALL_RATINGS = {"nps": range(0, 11), "csat": range(1, 6), "ces": range(1, 8)}


class World:
    """Everybody outside, each acting by a chance of their own."""

    def __init__(self, engine: Engine, judge: Judge, *, days: int, events: int) -> None:
        self.engine, self.judge, self.ledger = engine, judge, engine.ledger
        self.days = days
        self.over = START + days * DAY
        chance = engine.chances.of("world")
        # Few customers with many events each meet their own rests, caps and episodes all the time.
        self.crowd = people(chance, max(8, events // engine.chances.of("crowd").choice(EVENTS_EACH)))
        for person in self.crowd:
            person.key = engine.names.customer(person.id)
        judge.people = {person.key: person for person in self.crowd}
        self.staffed: set[str] = set()
        self._decisions: dict[tuple[str, str], dict[str, tuple[str, str]]] = {}
        """Program and label → the ids of their decisions, as far as events are known, and what each is about."""
        engine.hooks.wrote = self._wrote
        engine.hooks.handed = self._handed
        engine.hooks.handled = self._handled
        self._publish(0)
        for step, after in enumerate(company.CHANGES_AT, start=1):
            engine.plan(START + after, f"file changes, step {step}", lambda step=step: self._publish(step))  # type: ignore[misc]
        for dispatch in month(chance, self.crowd, start=START, days=days, count=events):
            self._plan_dispatch(dispatch)
        self._plan_moves(chance)
        self._plan_weather(chance)

    # What was planned beforehand

    def _publish(self, step: int) -> None:
        organisation = company.organisation(step)
        self.engine.bare.library.publish(organisation, self.engine.now)
        self.ledger.organisations.append((self.engine.now, organisation))
        self.engine.tell(f"the organisation's file changes, step {step}")
        self._refit(step, tries=REFIT_TRIES)
        if organisation.trends != company.organisation(max(0, step - 1)).trends:
            self._count_anew(tries=COUNT_TRIES)

    def _refit(self, step: int, tries: int) -> None:
        """Let open cases follow the file; an operator whose command fails calls it again."""
        name = f"open cases follow the file, step {step}, {tries} tries left"
        outcome = self.engine.run("publish", name, lambda now: self._follow(now))
        if not outcome.is_done and tries:
            self.engine.plan(self.engine.now + MINUTE, f"~{name}", lambda: self._refit(step, tries - 1))

    def _follow(self, now: datetime) -> int:
        return weekly.arm(self.engine.ports, now) + sum(refit.refit(self.engine.ports, now))

    def _count_anew(self, tries: int) -> None:
        """Let what is older be counted anew; an operator whose command fails, or left some behind, calls it again."""
        name = f"everything is counted anew, {tries} tries left"
        outcome = self.engine.run("publish", name, lambda now: project.rebuild(self.engine.ports, self._items()))
        if outcome.value != 0 and tries:
            self.engine.plan(self.engine.now + MINUTE, f"~{name}", lambda: self._count_anew(tries - 1))

    def _items(self) -> list[Invitation | Case]:
        memory = self.engine.memory
        return [*memory.invitations.values(), *memory.cases.values()]

    def _plan_dispatch(self, dispatch: Dispatch) -> None:
        subjects = self._subjects(dispatch.raw)
        for number, at in enumerate((dispatch.at, *dispatch.copies)):
            name = dispatch.name if number == 0 else f"{dispatch.name}, copy {number}"
            self.engine.plan(at, name, lambda: self._send(dispatch, tries=3), *subjects)

    def _subjects(self, raw: dict[str, Any]) -> tuple[str, ...]:
        id_ = raw.get("data", {}).get("customer", {}).get("id")
        return (self.engine.names.customer(id_),) if id_ else ()

    def _send(self, dispatch: Dispatch, tries: int) -> None:
        raw = dispatch.raw
        ref = (raw.get("source", ""), raw.get("id", ""))
        self.ledger.posted.setdefault(ref, raw)
        if dispatch.by_bus:
            self.engine.send("intake", raw, dispatch.name, *self._subjects(raw))
            self._accepted(ref, raw)
            return
        outcome = self.engine.run(
            "POST /events",
            f"the CRM posts {dispatch.name}",
            lambda now: invite.accept(self.engine.ports, [raw], sizes=[500], bytes_max=65_536, now=now),
            *self._subjects(raw),
        )
        if outcome.is_done and outcome.value.accepted:
            self._accepted(ref, raw)
        elif not outcome.is_done and tries > 1:
            again = self.engine.now + 5 * MINUTE
            self.engine.plan(again, f"~{dispatch.name} again", lambda: self._send(dispatch, tries - 1))

    def _accepted(self, ref: tuple[str, str], raw: dict[str, Any]) -> None:
        if ref[1].startswith("E"):
            self.ledger.accepted.setdefault(ref, raw)

    def _plan_moves(self, chance: Chance) -> None:
        for person in self.crowd:
            if person.email and chance.random() < 0.12:
                at = START + DAY * chance.uniform(2, 25)
                self.engine.plan(at, f"{person.name} changes address", lambda person=person: self._change(person))  # type: ignore[misc]

    def _change(self, person: Person) -> None:
        # The next event of a CRM that knows of it says so; what was planned before is drawn again with it.
        if person.email:
            person.former.append(person.email)
            person.email = f"new-{person.id}@example.com"
            self._tell_new_address(person)

    def _tell_new_address(self, person: Person) -> None:
        raw = {
            "specversion": "1.0",
            "id": f"E-moved-{person.id}",
            "source": "/crm",
            "type": "ticket.closed",
            "time": self.engine.now.isoformat(),
            "data": {"customer": person.contact(), "reference": f"MOVED-{person.id}", "attributes": {"vip": "no"}},
        }
        self._send(Dispatch(self.engine.now, f"event E-moved-{person.id}", raw, by_bus=False), tries=3)

    def _plan_weather(self, chance: Chance) -> None:
        profile, engine = self.engine.profile, self.engine
        for _ in range(profile.outages):
            begin = START + DAY * chance.uniform(0, self.days)
            engine.outages.append((begin, begin + HOUR * chance.uniform(0.2, 5)))
        if profile.lag:
            for _ in range(8):
                begin = START + DAY * chance.uniform(0, self.days)
                engine.lags.append((begin, begin + HOUR * chance.uniform(1, 12), MINUTE * chance.uniform(0.1, 10)))

    # What follows from what the product does

    def _wrote(self, write: InvitationWrite | CaseWrite, context: Context) -> None:
        if isinstance(write, InvitationWrite) and write.before is None:
            after = write.after
            self.engine.labels[after.id] = f"{after.event_id}/{after.program}" + (
                "" if after.label == "customer" else f"/{after.label}"
            )
            self.ledger.event_of[after.id] = self._event_of(after)
            program = self.ledger.organisations[-1][1].program(after.program)
            if after.send_at and program:
                self.ledger.planned[after.id] = (after.send_at, program.rest_days)
        self.judge.wrote(write, context)

    def _event_of(self, decided: Invitation) -> tuple[str, str]:
        """Return the event of a decision: a late one about somebody forgotten does not say so itself."""
        if decided.event_id:
            return decided.source, decided.event_id
        posted = self._posted_as(decided.program, decided.label)
        return posted[decided.id]

    def _posted_as(self, program: str, label: str) -> dict[str, tuple[str, str]]:
        """Return every event by the id of a decision about it."""
        known = self._decisions.setdefault((program, label), {})
        for event in islice(self.ledger.posted, len(known), None):
            known[invitation_id(*event, program, label)] = event
        return known

    def _handled(self, queue: str, body: Any, outcome: Outcome) -> None:
        """Note what is certain once a message was handled."""
        if not outcome.is_done:
            return
        tick = self.engine.tick
        if queue == "views":
            self.ledger.opened.setdefault(body.id, set()).add(body.rating)
        if queue == "receipts" and body.kind in ("bounce", "complaint"):
            for address in body.addresses:
                self.ledger.suppressed.setdefault(address, tick)
        if queue == "intake" and isinstance(body, dict) and isinstance(body.get("data"), dict):
            self._news(body, tick)

    def _news(self, raw: dict[str, Any], tick: int) -> None:
        data, kind = raw["data"], raw.get("type")
        event = (data.get("event", {}).get("source", ""), data.get("event", {}).get("id", ""))
        if kind == "promise.fulfilled":
            value = data["fulfilled"]
            known: Any = datetime.fromisoformat(value) if isinstance(value, str) else float(value)
            self.ledger.fulfilled.setdefault(event, []).append(
                (raw["time"], EventRef(source=raw["source"], id=raw["id"]).key, data["kind"], known)
            )
        if any(context.kind == "intake" for context in self.engine.stack):
            return  # at the same time as another event: either may be the first
        if kind in ("sale.cancelled", "ticket.reopened"):
            if event[1]:
                self.ledger.cancelled_events.setdefault(event, tick)
            else:
                key = (data["reference"], data["customer"]["id"])
                until = datetime.fromisoformat(raw["time"]) if kind == "ticket.reopened" else None
                self.ledger.cancelled_references.setdefault(key, []).append((tick, until))

    def _handed(self, handed: Handed, message_id: str) -> None:
        if self.engine.now > self.over:
            return
        about = {
            "invitation": self._asked,
            "reminder": self._asked,
            "instead": self._asked,
            "mended": self._asked_mended,
        }
        if handed.kind in about:
            about[handed.kind](handed)
            self._report(handed, message_id)
        elif handed.kind == "digest":
            self._digested(handed)
        elif handed.kind == "helping":
            self._asked_for_help(handed.about, handed.tags["department"], handed.tags["at"])
        elif handed.kind not in ("copy", "sign_in", "heard", "paused", "weekly", "praise", "incident"):
            self._staff_alerted(handed)

    def _digested(self, handed: Handed) -> None:
        for line in lines_of(handed):
            tags = {"at": line.notice.at.isoformat()}
            if line.notice.kind == "helping":
                self._asked_for_help(line.case, line.notice.department, tags["at"])
                continue
            self._staff_alerted(Handed(line.notice.kind, line.case, handed.to, handed.at, tags, taken=True))

    def _report(self, handed: Handed, message_id: str) -> None:
        person = self._person_at(handed.to[0])
        chance = self.engine.chances.of(f"receipt {handed.kind} {handed.about}")
        if person is None or chance.random() < 0.15:
            return
        kind = (
            "bounce"
            if person.dead and handed.kind != "instead"
            else "complaint"
            if person.complains
            else chance.choice(("delivery", "delivery", "soft_bounce"))
        )
        channel = "email" if "@" in handed.to[0] else "sms"
        if kind == "bounce":
            self.ledger.returned.update(handed.to)
        receipt = Receipt(kind, channel, message_id, handed.tags.get("invitation"), handed.to, handed.kind)  # type: ignore[arg-type]
        after = SECOND * chance.choice((1, 10, 600, 86_400)) * chance.random()
        label = self.engine.label(handed.about)
        self.engine.send("receipts", receipt, f"receipt {kind} of {handed.kind} {label}", handed.about, after=after)

    def _person_at(self, address: str) -> Person | None:
        return next((person for person in self.crowd if address in person.addresses()), None)

    # Customers and scanners

    def _asked(self, handed: Handed) -> None:
        invitation = self.engine.memory.invitations[handed.about]
        label = self.engine.label(handed.about)
        chance = self.engine.chances.of(f"reader of {handed.kind} {label}")
        scale = ALL_RATINGS[invitation.metric or "nps"]
        if handed.to[0].endswith("scanned.example"):
            self._scan(invitation.id, label, scale, chance)
        if chance.random() < 0.6:
            self._answer_later(invitation.id, label, handed.kind, scale, chance)
        self._wishes(invitation.id, label, invitation.customer, handed, chance)

    def _scan(self, id_: str, label: str, scale: range, chance: Chance) -> None:
        most = len(scale) if chance.random() < 0.3 else 1 + chance.randrange(3)
        seen = [*chance.shuffled(scale)[:most], *([HIDDEN] if chance.random() < 0.5 else [])]
        for rating in seen:
            name = f"a scanner opens {rating} of {label}"
            self._plan(chance.uniform(0, 40), name, lambda rating=rating, name=name: self._view(id_, name, rating), id_)  # type: ignore[misc]
        if chance.random() < 0.3:
            rating = chance.choice(scale)
            name = f"a robot submits {rating} of {label}"
            self._plan(chance.uniform(1, 60), name, lambda: self._submit(id_, name, rating, "unvouched", {}), id_)

    def _plan(self, seconds: float, name: str, do: Callable[[], None], *subjects: str) -> None:
        self.engine.plan(self.engine.now + timedelta(seconds=seconds), name, do, *subjects)

    def _answer_later(self, id_: str, label: str, kind: str, scale: range, chance: Chance) -> None:
        wait = chance.choice((30, 600, 7200, 86_400, 3 * 86_400, 7 * 86_400)) * chance.random()
        times = chance.choice((1, 1, 1, 2, 2, 3))
        for time in range(times):
            low = chance.random() < 0.4
            rating = scale[0] + chance.randrange(2) if low else chance.choice(scale)
            press = chance.choice(PRESSES)
            form = self._form(chance, label, time)
            name = f"{kind} {label}: the customer answers {rating} ({press}, {time + 1} of {times})"
            opens = f"{label}: the customer opens {rating}, before {time + 1}"
            self._plan(wait - 1, opens, partial(self._view, id_, f"the customer opens {label}", rating), id_)
            self._plan(wait, name, partial(self._submit, id_, name, rating, press, form), id_)
            wait += chance.choice((0.0, 1, 60, 115, 121, 3600, 86_400)) * chance.random()

    def _form(self, chance: Chance, label: str, time: int) -> dict[str, list[str]]:
        form: dict[str, list[str]] = {}
        if chance.random() < 0.6:
            form["comment"] = [
                f"palabras de {label} vez {time}, {chance.choice(('tardaron mucho', 'todo bien', 'la factura'))}"
            ]
        if chance.random() < 0.5:
            form["drivers"] = [chance.choice(("late", "invoice", "rude", "repair"))]
            others = self.engine.chances.of(f"what else failed {label} {time}")
            if others.random() < 0.5:
                form["drivers"].append(others.choice(("late", "invoice", "rude", "repair")))
        if chance.random() < 0.5:
            form |= {"delivery": ["4"], "billing": ["3"], "promise": ["yes"], "value": ["no"]}
        return form

    def _wishes(self, id_: str, label: str, customer: str, handed: Handed, chance: Chance) -> None:
        wait = chance.choice((60, 86_400, 5 * 86_400)) * chance.random()
        draw = chance.random()
        if draw < 0.05:
            self._plan(
                wait,
                f"{handed.kind} {label}: the customer unsubscribes",
                lambda: self._stop(id_, customer, handed.to),
                id_,
                customer,
            )
            if chance.random() < 0.3:
                self._plan(
                    wait + 90_000,
                    f"{label}: the customer comes back",
                    lambda: self._stop(id_, customer, handed.to, undo=True),
                    id_,
                    customer,
                )
        elif draw < 0.09:
            self._plan(
                wait,
                f"{handed.kind} {label}: the customer asks to be forgotten",
                lambda: self._erase(id_, customer),
                id_,
                customer,
            )
        elif draw < 0.11:
            self._plan(wait, f"{label}: the customer asks for a copy", lambda: self._copy(id_), id_)

    def _view(self, id_: str, name: str, rating: int) -> None:
        def get(now: datetime) -> None:
            collect.open_page(self.engine.ports, id_, now)
            collect.note_view(self.engine.ports, id_, rating, now)
            if rating == HIDDEN:  # who opens every link opens these too
                protect.stored(self.engine.ports, id_)

        self.engine.run("GET", name, get, id_)

    def _submit(self, id_: str, name: str, rating: int, press: collect.Press, form: dict[str, list[str]]) -> None:
        said = Said(rating, press, self.engine.now, self.engine.tick)
        self.ledger.said.setdefault(id_, []).append(said)
        for words in form.get("comment", ()):
            person = self.engine.memory.invitations[id_].customer
            self.ledger.words.setdefault(person, set()).add(words)
        outcome = self.engine.run(
            "POST /s",
            name,
            lambda now: collect.submit(self.engine.ports, id_, {"rating": [str(rating)], **form}, press, now),
            id_,
            self.engine.memory.invitations[id_].customer,
        )
        said.end = self.engine.tick
        recorded = outcome.is_done and outcome.value.outcome == "recorded"
        if recorded:
            said.acknowledged = True
        elif outcome.is_done:
            self.ledger.said[id_].remove(said)
            if not self.ledger.said[id_]:
                del self.ledger.said[id_]
        elif self.engine.chances.of(f"again {name}").random() < 0.7:
            self._plan(60, f"{name}, again", lambda: self._submit(id_, name, rating, press, form), id_)

    def _stop(self, id_: str, customer: str, to: tuple[str, ...], *, undo: bool = False) -> None:
        names = (customer, *to)
        # Whoever reads a shared mailbox comes back for it, with all the addresses that are known of them.
        backs = (*names, *self.judge.people[customer].addresses()) if undo else ()
        self._come_back(backs)
        outcome = self.engine.run(
            "POST /u",
            f"{'comes back' if undo else 'stops'} by {self.engine.label(id_)}",
            lambda now: collect.stop(self.engine.ports, id_, now, undo=undo),
            id_,
            customer,
        )
        self._come_back(backs)  # who left at the same time may have left before
        if outcome.is_done and not undo:
            for name in names:
                self.ledger.opted_out.setdefault(name, self.engine.tick)

    def _come_back(self, names: tuple[str, ...]) -> None:
        for name in names:
            self.ledger.opted_out.pop(name, None)

    def _erase(self, id_: str, customer: str) -> None:
        outcome = self.engine.run(
            "POST /privacy",
            f"forget {self.engine.label(id_)}",
            lambda now: protect.erase(self.engine.ports, id_, now),
            id_,
            customer,
        )
        if outcome.is_done:
            self.ledger.erased.setdefault(customer, self.engine.tick)
        else:
            self._plan(
                60, f"{self.engine.label(id_)}: asks again to be forgotten", lambda: self._erase(id_, customer), id_
            )

    def _copy(self, id_: str) -> None:
        self.engine.run("POST /privacy", "a copy", lambda now: protect.send_copy(self.engine.ports, id_), id_)

    # Departments

    def _staff_alerted(self, handed: Handed) -> None:
        about = handed.about
        chance = self.engine.chances.of(f"staff {self.engine.label(about)} {handed.kind} {handed.tags['at']}")
        if about in self.staffed:
            return
        self.staffed.add(about)
        if chance.random() < 0.85 or handed.kind == "escalation":
            self._plan(
                chance.choice((300, 7200, 40_000, 2 * 86_400)) * chance.random(),
                f"staff, case {self.engine.label(about)}, {handed.kind}",
                lambda: self._staff(about, 0),
                about,
            )

    def _asked_for_help(self, id_: str, department: str, at: str) -> None:
        """Let a department do its task, at times twice, or try what is its lead's to do."""
        name = f"{department} helps with case {self.engine.label(id_)}, asked {at}"
        chance = self.engine.chances.of(name)
        for time in range(chance.choice((0, 1, 1, 2))):
            wait = chance.choice((60, 7200, 86_400, 4 * 86_400)) * chance.random()
            verb: Any = chance.choice(("done", "done", "done", "done", "comment", "resolve"))
            self._plan(wait, f"{name} ({time})", partial(self._help, id_, department, f"{name}: {verb}", verb), id_)

    def _help(self, id_: str, department: str, name: str, verb: Any) -> None:
        helper = Principal(
            id=f"api:{department}", role="department", name=f"one of {department}", department=department
        )
        wanted = Move(verb=verb, by=helper.name, text="hecho", root_cause="us", action="se repuso")
        version = self.engine.memory.cases[id_].version
        self.engine.run(
            "staff", name, lambda now: recover.act(self.engine.ports, id_, version, wanted, helper, now), id_
        )

    def _staff(self, id_: str, step: int) -> None:
        case = self.engine.memory.cases[id_]
        name = f"case {self.engine.label(id_)}, step {case.version}.{step}"
        chance = self.engine.chances.of(name)
        wanted = draw_move(case, chance)
        label = f"{name}: {wanted.verb}"
        outcome = self.engine.run(
            "staff",
            label,
            lambda now: recover.act(self.engine.ports, id_, case.version, wanted, STAFF, now),
            id_,
        )
        if step >= COLLEAGUE:
            return
        if chance.random() < 0.15:
            self._plan(0.5, f"{label}, and a colleague at once", lambda: self._staff(id_, step + COLLEAGUE), id_)
        if step < STAFF_STEPS_MAX and not (wanted.verb == "resolve" and outcome.is_done):
            wait = chance.choice((60, 3600, 20_000, 86_400, 3 * 86_400)) * chance.random()
            self._plan(
                wait, f"staff, case {self.engine.label(id_)}, after {label}", lambda: self._staff(id_, step + 1), id_
            )
        else:
            self.staffed.discard(id_)

    def _asked_mended(self, handed: Handed) -> None:
        id_ = handed.about
        label = self.engine.label(id_)
        chance = self.engine.chances.of(f"mended {label} {handed.tags['act']}")
        if chance.random() < 0.7:
            for _ in range(chance.choice((1, 1, 2))):
                said = chance.choice(("yes", "yes", "no"))
                press = chance.choice(PRESSES)
                wait = chance.choice((60, 7200, 86_400)) * chance.random()
                name = f"case {label}: the customer says {said}, mended ({press}, {wait:.0f})"
                self._plan(wait, name, partial(self._say_mended, id_, name, said, press), id_)

    def _say_mended(self, id_: str, name: str, said: Any, press: collect.Press) -> None:
        self.engine.run("POST /s", name, lambda now: collect.say_mended(self.engine.ports, id_, said, press, now), id_)

    def token(self, purpose: Purpose, text: str) -> str:
        """Return the id that a link in a message opens."""
        for word in text.split():
            try:
                return self.engine.links.read(purpose, word).id
            except LazoError:
                continue
        raise LookupError(purpose)


def draw_move(case: Case, chance: Chance) -> Move:
    """Return what a department would do next with a case that it sees."""
    moves: dict[str, tuple[str, ...]] = {
        "open": ("acknowledge",) * 5 + ("reassign", "reassign", "return", "comment"),
        "acknowledged": ("resolve",) * 4 + ("wait", "wait", "reassign", "contact"),
        "waiting": ("resume",) * 3 + ("resolve", "reassign"),
        "resolved": ("comment", "comment", "comment", "reopen"),
    }
    verb: Any = chance.choice(moves[case.state])
    others = [each for each in (*company.DEPARTMENTS, company.FAR_DEPARTMENT) if each != case.department]
    said = {"reason": "porque sí", "text": "una nota", "how": "phone", "outcome": "hablamos", "action": "se repuso"}
    return Move(
        verb=verb, by="bruno", department=chance.choice(others), root_cause=chance.choice(("carrier", "us")), **said
    )
