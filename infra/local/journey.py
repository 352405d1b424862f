"""Move the clock, stopping wherever something falls due on the way."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from infra.local.aws import EmbeddedAws
from infra.local.clock import Clock
from infra.local.dispatcher import Dispatcher
from infra.local.keeper import Gate

STALLED_ROUNDS_MAX = 50
EXPIRE_EVERY = timedelta(days=1)


class BackwardsMove(Exception):
    """Time cannot be taken back from events that have been accepted."""


class Stalled(Exception):
    """Something that is due is not handled, so that the clock cannot go on."""

    def __init__(self, due_at: datetime) -> None:
        super().__init__(f"What fell due at {due_at.isoformat()} is not handled by the sweep.")


@dataclass
class Journey:
    """Every move of the clock goes through here."""

    clock: Clock
    dispatcher: Dispatcher
    gate: Gate
    aws: EmbeddedAws
    next_due: Callable[[datetime], datetime | None]
    has_events: Callable[[], bool]
    expired_at: datetime | None = None

    def move_to(self, target: datetime) -> None:
        """Handle all that falls due until `target`, each at its own instant and in order; end there.

        Requests wait meanwhile: nobody acts at an instant that the clock only passes.
        """
        with self.dispatcher.held(), self.gate.closed():
            if target < self.clock.now():
                self._move_back(target)
            else:
                self._move_on(target)
            self._expire()

    def settle(self) -> None:
        """Handle all that is due now."""
        with self.dispatcher.held(), self.gate.closed():
            self.dispatcher.run_until_quiet()
            self._handle_due(self.clock.now())

    def _move_back(self, target: datetime) -> None:
        if self.has_events():
            raise BackwardsMove
        self.clock.move_to(target)
        self.dispatcher.timetable.restart()
        self.dispatcher.run_until_quiet()

    def _move_on(self, target: datetime) -> None:
        self.dispatcher.run_until_quiet()
        self._handle_due(target)
        self.clock.move_on_to(target)
        self.dispatcher.timetable.skip_sweeps()
        if self.dispatcher.timetable.fire_passed():
            self.dispatcher.run_until_quiet()

    def _handle_due(self, until: datetime) -> None:
        last, rounds = None, 0
        while stop := self._next_stop(until):
            rounds = rounds + 1 if stop == last else 0
            last = stop
            if rounds >= STALLED_ROUNDS_MAX:
                raise Stalled(stop)
            self.clock.move_on_to(stop)
            self.dispatcher.timetable.sweep()
            self.dispatcher.run_until_quiet()

    def _next_stop(self, until: datetime) -> datetime | None:
        stops = (self.next_due(until), self.dispatcher.timetable.next_stop(until))
        return min((stop for stop in stops if stop and stop <= until), default=None)

    def _expire(self) -> None:
        now = self.clock.now()
        if self.expired_at is None or abs(now - self.expired_at) >= EXPIRE_EVERY:
            self.expired_at = now
            if self.aws.expire(now.timestamp()):
                self.dispatcher.run_until_quiet()
