"""Programs ask for trends, drivers and the ledger over HTTP; what cannot be answered says what can."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from chalice.test import Client, HTTPResponse

from chalicelib.domain.policy import invitation_id
from chalicelib.flows.project import project
from chalicelib.ports import Change, Principal
from tests.counting import answered, asked, company
from tests.entrypoints.http import APP, installed
from tests.world import World

TOKENS = {
    "carla": Principal(id="carla", role="leadership", name="Carla"),
    "bruno": Principal(id="bruno", role="department", name="Bruno", department="logistics"),
    "marta": Principal(id="marta", role="agent", name="Marta", person="u-7"),
}


def get(path: str, who: str | None = "carla", **asked_for: Any) -> HTTPResponse:
    """Ask as somebody; parameters may have several values."""
    query = urlencode({name.rstrip("_"): value for name, value in asked_for.items()}, doseq=True)
    headers = {"Authorization": f"Bearer {who}"} if who else {}
    with Client(APP) as client:
        return client.http.get(f"{path}?{query}" if query else path, headers=headers)


@pytest.fixture(autouse=True)
def served() -> Iterator[World]:
    """A company that has counted seven answers and a decision not to ask."""
    made = World(now=datetime(2026, 4, 15, 15, tzinfo=UTC))
    made.publish(company())
    for token, principal in TOKENS.items():
        made.ports.access.grant(token, principal)
    items = [answered(9 if n else 3, f"i-{n}") for n in range(7)]
    items.append(asked("i-9", state="skipped", reason="resting", rule="the customer rests until 2026-04-01"))
    project(made.ports, [Change(str(n), None, item) for n, item in enumerate(items, start=1)], "s", made.now)
    with installed(made):
        yield made


def test_a_trend_comes_with_n_interval_and_formula() -> None:
    found = get("/api/v1/trends", metric="nps", by="department", from_="2026-03-01", to="2026-04-01")
    assert found.status_code == 200
    body = found.json_body
    assert (body["metric"], body["interval"], body["by"]) == ("nps", "month", "department")
    assert body["formula"].startswith("NPS in points")
    assert [series["key"] for series in body["series"]] == ["logistics", "sales"]
    (point,) = body["series"][0]["points"]
    assert (point["start"], point["n"], point["counts"], point["hidden"]) == ("2026-03-01", 7, {"3": 1, "9": 6}, False)
    assert point["value"] == pytest.approx(500 / 7)
    assert point["low"] < point["value"] < point["high"]


def test_an_unknown_metric_is_answered_with_those_there_are() -> None:
    refused = get("/api/v1/trends", metric="joy")
    assert refused.status_code == 422
    assert refused.headers["Content-Type"] == "application/problem+json"
    (fault,) = refused.json_body["errors"]
    assert fault["pointer"] == "/metric"
    assert "nps, csat, ces" in fault["detail"]


def test_a_parameter_given_twice_is_refused() -> None:
    refused = get("/api/v1/trends", metric="nps", filter=["region:a", "region:b"])
    assert [fault["pointer"] for fault in refused.json_body["errors"]] == ["/filter"]


@pytest.mark.parametrize(
    ("asked_for", "pointer", "told"),
    [
        ({"interval": ""}, "/interval", "day, week, month, quarter, year"),
        ({"by": "mood"}, "/by", "department, program"),
        ({"from_": "2026-04-01", "to": "2026-03-01"}, "/from", "2026-03-01"),
        ({"from_": "1990-01-01", "to": "2090-01-01", "interval": "day"}, "/from", "10 years"),
        ({"from_": "2017-01-01", "to": "2026-01-01", "interval": "day"}, "/interval", "1,100"),
        ({"filter": "region:" + "x" * 1_000_000}, "/filter", "200 characters"),
        ({"filter": ""}, "/filter", "dimension:value"),
        ({"limit": "3"}, "/limit", "metric, by, from"),
    ],
)
def test_what_cannot_be_asked_is_told_with_what_can(asked_for: dict[str, str], pointer: str, told: str) -> None:
    refused = get("/api/v1/trends", metric="nps", **asked_for)
    assert refused.status_code == 422
    (fault,) = (each for each in refused.json_body["errors"] if each["pointer"] == pointer)
    assert told in fault["detail"]
    assert len(refused.body) < 2_000


@pytest.mark.parametrize("path", ["/api/v1/cases", "/api/v1/export"])
def test_a_cursor_of_another_question_is_refused(path: str) -> None:
    refused = get(path, cursor="bm90IG9uZQ")
    assert (refused.status_code, refused.json_body["errors"][0]["pointer"]) == (422, "/cursor")


@pytest.mark.parametrize(
    ("who", "asked_for", "status"),
    [
        (None, {}, 401),
        ("nobody", {}, 401),
        ("marta", {}, 403),
        ("bruno", {}, 200),
        ("bruno", {"filter": "department:sales"}, 403),
        ("bruno", {"interval": "day"}, 422),
        ("bruno", {"interval": "year"}, 422),
        ("carla", {"interval": "day"}, 200),
    ],
)
def test_each_role_sees_its_own(who: str | None, asked_for: dict[str, str], status: int) -> None:
    assert get("/api/v1/trends", who, metric="nps", **asked_for).status_code == status


def test_drivers_are_for_leadership() -> None:
    assert get("/api/v1/drivers").json_body["drivers"] == []
    assert get("/api/v1/drivers", "bruno").status_code == 403
    assert get("/api/v1/drivers", metric="nps").status_code == 422


def test_the_ledger_says_why_an_event_was_not_asked_about(served: World) -> None:
    id_ = invitation_id("/crm", "ORD-9", "after-sale", "customer")
    why = "the customer rests until 2026-04-01"
    served.ports.invitations.create(asked(id_, event_id="ORD-9", state="skipped", reason="resting", rule=why))
    found = get("/api/v1/ledger", event="/crm|ORD-9")
    (event,) = found.json_body["events"]
    (decision,) = event["decisions"]
    assert (event["id"], decision["state"], decision["reason"]) == ("ORD-9", "skipped", "resting")
    assert decision["rule"] == "the customer rests until 2026-04-01"
    for written in ("/crm/ORD-9", "/crm ORD-9", "/crm#ORD-9"):
        assert get("/api/v1/ledger", event=written).json_body == found.json_body
    assert get("/api/v1/ledger", "bruno", event="/crm|ORD-9").status_code == 200
    assert get("/api/v1/ledger", "marta", event="/crm|ORD-9").status_code == 403


def test_an_event_or_a_customer_of_whom_nothing_is_known_is_not_found() -> None:
    assert get("/api/v1/ledger", event="/crm|ORD-0").status_code == 404
    assert get("/api/v1/ledger", customer="c-0").status_code == 404
    assert get("/api/v1/ledger").status_code == 422
