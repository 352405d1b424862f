"""Let every port call go wrong in every way: death, lost replies, throttling, refusals, and others in between."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from chalicelib.errors import CarrierRefused, CarrierUnclear, Conflict
from chalicelib.ports import Ports
from tests.simulation.chance import Chance

CARRIER = frozenset({"mail", "text", "begin", "post"})
WRITES = frozenset(
    {
        "create",
        "save",
        "save_with_case",
        "save_early",
        "save_digest",
        "save_weekly",
        "save_incident",
        "note",
        "strike",
        "save_address",
        "forget",
        "add",
        "take_place",
    }
)
BATCHES = frozenset({"create_many", "save_many", "save_addresses"})
"""Writes of many things, each by itself: what goes wrong may befall some of them, and who is met again has lost."""

NO_TIME = timedelta(0)

CERTAIN = frozenset({"links", "messages", "names"})
"""Ports that reach nothing outside: they cannot fail by themselves."""


class Died(BaseException):
    """The process was killed. No flow may swallow this."""


class Unavailable(Exception):
    """A service answered with an error, or not at all; what was asked may have happened."""


@dataclass(frozen=True)
class Profile:
    """How often things go wrong in one seed, each as a share."""

    name: str
    deaths: float = 0.0
    errors: float = 0.0
    refusals: float = 0.0
    races: float = 0.0
    duplicates: float = 0.05
    outages: int = 0
    lag: bool = False
    skew_seconds: float = 0.0
    leap_share: float = 0.0


PROFILES = (
    Profile("calm"),
    Profile("deaths", deaths=0.25),
    Profile("errors", errors=0.25, refusals=0.15),
    Profile("races", races=0.6, duplicates=0.3),
    Profile("late", outages=4, lag=True, duplicates=0.3),
    Profile("clocks", skew_seconds=2, leap_share=0.08, races=0.2),
    Profile("storm", 0.15, 0.15, 0.1, 0.3, 0.3, 3, True, 2, 0.03),
    Profile("squall", 0.08, 0.08, 0.05, 0.5, 0.2, 1, True, 2, 0.02),
)


def profile_of(seed: int) -> Profile:
    """Return what goes wrong in a seed: of sixteen, eight mixtures that we know and eight that chance has put together.

    A random subset of the faults finds what all of them at once would hide ("Swarm testing", Groce and others 2012).
    """
    if seed // len(PROFILES) % 2 == 0:
        return PROFILES[seed % len(PROFILES)]
    chance = Chance(seed, "swarm")

    def some(*values: float) -> float:
        return chance.choice(values) if chance.random() < 0.5 else 0.0

    return Profile(
        "swarm",
        deaths=some(0.03, 0.1, 0.3),
        errors=some(0.03, 0.1, 0.3),
        refusals=some(0.03, 0.1, 0.3),
        races=some(0.1, 0.4, 0.9),
        duplicates=some(0.05, 0.2, 0.5),
        outages=int(some(1, 3, 8)),
        lag=chance.random() < 0.5,
        skew_seconds=(skew := some(2)),
        leap_share=some(0.02, 0.1) if skew else 0.0,
    )


FAULT_CALLS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 17)
"""Which call of a run goes wrong; all of them, one by one, in the crash points."""
DEATHS = ("dies before", "dies after")
ERRORS = ("throttled", "timed out", "applied, but an error")
REFUSALS = ("reply lost", "unclear, not sent", "refused for now", "refused for ever")


@dataclass
class Context:
    """One run of a handler: what it is, what its clock says, and what is going to happen to it."""

    kind: str
    name: str
    subjects: tuple[str, ...]
    now: datetime
    start: int
    depth: int
    chance: Chance
    again: Callable[[], None] | None = None
    calls: int = 0
    fault: str | None = None
    fault_call: int = -1
    race_call: int = -1
    organisation_step: int = 0


@dataclass
class Chances:
    """Draws what happens to each run from the seed and the run's own name, so that leaving one out moves no other."""

    seed: int
    profile: Profile
    excluded: frozenset[str]
    active: bool = True

    def of(self, name: str) -> Chance:
        """Return the chance of one thing, by its name."""
        return Chance(self.seed, name)

    def doom(self, context: Context, *, spared: bool) -> None:
        """Decide beforehand which call of this run goes wrong, and where somebody else comes in between."""
        if not self.active:
            return
        profile, chance = self.profile, context.chance
        draw, call, race, race_call = chance.random(), chance.choice(FAULT_CALLS), chance.random(), chance.randrange(9)
        fault = self._fault(draw, chance)
        if fault and not spared and f"fault {context.name}" not in self.excluded:
            context.fault, context.fault_call = fault, call
        if race < profile.races and f"race {context.name}" not in self.excluded:
            context.race_call = race_call

    def _fault(self, draw: float, chance: Chance) -> str | None:
        profile = self.profile
        if draw < profile.deaths:
            return chance.choice(DEATHS)
        if draw < profile.deaths + profile.errors:
            return chance.choice(ERRORS)
        return None

    def refusal(self, context: Context) -> str | None:
        """Decide what the carrier does with one message."""
        if not self.active or f"carrier {context.name}" in self.excluded:
            return None
        return context.chance.choice(REFUSALS) if context.chance.random() < self.profile.refusals else None

    def skew(self, context_name: str) -> timedelta:
        """Return how far the clock of one process is off."""
        profile = self.profile
        if not profile.skew_seconds or not self.active or f"clock {context_name}" in self.excluded:
            return NO_TIME
        chance = self.of(f"clock {context_name}")
        if chance.random() < profile.leap_share:
            return timedelta(seconds=chance.uniform(-300, 300))
        return timedelta(seconds=chance.uniform(-profile.skew_seconds, profile.skew_seconds))


Around = Callable[[str, str, Callable[[], Any]], Any]


@dataclass(frozen=True)
class Batch:
    """A call that writes many things, of which it may do some only."""

    call: Callable[[Sequence[Any]], set[str]]
    things: Sequence[Any]

    def __call__(self) -> set[str]:
        return self.call(self.things)

    def some(self, chance: Chance) -> None:
        """Write some of it, in whatever order the service took it up."""
        self.call([each for each in self.things if chance.random() < 0.5])

    def met_again(self) -> set[str]:
        """Write all of it, and return what a client is told that asks again since the reply was lost."""
        self.call(self.things)
        # Decisions are returned when they are won, anything else when it is lost.
        return (
            set()
            if self.call.__name__ == "create_many"
            else {getattr(each, "id", None) or each.key for each in self.things}
        )


class Gate:
    """Stands before a port: every call goes through `around`, which decides what becomes of it."""

    def __init__(self, name: str, port: Any, around: Around) -> None:
        self._name, self._port, self._around = name, port, around

    def __getattr__(self, method: str) -> Any:
        name, around, call = self._name, self._around, getattr(self._port, method)

        def through(*args: Any, **kwargs: Any) -> Any:
            return around(name, method, made(call, *args, **kwargs))

        made: Callable[..., Callable[[], Any]] = Batch if method in BATCHES else partial
        setattr(self, method, through)
        return through


def gated(ports: Ports, around: Around) -> Ports:
    """Return the same ports with a gate before each that reaches the world."""
    gates = {
        field.name: Gate(field.name, getattr(ports, field.name), around)
        for field in fields(ports)
        if field.name not in CERTAIN
    }
    return replace(ports, **gates)


def applied_but_error(method: str) -> Exception:
    """Return what a caller sees of a write that happened: a client that tries again meets its own write."""
    return Conflict("your own write, tried again") if method in WRITES else Unavailable("the reply was lost")


def carrier_error(refusal: str) -> Exception:
    """Return what a carrier says, or fails to say."""
    if refusal in ("reply lost", "unclear, not sent"):
        return CarrierUnclear("no reply")
    return CarrierRefused("no", permanent=refusal == "refused for ever")
