"""Programs read and move cases; what they may not, they are told with what would be allowed."""

from datetime import timedelta

import pytest

from chalicelib.domain.case import ALLOWED, NEEDS
from tests.domain.cast import HOUR
from tests.entrypoints.desk import Desk

SAID = {
    "department": "billing",
    "reason": "fue la factura",
    "text": "llamar mañana",
    "how": "phone",
    "outcome": "quedamos en el martes",
    "root_cause": "wrong_pick",
    "action": "se repuso",
}
BY_STATE = {"open": "ORD-10070", "acknowledged": "ORD-10045", "waiting": "ORD-10061", "resolved": "ORD-10077"}


def _ready(desk: Desk, state: str) -> str:
    """Return a case in a state."""
    case = desk.case(BY_STATE[state])
    if state == "acknowledged":
        desk.move(case.id, "acknowledge", version=case.version)
    assert desk.case(BY_STATE[state]).state == state
    return case.id


def _said(verb: str) -> dict[str, str]:
    return {name: SAID[name] for name in NEEDS.get(verb, ())}


def test_a_case_has_the_shape_of_the_contract(bruno_and_co: Desk) -> None:
    case = bruno_and_co.get(f"/api/v1/cases/{bruno_and_co.case('ORD-10052').id}", who="bruno").json
    assert set(case) >= {
        "id", "version", "state", "department", "origin_department", "supporting", "opened_at", "acknowledge_by",
        "resolve_by", "breached", "customer_clock_seconds", "department_clock_seconds", "handoffs", "returns", "why",
        "metric", "rating", "verbatim", "customer", "timeline",
    }  # fmt: skip
    assert (case["department"], case["origin_department"], case["state"]) == ("logistics", "sales", "open")
    assert case["why"] == {"rule": "driver", "text": "the customer chose: Llegó tarde"}
    assert case["breached"] == {"acknowledge": True, "resolve": True}
    assert case["opened_at"] == "2026-03-07T02:30:00Z"
    assert case["customer"] == {
        "id": "c-1",
        "name": "Andrés Mejía",
        "email": "cliente1@example.com",
        "phone": "+573001234501",
        "language": None,
        "do_not_call": False,
    }
    assert case["verbatim"] == "Llegaron ocho sacos de diez."
    moves = [(entry["version"], entry["move"], entry["from_state"], entry["to_state"]) for entry in case["timeline"]]
    assert moves == [
        (1, "opened", None, "open"),
        (2, "reassign", "open", "open"),
        (3, "acknowledge", "open", "acknowledged"),
        (4, "reassign", "acknowledged", "open"),
    ]
    assert set(case["timeline"][0]) == {"version", "at", "by", "move", "from_state", "to_state", "department", "text"}


def test_a_list_shows_each_case_with_the_last_lines_of_its_timeline(bruno_and_co: Desk) -> None:
    listed = bruno_and_co.get("/api/v1/cases", who="bruno").json["cases"]
    for case in listed:
        assert case == bruno_and_co.get(f"/api/v1/cases/{case['id']}", who="bruno").json
    assert max(len(case["timeline"]) for case in listed) == 4


def test_the_departments_clocks_add_up_to_the_customers(bruno_and_co: Desk) -> None:
    bruno_and_co.world.now += timedelta(seconds=0.123)
    case = bruno_and_co.get(f"/api/v1/cases/{bruno_and_co.case('ORD-10052').id}", who="bruno").json
    clocks = case["department_clock_seconds"]
    assert set(clocks) == {"logistics", "sales"}
    assert sum(clocks.values()) == pytest.approx(case["customer_clock_seconds"], abs=0.001)
    opened = bruno_and_co.case("ORD-10052").opened_at
    assert case["customer_clock_seconds"] == pytest.approx((bruno_and_co.world.now - opened).total_seconds(), abs=0.001)


def test_the_list_holds_all_but_the_resolved_by_what_is_due_first(bruno_and_co: Desk) -> None:
    answer = bruno_and_co.get("/api/v1/cases", who="bruno").json
    references = {case["reference"] for case in answer["cases"]}
    assert references == {"ORD-10045", "ORD-10052", "ORD-10061", "ORD-10070"}
    assert answer["cases"] == sorted(answer["cases"], key=lambda case: (case["resolve_by"], case["id"]))
    assert answer["next"] is None


@pytest.mark.parametrize(
    ("state", "references"),
    [
        ("open", ["ORD-10045", "ORD-10052", "ORD-10070"]),
        ("waiting", ["ORD-10061"]),
        ("acknowledged", []),
        ("resolved", ["ORD-10077"]),
    ],
)
def test_a_state_is_asked_for_by_its_name(bruno_and_co: Desk, state: str, references: list[str]) -> None:
    cases = bruno_and_co.get(f"/api/v1/cases?state={state}", who="bruno").json["cases"]
    assert sorted(case["reference"] for case in cases) == references


def test_pages_follow_each_other_without_gap_or_repetition(bruno_and_co: Desk) -> None:
    seen, path = [], "/api/v1/cases?limit=3"
    while path:
        answer = bruno_and_co.get(path, who="bruno").json
        seen += [case["id"] for case in answer["cases"]]
        path = f"/api/v1/cases?limit=3&cursor={answer['next']}" if answer["next"] else ""
    assert len(seen) == len(set(seen)) == 4


def test_leadership_sees_all_departments_page_by_page(bruno_and_co: Desk) -> None:
    seen, path = [], "/api/v1/cases?limit=2"
    while path:
        answer = bruno_and_co.get(path, who="carla").json
        assert len(answer["cases"]) <= 2
        seen += [case["id"] for case in answer["cases"]]
        path = f"/api/v1/cases?limit=2&cursor={answer['next']}" if answer["next"] else ""
    assert len(seen) == len(set(seen)) == 5


@pytest.mark.parametrize(
    ("query", "pointer", "allowed"),
    [
        ("state=lost", "/state", "open, acknowledged, waiting, resolved"),
        ("limit=0", "/limit", "1 to 200"),
        ("limit=201", "/limit", "1 to 200"),
        ("limit=ten", "/limit", "1 to 200"),
        ("limit=-1", "/limit", "1 to 200"),
        ("colour=red", "/colour", "department, state, limit, cursor"),
        ("department=kitchen", "/department", "sales, logistics, billing, reception"),
        ("department=logistics&cursor=nonsense", "/cursor", "leave it out"),
    ],
)
def test_what_is_unknown_is_answered_with_what_is_allowed(
    bruno_and_co: Desk, query: str, pointer: str, allowed: str
) -> None:
    answer = bruno_and_co.get(f"/api/v1/cases?{query}", who="carla")
    assert (answer.status, answer.header("Content-Type")) == (422, "application/problem+json")
    fault = next(each for each in answer.json["errors"] if each["pointer"] == pointer)
    assert allowed in fault["detail"]


@pytest.mark.parametrize("limit", [1, 200])
def test_limits_at_their_ends_are_taken(bruno_and_co: Desk, limit: int) -> None:
    assert bruno_and_co.get(f"/api/v1/cases?limit={limit}", who="bruno").status == 200


def test_another_departments_cases_do_not_exist(bruno_and_co: Desk) -> None:
    foreign = bruno_and_co.case("ORD-10083").id
    assert bruno_and_co.get("/api/v1/cases?department=billing", who="bruno").status == 404
    assert bruno_and_co.get("/api/v1/cases?department=kitchen", who="bruno").status == 404
    assert bruno_and_co.get(f"/api/v1/cases/{foreign}", who="bruno").status == 404
    assert bruno_and_co.move(foreign, "acknowledge", version=1).status == 404
    assert bruno_and_co.get(f"/api/v1/cases/{foreign}", who="bruno").json["title"] == foreign


def test_whoever_has_passed_a_case_on_sees_it_no_more(bruno_and_co: Desk) -> None:
    id_ = bruno_and_co.case("ORD-10070").id
    bruno_and_co.move(id_, "reassign", version=1, department="billing", reason="fue la factura")
    assert bruno_and_co.get(f"/api/v1/cases/{id_}", who="bruno").status == 404
    assert bruno_and_co.get(f"/api/v1/cases/{id_}", who="billing").status == 200


@pytest.mark.parametrize("verb", sorted(ALLOWED))
@pytest.mark.parametrize("state", sorted(BY_STATE))
def test_each_move_is_possible_from_its_states_and_from_no_other(bruno_and_co: Desk, verb: str, state: str) -> None:
    id_ = _ready(bruno_and_co, state)
    before = bruno_and_co.case(BY_STATE[state])
    answer = bruno_and_co.move(id_, verb, who="admin", version=before.version, **_said(verb))
    if state in ALLOWED[verb]:
        assert answer.status == 200
        assert answer.json["version"] == before.version + 1
        assert answer.header("ETag") == f'"{before.version + 1}"'
    else:
        assert answer.status == 422
        assert answer.json["allowed"] == [move for move, states in ALLOWED.items() if state in states]
        assert bruno_and_co.case(BY_STATE[state]) == before


@pytest.mark.parametrize(("verb", "field"), [(verb, field) for verb in ALLOWED for field in NEEDS.get(verb, ())])
@pytest.mark.parametrize("given", ["absent", "", "  \n "])
def test_what_a_move_must_say_is_named_when_it_is_missing(
    bruno_and_co: Desk, verb: str, field: str, given: str
) -> None:
    state = ALLOWED[verb][0]
    id_ = _ready(bruno_and_co, state)
    said = _said(verb) | ({field: given} if given != "absent" else {})
    if given == "absent":
        del said[field]
    version = bruno_and_co.case(BY_STATE[state]).version
    answer = bruno_and_co.move(id_, verb, who="admin", version=version, **said)
    assert answer.status == 422
    assert [each["pointer"] for each in answer.json["errors"]] == [f"/{field}"]


def test_a_move_without_the_version_it_was_decided_on_is_refused(bruno_and_co: Desk) -> None:
    id_ = bruno_and_co.case("ORD-10070").id
    assert bruno_and_co.move(id_, "acknowledge").status == 428
    assert bruno_and_co.case("ORD-10070").version == 1


@pytest.mark.parametrize(
    ("match", "status"),
    [('"1"', 200), ("1", 200), ('W/"1"', 200), ("*", 422), ('"one"', 422), ('"0"', 422), ('"99"', 409)],
)
def test_the_version_is_read_from_if_match(bruno_and_co: Desk, match: str, status: int) -> None:
    id_ = bruno_and_co.case("ORD-10070").id
    path = f"/api/v1/cases/{id_}/acknowledge"
    assert bruno_and_co.call("POST", path, who="bruno", If_Match=match).status == status


def test_who_comes_second_is_told_what_the_case_is_now(bruno_and_co: Desk) -> None:
    id_ = bruno_and_co.case("ORD-10070").id
    assert bruno_and_co.move(id_, "acknowledge", version=1).status == 200
    answer = bruno_and_co.move(id_, "acknowledge", who="admin", version=1)
    assert (answer.status, answer.header("Content-Type")) == (409, "application/problem+json")
    assert (answer.json["case"]["version"], answer.json["case"]["state"]) == (2, "acknowledged")
    assert answer.json["case"]["timeline"][-1]["by"] == "Bruno Díaz"


def test_an_alert_in_between_does_not_make_a_move_stale(bruno_and_co: Desk) -> None:
    id_ = bruno_and_co.case("ORD-10070").id
    revision = bruno_and_co.case("ORD-10070").revision
    assert revision > bruno_and_co.case("ORD-10070").version
    assert bruno_and_co.move(id_, "acknowledge", version=1).status == 200


def test_leadership_reads_and_does_not_move(bruno_and_co: Desk) -> None:
    id_ = bruno_and_co.case("ORD-10070").id
    assert bruno_and_co.get(f"/api/v1/cases/{id_}", who="carla").status == 200
    assert bruno_and_co.move(id_, "acknowledge", who="carla", version=1).status == 403


def test_an_agent_has_no_cases(bruno_and_co: Desk) -> None:
    id_ = bruno_and_co.case("ORD-10070").id
    assert bruno_and_co.get("/api/v1/cases", who="marta").status == 403
    assert bruno_and_co.get(f"/api/v1/cases/{id_}", who="marta").status == 403
    assert bruno_and_co.move(id_, "acknowledge", who="marta", version=1).status == 403


@pytest.mark.parametrize("who", ["", "guess", "BRUNO"])
def test_nobody_unknown_reads_or_moves(bruno_and_co: Desk, who: str) -> None:
    id_ = bruno_and_co.case("ORD-10070").id
    answer = bruno_and_co.get("/api/v1/cases", who=who)
    assert (answer.status, answer.header("WWW-Authenticate")) == (401, "Bearer")
    assert bruno_and_co.get(f"/api/v1/cases/{id_}", who=who).status == 401
    assert bruno_and_co.move(id_, "acknowledge", who=who, version=1).status == 401


@pytest.mark.parametrize(
    "body", [b"[]", b"nonsense", b'"x"', b'{"version": 3}', b'{"by": "Carla", "text": "x"}', b"\xff"]
)
def test_a_body_that_says_something_else_is_refused(bruno_and_co: Desk, body: bytes) -> None:
    id_ = bruno_and_co.case("ORD-10070").id
    path = f"/api/v1/cases/{id_}/comment"
    answer = bruno_and_co.call("POST", path, who="bruno", body=body, Content_Type="application/json", If_Match='"1"')
    assert answer.status == 422
    assert bruno_and_co.case("ORD-10070").version == 1


@pytest.mark.parametrize(("length", "status"), [(5_000, 200), (5_001, 422), (50_000, 422)])
def test_a_note_may_have_five_thousand_characters(bruno_and_co: Desk, length: int, status: int) -> None:
    id_ = bruno_and_co.case("ORD-10070").id
    assert bruno_and_co.move(id_, "comment", version=1, text="á" * length).status == status


def test_a_note_keeps_its_lines_and_loses_control_characters(bruno_and_co: Desk) -> None:
    id_ = bruno_and_co.case("ORD-10070").id
    case = bruno_and_co.move(id_, "comment", version=1, text=" uno\r\ndos\x00\x1b 👩‍🔧 ").json
    assert case["timeline"][-1]["text"] == "uno\ndos 👩‍🔧"


def test_a_move_that_does_not_exist_is_answered_with_those_that_do(bruno_and_co: Desk) -> None:
    id_ = bruno_and_co.case("ORD-10070").id
    for verb in ("explode", "corrected", "opened"):
        answer = bruno_and_co.move(id_, verb, version=1)
        assert answer.status == 422
        assert "acknowledge" in answer.text


def test_a_new_lead_may_return_what_it_was_given(bruno_and_co: Desk) -> None:
    id_ = bruno_and_co.case("ORD-10070").id
    bruno_and_co.move(id_, "reassign", version=1, department="billing", reason="fue la factura")
    case = bruno_and_co.move(id_, "return", who="billing", version=2, reason="no lo fue").json["timeline"][-1]
    assert (case["move"], case["department"], case["text"]) == ("return", "logistics", "no lo fue")


def test_somebody_forgotten_leaves_a_case_without_a_person(bruno_and_co: Desk) -> None:
    case = bruno_and_co.case("ORD-10070")
    kept = bruno_and_co.world.memory.customers
    kept[case.customer] = kept[case.customer].model_copy(
        update={"id": None, "name": None, "email": None, "phone": None, "erased_at": bruno_and_co.world.now}
    )
    answer = bruno_and_co.get(f"/api/v1/cases/{case.id}", who="bruno").json
    assert set(answer["customer"].values()) == {None}
    assert "A customer" in bruno_and_co.get(f"/cases/{case.id}?lang=en", who="bruno").text


def _record(desk: Desk, body: dict[str, object], who: str = "bruno") -> tuple[int, object]:
    import json

    answer = desk.call(
        "POST", "/api/v1/responses", who=who, body=json.dumps(body).encode(), Content_Type="application/json"
    )
    return answer.status, answer.json


def test_what_a_customer_said_by_phone_is_recorded_as_such(bruno_and_co: Desk) -> None:
    case = bruno_and_co.case("ORD-10070")
    status, body = _record(
        bruno_and_co,
        {"invitation": case.id, "answers": {"rating": 3, "failed": ["late"], "comment": "Peor"}, "how": "phone"},
    )
    assert (status, body) == (201, {"invitation": case.id, "rating": 3, "how": "phone"})
    kept = bruno_and_co.world.memory.invitations[case.id].confirmed
    assert kept is not None
    assert (kept.rating, kept.how, kept.choices, kept.texts) == (3, "phone", {"failed": ("late",)}, {"comment": "Peor"})
    assert bruno_and_co.case("ORD-10070").rating == 3


def test_a_customer_without_the_link_is_found_by_reference(bruno_and_co: Desk) -> None:
    wanted = {"customer": "c-3", "program": "after-sale", "reference": "ORD-10070"}
    status, body = _record(bruno_and_co, {**wanted, "answers": {"rating": 9}, "how": "counter"}, who="admin")
    assert status == 201
    assert body == {"invitation": bruno_and_co.case("ORD-10070").id, "rating": 9, "how": "counter"}


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({"answers": {"rating": 3}, "how": "phone"}, 422, ""),
        ({"invitation": "ID", "answers": {"rating": 99}, "how": "phone"}, 422, "/answers/rating"),
        ({"invitation": "ID", "answers": {}, "how": "phone"}, 422, "/answers/rating"),
        ({"invitation": "ID", "answers": {"rating": 3}, "how": "pigeon"}, 422, "/how"),
        ({"invitation": "ID", "answers": {"rating": 3}}, 422, "/how"),
        ({"invitation": "ID", "how": "phone"}, 422, "/answers"),
        ({"invitation": "ID", "answers": {"rating": 3}, "how": "phone", "mood": "x"}, 422, "/mood"),
        ({"invitation": "unknown", "answers": {"rating": 3}, "how": "phone"}, 404, None),
        (
            {"customer": "c-3", "program": "after-sale", "reference": "X", "answers": {"rating": 3}, "how": "phone"},
            404,
            None,
        ),
        ({"customer": "c-3", "program": "after-sale", "answers": {"rating": 3}, "how": "phone"}, 422, ""),
    ],
)
def test_what_cannot_be_recorded_is_said(
    bruno_and_co: Desk, body: dict[str, object], status: int, pointer: str | None
) -> None:
    if body.get("invitation") == "ID":
        body = body | {"invitation": bruno_and_co.case("ORD-10070").id}
    got, told = _record(bruno_and_co, body)
    assert got == status
    if pointer is not None:
        assert isinstance(told, dict)
        assert pointer in [each["pointer"] for each in told["errors"]]


@pytest.mark.parametrize(
    ("answers", "pointer", "detail"),
    [
        ({"rating": 11}, "/answers/rating", "is not a whole number from 0 to 10"),
        ({}, "/answers/rating", "is missing: a whole number from 0 to 10"),
        ({"rating": 3, "comment": "x" * 5001}, "/answers/comment", "has more than 5000 characters"),
    ],
)
def test_what_is_wrong_with_an_answer_is_told_with_what_would_be_right(
    bruno_and_co: Desk, answers: dict[str, object], pointer: str, detail: str
) -> None:
    body: dict[str, object] = {"invitation": bruno_and_co.case("ORD-10070").id, "answers": answers, "how": "phone"}
    _, told = _record(bruno_and_co, body)
    assert isinstance(told, dict)
    assert told["errors"] == [{"pointer": pointer, "detail": detail}]


@pytest.mark.parametrize(("who", "status"), [("bruno", 201), ("admin", 201), ("carla", 403), ("marta", 403), ("", 401)])
def test_departments_and_administrators_record_what_was_said(bruno_and_co: Desk, who: str, status: int) -> None:
    body: dict[str, object] = {
        "invitation": bruno_and_co.case("ORD-10070").id,
        "answers": {"rating": 3},
        "how": "phone",
    }
    assert _record(bruno_and_co, body, who)[0] == status


def test_too_late_is_said_too(bruno_and_co: Desk) -> None:
    bruno_and_co.world.now += HOUR * 24 * 30
    body: dict[str, object] = {
        "invitation": bruno_and_co.case("ORD-10070").id,
        "answers": {"rating": 3},
        "how": "phone",
    }
    status, told = _record(bruno_and_co, body)
    assert status == 422
    assert isinstance(told, dict)
    assert "closed" in told["errors"][0]["detail"]
