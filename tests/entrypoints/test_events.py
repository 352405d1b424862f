"""Events by HTTP: who may send them, and what is said of each."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import runtime
from chalicelib.domain.signature import sign
from tests.domain.cast import organisation, sale
from tests.entrypoints.http import APP, Browser, body, installed
from tests.world import World

BATCH = "application/cloudevents-batch+json"


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    with installed(world):
        yield world


@pytest.fixture
def crm() -> Browser:
    return Browser(APP)


def signed(raw: bytes, kind: str = "application/cloudevents+json", **more: Any) -> dict[str, str]:
    at = runtime.now() - more.get("age", timedelta(0))
    secret = more.get("secret") or runtime.secrets().events_secrets()[0]
    return {
        "Content-Type": kind,
        "webhook-id": "m1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": sign(secret, "m1", at, raw),
    }


def send(crm: Browser, given: Any, **more: Any) -> Any:
    raw = given if isinstance(given, bytes) else json.dumps(given).encode()
    return crm.post("/events", raw, signed(raw, **more))


def test_a_signed_event_is_accepted_by_its_name(world: World, crm: Browser) -> None:
    response = send(crm, sale())
    assert response.status_code == 202
    assert body(response) == {"accepted": [{"source": "/crm", "id": "ORD-10045"}], "rejected": []}
    assert world.memory.inbox == [sale()]


def test_a_batch_takes_what_is_good(world: World, crm: Browser) -> None:
    response = send(crm, [sale(), {"specversion": "1.0"}], kind=BATCH)
    assert response.status_code == 202
    assert [each["id"] for each in body(response)["accepted"]] == ["ORD-10045"]
    assert body(response)["rejected"][0]["index"] == 1
    assert {"pointer": "/source", "detail": "Field required"} in body(response)["rejected"][0]["errors"]


def test_a_batch_without_anything_good_is_422(world: World, crm: Browser) -> None:
    response = send(crm, [{}, 7], kind=BATCH)
    assert response.status_code == 422
    assert [each["index"] for each in body(response)["rejected"]] == [0, 1]
    assert world.memory.inbox == []


@pytest.mark.parametrize("given", [[], [1] * 101, {"specversion": "1.0"}])
def test_a_batch_is_a_list_of_one_to_a_hundred(world: World, crm: Browser, given: Any) -> None:
    assert send(crm, given, kind=BATCH).status_code == 422


def test_what_is_wrong_is_named_by_its_pointer(world: World, crm: Browser) -> None:
    response = send(crm, sale(customer={"id": "c-1", "email": "ana"}))
    assert (response.status_code, response.headers["Content-Type"]) == (422, "application/problem+json")
    assert body(response)["errors"][0]["pointer"] == "/data/customer/email"
    assert body(response)["status"] == 422


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": NaN}', b'"\\ud800"', b"9" * 10_000, b"null"]
)
def test_what_is_no_json_is_422(world: World, crm: Browser, raw: bytes) -> None:
    assert send(crm, raw).status_code == 422


def test_unsigned_stale_and_wrongly_signed_are_401(world: World, crm: Browser) -> None:
    raw = json.dumps(sale()).encode()
    unsigned = {"Content-Type": "application/json"}
    assert crm.post("/events", raw, unsigned).status_code == 401
    assert send(crm, sale(), age=timedelta(minutes=5, seconds=1)).status_code == 401
    assert send(crm, sale(), age=timedelta(minutes=-6)).status_code == 401
    assert send(crm, sale(), secret="whsec_AAAA").status_code == 401
    assert crm.post("/events", raw + b" ", signed(raw)).status_code == 401
    assert world.memory.inbox == []


def test_a_senders_token_is_good_where_the_organisation_allows_it(world: World, crm: Browser) -> None:
    raw = json.dumps(sale()).encode()
    token = runtime.secrets().events_tokens()[0]
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    assert crm.post("/events", raw, headers).status_code == 401
    world.publish(organisation(unsigned_senders=True))
    assert crm.post("/events", raw, headers).status_code == 202
    assert crm.post("/events", raw, headers | {"Authorization": "Bearer wrong"}).status_code == 401


def test_a_batch_leaves_out_what_is_too_large_and_counts_letters_as_they_travel(world: World, crm: Browser) -> None:
    accented, large = {**sale(), "note": "ñ" * 31_000}, {**sale(), "id": "large", "note": "x" * 66_000}
    response = send(crm, json.dumps([accented, large], ensure_ascii=False).encode(), kind=BATCH)
    assert response.status_code == 202
    assert [each["index"] for each in body(response)["rejected"]] == [1]
    assert send(crm, [large, large], kind=BATCH).status_code == 413


def test_sizes_have_their_limits(world: World, crm: Browser) -> None:
    assert send(crm, b'"' + b"x" * 2_000_000 + b'"').status_code == 413
    large = send(crm, sale(attributes={f"a{n}": "x" * 190 for n in range(29)}, filler="x" * 64_000))
    assert large.status_code == 413
    assert "65536" in body(large)["title"]
    assert world.memory.inbox == []
    assert send(crm, sale(attributes={f"a{n}": "x" for n in range(31)})).status_code == 422


def test_a_media_type_that_nobody_speaks_is_a_problem_too(crm: Browser) -> None:
    response = crm.post("/events", b"<event/>", {"Content-Type": "text/xml"})
    assert response.status_code == 415
    assert response.headers["Content-Type"] == "application/problem+json"
    assert body(response)["title"] == "Unsupported media type: text/xml"


class BrokenInbox:
    """A queue that fails as nobody has foreseen."""

    def accept(self, events: Any) -> None:
        raise RuntimeError("the queue's password is hunter2")

    def refuse(self, body: str, reason: str) -> None:
        raise RuntimeError(reason)


def test_an_unforeseen_failure_is_a_problem_that_tells_nothing(world: World, crm: Browser) -> None:
    runtime.use_ports(replace(world.ports, inbox=BrokenInbox()))
    response = send(crm, sale())
    assert response.status_code == 500
    assert response.headers["Content-Type"] == "application/problem+json"
    assert "hunter2" not in response.body.decode()
