"""Keep the whole system's state: one image of a moment at which no handler runs.

Table, queues, unread streams and secrets are in the image itself, and beside them the length of the mailbox, the
clock, the schedules and the readers' positions. After a kill all of them go back to the same moment: the mailbox is cut
to its length then, so that no message is in it that the table knows nothing of.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from infra.local.aws import EmbeddedAws

IMAGE_EVERY_SECONDS = 5.0
PATIENCE_SECONDS = 2.0

Json = dict[str, Any]


class Gate:
    """Lets requests through, any number at a time, and can be closed, also by several at once, when none is inside."""

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._inside = 0
        self._closers = 0

    @contextlib.contextmanager
    def passed(self) -> Iterator[None]:
        """Be inside, waiting for the gate to open."""
        with self._free:
            self._free.wait_for(lambda: not self._closers)
            self._inside += 1
        try:
            yield
        finally:
            with self._free:
                self._inside -= 1
                self._free.notify_all()

    @contextlib.contextmanager
    def closed(self) -> Iterator[None]:
        """Keep the gate closed, with nobody inside unless somebody stays longer than our patience."""
        with self._free:
            self._closers += 1
            self._free.wait_for(lambda: not self._inside, PATIENCE_SECONDS)
        try:
            yield
        finally:
            with self._free:
                self._closers -= 1
                self._free.notify_all()


@dataclass
class Keeper:
    """Takes images; `companion` returns what belongs beside them, `floors` how far each stream has been read."""

    aws: EmbeddedAws
    gate: Gate
    companion: Callable[[], Json]
    floors: Callable[[], dict[str, int]]
    every_seconds: float = IMAGE_EVERY_SECONDS
    _taken_at: float = field(default_factory=time.monotonic)
    _taken_of: Any = None

    def keep(self) -> None:
        """Take an image if the last is old and something has changed; called between two handlers."""
        if time.monotonic() - self._taken_at < self.every_seconds:
            return
        self._taken_at = time.monotonic()
        present = (self.aws.pending()["changes"], self.companion())
        if present != self._taken_of:
            self._taken_of = present
            self.take(is_clean=False, wait=False)

    def take(self, *, is_clean: bool, wait: bool) -> None:
        """Take an image now. A clean one says that nothing was left to do."""
        with self.gate.closed():
            self.aws.take_image({**self.companion(), "is_clean": is_clean}, self.floors(), wait=wait)
