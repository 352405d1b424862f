"""Simulate one seed: a month of the company, then the quiet in which everything must come to its end."""

import gc
import logging
import time
from dataclasses import dataclass
from datetime import timedelta

from chalicelib.flows import deliver
from tests.simulation.engine import START, Engine
from tests.simulation.faults import Profile, profile_of
from tests.simulation.invariants import Judge
from tests.simulation.ledger import Violation
from tests.simulation.world import World

DAY = timedelta(days=1)
QUIET_DAYS = 25
AT_ONCE = 2
"""Messages on their way together: batches are small here, and something has to be left to give back."""


@dataclass(frozen=True)
class Result:
    """What became of one seed."""

    seed: int
    profile: str
    hash: str
    violation: str | None
    number: int | None
    story: tuple[str, ...]
    happened: tuple[str, ...]
    counts: dict[str, int]
    cpu_seconds: float

    @property
    def invariant(self) -> str | None:
        """Return what was violated, without its particulars."""
        return self.violation.split(":")[0] if self.violation else None


def simulate(
    seed: int,
    *,
    days: int = 30,
    events: int = 500,
    excluded: frozenset[str] = frozenset(),
    profile: Profile | None = None,
    story: bool = True,
) -> Result:
    """Live through one seed, until an invariant is violated or all is quiet."""
    return live_through(Engine(seed, profile or profile_of(seed), excluded, story), days=days, events=events)


def live_through(engine: Engine, *, days: int, events: int) -> Result:
    """Live through an engine's seed."""
    began, collects = time.process_time(), gc.isenabled()
    gc.disable()  # a life leaves little that goes round in circles, and looking for it takes a tenth of the time
    logging.disable(logging.CRITICAL)  # what goes wrong on purpose is told by the story
    at_once, deliver.AT_ONCE = deliver.AT_ONCE, AT_ONCE
    try:
        violation = _violation(engine, days, events)
        return Result(
            engine.seed,
            engine.profile.name,
            engine.hash(),
            str(violation) if violation else None,
            violation.number if violation else None,
            tuple(engine.story),
            tuple(engine.happened),
            _counts(engine),
            time.process_time() - began,
        )
    finally:
        logging.disable(logging.NOTSET)
        deliver.AT_ONCE = at_once
        if collects:
            gc.enable()


def _violation(engine: Engine, days: int, events: int) -> Violation | None:
    judge = Judge(engine)
    try:
        World(engine, judge, days=days, events=events)
        engine.open_streams(engine.reads)
        _live(engine, judge, days)
    except Violation as found:
        engine.tell(f"VIOLATED: {found}")
        return found
    return None


def _live(engine: Engine, judge: Judge, days: int) -> None:
    for day in range(1, days + 1):
        engine.run_until(START + day * DAY)
        judge.day()
    engine.tell("all is quiet: nothing fails any more, and nobody does anything new")
    engine.chances.active = False
    for day in range(1, QUIET_DAYS + 1):
        engine.run_until(START + (days + day) * DAY)
    judge.end()


def _counts(engine: Engine) -> dict[str, int]:
    memory = engine.memory
    return {
        "invitations": len(memory.invitations),
        "sent": len(memory.sent),
        "cases": len(memory.cases),
        "moves": sum(len(lines) for lines in memory.entries.values()),
        "answered": sum(1 for each in memory.invitations.values() if each.confirmed),
        "runs": sum(engine._runs.values()),
        "ticks": engine.tick,
        "erased": len(engine.ledger.erased),
    }
