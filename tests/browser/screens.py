"""Open this machine's Chromium: on a phone or on a desk, as a person's or as an automaton's."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Playwright, ViewportSize
from playwright.sync_api import Page as Tab

from tests.story.company import Company

PHONE: ViewportSize = {"width": 360, "height": 740}
DESK: ViewportSize = {"width": 1280, "height": 900}
A_PERSON = ["--no-sandbox", "--disable-blink-features=AutomationControlled"]  # no mark of automation to be seen
COLOUR_RULES = ("color-contrast", "link-in-text-block")  # all that can differ in the dark
# Chromium logs each page that answers with an error; that is the page's status, not a fault in it.
OWN_STATUS = "Failed to load resource: the server responded with a status of 4"


def launched(playwright: Playwright, arguments: list[str]) -> Browser:
    """Start the Chromium of this machine."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    return playwright.chromium.launch(executable_path=chromium, args=arguments)


@contextmanager
def window(browser: Browser, size: ViewportSize, **more: Any) -> Iterator[BrowserContext]:
    """Open a window of its own, in which nobody is signed in; one of a phone's width is touched, not clicked."""
    is_phone = size == PHONE
    context = browser.new_context(viewport=size, has_touch=is_phone, is_mobile=is_phone, locale="es-CO", **more)
    try:
        yield context
    finally:
        context.close()


def complaints(tab: Tab) -> list[str]:
    """Return a list that fills with all that the browser finds wrong with a tab's pages, refused content included."""
    found: list[str] = []

    def said(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(OWN_STATUS):
            found.append(f"{tab.url}: {message.text}")

    tab.on("console", said)
    tab.on("pageerror", lambda error: found.append(f"{tab.url}: {error}"))
    return found


def violations(tab: Tab, *rules: str) -> list[str]:
    """Return what axe finds wrong with a page: by all its rules, or by some."""
    tab.evaluate(AXE_SCRIPT)
    options: dict[str, Any] = {"runOnly": list(rules)} if rules else {}
    found = tab.evaluate("options => axe.run(document, options)", {**options, "resultTypes": ["violations"]})
    return [f"{each['id']}: {[node['html'][:200] for node in each['nodes']]}" for each in found["violations"]]


def fits(tab: Tab) -> bool:
    """Say whether nothing of a page lies beyond the window's right edge; a phone's inner width would grow with it."""
    return bool(tab.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


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
