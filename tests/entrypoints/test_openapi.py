"""The API answers as its description says, whatever it is asked; and the description leaves out nothing of it."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
import schemathesis
from chalice import Chalice
from chalice.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi import checks

from chalicelib import runtime
from chalicelib.domain.case import ALLOWED
from chalicelib.domain.dayfile import ExportRow
from chalicelib.domain.metric import METRICS
from chalicelib.entrypoints import openapi
from chalicelib.entrypoints.described import ROLES
from chalicelib.flows import file, project
from tests.staffed import TOKENS, busy, company, install, staff_app, uninstall
from tests.world import World

EXAMPLES = 8
EXAMPLES_OF_EVENTS = 3  # large to make up
METHODS = ("get", "post", "put", "patch", "delete")
Operation = tuple[str, str]
Environ = dict[str, Any]


@pytest.fixture(scope="module")
def app() -> Chalice:
    """The whole app."""
    return staff_app()


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """A busy company with cases, counters and day files, whose senders need not sign."""
    made = busy()
    made.publish(company(unsigned_senders=True))
    project.project(made.ports, made.memory.changes, "shard", made.now)
    file.tell(made.ports, made.memory.changes)
    file.write(made.ports, made.memory.handed_over)
    install(made, "https://lazo.example")
    yield made
    uninstall()


def wsgi(app: Chalice) -> Callable[[Environ, Callable[..., Any]], Iterable[bytes]]:
    """Return the app as schemathesis calls it."""

    def answer(environ: Environ, start: Callable[..., Any]) -> Iterable[bytes]:
        query = environ.get("QUERY_STRING", "")
        path = environ["REQUEST_URI"].partition("?")[0] + (f"?{query}" if query else "")
        headers = {name[5:].replace("_", "-").title(): text for name, text in environ.items() if name[:5] == "HTTP_"}
        if environ.get("CONTENT_TYPE"):
            headers["Content-Type"] = environ["CONTENT_TYPE"]
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        with Client(app) as client:
            got = client.http.request(environ["REQUEST_METHOD"], path, headers=headers, body=body)
        start(f"{got.status_code} -", [(name, str(text)) for name, text in got.headers.items()])
        return [got.body]

    return answer


def described() -> list[Operation]:
    paths = openapi.description()["paths"]
    return [(path, method) for path, item in paths.items() for method in item if method in METHODS]


def asked(mode: GenerationMode) -> list[Operation]:
    """Return the operations that can be asked so: what takes nothing cannot be asked wrongly."""
    return [each for each in described() if mode == GenerationMode.POSITIVE or each[0] != openapi.PATH]


def auth_for(path: str) -> dict[str, str]:
    token = runtime.secrets().events_tokens()[0] if path == "/events" else "admin"
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(("path", "method", "mode"), [(*each, mode) for mode in GenerationMode for each in asked(mode)])
def test_every_answer_is_as_described_and_none_is_a_failure(
    app: Chalice, world: World, path: str, method: str, mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_wsgi(openapi.PATH, wsgi(app))
    operation = schema[path][method.upper()]

    @settings(
        max_examples=EXAMPLES_OF_EVENTS if path == "/events" else EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: Case[Any]) -> None:
        response = case.call(headers=auth_for(path))
        case.validate_response(response, checks=CHECKS)

    check()


CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]


def call(app: Chalice, method: str, path: str, who: str = "", body: Any = None, **headers: str) -> tuple[int, str]:
    sent = {"Content-Type": "application/json", **headers} | ({"Authorization": f"Bearer {who}"} if who else {})
    with Client(app) as client:
        got = client.http.request(method.upper(), path, headers=sent, body=json.dumps(body or {}).encode())
    return got.status_code, got.body.decode()


def real(path: str, world: World) -> str:
    """Return a path with the names of things that exist."""
    case = next(each for each in world.memory.cases.values() if each.state == "open")
    asked = {"trends": "?metric=nps", "ledger": "?customer=c-0"}
    named = path.replace("{id}", case.id).replace("{move}", "comment")
    return named + asked.get(path.rsplit("/", 1)[-1], "")


def test_what_exists_is_answered_as_described(app: Chalice, world: World) -> None:
    schema = schemathesis.openapi.from_wsgi(openapi.PATH, wsgi(app))
    id_ = next(each.id for each in world.memory.cases.values() if each.state == "open")
    asked_for = {"trends": {"metric": "nps"}, "ledger": {"customer": "c-0"}, "export": {"format": "jsonl"}}
    for path in (path for path, method in described() if method == "get"):
        query = asked_for.get(path.rsplit("/", 1)[-1], {})
        case = schema[path]["GET"].Case(path_parameters={"id": id_} if "{id}" in path else {}, query=query)
        response = case.call(headers=auth_for(path))
        assert response.status_code == 200, path
        case.validate_response(response, checks=CHECKS)


def test_every_line_of_an_export_is_as_described(app: Chalice, world: World) -> None:
    answers = openapi.description()["paths"]["/api/v1/export"]["get"]["responses"]["200"]["content"]
    assert answers["application/jsonl"]["x-line-schema"] == {"$ref": "#/components/schemas/ExportRow"}
    _, text = call(app, "GET", "/api/v1/export?format=jsonl", "carla")
    assert [ExportRow.model_validate_json(each).rating for each in text.splitlines()] == [2, 4, 6, 1, 3, 0]


def test_every_route_of_the_api_is_described_and_nothing_else(app: Chalice) -> None:
    routes = {
        (path, method.lower())
        for path, methods in app.routes.items()
        for method in methods
        if path.startswith(("/api/v1", "/events"))
    }
    assert set(described()) == routes


def test_roles_are_who_may_call_it(app: Chalice, world: World) -> None:
    paths = openapi.description()["paths"]
    by_role = {TOKENS[token].role: token for token in ("bruno", "carla", "admin", "marta")}
    assert set(by_role) == set(ROLES)
    for path, method in described():
        roles = paths[path][method].get("x-roles")
        for role, token in by_role.items() if roles else ():
            status, _ = call(app, method, real(path, world), token, **{"If-Match": "99"})
            assert (status == 403) == (role not in roles), (path, method, role, status)


@pytest.mark.parametrize(("path", "method"), described())
def test_a_stranger_is_told_nothing_but_the_description(app: Chalice, world: World, path: str, method: str) -> None:
    status, _ = call(app, method, real(path, world))
    assert status == (200 if path == openapi.PATH else 401)


def test_the_description_names_every_metric_with_its_formula_and_every_move_with_its_states() -> None:
    whole = openapi.description()
    told = whole["paths"]["/api/v1/trends"]["get"]
    assert all(metric.formula in told["description"] for metric in METRICS.values())
    assert told["parameters"][0]["schema"]["enum"] == list(METRICS)
    moves = whole["paths"]["/api/v1/cases/{id}/{move}"]["post"]["description"]
    assert all(f"| `{verb}` | {', '.join(states)} |" in moves for verb, states in ALLOWED.items())


def test_whoever_asks_may_keep_the_description_for_five_minutes(app: Chalice) -> None:
    with Client(app) as client:
        got = client.http.get(openapi.PATH)
    assert got.headers["Cache-Control"] == "public, max-age=300"
    assert json.loads(got.body)["openapi"] == "3.1.0"
