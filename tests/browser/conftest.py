"""Browsers for the tests of pages, and the running company that serves them."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from infra.local.system import LocalSystem
from tests.browser.screens import A_PERSON, launched
from tests.story.company import Company


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """What drives browsers."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """A browser that says it is driven by a program."""
    started = launched(playwright, ["--no-sandbox"])
    yield started
    started.close()


@pytest.fixture(scope="module")
def persons_browser(playwright: Playwright) -> Iterator[Browser]:
    """A browser in which nothing tells its driver from a person."""
    started = launched(playwright, A_PERSON)
    yield started
    started.close()


@pytest.fixture
def company(lazo: LocalSystem) -> Company:
    """The company, before its first sale, on a Tuesday at 10:00."""
    return Company.of(lazo)
