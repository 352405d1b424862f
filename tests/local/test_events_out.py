"""What happens in Lazo leaves it: on the bus and to webhooks, signed, once it is written and by itself."""

import json
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import runtime
from chalicelib.domain.organisation import Webhook
from chalicelib.domain.signature import is_signed
from infra.local.resources import client
from infra.local.system import LocalSystem
from tests.local.asking import ask

CRM = "https://crm.example.com/lazo"
PRESS = {"Sec_Fetch_Site": "same-origin", "Sec_Fetch_User": "?1", "Content_Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def out(lazo: LocalSystem) -> LocalSystem:
    """Lazo with three webhooks, and a queue that hears everything on the bus."""
    webhooks = (
        Webhook(id="crm", url=CRM),
        Webhook(id="team", url="https://hooks.slack.com/services/T/B/x", kinds=("case.opened",), format="slack"),
        Webhook(id="inside", url="https://169.254.169.254/latest", kinds=("case.opened",)),
    )
    library = runtime.ports().library
    library.publish(library.organisation().model_copy(update={"webhooks": webhooks}), runtime.now())
    events, sqs = client("events", lazo.aws.endpoint), client("sqs", lazo.aws.endpoint)
    bus = lazo.resources.environment["BUS_NAME"]
    sqs.create_queue(QueueName="heard")
    events.put_rule(Name="heard", EventBusName=bus, EventPattern='{"source": ["lazo"]}')
    target = {"Id": "heard", "Arn": "arn:aws:sqs:us-east-1:000000000000:heard"}
    events.put_targets(Rule="heard", EventBusName=bus, Targets=[target])
    return lazo


def heard(system: LocalSystem) -> list[dict[str, Any]]:
    """Return what was put on the bus, as its envelopes."""
    return [json.loads(message["body"]) for message in system.aws.messages("heard", 100)]


def posted(system: LocalSystem, to: str) -> list[dict[str, Any]]:
    """Return what was posted to a webhook."""
    return [json.loads(message["text"]) for message in system.mailbox.messages("webhook", to)]


def closed_sale(system: LocalSystem) -> str:
    """Let Ana buy something, and return the link of her survey."""
    tokens = json.loads((system.state / "tokens.json").read_text())
    customer = {"id": "c-981", "name": "Ana", "email": "ana@example.com"}
    event = {
        "specversion": "1.0",
        "id": "ORD-1",
        "source": "/crm",
        "type": "sale.closed",
        "time": system.clock.now().isoformat(),
        "data": {"customer": customer, "reference": "R-77", "department": "sales"},
    }
    kind, bearer = "application/cloudevents+json", f"Bearer {tokens['events_token']}"
    body = json.dumps(event)
    assert ask(system.base_url + "/events", "POST", body, Content_Type=kind, Authorization=bearer).status == 202
    ask(system.base_url + "/_local/clock", "POST", {"advance": "P10D"})
    (mail,) = [one for one in system.mailbox.messages("email", "ana@example.com") if "/s/" in one["text"]][:1]
    return next(word for word in str(mail["text"]).split() if word.startswith(system.base_url + "/s/"))


def test_a_low_answer_reaches_bus_crm_and_slack_and_no_metadata_service(out: LocalSystem) -> None:
    link = closed_sale(out)
    assert ask(link, "POST", "rating=2", **PRESS).status == 200
    out.settle()

    assert {each["source"] for each in heard(out)} == {"lazo"}
    by_type = {each["detail-type"]: each["detail"] for each in heard(out)}
    assert sorted(by_type) == ["case.opened", "response.confirmed"]
    opened = by_type["case.opened"]
    assert opened["data"]["reference"] == "R-77"
    assert opened["data"]["event"] == {"source": "/crm", "id": "ORD-1"}
    assert opened["data"]["customer"] == {"id": "c-981"}
    assert by_type["response.confirmed"]["data"]["rating"] == 2
    assert "ana@example.com" not in json.dumps(heard(out))

    assert sorted(posted(out, CRM), key=lambda each: str(each["type"])) == [opened, by_type["response.confirmed"]]
    (slack,) = posted(out, "https://hooks.slack.com/services/T/B/x")
    assert opened["data"]["url"] in slack["text"]

    (letter,) = out.messages_in("WebhooksDlq")
    assert letter["reason"] == "the address leads to 169.254.169.254, which is no public address"
    assert posted(out, "https://169.254.169.254/latest") == []
    assert out.queues()["WebhooksQueue"] == {"visible": 0, "in_flight": 0, "delayed": 0}


def test_what_is_posted_is_signed_with_the_secret_of_its_webhook(out: LocalSystem) -> None:
    ask(closed_sale(out), "POST", "rating=9", **PRESS)
    out.settle()
    (message,) = out.mailbox.messages("webhook", CRM)
    headers = message["headers"]
    given = headers["webhook-id"], headers["webhook-timestamp"], headers["webhook-signature"]
    body = message["text"].encode()
    assert is_signed([runtime.secrets().webhook_secret("crm")], *given, body, out.clock.now() + timedelta(seconds=1))
    assert not is_signed([runtime.secrets().webhook_secret("team")], *given, body, out.clock.now())
    assert headers["webhook-id"] == json.loads(body)["id"]


def test_a_customer_who_opts_out_is_told_to_the_crm_once(out: LocalSystem) -> None:
    closed_sale(out)
    (mail,) = [one for one in out.mailbox.messages("email", "ana@example.com") if "/u/" in one["text"]][:1]
    stop = mail["headers"]["List-Unsubscribe"].split("<")[1].split(">")[0]
    for _ in range(2):
        form = "List-Unsubscribe=One-Click"
        assert ask(stop, "POST", form, Content_Type="application/x-www-form-urlencoded").status == 200
        out.settle()
    (told,) = posted(out, CRM)
    assert (told["type"], told["subject"]) == ("customer.opted_out", "c-981")
    assert told["data"] == {
        "reference": "R-77",
        "event": {"source": "/crm", "id": "ORD-1"},
        "customer": {"id": "c-981"},
        "how": "link",
    }


def test_both_readers_of_the_stream_read_all_of_it(out: LocalSystem) -> None:
    ask(closed_sale(out), "POST", "rating=9", **PRESS)
    out.settle()
    positions = {pump.name: pump.position for pump in out.streams}
    assert sorted(positions) == ["project", "publish"]
    assert len(set(positions.values())) == 1
