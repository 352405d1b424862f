"""Test the customer's pages in a real browser: phone, keyboard, no script, screen reader's rules, and robots."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import pytest
from playwright.sync_api import Browser, BrowserContext
from playwright.sync_api import Page as Tab

from chalicelib.adapters import pages
from chalicelib.adapters.pages import Page
from chalicelib.domain.response import Filled
from chalicelib.errors import Problem
from tests.browser.screens import COLOUR_RULES, DESK, PHONE, violations
from tests.templates import cast

pytestmark = pytest.mark.browser

TARGET_MIN = 44  # pixels of anything that is tapped
AGE_ENOUGH_MS = 1_300


def survey(language: str = "es", metric: str = "nps", **more: Any) -> Page:
    """Return the survey as Ana opens it."""
    invitation, given = cast.invitation(language=language), {"privacy_url": "/privacy/p", "stop_url": "/u/u", **more}
    return pages.survey_page(
        invitation, cast.survey(metric), cast.organisation(), action="/s/token", customer=cast.ana(), **given
    )


def every_page() -> dict[str, Page]:
    """Return each page once, by its path."""
    organisation, invitation = cast.organisation(), cast.invitation(has_case=True)
    filled, wrong = Filled(None, texts={"comment": "Llegó tarde"}), [Problem("/rating", "missing")]
    about: dict[str, Any] = {"action": "/s/token"}
    return {
        "/s/token/2": survey(chosen=2),
        "/s/token/9": survey(chosen=9),
        "/s/token": survey(),
        "/s/en/4": survey("en", "csat", chosen=4),
        "/s/pt/7": survey("pt", "ces", chosen=7),
        "/wrong": survey(filled=filled, problems=wrong),
        "/thanks": pages.thanks_page(invitation, cast.survey(), organisation, rating=2, department="sales", **about),
        "/closed": pages.closed_page(invitation, organisation, survey=cast.survey(), filled=filled),
        "/q/token": pages.survey_page(cast.walk_in(), cast.survey(), cast.with_counter(), action="/q/token/nonce"),
        "/q/thanks": pages.thanks_page(
            cast.walk_in(has_case=True), cast.survey(), cast.with_counter(), action="/q/token", rating=2
        ),
        "/busy": pages.busy_page(organisation, "pt"),
        "/missing": pages.not_found_page(organisation, "pt"),
        "/error": pages.error_page(None, "en"),
        "/u/u": pages.unsubscribe_page(organisation, "es", action="/u/u"),
        "/stopped": pages.unsubscribed_page(organisation, "es", action="/u/u"),
        "/mended": pages.mended_page(invitation, organisation, chosen="no", problems=wrong, **about),
        "/privacy/p": pages.privacy_page(cast.ana(), [invitation], organisation, "es", action="/privacy/p"),
    }


@dataclass
class Site:
    """A small web server that shows the pages and remembers what was asked and sent."""

    pages: dict[str, Page]
    asked: list[str] = field(default_factory=list)
    posts: list[tuple[dict[str, str], str | None]] = field(default_factory=list)
    url: str = ""


@pytest.fixture(scope="module")
def server() -> Iterator[Site]:
    site = Site(every_page())

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            site.asked.append(self.path)
            self._show(site.pages.get(self.path, site.pages["/missing"]))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            vouched = self.headers.get("Sec-Fetch-Site") == "same-origin" and self.headers.get("Sec-Fetch-User")
            site.posts.append((dict(parse_qsl(body)), vouched or None))
            self._show(site.pages["/thanks"])

        def _show(self, page: Page) -> None:
            self.send_response(page.status)
            for name, value in page.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(page.html.encode())

    serving = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=serving.serve_forever, daemon=True)
    thread.start()
    site.url = f"http://127.0.0.1:{serving.server_port}"
    yield site
    serving.shutdown()
    serving.server_close()
    thread.join()


@pytest.fixture
def site(server: Site) -> Site:
    server.asked.clear()
    server.posts.clear()
    return server


def opened(context: BrowserContext, address: str) -> Tab:
    """Open a page that must not complain: nothing that it holds is refused by its own policy."""
    tab = context.new_page()
    tab.on("console", lambda message: pytest.fail(message.text) if "Content Security" in message.text else None)
    tab.on("pageerror", lambda error: pytest.fail(str(error)))
    tab.goto(address)
    return tab


@pytest.mark.parametrize(
    ("size", "scheme", "rules"), [(PHONE, "light", ()), (DESK, "dark", COLOUR_RULES)], ids=["phone", "desk"]
)
def test_every_page_passes_axe_and_fits(browser: Browser, site: Site, size: Any, scheme: Any, rules: Any) -> None:
    context = browser.new_context(viewport=size, color_scheme=scheme)
    for path in site.pages:
        tab = opened(context, site.url + path)
        assert violations(tab, *rules) == [], path
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        tab.close()
    context.close()


def test_everything_that_is_tapped_is_big_enough(browser: Browser, site: Site) -> None:
    context = browser.new_context(viewport=PHONE)
    for path in site.pages:
        tab = opened(context, site.url + path)
        sizes = tab.evaluate(
            "[...document.querySelectorAll('main label:has(input), button, .button, footer a:not(.away), summary')]"
            ".filter(e => e.offsetParent).map(e => [e.innerText, e.getBoundingClientRect()])"
            ".map(([name, box]) => [name, Math.round(box.width), Math.round(box.height)])"
        )
        small = [each for each in sizes if min(each[1:]) < TARGET_MIN]
        assert small == [], path
        tab.close()
    context.close()


def test_the_page_is_one_request(browser: Browser, site: Site) -> None:
    context = browser.new_context()
    opened(context, f"{site.url}/s/token/9").wait_for_load_state("networkidle")
    assert site.asked == ["/s/token/9"]
    context.close()


def test_the_button_is_in_reach_without_scrolling(browser: Browser, site: Site) -> None:
    context = browser.new_context(viewport=PHONE)
    tab = opened(context, f"{site.url}/s/token/2")
    box = tab.locator("button").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= PHONE["height"]
    assert tab.locator("input[name=rating]:checked").get_attribute("value") == "2"
    context.close()


def test_without_script_a_press_sends_all_and_the_browser_vouches_for_it(browser: Browser, site: Site) -> None:
    context = browser.new_context(viewport=PHONE, java_script_enabled=False)
    tab = context.new_page()
    tab.goto(f"{site.url}/s/token/2")
    tab.get_by_label("La entrega llegó tarde").check()
    tab.get_by_label("Cuéntenos con sus palabras").fill("Dos días tarde 😊")
    tab.get_by_role("button", name="Enviar mi respuesta").click()
    tab.get_by_role("heading", name="Gracias").wait_for()
    sent = {"_seen": "2", "rating": "2", "drivers": "late", "comment": "Dos días tarde 😊"}
    assert site.posts == [(sent, "?1")]
    context.close()


def test_without_script_the_questions_follow_the_rating_that_is_chosen(browser: Browser, site: Site) -> None:
    context = browser.new_context(viewport=PHONE, java_script_enabled=False)
    tab = context.new_page()
    tab.goto(f"{site.url}/s/token/2")
    low, high = tab.get_by_text("¿Qué le falló?"), tab.get_by_text("¿Quién lo hizo bien?")
    assert (low.is_visible(), high.is_visible()) == (True, False)
    tab.locator("input[name=rating][value='9']").check()
    assert (low.is_visible(), high.is_visible()) == (False, True)
    context.close()


def test_the_keyboard_alone_is_enough(browser: Browser, site: Site) -> None:
    context = browser.new_context(viewport=DESK)
    tab = opened(context, f"{site.url}/s/token/9")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.name + document.activeElement.value") == "rating9"
    assert tab.evaluate("getComputedStyle(document.activeElement.nextSibling).outlineStyle") == "solid"
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("Enter")
    tab.get_by_role("heading", name="Gracias").wait_for()
    assert [(form["rating"], vouched) for form, vouched in site.posts] == [("10", "?1")]
    context.close()


def test_nobody_reaches_the_hidden_link_by_keyboard_or_ear(browser: Browser, site: Site) -> None:
    context = browser.new_context(viewport=DESK)
    tab = opened(context, f"{site.url}/s/token/9")
    reached = []
    for _ in range(40):
        tab.keyboard.press("Tab")
        reached.append(tab.evaluate("document.activeElement.getAttribute('href')"))
    assert "/u/u" in reached
    assert "/s/token/99" not in reached
    assert "/99" not in tab.locator("body").aria_snapshot()
    context.close()


def test_what_was_begun_is_still_there_after_a_reload(browser: Browser, site: Site) -> None:
    context = browser.new_context(viewport=PHONE)
    tab = opened(context, f"{site.url}/s/token/2")
    tab.get_by_label("Cuéntenos con sus palabras").fill("Dos días\ntarde")
    tab.get_by_label("Llegó incompleta").check()
    tab.goto(f"{site.url}/s/token/9")
    assert tab.get_by_label("Cuéntenos con sus palabras").input_value() == "Dos días\ntarde"
    assert tab.locator("input[value=short]").is_checked()
    assert tab.locator("input[name=rating]:checked").get_attribute("value") == "9"
    context.close()


def wheel(tab: Tab) -> None:
    """Turn the wheel over the page."""
    tab.mouse.move(200, 300)
    tab.mouse.wheel(0, 200)


ACTS: dict[str, Callable[[Tab], None]] = {
    "wheel": wheel,
    "key": lambda tab: tab.keyboard.press("ArrowDown"),
    "tap outside the form": lambda tab: tab.mouse.click(640, 30),
}


@pytest.mark.parametrize("act", ACTS)
def test_a_person_who_only_looks_on_is_answered_for_by_the_page(persons_browser: Browser, site: Site, act: str) -> None:
    context = persons_browser.new_context(viewport=DESK)
    tab = opened(context, f"{site.url}/s/token/9")
    tab.wait_for_timeout(AGE_ENOUGH_MS)
    ACTS[act](tab)
    tab.get_by_role("status").get_by_text("Anotamos su calificación").wait_for()
    ACTS[act](tab)
    assert [(form["rating"], form["automatic"], vouched) for form, vouched in site.posts] == [("9", "1", None)]
    context.close()


def test_a_press_inside_the_form_never_sends_the_rating_of_the_link(persons_browser: Browser, site: Site) -> None:
    context = persons_browser.new_context(viewport=PHONE)
    tab = opened(context, f"{site.url}/s/token/9")
    tab.wait_for_timeout(AGE_ENOUGH_MS)
    tab.locator("input[name=rating][value='3']").click()
    wheel(tab)
    tab.wait_for_timeout(300)
    assert site.posts == []
    context.close()


@pytest.mark.parametrize("path", ["/s/token", "/wrong"])
def test_without_a_rating_from_a_link_nothing_is_sent(persons_browser: Browser, site: Site, path: str) -> None:
    context = persons_browser.new_context(viewport=PHONE)
    tab = opened(context, site.url + path)
    tab.wait_for_timeout(AGE_ENOUGH_MS)
    wheel(tab)
    tab.wait_for_timeout(300)
    assert site.posts == []
    context.close()


ROBOTS = {
    "looks and leaves": "0",
    "scrolls by script": "scrollTo(0, 500)",
    "sends made-up events": (
        "['pointerdown', 'touchstart', 'keydown', 'wheel'].forEach(n => "
        "document.body.dispatchEvent(new Event(n, {bubbles: true})))"
    ),
    "moves the focus": "document.querySelector('footer a').focus()",
}


@pytest.mark.parametrize("robot", ROBOTS)
def test_a_script_that_plays_a_person_stores_nothing(persons_browser: Browser, site: Site, robot: str) -> None:
    context = persons_browser.new_context(viewport=PHONE)
    tab = opened(context, f"{site.url}/s/token/9")
    tab.wait_for_timeout(AGE_ENOUGH_MS)
    tab.evaluate(ROBOTS[robot])
    tab.wait_for_timeout(300)
    assert site.posts == []
    context.close()


def test_real_input_before_a_person_could_have_read_stores_nothing(persons_browser: Browser, site: Site) -> None:
    context = persons_browser.new_context(viewport=PHONE)
    tab = opened(context, f"{site.url}/s/token/9")
    wheel(tab)
    tab.wait_for_timeout(300)
    assert site.posts == []
    context.close()


def test_an_automated_browser_stores_nothing_by_looking_on(browser: Browser, site: Site) -> None:
    context = browser.new_context(viewport=PHONE)
    tab = opened(context, f"{site.url}/s/token/9")
    tab.wait_for_timeout(AGE_ENOUGH_MS)
    wheel(tab)
    tab.wait_for_timeout(300)
    assert site.posts == []
    context.close()


def test_a_press_that_a_script_made_says_so(persons_browser: Browser, site: Site) -> None:
    context = persons_browser.new_context(viewport=PHONE)
    tab = opened(context, f"{site.url}/s/token/9")
    tab.evaluate("document.querySelector('button').click()")
    tab.get_by_role("heading", name="Gracias").wait_for()
    assert [form["automatic"] for form, _ in site.posts] == ["1"]
    context.close()
