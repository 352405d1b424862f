"""What mended cases is found by every department, whoever mended them, and names nobody."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from chalicelib.domain.case import Case
from chalicelib.errors import Forbidden, Invalid
from chalicelib.flows import recall
from chalicelib.ports import Cases, Page
from tests.staffed import TOKENS, busy
from tests.world import World


@dataclass
class Counted:
    """Cases that remember how they were read."""

    cases: Cases
    read: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        self.read.append(name)
        return getattr(self.cases, name)


@pytest.fixture
def world() -> World:
    """Dispatch has mended Sofía's case: the driver left everything in the street."""
    return busy()


def _mended(world: World) -> Case:
    return next(each for each in world.memory.cases.values() if each.state == "resolved")


def _search(world: World, words: str, who: str = "billing", department: str | None = None) -> recall.Found:
    return recall.search(world.ports, TOKENS[who], words, department, None)


@pytest.mark.parametrize("who", ["bruno", "billing", "carla", "admin"])
def test_each_department_and_leadership_find_what_dispatch_has_mended(world: World, who: str) -> None:
    (lesson,) = _search(world, "todo en la calle", who).lessons
    assert (lesson.department, lesson.root_cause, lesson.drivers) == ("logistics", "wrong_pick", ("late",))
    assert lesson.action == "Recogimos todo y lo entregamos dentro."


@pytest.mark.parametrize("words", ["alistamos", "picked the wrong", "llegó tarde"])
def test_causes_and_drivers_are_found_in_the_company_s_words(world: World, words: str) -> None:
    assert _search(world, words).searched == 1
    assert len(_search(world, words).lessons) == 1


def test_nobody_is_found_or_shown_by_name(world: World) -> None:
    case = _mended(world)
    action = "Marta habló con Sofía Aguirre y el conductor Jorge"
    world.memory.cases[case.id] = case.model_copy(update={"action": action})
    for words in ("Sofía", "Aguirre", "Marta", "Ruiz"):
        assert _search(world, words).lessons == ()
    (lesson,) = _search(world, "conductor").lessons
    assert lesson.action == "… habló con … … y el conductor Jorge"


def test_an_agent_finds_nothing(world: World) -> None:
    with pytest.raises(Forbidden):
        _search(world, "calle", "marta")


def test_one_department_can_be_searched_alone(world: World) -> None:
    assert len(_search(world, "calle", department="logistics").lessons) == 1
    assert _search(world, "calle", department="billing").searched == 0
    with pytest.raises(Invalid):
        _search(world, "calle", department="nowhere")


def test_the_cases_are_read_once_however_many_there_are(world: World) -> None:
    counted = Counted(world.ports.cases)
    ports = replace(world.ports, cases=counted)
    case = _mended(world)
    for number in range(recall.SEARCHED_MAX + 1):
        copy = case.model_copy(update={"id": f"copy-{number}"})
        world.memory.cases[copy.id] = copy
    found = recall.search(ports, TOKENS["billing"], "calle recogimos", None, None)
    assert counted.read == ["page_of_all"]
    assert found.searched == recall.SEARCHED_MAX
    older = recall.search(ports, TOKENS["billing"], "calle recogimos", None, found.next)
    assert (older.searched, older.next) == (2, None)


@pytest.mark.parametrize(("words", "may"), [("", False), ("que muy", False), ("tarde", True), ("á" * 201, False)])
def test_words_that_find_nothing_are_not_looked_for(words: str, may: bool) -> None:
    assert recall.may_look_for(words) == may


def test_a_page_of_none_is_no_fault(world: World) -> None:
    world.memory.cases.clear()
    assert _search(world, "calle") == recall.Found((), 0, None)
    assert isinstance(world.ports.cases.page("logistics", "resolved", limit=1, cursor=None), Page)
