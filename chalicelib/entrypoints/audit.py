"""Look after the others: a schedule of its own, a role of its own, a heartbeat of its own."""

from chalice import Blueprint, Rate
from chalice.app import CloudWatchEvent

from chalicelib import runtime
from chalicelib.entrypoints import journal
from chalicelib.flows.audit import overdue

bp = Blueprint(__name__)


@bp.schedule(Rate(5, unit=Rate.MINUTES), name="audit")
def audit(event: CloudWatchEvent) -> dict[str, float]:
    """Measure how long what is due first has waited."""
    now = runtime.now()
    waited = overdue(runtime.ports(), now).total_seconds()
    journal.measure("audit", runtime.settings().stage, now, {"Audits": 1, "OverdueSeconds": waited})
    return {"overdue_seconds": waited}
