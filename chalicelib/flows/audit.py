"""Say how late the system is: what nobody has handled although it is due, however it came to that."""

from datetime import datetime, timedelta

from chalicelib.ports import Ports


def overdue(ports: Ports, now: datetime) -> timedelta:
    """Return for how long what is due first has been due; nothing when nothing is.

    Looks by itself, and not at what the sweep has found: an auditor who asks the sweep would believe it.
    """
    first = ports.timers.next_at(now)
    return now - first if first else timedelta(0)
