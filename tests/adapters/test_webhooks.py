"""What leaves for a webhook: signed for programs, a line in words for a Slack channel."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from chalicelib.adapters.webhooks import SignedWebhooks
from chalicelib.domain.organisation import Organisation, Webhook
from chalicelib.domain.outgoing import CloudEvent, Kind
from chalicelib.domain.signature import is_signed
from chalicelib.errors import CarrierRefused
from tests.domain.cast import FRIDAY_1630, organisation

SECRETS = {"crm": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "team": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}
CRM = Webhook(id="crm", url="https://crm.example.com/lazo")
TEAM = Webhook(id="team", url="https://hooks.slack.com/services/T/B/x", format="slack")
URL = "https://lazo.example/cases/i-1"


def event(kind: Kind = "case.opened", **data: Any) -> CloudEvent:
    """A case of Ana's, unless said otherwise."""
    given = {"reference": "ORD-10045", "metric": "nps", "rating": 2, "department": "logistics", "url": URL, **data}
    return CloudEvent(id="ab" * 16, source="/lazo/test", type=kind, subject="i-1", time=FRIDAY_1630, data=given)


def post(
    webhook: Webhook, told: CloudEvent | None = None, company: Organisation | None = None
) -> tuple[str, Mapping[str, str], bytes]:
    """Post an event and return what would have left."""
    sent: list[tuple[str, Mapping[str, str], bytes]] = []
    webhooks = SignedWebhooks(SECRETS.__getitem__, lambda *what: sent.append(what))
    webhooks.post(webhook, told or event(), company or organisation(), FRIDAY_1630)
    (only,) = sent
    return only


def slack(told: CloudEvent, **company: Any) -> str:
    """Return what a Slack channel reads of an event."""
    content = json.loads(post(TEAM, told, organisation(**company))[2])
    assert list(content) == ["text"]
    return str(content["text"])


def test_a_program_gets_the_whole_event_signed_with_the_webhooks_own_secret() -> None:
    url, headers, body = post(CRM)
    assert url == CRM.url
    assert json.loads(body) == event().as_json()
    assert headers["Content-Type"].startswith("application/cloudevents+json")
    assert headers["webhook-id"] == "ab" * 16
    given = headers["webhook-id"], headers["webhook-timestamp"], headers["webhook-signature"]
    assert is_signed([SECRETS["crm"]], *given, body, FRIDAY_1630)
    assert not is_signed([SECRETS["team"]], *given, body, FRIDAY_1630)
    assert not is_signed([SECRETS["crm"]], *given, body + b" ", FRIDAY_1630)


def test_while_one_secret_replaces_another_both_sign() -> None:
    sent: list[Any] = []
    both = f"{SECRETS['crm']} {SECRETS['team']}"
    SignedWebhooks(lambda _: both, lambda *what: sent.append(what)).post(CRM, event(), organisation(), FRIDAY_1630)
    ((_, headers, body),) = sent
    assert headers["webhook-signature"].count("v1,") == 2
    given = headers["webhook-id"], headers["webhook-timestamp"], headers["webhook-signature"]
    for name in ("crm", "team"):
        assert is_signed([SECRETS[name]], *given, body, FRIDAY_1630)
    assert not is_signed(["whsec_c2VjcmV0"], *given, body, FRIDAY_1630)


def test_every_retry_is_signed_anew_under_the_same_id() -> None:
    assert post(CRM)[1]["webhook-id"] == post(CRM)[1]["webhook-id"]
    assert "." not in post(CRM)[1]["webhook-id"]


@pytest.mark.parametrize("url", ["https://10.0.0.1/", "https://localhost/", "https://127.1/"])
def test_an_address_inside_is_refused_for_good_before_anything_is_signed_or_sent(url: str) -> None:
    inside = CRM.model_copy(update={"url": url, "id": "unknown"})
    with pytest.raises(CarrierRefused) as refused:
        post(inside)
    assert refused.value.permanent
    assert url not in str(refused.value)


def test_a_channel_reads_what_happened_how_bad_whose_it_is_and_where() -> None:
    said = slack(event())
    assert said == f"Caso nuevo · 2 de 10 · ORD-10045 · Logistics\n<{URL}|Ver el caso>"
    assert slack(event(), language="en") == f"New case · 2 of 10 · ORD-10045 · Logistics\n<{URL}|See the case>"


def test_a_move_says_how_the_case_stands_and_what_has_no_case_has_no_link() -> None:
    moved = slack(event("case.moved", state="waiting"), language="en")
    assert moved.startswith("Case moved on · Waiting for the customer · 2 of 10")
    assert slack(event("response.confirmed", url=None, rating=10), language="pt").count("\n") == 0
    gone = CloudEvent(id="a", source="/lazo/test", type="customer.opted_out", time=FRIDAY_1630, data={"how": "sms"})
    assert slack(gone, language="en") == "A customer wants no more surveys"


def test_a_reference_cannot_call_a_whole_channel_nor_lead_elsewhere() -> None:
    said = slack(event(reference="<!channel> <https://evil.example|x> & " + "y" * 200))
    assert "<!channel>" not in said
    assert "<https://evil" not in said
    assert "&lt;!channel&gt;" in said
    assert len(said) < 250
