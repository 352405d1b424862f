"""The whole running system as its three people use it, and each of its pages as everybody must be able to."""

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from tests.browser.screens import DESK, PHONE, complaints, fits, sign_in, tab_in, window
from tests.story.company import ANA, Company, link_in

pytestmark = [pytest.mark.browser, pytest.mark.embedded]

DISPATCH = "despachos@tornillo.example.com"


def test_ana_answers_on_her_phone_out_of_her_mail(browser: Browser, company: Company) -> None:
    company.sell("ORD-1")
    company.later("PT3H")
    with window(browser, PHONE) as phone, tab_in(phone) as tab:
        tab.goto(f"{company.base_url}/_local/")
        tab.get_by_role("link", name="Su compra (ORD-1)").tap()
        with phone.expect_page() as opening:  # a click: touches made by a driver do not always reach another's frame
            tab.frame_locator("iframe").get_by_role("link", name="2", exact=True).click()
        survey = opening.value
        found = complaints(survey)
        expect(survey.locator("input[name=rating][value='2']")).to_be_checked()
        survey.get_by_label("La entrega llegó tarde").tap()
        survey.get_by_label("Cuéntenos qué pasó").fill("Tres días tarde 😊")
        survey.get_by_role("button", name="Enviar mi respuesta").tap()
        expect(survey.get_by_role("heading", name="Gracias")).to_be_visible()
        assert found == []
    company.settle()  # at once: her press needs no two minutes
    (case,) = company.cases("logistics")
    assert (case["rating"], case["verbatim"]) == (2, "Tres días tarde 😊")
    assert company.mail(DISPATCH)["subject"]


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_bruno_takes_the_case_and_mends_it(browser: Browser, company: Company, size: ViewportSize) -> None:
    company.press(*company.ask(1), rating="2", failed="late", what="Tres días tarde")
    company.settle()
    with window(browser, size) as context, tab_in(context) as tab:
        sign_in(tab, company, "logistics")
        expect(tab).to_have_url(f"{company.base_url}/cases")
        tab.get_by_role("link", name="Cliente 1").first.click()
        expect(tab.get_by_text("Tres días tarde").first).to_be_visible()
        tab.get_by_role("button", name="Tomar el caso").click()
        assert company.cases("logistics")[0]["state"] == "acknowledged"
        tab.locator("[name=root_cause]").select_option("carrier")
        tab.locator("[name=action]").fill("Otro camión, sin costo de flete")
        tab.locator("form[action$='/resolve'] button").click()
        expect(tab.get_by_text("Otro camión, sin costo de flete").first).to_be_visible()
        assert fits(tab)
    assert company.cases("logistics") == []
    company.settle()
    question = company.messages("cliente1@example.com")[-1]
    assert company.press(link_in(question, "/s/"), rating="yes").status == 200


def test_bruno_takes_the_case_from_his_mail_without_an_account(browser: Browser, company: Company) -> None:
    company.press(*company.ask(1), rating="2", failed="late")
    company.settle()
    with window(browser, PHONE) as context, tab_in(context) as tab:
        tab.goto(link_in(company.mail(DISPATCH), "/c/"))
        assert company.cases("logistics")[0]["state"] == "open"  # opening it changes nothing
        tab.get_by_role("button", name="Tomar el caso").tap()
        expect(tab.get_by_role("button", name="Tomar el caso")).to_have_count(0)
    assert company.cases("logistics")[0]["state"] == "acknowledged"


def test_carla_sees_where_it_hurts(browser: Browser, company: Company) -> None:
    for link, rating in zip(company.ask(1, 2, 3), ("2", "9", "10"), strict=True):
        company.press(link, rating=rating, failed="late")
    company.settle()
    with window(browser, DESK) as context, tab_in(context) as tab:
        sign_in(tab, company, "leadership")
        expect(tab).to_have_url(f"{company.base_url}/trends")
        # Two promoters and one detractor of three: 33 points, and an interval that says how little three answers say.
        told = tab.get_by_role("link", name="Recomendación (NPS)").first.inner_text().split()
        assert "33" in told
        assert told[-3:] == ["n", "=", "3"]


def test_ana_s_name_is_on_no_page_that_a_stranger_opens(browser: Browser, company: Company) -> None:
    company.sell("ORD-1")
    company.later("PT3H")
    company.press(link_in(company.mail("ana@example.com"), "/s/"), rating="2", failed="late")
    company.settle()
    (case,) = company.cases("logistics")
    with window(browser, DESK) as context, tab_in(context) as tab:
        desks = ("/cases", f"/cases/{case['id']}", "/knowledge?words=tarde", "/trends", "/recognition", "/me")
        for path in (*desks, "/ledger?customer=c-981"):
            tab.goto(company.base_url + path)
            assert "/sign-in" in tab.url
            assert ANA["name"] not in tab.content()
