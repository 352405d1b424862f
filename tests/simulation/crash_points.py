"""Kill the process at every single call of the main flows, and at every pair of calls on demand.

One customer's story goes through all: an event is sent, a low answer opens a case and alerts, nobody moves it and
it climbs its ladder, and the stream counts it all
and tells other programs.
"""

import gc
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NoReturn

from rich.progress import Progress

from tests.simulation.chance import Chance
from tests.simulation.engine import START, Engine
from tests.simulation.faults import Profile
from tests.simulation.invariants import Judge
from tests.simulation.ledger import Handed, Violation
from tests.simulation.people import DAY, HOUR, Dispatch, Person
from tests.simulation.world import World

CALM = Profile("crash points", duplicates=0.0)
LIVE_DAYS, QUIET_DAYS = 4, 16
ANSWERED_AFTER = 3600.0
READERS = ("stream", "publish")
TRIES = 4
FLOWS: dict[str, frozenset[str]] = {
    "event to sent": frozenset({"POST /events", "intake"}),
    "answer to case to alert": frozenset({"POST /s", "views", "GET"}),
    "case to breach to escalation": frozenset({"due", "sweep"}),
    "stream to counters": frozenset({"stream"}),
    "stream to other programs": frozenset({"publish", "webhooks"}),
}
"""The kinds of run in which each of the main flows does its work; sending is a due step as escalating is."""

Crash = tuple[int, str]
BOTH = ("dies before", "dies after")


class OneCustomer(World):
    """A world with one sale, one low answer, and a department that forgets."""

    def tell_story(self) -> None:
        """Plan the one event."""
        person = self.crowd[0]
        person.email, person.zone, person.dead, person.complains = "ana@example.com", None, False, False
        raw = _sale(person)
        self._plan_dispatch(Dispatch(START + 10 * HOUR, "event E1", raw, by_bus=False))

    def _plan_moves(self, chance: Chance) -> None:
        """Nobody changes address."""

    def _asked(self, handed: Handed) -> None:
        if handed.kind == "invitation":
            form = {"comment": ["tardaron mucho"], "drivers": ["late"]}
            self._plan(ANSWERED_AFTER, "the customer answers 1", partial(self._answer, handed.about, form, TRIES))

    def _answer(self, id_: str, form: dict[str, list[str]], tries: int) -> None:
        self._view(id_, "the customer opens 1", 1)
        self._submit(id_, "the customer answers 1", 1, "button", form)
        if tries and not self.ledger.said[id_][-1].acknowledged:
            self._plan(30, "the customer answers 1, again", partial(self._answer, id_, form, tries - 1))

    def _staff_alerted(self, handed: Handed) -> None:
        """Nobody does anything."""

    def _report(self, handed: Handed, message_id: str) -> None:
        """No receipt comes."""


def _sale(person: Person) -> dict[str, Any]:
    data = {"customer": person.contact(), "reference": "ORD-1", "department": "sales", "attributes": {"vip": "no"}}
    time = (START + 10 * HOUR).isoformat()
    return {"specversion": "1.0", "id": "E1", "source": "/crm", "type": "ticket.closed", "time": time, "data": data}


@dataclass(frozen=True)
class Ending:
    """How one life ended: what was violated, if anything, and how many calls it took."""

    violation: str | None
    calls: int
    kinds: tuple[str, ...] = ()
    """The kind of run of each call."""


def live(crashes: tuple[Crash, ...] = (), branch: Callable[[str, int], str | None] | None = None) -> Ending:
    """Live through the customer's story, dying at these calls."""
    engine = Engine(0, CALM, telling=False)
    engine.crashes = dict(crashes)
    engine.branch = branch or engine.branch
    judge = Judge(engine)
    try:
        world = OneCustomer(engine, judge, days=LIVE_DAYS, events=0)
        engine.open_streams(READERS)
        world.tell_story()
        for day in range(1, LIVE_DAYS + QUIET_DAYS + 1):
            engine.run_until(START + day * DAY)
        judge.end()
        _complete(judge)
    except Violation as found:
        return Ending(str(found), len(engine.called))
    return Ending(None, len(engine.called), tuple(engine.called))


def _complete(judge: Judge) -> None:
    """Hold that whatever could be done was done: asked unless of unknown fate, and then a case with all its alerts."""
    (invitation,) = (each for each in judge.memory.invitations.values() if each.state != "skipped")
    kinds = {each.kind for each in judge.ledger.handed}
    if invitation.state == "attempted" and not judge.ledger.by_invitation.get(("invitation", invitation.id)):
        return
    if invitation.id not in judge.memory.cases:
        raise Violation(8, "a low answer ends in a case", f"there is none; {sorted(kinds)} were sent")
    rungs = {(each.tags["promise"], each.tags["rung"]) for each in judge.ledger.handed if each.kind == "escalation"}
    if "opened" not in kinds or len(rungs) < 6:
        raise Violation(13, "nobody moves, so every rung is climbed", f"{sorted(kinds)}, {sorted(rungs)}")


def singles(flow: str | None = None) -> Iterator[tuple[Crash, ...]]:
    """Yield each single crash point: before and after each call of a flow, or of all."""
    kinds = FLOWS[flow] if flow else frozenset(kind for each in FLOWS.values() for kind in each)
    for place, kind in enumerate(live().kinds):
        if kind in kinds:
            yield from (((place, mode),) for mode in BOTH)


@dataclass(frozen=True)
class Lived:
    """One life of a search: where it died, and what was violated, if anything."""

    crashes: tuple[Crash, ...]
    violation: str | None
    calls: int


@dataclass
class Branching:
    """Lets a life go on in both ways wherever it may die: a copy of the process dies there, the rest lives on.

    What is common to many lives is lived through once: each copy goes on from its own last crash.
    """

    kinds: frozenset[str]
    crashes_max: int
    share: tuple[int, int]
    """Which of how many workers this is: each takes its own of the first crashes."""
    told: int
    """Where each copy writes how it ended."""
    died: list[Crash] = field(default_factory=list)
    firsts: int = 0

    def at(self, kind: str, place: int) -> str | None:
        """Return how this copy of the process dies at a call, if at all."""
        if kind not in self.kinds or len(self.died) == self.crashes_max:
            return None
        return next((mode for mode in BOTH if self._is_mine() and self._is_copy((place, mode))), None)

    def _is_mine(self) -> bool:
        if self.died:
            return True
        self.firsts += 1
        return self.firsts % self.share[1] == self.share[0]

    def _is_copy(self, crash: Crash) -> bool:
        copy = os.fork()
        if copy:
            _, status = os.waitpid(copy, 0)
            if status:  # a copy that broke proves nothing: neither does whatever it was copied from
                os._exit(1)
            return False
        self.died.append(crash)
        return True

    def tell(self, ending: Ending) -> None:
        """Write how a copy ended: a line that a pipe takes in one piece."""
        violation = ending.violation and ending.violation[:2000]
        lived = {"crashes": self.died, "violation": violation, "calls": ending.calls}
        os.write(self.told, f"{json.dumps(lived)}\n".encode())


def search(flow: str, *, crashes: int = 2, workers: int = 1) -> Iterator[Lived]:
    """Yield every life that dies at up to so many calls of a flow, those included that follow from a death."""
    reading, writing = os.pipe()
    pids = [pid for share in range(workers) if (pid := _worker(flow, crashes, (share, workers), reading, writing))]
    os.close(writing)
    with os.fdopen(reading) as lines:
        for line in lines:
            told = json.loads(line)
            yield Lived(tuple((place, mode) for place, mode in told["crashes"]), told["violation"], told["calls"])
    if any(os.waitpid(pid, 0)[1] for pid in pids):
        raise RuntimeError("a copy of the process broke")


def _worker(flow: str, crashes: int, share: tuple[int, int], reading: int, writing: int) -> int:
    """Return the id of a process that lives through its share."""
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        os.close(reading)
        _live_on(Branching(FLOWS[flow], crashes, share, writing))
    return pid


def _live_on(branching: Branching) -> NoReturn:
    """Live, die and live on in copies; none of them ever returns."""
    gc.freeze()  # what every copy shares is not touched by looking for garbage
    gc.disable()
    status = 1
    try:
        ending = live(branch=branching.at)
        if branching.died:
            branching.tell(ending)
        status = 0
    finally:
        os._exit(status)


def main(*, workers: int = 2) -> int:
    """Live through every pair of crash points of the flows, and print what was violated."""
    violated = 0
    for flow in FLOWS:
        began, lived = _spent(), {1: 0, 2: 0}
        with Progress() as progress:
            task = progress.add_task(flow, total=len(list(singles(flow))))
            for each in search(flow, workers=workers):
                lived[len(each.crashes)] += 1
                progress.advance(task, 2 - len(each.crashes))
                if each.violation:
                    violated += 1
                    progress.console.print(f"{flow}: {each.crashes}: {each.violation}", markup=False)
        print(f"{flow}: {lived[1]} crash points, {lived[2]} pairs, {_spent() - began:.0f} s of CPU", flush=True)
    print(f"{violated} violations")
    return 1 if violated else 0


def _spent() -> float:
    """Return the processor time of this process and of those that it has waited for."""
    return time.process_time() + sum(os.times()[2:4])


if __name__ == "__main__":
    sys.exit(main())
