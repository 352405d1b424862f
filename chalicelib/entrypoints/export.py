"""Give out answers as a file: for a spreadsheet, or a line of JSON each."""

from urllib.parse import urlencode

from chalice import Blueprint, Response

from chalicelib.adapters.spreadsheet import columns_of, csv_of
from chalicelib.entrypoints.visit import Visit, for_programs
from chalicelib.flows.export import Exported, export

bp = Blueprint(__name__)

PATH = "/api/v1/export"
TYPES = {"csv": "text/csv; charset=utf-8; header=present", "jsonl": "application/jsonl; charset=utf-8"}


@bp.route(PATH, methods=["GET"])
@for_programs(bp)
def export_answers(visit: Visit) -> Response:
    """Answer with the confirmed answers of some days; the header Link leads to those that follow."""
    given = visit.request.query_params
    asked = {name: given.getlist(name) for name in given} if given else {}
    found = export(visit.ports, asked, visit.principal, visit.now)
    return Response(_body(visit, found), headers=_headers(found), status_code=200)


def _body(visit: Visit, found: Exported) -> str:
    if found.wanted.format == "csv":
        return csv_of(found.rows, columns_of(visit.organisation))
    return "".join(f"{row.model_dump_json()}\n" for row in found.rows)


def _headers(found: Exported) -> dict[str, str | list[str]]:
    wanted = found.wanted
    name = f"answers-{wanted.first}-{wanted.end}.{wanted.format}"
    headers: dict[str, str | list[str]] = {
        "Content-Type": TYPES[wanted.format],
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    if found.next:
        asked = {"from": wanted.first, "to": wanted.end, "format": wanted.format, "limit": wanted.limit}
        headers["Link"] = f'<{PATH}?{urlencode({**asked, "cursor": found.next})}>; rel="next"'
    return headers
