"""Turn all pumps, one at a time, until nothing is left to do; sleep until something changes."""

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from infra.local.aws import EmbeddedAws
from infra.local.functions import log
from infra.local.pumps import Pump
from infra.local.timetable import Timetable

IDLE_SECONDS_MAX = 1.0
AFTER_ERROR_SECONDS = 1.0

Json = dict[str, Any]


class Dispatcher:
    """Runs every handler of the system, never two at once: so the same input gives the same run."""

    def __init__(
        self,
        aws: EmbeddedAws,
        pumps: list[Pump],
        timetable: Timetable,
        now: Callable[[], datetime],
        pause: Callable[[], None],
    ) -> None:
        self.aws = aws
        self.pumps = pumps
        self.timetable = timetable
        self.now = now
        self.lock = threading.RLock()
        self._pause = pause
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Work whenever there is something to do, in a thread of its own."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, daemon=True, name="dispatcher")
        self._thread.start()

    def stop(self) -> None:
        """Finish what waits, then work no more."""
        self._stopping.set()
        if self._thread:
            self.aws.ring()
            self._thread.join()
            self._thread = None
        self.run_until_quiet()

    def run_until_quiet(self) -> None:
        """Work until no queue has a message that can be handled and all streams are read."""
        with self.lock:
            while self._round(self.aws.pending()):
                pass

    def _round(self, pending: Json) -> bool:
        """Let each pump that is ready handle one batch; say whether any was."""
        ready = [pump for pump in self.pumps if pump.is_ready(pending)]
        for pump in ready:
            pump.step()
        self._pause()
        return bool(ready)

    def _run(self) -> None:
        seen = -1
        while not self._stopping.is_set():
            try:
                pending = self.aws.pending(seen, self._idle_seconds())
                seen = pending["changes"]
                with self.lock:
                    if self.timetable.fire_passed() or self._round(pending):
                        self.run_until_quiet()
            except Exception:
                log.exception("a round has failed")
                self._stopping.wait(AFTER_ERROR_SECONDS)

    def _idle_seconds(self) -> float:
        next_at = self.timetable.next_at()
        until_then = (next_at - self.now()).total_seconds() if next_at else IDLE_SECONDS_MAX
        return min(max(until_then, 0.001), IDLE_SECONDS_MAX)


class Beat:
    """Says when a given time has passed since the last beat."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._last = time.monotonic()

    def is_due(self) -> bool:
        """Return true once per period."""
        if time.monotonic() - self._last < self.seconds:
            return False
        self._last = time.monotonic()
        return True
