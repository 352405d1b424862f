"""Each page as everybody must be able to use it, on a phone and on a desk, in the light and in the dark."""

from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, ViewportSize
from playwright.sync_api import Page as Tab

from infra.local.system import LocalSystem
from tests.browser.screens import COLOUR_RULES, DESK, PHONE, fits, sign_in, tab_in, violations, window
from tests.story.company import Company, Form, Json, link_in

pytestmark = [pytest.mark.browser, pytest.mark.embedded, pytest.mark.slow]

DISPATCH = "despachos@tornillo.example.com"
NO_PAGES = ("/api/", "/events")  # for programs
FILES = ("/trends.csv",)


@dataclass(frozen=True)
class Look:
    """One page as one reader sees it, and the route that serves it."""

    route: str
    address: str
    reader: str = ""


def lived_in(company: Company) -> list[Look]:
    """Let the company live through all that a page can show; return where it shows it."""
    (closed,) = company.ask(1)
    company.later("P21D")
    waiting, low, high, awful = company.ask(2, 3, 4, 5)
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
