"""A stage that was just deployed becomes usable: secrets, organisation, an administrator, a trial that leaves."""

import json
from urllib.parse import parse_qs, urlencode, urlsplit

import boto3
import pytest

from chalicelib import runtime
from infra.aws import first_steps
from infra.aws.first_steps import NotRight
from infra.local.system import LocalSystem
from tests.local.asking import ask
from tests.story.company import BOGOTA, Company
from tests.story.test_bad_input import FORM

pytestmark = pytest.mark.embedded

ADMIN = "sistemas@tornillo.example.com"


def test_the_administrator_is_let_in_once_and_a_trial_leaves(company: Company, lazo: LocalSystem) -> None:
    organisation = runtime.ports().library.organisation()
    told = first_steps.take(organisation, wait=lambda _: lazo.settle())
    assert told[0] == "Ferretería El Tornillo is in force already."
    assert ADMIN in told[1]
    link = parse_qs(urlsplit(told[1].split()[-1]).query)["link"][0]
    door, pressed = f"{company.base_url}/sign-in", urlencode({"link": link})
    assert ask(door, "POST", pressed, Content_Type=FORM).status == 303
    assert ask(door, "POST", pressed, Content_Type=FORM).status == 410
    assert f"has left for {ADMIN}" in told[2]
    assert company.mail(ADMIN)["subject"]
    company.later("P1D")
    (series,) = company.api("leadership", "trends?metric=response_rate&interval=month").json["series"]
    assert series["points"] == []  # it counts nowhere


def test_a_trial_that_does_not_leave_says_where_to_look(company: Company) -> None:
    with pytest.raises(NotRight, match=r"has not left.*/lazo/STAGE/due"):
        first_steps.take(None, wait=lambda _: None)


def test_at_night_the_trial_waits_for_its_hours(company: Company) -> None:
    company.move_to(company.now().astimezone(BOGOTA).replace(hour=23))
    assert "leaves for" in first_steps.take(None, wait=lambda _: None)[-1]


def test_secrets_that_are_missing_are_made_and_those_that_are_there_stay(company: Company, lazo: LocalSystem) -> None:
    client, settings = boto3.client("secretsmanager"), runtime.settings()

    def value(id_: str) -> dict[str, str]:
        found: dict[str, str] = json.loads(client.get_secret_value(SecretId=id_)["SecretString"])
        return found

    before = value(settings.secrets_id), value(settings.link_keys_id)
    first_steps.ensure_secrets(client, settings)
    assert (value(settings.secrets_id), value(settings.link_keys_id)) == before
    client.put_secret_value(SecretId=settings.link_keys_id, SecretString="{}")
    first_steps.ensure_secrets(client, settings)
    assert value(settings.secrets_id) == before[0]
    assert {name: len(key) for name, key in value(settings.link_keys_id).items()} == {"1": 64}
    rotated = {"2": "k" * 64}
    client.put_secret_value(SecretId=settings.link_keys_id, SecretString=json.dumps(rotated))
    first_steps.ensure_secrets(client, settings)
    assert value(settings.link_keys_id) == rotated
