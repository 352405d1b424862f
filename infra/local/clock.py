"""Keep the one clock of the system: real time and an offset, which a move changes."""

import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta


@dataclass
class Clock:
    """Runs at real speed between moves. May be read from any thread."""

    offset: timedelta = timedelta(0)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def now(self) -> datetime:
        """Return the system's present instant, aware, in UTC."""
        return datetime.fromtimestamp(time.time(), UTC) + self.offset

    def move_to(self, at: datetime) -> None:
        """Set the clock; it runs on from there."""
        with self._lock:
            self.offset += at - self.now()

    def move_on_to(self, at: datetime) -> None:
        """Set the clock forward; an instant that has passed while others were handled changes nothing."""
        if at > self.now():
            self.move_to(at)
