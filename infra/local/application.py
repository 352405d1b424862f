"""Say what the local system must know of the application that it runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from chalice.app import Chalice

if TYPE_CHECKING:
    from infra.local.system import LocalSystem


Send = Callable[[str, Mapping[str, str], bytes], None]
"""Takes what would be posted to an address outside: the URL, the headers, the body."""


def _nothing(system: "LocalSystem") -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Application:
    """An application and its hooks; `load` is called when its environment is set, and not before."""

    overlay: Path
    load: Callable[[], Chalice]
    use_clock: Callable[[Callable[[], datetime]], None]
    due_index: tuple[str, str]
    """The table (by its logical id) and the sparse index whose sort key says when things fall due."""
    event_prefixes: tuple[str, ...]
    """How the keys of items begin that are there only once an event has been accepted."""
    timers: str = ""
    """How the partitions of shared timers begin, whose sort keys begin with when they are due; none without."""
    use_transport: Callable[[Send], None] = lambda send: None
    """Let posts to webhooks go there instead of leaving the machine."""
    prepare: Callable[["LocalSystem"], None] = _nothing
    """Publish what the system needs; called at each start, before anything is served."""
    reconcile: Callable[["LocalSystem"], None] = _nothing
    """Check the counters; called after a start that follows an unclean stop."""
    forget: Callable[[], None] = lambda: None
    """Drop what the process has cached of the table; called when the state goes back to a mark."""
    demonstrate: Callable[["LocalSystem"], None] = _nothing
    """Fill an empty system with a company's year; called once it serves, when DEMO=1 asks for it."""
    sign_ins: Callable[["LocalSystem"], dict[str, str]] = lambda system: {}
    """Tokens that open a session at /sign-in, by the name of who they are for: for the local page."""
    links: Callable[[], list[tuple[str, str]]] = list
    """Pages to open, as (title, path), for the local page and the console."""
