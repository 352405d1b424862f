"""Test what a text message costs, against published counts and at every boundary."""

import json
from pathlib import Path

import pytest

from chalicelib.domain.sms import fold, segments, septets

CASES = json.loads((Path(__file__).parents[1] / "vectors" / "sms.json").read_text("utf-8"))["cases"]


def _text(case: dict[str, object]) -> str:
    repeat = case.get("repeat")
    return str(case["text"]) if not isinstance(repeat, list) else str(repeat[0]) * int(repeat[1])


@pytest.mark.parametrize("case", CASES, ids=str)
def test_counts_segments_as_carriers_bill_them(case: dict[str, object]) -> None:
    assert segments(_text(case)) == case["segments"]


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 1), ("a" * 306, 2), ("a" * 307, 3), ("á" * 70, 1), ("á" * 134, 2), ("á" * 135, 3), ("€" * 80, 1)],
)
def test_a_full_part_is_full_and_one_more_begins_another(text: str, count: int) -> None:
    assert segments(text) == count


def test_no_part_ends_in_the_middle_of_a_character() -> None:
    # 153 septets hold 76 euro signs and waste one: 153 of them need three parts, not two.
    assert septets("€" * 153) == 306
    assert segments("€" * 153) == 3
    # 67 units hold 33 emoji and waste one.
    assert segments("😊" * 66) == 2
    assert segments("😊" * 67) == 3


@pytest.mark.parametrize("char", "áíóúãõç😊«")
def test_letters_outside_the_alphabet_are_told(char: str) -> None:
    assert septets(f"hola {char}") is None


@pytest.mark.parametrize("char", "éñÑüÜ¿¡")
def test_what_spanish_has_in_the_alphabet_costs_one(char: str) -> None:
    assert septets(char) == 1


def test_folding_keeps_what_fits_and_plains_what_does_not() -> None:
    assert fold("¿Qué tal la atención, João? — «sí»…") == "¿Qué tal la atencion, Joao? - «si»..."
    assert fold("açaí") == "acai"
    assert fold("😊") == "😊"
