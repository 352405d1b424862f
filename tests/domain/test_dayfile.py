"""Test what day files tell: what analysis needs, one version each, and nothing that leads to a person."""

import json
import random
from datetime import timedelta
from typing import Any

from chalicelib.domain.dayfile import KINDS, ROWS, Line, lines_of, newest, shape_of
from chalicelib.domain.invitation import Invitation
from tests.counting import AT, DELIVERY, answered, anything, asked, company, opened

SHAPE = shape_of(company())
SECRETS: dict[str, Any] = {
    "reference": "ORD-SECRET-1",
    "event_id": "EVT-SECRET-2",
    "address": "addr-secret-3",
    "domain": "secret-4.example",
    "carrier_id": "carrier-secret-5",
    "customer": "customer-secret-6",
    "rule": "the carrier refused it: lucia-secret-7@example.com",
    "attributes": {"region": "Bogotá", "notes": "Lucía secret-8"},
}


def told(item: Invitation | None, before: Invitation | None = None) -> dict[str, Line]:
    return {line.kind: line for line in lines_of(before, item, SHAPE)}


def test_an_answer_tells_its_ratings_and_choices_under_the_local_day_of_its_first_confirmation() -> None:
    at = AT.replace(hour=4)  # 23:00 of the day before in Bogotá
    item = answered(3, ratings={"delivery": 2}, choices={"failed": ("late",)}, texts={"comment": "Tarde"}, at=at)
    line = told(item)["responses"]
    row = json.loads(line.text)
    assert line.day == "2026-03-05"
    assert (row["rating"], row["ratings"], row["choices"]) == (3, {"delivery": 2}, {"failed": ["late"]})
    assert (row["schema_version"], row["has_words"], row["id"], row["version"]) == (1, True, "i-1", 1)
    assert row["attributes"] == {"region": "Bogotá"}


def test_nothing_that_leads_to_a_person_is_in_any_line() -> None:
    item = answered(3, texts={"comment": "secret-9"}, **SECRETS)
    case = opened(reference="ORD-SECRET-1", action="secret-10", root_cause="secret-11", mended_words="secret-12")
    case = case.model_copy(update={"customer": "customer-secret-6", "attributes": SECRETS["attributes"]})
    case = case.model_copy(update={"why": case.why.model_copy(update={"text": "the words say: secret-13"})})
    text = "".join(line.text for each in (item, case) for line in lines_of(None, each, SHAPE)).lower()
    assert "secret" not in text
    assert not any(name in text for name in ("marta", "ana", "u-7"))


def test_a_root_cause_of_the_organisations_list_is_told() -> None:
    shape = SHAPE.__class__(SHAPE.zone, SHAPE.attributes, frozenset({"wrong_pick"}))
    (line,) = lines_of(None, opened(root_cause="wrong_pick"), shape)
    assert json.loads(line.text)["root_cause"] == "wrong_pick"


def test_what_is_only_planned_and_what_is_a_trial_is_not_told() -> None:
    assert not told(asked(state="scheduled", sent_at=None))
    assert set(told(answered(9, trial=True))) == {"kept"}  # its address goes with time, as any
    assert set(told(asked())) == {"decisions", "events", "kept"}
    assert set(told(asked(state="skipped", reason="resting"))) == {"decisions", "events", "kept"}


def test_a_write_that_changes_no_field_of_a_line_tells_nothing() -> None:
    before = answered(9)
    viewed = before.moved(viewed=(9,))
    assert not told(viewed, before)
    assert set(told(before.moved(erased=True), before)) == {"responses", "decisions", "events"}
    assert set(told(before.moved(promises=(DELIVERY,)), before)) == {"decisions", "events"}


def test_a_new_generation_tells_everything_again() -> None:
    before = answered(9)
    assert set(told(before.moved(generation=1), before)) == {"responses", "decisions", "events"}


def test_the_highest_version_of_each_id_is_kept_whatever_the_order() -> None:
    lines = [Line("responses", "2026-03-06", f"i-{n % 5}", n, str(n)) for n in range(50)]
    random.Random(1).shuffle(lines)
    assert [line.version for line in newest(lines)] == [45, 46, 47, 48, 49]
    assert newest([*lines, *lines]) == newest(lines)


def test_whatever_happens_to_an_item_the_last_lines_tell_what_it_is_now() -> None:
    for seed in range(200):
        chance = random.Random(seed)
        history = [anything(chance, "i-1") for _ in range(1)]
        if not isinstance(history[0], Invitation):
            continue
        items = [history[0]]
        for _ in range(5):
            other = anything(chance, "i-1")
            if isinstance(other, Invitation):
                changed = other.model_copy(update={"version": items[-1].version + 1})
                items.append(changed.model_copy(update={"first_confirmed_at": items[0].first_confirmed_at}))
        lines = [line for old, new in zip([None, *items], items, strict=False) for line in lines_of(old, new, SHAPE)]
        chance.shuffle(lines)
        last = {line.kind: line for line in newest([*lines, *lines])}
        for now in lines_of(None, items[-1], SHAPE):
            kept, wanted = json.loads(last[now.kind].text), json.loads(now.text)
            assert kept | {"version": 0} == wanted | {"version": 0}


def test_every_kind_has_its_row() -> None:
    assert set(ROWS) == set(KINDS)


def test_a_case_tells_both_promises_and_who_led_it_how_long() -> None:
    (line,) = lines_of(None, opened(spent={"sales": 60.0, "logistics": 30.5}, handoffs=1, revision=4), SHAPE)
    row = json.loads(line.text)
    assert (line.kind, line.version, row["moves"]) == ("cases", 4, 1)
    assert row["seconds_led"] == {"sales": 60.0, "logistics": 30.5}
    assert row["resolve_by"] == (AT + timedelta(hours=16)).isoformat().replace("+00:00", "Z")


def test_an_event_is_told_once_by_the_record_that_carries_its_promises() -> None:
    row = json.loads(told(asked(promises=(DELIVERY,), programs=("after-sale", "use")))["events"].text)
    assert (row["source"], row["programs"], row["promises"][0]["kind"]) == ("/crm", ["after-sale", "use"], "delivery")
    assert "events" not in told(asked(primary=False))
