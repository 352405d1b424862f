"""No robot answers for Ana, unless nobody could tell it from her; and she is heard every time."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Playwright

from chalicelib import runtime
from infra.local.system import LocalSystem
from tests.browser.robots import (
    AT_ONCE,
    CHOSEN,
    PERSONS_RUNS,
    ROBOTS,
    UNTELLABLE,
    Den,
    Letter,
    Tally,
    choose,
    den_of,
    first_of_all,
    hear_people,
    let_loose,
    letters_for,
    records,
    report,
)
from tests.story.company import Company

pytestmark = [pytest.mark.browser, pytest.mark.embedded, pytest.mark.slow]

EVERYBODY = ROBOTS | UNTELLABLE
CHOOSERS_RUNS = 10


@pytest.fixture(scope="module")
def den(local_system: LocalSystem, playwright: Playwright) -> Iterator[Den]:
    """The robots' den, in a company that has not sold anything yet."""
    local_system.rewind()
    with den_of(Company.of(local_system), playwright) as opened:
        yield opened


@pytest.fixture(scope="module")
def letters(den: Den) -> Iterator[Letter]:
    """Letters in mailboxes, each good for one run."""
    return iter(letters_for(den.company, AT_ONCE * len(EVERYBODY) + PERSONS_RUNS + CHOOSERS_RUNS))


def some(letters: Iterator[Letter], count: int) -> list[Letter]:
    """Take letters that nobody has touched."""
    return [next(letters) for _ in range(count)]


def test_there_are_twelve_robots_and_two_that_cannot_be_told_from_a_person() -> None:
    assert (len(ROBOTS), len(UNTELLABLE)) == (12, 2)


@pytest.mark.parametrize("name", ROBOTS)
def test_a_robot_stores_no_rating(den: Den, letters: Iterator[Letter], name: str) -> None:
    mine = some(letters, AT_ONCE)
    tally = let_loose(den, name, ROBOTS[name], mine)
    assert (tally.times, tally.stored) == (AT_ONCE, 0)
    assert not any(record.has_case for record in records(mine))


@pytest.mark.parametrize("name", UNTELLABLE)
def test_a_robot_that_nobody_can_tell_from_a_person_is_reported_as_such(
    den: Den, letters: Iterator[Letter], name: str
) -> None:
    tally = let_loose(den, name, UNTELLABLE[name], some(letters, AT_ONCE))
    assert f"{name} (cannot be told from a person) | {AT_ONCE} | {tally.stored} |" in report({name: tally})


def test_a_person_who_looks_on_is_heard_every_time(den: Den, letters: Iterator[Letter]) -> None:
    mine = some(letters, PERSONS_RUNS)
    assert hear_people(den, mine) == Tally(PERSONS_RUNS, PERSONS_RUNS)
    answers = [record.confirmed for record in records(mine)]
    assert {(answer.rating, answer.how) for answer in answers if answer} == {(CHOSEN, "automatic")}


def test_a_press_inside_the_form_never_sends_the_rating_of_the_link(den: Den, letters: Iterator[Letter]) -> None:
    mine = some(letters, CHOOSERS_RUNS)
    assert let_loose(den, "chooses", lambda den, own: den.each(own, choose), mine).stored == 0
    assert not any(record.provisional for record in records(mine))


def test_no_robot_has_stopped_ana_s_surveys(den: Den) -> None:
    customer = runtime.ports().customers.get(first_of_all().customer)
    assert customer
    assert customer.opted_out_at is None
    assert customer.erased_at is None
