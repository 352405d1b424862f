"""Keep the app's schedules on the system's clock."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.local.aws import REGION
from infra.local.functions import Function, log
from infra.local.schedules import Schedule

# What a jump of the clock does with a schedule depends on how often it fires:
SWEEP_PERIOD_MAX = timedelta(minutes=1)  # these look for what is due; fired wherever something is due
SKIPPABLE_PERIOD_MAX = timedelta(hours=1)  # below, one fire stands for all that a jump has passed

Json = dict[str, Any]


@dataclass
class Timed:
    """One schedule with its next fire."""

    function: Function
    schedule: Schedule
    next_at: datetime | None

    @property
    def is_sweep(self) -> bool:
        """Whether it fires at every stop of a jump."""
        return self.schedule.period is not None and self.schedule.period <= SWEEP_PERIOD_MAX

    @property
    def is_skippable(self) -> bool:
        """Whether a jump may pass fires of it."""
        return self.schedule.period is not None and self.schedule.period < SKIPPABLE_PERIOD_MAX

    def fire(self, now: datetime) -> None:
        """Call the function as EventBridge does; what it raises is logged, and the next fire comes all the same."""
        at = self.next_at if self.next_at and self.next_at <= now else now
        self.next_at = self.schedule.after(now if self.is_skippable else at)
        event = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": "000000000000",
            "time": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": REGION,
            "resources": [f"arn:aws:events:{REGION}:000000000000:rule/{self.function.name}"],
            "detail": {},
        }
        try:
            self.function.invoke(event)
        except Exception:
            log.exception("%s has failed", self.function.name)


class Timetable:
    """All schedules of the app."""

    def __init__(self, schedules: list[tuple[Function, Schedule]], now: Callable[[], datetime]) -> None:
        self.now = now
        self.entries = [Timed(function, schedule, schedule.after(now())) for function, schedule in schedules]

    def restart(self) -> None:
        """Count from the present instant: the clock has been set back."""
        for entry in self.entries:
            entry.next_at = entry.schedule.after(self.now())

    def fire_passed(self) -> bool:
        """Fire once what has fallen due; say whether anything has."""
        now = self.now()
        passed = [entry for entry in self.entries if entry.next_at and entry.next_at <= now]
        for entry in passed:
            entry.fire(now)
        return bool(passed)

    def sweep(self) -> None:
        """Fire the sweeps, and what else has fallen due."""
        now = self.now()
        for entry in self.entries:
            if entry.is_sweep or (entry.next_at and entry.next_at <= now):
                entry.fire(now)

    def skip_sweeps(self) -> None:
        """Leave out the sweeps that a jump has passed: what they would have found has been handled on the way."""
        now = self.now()
        for entry in self.entries:
            if entry.is_sweep and entry.next_at and entry.next_at <= now:
                entry.next_at = entry.schedule.after(now)

    def next_at(self) -> datetime | None:
        """Return the next fire of any schedule."""
        return min((entry.next_at for entry in self.entries if entry.next_at), default=None)

    def next_stop(self, until: datetime) -> datetime | None:
        """Return the first fire up to `until` that a jump must not pass."""
        stops = [entry.next_at for entry in self.entries if entry.next_at and not entry.is_skippable]
        return min((stop for stop in stops if stop <= until), default=None)

    def save(self) -> Json:
        """Return the next fires, to keep."""
        return {entry.function.name: entry.next_at.isoformat() for entry in self.entries if entry.next_at}

    def load(self, saved: Json) -> None:
        """Take kept fires back; schedules that are new begin now."""
        for entry in self.entries:
            if entry.function.name in saved:
                entry.next_at = datetime.fromisoformat(saved[entry.function.name])
