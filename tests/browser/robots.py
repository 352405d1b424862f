"""Let scripted robots loose on real invitations, and count how many of them leave a rating behind.

make robots TIMES=800
"""

import argparse
import http.client
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from playwright.sync_api import Browser, BrowserContext, Playwright, Request, sync_playwright
from playwright.sync_api import Page as Tab

from chalicelib import runtime
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.policy import invitation_id
from chalicelib.domain.terms import CUSTOMER, fingerprint
from chalicelib.ports import Ticket
from infra.local.system import LocalSystem
from tests.browser.screens import A_PERSON, PHONE, launched
from tests.story.company import Company

PERSONS_RUNS = 50
AT_ONCE = 25  # letters of one robot in one round, each in a tab of its own
LOOKED_MS = 1_300  # after this a page takes a person's wheel, key or tap for an answer
# On a busy machine a robot's input could come as late as a person's: by this page's own clock it never does.
SLOW_CLOCK = "const now = performance.now.bind(performance); performance.now = () => now() / 50"
POSTED_MS = 400  # by then what a page sends is on its way
POSTED_SECONDS_MAX = 20.0
WAITED = "PT3M"  # more than the 120 s after which an answer that nobody vouched for is confirmed
TICKET = "TCK-1"
CHOSEN = 5  # the rating of the link that is followed
LINK = re.compile(r'href="(http[^"]+)"')
FORM = "application/x-www-form-urlencoded"
PERSON = {"Content-Type": FORM, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-User": "?1", "Sec-Fetch-Mode": "navigate"}


@dataclass(frozen=True)
class Letter:
    """One mail in somebody's mailbox: all its links, and the id of its invitation."""

    id: str
    links: tuple[str, ...]

    @property
    def survey(self) -> str:
        """The address of the survey, without a rating."""
        return self.chosen.rpartition("/")[0]

    @property
    def chosen(self) -> str:
        """The link of the rating that is followed."""
        return next(link for link in self.links if "/s/" in link and link.endswith(f"/{CHOSEN}"))


@dataclass
class Den:
    """What robots are given: a connection, a browser that says it is driven, and one that does not."""

    company: Company
    marked: Browser
    unmarked: Browser
    _connection: http.client.HTTPConnection = field(init=False)
    _windows: dict[bool, tuple[BrowserContext, list[Tab]]] = field(default_factory=dict)
    _posting: set[Request] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(self.company.base_url).netloc, timeout=60)

    def ask(self, method: str, link: str, body: bytes | None = None, **headers: str) -> int:
        """Make one request, as a program does; return the status."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(method, urlsplit(link).path, body, named)
        reply = self._connection.getresponse()
        reply.read()
        return reply.status

    def tabs(self, letters: Sequence[Letter], *, is_marked: bool = False) -> list[Tab]:
        """Follow the chosen link of each letter, each in a tab of its own."""
        context, kept = self._windows.get(is_marked) or self._window(is_marked)
        kept += [context.new_page() for _ in range(len(letters) - len(kept))]
        for tab, letter in zip(kept, letters, strict=False):
            tab.goto(letter.chosen)
        return kept[: len(letters)]

    def _window(self, is_marked: bool) -> tuple[BrowserContext, list[Tab]]:
        self._windows[is_marked] = self.opened(self.marked if is_marked else self.unmarked), []
        return self._windows[is_marked]

    def opened(self, browser: Browser) -> BrowserContext:
        """Open a window whose posts `wait_for_posts` waits for."""
        context = browser.new_context(viewport=PHONE, has_touch=True)
        context.on("request", lambda request: self._posting.add(request) if request.method == "POST" else None)
        context.on("response", lambda response: self._posting.discard(response.request))
        context.on("requestfailed", lambda request: self._posting.discard(request))
        return context

    def each(self, letters: Sequence[Letter], act: Callable[[Tab], Any], *, look: bool = True, **more: Any) -> None:
        """Follow each letter's link, look at the page for long enough, then act on it."""
        tabs = self.tabs(letters, **more)
        if look:
            time.sleep(LOOKED_MS / 1000)
        for tab in tabs:
            act(tab)
        self.wait_for_posts(tabs[0])

    def wait_for_posts(self, tab: Tab) -> None:
        """Wait until what the tabs' pages send has arrived."""
        tab.wait_for_timeout(POSTED_MS)
        until = time.monotonic() + POSTED_SECONDS_MAX
        while self._posting and time.monotonic() < until:
            tab.wait_for_timeout(POSTED_MS)

    def scripts(self, letters: Sequence[Letter], script: str) -> None:
        """Let a script act on each page."""
        self.each(letters, lambda tab: tab.evaluate(script))

    def close(self) -> None:
        """Leave nothing open."""
        for context, _ in self._windows.values():
            context.close()
        self._connection.close()


Robot = Callable[[Den, Sequence[Letter]], None]


def heads(den: Den, letters: Sequence[Letter]) -> None:
    """Ask for the headers behind every link, as link checkers do."""
    for letter in letters:
        for link in letter.links:
            den.ask("HEAD", link)


def gets(den: Den, letters: Sequence[Letter]) -> None:
    """Open every link, as mail gateways do."""
    for letter in letters:
        for link in letter.links:
            den.ask("GET", link)


def gets_twice(den: Den, letters: Sequence[Letter]) -> None:
    """Open every link, and again when the mail is delivered."""
    gets(den, letters)
    gets(den, letters)


def loads(den: Den, letters: Sequence[Letter]) -> None:
    """Load the page in a browser without a window, run its scripts, wait, and leave."""
    den.each(letters, lambda tab: tab.evaluate("0"))


def scrolls(den: Den, letters: Sequence[Letter]) -> None:
    """Scroll by script, and say that a wheel was turned."""
    den.scripts(
        letters,
        "scrollTo(0, 500); scrollBy(0, -200); document.querySelector('footer').scrollIntoView();"
        "document.body.dispatchEvent(new WheelEvent('wheel', {deltaY: 300, bubbles: true, cancelable: true}))",
    )


def clicks(den: Den, letters: Sequence[Letter]) -> None:
    """Make up presses, touches and keys all over the page, trust included."""
    den.scripts(
        letters,
        """
        const made = (kind, name) => Object.defineProperty(
            new kind(name, {bubbles: true, cancelable: true, key: 'Tab', clientX: 9, clientY: 9}),
            'isTrusted', {value: true, configurable: true});
        const kinds = [[PointerEvent, 'pointerdown'], [PointerEvent, 'pointerup'], [MouseEvent, 'click'],
            [TouchEvent, 'touchstart'], [KeyboardEvent, 'keydown'], [WheelEvent, 'wheel']];
        for (const on of [document.body, document.querySelector('h1'), document.querySelector('legend')])
            for (const [kind, name] of kinds)
                try { on.dispatchEvent(made(kind, name)) } catch { on.dispatchEvent(new kind(name, {bubbles: true})) }
        document.querySelectorAll('label').forEach(each => each.click());
        document.querySelector('textarea').focus()
        """,
    )


def first_anchor(den: Den, letters: Sequence[Letter]) -> None:
    """Click on the first link of the page."""
    den.each(letters, lambda tab: tab.evaluate("document.querySelector('a').click()"))


SAFE_LINKS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0 Safari/537.36"
)
PREVIEWS = (
    "WhatsApp/2.23.20.0",
    "Slackbot-LinkExpanding 1.0",
    "facebookexternalhit/1.1",
    "TelegramBot (like TwitterBot)",
)


def double_fetch(den: Den, letters: Sequence[Letter]) -> None:
    """Fetch a link when it is pressed, and open it in a detonation chamber, as SafeLinks does."""
    for letter in letters:
        den.ask("GET", letter.chosen, User_Agent=SAFE_LINKS)
        den.ask("GET", letter.chosen, User_Agent=SAFE_LINKS, Sec_Fetch_Mode="navigate", Sec_Fetch_Site="none")
    loads(den, letters)


def previews(den: Den, letters: Sequence[Letter]) -> None:
    """Draw a preview, as messengers do for a link that is passed on; prefetch it, as browsers do."""
    for letter in letters:
        for agent in PREVIEWS:
            den.ask("GET", letter.chosen, User_Agent=agent, Range="bytes=0-32767", Accept="*/*")
        den.ask("GET", letter.chosen, Purpose="prefetch", Sec_Purpose="prefetch;prerender", Sec_Fetch_Mode="navigate")


def replays(den: Den, letters: Sequence[Letter]) -> None:
    """Send a person's press once more, byte for byte, as a proxy in between might."""
    for letter in letters:
        presses(den, [letter])


def too_soon(den: Den, letters: Sequence[Letter]) -> None:
    """Turn a real wheel and press a real key before anybody could have read the page."""
    context = den.opened(den.unmarked)
    context.add_init_script(SLOW_CLOCK)
    tab = context.new_page()
    for letter in letters:
        tab.goto(letter.chosen)
        turn_the_wheel(tab)
        press_a_key(tab)
        den.wait_for_posts(tab)
    context.close()


def marked_input(den: Den, letters: Sequence[Letter]) -> None:
    """Use real input, in a browser that says that it is driven."""
    den.each(letters, look_on, is_marked=True)


def real_input(den: Den, letters: Sequence[Letter]) -> None:
    """Use real input, after a while, in a browser that hides that it is driven: a person, for all that can be seen."""
    den.each(letters, look_on)


def presses(den: Den, letters: Sequence[Letter]) -> None:
    """Send the form with all that a browser says of a person's press."""
    body = urlencode({"rating": CHOSEN}).encode()
    for letter in letters:
        den.ask("POST", letter.survey, body, **PERSON)


def turn_the_wheel(tab: Tab) -> None:
    """Turn the wheel over the page."""
    tab.mouse.move(180, 400)
    tab.mouse.wheel(0, 300)


def press_a_key(tab: Tab) -> None:
    """Press a key that moves the page."""
    tab.keyboard.press("ArrowDown")


def tap_outside(tab: Tab) -> None:
    """Tap beside the form."""
    tab.bring_to_front()  # others feel a finger once a second only
    box = tab.locator("h1").bounding_box()
    assert box
    tab.touchscreen.tap(box["x"] + 5, box["y"] + box["height"] / 2)


def look_on(tab: Tab) -> None:
    """Do all that a person does who looks on."""
    turn_the_wheel(tab)
    press_a_key(tab)
    tap_outside(tab)


def choose(tab: Tab) -> None:
    """Press inside the form: another rating, a word, and no button."""
    tab.bring_to_front()
    tab.locator("input[name=rating][value='3']").tap()
    tab.locator("textarea:visible").first.tap()
    tab.keyboard.press("t")


ROBOTS: dict[str, Robot] = {
    "HEAD of every link": heads,
    "GET of every link": gets,
    "GET of every link, twice": gets_twice,
    "headless load and wait": loads,
    "scrolls by script": scrolls,
    "presses, touches and keys by script": clicks,
    "click on the first anchor": first_anchor,
    "double fetch and detonation": double_fetch,
    "link preview and prefetch": previews,
    "replay of a captured press": replays,
    "real input too soon": too_soon,
    "real input, says that it is driven": marked_input,
}
UNTELLABLE: dict[str, Robot] = {
    "real input, hides that it is driven": real_input,
    "the form, with the marks of a person": presses,
}
PEOPLE: dict[str, Robot] = {
    "turns the wheel": lambda den, letters: den.each(letters, turn_the_wheel),
    "presses a key": lambda den, letters: den.each(letters, press_a_key),
    "taps outside the form": lambda den, letters: den.each(letters, tap_outside),
}
ANSWERED_BEFORE = ("replay of a captured press",)  # by a person: what the robot adds is what counts


@dataclass(frozen=True)
class Tally:
    """How many runs of one robot left a confirmed rating behind."""

    times: int
    stored: int


@contextmanager
def den_of(company: Company, playwright: Playwright) -> Iterator[Den]:
    """Open both browsers."""
    marked = launched(playwright, ["--no-sandbox"])
    unmarked = launched(playwright, A_PERSON)
    den = Den(company, marked, unmarked)
    try:
        yield den
    finally:
        den.close()
        marked.close()
        unmarked.close()


def first_of_all() -> Invitation:
    """Return the invitation that all letters are copies of."""
    found = runtime.ports().invitations.get(invitation_id("/crm", TICKET, "ticket", CUSTOMER))
    assert found
    return found


def letters_for(company: Company, count: int) -> list[Letter]:
    """Write to Ana through the whole system, then lay as many copies of that invitation into mailboxes."""
    assert company.post(company.event(TICKET, "ticket.closed")).status == 202
    company.later("PT3H")
    ports, mailed = runtime.ports(), LINK.findall(company.mail("ana@example.com")["html"])
    ratings = [link.rpartition("/")[2] for link in mailed if "/s/" in link]
    first = first_of_all()
    assert str(CHOSEN) in ratings
    letters = []
    for number in range(count):
        copy = first.model_copy(update={"id": fingerprint("robots", str(number)), "version": 1, "remind_at": None})
        assert ports.invitations.create(copy)
        survey = ports.links.url("answer", Ticket(copy.id))
        others = [ports.links.url("stop", Ticket(copy.id)), ports.links.url("privacy", Ticket(copy.id, copy.closes_at))]
        letters.append(Letter(copy.id, (*(f"{survey}/{rating}" for rating in ratings), *others)))
    company.settle()
    return letters


def records(letters: Sequence[Letter]) -> list[Invitation]:
    """Return what the table holds of some letters."""
    found = runtime.ports().invitations.get_many([letter.id for letter in letters])
    return [found[letter.id] for letter in letters]


def let_loose(den: Den, name: str, robot: Robot, letters: Sequence[Letter]) -> Tally:
    """Let a robot loose on letters; wait until all is confirmed that will be; count what it has left behind."""
    if name in ANSWERED_BEFORE:
        presses(den, letters)
        den.company.settle()
    before = [record.confirmed for record in records(letters)]
    robot(den, letters)
    den.company.later(WAITED)
    after = [record.confirmed for record in records(letters)]
    return Tally(len(letters), sum(now != then for now, then in zip(after, before, strict=True)))


def run(den: Den, robots: dict[str, Robot], times: int) -> dict[str, Tally]:
    """Let each robot loose on its own letters."""
    letters = letters_for(den.company, times * len(robots))
    mine = (letters[start : start + times] for start in range(0, len(letters), times))
    return {name: let_loose(den, name, robot, own) for (name, robot), own in zip(robots.items(), mine, strict=True)}


def hear_people(den: Den, letters: Sequence[Letter]) -> Tally:
    """Let a person look on at each letter, in one way after the other; count how many were heard."""
    found = [
        let_loose(den, name, person, letters[turn :: len(PEOPLE)]) for turn, (name, person) in enumerate(PEOPLE.items())
    ]
    return Tally(sum(one.times for one in found), sum(one.stored for one in found))


def report(tallies: dict[str, Tally]) -> str:
    """Return the table of who left how many ratings behind."""
    lines = ["| robot | runs | ratings stored |", "| --- | --- | --- |"]
    for name, tally in tallies.items():
        note = " (cannot be told from a person)" if name in UNTELLABLE else ""
        lines.append(f"| {name}{note} | {tally.times} | {tally.stored} |")
    return "\n".join(lines)


def rounds(system: LocalSystem, playwright: Playwright, times: int) -> dict[str, Tally]:
    """Run all robots so many times, a few at once, each round from the system's beginning."""
    robots, total = ROBOTS | UNTELLABLE, dict.fromkeys(ROBOTS | UNTELLABLE, Tally(0, 0))
    while (done := next(iter(total.values())).times) < times:
        system.rewind()
        with den_of(Company.of(system), playwright) as den:
            found = run(den, robots, min(AT_ONCE, times - done))
        total = {n: Tally(one.times + found[n].times, one.stored + found[n].stored) for n, one in total.items()}
        print(f"\r{next(iter(total.values())).times} of {times}", end="", file=sys.stderr, flush=True)
    return total


def main() -> int:
    """Run all robots, print the table; fail when one stored a rating that could have been told apart."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    usual = int(os.environ.get("TIMES") or AT_ONCE)
    parser.add_argument("--times", type=int, default=usual, help="runs of each robot (default: TIMES, or %(default)s)")
    options = parser.parse_args()
    from infra.local.prepare import lazo  # here: the tests that use this module have their own system
    from infra.local.testing import running

    with running(lazo()) as system, sync_playwright() as playwright:
        tallies = rounds(system, playwright, options.times)
        print(f"\n{report(tallies)}")
        system.rewind()
        with den_of(Company.of(system), playwright) as den:
            heard = hear_people(den, letters_for(den.company, PERSONS_RUNS))
    print(f"| a person who looks on, and should be heard | {heard.times} | {heard.stored} |")
    return 1 if any(tallies[name].stored for name in ROBOTS) or heard.stored < heard.times else 0


if __name__ == "__main__":
    sys.exit(main())
