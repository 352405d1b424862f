"""Requests reach the app as through API Gateway, whatever their form."""

import http.client
import json
from urllib.parse import urlsplit

import pytest

from infra.local.system import LocalSystem
from tests.local import sample
from tests.local.asking import ask

MEGABYTE = 1024 * 1024


def test_path_and_query_are_decoded_once(system: LocalSystem) -> None:
    reply = ask(system.base_url + "/things/caf%C3%A9%20con%2Fleche+%2525?v=a%20b&v=c+d&w=")
    assert reply.json == {"name": "café con/leche+%25", "values": ["a b", "c d"]}


def test_a_literal_route_wins_over_a_parameter_and_all_cookies_are_set(system: LocalSystem) -> None:
    reply = ask(system.base_url + "/things/special/")
    assert reply.body == b"special"
    assert reply.headers.get_all("Set-Cookie") == ["a=1", "b=2"]


def test_head_answers_the_length_and_no_body(system: LocalSystem) -> None:
    get, head = (ask(system.base_url + "/things/x", method) for method in ("GET", "HEAD"))
    assert head.status == 200
    assert head.body == b""
    assert head.headers["Content-Length"] == str(len(get.body))


@pytest.mark.parametrize(
    ("path", "method", "status"), [("/nowhere", "GET", 404), ("/things/x", "DELETE", 405), ("/fail", "GET", 500)]
)
def test_what_the_app_does_not_serve_is_an_error_and_not_a_crash(
    system: LocalSystem, path: str, method: str, status: int
) -> None:
    assert ask(system.base_url + path, method).status == status


def test_the_root_leads_to_the_local_page_when_the_app_has_none(system: LocalSystem) -> None:
    reply = ask(system.base_url + "/")
    assert (reply.status, reply.headers["Location"]) == (302, "/_local/")


@pytest.mark.parametrize(
    ("size", "status"), [(MEGABYTE, 200), (MEGABYTE + 1, 413), (10 * MEGABYTE, 413), (10 * MEGABYTE + 1, 413)]
)
def test_large_bodies_reach_the_app_up_to_what_api_gateway_takes(system: LocalSystem, size: int, status: int) -> None:
    reply = ask(system.base_url + "/echo", "POST", b"x" * size, Content_Type="application/json")
    assert reply.status == status
    is_ours = reply.headers["Content-Type"] == "application/problem+json"
    assert is_ours == (size > 10 * MEGABYTE)


def test_a_chunked_body_arrives_whole(system: LocalSystem) -> None:
    connection = http.client.HTTPConnection(urlsplit(system.base_url).netloc)
    parts = iter([b"one ", "dós".encode()])
    connection.request(
        "POST",
        "/echo",
        parts,
        {"Content-Type": "application/json", "Transfer-Encoding": "chunked"},
        encode_chunked=True,
    )
    assert json.load(connection.getresponse()) == {"length": 8, "text": "one dós"}
    connection.close()


def test_bytes_pass_unharmed(system: LocalSystem) -> None:
    octets = "application/octet-stream"
    reply = ask(system.base_url + "/bytes", "POST", bytes(range(256)), Content_Type=octets, Accept=octets)
    assert reply.body == bytes(reversed(range(256)))


def test_a_connection_serves_many_requests_and_requests_of_many_connections_do_not_mix(system: LocalSystem) -> None:
    where = urlsplit(system.base_url).netloc
    connections = [http.client.HTTPConnection(where) for _ in range(8)]
    for turn in range(5):
        for number, connection in enumerate(connections):
            connection.request("GET", f"/things/{number}-{turn}")
        answers = [json.load(connection.getresponse())["name"] for connection in connections]
        assert answers == [f"{number}-{turn}" for number in range(8)]
    for connection in connections:
        connection.close()


def test_a_length_that_is_no_number_is_refused(system: LocalSystem) -> None:
    assert ask(system.base_url + "/echo", "POST", None, Content_Length="many").status == 400


def test_mail_reads_as_it_was_sent(system: LocalSystem) -> None:
    message_id = sample.mail("Lucia@Example.com")
    reply = ask(system.base_url + "/_local/messages?channel=email&to=lucia@example.com")
    (message,) = reply.json["messages"]
    assert message["id"] == message_id
    assert message["to"] == "Lucia@Example.com"
    assert message["subject"] == "Hola"
    assert message["text"].strip() == "Hola, ¿qué tal?"
    assert message["headers"]["X-Odd"] == "kept"
    assert message["sent_at"].endswith("Z")
    source = ask(system.base_url + f"/_local/mail/{message_id}/source").body
    assert b"X-Odd:   kept\r\n" in source
    assert ask(system.base_url + "/_local/messages?to=other@example.com").json == {"messages": []}


def test_the_clock_is_read_and_moved(system: LocalSystem) -> None:
    clock = system.base_url + "/_local/clock"
    assert ask(clock, "POST", {"at": "2026-03-06T16:30:00-05:00"}).json["now"].startswith("2026-03-06T21:30:00")
    assert ask(clock, "POST", {"advance": "PT3H"}).json["now"].startswith("2026-03-07T00:30:00")
    assert ask(clock).json["now"].startswith("2026-03-07T00:30:0")
    sample.put("first")
    refusal = ask(clock, "POST", {"at": "2026-03-01T00:00:00Z"})
    assert (refusal.status, refusal.json["errors"][0]["pointer"]) == (409, "/at")


@pytest.mark.parametrize(
    ("path", "body", "status", "pointer"),
    [
        ("clock", b"{", 400, None),
        ("clock", b"[]", 400, None),
        ("clock", b"{}", 422, ""),
        ("clock", b'{"advance": "PT3H", "at": "2026-03-06T21:30:00Z"}', 422, ""),
        ("clock", b'{"advance": "three hours"}', 422, "/advance"),
        ("clock", b'{"advance": 3}', 422, "/advance"),
        ("clock", b'{"at": "9999-12-31T00:00:00Z"}', 422, "/at"),
        ("phone", b'{"from": "+573001234567", "to": "+573000000000"}', 422, "/text"),
        ("phone", b'{"from": "300 123", "to": "+573000000000", "text": "8"}', 422, "/from"),
        ("receipts", b'{"message": "unknown", "kind": "bounce"}', 422, "/message"),
        ("receipts", b'{"message": "unknown", "kind": "bounced"}', 422, "/kind"),
        ("nowhere", b"{}", 404, None),
        ("messages", b"{}", 405, None),
    ],
)
def test_local_requests_that_make_no_sense_are_refused_with_where_and_what(
    system: LocalSystem, path: str, body: bytes, status: int, pointer: str | None
) -> None:
    reply = ask(system.base_url + f"/_local/{path}", "POST", body, Content_Type="application/json")
    assert reply.status == status
    assert reply.headers["Content-Type"] == "application/problem+json"
    errors = reply.json.get("errors")
    assert (errors[0]["pointer"] if errors else None) == pointer


def test_a_text_message_and_a_receipt_reach_the_app(system: LocalSystem) -> None:
    message_id = sample.mail("bruno@example.com")
    ask(
        system.base_url + "/_local/phone",
        "POST",
        {"from": "+573001234567", "to": "+573000000000", "text": "8 la entrega tardó"},
    )
    ask(system.base_url + "/_local/receipts", "POST", {"message": message_id, "kind": "soft_bounce"})
    assert ask(system.base_url + "/_local/settle", "POST").status == 200
    text, bounce = (what for kind, what in sample.seen if kind == "receipts")
    assert (text["originationNumber"], text["messageBody"]) == ("+573001234567", "8 la entrega tardó")
    assert (bounce["eventType"], bounce["bounce"]["bounceType"]) == ("Bounce", "Transient")
    assert bounce["mail"]["messageId"] == message_id
    assert bounce["mail"]["tags"] == {"invitation": ["i-1"]}


def test_the_local_pages_are_for_this_machine_only(system: LocalSystem) -> None:
    page = system.base_url + "/_local/messages"
    assert ask(page, Host="evil.example.com").status == 403
    assert ask(page, Sec_Fetch_Site="cross-site").status == 403
    assert (
        ask(system.base_url + "/_local/clock", "POST", {"advance": "PT1H"}, Sec_Fetch_Site="cross-site").status == 403
    )


def test_pages_show_mailbox_dead_letters_and_a_mail_without_trusting_their_words(system: LocalSystem) -> None:
    sample.mail("<b>bold</b>@example.com")
    message_id = system.carrier.record_webhook("https://crm.example.com/<i>", "<script>alert(1)</script>")
    sample.send({"poison": "<img src=x>"})
    system.settle()
    for path in ("/_local/", "/_local", f"/_local/mail/{message_id}", "/_local/?to=nobody"):
        reply = ask(system.base_url + path)
        assert reply.status == 200
        assert b"<script" not in reply.body
        assert b"<img" not in reply.body
        assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
    assert "cannot handle &lt;img src=x&gt;" in ask(system.base_url + "/_local/").body.decode()
    assert ask(system.base_url + "/_local/mail/unknown").status == 404


def test_a_form_moves_the_clock_and_leads_back_to_the_page(system: LocalSystem) -> None:
    form = "application/x-www-form-urlencoded"
    before = system.clock.now()
    reply = ask(system.base_url + "/_local/clock", "POST", "advance=P1D", Content_Type=form)
    assert (reply.status, reply.headers["Location"]) == (303, "/_local/")
    assert (system.clock.now() - before).days == 1
