"""Lazo itself runs in the local system, wired by its own overlay."""

import json

from infra.local.system import LocalSystem
from tests.local.asking import ask


def test_a_closed_sale_becomes_a_mail_whose_link_opens(lazo: LocalSystem) -> None:
    tokens = json.loads((lazo.state / "tokens.json").read_text())
    event = {
        "specversion": "1.0",
        "id": "ORD-1",
        "source": "/crm",
        "type": "sale.closed",
        "time": lazo.clock.now().isoformat(),
        "data": {"customer": {"id": "c-981", "name": "Ana", "email": "ana@example.com"}},
    }
    kind = "application/cloudevents+json"
    bearer = f"Bearer {tokens['events_token']}"
    reply = ask(lazo.base_url + "/events", "POST", json.dumps(event), Content_Type=kind, Authorization=bearer)
    assert reply.status == 202
    ask(lazo.base_url + "/_local/clock", "POST", {"advance": "P10D"})
    messages = ask(lazo.base_url + "/_local/messages?to=ana@example.com").json["messages"]
    assert messages
    link = next(word for word in messages[0]["text"].split() if word.startswith(lazo.base_url + "/s/"))
    assert ask(link).status == 200
    assert ask(lazo.base_url + "/_local/clock", "POST", {"at": "2020-01-01T00:00:00Z"}).status == 409


def test_every_function_that_the_overlay_connects_has_its_pump(lazo: LocalSystem) -> None:
    connected = {name.lower() for name in lazo.resources.event_sources}
    assert connected <= {pump.name for pump in lazo.dispatcher.pumps}
