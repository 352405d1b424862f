"""A stage moves into another: links open, timers go on, and nobody is asked or told anything twice."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from infra import items
from infra.local.system import LocalSystem
from tests.story.company import Company, Json, link_in
from tests.story.test_redrive import infra
from tests.story.test_secrets import refused

pytestmark = pytest.mark.embedded

ANA, LUIS = "ana@example.com", "luis@example.com"


@pytest.fixture
def lived(company: Company) -> Company:
    """One customer was let down and has a case; one has not answered yet; one wants no more."""
    company.sell("ORD-1")
    company.sell("ORD-2", customer={"id": "c-2", "email": LUIS})
    company.sell("ORD-3", customer={"id": "c-3", "email": "sara@example.com"})
    company.later("PT4H")
    company.press(link_in(company.mail(ANA), "/s/"), rating="2")
    company.press(link_in(company.mail("sara@example.com"), "/u/"))
    company.settle()
    return company


@pytest.fixture
def moved(lived: Company, lazo: LocalSystem, tmp_path: Path) -> Company:
    """The same company in a stage that began empty."""
    at, file = lived.now(), tmp_path / "stage.jsonl.gz"
    infra(lazo, "export", "--everything", "--out", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    lazo.rewind()
    company = Company.of(lazo)
    company.move_to(at)
    told = infra(lazo, "import", str(file), "--take-over")
    assert told["items"] > told["there"]
    return company


def stored(lazo: LocalSystem) -> dict[tuple[str, str], Json]:
    """Return what a stage holds, by key, however it came there."""
    bare = ({name: value for name, value in image.items() if name != "imported"} for image in items.whole())
    return {(image["pk"]["S"], image["sk"]["S"]): image for image in bare}


def test_all_that_was_kept_is_kept_and_a_second_import_changes_nothing(
    lived: Company, lazo: LocalSystem, tmp_path: Path
) -> None:
    before, at, file = stored(lazo), lived.now(), str(tmp_path / "stage.jsonl.gz")
    counted = lived.api("leadership", "trends?metric=nps").json["series"]
    infra(lazo, "export", "--everything", "--out", file)
    lazo.rewind()
    Company.of(lazo).move_to(at)
    infra(lazo, "import", file, "--take-over")
    assert stored(lazo) == before
    assert infra(lazo, "reconcile")["differences"] == 0
    assert lived.api("leadership", "trends?metric=nps").json["series"] == counted != []
    again = infra(lazo, "import", file, "--take-over")
    assert again["there"] > 0
    assert stored(lazo) == before


def test_what_was_told_is_not_told_again_and_what_comes_next_is(moved: Company, lazo: LocalSystem) -> None:
    assert moved.messages() == []
    (case,) = moved.cases()
    moved.move("admin", case, "acknowledge")
    moved.settle()
    kinds = [json.loads(each["text"])["type"] for each in moved.messages(channel="webhook")]
    assert set(kinds) <= {"case.moved"}


def test_the_reminder_that_was_planned_leaves_and_an_old_event_asks_nobody_again(
    moved: Company, lazo: LocalSystem
) -> None:
    moved.sell("ORD-2", customer={"id": "c-2", "email": LUIS})
    moved.sell("ORD-9", customer={"id": "c-3", "email": "sara@example.com"})
    moved.later("P8D")
    assert len(moved.messages(LUIS)) == 1
    assert moved.messages("sara@example.com") == []
    assert {each["to"] for each in moved.messages()} - {LUIS} != set()  # the case's promises go on: its head is told


def test_a_stage_that_may_still_send_is_not_taken_over_unasked(lazo: LocalSystem, tmp_path: Path) -> None:
    assert "Stop that stage first" in refused(lazo, "import", str(tmp_path / "f.gz"))


def cut(lines: list[str]) -> list[str]:
    return lines[:-1]


def short(lines: list[str]) -> list[str]:
    return [lines[0], *lines[2:]]


def garbled(lines: list[str]) -> list[str]:
    return [lines[0], "{", *lines[1:]]


def foreign(lines: list[str]) -> list[str]:
    return [json.dumps({**json.loads(lines[0]), "root": "0" * 16}), *lines[1:]]


def other(lines: list[str]) -> list[str]:
    return ["{}", *lines[1:]]


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (cut, "without saying that it is whole"),
        (short, "without saying that it is whole"),
        (garbled, ":2: not JSON"),
        (foreign, "does not have the root"),
        (other, ":1: not what `export --everything`"),
    ],
)
def test_a_file_that_is_not_whole_or_not_ours_changes_nothing(
    company: Company, lazo: LocalSystem, tmp_path: Path, spoil: Callable[[list[str]], list[str]], why: str
) -> None:
    file = tmp_path / "stage.jsonl.gz"
    infra(lazo, "export", "--everything", "--out", str(file))
    lines = gzip.decompress(file.read_bytes()).decode().splitlines()
    file.write_bytes(gzip.compress("\n".join(spoil(lines)).encode()))
    before = stored(lazo)
    assert why in refused(lazo, "import", str(file), "--take-over")
    assert stored(lazo) == before


def test_a_file_that_breaks_off_or_is_no_archive_is_said_to_be_so(
    company: Company, lazo: LocalSystem, tmp_path: Path
) -> None:
    file = tmp_path / "stage.jsonl.gz"
    infra(lazo, "export", "--everything", "--out", str(file))
    file.write_bytes(file.read_bytes()[:-20])
    assert "cannot be read to its end" in refused(lazo, "import", str(file), "--take-over")
    file.write_text("no archive")
    assert "cannot be read to its end" in refused(lazo, "import", str(file), "--take-over")
