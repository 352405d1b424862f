"""Walk every route as everybody: each answers as its reader may be answered, and nobody reaches another's case."""

import json
from urllib.parse import quote

import pytest

from chalicelib.entrypoints.session import SESSION
from chalicelib.ports import Principal
from tests.entrypoints.desk import Answer, Desk
from tests.staffed import staff_app

OWN, FOREIGN = "ORD-10070", "ORD-10083"  # of dispatch, of billing
SAID = {"answers": {"rating": 3}, "how": "phone"}

# Route, then the status for: nobody, Marta (agent), Bruno with his own case and with another, Carla, administrator.
EXPECTED: dict[tuple[str, str], tuple[int, int, int, int, int, int]] = {
    ("GET", "/"): (303, 303, 303, 303, 303, 303),
    ("GET", "/sign-in"): (200, 200, 200, 200, 200, 200),
    ("POST", "/sign-in"): (422, 422, 422, 422, 422, 422),
    ("POST", "/sign-out"): (303, 303, 303, 303, 303, 303),
    ("GET", "/cases"): (303, 403, 200, 200, 200, 200),
    ("GET", "/knowledge"): (303, 403, 200, 200, 200, 200),
    ("GET", "/cases/{id}"): (303, 403, 200, 404, 200, 200),
    ("POST", "/cases/{id}/{move}"): (303, 403, 303, 404, 403, 303),
    ("GET", "/c/{token}"): (404, 404, 404, 404, 404, 404),
    ("POST", "/c/{token}"): (404, 404, 404, 404, 404, 404),
    ("GET", "/trends"): (303, 403, 200, 200, 200, 200),
    ("GET", "/trends.csv"): (303, 403, 200, 200, 200, 200),
    ("GET", "/answers"): (303, 403, 403, 403, 200, 200),
    ("GET", "/ledger"): (303, 403, 200, 200, 200, 200),
    ("GET", "/recognition"): (303, 403, 200, 200, 200, 200),
    ("GET", "/incidents"): (303, 403, 403, 403, 200, 200),
    ("POST", "/incidents"): (303, 403, 403, 403, 404, 404),
    ("GET", "/sending"): (303, 403, 403, 403, 200, 200),
    ("POST", "/sending"): (303, 403, 403, 403, 403, 200),
    ("GET", "/me"): (303, 200, 200, 200, 200, 200),
    ("GET", "/api/v1/cases"): (401, 403, 200, 200, 200, 200),
    ("GET", "/api/v1/cases/{id}"): (401, 403, 200, 404, 200, 200),
    ("POST", "/api/v1/cases/{id}/{move}"): (401, 403, 200, 404, 403, 200),
    ("POST", "/api/v1/responses"): (401, 403, 201, 201, 403, 201),
    ("GET", "/api/v1/trends"): (401, 403, 422, 422, 422, 422),
    ("GET", "/api/v1/drivers"): (401, 403, 403, 403, 200, 200),
    ("GET", "/api/v1/ledger"): (401, 403, 422, 422, 422, 422),
    ("GET", "/api/v1/export"): (401, 403, 403, 403, 200, 200),
}
STRANGERS = ("/events", "/s/", "/u/", "/privacy/", "/q/", "/api/v1/openapi.json")
"""Where a signature or a link's token vouches, and not who is signed in: they have tests of their own."""

READERS = (("", OWN), ("marta", OWN), ("bruno", OWN), ("bruno", FOREIGN), ("carla", OWN), ("admin", OWN))


def _routes() -> set[tuple[str, str]]:
    found = {(method, path) for path, methods in staff_app().routes.items() for method in methods}
    return {(method, path) for method, path in found if not path.startswith(STRANGERS)}


def _request(desk: Desk, method: str, route: str, who: str, reference: str) -> Answer:
    """Send a request that is right in all but perhaps its reader."""
    case = desk.case(reference)
    path = route.replace("{id}", case.id).replace("{move}", "comment").replace("{token}", "nonsense")
    if not route.startswith("/api"):
        if who:
            desk.sign_in(who)
        fields = {"version": str(case.version), "text": "hola"} if "{move}" in route else {}
        return desk.post(path, **fields) if method == "POST" else desk.call(method, path)
    body = SAID | {"invitation": case.id} if route.endswith("responses") else {"text": "hola"}
    sent = {"Content_Type": "application/json", "If_Match": f'"{case.version}"'}
    return desk.call(method, path, who=who, body=json.dumps(body).encode() if method == "POST" else b"", **sent)


def test_every_route_is_in_this_table() -> None:
    walked = {(method, path) for method, path in _routes() if method != "HEAD"}
    assert walked == set(EXPECTED)


def test_every_page_answers_head_and_no_call_does() -> None:
    pages = {path for method, path in _routes() if method == "GET" and not path.startswith("/api")}
    assert {path for method, path in _routes() if method == "HEAD"} == pages


@pytest.mark.parametrize("place", range(len(READERS)), ids=[f"{who or 'nobody'}-{case}" for who, case in READERS])
@pytest.mark.parametrize(("method", "route"), sorted(EXPECTED))
def test_everybody_is_answered_as_they_may_be(bruno_and_co: Desk, method: str, route: str, place: int) -> None:
    who, reference = READERS[place]
    before = bruno_and_co.case(reference)
    answer = _request(bruno_and_co, method, route, who, reference)
    status = EXPECTED[method, route][place]
    assert answer.status == status
    if status in (401, 403, 404):
        assert bruno_and_co.case(reference) == before
        _tells_nothing(answer)


def _tells_nothing(answer: Answer) -> None:
    for word in ("Jorge", "Constructora", "flete", "Prometieron", "cliente3", "cliente5", "+57"):
        assert word not in answer.text


@pytest.mark.parametrize(("method", "route"), [each for each in sorted(EXPECTED) if each[0] == "GET"])
def test_head_says_what_get_says_without_the_body(bruno_and_co: Desk, method: str, route: str) -> None:
    if route.startswith("/api"):
        return
    got = _request(bruno_and_co, "GET", route, "admin", OWN)
    head = _request(bruno_and_co, "HEAD", route, "admin", OWN)
    assert (head.status, head.text) == (got.status, "")


@pytest.mark.parametrize(("method", "route"), [each for each in sorted(EXPECTED) if each[0] == "GET"])
def test_every_answer_is_guarded(bruno_and_co: Desk, method: str, route: str) -> None:
    answer = _request(bruno_and_co, method, route, "admin", OWN)
    assert answer.header("Cache-Control") == "no-store"
    if answer.header("Content-Type").startswith("text/html"):
        policy = answer.header("Content-Security-Policy")
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert " style=" not in answer.text
        assert " onclick=" not in answer.text


@pytest.mark.parametrize("id_", ["x", "..", "%00", "CASE", "INVITATION#1", "'; drop table", "á" * 50, "a" * 900])
def test_what_is_no_id_is_no_case(bruno_and_co: Desk, id_: str) -> None:
    path = quote(id_, safe="")
    assert bruno_and_co.get(f"/api/v1/cases/{path}", who="admin").status == 404
    bruno_and_co.sign_in("admin")
    assert bruno_and_co.get(f"/cases/{path}").status == 404


def test_a_session_that_is_spoilt_is_no_session(bruno_and_co: Desk) -> None:
    bruno_and_co.sign_in("bruno")
    bruno_and_co.cookies[SESSION] += "x"
    assert bruno_and_co.get("/cases").status == 303
    assert bruno_and_co.get("/api/v1/cases").status == 401


@pytest.mark.parametrize(
    ("who", "status"),
    [("", 303), ("marta", 200), ("sales-head", 200), ("bruno", 404), ("carla", 404), ("admin", 404)],
)
def test_a_persons_page_is_their_own_and_their_heads(bruno_and_co: Desk, who: str, status: int) -> None:
    if who == "sales-head":
        head = Principal(id="head", role="department", name="Head", department="sales", person="head-sales")
        bruno_and_co.world.ports.access.grant("sales-head", head)
    if who:
        bruno_and_co.sign_in(who)
    assert bruno_and_co.get("/me?person=u-7").status == status
