"""Follow each case by its timeline alone: who leads, whose clock runs, which rungs lie ahead."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from chalicelib.domain.case import Case, Entry
from chalicelib.domain.organisation import Organisation, Sla
from tests.simulation.oracles import RUNG_SHARES, add_open, open_between, to_state

LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


@dataclass
class Shadow:
    """What a case must be, worked out again from the moves."""

    state: str
    lead: str
    opened_at: datetime
    acknowledge_from: datetime
    acknowledge_budget: timedelta
    resolve_from: datetime | None
    resolve_budget: timedelta
    resolve_used: timedelta = timedelta(0)
    running_since: datetime | None = None
    spent: dict[str, float] = field(default_factory=dict)
    rungs: dict[str, datetime] = field(default_factory=dict)
    """What lies ahead: rung → when."""
    fired: list[str] = field(default_factory=list)
    passed: set[str] = field(default_factory=set)
    """Rungs that were passed before the present lead took over: told once, on taking over."""
    total: float = 0.0
    told_on_arrival: bool = False
    moved_at: datetime = LONG_AGO
    first_lead: str = ""

    @classmethod
    def opened(cls, case: Case, organisation: Organisation, at: datetime) -> "Shadow":
        """Begin with the opening."""
        sla = _sla(organisation, case.department)
        shadow = cls("open", case.department, at, at, sla.acknowledge, at, sla.resolve, running_since=at, moved_at=at)
        shadow.first_lead = case.department
        shadow._plan(organisation, at)
        return shadow

    def move(self, entry: Entry, organisation: Organisation) -> None:
        """Follow one line of the timeline."""
        after = to_state(self.state, entry.move)
        assert after is not None, f"{entry.move} while {self.state}"
        step = getattr(self, f"_{entry.move}", None)
        self.state = after
        if step:
            step(entry, organisation)

    def _acknowledge(self, entry: Entry, organisation: Organisation) -> None:
        self._drop("acknowledge")

    def _reassign(self, entry: Entry, organisation: Organisation) -> None:
        self._tick(entry.at)
        if self.resolve_from is None:
            self.resolve_from = entry.at
        self.lead, self.acknowledge_from = entry.department, entry.at
        self.acknowledge_budget = _sla(organisation, entry.department).acknowledge
        self.fired = []
        self.passed = {name for name, at in self._resolve_rungs(organisation).items() if at <= entry.at}
        self.told_on_arrival = bool(self.passed)
        self._plan(organisation, entry.at)

    _return = _reassign

    def _inherited(self, entry: Entry, organisation: Organisation) -> None:
        assert self.lead not in {each.id for each in organisation.departments}, f"{self.lead} is still there"
        assert entry.department == organisation.routing.arbiter, f"{entry.department} is not the arbiter"
        self._promise_anew(organisation)
        self._reassign(entry, organisation)

    def _replanned(self, entry: Entry, organisation: Organisation) -> None:
        self._promise_anew(organisation)
        if self.state == "open":
            self.acknowledge_budget = _sla(organisation, self.lead).acknowledge
        self._plan(organisation, entry.at)

    def _promise_anew(self, organisation: Organisation) -> None:
        if self.first_lead in {each.id for each in organisation.departments}:
            self.resolve_budget = _sla(organisation, self.first_lead).resolve

    def _wait(self, entry: Entry, organisation: Organisation) -> None:
        self._pause(entry.at, organisation)

    def _resume(self, entry: Entry, organisation: Organisation) -> None:
        self.resolve_from = entry.at
        self._plan(organisation, entry.at)

    def _resolve(self, entry: Entry, organisation: Organisation) -> None:
        self._tick(entry.at)
        self.running_since = None
        self._pause(entry.at, organisation)

    def _reopen(self, entry: Entry, organisation: Organisation) -> None:
        self.running_since = self.resolve_from = self.acknowledge_from = entry.at
        if entry.department != self.lead:
            assert self.lead not in {each.id for each in organisation.departments}, f"{self.lead} is still there"
            self._reassign(entry, organisation)
            return
        self.acknowledge_budget = _sla(organisation, self.lead).acknowledge
        self._plan(organisation, entry.at)

    def fire(self, name: str) -> None:
        """Note that a rung was reached."""
        self.rungs.pop(name, None)
        self.fired.append(name)

    def _tick(self, at: datetime) -> None:
        if self.running_since:
            stretch = (at - self.running_since).total_seconds()
            self.spent[self.lead] = self.spent.get(self.lead, 0.0) + stretch
            self.total += stretch
        self.running_since = at

    def _pause(self, at: datetime, organisation: Organisation) -> None:
        if self.resolve_from:
            self.resolve_used += open_between(self.resolve_from, at, organisation.calendar)
        self.resolve_from = None
        self._drop("acknowledge")
        self._drop("resolve")

    def _drop(self, promise: str) -> None:
        self.rungs = {name: at for name, at in self.rungs.items() if not name.startswith(promise)}

    def _plan(self, organisation: Organisation, at: datetime) -> None:
        rungs = self._resolve_rungs(organisation) if self.resolve_from else {}
        if self.state == "open":
            calendar = organisation.calendar_of(self.lead)
            for rung, (part, whole) in RUNG_SHARES.items():
                budget = self.acknowledge_budget * part / whole
                rungs[f"acknowledge:{rung}"] = add_open(self.acknowledge_from, budget, calendar)
        done = {*self.fired, *self.passed}
        self.rungs = {name: due for name, due in rungs.items() if name not in done}

    def _resolve_rungs(self, organisation: Organisation) -> dict[str, datetime]:
        assert self.resolve_from is not None
        rungs = {}
        for rung, (part, whole) in RUNG_SHARES.items():
            left = self.resolve_budget * part / whole - self.resolve_used
            rungs[f"resolve:{rung}"] = add_open(self.resolve_from, left, organisation.calendar)
        return rungs


def _sla(organisation: Organisation, department: str) -> Sla:
    return next((each.sla for each in organisation.departments if each.id == department), Sla())
