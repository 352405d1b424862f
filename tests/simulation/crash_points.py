"""Kill the process at every single call of the main flows, and at every pair of calls on demand.

One customer's story goes through all: an event is sent, a low answer opens a case and alerts, nobody moves it and
it climbs its ladder, and the stream counts it all
and tells other programs.
"""

import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any

from rich.progress import track

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
    """How one life ended: what was violated, if anything, how many calls it took and of which kinds."""

    violation: str | None
    calls: tuple[str, ...]
    sent: tuple[str, ...]


def live(crashes: tuple[Crash, ...] = ()) -> Ending:
    """Live through the customer's story, dying at these calls."""
    engine = Engine(0, CALM, telling=False)
    engine.crashes = dict(crashes)
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
        return Ending(str(found), tuple(engine.called), ())
    return Ending(None, tuple(engine.called), tuple(sorted(each.kind for each in engine.ledger.handed)))


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
    for place, kind in enumerate(live().calls):
        if kind in kinds:
            yield from (((place, mode),) for mode in BOTH)


def pairs(flow: str) -> Iterator[tuple[Crash, ...]]:
    """Yield each pair of crash points of a flow. (After the first death the second falls on what is tried again.)"""
    yield from ((*one, *other) for one, other in combinations(singles(flow), 2) if one[0][0] != other[0][0])


def main(*, workers: int = 2) -> int:
    """Live through every pair of crash points of the flows, and print what was violated."""
    violated = lived = 0
    with ProcessPoolExecutor(workers) as pool:
        for flow in FLOWS:
            crashes = list(pairs(flow))
            lived += len(crashes)
            print(f"{flow}: {len(crashes)} pairs of crash points")
            endings = pool.map(live, crashes, chunksize=50)
            for crash, ending in track(zip(crashes, endings, strict=True), flow, total=len(crashes)):
                if ending.violation:
                    violated += 1
                    print(f"{flow}: {crash}: {ending.violation}")
    print(f"{lived} pairs of crash points, {violated} violations")
    return 1 if violated else 0


if __name__ == "__main__":
    sys.exit(main())
