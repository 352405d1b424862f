"""What every store of cases promises."""

from datetime import datetime

import pytest

from chalicelib.domain.case import Notice
from chalicelib.domain.digest import Digest, Line
from chalicelib.domain.incident import Incident, Noted
from chalicelib.domain.weekly import Weekly
from chalicelib.errors import Conflict, Invalid
from chalicelib.ports import CaseList, DueKey, Page
from tests.contract.cast import HOUR, NOW, answered, case, entry, id_of, invitation, next_of
from tests.contract.subject import Subject


def opened(kept: Subject, number: int, **changes: object) -> None:
    """Write an invitation and its case."""
    kept.invitations.create(invitation(number))
    kept.invitations.save_with_case(answered(invitation(number)), case(number, **changes), entry())


def pages(kept: Subject, which: CaseList, limit: int, department: str = "logistics") -> list[list[str]]:
    """Return the ids of a whole list, page by page."""
    found: list[list[str]] = []
    page = Page((), None)
    while page.next or not found:
        page = kept.cases.page(department, which, limit=limit, cursor=page.next)
        found.append([each.id for each in page.cases])
        assert len(found) < 100
    return found


def test_an_unknown_case_is_none_and_has_no_timeline(kept: Subject) -> None:
    assert kept.cases.get(id_of(404)) is None
    assert kept.cases.timeline(id_of(404)) == ()


def test_a_move_is_written_with_its_line(kept: Subject) -> None:
    opened(kept, 1)
    moved = next_of(case(), version=2, state="acknowledged", acknowledged_at=NOW + 2 * HOUR)
    kept.cases.save(moved, entry(2, move="acknowledge", to_state="acknowledged"))
    assert kept.cases.get(moved.id) == moved
    assert [line.move for line in kept.cases.timeline(moved.id)] == ["opened", "acknowledge"]


def test_an_alert_is_written_without_a_line(kept: Subject) -> None:
    opened(kept, 1)
    told = next_of(case(), notices=())
    kept.cases.save(told)
    assert kept.cases.get(told.id) == told
    assert len(kept.cases.timeline(told.id)) == 1


@pytest.mark.parametrize("line", [None, entry(2)])
@pytest.mark.parametrize("revision", [1, 3])
def test_a_revision_out_of_turn_is_a_conflict(kept: Subject, revision: int, line: object) -> None:
    opened(kept, 1)
    with pytest.raises(Conflict):
        kept.cases.save(case(revision=revision, rating=5), entry(2) if line else None)
    assert kept.cases.get(id_of(1)) == case()
    assert len(kept.cases.timeline(id_of(1))) == 1


def test_of_two_moves_one_loses_and_leaves_no_line(kept: Subject) -> None:
    opened(kept, 1)
    kept.cases.save(next_of(case(), version=2), entry(2, by="bruno"))
    with pytest.raises(Conflict):
        kept.cases.save(next_of(case(), version=2), entry(2, by="carla"))
    assert [line.by for line in kept.cases.timeline(id_of(1))] == ["customer", "bruno"]


def test_a_timeline_is_in_order_however_long(kept: Subject) -> None:
    opened(kept, 1)
    current = case()
    for version in range(2, 13):
        current = next_of(current, version=version)
        kept.cases.save(current, entry(version))
    assert [line.version for line in kept.cases.timeline(current.id)] == list(range(1, 13))


def test_the_last_lines_of_several_timelines_come_together_and_in_order(kept: Subject) -> None:
    opened(kept, 1)
    opened(kept, 2)
    current = case()
    for version in range(2, 6):
        current = next_of(current, version=version)
        kept.cases.save(current, entry(version))
    other = kept.cases.get(id_of(2))
    assert other is not None
    found = kept.cases.latest_entries([current, other], 3)
    assert {id_: [line.version for line in lines] for id_, lines in found.items()} == {
        id_of(1): [3, 4, 5],
        id_of(2): [1],
    }
    assert kept.cases.latest_entries([], 3) == {}


def test_open_cases_come_by_their_promise(kept: Subject) -> None:
    for number, hours in ((1, 30), (2, 10), (3, 20)):
        opened(kept, number, resolve_by=NOW + hours * HOUR)
    assert pages(kept, "open", 50) == [[id_of(2), id_of(3), id_of(1)]]


def test_resolved_cases_come_latest_first(kept: Subject) -> None:
    for number, hours in ((1, 30), (2, 10), (3, 20)):
        opened(kept, number, state="resolved", resolved_at=NOW + hours * HOUR)
    assert pages(kept, "resolved", 50) == [[id_of(1), id_of(3), id_of(2)]]
    assert pages(kept, "open", 50) == [[]]


@pytest.mark.parametrize(("limit", "sizes"), [(1, [1] * 6), (2, [2, 2, 2]), (4, [4, 2]), (6, [6]), (7, [6])])
@pytest.mark.parametrize("which", ["open", "resolved"])
def test_pages_hold_every_case_once(kept: Subject, which: CaseList, limit: int, sizes: list[int]) -> None:
    resolved = {"state": "resolved", "resolved_at": NOW} if which == "resolved" else {}
    for number in range(6):  # all at the same instant: the id decides
        opened(kept, number, **resolved)
    found = pages(kept, which, limit)
    assert [len(page) for page in found] == sizes
    assert sorted(id_ for page in found for id_ in page) == sorted(id_of(number) for number in range(6))


def test_a_page_of_more_than_a_hundred_is_whole(kept: Subject) -> None:
    for number in range(120):
        opened(kept, number, resolve_by=NOW + number * HOUR)
    assert pages(kept, "open", 200) == [[id_of(number) for number in range(120)]]


def test_a_case_is_in_the_list_of_its_lead_alone(kept: Subject) -> None:
    opened(kept, 1)
    assert pages(kept, "open", 50, "sales") == [[]]
    kept.cases.save(next_of(case(), department="sales"))
    assert pages(kept, "open", 50, "sales") == [[id_of(1)]]
    assert pages(kept, "open", 50, "logistics") == [[]]


def test_a_case_moves_between_the_lists(kept: Subject) -> None:
    opened(kept, 1)
    resolved = next_of(case(), state="resolved", resolved_at=NOW + 3 * HOUR)
    kept.cases.save(resolved)
    assert (pages(kept, "open", 50), pages(kept, "resolved", 50)) == ([[]], [[id_of(1)]])
    kept.cases.save(next_of(resolved, state="open", resolved_at=None))
    assert (pages(kept, "open", 50), pages(kept, "resolved", 50)) == ([[id_of(1)]], [[]])


def test_a_cursor_of_another_list_is_invalid(kept: Subject) -> None:
    for number in range(3):
        opened(kept, number)
    cursor = kept.cases.page("logistics", "open", limit=1, cursor=None).next
    assert cursor is not None
    for department, which in (("sales", "open"), ("logistics", "resolved")):
        with pytest.raises(Invalid, match="/cursor"):
            kept.cases.page(department, which, limit=1, cursor=cursor)  # type: ignore[arg-type]  # both are lists


NEVER_GIVEN = ("x", "bm9uc2Vuc2U", "WzEsMiwzXQ", "e30", "W10", "ñ", "=", "A" * 5_000, "W" * 400, "\x00")


@pytest.mark.parametrize("cursor", NEVER_GIVEN)
def test_a_cursor_that_was_never_given_is_invalid(kept: Subject, cursor: str) -> None:
    with pytest.raises(Invalid, match="/cursor"):
        kept.cases.page("logistics", "open", limit=1, cursor=cursor)


def test_a_forgotten_timeline_says_when_and_who_but_no_words(kept: Subject) -> None:
    opened(kept, 1)
    kept.cases.save(next_of(case(), version=2), entry(2, by="bruno", text="la señora vive en la calle 12"))
    kept.cases.forget(id_of(1))
    assert kept.cases.timeline(id_of(1)) == (entry(1, text=""), entry(2, by="bruno", text=""))
    kept.cases.forget(id_of(404))
    assert kept.cases.timeline(id_of(404)) == ()


DEPARTMENTS = ("logistics", "sales", "billing")


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 9, 50])
@pytest.mark.parametrize("which", ["open", "resolved"])
def test_the_cases_of_several_departments_come_in_one_order(kept: Subject, which: CaseList, limit: int) -> None:
    for number in range(9):  # some at the same instant: the id decides
        at = NOW + (number // 2) * HOUR
        changes = {"state": "resolved", "resolved_at": at} if which == "resolved" else {"resolve_by": at}
        opened(kept, number, department=DEPARTMENTS[number % 3], **changes)
    opened(kept, 99, department="reception")
    found: list[str] = []
    page = Page((), None)
    while page.next or not found:
        page = kept.cases.page_of_all(DEPARTMENTS, which, limit=limit, cursor=page.next)
        assert len(page.cases) <= limit
        found += [each.id for each in page.cases]
    expected = sorted(((number // 2), id_of(number)) for number in range(9))
    if which == "resolved":
        expected.reverse()
    assert found == [id_ for _, id_ in expected]


def test_a_cursor_of_all_departments_is_none_of_one(kept: Subject) -> None:
    for number in range(3):
        opened(kept, number)
    of_all = kept.cases.page_of_all(DEPARTMENTS, "open", limit=1, cursor=None).next
    of_one = kept.cases.page("logistics", "open", limit=1, cursor=None).next
    assert of_all
    assert of_one
    with pytest.raises(Invalid, match="/cursor"):
        kept.cases.page("logistics", "open", limit=1, cursor=of_all)
    with pytest.raises(Invalid, match="/cursor"):
        kept.cases.page_of_all(DEPARTMENTS, "open", limit=1, cursor=of_one)


def test_a_digest_is_due_while_something_waits_and_of_two_writers_one_loses(kept: Subject) -> None:
    line = Line(case=id_of(1), notice=Notice(kind="opened", department="logistics", at=NOW))
    first = Digest(id="logistics:head", version=1, quiet_until=NOW + HOUR, waiting=(line,))
    assert kept.cases.digest(first.id) is None
    kept.cases.save_digest(first)
    assert kept.cases.digest(first.id) == first
    assert list(kept.timers.due(NOW, 10)) == []
    assert list(kept.timers.due(NOW + HOUR, 10)) == [DueKey("digest", first.id)]
    with pytest.raises(Conflict):
        kept.cases.save_digest(first)
    kept.cases.save_digest(first.model_copy(update={"version": 2, "waiting": ()}))
    assert list(kept.timers.due(NOW + HOUR, 10)) == []


def test_a_weekly_mail_is_due_on_its_day_and_of_two_writers_one_loses(kept: Subject) -> None:
    first = Weekly(id="logistics:head", version=1, due=NOW + HOUR)
    assert kept.cases.weekly(first.id) is None
    kept.cases.save_weekly(first)
    assert kept.cases.weekly(first.id) == first
    assert list(kept.timers.due(NOW, 10)) == []
    assert list(kept.timers.due(NOW + HOUR, 10)) == [DueKey("weekly", first.id)]
    with pytest.raises(Conflict):
        kept.cases.save_weekly(first)
    kept.cases.save_weekly(first.model_copy(update={"version": 2, "due": None}))
    assert list(kept.timers.due(NOW + HOUR, 10)) == []


def test_what_is_noted_under_a_name_is_there_once_in_order_of_time(kept: Subject) -> None:
    for number, at in ((3, NOW + HOUR), (1, NOW), (2, NOW), (1, NOW), (4, NOW + 2 * HOUR)):
        kept.cases.note("driver:late#1", Noted(at=at, id=id_of(number)))
    kept.cases.note("driver:late", Noted(at=NOW, id=id_of(9)))

    def noted(first: datetime, last: datetime, limit: int = 10, *, latest_first: bool = False) -> list[str]:
        found = kept.cases.noted("driver:late#1", first, last, limit=limit, latest_first=latest_first)
        return [each.id for each in found]

    together = sorted([id_of(1), id_of(2)])
    assert noted(NOW, NOW + HOUR) == [*together, id_of(3)]
    assert noted(NOW, NOW + 3 * HOUR, 2) == together
    assert noted(NOW, NOW + 3 * HOUR, 2, latest_first=True) == [id_of(4), id_of(3)]
    assert noted(NOW + HOUR, NOW + HOUR) == [id_of(3)]
    assert kept.cases.noted("driver:none", NOW, NOW, limit=1) == ()
    assert kept.cases.noted("driver:late#1", NOW + HOUR, NOW + HOUR, limit=1)[0].at == NOW + HOUR
    for _ in range(2):
        kept.cases.strike("driver:late#1", Noted(at=NOW + HOUR, id=id_of(3)))
    assert noted(NOW, NOW + HOUR) == together


def test_of_two_who_open_an_incident_one_loses(kept: Subject) -> None:
    first = Incident(id="late", since=NOW, opened_at=NOW + HOUR, department="logistics", survey="purchase")
    assert kept.cases.incidents(["late", "rude"]) == {}
    kept.cases.save_incident(first)
    with pytest.raises(Conflict):
        kept.cases.save_incident(first)
    told = first.model_copy(update={"version": 2, "told_at": NOW + HOUR})
    kept.cases.save_incident(told)
    assert kept.cases.incidents(["late", "rude"]) == {"late": told}


def test_several_cases_are_read_at_once(kept: Subject) -> None:
    opened(kept, 1)
    opened(kept, 2, id=id_of(2))
    assert set(kept.cases.get_many([id_of(1), id_of(2), id_of(404)])) == {id_of(1), id_of(2)}
