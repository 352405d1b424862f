"""Test that day files follow the stream whatever its batches, and that an export gives each answer once."""

import random
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.dayfile import Line, Looked, newest
from chalicelib.errors import Forbidden, Invalid
from chalicelib.flows import file, protect
from chalicelib.flows.export import LOOK, ROWS_MAX, Bounds, Exported, export, look, read_export
from chalicelib.ports import Change, DayFile, Principal, Role
from tests.counting import AT, answered, company
from tests.domain.cast import DAY, sale
from tests.world import World

CARLA = Principal(id="carla", role="leadership", name="Carla")
BRUNO = Principal(id="bruno", role="department", name="Bruno", department="logistics")
BOUNDS = Bounds()
TODAY = AT.date()


def filed(world: World, batch: int = 100) -> None:
    """Do what the stream's reader and the writer of day files would."""
    changes = world.memory.changes
    for start in range(0, len(changes), batch):
        file.tell(world.ports, changes[start : start + batch])
    file.write(world.ports, world.memory.handed_over)
    world.memory.handed_over.clear()


def sold(world: World, number: int, rating: int = 9, **said: Any) -> str:
    """Sell something to a customer of their own, and let them answer."""
    customer = {"id": f"c-{number}", "name": f"Cliente {number}", "email": f"c{number}@example.com"}
    reference = f"ORD-{number}"
    event = sale(customer=customer, reference=reference, envelope={"id": reference, "time": world.now.isoformat()})
    world.tell(event)
    asked = next(each for each in world.memory.invitations.values() if each.reference == reference)
    world.answer(asked.id, rating, **said)
    return asked.id


def ask(world: World, principal: Principal = CARLA, bounds: Bounds = BOUNDS, **asked: Any) -> Exported:
    given = {name.rstrip("_"): [str(value)] for name, value in asked.items()}
    return export(world.ports, given, principal, world.now, bounds)


@pytest.fixture
def world() -> World:
    made = World()
    made.publish(company())
    return made


def test_an_answer_is_filed_and_exported_with_words_reference_and_customer(world: World) -> None:
    id_ = sold(world, 1, 3, failed="late", comment="Llegó tarde", delivery="2")
    filed(world)
    (row,) = ask(world).rows
    assert (row.id, row.rating, row.ratings, row.day) == (id_, 3, {"delivery": 2}, "2026-03-06")
    assert (row.customer, row.reference, row.texts) == ("c-1", "ORD-1", {"comment": "Llegó tarde"})
    kinds = {name.partition("/")[0] for name in world.memory.day_files}
    assert kinds == {"responses", "decisions", "cases", "events", "kept"}


def test_batches_split_repeated_and_mixed_up_change_nothing_of_what_is_read(world: World) -> None:
    for number in range(12):
        sold(world, number, number % 11, comment="bien")
        world.wait(timedelta(hours=5))
    filed(world)
    once = ask(world).rows
    chance = random.Random(3)
    changes = world.memory.changes
    for _ in range(40):
        start = chance.randrange(len(changes))
        file.tell(world.ports, changes[start : start + chance.randint(1, 30)])
        part, world.memory.handed_over[:] = list(world.memory.handed_over), []
        chance.shuffle(part)
        file.write(world.ports, part[: chance.randint(0, len(part))])
    assert ask(world).rows == once
    assert len(once) == 12


def test_a_record_that_cannot_be_read_holds_up_no_other(world: World) -> None:
    changes = [Change("1", readable=False), Change("2"), Change("3", None, answered(9))]
    told = file.tell(world.ports, changes)
    assert (told.lines, told.untold) == (4, 1)


def test_nothing_new_hands_nothing_over(world: World) -> None:
    before = answered(9)
    assert file.tell(world.ports, [Change("1", before, before.moved(viewed=(9,)))]).lines == 0
    assert file.write(world.ports, []) == 0
    assert not world.memory.day_files


def test_a_day_of_many_batches_becomes_one_file_of_each_kind(world: World) -> None:
    for number in range(30):
        sold(world, number, 9)
    filed(world, batch=10)
    assert sorted(name.partition("/")[0] for name in world.memory.day_files) == [
        "decisions",
        "events",
        "kept",
        "responses",
    ]


def test_days_are_local_from_inclusive_to_exclusive(world: World) -> None:
    for number in range(3):
        sold(world, number)
        world.wait(DAY)
    filed(world)
    wanted = ask(world, from_="2026-03-06", to="2026-03-08").rows
    assert [row.day for row in wanted] == ["2026-03-06", "2026-03-07"]
    assert not ask(world, from_="2026-03-09", to="2026-03-10").rows


def test_an_answer_stands_under_one_day_also_after_the_company_has_moved(world: World) -> None:
    id_ = sold(world, 1)
    filed(world)
    world.publish(company().model_copy(update={"zone": "Pacific/Kiritimati"}))
    invitation = world.memory.invitations[id_]
    world.ports.invitations.save(invitation.moved(generation=1))
    filed(world)
    assert len([name for name in world.memory.day_files if name.startswith("responses")]) == 2
    assert [row.day for row in ask(world, from_="2026-03-01", to="2026-03-31").rows] == ["2026-03-07"]


def test_what_was_erased_is_blank_and_its_rating_stays(world: World) -> None:
    id_ = sold(world, 1, 3, comment="Soy Lucía")
    filed(world)
    protect.erase(world.ports, id_, world.now)
    for _ in range(2):  # before the files have heard of it, and after
        (row,) = ask(world).rows
        assert (row.rating, row.customer, row.reference, row.texts, row.erased) == (3, None, None, {}, True)
        filed(world)
    assert "Luc" not in "".join(line.text for lines in world.memory.day_files.values() for line in lines)


def test_a_correction_counts_before_the_files_have_heard_of_it(world: World) -> None:
    id_ = sold(world, 1, 3)
    filed(world)
    world.answer(id_, 8, comment="Ya lo arreglaron")
    (row,) = ask(world).rows
    assert (row.rating, row.texts) == (8, {"comment": "Ya lo arreglaron"})


def test_pages_give_each_answer_once_in_order(world: World) -> None:
    for number in range(11):
        sold(world, number)
        world.wait(timedelta(hours=7))
    filed(world)
    whole = [row.id for row in ask(world).rows]
    pages, cursor = [], ""
    while True:
        found = ask(world, limit=4, cursor=cursor)
        pages.append([row.id for row in found.rows])
        if found.next is None:
            break
        cursor = found.next
    assert [len(page) for page in pages] == [4, 4, 3]
    assert [id_ for page in pages for id_ in page] == whole


def test_without_a_limit_too_many_answers_are_refused_and_not_cut(world: World) -> None:
    for number in range(4):
        sold(world, number)
    filed(world)
    assert len(ask(world, bounds=Bounds(rows=4)).rows) == 4
    with pytest.raises(Invalid, match=r"/to: leaves more answers than one request gives.*take fewer days"):
        ask(world, bounds=Bounds(rows=3))
    found = ask(world, limit=3)
    assert (len(found.rows), len(ask(world, limit=3, cursor=found.next).rows)) == (3, 1)


def test_long_words_end_a_page_before_lambda_ends_the_answer(world: World) -> None:
    for number in range(3):
        sold(world, number, 9, comment="ñ" * 1_000)
    filed(world)
    bounds = Bounds(bytes_=15_000)
    with pytest.raises(Invalid, match="/to"):
        ask(world, bounds=bounds)
    found = ask(world, bounds=bounds, limit=100)
    assert len(found.rows) == 2
    assert len(ask(world, bounds=bounds, limit=100, cursor=found.next).rows) == 1


def test_days_that_are_too_much_for_one_request_end_a_page_or_are_refused(world: World) -> None:
    for number in range(3):
        sold(world, number)
        filed(world)
        world.memory.changes.clear()
        world.wait(DAY)
    one_file, seen, cursor = Bounds(files=1), [], ""
    while cursor is not None:
        found = ask(world, bounds=one_file, limit=100, cursor=cursor)
        seen += [row.day for row in found.rows]
        cursor = found.next  # type: ignore[assignment]  # None ends it
    assert seen == ["2026-03-06", "2026-03-07", "2026-03-08"]
    with pytest.raises(Invalid, match="/to"):
        ask(world, bounds=one_file)
    with pytest.raises(Invalid, match="2026-03-06 alone is too much"):
        ask(world, bounds=Bounds(file_bytes=10), limit=100)


def test_no_more_days_are_read_than_a_page_takes(world: World) -> None:
    for number in range(5):
        sold(world, number)
        filed(world)
        world.memory.changes.clear()
        world.wait(DAY)
    read: list[str] = []

    class Watched:
        def of_days(self, *days: Any) -> Iterable[DayFile]:
            return world_files.of_days(*days)

        def read(self, files: list[DayFile]) -> Iterable[Line]:
            read.extend(each.day for each in files)
            return world_files.read(files)

    world_files = world.ports.day_files
    object.__setattr__(world.ports, "day_files", Watched())
    assert len(ask(world, limit=1).rows) == 1
    assert len(read) == 2


@pytest.mark.parametrize("role", ["agent", "department"])
def test_who_may_not_read_single_answers_gets_none(world: World, role: Any) -> None:
    with pytest.raises(Forbidden):
        ask(world, BRUNO.model_copy(update={"role": role}))


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        ({"from": ["yesterday"]}, "/from"),
        ({"from": ["2026-02-30"]}, "/from"),
        ({"to": ["9999-99-99"]}, "/to"),
        ({"from": ["2026-03-06"], "to": ["2026-03-06"]}, "/from"),
        ({"from": ["2016-01-01"], "to": ["2026-03-06"]}, "/from"),
        ({"format": ["xlsx"]}, "/format"),
        ({"limit": ["0"]}, "/limit"),
        ({"limit": [str(ROWS_MAX + 1)]}, "/limit"),
        ({"limit": ["1"] * 2}, "/limit"),
        ({"cursor": ["abc"]}, "/cursor"),
        ({"cursor": ["é" * 10_000]}, "/cursor"),
        ({"since": ["2026"]}, "/since"),
    ],
)
def test_what_cannot_be_used_is_said_with_what_is_allowed(asked: dict[str, list[str]], where: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_export(asked, TODAY)
    assert [problem.pointer for problem in refused.value.problems] == [where]


def test_the_bounds_themselves_are_taken() -> None:
    assert read_export({"limit": [str(ROWS_MAX)]}, TODAY).limit == ROWS_MAX
    ten_years = read_export({"from": ["2016-03-01"], "to": ["2026-03-09"]}, TODAY)
    assert (ten_years.end - ten_years.first).days == 3_660
    default = read_export({"from": [""], "to": [""]}, TODAY)
    assert (default.first.isoformat(), default.end.isoformat()) == ("2026-02-04", "2026-03-07")


def test_a_cursor_of_other_days_is_refused(world: World) -> None:
    for number in range(2):
        sold(world, number)
    filed(world)
    cursor = ask(world, limit=1).next
    assert cursor
    with pytest.raises(Invalid, match="/cursor"):
        ask(world, from_="2026-01-01", to="2026-02-01", cursor=cursor)


def test_newest_of_nothing_is_nothing() -> None:
    assert newest([]) == []


# To look at


def looked(world: World, bounds: Bounds = LOOK, principal: Principal = CARLA, **asked: Any) -> Looked:
    given = {name.rstrip("_"): [value] for name, value in asked.items()}
    return look(world.ports, given, principal, world.now, bounds)


def test_pages_of_answers_go_back_in_time_and_show_each_answer_once(world: World) -> None:
    ids = []
    for number in range(7):
        ids.append(sold(world, number))
        world.wait(timedelta(hours=9))
    filed(world, batch=5)
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = looked(world, Bounds(rows=2), cursor=cursor)
        assert len(page.rows) <= 2
        seen += [row.id for row in page.rows]
        cursor = page.next
    assert seen == ids[::-1]


def test_a_page_ends_where_it_would_read_too_many_files(world: World) -> None:
    for number in range(3):
        sold(world, number)
        world.wait(DAY)
    filed(world)
    first = looked(world, Bounds(files=1))
    assert [row.reference for row in first.rows] == ["ORD-2"]
    second = looked(world, Bounds(files=1), cursor=first.next or "")
    assert [row.reference for row in second.rows] == ["ORD-1"]


def test_long_words_make_short_pages(world: World) -> None:
    ids = [sold(world, number, comment="ñ" * 1_000) for number in range(3)]
    filed(world)
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = looked(world, Bounds(bytes_=10_000), cursor=cursor)
        assert len(page.rows) == 1
        seen += [row.id for row in page.rows]
        cursor = page.next
    assert sorted(seen) == sorted(ids)


def test_files_are_listed_month_by_month_backwards(world: World) -> None:
    sold(world, 1)
    world.wait(100 * DAY)
    sold(world, 2)
    filed(world)
    assert [row.reference for row in looked(world).rows] == ["ORD-2", "ORD-1"]


def test_a_page_shows_what_its_point_counts(world: World) -> None:
    sold(world, 1, 3, failed="late", kept="no", comment="Llegó tarde")
    sold(world, 2, 9)
    sold(world, 3, 10, kept="yes")
    filed(world)

    def references(**asked: Any) -> list[str]:
        return sorted(row.reference or "" for row in looked(world, **asked).rows)

    everything = ["ORD-1", "ORD-2", "ORD-3"]
    assert references() == references(metric="nps") == references(filter="region:Bogotá") == everything
    assert references(filter="department:logistics", metric="nps") == everything
    assert references(metric="kept_promise") == ["ORD-1", "ORD-3"]
    assert references(metric="sla_met") == ["ORD-1"]
    assert references(metric="csat") == references(filter="department:billing") == []
    assert references(filter="region:Cali") == references(filter="channel:sms") == []


def test_a_corrected_answer_is_shown_as_it_is_now_with_its_words(world: World) -> None:
    id_ = sold(world, 1, 9, comment="bien")
    filed(world)
    world.answer(id_, 2, failed="late", comment="No llegó")
    (row,) = looked(world).rows
    assert (row.rating, row.texts, row.has_case) == (2, {"comment": "No llegó"}, True)


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"from_": "2026-03-07", "to": "2026-03-06"}, "/from"),
        ({"from_": "2024-01-01", "to": "2026-01-01"}, "/from"),
        ({"filter": "planet:mars"}, "/filter"),
        ({"filter": "person:u-7"}, "/filter"),
        ({"filter": "department:sales", "metric": "sla_met"}, "/filter"),
        ({"metric": "response_rate"}, "/metric"),
        ({"metric": "joy", "filter": "department:sales"}, "/metric"),
        ({"cursor": "x"}, "/cursor"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_what_single_answers_cannot_tell_is_refused(world: World, asked: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Invalid) as refusal:
        looked(world, **asked)
    assert [problem.pointer for problem in refusal.value.problems] == [pointer]


@pytest.mark.parametrize("role", ["agent", "department"])
def test_nobody_else_looks_at_single_answers(world: World, role: Role) -> None:
    with pytest.raises(Forbidden):
        looked(world, principal=Principal(id="x", role=role, name="X", department="logistics"))
