"""Whom the company asks, how often, by which way, and whom it leaves in peace."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.local.carrier import NUMBER
from infra.local.prepare import EXAMPLE, PROJECT
from infra.local.receipts import SIMULATOR_DOMAIN
from infra.local.resources import client
from infra.local.system import LocalSystem
from tests.story.company import ANA, Company, link_in
from tests.story.test_loop import put_on_bus

pytestmark = pytest.mark.embedded

LUIS = {"id": "c-12", "name": "Luis Vega", "phone": "+573009998877"}
DISPATCH = "despachos@tornillo.example.com"


def test_the_same_event_asks_once_however_often_it_comes(company: Company, lazo: LocalSystem) -> None:
    event = company.sell("ORD-1")
    assert company.post(event).status == 202
    assert company.post([event, event]).status == 202
    put_on_bus(lazo, event, event)
    company.later("PT3H")
    first = company.mail("ana@example.com")
    assert company.post(event).status == 202  # and a week later
    company.later("PT1H")
    assert company.mail("ana@example.com") == first
    assert [decision["state"] for decision in company.decisions("ORD-1")] == ["sent"]


def test_who_was_asked_rests(company: Company) -> None:
    company.sell("ORD-1")
    company.later("PT3H")
    company.sell("ORD-2")
    company.later("PT3H")
    assert len(company.messages("ana@example.com")) == 1
    assert [each["reason"] for each in company.decisions("ORD-2")] == ["resting"]


def test_one_reminder_and_none_after_the_answer(company: Company) -> None:
    company.sell("ORD-1")
    company.sell("ORD-2", customer={**ANA, "id": "c-2", "email": "pia@example.com"})
    company.later("PT3H")
    company.press(link_in(company.mail("pia@example.com"), "/s/"), rating="9")
    company.later("P13D")
    assert len(company.messages("ana@example.com")) == 2
    assert len(company.messages("pia@example.com")) == 1


def test_a_customer_without_email_is_asked_by_one_text_and_answers_in_it(company: Company) -> None:
    company.sell("ORD-1", customer=LUIS)
    company.later("PT3H")
    text = company.mail(LUIS["phone"])
    assert text["channel"] == "sms"
    assert len(text["text"]) <= 160
    assert company.open(link_in(text, "/s/")).status == 200
    company.text(LUIS["phone"], NUMBER, "2 la entrega tardó")
    (case,) = company.cases()
    assert (case["rating"], case["verbatim"], case["department"]) == (2, "la entrega tardó", "logistics")
    assert len(company.messages(LUIS["phone"])) == 2  # the question, and one word of thanks


def test_a_text_that_says_stop_ends_it_and_is_confirmed_once(company: Company) -> None:
    company.sell("ORD-1", customer=LUIS)
    company.later("PT3H")
    company.text(LUIS["phone"], NUMBER, "STOP")
    assert len(company.messages(LUIS["phone"])) == 2
    company.later("P40D")
    company.sell("ORD-2", customer=LUIS)
    company.later("P1D")
    assert len(company.messages(LUIS["phone"])) == 2
    assert [each["reason"] for each in company.decisions("ORD-2")] == ["opted_out"]


def test_the_unsubscribe_link_stops_by_a_press_and_not_by_opening(company: Company) -> None:
    company.sell("ORD-1")
    company.later("PT3H")
    stop = link_in(company.mail("ana@example.com"), "/u/")
    assert company.open(stop).status == 200
    company.later("P40D")
    company.sell("ORD-2")
    company.later("P1D")
    asked = len(company.messages("ana@example.com"))
    assert asked == 3  # the first, its reminder, the second
    assert company.submit(stop, {"List-Unsubscribe": "One-Click"}).status == 200
    company.later("P40D")
    company.sell("ORD-3")
    company.later("P1D")
    assert [each["reason"] for each in company.decisions("ORD-3")] == ["opted_out"]


def test_whoever_stands_at_the_counter_needs_no_name(company: Company, lazo: LocalSystem, tmp_path: Path) -> None:
    drawn = tmp_path / "shop.svg"
    told = told_of_counter("shop", drawn, lazo.state)
    assert drawn.read_text().count("<svg") == 1
    sent = len(company.messages())
    assert company.open(told["page"]).status == 200
    for _ in range(2):
        assert company.press(told["page"], rating="2", comment="nadie me atendió").status == 200
    company.later("PT1M")
    cases = company.cases()
    assert [case["rating"] for case in cases] == [2, 2]
    assert {case["customer"].get("name") for case in cases} == {None}
    assert {each["to"] for each in company.messages()[sent:]} <= {
        "servicio@tornillo.example.com",
        "ventas@tornillo.example.com",
    }
    company.settle()
    channels = company.api("admin", "trends?metric=nps&by=channel&interval=day").json["series"]
    assert [(each["key"], each["points"][0]["n"]) for each in channels] == [("counter", 2)]
    (asked,) = company.api("admin", "trends?metric=response_rate&interval=day").json["series"]
    assert asked["points"] == []  # nobody was asked


def test_a_bounce_leaves_the_address_in_peace(company: Company) -> None:
    company.sell("ORD-1")
    company.later("PT3H")
    company.report(company.mail("ana@example.com"), "bounce")
    company.later("P40D")
    company.sell("ORD-2", customer={**ANA, "id": "c-other"})
    company.later("P1D")
    assert len(company.messages("ana@example.com")) == 1  # no reminder either
    assert [each["reason"] for each in company.decisions("ORD-2")] == ["suppressed"]


def test_when_her_mail_comes_back_one_text_asks_instead_and_can_be_answered(company: Company) -> None:
    company.sell("ORD-1", customer={**ANA, "phone": LUIS["phone"]})
    company.later("PT3H")
    for _ in range(2):
        company.report(company.mail("ana@example.com"), "bounce")
        company.settle()
    text = company.mail(LUIS["phone"])
    assert text["channel"] == "sms"
    company.text(LUIS["phone"], NUMBER, "2 no me escriban más")
    company.later("P20D")
    assert [case["rating"] for case in company.cases()] == [2]
    assert len(company.messages(LUIS["phone"])) == 2  # the question, and that they will not be asked again
    company.sell("ORD-2", customer=LUIS)
    company.later("PT3H")
    assert [each["reason"] for each in company.decisions("ORD-2")] == ["opted_out"]


def test_too_many_bounces_stop_sending_until_the_administrator_lets_it_go_on(company: Company) -> None:
    for number in range(14):
        company.sell(f"ORD-{number}", customer={"id": f"c-{number}", "email": f"bounce+{number}@{SIMULATOR_DOMAIN}"})
    company.later("PT3H")
    company.report(company.mail(f"bounce+1@{SIMULATOR_DOMAIN}"), "bounce")
    company.settle()
    (told,) = company.messages("sistemas@tornillo.example.com")
    assert "python -m infra resume" in told["text"]
    company.sell("ORD-20")
    company.later("PT3H")
    assert [each["reason"] for each in company.decisions("ORD-20")] == ["paused"]


def test_a_soft_bounce_leaves_the_reminder_as_the_second_chance(company: Company) -> None:
    company.sell("ORD-1")
    company.later("PT3H")
    company.report(company.mail("ana@example.com"), "soft_bounce")
    company.later("P5D")
    assert len(company.messages("ana@example.com")) == 2


def test_a_cancelled_sale_asks_nobody(company: Company) -> None:
    company.sell("ORD-1")
    about = {"event": {"source": "/crm", "id": "ORD-1"}}
    cancelled = {**company.event("CAN-1"), "type": "sale.cancelled", "data": about}
    assert company.post(cancelled).status == 202
    company.later("P2D")
    assert company.messages() == []
    assert [each["reason"] for each in company.decisions("ORD-1")] == ["cancelled"]


def test_after_its_window_a_survey_says_that_it_is_closed_and_keeps_what_was_typed(company: Company) -> None:
    company.sell("ORD-1")
    company.later("PT3H")
    link = link_in(company.mail("ana@example.com"), "/s/")
    company.later("P13DT22H")
    assert company.open(link).status == 200
    company.later("PT3H")
    closed = company.open(link)
    assert closed.status == 410
    assert "servicio@tornillo.example.com" in closed.body.decode()
    late = company.submit(link, {"rating": "2", "what": "Tarde pero cierto"})
    assert late.status == 410
    assert "Tarde pero cierto" in late.body.decode()
    company.settle()
    assert company.cases() == []


def test_a_rating_may_be_corrected_and_opens_one_case_for_ever(company: Company) -> None:
    company.sell("ORD-1")
    company.later("PT3H")
    link = link_in(company.mail("ana@example.com"), "/s/")
    for rating in ("9", "2", "8", "1"):
        assert company.press(link, rating=rating).status == 200
        company.settle()
    (case,) = company.cases()
    assert case["rating"] == 1
    (series,) = company.api("leadership", "trends?metric=nps&interval=month").json["series"]
    assert [(point["n"], point["counts"]) for point in series["points"]] == [(1, {"1": 1})]


def test_a_mail_of_last_week_opens_the_survey_that_it_promised(
    company: Company, lazo: LocalSystem, tmp_path: Path
) -> None:
    company.sell("ORD-1")
    company.later("PT3H")
    before, words = link_in(company.mail("ana@example.com"), "/s/"), "¿Volvería a comprarnos?"
    changed = tmp_path / "reworded.yaml"
    asked = "¿Qué tan probable es que nos recomiende a un amigo o colega?"
    text = EXAMPLE.read_text()
    assert asked in text
    changed.write_text(text.replace(asked, words))
    publish(changed, lazo.state)
    company.later("P7D")
    company.sell("ORD-2", customer={**ANA, "id": "c-2", "email": "pia@example.com"})
    company.later("PT3H")
    after = company.mail("pia@example.com")
    assert words in after["text"]
    assert words in company.open(link_in(after, "/s/")).body.decode()
    assert asked in company.open(before).body.decode()
    assert company.press(before, rating="9").status == 200


def told_of_counter(id_: str, drawn: Path, state: Path) -> dict[str, Any]:
    """Draw the code of a counter of the running system, from another shell; return what is said of it."""
    command = [sys.executable, "-m", "infra", "counter", id_, "--svg", str(drawn), "--json"]
    command += ["--local", "--state", str(state)]
    done = subprocess.run(command, cwd=PROJECT, env=os.environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def publish(file: Path, state: Path) -> None:
    """Publish an organisation to the running system, from another shell."""
    command = [sys.executable, "-m", "infra", "publish", str(file), "--local", "--state", str(state)]
    done = subprocess.run(command, cwd=PROJECT, env=os.environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_no_event_lands_with_its_reason_while_others_go_on(company: Company, lazo: LocalSystem) -> None:
    sale = company.event("ORD-1")
    put_on_bus(lazo, {"order": 17}, sale)
    sqs, queue = client("sqs", lazo.aws.endpoint), lazo.resources.environment["INTAKE_QUEUE_URL"]
    sqs.send_message(QueueUrl=queue, MessageBody="<order id='18'/>")
    company.later("PT3H")
    assert company.mail("ana@example.com")["subject"]
    page = company.local_page()
    assert "Dead letters in IntakeDlq" in page
    assert "specversion" in page
    assert page.count("{&#34;refused&#34;") == 2
    assert "&lt;order id=" not in page  # what was refused is kept by its shape: it may name anybody
    assert "No reason is known" not in page
