"""Read each counter once for one page, however many of its figures come from it."""

from functools import cache
from typing import Any

from chalicelib.ports import Counters


class RememberedCounters:
    """Counters as they were when this was made: for one request, never longer."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters.glance()
        self.series = cache(self._counters.series)
        self.values = cache(self._counters.values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._counters, name)
