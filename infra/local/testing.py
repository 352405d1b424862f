"""Give tests the whole system: started once, gone back to its beginning for each."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local.application import Application
from infra.local.system import LocalSystem


@contextmanager
def running(application: Application, *, is_awake: bool = False) -> Iterator[LocalSystem]:
    """Yield a running system whose state is in memory; its beginning is marked, for `rewind`.

    By default its handlers run only when the test calls `settle` or moves the clock, so that each run is the same.
    """
    with tempfile.TemporaryDirectory(prefix="lazo-") as state:
        system = LocalSystem.start(application, Path(state), is_kept=False, is_awake=is_awake)
        try:
            system.mark()
            yield system
        finally:
            system.stop()
