"""What a replay reads of mails, pages and files, before it trusts any of them."""

from pathlib import Path

import pytest

from infra.commands.replay_check import in_file
from infra.commands.screen import Failed
from infra.replay.client import Form, link_in
from infra.replay.digest import Digest
from infra.replay.mapping import load

PROJECT = Path(__file__).resolve().parents[2]
MADE_UP = PROJECT / "tests" / "infra" / "made_up.csv"
MAPPING = PROJECT / "examples" / "replay" / "marketplace.yaml"

HTML = '<a href="http://127.0.0.1:8000/s/AbC-_1/4">4</a> <a href="http://127.0.0.1:8000/s/AbC-_1/5">5</a>'


@pytest.mark.parametrize(
    ("mail", "rating", "path"),
    [
        ({"html": HTML, "text": ""}, "5", "/s/AbC-_1/5"),
        ({"html": HTML, "text": ""}, "3", "/s/AbC-_1"),
        ({"html": "", "text": "Responda:\nhttp://127.0.0.1:8000/s/AbC-_1\n"}, "5", "/s/AbC-_1"),
        ({"html": "<p>Hola</p>", "text": "http://127.0.0.1:8000/u/AbC"}, "5", None),
    ],
)
def test_the_link_for_a_rating_is_found_else_the_plain_one_else_none(
    mail: dict[str, str], rating: str, path: str | None
) -> None:
    assert link_in(mail, rating) == path


def test_a_pages_form_is_read_with_its_hidden_fields_and_no_other_forms() -> None:
    form = Form()
    form.feed(
        '<form method="get"><input name="q"></form><form method="post" action="/s/x"><input type="hidden" name="v"'
        ' value="1"><input type="radio" name="rating" value="5"><textarea name="comment"></textarea></form>'
        '<form method="post" action="/other"><input name="z"></form>'
    )

    assert (form.action, form.hidden, form.names) == ("/s/x", [("v", "1")], {"v", "rating", "comment"})


def test_a_file_is_counted_by_local_months_of_the_answers() -> None:
    replaying = load(MAPPING)
    assert replaying.answer

    found = in_file(MADE_UP, replaying, replaying.answer, ("state", "category"))

    assert found.answers == 5
    assert found.histogram == {1: 1, 2: 1, 3: 1, 4: 1, 5: 1}
    # 00:10 of 1 April is 03:10 in UTC; Wilson's ends of 1 of 4 and of 1 of 1, from a table of them.
    assert found.monthly == {"2024-03": (4, 25.0, 4.558726, 69.935816), "2024-04": (1, 100.0, 20.654931, 100.0)}
    assert set(found.split) == {"state", "category"}
    assert {key: figure[0] for key, figure in found.promised.items()} == {
        (True, "2024-03"): 2,
        (False, "2024-03"): 2,
        (True, "2024-04"): 1,
    }
    assert dict(found.low) == {("o-2", 1): 1, ("o-3", 2): 1}


def test_a_mapping_with_conditions_is_not_compared_wrongly() -> None:
    replaying = load(MAPPING)
    assert replaying.answer
    with_condition = replaying.answer.model_copy(update={"where": {"customer_state": ("SP",)}})

    with pytest.raises(Failed, match="Only a mapping of plain columns, without conditions"):
        in_file(MADE_UP, replaying, with_condition, ())


def test_items_that_changed_came_or_went_are_counted() -> None:
    before = Digest({"a": "1", "b": "1", "c": "1"})

    assert before.differing(before) == 0
    assert before.differing(Digest({"a": "1", "b": "2", "d": "1"})) == 3
