"""What a form says, and what an answer changes."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.invitation import Answer, Invitation
from chalicelib.domain.response import (
    CONFIRM_AFTER,
    OFF_SCALE,
    Recorded,
    confirm,
    read_form,
    respond,
    seen_in,
    sent_from,
    settle,
    spelled_out,
    viewed,
)
from chalicelib.errors import Problem
from tests.domain.cast import DAY, FRIDAY_1630, HOUR, NPS
from tests.domain.test_invitation import planned


def asked(**more: Any) -> Invitation:
    return planned(state="sent", send_at=None, sent_at=FRIDAY_1630, closes_at=FRIDAY_1630 + 14 * DAY, **more)


def answer(rating: int, how: Any = "button", **more: Any) -> Answer:
    return Answer(rating=rating, at=FRIDAY_1630, how=how, **more)


def codes(form: dict[str, list[str]]) -> dict[str, str]:
    return {each.pointer: each.detail for each in read_form(NPS, form).problems}


def done(recorded: Recorded | None) -> Recorded:
    assert recorded is not None
    return recorded


def test_only_the_rating_is_needed() -> None:
    filled = read_form(NPS, {"rating": ["9"]})
    assert (filled.rating, filled.problems) == (9, ())
    assert codes({}) == {"/rating": "missing"}
    assert codes({"rating": [" "]}) == {"/rating": "missing"}


@pytest.mark.parametrize("given", ["11", "-1", "99", "nine", "9.0", "\uff19", "1e1", "0x9", "9" * 50, "\u0669"])
def test_a_rating_off_the_scale_is_a_problem_beside_its_field(given: str) -> None:
    assert codes({"rating": [given]}) == {"/rating": "off_scale"}


def test_a_program_is_told_what_would_be_right() -> None:
    form = {"rating": ["2"], "delivery": ["6"], "failed": ["rain"], "kept": ["maybe"], "comment": ["x" * 5001]}
    told = {each.pointer: spelled_out(each, NPS) for each in read_form(NPS, form).problems}
    assert told["/delivery"] == "is not a whole number from 1 to 5"
    assert told["/failed"].startswith("is not among ")
    assert told["/kept"] == "is not one of yes, no"
    assert told["/comment"] == "has more than 5000 characters"
    assert spelled_out(Problem("/rating", "missing"), NPS) == "is missing: a whole number from 0 to 10"


@pytest.mark.parametrize("given", ["0", "10", "7"])
def test_both_ends_of_the_scale_are_ratings(given: str) -> None:
    assert read_form(NPS, {"rating": [given]}).rating == int(given)


def test_everything_that_is_asked_is_read() -> None:
    form = {
        "rating": ["2"],
        "failed": ["late", "invoice"],
        "delivery": ["1"],
        "kept": ["no"],
        "worth": ["yes"],
        "comment": ["  Llegó tarde\r\ny roto \x00"],
    }
    filled = read_form(NPS, form)
    assert filled.problems == ()
    assert filled.choices == {"failed": ("late", "invoice"), "kept": ("no",), "worth": ("yes",)}
    assert filled.ratings == {"delivery": 1}
    assert filled.texts == {"comment": "Llegó tarde\ny roto"}


def test_a_question_for_low_ratings_is_not_for_high_ones() -> None:
    assert read_form(NPS, {"rating": ["6"], "failed": ["late"]}).choices == {"failed": ("late",)}
    assert read_form(NPS, {"rating": ["7"], "failed": ["late"]}).choices == {}


def test_a_text_that_is_too_long_is_kept_and_named() -> None:
    words = "x" * 100_000
    filled = read_form(NPS, {"rating": ["5"], "comment": [words]})
    assert [(each.pointer, each.detail) for each in filled.problems] == [("/comment", "too_long")]
    assert filled.texts["comment"] == words
    assert read_form(NPS, {"rating": ["5"], "comment": ["x" * 5000]}).problems == ()


def test_emoji_stay_whole() -> None:
    assert read_form(NPS, {"rating": ["9"], "comment": ["👩‍👧 ❤️ ñ"]}).texts == {"comment": "👩‍👧 ❤️ ñ"}


@pytest.mark.parametrize(
    ("field", "given", "code"),
    [
        ("failed", ["rudeness"], "not_an_option"),
        ("kept", ["maybe"], "not_an_option"),
        ("kept", ["yes", "no"], "not_an_option"),
        ("delivery", ["6"], "off_scale"),
        ("delivery", ["0"], "off_scale"),
    ],
)
def test_an_answer_that_was_not_offered_is_a_problem(field: str, given: list[str], code: str) -> None:
    assert codes({"rating": ["3"], field: given}) == {f"/{field}": code}


def test_unknown_fields_are_ignored() -> None:
    assert read_form(NPS, {"rating": ["3"], "admin": ["1"]}).problems == ()


def test_a_press_confirms_at_once() -> None:
    recorded = done(respond(asked(), NPS, answer(9), vouched=True, now=FRIDAY_1630))
    assert recorded.confirmed
    assert recorded.next.confirmed == answer(9)
    assert recorded.next.first_confirmed_at == FRIDAY_1630


@pytest.mark.parametrize(("rating", "opens"), [(6, True), (7, False)])
def test_six_opens_a_case_and_seven_does_not(rating: int, opens: bool) -> None:
    recorded = done(respond(asked(), NPS, answer(rating), vouched=True, now=FRIDAY_1630))
    assert (recorded.opens_case, recorded.next.has_case) == (opens, opens)


def test_a_trial_never_opens_a_case() -> None:
    recorded = done(respond(asked(trial=True), NPS, answer(0), vouched=True, now=FRIDAY_1630))
    assert not recorded.opens_case


def test_what_nobody_vouched_for_waits_two_minutes() -> None:
    waiting = done(respond(asked(), NPS, answer(2, "automatic"), vouched=False, now=FRIDAY_1630)).next
    assert (waiting.confirmed, waiting.has_case, waiting.due_at) == (None, False, FRIDAY_1630 + CONFIRM_AFTER)
    assert settle(waiting, NPS, FRIDAY_1630 + timedelta(seconds=119)) is None
    settled = done(settle(waiting, NPS, FRIDAY_1630 + timedelta(seconds=120)))
    assert settled.opens_case
    assert settled.next.confirmed == answer(2, "automatic")


@pytest.mark.parametrize("ratings", [[9, 2], [OFF_SCALE]])
def test_a_machine_that_gave_itself_away_is_not_counted(ratings: list[int]) -> None:
    waiting = done(respond(asked(), NPS, answer(2, "automatic"), vouched=False, now=FRIDAY_1630)).next
    for rating in ratings:
        waiting = viewed(waiting, [rating]) or waiting
    settled = done(settle(waiting, NPS, FRIDAY_1630 + HOUR))
    assert (settled.confirmed, settled.opens_case, settled.next.unconfirmed) == (False, False, True)
    pressed = done(respond(settled.next, NPS, answer(2), vouched=True, now=FRIDAY_1630 + HOUR))
    assert (pressed.opens_case, pressed.next.unconfirmed) == (True, False)


def test_the_same_view_again_tells_nothing_new() -> None:
    once = viewed(asked(), [9])
    assert once is not None
    assert viewed(once, [9]) is None
    assert viewed(once, [None]) is None
    assert not once.is_scanned


def test_a_confirmed_answer_stands_beside_one_that_waits() -> None:
    first = done(respond(asked(), NPS, answer(9), vouched=True, now=FRIDAY_1630)).next
    beside = done(respond(first, NPS, answer(1, "unvouched"), vouched=False, now=FRIDAY_1630)).next
    assert beside.confirmed == answer(9)
    assert beside.due_at == FRIDAY_1630 + CONFIRM_AFTER


def test_a_correction_keeps_the_first_day_and_the_one_case() -> None:
    low = done(respond(asked(), NPS, answer(3), vouched=True, now=FRIDAY_1630)).next
    high = done(respond(low, NPS, answer(10), vouched=True, now=FRIDAY_1630 + DAY))
    assert (high.opens_case, high.corrects_case, high.next.has_case) == (False, True, True)
    assert high.next.first_confirmed_at == FRIDAY_1630
    again = done(respond(high.next, NPS, answer(0), vouched=True, now=FRIDAY_1630 + DAY))
    assert (again.opens_case, again.corrects_case) == (False, True)


def test_the_same_answer_again_changes_nothing() -> None:
    once = done(respond(asked(), NPS, answer(9), vouched=True, now=FRIDAY_1630)).next
    assert respond(once, NPS, answer(9), vouched=True, now=FRIDAY_1630 + HOUR) is None


def test_an_answer_ends_the_reminder() -> None:
    reminded = asked(remind_at=FRIDAY_1630 + 3 * DAY)
    assert confirm(reminded, NPS, answer(9), FRIDAY_1630).next.due_at is None


def test_a_form_brings_the_view_it_was_sent_from_so_that_its_note_has_nothing_left_to_write() -> None:
    seen = sent_from(asked(), 9)
    assert (seen.viewed, seen.version) == ((9,), asked().version)
    assert viewed(seen, [9, None]) is None
    assert sent_from(seen, 9) is seen
    assert sent_from(seen, None) is seen


def test_views_that_come_together_are_one_change() -> None:
    noted = viewed(asked(), [9, 3, 9, OFF_SCALE, None])
    assert noted is not None
    assert (noted.viewed, noted.trapped, noted.version) == ((3, 9), True, asked().version + 1)


@pytest.mark.parametrize(("said", "seen"), [("9", 9), ("0", 0), ("99", None), ("", None), ("nine", None), ("09", None)])
def test_a_form_can_only_say_that_it_saw_a_rating_of_the_scale(said: str, seen: int | None) -> None:
    assert seen_in(NPS, {"_seen": [said]}) == seen
    assert seen_in(NPS, {}) is None


def test_a_survey_of_other_words_is_another_version() -> None:
    known = NPS.version
    assert NPS.model_copy(update={"title": {"es": "Otra"}}).version != known == NPS.version
