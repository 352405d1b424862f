"""What the first version wrote, sent and left waiting is finished by this one: no link breaks, nobody asked twice."""

import base64
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from chalicelib import runtime
from chalicelib.flows import project
from infra import items
from infra.local.resources import client
from infra.local.system import LocalSystem
from tests.story.company import Company, Json, instant
from tests.story.test_loop import BRUNO, DISPATCH, put_on_bus

pytestmark = pytest.mark.embedded

OLD = Path(__file__).parents[1] / "vectors" / "in_flight_0_1.json"


@pytest.fixture(scope="module")
def old() -> Json:
    """A stage in mid-flight, as the first version left it."""
    found: Json = json.loads(OLD.read_text())
    return found


def restored(value: Any) -> Any:
    """Return an attribute with its bytes as bytes."""
    if isinstance(value, dict):
        return (
            base64.b64decode(value["base64"])
            if set(value) == {"base64"}
            else {k: restored(v) for k, v in value.items()}
        )
    return [restored(each) for each in value] if isinstance(value, list) else value


@pytest.fixture
def upgraded(company: Company, lazo: LocalSystem, old: Json) -> Company:
    """This version, where the first one ran a moment ago."""
    company.move_to(instant(old["now"]))
    secrets, told = boto3.client("secretsmanager"), lazo.resources.environment
    for setting, value in old["secrets"].items():
        secrets.put_secret_value(SecretId=told[setting], SecretString=value)
    table, sqs = client("dynamodb", lazo.aws.endpoint), client("sqs", lazo.aws.endpoint)
    for item in old["items"]:
        table.put_item(TableName=lazo.resources.names["Table"], Item=restored(item))
    runtime.forget()
    for queue, bodies in old["queues"].items():
        for body in bodies:
            sqs.send_message(QueueUrl=lazo.resources.names[queue], MessageBody=body)
    company.settle()
    return company


def link(company: Company, old: Json, name: str) -> str:
    """Return a link that the first version has sent."""
    return company.base_url + str(old["links"][name])


def test_messages_in_flight_are_handled_once(upgraded: Company, lazo: LocalSystem) -> None:
    assert all(not queue["visible"] for queue in lazo.queues().values())
    upgraded.later("PT3H")
    for number in (2, 7, 8):  # planned by the first version; an event by HTTP; one by the bus
        assert len(upgraded.messages(f"cliente{number}@example.com")) == 1
    assert len(upgraded.messages("+573001112233")) == 1
    for number in (1, 3, 4, 5):  # asked by the first version
        assert upgraded.messages(f"cliente{number}@example.com") == []


def test_an_old_invitation_opens_and_a_low_answer_is_a_case(upgraded: Company, old: Json) -> None:
    asked = link(upgraded, old, "unanswered")
    assert upgraded.open(asked).status == 200
    assert upgraded.press(asked, rating="1", failed="late").status == 200
    upgraded.settle()
    assert len(upgraded.cases("logistics")) == 2
    assert upgraded.mail(DISPATCH)["text"]


def test_an_answer_that_waited_is_confirmed_and_a_confirmed_one_may_be_corrected(upgraded: Company, old: Json) -> None:
    upgraded.later("PT5M")
    assert upgraded.press(link(upgraded, old, "confirmed_high"), rating="10").status == 200
    upgraded.settle()
    (series,) = upgraded.api("leadership", "trends?metric=nps&interval=month").json["series"]
    assert [point["counts"] for point in series["points"]] == [{"2": 1, "8": 1, "10": 1}]
    found = project.reconcile(runtime.ports(), items.every())
    assert found.differences == ()


def test_an_old_case_goes_on_by_its_old_link_and_its_old_promise(upgraded: Company, old: Json) -> None:
    case = upgraded.case(old["case"])
    upgraded.move_to(instant(case["acknowledge_by"]) + timedelta(minutes=1))
    assert len(upgraded.messages(BRUNO)) == 1
    assert upgraded.press(link(upgraded, old, "step")).status == 200
    assert upgraded.case(old["case"])["state"] == "acknowledged"


def test_an_old_wish_to_be_left_alone_is_heard(upgraded: Company, old: Json) -> None:
    assert upgraded.submit(link(upgraded, old, "stop"), {"List-Unsubscribe": "One-Click"}).status == 200
    upgraded.later("P5D")
    assert upgraded.messages("cliente1@example.com") == []  # the reminder that was planned


def test_an_event_that_the_first_version_has_decided_asks_nobody_again(upgraded: Company, lazo: LocalSystem) -> None:
    put_on_bus(lazo, upgraded.event("ORD-1", customer={"id": "c-1", "email": "cliente1@example.com"}))
    upgraded.later("PT4H")
    assert upgraded.messages("cliente1@example.com") == []


def test_a_rotated_key_signs_new_links_and_breaks_none(upgraded: Company, lazo: LocalSystem, old: Json) -> None:
    keys = json.loads(old["secrets"]["LINK_KEYS_ID"])
    rotated = json.dumps({**keys, "2": "n" * 64})
    id_ = lazo.resources.environment["LINK_KEYS_ID"]
    boto3.client("secretsmanager").put_secret_value(SecretId=id_, SecretString=rotated)
    upgraded.later("PT3H")
    new = upgraded.messages("cliente7@example.com")[0]["text"]
    assert upgraded.open(link(upgraded, old, "unanswered")).status == 200
    assert upgraded.open(next(word for word in new.split() if "/s/" in word)).status == 200
    assert [each["state"] for each in upgraded.decisions("ORD-1")] == ["sent"]
