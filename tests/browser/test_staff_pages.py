"""Bruno and Carla at work, in a real Chromium: without a script, with a keyboard, on a phone, in the dark."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from chalicelib.domain.organisation import Burst
from chalicelib.ports import Mail, Principal, Ticket
from tests.browser.screens import COLOUR_RULES, fits, violations
from tests.domain.cast import sale
from tests.flows.test_file import filed
from tests.staffed import TOKENS, busy, company, install, served, staff_app, uninstall, year
from tests.world import World

pytestmark = pytest.mark.browser

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
PHONE, DESK = 360, 1280


@dataclass
class Shop:
    """A company that is served at an address, and what is kept of it."""

    world: World
    address: str

    def case(self, reference: str) -> str:
        """Return the path of the case about an order."""
        found = next(each for each in self.world.memory.cases.values() if each.reference == reference)
        return f"/cases/{found.id}"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def _open(world: World) -> Iterator[Shop]:
    install(world)
    with served(staff_app()) as address:
        yield Shop(world, address)
    uninstall()


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A company on a busy Tuesday."""
    with _open(busy()) as opened:
        yield opened


@pytest.fixture(scope="module")
def long_shop() -> World:
    """The company after a year, its answers on file."""
    made = year()
    sales = made.ports.library.organisation().department("sales")
    assert sales is not None
    head = Principal(id="head", role="department", name="Sara", department="sales", person=sales.head.id)
    made.ports.access.grant("head", head)
    filed(made)
    return made


@contextmanager
def _page(
    chromium: Browser, shop: Shop, who: str = "", *, width: int = DESK, dark: bool = False, script: bool = True
) -> Iterator[Page]:
    """Open a page as somebody, and see that the browser has nothing to complain of."""
    context = chromium.new_context(
        base_url=shop.address,
        viewport={"width": width, "height": 800},
        color_scheme="dark" if dark else "light",
        locale="en-GB",
        java_script_enabled=script,
        reduced_motion="reduce",
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if "Content Security" in message.text else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        if who:
            page.goto("/sign-in")
            page.get_by_text("I have a token").click()
            page.get_by_label("Token").fill(who)
            page.get_by_role("button", name="Sign in with it").click()
            page.wait_for_load_state()
        page.bring_to_front()  # keys and focus go to one tab of a browser only
        yield page
    finally:
        context.close()  # also when the test failed: a tab left open would keep the next one's focus
    assert complaints == []


def _fits(page: Page) -> None:
    assert fits(page)


def _accessible(page: Page, *rules: str) -> None:
    assert violations(page, *rules) == []


STAFF_PAGES = (
    "/cases",
    "/cases?state=resolved",
    "/knowledge?words=calle",
    "/knowledge?words=que",
    "/knowledge?words=zzzz",
    "ORD-10052",
    "ORD-10061",
    "ORD-10077",
)
COMPARISON = "/trends?from=2026-01-01&to=2026-04-01&than_from=2025-06-01"
ANSWERS = "/answers?from=2025-07-01&to=2025-09-01&metric=nps&filter=department:logistics"


@pytest.mark.parametrize(("width", "dark"), [(PHONE, False), (DESK, True)], ids=["phone", "desk-in-the-dark"])
def test_every_page_of_a_department_can_be_read_by_everybody(
    chromium: Browser, shop: Shop, width: int, dark: bool
) -> None:
    with _page(chromium, shop, "bruno", width=width, dark=dark) as page:
        for path in STAFF_PAGES:
            page.goto(shop.case(path) if path.startswith("ORD") else path)
            _fits(page)
            _accessible(page, *(COLOUR_RULES if dark else ()))
    with _page(chromium, shop, width=width, dark=dark) as page:
        page.goto("/sign-in")
        _accessible(page, *(COLOUR_RULES if dark else ()))
        page.goto("/sign-in?link=nonsense")
        _accessible(page, *(COLOUR_RULES if dark else ()))


@pytest.mark.parametrize(("width", "dark"), [(PHONE, False), (DESK, True)], ids=["phone", "desk-in-the-dark"])
def test_every_page_of_leadership_can_be_read_by_everybody(
    chromium: Browser, long_shop: World, width: int, dark: bool
) -> None:
    with _open(long_shop) as shop, _page(chromium, shop, "carla", width=width, dark=dark) as page:
        for path in (
            "/trends",
            "/trends?by=department&metric=nps",
            "/trends?metric=joy",
            COMPARISON,
            ANSWERS,
            "/answers?from=2024-01-01&to=2024-01-02",
            "/answers?metric=joy",
            "/cases",
            "/recognition",
            "/incidents",
            "/sending",
            "/ledger",
            "/ledger?customer=c-ORD-03005",
        ):
            page.goto(path)
            for details in page.locator("main details").all():
                details.evaluate("each => each.open = true")
            _fits(page)
            _accessible(page, *(COLOUR_RULES if dark else ()))


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_what_stands_beside_the_trend_can_be_read_by_everybody(chromium: Browser, long_shop: World, width: int) -> None:
    with _open(long_shop) as shop, _page(chromium, shop, "carla", width=width) as page:
        page.goto(COMPARISON)
        for told in ("Targets", "Delivered, and felt as kept", "Sales and service", "Departments compared"):
            expect(page.get_by_role("heading", name=told)).to_be_visible()
        expect(page.get_by_text("· compared with")).to_be_visible()
        _fits(page)
        _accessible(page)


@pytest.mark.parametrize(("width", "dark"), [(PHONE, False), (DESK, True)], ids=["phone", "desk-in-the-dark"])
def test_a_heads_pages_and_what_mended_other_cases_can_be_read_by_everybody(
    chromium: Browser, long_shop: World, width: int, dark: bool
) -> None:
    with _open(long_shop) as shop, _page(chromium, shop, "head", width=width, dark=dark) as page:
        page.goto("/me")
        _accessible(page, *(COLOUR_RULES if dark else ()))
        page.get_by_role("link", name="Marta Ruiz").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Marta Ruiz")
        expect(page.get_by_role("heading", name="What customers praised")).to_be_visible()
        expect(page.locator("blockquote.praise").first).to_contain_text("Todo bien.")
        _fits(page)
        _accessible(page, *(COLOUR_RULES if dark else ()))
    with _open(long_shop) as shop, _page(chromium, shop, "bruno", width=width, dark=dark) as page:
        page.goto(shop.case("ORD-01002"))
        expect(page.get_by_role("heading", name="What mended cases like this")).to_be_visible()
        _fits(page)
        _accessible(page, *(COLOUR_RULES if dark else ()))


@pytest.mark.parametrize(("width", "dark"), [(PHONE, False), (DESK, True)], ids=["phone", "desk-in-the-dark"])
def test_an_incident_is_read_with_its_cases_and_closed(chromium: Browser, width: int, dark: bool) -> None:
    world = World()
    world.publish(company(incidents=Burst(answers_min=3, pause=True)))
    for token in ("carla", "bruno"):
        world.ports.access.grant(token, TOKENS[token])
    for number in range(3):
        customer = {"id": f"c-{number}", "name": f"Ana {number}", "email": f"ana{number}@example.com"}
        world.tell(sale(customer=customer, reference=f"ORD-{number}", envelope={"id": f"ORD-{number}"}))
        asked = next(each for each in world.memory.invitations.values() if each.reference == f"ORD-{number}")
        world.answer(asked.id, 2, failed="late")
    with _open(world) as shop, _page(chromium, shop, "bruno", width=width, dark=dark) as page:
        page.goto(shop.case("ORD-1"))
        expect(page.get_by_text("Part of an incident")).to_be_visible()
        _fits(page)
        _accessible(page, *(COLOUR_RULES if dark else ()))
    with _open(world) as shop, _page(chromium, shop, "carla", width=width, dark=dark) as page:
        page.goto("/incidents")
        expect(page.get_by_role("link", name=re.compile("ORD-"))).to_have_count(3)
        _fits(page)
        _accessible(page, *(COLOUR_RULES if dark else ()))
        page.get_by_role("button", name=re.compile("Close|mended", re.IGNORECASE)).first.click()
        expect(page.get_by_role("status")).to_contain_text("Surveys go on.")


def test_bruno_mends_a_case_without_a_script(chromium: Browser, shop: Shop) -> None:
    with _page(chromium, shop, "bruno", script=False, width=PHONE) as page:
        expect(page.get_by_role("heading", level=1)).to_have_text("Cases of Dispatch")
        page.get_by_role("link", name="Jorge Ramírez").click()
        expect(page.get_by_text("the customer chose: Llegó tarde")).to_be_visible()
        page.get_by_role("button", name="Pick it up").click()
        expect(page.get_by_role("status")).to_contain_text("It is yours now.")
        page.get_by_label("What did you do about it?").fill("Se entregó hoy, con disculpas.")
        page.get_by_role("button", name="Mended: say how").click()
        expect(page.get_by_text("Please fill this in.")).to_be_visible()
        expect(page.get_by_label("What did you do about it?")).to_have_value("Se entregó hoy, con disculpas.")
        page.get_by_label("What had gone wrong?").select_option("late_supplier")
        page.get_by_role("button", name="Mended: say how").click()
        expect(page.get_by_role("status")).to_contain_text("We ask the customer")
        page.goto("/cases")
        expect(page.get_by_text("Jorge Ramírez")).to_have_count(0)


def test_two_people_on_one_case_do_not_undo_each_other(chromium: Browser, shop: Shop) -> None:
    path = shop.case("ORD-10070")
    with _page(chromium, shop, "bruno") as first, _page(chromium, shop, "admin") as second:
        first.goto(path)
        second.goto(path)
        first.get_by_text("Add a note", exact=True).first.click()
        first.get_by_label("Note", exact=True).fill("Ya lo llamé.")
        first.get_by_role("button", name="Add a note").click()
        second.get_by_role("button", name="Pick it up").click()
        expect(second.get_by_role("alert")).to_contain_text("Ya lo llamé.")
        _accessible(second)
        second.get_by_role("button", name="Pick it up").click()
        expect(second.get_by_role("status")).to_contain_text("It is yours now.")


def test_a_mail_lets_bruno_in_and_takes_him_where_he_wanted_to_be(chromium: Browser, shop: Shop) -> None:
    path = shop.case("ORD-10070")
    with _page(chromium, shop) as page:
        page.goto(path)
        page.get_by_label("Your e-mail address at work").fill("head-logistics@example.com")
        page.get_by_role("button", name="Send me a link").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Look into your mailbox")
        mail = shop.world.memory.sent[-1]
        assert isinstance(mail, Mail)
        page.goto("/sign-in?link=" + mail.text.partition("link=")[2])
        page.get_by_role("button", name="Sign in").click()
        expect(page).to_have_url(shop.address + path)
        page.locator("summary", has_text="Head of logistics").click()
        page.get_by_role("button", name="Sign out").click()
        page.goto(path)
        expect(page).to_have_url(re.compile("/sign-in"))


def test_a_link_of_another_site_finds_the_session(chromium: Browser, shop: Shop) -> None:
    with _page(chromium, shop, "bruno") as page:
        page.route("http://mail.example/", lambda route: route.fulfill(body=f"<a href='{shop.address}/cases'>go</a>"))
        page.goto("http://mail.example/")
        page.get_by_text("go").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Cases of Dispatch")


def test_another_sites_form_moves_nothing(chromium: Browser, shop: Shop) -> None:
    path = shop.case("ORD-10070")
    form = (
        f"<form method=post action='{shop.address}{path}/acknowledge'><input name=version value=1><button>go</button>"
    )
    with _page(chromium, shop, "bruno") as page:
        page.route("http://evil.example/", lambda route: route.fulfill(body=form, content_type="text/html"))
        page.goto("http://evil.example/")
        page.get_by_text("go").click()
        # The browser keeps the session to itself; were it to show it, 403 would be the answer.
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert shop.world.memory.cases[path.rpartition("/")[2]].version == 1


def test_an_alerts_button_works_on_a_phone_without_an_account(chromium: Browser, shop: Shop) -> None:
    id_ = shop.case("ORD-10070").rpartition("/")[2]
    url = shop.world.ports.links.url("case", Ticket(id_, shop.world.now + timedelta(days=1), 1))
    with _page(chromium, shop, width=PHONE, script=False) as page:
        page.goto("/c/" + url.rpartition("/")[2])
        _fits(page)
        page.get_by_role("button", name="Pick it up").click()
        expect(page.get_by_text("In hand", exact=True)).to_be_visible()
        expect(page.get_by_role("button", name="Pick it up")).to_have_count(0)
    assert shop.world.memory.cases[id_].state == "acknowledged"


def test_keys_walk_through_the_queue(chromium: Browser, shop: Shop) -> None:
    with _page(chromium, shop, "bruno") as page:
        page.keyboard.press("j")
        page.keyboard.press("j")
        expect(page.get_by_role("link", name="Jorge Ramírez")).to_be_focused()
        page.keyboard.press("k")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Lucía Pérez")


def test_countdowns_go_on_by_our_clock_not_the_computers(chromium: Browser, shop: Shop) -> None:
    with _page(chromium, shop, "bruno") as page:
        page.clock.install()
        page.goto("/cases")
        first = page.locator("[data-at]").first
        expect(first).to_have_text("1 d 7 h late")
        page.clock.run_for("01:00:30")
        expect(first).to_have_text("1 d 8 h late")


def test_buttons_and_links_of_a_phone_are_large_enough(chromium: Browser, shop: Shop) -> None:
    with _page(chromium, shop, "bruno", width=PHONE) as page:
        page.goto(shop.case("ORD-10052"))
        for each in page.locator(
            "main button:visible, main summary:visible, main a.button:visible, select:visible"
        ).all():
            box = each.bounding_box()
            assert box is not None
            assert box["height"] >= 44


def test_carla_looks_closer_by_pressing_a_point(chromium: Browser, long_shop: World) -> None:
    with _open(long_shop) as shop, _page(chromium, shop, "carla", script=False) as page:
        expect(page.get_by_role("heading", level=1)).to_have_text("Trends")
        page.locator("a.card", has_text="Promises kept, as delivered").click()
        expect(page.locator("section.card h2").first).to_have_text("Promises kept, as delivered")
        page.locator(".plot a").nth(3).click()
        expect(page).to_have_url(re.compile("interval=week"))
        page.get_by_role("link", name="Dispatch").first.click()
        expect(page).to_have_url(re.compile("filter=department%3Alogistics"))
        page.get_by_text("The figures").click()
        with page.expect_download() as download:
            page.get_by_role("link", name="As a file for a spreadsheet").click()
        assert download.value.path().read_text("utf-8").startswith("series,start,n,value")


def test_carla_goes_from_a_point_to_its_answers_and_the_case(chromium: Browser, long_shop: World) -> None:
    with _open(long_shop) as shop, _page(chromium, shop, "carla", script=False, width=PHONE) as page:
        page.goto("/trends?metric=nps&interval=day&from=2025-08-01&to=2025-09-01&filter=department:logistics")
        point = page.locator(".plot a").nth(1)
        counted = int(re.findall(r"n\s=\s(\d+)", point.text_content() or "")[0])
        point.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Answers")
        expect(page.locator(".queue li")).to_have_count(counted)
        page.goto(ANSWERS)
        page.locator(".queue li", has_text="Became a case").get_by_role("link").first.click()
        expect(page).to_have_url(re.compile("/cases/"))


def test_the_question_survives_a_reload_and_a_change_of_language(chromium: Browser, long_shop: World) -> None:
    with _open(long_shop) as shop, _page(chromium, shop, "carla") as page:
        page.get_by_text("Ask something else").click()
        page.get_by_label("What", exact=True).select_option("response_rate")
        page.get_by_label("Each", exact=True).select_option("quarter")
        page.get_by_role("button", name="Show").click()
        page.reload()
        expect(page.locator("section.card h2").first).to_contain_text("Response rate")
        page.locator("summary", has_text="Carla Ríos").click()
        page.get_by_role("link", name="Português").click()
        expect(page.locator("section.card h2").first).to_contain_text("Taxa de resposta")
        expect(page.locator("html")).to_have_attribute("lang", "pt")
        page.goto("/cases")
        expect(page.locator("html")).to_have_attribute("lang", "pt")
