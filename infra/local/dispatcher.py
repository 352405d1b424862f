"""Turn all pumps, one at a time, until nothing is left to do; sleep until something changes."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from infra.local.aws import EmbeddedAws
from infra.local.functions import log
from infra.local.pumps import Pump
from infra.local.timetable import Timetable

IDLE_SECONDS_MAX = 1.0
AFTER_ERROR_SECONDS = 1.0
YIELD_SECONDS = 0.0005
LOOK_AT_ONCE = -1

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
        self._lock = threading.RLock()
        self._waiting: list[int] = []  # threads; a list, since its methods are atomic
        self._pause = pause
        self._stopping = threading.Event()
        self._seen = LOOK_AT_ONCE
        self._thread: threading.Thread | None = None

    def start(self, first: Callable[[], None] | None = None) -> None:
        """Work whenever there is something to do, in a thread of its own, which begins with `first`."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, args=(first,), daemon=True, name="dispatcher")
        self._thread.start()

    def stop(self) -> None:
        """Finish what waits, then work no more."""
        self._stopping.set()
        if self._thread:
            self.aws.ring()
            self._thread.join()
            self._thread = None
        self.run_until_quiet()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Have the pumps to oneself, as soon as the present round is over."""
        me = threading.get_ident()
        self._waiting.append(me)
        with self._lock:
            self._waiting.remove(me)
            yield

    def run_until_quiet(self) -> None:
        """Work until no queue has a message that can be handled and all streams are read."""
        with self.held():
            while self._round(self.aws.pending()):
                pass

    def _round(self, pending: Json) -> bool:
        """Let each pump that is ready handle one batch; say whether any was."""
        ready = [pump for pump in self.pumps if pump.is_ready(pending)]
        for pump in ready:
            pump.step()
        self._pause()
        return bool(ready)

    def _run(self, first: Callable[[], None] | None) -> None:
        if first:
            self._guard(first)
        self._seen = LOOK_AT_ONCE
        while not self._stopping.is_set():
            self._guard(self._work_or_wait)

    def _work_or_wait(self) -> None:
        pending = self.aws.pending(self._seen, self._idle_seconds())
        while self._waiting:
            time.sleep(YIELD_SECONDS)  # a lock that is taken again at once would never pass on
        with self._lock:
            has_worked = self.timetable.fire_passed() or self._round(pending)
        self._seen = LOOK_AT_ONCE if has_worked else pending["changes"]

    def _guard(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:
            log.exception("a round has failed")
            self._stopping.wait(AFTER_ERROR_SECONDS)

    def _idle_seconds(self) -> float:
        next_at = self.timetable.next_at()
        until_then = (next_at - self.now()).total_seconds() if next_at else IDLE_SECONDS_MAX
        return min(max(until_then, 0.001), IDLE_SECONDS_MAX)
