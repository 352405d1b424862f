"""Answer the API's questions: trends, drivers, and what became of an event."""

from chalice import Blueprint, Response
from chalice.app import Request

from chalicelib.domain.event import EventRef
from chalicelib.entrypoints.http import answer
from chalicelib.entrypoints.visit import Visit, for_programs
from chalicelib.flows import ledger, report

bp = Blueprint(__name__)


@bp.route("/api/v1/trends", methods=["GET"])
@for_programs(bp)
def trends(visit: Visit) -> Response:
    """Answer how a metric has gone, with n and interval."""
    found = report.trends(visit.ports, _asked(visit.request), visit.principal, visit.now)
    return answer(found.model_dump(mode="json"))


@bp.route("/api/v1/drivers", methods=["GET"])
@for_programs(bp)
def drivers(visit: Visit) -> Response:
    """Answer which touchpoints drive the rating."""
    found = report.drivers(visit.ports, _asked(visit.request), visit.principal, visit.now)
    return answer(found.model_dump(mode="json"))


@bp.route("/api/v1/ledger", methods=["GET"])
@for_programs(bp)
def decisions(visit: Visit) -> Response:
    """Answer what became of an event, or of a customer's last ones: asked, or not and why."""
    wanted = report.read_ledger(_asked(visit.request), visit.principal)
    if isinstance(wanted, EventRef):
        found = ledger.of_event(visit.ports, wanted)
    else:
        found = ledger.of_customer(visit.ports, wanted)[1]
    return answer(report.ledger(found, visit.principal).model_dump(mode="json"))


def _asked(request: Request) -> report.Asked:
    """Return the query parameters with all their values: what is given twice is refused, not guessed."""
    given = request.query_params
    return {name: given.getlist(name) for name in given} if given else {}
