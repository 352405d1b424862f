"""Test that every day's lines end in one file by column, whatever dies, comes twice or comes meanwhile."""

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from chalicelib.domain.dayfile import KINDS, Line, newest
from chalicelib.errors import Overloaded
from chalicelib.flows import file
from chalicelib.flows.merge import DAY_BYTES_MAX, Merged, merge
from chalicelib.ports import DayFile
from tests.counting import company
from tests.domain.cast import DAY
from tests.flows.test_file import filed, sold
from tests.world import World


def always() -> bool:
    return True


@pytest.fixture
def world() -> World:
    made = World()
    made.publish(company())
    return made


def lived(world: World, *numbers: int) -> None:
    """Let some days pass on which somebody buys, answers and sometimes complains."""
    for number in numbers:
        sold(world, number, 3 if number % 3 == 0 else 9)
        world.wait(DAY)
        filed(world)
        world.memory.changes.clear()


def told(world: World) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return what files by column hold."""
    return {place: tuple(line.text for line in lines) for place, (_, lines) in world.memory.columns.items()}


def wanted(world: World) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return what they should: the newest line of each id of each day of the day files."""
    found: dict[tuple[str, str], list[Line]] = {}
    for lines in world.memory.day_files.values():
        for line in lines:
            if line.kind in KINDS:
                found.setdefault((line.kind, line.day), []).append(line)
    return {place: tuple(line.text for line in newest(lines)) for place, lines in found.items()}


def test_each_day_becomes_one_file_of_each_kind_with_each_id_once(world: World) -> None:
    lived(world, 0, 1, 2)
    merged = merge(world.ports, always)
    assert told(world) == wanted(world)
    assert {kind for kind, _ in told(world)} == set(KINDS)
    assert (merged.files, merged.lines) == (len(told(world)), sum(map(len, told(world).values())))
    assert not world.memory.changed


def test_only_what_has_changed_is_written_again(world: World) -> None:
    lived(world, 0, 1, 2)
    merge(world.ports, always)
    assert merge(world.ports, always) == Merged()
    lived(world, 3)
    assert merge(world.ports, always).files < len(told(world))
    assert told(world) == wanted(world)
    again = {place for place, (times, _) in world.memory.columns.items() if times > 1}
    assert again == {("cases", "2026-03-06")}  # a promise of it was broken meanwhile


def test_a_correction_replaces_the_line_of_its_day(world: World) -> None:
    id_ = sold(world, 1, 3)
    filed(world)
    merge(world.ports, always)
    world.answer(id_, 8)
    filed(world)
    merge(world.ports, always)
    assert told(world) == wanted(world)
    assert [json.loads(text)["rating"] for text in told(world)["responses", "2026-03-06"]] == [8]


def test_what_was_there_before_anybody_took_notes_is_merged_at_first(world: World) -> None:
    lived(world, *range(40))  # more than a month
    world.memory.changed.clear()
    merge(world.ports, always)
    assert told(world) == wanted(world)
    assert not world.memory.changed


def test_time_that_is_over_leaves_the_rest_to_the_next_run(world: World) -> None:
    lived(world, 0, 1, 2, 3)
    left = [True, True]
    first = merge(world.ports, lambda: bool(left) and left.pop())
    assert (first.files, first.failed) == (2, ())
    assert first.left > 0
    assert world.memory.changed
    merge(world.ports, always)
    assert told(world) == wanted(world)
    assert not world.memory.changed


class Killed(BaseException):
    """The process is gone."""


class Dying:
    """A store that takes so many calls and no more."""

    def __init__(self, inner: Any, calls: list[int]) -> None:
        self._inner, self._calls = inner, calls

    def __getattr__(self, name: str) -> Any:
        def call(*given: Any, **named: Any) -> Any:
            if not self._calls[0]:
                raise Killed
            self._calls[0] -= 1
            return getattr(self._inner, name)(*given, **named)

        return call


def dies(world: World, after: int, run: Callable[[], object]) -> bool:
    """Run something with stores that end after so many calls; say whether it came to its end."""
    calls = [after]
    kept = {name: getattr(world.ports, name) for name in ("day_files", "columns")}
    for name, inner in kept.items():
        object.__setattr__(world.ports, name, Dying(inner, calls))
    try:
        run()
    except Killed:
        return False
    finally:
        for name, inner in kept.items():
            object.__setattr__(world.ports, name, inner)
    return True


def test_whoever_dies_anywhere_leaves_nothing_out(world: World) -> None:
    lived(world, 0, 1, 2)
    after = 0
    while not dies(world, after, lambda: merge(world.ports, always)):
        after += 1
        merge(world.ports, always)
        assert told(world) == wanted(world)
        world.memory.columns.clear()  # anew, from the beginning
    assert after > 10
    assert told(world) == wanted(world)


def test_a_writer_that_dies_between_file_and_note_is_heard_when_its_lines_come_again(world: World) -> None:
    merge(world.ports, always)
    lived(world, 0)
    merge(world.ports, always)
    sold(world, 1)
    changes, world.memory.changes[:] = list(world.memory.changes), []
    file.tell(world.ports, changes)
    lines = list(world.memory.handed_over)
    for after in range(6):
        done = dies(world, after, lambda: file.write(world.ports, lines))
        merge(world.ports, always)
        if done:
            break
    else:
        pytest.fail("it never came to its end")
    assert told(world) == wanted(world)


class Meanwhile:
    """Day files of which something happens while they are read."""

    def __init__(self, inner: Any, happens: list[Callable[[], object]]) -> None:
        self._inner, self._happens = inner, happens

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def read(self, files: list[DayFile]) -> Iterable[Line]:
        found = list(self._inner.read(files))
        if self._happens:
            self._happens.pop()()
        return found


def test_what_comes_in_while_its_day_is_read_waits_for_the_next_run(world: World) -> None:
    lived(world, 0, 1)
    merge(world.ports, always)
    before = world.now - DAY
    id_ = sold(world, 2, 9)
    filed(world)

    def corrected() -> None:
        world.answer(id_, 2)
        filed(world)

    inner = world.ports.day_files
    object.__setattr__(world.ports, "day_files", Meanwhile(inner, [corrected]))
    merge(world.ports, always)
    assert told(world) != wanted(world)
    assert world.memory.changed
    merge(world.ports, always)
    assert told(world) == wanted(world)
    assert before < world.now


def test_of_two_runs_at_once_the_one_that_saw_less_overwrites_nothing(world: World) -> None:
    lived(world, 0)
    merge(world.ports, always)
    id_ = sold(world, 1, 9)
    filed(world)

    def other() -> None:
        world.answer(id_, 2)
        filed(world)
        object.__setattr__(world.ports, "day_files", inner)
        merge(world.ports, always)

    inner = world.ports.day_files
    object.__setattr__(world.ports, "day_files", Meanwhile(inner, [other]))
    merge(world.ports, always)
    merge(world.ports, always)
    assert told(world) == wanted(world)
    assert not world.memory.changed


class Broken:
    """Day files of which those of one day cannot be read."""

    def __init__(self, inner: Any, day: str) -> None:
        self._inner, self._day = inner, day

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def read(self, files: list[DayFile]) -> Iterable[Line]:
        if any(file.day == self._day for file in files):
            raise Overloaded("not now")
        return list(self._inner.read(files))


def test_a_day_that_fails_holds_up_no_other_and_is_tried_again(world: World) -> None:
    lived(world, 0, 1, 2)
    inner = world.ports.day_files
    object.__setattr__(world.ports, "day_files", Broken(inner, "2026-03-07"))
    merged = merge(world.ports, always)
    assert {day for _, day in merged.failed} == {"2026-03-07"}
    assert told(world) == {place: lines for place, lines in wanted(world).items() if place[1] != "2026-03-07"}
    object.__setattr__(world.ports, "day_files", inner)
    assert merge(world.ports, always).failed == ()
    assert told(world) == wanted(world)


class Huge:
    """Day files that are larger than they are."""

    def __init__(self, inner: Any, size: int) -> None:
        self._inner, self._size = inner, size

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def of_days(self, *asked: Any) -> Iterable[DayFile]:
        return [DayFile(each.name, each.kind, each.day, self._size) for each in self._inner.of_days(*asked)]


@pytest.mark.parametrize(("size", "fails"), [(DAY_BYTES_MAX, False), (DAY_BYTES_MAX + 1, True)])
def test_a_day_that_memory_would_not_hold_is_not_begun(world: World, size: int, *, fails: bool) -> None:
    lived(world, 1)
    object.__setattr__(world.ports, "day_files", Huge(world.ports.day_files, size))
    assert bool(merge(world.ports, always).failed) is fails
