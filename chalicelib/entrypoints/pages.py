"""Serve the pages that show how it goes: trends, the ledger, recognition, one's own."""

import csv
import io
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from chalice import Blueprint, Response

from chalicelib.adapters.desk import answers as answers_layout
from chalicelib.adapters.desk import incidents as incidents_layout
from chalicelib.adapters.desk import ledger as ledger_layout
from chalicelib.adapters.desk import people as people_layout
from chalicelib.adapters.desk import sending as sending_layout
from chalicelib.adapters.desk import trends as trends_layout
from chalicelib.adapters.desk.screen import Answers
from chalicelib.adapters.remembered import RememberedCounters
from chalicelib.domain.event import EventRef
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.trend import Trend
from chalicelib.entrypoints.http import field_of, form_of, query
from chalicelib.entrypoints.visit import Visit, for_people, show
from chalicelib.errors import Forbidden, Invalid
from chalicelib.flows import burst, export, guard, ledger, own, report

bp = Blueprint(__name__)

CSV = {"Content-Type": "text/csv; charset=utf-8", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@bp.route("/trends", methods=["GET", "HEAD"])
@for_people(bp)
def trends_page(visit: Visit) -> Response:
    """Show how it goes, and how sure that is."""
    _reads_trends(visit)
    return show(trends_layout.trends_page(visit.desk, query(visit.request), _answers(visit)))


@bp.route("/trends.csv", methods=["GET", "HEAD"])
@for_people(bp)
def trends_file(visit: Visit) -> Response:
    """Give the trend as a file for a spreadsheet."""
    _reads_trends(visit)
    text = io.StringIO()
    csv.writer(text).writerows(trends_layout.csv_of(visit.desk, query(visit.request), _answers(visit)))
    return Response(text.getvalue(), headers={**CSV, "Content-Disposition": 'attachment; filename="trend.csv"'})


@bp.route("/answers", methods=["GET", "HEAD"])
@for_people(bp)
def answers_page(visit: Visit) -> Response:
    """Show the answers behind a point of the trends."""
    asked = {name: value for name, value in query(visit.request).items() if value and name != "lang"}
    try:
        found = export.look(visit.ports, {name: [value] for name, value in asked.items()}, visit.principal, visit.now)
    except Invalid as refusal:
        return show(answers_layout.refused_page(visit.desk, refusal.problems))
    return show(answers_layout.answers_page(visit.desk, asked, found))


def _reads_trends(visit: Visit) -> None:
    if visit.principal.role == "agent":
        raise Forbidden("trends are for departments and leadership")


def _answers(visit: Visit) -> Answers:
    """Return what may be asked on this visit's behalf, each counter read once and added up once."""
    ports = replace(visit.ports, counters=RememberedCounters(visit.ports.counters))
    shared: report.Periods = {}

    def trend(asked: Mapping[str, str]) -> Trend:
        told = {name: [value] for name, value in asked.items()}
        return report.trends(ports, told, visit.principal, visit.now, shared=shared)

    return Answers(
        trend=trend,
        targets=lambda first, end: report.targets(ports, visit.principal, first, end, visit.now),
        said=partial(report.said, ports),
        asking=partial(report.asking, ports),
        team=partial(report.consistency, ports),
    )


@bp.route("/ledger", methods=["GET", "HEAD"])
@for_people(bp)
def ledger_page(visit: Visit) -> Response:
    """Show what became of an event, or of a customer's last ones: asked, or not and why."""
    asked = {name: value for name, value in query(visit.request).items() if value and name != "lang"}
    if visit.principal.role == "agent":
        raise Forbidden("the ledger is for departments and leadership")
    try:
        return show(ledger_layout.ledger_page(visit.desk, asked, _decided(visit, asked) if asked else None))
    except Invalid as refusal:
        return show(ledger_layout.ledger_page(visit.desk, asked, None, refusal.problems))


def _decided(visit: Visit, asked: Mapping[str, str]) -> list[Invitation]:
    """Return the records that were asked for: a department's reader sees those that concern it."""
    wanted = report.read_ledger({name: [value] for name, value in asked.items()}, visit.principal)
    if isinstance(wanted, EventRef):
        found = ledger.of_event(visit.ports, wanted)
    else:
        found = ledger.of_customer(visit.ports, wanted)[1]
    mine = visit.principal.department if visit.principal.role == "department" else None
    return [each for each in found if mine is None or mine in each.departments]


@bp.route("/sending", methods=["GET", "HEAD"])
@for_people(bp)
def sending_page(visit: Visit) -> Response:
    """Show what came back, whether sending is paused, and where machines open links."""
    if visit.principal.role not in ("leadership", "admin"):
        raise Forbidden("how sending goes is for leadership")
    return show(sending_layout.sending_page(visit.desk, guard.look(visit.ports, visit.now)))


@bp.route("/sending", methods=["POST"], content_types=["application/x-www-form-urlencoded"])
@for_people(bp)
def resume_sending(visit: Visit) -> Response:
    """Let sending go on after too many mails had come back."""
    if visit.principal.role != "admin":
        raise Forbidden("an administrator lets sending go on")
    guard.resume(visit.ports, visit.now)
    return show(sending_layout.sending_page(visit.desk, guard.look(visit.ports, visit.now), done=True))


@bp.route("/incidents", methods=["GET", "HEAD"])
@for_people(bp)
def incidents_page(visit: Visit) -> Response:
    """Show what lets down many customers at once."""
    return _incidents(visit)


@bp.route("/incidents", methods=["POST"], content_types=["application/x-www-form-urlencoded"])
@for_people(bp)
def close_incident(visit: Visit) -> Response:
    """Close an incident, and let surveys go on."""
    burst.close(visit.ports, field_of(form_of(visit.request), "driver"), visit.principal, visit.now)
    return _incidents(visit, done=True)


def _incidents(visit: Visit, *, done: bool = False) -> Response:
    found = burst.look(visit.ports, visit.principal)
    rows = [(each.incident, each.cases, each.has_more, each.pauses) for each in found]
    return show(incidents_layout.incidents_page(visit.desk, rows, done=done))


@bp.route("/recognition", methods=["GET", "HEAD"])
@for_people(bp)
def recognition_page(visit: Visit) -> Response:
    """Show who did well."""
    _reads_trends(visit)
    return show(people_layout.recognition_page(visit.desk, _answers(visit).trend))


@bp.route("/me", methods=["GET", "HEAD"])
@for_people(bp)
def own_page(visit: Visit) -> Response:
    """Show somebody their own ratings beside their team's, and a head those of their people."""
    whose = own.subject(visit.ports, visit.principal, query(visit.request).get("person"))
    rows = [(each.metric, each.mine, each.team) for each in own.ratings(visit.ports, whose, visit.now)]
    goals, people = own.targets(visit.ports, whose, visit.now), own.people_of(visit.ports, visit.principal)
    praise = own.praise(visit.ports, whose, visit.now)
    return show(people_layout.own_page(visit.desk, rows, goals, whose=whose, people=people, praise=praise))
