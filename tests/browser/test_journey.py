"""The whole running system as its three people use it, and each of its pages as everybody must be able to."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext, ViewportSize, expect
from playwright.sync_api import Page as Tab

from infra.local.system import LocalSystem
from tests.browser.screens import COLOUR_RULES, DESK, PHONE, complaints, fits, violations, window
from tests.story.company import ANA, Company, Form, Json, link_in

pytestmark = [pytest.mark.browser, pytest.mark.embedded]

DISPATCH = "despachos@tornillo.example.com"
NO_PAGES = ("/api/", "/events")  # for programs
FILES = ("/trends.csv",)


@contextmanager
def tab_in(context: BrowserContext) -> Iterator[Tab]:
    """Open a tab of which the browser must have nothing to complain."""
    tab = context.new_page()
    found = complaints(tab)
    yield tab
    tab.close()
    assert found == []


def sign_in(tab: Tab, company: Company, who: str) -> None:
    """Sign in with a token, as whoever has no mailbox at hand."""
    tab.goto(f"{company.base_url}/sign-in?lang=es")
    tab.get_by_text("Tengo un token").click()
    tab.get_by_label("Token").fill(company.tokens["api"][who])
    tab.get_by_role("button", name="Entrar con él").click()


def customer(number: int) -> Json:
    """Return one customer of many."""
    return {"id": f"c-{number}", "name": f"Cliente {number}", "email": f"cliente{number}@example.com"}


def asked(company: Company, *numbers: int) -> list[str]:
    """Let customers be asked; return each one's link to the survey."""
    for number in numbers:
        company.sell(f"ORD-{number}", customer=customer(number))
    company.later("PT3H")
    return [link_in(company.messages(f"cliente{number}@example.com")[-1], "/s/") for number in numbers]


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
    company.press(*asked(company, 1), rating="2", failed="late", what="Tres días tarde")
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
    company.press(*asked(company, 1), rating="2", failed="late")
    company.settle()
    with window(browser, PHONE) as context, tab_in(context) as tab:
        tab.goto(link_in(company.mail(DISPATCH), "/c/"))
        assert company.cases("logistics")[0]["state"] == "open"  # opening it changes nothing
        tab.get_by_role("button", name="Tomar el caso").tap()
        expect(tab.get_by_role("button", name="Tomar el caso")).to_have_count(0)
    assert company.cases("logistics")[0]["state"] == "acknowledged"


def test_carla_sees_where_it_hurts(browser: Browser, company: Company) -> None:
    for link, rating in zip(asked(company, 1, 2, 3), ("2", "9", "10"), strict=True):
        company.press(link, rating=rating, failed="late")
    company.settle()
    with window(browser, DESK) as context, tab_in(context) as tab:
        sign_in(tab, company, "leadership")
        expect(tab).to_have_url(f"{company.base_url}/trends")
        # Two promoters and one detractor of three: 33 points, and an interval that says how little three answers say.
        told = tab.get_by_role("link", name="Recomendación (NPS)").first.inner_text().split()
        assert "33" in told
        assert told[-3:] == ["n", "=", "3"]


# ---------------------------------------------------------------------------------------------- every page


@dataclass(frozen=True)
class Look:
    """One page as one reader sees it, and the route that serves it."""

    route: str
    address: str
    reader: str = ""


def lived_in(company: Company) -> list[Look]:
    """Let the company live through all that a page can show; return where it shows it."""
    (closed,) = asked(company, 1)
    company.later("P21D")
    waiting, low, high, awful = asked(company, 2, 3, 4, 5)
    company.press(low, rating="2", failed=["late", "rude"], what="Tres días <b>tarde</b> 😊")
    company.press(high, rating="10", whom="Paula Rojas")
    company.press(awful, rating="0", what="Nadie contesta")
    company.settle()
    (case,) = company.cases("logistics")
    alert = link_in(company.messages(DISPATCH)[0], "/c/")
    looks = [Look("/c/{token}", alert)]
    looks += of_customers(company, closed, waiting, high)
    looks += of_staff(company, case)
    return looks + on_this_machine(company)


def of_customers(company: Company, closed: str, waiting: str, high: str) -> list[Look]:
    """Return the pages that links lead to."""
    mail = company.messages("cliente2@example.com")[-1]
    at_counter = company.counter()
    return [
        Look("/q/{token}", at_counter),
        Look("/q/{token}", f"{company.base_url}/q/unknown"),
        Look("/q/{token}/{nonce}", f"{company.base_url}{Form.of(company.open(at_counter)).action}"),
        Look("/s/{token}", waiting),
        Look("/s/{token}", high),
        Look("/s/{token}", closed),
        Look("/s/{token}", f"{company.base_url}/s/unknown"),
        Look("/s/{token}/{rating}", f"{waiting}/1"),
        Look("/s/{token}/{rating}", f"{waiting}/9"),
        Look("/u/{token}", link_in(mail, "/u/")),
        Look("/privacy/{token}", link_in(mail, "/privacy/")),
        Look("/c/{token}", f"{company.base_url}/c/unknown"),
    ]


def of_staff(company: Company, case: Json) -> list[Look]:
    """Return the pages of our own people; the case is resolved by then, its customer asked whether it was mended."""
    company.move("logistics", case, "acknowledge")
    company.move("logistics", case, "contact", how="phone", outcome="Llega hoy")
    company.move("logistics", case, "resolve", root_cause="carrier", action="Otro camión")
    company.settle()
    mended = link_in(company.messages("cliente3@example.com")[-1], "/s/")
    company.submit(f"{company.base_url}/sign-in", {"email": "bruno.diaz@tornillo.example.com"})
    company.settle()
    link = next(mail for mail in company.messages("bruno.diaz@tornillo.example.com") if "sign-in" in mail["text"])
    (other,) = company.cases("admin")
    as_leader = (
        "/trends",
        "/trends?metric=nps&by=department",
        "/answers",
        "/ledger",
        "/ledger?customer=c-3",
        "/recognition",
        "/incidents",
        "/sending",
    )
    return [
        Look("/s/{token}", mended),
        Look("/sign-in", f"{company.base_url}/sign-in"),
        Look("/sign-in", link_in(link, "/sign-in")),
        Look("/", f"{company.base_url}/", "leadership"),
        Look("/cases", f"{company.base_url}/cases", "logistics"),
        Look("/cases", f"{company.base_url}/cases?state=resolved", "logistics"),
        Look("/cases", f"{company.base_url}/cases", "leadership"),
        Look("/knowledge", f"{company.base_url}/knowledge?words=camion", "logistics"),
        Look("/cases/{id}", f"{company.base_url}/cases/{case['id']}", "logistics"),
        Look("/cases/{id}", f"{company.base_url}/cases/{other['id']}", other["department"]),
        Look("/cases/{id}", f"{company.base_url}/cases/unknown", "logistics"),
        *(Look(path.partition("?")[0], f"{company.base_url}{path}", "leadership") for path in as_leader),
        Look("/trends", f"{company.base_url}/trends", "logistics"),
        Look("/me", f"{company.base_url}/me", "logistics"),
        Look("/sending", f"{company.base_url}/sending", "admin"),
    ]


def on_this_machine(company: Company) -> list[Look]:
    """Return the pages of the machine itself, with a dead letter."""
    mail = company.messages("cliente2@example.com")[-1]
    base = f"{company.base_url}/_local/"
    paths = ("", "?to=nobody@example.com", f"mail/{mail['id']}", f"mail/{company.messages(DISPATCH)[0]['id']}")
    return [Look("/_local/", base + path) for path in paths]


def test_every_page_can_be_used_by_everybody_on_every_screen(
    browser: Browser, company: Company, lazo: LocalSystem
) -> None:
    looks = lived_in(company)
    pages = {route for route, of in lazo.app.routes.items() if "GET" in of and not route.startswith(NO_PAGES)}
    assert {look.route for look in looks} == pages - set(FILES) | {"/_local/"}
    for size in (PHONE, DESK):
        found = [fault for reader in readers(looks) for fault in faults(browser, company, looks, reader, size)]
        assert found == []


def readers(looks: list[Look]) -> list[str]:
    """Return who reads pages."""
    return sorted({look.reader for look in looks})


def faults(browser: Browser, company: Company, looks: list[Look], reader: str, size: ViewportSize) -> list[str]:
    """Return all that is wrong with a reader's pages on one screen, in light and in dark."""
    found = []
    with window(browser, size, color_scheme="light", reduced_motion="reduce") as context, tab_in(context) as tab:
        if reader:
            sign_in(tab, company, reader)
        for look in (look for look in looks if look.reader == reader):
            tab.goto(look.address)
            found += [f"{look.address}, {size['width']}: {each}" for each in wrong(tab)]
    return found


def wrong(tab: Tab) -> list[str]:
    """Return what is wrong with the page of a tab: by all rules in light, by those of colour in the dark."""
    found = violations(tab)
    if not fits(tab):
        found.append("it is wider than the screen")
    tab.emulate_media(color_scheme="dark")
    found += [f"in the dark: {each}" for each in violations(tab, *COLOUR_RULES)]
    tab.emulate_media(color_scheme="light")
    return found


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
