"""Write the description of the API (OpenAPI 3.1) from the models, tables and limits of the code that answers."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from chalicelib.domain.case import ALLOWED, MAY_SAY, NEEDS, TASK_STATES, Case, Entry
from chalicelib.domain.dayfile import ExportRow
from chalicelib.domain.event import CANCELLATIONS, CLOSINGS, EVENT_BYTES_MAX, FULFILMENT, SHAPES, EventRef
from chalicelib.domain.metric import METRICS
from chalicelib.domain.period import INTERVALS
from chalicelib.domain.rollup import DIMENSIONS
from chalicelib.domain.terms import NAME_MAX, TEXT_MAX
from chalicelib.domain.trend import YEARS_MAX, DriversAnswer, Trend
from chalicelib.entrypoints import cases, events, export, moves, openapi
from chalicelib.entrypoints.said import SaidBody
from chalicelib.entrypoints.session import SESSION
from chalicelib.flows.export import DAYS_DEFAULT, DAYS_MAX, FORMATS, ROWS_MAX
from chalicelib.flows.invite import BATCH_MAX
from chalicelib.flows.report import Ledger
from chalicelib.ports import Role

Json = dict[str, Any]

VERSION = "1"
ROLES: dict[Role, str] = {
    "agent": "own praise and page",
    "department": "the cases it leads or supports, and its own trends: closed periods, small cells hidden",
    "leadership": "all trends and all cases, reading; single answers",
    "admin": "everything",
}
EVERYBODY_BUT_AGENTS: tuple[Role, ...] = ("department", "leadership", "admin")
LEADING: tuple[Role, ...] = ("leadership", "admin")

JSON_TYPE = "application/json"
ID = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
DAY = {"type": "string", "format": "date"}


def description() -> Json:
    """Return the whole description."""
    paths, refusals = _paths(), _refusals()
    return {
        "openapi": "3.1.0",
        "info": {"title": "Lazo", "version": VERSION, "description": _introduction()},
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": _named(_schemas(), paths, refusals),
            "responses": refusals,
            "securitySchemes": _security(),
        },
    }


def _introduction() -> str:
    roles = "\n".join(f"- `{role}`: {may}" for role, may in ROLES.items())
    return (
        "Asks customers how it went, and mends what failed. Instants are UTC, days are local dates of the company's "
        f"zone. Whoever asks has a role:\n\n{roles}\n\nErrors are problem+json (RFC 9457) with a JSON pointer for each "
        "fault; another department's case is 404."
    )


def _paths() -> Json:
    return {
        "/events": {"post": _events()},
        "/api/v1/cases": {"get": _list_cases()},
        "/api/v1/cases/{id}": {"get": _get_case()},
        "/api/v1/cases/{id}/{move}": {"post": _move_case()},
        "/api/v1/responses": {"post": _record_response()},
        "/api/v1/trends": {"get": _trends()},
        "/api/v1/drivers": {"get": _drivers()},
        "/api/v1/ledger": {"get": _ledger()},
        export.PATH: {"get": _export()},
        openapi.PATH: {"get": _openapi()},
    }


# Operations


def _events() -> Json:
    types = ", ".join(f"`{name}`" for name in sorted(CLOSINGS | CANCELLATIONS | {FULFILMENT}))
    one, several = _ref("Event"), {"type": "array", "items": _ref("Event"), "minItems": 1, "maxItems": BATCH_MAX}
    content = {kind: _content(several if kind == events.BATCH else one) for kind in events.TYPES}
    return {
        "operationId": "events",
        "summary": "Tell what happened: a sale or ticket closed, was cancelled, a promise was fulfilled",
        "description": f"CloudEvents 1.0, of the types {types}, and those that the organisation has configured. An "
        f"event has at most {EVENT_BYTES_MAX:,} bytes, a request {events.BODY_BYTES_MAX:,}. `source` and `id` count "
        "once and for ever. Signed as Standard Webhooks describes, or with a sender's token where that is allowed.",
        "security": [{"webhookId": [], "webhookTimestamp": [], "webhookSignature": []}, {"sender": []}],
        "requestBody": {"required": True, "content": content},
        "responses": {
            "202": _answers("What was accepted, and will not be lost", _ref("Accepted")),
            **_refused(401, 413, 415, 422),
        },
    }


def _list_cases() -> Json:
    parameters = [
        _query("department", {"type": "string", "maxLength": NAME_MAX}, "Cases that this department leads"),
        _query("state", {"enum": list(cases.STATES)}, "All but the resolved ones unless said"),
        _query("limit", _number(cases.LIMIT_MAX, cases.LIMIT_DEFAULT), "Cases of a page"),
        _query("cursor", {"type": "string"}, "The `next` of the page before"),
    ]
    page = _object({"cases": {"type": "array", "items": _ref("Case")}, "next": {"type": ["string", "null"]}})
    return _operation(
        "listCases",
        "Cases by what is due first",
        EVERYBODY_BUT_AGENTS,
        {
            "200": _answers(f"A page of cases, each with the last {cases.LINES_MAX} lines of its timeline", page),
            **_refused(401, 403, 404, 422),
        },
        parameters=parameters,
    )


def _get_case() -> Json:
    answers = {"200": _case("The case with its timeline"), **_refused(401, 403, 404)}
    return _operation("getCase", "One case", EVERYBODY_BUT_AGENTS, answers, parameters=[_path("id", ID)])


def _move_case() -> Json:
    version = {"name": "If-Match", "in": "header", "required": True, "schema": {"type": "string"}, "example": '"3"'}
    version["description"] = "The version that the move was decided on; without it 428, after another move 409"
    possible = {**ALLOWED, "done": TASK_STATES}
    table = "\n".join(f"| `{verb}` | {', '.join(states)} | {_needs(verb)} |" for verb, states in possible.items())
    said: Json = {name: {"type": "string", "maxLength": TEXT_MAX} for name in moves.FIELDS}
    said["reached"] = {"enum": ["yes", "no"], "description": "Whether the customer could be spoken with"}
    examples = {verb: {"value": {name: f"… {name}" for name in NEEDS.get(verb, ())}} for verb in moves.VERBS}
    content = {JSON_TYPE: {**_content(_object(said, required=())), "examples": examples}}
    answers = {"200": _case("The case after the move"), **_refused(401, 403, 404, 409, 415, 422, 428)}
    return _operation(
        "moveCase",
        "Make a move",
        ("department", "admin"),
        answers,
        f"| move | possible while | must say |\n|---|---|---|\n{table}\n\n{HELPING}",
        parameters=[_path("id", ID), _path("move", {"enum": list(moves.VERBS)}), version],
        requestBody={"required": False, "content": content},
    )


HELPING = """A department that `supporting` names has a task on a case that another leads. It says `done`, once, which
changes no state; besides that it can `comment`, and all else is the lead's (403). Nobody else can say `done`."""


def _needs(verb: str) -> str:
    must = ", ".join(f"`{name}`" for name in NEEDS.get(verb, ())) or "nothing"
    may = ", ".join(f"`{name}`" for name in MAY_SAY.get(verb, ()))
    return f"{must}; may say {may}" if may else must


def _record_response() -> Json:
    recorded = {"invitation": {"type": "string"}, "rating": {"type": ["integer", "null"]}, "how": {"type": "string"}}
    return _operation(
        "recordResponse",
        "Record what a customer said, marked as such",
        ("department", "admin"),
        {"201": _answers("Recorded", _object(recorded)), **_refused(401, 403, 404, 409, 415, 422)},
        "Needs `invitation`, or `customer`, `program` and `reference`.",
        requestBody={"required": True, "content": {JSON_TYPE: _content(_ref("SaidBody"))}},
    )


def _trends() -> Json:
    formulas = "\n".join(f"- `{metric.name}`, in {metric.unit}. {metric.formula}" for metric in METRICS.values())
    return _operation(
        "trends",
        "How a metric has gone, with n and interval",
        EVERYBODY_BUT_AGENTS,
        {"200": _answers("A series for each value of `by`, or one with the key `all`", _ref("Trend")), **_asked()},
        formulas,
        parameters=[
            _query("metric", {"enum": list(METRICS)}, "What is measured", required=True),
            _query(
                "by", {"type": "string"}, f"{', '.join(DIMENSIONS)}, or an attribute that the organisation counts by"
            ),
            *_range(f"the last 12 months; at most {YEARS_MAX} years"),
            _query("interval", {"enum": list(INTERVALS), "default": "month"}, "Departments: week, month, quarter"),
            _FILTER,
        ],
    )


def _drivers() -> Json:
    answers = {"200": _answers("Shares that add up to R²", _ref("DriversAnswer")), **_asked()}
    parameters = [*_range(f"the last 12 months; at most {YEARS_MAX} years"), _FILTER]
    return _operation("drivers", "Which touchpoints drive the rating", LEADING, answers, parameters=parameters)


def _ledger() -> Json:
    name = {"type": "string", "maxLength": NAME_MAX}
    return _operation(
        "ledger",
        "What became of events: asked, or not and why",
        EVERYBODY_BUT_AGENTS,
        {"200": _answers("Events, the latest first", _ref("Ledger")), **_refused(401, 403, 404, 422)},
        "Exactly one of both is needed.",
        parameters=[
            _query("customer", name, "A customer's id, e-mail address or phone"),
            _query("event", {"type": "string"}, "An event, as source|id", example="/crm|ORD-10045"),
        ],
    )


def _export() -> Json:
    types = {kind.partition(";")[0]: {"schema": {"type": "string"}} for kind in export.TYPES.values()}
    types[export.TYPES["jsonl"].partition(";")[0]]["x-line-schema"] = _ref("ExportRow")
    link = {"description": 'The answers that follow, with rel="next"; absent at the end', "schema": {"type": "string"}}
    found = {
        "description": "One answer a line, in the order of their days",
        "content": types,
        "headers": {"Link": link},
    }
    return _operation(
        "export",
        "Confirmed answers, one by one",
        LEADING,
        {"200": found, **_asked()},
        "An answer stands under the day of its first confirmation, some minutes after it was given. Without `limit` "
        f"all answers of the days are returned, or 422 when there are more than {ROWS_MAX:,} or than 4 MB.",
        parameters=[
            *_range(f"the last {DAYS_DEFAULT} days; at most {DAYS_MAX:,}"),
            _query("format", {"enum": list(FORMATS), "default": FORMATS[0]}, "CSV (RFC 4180), or JSON lines"),
            _query("limit", _number(ROWS_MAX), "Answers of a page"),
            _query("cursor", {"type": "string"}, "Where a page begins: from the header Link of the one before"),
        ],
    )


def _openapi() -> Json:
    found = {"200": _answers("OpenAPI 3.1", {"type": "object"})}
    return {"operationId": "openapi", "summary": "This description", "security": [], "responses": found}


# Parts of operations

_FILTER: Json = {
    "name": "filter",
    "in": "query",
    "description": "dimension:value; its pair with `by` must be counted (trends.pairs in the organisation's file)",
    "schema": {"type": "string", "pattern": "^[^:]+:.+$"},
    "example": "department:logistics",
}


def _operation(id_: str, summary: str, roles: Sequence[Role], responses: Json, text: str = "", **more: Any) -> Json:
    who = f"For {', '.join(f'`{role}`' for role in roles)}."
    told = {"operationId": id_, "summary": summary, "description": f"{text}\n\n{who}".strip(), "x-roles": list(roles)}
    return {**told, **more, "responses": responses}


def _query(name: str, schema: Json, text: str, *, required: bool = False, **more: Any) -> Json:
    return {"name": name, "in": "query", "required": required, "description": text, "schema": schema, **more}


def _path(name: str, schema: Json) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _range(default: str) -> list[Json]:
    return [
        _query("from", DAY, f"First local day; by default {default}", example="2026-03-01"),
        _query("to", DAY, "The day after the last one", example="2026-04-01"),
    ]


def _number(most: int, default: int | None = None) -> Json:
    return {"type": "integer", "minimum": 1, "maximum": most} | ({"default": default} if default else {})


def _object(properties: Json, *, required: Sequence[str] | None = None) -> Json:
    named = list(properties) if required is None else list(required)
    return {"type": "object", "properties": properties, "required": named, "additionalProperties": False}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _content(schema: Json) -> Json:
    return {"schema": schema}


def _answers(text: str, schema: Json) -> Json:
    return {"description": text, "content": {JSON_TYPE: _content(schema)}}


def _case(text: str) -> Json:
    etag = {"description": "The version, for If-Match", "required": True, "schema": {"type": "string"}}
    return {**_answers(text, _ref("Case")), "headers": {"ETag": etag}}


def _asked() -> Json:
    return _refused(401, 403, 422)


def _refused(*statuses: int) -> Json:
    return {str(status): {"$ref": f"#/components/responses/{status}"} for status in statuses}


_WHY = {
    401: "Nobody vouches for the request: no token, signature or session, or a wrong one",
    403: "Not for this role",
    404: "There is none, or not for this reader",
    409: "Somebody else was faster; a case is told as it is now",
    413: "Too large",
    422: "What is wrong with what was given, and what is allowed",
    428: "A move needs If-Match",
}


def _refusals() -> Json:
    problems = {
        str(status): {"description": why, "content": {"application/problem+json": _content(_ref("Problem"))}}
        for status, why in _WHY.items()
    }
    media = _object({"Code": {"type": "string"}, "Message": {"type": "string"}})
    return {**problems, "415": _answers("Not a media type that is taken", media)}


def _security() -> Json:
    header = {"type": "apiKey", "in": "header"}
    return {
        "bearer": {"type": "http", "scheme": "bearer", "description": "A token of the API"},
        "session": {"type": "apiKey", "in": "cookie", "name": SESSION, "description": "A signed-in browser"},
        "sender": {"type": "http", "scheme": "bearer", "description": "A sender's token"},
        "webhookId": {**header, "name": "webhook-id"},
        "webhookTimestamp": {**header, "name": "webhook-timestamp"},
        "webhookSignature": {**header, "name": "webhook-signature", "description": "v1, and base64 of HMAC-SHA256"},
    }


# Schemas


def _schemas() -> Json:
    answered = _models([Trend, DriversAnswer, Ledger, Case, Entry, ExportRow, EventRef], "serialization")
    given = _models([SaidBody, *SHAPES.values()], "validation")
    whole = answered.pop("Case")
    return {
        **given,
        **answered,
        "Case": _shown_case(whole["properties"]),
        "Event": _event(),
        "Accepted": _accepted(),
        "Problem": _problem(),
    }


def _named(schemas: Json, *where: Json) -> Json:
    """Return those of the schemas that are named somewhere, or in one that is."""
    wanted: set[str] = set()
    texts = [json.dumps(each) for each in where]
    while new := {name for text in texts for name in _REFERENCE.findall(text)} - wanted:
        wanted |= new
        texts = [json.dumps(schemas[name]) for name in new]
    return {name: schemas[name] for name in sorted(wanted)}


_REFERENCE = re.compile(r"#/components/schemas/(\w+)")


def _models(models: Sequence[type[BaseModel]], mode: Any) -> Json:
    _, found = models_json_schema([(model, mode) for model in models], ref_template="#/components/schemas/{model}")
    # What is private to a module begins with an underscore there; here everything is public.
    public: Json = json.loads(json.dumps(found["$defs"]).replace("schemas/_", "schemas/"))
    return {name.removeprefix("_"): schema for name, schema in public.items()}


_STORED = (
    "id", "version", "state", "department", "origin_department", "supporting", "tasks", "reference", "opened_at",
    "acknowledge_by", "resolve_by", "resolved_at", "handoffs", "returns", "reopenings", "why", "metric", "rating",
    "root_cause", "action", "mended",
)  # fmt: skip
"""What a case shows as it is stored; the rest is computed when it is shown."""


def _shown_case(stored: Mapping[str, Json]) -> Json:
    seconds, text = {"type": "number", "minimum": 0}, {"type": ["string", "null"]}
    reached = _object({"acknowledge": {"type": "boolean"}, "resolve": {"type": "boolean"}})
    fields = {
        **{name: stored[name] for name in _STORED},
        "breached": reached,
        "customer_clock_seconds": seconds,
        "department_clock_seconds": {"type": "object", "additionalProperties": seconds},
        "verbatim": {"type": "string"},
        "customer": _object(
            dict.fromkeys(("id", "name", "email", "phone", "language"), text)
            | {"do_not_call": {"type": ["boolean", "null"]}}
        ),
    }
    shown = _object({**fields, "timeline": {"type": "array", "items": _ref("Entry")}})
    return {**shown, "description": "The follow-up of one low rating. Clocks are elapsed seconds, around the clock."}


def _event() -> Json:
    data = {"anyOf": [_ref(model.__name__.removeprefix("_")) for kind, model in SHAPES.items() if kind != "envelope"]}
    types = sorted(CLOSINGS | CANCELLATIONS | {FULFILMENT})
    envelope: Json = SHAPES["envelope"].model_json_schema()["properties"]
    return {
        "type": "object",
        "description": "A CloudEvent. Unknown extension attributes are ignored.",
        "properties": {**envelope, "type": {"type": "string", "examples": types}, "data": data},
        "required": list(envelope),
    }


def _accepted() -> Json:
    fault = {"type": "object", "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}}}
    rejected = _object({"index": {"type": "integer"}, "errors": {"type": "array", "items": fault}})
    several = {"accepted": _ref("EventRef"), "rejected": rejected}
    return _object({name: {"type": "array", "items": items} for name, items in several.items()})


def _problem() -> Json:
    texts = {name: {"type": "string"} for name in ("pointer", "detail")}
    return {
        "type": "object",
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "errors": {"type": "array", "items": _object(texts)},
        },
        "required": ["type", "title", "status", "errors"],
    }
