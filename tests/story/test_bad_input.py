"""What comes wrongly gets the right status, is told what and where, and harms nobody."""

import json
from datetime import timedelta

import pytest

from chalicelib.domain.signature import sign
from tests.local.asking import ask
from tests.story.company import ANA, PRESS, Company, Json, link_in

pytestmark = pytest.mark.embedded

FORM = "application/x-www-form-urlencoded"


def pointers(body: Json) -> list[str]:
    """Return where a problem lies."""
    return [each["pointer"] for each in body["errors"]]


def test_an_event_that_nobody_vouches_for_is_refused(company: Company) -> None:
    body = json.dumps(company.event("ORD-1")).encode()
    stale = company.now() - timedelta(minutes=6)
    secret = company.tokens["events_secret"]
    refused = [
        {"webhook_signature": ""},
        {"webhook_signature": "v1,bm90IG91cnM="},
        {"webhook_signature": sign("whsec_b3RoZXI=", "msg", company.now(), body), "webhook_id": "msg"},
        {
            "webhook_signature": sign(secret, "msg", stale, body),
            "webhook_id": "msg",
            "webhook_timestamp": str(int(stale.timestamp())),
        },
        {"webhook_signature": "", "Authorization": "Bearer guess"},
    ]
    assert [company.post_bytes(body, **headers).status for headers in refused] == [401] * len(refused)
    company.later("P1D")
    assert company.messages() == []


def test_a_helpdesk_that_cannot_sign_sends_its_token(company: Company) -> None:
    body = json.dumps(company.event("ORD-1")).encode()
    bearer = f"Bearer {company.tokens['events_token']}"
    assert company.post_bytes(body, webhook_signature="", Authorization=bearer).status == 202


def test_what_is_wrong_with_an_event_is_said_with_its_place(company: Company) -> None:
    good = company.event("ORD-1")
    wrong: list[tuple[Json, str]] = [
        ({**good, "type": "sale.dreamt"}, "/type"),
        ({**good, "time": "9999-12-31T23:59:59Z"}, "/time"),
        ({**good, "data": {"customer": {"id": "c-1"}}}, "/data/customer"),
        ({**good, "data": {"customer": {**ANA, "email": "ana@example.com\nBcc: all@example.com"}}}, "/data/customer"),
    ]
    for event, place in wrong:
        reply = company.post(event)
        assert reply.status == 422, event
        assert reply.headers["Content-Type"] == "application/problem+json"
        assert any(pointer.startswith(place) for pointer in pointers(reply.json)), reply.json
    for body in (b"", b"{", b"[1, 2", b'{"id": NaN}'):
        assert company.post_bytes(body).status == 422
    assert company.post_bytes(b"\xff\xfe").status in (401, 422)  # a gateway that reads text has changed what was signed
    company.later("P1D")
    assert company.messages() == []


def test_what_is_too_large_is_refused_before_it_is_read(company: Company) -> None:
    assert company.post_bytes(b" " * 2 * 1024 * 1024).status == 413
    big = company.event("ORD-1", attributes={"note": "x" * 70_000})
    assert company.post(big).status in (413, 422)
    company.later("P1D")
    assert company.messages() == []


def test_of_a_batch_the_good_ones_are_taken_and_the_others_named(company: Company) -> None:
    good = company.event("ORD-1")
    also = company.event("ORD-2", customer={**ANA, "id": "c-2", "email": "pia@example.com"})
    reply = company.post([good, {**good, "id": "X", "type": "sale.dreamt"}, also])
    assert reply.status == 202
    assert [each["id"] for each in reply.json["accepted"]] == ["ORD-1", "ORD-2"]
    assert [(each["index"], each["errors"][0]["pointer"]) for each in reply.json["rejected"]] == [(1, "/type")]
    company.later("PT3H")
    assert {message["to"] for message in company.messages()} == {"ana@example.com", "pia@example.com"}


def asked(company: Company) -> str:
    """Let Ana be asked; return her link."""
    company.sell("ORD-1")
    company.later("PT3H")
    return link_in(company.mail("ana@example.com"), "/s/")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"what": "sin nota"}, "sin nota"),
        ({"rating": "99", "what": "noventa y nueve"}, "noventa y nueve"),
        ({"rating": "", "what": "vacía"}, "vacía"),
        ({"rating": "2", "what": "ñ" * 100_000}, "ñ" * 100_000),
    ],
    ids=["no rating", "99", "empty", "100,000 characters"],
)
def test_a_form_that_cannot_be_taken_loses_nothing_that_was_typed(
    company: Company, fields: dict[str, str], words: str
) -> None:
    link = asked(company)
    reply = company.submit(link, fields)
    assert reply.status == 422
    assert words in reply.body.decode()
    company.later("PT5M")
    assert company.cases() == []


def test_words_of_every_kind_reach_the_department_as_they_were_meant(company: Company) -> None:
    link = asked(company)
    words = "<b>Tres</b> días {{7*7}} 😊\x00\x1b[31m\r\ny nadie llamó"
    assert company.submit(link, {"rating": "1", "what": words}).status == 200
    company.settle()
    (case,) = company.cases()
    assert case["verbatim"] == "<b>Tres</b> días {{7*7}} 😊[31m\ny nadie llamó"
    alert = next(message for message in company.messages() if message["to"] != "ana@example.com")
    assert "<b>Tres</b> días {{7*7}} 😊" in alert["text"]
    assert "&lt;b&gt;Tres&lt;/b&gt; días {{7*7}} 😊" in alert["html"]


def test_a_body_that_is_no_form_is_answered_with_the_page(company: Company) -> None:
    link = asked(company)
    for body in (b"", b"\xff\xfe\x00", b"%%%=%zz", b"rating", b"{"):
        assert ask(link, "POST", body, Content_Type=FORM, **PRESS).status == 422
    assert ask(link, "POST", b"x" * 3_000_000, Content_Type=FORM, **PRESS).status == 413


@pytest.mark.parametrize("path", ["/s/", "/u/", "/privacy/", "/c/"])
def test_a_link_that_was_never_given_opens_nothing(company: Company, path: str) -> None:
    link = asked(company)
    token = link.rsplit("/", 1)[1]
    changed = token[:-2] + ("AA" if token[-2:] != "AA" else "BB")
    for guess in ("x", changed, "A" * 44, "%00", "%C3%A9", "x" * 5000):
        reply = company.open(f"{company.base_url}{path}{guess}")
        assert reply.status in (404, 414), (guess, reply.status)
    if path != "/s/":
        assert company.open(f"{company.base_url}{path}{token}").status == 404  # good for one purpose only


def test_a_filter_of_a_million_characters_is_told_what_is_allowed(company: Company) -> None:
    reply = company.api("leadership", "trends?metric=nps&filter=region:" + "x" * 1_000_000)
    assert reply.status == 422
    (error,) = reply.json["errors"]
    assert error["pointer"] == "/filter"
    assert "at most 200 characters" in error["detail"]
    assert len(reply.body) < 1_000
