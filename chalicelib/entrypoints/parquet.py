"""Write what has changed as Parquet every night: a function of its own, the only one that has PyArrow."""

from typing import Any

from chalice import Blueprint, Cron
from chalice.app import CloudWatchEvent

from chalicelib import runtime
from chalicelib.entrypoints import journal
from chalicelib.flows.merge import merge

bp = Blueprint(__name__)

SPARE_MILLISECONDS = 30_000
"""What one day may take at most, and the notes that go at the end."""


@bp.schedule(Cron(17, 8, "*", "*", "?", "*"), name="parquet")
def parquet(event: CloudWatchEvent) -> dict[str, int]:
    """Merge the days that have changed. What is left when the time is over waits for the next night."""
    context: Any = event.context
    merged = merge(runtime.ports(), lambda: context.get_remaining_time_in_millis() > SPARE_MILLISECONDS)
    told = {"files": merged.files, "lines": merged.lines, "left": merged.left, "failed": len(merged.failed)}
    journal.tell("parquet", "failed" if merged.failed else "done", facts=told)
    if merged.failed:
        raise RuntimeError(f"{len(merged.failed)} days could not be merged, {merged.failed[0]} first")
    return told
